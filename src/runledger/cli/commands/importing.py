"""`runledger import`: loading a history from a file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import click

from ...domain import InvalidValue, NewRun
from ...histories import BadRow, Format, MissingColumns, Setting, UnreadableFile, UnusableColumns, read_history
from ...services.batches import batches
from ...services.comparison import differing
from ...services.ledger import RunLedger
from ..arguments import MEANING, RENAMING, STATUS, ZONE
from ..options import chosen_ledger, each_once, json_option, store_option
from ..output import complain, counted, print_json, remark
from ..progress import progress

_BATCH = 2000
_NAMED = 100
"""How many refused rows are listed without --verbose: with a wrong mapping, every row is refused."""

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


@click.command("import")
@store_option
@click.argument("source", metavar="FILE", type=click.File("rb"))
@click.option(
    "--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: detected from name or content]"
)
@click.option(
    "--delimiter", metavar="CHARACTER", help="What separates cells. [default: of , ; | and tab, that of the first line]"
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=RENAMING,
    callback=each_once,
    help='Which column holds a field, e.g. run_id="Job ID". With nothing after the =, no column does.',
)
@click.option(
    "--rest-as-metrics",
    is_flag=True,
    help="Import every column that is not a field as a metric; decimal numbers become floats, integers beyond ±2^53 "
    "stay text.",
)
@click.option(
    "--skip-column", "skip_columns", metavar="COLUMN", multiple=True, help="Do not read a column; may be repeated."
)
@click.option("--null", "nulls", metavar="WORD", multiple=True, help="A word for an empty cell, e.g. NULL.")
@click.option(
    "--status", "statuses", multiple=True, type=MEANING, callback=each_once, help="The status for a word in the file."
)
@click.option("--default-status", type=STATUS, help="The status of rows without one.")
@click.option(
    "--ended-at",
    "default_end",
    type=click.Choice(["started_at", "updated_at"]),
    help="The time at which a run ended that has a final status and no end time.",
)
@click.option(
    "--time-format",
    "time_formats",
    metavar="FORMAT",
    multiple=True,
    help="How times are written: iso, epoch (seconds since 1970), epoch-ms, or a pattern such as '%d.%m.%Y %H:%M'. "
    "Repeat it for a file with several.  [default: iso]",
)
@click.option(
    "--timezone",
    type=ZONE,
    help="The zone of times without one, e.g. UTC or Europe/Berlin. If a clock change repeats an hour, the first is "
    "meant; a time that it skips is read with the offset before the change.",
)
@click.option("--strict", is_flag=True, help="Stop at the first refused row.")
@click.option("--verbose", "-v", is_flag=True, help="List every row that is refused, different or already there.")
@json_option
def import_(
    source: BinaryIO, file_format: Format | None, strict: bool, verbose: bool, as_json: bool, **mapping: Any
) -> None:
    """Load a history from CSV or JSON Lines.

    The file may be compressed with gzip; - is standard input.

    Fields: run_id, client_id, client_name, status, started_at, ended_at, updated_at, error, metrics, log. The last two
    have the form that export writes; if a column of that name holds something else, give --column log=.

    A row whose run exists already changes nothing, so a file can be imported again. If the ledger has other values for
    it, or an earlier row of the file had, it is reported as different, and the exit code is 1.

    \b
    Example:
      runledger import jobs.csv.gz --default-status Completed --rest-as-metrics \\
          --column run_id="Job ID" --column client_id=Site \\
          --column started_at="Start Time" --column ended_at="End Time"
    """
    try:
        reading = read_history(source, file_format=file_format, **mapping)
    except InvalidValue as error:
        raise click.UsageError(str(error)) from None
    with closing(reading) as rows, chosen_ledger(may_be_new=True) as ledger:
        work = _Import(ledger, strict, verbose, as_json)
        try:
            with _reading(source) as advance:
                work.take(rows, advance)
        except MissingColumns as error:
            raise click.UsageError(_missing_columns(error)) from None
        except UnusableColumns as error:
            skips = " ".join(f"--skip-column {shlex.quote(name)}" for name in error.columns)
            raise click.UsageError(f"{error.problem}: rename it in the file, or give {skips}.") from None
        except BaseException:
            work.report()
            raise
        work.report()
    click.get_current_context().exit(1 if work.refused or work.different or work.stopped else 0)


def _missing_columns(error: MissingColumns) -> str:
    header = ", ".join(map(repr, error.header))
    options = [_option_of(name) for name in error.missing]
    return f"{error.problem}: say which it is with {', '.join(options)}. It has {header}."


def _option_of(missing: str) -> str:
    """The option that names a column for what is missing."""
    if missing == "skip_columns":
        return "--skip-column …"
    return f"--column {missing}=…" + " (or --default-status)" * (missing == "status")


def _reason(row: BadRow) -> str:
    """Why a row is refused, and the option that helps."""
    if row.gap is None:
        return row.reason
    advice = _ADVICE[row.gap.setting].format(field=row.gap.field, value=shlex.quote(row.gap.value))
    return f"{row.gap.problem}: {advice}."


@contextmanager
def _reading(source: BinaryIO) -> Iterator[Callable[[], None]]:
    if not source.seekable():  # a pipe, whose length is unknown
        yield lambda: None
        return
    size = os.fstat(source.fileno()).st_size
    with progress("bytes") as show:
        yield lambda: show(source.tell(), size)


class _Import:
    """Loads rows in batches, and counts the rows loaded, already there, different and refused."""

    def __init__(self, ledger: RunLedger, strict: bool, verbose: bool, as_json: bool) -> None:
        self._ledger = ledger
        self._strict = strict
        self._verbose = verbose
        self._as_json = as_json
        self._named = 0
        self._columns: set[str] = set()
        self.loaded = self.there = self.different = self.refused = 0
        self.stopped = ""
        """Why the rest of the file was not read; empty if all of it was."""

    def take(self, rows: Iterator[tuple[int, NewRun | BadRow]], advance: Callable[[], None]) -> None:
        """Load all rows, or those before the file becomes unreadable. Raises MissingColumns before loading any."""
        for batch in batches(self._usable(rows), _BATCH, lambda row: row[1]):
            self._load(batch)
            advance()

    def _usable(self, rows: Iterator[tuple[int, NewRun | BadRow]]) -> Iterator[tuple[int, NewRun]]:
        """The rows that are runs, each with its line. The others are counted and remarked on."""
        try:
            for line, row in rows:
                if isinstance(row, NewRun):
                    yield line, row
                    continue
                self._refuse(line, row)
                if self._strict:
                    self.stopped = f"stopped at line {line}, because of --strict."
                    break
        except UnreadableFile as error:
            self.stopped = str(error)

    def report(self) -> None:
        unnamed = self.refused + self.different - self._named
        if unnamed and not self._verbose:
            kind = "refused or different row" if self.different else "refused row"
            remark(f"… {counted(unnamed, kind)} more; --verbose lists them too.")
        if self.stopped:
            complain(self.stopped)
        if self._as_json:
            counts = {"loaded": self.loaded, "already_there": self.there, "different": self.different}
            print_json({**counts, "refused": self.refused})
            return
        rows = self.loaded + self.there + self.different + self.refused
        different = f", {self.different:,} there, but different" if self.different else ""
        click.echo(
            f"{counted(rows, 'row')}: {self.loaded:,} loaded, {self.there:,} already there, {self.refused:,} refused"
            f"{different}"
        )

    def _load(self, batch: list[tuple[int, NewRun]]) -> None:
        others = self._ledger.import_records([run for _, run in batch])
        self.loaded += len(batch) - len(others)
        if not others:
            return
        lines = {id(run): line for line, run in batch}
        others = tuple(sorted(others, key=lambda run: lines[id(run)]))
        unlike = {id(run): words for run, words in differing(self._ledger.reads, others)}
        self.different += len(unlike)
        self.there += len(others) - len(unlike)
        for run in others:
            if words := unlike.get(id(run)):
                self._name(lines[id(run)], f"{run.key} is there, but different: {words}")
            elif self._verbose:
                remark(f"line {lines[id(run)]}: {run.key} is there already")

    def _refuse(self, line: int, row: BadRow) -> None:
        self.refused += 1
        if row.gap is not None and row.gap.setting == "skip_columns":
            if row.gap.value in self._columns:  # which is said once for the column, and not for each row
                self._named += 1
                return
            self._columns.add(row.gap.value)
        self._name(line, _reason(row))

    def _name(self, line: int, problem: str) -> None:
        if self._named < _NAMED or self._verbose:
            self._named += 1
            remark(f"line {line}: {problem}")
