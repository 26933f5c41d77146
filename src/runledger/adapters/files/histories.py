"""Histories in files: reading them as records, writing records so that reading gives the same. CSV and JSON Lines."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import math
import os
import re
import shlex
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, TypeVar, cast

from attrs import define, field, frozen

from ...domain import InvalidValue, LogLine, MetricValue, RunKey, RunRecord, RunStatus
from ...domain.values import MAX_INTEGER, checked_status

T = TypeVar("T")
Format = Literal["csv", "jsonl"]
FIELDS = (
    *("run_id", "client_id", "client_name", "status", "started_at", "ended_at", "updated_at", "error"),
    *("metrics", "log"),
)
_LONGEST = 1 << 26
"""Characters of a CSV cell or a line: a long run's log is one; a quote that nobody closed, or a file without line ends,
must not fill the memory."""
_UNDECODED = re.compile("[\udc80-\udcff]")
"""What the error handler surrogateescape makes of bytes that are not UTF-8 (PEP 383)."""
_NOT_UTF8 = "not UTF-8 text: convert the file."
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class UnreadableFile(Exception):
    """A file cannot be read, or not further; the message says where and why."""


class UnsuitableFile(Exception):
    """A file does not have the columns that the options name; the message says which."""


@frozen
class BadRow:
    """A row that is no run, and why."""

    line: int
    reason: str


Row = tuple[int, Mapping[str, Any]]


@frozen(kw_only=True)
class FileMapping:
    """Which column of a file is which field ("" if none is), and how its words are to be read."""

    columns: Mapping[str, str] = field(factory=dict)
    statuses: Mapping[str, RunStatus] = field(factory=dict)
    default_status: RunStatus | None = None
    rest_as_metrics: bool = False
    timezone: tzinfo | None = None

    def column(self, name: str) -> str:
        return self.columns.get(name, name)

    def require(self, header: Iterable[str]) -> None:
        """Raises UnsuitableFile if a column that was named, or must be there, is not."""
        needed = [
            *(name for name, column in self.columns.items() if column),
            "run_id",
            "client_id",
            "started_at",
            *(["status"] if self.default_status is None else []),
        ]
        there = set(filter(None, header))
        missing = {name: self.column(name) for name in needed if self.column(name) not in there}
        if not missing:
            return
        columns = ", ".join(map(repr, dict.fromkeys(missing.values())))
        options = (f"--column {name}=…" + " (or --default-status)" * (name == "status") for name in missing)
        raise UnsuitableFile(
            f"the file has no column {columns}: say which it is with {', '.join(options)}. "
            f"It has {', '.join(map(repr, header))}."
        )

    def record(self, row: Mapping[str, Any]) -> RunRecord:
        """The record of a row. Raises InvalidValue with what is wrong."""

        def get(name: str) -> Any:
            column = self.column(name)
            return row.get(column) if column else None

        key = RunKey(_id(get("run_id")), _id(get("client_id")))
        started_at = self._time(get("started_at"), "started_at")
        ended_at = self._time(get("ended_at"), "ended_at")
        log = _log(get("log"), self.column("log"))
        updated_at = self._time(get("updated_at"), "updated_at") or max(
            [at for at in (ended_at, started_at, *(line.at for line in log)) if at is not None], default=None
        )
        if started_at is None or updated_at is None:
            raise InvalidValue(f"{self.column('started_at')} is empty.")
        metrics = _metrics(get("metrics"), self.column("metrics"))
        if self.rest_as_metrics:
            known = {self.column(name) for name in FIELDS} - {""}
            rest = {
                name: _inferred(value) for name, value in row.items() if name not in known and value not in ("", None)
            }
            metrics = {**rest, **metrics}
        return RunRecord(
            key=key,
            client_name=key.client_id if (name := _id(get("client_name"))) == "" else name,
            status=self._status(get("status")),
            started_at=started_at,
            ended_at=ended_at,
            metrics=metrics,
            log=log,
            error=None if (error := get("error")) == "" else error,
            updated_at=updated_at,
        )

    def _status(self, text: Any) -> RunStatus:
        if text in (None, ""):
            if self.default_status is None:
                raise InvalidValue(f"{self.column('status')} is empty: give --default-status.")
            return self.default_status
        if isinstance(text, str) and text in self.statuses:
            return self.statuses[text]
        try:
            return checked_status(str(text))
        except InvalidValue:
            word = shlex.quote(str(text))
            raise InvalidValue(f"status {text!r} is not known: map it with --status {word}=STATUS.") from None

    def _time(self, text: Any, name: str) -> datetime | None:
        if text in (None, ""):
            return None
        try:
            moment = datetime.fromisoformat(text)
        except (ValueError, TypeError):
            raise InvalidValue(f"{self.column(name)} {text!r} is no ISO time.") from None
        if moment.tzinfo is None:
            if self.timezone is None:
                raise InvalidValue(f"{self.column(name)} {text!r} has no time zone: give --timezone UTC, or its own.")
            moment = moment.replace(tzinfo=self.timezone)
        return moment


def _id(value: Any) -> str:
    # Only an integer has one obvious spelling as text.
    return str(value) if type(value) is int else "" if value is None else value


def _log(value: Any, column: str) -> tuple[LogLine, ...]:
    if value in (None, "", "[]"):
        return ()
    try:
        lines = json.loads(value) if isinstance(value, str) else value
        if not isinstance(lines, list):
            raise TypeError
        return tuple(LogLine(datetime.fromisoformat(at), text) for at, text in lines)
    except InvalidValue:
        raise
    except (ValueError, TypeError):
        raise InvalidValue(
            f"{column} is not a JSON array of [time, text]: if it is something else, give --column log=."
        ) from None


def _metrics(value: Any, column: str) -> dict[str, MetricValue]:
    if value in (None, "", "{}"):
        return {}
    try:
        metrics = json.loads(value) if isinstance(value, str) else value
        return {name: _metric(metric) for name, metric in metrics.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidValue(
            f"{column} is not a JSON object of names and values: if it is something else, give --column metrics=."
        ) from None


def _metric(value: Any) -> MetricValue:
    return datetime.fromisoformat(value["datetime"]) if isinstance(value, dict) else cast(MetricValue, value)


@lru_cache(maxsize=4096)
def _number_or_text(text: str) -> MetricValue:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if match[1] or match[2]:
        number = float(text)
        return number if math.isfinite(number) else text
    return int(text) if abs(int(text)) <= MAX_INTEGER else text


def _inferred(value: Any) -> MetricValue:
    return _number_or_text(value) if isinstance(value, str) and len(value) < 40 else cast(MetricValue, value)


def read_records(
    source: BinaryIO, name: str, file_format: Format | None, mapping: FileMapping
) -> Generator[tuple[int, RunRecord | BadRow], None, None]:
    """Each row of a file with its line number, as a record or as why it is none; close it before the file.

    Raises UnsuitableFile before the first row, UnreadableFile anywhere.
    """
    line = 0
    try:
        plain = _decompressed(source)
        file_format = file_format or _format_of(name, plain.peek(64)[:64])
        # JSON Lines end with a line feed alone; a CSV cell keeps whatever line ends it holds.
        with _text(plain, newline="" if file_format == "csv" else "\n") as text:
            rows = _csv_rows(text, mapping) if file_format == "csv" else _json_rows(text)
            for line, row in rows:
                yield line, row if isinstance(row, BadRow) else _record_of(line, row, mapping)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFile(f"after line {line} the compressed file is damaged or cut short ({error}).") from None
    except OSError as error:
        raise UnreadableFile(f"after line {line} the file cannot be read ({error.strerror or error}).") from None


def _record_of(line: int, row: Mapping[str, Any], mapping: FileMapping) -> RunRecord | BadRow:
    try:
        return mapping.record(row)
    except InvalidValue as error:
        return BadRow(line, str(error))
    except RecursionError:
        return BadRow(line, "its JSON is nested too deeply.")


@contextmanager
def _text(plain: io.BufferedReader, newline: str) -> Iterator[TextIO]:
    text = io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    try:
        yield text
    finally:
        text.detach()  # the file is its opener's to close


def _decompressed(source: BinaryIO) -> io.BufferedReader:
    buffered = source if isinstance(source, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, source))
    is_gzip = buffered.peek(2)[:2] == b"\x1f\x8b"
    return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered))) if is_gzip else buffered


def _format_of(name: str, beginning: bytes) -> Format:
    stem = name.lower().removesuffix(".gz")
    if stem.endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    if stem.endswith(".csv"):
        return "csv"
    return "jsonl" if beginning.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{") else "csv"


@define
class _Lines:
    """The lines of a file, counted. One that is too long is passed over; `are_text` turns False at one not UTF-8."""

    _text: TextIO
    number: int = 0
    are_text: bool = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(_LONGEST)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == _LONGEST and line[-1] not in "\r\n":
            while (rest := self._text.readline(_LONGEST)) and rest[-1] not in "\r\n":
                pass
            raise InvalidValue(f"longer than {_LONGEST:,} characters.")
        if not line.isascii() and _UNDECODED.search(line):
            self.are_text = False
        return line


def _each(items: Iterator[T], lines: _Lines) -> Iterator[tuple[int, T | BadRow]]:
    """Each item that is made of lines, with the number of its last one, or why it cannot be had; then the next."""
    while True:
        lines.are_text = True
        before = lines.number
        bad = ""
        try:
            item = next(items)
        except StopIteration:
            return
        except InvalidValue as error:
            bad = str(error)
        except csv.Error as error:
            since = f", from line {before + 1} on" if before + 1 < lines.number else ""
            bad = f"not CSV ({error}{since})."
        if not lines.are_text:
            bad = _NOT_UTF8
        yield lines.number, BadRow(lines.number, bad) if bad else item


def _csv_rows(text: TextIO, mapping: FileMapping) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    csv.field_size_limit(_LONGEST)
    lines = _Lines(text)
    rows = _each(csv.reader(lines, strict=True), lines)
    _, header = next(rows, (0, None))
    if header is None:
        raise UnreadableFile("the file is empty: it must begin with a line of column names.")
    if isinstance(header, BadRow):
        raise UnreadableFile(f"the first line, which must be one of column names, is {header.reason}")
    if len(set(header)) < len(header):
        ((twice, _),) = Counter(header).most_common(1)
        raise UnreadableFile(f"the column {twice!r} stands twice in the first line: rename one.")
    mapping.require(header)
    width = len(header)
    for number, cells in rows:
        if isinstance(cells, BadRow):
            yield number, cells
        elif len(cells) == width:
            yield number, dict(zip(header, cells, strict=True))
        elif cells:
            yield number, BadRow(number, f"{len(cells)} cells where the first line has {width}.")


def _json_rows(text: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    lines = _Lines(text)
    for number, line in _each(lines, lines):
        if isinstance(line, BadRow):
            yield number, line
        elif line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield number, row if isinstance(row, dict) else BadRow(number, "not a JSON object.")


def write_records(records: Iterable[RunRecord], target: TextIO, file_format: Format) -> int:
    """Write records so that reading them gives the same; returns how many."""
    written = 0
    # The line ending of RFC 4180; with another, a carriage return in a text is not quoted, and splits its row.
    writer = csv.writer(target, lineterminator="\r\n")
    if file_format == "csv":
        writer.writerow(FIELDS)
    for record in records:
        written += 1
        row = record.to_json()
        if file_format == "jsonl":
            target.write(json.dumps(row) + "\n")
        else:
            cells = [json.dumps(row[name]) if name in ("metrics", "log") else row[name] for name in FIELDS]
            writer.writerow(cells)
    return written


@contextmanager
def target_file(path: str) -> Iterator[TextIO]:
    """Standard output for "-"; else a file that appears, whole, at the end; compressed if its name ends in .gz.

    What is there and is no file, such as a pipe, is written to as it is.
    """
    if path == "-":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    opener: Callable[..., Any] = gzip.open if path.endswith(".gz") else open
    whole = part = Path(path)
    if not whole.exists() or whole.is_file():
        whole = Path(os.path.realpath(path))  # a link stays one
        part = whole.with_name(f"{whole.name}.part")
    try:
        with opener(part, "wt", encoding="utf-8", newline="") as target:
            yield target
        if part is not whole:
            part.replace(whole)
    finally:
        if part is not whole:
            part.unlink(missing_ok=True)
