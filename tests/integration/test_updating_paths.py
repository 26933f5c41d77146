"""No updating path creates or removes, say the stores: SQLite's authorizer, PostgreSQL's grants, Airtable's requests.

Every updating path of port, services and command line runs over a store that refuses both, or that records them. A
public method or a command that is not tried here fails the test.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from airtable_base import METRIC_COLUMNS, TOKEN, served
from attrs import frozen
from click import Context
from click.testing import CliRunner
from drawn_arguments import public_methods
from postgres_server import fresh_database
from psycopg import sql

import runledger
from airtable_local import LogEntry
from runledger import (
    NewRun,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedger,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnusable,
    aio,
)
from runledger.adapters.airtable.rate import Turn
from runledger.cli.group import cli
from runledger.domain import RunAccess

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
CHANGES = (
    RunChange(),
    RunChange(metrics={"n": 1}),
    RunChange(add={"n": 1}),
    RunChange(note="half way"),
    RunChange(error="slow", metrics={"n": 2}, add={"i": 1}, note="all at once"),
)
FINISHES = tuple(RunChange(status=status) for status in RunStatus if status.is_final)
RUNS = tuple(f"r{i}" for i in range(26))


NO_UPDATES = {"start", "exec", "import", "copy", "init", "doctor", "scan", "completion", "missing"}
"""The commands that may create, or that neither update nor read runs."""


@contextmanager
def every_method_of(thing: Any) -> Iterator[Any]:
    """The same thing to the block, of which the block must use every public method."""
    used: set[str] = set()

    class Watched:
        def __getattr__(self, name: str) -> Any:
            used.add(name)
            return getattr(thing, name)

    yield Watched()
    missing = set(public_methods(thing)) - used
    assert not missing, f"{type(thing).__name__} has methods that are not tried here: {', '.join(sorted(missing))}"


def through_the_port(access: RunAccess, run_id: Callable[[], str]) -> None:
    key, gone = RunKey(run_id(), "acme"), RunKey("never started", "acme")
    for change in CHANGES:
        access.update(key, change, AT)
        access.update_many([(key, change), (key, change)], AT)
    for finish in FINISHES:
        finished = RunKey(run_id(), "acme")
        access.update(finished, finish, AT)
        with pytest.raises(RunAlreadyFinished):
            access.update(finished, finish, AT)
    for change in (*CHANGES, *FINISHES):
        with pytest.raises(RunNotFound):
            access.update(gone, change, AT)
        with pytest.raises(RunNotFound):
            access.update_many([(key, change), (gone, change)], AT)
    access.get(key)
    list(access.find(RunQuery()))
    list(access.log(key))
    if hasattr(access, "summary"):  # optional: SummableStore
        access.summary(RunQuery())
    if hasattr(access, "latest"):  # optional: LatestStore
        list(access.latest())
    if hasattr(access, "find_with_logs"):  # optional: LoggedStore
        list(access.find_with_logs(RunQuery()))
    if hasattr(access, "stored_rows"):  # optional: RowStore
        list(access.stored_rows())
    with pytest.raises(RunNotFound):
        access.get(gone)
    with pytest.raises(RunNotFound):
        list(access.log(gone))


def through_the_services(ledger: RunLedger, run_id: Callable[[], str]) -> None:
    with (
        every_method_of(ledger.updates) as updates,
        every_method_of(ledger.reads) as reads,
        every_method_of(ledger.updates.run(run_id(), "acme")) as handle,
    ):
        acts: list[Callable[[str], object]] = [
            lambda run: updates.update(run, "acme", metrics={"n": 1}, add={"i": 1}, note="n"),
            lambda run: updates.heartbeat(run, "acme"),
            lambda run: updates.update_many([(RunKey(run, "acme"), RunChange(note="n"))]),
            lambda run: updates.run(run, "acme").update(add={"n": 1}),
            lambda run: updates.of(RunKey(run, "acme")).heartbeat(),
            lambda run: updates.complete(run, "acme"),
            lambda run: updates.update(run, "acme", note="late"),
            lambda run: updates.complete(run_id(), "acme", with_errors="two of nine"),
            lambda run: updates.fail(run_id(), "acme", "no more paper"),
            lambda run: updates.skip(run_id(), "acme", "nothing to do"),
            lambda run: updates.cancel(run_id(), "acme", "by hand"),
            lambda run: asyncio.run(asyncio.to_thread(updates.heartbeat, run, "acme")),
            lambda run: (handle.update(note="n"), handle.heartbeat(), handle.complete()),
            lambda run: require_finished(handle.fail, handle.skip, handle.cancel),
            lambda run: (reads.get(run, "acme"), list(reads.find()), list(reads.latest()), reads.summary(run)),
            lambda run: list(reads.stale(older_than=timedelta(0))),
            lambda run: (
                list(reads.log(run, "acme", 1)),
                reads.get_with_log(run, "acme"),
                list(reads.find_with_logs()),
            ),
        ]
        run = run_id()
        for act in acts:
            act(run)
        for act in acts[:6]:
            with pytest.raises(RunNotFound):
                act("never started")
        for finish in (updates.fail, updates.skip, updates.cancel):
            with pytest.raises(RunNotFound):
                finish("never started", "acme", "why")


async def through_the_coroutines(ledger: aio.AsyncRunLedger, run_id: Callable[[], str]) -> None:
    with (
        every_method_of(ledger.updates) as updates,
        every_method_of(ledger.reads) as reads,
        every_method_of(ledger.updates.run(run_id(), "acme")) as handle,
    ):
        acts: list[Callable[[str], Awaitable[object]]] = [
            lambda run: updates.update(run, "acme", metrics={"n": 1}, add={"i": 1}, note="n"),
            lambda run: updates.heartbeat(run, "acme"),
            lambda run: updates.update_many([(RunKey(run, "acme"), RunChange(note="n"))]),
            lambda run: updates.run(run, "acme").update(add={"n": 1}),
            lambda run: updates.of(RunKey(run, "acme")).heartbeat(),
            lambda run: updates.complete(run, "acme"),
        ]
        run = run_id()
        for act in acts:
            await act(run)
            with pytest.raises(RunNotFound):
                await act("never started")
        for finish in (updates.fail, updates.skip, updates.cancel):
            await finish(run_id(), "acme", "why")
            with pytest.raises(RunNotFound):
                await finish("never started", "acme", "why")
        await handle.update(note="n")
        await handle.heartbeat()
        await handle.complete()
        for finish in (handle.fail, handle.skip, handle.cancel):
            with pytest.raises(RunAlreadyFinished):
                await finish("late")
        await reads.get(run, "acme")
        await reads.get_with_log(run, "acme")
        await reads.summary(run)
        for listed in (reads.find(), reads.latest(), reads.stale(timedelta(0)), reads.log(run, "acme", 1)):
            assert [each async for each in listed] != []
        assert len([each async for each in reads.find_with_logs()]) == len(RUNS)


def require_finished(*finishes: Callable[[str], object]) -> None:
    for finish in finishes:
        with pytest.raises(RunAlreadyFinished):
            finish("late")


def through_the_command_line(url: str, run_id: Callable[[], str]) -> None:
    tried = set(NO_UPDATES)

    def run(*arguments: str, code: int = 0) -> None:
        tried.add(arguments[0])
        done = CliRunner().invoke(cli, ["--store", url, *arguments])
        assert done.exit_code == code, done.output

    one = run_id()
    run("update", one, "acme", "--set", "n=1", "--add", "i=2", "--note", "half way")
    run("update", one, "acme")
    run("complete", one, "acme", "--set", "n=2")
    run("update", one, "acme", "--note", "late")
    run("complete", one, "acme", code=5)
    run("fail", run_id(), "acme", "--error", "no more paper")
    run("skip", run_id(), "acme", "--why", "nothing to do")
    run("cancel", run_id(), "acme", "--why", "by hand")
    run("update", "never started", "acme", "--note", "n", code=3)
    run("complete", "never started", "acme", code=3)
    run("show", "never started", "acme", code=3)
    for look in (("list",), ("latest",), ("summary", one), ("stale", "--older-than", "1h"), ("export", "-")):
        run(*look)
    run("check", "--may-fail", "--quiet-after", "9999d")
    run("prune", "--older-than", "100d", "--dry-run")
    run("audit", "--skip", "similar-keys", "--skip", "running-too-long")
    with TemporaryDirectory() as folder:
        file = f"{folder}/runs.jsonl"
        run("export", file)
        run("compare", file, url)
    run("show", one, "acme")
    assert tried == set(cli.list_commands(Context(cli))), "a command that is not tried here, or is no more"


@frozen
class Guarded:
    """A store with the runs of RUNS: where it is, and a check that it notices an attempt to create."""

    url: str
    notices_a_creation: Callable[[RunLedger], None]


@contextmanager
def guarded_sqlite(tmp_path: Path) -> Iterator[Guarded]:
    url = f"sqlite:///{tmp_path}/runs.db"
    _start(url)
    connect = sqlite3.connect

    def guarded(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        denied = {(sqlite3.SQLITE_INSERT, "runs"), (sqlite3.SQLITE_DELETE, "runs")}  # run_notes has lines of logs
        connection.set_authorizer(lambda *act: sqlite3.SQLITE_DENY if act[:2] in denied else sqlite3.SQLITE_OK)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", guarded)
        yield Guarded(url, _refused)


@contextmanager
def guarded_postgresql(_: Path) -> Iterator[Guarded]:
    role = f"runledger_{uuid4().hex}"
    names = {"role": sql.Identifier(role)}
    with fresh_database() as url, psycopg.connect(url, autocommit=True) as admin:
        repository = runledger.open_repository(url)
        repository.create_schema()  # type: ignore[attr-defined]
        repository.close()
        _start(url)
        admin.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD 'let-me-in'").format(**names))
        for rights in ("SELECT, UPDATE ON runs", "SELECT, INSERT ON run_notes"):
            admin.execute(sql.SQL("GRANT " + rights + " TO {role}").format(**names))
        host = urlsplit(url).netloc.rpartition("@")[2]
        try:
            yield Guarded(urlunsplit(urlsplit(url)._replace(netloc=f"{role}:let-me-in@{host}")), _refused)
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            admin.execute(sql.SQL("DROP ROLE {role}").format(**names))


@contextmanager
def guarded_airtable(_: Path) -> Iterator[Guarded]:
    with served(*METRIC_COLUMNS) as base, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRTABLE_API_KEY", TOKEN)
        patch.setattr("runledger.adapters.airtable.rate.RateLimit.wait", lambda self: Turn(0))
        base.repository().create_many([NewRun(RunRecord.start(RunKey(run, "acme"), AT)) for run in RUNS])
        base.server.log.clear()

        def noticed(_: RunLedger) -> None:
            assert len(base.server.log) > 100
            assert not [entry for entry in base.server.log if could_create(entry)]
            base.repository().create(NewRun(RunRecord.start(RunKey("new", "acme"), AT)))
            assert [entry for entry in base.server.log if could_create(entry)]

        yield Guarded(base.store_url, noticed)


def could_create(entry: LogEntry) -> bool:
    """Whether a request is of a kind that can make a record in Airtable, or has made one."""
    request = entry.request
    reads = request.method == "GET" or (request.method == "POST" and request.path.endswith("/listRecords"))
    changes_what_is_there = request.method == "PATCH" and b"performUpsert" not in request.body
    return not (reads or changes_what_is_there) or any(verb == "created" for verb, _ in entry.changed)


def _start(url: str) -> None:
    with runledger.connect(url, observers=()) as ledger:
        for run in RUNS:
            ledger.start(run, "acme")


def _refused(ledger: RunLedger) -> None:
    with pytest.raises(StoreUnusable):
        ledger.start("new", "acme")


@pytest.mark.parametrize("guard", [guarded_sqlite, guarded_postgresql, guarded_airtable])
def test_no_updating_path_creates_says_the_store_itself(
    guard: Callable[[Path], AbstractContextManager[Guarded]], tmp_path: Path
) -> None:
    with guard(tmp_path) as store:
        runs = iter(RUNS)
        with runledger.connect(store.url, observers=()) as ledger:
            access = runledger.open_repository(store.url)
            with every_method_of(access.without_creation()) as updating:
                through_the_port(updating, lambda: next(runs))
            through_the_services(ledger, lambda: next(runs))
            asyncio.run(through_the_coroutines(aio.AsyncRunLedger(ledger), lambda: next(runs)))
            through_the_command_line(store.url, lambda: next(runs))
            assert sorted(record.key.run_id for record in access.find(RunQuery())) == sorted(RUNS)
            access.close()
            store.notices_a_creation(ledger)
