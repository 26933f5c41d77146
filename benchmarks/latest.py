"""Many runs: the newest of each client beside a window function, and a later page of a list beside the first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from comparison import Row, compared
from runledger import RunQuery
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import LatestStore, RunRepository, latest_of

RUNS_OF_A_CLIENT = 223
FILL_SQLITE = """WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :runs)
    INSERT INTO runs SELECT printf('run %07d', n), 'client ' || (n * 7919 % :clients), 'Acme Ltd',
        CASE n % 50 WHEN 0 THEN 'Failed' ELSE 'Completed' END,
        strftime('%Y-%m-%dT%H:%M:%S.000Z', 1700000000 + n, 'unixepoch'), '2025-11-24T08:15:00.000Z',
        '{"Posts": 45, "Share": 0.5, "Model": "x"}', 0, NULL, '2025-11-24T08:15:00.000Z', '' FROM number"""
FILL_POSTGRESQL = """INSERT INTO runs
    SELECT 'run ' || n, 'client ' || (n::bigint * 7919 %% %(clients)s), 'Acme Ltd',
        CASE n %% 50 WHEN 0 THEN 'Failed' ELSE 'Completed' END, '2023-11-14Z'::timestamptz + n * interval '1 s',
        now(), '{"Posts": 45, "Share": 0.5, "Model": "x"}', 0, NULL, now(), '' FROM generate_series(1, %(runs)s) AS n"""
WINDOW = """SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY client_id ORDER BY started_at DESC, run_id DESC) AS place FROM runs
) AS placed WHERE place = 1"""


class LatestRepository(RunRepository, LatestStore, Protocol):
    """A store that finds the newest run of each client itself."""


def latest_rows(folder: Path, most: int) -> Iterator[Row]:
    """In SQLite, then in PostgreSQL."""
    path = folder / "latest.db"
    store = SQLiteRunRepository(path, synchronous="NORMAL")
    with closing(sqlite3.connect(path, isolation_level=None)) as bare:
        bare.execute(FILL_SQLITE, {"runs": most, "clients": most // RUNS_OF_A_CLIENT})
        yield from store_rows("SQLite", store, most, lambda _: bare.execute(WINDOW).fetchall())
    store.close()
    yield from postgresql_rows(most)


def postgresql_rows(most: int) -> Iterator[Row]:
    from postgresql_driver import connected, database  # here, because SQLite's part needs no server and no psycopg
    from runledger.adapters.sql.postgresql import PostgreSQLRunRepository

    with database() as url:
        store = PostgreSQLRunRepository(url)
        store.create_schema()
        bare, cursor = connected(url)
        cursor.execute(FILL_POSTGRESQL, {"runs": most, "clients": most // RUNS_OF_A_CLIENT})
        cursor.execute("VACUUM ANALYZE runs")  # as autovacuum does within a minute
        yield from store_rows("PostgreSQL", store, most, lambda _: cursor.execute(WINDOW).fetchall())
        bare.close()
        store.close()


def store_rows(name: str, store: LatestRepository, most: int, window: Callable[[int], object]) -> Iterator[Row]:
    """The window function gives raw rows, the store records."""
    clients = most // RUNS_OF_A_CLIENT
    assert list(store.latest()) == latest_of(store.find(RunQuery(limit=clients)))
    newest = f"{name}, newest of each of {clients:,} clients among {most:,} runs: "
    yield compared(newest + "latest beside a window function", 0.1, 3, window, lambda _: list(store.latest()))
    for what, status in (("any run", None), ("two statuses", ["Failed", "Cancelled"])):
        middle = list(store.find(RunQuery(status=status, limit=most // 100)))[-1]
        first, later = (RunQuery(status=status, after=after, limit=50) for after in (None, middle))
        yield compared(
            f"{name}, {most:,} runs, 50 with {what}: after {most // 100:,} others, beside the first",
            1.3,
            300,
            lambda _, query=first: list(store.find(query)),  # type: ignore[misc]
            lambda _, query=later: list(store.find(query)),  # type: ignore[misc]
        )
