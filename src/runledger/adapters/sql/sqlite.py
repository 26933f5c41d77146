"""Runs in a SQLite file: the embedded default. Durable on return, for many threads and processes, fair among them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from ... import domain
from ...domain import (
    Guarantees,
    LogLine,
    NewRun,
    RunChange,
    RunKey,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnusable,
    changed_records,
    missing_runs,
)
from ...domain.json_form import MALFORMED, time_text
from ...domain.late_names import LateModule
from .row_faults import LACKS_LINES, MORE_LINES, unfit_log
from .rows import (
    LINE,
    PAGE,
    RECORD,
    RUN,
    SHORT,
    conditions,
    latest_by_page,
    lines_of_texts,
    log_from_texts,
    metrics_text,
    metrics_texts,
    pages,
    record_from_texts,
    records_from_texts,
    records_with_logs,
    rows_of_texts,
    summary_of_texts,
)
from .sqlite_file import SQLiteFile
from .sqlite_read_only import ReadOnlySQLiteFile, open_file
from .sqlite_url import path_of

if TYPE_CHECKING:
    from ...domain import stored_row
else:
    stored_row = LateModule("...domain.stored_row", __package__)

_BATCH = 400  # twice as many placeholders: SQLite before 3.32 allows 999
_LINES = 5000  # of a log that are read at once
# S608 is not about these: what is put into them are column names, constants of `rows`.
_INSERT = f"INSERT INTO runs ({RUN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
# A run that starts has no end and no error. Binding None takes Python four times as long as binding a text.
_START = f"INSERT INTO runs ({RUN}) VALUES (?, ?, ?, ?, ?, NULL, ?, ?, NULL, ?, ?)"  # noqa: S608
_OF_START = itemgetter(0, 1, 2, 3, 4, 6, 7, 9, 10)
# A join from the keys uses the primary key; (run_id, client_id) IN (VALUES …) would scan the whole table.
_OF_KEYS = "FROM wanted CROSS JOIN runs ON run_id = run AND client_id = client"
_MARKS = f"WITH wanted (run, client) AS (VALUES {{}}) SELECT run_id, client_id, mark {_OF_KEYS}"
_SELECT = f"SELECT {RECORD} FROM runs WHERE run_id = ? AND client_id = ?"  # noqa: S608
_SELECT_TO_UPDATE = f"SELECT {RECORD}, rowid FROM runs WHERE run_id = ? AND client_id = ?"  # noqa: S608
_SELECT_BATCH = f"WITH wanted (run, client) AS (VALUES {{}}) SELECT {RECORD}, runs.rowid {_OF_KEYS}"
# An index has only the runs that are not Completed; the planner uses it only if the condition says so in its words.
_UNFINISHED = " AND status <> 'Completed'"
_NEWEST = " ORDER BY started_at DESC, run_id DESC, client_id DESC LIMIT ?"
_FIND = f"SELECT {RECORD} FROM {{}} WHERE {{}}{_NEWEST}"  # noqa: S608
# Several statuses are merged from one search of that index for each. With IN, every page would sort all that is left.
_OF_STATUS = f"SELECT rowid, * FROM runs WHERE status = '{{}}'{_UNFINISHED}"  # noqa: S608
# A hundred runs a row: JSON that SQLite has joined is decoded together, and nothing grows with the table. The ids are
# there for ORDER BY: SQLite merges the statuses only by columns that it selects.
_SUMMARY = """SELECT group_concat(status), min(started_at), max(ended_at), group_concat(metrics)
    FROM (SELECT rowid, run_id, client_id, status, started_at, ended_at, metrics FROM {} WHERE {}{})
    GROUP BY rowid / 100"""
# A loose index scan: for each client one search for the next id, and one for its newest run.
_LATEST = f"""WITH RECURSIVE clients (id) AS (
        SELECT min(client_id) FROM runs WHERE client_id > ?
        UNION ALL SELECT (SELECT min(client_id) FROM runs WHERE client_id > id) FROM clients WHERE id NOTNULL LIMIT ?)
    SELECT {RECORD} FROM clients JOIN runs ON runs.rowid = (
        SELECT rowid FROM runs AS own WHERE own.client_id = id ORDER BY started_at DESC, run_id DESC LIMIT 1)
    ORDER BY client_id"""  # noqa: S608
# Two statements, because naming an indexed column (status) in SET rewrites its index entry even if it stays the same.
_UPDATE = "UPDATE runs SET metrics = ?, notes = ?, error = ?, updated_at = ? WHERE rowid = ?"
_FINISH = _UPDATE.replace("SET", "SET status = ?, ended_at = ?,")
_APPEND = f"INSERT INTO run_notes ({LINE}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
_NOTES = "SELECT notes FROM runs WHERE run_id = ? AND client_id = ?"
_LOG = """SELECT at, text FROM run_notes
    WHERE run_id = ? AND client_id = ? AND position > ? AND position <= ? ORDER BY position"""
# Short logs come with their records, each as one text: no note has a line feed. Long ones are read page by page. Lines
# come in the order of the primary key, the only tree that has them: sorting them would take half as long again. SQLite
# joins them once, and not once for each mention.
_TEXTS = "at || '\n' || text, '\n'"
_FIND_WITH_LOGS = _FIND.replace(
    " FROM",
    f""", CASE WHEN notes BETWEEN 1 AND 100 THEN (SELECT CASE WHEN count(*) = runs.notes AND
        length(CAST(group_concat({_TEXTS}) AS BLOB)) <= {SHORT} THEN group_concat({_TEXTS}) END
        FROM run_notes AS n WHERE n.run_id = runs.run_id AND n.client_id = runs.client_id) END FROM""",  # noqa: S608
)


class SQLiteRunAccess:
    """Updates and reads; see RunUpdates and RunReads."""

    def __init__(self, file: SQLiteFile | ReadOnlySQLiteFile) -> None:
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

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        counted = self._file.read(_NOTES, (key.run_id, key.client_id), key)
        if not counted:
            raise RunNotFound(key)
        end = counted[0][0]
        position = 0 if last is None else max(0, end - last)
        while position < end:
            upto = min(position + _LINES, end)
            rows = self._file.read(_LOG, (key.run_id, key.client_id, position, upto), key)
            if len(rows) != upto - position:
                self.get(key)  # which is missing, if it was removed just now
                raise unfit_log(key, LACKS_LINES)
            yield from log_from_texts(key, rows)
            position = upto

    def find(self, query: domain.RunQuery) -> Iterator[RunRecord]:
        for rows in self._pages(_FIND, query):
            yield from records_from_texts(rows)

    def find_with_logs(self, query: domain.RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        """See LoggedStore. A run with a long log that is removed before its log is read is left out."""
        for rows in self._pages(_FIND_WITH_LOGS, query):
            records = records_from_texts([row[:10] for row in rows])
            yield from records_with_logs(records, [row[10] for row in rows], self.log)

    def latest(self, since: datetime | None = None) -> Iterator[RunRecord]:
        """See LatestStore."""
        return latest_by_page(lambda client_id: self._file.read(_LATEST, (client_id, PAGE)), records_from_texts, since)

    def summary(self, query: domain.RunQuery) -> domain.RunSummary:
        """See SummableStore."""
        where, values = conditions(query, "?", time_text)
        where += _naming_index(query)
        if query.limit is None:  # all that match, in any order
            sql = _SUMMARY.format("runs", where, "")
        else:
            sql = _SUMMARY.format(_merged(query), where, _NEWEST)
            values.append(query.limit)
        try:
            return self._file.reading(summary_of_texts, sql, values)
        except MALFORMED:
            return domain.summary_of(self.find(query))  # which names the row

    def stored_rows(self) -> Iterator[stored_row.StoredRow]:
        """See RowStore."""
        from .stored_rows import rows_of_sqlite  # here, because only an audit needs it

        return rows_of_sqlite(self._file.read)

    def _pages(self, select: str, query: domain.RunQuery) -> Iterator[list[tuple[Any, ...]]]:
        def read(where: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
            return self._file.read(select.format(_merged(query), where + _naming_index(query)), values)

        return pages(query, "?", time_text, read)


class SQLiteRunRepository(SQLiteRunAccess):
    """The ledger in the file at `path`, made there on first use.

    With `synchronous` FULL an acknowledged write survives a power cut. With NORMAL it survives only a crash of the
    process (https://www.sqlite.org/pragma.html#pragma_synchronous). `wait` is how long, in seconds, a call waits for
    other writers before it raises StoreUnavailable. Raises StoreUnusable, and leaves the file as it is, if that is not
    a ledger or is of a newer version. Who may not write the file can read it; writing raises StoreUnusable.
    Raises InvalidValue for an argument that cannot be used.
    """

    guarantees = Guarantees()

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "NORMAL"] = "FULL", wait: float = 10.0
    ) -> None:
        super().__init__(open_file(path, synchronous, wait))

    def identity(self) -> tuple[int, int]:
        """See IdentifiedStore: the file, by any path."""
        return self._file.identity()

    def create(self, new: NewRun) -> RunKey:
        self._create([new], new.key)
        return new.key

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self._create(news)
        return [new.key for new in news]

    def without_creation(self) -> SQLiteRunAccess:
        return SQLiteRunAccess(self._file)

    def close(self) -> None:
        self._file.close()

    def _create(self, news: Sequence[NewRun], key: RunKey | None = None) -> None:
        try:
            self._file.write(lambda cursor: _insert(cursor, news), key)
            return
        except StoreUnusable as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise
        # After the handler, so that a traceback of RunAlreadyExists does not begin with a damaged file.
        self._file.write(lambda cursor: _insert(cursor, _missing(cursor, news)), key)


def open_url(url: str) -> SQLiteRunRepository:
    """The store at a URL that `path_of` reads."""
    return SQLiteRunRepository(path_of(url))


def _insert(cursor: sqlite3.Cursor, news: Sequence[NewRun]) -> None:
    rows = list(rows_of_texts(news))
    if len(news) > 1:  # in key order, so that an index is written in one place after another: 0.9 of the time
        rows.sort(key=itemgetter(1))
        rows.sort(key=itemgetter(0))  # after the other: a pair of texts as the key takes twice the time
    if all(row[5] is row[8] is None for row in rows):
        cursor.executemany(_START, map(_OF_START, rows))
    else:
        cursor.executemany(_INSERT, rows)
    if any(new.log for new in news):
        _append(cursor, lines_of_texts(news))


def _missing(cursor: sqlite3.Cursor, news: Sequence[NewRun]) -> list[NewRun]:
    """The runs without a record. The other ones were created by this very start, or RunAlreadyExists is raised."""
    marks = {
        RunKey.trusted(run_id, client_id): mark
        for first in range(0, len(news), _BATCH)
        for run_id, client_id, mark in _rows_of(cursor, _MARKS, [new.key for new in news[first : first + _BATCH]])
    }
    return missing_runs(news, marks)


def _rows_of(cursor: sqlite3.Cursor, select: str, keys: Iterable[RunKey]) -> list[tuple[Any, ...]]:
    """What a SELECT with room for keys returns for these."""
    ids = dict.fromkeys([(key.run_id, key.client_id) for key in keys])
    places = ",".join(["(?,?)"] * len(ids))
    return cursor.execute(select.format(places), list(chain.from_iterable(ids))).fetchall()


def _append(cursor: sqlite3.Cursor, lines: Iterable[tuple[str, str, int, str, str]]) -> None:
    """Add lines to logs, in the transaction that counts them in their runs."""
    ids: tuple[str, ...] = ()

    def each() -> Iterator[tuple[str, str, int, str, str]]:
        nonlocal ids
        for line in lines:
            ids = line[:2]
            yield line

    try:
        cursor.executemany(_APPEND, each())
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
            raise
        raise unfit_log(RunKey.trusted(*ids), MORE_LINES) from error


def _naming_index(query: domain.RunQuery) -> str:
    return "" if query.status is None or RunStatus.COMPLETED in query.status else _UNFINISHED


def _merged(query: domain.RunQuery) -> str:
    """What to select from: table `runs`, or a union of the runs of each status, which SQLite merges by the index."""
    if query.status is None or len(query.status) == 1 or RunStatus.COMPLETED in query.status:
        return "runs"
    return f"({' UNION ALL '.join([_OF_STATUS.format(status.value) for status in query.status])}) AS runs"


def _update(cursor: sqlite3.Cursor, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
    row = cursor.execute(_SELECT_TO_UPDATE, (key.run_id, key.client_id)).fetchone()
    if row is None:
        raise RunNotFound(key)
    old = record_from_texts(row[:10])
    new = old.apply(change, at)
    metrics = row[6] if new.metrics is old.metrics else metrics_text(new.metrics)
    cursor.execute(*_rewriting(row[10], old, new, metrics, time_text(new.updated_at)))
    if (line := change.line(at)) is not None:
        _append(cursor, [(key.run_id, key.client_id, new.notes, time_text(line.at), line.text)])
    return new


def _update_many(cursor: sqlite3.Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
    text = time_text(at)
    for first in range(0, len(changes), _BATCH):
        _update_some(cursor, changes[first : first + _BATCH], at, text)


def _update_some(cursor: sqlite3.Cursor, changes: Sequence[tuple[RunKey, RunChange]], at: datetime, text: str) -> None:
    """Some of a batch's changes, in their order; `text` is the time `at`."""
    rows = _rows_of(cursor, _SELECT_BATCH, [key for key, _ in changes])
    olds = records_from_texts([row[:10] for row in rows])
    news = {record.key: record for record in olds}
    news |= changed_records(news, changes, at)
    pairs = list(zip(olds, news.values(), strict=True))
    texts = iter(metrics_texts([new.metrics for old, new in pairs if new.metrics is not old.metrics]))
    writes: dict[str, list[tuple[Any, ...]]] = {_UPDATE: [], _FINISH: []}
    for row, (old, new) in zip(rows, pairs, strict=True):
        metrics = row[6] if new.metrics is old.metrics else next(texts)
        sql, values = _rewriting(row[10], old, new, metrics, row[9] if new.updated_at is old.updated_at else text)
        writes[sql].append(values)
    for sql, batch in writes.items():
        cursor.executemany(sql, batch)
    if any(change.note is not None for _, change in changes):
        _append(cursor, _lines(olds, changes, text))


def _lines(
    olds: Iterable[RunRecord], changes: Sequence[tuple[RunKey, RunChange]], text: str
) -> Iterator[tuple[str, str, int, str, str]]:
    """The lines that changes append to the logs of these records; `text` is their time."""
    notes = {old.key: old.notes for old in olds}
    for key, change in changes:
        if change.note is not None:
            notes[key] += 1
            yield key.run_id, key.client_id, notes[key], text, change.note


def _rewriting(
    rowid: int, old: RunRecord, new: RunRecord, metrics: str, updated_at: str
) -> tuple[str, tuple[Any, ...]]:
    """The statement, and its values, that makes of the row with the old record one with the new."""
    state = metrics, new.notes, new.error, updated_at, rowid
    if new.status is old.status:
        return _UPDATE, state
    return _FINISH, (new.status.value, new.ended_at and time_text(new.ended_at), *state)
