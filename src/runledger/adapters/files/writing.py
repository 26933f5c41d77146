"""Writing a history file, so that reading it gives the same runs."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ...domain import NewRun
from .formats import Format
from .mapping import FIELDS


def write_runs(runs: Iterable[NewRun], target: TextIO, file_format: Format) -> int:
    """Write runs to an open text file, which must not translate line ends (newline=""). Returns how many."""
    write = _csv_writer(target) if file_format == "csv" else _json_writer(target)
    written = 0
    for run in runs:
        write(run.to_json())
        written += 1
    return written


def _csv_writer(target: TextIO) -> Callable[[dict[str, Any]], object]:
    # The line ending of RFC 4180; with another, a carriage return in a text is not quoted, and splits its row.
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(FIELDS)

    def write(row: dict[str, Any]) -> None:
        writer.writerow([json.dumps(row[name]) if name in ("metrics", "log") else row[name] for name in FIELDS])

    return write


def _json_writer(target: TextIO) -> Callable[[dict[str, Any]], object]:
    return lambda row: target.write(json.dumps(row) + "\n")


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A text file that appears at `path`, whole, at the end of the block; compressed if its name ends in .gz.

    If the block raises, what was at `path` stays. Something there that is not a file, such as a pipe, is written to
    directly.
    """
    opener: Callable[..., Any] = gzip.open if path.name.endswith(".gz") else open
    whole = part = path
    if not path.exists() or path.is_file():
        whole = Path(os.path.realpath(path))  # so that a link stays a link
        part = whole.with_name(f"{whole.name}.part")
    try:
        with opener(part, "wt", encoding="utf-8", newline="") as target:
            yield target
        if part is not whole:
            part.replace(whole)
    finally:
        if part is not whole:
            part.unlink(missing_ok=True)
