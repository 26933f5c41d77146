"""Runs in a SQLite file: the embedded default. Durable on return, for many threads and processes, fair among them."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from threading import Lock
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

from ..domain import (
    Guarantees,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunSummary,
    StoreUnavailable,
    StoreUnusable,
    repeated_keys,
    summary_of,
)
from ..domain.values import checked_time
from .rows import (
    UNREADABLE,
    conditions,
    log_text,
    metrics_text,
    pages,
    read_time,
    record_from_texts,
    records_from_texts,
    rows_of_texts,
    summary_of_texts,
    time_text,
)

T = TypeVar("T")

SCHEMA_VERSION = 1
APPLICATION_ID = 0x72756E6C
"""Marks a file as a ledger: https://www.sqlite.org/pragma.html#pragma_application_id"""

_SCHEMA = (
    """
    CREATE TABLE run_records (
        run_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        client_name TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        metrics TEXT NOT NULL,
        log TEXT NOT NULL,
        error TEXT,
        updated_at TEXT NOT NULL,
        PRIMARY KEY (run_id, client_id),
        CHECK (started_at GLOB '*Z' AND updated_at GLOB '*Z' AND ifnull(ended_at, 'Z') GLOB '*Z')
    )
    """,
    "CREATE INDEX run_records_by_start ON run_records (started_at, run_id, client_id)",
    "CREATE INDEX run_records_by_client ON run_records (client_id, started_at, run_id)",
    "CREATE INDEX run_records_by_status ON run_records (status, started_at, run_id, client_id)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
_INSERT = "INSERT INTO run_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT * FROM run_records WHERE run_id = ? AND client_id = ?"
_SELECT_TO_UPDATE = "SELECT *, rowid FROM run_records WHERE run_id = ? AND client_id = ?"
_SELECT_BATCH = "SELECT *, rowid FROM run_records WHERE (run_id, client_id) IN (VALUES {})"
_BATCH = 400  # twice as many placeholders: SQLite before 3.32 allows 999
_FIND = "SELECT * FROM run_records WHERE {} ORDER BY started_at DESC, run_id DESC, client_id DESC LIMIT ?"
# A hundred runs a row: JSON that SQLite has joined is decoded at once, and nothing grows with the table.
_SUMMARY = """SELECT group_concat(status), min(started_at), max(ended_at), group_concat(metrics)
    FROM (SELECT rowid, * FROM run_records WHERE {} ORDER BY started_at DESC, run_id DESC, client_id DESC LIMIT ?)
    GROUP BY rowid / 100"""
# Two statements, because naming an indexed column (status) in SET rewrites its index entry even if it stays the same.
_UPDATE = "UPDATE run_records SET metrics = ?, log = ?, error = ?, updated_at = ? WHERE rowid = ?"
_FINISH = _UPDATE.replace("SET", "SET status = ?, ended_at = ?,")


class _Database:
    """The connections to one file: one that writes, used by one thread at a time, and any number that read."""

    def __init__(self, path: str | os.PathLike[str], synchronous: str, wait: float) -> None:
        self.path = os.path.abspath(path)
        self._synchronous = synchronous
        self._wait = wait
        self._closed = False
        self._open_all()

    def close(self) -> None:
        self._closed = True
        self._finalize()

    def read(self, sql: str, values: Sequence[Any], key: RunKey | None = None) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        return self.reading(sqlite3.Cursor.fetchall, sql, values, key)

    def reading(
        self, take: Callable[[sqlite3.Cursor], T], sql: str, values: Sequence[Any], key: RunKey | None = None
    ) -> T:
        """What `take` makes of the rows of a SELECT, on a connection that no other thread uses meanwhile."""
        if self._pid != os.getpid():
            self._open_all()
        try:
            try:
                reader = self._readers.pop()
            except IndexError:
                reader = self._connect()
            try:
                return take(reader.execute(sql, values))
            finally:
                self._readers.append(reader)
        except sqlite3.Error as error:
            raise self.refusal(error, key) from error

    def write(self, act: Callable[[sqlite3.Cursor], T], key: RunKey | None = None) -> T:
        """What `act` returns, in a transaction of its own, which an error rolls back."""
        if self._pid != os.getpid():
            self._open_all()
        outcome = Outcome.NOT_APPLIED
        with self._lock:
            writer = self._writer
            try:
                self.patiently(writer.execute, "BEGIN IMMEDIATE")
                try:
                    result = act(writer)
                    outcome = Outcome.UNKNOWN
                    writer.execute("COMMIT")
                except BaseException:
                    if writer.connection.in_transaction:
                        writer.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self.refusal(error, key, outcome) from error
        return result

    def patiently(self, act: Callable[..., object], *values: object) -> None:
        """Do a thing as soon as the file's write lock is free, for at most `wait` seconds.

        SQLite's own busy handler backs off ever longer, which starves a waiting process among busy ones. Short waits of
        random length give each the same chance.
        """
        deadline = None
        while True:
            try:
                act(*values)
                return
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                deadline = now + self._wait if deadline is None else deadline
                if not _is_busy(error) or now >= deadline:
                    raise
                import random  # here, because most processes never wait

                time.sleep(random.uniform(0.0002, 0.001))

    def refusal(
        self, error: sqlite3.Error, key: RunKey | None = None, outcome: Outcome = Outcome.NOT_APPLIED
    ) -> StoreUnavailable | StoreUnusable:
        """The ledger's error for the driver's. Result codes: https://www.sqlite.org/rescode.html"""
        if self._closed:
            return StoreUnusable("this repository was closed: open it again to use it.", key)
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return StoreUnavailable(f"{self.path} was locked by others for {self._wait:g} s", Outcome.NOT_APPLIED, key)
        if code == sqlite3.SQLITE_FULL:
            return StoreUnavailable(f"the disk of {self.path} is full", Outcome.NOT_APPLIED, key)
        if code == sqlite3.SQLITE_IOERR:
            return StoreUnavailable(f"{self.path} gave an input/output error ({error})", outcome, key)
        advice = {
            sqlite3.SQLITE_NOTADB: "is not a SQLite database: choose another file",
            sqlite3.SQLITE_CORRUPT: "is a damaged SQLite database: restore it from a backup",
            sqlite3.SQLITE_READONLY: "may not be written: allow writing to the file and its folder",
            sqlite3.SQLITE_CANTOPEN: "cannot be opened: its folder must exist, and it must be a file you may write",
            sqlite3.SQLITE_PERM: "may not be opened: allow reading and writing it",
            sqlite3.SQLITE_AUTH: f"refused the statement ({error})",
        }.get(code, f"cannot serve as a ledger ({error})")
        return StoreUnusable(f"{self.path} {advice}.", key)

    def _open_all(self) -> None:
        # Also after a fork: SQLite forbids a child to use or close its parent's connections, so these are let go of
        # unclosed (https://www.sqlite.org/howtocorrupt.html, "Carrying an open database connection across a fork").
        self._pid = os.getpid()
        self._lock = Lock()
        self._readers: deque[sqlite3.Cursor] = deque()
        try:
            self._writer = self._connect()
            self._finalize = weakref.finalize(self, _close, self._writer, self._readers, self._pid)
            self.patiently(_prepare, self._writer.connection, self.path)
            self._writer.execute(f"PRAGMA synchronous = {self._synchronous}")
            # From here on waiting for the write lock is ours, see `patiently`.
            self._writer.execute("PRAGMA busy_timeout = 0")
        except sqlite3.Error as error:
            raise self.refusal(error) from error

    def _connect(self) -> sqlite3.Cursor:
        """A connection's one cursor, to be used again and again: making one takes as long as a short statement."""
        if self._closed:
            raise sqlite3.ProgrammingError("closed")
        connection = sqlite3.connect(self.path, timeout=self._wait, isolation_level=None, check_same_thread=False)
        try:
            # 64 MB: updates stay as fast in a file of millions of rows.
            self.patiently(connection.execute, "PRAGMA cache_size = -65536")
        except BaseException:
            connection.close()
            raise
        return connection.cursor()


class SQLiteRunAccess:
    """Updates and reads; see RunUpdates and RunReads."""

    def __init__(self, database: _Database) -> None:
        self._database = database

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return self._database.write(lambda cursor: _update(cursor, key, change, at), key)

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        self._database.write(lambda cursor: _update_many(cursor, changes, at))

    def get(self, key: RunKey) -> RunRecord:
        rows = self._database.read(_SELECT, (key.run_id, key.client_id), key)
        if not rows:
            raise RunNotFound(key)
        return record_from_texts(rows[0])

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        def read(where: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
            return self._database.read(_FIND.format(where), values)

        for rows in pages(query, "?", time_text, read):
            yield from records_from_texts(rows)

    def summary(self, query: RunQuery) -> RunSummary:
        """See SummableStore."""
        where, values = conditions(query, "?", time_text)
        values.append(-1 if query.limit is None else query.limit)
        try:
            return self._database.reading(
                lambda rows: summary_of_texts(rows, read_time), _SUMMARY.format(where), values
            )
        except UNREADABLE:
            return summary_of(self.find(query))  # which names the row


class SQLiteRunRepository(SQLiteRunAccess):
    """The ledger in the file at `path`, made there on first use.

    With `synchronous` FULL an acknowledged write survives a power cut; with NORMAL it survives a crash of the process
    only (https://www.sqlite.org/pragma.html#pragma_synchronous). `wait` is how long, in seconds, an act waits for other
    writers before StoreUnavailable. Raises StoreUnusable if the file is no ledger, or a newer one, and leaves it as it
    was.
    """

    guarantees = Guarantees()

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "NORMAL"] = "FULL", wait: float = 10.0
    ) -> None:
        super().__init__(_Database(path, synchronous, wait))

    def create(self, record: RunRecord) -> RunKey:
        self._insert([record])
        return record.key

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        self._insert(records)
        return [record.key for record in records]

    def without_creation(self) -> SQLiteRunAccess:
        return SQLiteRunAccess(self._database)

    def close(self) -> None:
        self._database.close()

    def _insert(self, records: Sequence[RunRecord]) -> None:
        key = records[0].key if len(records) == 1 else None
        try:
            self._database.write(lambda cursor: cursor.executemany(_INSERT, rows_of_texts(records)), key)
        except StoreUnusable as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise
            raise RunAlreadyExists(self._existing(records)) from None

    def _existing(self, records: Sequence[RunRecord]) -> list[RunKey]:
        keys = dict.fromkeys(record.key for record in records)
        there = [key for key in keys if self._database.read(_SELECT, (key.run_id, key.client_id))]
        return list(dict.fromkeys(there + repeated_keys(records))) or list(keys)


def open_url(url: str) -> SQLiteRunRepository:
    """The store at a URL that `path_of` reads."""
    return SQLiteRunRepository(path_of(url))


def path_of(url: str) -> str:
    """`sqlite:///relative.db` or `sqlite:////absolute.db`; other characters percent-encoded as in any URL."""
    path = unquote(url.removeprefix("sqlite:///"), errors="surrogateescape")
    if not url.startswith("sqlite:///") or not path or "?" in url or "\0" in path or path == ":memory:":
        raise StoreUnusable(
            "a SQLite URL is sqlite:///relative.db or sqlite:////absolute.db; for a store in memory use memory://."
        )
    return path


def _update(cursor: sqlite3.Cursor, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
    row = cursor.execute(_SELECT_TO_UPDATE, (key.run_id, key.client_id)).fetchone()
    if row is None:
        raise RunNotFound(key)
    old = record_from_texts(row[:10])
    new = old.apply(change, at)
    cursor.execute(*_rewriting(row, old, new, time_text(new.updated_at)))
    return new


def _update_many(cursor: sqlite3.Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
    at = checked_time(at, "time of the change")
    text = time_text(at)
    for first in range(0, len(changes), _BATCH):
        _update_some(cursor, changes[first : first + _BATCH], at, text)


def _update_some(cursor: sqlite3.Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime, text: str) -> None:
    """Some of a batch's changes, in their order; `text` is the time `at`."""
    ids = dict.fromkeys([(key.run_id, key.client_id) for key, _ in changes])
    places = ",".join(["(?,?)"] * len(ids))
    rows = cursor.execute(_SELECT_BATCH.format(places), list(chain.from_iterable(ids))).fetchall()
    olds = records_from_texts([row[:10] for row in rows])
    news = {row[:2]: record for row, record in zip(rows, olds, strict=True)}
    for key, change in changes:
        pair = (key.run_id, key.client_id)
        if pair not in news:
            raise RunNotFound(key)
        news[pair] = news[pair].apply(change, at)
    writes: dict[str, list[tuple[Any, ...]]] = {_UPDATE: [], _FINISH: []}
    for row, old, new in zip(rows, olds, news.values(), strict=True):
        sql, values = _rewriting(row, old, new, text if new.updated_at is at else row[9])
        writes[sql].append(values)
    for sql, batch in writes.items():
        cursor.executemany(sql, batch)


def _rewriting(row: tuple[Any, ...], old: RunRecord, new: RunRecord, updated_at: str) -> tuple[str, tuple[Any, ...]]:
    """The statement, and its values, that makes of the row with the old record one with the new."""
    metrics = row[6] if new.metrics is old.metrics else metrics_text(new.metrics)
    log = row[7] if new.log is old.log else log_text(new.log)
    state = metrics, log, new.error, updated_at, row[10]
    if new.status is old.status:
        return _UPDATE, state
    return _FINISH, (new.status.value, new.ended_at and time_text(new.ended_at), *state)


def has_schema(connection: sqlite3.Connection, path: str) -> bool:
    """Whether the file is a ledger; False if it is empty. Raises StoreUnusable if it is anything else."""
    connection.execute("BEGIN")  # one snapshot: another process may be making the schema just now
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        is_empty = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    finally:
        connection.execute("ROLLBACK")
    if (application, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return True
    if application == APPLICATION_ID:
        raise StoreUnusable(f"{path} is of a newer runledger (schema {version}, known: {SCHEMA_VERSION}): upgrade it.")
    if application or version or not is_empty:
        raise StoreUnusable(f"{path} is a database of another application: choose another file.")
    return False


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    """Make the schema in an empty file; refuse any other file that is not this version's."""
    if has_schema(connection, path):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in _SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _close(writer: sqlite3.Cursor, readers: deque[sqlite3.Cursor], pid: int) -> None:
    if pid == os.getpid():
        while readers:
            _close_one(readers.pop())
        _close_one(writer)


def _close_one(cursor: sqlite3.Cursor) -> None:
    cursor.close()  # or a statement that was not read to its end would keep the file open
    cursor.connection.close()
