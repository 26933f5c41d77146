"""Runs in PostgreSQL, over psycopg and its pool: autocommit, one prepared statement for each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import errors

from ... import domain
from ...domain import (
    Guarantees,
    InvalidValue,
    LogLine,
    NewRun,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunRecord,
    missing_runs,
)
from ...domain.json_form import MALFORMED, time_text
from ...domain.late_names import LateModule
from ...domain.values import checked_seconds
from ...domain.visible import shown
from . import rows
from .postgresql_changes import GET, READ, Cursor, change_many, change_one, record_of, records_of, set_many
from .postgresql_connection import confirm_commits
from .postgresql_pool import Connections
from .postgresql_schema import make_schema, require_no_other_version
from .postgresql_texts import copy_block, key_arrays
from .row_faults import LACKS_LINES, unfit_log

if TYPE_CHECKING:
    from ...domain import stored_row
else:
    stored_row = LateModule("...domain.stored_row", __package__)

# S608 is not about these: what is put into them are column names and conditions, constants of `rows` and from here.
_INSERT = """INSERT INTO runs
    (run_id, client_id, client_name, status, started_at, ended_at, metrics, notes, error, updated_at, mark)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
# A start with a first note is one statement, as one without is.
_INSERT_NOTED = f"WITH started AS ({_INSERT}) INSERT INTO run_notes ({rows.LINE}) VALUES (%s, %s, %s, %s, %s)"  # noqa: S608
_COPY = f"COPY runs ({rows.RUN}) FROM STDIN"
_COPY_LINES = f"COPY run_notes ({rows.LINE}) FROM STDIN"
_MARKS = """SELECT run_id, client_id, mark FROM runs
    JOIN unnest(%s::text[], %s::text[]) AS wanted (run_id, client_id) USING (run_id, client_id)"""
_ATTEMPTS = 3
# The moment at which a server started, to the microsecond, distinguishes it from other servers; every role may read it.
_IDENTITY = """SELECT pg_postmaster_start_time()::text, oid::text, to_regclass('runs')::oid::text
    FROM pg_database WHERE datname = current_database()"""
_PART = 100  # runs that are copied together
_RowsOf = Callable[[Sequence[NewRun]], Iterable[tuple[str | int | None, ...]]]
# A name in ORDER BY alone would be that of the text which is read.
_FIND = (
    READ
    + """ FROM runs WHERE {}
    ORDER BY runs.started_at DESC, runs.run_id DESC, runs.client_id DESC LIMIT %s"""
)
# A hundred runs a row: JSON that the server has joined is decoded together, and nothing grows with the table.
_SUMMARY = """SELECT string_agg(status, ','), min(started_at)::text, max(ended_at)::text, string_agg(metrics::text, ',')
    FROM (SELECT *, row_number() OVER () AS number FROM runs WHERE {}
        ORDER BY started_at DESC, run_id DESC, client_id DESC LIMIT %s) AS found GROUP BY number / 100"""
# A loose index scan: for each client one search for the next id, and one for its newest run.
_LATEST = f"""WITH RECURSIVE clients (id) AS (
        (SELECT client_id FROM runs WHERE client_id > %s ORDER BY client_id LIMIT 1)
        UNION ALL SELECT (SELECT client_id FROM runs WHERE client_id > id ORDER BY client_id LIMIT 1)
        FROM clients WHERE id IS NOT NULL)
    {READ} FROM (SELECT id FROM clients WHERE id IS NOT NULL LIMIT %s) AS page, LATERAL (
        SELECT * FROM runs WHERE client_id = id ORDER BY started_at DESC, run_id DESC LIMIT 1) AS newest
    ORDER BY client_id"""  # noqa: S608
_ROWS = f"{READ}, {{}} FROM runs WHERE {{}} ORDER BY runs.run_id, runs.client_id LIMIT %s"
# A run without notes is one row without a line; no row is no run.
_FIRST_LINES = """SELECT notes, line.position, line.at::text, line.text FROM runs LEFT JOIN LATERAL (
        SELECT position, at, text FROM run_notes
        WHERE run_notes.run_id = runs.run_id AND run_notes.client_id = runs.client_id
            AND position > greatest(runs.notes - %s, 0) AND position <= runs.notes
        ORDER BY position LIMIT %s) AS line ON true
    WHERE runs.run_id = %s AND runs.client_id = %s ORDER BY line.position"""
_NEXT_LINES = """SELECT position, at::text, text FROM run_notes
    WHERE run_id = %s AND client_id = %s AND position > %s AND position <= %s ORDER BY position"""
_MOST = 2**31 - 1
# Short logs come with their records, each as one text of its times and texts in turn. There is no text of a log that
# lacks lines. Being no join, it is asked for the runs of the page alone, after they are sorted and counted off.
_FIND_WITH_LOGS = _FIND.replace(
    " FROM runs",
    f""", CASE WHEN notes BETWEEN 1 AND 100 THEN (
        SELECT CASE WHEN count(*) = runs.notes AND sum(octet_length(text)) <= {rows.SHORT}
            THEN string_agg(at::text || E'\\n' || text, E'\\n' ORDER BY position) END
        FROM run_notes WHERE run_notes.run_id = runs.run_id AND run_notes.client_id = runs.client_id
            AND position BETWEEN 1 AND runs.notes) END FROM runs""",  # noqa: S608
)


class PostgreSQLRunAccess:
    """Updates and reads; see RunUpdates and RunReads.

    A role with SELECT and UPDATE on table `runs`, and SELECT and INSERT on table `run_notes`, is enough.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return self._connections.run(lambda cursor: change_one(cursor, key, change, at), "UPDATE", key)

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            self._connections.run(
                lambda cursor: set_many(cursor, changes, at) or change_many(cursor, changes, at), "UPDATE"
            )

    def get(self, key: RunKey) -> RunRecord:
        rows_of_key = self._fetch(GET, (key.run_id, key.client_id), key)
        if not rows_of_key:
            raise RunNotFound(key)
        return record_of(rows_of_key[0])

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        most = _MOST if last is None else min(last, _MOST)
        ids = key.run_id, key.client_id
        lines = self._fetch(_FIRST_LINES, (most, rows.PAGE, *ids), key)
        if not lines:
            raise RunNotFound(key)
        notes, first = lines[0][:2]
        position = max(notes - most, 0)
        lines = [] if first is None else [line[1:] for line in lines]
        while True:
            upto = min(position + rows.PAGE, notes)
            if len(lines) != max(upto - position, 0):
                self.get(key)  # which is missing, if it was removed just now
                raise unfit_log(key, LACKS_LINES)
            yield from rows.log_from_texts(key, [line[1:] for line in lines])
            position = upto
            if position >= notes:
                return
            lines = self._fetch(_NEXT_LINES, (*ids, position, min(position + rows.PAGE, notes)), key)

    def find(self, query: domain.RunQuery) -> Iterator[RunRecord]:
        for page in self._pages(_FIND, query):
            yield from records_of(page)

    def find_with_logs(self, query: domain.RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        """See LoggedStore. A run with a long log that is removed before its log is read is left out."""
        for page in self._pages(_FIND_WITH_LOGS, query):
            records = records_of([row[:-1] for row in page])
            yield from rows.records_with_logs(records, [row[-1] for row in page], self.log)

    def latest(self, since: datetime | None = None) -> Iterator[RunRecord]:
        """See LatestStore."""
        return rows.latest_by_page(lambda client_id: self._fetch(_LATEST, (client_id, rows.PAGE)), records_of, since)

    def summary(self, query: domain.RunQuery) -> domain.RunSummary:
        """See SummableStore."""
        where, values = rows.conditions(query, "%s", time_text)
        try:
            return self._connections.run(lambda cursor: _summary(cursor, where, [*values, query.limit]), "SELECT")
        except MALFORMED:
            return domain.summary_of(self.find(query))  # which names the row

    def stored_rows(self) -> Iterator[stored_row.StoredRow]:
        """See RowStore."""
        from .stored_rows import COUNTED, stored_rows  # here, because only an audit needs it

        def read(last: Sequence[Any] | None) -> list[tuple[Any, ...]]:
            where, values = ("TRUE", ()) if last is None else ("(run_id, client_id) > (%s, %s)", last[:2])
            return self._fetch(_ROWS.format(COUNTED, where), (*values, rows.PAGE))

        return stored_rows(read, points=False, reference=lambda _: None)

    def _pages(self, statement: str, query: domain.RunQuery) -> Iterator[list[tuple[Any, ...]]]:
        def read(where: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
            return self._fetch(statement.format(where), values)

        return rows.pages(query, "%s", time_text, read)

    def _fetch(self, statement: str, values: Sequence[Any], key: RunKey | None = None) -> list[tuple[Any, ...]]:
        """All rows of a statement that reads. No connection is held afterwards."""
        return self._connections.run(lambda cursor: cursor.execute(statement, values).fetchall(), "SELECT", key)


class PostgreSQLRunRepository(PostgreSQLRunAccess):
    """A store in the database at a libpq URL. The constructor reaches the server once, or says why it cannot.

    What the URL leaves open gets a default: time limits for connecting, statements and locks, and keep-alives.
    `max_connections` and `timeout`, in seconds, bound the pool and the wait for one of its connections.
    Raises InvalidValue for an argument that cannot be used, and StoreUnusable for a database whose tables are
    of another version; `runledger init` migrates version 1.
    """

    guarantees = Guarantees()

    def __init__(self, url: str, *, max_connections: int = 10, timeout: float = 10.0) -> None:
        if type(max_connections) is not int or max_connections < 1:
            raise InvalidValue(f"max_connections is {shown(max_connections)}: give a whole number from 1.")
        super().__init__(Connections(url, max_connections, checked_seconds(timeout, "timeout")))
        require_no_other_version(self._connections)

    def identity(self) -> tuple[Any, ...]:
        """See IdentifiedStore: the table, by any address. A primary and its standby are not recognised as one."""
        [found] = self._fetch(_IDENTITY, ())
        return found

    def create_schema(self) -> None:
        """Make the tables and their indexes if they are missing. Nothing else makes them."""
        make_schema(self._connections)

    def create(self, new: NewRun) -> RunKey:
        if len(new.log) > 1:
            self._connections.run(lambda cursor: _create_missing(cursor, [new]), "INSERT", new.key)
        else:
            self._connections.run(lambda cursor: _create(cursor, new), "INSERT", new.key)
        return new.key

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        if news:
            self._connections.run(lambda cursor: _create_missing(cursor, news), "INSERT")
        return [new.key for new in news]

    def without_creation(self) -> PostgreSQLRunAccess:
        return PostgreSQLRunAccess(self._connections)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()


def open_url(url: str) -> PostgreSQLRunRepository:
    """`postgresql://user@host/database`, as libpq reads it."""
    return PostgreSQLRunRepository(url)


def _summary(cursor: Cursor, where: str, values: Sequence[Any]) -> domain.RunSummary:
    stream: Any = cursor.stream(_SUMMARY.format(where), values)
    with closing(stream) as parts:
        return rows.summary_of_texts(parts, points=False)


def _create(cursor: Cursor, new: NewRun) -> None:
    [row] = rows.rows_of_texts([new])
    try:
        if new.log:
            cursor.execute(_INSERT_NOTED, (*row, *next(rows.lines_of_texts([new]))))
        else:
            cursor.execute(_INSERT, row)
    except errors.UniqueViolation:
        if not new.is_same_start(_marks(cursor, [new]).get(new.key, "")):
            raise RunAlreadyExists([new.key]) from None
        confirm_commits(cursor)


def _create_missing(cursor: Cursor, news: Sequence[NewRun]) -> None:
    """Create all of these runs, but for those that an earlier attempt of the same start created."""
    missing = news
    for _ in range(_ATTEMPTS):
        try:
            return _copy(cursor, missing)
        except errors.UniqueViolation:
            marks = _marks(cursor, news)
        try:
            missing = missing_runs(news, marks)
        except RunAlreadyExists as error:
            if error.applied:
                confirm_commits(cursor)
            raise
        if not missing:
            return confirm_commits(cursor)
    raise RunAlreadyExists([new.key for new in missing])  # by records that are deleted whenever they are looked for


def _copy(cursor: Cursor, news: Sequence[NewRun]) -> None:
    # In key order, so that an index is written in one place after another, and that of two batches with the same keys
    # one waits for the other.
    ordered = sorted(news, key=lambda new: (new.key.run_id, new.key.client_id))
    if not any(new.log for new in news):
        _copy_rows(cursor, ordered)
        return
    with cursor.connection.transaction():
        _copy_rows(cursor, ordered)
        _copy_parts(cursor, _COPY_LINES, ordered, rows.lines_of_texts)


def _copy_rows(cursor: Cursor, news: Sequence[NewRun]) -> None:
    _copy_parts(cursor, _COPY, news, rows.rows_of_texts)


def _copy_parts(cursor: Cursor, statement: str, news: Sequence[NewRun], rows_of: _RowsOf) -> None:
    """Copy rows in parts: while one is made, the server writes the part before it."""
    with cursor.copy(statement) as copy:
        for first in range(0, len(news), _PART):
            copy.write(copy_block(rows_of(news[first : first + _PART])))


def _marks(cursor: Cursor, news: Sequence[NewRun]) -> dict[RunKey, str]:
    """The marks of those records that exist."""
    found = cursor.execute(_MARKS, key_arrays(new.key for new in news))
    return {RunKey.trusted(run_id, client_id): mark for run_id, client_id, mark in found}
