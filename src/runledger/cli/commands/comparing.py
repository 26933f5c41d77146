"""`runledger compare`: two ledgers that were kept side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import click

from ...domain import NewRun, RunQuery, RunRecord
from ...domain.visible import counted, quoted
from ...histories import BadRow, UnreadableFile
from ...services.inspecting.reconciliation import Reconciliation, reconcile
from ...stores import EXAMPLE_URL, backend_of, named_side, store_url
from ..arguments import FRACTION, MOMENT
from ..mapping import columns_explained, mapped_rows, mapping_options, reason_of
from ..options import INCOMPLETE, existing, json_option, lasting, open_ledger
from ..output import complain, print_json, remark, say
from ..progress import progress, showing

_NAMED = 20
"""How many differences of each kind are listed without --verbose."""
_APART = timedelta(days=1)
"""By how much two systems may differ about the start of one run."""


@click.command("compare")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--since", type=MOMENT, help="Only runs that started then or later on either side; as for `list`.")
@click.option("--run-id", metavar="ID", help="Only this run's records.")
@click.option(
    "--tolerance",
    type=FRACTION,
    default="1e-9",
    show_default=True,
    help="By which fraction of the larger one two numbers may differ, e.g. 0.01.",
)
@click.option("--metric", "metrics", metavar="NAME", multiple=True, help="Compare this number only; may be repeated.")
@mapping_options
@click.option("--verbose", "-v", is_flag=True, help=f"List every difference; else {_NAMED} of each kind.")
@json_option
def compare(
    old: str,
    new: str,
    since: datetime | None,
    run_id: str | None,
    tolerance: float,
    metrics: tuple[str, ...],
    verbose: bool,
    as_json: bool,
    **mapping: Any,
) -> None:
    """Compare two ledgers that were kept side by side: same runs, same statuses, same numbers.

    OLD and NEW are store URLs, or files as `import` reads them. Neither is written. Times, names, errors and logs are
    not compared, because two systems write their own. The options that map columns and words are for the file; of two
    files, for OLD.

    A run that a side has twice is reported, and not compared further.

    Exit code 1 if anything differs; 9 if nothing does, but rows of a side cannot be read. 9 too if nothing is compared,
    because neither side has such a run, or because a file cannot be read to its end.

    \b
    Examples:
      runledger compare airtable://appAbcDefGhiJklMn/Runs postgresql://ops@db/runs --since 7d
      runledger compare old.csv sqlite:///runs.db --column run_id="Job ID" \\
          --status Done=Completed --rest-as-metrics --tolerance 0.01
    """
    _require_two(old, new)
    unmapped: dict[str, Any] = {"file_format": mapping["file_format"]} if _is_file(old) and _is_file(new) else mapping
    window = {"since": _earlier(since), "run_id": run_id}
    with ExitStack() as sides:
        before = sides.enter_context(_records("OLD", old, mapping, window))
        after = sides.enter_context(_records("NEW", new, unmapped, window))
        advance, read = sides.enter_context(progress("records")), count(1)
        before, after = (showing(side, advance, read) for side in (before, after))
        result = reconcile(before, after, tolerance=tolerance, metrics=metrics, since=since)
    if not result.old and not result.new:
        remark("Nothing was compared: neither side has such a run.")
        click.get_current_context().meta[INCOMPLETE] = True
    elif result.unknown:
        raise click.UsageError(f"no run has the number {quoted(result.unknown[0])} on either side: correct --metric.")
    if as_json:
        print_json(
            {
                "old": result.old,
                "new": result.new,
                "same": result.same,
                "differences": [each.to_json() for each in result.differences],
            }
        )
    else:
        _print(result, verbose)
    if result.differences:
        click.get_current_context().exit(1)


def _is_file(side: str) -> bool:
    return "://" not in side


def _require_two(old: str, new: str) -> None:
    """Raise UsageError if both sides have the same name: a ledger does not differ from itself."""
    with named_side("OLD"):
        name = _name(old)
    with named_side("NEW"):
        is_same = _name(new) == name
    if is_same:
        raise click.UsageError("OLD and NEW are the same: name two ledgers.")


def _name(side: str) -> str:
    return os.path.realpath(side) if _is_file(side) else backend_of(side).absolute_url(store_url(side))


def _earlier(since: datetime | None) -> datetime | None:
    try:
        return None if since is None else since - _APART
    except OverflowError:
        return None


@contextmanager
def _records(name: str, side: str, mapping: dict[str, Any], window: dict[str, Any]) -> Iterator[Iterator[RunRecord]]:
    """The records of a side. Rows that cannot be read are reported, and make the answer incomplete."""
    if _is_file(side):
        with mapped_rows(_checked_file(side), **mapping) as rows:
            yield _in_window(_readable(side, rows), **window)
    else:
        with ExitStack() as opened:
            with named_side(name):
                ledger = opened.enter_context(open_ledger(existing(lasting(side)), whole=True))
            yield ledger.find(**window)


def _checked_file(side: str) -> str:
    """The name of a file that can be read. A wrong one is a usage error."""
    if side == "-":
        raise click.UsageError("standard input cannot be compared: name a file.")
    if Path(side).suffix in (".db", ".sqlite", ".sqlite3"):
        raise click.UsageError(f"{quoted(side)} is not a history file: write the store as {store_url(Path(side))}.")
    try:
        with open(side, "rb"):
            return side
    except OSError as error:
        advice = f"name a file, or a store by its URL, such as {EXAMPLE_URL}"
        raise click.UsageError(f"{quoted(side)} cannot be read ({error.strerror}): {advice}.") from None


def _readable(side: str, rows: Iterable[tuple[int, NewRun | BadRow]]) -> Iterator[RunRecord]:
    left_out = 0
    with columns_explained():
        try:
            for line, row in rows:
                if isinstance(row, NewRun):
                    yield row.record
                    continue
                left_out += 1
                if left_out <= _NAMED:
                    remark(f"{quoted(side)}, line {line}: {reason_of(row)}")
        except UnreadableFile as error:  # what follows would seem to be missing
            complain(f"{quoted(side)}: {error} Nothing was compared.")
            click.get_current_context().exit(9)
    if left_out:
        complain(f"{counted(left_out, 'row')} of {quoted(side)} left out.")
        click.get_current_context().meta[INCOMPLETE] = True


def _in_window(records: Iterable[RunRecord], since: datetime | None, run_id: str | None) -> Iterator[RunRecord]:
    query = RunQuery(since=since, run_id=run_id)
    return (record for record in records if query.matches(record))


def _print(result: Reconciliation, verbose: bool) -> None:
    counts = "".join(f", {number:,} {kind.value}" for kind, number in result.counts().items())
    say(
        f"{counted(result.old, 'record')} in OLD, {result.new:,} in NEW: {counted(result.same, 'run')} the same{counts}"
    )
    for kind, number in result.counts().items():
        say(f"\n{kind.value}: {number:,}")
        different = [each for each in result.differences if each.kind is kind]
        for each in different if verbose else different[:_NAMED]:
            say(f"  {each.key}: {each.detail}")
        if number > _NAMED and not verbose:
            remark(f"  … {number - _NAMED:,} more; --verbose lists them too.")
