"""Finding runs in the table: page by page, newest first, exactly what the query asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pyairtable.formulas import AND, NOT, OR, RECORD_ID, Field, Formula

from ...domain import InvalidValue, RunQuery, RunStatus, StoreUnusable, newest_first
from .columns import Columns
from .row import Row
from .table import EXPIRED, READ_AT_ONCE, RunTable
from .transport import UNFIT_FORMULA, Refused

_PRECISION = timedelta(minutes=1)
"""By how much a window is widened: the precision with which formulas compare times is not documented."""


def matching(table: RunTable, query: RunQuery) -> Iterator[Row]:
    """The rows that match, newest first. Raises StoreUnusable if the table does not show which match."""
    if query.updated_before is not None:
        table.learn_unless_seen(["updated_at"])
        if table.columns.updated_at is None:
            raise StoreUnusable(
                "the table keeps no update times, so it cannot tell which runs are stale: add the column 'Updated At', "
                "or name another with updated_at=COLUMN in the store URL."
            )
    try:
        yield from _matching(table, query)
    except Refused as error:  # by the first request, because all name the same columns
        if table.layout.is_known or error.refusal.kind not in ("UNKNOWN_FIELD_NAME", UNFIT_FORMULA):
            table.refused(error.refusal)
        table.learn()
        yield from matching(table, query)


def _matching(table: RunTable, query: RunQuery) -> Iterator[Row]:
    # Among equal starts the server promises no order: they are sorted here.
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
    seen: dict[str, datetime | None] = {}
    last = None
    while True:
        before = len(seen)
        try:
            for page in table.pages(**options, **_filter(table.columns, query, last, seen)):
                for raw in page:
                    row = table.row(raw) if raw["id"] not in seen else None
                    if isinstance(row, InvalidValue):
                        seen[raw["id"]] = None
                    elif row is not None:
                        seen[row.reference] = last = row.record.started_at
                        yield row
            return
        except Refused as error:
            if error.refusal.kind != EXPIRED:
                raise
            if len(seen) == before:
                table.refused(error.refusal)


def _of_statuses(columns: Columns, statuses: Collection[RunStatus]) -> list[Formula]:
    """Rows of these statuses, and rows whose status is none at all: who reads them reports that they are left out.

    Nothing for statuses that have all labels: then every row may match.
    """
    status = Field(columns.status)
    wanted = {label for label in map(columns.label, statuses) if label is not None}
    others = {label for label in map(columns.label, RunStatus) if label is not None} - wanted
    if not others:
        return []
    return [
        OR([*(status.eq(label) for label in sorted(wanted)), NOT(OR([status.eq(each) for each in sorted(others)]))])
    ]


def _filter(
    columns: Columns, query: RunQuery, last: datetime | None, seen: Mapping[str, datetime | None]
) -> dict[str, Formula]:
    """The filter for the server. It never selects less than the query, which is applied exactly to what comes back.

    `seen` are the records, with their starts, that need not come again; `last` is the start of the last of them.
    """
    parts: list[Formula] = []
    if query.run_id is not None:
        parts.append(Field(columns.run_id).eq(query.run_id))
    if query.client_id is not None:
        parts.append(Field(columns.client_id).eq(query.client_id))
    if query.status is not None:
        parts += _of_statuses(columns, query.status)
    if columns.started_at is not None:
        start = Field(columns.started_at)
        until = min(filter(None, (query.until, query.after and query.after[0], last)), default=None)
        if query.since is not None and query.since.year > 1:
            parts.append(start.gte(query.since - _PRECISION))
        if until is not None and until.year < 9999:
            parts.append(start.lte(until + _PRECISION))
    if seen:
        # Those that the window leaves out anyway are not named, so that the filter stays short.
        again = [id_ for id_, at in seen.items() if at is None or last is None or at <= last + 2 * _PRECISION]
        parts.append(NOT(OR([RECORD_ID().eq(id_) for id_ in again])))
    return {"formula": AND(parts)} if parts else {}
