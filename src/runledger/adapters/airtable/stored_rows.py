"""Every row of the table as it is, whether or not it is a valid run record: for an audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...domain import InvalidValue
from ...domain.json_form import MALFORMED, time_of_iso
from ...domain.stored_row import StoredRow
from .columns import Columns
from .table import EXPIRED, RunTable
from .transport import Refused


def stored_rows(table: RunTable) -> Iterator[StoredRow]:
    """Every row of the table, each once. If the listing expires, it begins anew, and leaves out what was returned."""
    table.learn()
    seen: set[str] = set()
    while True:
        before = len(seen)
        try:
            for page in table.pages():
                for raw in page:
                    if raw["id"] not in seen:
                        seen.add(raw["id"])
                        yield stored_row(table.columns, raw)
            return
        except Refused as error:
            if error.refusal.kind != EXPIRED or len(seen) == before:
                table.refused(error.refusal)


def stored_row(columns: Columns, raw: Mapping[str, Any]) -> StoredRow:
    """A raw record of the table as a row."""
    cells = raw["fields"]
    created = datetime.fromisoformat(raw["createdTime"])
    run_id, client_id = (str(each or "") for each in columns.ids(cells))
    word = str(cells.get(columns.status) or "")
    number = cells.get(columns.number) if columns.number else None
    order = (number if isinstance(number, (int, float)) else 0, created, str(raw["id"]))
    started_at = _time(cells, columns.started_at) if columns.started_at else created
    ended_at = _time(cells, columns.ended_at)
    updated_at = _time(cells, columns.updated_at)
    fault = ""
    try:
        record = columns.row(raw["id"], raw["createdTime"], cells).record
        started_at, ended_at, updated_at = record.started_at, record.ended_at, record.updated_at
    except InvalidValue as error:
        fault = str(error)
    try:
        status = columns.status_of(cells.get(columns.status))
    except InvalidValue:
        status = None
    return StoredRow(
        run_id=run_id,
        client_id=client_id,
        status=status,
        word=word,
        started_at=started_at,
        start=str(cells.get(columns.started_at) or "") if columns.started_at else "",
        ended_at=ended_at,
        updated_at=updated_at,
        created_at=created,
        reference=str(raw["id"]),
        order=order,
        fault=fault,
    )


def _time(cells: Mapping[str, Any], column: str | None) -> datetime | None:
    """The time in a cell; None if there is none that can be read."""
    text = cells.get(column) if column else None
    try:
        return None if text is None else time_of_iso(text).astimezone(UTC)
    except MALFORMED:
        return None
