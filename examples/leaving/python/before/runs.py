"""Run records in an Airtable table, "repaired" wherever one is missing."""

import os
from typing import Any

from pyairtable import Api
from pyairtable.formulas import match

api = Api(os.environ["AIRTABLE_API_KEY"], endpoint_url=os.environ["AIRTABLE_ENDPOINT"])
table = api.table("appOutreachBase00", "Client Runs")

record_ids: dict[str, str] = {}
"""The record of each run. It forgets at each restart, and does not know that a run has several clients."""


def create_run(run_id: str, client_id: str, **cells: Any) -> str:
    row = table.create({"Run ID": run_id, "Client ID": client_id, "Status": "Running", **cells})
    record_ids[run_id] = row["id"]
    return row["id"]


def find_run(run_id: str, client_id: str) -> str | None:
    if run_id in record_ids:
        return record_ids[run_id]
    row = table.first(formula=match({"Run ID": run_id, "Client ID": client_id}))
    return row["id"] if row else None


def update_run(run_id: str, client_id: str, **cells: Any) -> None:
    record_id = find_run(run_id, client_id)
    if record_id is None:
        record_id = create_run(run_id, client_id)
    table.update(record_id, cells)
