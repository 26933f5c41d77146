"""How the databases answer each read of a large ledger: by an index, without reading or sorting all of a table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attrs import evolve
from postgres_server import fresh_database
from psycopg import sql

from runledger.adapters.sql import postgresql
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.rows import PAGE
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import NewRun, RunAlreadyExists, RunChange, RunKey, RunQuery, RunRecord, RunStatus
from runledger.domain.json_form import time_text

RUNS = 100_000
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
KEY = RunKey("run 7000", "client 0")
KEYS_OF_A_BATCH = [RunKey(f"run {n // 10 * 10}", f"client {n % 10 + 10 * (n // 10 % 20)}") for n in range(7000, 7500)]
SINCE, UNTIL = FIRST + timedelta(days=30), FIRST + timedelta(days=31)
Read = Callable[[Any], object]
Plans = Callable[[Read], list[str]]

NEWEST, CLIENT, STATUS, KEYS = "newest", "client", "status", "key"
QUERIES: list[tuple[RunQuery, str]] = [
    (RunQuery(limit=50), NEWEST),
    (RunQuery(limit=2000), NEWEST),
    (RunQuery(since=SINCE, until=UNTIL, limit=50), NEWEST),
    (RunQuery(since=SINCE, until=UNTIL), NEWEST),
    (RunQuery(status=RunStatus.COMPLETED, limit=50), NEWEST),
    (RunQuery(status=RunStatus.RUNNING), STATUS),
    (RunQuery(status=RunStatus.RUNNING, updated_before=FIRST + timedelta(days=1)), STATUS),  # as `stale` asks
    (
        RunQuery(
            status=RunStatus.RUNNING, updated_before=FIRST + timedelta(days=1), since=SINCE, until=UNTIL, limit=10
        ),
        STATUS,
    ),
    (RunQuery(status=RunStatus.FAILED, limit=10), STATUS),
    (RunQuery(status=RunStatus.FAILED, since=SINCE, until=UNTIL), STATUS),
    (RunQuery(status=RunStatus.CANCELLED), STATUS),
    (RunQuery(client_id="client 7", limit=50), CLIENT),
    (RunQuery(client_id="client 7", since=SINCE, until=UNTIL), CLIENT),
    (RunQuery(client_id="client 7", status=RunStatus.COMPLETED, limit=50), CLIENT),
    (RunQuery(run_id="run 7000"), KEYS),
    (RunQuery(run_id="run 7000", client_id="client 0"), KEYS),
]
QUERIES += [
    (RunQuery(after=(UNTIL, KEY), limit=50), NEWEST),
    (RunQuery(after=(UNTIL, KEY), since=SINCE), NEWEST),
    (RunQuery(after=(UNTIL, KEY), client_id="client 7", limit=50), CLIENT),
    (RunQuery(after=(UNTIL, KEY), status=RunStatus.FAILED, limit=10), STATUS),
    (RunQuery(status=["Completed", "Failed"], limit=50), NEWEST),
]
SEVERAL: list[tuple[RunQuery, str]] = [
    (RunQuery(status=["Failed", "Running", "Cancelled"]), STATUS),
    (RunQuery(status=["Failed", "Cancelled"], limit=50), STATUS),
    (RunQuery(status=["Failed", "Running"], after=(UNTIL, KEY)), STATUS),
]


def name_of(value: object) -> str:
    return re.sub(r"^RunQuery|\w+=None,? ?", "", str(value))


# -- PostgreSQL

PLANS = {NEWEST: "runs_newest", CLIENT: "runs_client", STATUS: "runs_status", KEYS: "runs_pkey"}
FILLED = (
    """INSERT INTO runs SELECT 'run ' || n / 10 * 10, 'client ' || n %% 10 + 10 * (n / 10 %% 20), 'c',
        CASE n %% 1000 WHEN 0 THEN 'Running' WHEN 1 THEN 'Failed' ELSE 'Completed' END,
        %(first)s + n * interval '1 minute',
        CASE n %% 1000 WHEN 0 THEN NULL ELSE %(first)s + n * interval '2 minutes' END,
        '{"Posts": 45}', 1, NULL, %(first)s + n * interval '2 minutes', ''
    FROM generate_series(1, %(runs)s) AS n""",
    "INSERT INTO run_notes SELECT run_id, client_id, 1, started_at, 'page' FROM runs",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A large ledger."""
    with fresh_database() as url, closing(PostgreSQLRunRepository(url)) as store:
        store.create_schema()
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in FILLED:
                connection.execute(statement.encode(), {"first": FIRST, "runs": RUNS})
            connection.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture(params=["auto", "force_generic_plan"])
def plans(request: pytest.FixtureRequest, url: str) -> Plans:
    """A function that makes a call and returns the plans of its statements, as the ledger sent them.

    The server plans a prepared statement for the values of each call or, from the sixth on, for all values.
    """

    def plans_of(read: Read) -> list[str]:
        prepared: dict[str, Any] = {}
        streamed: dict[str, Any] = {}  # which is never prepared
        with closing(PostgreSQLRunRepository(there, max_connections=1)) as store:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(psycopg.Cursor, "execute", noting(prepared, psycopg.Cursor.execute))
                patch.setattr(psycopg.Cursor, "stream", noting(streamed, psycopg.Cursor.stream))
                for _ in range(7):
                    read(store)
            return store._connections.run(partial(plans, prepared, streamed), "SELECT")

    def plans(prepared: dict[str, Any], streamed: dict[str, Any], cursor: psycopg.Cursor[Any]) -> list[str]:
        names = [name for (name,) in cursor.execute(PREPARED, prepare=False).fetchall()]
        executed = [
            (f"EXECUTE {name}", in_order(statement, values))
            for name, (statement, values) in zip(names, prepared.items(), strict=True)
        ]
        return [explained(cursor, *asked) for asked in (*executed, *streamed.items())]

    there = f"{url}{'&' if '?' in url else '?'}options=-cplan_cache_mode%3D{request.param}"
    return plans_of


PREPARED = "SELECT name FROM pg_prepared_statements WHERE name LIKE '\\_pg3\\_%' ORDER BY prepare_time"


def noting(asked: dict[str, Any], execute: Any) -> Any:
    def noted(self: Any, statement: Any, values: Any = (), **named: Any) -> Any:
        if named.get("prepare") is not False:
            asked[statement] = values
        return execute(self, statement, values, **named)

    return noted


def in_order(statement: str, values: Any) -> Sequence[Any]:
    """The values of placeholders with names, in the order in which the server numbers them."""
    if not isinstance(values, dict):
        return list(values)
    return [values[name] for name in dict.fromkeys(re.findall(r"%\((\w+)\)s", statement))]


def explained(cursor: psycopg.Cursor[Any], statement: str, values: Any) -> str:
    if statement.startswith("EXECUTE"):
        arguments = sql.SQL(", ").join(map(sql.Literal, values))
        explain = sql.SQL("EXPLAIN " + statement + " ({})").format(arguments)
        return "\n".join(row[0] for row in cursor.execute(explain, prepare=False))
    return "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {statement}".encode(), values, prepare=False))


def require_small_sorts(plan: str) -> None:
    """Whatever is sorted is less than a page."""
    assert all(int(count) < PAGE for count in re.findall(r"Sort  \(cost=\S+ rows=(\d+)", plan)), plan


@pytest.mark.parametrize(("query", "due"), QUERIES + SEVERAL, ids=name_of)
def test_postgresql_finds_by_an_index(plans: Plans, query: RunQuery, due: str) -> None:
    found = plans(lambda store: list(store.find(query)))
    with_logs = plans(lambda store: list(store.find_with_logs(query)))
    for plan in (*found, *with_logs, *plans(lambda store: store.summary(query))):
        assert PLANS[due] in plan, plan
        assert "Seq Scan" not in plan, plan
        require_small_sorts(plan)
    for plan in with_logs:
        assert 'AND ("position" >= 1) AND ("position" <= runs.notes))' in plan, plan


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.get(KEY),
        lambda store: list(store.log(KEY)),
        lambda store: list(store.log(KEY, 1)),
        lambda store: store.update(KEY, RunChange(metrics={"n": 1}), FIRST),
        lambda store: store.update(KEY, RunChange(note="n", add={"n": 1}), FIRST),
        lambda store: store.update_many([(key, RunChange(metrics={"n": 1})) for key in KEYS_OF_A_BATCH], FIRST),
        lambda store: store.update_many([(key, RunChange(add={"n": 1})) for key in KEYS_OF_A_BATCH], FIRST),
        lambda store: again(store, [NewRun(RunRecord.start(key, FIRST)) for key in KEYS_OF_A_BATCH]),
    ],
    ids=["get", "log", "last", "set", "add", "set_many", "add_many", "create_again"],
)
def test_postgresql_reaches_runs_by_their_keys(plans: Plans, call: Read) -> None:
    for plan in plans(call):
        assert "_pkey" in plan, plan
        assert "Seq Scan" not in plan, plan
        require_small_sorts(plan)


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan"])
def test_postgresql_jumps_in_the_index_from_each_client_to_the_next(url: str, mode: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET plan_cache_mode = {mode}".encode())
        # Only a plan that was executed shows what the recursion looks up.
        explain = "EXPLAIN (ANALYZE, TIMING OFF) " + postgresql._LATEST
        plan = "\n".join(row[0] for row in connection.execute(explain.encode(), ("", PAGE), prepare=True))
    loops = re.findall(r"using runs_client on runs.*actual rows=(?:1|1\.00|0\.99|1\.0) loops=(\d+)", plan)
    assert sorted(map(int, loops)) == [1, 200, 200], plan
    assert len(re.findall(r" on runs\b", plan)) == 3, plan


def again(store: Any, news: list[NewRun]) -> None:
    with pytest.raises(RunAlreadyExists):
        store.create_many(news)


# -- SQLite


@pytest.fixture(scope="module", params=["without statistics", "with statistics"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a large ledger."""
    path = tmp_path_factory.mktemp("large") / "runs.db"
    SQLiteRunRepository(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            "INSERT INTO runs VALUES (?, ?, 'c', ?, ?, ?, '{\"Posts\": 45}', 1, NULL, ?, '')", rows_of_runs()
        )
        connection.execute(
            "INSERT INTO run_notes SELECT run_id, client_id, 1, started_at, 'page' FROM runs ORDER BY 1, 2"
        )
        connection.commit()
        if request.param == "with statistics":
            connection.execute("ANALYZE")
            connection.commit()
    return path


def rows_of_runs() -> Iterator[tuple[str | None, ...]]:
    for n in range(1, RUNS + 1):
        status = {0: "Running", 1: "Failed"}.get(n % 1000, "Completed")
        at, later = (time_text(FIRST + n * timedelta(minutes=minutes)) for minutes in (1, 2))
        client = f"client {n % 10 + 10 * (n // 10 % 20)}"
        yield f"run {n // 10 * 10}", client, status, at, None if status == "Running" else later, later


def steps_of(path: Path, read: Read) -> list[str]:
    """The steps by which SQLite answers the last statement of a call."""
    with closing(SQLiteRunRepository(path)) as store:
        asked: list[tuple[str, Sequence[object]]] = []
        reading = store._file.reading

        def noting(take: Any, statement: str, values: Sequence[object], key: RunKey | None = None) -> Any:
            asked.append((statement, values))
            return reading(take, statement, values, key)

        store._file.reading = noting  # type: ignore[method-assign, assignment]
        read(store)
    statement, values = asked[-1]
    with closing(sqlite3.connect(path)) as other:
        return [step for *_, step in other.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


STEPS = {
    NEWEST: "runs_by_start",
    CLIENT: "runs_by_client (client_id=?",
    STATUS: "runs_by_status (status=?",
    KEYS: "sqlite_autoindex_runs_1 (run_id=?",
}


@pytest.mark.parametrize(("query", "due"), QUERIES, ids=name_of)
def test_sqlite_finds_by_an_index(path: Path, query: RunQuery, due: str) -> None:
    with_logs = steps_of(path, lambda store: list(store.find_with_logs(query)))
    assert "SEARCH n USING PRIMARY KEY (run_id=? AND client_id=?)" in with_logs
    found = steps_of(path, lambda store: list(store.find(query)))
    for steps in (found, with_logs, steps_of(path, lambda store: store.summary(query))):
        assert [step for step in steps if STEPS[due] in step], steps
        assert not [step for step in steps if re.fullmatch(r"SCAN (runs|n|run_notes)", step)], steps
        # The few runs of one id are sorted: no index has them by their start.
        assert due == KEYS or not [step for step in steps if "ORDER BY" in step], steps


def test_sqlite_reaches_runs_by_their_keys(path: Path) -> None:
    by_key = "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=? AND client_id=?)"
    assert steps_of(path, lambda store: store.get(KEY)) == [by_key]
    assert steps_of(path, lambda store: list(store.log(KEY))) == [
        "SEARCH run_notes USING PRIMARY KEY (run_id=? AND client_id=? AND position>? AND position<?)"
    ]


@pytest.mark.parametrize(("query", "due"), SEVERAL, ids=name_of)
def test_sqlite_merges_several_statuses_from_the_index(path: Path, query: RunQuery, due: str) -> None:
    reads: tuple[Read, ...] = (
        lambda store: list(store.find(query)),
        lambda store: list(store.find_with_logs(query)),
        lambda store: store.summary(evolve(query, limit=query.limit or 50)),
    )
    for read in reads:
        steps = steps_of(path, read)
        assert query.status is not None
        searches = [step for step in steps if step.startswith("SEARCH runs ")]
        assert len(searches) == len(query.status), steps
        place = " AND (started_at,run_id,client_id)<(?,?,?)" if query.after else ""
        assert {step.rpartition("INDEX ")[2] for step in searches} == {f"{STEPS[due]}{place})"}, steps
        assert not [step for step in steps if "ORDER BY" in step], steps


@pytest.mark.parametrize(("query", "due"), SEVERAL, ids=name_of)
def test_sqlite_sums_up_all_that_it_finds_in_no_order(path: Path, query: RunQuery, due: str) -> None:
    steps = steps_of(path, lambda store: store.summary(evolve(query, limit=None)))
    assert [step for step in steps if STEPS[due] in step], steps
    assert not [step for step in steps if "ORDER BY" in step], steps


def test_sqlite_jumps_in_the_index_from_each_client_to_the_next(path: Path) -> None:
    steps = steps_of(path, lambda store: list(store.latest()))
    assert [step for step in steps if re.search(r"runs|own", step)] == [
        "SEARCH runs USING COVERING INDEX runs_by_client (client_id>?)",
        "SEARCH runs USING COVERING INDEX runs_by_client (client_id>?)",
        "SEARCH runs USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH own USING COVERING INDEX runs_by_client (client_id=?)",
    ]
