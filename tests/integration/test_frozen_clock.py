"""Waits end while a test has frozen the clock, as freezegun does, which freezes `time.monotonic` too."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import freezegun
import pytest
from postgres_server import fresh_database, fresh_ledger
from psycopg.conninfo import conninfo_to_dict

from runledger import NewRun, Outcome, RunChange, RunKey, RunLedger, RunRecord, StoreUnavailable, connect
from runledger.adapters.sql import postgresql_connection
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository

KEY = RunKey("r", "acme")


@pytest.fixture
def now() -> Iterator[None]:
    with freezegun.freeze_time("2025-11-24 08:15"):
        before = time.monotonic()
        yield
        assert time.monotonic() == before


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A ledger in a file that another connection keeps locked, against readers too."""
    path = tmp_path / "runs.db"
    connect(path, observers=()).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield path


def test_a_start_on_a_sqlite_file_that_stays_locked_gives_up(locked: Path, tmp_path: Path, now: None) -> None:
    with closing(SQLiteRunRepository(tmp_path / "other.db", wait=0.05)) as store:
        with closing(sqlite3.connect(tmp_path / "other.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ledger = RunLedger(store, observers=(), retry_waits=(0.01, 0.01))
            with pytest.raises(StoreUnavailable, match=r"locked by another process.*tried 3 times") as refusal:
                ledger.start("r", "acme")
        assert refusal.value.outcome is Outcome.NOT_APPLIED
        ledger.start("r", "acme").complete()
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        SQLiteRunRepository(locked, wait=0.05)


def test_a_call_for_which_postgresql_has_no_connection_gives_up(now: None) -> None:
    with fresh_database() as url, closing(PostgreSQLRunRepository(url, max_connections=1, timeout=0.5)) as store:
        store.create_schema()
        store.create(NewRun(RunRecord.start(KEY, RunLedger(store)._reporter.now())))
        taken, done = Event(), Event()

        def hold(_: object) -> None:
            taken.set()
            done.wait()

        # Not a bare thread: what is called by module `threading`, and few calls deep, gets the time from freezegun.
        with ThreadPoolExecutor(1) as executor:
            holding = executor.submit(lambda: store._connections.run(hold, "SELECT"))
            taken.wait()
            with pytest.raises(StoreUnavailable, match=r"no connection within 0\.5 s"):
                store.get(KEY)
            done.set()
            holding.result()
        assert store.update(KEY, RunChange(add={"n": 1}), store.get(KEY).started_at).metrics == {"n": 1}


class Silent:
    """A way to a server that can stop carrying anything, while its connections stay open."""

    def __init__(self, to: str | None) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.is_silent = to is None
        self._sockets: list[socket.socket] = []
        self._executor = ThreadPoolExecutor()
        self._executor.submit(self._accept)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                if self.is_silent:
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._to))
                self._sockets.append(server)
                self._executor.submit(self._carry, client, server)
                self._executor.submit(self._carry, server, client)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if not self.is_silent:
                    target.sendall(data)

    def close(self) -> None:
        for end in (self._listener, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._executor.shutdown()
        for end in (self._listener, *self._sockets):
            end.close()


def test_a_postgresql_server_that_accepts_and_never_answers_is_given_up(now: None) -> None:
    with closing(Silent(None)) as silent, pytest.raises(StoreUnavailable, match="timeout") as refusal:
        PostgreSQLRunRepository(f"postgresql://u@127.0.0.1:{silent.port}/d?connect_timeout=2&sslmode=disable")
    assert refusal.value.outcome is Outcome.NOT_APPLIED


def test_a_postgresql_server_that_stops_answering_is_given_up(now: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_connection.Connection, "_patience", 0.3)
    with fresh_ledger() as url:
        given = conninfo_to_dict(url)
        with closing(Silent(f"{given['host']}/.s.PGSQL.{given.get('port') or 5432}")) as way:
            plain = f"host=127.0.0.1&port={way.port}&sslmode=disable&gssencmode=disable"
            limited = f"{url}{'&' if '?' in url else '?'}{plain}&options=-c%20statement_timeout%3D1s"
            with closing(PostgreSQLRunRepository(limited, max_connections=1)) as store:
                store.create(NewRun(RunRecord.start(KEY, RunLedger(store)._reporter.now())))
                way.is_silent = True
                with pytest.raises(StoreUnavailable, match=r"no answer within 2\.3 s") as refusal:
                    store.update(KEY, RunChange(note="n"), RunLedger(store)._reporter.now())
    assert (refusal.value.outcome, refusal.value.key) == (Outcome.UNKNOWN, KEY)
