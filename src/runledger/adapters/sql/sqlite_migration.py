"""Migrating a SQLite file of version 1, in which a run's log was one JSON text in its row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ...domain import Finding, StoreUnusable
from ...domain.json_form import MALFORMED, time_of_text, time_text
from ...domain.visible import counted
from .row_faults import unreadable
from .rows import LINE, RUN, records_from_texts
from .sqlite_schema import INDEXES, SCHEMA_VERSION, TABLES, version_of, version_within

_PAGE = 1000
_KEYS = "SELECT run_id, client_id FROM run_records ORDER BY run_id, client_id"
_OF_KEYS = "WHERE (run_id, client_id) >= (?, ?) AND (run_id, client_id) <= (?, ?) ORDER BY run_id, client_id"
# S608 is not about these: what is put into them are column names, constants of `rows`, and the condition above.
# What is not exactly as version 1 wrote it becomes NULL, which the table rejects: an escape beyond those of quotes and
# backslashes, a time that is no time, more or less than a time and a text.
_COPY_LINES = f"""INSERT INTO run_notes ({LINE})
    SELECT run_id, client_id, key + 1,
        CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', at, '+0 days') = at AND json_array_length(value) = 2
            AND instr(log, '\\u') = 0 THEN at END,
        CASE json_type(value, '$[1]') WHEN 'text' THEN json_extract(value, '$[1]') END
    FROM (
        SELECT run_id, client_id, log, line.key, line.value, json_extract(line.value, '$[0]') AS at
        FROM (SELECT run_id, client_id, log FROM run_records {_OF_KEYS}), json_each(log) AS line
    )"""  # noqa: S608
_LOGS = f"SELECT run_id, client_id, client_name, status, log FROM run_records {_OF_KEYS}"  # noqa: S608
_COPY_LINE = f"INSERT INTO run_notes ({LINE}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
# Version 1 accepted an end before the start. The greater of two is NULL if one is.
_OLD = """SELECT run_id, client_id, client_name, status, started_at, max(ended_at, started_at), metrics,
        CASE json_type(log) WHEN 'array' THEN json_array_length(log) END, error, updated_at
    FROM run_records ORDER BY rowid"""
_ENDED_EARLY = "SELECT count(*) FROM run_records WHERE ended_at < started_at"
_COPY_RUN = f"INSERT INTO runs ({RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')"  # noqa: S608
_LOG = "a log that cannot be read"

# SQLite keeps objects for itself, such as the statistics of ANALYZE. Their names are reserved for it.
_OBJECTS = "SELECT type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"
_KNOWN_OBJECTS = {
    "table run_records",
    "index run_records_by_start",
    "index run_records_by_client",
    "index run_records_by_status",
}
# Of each column: name, type, whether it is NOT NULL, default, place in the primary key, and whether it is generated.
_KNOWN_COLUMNS = {
    ("run_id", "TEXT", 1, None, 1, 0),
    ("client_id", "TEXT", 1, None, 2, 0),
    *(
        (name, "TEXT", 1, None, 0, 0)
        for name in ("client_name", "status", "started_at", "metrics", "log", "updated_at")
    ),
    *((name, "TEXT", 0, None, 0, 0) for name in ("ended_at", "error")),
}

Row = tuple[Any, ...]


def migrate(connection: sqlite3.Connection, path: str) -> Finding | None:
    """Migrate a file of version 1 in one transaction, and return what was done. None for any other file of ours.

    A run that ended before it started, which version 1 accepted, ends at its start, and is counted in the result.
    Raises StoreUnusable, with the key, for a row that cannot be read, and for tables, columns and other objects that
    version 1 did not make. If anything fails, the file stays as it was.
    """
    if version_of(connection, path) != 1:
        return None
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if version_within(connection, path) != 1:
            return None  # another process has just migrated it
        _refuse_unknown(connection, path)
        for statement in TABLES:
            connection.execute(statement)
        (early,) = connection.execute(_ENDED_EARLY).fetchone()
        _copy_lines(connection)
        runs, notes = _copy_runs(connection)
        connection.execute("DROP TABLE run_records")
        for statement in INDEXES:
            connection.execute(statement)
    mended = f"; the end of {counted(early, 'run')} was before the start, and is the start now" if early else ""
    return Finding.ok(
        f"migrated {counted(runs, 'run')} with {counted(notes, 'note')} to version {SCHEMA_VERSION}{mended}"
    )


def _refuse_unknown(connection: sqlite3.Connection, path: str) -> None:
    """Raise StoreUnusable if the file has more than version 1 made, which would be lost, or other columns."""
    objects = {name for (name,) in connection.execute(_OBJECTS)} - _KNOWN_OBJECTS
    columns = {tuple(row[1:]) for row in connection.execute("PRAGMA table_xinfo(run_records)")}
    known = {column[0] for column in _KNOWN_COLUMNS}
    added = {f"column {column[0]} of run_records" for column in columns if column[0] not in known}
    if odd := ", ".join(sorted(objects | added)):
        raise StoreUnusable(
            f"{path} has what version 1 of the ledger did not make ({odd}): save what you need of it, remove it from "
            "the file, then run `runledger init` again."
        )
    if columns != _KNOWN_COLUMNS:
        odd = ", ".join(sorted({column[0] for column in columns ^ _KNOWN_COLUMNS}))
        raise StoreUnusable(
            f"{path} has a table run_records whose columns are not those of version 1 ({odd}): make them as they were, "
            "then run `runledger init` again."
        )


def _copy_lines(connection: sqlite3.Connection) -> None:
    """Copy the lines of all logs, in the order of the table that they go to, which is the quickest.

    SQLite takes the logs apart, page by page. Only where it cannot, Python reads them, one at a time.
    """
    keys = connection.execute(_KEYS)
    while page := keys.fetchmany(_PAGE):
        ends = (*page[0], *page[-1])
        try:
            connection.execute(_COPY_LINES, ends)
        except sqlite3.Error:
            if not connection.in_transaction:  # it was rolled back: the disk is full, say
                raise
            rows = connection.execute(_LOGS, ends)
            connection.executemany(_COPY_LINE, (line for row in rows for line in _lines(row)))


def _lines(row: Row) -> Iterator[Row]:
    """The rows of a run's log. Raises StoreUnusable, with the key, for a log that cannot be read."""
    try:
        log = json.loads(row[4])
        if not isinstance(log, list):
            raise ValueError("not a log")
        for position, line in enumerate(log, 1):
            yield _line(row, position, *line)
    except MALFORMED:
        raise unreadable(row, _LOG) from None


def _line(row: Row, position: int, at: str, text: str) -> Row:
    if not isinstance(text, str) or "\n" in text:
        raise ValueError("not a note")
    return row[0], row[1], position, time_text(time_of_text(at)), text


def _copy_runs(connection: sqlite3.Connection) -> tuple[int, int]:
    """Copy every run without its log, in the order of the old table. Returns how many runs and lines there are."""
    runs = notes = 0
    rows = _old_rows(connection)
    while page := list(islice(rows, _PAGE)):
        for row in page:
            if row[7] is None:
                raise unreadable(row, _LOG)
        records_from_texts(page)  # which names a row that cannot be read
        connection.executemany(_COPY_RUN, page)
        runs += len(page)
        notes += sum(row[7] for row in page)
    return runs, notes


def _old_rows(connection: sqlite3.Connection) -> Iterator[Row]:
    return connection.execute(_OLD)
