from __future__ import annotations

import os
from typing import Iterable

from pyairtable import Api


def _table():
    return Api(os.environ["AIRTABLE_TOKEN"]).table(os.environ["AIRTABLE_BASE"], "Client Run Results")


def start_all(run_id: str, clients: Iterable[dict]) -> list[str]:
    rows = [{"Run ID": run_id, "Client ID": c["id"], "Client Name": c["name"]} for c in clients]
    created = _table().batch_create(rows, typecast=True)  # expect: creation
    return [r["id"] for r in created]


def close_all(record_ids: list[str]) -> None:
    _table().batch_update([{"id": i, "fields": {"Status": "Completed"}} for i in record_ids])  # expect: update
