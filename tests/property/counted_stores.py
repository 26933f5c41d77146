"""Every store, opened empty, with a count of its records that asks the store itself and no code of its adapter."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from airtable_base import BASE, METRIC_COLUMNS, TABLE, TOKEN, Clock, in_process
from attrs import frozen
from postgres_server import fresh_database

from airtable_local import AirtableService, Connection, Token
from redis_server import admin, server_url
from runledger.adapters.airtable import AirtableRunRepository, RateLimit
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import RunRepository
from runledger.testing.airtable import run_table
from runledger_redis import RedisRunRepository

_KEYS = "SELECT run_id, client_id FROM runs"
_DELETE = "DELETE FROM runs"


@frozen
class CountedStore:
    """A store: a repository over it, the keys of the records in it, and a way to remove all of them."""

    repository: RunRepository
    keys: Callable[[], Counter[Any]]
    empty: Callable[[], object]


@contextmanager
def memory(_: Path) -> Iterator[CountedStore]:
    repository = InMemoryRunRepository()
    table = repository._table

    def clear() -> None:
        table.records.clear()
        table.marks.clear()

    yield CountedStore(repository, lambda: Counter(table.records.keys()), clear)


@contextmanager
def sqlite(folder: Path) -> Iterator[CountedStore]:
    path = folder / "runs.db"
    repository = SQLiteRunRepository(path, synchronous="NORMAL")
    file = sqlite3.connect(path, isolation_level=None)  # each statement by itself
    try:
        yield CountedStore(repository, lambda: Counter(file.execute(_KEYS)), lambda: file.execute(_DELETE))
    finally:
        file.close()
        repository.close()


@contextmanager
def postgresql(_: Path) -> Iterator[CountedStore]:
    with fresh_database() as url, psycopg.connect(url, autocommit=True) as server:
        repository = PostgreSQLRunRepository(url)
        repository.create_schema()
        keys, empty = "SELECT run_id, client_id FROM runs", "TRUNCATE runs, run_notes"
        yield CountedStore(repository, lambda: Counter(server.execute(keys)), lambda: server.execute(empty))
        repository.close()


@contextmanager
def airtable(_: Path) -> Iterator[CountedStore]:
    clock = Clock()
    service = AirtableService([Token(TOKEN)], now=clock)
    connection = Connection(service, now=clock, sleep=clock.sleep)

    def empty() -> None:
        service.add_base("Operations", [run_table(TABLE, METRIC_COLUMNS)], BASE)

    def keys() -> Counter[Any]:
        rows = [row["fields"] for row in service.records(BASE, TABLE)]
        return Counter((row.get("Run ID"), row.get("Client ID")) for row in rows)

    limit, transports = RateLimit(requests=10**9), in_process(connection)
    empty()
    repository = AirtableRunRepository(TOKEN, BASE, TABLE, limit=limit, transports=transports, sleep=clock.sleep)
    yield CountedStore(repository, keys, empty)
    repository.close()


@contextmanager
def redis(_: Path) -> Iterator[CountedStore]:
    """A store that another package brings: the example of docs/write-an-adapter.md."""
    server = admin()
    repository = RedisRunRepository(server_url())
    yield CountedStore(repository, lambda: Counter(server.scan_iter("runledger:record:*")), server.flushdb)
    repository.close()


STORES: Mapping[str, Callable[[Path], AbstractContextManager[CountedStore]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "postgresql": postgresql,
    "airtable": airtable,
    "redis": redis,
}
