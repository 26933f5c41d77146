"""What a long log costs: each call on runs with 10,000 notes beside the same call on runs with 10."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from attrs import evolve

from comparison import AT, Row, compared, new_run
from runledger import LogLine, NewRun, RunChange, RunKey, RunQuery, RunStatus
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import LoggedStore, RunRepository

LONG, SHORT = 10_000, 10
LISTED = 50
FOUND = 5000


class LoggedRepository(RunRepository, LoggedStore, Protocol):
    """A store that finds records together with their logs."""


def noted(run_id: str, client_id: str, notes: int) -> NewRun:
    """A run with a log of so many lines."""
    new = new_run(run_id, client_id)
    log = [LogLine.trusted(AT + timedelta(seconds=i), f"page {i} of the feed was read") for i in range(notes)]
    return NewRun(evolve(new.record, notes=notes, updated_at=log[-1].at if log else AT), log)


def log_rows(name: str, store: LoggedRepository) -> Iterator[Row]:
    """A list, and calls by the key, on runs with short and with long logs."""
    keys = {notes: [RunKey(f"run {i:02}", f"{notes} notes") for i in range(LISTED)] for notes in (SHORT, LONG)}
    for notes, some in keys.items():
        for key in some:
            store.create(noted(key.run_id, key.client_id, notes))
    later = AT + timedelta(days=1)

    def updating(change: RunChange) -> Callable[[RunKey], object]:
        return lambda key: store.update(key, change, later)

    def listing(notes: int) -> Callable[[int], object]:
        query = RunQuery(client_id=f"{notes} notes", limit=LISTED)
        return lambda _: list(store.find(query))

    calls: dict[str, tuple[int, Callable[[RunKey], object]]] = {
        "get": (1000, store.get),
        "set": (1000, updating(RunChange(metrics={"Posts Scored": 43}))),
        "note": (1000, updating(RunChange(note="the feed is read"))),
        "last 10 lines": (1000, lambda key: list(store.log(key, 10))),
        "finish": (LISTED, updating(RunChange(status=RunStatus.COMPLETED))),
    }
    name = f"{name}, {SHORT} → {LONG:,} notes: "
    short, long = keys[SHORT], keys[LONG]
    yield compared(name + f"list of {LISTED}", 1.2, 300, listing(SHORT), listing(LONG))
    for what, (times, call) in calls.items():
        yield compared(
            name + what,
            1.2,
            times,
            lambda i, call=call: call(short[i % LISTED]),  # type: ignore[misc]
            lambda i, call=call: call(long[i % LISTED]),  # type: ignore[misc]
        )


def found_rows(name: str, store: LoggedRepository) -> Iterator[Row]:
    """Finding all runs with their logs, of two or three notes each, beside finding them without."""
    if not list(store.find(RunQuery(client_id="acme", limit=1))):
        store.create_many([noted(f"found {i:05}", "acme", 2 + i % 2) for i in range(FOUND)])
    query = RunQuery(client_id="acme")
    yield compared(
        f"{name}, {FOUND:,} runs with 2.5 notes each: find_with_logs beside find",
        2.0,
        15,
        lambda _: sum(1 for _ in store.find(query)),
        lambda _: sum(1 for _ in store.find_with_logs(query)),
    )


def sqlite_log_rows(folder: Path) -> Iterator[Row]:
    store = SQLiteRunRepository(folder / "logs.db", synchronous="NORMAL")
    yield from log_rows("SQLite NORMAL", store)
    yield from found_rows("SQLite", store)
    store.close()


def postgresql_log_rows() -> Iterator[Row]:
    import psycopg

    from postgresql_driver import database  # here, because SQLite's part needs no server and no psycopg
    from runledger.adapters.sql.postgresql import PostgreSQLRunRepository

    with database() as url:
        # As with NORMAL: waiting for the disk would hide what a long log costs.
        store = PostgreSQLRunRepository(f"{url}{'&' if '?' in url else '?'}options=-csynchronous_commit%3Doff")
        store.create_schema()
        yield from log_rows("PostgreSQL, asynchronous", store)
        yield from found_rows("PostgreSQL, just filled", store)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")  # as autovacuum does within a minute
        yield from found_rows("PostgreSQL, with statistics", store)
        store.close()
