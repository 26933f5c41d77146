"""Writing a history file, so that reading it gives the same runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TextIO

from ...domain import InvalidValue, NewRun
from ...domain.visible import counted
from .formats import Format
from .lines import MAX_ROW
from .mapping import FIELDS

Writer = Callable[[dict[str, Any]], int]
"""Writes a row, and returns how many characters it has."""


def write_runs(runs: Iterable[NewRun], target: TextIO, file_format: Format) -> int:
    """Write runs to an open text file, which must not translate line ends (newline=""). Returns how many.

    Raises InvalidValue, with the key, for a run whose row would be too long to be read again.
    """
    write = _csv_writer(target) if file_format == "csv" else _json_writer(target)
    written = 0
    for run in runs:
        if (length := write(run.to_json())) > MAX_ROW:
            raise InvalidValue(
                f"{run.key} with its log of {counted(len(run.log), 'line')} is a row of {length:,} characters, and at "
                f"most {MAX_ROW:,} can be read again: copy the runs to another store instead.",
                run.key,
            )
        written += 1
    return written


def _csv_writer(target: TextIO) -> Writer:
    # The line ending of RFC 4180; with another, a carriage return in a text is not quoted, and splits its row.
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(FIELDS)
    dumps = _json_of(target)

    def write(row: dict[str, Any]) -> int:
        written = writer.writerow([dumps(row[name]) if name in ("metrics", "log") else row[name] for name in FIELDS])
        return int(written)

    return write


def _json_writer(target: TextIO) -> Writer:
    dumps = _json_of(target)
    return lambda row: target.write(dumps(row) + "\n")


def _json_of(target: TextIO) -> Callable[[Any], str]:
    """JSON as it is in a file. On a terminal, characters beyond ASCII are escaped, for some of them control it."""
    return partial(json.dumps, ensure_ascii=target.isatty())
