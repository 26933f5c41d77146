"""Reading runs: one, many, the newest of each client, a summary, stale runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from ...domain.visible import quoted
from ..arguments import DURATION
from ..details import print_run, print_summary, summary_as_json
from ..keys import chosen_key, key_arguments, only_client, swapped_ids_noted
from ..listing import print_records
from ..options import (
    after_option,
    any_or_some,
    chosen_ledger,
    complete_client_id,
    complete_run_id,
    filter_options,
    json_option,
    limit_options,
    of_client_option,
    of_run_option,
    shown_store,
    since_option,
    store_option,
)
from ..output import complain, print_json


@click.command()
@key_arguments
@json_option
def show(run_id: str | None, client_id: str | None, as_json: bool) -> None:
    """Show one run with all its values and its log. The client may be left out if the run has one record.

    \b
    Examples:
      runledger show 251124-081500-3f9a1c acme
      runledger show 251124-081500-3f9a1c
    """
    with chosen_ledger() as ledger:
        if run_id is not None and client_id is None:
            client_id = only_client(ledger, run_id)
        key = chosen_key(run_id, client_id)
        with swapped_ids_noted(ledger, *key):
            run = ledger.reads.get_with_log(*key)
    if as_json:
        print_json(run.to_json())
    else:
        print_run(run)


@click.command("list")
@filter_options
@after_option
@limit_options
@json_option
def list_(after: tuple[str, str] | None, limit: int, all_: bool, as_json: bool, **filters: Any) -> None:
    """List runs, newest first.

    A table on a terminal, tab-separated in a pipe. To continue a list, give its last run to --after.

    \b
    Examples:
      runledger list --client acme --since 7d
      runledger list --status failed --status cancelled --limit 10
      runledger list --all --json | jq .error
    """
    with chosen_ledger() as ledger:
        bound = None if all_ else limit
        last = None if after is None else ledger.get(*after)
        found = ledger.find(limit=bound, after=last, **filters)
        print_records(found, json_lines=as_json, limit=bound, nothing=f"No runs found in {shown_store()}.")


@click.command()
@store_option
@click.option(
    "--client",
    "clients",
    metavar="ID",
    multiple=True,
    callback=any_or_some,
    shell_complete=complete_client_id,
    help="Only this client; may be repeated.",
)
@since_option
@json_option
def latest(as_json: bool, **filters: Any) -> None:
    """Show the newest run of each client.

    A table on a terminal, tab-separated in a pipe, in the order of client ids.

    \b
    Examples:
      runledger latest
      runledger latest --since 7d --json | jq .status
    """
    with chosen_ledger(whole=True) as ledger:
        print_records(
            ledger.latest(**filters), json_lines=as_json, limit=None, nothing=f"No runs found in {shown_store()}."
        )


@click.command()
@click.argument("of_run", metavar="[RUN_ID]", required=False, shell_complete=complete_run_id)
@filter_options
@json_option
def summary(of_run: str | None, run_id: str | None, as_json: bool, **filters: Any) -> None:
    """Summarize the records of a run, or all that match.

    Counts per status, sums of numeric metrics, first start, last end.

    \b
    Examples:
      runledger summary 251124-081500-3f9a1c
      runledger summary --client acme --since 7d
    """
    with chosen_ledger(whole=True) as ledger:
        added_up = ledger.summary(of_run, run_id=run_id, **filters)
    run_id = of_run if run_id is None else run_id
    if run_id is not None and not added_up.runs:
        complain(f"no run record of run {quoted(run_id)} matches: was it started?")
        click.get_current_context().exit(3)
    if as_json:
        print_json(summary_as_json(added_up))
    else:
        print_summary(added_up)


@click.command()
@store_option
@click.option("--older-than", type=DURATION, default="1h", show_default=True, help="Not updated for this long.")
@of_client_option
@of_run_option
@limit_options
@json_option
def stale(older_than: timedelta, limit: int, all_: bool, as_json: bool, **filters: Any) -> None:
    """List Running runs that were not updated for a while.

    Changes nothing: a stale run stays Running until somebody finishes it.

    \b
    Example:
      runledger stale --older-than 2h
    """
    with chosen_ledger(whole=True) as ledger:
        bound = None if all_ else limit
        found = ledger.stale(older_than, limit=bound, **filters)
        print_records(
            found, json_lines=as_json, limit=bound, nothing=f"No run has gone quiet in {shown_store()}.", quiet=True
        )
