"""Preparing and examining a store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import chain

import click

from ...domain import Finding
from ...domain.preparation import MetricColumn, Preparation
from ...stores import backend_of, store_url
from ..arguments import COLUMN
from ..consent import ask, before_any_change
from ..doctor import alert_findings, examine, opened, print_findings
from ..options import chosen_store, each_once, json_option, lasting, store_option
from ..output import remark

_NOTHING = "Nothing was changed."


@click.command()
@store_option
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    type=COLUMN,
    callback=each_once,
    help="A column for a metric: NAME:TYPE, with number, text, checkbox or date, and number.2 for two decimals. Only "
    "where metrics need columns, as in Airtable; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask. Required where nobody can be asked, as in a script.")
def init(metrics: Mapping[str, MetricColumn], yes: bool) -> None:
    """Prepare the store: make its file, table or schema, and add the columns that a table of Airtable lacks.

    Migrates a store that an older version made; if that fails or is stopped, the store is as it was. Changes nothing if
    the store is ready. Prints what was made, and what remains to be done by hand, one finding a line as `doctor` does.
    Exit code 7 if the store cannot serve before that.

    Before it adds columns to a table that exists, it shows them, and asks.

    \b
    Examples:
      runledger init
      runledger init --metric Tokens:number --metric Cost:number.2 --yes
    """
    url = lasting(chosen_store())
    backend = backend_of(url)
    if metrics and not backend.metric_columns:
        scheme = url.partition("://")[0]
        raise click.UsageError(f"the store of {scheme}:// keeps metrics without columns: leave --metric out.")
    if backend.prepare is None:
        missing = backend.makes_on_open(url)
        by_hand = "this store needs no preparation, or its adapter does not offer it; see the adapter's documentation"
        made = Finding.ok(f"opening made the {missing}") if missing else Finding.note("nothing was made", by_hand)
        print_findings([opened(url, backend), made], as_json=False)
        return
    preparation = Preparation(metrics=tuple(metrics.values()), confirm=partial(_confirm, yes=yes))
    findings = iter(backend.prepare(url, preparation))
    first = next(findings, None)
    if first is None:
        click.echo("The store is ready.")
    elif not print_findings(chain([first], findings), as_json=False):
        click.get_current_context().exit(7)


def _confirm(changes: Sequence[str], *, yes: bool) -> None:
    """Show the changes, and ask whether to make them. Any answer but yes ends the command."""
    for change in changes:
        remark(f"This will {change}.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: give --yes to make these changes.")
    with before_any_change(_NOTHING):
        ask("Make these changes?", _NOTHING)


@click.command()
@store_option
@click.option(
    "--probe", "scratch_table", metavar="TABLE", help="Also test the adapter's assumptions on this scratch table."
)
@json_option
def doctor(scratch_table: str | None, as_json: bool) -> None:
    """Report whether the store can serve, and what to change. Without --probe, it changes nothing.

    One finding a line: ok, note (worth knowing), or fix (the store cannot serve before that; exit code 7). If
    RUNLEDGER_ALERT_URL is set, also whether alerts can be sent by it. None is sent.

    With --probe TABLE, the adapter (if it has a probe) creates, changes and deletes rows in that table. The table must
    be empty, and not the ledger's own.

    \b
    Example:
      runledger doctor --probe Scratch
    """
    store = chosen_store()
    probe = None if scratch_table is None else _probe_of(store_url(store), scratch_table)
    print_findings(alert_findings(), as_json=as_json)
    fits = print_findings(examine(store), as_json=as_json)
    if fits and probe is not None:
        with closing(probe()) as findings:  # closing deletes the probe's rows, even after an error
            fits = print_findings(findings, as_json=as_json)
    click.get_current_context().exit(0 if fits else 7)


def _probe_of(url: str, scratch_table: str) -> Callable[[], Generator[Finding]]:
    probe = backend_of(url).probe
    if probe is None:
        raise click.UsageError(f"the store of {url.partition('://')[0]}:// has no probe: leave --probe out.")
    return partial(probe, url, scratch_table)
