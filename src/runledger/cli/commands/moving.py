"""Moving runs out of a store: into files with `export`, into another store with `copy`."""

from __future__ import annotations

import io
import shlex
import sys
from datetime import datetime
from typing import Any, TextIO

import click

from ...domain.json_form import time_text
from ...domain.visible import counted, visible
from ...histories import Format, UnknownFormat, format_of_name, write_history
from ...services.copying.result import CopyResult, Fate, Remark
from ...stores import copy as copy_runs
from ...stores import named_side
from ..arguments import COUNT, MOMENT
from ..locations import without_secrets
from ..options import after_option, chosen_ledger, filter_options, json_option, lasting
from ..output import complain, print_json, remark, say
from ..progress import progress, showing


@click.command()
@filter_options
@click.argument("file", default="-", type=click.Path(readable=False, allow_dash=True))
@after_option
@click.option("--limit", metavar="N", type=COUNT, help="The largest number of runs to write.  [default: all]")
@click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="[default: that of the file's name]")
def export(file: str, file_format: Format | None, after: tuple[str, str] | None, **filters: Any) -> None:
    """Write runs so that import reads them back exactly.

    To standard output as JSON Lines, or to a file whose name ends in .csv, .jsonl, .ndjson or .json, and in .gz to
    compress it. A file appears when it is complete, and replaces what was there; it keeps the permissions of that.

    \b
    Examples:
      runledger export runs.csv.gz
      runledger export --client acme --format jsonl | jq .status
    """
    target = _standard_output() if file == "-" else file
    with chosen_ledger(whole=True) as ledger, progress("records", wanted=file != "-") as advance:
        last = None if after is None else ledger.get(*after)
        found = showing(ledger.reads.find_with_logs(after=last, **filters), advance)
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
        say(f"{counted(count, 'run')} written to {file}")


@click.command()
@click.argument("source")
@click.argument("target")
@click.option(
    "--ended-since",
    type=MOMENT,
    help="Make a second copy: bring over what has ended since the first, at a time that the first copy prints.",
)
@click.option("--dry-run", is_flag=True, help="Only compare the two stores; write nothing.")
@json_option
def copy(source: str, target: str, ended_since: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Copy every run from one store to another, both given by URL.

    A run that exists in TARGET already is left alone, and reported if it differs. Runs that TARGET refuses are reported
    and skipped. After an interruption, run it again: nothing is created twice. Runs that start or change in SOURCE
    during the copy may be missed.

    If runs are still Running, the copy prints the command for a second copy. With --ended-since, a run that has ended
    in SOURCE since the first copy is updated in TARGET, unless something else has updated it there.

    \b
    Examples:
      runledger copy airtable://appAbcDefGhiJklMn/Runs postgresql://ops@db/runs
      runledger copy sqlite:///runs.db postgresql://ops@db/runs \\
          --ended-since 2026-11-28T10:00:00Z
    """
    stores = []
    for side, url in ("source", source), ("target", target):
        _require_no_file(side, url)
        with named_side(side):
            stores.append(lasting(url))
    with progress("records", wanted=not as_json) as advance:
        try:
            result = copy_runs(
                *stores,
                ended_since=ended_since,
                dry_run=dry_run,
                on_remark=_print_as_json if as_json else _print,
                on_progress=advance,
            )
        except KeyboardInterrupt as error:  # of an error of the ledger, the notes are printed with it
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


def _require_no_file(side: str, url: str) -> None:
    """Answer a file of runs with the command for it."""
    if "://" in url or not format_of_name(url):
        return
    command = "read it into a store with `runledger import FILE`"
    if side == "target":
        command = "write runs into it with `runledger export FILE`"
    raise click.UsageError(f"the {side} is a file of runs, not the URL of a store: {command}.")


def _sum_of(result: CopyResult, dry_run: bool) -> str:
    counts = [(count, fate.value) for fate, count in result.counts.items() if count and fate.is_problem]
    done = "to be copied" if dry_run else Fate.COPIED.value
    first = [(result.counts[Fate.COPIED], done), (result.counts[Fate.EQUAL], Fate.EQUAL.value)]
    if ended := result.counts[Fate.ENDED]:
        first.insert(1, (ended, "to be brought to the end" if dry_run else "brought to the end"))
    return ", ".join(f"{count:,} {what}" for count, what in [*first, *counts])


def _second_copy(running: int, source: str, target: str, since: str) -> str:
    """What to do about runs that had not finished. The command has the stores' URLs, but for their secrets."""
    stores, notes = [], []
    for side, url in (("source", source), ("target", target)):
        shown, left_out = without_secrets(url)
        stores.append(shown or side.upper())
        if not shown:
            notes.append(f"Write the URL of the {side} for {side.upper()}: it is not printed, as it may show a secret.")
        elif left_out:
            notes.append(f"The URL of the {side} is printed without its {' and '.join(left_out)}: add it.")
    command = shlex.join(["runledger", "copy", *stores, "--ended-since", since])
    what = f"{running:,} runs are still Running in the source. When they have finished, bring them over with"
    if running == 1:
        what = "1 run is still Running in the source. When it has finished, bring it over with"
    return "\n".join([f"{what}: {command}", *notes])


class _Terminal(io.StringIO):
    """Standard output as a terminal, which no text of a run may steer: JSON keeps its values, CSV is not read back."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return sys.stdout.write(visible(text.replace("\r\n", "\n"), lines=True))


def _standard_output() -> TextIO:
    if sys.stdout.isatty():
        return _Terminal()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    return sys.stdout


def _print(found: Remark) -> None:
    remark(str(found))


def _print_as_json(found: Remark) -> None:
    print_json(found.to_json())
