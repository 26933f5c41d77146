"""A row of the table, and the lines of the log that one of its cells holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from ...domain import LogLine, RunKey, RunRecord

Cells = Sequence[tuple[RunKey, Mapping[str, Any]]]
"""What to write: cells by column, for each key."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LOG_LINE = re.compile(rf"({_TIME.pattern}) (.*)")


@frozen
class Row:
    """A row of the table: Airtable's record id, its creation time, its place in the order of creation, its cells.

    `mark` is that of the start that created it; "" without a column for marks.
    """

    reference: str
    created: datetime
    order: tuple[float, datetime, str]
    cells: Mapping[str, Any]
    record: RunRecord
    mark: str = ""


def is_line(line: str) -> bool:
    """Whether a line of a log's cell counts as a note."""
    return bool(line.strip())


def time_of_stamp(text: str) -> datetime | None:
    """The time that this adapter writes so; None for any other text, such as a day that there is not."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def lines_of(text: str, started_at: datetime) -> Iterator[LogLine]:
    """The lines of a log's cell. A line without a time, which a person wrote, takes the time of the line before."""
    at = started_at
    for line in text.replace("\r\n", "\n").split("\n"):
        found = _LOG_LINE.fullmatch(line)
        stamp = time_of_stamp(found[1]) if found else None
        at = stamp or at
        if is_line(line):
            yield LogLine.trusted(at, found[2] if found and stamp else line)
