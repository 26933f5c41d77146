"""A SQLite file that this user may read, and not write. Nothing is made beside it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Literal, NoReturn, TypeVar

from ...domain import InvalidValue, Outcome, RunKey, StoreUnavailable, StoreUnusable
from ...domain.values import checked_seconds
from ...domain.visible import shown
from . import CLOSED
from .sqlite_errors import FAULTS, MAY_NOT_BE_WRITTEN, code_of, is_hidden, refusal, text_or_bytes
from .sqlite_file import SQLiteFile
from .sqlite_place import SQLitePlace
from .sqlite_schema import has_schema

T = TypeVar("T")

_TRIES = 100
_PAUSES = 0.005, 0.02
_TICK = 50_000_000
"""Nanoseconds: longer than the steps of the clock by which a file system dates a change, mostly 1 to 10 ms."""
_EFFECTIVE = os.access in os.supports_effective_ids
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""What reading raises while a writer opens or closes the file."""


class ReadOnlySQLiteFile:
    """Reads a file by a new connection for each call, as its writers come and go.

    While they have it open, SQLite reads by their write-ahead log and its index, which are beside it. While nobody has,
    neither is there, and SQLite would have to make them. The file is then read as one that does not change
    (`immutable`), and what was read counts only if it has not changed: the file has the same times and size afterwards,
    and no log.
    """

    def __init__(self, path: str | os.PathLike[str], wait: float = 10.0) -> None:
        self._place = SQLitePlace(path)
        self.path = self._place.path
        self._wait = wait
        self._closed = False
        if not is_readable(self.path):
            raise StoreUnusable(f"{self.path} may not be read: allow reading the file, and entering its folder.")
        if not self._look(lambda connection: has_schema(connection, self.path)):
            raise StoreUnusable(f"{self.path} is empty, and {MAY_NOT_BE_WRITTEN}.")

    def identity(self) -> tuple[int, int]:
        """See SQLiteFile."""
        return self._place.identity()

    def close(self) -> None:
        self._closed = True

    def read(self, sql: str, values: Sequence[Any], key: RunKey | None = None) -> list[tuple[Any, ...]]:
        """See SQLiteFile."""
        return self.reading(sqlite3.Cursor.fetchall, sql, values, key)

    def reading(
        self, take: Callable[[sqlite3.Cursor], T], sql: str, values: Sequence[Any], key: RunKey | None = None
    ) -> T:
        """See SQLiteFile."""
        return self._look(lambda connection: take(connection.execute(sql, values)), key)

    def write(self, call: Callable[[sqlite3.Cursor], Any], key: RunKey | None = None) -> NoReturn:
        """Raise StoreUnusable."""
        self._require_open(key)
        raise StoreUnusable(f"{self.path} {MAY_NOT_BE_WRITTEN}.", key)

    def _look(self, call: Callable[[sqlite3.Connection], T], key: RunKey | None = None) -> T:
        self._require_open(key)
        failure: sqlite3.Error | UnicodeDecodeError | None = None
        for _ in range(_TRIES):
            before = _state(self.path)
            options = "readonly_shm=1" if before is None else "immutable=1"
            try:
                with closing(self._place.connect(self._wait, f"ro&{options}")) as connection:
                    connection.text_factory = text_or_bytes
                    found = call(connection)
            except FAULTS as error:
                failure = error
                is_lasting = isinstance(error, UnicodeDecodeError) or code_of(error) not in _PASSING
                if is_lasting and _state(self.path) == before:
                    break
            else:
                if before is None or (_state(self.path) == before and not _is_young(before)):
                    self._place.require_same(key)
                    return found
            import random  # here, because most processes never wait

            time.sleep(random.uniform(*_PAUSES))
        raise self._refusal(failure, key) from failure

    def _refusal(
        self, error: sqlite3.Error | UnicodeDecodeError | None, key: RunKey | None
    ) -> StoreUnavailable | StoreUnusable:
        if error is None:
            return StoreUnavailable(
                f"other processes write {self.path} and close it all the time, and who may not write it reads it only "
                "in between",
                Outcome.NOT_APPLIED,
                key,
            )
        if isinstance(error, sqlite3.Error) and code_of(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return StoreUnusable(
                f"{self.path} may not be written, and cannot be read as its last writer left it: allow reading it and "
                "its -wal and -shm files; if no process has it open, let a user who may write it run a command once.",
                key,
            )
        return refusal(error, self.path, key, wait=self._wait)

    def _require_open(self, key: RunKey | None) -> None:
        if self._closed:
            raise StoreUnusable(CLOSED, key)


State = tuple[int, ...]


def _state(path: str) -> State | None:
    """Which file is there, its size and the times of its last change; None while it has a log or a journal."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    real = os.path.realpath(path)
    if os.path.lexists(f"{real}-wal") or os.path.lexists(f"{real}-journal"):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_young(state: State) -> bool:
    """Whether a later change may have the same times as this one."""
    return any(0 <= time.clock_gettime_ns(time.CLOCK_REALTIME) - changed < _TICK for changed in state[3:])


def open_file(
    path: str | os.PathLike[str], synchronous: Literal["FULL", "NORMAL"] = "FULL", wait: float = 10.0
) -> SQLiteFile | ReadOnlySQLiteFile:
    """The file at `path`, made if it is not there. See SQLiteRunRepository. Raises InvalidValue."""
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(name, str) or "\0" in name:
        raise InvalidValue(f"path is {shown(path)}: give the path of a file as text, or a pathlib.Path.")
    if synchronous not in ("FULL", "NORMAL"):
        raise InvalidValue(f"synchronous is {shown(synchronous)}: use 'FULL' or 'NORMAL'.")
    checked_seconds(wait, "wait")
    return SQLiteFile(name, synchronous, wait) if _may_write(name) else ReadOnlySQLiteFile(name, wait)


def _may_write(path: str | os.PathLike[str]) -> bool:
    """Whether this user may write the file, and SQLite's files beside it, or make them."""
    real = os.path.realpath(path)
    if not os.path.exists(real):
        return not is_hidden(real)  # SQLite says why it cannot be made
    has_log = os.path.exists(f"{real}-wal") and os.path.exists(f"{real}-shm")
    return is_writable(real) and (has_log or is_writable(os.path.dirname(real)))


def is_readable(path: str) -> bool:
    """Whether the user by whose rights this process runs may read a file."""
    return os.access(path, os.R_OK, effective_ids=_EFFECTIVE)


def is_writable(path: str) -> bool:
    """Whether the user by whose rights this process runs may write a file, or make files in a folder."""
    return os.access(path, os.W_OK, effective_ids=_EFFECTIVE)
