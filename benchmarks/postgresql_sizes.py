"""How much room runs and notes take in PostgreSQL, how much write-ahead log a call writes, and how many calls a second.

    python benchmarks/postgresql_sizes.py [--runs N] [--notes N]

Prints the figures of docs/postgresql.md as Markdown. The server is the one that RUNLEDGER_TEST_POSTGRES names, or one
that is started for this, with durable commits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg

from comparison import AT
from postgresql_driver import database
from runledger import NewRun, RunChange, RunKey, RunRecord, RunStatus
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.domain import MetricValue

THREADS = 8
CALLS = 1000
NOTE = "post scoring: 43 of 45 posts have a score"
SIZES = """SELECT pg_table_size('runs'), pg_indexes_size('runs'),
    pg_table_size('run_notes'), pg_indexes_size('run_notes')"""


def run_of(number: int) -> NewRun:
    """A run of one of 500 clients, with four metrics."""
    at = AT + timedelta(seconds=number)
    metrics: dict[str, MetricValue] = {
        "Posts": number % 100,
        "Tokens": number * 7,
        "Cost": number / 8,
        "Model": "model-3",
    }
    key = RunKey(f"{at:%y%m%d-%H%M%S}-{number:06}", f"client-{number % 500:03}")
    return NewRun(RunRecord.start(key, at, client_name=f"Client {number % 500} Ltd", metrics=metrics))


def sizes(url: str, repository: PostgreSQLRunRepository, runs: int, notes: int) -> list[tuple[str, int]]:
    """Bytes for each run and each note, tables and indexes apart, when all runs have notes and most have ended."""
    news = [run_of(number) for number in range(runs)]
    for first in range(0, runs, 1000):
        repository.create_many(news[first : first + 1000])
    keys = [new.key for new in news]
    for number in range(notes):
        later = AT + timedelta(days=9, minutes=number)
        for first in range(0, runs, 1000):
            repository.update_many([(key, RunChange(note=NOTE)) for key in keys[first : first + 1000]], later)
    ended = RunChange(status=RunStatus.COMPLETED)
    for first in range(0, runs, 1000):
        repository.update_many([(key, ended) for key in keys[first : first + 1000]], AT + timedelta(days=10))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        row = connection.execute(SIZES).fetchone()
    assert row is not None
    tables = [each // count for each, count in zip(row, (runs, runs, runs * notes, runs * notes), strict=True)]
    return [
        ("a run, its row", tables[0]),
        ("a run, in indexes", tables[1]),
        (f"a note of {len(NOTE)} characters, its row", tables[2]),
        ("a note, in the index", tables[3]),
    ]


def calls(repository: PostgreSQLRunRepository) -> list[tuple[str, int, Callable[[int], object]]]:
    """Each call by its name, how many runs it takes, and what it does for the run of a number."""
    news = [run_of(10**7 + number) for number in range(2 * CALLS)]
    batches = [[run_of(2 * 10**7 + 1000 * batch + number) for number in range(1000)] for batch in range(4)]
    at = AT + timedelta(days=11)

    def updating(change: RunChange) -> Callable[[int], object]:
        return lambda number: repository.update(news[number].key, change, at)

    return [
        ("start", 2 * CALLS, lambda number: repository.create(news[number])),
        ("heartbeat", 2 * CALLS, updating(RunChange())),
        ("update of one metric", 2 * CALLS, updating(RunChange(metrics={"Posts": 43}))),
        ("note", 2 * CALLS, updating(RunChange(note=NOTE))),
        ("finish", 2 * CALLS, updating(RunChange(status=RunStatus.COMPLETED))),
        ("start of 1,000 runs", 4, lambda number: repository.create_many(batches[number])),
    ]


def costs(url: str, repository: PostgreSQLRunRepository) -> list[tuple[str, str, str, str]]:
    """For each call: bytes of write-ahead log, and calls a second from one thread and from several."""
    with psycopg.connect(url, autocommit=True) as connection, ThreadPoolExecutor(THREADS) as pool:

        def written() -> int:
            row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
            assert row is not None
            return int(row[0])

        rows = []
        for name, count, call in calls(repository):
            half = count // 2
            before, began = written(), time.perf_counter()
            for number in range(half):
                call(number)
            alone = half / (time.perf_counter() - began)
            log = (written() - before) // half
            began = time.perf_counter()
            list(pool.map(call, range(half, count)))
            together = half / (time.perf_counter() - began)
            rows.append((name, f"{log:,} bytes", f"{alone:,.0f}", f"{together:,.0f}"))
        return rows


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--notes", type=int, default=5, help="for each run")
    given = parser.parse_args()
    with database() as url, closing(PostgreSQLRunRepository(url)) as repository:
        repository.create_schema()
        found = sizes(url, repository, given.runs, given.notes)
        print(table(["what", "size"], [(what, f"{size:,} bytes") for what, size in found]), "\n", sep="")
        head = ["call", "write-ahead log", "a second, one thread", f"a second, {THREADS} threads"]
        print(table(head, costs(url, repository)))


if __name__ == "__main__":
    main()
