"""Reading runs: one, many, the newest of each client, a summary, stale runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import click

from ...domain import RunRecord
from ...domain.visible import quoted
from ...stores import backend_of
from ..arguments import DURATION
from ..details import print_run, print_summary, summary_as_json, summed
from ..keys import chosen_key, key_arguments, no_record_of, no_such_run, only_client, swapped_ids_noted
from ..listing import View, print_records
from ..options import (
    INCOMPLETE,
    after_option,
    any_or_some,
    chosen_existing_store,
    chosen_ledger,
    complete_client_id,
    complete_run_id,
    filter_options,
    given_options,
    json_option,
    limit_options,
    of_client_option,
    of_run_option,
    open_ledger,
    shown_store,
    since_option,
    store_option,
)
from ..output import print_json, remark
from ..times import chosen_times, local_option


@click.command()
@key_arguments
@local_option
@json_option
def show(run_id: str | None, client_id: str | None, local: bool, as_json: bool) -> None:
    """Show one run with all its values and its log. The client may be left out if the run has one record.

    \b
    Examples:
      runledger show 251124-081500-3f9a1c acme
      runledger show 251124-081500-3f9a1c
      runledger show 251124-081500-3f9a1c acme --local
    """
    times = chosen_times(local, as_json)
    with chosen_ledger() as ledger:
        if run_id is not None and client_id is None:
            client_id = only_client(ledger, run_id)
        key = chosen_key(run_id, client_id)
        with swapped_ids_noted(ledger, *key):
            run = ledger.reads.get_with_log(*key)
    if as_json:
        print_json(run.to_json())
    else:
        print_run(run, times)


@click.command("list")
@filter_options
@after_option
@limit_options
@local_option
@json_option
def list_(after: tuple[str, str] | None, limit: int, all_: bool, local: bool, as_json: bool, **filters: Any) -> None:
    """List runs, newest first.

    A table on a terminal, tab-separated in a pipe. To continue a list, give its last run to --after.

    \b
    Examples:
      runledger list --client acme --since 7d
      runledger list --status failed --status cancelled --limit 10
      runledger list --all --json | jq .error
    """
    view = View(times=chosen_times(local, as_json))
    with chosen_ledger() as ledger:
        bound = None if all_ else limit
        last = None if after is None else ledger.get(*after)
        found = ledger.find(limit=bound, after=last, **filters)
        nothing = _nothing_found(filters, more=after is not None)
        print_records(found, view=view, json_lines=as_json, limit=bound, nothing=nothing)


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
@local_option
@json_option
def latest(local: bool, as_json: bool, **filters: Any) -> None:
    """Show the newest run of each client.

    When it started, how long ago, how it ended, and how long it took. A table on a terminal, tab-separated in a pipe,
    in the order of client ids.

    \b
    Examples:
      runledger latest
      runledger latest --since 7d --json | jq .status
    """
    view = View(times=chosen_times(local, as_json), ages=True)
    with chosen_ledger(whole=True) as ledger:
        missing = dict.fromkeys(filters["clients"] or ())
        found = _taken_out(ledger.latest(**filters), missing)
        nothing = "" if missing else _nothing_found(filters)  # the clients are named below
        print_records(found, view=view, json_lines=as_json, limit=None, nothing=nothing)
    for client in missing:
        remark(f"no run of client {quoted(client)} in {shown_store()} matches.")


def _taken_out(records: Iterable[RunRecord], clients: dict[str, None]) -> Iterator[RunRecord]:
    """The records, each of whose clients is taken out of `clients`."""
    for record in records:
        clients.pop(record.key.client_id, None)
        yield record


@click.command()
@click.argument("of_run", metavar="[RUN_ID]", required=False, shell_complete=complete_run_id)
@filter_options
@click.option("--sum", "names", metavar="NAME", multiple=True, help="Add up this number of the runs; may be repeated.")
@json_option
def summary(of_run: str | None, run_id: str | None, names: tuple[str, ...], as_json: bool, **filters: Any) -> None:
    """Summarize the records of a run, or all that match.

    Counts per status, first start, last end. Numbers may be ids, so only those named by --sum are added up.

    \b
    Examples:
      runledger summary 251124-081500-3f9a1c
      runledger summary --client acme --since 7d --sum Tokens
    """
    if of_run is not None and run_id is not None and of_run != run_id:
        raise click.UsageError(f"run id is {quoted(of_run)} and {quoted(run_id)}: give one.")
    run_id = of_run if run_id is None else run_id
    with chosen_ledger(whole=True) as ledger:
        added_up = ledger.summary(run_id, **filters)
    if run_id is not None and not added_up.runs:
        is_narrowed = any(filters.values())
        no_such_run(f"no run record of run {quoted(run_id)} matches." if is_narrowed else no_record_of(run_id))
    sums = summed(added_up, names)
    if as_json:
        print_json(summary_as_json(added_up, sums))
    else:
        print_summary(added_up, sums)


@click.command()
@store_option
@click.option(
    "--older-than",
    type=DURATION,
    help="Not updated for this long.  [default: 5m, or longer where the store counts requests]",
)
@of_client_option
@of_run_option
@limit_options
@click.option("--exit-code", "code_if_any", is_flag=True, help="End with exit code 1 if there is any such run.")
@local_option
@json_option
def stale(
    older_than: timedelta | None,
    limit: int,
    all_: bool,
    code_if_any: bool,
    local: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """List Running runs that were not updated for a while.

    The default is five times the interval at which exec gives signs of life; give a longer time for runs that give none
    and take longer. Changes nothing: a stale run stays Running until somebody finishes it.

    \b
    Examples:
      runledger stale --older-than 2h
      runledger stale --exit-code || echo "there are stale runs"
    """
    view = View(times=chosen_times(local, as_json), quiet=True)
    store = chosen_existing_store()
    older_than = backend_of(store).stale_after if older_than is None else older_than
    with open_ledger(store, whole=True) as ledger:
        bound = None if all_ else limit
        found = ledger.stale(older_than, limit=bound, **filters)
        given = given_options(filters)
        nothing = f"No run{' that matches ' + given if given else ''} has gone quiet in {shown_store()}."
        count = print_records(found, view=view, json_lines=as_json, limit=bound, nothing=nothing)
    context = click.get_current_context()
    if code_if_any and count and not context.meta.get(INCOMPLETE):
        context.exit(1)


def _nothing_found(filters: Mapping[str, Any], *, more: bool = False) -> str:
    """What a person reads instead of an empty list: that the store has no runs, or that none matches the filters.

    `more`: the list continues another.
    """
    given = given_options(filters)
    if more:
        return f"No more runs in {shown_store()}{' match ' + given if given else ''}."
    return f"No run in {shown_store()} matches {given}." if given else f"No runs found in {shown_store()}."
