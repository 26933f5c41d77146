"""Finding runs in the table: page by page, newest first, exactly what the query asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pyairtable.formulas import AND, Field, Formula

from ...domain import InvalidValue, RunQuery, RunRecord, newest_first
from .columns import Columns, Row
from .table import EXPIRED, READ_AT_ONCE, RunTable
from .transport import Refused


def matching(table: RunTable, query: RunQuery) -> Iterator[RunRecord]:
    """The records that match, newest first. Records of one start are put in order here: the server promises none."""
    rows: Iterable[Row] = _newest_first(table, query)
    if table.columns.started_at is None:
        rows = sorted(rows, key=lambda row: row.record.started_at, reverse=True)
    for _, group in groupby(rows, key=lambda row: row.record.started_at):
        records = sorted((row.record for row in group), key=newest_first, reverse=True)
        yield from filter(query.matches, records)


def _newest_first(table: RunTable, query: RunQuery) -> Iterator[Row]:
    """Each row once, page by page; where an iterator expires, a new one goes on from the last start that was seen."""
    options: dict[str, Any] = {"page_size": min(query.limit or READ_AT_ONCE, READ_AT_ONCE)}
    if table.columns.started_at is not None:
        options["sort"] = [f"-{table.columns.started_at}"]
    seen: set[str] = set()
    last = None
    while True:
        before = len(seen)
        try:
            for page in table.pages(**options, **_filter(table.columns, query, last)):
                for raw in page:
                    row = table.row(raw) if raw["id"] not in seen else None
                    if row is not None and not isinstance(row, InvalidValue):
                        seen.add(row.reference)
                        last = row.record.started_at
                        yield row
            return
        except Refused as error:
            if error.refusal.kind != EXPIRED or len(seen) == before:
                table.refused(error.refusal)


def _filter(columns: Columns, query: RunQuery, last: datetime | None) -> dict[str, Formula]:
    """The filter that the server applies: never less than the query asks for, which is applied exactly afterwards."""
    parts: list[Formula] = []
    if query.run_id is not None:
        parts.append(Field(columns.run_id).eq(query.run_id))
    if query.client_id is not None:
        parts.append(Field(columns.client_id).eq(query.client_id))
    if query.status is not None:
        parts.append(Field(columns.status).eq(columns.label(query.status)))
    if columns.started_at is not None:
        start = Field(columns.started_at)
        until = min(filter(None, (query.until, last)), default=None)
        # A minute wider, because it is not documented how finely formulas compare times.
        if query.since is not None and query.since.year > 1:
            parts.append(start.gte(query.since - timedelta(minutes=1)))
        if until is not None and until.year < 9999:
            parts.append(start.lte(until + timedelta(minutes=1)))
    return {"formula": AND(parts)} if parts else {}
