"""The connections to one SQLite file: its schema, waiting for its lock, and forks."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

from ...domain import Outcome, RunKey, RunLedgerError, StoreUnusable
from .sqlite_errors import FAULTS, Refusal, code_of, refusal
from .sqlite_place import SQLitePlace
from .sqlite_schema import make_schema

T = TypeVar("T")


class SQLiteFile:
    """One connection that writes, used by one thread at a time, and any number that read.

    No connection lives through a fork: a child that inherits one believes that it holds its parent's file locks, and
    can lose what it writes (https://www.sqlite.org/howtocorrupt.html, "Carrying an open database connection across a
    fork"). All are closed before a fork, and opened again on either side when one is needed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        synchronous: str = "FULL",
        wait: float = 10.0,
        make_schema: Callable[[sqlite3.Connection, str], object] = make_schema,
    ) -> None:
        self._place = SQLitePlace(path)
        self.path = self._place.path
        self._make_schema = make_schema
        self._synchronous = synchronous
        self._wait = wait
        self._closed = False
        self._open: list[sqlite3.Cursor] = []
        self._idle: SimpleQueue[sqlite3.Cursor] = SimpleQueue()
        self._writer: sqlite3.Cursor | None = None
        weakref.finalize(self, _close_all, self._open)
        self._renew_locks()
        _FILES[id(self)] = self
        try:
            with self._lock:
                self._writing()
        except FAULTS as error:
            raise self.refusal(error) from error

    def identity(self) -> tuple[int, int]:
        """Device and number of the file, which all of its paths share. Raises StoreUnusable if it is gone."""
        return self._place.identity()

    def close(self) -> None:
        """Close every connection, each as soon as it is not in use."""
        with self._lock, self._gate:
            self._closed = True
            self._rest()

    def read(self, sql: str, values: Sequence[Any], key: RunKey | None = None) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        return self.reading(sqlite3.Cursor.fetchall, sql, values, key)

    def reading(
        self, take: Callable[[sqlite3.Cursor], T], sql: str, values: Sequence[Any], key: RunKey | None = None
    ) -> T:
        """What `take` returns for the rows of a SELECT, on a connection that no other thread uses meanwhile."""
        try:
            reader = None
            try:
                with self._gate:
                    reader = self._connect() if self._idle.empty() else self._idle.get()
                found = take(reader.execute(sql, values))
            finally:
                if reader is not None:
                    self._idle.put(reader)
        except FAULTS as error:
            raise self.refusal(error, key) from error
        self._place.require_lately(key)
        return found

    def write(self, call: Callable[[sqlite3.Cursor], T], key: RunKey | None = None) -> T:
        """What `call` returns. It runs in one transaction, which an error rolls back."""
        outcome = Outcome.NOT_APPLIED
        with self._lock:
            try:
                writer = self._writer or self._writing()
                try:
                    self.patiently(writer.execute, "BEGIN IMMEDIATE")
                    result = call(writer)
                    self._place.require_whole(key)
                    outcome = Outcome.UNKNOWN
                    writer.execute("COMMIT")
                except BaseException:
                    writer.connection.rollback()
                    raise
            except RunLedgerError:
                self._place.require_whole(key)  # what is missing or there may be so in the right file only
                raise
            except FAULTS as error:
                raise self.refusal(error, key, outcome) from error
        return result

    def patiently(self, call: Callable[..., object], *values: object) -> None:
        """Call `call` as soon as the file's write lock is free. Tries for at most `wait` seconds.

        SQLite's busy handler backs off ever longer, which starves a waiting process among busy ones. Short waits of
        random length give each the same chance.
        """
        deadline = time.monotonic() + self._wait
        while True:
            try:
                call(*values)
                return
            except sqlite3.OperationalError as error:
                if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                import random  # here, because most processes never wait

                time.sleep(random.uniform(0.0002, 0.001))

    def refusal(
        self,
        error: sqlite3.Error | UnicodeDecodeError,
        key: RunKey | None = None,
        outcome: Outcome = Outcome.NOT_APPLIED,
    ) -> Refusal:
        """The ledger's error for one of FAULTS."""
        if self._closed:
            return StoreUnusable("this repository was closed: open it again to use it.", key)
        if outcome is Outcome.NOT_APPLIED:
            try:
                self._place.require_whole(key)
            except StoreUnusable as moved:
                return moved
        return refusal(error, self.path, key, outcome, self._wait)

    def hold(self) -> None:
        """Before a fork: close all connections, and keep any from being opened until `release`."""
        self._lock.acquire()
        self._gate.acquire()
        self._rest()

    def release(self) -> None:
        self._gate.release()
        self._lock.release()

    def _renew_locks(self) -> None:
        """For a new object, and for the child of a fork, where no thread waits for the old locks."""
        self._lock = Lock()  # held while writing
        self._gate = Lock()  # held while a connection is taken for reading

    def _rest(self) -> None:
        """Close each connection as soon as it is not in use. The caller holds both locks, so no thread can take one."""
        if self._writer is not None:
            self._idle.put(self._writer)
            self._writer = None
        while self._open:
            cursor = self._idle.get()
            self._open.remove(cursor)
            _close(cursor)

    def _writing(self) -> sqlite3.Cursor:
        self._writer = self._writer or self._connect(self._prepare)
        return self._writer

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self.patiently(self._make_schema, connection, self.path)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 250")  # pages: a small log is in the cache when it is copied
        self._place.watch_log()
        # From here on, `patiently` waits for the write lock.
        connection.execute("PRAGMA busy_timeout = 0")

    def _connect(self, prepare: Callable[[sqlite3.Connection], None] = lambda _: None) -> sqlite3.Cursor:
        """The only cursor of a new connection. It is reused: making one takes as long as a short statement."""
        if self._closed:
            raise sqlite3.ProgrammingError("closed")
        connection = self._place.connect(self._wait)
        try:
            # 64 MB: updates stay as fast in a file of millions of rows.
            self.patiently(connection.execute, "PRAGMA cache_size = -65536")
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        cursor = connection.cursor()
        self._open.append(cursor)
        return cursor


def _close(cursor: sqlite3.Cursor) -> None:
    cursor.close()  # a statement that was not read to its end would keep the file open
    cursor.connection.close()


def _close_all(cursors: list[sqlite3.Cursor]) -> None:
    while cursors:
        _close(cursors.pop())


# A function registered for forks cannot be unregistered, so there is one, for all files that are open then.
_FILES: weakref.WeakValueDictionary[int, SQLiteFile] = weakref.WeakValueDictionary()
_HELD: list[SQLiteFile] = []


def _before_fork() -> None:
    for reference in _FILES.valuerefs():
        if (file := reference()) is not None:
            file.hold()
            _HELD.append(file)


def _after_fork_in_parent() -> None:
    while _HELD:
        _HELD.pop().release()


def _after_fork_in_child() -> None:
    while _HELD:
        _HELD.pop()._renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
