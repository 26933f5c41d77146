"""What is wrong with a row of table `runs`, or with its log, that an external writer left unreadable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ...domain import RunKey, RunStatus, UnusableForRun
from ...domain.json_form import MALFORMED, time_of_text
from ...domain.visible import counted, shown

LACKS_LINES = "lacks lines"
MORE_LINES = "has a line where its next one belongs, because its record counts fewer notes than it has lines"
_RENUMBER = (
    "in run_notes, renumber the positions of its lines from 1 without a gap, then set notes in its row of runs to "
    "their number."
)
_COLUMNS = "run_id", "client_id", "client_name", "status", "started_at", "ended_at", "metrics", "notes", "error"
_TIMES = {4: "started_at", 5: "ended_at", 9: "updated_at"}
_STATUSES = frozenset(status.value for status in RunStatus)


def readable(value: object) -> str:
    """Any value of a row as text. Bytes are a BLOB, or text that is not UTF-8: what is not UTF-8 is escaped."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def time_or_none(value: object) -> datetime | None:
    """The time of a text in UTC; None if there is none that can be read."""
    try:
        return time_of_text(value)  # type: ignore[arg-type]  # which raises for what is not text
    except MALFORMED:
        return None


def fault_of(row: Sequence[Any]) -> str:
    """The first thing that is wrong with a row in the order of RECORD, such as: the unknown status 'Done'."""
    for name, value in zip(_COLUMNS, row, strict=False):
        if isinstance(value, bytes):
            return f"the {name} {shown(value)}, which is not text"
    if row[3] not in _STATUSES:
        return f"the unknown status {shown(row[3])}"
    for place, name in _TIMES.items():
        if time_or_none(row[place]) is None and not (name == "ended_at" and row[place] is None):
            return f"the {name} {shown(row[place])}, which is not a time in UTC"
    if not isinstance(row[7], int) or row[7] < 0:
        return f"the notes {shown(row[7])}, which are not a number of lines"
    return f"the metrics {shown(row[6])}, which are not a JSON object of metric values"


def unreadable(row: Sequence[Any], fault: str) -> UnusableForRun:
    """The error for a row that cannot be read. The row begins with run id and client id."""
    key = RunKey.trusted(readable(row[0]), readable(row[1]))
    may_be_damaged = any(isinstance(value, bytes) for value in row)
    restore = ", or restore it from a backup if the file is damaged" if may_be_damaged else ""
    return UnusableForRun(
        f"the row of {key} was not written by this version of runledger, with {fault}: correct it there{restore}.", key
    )


def unfit_log(key: RunKey, fault: str) -> UnusableForRun:
    """The error for a log that an external writer left without the lines that its record counts, or with more."""
    return UnusableForRun(f"the log of {key} {fault}: {_RENUMBER}", key)


def fault_of_log(notes: int, lines: int, last: object) -> str:
    """What is wrong with a log that has so many lines, the last of them at position `last`; "" if nothing is."""
    if lines == notes and last in (notes, None):
        return ""
    where = "" if last is None else f", the last at position {shown(last)}"
    return f"its record counts {counted(notes, 'note')}, and its log has {lines:,}{where}: {_RENUMBER}"
