"""PostgreSQL as a backend: examining and preparing a database, each over one connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from ...domain import Backend, Finding, RunRemoval, StoreUnusable, Verdict
from ...domain.visible import counted
from .postgresql import open_url
from .postgresql_pool import Connections
from .postgresql_schema import examine_schema, make_schema, runs_to_migrate


def _examine(url: str) -> Iterator[Finding]:
    with closing(Connections(url)) as connections:
        yield from examine_schema(connections)


def _prepare(url: str, _: object) -> Iterator[Finding]:
    with closing(Connections(url)) as connections:
        old = runs_to_migrate(connections)
        if old is not None:
            count, early = old
            yield Finding.note(f"bringing {counted(count, 'run')} from version 1 of the tables to version 2")
        make_schema(connections)
        for found in examine_schema(connections):
            if found.verdict is Verdict.FIX:  # a table that is there already hides that the role may not use it
                raise StoreUnusable(f"{found}.")
    if old is not None:
        yield Finding.ok(f"the tables runs and run_notes hold {counted(count, 'run')}; run_records is gone")
        if early:
            yield Finding.note(f"the end of {counted(early, 'run')} was before the start", "it is the start now")


def _removal(url: str) -> RunRemoval:
    from .postgresql_removal import open_removal  # here, as only `prune` needs it

    return open_removal(url)


BACKEND = Backend(open=open_url, examine=_examine, prepare=_prepare, removal=_removal)
