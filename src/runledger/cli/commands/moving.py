"""Moving runs: import, export, and copying between stores."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, BinaryIO, TextIO

import click

from ...domain import InvalidValue, NewRun
from ...domain.json_form import time_text
from ...histories import BadRow, Format, Gap, MissingColumns, UnreadableFile, read_history, write_history
from ...services.batches import batches
from ...services.copy_result import CopyResult, Fate, Remark
from ...services.ledger import RunLedger
from ...stores import copy as copy_runs
from ..arguments import MEANING, MOMENT, RENAMING, STATUS, ZONE
from ..options import chosen_ledger, each_once, filter_options, json_option, lasting, store_option
from ..output import complain, print_json, remark
from ..progress import progress

_BATCH = 2000
_NAMED = 100
"""How many refused rows are listed without --verbose: with a wrong mapping, every row is refused."""


@click.command("import")
@store_option
@click.argument("source", metavar="FILE", type=click.File("rb"))
@click.option(
    "--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: detected from name or content]"
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
    help="Import every column that is not a field as a metric; decimal numbers become floats.",
)
@click.option(
    "--status", "statuses", multiple=True, type=MEANING, callback=each_once, help="The status for a word in the file."
)
@click.option("--default-status", type=STATUS, help="The status of rows without one.")
@click.option(
    "--timezone",
    type=ZONE,
    help="The zone of times without one, e.g. UTC or Europe/Berlin. If a clock change repeats an hour, the first is "
    "meant; a time that it skips is read with the offset before the change.",
)
@click.option("--strict", is_flag=True, help="Stop at the first refused row.")
@click.option("--verbose", "-v", is_flag=True, help="List every row that is refused or already there.")
@json_option
def import_(
    source: BinaryIO, file_format: Format | None, strict: bool, verbose: bool, as_json: bool, **mapping: Any
) -> None:
    """Load a history from CSV or JSON Lines.

    The file may be compressed with gzip; - is standard input.

    Fields: run_id, client_id, client_name, status, started_at, ended_at, updated_at, error, metrics, log. The last two
    have the form that export writes; if a column of that name holds something else, give --column log=.

    A row whose run exists already is left alone, so a file can be imported again.

    \b
    Example:
      runledger import jobs.csv.gz --default-status Completed --rest-as-metrics \\
          --column run_id="Job ID" --column client_id=Site \\
          --column started_at="Start Time" --column ended_at="End Time"
    """
    try:
        reading = read_history(source, file_format=file_format, **mapping)
    except InvalidValue as error:
        raise click.BadParameter(str(error), param_hint="'--column'") from None
    with closing(reading) as rows, chosen_ledger(may_be_new=True) as ledger:
        work = _Import(ledger, strict, verbose, as_json)
        try:
            with _reading(source) as advance:
                work.take(rows, advance)
        except MissingColumns as error:
            raise click.UsageError(_missing_columns(error)) from None
        except BaseException:
            work.report()
            raise
        work.report()
    click.get_current_context().exit(1 if work.refused or work.stopped else 0)


def _missing_columns(error: MissingColumns) -> str:
    options = (f"--column {name}=…" + " (or --default-status)" * (name == "status") for name in error.missing)
    header = ", ".join(map(repr, error.header))
    return f"{error.problem}: say which it is with {', '.join(options)}. It has {header}."


def _reason(row: BadRow) -> str:
    """Why a row is refused, and the option that helps."""
    return row.reason if row.gap is None else f"{row.gap.problem}: {_advice(row.gap)}."


def _advice(gap: Gap) -> str:
    match gap.setting:
        case "columns":
            return f"if it is something else, give --column {gap.field}="
        case "statuses":
            return f"map it with --status {shlex.quote(gap.value)}=STATUS"
        case "default_status":
            return "give --default-status"
        case "timezone":
            return "give --timezone with the file's zone, e.g. UTC"


@contextmanager
def _reading(source: BinaryIO) -> Iterator[Callable[[], None]]:
    if not source.seekable():  # a pipe, whose length is unknown
        yield lambda: None
        return
    size = os.fstat(source.fileno()).st_size
    with progress("bytes") as show:
        yield lambda: show(source.tell(), size)


class _Import:
    """Loads rows in batches, and counts the rows loaded, already there and refused."""

    def __init__(self, ledger: RunLedger, strict: bool, verbose: bool, as_json: bool) -> None:
        self._ledger = ledger
        self._strict = strict
        self._verbose = verbose
        self._as_json = as_json
        self.loaded = self.there = self.refused = 0
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
                self.refused += 1
                if self.refused <= _NAMED or self._verbose:
                    remark(f"line {line}: {_reason(row)}")
                if self._strict:
                    self.stopped = f"stopped at line {line}, because of --strict."
                    break
        except UnreadableFile as error:
            self.stopped = str(error)

    def report(self) -> None:
        if self.refused > _NAMED and not self._verbose:
            remark(f"… {_count(self.refused - _NAMED, 'refused row')} more; --verbose lists them too.")
        if self.stopped:
            complain(self.stopped)
        if self._as_json:
            print_json({"loaded": self.loaded, "already_there": self.there, "refused": self.refused})
            return
        rows = self.loaded + self.there + self.refused
        click.echo(
            f"{_count(rows, 'row')}: {self.loaded:,} loaded, {self.there:,} already there, {self.refused:,} refused"
        )

    def _load(self, batch: list[tuple[int, NewRun]]) -> None:
        others = self._ledger.import_records([run for _, run in batch])
        self.loaded += len(batch) - len(others)
        self.there += len(others)
        if self._verbose and others:
            lines = {id(run): line for line, run in batch}
            for run in others:
                remark(f"line {lines[id(run)]}: {run.key} is there already")


@click.command()
@filter_options
@click.argument("file", default="-", type=click.Path(readable=False, allow_dash=True))
@click.option(
    "--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: csv for *.csv, else jsonl]"
)
def export(file: str, file_format: Format | None, **filters: Any) -> None:
    """Write runs so that import reads them back exactly.

    To a file, compressed if its name ends in .gz, or to standard output.

    \b
    Examples:
      runledger export runs.csv.gz
      runledger export --client acme --format jsonl | jq .status
    """
    target = _standard_output() if file == "-" else file
    with chosen_ledger() as ledger, progress("records", wanted=file != "-") as advance:
        found = _counted(ledger.reads.find_with_logs(**filters), advance)
        try:
            count = write_history(found, target, file_format=file_format)
        except OSError as error:
            if file == "-":
                raise
            raise click.UsageError(f"{file} cannot be written: {error.strerror or error}.") from None
    if file == "-":
        sys.stdout.flush()  # now, so that a full disk is reported in one line
    else:
        click.echo(f"{_count(count, 'run')} written to {file}")


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option(
    "--ended-since",
    type=MOMENT,
    help="Make a second copy: bring over what has ended since the first, at a time that the first copy prints.",
)
@click.option("--dry-run", is_flag=True, help="Only compare the two stores; write nothing.")
@json_option
def copy(source: str, target: str, ended_since: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Copy every run from one store to another, both given by URL.

    A run that exists in TO already is left alone, and reported if it differs. Runs that TO refuses are reported and
    skipped. After an interruption, run it again: nothing is created twice. Runs that start or change in FROM during the
    copy may be missed.

    If runs are still Running, the copy prints the command for a second copy. With --ended-since, a run that has ended
    in FROM since the first copy is updated in TO, unless something else has updated it there.

    \b
    Examples:
      runledger copy airtable://appAbcDefGhiJklMn/Runs postgresql://ops@db/runs
      runledger copy sqlite:///runs.db postgresql://ops@db/runs --ended-since 2026-11-28T10:00:00Z
    """
    with progress("records", wanted=not as_json) as advance:
        try:
            result = copy_runs(
                lasting(source),
                lasting(target),
                ended_since=ended_since,
                dry_run=dry_run,
                on_remark=_print_as_json if as_json else _print,
                on_progress=advance,
            )
        except BaseException as error:
            for note in getattr(error, "__notes__", ()):
                complain(note)
            raise
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(_sum_of(result, dry_run))
        if result.ended_since is not None:
            remark(_second_copy(result.running, source, target, time_text(result.ended_since)))
    click.get_current_context().exit(0 if result.is_complete else 1)


def _sum_of(result: CopyResult, dry_run: bool) -> str:
    counts = [(count, fate.value) for fate, count in result.counts.items() if count and fate.is_problem]
    done = "to be copied" if dry_run else Fate.COPIED.value
    first = [(result.counts[Fate.COPIED], done), (result.counts[Fate.EQUAL], Fate.EQUAL.value)]
    if ended := result.counts[Fate.ENDED]:
        first.insert(1, (ended, "to be brought to their end" if dry_run else "brought to their end"))
    return ", ".join(f"{count:,} {what}" for count, what in [*first, *counts])


def _second_copy(running: int, source: str, target: str, since: str) -> str:
    """What to do about runs that had not finished."""
    stores = [url if _may_be_shown(url) else name for name, url in (("FROM", source), ("TO", target))]
    command = shlex.join(["runledger", "copy", *stores, "--ended-since", since])
    if running == 1:
        return f"1 run is still Running in FROM. When it has finished, bring it over with: {command}"
    return f"{running:,} runs are still Running in FROM. When they have finished, bring them over with: {command}"


def _may_be_shown(url: str) -> bool:
    """Whether nothing in a store's URL can be a password: a user without one, and no options."""
    return "?" not in url and ":" not in url.partition("://")[2].rpartition("@")[0]


def _standard_output() -> TextIO:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    return sys.stdout


def _counted(runs: Iterable[NewRun], advance: Callable[[int, None], None]) -> Iterator[NewRun]:
    for number, run in enumerate(runs, 1):
        yield run
        if number % _BATCH == 0:
            advance(number, None)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _print(found: Remark) -> None:
    remark(str(found))


def _print_as_json(found: Remark) -> None:
    print_json(found.to_json())
