"""Finding runs in the table: page by page, newest first, exactly what the query asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pyairtable.formulas import AND, OR, Field, Formula

from ...domain import InvalidValue, RunQuery, newest_first
from .columns import Columns, Row
from .table import EXPIRED, READ_AT_ONCE, RunTable
from .transport import Refused


def matching(table: RunTable, query: RunQuery) -> Iterator[Row]:
    """The rows that match, newest first. Among equal starts the server promises no order: they are sorted here."""
    rows: Iterable[Row] = _newest_first(table, query)
    if table.columns.started_at is None:
        rows = sorted(rows, key=lambda row: row.record.started_at, reverse=True)
    for _, group in groupby(rows, key=lambda row: row.record.started_at):
        matched = (row for row in group if query.matches(row.record))
        yield from sorted(matched, key=lambda row: newest_first(row.record), reverse=True)


def _newest_first(table: RunTable, query: RunQuery) -> Iterator[Row]:
    """Each row once, page by page. If an iterator expires, a new one continues from the last start that was seen."""
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
    """The filter for the server. It never selects less than the query, which is applied exactly to what comes back."""
    parts: list[Formula] = []
    if query.run_id is not None:
        parts.append(Field(columns.run_id).eq(query.run_id))
    if query.client_id is not None:
        parts.append(Field(columns.client_id).eq(query.client_id))
    if query.status is not None:
        parts.append(OR(*[Field(columns.status).eq(columns.label(status)) for status in query.status]))
    if columns.started_at is not None:
        start = Field(columns.started_at)
        until = min(filter(None, (query.until, query.after and query.after[0], last)), default=None)
        # A minute wider: the precision with which formulas compare times is not documented.
        if query.since is not None and query.since.year > 1:
            parts.append(start.gte(query.since - timedelta(minutes=1)))
        if until is not None and until.year < 9999:
            parts.append(start.lte(until + timedelta(minutes=1)))
    return {"formula": AND(parts)} if parts else {}
