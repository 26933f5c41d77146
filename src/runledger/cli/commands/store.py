"""The store itself: making it ready, and examining it."""

from __future__ import annotations

from contextlib import closing

import click

from ...domain import StoreUnusable, Verdict
from ...stores import open_repository
from ..doctor import examine, print_findings
from ..options import chosen_store, json_option, lasting, store_option


@click.command()
@store_option
def init() -> None:
    """Make the store ready: the file, or the tables. Does no harm where they are there.

    In Airtable it makes the table, with the scope schema.bases:write, and says what is left to do by hand.

    \b
    Example:
      runledger init --store postgresql://user@host/database
    """
    store = lasting(chosen_store())
    if store.startswith("airtable://"):
        _init_airtable(store)
        return
    with closing(open_repository(store)) as repository:
        create_schema = getattr(repository, "create_schema", None)
        if create_schema is not None:
            create_schema()
    for found in examine(store):
        if found.verdict is Verdict.FIX:  # a schema that is there already hides that nothing can be written
            raise StoreUnusable(f"{found}.")
    click.echo("The store is ready.")


def _init_airtable(store: str) -> None:
    try:
        from ...adapters.airtable.schema import make_table
    except ModuleNotFoundError:
        open_repository(store)  # which says what to install
        raise
    if not print_findings(make_table(store), as_json=False):
        click.get_current_context().exit(7)


@click.command()
@store_option
@click.option(
    "--probe", "scratch_table", metavar="TABLE", help="Airtable only: try what the adapter relies on, in this table."
)
@json_option
def doctor(scratch_table: str | None, as_json: bool) -> None:
    """Say whether the store can serve as it is, and what to change. Looking changes nothing.

    One finding a line: ok, note (worth knowing), or fix (the store cannot serve before that; exit code 7).
    With --probe TABLE, small experiments make, change and remove rows in that table, which must be another than the
    ledger's, and empty.

    \b
    Example:
      runledger doctor --store airtable://appAbcDefGhiJklMn/Runs --probe Scratch
    """
    store = chosen_store()
    if scratch_table is not None and not store.startswith("airtable://"):
        raise click.UsageError("--probe is for airtable:// stores: nothing is assumed of the others.")
    fits = print_findings(examine(store), as_json=as_json)
    if fits and scratch_table is not None:
        from ...adapters.airtable.probe import probe

        with closing(probe(store, scratch_table)) as findings:  # which cleans up, whatever ends it
            fits = print_findings(findings, as_json=as_json)
    click.get_current_context().exit(0 if fits else 7)
