"""A small SQLite file beside a large one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from comparison import AT, CHANGE, Row, compared, new_run
from runledger import RunKey, RunQuery
from runledger.adapters.sql.sqlite import SQLiteRunRepository


def growth_rows(folder: Path, most: int) -> Iterator[Row]:
    """A small file beside a large one; 20 clients, each with 50 runs or more."""
    sizes = {1000: folder / "small.db", most: folder / "large.db"}
    stores = {}
    for size, path in sizes.items():
        stores[size] = SQLiteRunRepository(path, synchronous="NORMAL")
        for first in range(0, size, 10_000):
            stores[size].create_many(
                [
                    new_run(f"run-{i:07}", f"client {i % 20}", AT + timedelta(seconds=i))
                    for i in range(first, min(first + 10_000, size))
                ]
            )
    small, large = stores[1000], stores[most]
    new = [new_run(f"new-{i:07}", f"client {i % 20}", AT + timedelta(days=99, seconds=i)) for i in range(2000)]
    spread = [i * 7919 % most for i in range(2000)]

    def update(store: SQLiteRunRepository, n: int) -> None:
        store.update(RunKey(f"run-{n:07}", f"client {n % 20}"), CHANGE, AT)

    newest = [RunQuery(client_id=f"client {i}", limit=50) for i in range(10)]
    name = f"1,000 → {most:,} rows: "
    yield compared(
        name + "newest 50 of a client", 1.15, 300,
        lambda i: list(small.find(newest[i % 10])), lambda i: list(large.find(newest[i % 10])),
    )  # fmt: skip
    yield compared(name + "create", 1.3, 2000, lambda i: small.create(new[i]), lambda i: large.create(new[i]))
    yield compared(
        name + "update", 1.3, 2000, lambda i: update(small, spread[i] % 1000), lambda i: update(large, spread[i])
    )
    small.close()
    large.close()
