"""Preparing and examining a store."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from itertools import chain

import click

from ...domain import Finding
from ...stores import backend_of, store_url
from ..doctor import examine, opened, print_findings
from ..options import chosen_store, json_option, lasting, store_option


@click.command()
@store_option
def init() -> None:
    """Prepare the store: make its file, table or schema.

    Migrates a store that an older version made; if that fails or is stopped, the store is as it was. Changes nothing if
    the store is ready. Prints what was migrated, and what remains to be done by hand, one finding a line as `doctor`
    does. Exit code 7 if the store cannot serve before that.

    \b
    Example:
      runledger init
    """
    url = lasting(chosen_store())
    backend = backend_of(url)
    if backend.prepare is None:
        missing = backend.makes_on_open(url)
        by_hand = "this store needs no preparation, or its adapter does not offer it; see the adapter's documentation"
        made = Finding.ok(f"opening made the {missing}") if missing else Finding.note("nothing was made", by_hand)
        print_findings([opened(url, backend), made], as_json=False)
        return
    findings = iter(backend.prepare(url))
    first = next(findings, None)
    if first is None:
        click.echo("The store is ready.")
    elif not print_findings(chain([first], findings), as_json=False):
        click.get_current_context().exit(7)


@click.command()
@store_option
@click.option(
    "--probe", "scratch_table", metavar="TABLE", help="Also test the adapter's assumptions on this scratch table."
)
@json_option
def doctor(scratch_table: str | None, as_json: bool) -> None:
    """Report whether the store can serve, and what to change. Without --probe, it changes nothing.

    One finding a line: ok, note (worth knowing), or fix (the store cannot serve before that; exit code 7).

    With --probe TABLE, the adapter (if it has a probe) creates, changes and deletes rows in that table. The table must
    be empty, and not the ledger's own.

    \b
    Example:
      runledger doctor --probe Scratch
    """
    store = chosen_store()
    probe = None if scratch_table is None else _probe_of(store_url(store), scratch_table)
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
