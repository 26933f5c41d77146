"""The ledger's services beside the bare driver on a table with a primary key and nothing else.

The bare table has the ledger's columns, but no index, no constraint and no second table. The bare side executes the
one statement that a script would: with prepared values, without a look whether a run is there, and without a record
afterwards. All ids are random.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from comparison import AT, AT_TEXT, METRICS, Call, Row, compared, new_run
from runledger import RunChange, RunKey, RunLedger, RunNotFound
from runledger.adapters.sql import rows
from runledger.adapters.sql.sqlite import SQLiteRunRepository

if TYPE_CHECKING:
    import psycopg

SET = '{"Posts Scored":43}'
BATCHES = 9
SQLITE_TABLE = f"CREATE TABLE runs ({rows.RUN}, PRIMARY KEY (run_id, client_id))"
SQLITE_INSERT = f"INSERT INTO runs ({rows.RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
SQLITE_UPDATE = "UPDATE runs SET metrics = json_patch(metrics, ?), updated_at = ? WHERE run_id = ? AND client_id = ?"

POSTGRESQL_TABLE = """CREATE TABLE runs (
    run_id text COLLATE "C", client_id text COLLATE "C", client_name text, status text, started_at timestamptz,
    ended_at timestamptz, metrics jsonb, notes integer, error text, updated_at timestamptz, mark text,
    PRIMARY KEY (run_id, client_id)
)"""
POSTGRESQL_INSERT = f"INSERT INTO runs ({rows.RUN}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
POSTGRESQL_UPDATE = """UPDATE runs SET metrics = metrics || %s::jsonb, updated_at = %s
    WHERE run_id = %s AND client_id = %s"""
POSTGRESQL_UPDATE_MANY = """UPDATE runs SET metrics = runs.metrics || new.metrics, updated_at = %s
    FROM unnest(%s::text[], %s::text[], %s::text[]::jsonb[]) AS new (run_id, client_id, metrics)
    WHERE runs.run_id = new.run_id AND runs.client_id = new.client_id"""
POSTGRESQL_LIST = """SELECT run_id, client_id, client_name, status, started_at::text, ended_at::text, metrics::text,
    notes, error, updated_at::text FROM runs WHERE run_id = %s LIMIT 100"""


class RandomIds:
    """The same random ids in every run of the benchmark."""

    def __init__(self) -> None:
        self._chance = Random(20251124)

    def many(self, count: int) -> list[str]:
        return [f"{self._chance.getrandbits(64):016x}" for _ in range(count)]


def ledger_of(repository: Any) -> RunLedger:
    return RunLedger(repository, observers=(), owns_repository=True)


def values_of(run_id: str, client_id: str = "acme") -> tuple[str | int | None, ...]:
    """The row of a run that was just started."""
    return next(rows.rows_of_texts([new_run(run_id, client_id)]))


def starting(ledger: RunLedger, ids: list[str]) -> Call:
    return lambda i: ledger.start(ids[i], "acme", client_name="Acme Ltd", metrics=METRICS)


def updating(ledger: RunLedger, ids: list[str]) -> Call:
    return lambda i: ledger.updates.update(ids[i], "acme", metrics={"Posts Scored": 43})


def batch_of(run_id: str, clients: list[str]) -> list[tuple[str | int | None, ...]]:
    """The rows of `start_many`, which gives no metrics."""
    return [(*row[:6], "{}", *row[7:]) for row in (values_of(run_id, client_id) for client_id in clients)]


def sqlite_key_rows(folder: Path) -> Iterator[Row]:
    """At full durability."""
    ledger = ledger_of(SQLiteRunRepository(folder / "ours.db"))
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute(SQLITE_TABLE)
    ids = RandomIds()
    runs, batches = ids.many(1000), ids.many(BATCHES)
    clients = [ids.many(1000) for _ in batches]
    values = [values_of(run_id) for run_id in runs]
    batch_values = [batch_of(*batch) for batch in zip(batches, clients, strict=True)]

    def bare_starts(i: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany(SQLITE_INSERT, batch_values[i])
        bare.execute("COMMIT")

    def bare_update(i: int) -> None:
        assert bare.execute(SQLITE_UPDATE, (SET, AT_TEXT, runs[i], "acme")).rowcount == 1

    def insert(i: int) -> object:
        return bare.execute(SQLITE_INSERT, values[i])

    name = "primary key alone, SQLite FULL: "
    yield compared(name + "start", 1.7, len(runs), insert, starting(ledger, runs))
    yield compared(name + "update", 1.5, len(runs), bare_update, updating(ledger, runs))
    yield compared(
        name + "1,000 starts", 3.5, BATCHES, bare_starts, lambda i: ledger.start_many(batches[i], clients[i])
    )
    bare.close()
    ledger.close()


def postgresql_key_rows() -> Iterator[Row]:
    """Against one server, with a database for each side."""
    from postgresql_driver import connected, database  # here, because SQLite's part needs no server and no psycopg
    from runledger.adapters.sql.postgresql import PostgreSQLRunRepository

    with database() as our_url, database() as bare_url:
        repository = PostgreSQLRunRepository(our_url)
        repository.create_schema()
        ledger = ledger_of(repository)
        bare, cursor = connected(bare_url)
        bare.execute("SET TimeZone = 'UTC'")
        bare.execute(POSTGRESQL_TABLE)
        yield from _single_rows(ledger, cursor)
        yield from _many_rows(ledger, bare, cursor)
        bare.close()
        ledger.close()


def _single_rows(ledger: RunLedger, cursor: psycopg.Cursor[Any]) -> Iterator[Row]:
    """Calls for one run."""
    ids = RandomIds()
    runs, missing = ids.many(1500), ids.many(1500)
    values = [values_of(run_id) for run_id in runs]

    def bare_update(of: list[str], changed: int) -> Call:
        def update(i: int) -> None:
            assert cursor.execute(POSTGRESQL_UPDATE, (SET, AT_TEXT, of[i], "acme")).rowcount == changed

        return update

    def our_missing(i: int) -> None:
        with suppress(RunNotFound):
            ledger.updates.update(missing[i], "acme", metrics={"Posts Scored": 43})
            raise AssertionError("the run was there")

    def insert(i: int) -> object:
        return cursor.execute(POSTGRESQL_INSERT, values[i])

    name = "primary key alone, PostgreSQL: "
    yield compared(name + "start", 1.45, len(runs), insert, starting(ledger, runs))
    yield compared(name + "update", 1.5, len(runs), bare_update(runs, 1), updating(ledger, runs))
    yield compared(name + "update of a missing run", 4.0, len(runs), bare_update(missing, 0), our_missing)


def _many_rows(ledger: RunLedger, bare: psycopg.Connection[Any], cursor: psycopg.Cursor[Any]) -> Iterator[Row]:
    """Calls for many runs."""
    ids = RandomIds()
    ids.many(3000)  # which are in use
    batches = ids.many(BATCHES)
    clients = [ids.many(1000) for _ in batches]
    values = [batch_of(*batch) for batch in zip(batches, clients, strict=True)]
    [listed] = ids.many(1)
    hundred = ids.many(100)
    ledger.start_many(listed, hundred)
    cursor.executemany(POSTGRESQL_INSERT, batch_of(listed, hundred))

    def bare_starts(i: int) -> None:
        with bare.transaction():
            cursor.executemany(POSTGRESQL_INSERT, values[i])

    def bare_updates(i: int) -> None:
        change = [batches[i]] * 1000, clients[i], [SET] * 1000
        assert cursor.execute(POSTGRESQL_UPDATE_MANY, (AT + timedelta(days=1), *change)).rowcount == 1000

    def our_updates(i: int) -> None:
        change = RunChange(metrics={"Posts Scored": 43})
        assert ledger.updates.update_many([(RunKey(batches[i], each), change) for each in clients[i]])

    def bare_list(_: int) -> None:
        assert len(cursor.execute(POSTGRESQL_LIST, (listed,)).fetchall()) == 100

    def our_list(_: int) -> None:
        assert len(list(ledger.find(run_id=listed, limit=100))) == 100

    name = "primary key alone, PostgreSQL: "
    yield compared(name + "list of 100 of a run", 2.5, 300, bare_list, our_list)
    yield compared(
        name + "1,000 starts (bare: executemany)",
        1.3,
        BATCHES,
        bare_starts,
        lambda i: ledger.start_many(batches[i], clients[i]),
    )
    yield compared(name + "update_many of 1,000 (bare: one UPDATE)", 2.5, BATCHES, bare_updates, our_updates)
