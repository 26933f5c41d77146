from dataclasses import dataclass, field

from pyairtable import Api, Table


def runs_table() -> Table:
    return Api("pat").table("app", "Client Run Results")


@dataclass
class JobContext:
    client: str
    runs: Table = field(default_factory=runs_table)
    clients: Table = field(default_factory=lambda: Api("pat").table("app", "Clients"))
    notes: list = field(default_factory=list)

    def begin(self, run_id: str) -> str:
        record = self.runs.create({"Run ID": run_id, "Client": self.client})  # expect: creation
        self.notes.append(record["id"])
        return record["id"]

    def finish(self, record_id: str) -> None:
        self.runs.update(record_id, {"Status": "Completed"})  # expect: update
        self.clients.update(self.client, {"Last run": record_id})  # expect: update@Clients


def work(client: str, run_id: str) -> None:
    context = JobContext(client)
    record_id = context.begin(run_id)  # expect: creating-wrapper
    context.finish(record_id)  # expect: updating-wrapper, updating-wrapper@Clients
