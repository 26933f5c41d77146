"""Migrating a SQLite file of version 1, in which a run's log was one JSON text in its row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from ...domain import Finding
from ...domain.json_form import MALFORMED, time_of_text, time_text
from .rows import LINE, RUN, records_from_texts, unreadable
from .sqlite_schema import INDEXES, SCHEMA_VERSION, TABLES, version_of, version_within

_PAGE = 1000
_OLD = """SELECT run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at, rowid
    FROM run_records WHERE rowid > ? ORDER BY rowid LIMIT ?"""
_COPY_RUN = f"INSERT INTO runs ({RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')"  # noqa: S608
_COPY_LINE = f"INSERT INTO run_notes ({LINE}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608

Row = tuple[Any, ...]


def migrate(connection: sqlite3.Connection, path: str) -> Finding | None:
    """Migrate a file of version 1 in one transaction, and return what was done. None for any other file of ours.

    Raises StoreUnusable, with the key, for a row that cannot be read. Whatever goes wrong, the file stays as it was.
    """
    if version_of(connection, path) != 1:
        return None
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if version_within(connection, path) != 1:
            return None  # another process has just migrated it
        for statement in TABLES:
            connection.execute(statement)
        runs, notes = _copied(connection)
        connection.execute("DROP TABLE run_records")
        for statement in INDEXES:
            connection.execute(statement)
    return Finding.ok(f"migrated {runs:,} runs with {notes:,} notes to version {SCHEMA_VERSION}")


def _copied(connection: sqlite3.Connection) -> tuple[int, int]:
    """Copy every run and its log to the new tables. Returns how many runs and lines there are."""
    runs = lines = 0
    for page in _old_pages(connection):
        logs = [_lines(row) for row in page]
        news = [(*row[:7], len(log), *row[8:10]) for row, log in zip(page, logs, strict=True)]
        records_from_texts(news)  # which names a row that cannot be read
        connection.executemany(_COPY_RUN, news)
        connection.executemany(_COPY_LINE, [line for log in logs for line in log])
        runs += len(news)
        lines += sum(map(len, logs))
    return runs, lines


def _old_pages(connection: sqlite3.Connection) -> Iterator[list[Row]]:
    after = -(2**63)
    while page := connection.execute(_OLD, (after, _PAGE)).fetchall():
        yield page
        after = page[-1][-1]


def _lines(row: Row) -> Sequence[Row]:
    """The rows of a run's log."""
    if row[7] == "[]":
        return ()
    try:
        log = json.loads(row[7])
        if not isinstance(log, list):
            raise ValueError("not a log")
        return [_line(row, position, *line) for position, line in enumerate(log, 1)]
    except MALFORMED:
        raise unreadable(row) from None


def _line(row: Row, position: int, at: str, text: str) -> Row:
    if not isinstance(text, str) or "\n" in text:
        raise ValueError("not a note")
    return row[0], row[1], position, time_text(time_of_text(at)), text
