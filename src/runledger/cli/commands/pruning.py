"""Removing finished runs that are old."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import datetime

import click

from ...domain import FinishedRuns
from ...domain.json_form import time_text
from ...domain.visible import counted, quoted
from ...services.inspecting.pruning import OldRuns, count_old
from ...stores import backend_of, open_removal, without_removal
from ..arguments import AGE
from ..consent import ask, before_any_change
from ..options import chosen_existing_store, json_option, of_client_option, open_ledger, shown_store, store_option
from ..output import complain, print_json, remark
from ..progress import progress

_NOTHING = "Nothing was removed."


@click.command()
@store_option
@click.option(
    "--older-than", "before", type=AGE, required=True, help="Runs that finished longer ago than this, e.g. 400d."
)
@of_client_option
@click.option("--dry-run", is_flag=True, help="Only count, by month of their end, what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask. Required where nobody can be asked, as in cron.")
@json_option
def prune(before: datetime, client_id: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove finished runs that are old, with their logs.

    The age of a run counts from its end, so that each is kept for its time after it finished; late notes do not count.
    Runs that are still Running stay, however old they are.

    What is removed cannot be brought back: `runledger export --until 399d runs.csv.gz` saves it before. That is a day
    more than --older-than 400d removes, because an age counts from the moment of each command. The key of a removed run
    is free again: an update of it fails (exit code 3), and a start with it succeeds.

    Removes in small batches, so that other processes go on writing meanwhile. To stop, press Ctrl-C: the runs that are
    removed by then stay so.

    \b
    Examples:
      runledger prune --older-than 400d --dry-run
      runledger prune --older-than 400d --client acme --yes
    """
    url = chosen_existing_store()
    if backend_of(url).removal is None:
        raise click.UsageError(f"{without_removal(url)}.")
    if not (dry_run or yes or sys.stdin.isatty()):
        raise click.UsageError("nobody can be asked here: give --yes to remove, or --dry-run to count.")
    finished = FinishedRuns(before=before, client_id=client_id)
    with open_ledger(url) as ledger:
        with before_any_change(_NOTHING):
            old = count_old(ledger.reads, finished)
            if not (dry_run or yes) and old.finished:
                _ask(old, client_id)
        if dry_run:
            _print_count(old, finished, as_json)
            return
        removed = _remove(url, finished, old) if old.finished else 0
        left = count_old(ledger.reads, finished).finished if removed < old.finished else 0
    _print_result(removed, left, old, finished, as_json)
    click.get_current_context().exit(1 if left else 0)


def _ask(old: OldRuns, client_id: str | None) -> None:
    """Ask whether to remove the runs. Any answer but yes ends the command."""
    for line in _lines_of(old):
        click.echo(line, err=True)
    whose = "all clients" if client_id is None else f"client {quoted(client_id)}"
    question = f"Remove {_count(old.finished)} of {whose} from {shown_store()}, {_with_logs(old.finished)}, for good?"
    ask(question, _NOTHING)


def _remove(url: str, finished: FinishedRuns, old: OldRuns) -> int:
    removed = 0
    try:
        with closing(open_removal(url)) as removal, progress("records") as advance:
            for count in removal.remove_runs(finished):
                removed += count
                advance(removed, max(removed, old.finished))
    except KeyboardInterrupt:
        complain(
            f"stopped after {_count(removed)} had been removed. The batch that was under way is removed whole or not "
            "at all: `runledger prune --dry-run` counts what remains."
        )
        raise
    except BaseException:
        if removed:
            complain(f"stopped after {_count(removed)} had been removed.")
        raise
    return removed


def _print_count(old: OldRuns, finished: FinishedRuns, as_json: bool) -> None:
    if as_json:
        print_json({**_form(old, finished), "to_remove": old.finished, "months": dict(old.months)})
        return
    click.echo(f"{_count(old.finished)} would be removed, {_with_logs(old.finished)}")
    for line in _lines_of(old):
        click.echo(line)
    _remark_running(old)


def _print_result(removed: int, left: int, old: OldRuns, finished: FinishedRuns, as_json: bool) -> None:
    if as_json:
        print_json({**_form(old, finished), "removed": removed, "left": left})
        return
    free = "; its key is free again" if removed == 1 else "; their keys are free again" if removed else ""
    click.echo(f"{_count(removed)} removed, {_with_logs(removed)}{free}")
    if left:
        complain(f"{_count(left)} left, which another process was changing: prune again.")
    _remark_running(old)


def _form(old: OldRuns, finished: FinishedRuns) -> dict[str, object]:
    return {"before": time_text(finished.before), "client_id": finished.client_id, "still_running": old.running}


def _lines_of(old: OldRuns) -> list[str]:
    return [f"{month}  {count:>9,}" for month, count in old.months.items()]


def _remark_running(old: OldRuns) -> None:
    if old.running:
        are = "run that started before then is" if old.running == 1 else "runs that started before then are"
        remark(f"{old.running:,} {are} still Running: see `runledger stale`.")


def _count(number: int) -> str:
    return counted(number, "finished run")


def _with_logs(number: int) -> str:
    return "with its log" if number == 1 else "with their logs"
