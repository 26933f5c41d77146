"""What becomes of a commit: how durable it is, when its outcome is unknown, and that no wait for it is without end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from commands import runledger
from postgres_server import admin, fresh_database, started_server
from psycopg import sql

from runledger import RunLedger
from runledger.adapters.sql import postgresql_connection
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository, open_url
from runledger.domain import (
    LogLine,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunLedgerError,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
)

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
KEY = RunKey("251124-081500", "acme")
NEW = RunKey("251124-081500", "globex")
WRITES: dict[str, Callable[[PostgreSQLRunRepository], Any]] = {
    "create": lambda repository: repository.create(NewRun(RunRecord.start(NEW, AT))),
    "create_many": lambda repository: repository.create_many([NewRun(RunRecord.start(NEW, AT))]),
    "create with a log": lambda repository: repository.create(_finished()),
    "update": lambda repository: repository.update(KEY, RunChange(note="n"), LATER),
    "update_many": lambda repository: repository.update_many([(KEY, RunChange(metrics={"n": 1}))], LATER),
    "update_many with notes": lambda repository: repository.update_many([(KEY, RunChange(note="n"))], LATER),
}


def _finished() -> NewRun:
    line = LogLine(AT, "imported")
    return NewRun(RunRecord.start(NEW, AT).apply(RunChange(note="imported"), AT), [line])


def _filled(url: str) -> None:
    with closing(open_url(url)) as repository:
        repository.create_schema()
        repository.create(NewRun(RunRecord.start(KEY, AT)))


def with_options(url: str, options: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options={quote(options)}"


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        _filled(url)
        yield url


@pytest.mark.parametrize(
    ("value", "used"),
    [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")],
)
def test_every_session_commits_to_disk_at_least(url: str, value: str, used: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(urlsplit(url).path[1:])
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(name, value))
    for each in (url, with_options(url, f"-c synchronous_commit={value}")):
        with closing(PostgreSQLRunRepository(each, max_connections=2)) as repository:
            both = threading.Barrier(2, timeout=60)

            def setting(cursor: psycopg.Cursor[Any], both: threading.Barrier = both) -> Any:
                both.wait()
                return cursor.execute("SHOW synchronous_commit").fetchone()

            with ThreadPoolExecutor(2) as threads:
                found = threads.map(lambda _: repository._connections.run(setting, "SELECT"), range(2))
                assert list(found) == [(used,), (used,)]
    findings = runledger("doctor", store=url).stdout
    if value == used:
        assert f"ok    synchronous_commit is {used}: a commit is on disk\n" in findings
    else:
        assert f"note  synchronous_commit is {value} for this role and database: the ledger sets it to on" in findings


@pytest.fixture(scope="module")
def lonely_server() -> str:
    """A server whose commits wait for a standby, while there is none. Its tables are there already."""
    url = started_server()
    _filled(url)
    return url


@contextmanager
def waiting_for_standby(url: str) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = local")
        connection.execute("DELETE FROM runs WHERE client_id = 'globex'")
        _name_standby(connection, "nobody")
        try:
            yield
        finally:
            _name_standby(connection, "")


def _name_standby(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(name))
    connection.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        # A new session has what the server's main process has read.
        with psycopg.connect(connection.info.dsn, host=connection.info.host) as other:
            if other.execute("SHOW synchronous_standby_names").fetchone() == (name,):
                return
        time.sleep(0.01)
    raise AssertionError("the server did not read its settings")


@pytest.mark.parametrize("write", WRITES)
def test_a_commit_that_no_standby_confirms_ends_with_an_unknown_outcome(lonely_server: str, write: str) -> None:
    hasty = with_options(lonely_server, "-c statement_timeout=1s")
    with closing(PostgreSQLRunRepository(hasty, max_connections=1)) as repository:
        with waiting_for_standby(lonely_server):
            with pytest.raises(StoreUnavailable, match="no standby has confirmed") as caught:
                WRITES[write](repository)
            assert caught.value.outcome is Outcome.UNKNOWN
            assert write.endswith(("many", "notes")) or caught.value.key in (KEY, NEW)
            assert repository.get(KEY).key == KEY  # over the same connection, and at once
        assert repository.update(KEY, RunChange(metrics={"usable": "again"}), LATER).metrics["usable"] == "again"


def test_a_wait_for_a_standby_that_an_administrator_cancels_is_unknown(lonely_server: str) -> None:
    with (
        closing(open_url(lonely_server)) as repository,
        waiting_for_standby(lonely_server),
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(lonely_server, autocommit=True) as connection,
    ):
        start = thread.submit(WRITES["create"], repository)
        cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while not connection.execute(cancel).fetchall():
            time.sleep(0.01)
        with pytest.raises(StoreUnavailable) as caught:
            start.result()
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.key == NEW


@pytest.mark.parametrize("many", [False, True])
def test_a_start_that_is_tried_again_is_acknowledged_only_once_a_standby_has_it(lonely_server: str, many: bool) -> None:
    hasty = with_options(lonely_server, "-c statement_timeout=1s")

    def start(repository: PostgreSQLRunRepository, waits: int, sleep: Callable[[float], None]) -> None:
        ledger = RunLedger(repository, retry_waits=[0] * waits, sleep=sleep)
        if many:
            ledger.start_many(NEW.run_id, [NEW.client_id])
        else:
            ledger.start(NEW.run_id, NEW.client_id)

    with closing(open_url(hasty)) as repository, psycopg.connect(lonely_server, autocommit=True) as connection:
        with waiting_for_standby(lonely_server), pytest.raises(StoreUnavailable) as caught:
            start(repository, 1, lambda _: None)
        assert caught.value.outcome is Outcome.UNKNOWN
        with pytest.raises(RunAlreadyExists):
            start(repository, 0, lambda _: None)
        with waiting_for_standby(lonely_server):
            start(repository, 1, lambda _: _name_standby(connection, ""))
        assert repository.get(NEW).status is RunStatus.RUNNING


@pytest.mark.parametrize(("act", "outcome"), [("get", Outcome.NOT_APPLIED), ("create", Outcome.UNKNOWN)])
def test_a_server_that_stopped_is_not_waited_for_without_end(
    lonely_server: str, monkeypatch: pytest.MonkeyPatch, act: str, outcome: Outcome
) -> None:
    monkeypatch.setattr(postgresql_connection.Connection, "_patience", 0.5)
    hasty = with_options(lonely_server, "-c statement_timeout=1s")
    with waiting_for_standby(lonely_server):
        pass  # and so without the run
    with closing(PostgreSQLRunRepository(hasty, max_connections=1)) as repository:
        [row] = repository._fetch("SELECT pg_backend_pid()", ())
        os.kill(row[0], signal.SIGSTOP)
        while Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.01)  # it stops in a moment, and might have answered until then
        try:
            with pytest.raises(StoreUnavailable, match="no answer") as caught:
                repository.get(KEY) if act == "get" else WRITES[act](repository)
        finally:
            os.kill(row[0], signal.SIGCONT)
        assert caught.value.outcome is outcome
        assert repository.get(KEY).key == KEY


def raising(url: str, state: str, when: str) -> None:
    """Make each write of a run raise an error with this SQLSTATE: BEFORE the row is written, or at the COMMIT."""
    with psycopg.connect(url) as connection:
        connection.execute("""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'it failed' USING ERRCODE = TG_ARGV[0]; END $$""")
        if when == "BEFORE":
            trigger = "CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION fail({})"
        else:
            trigger = """CREATE CONSTRAINT TRIGGER fails AFTER INSERT OR UPDATE ON runs DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION fail({})"""
        connection.execute(sql.SQL(trigger).format(state))


STATES: dict[str, tuple[type[RunLedgerError], Outcome | None]] = {
    "08000": (StoreUnavailable, Outcome.NOT_APPLIED),
    "08006": (StoreUnavailable, Outcome.NOT_APPLIED),
    "08007": (StoreUnavailable, Outcome.UNKNOWN),  # transaction_resolution_unknown
    "40001": (StoreUnavailable, Outcome.NOT_APPLIED),
    "40003": (StoreUnavailable, Outcome.UNKNOWN),  # statement_completion_unknown
    "40P01": (StoreUnavailable, Outcome.NOT_APPLIED),
    "53100": (StoreUnavailable, Outcome.NOT_APPLIED),
    "53200": (StoreUnavailable, Outcome.NOT_APPLIED),
    "53300": (StoreUnavailable, Outcome.NOT_APPLIED),
    "55P03": (StoreUnavailable, Outcome.NOT_APPLIED),
    "57014": (StoreUnavailable, Outcome.NOT_APPLIED),
    "57P01": (StoreUnavailable, Outcome.NOT_APPLIED),
    "58030": (StoreUnavailable, Outcome.NOT_APPLIED),
    "22003": (StoreUnusable, None),
    "23514": (StoreUnusable, None),
    "25006": (StoreUnusable, None),
    "42501": (StoreUnusable, None),
    "42703": (StoreUnusable, None),
    "42P01": (StoreUnusable, None),
    "XX001": (StoreUnusable, None),
}


@pytest.mark.parametrize("when", ["BEFORE", "at the COMMIT"])
@pytest.mark.parametrize("state", STATES)
def test_each_sqlstate_has_its_outcome(url: str, state: str, when: str) -> None:
    error, outcome = STATES[state]
    raising(url, state, when)
    with closing(PostgreSQLRunRepository(url, max_connections=1)) as repository:
        before = list(repository.find_with_logs(RunQuery()))
        for write, act in WRITES.items():
            with pytest.raises(error) as caught:
                act(repository)
            assert getattr(caught.value, "outcome", None) is outcome, write
            assert ("make room on the server's disk" in str(caught.value)) is (state == "53100")
            assert write.endswith(("many", "notes")) or caught.value.key in (KEY, NEW)
        assert list(repository.find_with_logs(RunQuery())) == before


@pytest.mark.parametrize("state", ["08007", "40003"])
def test_a_read_has_no_unknown_outcome(url: str, state: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            sql.SQL("""CREATE FUNCTION fails(text) RETURNS text LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'it failed' USING ERRCODE = {}; END $$""").format(state)
        )
        connection.execute("ALTER TABLE runs RENAME TO kept")
        connection.execute("""CREATE VIEW runs AS SELECT run_id, client_id, client_name, fails(status) AS status,
            started_at, ended_at, metrics, notes, error, updated_at FROM kept""")
        connection.execute("COMMENT ON VIEW runs IS 'runledger 2'")
    with closing(open_url(url)) as repository, pytest.raises(StoreUnavailable) as caught:
        repository.get(KEY)
    assert caught.value.outcome is Outcome.NOT_APPLIED


@pytest.mark.parametrize("write", WRITES)
def test_a_connection_lost_at_the_commit_leaves_the_outcome_unknown(url: str, write: str) -> None:
    with psycopg.connect(url) as gate:
        gate.execute("""CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$""")
        gate.execute("""CREATE CONSTRAINT TRIGGER waits AFTER INSERT OR UPDATE ON runs DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION wait_at_gate()""")
        gate.commit()
        gate.execute("SELECT pg_advisory_xact_lock(1)")
        with closing(open_url(url)) as repository, ThreadPoolExecutor(1) as thread, admin() as connection:
            attempt = thread.submit(WRITES[write], repository)
            end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE wait_event = 'advisory'"
            while not connection.execute(end).fetchall():
                time.sleep(0.01)
            with pytest.raises(StoreUnavailable) as caught:
                attempt.result()
    assert caught.value.outcome is Outcome.UNKNOWN
