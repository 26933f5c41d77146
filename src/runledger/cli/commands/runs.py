"""Starting, updating and finishing a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from ...domain import RunLedgerError
from ...domain.visible import visible_id
from ...services.run_ids import new_run_id
from ...services.updates import Run
from ..alerts import alerts_of
from ..arguments import MOMENT
from ..interrupts import postponed
from ..keys import StartCommand, chosen_key, key_arguments, start_arguments, swapped_ids_noted
from ..options import chosen_ledger, detail_options, json_option, start_details
from ..output import complain, print_json


@click.command(cls=StartCommand)
@start_arguments
@start_details
@click.option("--note", help="The first line of the log.")
@json_option
def start(run_id: str | None, client_id: str, as_json: bool, **details: Any) -> None:
    """Start a run: create its record, and print its run id.

    Ctrl-C cancels the run, once the store has answered; a second one ends the command immediately.

    \b
    Examples:
      RUN=$(runledger start --client acme --name "Acme Ltd")
      runledger start 251124-081500 acme
    """
    run_id = new_run_id() if run_id is None else run_id
    alerts = alerts_of("start")
    try:
        with chosen_ledger(may_be_new=True, observers=[alerts]) as ledger, postponed() as interrupted:
            run = ledger.start(run_id, client_id, **details)
            if interrupted():
                _cancel(run)
                raise KeyboardInterrupt
            _print_id(run, as_json)  # before the store is closed, which Ctrl-C may interrupt
    except RunLedgerError as error:
        alerts.start_failed(error, run_id, client_id)
        raise


def _cancel(run: Run) -> None:
    """Cancel a run whose id nobody would learn, and which nobody would finish."""
    try:
        run.cancel("KeyboardInterrupt")
    except RunLedgerError as error:
        complain(f"{run.key} was started, and could not be cancelled: {error}")


def _print_id(run: Run, as_json: bool) -> None:
    if as_json:
        print_json({"run_id": run.key.run_id, "client_id": run.key.client_id})
    else:
        click.echo(visible_id(run.key.run_id) if sys.stdout.isatty() else run.key.run_id)


@click.command()
@key_arguments
@detail_options
def update(run_id: str | None, client_id: str | None, **details: Any) -> None:
    """Update a run; without options, record a heartbeat.

    \b
    Examples:
      runledger update 251124-081500-3f9a1c acme --set Posts=43 --add Tokens=1500
      runledger update --add Tokens=5 --note "half way"   (inside runledger exec)

    A value is a number, true, false, a time with its zone like 2025-11-24T08:15Z, or text; "7" in double
    quotes is text.
    """
    with _chosen_run(run_id, client_id) as run:
        run.update(**details)


_at_option = click.option(
    "--at",
    type=MOMENT,
    help="When the run ended: an ISO time with its zone, or an age (2h); not before its start.  [default: now]",
)


@click.command()
@key_arguments
@detail_options
@_at_option
@click.option("--with-errors", metavar="TEXT", help="What went wrong; finishes the run as Completed with Errors.")
def complete(run_id: str | None, client_id: str | None, with_errors: str | None, **details: Any) -> None:
    """Finish a run as Completed.

    \b
    Examples:
      runledger complete 251124-081500-3f9a1c acme --set Posts=43
      runledger complete 251124-081500-3f9a1c acme --with-errors "2 of 45 failed"
    """
    with _chosen_run(run_id, client_id) as run:
        run.complete(with_errors=with_errors, **details)


@click.command()
@key_arguments
@detail_options
@_at_option
@click.option("--error", required=True, metavar="TEXT", help="Why the run failed.")
def fail(run_id: str | None, client_id: str | None, error: str, **details: Any) -> None:
    """Finish a run as Failed.

    \b
    Example:
      runledger fail 251124-081500-3f9a1c acme --error "no disk"
    """
    with _chosen_run(run_id, client_id) as run:
        run.fail(error, **details)


@click.command()
@key_arguments
@_at_option
@click.option("--why", required=True, metavar="TEXT", help="Why there was nothing to do.")
def skip(run_id: str | None, client_id: str | None, why: str, at: datetime | None) -> None:
    """Finish a run as Skipped: there was nothing to do.

    \b
    Example:
      runledger skip 251124-081500-3f9a1c acme --why "no new posts"
    """
    with _chosen_run(run_id, client_id) as run:
        run.skip(why, at=at)


@click.command()
@key_arguments
@_at_option
@click.option("--why", required=True, metavar="TEXT", help="Why the run was cancelled.")
def cancel(run_id: str | None, client_id: str | None, why: str, at: datetime | None) -> None:
    """Finish a run as Cancelled.

    \b
    Example:
      runledger cancel 251124-081500-3f9a1c acme --why "the client left"
    """
    with _chosen_run(run_id, client_id) as run:
        run.cancel(why, at=at)


@contextmanager
def _chosen_run(run_id: str | None, client_id: str | None) -> Iterator[Run]:
    key = chosen_key(run_id, client_id)
    alerts = alerts_of(str(click.get_current_context().info_name))
    with chosen_ledger(observers=[alerts]) as ledger, swapped_ids_noted(ledger, *key):
        yield ledger.updates.run(*key)
