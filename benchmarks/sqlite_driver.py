"""The SQLite adapter beside the bare driver, which executes the same statements on the same schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparison import AT, AT_TEXT, CHANGE, METRICS, Row, compared, new_run
from runledger import RunLedger, RunQuery
from runledger.adapters.sql import sqlite as adapter
from runledger.adapters.sql.rows import rows_of_texts
from runledger.adapters.sql.sqlite import SQLiteRunRepository

AFTER = '{"Posts":45,"Share":0.5,"Model":"x","Posts Scored":43,"Tokens":1500}'


def sqlite_rows(folder: Path, synchronous: Any) -> Iterator[Row]:
    """Every operation at one durability."""
    full = synchronous == "FULL"
    repository = SQLiteRunRepository(folder / "ours.db", synchronous=synchronous)
    SQLiteRunRepository(folder / "bare.db").close()
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute(f"PRAGMA synchronous = {synchronous}")
    bare.execute("PRAGMA cache_size = -65536")
    bare.execute("PRAGMA wal_autocheckpoint = 500")
    times = 1000 if full else 3000
    news = [new_run(f"run-{i:06}") for i in range(times)]
    values = list(map(adapter._OF_START, rows_of_texts(news)))

    def bare_create(i: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute(adapter._START, values[i])
        bare.execute("COMMIT")

    def bare_change(i: int, metrics: str = AFTER) -> None:
        bare.execute(adapter._SELECT_TO_UPDATE, (f"run-{i:06}", "acme")).fetchone()
        bare.execute(adapter._UPDATE, (metrics, 0, None, AT_TEXT, i + 1))

    def bare_update(i: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare_change(i)
        bare.execute("COMMIT")

    def bare_updates(n: int) -> None:
        metrics = AFTER.replace("1500", str(1500 * (n + 2)))  # SQLite writes no page that stays as it is
        bare.execute("BEGIN IMMEDIATE")
        for i in range(1000):
            bare_change(i, metrics)
        bare.execute("COMMIT")

    def bare_creates(i: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany(adapter._START, batch_values[i])
        bare.execute("COMMIT")

    name = f"SQLite {synchronous}: "
    write_target = 1.1 if full else 1.25
    yield compared(name + "create", write_target, times, bare_create, lambda i: repository.create(news[i]))
    yield compared(
        name + "update", write_target, times, bare_update, lambda i: repository.update(news[i].key, CHANGE, AT)
    )
    if full:
        return
    listing = adapter._FIND.format("runs", "TRUE")
    batches = [[new_run(f"batch {b} {i:04}") for i in range(1000)] for b in range(7)]
    batch_values = [list(map(adapter._OF_START, rows_of_texts(batch))) for batch in batches]
    changes = [(new.key, CHANGE) for new in news[:1000]]
    yield compared(
        "SQLite: get",
        1.5,
        times,
        lambda i: bare.execute(adapter._SELECT, (f"run-{i:06}", "acme")).fetchall(),
        lambda i: repository.get(news[i].key),
    )
    yield compared(
        "SQLite: list of 100",
        2.0,
        300,
        lambda _: bare.execute(listing, (100,)).fetchall(),
        lambda _: list(repository.find(RunQuery(limit=100))),
    )
    yield compared("SQLite: 1,000 creates", 1.5, 7, bare_creates, lambda i: repository.create_many(batches[i]))
    yield compared("SQLite: 1,000 updates", 1.25, 7, bare_updates, lambda _: repository.update_many(changes, AT))
    bare.close()
    repository.close()


def ledger_rows(folder: Path) -> Iterator[Row]:
    """The whole service beside the adapter alone: ids checked, clock read, observers notified (there are none)."""
    repository = SQLiteRunRepository(folder / "port.db")
    ledger = RunLedger(SQLiteRunRepository(folder / "service.db"), observers=())
    news = [new_run(f"run-{i:06}") for i in range(1000)]
    yield compared(
        "RunLedger.start beside create (SQLite FULL)",
        1.25,
        1000,
        lambda i: repository.create(news[i]),
        lambda i: ledger.start(f"run-{i:06}", "acme", client_name="Acme Ltd", metrics=METRICS),
    )
    yield compared(
        "updates.update beside update (SQLite FULL)",
        1.25,
        1000,
        lambda i: repository.update(news[i].key, CHANGE, AT),
        lambda i: ledger.updates.update(f"run-{i:06}", "acme", metrics={"Posts Scored": 43}, add={"Tokens": 1500}),
    )
