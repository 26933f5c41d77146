"""The tables of runs in PostgreSQL: making them, migrating version 1, examining them with the rights of a role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...domain import Finding, StoreUnusable, Verdict
from . import postgresql_version_1 as version_1
from .postgresql_changes import Cursor
from .postgresql_connection import session_findings
from .postgresql_pool import Connections

_THIS_VERSION = "runledger 2"
"""The comment on the table of runs, by which this version knows its tables. Every role may read it."""

# No index on updated_at, and room left in each page: a heartbeat then writes no index entry.
# Notes go with their run, even where it is deleted by hand: a new run of that key begins a new log.
_TABLES = (
    """CREATE TABLE runs (
        run_id text COLLATE "C" NOT NULL, client_id text COLLATE "C" NOT NULL, client_name text NOT NULL,
        status text NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz, metrics jsonb NOT NULL,
        notes integer NOT NULL DEFAULT 0, error text, updated_at timestamptz NOT NULL, mark text NOT NULL DEFAULT '',
        PRIMARY KEY (run_id, client_id), CHECK (ended_at >= started_at)
    ) WITH (fillfactor = 80)""",
    """CREATE TABLE run_notes (
        run_id text COLLATE "C" NOT NULL, client_id text COLLATE "C" NOT NULL, position integer NOT NULL,
        at timestamptz NOT NULL, text text NOT NULL, PRIMARY KEY (run_id, client_id, position)
    )""",
)
# Most runs are completed: an index without them is small, and few starts and updates write to it.
_INDEXES = (
    """ALTER TABLE run_notes ADD CONSTRAINT run_notes_of_runs
        FOREIGN KEY (run_id, client_id) REFERENCES runs ON DELETE CASCADE""",
    "CREATE INDEX runs_client ON runs (client_id, started_at, run_id)",
    "CREATE INDEX runs_newest ON runs (started_at, run_id, client_id)",
    "CREATE INDEX runs_status ON runs (status, started_at, run_id, client_id) WHERE status <> 'Completed'",
    f"COMMENT ON TABLE runs IS '{_THIS_VERSION}'",
)
_LOCK = "SELECT pg_advisory_xact_lock(7826011524)"
# Read from the catalogue: to_regclass may still answer as it did before another session made a table.
_STATE = """SELECT bool_or(relname = 'runs'), max(obj_description(oid, 'pg_class')) FILTER (WHERE relname = 'runs'),
        bool_or(relname = 'run_records')
    FROM pg_class WHERE relname IN ('runs', 'run_records') AND relkind IN ('r', 'p', 'v', 'm', 'f')
        AND pg_table_is_visible(oid)"""
_ABOUT = """SELECT current_user, current_database(), current_setting('server_version'),
    current_setting('transaction_read_only')::boolean, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
_GRANTED = """SELECT coalesce(has_table_privilege(to_regclass(name), privilege), false)
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS right_on (name, privilege, number) ORDER BY number"""
_RIGHTS = {
    ("runs", "SELECT"): "it can neither read nor update runs",
    ("run_notes", "SELECT"): "it cannot read logs",
    ("runs", "UPDATE"): "it cannot update runs",
    ("run_notes", "INSERT"): "it cannot add notes to runs",
    ("runs", "INSERT"): "it cannot start runs, which suits a service that only updates",
}
# A table has a type of its name, so an enum or a domain of that name is in its way too.
_TAKEN = """SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))
        AND relname IN ('runs', 'run_notes', 'runs_client', 'runs_newest', 'runs_status')
    UNION SELECT typname FROM pg_type WHERE typnamespace = to_regnamespace(quote_ident(current_schema()))
        AND typname IN ('runs', 'run_notes')
    ORDER BY 1"""
_ELSEWHERE = "choose another schema, such as ?options=-csearch_path%3Djobs in the URL"
_MOVED = (
    "move run_records to another schema with ALTER TABLE run_records SET SCHEMA, and name that one alone in the URL, "
    "such as ?options=-csearch_path%3Djobs"
)
_MIGRATES = "`runledger init` brings them to this version, in one transaction"


def make_schema(connections: Connections) -> None:
    """Make the tables and their indexes, or bring those of version 1 to this version: all of it, or nothing.

    Nothing happens if they are of this version. Raises StoreUnusable for tables that this version does not know.
    """
    connections.run(_make_schema, "CREATE")


def _make_schema(cursor: Cursor) -> None:
    with cursor.connection.transaction():
        cursor.execute(_LOCK, prepare=False)
        version = _version(cursor.execute(_STATE, prepare=False).fetchone())
        if version == 2:
            return
        rights: Sequence[str] = version_1.locked_rights(cursor) if version == 1 else ()
        _require_free_names(cursor, version)
        for statement in _TABLES:
            cursor.execute(statement, prepare=False)
        if version == 1:
            version_1.copy_runs(cursor)
        for statement in (*_INDEXES, *rights):
            cursor.execute(statement, prepare=False)
        if version == 1:
            cursor.execute(version_1.DROP, prepare=False)


def _require_free_names(cursor: Cursor, version: int) -> None:
    """Raises StoreUnusable if something has the name of a table or an index that is to be made."""
    if taken := [row[0] for row in cursor.execute(_TAKEN, prepare=False)]:
        raise StoreUnusable(
            f"this schema has tables, indexes or types of another application by the names that runledger needs "
            f"({', '.join(taken)}): rename them, or {_MOVED if version == 1 else _ELSEWHERE}. Nothing was changed."
        )


def require_no_other_version(connections: Connections) -> None:
    """Raises StoreUnusable, which names what to do, if the database has tables, but not those of this version."""
    if _version(connections.first_row(_STATE)) == 1:
        raise StoreUnusable(f"the runs in this database are of version 1 of the tables: {_MIGRATES}.")


def runs_to_migrate(connections: Connections) -> tuple[int, int] | None:
    """See `version_1.count_runs`; None if there are no tables of version 1."""

    def count(cursor: Cursor) -> tuple[int, int] | None:
        is_version_1 = _version(cursor.execute(_STATE, prepare=False).fetchone()) == 1
        return version_1.count_runs(cursor) if is_version_1 else None

    return connections.run(count, "SELECT")


def examine_schema(connections: Connections) -> Iterator[Finding]:
    """What there is to say about the server, the tables and the rights of the role."""
    about, session, state, granted = connections.run(_asked, "SELECT")
    assert about is not None
    user, database, server_version, read_only, may_create = about
    yield Finding.ok(f"PostgreSQL {server_version} answers, database {database!r}, role {user!r}")
    yield from session
    if read_only:
        yield Finding.fix("the server takes no writes", "name the primary server, not a standby")
    try:
        version = _version(state)
    except StoreUnusable as error:
        yield Finding.fix(str(error).removesuffix("."))
        return
    if version == 0:
        without = "" if may_create else ", by a role with the right to CREATE in the schema: this one has not"
        yield Finding.fix("there are no tables runs and run_notes", f"`runledger init` makes them{without}")
    elif version == 1:
        yield Finding.fix("the runs are in run_records, the table of version 1", _MIGRATES)
    else:
        yield Finding.ok("the tables runs and run_notes are there, of this version")
        if state is not None and state[2]:
            advice = "an older runledger made it: its runs are not in this ledger; copy them, or drop the table"
            yield Finding.note("there is a table run_records as well", advice)
        yield from _rights(user, granted)


def _asked(cursor: Cursor) -> tuple[tuple[Any, ...] | None, list[Finding], tuple[Any, ...] | None, list[bool]]:
    about = cursor.execute(_ABOUT, prepare=False).fetchone()
    state = cursor.execute(_STATE, prepare=False).fetchone()
    granted = [bool(row[0]) for row in cursor.execute(_GRANTED, list(map(list, zip(*_RIGHTS, strict=True))))]
    return about, session_findings(cursor), state, granted


def _rights(user: str, granted: list[bool]) -> Iterator[Finding]:
    for ((table, right), missing), has_it in zip(_RIGHTS.items(), granted, strict=True):
        if has_it:
            yield Finding.ok(f"the role may {right} on {table}")
        else:
            verdict = Verdict.NOTE if (table, right) == ("runs", "INSERT") else Verdict.FIX
            advice = f"{missing}; GRANT {right} ON {table} TO {user} if it should"
            yield Finding(verdict, f"the role may not {right} on {table}", advice)


def _version(state: tuple[Any, ...] | None) -> int:
    """The version of the tables, from a row of _STATE; 0 if there are none. Raises StoreUnusable for another one."""
    assert state is not None
    has_runs, comment, has_version_1 = state
    if not has_runs:
        return 1 if has_version_1 else 0
    if comment == _THIS_VERSION:
        return 2
    if comment and comment.startswith("runledger "):
        raise StoreUnusable(f"the runs in this database are of another version, {comment!r}: update runledger.")
    if has_version_1:
        raise StoreUnusable(
            "the runs in this database are in run_records, the table of version 1, and the table runs beside it "
            f"belongs to another application: rename that table and run `runledger init`, or {_MOVED}."
        )
    raise StoreUnusable(f"the table runs in this database belongs to another application: {_ELSEWHERE}.")
