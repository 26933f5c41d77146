"""Moving runs: from and to files, and from store to store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import click

from ...adapters.files.histories import (
    FIELDS,
    BadRow,
    FileMapping,
    Format,
    UnreadableFile,
    UnsuitableFile,
    read_records,
    target_file,
    write_records,
)
from ...domain import RunRecord
from ...services.copying import PROBLEMS, Fate, LedgerCopy, Remark, remark_as_json
from ...services.ledger import RunLedger
from ...stores import open_repository
from ..arguments import MEANING, RENAMING, STATUS, ZONE
from ..options import (
    chosen_ledger,
    each_once,
    existing,
    filter_options,
    json_option,
    lasting,
    missing_file,
    store_option,
)
from ..output import complain, print_json, remark
from ..progress import progress

_BATCH = 2000
_NAMED = 100
"""Refused rows that are named unless all are asked for: a mapping that does not fit refuses all of a file's."""


def _columns(ctx: click.Context, param: click.Parameter, pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    columns = each_once(ctx, param, pairs)
    for name in columns:
        if name not in FIELDS:
            raise click.BadParameter(f"{name!r} is no field: use one of {', '.join(FIELDS)}.")
    return columns


@click.command("import")
@store_option
@click.argument("source", metavar="FILE", type=click.File("rb"))
@click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: by its name or content]")
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=RENAMING,
    callback=_columns,
    help='Which column a field is, e.g. run_id="Job ID"; with nothing after the =, none is.',
)
@click.option(
    "--rest-as-metrics",
    is_flag=True,
    help="Keep every column that is no field as a metric; of a decimal number what a double holds.",
)
@click.option(
    "--status", "statuses", multiple=True, type=MEANING, callback=each_once, help="What the file's word means."
)
@click.option("--default-status", type=STATUS, help="The status of rows for which the file has none.")
@click.option(
    "--timezone",
    type=ZONE,
    help="The zone of times that name none, e.g. UTC or Europe/Berlin. Where a clock change repeats an hour, the first "
    "is taken; a time that it skips is read by the offset before.",
)
@click.option("--strict", is_flag=True, help="Stop at the first row that is refused.")
@click.option("--verbose", "-v", is_flag=True, help="Name every row that is refused or was there already.")
@json_option
def import_(
    source: BinaryIO, file_format: Format | None, strict: bool, verbose: bool, as_json: bool, **mapping: Any
) -> None:
    """Load a history from CSV or JSON Lines.

    The file may be gzip-compressed; - is standard input.

    Fields: run_id, client_id, client_name, status, started_at, ended_at, updated_at, error; metrics and log as export
    writes them (a column of another kind that is named so: --column log=). A row whose run is there already is left
    alone, so that a file can be imported again.

    \b
    Example:
      runledger import jobs.csv.gz --default-status Completed --rest-as-metrics \\
          --column run_id="Job ID" --column client_id=Site \\
          --column started_at="Start Time" --column ended_at="End Time"
    """
    reading = read_records(source, source.name, file_format, FileMapping(**mapping))
    with closing(reading) as rows, chosen_ledger(may_be_new=True) as ledger:
        work = _Import(ledger, strict, verbose, as_json)
        try:
            with _reading(source) as advance:
                work.take(rows, advance)
        except UnsuitableFile as error:
            raise click.UsageError(str(error)) from None
        except BaseException:
            work.report()
            raise
        work.report()
    click.get_current_context().exit(1 if work.refused or work.stopped else 0)


@contextmanager
def _reading(source: BinaryIO) -> Iterator[Callable[[], None]]:
    if not source.seekable():  # a pipe: how far we are nobody knows
        yield lambda: None
        return
    size = os.fstat(source.fileno()).st_size
    with progress("bytes") as show:
        yield lambda: show(source.tell(), size)


class _Import:
    """Loads rows in batches and counts what became of them."""

    def __init__(self, ledger: RunLedger, strict: bool, verbose: bool, as_json: bool) -> None:
        self._ledger = ledger
        self._strict = strict
        self._verbose = verbose
        self._as_json = as_json
        self._batch: list[tuple[int, RunRecord]] = []
        self.loaded = self.there = self.refused = 0
        self.stopped = ""
        """Why the rest of the file was not looked at, if so."""

    def take(self, rows: Iterator[tuple[int, RunRecord | BadRow]], advance: Callable[[], None]) -> None:
        """Load all rows, or those before the file cannot be read further. UnsuitableFile comes before the first."""
        try:
            for line, row in rows:
                if isinstance(row, RunRecord):
                    self._batch.append((line, row))
                    if len(self._batch) == _BATCH:
                        self._load()
                        advance()
                    continue
                self.refused += 1
                if self.refused <= _NAMED or self._verbose:
                    remark(f"line {line}: {row.reason}")
                if self._strict:
                    self.stopped = f"stopped at line {line}, because of --strict."
                    break
        except UnreadableFile as error:
            self.stopped = str(error)
        self._load()

    def report(self) -> None:
        if self.refused > _NAMED and not self._verbose:
            remark(f"… {_count(self.refused - _NAMED, 'refused row')} more; --verbose names them too.")
        if self.stopped:
            complain(self.stopped)
        if self._as_json:
            print_json({"loaded": self.loaded, "already_there": self.there, "refused": self.refused})
            return
        rows = self.loaded + self.there + self.refused
        click.echo(
            f"{_count(rows, 'row')}: {self.loaded:,} loaded, {self.there:,} already there, {self.refused:,} refused"
        )

    def _load(self) -> None:
        batch, self._batch = self._batch, []
        others = self._ledger.import_records([record for _, record in batch])
        self.loaded += len(batch) - len(others)
        self.there += len(others)
        if self._verbose and others:
            lines = {id(record): line for line, record in batch}
            for record in others:
                remark(f"line {lines[id(record)]}: {record.key} is there already")


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
    stem = file.removesuffix(".gz")
    file_format = file_format or ("csv" if stem.endswith(".csv") else "jsonl")
    with chosen_ledger() as ledger:
        found = ledger.find(**filters)
        try:
            with target_file(file) as target, progress("records", wanted=file != "-") as advance:
                count = write_records(_counted(found, advance), target, file_format)
        except OSError as error:
            if file == "-":
                raise
            raise click.UsageError(f"{file} cannot be written: {error.strerror or error}.") from None
    if file != "-":
        click.echo(f"{_count(count, 'run')} written to {file}")


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--dry-run", is_flag=True, help="Only compare the two; make nothing.")
@json_option
def copy(source: str, target: str, dry_run: bool, as_json: bool) -> None:
    """Copy every run from one store to another, both given by URL.

    A run that is there already is left alone, and named if it differs. What does not fit is named and left out. After
    an interruption, run it again: nothing is made twice. Runs that start or change in FROM meanwhile may be missed.

    \b
    Example:
      runledger copy airtable://appAbcDefGhiJklMn/Runs postgresql://ops@db/runs
    """
    source, target = lasting(source), lasting(target)
    with (
        closing(open_repository(existing(source))) as origin,
        # An empty store stands for the file that a copy would make, and a dry run does not.
        closing(open_repository("memory://" if dry_run and missing_file(target) else target)) as goal,
        progress("records", wanted=not as_json) as advance,
    ):
        tell = _tell_as_json if as_json else _tell
        work = LedgerCopy.between(origin, goal, remark=tell, advance=advance, dry_run=dry_run)
        try:
            work.run()
        except BaseException:
            if work.counts:
                complain(f"stopped after {work.counts[Fate.COPIED]:,} copies: run it again, and it goes on from here.")
            raise
    counts = work.counts
    if as_json:
        print_json({fate.name.lower(): counts[fate] for fate in Fate})
    else:
        done = "to be copied" if dry_run else Fate.COPIED.value
        problems = "".join(f", {counts[fate]:,} {fate.value}" for fate in PROBLEMS if counts[fate])
        click.echo(f"{counts[Fate.COPIED]:,} {done}, {counts[Fate.EQUAL]:,} {Fate.EQUAL.value}{problems}")
    click.get_current_context().exit(1 if any(counts[fate] for fate in PROBLEMS) else 0)


def _counted(records: Iterable[RunRecord], advance: Callable[[int, None], None]) -> Iterator[RunRecord]:
    for number, record in enumerate(records, 1):
        yield record
        if number % _BATCH == 0:
            advance(number, None)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tell(found: Remark) -> None:
    remark(f"{found.fate.value}: {found.key or 'a row'}: {found.detail}")


def _tell_as_json(found: Remark) -> None:
    print_json(remark_as_json(found))
