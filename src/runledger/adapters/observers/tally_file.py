"""The SQLite file of kept events: tallies that any number of processes add up, and the time when it was made."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from threading import Lock

from attrs import frozen

from ...domain import EventKind, Outcome, RunKey, StoreUnavailable, StoreUnusable
from ...domain.json_form import MALFORMED, time_of_text, time_text
from .tallies import OTHERS, Tally

_APPLICATION_ID = 0x72756E6B
"""Marks a file as one of kept events: https://www.sqlite.org/pragma.html#pragma_application_id"""
_VERSION = 1
_SCHEMA = (
    """
    CREATE TABLE tallies (
        kind TEXT NOT NULL,
        call_site TEXT NOT NULL,
        count INTEGER NOT NULL CHECK (typeof(count) = 'integer'),
        first_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        run_id TEXT,
        client_id TEXT,
        PRIMARY KEY (kind, call_site)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE made (at TEXT NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)
_ADD = """
    UPDATE tallies
    SET count = count + :count,
        first_at = min(first_at, :first_at),
        run_id = iif(:last_at >= last_at, :run_id, run_id),
        client_id = iif(:last_at >= last_at, :client_id, client_id),
        last_at = max(last_at, :last_at)
    WHERE kind = :kind AND call_site = :call_site
"""
_NEW = "INSERT INTO tallies VALUES (:kind, :call_site, :count, :first_at, :last_at, :run_id, :client_id)"
_MADE = "INSERT INTO made VALUES (?)"
_SITES = "SELECT count(*) FROM tallies WHERE call_site <> ?"
_ALL = "SELECT kind, call_site, count, first_at, last_at, run_id, client_id FROM tallies ORDER BY count DESC, call_site"
_PATIENCE = 5
"""Seconds to wait for a lock while reading."""

_LONGEST_WRITE = 5
"""Seconds that a fork waits at most for a write, which is one transaction and waits for no lock."""


class _Writing:
    """Is held while a thread writes, and by a fork: a child would inherit locks of SQLite that nobody releases."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = Lock()
        self._is_held_by_fork = False

    def hold(self) -> None:
        self._is_held_by_fork = self.lock.acquire(timeout=_LONGEST_WRITE)

    def release(self) -> None:
        if self._is_held_by_fork:
            self.lock.release()


_writing = _Writing()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_writing.hold, after_in_parent=_writing.release, after_in_child=_writing.renew)


@frozen
class KeptTallies:
    """What a file of kept events holds. `since`: when it was made."""

    since: datetime
    tallies: tuple[Tally, ...]


def add(path: str, tallies: Iterable[Tally], limit: int, now: datetime) -> None:
    """Add tallies to those in the file, which is made if it is missing: all, or none with an exception of SQLite.

    Waits for no lock. At most `limit` call sites are kept; what exceeds them is counted as one. Raises StoreUnusable if
    the file is another one.
    """
    with _writing.lock, closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        if not _is_made(connection, path):
            _make(connection, now)
        for tally in tallies:
            _add(connection, tally, limit)
        connection.execute("COMMIT")


def read(path: str | os.PathLike[str]) -> KeptTallies:
    """What the file holds, the most frequent first.

    Raises StoreUnusable if the file is missing or another one, StoreUnavailable if it stays locked.
    """
    file = Path(path).absolute()
    try:
        file.stat()
    except FileNotFoundError:
        raise StoreUnusable(
            f"there is no file {file}: correct the path, or see that a service keeps its events there."
        ) from None
    except OSError as error:
        raise StoreUnusable(f"{file} cannot be read ({error.strerror}): correct the path, or allow it.") from None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as connection:
            connection.execute("BEGIN")
            if not _is_made(connection, str(file)):
                raise StoreUnusable(f"{file} is empty: no service keeps its events there yet.")
            (made_at,) = connection.execute("SELECT at FROM made").fetchone()
            return KeptTallies(time_of_text(made_at), tuple(map(_tally, connection.execute(_ALL))))
    except (sqlite3.Error, *MALFORMED) as error:
        if is_locked(error):
            raise StoreUnavailable(f"{file} is locked", Outcome.NOT_APPLIED) from None
        raise StoreUnusable(
            f"{file} cannot be read ({error}): give a file in which a service keeps its events."
        ) from None


def is_locked(error: Exception) -> bool:
    """Whether SQLite could not read or write because another connection does."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_made(connection: sqlite3.Connection, path: str) -> bool:
    """Whether the file is one of kept events; False if it is empty. Raises StoreUnusable for another one."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, version) == (_APPLICATION_ID, _VERSION):
        return True
    if application or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise _other(path)
    return False


def _make(connection: sqlite3.Connection, now: datetime) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(_MADE, (time_text(now),))


def _other(path: str) -> StoreUnusable:
    return StoreUnusable(f"{path} is not a file of kept events of this version: give another path.")


def _add(connection: sqlite3.Connection, tally: Tally, limit: int) -> None:
    values = {
        "kind": tally.kind.value,
        "call_site": tally.call_site,
        "count": tally.count,
        "first_at": time_text(tally.first_at),
        "last_at": time_text(tally.last_at),
        "run_id": tally.key and tally.key.run_id,
        "client_id": tally.key and tally.key.client_id,
    }
    if connection.execute(_ADD, values).rowcount:
        return
    if connection.execute(_SITES, (OTHERS,)).fetchone()[0] >= limit and tally.call_site != OTHERS:
        values["call_site"] = OTHERS
        if connection.execute(_ADD, values).rowcount:
            return
    connection.execute(_NEW, values)


def _tally(row: tuple[str, str, int, str, str, str | None, str | None]) -> Tally:
    kind, call_site, count, first_at, last_at, run_id, client_id = row
    key = None if run_id is None or client_id is None else RunKey(run_id, client_id)
    return Tally(EventKind(kind), call_site, count, time_of_text(first_at), time_of_text(last_at), key)
