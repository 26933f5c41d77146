"""What can be wrong with a history file: the whole file, one row, or a mapping that does not explain a value.

The messages name fields and columns. `Gap` and `MissingColumns` also carry them as attributes, so that a user interface
can say what to do in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

from ...domain import InvalidValue, RunLedgerError
from .formats import ENDINGS

Setting = Literal["columns", "statuses", "default_status", "default_end", "time_formats", "timezone", "skip_columns"]
"""A parameter of FileMapping."""

_ADVICE: Mapping[Setting, str] = {
    "columns": "if the column holds something else, map the field {field} to no column",
    "statuses": "map the word to a status",
    "default_status": "give the mapping a default status",
    "default_end": "if the end is not known, give the mapping a default end",
    "time_formats": "give the mapping the file's time formats",
    "timezone": "give the mapping a time zone, or the time its own",
    "skip_columns": "rename the column, or skip it",
}


class UnreadableFile(RunLedgerError):
    """A file cannot be read, or not beyond some line. The message says where and why."""


class UnknownFormat(InvalidValue):
    """The name of a file that is to be written shows no format. Nothing was written."""

    def __init__(self, name: str) -> None:
        *others, last = ENDINGS
        self.problem = (
            f"the name {name!r} shows no format: end it in {', '.join(others)} or {last}, with or without .gz"
        )
        super().__init__(f"{self.problem}, or name the format.")


class MissingColumns(RunLedgerError):
    """A CSV file does not have all the columns that the mapping needs. Nothing was read.

    `missing` maps each field, or skip_columns, to the column that is not there. `header` holds the columns that the
    file has.
    """

    def __init__(self, missing: Mapping[str, str], header: Sequence[str]) -> None:
        self.missing = dict(missing)
        self.header = tuple(header)
        default = " (or give the mapping a default status)" if "status" in missing else ""
        super().__init__(
            f"{self.problem}: map {', '.join(missing)} to columns of the file{default}. "
            f"It has {', '.join(map(repr, header))}."
        )

    @property
    def problem(self) -> str:
        """What is wrong, without what to do."""
        return f"the file has no column {', '.join(map(repr, dict.fromkeys(self.missing.values())))}"


class UnusableColumns(RunLedgerError):
    """Columns of a CSV file cannot become metrics, by their names. Nothing was read.

    `columns` maps each of the names to what is wrong with it.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = dict(columns)
        them = "it" if len(self.columns) == 1 else "them"
        super().__init__(f"{self.problem}: rename {them} in the file, or name {them} in skip_columns.")

    @property
    def problem(self) -> str:
        """What is wrong, without what to do."""
        return "; ".join(f"the column {name!r} cannot become a metric ({why})" for name, why in self.columns.items())


@frozen
class Gap:
    """What a mapping does not explain: the value of a field. `setting` is the parameter that would explain it."""

    setting: Setting
    field: str
    problem: str
    """What is wrong, without what to do."""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.problem}: {_ADVICE[self.setting].format(field=self.field)}."


class UnmappedValue(InvalidValue):
    """A row has a value that the mapping does not explain; `gap` says what is missing from the mapping."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap


@frozen
class BadRow:
    """A row that is not a run record. `line` counts from 1; of a CSV row of several lines it is the last one.

    `reason` is a sentence. `gap` is what the mapping lacks, if the row is unreadable because of that.
    """

    line: int
    reason: str
    gap: Gap | None = None
