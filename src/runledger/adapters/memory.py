"""Runs in memory: a dictionary and `RunRecord.apply`. For tests, and the model that every other adapter follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from threading import Lock

from attrs import field, frozen

from ..domain import (
    Guarantees,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    StoreUnusable,
    UnknownMetric,
    newest_first,
    repeated_keys,
)


@frozen
class _Table:
    columns: frozenset[str] | None
    records: dict[RunKey, RunRecord] = field(factory=dict)
    lock: Lock = field(factory=Lock)

    def require_columns(self, key: RunKey, names: Iterable[str]) -> None:
        if self.columns is not None:
            for name in names:
                if name not in self.columns:
                    raise UnknownMetric(key, name)

    def changed(self, record: RunRecord | None, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if record is None:
            raise RunNotFound(key)
        after = record.apply(change, at)
        if self.columns is not None:
            self.require_columns(key, [*change.metrics, *change.add])
        return after


class InMemoryRunAccess:
    """Updates and reads; see RunUpdates and RunReads."""

    def __init__(self, table: _Table) -> None:
        self._table = table

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        table = self._table
        with table.lock:
            record = table.changed(table.records.get(key), key, change, at)
            table.records[key] = record
        return record

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        table = self._table
        with table.lock:
            new: dict[RunKey, RunRecord] = {}
            for key, change in changes:
                new[key] = table.changed(new.get(key) or table.records.get(key), key, change, at)
            table.records.update(new)

    def get(self, key: RunKey) -> RunRecord:
        record = self._table.records.get(key)
        if record is None:
            raise RunNotFound(key)
        return record

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        with self._table.lock:
            records = list(self._table.records.values())
        found = filter(query.matches, sorted(records, key=newest_first, reverse=True))
        return islice(found, query.limit)


class InMemoryRunRepository(InMemoryRunAccess):
    """A store for tests. With `columns` it refuses other metric names, as a table with those columns would."""

    guarantees = Guarantees()

    def __init__(self, *, columns: Iterable[str] | None = None) -> None:
        super().__init__(_Table(None if columns is None else frozenset(columns)))

    def create(self, record: RunRecord) -> RunKey:
        table = self._table
        with table.lock:
            if record.key in table.records:
                raise RunAlreadyExists([record.key])
            if table.columns is not None:
                table.require_columns(record.key, record.metrics)
            table.records[record.key] = record
        return record.key

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        table = self._table
        new = {record.key: record for record in records}
        with table.lock:
            there = [key for key in new if key in table.records]
            if refused := dict.fromkeys(there + repeated_keys(record.key for record in records)):
                raise RunAlreadyExists(list(refused))
            for record in records:
                table.require_columns(record.key, record.metrics)
            table.records.update(new)
        return list(new)

    def without_creation(self) -> InMemoryRunAccess:
        return InMemoryRunAccess(self._table)

    def close(self) -> None:
        """Nothing is open; the records stay."""


def open_url(url: str) -> InMemoryRunRepository:
    """`memory://`: a new, empty store each time."""
    if url != "memory://":
        raise StoreUnusable("the in-memory store has no address: write memory://, and pass columns in code.")
    return InMemoryRunRepository()
