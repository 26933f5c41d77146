"""The connections to one SQLite file: its schema, waiting for its lock, forks and exit."""

from __future__ import annotations

import atexit
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import RLock, get_ident
from typing import Any, TypeVar

from ...domain import CallWithinCall, Outcome, RunKey, RunLedgerError, StoreUnusable
from ..exclusion import Exclusion
from . import CLOSED
from .sqlite_errors import FAULTS, Refusal, code_of, reads_bytes, refusal
from .sqlite_place import SQLitePlace
from .sqlite_schema import make_schema

T = TypeVar("T")


class _Connection:
    """One connection, which is opened when a call needs it: its only cursor, because making one takes as long as a
    short statement. `claim` is the call that reads by it now: its thread, in a tuple of that call alone."""

    __slots__ = ("claim", "cursor")

    def __init__(self, claim: tuple[int] | None = None) -> None:
        self.claim = claim
        self.cursor: sqlite3.Cursor | None = None

    def close(self) -> None:
        if self.cursor is not None:
            connection = self.cursor.connection
            with suppress(sqlite3.ProgrammingError):  # an interrupt came after the connection was closed
                self.cursor.close()  # a statement that was not read to its end would keep the file open
            connection.close()
            self.cursor = None


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
        self._writer = _Connection()
        self._readers: list[_Connection] = []
        self._renew_locks()
        weakref.finalize(self, _close_all, self._writer, self._readers).atexit = False
        _FILES[id(self)] = self
        try:
            self._writing.run(self._writing_cursor)
        except FAULTS as error:
            raise self.refusal(error) from error

    def identity(self) -> tuple[int, int]:
        """Device and number of the file, which all of its paths share. Raises StoreUnusable if it is gone."""
        return self._place.identity()

    def close(self) -> None:
        """Close every connection, each as soon as it is not in use."""
        self._writing.run(self._close)

    def read(self, sql: str, values: Sequence[Any], key: RunKey | None = None) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        return self.reading(sqlite3.Cursor.fetchall, sql, values, key)

    def reading(
        self, take: Callable[[sqlite3.Cursor], T], sql: str, values: Sequence[Any], key: RunKey | None = None
    ) -> T:
        """What `take` returns for the rows of a SELECT, on a connection that no other thread uses meanwhile.

        A text that is not UTF-8 is bytes.
        """
        claim = (get_ident(),)
        reader = None
        try:
            with self._gate:
                for reader in self._readers:
                    if reader.claim is None:
                        reader.claim = claim
                        break
                else:
                    reader = _Connection(claim)
                    self._readers.append(reader)
            cursor = reader.cursor or self._connect(reader)
            try:
                found = take(cursor.execute(sql, values))
            except sqlite3.OperationalError as error:
                if not reads_bytes(cursor.connection, error):
                    raise
                found = take(cursor.execute(sql, values))
        except FAULTS as error:
            raise self.refusal(error, key) from error
        finally:
            if reader is not None and reader.claim is claim:
                reader.claim = None  # an assignment, because no interrupt comes before it, as it may after a call
        self._place.require_lately(key)
        return found

    def write(self, call: Callable[[sqlite3.Cursor], T], key: RunKey | None = None) -> T:
        """What `call` returns. It runs in one transaction, which an error rolls back."""
        return self._writing.run(partial(self._transaction, call, key), key)

    def _transaction(self, call: Callable[[sqlite3.Cursor], T], key: RunKey | None) -> T:
        outcome = Outcome.NOT_APPLIED
        try:
            writer = self._writing_cursor()
            try:
                self.patiently(writer.execute, "BEGIN IMMEDIATE")
                result = call(writer)
                self._place.require_whole(key)
                outcome = Outcome.UNKNOWN
                writer.execute("COMMIT")
            except BaseException as error:
                writer.connection.rollback()
                if reads_bytes(writer.connection, error):
                    return self._transaction(call, key)
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
        waited = 0.0  # which ends the wait if a test froze the clock
        while True:
            try:
                call(*values)
                return
            except sqlite3.OperationalError as error:
                is_over = waited >= self._wait or time.monotonic() >= deadline
                if code_of(error) != sqlite3.SQLITE_BUSY or is_over:
                    raise
                import random  # here, because most processes never wait

                # SQLite does not say when the file is free. At random, so that those who wait do not meet again.
                time.sleep(pause := random.uniform(0.0002, 0.001))
                waited += pause

    def refusal(
        self,
        error: sqlite3.Error | UnicodeDecodeError,
        key: RunKey | None = None,
        outcome: Outcome = Outcome.NOT_APPLIED,
    ) -> Refusal:
        """The ledger's error for one of FAULTS."""
        if self._closed:
            return StoreUnusable(CLOSED, key)
        if outcome is Outcome.NOT_APPLIED:
            try:
                self._place.require_whole(key)
            except StoreUnusable as moved:
                return moved
        return refusal(error, self.path, key, outcome, self._wait)

    def hold(self) -> None:
        """Before a fork: close all connections, and keep any from being opened until `release`.

        Those of a call of this thread, which a signal handler interrupted to fork, stay open.
        """
        self._writing.lock.acquire()
        self._gate.acquire()
        self._rest()

    def release(self) -> None:
        for lock in (self._gate, self._writing.lock):
            with suppress(RuntimeError):  # an interrupt came before it was taken
                lock.release()

    def renew(self) -> None:
        """In the child of a fork. A connection that is still open is its parent's: nothing more is done by it."""
        for inherited in (self._writer, *self._readers):
            if inherited.cursor is not None:
                inherited.cursor.connection.set_authorizer(_deny)
                _INHERITED.append(inherited.cursor)
                inherited.cursor = None
        self._readers.clear()
        self._renew_locks()

    def stop(self) -> None:
        """At exit: close what is not in use, for good. Daemon threads may be using the rest until the process ends."""
        if self._gate.acquire(timeout=1):  # and never released: who needs a connection from now on waits for the end
            for reader in self._readers:
                if reader.claim is None:
                    reader.close()
        if self._writing.lock.acquire(blocking=False) and not self._writing.is_busy:
            self._writer.close()

    def _renew_locks(self) -> None:
        """For a new object, and for the child of a fork, where no thread waits for the old locks."""
        self._writing = Exclusion()
        self._gate = RLock()  # held while a connection is claimed for reading

    def _close(self) -> None:
        with self._gate:
            claims = [reader.claim for reader in self._readers]
            if any(claim is not None and claim[0] == get_ident() for claim in claims):
                raise CallWithinCall
            self._closed = True
            self._rest()
            self._writer.close()

    def _rest(self) -> None:
        """Close each connection as soon as it is not in use by another thread. The caller holds both locks."""
        for reader in self._readers:
            while (claim := reader.claim) is not None and claim[0] != get_ident():
                # A claim is an assignment, which nobody can wait for: see ARCHITECTURE, "Interrupts".
                time.sleep(0.0005)
            if reader.claim is None:
                reader.close()
        if not self._writing.is_busy:
            self._writer.close()

    def _writing_cursor(self) -> sqlite3.Cursor:
        return self._writer.cursor or self._connect(self._writer, self._prepare)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._make_schema(connection, self.path)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 500")  # pages: a batch or two, and still in the cache
        self._place.watch_log()

    def _connect(
        self, place: _Connection, prepare: Callable[[sqlite3.Connection], None] = lambda _: None
    ) -> sqlite3.Cursor:
        if self._closed:
            raise sqlite3.ProgrammingError("closed")
        timeout = 0.0 if place is self._writer else self._wait  # what writes waits by `patiently` alone
        connection = self._place.connect(timeout)
        try:
            # 64 MB: updates stay as fast in a file of millions of rows.
            self.patiently(connection.execute, "PRAGMA cache_size = -65536")
            self.patiently(prepare, connection)
            place.cursor = connection.cursor()
        except BaseException:
            connection.close()
            raise
        return place.cursor


def _close_all(writer: _Connection, readers: list[_Connection]) -> None:
    """Close what a file that was dropped had open. Not at exit, when daemon threads may still use it: see `stop`."""
    for connection in (writer, *readers):
        connection.close()


def _deny(*_: object) -> int:
    return sqlite3.SQLITE_DENY


# A function registered for forks cannot be unregistered, so there is one, for all files that are open then.
_FILES: weakref.WeakValueDictionary[int, SQLiteFile] = weakref.WeakValueDictionary()
_HELD: list[SQLiteFile] = []
_INHERITED: list[sqlite3.Cursor] = []
"""Of a call that a signal handler interrupted to fork. Closing them in the child could harm what its parent writes."""


def _open_files() -> list[SQLiteFile]:
    return [file for reference in _FILES.valuerefs() if (file := reference()) is not None]


def _before_fork() -> None:
    for file in _open_files():
        _HELD.append(file)
        file.hold()


def _after_fork_in_parent() -> None:
    while _HELD:
        _HELD.pop().release()


def _after_fork_in_child() -> None:
    while _HELD:
        _HELD.pop().renew()


@atexit.register
def _at_exit() -> None:
    for file in _open_files():
        file.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
