from __future__ import annotations

from pyairtable import Api, Table
from pyairtable.formulas import match

from . import settings
from .settings import TABLE_OF_RUNS

_api = Api(settings.AIRTABLE_KEY)


def runs() -> Table:
    return _api.table(settings.BASE_ID, TABLE_OF_RUNS)


def find_run(run_id: str, client_id: str) -> dict | None:
    return runs().first(formula=match({"Run ID": run_id, "Client ID": client_id}))


def start_run(run_id: str, client_id: str) -> str:
    if find_run(run_id, client_id) is not None:
        raise ValueError(f"run {run_id} of {client_id} exists")
    return runs().create({"Run ID": run_id, "Client ID": client_id, "Status": "Running"})["id"]  # expect: creation


def update_run(run_id: str, client_id: str, **fields) -> None:
    record = find_run(run_id, client_id)
    if record is None:
        raise LookupError(f"run {run_id} of {client_id} was not started")
    runs().update(record["id"], fields)  # expect: update


class RunStore:
    def __init__(self, table: Table | None = None) -> None:
        self.table = table or runs()

    def add(self, **fields) -> str:
        return self.table.create(fields)["id"]  # expect: creation

    def patch(self, record_id: str, **fields) -> None:
        self.table.update(record_id, fields)  # expect: update

    def sync(self, rows: list[dict]) -> None:
        self.table.batch_upsert([{"fields": row} for row in rows], key_fields=["Run ID", "Client ID"])  # expect: upsert
