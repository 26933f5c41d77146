from dataclasses import dataclass

from pyairtable import Api


@dataclass(frozen=True)
class RunStarted:
    run_id: str


@dataclass(frozen=True)
class RunFinished:
    record_id: str


TABLE = Api("pat").base("app").table("Client Run Results")


def on_started(event: RunStarted):
    return TABLE.create({"Run ID": event.run_id})  # expect: creation


def on_finished(event: RunFinished):
    TABLE.update(event.record_id, {"Status": "Completed"})  # expect: update


def also_on_finished(event):
    print("finished", event)


HANDLERS = {RunStarted: [on_started], RunFinished: [on_finished, also_on_finished]}


def publish_start(run_id):
    on_started(RunStarted(run_id))  # expect: creating-wrapper


def rename(old, new):
    for row in TABLE.all(formula=f"{{Client}}='{old}'"):
        TABLE.update(row["id"], {"Client": new})  # expect: update
