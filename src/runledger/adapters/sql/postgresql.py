"""Runs in PostgreSQL, over psycopg and its pool: autocommit, one prepared statement for each call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import errors

from ...domain import (
    Guarantees,
    LogLine,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunSummary,
    changed_records,
    rejected_keys,
    summary_of,
)
from ...domain.json_form import MALFORMED, log_text, metrics_text, trusted_log, trusted_metrics
from . import rows
from .postgresql_pool import Connections
from .postgresql_schema import make_schema

_INSERT = """INSERT INTO run_records
    (run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_COPY = """COPY run_records
    (run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at) FROM STDIN"""
_EXISTING = """SELECT run_id, client_id FROM run_records
    JOIN unnest(%s::text[], %s::text[]) AS wanted (run_id, client_id) USING (run_id, client_id)"""
_GET = """SELECT run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at
    FROM run_records WHERE run_id = %s AND client_id = %s"""
_FIND = """SELECT run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at
    FROM run_records WHERE {} ORDER BY started_at DESC, run_id DESC, client_id DESC LIMIT %s"""
# A hundred runs a row: JSON that the server has joined is decoded at once, and nothing grows with the table.
_SUMMARY = """SELECT string_agg(status, ','), min(started_at), max(ended_at), string_agg(metrics::text, ',')
    FROM (SELECT *, row_number() OVER () AS number FROM run_records WHERE {}
        ORDER BY started_at DESC, run_id DESC, client_id DESC LIMIT %s) AS found GROUP BY number / 100"""
# Writes nothing unless the change is plainly allowed; every other case is left to RunRecord.apply, under a lock.
# One UPDATE of one table sees the newest row even when it had to wait for it, so no concurrent change is lost.
# jsonb tells 3 from 3.0 by the scale alone, which a float8 has lost. Within ±2^53 no sum can overflow, and a number
# without a fraction is an integer.
_CHANGED = """UPDATE run_records SET
        updated_at = greatest(updated_at, %(at)s::timestamptz),
        status = coalesce(%(status)s::text, status),
        ended_at = coalesce(%(ended_at)s::timestamptz, ended_at),
        error = coalesce(%(error)s::text, error),
        log = CASE WHEN %(note)s::jsonb IS NULL THEN log ELSE log || %(note)s::jsonb END,
        metrics = (CASE WHEN %(set)s::jsonb IS NULL THEN metrics ELSE metrics || %(set)s::jsonb END)"""
_SUMS = """ || (
            SELECT jsonb_object_agg(name, CASE
                WHEN scale(old) = 0 AND scale(more) = 0 THEN old + more
                WHEN scale(total) = 0 THEN round(total, 1)
                ELSE total END)
            FROM jsonb_each(%(add)s::jsonb) AS addition (name, number),
                LATERAL (SELECT coalesce((metrics -> name)::numeric, 0) AS old, number::numeric AS more) AS terms,
                LATERAL (SELECT to_jsonb(old::float8 + more::float8)::numeric AS total) AS sum)"""
_ALLOWED = """
    WHERE run_id = %(run_id)s AND client_id = %(client_id)s AND (status = 'Running' OR NOT %(ends)s::boolean)"""
_ADDABLE = """
        AND NOT EXISTS (
            SELECT FROM jsonb_each(%(add)s::jsonb) AS addition (name, number)
            WHERE CASE jsonb_typeof(coalesce(metrics -> name, '0')) WHEN 'number'
                THEN abs(coalesce((metrics -> name)::numeric, 0)) + abs(number::numeric) > 9007199254740992
                ELSE true END)"""
_AFTER = """
    RETURNING run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at"""
_UPDATE = _CHANGED + _ALLOWED + _AFTER
_UPDATE_ADDING = _CHANGED + _SUMS + _ALLOWED + _ADDABLE + _AFTER
# In key order, so that two batches wait for each other instead of deadlocking.
_LOCK = """SELECT run_id, client_id, client_name, status, started_at, ended_at, metrics, log, error, updated_at
    FROM run_records
    JOIN unnest(%s::text[], %s::text[]) AS wanted (run_id, client_id) USING (run_id, client_id)
    ORDER BY run_id, client_id FOR UPDATE OF run_records"""
_REWRITE = """UPDATE run_records AS r SET status = new.status, ended_at = new.ended_at, metrics = new.metrics::jsonb,
        log = new.log::jsonb, error = new.error, updated_at = new.updated_at
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
        %s::timestamptz[]) AS new (run_id, client_id, status, ended_at, metrics, log, error, updated_at)
    WHERE r.run_id = new.run_id AND r.client_id = new.client_id"""


class PostgreSQLRunAccess:
    """Updates and reads; see RunUpdates and RunReads. A role with SELECT and UPDATE on the table is enough."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        values = {
            "run_id": key.run_id,
            "client_id": key.client_id,
            "at": at,
            "ends": change.status is not None or change.error is not None,
            "status": None if change.status is None else change.status.value,
            "ended_at": None if change.status is None else at,
            "error": change.error,
            "set": metrics_text(change.metrics) if change.metrics else None,
            "add": metrics_text(change.add) if change.add else None,
            "note": None if change.note is None else log_text((LogLine.trusted(at, change.note),)),
        }
        with self._connections.cursor("UPDATE", key) as cursor:
            row = cursor.execute(_UPDATE_ADDING if change.add else _UPDATE, values).fetchone()
            if row is not None:
                return _record(row)
            return _changed(cursor, [(key, change)], at)[key]

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            with self._connections.cursor("UPDATE") as cursor:
                _changed(cursor, changes, at)

    def get(self, key: RunKey) -> RunRecord:
        with self._connections.cursor("SELECT", key) as cursor:
            row = cursor.execute(_GET, (key.run_id, key.client_id)).fetchone()
            if row is None:
                raise RunNotFound(key)
            return _record(row)

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        def read(where: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
            with self._connections.cursor("SELECT") as cursor:
                return cursor.execute(_FIND.format(where), values).fetchall()

        for page in rows.pages(query, "%s", lambda at: at, read):
            yield from [_record(row) for row in page]

    def summary(self, query: RunQuery) -> RunSummary:
        """See SummableStore."""
        where, values = rows.conditions(query, "%s", lambda at: at)
        try:
            with self._connections.cursor("SELECT") as cursor:
                stream: Any = cursor.stream(_SUMMARY.format(where), [*values, query.limit])
                with closing(stream) as parts:
                    return rows.summary_of_texts(parts, _utc)
        except MALFORMED:
            return summary_of(self.find(query))  # which names the row


class PostgreSQLRunRepository(PostgreSQLRunAccess):
    """A store in the database at a libpq URL. The constructor reaches the server once, or says why it cannot.

    What the URL leaves open gets a default: time limits for connecting, statements and locks, and keep-alives.
    `max_connections` and `timeout`, in seconds, bound the pool and the wait for one of its connections.
    """

    guarantees = Guarantees()

    def __init__(self, url: str, *, max_connections: int = 10, timeout: float = 10.0) -> None:
        super().__init__(Connections(url, max_connections, timeout))

    def create_schema(self) -> None:
        """Make the table and its indexes if they are missing. Nothing else makes them."""
        make_schema(self._connections)

    def create(self, record: RunRecord) -> RunKey:
        with self._connections.cursor("INSERT", record.key) as cursor:
            try:
                cursor.execute(_INSERT, _row(record))
            except errors.UniqueViolation:
                raise RunAlreadyExists([record.key]) from None
        return record.key

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        if not records:
            return []
        with self._connections.cursor("INSERT") as cursor:
            try:
                with cursor.copy(_COPY) as copy:
                    for row in rows.rows_of_texts(records):  # psycopg takes four times as long to write a datetime
                        copy.write_row(row)
            except errors.UniqueViolation:
                keys = [record.key for record in records]
                existing = {RunKey.trusted(*ids) for ids in cursor.execute(_EXISTING, _arrays(keys))}
                # A record that was in the way and has since been deleted leaves nothing to name but the batch.
                raise RunAlreadyExists(rejected_keys(keys, existing) or keys) from None
        return [record.key for record in records]

    def without_creation(self) -> PostgreSQLRunAccess:
        return PostgreSQLRunAccess(self._connections)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()


def open_url(url: str) -> PostgreSQLRunRepository:
    """`postgresql://user@host/database`, as libpq reads it."""
    return PostgreSQLRunRepository(url)


def _changed(
    cursor: psycopg.Cursor[tuple[Any, ...]], changes: Sequence[tuple[RunKey, RunChange]], at: datetime
) -> dict[RunKey, RunRecord]:
    """Apply changes by the domain's own rules, between a locked read and a write in one transaction."""
    with cursor.connection.transaction():
        locked = cursor.execute(_LOCK, _arrays({key: None for key, _ in changes}))
        records = {record.key: record for record in map(_record, locked)}
        records |= changed_records(records, changes, at)
        new = [_row(record) for record in records.values()]
        run_ids, client_ids, _, statuses, _, *others = (list(column) for column in zip(*new, strict=True))
        cursor.execute(_REWRITE, [run_ids, client_ids, statuses, *others])
    return records


def _arrays(keys: Iterable[RunKey]) -> tuple[list[str], list[str]]:
    keys = list(keys)
    return [key.run_id for key in keys], [key.client_id for key in keys]


def _row(record: RunRecord) -> tuple[Any, ...]:
    key, metrics, log = record.key, metrics_text(record.metrics), log_text(record.log)
    first = (key.run_id, key.client_id, record.client_name, record.status.value, record.started_at, record.ended_at)
    return (*first, metrics, log, record.error, record.updated_at)


def _record(row: tuple[Any, ...]) -> RunRecord:
    run_id, client_id, name, status, started_at, ended_at, metrics, log, error, updated_at = row
    try:
        metrics, log, status = (
            trusted_metrics(metrics),
            trusted_log(log) if log else (),
            rows.STATUSES[status],
        )
        times = _utc(started_at), None if ended_at is None else _utc(ended_at)
    except MALFORMED:
        raise rows.unreadable(row) from None
    return RunRecord.trusted(run_id, client_id, name, status, *times, metrics, log, error, _utc(updated_at))


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)
