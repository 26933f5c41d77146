"""Reading runs: one, many, a summary, stale runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from ..arguments import DURATION
from ..options import (
    chosen_key,
    chosen_ledger,
    filter_options,
    json_option,
    key_arguments,
    limit_options,
    store_option,
)
from ..output import complain, print_json, print_records, print_run, print_summary, summary_as_json


@click.command()
@key_arguments
@json_option
def show(run_id: str | None, client_id: str | None, as_json: bool) -> None:
    """Show one run with all its values and its log.

    \b
    Example:
      runledger show 251124-081500-3f9a1c acme
    """
    key = chosen_key(run_id, client_id)
    with chosen_ledger() as ledger:
        run = ledger.reads.get_with_log(*key)
    if as_json:
        print_json(run.to_json())
    else:
        print_run(run)


@click.command("list")
@filter_options
@click.option("--run-id", metavar="ID", help="Only this run's records.")
@limit_options
@json_option
def list_(limit: int, all_: bool, as_json: bool, **filters: Any) -> None:
    """List runs, newest first.

    A table on a terminal, tab-separated in a pipe.

    \b
    Examples:
      runledger list --client acme --status failed --since 7d
      runledger list --all --json | jq .error
    """
    with chosen_ledger() as ledger:
        bound = None if all_ else limit
        found = ledger.find(limit=bound, **filters)
        print_records(found, json_lines=as_json, limit=bound, nothing="No runs found.")


@click.command()
@click.argument("run_id", required=False)
@filter_options
@json_option
def summary(run_id: str | None, as_json: bool, **filters: Any) -> None:
    """Summarize the records of a run, or all that match.

    Counts per status, sums of numeric metrics, first start, last end.

    \b
    Examples:
      runledger summary 251124-081500-3f9a1c
      runledger summary --client acme --since 7d
    """
    with chosen_ledger() as ledger:
        added_up = ledger.summary(run_id, **filters)
    if run_id is not None and not added_up.runs:
        complain(f"no run record of run {run_id!r} matches: was it started?")
        click.get_current_context().exit(3)
    if as_json:
        print_json(summary_as_json(added_up))
    else:
        print_summary(added_up)


@click.command()
@store_option
@click.option("--older-than", type=DURATION, default="1h", show_default=True, help="Not updated for this long.")
@click.option("--client", "client_id", metavar="ID", help="Only this client's runs.")
@limit_options
@json_option
def stale(older_than: timedelta, client_id: str | None, limit: int, all_: bool, as_json: bool) -> None:
    """List Running runs that were not updated for a while.

    Changes nothing: a stale run stays Running until somebody finishes it.

    \b
    Example:
      runledger stale --older-than 2h
    """
    with chosen_ledger() as ledger:
        bound = None if all_ else limit
        found = ledger.stale(older_than, client_id=client_id, limit=bound)
        print_records(found, json_lines=as_json, limit=bound, nothing="No run has gone quiet.", quiet=True)
