"""The tables of a ledger in a SQLite file: which version a file has, and making them in an empty one."""

from __future__ import annotations

import sqlite3

from ...domain import StoreUnusable
from .sqlite_url import url_of

SCHEMA_VERSION = 2
APPLICATION_ID = 0x72756E6C
"""Marks a file as a ledger: https://www.sqlite.org/pragma.html#pragma_application_id"""

# The names are not those of version 1: a process of an older version that still has the file open fails with an error.
TABLES = (
    """
    CREATE TABLE runs (
        run_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        client_name TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        metrics TEXT NOT NULL,
        notes INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        updated_at TEXT NOT NULL,
        mark TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (run_id, client_id),
        CHECK (started_at GLOB '*Z' AND updated_at GLOB '*Z' AND ifnull(ended_at, 'Z') GLOB '*Z'),
        CHECK (ended_at >= started_at),
        CHECK (typeof(notes) = 'integer' AND notes >= 0)
    )
    """,
    """
    CREATE TABLE run_notes (
        run_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        at TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (run_id, client_id, position),
        CHECK (at GLOB '????-??-??T??:??:??.???Z' AND typeof(at) = 'text'),
        CHECK (instr(text, char(10)) = 0 AND typeof(text) = 'text')
    ) WITHOUT ROWID
    """,
)
# The trigger: a statement of any program that removes a run removes its log, so the key is free for a new start.
INDEXES = (
    "CREATE INDEX runs_by_start ON runs (started_at, run_id, client_id)",
    "CREATE INDEX runs_by_client ON runs (client_id, started_at, run_id)",
    "CREATE INDEX runs_by_status ON runs (status, started_at, run_id, client_id) WHERE status <> 'Completed'",
    """
    CREATE TRIGGER run_removed AFTER DELETE ON runs BEGIN
        DELETE FROM run_notes WHERE run_id = OLD.run_id AND client_id = OLD.client_id;
    END
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def version_of(connection: sqlite3.Connection, path: str) -> int:
    """The version of the ledger in the file: SCHEMA_VERSION, or 1; 0 if the file is empty.

    Raises StoreUnusable for a file that is neither empty nor a ledger that this version of runledger knows.
    """
    connection.execute("BEGIN")  # one snapshot: another process may be making the schema just now
    with connection:
        return version_within(connection, path)


def version_within(connection: sqlite3.Connection, path: str) -> int:
    """`version_of`, within the transaction of the caller."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    is_empty = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    if application == APPLICATION_ID and version in (1, SCHEMA_VERSION):
        return int(version)
    if application == APPLICATION_ID:
        raise StoreUnusable(f"{path} is of a newer runledger (schema {version}, known: {SCHEMA_VERSION}): upgrade it.")
    if application or version or not is_empty:
        raise StoreUnusable(f"{path} is a database of another application: choose another file.")
    return 0


def has_schema(connection: sqlite3.Connection, path: str) -> bool:
    """Whether the file is a ledger of this version; False if it is empty. Raises StoreUnusable for any other file."""
    version = version_of(connection, path)
    if version == 1:
        raise StoreUnusable(
            f"{path} was made by an older runledger (schema 1, now {SCHEMA_VERSION}): stop what uses it, and migrate "
            f"it with `runledger init --store {url_of(path)}`."
        )
    return version == SCHEMA_VERSION


def make_schema(connection: sqlite3.Connection, path: str) -> None:
    """Make the schema in an empty file. Raises StoreUnusable for a file that is neither empty nor of this version."""
    if has_schema(connection, path):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in (*TABLES, *INDEXES):
                connection.execute(statement)
