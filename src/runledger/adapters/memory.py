"""Runs in memory: dictionaries and `RunRecord.apply`. For tests, and the shortest example of an adapter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from threading import Lock

from attrs import field, frozen

from ..domain import (
    BATCH,
    Backend,
    Finding,
    FinishedRuns,
    Guarantees,
    InvalidStoreURL,
    LogLine,
    NewRun,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    UnknownMetric,
    changed_records,
    fitting,
    latest_of,
    newest_first,
    rejected_keys,
)


@frozen
class _Table:
    columns: frozenset[str] | None
    records: dict[RunKey, RunRecord] = field(factory=dict)
    keys: defaultdict[str, list[RunKey]] = field(factory=lambda: defaultdict(list))
    """By run id, so that finding the records of one run does not look at all of them."""
    logs: defaultdict[RunKey, list[LogLine]] = field(factory=lambda: defaultdict(list))
    marks: dict[RunKey, str] = field(factory=dict)
    lock: Lock = field(factory=Lock)

    def require_columns(self, key: RunKey, names: Iterable[str]) -> None:
        if self.columns is not None:
            for name in names:
                if name not in self.columns:
                    raise UnknownMetric(key, name)


class InMemoryRunAccess:
    """Updates and reads; see RunUpdates and RunReads."""

    def __init__(self, table: _Table) -> None:
        self._table = table

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return self._change([(key, change)], at)[key]

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        self._change(changes, at)

    def get(self, key: RunKey) -> RunRecord:
        record = self._table.records.get(key)
        if record is None:
            raise RunNotFound(key)
        return record

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        notes = self.get(key).notes
        lines = self._table.logs.get(key, [])
        if len(lines) < notes:  # the run was removed just now
            raise RunNotFound(key)
        end = len(lines)  # lines that are appended meanwhile are not read
        return islice(lines, 0 if last is None else max(0, end - last), end)

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        with self._table.lock:
            records = self._records(query.run_id)
        found = sorted(filter(query.matches, records), key=newest_first, reverse=True)
        return islice(found, query.limit)

    def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        for record in self.find(query):
            log = tuple(self._table.logs.get(record.key, ())[: record.notes])
            if len(log) == record.notes:  # else the run was removed meanwhile
                yield record, log

    def latest(self, since: datetime | None = None) -> Iterator[RunRecord]:
        """See LatestStore."""
        return iter(latest_of(self.find(RunQuery(since=since))))

    def _records(self, run_id: str | None) -> list[RunRecord]:
        table = self._table
        if run_id is None:
            return list(table.records.values())
        return [table.records[key] for key in table.keys.get(run_id, ())]

    def _change(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> dict[RunKey, RunRecord]:
        table = self._table
        with table.lock:
            changed = changed_records(table.records, changes, at)
            for key, change in changes:
                table.require_columns(key, [*change.metrics, *change.add])
            for key, change in changes:  # before the records, so that no reader finds a record without its lines
                if (line := change.line(at)) is not None:
                    table.logs[key].append(line)
            table.records.update(changed)
        return changed


class InMemoryRunRepository(InMemoryRunAccess):
    """A store for tests. With `columns` it rejects other metric names, as a table with those columns would."""

    guarantees = Guarantees()

    def __init__(self, *, columns: Iterable[str] | None = None) -> None:
        super().__init__(_Table(None if columns is None else frozenset(columns)))

    def create(self, new: NewRun) -> RunKey:
        table, key = self._table, new.record.key
        with table.lock:
            if key not in table.records:
                table.require_columns(key, new.record.metrics)
                self._insert(new)
            elif not new.created(table.marks[key]):
                raise RunAlreadyExists([key])
        return key

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        table = self._table
        with table.lock:
            marks = {new.key: table.marks[new.key] for new in news if new.key in table.records}
            if rejected := rejected_keys(news, marks):
                raise RunAlreadyExists(rejected)
            missing = [new for new in news if new.key not in marks]  # the others were created by this start
            for new in missing:
                table.require_columns(new.key, new.record.metrics)
            for new in missing:
                self._insert(new)
        return [new.key for new in news]

    def without_creation(self) -> InMemoryRunAccess:
        return InMemoryRunAccess(self._table)

    def close(self) -> None:
        """Nothing is open; the records stay."""

    def _insert(self, new: NewRun) -> None:
        table, key = self._table, new.record.key
        if new.log:
            table.logs[key] = list(new.log)
        table.marks[key] = new.mark
        table.records[key] = new.record
        table.keys[key.run_id].append(key)


class InMemoryRunRemoval:
    """Removes the finished runs of a repository; see RunRemoval. The repository does not know it."""

    def __init__(self, repository: InMemoryRunRepository) -> None:
        self._table = repository._table

    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        table = self._table
        with table.lock:
            left = [record for record in table.records.values() if finished.includes(record)]
        while left:
            count = fitting((record.notes for record in left), batch)
            yield self._remove([record.key for record in left[:count]], finished)
            del left[:count]

    def close(self) -> None:
        """Nothing is open."""

    def _remove(self, keys: Iterable[RunKey], finished: FinishedRuns) -> int:
        table = self._table
        with table.lock:
            there = [key for key in keys if key in table.records and finished.includes(table.records[key])]
            for key in there:  # the record first, so that no reader finds a record without its log
                del table.records[key], table.marks[key]
                table.logs.pop(key, None)
            for run_id in {key.run_id for key in there}:
                table.keys[run_id] = [key for key in table.keys[run_id] if key in table.records]
                if not table.keys[run_id]:
                    del table.keys[run_id]
        return len(there)


def open_url(url: str) -> InMemoryRunRepository:
    """`memory://`: a new, empty store each time."""
    if url != "memory://":
        raise InvalidStoreURL("the in-memory store has no address: write memory://, and pass columns in code.")
    return InMemoryRunRepository()


def _examine(url: str) -> Iterator[Finding]:
    open_url(url)
    yield Finding.ok("the store of memory:// opens")


def _removal(url: str) -> InMemoryRunRemoval:
    return InMemoryRunRemoval(open_url(url))


BACKEND = Backend(open=open_url, examine=_examine, removal=_removal, is_lasting=False)
