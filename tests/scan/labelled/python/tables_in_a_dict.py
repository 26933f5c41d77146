from dataclasses import dataclass, field

from pyairtable import Api, Table

api = Api("pat")


def _runs() -> Table:
    return api.table("app", "Client Run Results")


@dataclass
class Stores:
    runs: Table = field(default_factory=_runs)


class Gateway:
    def __init__(self):
        self.tables = {name: None for name in ()}
        self.tables["runs"] = api.table("app", "Client Run Results")
        self.tables["clients"] = api.table("app", "Clients")

    def add_run(self, fields):
        return self.tables["runs"].create(fields)  # expect: creation

    def add_client(self, fields):
        return self.tables["clients"].create(fields)  # expect: creation@Clients


def end(stores: Stores, record_id: str) -> None:
    stores.runs.update(record_id, {"Status": "Completed"})  # expect: update


def begin(fields):
    return getattr(_runs(), "create")(fields)  # expect: creation
