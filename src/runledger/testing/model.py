"""What a store must do, as a dictionary and `RunRecord.apply`: the kit's own, independent of every adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from attrs import define, field

from ..domain import (
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    UnknownMetric,
    newest_first,
)


@define
class Model:
    """The methods of the port on a dictionary. With `columns`, other metric names are rejected."""

    columns: Collection[str] | None = None
    records: dict[RunKey, RunRecord] = field(factory=dict)

    def create(self, record: RunRecord) -> RunKey:
        return self.create_many([record])[0]

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        keys = [record.key for record in records]
        if rejected := [key for key, count in Counter(keys).items() if count > 1 or key in self.records]:
            raise RunAlreadyExists(rejected)
        for record in records:
            self._require_columns(record.key, record.metrics)
        self.records.update(zip(keys, records, strict=True))
        return keys

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.update_many([(key, change)], at)
        return self.records[key]

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        after = dict(self.records)
        for key, change in changes:
            if key not in self.records:
                raise RunNotFound(key)
            after[key] = after[key].apply(change, at)
            self._require_columns(key, [*change.metrics, *change.add])
        self.records = after

    def get(self, key: RunKey) -> RunRecord:
        if key not in self.records:
            raise RunNotFound(key)
        return self.records[key]

    def find(self, query: RunQuery) -> list[RunRecord]:
        newest = sorted(self.records.values(), key=newest_first, reverse=True)
        return list(filter(query.matches, newest))[: query.limit]

    def _require_columns(self, key: RunKey, names: Iterable[str]) -> None:
        for name in names:
            if self.columns is not None and name not in self.columns:
                raise UnknownMetric(key, name)
