"""Runs in a SQLite file: the embedded default. Durable on return, for many threads and processes, fair among them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Literal
from urllib.parse import quote, unquote

from ...domain import (
    Guarantees,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunSummary,
    StoreUnusable,
    changed_records,
    rejected_keys,
    summary_of,
)
from ...domain.json_form import MALFORMED, log_text, metrics_text, time_text
from .rows import (
    conditions,
    pages,
    read_time,
    record_from_texts,
    records_from_texts,
    rows_of_texts,
    summary_of_texts,
)
from .sqlite_file import SQLiteFile

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


class SQLiteRunAccess:
    """Updates and reads; see RunUpdates and RunReads."""

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return self._file.write(lambda cursor: _update(cursor, key, change, at), key)

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        self._file.write(lambda cursor: _update_many(cursor, changes, at))

    def get(self, key: RunKey) -> RunRecord:
        rows = self._file.read(_SELECT, (key.run_id, key.client_id), key)
        if not rows:
            raise RunNotFound(key)
        return record_from_texts(rows[0])

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        def read(where: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
            return self._file.read(_FIND.format(where), values)

        for rows in pages(query, "?", time_text, read):
            yield from records_from_texts(rows)

    def summary(self, query: RunQuery) -> RunSummary:
        """See SummableStore."""
        where, values = conditions(query, "?", time_text)
        values.append(-1 if query.limit is None else query.limit)
        try:
            return self._file.reading(lambda rows: summary_of_texts(rows, read_time), _SUMMARY.format(where), values)
        except MALFORMED:
            return summary_of(self.find(query))  # which names the row


class SQLiteRunRepository(SQLiteRunAccess):
    """The ledger in the file at `path`, made there on first use.

    With `synchronous` FULL an acknowledged write survives a power cut. With NORMAL it survives only a crash of the
    process (https://www.sqlite.org/pragma.html#pragma_synchronous). `wait` is how long, in seconds, a call waits for
    other writers before it raises StoreUnavailable. Raises StoreUnusable, and leaves the file as it is, if that is not
    a ledger or is of a newer version.
    """

    guarantees = Guarantees()

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "NORMAL"] = "FULL", wait: float = 10.0
    ) -> None:
        super().__init__(SQLiteFile(path, synchronous, wait))

    def create(self, record: RunRecord) -> RunKey:
        self._insert([record])
        return record.key

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        self._insert(records)
        return [record.key for record in records]

    def without_creation(self) -> SQLiteRunAccess:
        return SQLiteRunAccess(self._file)

    def close(self) -> None:
        self._file.close()

    def _insert(self, records: Sequence[RunRecord]) -> None:
        key = records[0].key if len(records) == 1 else None
        try:
            self._file.write(lambda cursor: cursor.executemany(_INSERT, rows_of_texts(records)), key)
        except StoreUnusable as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise
            raise RunAlreadyExists(self._existing(records)) from None

    def _existing(self, records: Sequence[RunRecord]) -> list[RunKey]:
        keys = [record.key for record in records]
        existing = {key for key in keys if self._file.read(_SELECT, (key.run_id, key.client_id))}
        return rejected_keys(keys, existing) or keys


def open_url(url: str) -> SQLiteRunRepository:
    """The store at a URL that `path_of` reads."""
    return SQLiteRunRepository(path_of(url))


def path_of(url: str) -> str:
    """`sqlite:///relative.db` or `sqlite:////absolute.db`; other characters percent-encoded as in any URL."""
    path = unquote(url.removeprefix("sqlite:///"), errors="surrogateescape")
    if "?" in url:
        raise StoreUnusable(
            "a SQLite URL is sqlite:///relative.db or sqlite:////absolute.db, without options after a ?."
        )
    if not url.startswith("sqlite:///") or not path or "\0" in path or path == ":memory:":
        raise StoreUnusable(
            "a SQLite URL is sqlite:///relative.db or sqlite:////absolute.db; for a store in memory use memory://."
        )
    return path


def url_of(path: str | os.PathLike[str]) -> str:
    """The URL that `path_of` reads as this path."""
    return f"sqlite:///{quote(os.fsencode(path))}"


def _update(cursor: sqlite3.Cursor, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
    row = cursor.execute(_SELECT_TO_UPDATE, (key.run_id, key.client_id)).fetchone()
    if row is None:
        raise RunNotFound(key)
    old = record_from_texts(row[:10])
    new = old.apply(change, at)
    cursor.execute(*_rewriting(row, old, new, time_text(new.updated_at)))
    return new


def _update_many(cursor: sqlite3.Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
    text = time_text(at)
    for first in range(0, len(changes), _BATCH):
        _update_some(cursor, changes[first : first + _BATCH], at, text)


def _update_some(cursor: sqlite3.Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime, text: str) -> None:
    """Some of a batch's changes, in their order; `text` is the time `at`."""
    ids = dict.fromkeys([(key.run_id, key.client_id) for key, _ in changes])
    places = ",".join(["(?,?)"] * len(ids))
    rows = cursor.execute(_SELECT_BATCH.format(places), list(chain.from_iterable(ids))).fetchall()
    olds = records_from_texts([row[:10] for row in rows])
    news = {record.key: record for record in olds}
    news |= changed_records(news, changes, at)
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
