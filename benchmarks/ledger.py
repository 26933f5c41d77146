"""The cost of the ledger compared with the bare driver.

Run `.venv/bin/python benchmarks/ledger.py` (`--quick` for smaller growth figures, `--only sqlite,memory` for parts).
Both sides execute the same statements on two stores with the same schema and durability. Their calls alternate in one
process, so that a slow moment of the machine affects both. Figures are medians; compare the ratios, not the times. The
bare side gets prepared values and returns raw rows: it handles no JSON and makes no records.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import attrs

from runledger import NewRun, RunChange, RunKey, RunLedger, RunQuery, RunRecord
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql import sqlite as sqlite_adapter
from runledger.adapters.sql.rows import rows_of_texts
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import MetricValue

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
CHANGE = RunChange(metrics={"Posts Scored": 43}, add={"Tokens": 1500})
AFTER = '{"Posts":45,"Share":0.5,"Model":"x","Posts Scored":43,"Tokens":1500}'
AT_TEXT = "2025-11-24T08:15:00.000Z"
Row = tuple[str, str, str, str, str]


def started(run_id: str, client_id: str = "acme", at: datetime = AT) -> RunRecord:
    """A run as a service starts it."""
    metrics: dict[str, MetricValue] = {"Posts": 45, "Share": 0.5, "Model": "x"}
    return RunRecord.start(RunKey(run_id, client_id), at, client_name="Acme Ltd", metrics=metrics)


def interleaved(times: int, *sides: Callable[[int], object]) -> list[float]:
    """The median seconds of each side, called in turn with 0, 1, 2, …"""
    gc.collect()
    gc.freeze()  # what was prepared for the measurement is none of what a side pays for
    seen: list[list[float]] = [[] for _ in sides]
    for i in range(times):
        for taken, side in zip(seen, sides, strict=True):
            begin = time.perf_counter()
            side(i)
            taken.append(time.perf_counter() - begin)
    return [median(taken) for taken in seen]


def compared(name: str, target: float, times: int, bare: Callable[[int], object], ours: Callable[[int], object]) -> Row:
    """One line of the table: the bare driver, ours, their ratio, the target."""
    bare_time, our_time = interleaved(times, bare, ours)
    ratio = our_time / bare_time
    return name, _micros(bare_time), _micros(our_time), f"{ratio:.2f}", _verdict(ratio, f"≤ {target}", ratio <= target)


def _micros(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs"


def _verdict(_value: float, target: str, met: bool) -> str:
    return f"{target} {'met' if met else 'MISSED'}"


def sqlite_rows(folder: Path, synchronous: Any) -> Iterator[Row]:
    """Every operation at one durability."""
    full = synchronous == "FULL"
    repository = SQLiteRunRepository(folder / "ours.db", synchronous=synchronous)
    SQLiteRunRepository(folder / "bare.db").close()
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute(f"PRAGMA synchronous = {synchronous}")
    bare.execute("PRAGMA cache_size = -65536")
    bare.execute("PRAGMA wal_autocheckpoint = 250")
    times = 1000 if full else 3000
    records = [started(f"run-{i:06}") for i in range(times)]
    news = list(map(NewRun, records))
    values = list(rows_of_texts(news))

    def bare_create(i: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute(sqlite_adapter._INSERT, values[i])
        bare.execute("COMMIT")

    def bare_change(i: int, metrics: str = AFTER) -> None:
        bare.execute(sqlite_adapter._SELECT_TO_UPDATE, (f"run-{i:06}", "acme")).fetchone()
        bare.execute(sqlite_adapter._UPDATE, (metrics, 0, None, AT_TEXT, i + 1))

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
        bare.executemany(sqlite_adapter._INSERT, batch_values[i])
        bare.execute("COMMIT")

    name = f"SQLite {synchronous}: "
    write_target = 1.1 if full else 1.25
    yield compared(name + "create", write_target, times, bare_create, lambda i: repository.create(news[i]))
    yield compared(
        name + "update", write_target, times, bare_update, lambda i: repository.update(records[i].key, CHANGE, AT)
    )
    if full:
        return
    listing = sqlite_adapter._FIND.format("TRUE")
    batches = [[NewRun(started(f"batch {b} {i:04}")) for i in range(1000)] for b in range(7)]
    batch_values = [list(rows_of_texts(batch)) for batch in batches]
    changes = [(record.key, CHANGE) for record in records[:1000]]
    yield compared(
        "SQLite: get",
        1.5,
        times,
        lambda i: bare.execute(sqlite_adapter._SELECT, (f"run-{i:06}", "acme")).fetchall(),
        lambda i: repository.get(records[i].key),
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
    """The whole service beside the adapter alone: ids checked, clock read, observers told (there are none)."""
    repository = SQLiteRunRepository(folder / "port.db")
    ledger = RunLedger(SQLiteRunRepository(folder / "service.db"), observers=())
    records = [started(f"run-{i:06}") for i in range(1000)]
    yield compared(
        "RunLedger.start beside create (SQLite FULL)",
        1.25,
        1000,
        lambda i: repository.create(NewRun(records[i])),
        lambda i: ledger.start(f"run-{i:06}", "acme", client_name="Acme Ltd", metrics=records[i].metrics),
    )
    yield compared(
        "updates.update beside update (SQLite FULL)",
        1.25,
        1000,
        lambda i: repository.update(records[i].key, CHANGE, AT),
        lambda i: ledger.updates.update(f"run-{i:06}", "acme", metrics={"Posts Scored": 43}, add={"Tokens": 1500}),
    )


def memory_rows() -> Iterator[Row]:
    """The in-memory store beside a dictionary of frozen records."""
    bare_class = attrs.make_class("BareRecord", [a.name for a in attrs.fields(RunRecord)], frozen=True)
    repository = InMemoryRunRepository()
    bare: dict[RunKey, Any] = {}
    records = [started(f"run-{i:06}") for i in range(20_000)]
    news = [NewRun(record) for record in records]
    twins = [bare_class(**record.__dict__) for record in records]

    def bare_create(i: int) -> None:
        bare[twins[i].key] = twins[i]

    def bare_update(i: int) -> None:
        old = bare[twins[i].key]
        bare[twins[i].key] = attrs.evolve(
            old, metrics={**old.metrics, "Posts Scored": 43, "Tokens": 1500}, updated_at=AT
        )

    yield compared("memory: create", 3.0, len(records), bare_create, lambda i: repository.create(news[i]))
    yield compared(
        "memory: update", 3.0, len(records), bare_update, lambda i: repository.update(records[i].key, CHANGE, AT)
    )


def trusted_rows() -> Iterator[Row]:
    """A hundred records made of a store's values: `trusted` beside the constructor, which checks everything again."""
    record = started("run-000001").apply(CHANGE, AT)
    fields = {field.name: getattr(record, field.name) for field in attrs.fields(RunRecord)}
    values = [value for name, value in fields.items() if name != "key"]

    def by_constructor(_: int) -> object:
        return [RunRecord(**{**fields, "key": RunKey("run-000001", "acme")}) for _ in range(100)]

    def by_trust(_: int) -> object:
        return [RunRecord.trusted("run-000001", "acme", *values) for _ in range(100)]

    yield compared("records: 100 by trusted, beside the constructor", 0.5, 200, by_constructor, by_trust)


def postgresql_rows() -> Iterator[Row]:
    """The PostgreSQL adapter beside psycopg alone, against one server."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "integration"))
    import postgres_server
    import psycopg

    from runledger.adapters.sql import postgresql as adapter
    from runledger.adapters.sql.postgresql_changes import GET, update_statement

    postgres_server.durable = True
    with postgres_server.fresh_database() as our_url, postgres_server.fresh_database() as bare_url:
        repository = adapter.PostgreSQLRunRepository(our_url)
        repository.create_schema()
        twin = adapter.PostgreSQLRunRepository(bare_url)
        twin.create_schema()
        twin.close()
        bare = psycopg.connect(bare_url, autocommit=True, prepare_threshold=0)
        cursor = bare.cursor(binary=True)
        records = [NewRun(started(f"run-{i:06}")) for i in range(1500)]
        values = list(rows_of_texts(records))
        batches = [[NewRun(started(f"batch {b} {i:04}")) for i in range(1000)] for b in range(15)]
        batch_values = [list(rows_of_texts(batch)) for batch in batches]

        listing = adapter._FIND.format("TRUE").replace("::text", "")  # as the driver decodes columns by itself

        def bare_update(i: int) -> None:
            change = {
                "run_id": f"run-{i:06}", "client_id": "acme", "at": AT, "ends": False, "status": None, "ended_at": None,
                "error": None, "set": '{"Posts Scored":43}', "add": '{"Tokens":1500}',
            }  # fmt: skip
            cursor.execute(update_statement(True, False), change).fetchone()

        def bare_creates(i: int) -> None:
            with bare.transaction():
                cursor.executemany(adapter._INSERT, batch_values[i])

        yield compared(
            "PostgreSQL: create",
            1.25,
            len(records),
            lambda i: cursor.execute(adapter._INSERT, values[i]),
            lambda i: repository.create(records[i]),
        )
        yield compared(
            "PostgreSQL: update",
            1.25,
            len(records),
            bare_update,
            lambda i: repository.update(records[i].key, CHANGE, AT),
        )
        yield compared(
            "PostgreSQL: get",
            1.6,
            len(records),
            lambda i: cursor.execute(GET, (f"run-{i:06}", "acme")).fetchone(),
            lambda i: repository.get(records[i].key),
        )
        yield compared(
            "PostgreSQL: list of 100",
            2.0,
            300,
            lambda _: cursor.execute(listing, [100]).fetchall(),
            lambda _: list(repository.find(RunQuery(limit=100))),
        )
        yield compared(
            "PostgreSQL: 1,000 creates (bare: executemany)",
            0.8,
            15,
            bare_creates,
            lambda i: repository.create_many(batches[i]),
        )
        bare.close()
        repository.close()


def growth_rows(folder: Path, most: int) -> Iterator[Row]:
    """A small file beside a large one; 20 clients, each with 50 runs or more."""
    sizes = {1000: folder / "small.db", most: folder / "large.db"}
    stores = {}
    for size, path in sizes.items():
        stores[size] = SQLiteRunRepository(path, synchronous="NORMAL")
        for first in range(0, size, 10_000):
            stores[size].create_many(
                [
                    NewRun(started(f"run-{i:07}", f"client {i % 20}", AT + timedelta(seconds=i)))
                    for i in range(first, min(first + 10_000, size))
                ]
            )
    small, large = stores[1000], stores[most]
    new = [NewRun(started(f"new-{i:07}", f"client {i % 20}", AT + timedelta(days=99, seconds=i))) for i in range(2000)]
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


WRITER = """
import sys, time
from datetime import datetime, UTC
from runledger import RunChange, RunKey, RunRecord
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import MetricValue
path, synchronous, me = sys.argv[1:]
store = SQLiteRunRepository(path, synchronous=synchronous)
key = RunKey("r", me)
store.create(RunRecord.start(key, datetime.now(UTC)))
print("ready", flush=True)
sys.stdin.readline()
end, done, longest = time.monotonic() + 5, 0, 0.0
while time.monotonic() < end:
    begin = time.monotonic()
    store.update(key, RunChange(add={"n": 1}), datetime.now(UTC))
    longest = max(longest, time.monotonic() - begin)
    done += 1
print(done, longest)
"""


def process_rows(folder: Path) -> Iterator[Row]:
    """Four processes that write one file for five seconds."""
    for synchronous in ("FULL", "NORMAL"):
        command = [sys.executable, "-c", WRITER, str(folder / f"shared {synchronous}.db"), synchronous]
        writers = [
            subprocess.Popen([*command, f"p{i}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for i in range(4)
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        told = [writer.communicate()[0].split() for writer in writers]
        counts = [int(line[0]) for line in told]
        fair, wait = min(counts) / max(counts), max(float(line[1]) for line in told)
        name = f"four SQLite writers, {synchronous}: "
        yield (
            name + "slowest ÷ fastest",
            str(min(counts)),
            str(max(counts)),
            f"{fair:.2f}",
            _verdict(fair, "≥ 0.4", fair >= 0.4),
        )
        yield name + "longest wait", "", f"{wait:.3f} s", "", _verdict(wait, "≤ 0.2 s", wait <= 0.2)


def command_rows(folder: Path) -> Iterator[Row]:
    """Start-up, and the import of 100,000 rows, as whole processes."""

    def run(*arguments: str) -> Callable[[int], object]:
        return lambda _: subprocess.run([*arguments], check=True, capture_output=True, env=environment)

    # As a user has it: with bytecode, which pip writes when it installs.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    python, store = sys.executable, f"sqlite:///{folder / 'exec.db'}"
    bare, ours = interleaved(15, run(python, "-c", "pass"), run(python, "-c", "import runledger"))
    added = (ours - bare) * 1000
    yield "import runledger", _millis(bare), _millis(ours), f"+{added:.0f} ms", _verdict(added, "≤ 40 ms", added <= 40)
    exec_ = [python, "-m", "runledger", "--store", store, "exec", "--client", "x", "--", "true"]
    bare, ours = interleaved(15, run("true"), run(*exec_))
    added = (ours - bare) * 1000
    yield (
        "runledger exec -- true",
        _millis(bare),
        _millis(ours),
        f"+{added:.0f} ms",
        _verdict(added, "≤ 150 ms", added <= 150),
    )
    file = folder / "rows.csv"
    with file.open("w") as rows:
        rows.write("run_id,client_id,client_name,status,started_at,ended_at,User,Seconds\n")
        for i in range(100_000):
            at = AT + timedelta(seconds=i)
            end = at + timedelta(seconds=i % 5000)
            rows.write(
                f"{i},{i % 170},site {i % 170}.example,Completed,{at:%FT%TZ},{end:%FT%TZ},u{i % 999},{i % 5000}\n"
            )
    begin = time.perf_counter()
    run(python, "-m", "runledger", "--store", f"sqlite:///{folder / 'i.db'}", "import", str(file), "--rest-as-metrics")(
        0
    )
    rate = 100_000 / (time.perf_counter() - begin)
    yield "import of 100,000 rows", "", f"{rate:,.0f} rows/s", "", _verdict(rate, "≥ 20,000 rows/s", rate >= 20_000)
    _, taken = interleaved(
        5, run("true"), run(python, "-m", "runledger", "--store", f"sqlite:///{folder / 'i.db'}", "summary")
    )
    yield "runledger summary of 100,000 runs", "", _millis(taken), "", _verdict(taken, "≤ 500 ms", taken <= 0.5)


def _millis(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk that the checkout is on, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=Path(__file__).parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure, and print one table in Markdown."""
    parts: Mapping[str, Callable[[Path, int], Iterable[Row]]] = {
        "sqlite": lambda f, _: (row for mode in ("NORMAL", "FULL") for row in sqlite_rows(_sub(f), mode)),
        "ledger": lambda f, _: ledger_rows(_sub(f)),
        "postgresql": lambda _f, _n: postgresql_rows(),
        "memory": lambda _f, _n: memory_rows(),
        "trusted": lambda _f, _n: trusted_rows(),
        "growth": lambda f, n: growth_rows(_sub(f), n),
        "processes": lambda f, _: process_rows(_sub(f)),
        "commands": lambda f, _: command_rows(_sub(f)),
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="grow to 100,000 rows instead of 1,000,000")
    parser.add_argument("--only", default=",".join(parts), help=f"some of {','.join(parts)}")
    chosen = parser.parse_args()
    print("| operation | bare | ours | ratio | target |\n| --- | --- | --- | --- | --- |")
    with scratch() as folder:
        for part in chosen.only.split(","):
            for row in parts[part](folder, 100_000 if chosen.quick else 1_000_000):
                print(f"| {' | '.join(row)} |", flush=True)


_numbers = count()


def _sub(folder: Path) -> Path:
    part = folder / str(next(_numbers))
    part.mkdir()
    return part


if __name__ == "__main__":
    main()
