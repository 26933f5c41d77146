"""The table of run records in PostgreSQL: making it, and examining it with the rights of a role."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain import Finding, Verdict
from .postgresql_pool import Connections

# No index on updated_at, and room left in each page: a heartbeat then writes no index entry.
_SCHEMA = (
    "SELECT pg_advisory_xact_lock(7826011524)",
    """CREATE TABLE IF NOT EXISTS run_records (
        run_id text COLLATE "C" NOT NULL, client_id text COLLATE "C" NOT NULL, client_name text NOT NULL,
        status text NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz, metrics jsonb NOT NULL,
        log jsonb NOT NULL, error text, updated_at timestamptz NOT NULL, PRIMARY KEY (run_id, client_id)
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX IF NOT EXISTS run_records_client ON run_records (client_id, started_at, run_id)",
    "CREATE INDEX IF NOT EXISTS run_records_newest ON run_records (started_at, run_id, client_id)",
    "CREATE INDEX IF NOT EXISTS run_records_status ON run_records (status, started_at, run_id, client_id)",
)
_ABOUT = """SELECT current_user, current_database(), current_setting('server_version'),
    current_setting('transaction_read_only')::boolean, to_regclass('run_records') IS NOT NULL,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"""
_GRANTED = """SELECT has_table_privilege(to_regclass('run_records'), 'SELECT'),
    has_table_privilege(to_regclass('run_records'), 'UPDATE'),
    has_table_privilege(to_regclass('run_records'), 'INSERT')"""
_RIGHTS = {
    "SELECT": "it can neither read nor update runs",
    "UPDATE": "it cannot update runs",
    "INSERT": "it cannot start runs, which suits a service that only updates",
}


def make_schema(connections: Connections) -> None:
    """Make the table and its indexes where they are missing."""
    with connections.cursor("CREATE") as cursor, cursor.connection.transaction():
        for statement in _SCHEMA:
            cursor.execute(statement, prepare=False)


def examine_schema(connections: Connections) -> Iterator[Finding]:
    """What there is to say about the server, the table and the rights of the role."""
    with connections.cursor("SELECT") as cursor:
        row = cursor.execute(_ABOUT, prepare=False).fetchone()
        rights = cursor.execute(_GRANTED, prepare=False).fetchone()
    assert row is not None
    user, database, version, read_only, has_table, may_create = row
    yield Finding.ok(f"PostgreSQL {version} answers, database {database!r}, role {user!r}")
    if read_only:
        yield Finding.fix("the server takes no writes", "name the primary server, not a standby")
    if not has_table:
        without = "" if may_create else ", by a role with the right to CREATE in the schema: this one has not"
        yield Finding.fix("there is no table run_records", f"`runledger init` makes it{without}")
        return
    yield Finding.ok("the table run_records is there")
    for (right, missing), granted in zip(_RIGHTS.items(), rights or (), strict=True):
        if granted:
            yield Finding.ok(f"the role may {right}")
        else:
            verdict = Verdict.NOTE if right == "INSERT" else Verdict.FIX
            yield Finding(verdict, f"the role may not {right}", f"{missing}; GRANT it if it should")
