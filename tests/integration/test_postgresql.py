"""What only PostgreSQL can show: roles, lost connections, locks, concurrent writers, and how numbers are kept."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from postgres_server import CountingProxy, admin, fresh_database
from psycopg import sql

from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql import rows
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository, open_url
from runledger.domain import (
    InvalidValue,
    NewRun,
    Outcome,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
)

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
KEY = RunKey("251124-081500", "acme")
OTHER = RunKey("251124-081500", "globex")
HEARTBEAT = RunChange()
UPDATING = ("SELECT, UPDATE ON runs", "SELECT, INSERT ON run_notes")
"""The rights of who may update runs, and not create any."""
SECRET = "s3cret-" + "word"
"""In two parts, since a traceback also shows the source of the test."""


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.fixture
def repository(url: str) -> Iterator[PostgreSQLRunRepository]:
    with closing(open_url(url)) as repository:
        repository.create_schema()
        repository.create(NewRun(RunRecord.start(KEY, AT)))
        yield repository


@contextmanager
def connected_as(url: str, *rights: str) -> Iterator[PostgreSQLRunRepository]:
    role = f"runledger_{uuid4().hex}"
    names = {"role": sql.Identifier(role)}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD 'let-me-in'").format(**names))
        for each in rights:
            connection.execute(sql.SQL("GRANT " + each + " TO {role}").format(**names))
        try:
            host = urlsplit(url).netloc.rpartition("@")[2]
            with closing(open_url(urlunsplit(urlsplit(url)._replace(netloc=f"{role}:let-me-in@{host}")))) as repository:
                yield repository
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            connection.execute(sql.SQL("DROP ROLE {role}").format(**names))


@contextmanager
def locked(url: str, statement: str = "SELECT FROM runs FOR UPDATE") -> Iterator[None]:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        yield


@contextmanager
def patient(store: PostgreSQLRunRepository) -> Iterator[None]:
    """Calls of the block wait for a connection as long as a busy machine needs to open it."""
    pool = store._connections._pool()
    usual, pool.timeout = pool.timeout, 60.0
    try:
        yield
    finally:
        pool.timeout = usual


def wait_for_blocked(url: str, count: int = 1) -> list[int]:
    """The processes of the server that wait for a lock, once there are `count`."""
    deadline = time.monotonic() + 60
    database = urlsplit(url).path[1:]
    with admin() as connection:
        while time.monotonic() < deadline:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [database]
            ).fetchall()
            if len(rows) == count:
                return [int(str(pid)) for (pid,) in rows]
            time.sleep(0.01)
    raise AssertionError(f"{count} processes never waited for a lock")


def terminate(pids: list[int]) -> None:
    with admin() as connection:
        for pid in pids:
            connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def whole_text(error: BaseException) -> str:
    """All that any part of an error's chain would show."""
    text = "".join(traceback.format_exception(error)) + repr(error)
    seen: BaseException | None = error
    while seen is not None:
        text += str(seen) + repr(seen.args)
        seen = seen.__context__
    return text


def test_a_role_that_may_only_update_does_everything_but_create(url: str, repository: PostgreSQLRunRepository) -> None:
    repository.create(NewRun(RunRecord.start(OTHER, AT)))
    with connected_as(url, *UPDATING) as updater:
        changed = updater.update(KEY, RunChange(metrics={"Posts": 3}, add={"Tokens": 5}, note="scored"), LATER)
        updater.update_many(
            [(KEY, RunChange(add={"Tokens": 5})), (OTHER, HEARTBEAT), (KEY, RunChange(note="x"))], LATER
        )
        with pytest.raises(InvalidValue):
            updater.update(KEY, RunChange(add={"Tokens": 2**53}), LATER)
        updater.update(KEY, RunChange(status=RunStatus.COMPLETED), LATER)
        with pytest.raises(RunAlreadyFinished):
            updater.update(KEY, RunChange(status=RunStatus.FAILED), LATER)
        with pytest.raises(RunNotFound):
            updater.update(RunKey("missing", "acme"), HEARTBEAT, LATER)
        assert changed.metrics == {"Posts": 3, "Tokens": 5}
        assert updater.get(KEY).metrics == {"Posts": 3, "Tokens": 10}
        assert len(list(updater.find(RunQuery()))) == 2
        with pytest.raises(StoreUnusable, match="INSERT"):
            updater.create(NewRun(RunRecord.start(RunKey("new", "acme"), AT)))
        with pytest.raises(StoreUnusable, match="INSERT"):
            updater.create_many([NewRun(RunRecord.start(RunKey("new", "acme"), AT))])
        updater.create_schema()  # the tables are there: nothing is made


def test_a_role_without_the_right_to_make_tables_is_told(url: str) -> None:
    with connected_as(url) as updater, pytest.raises(StoreUnusable, match="CREATE"):
        updater.create_schema()


def test_a_role_that_may_not_write_notes_changes_nothing_with_a_note(
    url: str, repository: PostgreSQLRunRepository
) -> None:
    with connected_as(url, "SELECT, UPDATE ON runs") as updater:
        for change in (RunChange(note="n", metrics={"n": 1}), RunChange(note="n", add={"n": 1})):
            with pytest.raises(StoreUnusable, match="INSERT on run_notes"):
                updater.update(KEY, change, LATER)
            with pytest.raises(StoreUnusable, match="INSERT on run_notes"):
                updater.update_many([(KEY, change)], LATER)
        assert updater.get(KEY) == RunRecord.start(KEY, AT)
        updater.update(KEY, RunChange(metrics={"n": 1}), LATER)
        with pytest.raises(StoreUnusable, match="SELECT on runs and run_notes"):
            list(updater.log(KEY))


def test_a_role_that_may_only_read_reads_and_is_told_what_it_lacks(
    url: str, repository: PostgreSQLRunRepository
) -> None:
    with connected_as(url, "SELECT ON runs") as reader:
        assert reader.get(KEY).key == KEY
        assert [record.key for record in reader.find(RunQuery())] == [KEY]
        with pytest.raises(StoreUnusable, match="UPDATE"):
            reader.update(KEY, HEARTBEAT, LATER)
        with pytest.raises(StoreUnusable, match="UPDATE"):
            reader.update_many([(KEY, HEARTBEAT)], LATER)
    assert repository.get(KEY).updated_at == AT


ACTS: dict[str, Callable[[PostgreSQLRunRepository], Any]] = {
    "create": lambda repository: repository.create(NewRun(RunRecord.start(KEY, AT))),
    "create_many": lambda repository: repository.create_many([NewRun(RunRecord.start(KEY, AT))]),
    "update": lambda repository: repository.update(KEY, HEARTBEAT, AT),
    "update_many": lambda repository: repository.update_many([(KEY, HEARTBEAT)], AT),
    "get": lambda repository: repository.get(KEY),
    "find": lambda repository: list(repository.find(RunQuery())),
    "log": lambda repository: list(repository.log(KEY)),
    "find_with_logs": lambda repository: list(repository.find_with_logs(RunQuery())),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_missing_table_names_the_command_that_makes_it(url: str, act: str) -> None:
    with closing(open_url(url)) as repository, pytest.raises(StoreUnusable, match="runledger init"):
        ACTS[act](repository)


def test_the_schema_is_made_once_whoever_makes_it_at_once(url: str) -> None:
    with closing(open_url(url)) as repository:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: repository.create_schema(), range(8)))
        repository.create(NewRun(RunRecord.start(KEY, AT)))
        repository.create_schema()
        assert repository.get(KEY).key == KEY


def test_awkward_text_is_kept_exactly(
    repository: PostgreSQLRunRepository,
) -> None:
    awkward = RunRecord.start(RunKey("Ω\u2028😀'%s", "été\\n"), AT, metrics={"%(x)s \\": "a\tb\\N\n\x01😀"})
    plain = RunRecord.start(RunKey("\\N", "\\."), AT)
    repository.create(NewRun(awkward))
    repository.create_many([NewRun(plain)])
    assert repository.get(awkward.key) == awkward
    assert repository.get(plain.key) == plain


def test_a_server_that_is_down_is_reported() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_url(f"postgresql://someone:{SECRET}@127.0.0.1:1/runs")
    assert caught.value.outcome is Outcome.NOT_APPLIED
    assert SECRET not in whole_text(caught.value)


def test_a_server_that_does_not_serve_is_tried_once() -> None:
    tries = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    tries.append(connection)
                    connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(StoreUnavailable) as caught:
            open_url(
                f"postgresql://someone@127.0.0.1:{listener.getsockname()[1]}/runs?sslmode=disable&gssencmode=disable"
            )
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert caught.value.outcome is Outcome.NOT_APPLIED
    assert len(tries) == 1


def test_an_unknown_database_is_unusable(url: str) -> None:
    with pytest.raises(StoreUnusable, match=r"store: connection to .* does not exist. Create the database, or correct"):
        open_url(urlunsplit(urlsplit(url)._replace(path="/no_such_database")))


def test_an_unknown_role_is_unusable(url: str) -> None:
    address = urlsplit(url)
    with pytest.raises(StoreUnusable, match=r"does not exist. Create the role, or correct the user in the URL"):
        open_url(urlunsplit(address._replace(netloc=f"no_such_role@{address.netloc.rpartition('@')[2]}")))


def _refuse_password(listener: socket.socket) -> None:
    """As much of a server as it takes to ask for a password and refuse it."""
    connection, _ = listener.accept()
    with connection:
        while int.from_bytes(connection.recv(8, socket.MSG_PEEK)[4:]) in (80877103, 80877104):
            connection.recv(8)
            connection.sendall(b"N")
        connection.recv(4096)
        connection.sendall(b"R" + (8).to_bytes(4) + (3).to_bytes(4))
        connection.recv(4096)
        fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "someone"\0\0'
        connection.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)


def test_a_wrong_password_is_unusable_and_does_not_leak() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_refuse_password, args=(listener,))
        server.start()
        with pytest.raises(
            StoreUnusable, match=r"authentication failed.*Correct .* the password in PGPASSWORD"
        ) as caught:
            open_url(f"postgresql://someone:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/runs")
        server.join()
    assert SECRET not in whole_text(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:s3cret-word@127.0.0.1:port/runs",
        "postgresql://someone:x/s3cret-word@127.0.0.1/runs",
        "postgresql://someone:1/s3cret-word@127.0.0.1/runs",
        "postgresql://someone:x@s3cret-word@127.0.0.1/runs",
        "postgresql://someone:s3cret-word%@127.0.0.1/runs",
        "postgresql://someone:1/?s3cret-word@127.0.0.1/runs",
        "postgresql://someone:s3cret-word@127.0.0.1/runs?no_such_option=1",
        "postgresql://someone:s3cret-word@[127.0.0.1/runs",
        "postgresql://someone:s3cret-word@127.0.0.1:1/runs?connect_timeout=soon",
        "postgresql://someone:s3cret-word@127.0.0.1:1/runs?sslmode=s3cret-word",
        "postgresql://someone:s3cret-word\0@127.0.0.1:1/runs",
        "postgresql://someone:s3cret-word\ud800@127.0.0.1:1/runs",
        f"postgresql://someone:s3cret-word@{'x' * 300}:1/runs",
    ],
)
def test_a_url_that_cannot_be_used_does_not_leak(url: str) -> None:
    with pytest.raises((StoreUnusable, StoreUnavailable)) as caught:
        open_url(url)
    assert SECRET not in whole_text(caught.value)


def test_a_closed_repository_says_so(repository: PostgreSQLRunRepository) -> None:
    repository.close()
    with pytest.raises(StoreUnusable, match="closed"):
        repository.get(KEY)


def run_script(script: str, url: str) -> tuple[str, str]:
    """What a script that is given a URL writes to its output and to its errors."""
    # From 3.12 on Python warns of a fork while there are threads.
    python = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning"]
    done = subprocess.run([*python, "-c", script, url], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout, done.stderr


def test_a_forked_child_opens_connections_of_its_own(url: str, repository: PostgreSQLRunRepository) -> None:
    script = """
import os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import NewRun, RunChange, RunKey, RunRecord

repository = open_url(sys.argv[1])
updates = repository.without_creation()
keys = [RunKey("forked", name) for name in "abcd"]
for key in keys:
    repository.create(NewRun(RunRecord.start(key, datetime.now(UTC))))

def work(key):
    for _ in range(20):
        assert updates.update(key, RunChange(add={"n": 1}), datetime.now(UTC)).key == key
        assert repository.get(key).key == key

def work_in_threads(key):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, [key] * 4))
    assert threading.active_count() == 5, "this thread, and those of one pool"

children = []
for key in keys:
    pid = os.fork()
    if pid == 0:
        work_in_threads(key)
        if key in keys[:2]:
            repository.close()
        sys.exit()
    children.append(pid)
for key in keys:
    work(key)
codes = [os.waitpid(pid, 0)[1] for pid in children]
for key in keys:
    work(key)
print(codes, [repository.get(key).metrics["n"] for key in keys])
"""
    assert run_script(script, url) == ("[0, 0, 0, 0] [120, 120, 120, 120]\n", "")


def test_a_child_forked_while_the_pool_is_locked_works_and_ends(url: str, repository: PostgreSQLRunRepository) -> None:
    script = """
import os, signal, sys, threading
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import RunQuery

repository = open_url(sys.argv[1])
list(repository.find(RunQuery()))
locked, forked = threading.Event(), threading.Event()

def lock(pool, tasks, schedule):
    with pool, tasks, schedule:
        locked.set()
        forked.wait(50)

[pool] = repository._connections._pools.values()
threading.Thread(target=lock, args=[pool._lock, pool._tasks.mutex, pool._sched._lock]).start()
del pool  # in the child the thread's frame stays, with all that it refers to
locked.wait(50)
pid = os.fork()
if pid == 0:
    signal.alarm(50)
    list(repository.find(RunQuery()))
    del repository
    sys.exit()
forked.set()
print(os.waitpid(pid, 0)[1], len(list(repository.find(RunQuery()))))
"""
    assert run_script(script, url) == ("0 1\n", "")


def test_threads_that_come_first_at_once_share_one_pool(url: str, repository: PostgreSQLRunRepository) -> None:
    with closing(open_url(url)) as fresh, ThreadPoolExecutor(2) as threads:
        connections, made = fresh._connections, []
        new_pool, both_make, first_done = connections._new_pool, threading.Barrier(2, timeout=60), threading.Event()

        def slowly() -> Any:
            if both_make.wait():
                assert first_done.wait(60)
            made.append(new_pool())
            return made[-1]

        connections._new_pool = slowly  # type: ignore[assignment]
        looks = [threads.submit(fresh.get, KEY) for _ in range(2)]
        wait(looks, return_when=FIRST_COMPLETED)
        first_done.set()
        assert [look.result().key for look in looks] == [KEY, KEY]
        assert [pool.closed for pool in made] == [False, True]


def test_a_repository_closed_before_a_fork_is_closed_in_the_child(url: str) -> None:
    script = """
import os, sys
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import RunQuery, StoreUnusable

repository = open_url(sys.argv[1])
repository.close()
if os.fork() == 0:
    try:
        list(repository.find(RunQuery()))
    except StoreUnusable as error:
        print(error)
    sys.exit()
os.wait()
"""
    assert run_script(script, url) == ("this repository was closed: open it again to use it.\n", "")


def test_a_repository_that_is_dropped_closes_its_connections(url: str, repository: PostgreSQLRunRepository) -> None:
    script = """
import gc, sys, threading, time
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import RunQuery

def look(cyclic):
    repository = open_url(sys.argv[1])
    repository.itself = repository if cyclic else None
    updates = repository.without_creation()
    del repository
    list(updates.find(RunQuery()))

class Drop:
    held = [open_url(sys.argv[1])]
    def run(self):
        self.held.clear()

list(Drop.held[0].find(RunQuery()))
Drop.held[0]._connections._pool()._tasks.put(Drop())  # which a thread of the pool then runs
for cyclic in [False] * 10 + [True] * 10:
    look(cyclic)
gc.collect()
deadline = time.monotonic() + 60
while threading.active_count() > 1 and time.monotonic() < deadline:
    time.sleep(0.01)
print(threading.active_count())
left_open = open_url(sys.argv[1])
print(len(list(left_open.find(RunQuery()))))
"""
    assert run_script(script, url) == ("1\n1\n", "")


def test_the_connection_that_was_tried_serves_the_first_call_and_the_child_of_a_fork_leaves_it(
    url: str, repository: PostgreSQLRunRepository
) -> None:
    script = """
import gc, os, sys
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import RunQuery

repository = open_url(sys.argv[1])
codes = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        if number == 1:
            repository.close()
        if number == 2:
            list(repository.find(RunQuery()))
        del repository
        gc.collect()
        sys.exit()
    codes.append(os.waitpid(pid, 0)[1])
print(codes, len(list(repository.find(RunQuery()))))
repository = open_url(sys.argv[1])  # and left open, unused
"""
    with closing(CountingProxy(url)) as proxy:
        assert run_script(script, proxy.url) == ("[0, 0, 0] 1\n", "")
        assert proxy.opened == 3  # of the parent, of the last child, of the unused repository


def test_an_unused_repository_that_is_closed_or_dropped_closes_its_connection(url: str) -> None:
    with closing(CountingProxy(url)) as proxy:  # which waits until all connections have been closed
        closed = open_url(proxy.url)
        closed.close()
        dropped = open_url(proxy.url)
        del dropped
        assert proxy.opened == 2
    del closed  # not before: it would be dropped, too


def test_what_a_url_sets_leaves_the_other_settings_as_they_are(url: str) -> None:
    given = quote("-c lock_timeout=100ms -c search_path=elsewhere -c client_encoding=latin1")
    separator = "&" if "?" in url else "?"
    names = [
        "lock_timeout", "search_path", "client_encoding", "statement_timeout", "TimeZone", "extra_float_digits",
        "default_transaction_isolation",
    ]  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        database = sql.Identifier(urlsplit(url).path[1:])
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = serializable").format(database)
        )
    with closing(open_url(f"{url}{separator}client_encoding=latin1&options={given}")) as repository:
        settings = repository._connections.run(
            lambda cursor: [cursor.execute(f"SHOW {name}".encode()).fetchone() for name in names], "SELECT"
        )
    expected = ["100ms", "elsewhere", "UTF8", "30s", "UTC", "1", "read committed"]
    assert [value for (value,) in filter(None, settings)] == expected


def test_connections_that_were_closed_while_idle_are_replaced(url: str, repository: PostgreSQLRunRepository) -> None:
    with closing(PostgreSQLRunRepository(url, timeout=30)) as hasty:  # which raises if it waits longer for one
        with ThreadPoolExecutor(4) as pool, locked(url):
            heartbeats = [pool.submit(hasty.update, KEY, HEARTBEAT, LATER) for _ in range(4)]
            pids = wait_for_blocked(url, 4)
        for heartbeat in heartbeats:
            heartbeat.result()
        terminate(pids)
        for _ in range(6):
            assert hasty.update(KEY, HEARTBEAT, LATER).key == KEY


def test_a_pool_of_one_heals_after_its_connection_was_ended(url: str, repository: PostgreSQLRunRepository) -> None:
    with closing(PostgreSQLRunRepository(url, max_connections=1, timeout=30)) as single:
        with ThreadPoolExecutor(1) as thread:
            for _ in range(3):  # a place in the pool that was lost would be missed by the second call
                with locked(url):
                    heartbeat = thread.submit(single.update, KEY, HEARTBEAT, LATER)
                    pids = wait_for_blocked(url)
                heartbeat.result()
                terminate(pids)
                assert single.get(KEY).key == KEY
        with locked(url, "LOCK TABLE runs IN ACCESS EXCLUSIVE MODE"), ThreadPoolExecutor(1) as thread:
            lost = thread.submit(single.get, KEY)
            terminate(wait_for_blocked(url))
            with pytest.raises(StoreUnavailable):
                lost.result()
        for _ in range(3):
            assert single.get(KEY).key == KEY


def test_a_call_after_the_server_has_gone_says_why_there_is_no_connection(
    url: str, repository: PostgreSQLRunRepository
) -> None:
    with closing(CountingProxy(url)) as proxy, closing(PostgreSQLRunRepository(proxy.url, timeout=0.5)) as store:
        with patient(store):
            store.get(KEY)
        proxy.refuse()
        with admin() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
                [urlsplit(url).path[1:]],
            )
        while not store._connections._refusals:  # the pool's thread has not tried to connect yet
            with suppress(StoreUnavailable):
                store.get(KEY)
        with pytest.raises(
            StoreUnavailable, match=r"no connection within 0\.5 s: .*Connection refused.*\. Nothing was written"
        ):
            store.get(KEY)


@pytest.mark.parametrize("act", ACTS)
def test_a_full_pool_is_unavailable_and_nothing_was_applied(
    url: str, repository: PostgreSQLRunRepository, act: str
) -> None:
    with closing(PostgreSQLRunRepository(url, max_connections=1, timeout=0.1)) as single:
        with ThreadPoolExecutor(1) as thread, locked(url):
            with patient(single):
                heartbeat = thread.submit(single.update, KEY, HEARTBEAT, LATER)
                wait_for_blocked(url)
            with pytest.raises(StoreUnavailable, match=r"no connection within 0\.1 s\. ") as caught:
                ACTS[act](single)
        assert caught.value.outcome is Outcome.NOT_APPLIED
        assert caught.value.key == (None if "many" in act or "find" in act else KEY)
        assert heartbeat.result().updated_at == LATER
        with patient(single):
            assert single.get(KEY).updated_at == LATER


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        ("create", Outcome.UNKNOWN),
        ("create_many", Outcome.UNKNOWN),
        ("update", Outcome.UNKNOWN),
        ("update_many", Outcome.UNKNOWN),
        ("get", Outcome.NOT_APPLIED),
        ("find", Outcome.NOT_APPLIED),
    ],
)
def test_a_connection_lost_during_an_act_says_what_may_have_happened(
    url: str, repository: PostgreSQLRunRepository, act: str, outcome: Outcome
) -> None:
    with ThreadPoolExecutor(1) as pool, locked(url, "LOCK TABLE runs IN ACCESS EXCLUSIVE MODE"):
        attempt = pool.submit(ACTS[act], repository)
        terminate(wait_for_blocked(url))
        with pytest.raises(StoreUnavailable) as caught:
            attempt.result()
    assert caught.value.outcome is outcome
    assert repository.get(KEY).updated_at == AT


def in_its_session(store: PostgreSQLRunRepository, statement: str) -> None:
    """Execute a statement over the only connection of a store."""
    store._connections.run(lambda cursor: cursor.execute(statement.encode()), "SELECT")


@pytest.mark.parametrize("act", ["create", "create_many", "update", "update_many"])
@pytest.mark.parametrize("setting", ["lock_timeout", "statement_timeout"])
def test_a_wait_that_took_too_long_has_written_nothing(
    url: str, repository: PostgreSQLRunRepository, act: str, setting: str
) -> None:
    with closing(PostgreSQLRunRepository(url, max_connections=1)) as hasty:
        with locked(url, "LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE"):
            in_its_session(hasty, f"SET {setting} = '1s'")
            with pytest.raises(StoreUnavailable) as caught:
                ACTS[act](hasty)
            assert caught.value.outcome is Outcome.NOT_APPLIED
        in_its_session(hasty, f"RESET {setting}")
        hasty.update(KEY, RunChange(note="usable again"), LATER)
    assert [line.text for line in repository.log(KEY)] == ["usable again"]


@pytest.mark.parametrize("number", [1, 0.5, 2.0**51])
def test_concurrent_additions_and_notes_lose_nothing(repository: PostgreSQLRunRepository, number: float) -> None:
    def work(worker: int) -> None:
        for turn in range(25):
            note = f"{worker}/{turn}"
            if worker % 4:
                repository.update(KEY, RunChange(add={"Tokens": number}, note=note), LATER)
            else:
                repository.update_many([(KEY, RunChange(add={"Tokens": number}, note=note))], LATER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    record = repository.get(KEY)
    assert record.metrics == {"Tokens": number * 200}
    assert type(record.metrics["Tokens"]) is type(number)
    assert record.notes == 200
    assert {line.text for line in repository.log(KEY)} == {
        f"{worker}/{turn}" for worker in range(8) for turn in range(25)
    }


def test_batches_over_the_same_keys_in_other_orders_do_not_deadlock(repository: PostgreSQLRunRepository) -> None:
    keys = [RunKey("batch", str(number)) for number in range(30)]
    repository.create_many([NewRun(RunRecord.start(key, AT)) for key in keys])

    def work(worker: int) -> None:
        order = keys if worker % 2 else keys[::-1]
        for _ in range(10):
            repository.update_many([(key, RunChange(add={"Turns": 1})) for key in (*order, order[0])], LATER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    turns = [record.metrics["Turns"] for record in repository.find(RunQuery(run_id="batch"))]
    assert sorted(turns) == [80] * 28 + [120] * 2


NASTY: list[Any] = [
    0, 1, -3, 3.0, 0.5, 0.1, 0.2, 0.1 + 0.2, 1e-5, 1e15, 1e16, 123456789012345.6, 1e22, 1e300, -1e300,
    1.7976931348623157e308, 5e-324, -5e-324, 2.2250738585072014e-308, 2**53, -(2**53), 2**53 - 1, 2**52, 2.0**53,
    2.0**53 + 2, -(2.0**53), 4503599627370497.5, 9007199254740991.0, -0.0, True, "3", "", AT,
]  # fmt: skip


def _told(act: Callable[..., RunRecord], *arguments: Any) -> Any:
    try:
        record = act(*arguments)
    except RunLedgerError as error:
        return type(error), str(error)
    return {name: (type(value), repr(value)) for name, value in sorted(record.metrics.items())}, record


@pytest.mark.parametrize("first", NASTY, ids=repr)
def test_numbers_keep_type_and_value_as_in_the_model(url: str, first: Any) -> None:
    model = InMemoryRunRepository()
    with closing(open_url(url)) as store:
        store.create_schema()
        for number, second in enumerate(value for value in NASTY if type(value) in (int, float)):
            key = RunKey(f"run {number}", "acme")
            changes = [
                RunChange(add={"value": second, "new": second}),
                RunChange(metrics={"other": first}, add={"value": 1}),
                RunChange(add={"value": -second, "new": 0.0}),
                RunChange(metrics={"value": first}),
            ]
            for repository in (model, store):
                repository.create(NewRun(RunRecord.start(key, AT, metrics={"value": first})))
            assert _told(store.get, key) == _told(model.get, key)
            for change in changes:
                expected = _told(model.update, key, change, LATER)
                assert _told(store.update, key, change, LATER) == expected, change
                assert _told(store.get, key) == _told(model.get, key)


@pytest.fixture
def proxy(url: str, repository: PostgreSQLRunRepository) -> Iterator[CountingProxy]:
    with closing(CountingProxy(url)) as proxy:
        yield proxy


def asked(proxy: CountingProxy, act: Callable[[PostgreSQLRunRepository, str], Any]) -> int:
    """How often the server is asked for a call, seen on the wire, once the statements of the call are prepared."""
    with closing(PostgreSQLRunRepository(proxy.url, max_connections=1)) as store:
        act(store, "first")
        before = proxy.asked
        act(store, "second")
        return proxy.asked - before


@pytest.mark.parametrize(
    "act",
    [
        lambda store, name: store.create(NewRun(RunRecord.start(RunKey(name, "acme"), AT))),
        lambda store, name: store.create(*NewRun.started([RunRecord.start(RunKey(name, "acme"), AT)], name, "begun")),
        lambda store, _: store.get(KEY),
        lambda store, _: store.update(KEY, HEARTBEAT, LATER),
        lambda store, _: store.update(
            KEY, RunChange(metrics={"Posts": 1}, add={"Cost": 0.25, "Tokens": 4}, note="x"), LATER
        ),
        lambda store, _: store.update_many([(KEY, RunChange(metrics={"Posts": 1}))], LATER),
        lambda store, _: list(store.log(KEY)),
        lambda store, _: list(store.find(RunQuery())),
        lambda store, _: list(store.find_with_logs(RunQuery())),
    ],
    ids=["create", "create with a note", "get", "heartbeat", "update", "update_many", "log", "find", "find_with_logs"],
)
def test_a_call_that_applies_is_one_round_trip(
    proxy: CountingProxy, act: Callable[[PostgreSQLRunRepository, str], Any]
) -> None:
    assert asked(proxy, act) == 1


def test_a_finish_is_one_round_trip(proxy: CountingProxy, repository: PostgreSQLRunRepository) -> None:
    keys = {name: repository.create(NewRun(RunRecord.start(RunKey(name, "acme"), AT))) for name in ("first", "second")}
    end = RunChange(status=RunStatus.FAILED, error="why")
    assert asked(proxy, lambda store, name: store.update(keys[name], end, LATER)) == 1


@pytest.mark.parametrize(
    ("key", "change", "rejection"),
    [
        (OTHER, RunChange(note="n", add={"n": 1}), RunNotFound),
        (OTHER, RunChange(metrics={"n": 1}), RunNotFound),
        (OTHER, RunChange(status=RunStatus.COMPLETED), RunNotFound),
        (OTHER, HEARTBEAT, RunNotFound),
        (KEY, RunChange(status=RunStatus.FAILED), RunAlreadyFinished),
        (KEY, RunChange(add={"text": 1}, note="n"), InvalidValue),
    ],
)
def test_an_update_that_is_rejected_takes_two_round_trips(
    proxy: CountingProxy,
    repository: PostgreSQLRunRepository,
    key: RunKey,
    change: RunChange,
    rejection: type[RunLedgerError],
) -> None:
    repository.update(KEY, RunChange(metrics={"text": "t"}, status=RunStatus.COMPLETED), LATER)

    def update(store: PostgreSQLRunRepository, _: str) -> None:
        with pytest.raises(rejection):
            store.update(key, change, LATER)

    assert asked(proxy, update) == 2


def test_finding_stays_stable_across_pages_while_records_come_and_change(
    repository: PostgreSQLRunRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE", 7)
    records = [
        RunRecord.start(RunKey(f"run-{number % 5}", name), AT - timedelta(milliseconds=number // 10))
        for number in range(40)
        for name in ("acme", "Zebra", "é", "😀", "\ufb01")
    ]
    model = InMemoryRunRepository()
    for repo in (model, repository):
        repo.create_many([NewRun(record) for record in {record.key: record for record in records}.values()])
    model.create(NewRun(RunRecord.start(KEY, AT)))
    expected = [record.key for record in model.find(RunQuery())]

    found = []
    for number, record in enumerate(repository.find(RunQuery())):
        found.append(record.key)
        repository.create(NewRun(RunRecord.start(RunKey("newer", str(number)), LATER)))
        repository.update(expected[-1], RunChange(note=str(number)), LATER)
    assert found == expected
    assert [record.key for record in repository.find(RunQuery(until=LATER, limit=9))] == expected[:9]
    assert list(repository.find(RunQuery(limit=0))) == []


def test_finding_holds_no_connection_between_pages(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PAGE", 1)
    with closing(PostgreSQLRunRepository(url, max_connections=1, timeout=30)) as repository:
        repository.create_schema()
        repository.create_many([NewRun(RunRecord.start(key, AT)) for key in (KEY, OTHER)])
        found = [repository.get(record.key).key for record in repository.find(RunQuery())]
    assert found == [OTHER, KEY]


READERS: dict[str, Callable[[PostgreSQLRunRepository], Iterator[Any]]] = {
    "find": lambda repository: repository.find(RunQuery()),
    "find_with_logs": lambda repository: repository.find_with_logs(RunQuery()),
    "log": lambda repository: repository.log(KEY),
    "latest": lambda repository: repository.latest(),
    "stored_rows": lambda repository: repository.stored_rows(),
}


@pytest.mark.parametrize("reader", READERS)
def test_an_iterator_that_is_left_unfinished_holds_no_connection(
    url: str, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    with closing(PostgreSQLRunRepository(url, max_connections=1, timeout=30)) as single:
        single.create_schema()
        single.create_many([NewRun(RunRecord.start(RunKey("run", str(number)), AT)) for number in range(5)])
        single.create(NewRun(RunRecord.start(KEY, AT)))
        for number in range(5):
            single.update(KEY, RunChange(note=f"{number}"), LATER)
        left = []
        for seen in range(3):
            iterator = READERS[reader](single)
            left.append([iterator, [next(iterator) for _ in range(seen)]])
            single.update(KEY, RunChange(add={"n": 1}), LATER)
            single.create(NewRun(RunRecord.start(RunKey("later", str(seen)), AT)))
        for _ in READERS[reader](single):
            single.update(KEY, RunChange(add={"n": 1}), LATER)
            assert single.summary(RunQuery(run_id="later")).runs == 3
        assert len(left) == 3  # and none of them has been collected


def test_a_foreign_row_is_told_as_such(url: str, repository: PostgreSQLRunRepository) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE runs SET status = 'Paused'")
    for look in (lambda: repository.get(KEY), lambda: repository.summary(RunQuery())):
        with pytest.raises(StoreUnusable, match="unknown status 'Paused'"):
            look()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ("status = 'Paused'", "the unknown status 'Paused'"),
        ("started_at = '-infinity'", "the started_at '-infinity', which is not a time in UTC"),
        ("updated_at = 'infinity'", "the updated_at 'infinity', which is not a time in UTC"),
        ("metrics = '[1]'", "the metrics '[1]', which are not a JSON object of metric values"),
        ("notes = -1", "the notes -1, which are not a number of lines"),
        ("notes = 2", "2 notes, and its log has 1, the last at position 1"),
        ("notes = 0", "0 notes, and its log has 1, the last at position 1"),
        ("run_id = ''", "run id is empty"),
    ],
)
def test_an_audit_reads_every_row_and_names_what_an_external_writer_changed(
    url: str, repository: PostgreSQLRunRepository, changed: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    more = [NewRun(RunRecord.start(RunKey(each, "acme"), AT)) for each in ("a", "b", "x", "y")]
    repository.create_many(more)
    repository.update(RunKey("b", "acme"), RunChange(note="one"), LATER)
    with psycopg.connect(url) as connection:
        if "notes" not in changed:
            connection.execute("DELETE FROM run_notes; UPDATE runs SET notes = 0")
        connection.execute(f"UPDATE runs SET {changed} WHERE run_id = 'b'".encode())  # noqa: S608
    found = list(repository.stored_rows())
    assert sorted(row.run_id for row in found if not row.fault) == [KEY.run_id, "a", "x", "y"]
    [odd] = [row for row in found if row.fault]
    assert fault in odd.fault
    assert (odd.run_id, odd.client_id) == ("" if "run_id" in changed else "b", "acme")
    if fault.startswith("the "):
        with pytest.raises(StoreUnusable, match=re.escape(f"the row of {RunKey('b', 'acme')} was not")) as refusal:
            list(repository.find(RunQuery()))
        assert fault in str(refusal.value)


@pytest.mark.parametrize("metrics", ['{"a": [1, 2]}', '{"a": null}'])
def test_a_metric_that_is_no_value_is_refused(url: str, repository: PostgreSQLRunRepository, metrics: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE runs SET metrics = %s", (metrics,))
    for look in (lambda: repository.get(KEY), lambda: repository.summary(RunQuery())):
        with pytest.raises(StoreUnusable, match="not written by"):
            look()
