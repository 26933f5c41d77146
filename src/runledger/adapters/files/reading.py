"""Reading a history file: its rows as runs, one by one, whatever the size of the file."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, TextIO, cast

from ...domain import InvalidValue, NewRun
from ...domain.visible import counted
from .cells import RepeatedName, loads
from .delimiters import declared_delimiter, delimiter_of
from .formats import Format, format_of_content, format_of_name, is_json_array
from .lines import MAX_ROW, Lines, numbered
from .mapping import FileMapping
from .problems import BadRow, UnmappedValue, UnreadableFile

Rows = Iterator[tuple[int, Mapping[str, Any] | BadRow]]

_ARRAY = (
    "the file is a JSON array, and not JSON Lines: write one object a line, for example with jq -c '.[]'. "
    "If it is CSV, name the format."
)

_OTHERS = {
    b"SQLite format 3\0": "the file is a SQLite database, and not a history: if it is a ledger, copy it by its URL.",
    b"PK\x03\x04": "the file is a ZIP archive or a spreadsheet: save its rows as CSV, and load that.",
}
"""What files begin with that people take for a history, and what to do instead."""


def read_runs(
    source: BinaryIO, name: str, file_format: Format | None, delimiter: str | None, mapping: FileMapping
) -> Generator[tuple[int, NewRun | BadRow], None, None]:
    """Each row of a file with its line number, as a run or as why it is not one.

    The file may be compressed with gzip. Without a format, its `name` or its content decides; without a delimiter, its
    first line. The generator must be closed before the file is. Raises MissingColumns and UnusableColumns before the
    first row, UnreadableFile anywhere.
    """
    line = 0
    try:
        with _decompressed(source) as plain:
            beginning = plain.peek(64)[:64]
            if advice := next((advice for magic, advice in _OTHERS.items() if beginning.startswith(magic)), None):
                raise UnreadableFile(advice)
            file_format = file_format or format_of_name(name) or format_of_content(beginning)
            if file_format == "jsonl" and is_json_array(beginning):
                raise UnreadableFile(_ARRAY)
            # JSON Lines end with a line feed only; a CSV cell keeps any line ends that it holds.
            with _text(plain, newline="" if file_format == "csv" else "\n") as text:
                lines = Lines(text)
                rows = _csv_rows(lines, delimiter, mapping) if file_format == "csv" else _json_rows(lines)
                for line, row in rows:
                    yield line, row if isinstance(row, BadRow) else _run_of(line, row, mapping)
                    del row  # so that no two large rows are in memory at a time
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFile(f"after line {line} the compressed file is damaged or cut short ({error}).") from None
    except OSError as error:
        raise UnreadableFile(f"after line {line} the file cannot be read ({error.strerror or error}).") from None


def _run_of(line: int, row: Mapping[str, Any], mapping: FileMapping) -> NewRun | BadRow:
    try:
        return mapping.run(row)
    except UnmappedValue as error:
        return BadRow(line, str(error), error.gap)
    except InvalidValue as error:
        return BadRow(line, str(error))
    except RecursionError:
        return BadRow(line, "its JSON is nested too deeply.")


@contextmanager
def _decompressed(source: BinaryIO) -> Iterator[io.BufferedReader]:
    buffered = source if isinstance(source, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, source))
    try:
        is_gzip = buffered.peek(2)[:2] == b"\x1f\x8b"
        yield io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered))) if is_gzip else buffered
    finally:
        if buffered is not source:
            buffered.detach()  # whoever opened the file closes it


@contextmanager
def _text(plain: io.BufferedReader, newline: str) -> Iterator[TextIO]:
    text = io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    try:
        yield text
    finally:
        text.detach()


def _csv_rows(lines: Lines, delimiter: str | None, mapping: FileMapping) -> Rows:
    csv.field_size_limit(MAX_ROW)
    if declared := declared_delimiter(lines.ahead()):
        delimiter = delimiter or declared
        next(lines)
    delimiter = delimiter or delimiter_of(lines.ahead(), lambda header: len(mapping.missing_from(header)))
    rows = numbered(csv.reader(lines, strict=True, delimiter=delimiter), lines)
    _, first = next(rows, (0, None))
    header = _header(first, mapping)
    mapping.require(header)
    width = len(header)
    for number, cells in rows:
        if isinstance(cells, BadRow):
            yield number, cells
        elif len(cells) == width:
            yield number, dict(zip(header, cells, strict=True))
        elif cells:
            yield number, BadRow(number, f"{counted(len(cells), 'cell')} where the first line has {width}.")


def _header(first: list[str] | BadRow | None, mapping: FileMapping) -> list[str]:
    """The column names of a file that begins with this row. Raises UnreadableFile."""
    if first is None:
        raise UnreadableFile("the file is empty: it must begin with a line of column names.")
    if isinstance(first, BadRow):
        raise UnreadableFile(f"the first line must hold the column names, but is {first.reason}")
    if not first:
        raise UnreadableFile("the first line must hold the column names, but is empty: remove the lines before them.")
    for name, count in Counter(first).items():
        if count > 1 and name not in ("", *mapping.skip_columns):  # a spreadsheet may have added empty columns
            raise UnreadableFile(f"the first line has the column {name!r} twice: rename one.")
    return first


def _json_rows(lines: Lines) -> Rows:
    for number, line in numbered(lines, lines):
        if isinstance(line, BadRow):
            yield number, line
        elif line.strip():
            yield number, _object_of(number, line)


def _object_of(number: int, line: str) -> dict[str, Any] | BadRow:
    """The JSON object of a line, or why it is bad."""
    try:
        row = loads(line)
    except RepeatedName as error:
        return BadRow(number, str(error))
    except (ValueError, RecursionError):
        row = None
    return row if isinstance(row, dict) and row else BadRow(number, "not a JSON object: each line must be one.")
