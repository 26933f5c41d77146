"""Moving runs out of a store: into files with `export`, into another store with `copy`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

import click

from ...domain import NewRun
from ...histories import Format, UnknownFormat, write_history
from ...services.copy_result import CopyResult, Fate, Remark
from ...stores import copy as copy_runs
from ..options import chosen_ledger, filter_options, json_option, lasting
from ..output import complain, counted, print_json, remark
from ..progress import progress

_STEP = 2000
"""How many runs are written between two steps of the progress bar."""


@click.command()
@filter_options
@click.argument("file", default="-", type=click.Path(readable=False, allow_dash=True))
@click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: that of the file's name]")
def export(file: str, file_format: Format | None, **filters: Any) -> None:
    """Write runs so that import reads them back exactly.

    To standard output as JSON Lines, or to a file whose name ends in .csv, .jsonl, .ndjson or .json, and in .gz to
    compress it. A file appears when it is complete, and replaces what was there; it keeps the permissions of that.

    \b
    Examples:
      runledger export runs.csv.gz
      runledger export --client acme --format jsonl | jq .status
    """
    target = _standard_output() if file == "-" else file
    with chosen_ledger() as ledger, progress("records", wanted=file != "-") as advance:
        found = _showing(ledger.reads.find_with_logs(**filters), advance)
        try:
            count = write_history(found, target, file_format=file_format)
        except UnknownFormat as error:
            raise click.UsageError(f"{error.problem}, or give --format.") from None
        except OSError as error:
            if file == "-":
                raise
            raise click.UsageError(f"{file} cannot be written: {error.strerror or error}.") from None
    if file == "-":
        sys.stdout.flush()  # now, so that a full disk is reported in one line
    else:
        click.echo(f"{counted(count, 'run')} written to {file}")


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--dry-run", is_flag=True, help="Only compare the two stores; write nothing.")
@json_option
def copy(source: str, target: str, dry_run: bool, as_json: bool) -> None:
    """Copy every run from one store to another, both given by URL.

    A run that exists in TO already is left alone, and reported if it differs. Runs that TO refuses are reported and
    skipped. After an interruption, run it again: nothing is created twice. Runs that start or change in FROM during the
    copy may be missed.

    \b
    Example:
      runledger copy airtable://appAbcDefGhiJklMn/Runs postgresql://ops@db/runs
    """
    with progress("records", wanted=not as_json) as advance:
        try:
            result = copy_runs(
                lasting(source),
                lasting(target),
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
    click.get_current_context().exit(0 if result.is_complete else 1)


def _sum_of(result: CopyResult, dry_run: bool) -> str:
    counts = [(count, fate.value) for fate, count in result.counts.items() if count and fate.is_problem]
    done = "to be copied" if dry_run else Fate.COPIED.value
    first = [(result.counts[Fate.COPIED], done), (result.counts[Fate.EQUAL], Fate.EQUAL.value)]
    return ", ".join(f"{count:,} {what}" for count, what in [*first, *counts])


def _standard_output() -> TextIO:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    return sys.stdout


def _showing(runs: Iterable[NewRun], advance: Callable[[int, None], None]) -> Iterator[NewRun]:
    for number, run in enumerate(runs, 1):
        yield run
        if number % _STEP == 0:
            advance(number, None)


def _print(found: Remark) -> None:
    remark(str(found))


def _print_as_json(found: Remark) -> None:
    print_json(found.to_json())
