"""How a history file is read: the options that map its columns and words, and what to say where they do not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import click

from ..domain import InvalidValue, NewRun
from ..histories import BadRow, MissingColumns, Setting, UnusableColumns, read_history
from .arguments import MEANING, RENAMING, STATUS, ZONE
from .options import each_once, options

_ADVICE: Mapping[Setting, str] = {
    "columns": "if it is something else, give --column {field}=",
    "statuses": "map it with --status {value}=STATUS",
    "default_status": "give --default-status",
    "default_end": "if the file does not know it, give --ended-at started_at",
    "time_formats": "give --time-format, such as epoch, epoch-ms or '%d.%m.%Y %H:%M'",
    "timezone": "give --timezone with the file's zone, e.g. UTC",
    "skip_columns": "rename it in the file, or give --skip-column {value}",
}
"""The option that fills a gap."""


mapping_options = options(
    click.option(
        "--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: detected from name or content]"
    ),
    click.option(
        "--delimiter",
        metavar="CHARACTER",
        help="What separates cells. [default: of , ; | and tab, that of the first line]",
    ),
    click.option(
        "--column",
        "columns",
        multiple=True,
        type=RENAMING,
        callback=each_once,
        help='Which column holds a field, e.g. run_id="Job ID". With nothing after the =, no column does.',
    ),
    click.option(
        "--rest-as-metrics",
        is_flag=True,
        help="Import every column that is not a field as a metric; decimal numbers become floats, integers beyond "
        "±2^53 stay text.",
    ),
    click.option(
        "--skip-column", "skip_columns", metavar="COLUMN", multiple=True, help="Do not read a column; may be repeated."
    ),
    click.option("--null", "nulls", metavar="WORD", multiple=True, help="A word for an empty cell, e.g. NULL."),
    click.option(
        "--status",
        "statuses",
        multiple=True,
        type=MEANING,
        callback=each_once,
        help="The status for a word in the file.",
    ),
    click.option("--default-status", type=STATUS, help="The status of rows without one."),
    click.option(
        "--ended-at",
        "default_end",
        type=click.Choice(["started_at", "updated_at"]),
        help="The time at which a run ended that has a final status and no end time.",
    ),
    click.option(
        "--time-format",
        "time_formats",
        metavar="FORMAT",
        multiple=True,
        help="How times are written: iso, epoch (seconds since 1970), epoch-ms, or a pattern such as '%d.%m.%Y %H:%M'. "
        "Repeat it for a file with several.  [default: iso]",
    ),
    click.option(
        "--timezone",
        type=ZONE,
        help="The zone of times without one, e.g. UTC or Europe/Berlin. If a clock change repeats an hour, the first "
        "is meant; a time that it skips is read with the offset before the change.",
    ),
)


@contextmanager
def mapped_rows(
    source: str | os.PathLike[str] | BinaryIO, **mapping: Any
) -> Iterator[Iterator[tuple[int, NewRun | BadRow]]]:
    """The rows of a file, each with its line, by the options of `mapping_options`. A wrong one is a usage error."""
    try:
        reading = read_history(source, **mapping)
    except InvalidValue as error:
        raise click.UsageError(str(error)) from None
    with closing(reading) as rows:
        yield rows


@contextmanager
def columns_explained() -> Iterator[None]:
    """Columns that the file lacks, or that cannot become metrics, are usage errors, which name the options."""
    try:
        yield
    except MissingColumns as error:
        raise click.UsageError(_missing_columns(error)) from None
    except UnusableColumns as error:
        skips = " ".join(f"--skip-column {shlex.quote(name)}" for name in error.columns)
        raise click.UsageError(f"{error.problem}: rename it in the file, or give {skips}.") from None


def _missing_columns(error: MissingColumns) -> str:
    header = ", ".join(map(repr, error.header))
    options = [_option_of(name) for name in error.missing]
    return f"{error.problem}: say which it is with {', '.join(options)}. It has {header}."


def _option_of(missing: str) -> str:
    """The option that names a column for what is missing."""
    if missing == "skip_columns":
        return "--skip-column …"
    return f"--column {missing}=…" + " (or --default-status)" * (missing == "status")


def reason_of(row: BadRow) -> str:
    """Why a row is refused, and the option that helps."""
    if row.gap is None:
        return row.reason
    advice = _ADVICE[row.gap.setting].format(field=row.gap.field, value=shlex.quote(row.gap.value))
    return f"{row.gap.problem}: {advice}."
