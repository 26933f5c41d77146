"""How runs and the lines of their logs are written in rows, for all SQL stores. Metrics are text in JSON form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ... import domain
from ...domain import (
    LogLine,
    Metrics,
    MetricValue,
    NewRun,
    RunKey,
    RunNotFound,
    RunRecord,
    RunStatus,
    UnusableForRun,
)
from ...domain.json_form import MALFORMED, time_of_text, time_text, time_to_json, trusted_metrics
from ...domain.key import unchecked_key
from ...domain.record import unchecked_record
from ...domain.values import unchecked_line
from .row_faults import fault_of, unreadable

RECORD = "run_id, client_id, client_name, status, started_at, ended_at, metrics, notes, error, updated_at"
"""The columns of table `runs` from which a record is read, in their order."""
RUN = f"{RECORD}, mark"
"""All columns of table `runs`, in the order in which a row is written. Only a creation reads the mark."""
LINE = "run_id, client_id, position, at, text"
"""The columns of table `run_notes`. The position of a run's first line is 1, so that of its last is its `notes`."""

PAGE = 500
SHORT = 8_000
"""A log of at most so many bytes is found with its record, so that a page of them is a few megabytes."""
STATUSES = {status.value: status for status in RunStatus}
_FINAL = ", ".join(f"'{status.value}'" for status in RunStatus if status.is_final)


_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=time_to_json
).encode
_decode = json.JSONDecoder().raw_decode


def metrics_text(metrics: Mapping[str, MetricValue]) -> str:
    """The JSON object of metrics as text."""
    return _encode(metrics)


def metrics_texts(many: Sequence[Mapping[str, MetricValue]]) -> list[str]:
    """The JSON objects of many metrics as texts, in half the time: they are encoded together.

    The text "" that is put between two objects makes `,"",` there. That is nowhere else: each name in an object is
    followed by a colon, and each quote in a text by a backslash before it.
    """
    if len(many) < 2:
        return [metrics_text(metrics) for metrics in many]
    between = [each for metrics in many for each in ("", metrics)]
    return _encode(between).removeprefix('["",').removesuffix("]").split(',"",')


def rows_of_texts(news: Sequence[NewRun]) -> Iterator[tuple[str | int | None, ...]]:
    """Rows of table `runs`, in the order of RUN. Every time is a text."""
    at, text = None, ""
    for new, metrics in zip(news, metrics_texts([new.record.metrics for new in news]), strict=True):
        record = new.record
        if record.started_at is not at:  # a batch mostly starts at one time
            at, text = record.started_at, time_text(record.started_at)
        end, updated = record.ended_at, record.updated_at
        ended = None if end is None else time_text(end)
        yield (
            record.key.run_id,
            record.key.client_id,
            record.client_name,
            record.status._value_,  # by a seventh of the time of `value`
            text,
            ended,
            metrics,
            record.notes,
            record.error,
            text if updated is at else ended if updated is end else time_text(updated),
            new.mark,
        )


def lines_of_texts(news: Iterable[NewRun]) -> Iterator[tuple[str, str, int, str, str]]:
    """Rows of table `run_notes`, in the order of LINE: the logs of these runs. Every time is a text."""
    for new in news:
        run_id, client_id = new.key.run_id, new.key.client_id
        for position, line in enumerate(new.log, 1):
            yield run_id, client_id, position, time_text(line.at), line.text


def log_from_texts(key: RunKey, rows: Iterable[tuple[str, str]]) -> list[LogLine]:
    """The lines of a run's log, from rows of `at` and `text`. Their times are texts that are known to end in Z.

    Raises UnusableForRun for a row that an external writer left unreadable.
    """
    found = list(rows)
    texts = [text for _, text in found]
    try:
        "".join(texts)  # TypeError if one is bytes
        return list(map(unchecked_line, _times([at for at, _ in found]), texts))
    except MALFORMED:
        raise UnusableForRun(f"the log of {key} has a line that cannot be read: correct it there.", key) from None


def records_with_logs(
    records: Sequence[RunRecord], logs: Sequence[str | None], log_of: Callable[[RunKey], Iterator[LogLine]]
) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
    """The records with their logs, each log given as one text: its times and texts in turn, one on each line.

    A log without such a text, because it is long or lacks lines, is read by `log_of`. So are all if an external writer
    broke a line in two, or wrote an odd time. A run that is removed before its log is read is left out.
    """
    lines = _lines_of(records, logs)
    for record, text in zip(records, logs, strict=True):
        if not record.notes:
            yield record, ()
        elif lines is not None and text is not None:
            yield record, tuple(islice(lines, record.notes))
        else:
            try:
                log = tuple(islice(log_of(record.key), record.notes))
            except RunNotFound:
                continue
            yield record, log


def _lines_of(records: Sequence[RunRecord], logs: Sequence[str | None]) -> Iterator[LogLine] | None:
    """The lines of the logs that are given as texts, decoded together. None if they cannot be separated, or read."""
    texts = [log for log in logs if log is not None]
    try:
        parts = "\n".join(texts).split("\n") if texts else []
        if len(parts) != 2 * sum([record.notes for record, log in zip(records, logs, strict=True) if log is not None]):
            return None
        return map(unchecked_line, _times(parts[::2]), parts[1::2])
    except MALFORMED:
        return None  # reading the log by itself names the run


def _times(texts: Iterable[str]) -> list[datetime]:
    """The times of texts. Raises one of MALFORMED if one is no time in UTC, as in a damaged file."""
    times = list(map(_read_time, texts))
    if times and min(times).tzinfo is not UTC:  # TypeError if some of them have a zone, and others none
        raise ValueError("not a time in UTC")
    return times


def record_from_texts(row: Sequence[Any], *, points: bool = True) -> RunRecord:
    """The record of a row in the order of RECORD. Its times are texts that are known to be in UTC.

    `points` says whether the store keeps the point or exponent of every float, 1e+300 as such.
    Raises UnusableForRun, with the key, for a row that an external writer left unreadable.
    """
    text = row[6]
    try:
        metrics, end = _decode(text)
        if end != len(text):
            raise ValueError("more than one JSON value")
        scalars = points and text.count("{") == 1 and "[" not in text and "null" not in text
        return _restored(row, Metrics(metrics) if scalars else trusted_metrics(metrics))
    except MALFORMED:
        raise unreadable(row, fault_of(row)) from None


def records_from_texts(rows: Sequence[Sequence[Any]], *, points: bool = True) -> list[RunRecord]:
    """The records of rows, as `record_from_texts` returns them, in half the time."""
    try:
        every_metrics = _decoded(",".join([row[6] for row in rows]), len(rows), points)
        return [_restored(row, metrics) for row, metrics in zip(rows, every_metrics, strict=True)]
    except MALFORMED:
        return [record_from_texts(row, points=points) for row in rows]


def summary_of_texts(rows: Iterable[Sequence[Any]], *, points: bool = True) -> domain.RunSummary:
    """The summary of rows that each combine some runs: their statuses, first start, last end and metrics.

    Statuses and metrics are texts, separated by commas. For `points` see `record_from_texts`. Raises one of MALFORMED.
    """
    return domain.added_up(
        (
            states := [STATUSES[status] for status in statuses.split(",")],
            _decoded(metrics, len(states), points),
            time_of_text(first_start),
            None if last_end is None else time_of_text(last_end),
        )
        for statuses, first_start, last_end, metrics in rows
    )


def _decoded(joined: str, count: int, points: bool) -> list[Metrics]:
    """The metrics of this many JSON objects, separated by commas."""
    scalars = points and joined.count("{") == count and "[" not in joined and "null" not in joined
    metrics_of = Metrics if scalars else trusted_metrics
    decoded, end = _decode(f"[{joined}]")
    if (len(decoded), end) != (count, len(joined) + 2):
        raise ValueError("another number of JSON values")
    return [metrics_of(metrics) for metrics in decoded]


def _restored(row: Sequence[Any], metrics: Metrics) -> RunRecord:
    run_id, client_id, name, status, started, ended, _, notes, error, updated = row
    started_at = _read_time(started)
    ended_at = None if ended is None else _read_time(ended)
    updated_at = started_at if updated == started else _read_time(updated)
    if not (started_at.tzinfo is updated_at.tzinfo is UTC and (ended_at is None or ended_at.tzinfo is UTC)):
        raise ValueError("not a time in UTC")
    if not (type(run_id) is type(client_id) is type(name) is str and (error is None or type(error) is str)):
        raise TypeError("not text")
    if notes < 0:
        raise ValueError("not a number of notes")
    key = unchecked_key(run_id, client_id, None)
    return unchecked_record(key, name, STATUSES[status], started_at, ended_at, metrics, notes, error, updated_at)


_read_time = datetime.fromisoformat

_AFTER = "(started_at, run_id, client_id) < ({0}, {0}, {0})"


def pages(
    query: domain.RunQuery, mark: str, time: Callable[[datetime], Any], read: Callable[[str, list[Any]], list[Any]]
) -> Iterator[list[Any]]:
    """The rows that a query finds, newest start first, page by page.

    `read` is called with a condition and the values for its placeholders; the last value is the LIMIT.
    """
    where, values = conditions(query, mark, time)
    filters = len(values) if query.after is None else len(values) - 3  # the values before those of `after`
    left = query.limit
    while left is None or left > 0:
        size = PAGE if left is None else min(left, PAGE)
        rows = read(where, [*values, size])
        yield rows
        if len(rows) < size:
            return
        if len(values) == filters:
            where = f"{where} AND {_AFTER.format(mark)}"
        run_id, client_id, _, _, started_at = rows[-1][:5]
        values[filters:] = started_at, run_id, client_id
        left = None if left is None else left - size


def latest_by_page(
    read: Callable[[str], Sequence[Sequence[Any]]],
    records_of: Callable[[Sequence[Sequence[Any]]], list[RunRecord]],
    since: datetime | None,
) -> Iterator[RunRecord]:
    """The newest record of each client, if it started at `since` or later.

    `read` returns the newest rows of the PAGE clients whose ids come after the one that it gets.
    """
    client_id = ""
    while rows := read(client_id):
        yield from (record for record in records_of(rows) if since is None or record.started_at >= since)
        if len(rows) < PAGE:
            return
        client_id = rows[-1][1]


def conditions(query: domain.RunQuery, mark: str, time: Callable[[datetime], Any]) -> tuple[str, list[Any]]:
    """The condition of a query, and the values for its placeholders. No text of a caller is in the condition itself.

    `mark` is the driver's placeholder. `time` converts a datetime for it. Statuses are written out: only so do the
    planners use the index on the runs whose status is not Completed. They are constants of the domain. The last three
    values are those of `after`, if the query has it.
    """
    parts = [
        (f"run_id = {mark}", query.run_id),
        (f"client_id = {mark}", query.client_id),
        (f"started_at >= {mark}", query.since and time(query.since)),
        (f"started_at < {mark}", query.until and time(query.until)),
        (f"updated_at < {mark}", query.updated_before and time(query.updated_before)),
    ]
    given = [(sql, value) for sql, value in parts if value is not None]
    clauses, values = [sql for sql, _ in given], [value for _, value in given]
    if query.status is not None:
        literals = ", ".join([f"'{status.value}'" for status in query.status])
        clauses.insert(0, f"status IN ({literals})")
    if query.after is not None:
        started_at, key = query.after
        clauses.append(_AFTER.format(mark))
        values += [time(started_at), key.run_id, key.client_id]
    return " AND ".join(clauses) or "TRUE", values


def finished_runs(
    finished: domain.FinishedRuns, mark: str, time: Callable[[datetime], Any], after: Sequence[Any]
) -> tuple[str, list[Any]]:
    """The condition for finished runs to remove, and the values for its placeholders; see `conditions`.

    `after` is the place of the last run of the batch before, its start as text and its ids; empty for the first batch.
    """
    before = time(finished.before)
    where = f"started_at < {mark} AND coalesce(ended_at, updated_at) < {mark} AND status IN ({_FINAL})"
    values = [before, before, *after]
    if finished.client_id is not None:
        where = f"client_id = {mark} AND {where}"
        values.insert(0, finished.client_id)
    if after:
        where += f" AND (started_at, run_id, client_id) > ({mark}, {mark}, {mark})"
    return where, values
