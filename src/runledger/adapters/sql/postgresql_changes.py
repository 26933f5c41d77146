"""How runs change in PostgreSQL: one statement for a change that is plainly allowed, and the domain's rules for others.

Nothing here writes a row of table `runs` that is not there. A line of a log is inserted for a row that was updated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
from psycopg import errors

from ...domain import RunChange, RunKey, RunNotFound, RunRecord, changed_records
from ...domain.json_form import time_text
from . import rows
from .postgresql_texts import array, key_arrays
from .row_faults import MORE_LINES, unfit_log

Cursor = psycopg.Cursor[tuple[Any, ...]]

RECORD = rows.RECORD.replace("_at", "_at::text").replace("metrics", "metrics::text")
"""The columns of a record as texts: decoding a page of them together takes the least time."""
READ = f"SELECT {RECORD}"
GET = READ + " FROM runs WHERE run_id = %s AND client_id = %s"

# Writes nothing unless the change is plainly allowed; every other case is left to RunRecord.apply.
# One UPDATE of one table sees the newest row even when it had to wait for it, so no concurrent change is lost.
# jsonb distinguishes 3 from 3.0 by the scale alone, which a float8 has lost. Within ±2^53 no sum can overflow, and a
# number without a fraction is an integer.
_CHANGED = """UPDATE runs SET
        updated_at = greatest(updated_at, %(at)s::timestamptz),
        status = coalesce(%(status)s::text, status),
        ended_at = CASE WHEN %(ended_at)s::timestamptz IS NULL THEN ended_at
            ELSE greatest(%(ended_at)s::timestamptz, started_at) END,
        error = coalesce(%(error)s::text, error),
        metrics = (CASE WHEN %(set)s::jsonb IS NULL THEN metrics ELSE metrics || %(set)s::jsonb END)"""
_SUMS = """ || (
            SELECT jsonb_object_agg(name, CASE
                WHEN scale(old) = 0 AND scale(more) = 0 THEN old + more
                WHEN scale(total) = 0 THEN round(total, 1)
                ELSE total END)
            FROM jsonb_each(%(add)s::jsonb) AS addition (name, number),
                LATERAL (SELECT coalesce((metrics -> name)::numeric, 0) AS old, number::numeric AS more) AS terms,
                LATERAL (SELECT to_jsonb(old::float8 + more::float8)::numeric AS total) AS sum)"""
_COUNTED = """,
        notes = notes + 1"""
_ALLOWED = """
    WHERE run_id = %(run_id)s AND client_id = %(client_id)s AND (status = 'Running' OR NOT %(ends)s::boolean)"""
_ADDABLE = """
        AND NOT EXISTS (
            SELECT FROM jsonb_each(%(add)s::jsonb) AS addition (name, number)
            WHERE CASE jsonb_typeof(coalesce(metrics -> name, '0')) WHEN 'number'
                THEN abs(coalesce((metrics -> name)::numeric, 0)) + abs(number::numeric) > 9007199254740992
                ELSE true END)"""
_AFTER = f"""
    RETURNING {RECORD}"""
# The line has the number of the note that the UPDATE has just counted: two notes never get the same one.
_NOTED = """, noted AS (
    INSERT INTO run_notes (run_id, client_id, position, at, text)
    SELECT run_id, client_id, notes, %(at)s::timestamptz, %(note)s FROM changed)
    SELECT * FROM changed"""

# In key order, so that two batches wait for each other instead of deadlocking.
_LOCK = (
    READ
    + """ FROM runs JOIN unnest(%s::text[], %s::text[]) AS wanted (run_id, client_id)
    USING (run_id, client_id) ORDER BY run_id, client_id FOR UPDATE OF runs"""
)
# All rows are locked, in that order, before one is written, because the subquery refers to none of them. It counts
# those that plainly can be read: metrics with a time, or with what is no metric value, are left to the domain's rules.
_SET_MANY = """WITH new AS MATERIALIZED (
        SELECT * FROM unnest(%s::text[], %s::text[], %s::jsonb[]) AS new (run_id, client_id, metrics)
    ), locked AS MATERIALIZED (
        SELECT status, metrics FROM runs JOIN (SELECT run_id, client_id FROM new) AS wanted USING (run_id, client_id)
        ORDER BY run_id, client_id FOR UPDATE OF runs
    )
    UPDATE runs SET updated_at = greatest(runs.updated_at, %s::timestamptz), metrics = runs.metrics || new.metrics
    FROM new WHERE runs.run_id = new.run_id AND runs.client_id = new.client_id AND %s = (
        SELECT count(*) FROM locked WHERE status = ANY (%s) AND NOT coalesce(
            metrics @? 'strict $.* ? (@.type() != "string" && @.type() != "number" && @.type() != "boolean")', true))"""
_REWRITE = """UPDATE runs SET updated_at = new.updated_at{}
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[]{}) AS new (run_id, client_id, updated_at{})
    WHERE runs.run_id = new.run_id AND runs.client_id = new.client_id"""
_LINES = """INSERT INTO run_notes (run_id, client_id, position, at, text)
    SELECT new.run_id, new.client_id, new.position, %s::timestamptz, new.text
    FROM unnest(%s::text[], %s::text[], %s::integer[], %s::text[]) AS new (run_id, client_id, position, text)"""
_TAKEN_LINE = """SELECT run_id, client_id FROM run_notes
    JOIN unnest(%s::text[], %s::text[], %s::integer[]) AS new (run_id, client_id, position)
    USING (run_id, client_id, position) LIMIT 1"""
_TYPES = {"status": "text", "ended_at": "timestamptz", "metrics": "jsonb", "notes": "integer", "error": "text"}


def change_one(cursor: Cursor, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
    """Apply a change, and return the record after it. Raises what `RunUpdates.update` raises.

    One statement if it is plainly allowed; one more if it is rejected.
    """
    time = time_text(at)
    values = {
        "run_id": key.run_id,
        "client_id": key.client_id,
        "at": time,
        "ends": change.status is not None or change.error is not None,
        "status": None if change.status is None else change.status.value,
        "ended_at": None if change.status is None else time,
        "error": change.error,
        "set": rows.metrics_text(change.metrics) if change.metrics else None,
        "add": rows.metrics_text(change.add) if change.add else None,
        "note": change.note,
    }
    try:
        row = cursor.execute(update_statement(bool(change.add), change.note is not None), values).fetchone()
    except errors.UniqueViolation as error:
        raise unfit_log(key, MORE_LINES) from error
    if row is not None:
        return record_of(row)
    row = cursor.execute(GET, (key.run_id, key.client_id)).fetchone()
    if row is None:
        raise RunNotFound(key)
    record_of(row).apply(change, at)  # which raises, mostly
    return change_many(cursor, [(key, change)], at)[key]


def set_many(cursor: Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> bool:
    """Set metrics of many runs by one statement. False, and nothing is written, unless all of it is plainly allowed."""
    keys = [key for key, _ in changes]
    if not all(change.only_sets for _, change in changes) or len(set(keys)) < len(keys):
        return False
    metrics = array(rows.metrics_texts([change.metrics for _, change in changes]))
    values = (*key_arrays(keys), metrics, time_text(at), len(keys), list(rows.STATUSES))
    return cursor.execute(_SET_MANY, values).rowcount > 0


def change_many(
    cursor: Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime
) -> Mapping[RunKey, RunRecord]:
    """Apply changes by the domain's own rules, between a locked read and the writes of one transaction."""
    lines: list[str] = []
    try:
        with cursor.connection.transaction():
            locked = cursor.execute(_LOCK, key_arrays({key: None for key, _ in changes})).fetchall()
            olds = {record.key: record for record in records_of(locked)}
            news = changed_records(olds, changes, at)
            statement, values = _rewriting(olds, news.values())
            cursor.execute(statement, values)
            if any(change.note is not None for _, change in changes):
                lines = _lines(olds, changes)
                cursor.execute(_LINES, (time_text(at), *lines))
    except errors.UniqueViolation as error:
        taken = cursor.execute(_TAKEN_LINE, lines[:3]).fetchone()
        if taken is None:  # by a line that was removed since
            raise
        raise unfit_log(RunKey.trusted(*taken), MORE_LINES) from error
    return news


@cache
def update_statement(adds: bool, notes: bool) -> str:
    """The statement for one change: whether it adds to metrics, and whether it has a note."""
    update = _CHANGED
    if adds:
        update += _SUMS
    if notes:
        update += _COUNTED
    update += _ALLOWED
    if adds:
        update += _ADDABLE
    update += _AFTER
    return f"WITH changed AS ({update}){_NOTED}" if notes else update


@cache
def _rewrite_statement(names: tuple[str, ...]) -> str:
    """The statement that writes these columns of many rows, beside `updated_at`."""
    columns = "".join(f", {name} = new.{name}" for name in names)
    arrays = "".join(f", %s::{_TYPES[name]}[]" for name in names)
    return _REWRITE.format(columns, arrays, "".join(f", {name}" for name in names))


def _rewriting(olds: Mapping[RunKey, RunRecord], news: Iterable[RunRecord]) -> tuple[str, list[str]]:
    """The statement, and its values, that writes the columns that differ in any of the records."""
    pairs = [(olds[new.key], new) for new in news]
    columns: dict[str, list[Any]] = {}
    if any(new.status is not old.status for old, new in pairs):
        columns["status"] = [new.status.value for _, new in pairs]
        columns["ended_at"] = [None if new.ended_at is None else time_text(new.ended_at) for _, new in pairs]
    if any(new.metrics is not old.metrics for old, new in pairs):
        columns["metrics"] = rows.metrics_texts([new.metrics for _, new in pairs])
    if any(new.notes != old.notes for old, new in pairs):
        columns["notes"] = [str(new.notes) for _, new in pairs]
    if any(new.error is not old.error for old, new in pairs):
        columns["error"] = [new.error for _, new in pairs]
    times = [time_text(new.updated_at) for _, new in pairs]
    keys = key_arrays(new.key for _, new in pairs)
    return _rewrite_statement(tuple(columns)), [*keys, *map(array, (times, *columns.values()))]


def _lines(olds: Mapping[RunKey, RunRecord], changes: Iterable[tuple[RunKey, RunChange]]) -> list[str]:
    """The lines that the changes append, as arrays of run id, client id, position and text."""
    last = {key: old.notes for key, old in olds.items()}
    lines = []
    for key, change in changes:
        if change.note is not None:
            last[key] += 1
            lines.append((key.run_id, key.client_id, str(last[key]), change.note))
    return [array(column) for column in zip(*lines, strict=True)]


def record_of(row: Sequence[Any]) -> RunRecord:
    """The record of a row of RECORD. Raises StoreUnusable, with the key, if it cannot be read."""
    return rows.record_from_texts(row, points=False)


def records_of(found: Sequence[Sequence[Any]]) -> list[RunRecord]:
    """The records of rows of RECORD, decoded together."""
    return rows.records_from_texts(found, points=False)
