"""Every row of table `runs` as it is, whether or not it is a valid run record: for an audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import evolve

from ...domain import InvalidValue, RunKey, RunRecord, UnusableForRun
from ...domain.stored_row import StoredRow
from .row_faults import fault_of, fault_of_log, readable, time_or_none
from .rows import PAGE, RECORD, STATUSES, record_from_texts

COUNTED = """(SELECT count(*) FROM run_notes AS n
        WHERE n.run_id = runs.run_id AND n.client_id = runs.client_id AND position > 0),
    (SELECT max(position) FROM run_notes AS n WHERE n.run_id = runs.run_id AND n.client_id = runs.client_id)"""
"""How many lines a run has in table `run_notes`, and the position of its last: both are `notes` in a log that is whole.

Nothing reads a line whose position is not above 0.
"""

Row = Sequence[Any]
# S608 is not about this: what is put into it are column names and numbers, constants of `rows` and from here.
_OF_SQLITE = f"SELECT {RECORD}, {COUNTED}, rowid FROM runs WHERE rowid > ? ORDER BY rowid LIMIT {PAGE}"  # noqa: S608
_BEFORE_ALL = float("-inf")  # another program may give a row any rowid, also one below 0


def rows_of_sqlite(read: Callable[[str, Sequence[Any]], Sequence[Row]]) -> Iterator[StoredRow]:
    """The rows of a SQLite file, of which `read` returns what a SELECT with these values finds.

    A row that has a fault is named by its rowid, because its key may be no text.
    """
    return stored_rows(
        lambda last: read(_OF_SQLITE, (_BEFORE_ALL if last is None else last[-1],)),
        points=True,
        reference=lambda row: str(row[-1]),
    )


def stored_rows(
    read: Callable[[Row | None], Sequence[Row]], *, points: bool, reference: Callable[[Row], str | None]
) -> Iterator[StoredRow]:
    """The rows that `read` returns page by page, in the order of RECORD and COUNTED, and whatever it needs after these.

    `read` gets the last row of the page before. `reference` names a row that has a fault. For `points` see
    `record_from_texts`.
    """
    last: Row | None = None
    while found := read(last):
        for row in found:
            yield _stored_row(row, points, reference)
        last = found[-1]


def _stored_row(row: Row, points: bool, reference: Callable[[Row], str | None]) -> StoredRow:
    try:
        record = record_from_texts(row[:10], points=points)
    except UnusableForRun:
        return _unreadable_row(row, reference(row))
    fault = _fault_of_key(record) or fault_of_log(record.notes, row[10], row[11])
    stored = StoredRow.of_record(record)
    return evolve(stored, fault=fault, reference=reference(row)) if fault else stored


def _unreadable_row(row: Row, reference: str | None) -> StoredRow:
    status, started_at = row[3:5]
    return StoredRow(
        run_id=readable(row[0]),
        client_id=readable(row[1]),
        status=STATUSES.get(status),
        word=_word(status),
        started_at=time_or_none(started_at),
        start=_word(started_at),
        ended_at=time_or_none(row[5]),
        updated_at=time_or_none(row[9]),
        reference=reference,
        fault=f"it has {fault_of(row)}: correct it in table runs.",
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _fault_of_key(record: RunRecord) -> str:
    """Why no call can name the run, for an id that this version would not have stored; "" if it can."""
    try:
        RunKey(record.key.run_id, record.key.client_id)
    except InvalidValue as error:
        return str(error)
    return ""
