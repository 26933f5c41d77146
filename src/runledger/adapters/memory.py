"""Runs in memory: dictionaries and `RunRecord.apply`. For tests, and the shortest example of an adapter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice

from attrs import field, frozen

from ..domain import (
    BATCH,
    Backend,
    Finding,
    FinishedRuns,
    Guarantees,
    InvalidStoreURL,
    InvalidValue,
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
    missing_runs,
    newest_first,
)
from ..domain.key import checked_name
from ..domain.visible import shown
from .exclusion import Exclusion


@frozen
class _Table:
    """The runs of a store.

    An interrupt may end a call between any two of its steps. So `records` decides: a run exists, and a change is made,
    as soon as it is in `records`. What an interrupted call wrote into `marks` and `logs` before that is not read, and
    the next call overwrites it.
    """

    columns: frozenset[str] | None
    records: dict[RunKey, RunRecord] = field(factory=dict)
    marks: defaultdict[str, dict[str, str]] = field(factory=lambda: defaultdict(dict))
    """By run id, then client id, so that finding the records of one run does not look at all of them."""
    logs: defaultdict[RunKey, list[LogLine]] = field(factory=lambda: defaultdict(list))
    exclusion: Exclusion = field(factory=Exclusion)

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
        return self._table.exclusion.run(partial(self._change, [(key, change)], at), key)[key]

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        self._table.exclusion.run(partial(self._change, changes, at))

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
        return islice(lines, 0 if last is None else max(0, notes - last), notes)

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        records = self._table.exclusion.run(partial(self._records, query.run_id))
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
        keys = [RunKey.trusted(run_id, client_id) for client_id in table.marks.get(run_id, ())]
        return [table.records[key] for key in keys if key in table.records]

    def _change(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> dict[RunKey, RunRecord]:
        table = self._table
        changed = changed_records(table.records, changes, at)
        for key, change in changes:
            table.require_columns(key, [*change.metrics, *change.add])
        notes = {key: table.records[key].notes for key, change in changes if change.note is not None}
        for key, change in changes:  # before the records, so that no reader finds a record without its lines
            if (line := change.line(at)) is not None:
                table.logs[key][notes[key] :] = [line]
                notes[key] += 1
        # By the keys that are there, so that no code in Python compares them: all are changed in one step.
        table.records.update({record.key: record for record in changed.values()} if len(changed) > 1 else changed)
        return changed


def _names(columns: Iterable[str]) -> frozenset[str]:
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise InvalidValue(f"columns is {shown(columns)}: give a list of metric names.")
    return frozenset(checked_name(each, "column") for each in columns)


class InMemoryRunRepository(InMemoryRunAccess):
    """A store for tests. With `columns` it rejects other metric names, as a table with those columns would.

    Raises InvalidValue.
    """

    guarantees = Guarantees()

    def __init__(self, *, columns: Iterable[str] | None = None) -> None:
        super().__init__(_Table(None if columns is None else _names(columns)))

    def create(self, new: NewRun) -> RunKey:
        key = new.record.key
        self._table.exclusion.run(partial(self._create, new), key)
        return key

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self._table.exclusion.run(partial(self._create_many, news))
        return [new.key for new in news]

    def without_creation(self) -> InMemoryRunAccess:
        return InMemoryRunAccess(self._table)

    def close(self) -> None:
        """Nothing is open; the records stay."""

    def _create(self, new: NewRun) -> None:
        table, key = self._table, new.record.key
        if key not in table.records:
            table.require_columns(key, new.record.metrics)
            self._prepare(new)
            table.records[key] = new.record
        elif not new.is_same_start(table.marks[key.run_id][key.client_id]):
            raise RunAlreadyExists([key])

    def _create_many(self, news: Sequence[NewRun]) -> None:
        table = self._table
        there = [new.key for new in news if new.key in table.records]
        marks = {key: table.marks[key.run_id][key.client_id] for key in there}
        missing = missing_runs(news, marks)
        for new in missing:
            table.require_columns(new.key, new.record.metrics)
        for new in missing:
            self._prepare(new)
        table.records.update({new.key: new.record for new in missing})

    def _prepare(self, new: NewRun) -> None:
        table, key = self._table, new.record.key
        if new.log:
            table.logs[key] = list(new.log)
        table.marks[key.run_id][key.client_id] = new.mark


class InMemoryRunRemoval:
    """Removes the finished runs of a repository; see RunRemoval. The repository does not know it."""

    def __init__(self, repository: InMemoryRunRepository) -> None:
        self._table = repository._table

    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        table = self._table
        records = table.exclusion.run(lambda: list(table.records.values()))
        left = [record for record in records if finished.includes(record)]
        while left:
            count = fitting((record.notes for record in left), batch)
            yield table.exclusion.run(partial(self._remove, [record.key for record in left[:count]], finished))
            del left[:count]

    def close(self) -> None:
        """Nothing is open."""

    def _remove(self, keys: Iterable[RunKey], finished: FinishedRuns) -> int:
        table = self._table
        there = [key for key in keys if key in table.records and finished.includes(table.records[key])]
        for key in there:  # the record first, so that no reader finds a record without its log
            of_run = table.marks[key.run_id]
            del table.records[key], of_run[key.client_id]
            table.logs.pop(key, None)
            if not of_run:
                del table.marks[key.run_id]
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
