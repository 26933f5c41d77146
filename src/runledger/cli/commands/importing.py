"""`runledger import`: loading a history from a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import click

from ...domain import NewRun
from ...domain.visible import counted
from ...histories import BadRow, UnreadableFile
from ...services.copying.batches import batches
from ...services.copying.comparison import differing
from ...services.copying.importing import Imported, import_each
from ...services.ledger import RunLedger
from ..mapping import columns_explained, mapped_rows, mapping_options, reason_of
from ..options import chosen_ledger, json_option, store_option
from ..output import complain, print_json, remark
from ..progress import progress

_BATCH = 2000
_NAMED = 100
"""How many refused rows are listed without --verbose: with a wrong mapping, every row is refused."""
_REST = "the rest of the file is not loaded: import it again, and what is there already stays as it is."


class _History(click.File):
    """A file of runs. The URL of a store is answered with the command for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" in str(value):
            self.fail(
                "that is the URL of a store, not a file: copy its runs with `runledger copy SOURCE TARGET`.", param, ctx
            )
        return super().convert(value, param, ctx)


@click.command("import")
@store_option
@click.argument("source", metavar="FILE", type=_History("rb"))
@mapping_options
@click.option("--strict", is_flag=True, help="Stop at the first refused row.")
@click.option("--verbose", "-v", is_flag=True, help="List every row that is refused, different or already there.")
@json_option
def import_(source: BinaryIO, strict: bool, verbose: bool, as_json: bool, **mapping: Any) -> None:
    """Load a history from CSV or JSON Lines.

    The file may be compressed with gzip; - is standard input.

    Fields: run_id, client_id, client_name, status, started_at, ended_at, updated_at, error, metrics, log. The last two
    have the form that export writes; if a column of that name holds something else, give --column log=.

    A row whose run exists already changes nothing, so a file can be imported again. If the ledger has other values for
    it, or an earlier row of the file had, it is reported as different, and the exit code is 1. So it is for a row that
    the store refuses or alters, because of a column's type or choices; the other rows are loaded.

    \b
    Example:
      runledger import jobs.csv.gz --default-status Completed --rest-as-metrics \\
          --column run_id="Job ID" --column client_id=Site \\
          --column started_at="Start Time" --column ended_at="End Time"
    """
    with mapped_rows(source, **mapping) as rows, chosen_ledger(may_be_new=True) as ledger:
        work = _Import(ledger, strict, verbose, as_json)
        try:
            with _reading(source) as advance, columns_explained():
                work.take(rows, advance)
        except click.UsageError:
            raise
        except BaseException as error:
            work.stopped = _REST if isinstance(error, Exception) else f"interrupted: {_REST}"
            work.report()
            raise
        work.report()
    click.get_current_context().exit(1 if work.refused or work.different or work.altered or work.stopped else 0)


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
        self.loaded = self.there = self.different = self.refused = self.altered = 0
        self.stopped = ""
        """Why the rest of the file was not read; empty if all of it was."""

    def take(self, rows: Iterator[tuple[int, NewRun | BadRow]], advance: Callable[[], None]) -> None:
        """Load all rows, or those before the file becomes unreadable. Raises MissingColumns before loading any."""
        for batch in batches(self._usable(rows), _BATCH, lambda row: row[1]):
            self._load(batch)
            advance()
            if self.stopped:
                break

    def _usable(self, rows: Iterator[tuple[int, NewRun | BadRow]]) -> Iterator[tuple[int, NewRun]]:
        """The rows that are runs, each with its line. The others are counted and remarked on."""
        try:
            for line, row in rows:
                if isinstance(row, NewRun):
                    yield line, row
                    continue
                if self._refuse(line, row):
                    break
        except UnreadableFile as error:
            self.stopped = str(error)

    def report(self) -> None:
        unnamed = self.refused + self.different + self.altered - self._named
        if unnamed and not self._verbose:
            kinds = " of these kinds" if self.different or self.altered else ""
            what = "row" if kinds else "refused row"
            remark(f"… {counted(unnamed, what)}{kinds} more; --verbose lists them too.")
        if self.stopped:
            complain(self.stopped)
        if self._as_json:
            counts = {"loaded": self.loaded, "already_there": self.there, "different": self.different}
            print_json({**counts, "refused": self.refused, "altered": self.altered})
            return
        rows = self.loaded + self.there + self.different + self.refused
        different = f", {self.different:,} there, but different" if self.different else ""
        altered = f", {self.altered:,} of those loaded altered by the store" if self.altered else ""
        click.echo(
            f"{counted(rows, 'row')}: {self.loaded:,} loaded, {self.there:,} already there, {self.refused:,} refused"
            f"{different}{altered}"
        )

    def _load(self, batch: list[tuple[int, NewRun]]) -> None:
        lines = {id(run): line for line, run in batch}
        others = []
        for each in import_each(self._ledger, [run for _, run in batch]):
            line = lines[id(each.run)]
            if each.is_new:
                self.loaded += 1
                self._note_altered(line, each)
            elif not each.fault:
                others.append(each.run)
            elif self._refuse(line, BadRow(line, f"{each.run.key} is refused: {each.fault}")):
                break
        if not others:
            return
        others.sort(key=lambda run: lines[id(run)])
        unlike = {id(run): words for run, words in differing(self._ledger.reads, others)}
        self.different += len(unlike)
        self.there += len(others) - len(unlike)
        for run in others:
            if words := unlike.get(id(run)):
                self._name(lines[id(run)], f"{run.key} is there, but different: {words}")
            elif self._verbose:
                remark(f"line {lines[id(run)]}: {run.key} is there already")

    def _note_altered(self, line: int, imported: Imported) -> None:
        if imported.fault:
            self.altered += 1
            self._name(line, f"{imported.run.key} was loaded, but altered by the store: {imported.fault}")

    def _refuse(self, line: int, row: BadRow) -> bool:
        """Count and name a refused row. Returns whether that ends the import."""
        self.refused += 1
        if self._strict:
            self.stopped = f"stopped at line {line}, because of --strict."
        self._name_refused(line, row)
        return self._strict

    def _name_refused(self, line: int, row: BadRow) -> None:
        if row.gap is not None and row.gap.setting == "skip_columns":
            if row.gap.value in self._columns:  # which is said once for the column, and not for each row
                self._named += 1
                return
            self._columns.add(row.gap.value)
        self._name(line, reason_of(row))

    def _name(self, line: int, problem: str) -> None:
        if self._named < _NAMED or self._verbose:
            self._named += 1
            remark(f"line {line}: {problem}")
