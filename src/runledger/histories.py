"""Histories of runs in files: CSV and JSON Lines, read as runs with their logs, and written to be read exactly.

Reading and writing go row by row: memory does not grow with the file.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, nullcontext
from datetime import tzinfo
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO

from .adapters.files.delimiters import checked_delimiter
from .adapters.files.formats import Format, format_of_name
from .adapters.files.mapping import FIELDS, DefaultEnd, FileMapping
from .adapters.files.problems import (
    BadRow,
    Gap,
    MissingColumns,
    Setting,
    UnknownFormat,
    UnreadableFile,
    UnusableColumns,
)
from .adapters.files.reading import read_runs
from .adapters.files.whole_file import whole_file
from .adapters.files.writing import write_runs
from .domain import InvalidValue, NewRun, RunStatus
from .domain.visible import shown

__all__ = [
    "FIELDS",
    "BadRow",
    "DefaultEnd",
    "Format",
    "Gap",
    "MissingColumns",
    "Setting",
    "UnknownFormat",
    "UnreadableFile",
    "UnusableColumns",
    "format_of_name",
    "read_history",
    "write_history",
]


def read_history(
    file: str | os.PathLike[str] | BinaryIO,
    *,
    file_format: Format | None = None,
    delimiter: str | None = None,
    columns: Mapping[str, str] | None = None,
    statuses: Mapping[str, RunStatus | str] | None = None,
    default_status: RunStatus | str | None = None,
    default_end: DefaultEnd | None = None,
    rest_as_metrics: bool = False,
    skip_columns: Iterable[str] = (),
    nulls: Iterable[str] = (),
    time_formats: Iterable[str] = ("iso",),
    timezone: tzinfo | None = None,
) -> Generator[tuple[int, NewRun | BadRow], None, None]:
    """Each row of a file with its line number, counted from 1: as a NewRun, or as a BadRow with the reason.

    `file` is a path, or a file that is open for reading bytes, which stays open; it may be compressed with gzip.
    `file_format` is "csv" or "jsonl"; without it, the file's name decides, or else its content. CSV must be UTF-8 and
    begin with a line of column names. A row has at most 16,777,216 characters.
    `delimiter` separates the cells of CSV; without it, the first line shows whether that is a comma, a semicolon, a tab
    or a vertical bar.

    `columns` maps fields (FIELDS) to columns of the file, or to "" if no column holds the field. A field that it does
    not name is in the column of the same name. run_id, client_id and started_at are required. A row without client_name
    gets the client id, one without updated_at the latest time that the row has.
    `statuses` maps the file's words to statuses; the statuses' own labels need no mapping.
    `default_status` is for rows that have no status.
    `default_end` is for rows of a final status without an end time: "started_at" or "updated_at" is then their end.
    `rest_as_metrics` keeps every column that is not a field as a metric; a decimal number becomes a float, an integer
    beyond ±2^53 stays text.
    `skip_columns` are not read. `nulls` are the file's words for an empty cell, such as NULL.
    `time_formats` are the file's notations of time: "iso" (ISO 8601), "epoch" and "epoch-ms" (seconds and milliseconds
    since 1970), or patterns of `strptime`. If a value is a different time in two of them, its row is bad.
    `timezone` is for times that name no zone. Where a clock change repeats an hour, the first one is taken.

    Raises InvalidValue for a wrong parameter, OSError if the file cannot be opened, MissingColumns and UnusableColumns
    before the first row, and UnreadableFile if the file cannot be read further.
    """
    mapping = FileMapping(
        columns=columns or {},
        statuses=statuses or {},
        default_status=default_status,
        default_end=default_end,
        rest_as_metrics=rest_as_metrics,
        skip_columns=skip_columns,
        nulls=nulls,
        time_formats=time_formats,
        timezone=timezone,
    )
    _check_format(file_format)
    _check_file(file, "read")
    return _read(file, file_format, None if delimiter is None else checked_delimiter(delimiter), mapping)


def write_history(
    runs: Iterable[NewRun], file: str | os.PathLike[str] | TextIO, *, file_format: Format | None = None
) -> int:
    """Write runs so that `read_history` returns the same runs. Returns how many were written.

    `runs` are NewRuns, as `ledger.reads.find_with_logs` returns them.
    `file` is a path, or a file that is open for writing text, which stays open; open it with encoding="utf-8" and
    newline="". A file at a path appears when it is complete, and replaces what was there, whose permissions it gets; a
    symbolic link stays, and leads to the new file. It is compressed if its name ends in .gz.
    `file_format` is "csv" or "jsonl"; without it, the path's ending decides (.csv, .jsonl, .ndjson or .json, in any
    case). An open file, or a pipe at a path, whose name shows no format is "jsonl".

    Raises UnknownFormat for a path that shows none, InvalidValue for a run whose log is too long for a file, OSError if
    the file cannot be written, and what `runs` raises; what was at the path then stays.
    """
    _check_format(file_format)
    _check_file(file, "write")
    file_format = file_format or format_of_name(_name(file))
    if not isinstance(file, str | os.PathLike):
        return write_runs(runs, file, file_format or "jsonl")
    path = Path(file)
    if file_format is None and (path.is_file() or not path.exists()):
        raise UnknownFormat(path.name)
    with whole_file(path) as target:
        return write_runs(runs, target, file_format or "jsonl")


def _read(
    file: str | os.PathLike[str] | BinaryIO, file_format: Format | None, delimiter: str | None, mapping: FileMapping
) -> Generator[tuple[int, NewRun | BadRow], None, None]:
    with open(file, "rb") if isinstance(file, str | os.PathLike) else nullcontext(file) as source:
        rows = read_runs(source, _name(file), file_format, delimiter, mapping)
        with closing(rows):
            yield from rows


def _name(file: str | os.PathLike[str] | IO[Any]) -> str:
    name = os.fspath(file) if isinstance(file, str | os.PathLike) else getattr(file, "name", "")
    return name if isinstance(name, str) else ""  # of a file descriptor, it is a number


def _check_file(file: object, method: str) -> None:
    if not isinstance(file, str | os.PathLike) and not hasattr(file, method):
        raise InvalidValue(f"file is {shown(file)}: give a path, or an open file.")


def _check_format(file_format: str | None) -> None:
    if file_format not in (None, "csv", "jsonl"):
        raise InvalidValue(f"the file format is {shown(file_format)}: use 'csv' or 'jsonl'.")
