"""What a store must do, as dictionaries and `RunRecord.apply`: the kit's own, independent of every adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from attrs import define, field

from ..domain import (
    FinishedRuns,
    LogLine,
    NewRun,
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
    """The methods of the port on dictionaries. With `columns`, other metric names are rejected."""

    columns: Collection[str] | None = None
    runs: dict[RunKey, tuple[RunRecord, list[LogLine]]] = field(factory=dict)
    marks: dict[RunKey, str] = field(factory=dict)

    def create(self, new: NewRun) -> RunKey:
        return self.create_many([new])[0]

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        keys = [new.key for new in news]
        own = {new.key for new in news if new.mark != "" and self.marks.get(new.key) == new.mark}
        taken = self.runs.keys() - own
        if rejected := [key for key, count in Counter(keys).items() if count > 1 or key in taken]:
            raise RunAlreadyExists(rejected)
        for new in news:
            if new.key not in own:
                self._require_columns(new.key, new.record.metrics)
        for new in news:
            if new.key not in own:
                self.runs[new.key] = (new.record, list(new.log))
                self.marks[new.key] = new.mark
        return keys

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.update_many([(key, change)], at)
        return self.get(key)

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        after = dict(self.runs)
        for key, change in changes:
            if key not in after:
                raise RunNotFound(key)
            record, lines = after[key]
            more = [] if change.note is None else [LogLine(at, change.note)]
            after[key] = (record.apply(change, at), lines + more)
            self._require_columns(key, [*change.metrics, *change.add])
        self.runs = after

    def remove_runs(self, finished: FinishedRuns) -> int:
        """Remove these runs with their logs. Returns how many there were."""
        removed = [key for key, (record, _) in self.runs.items() if finished.includes(record)]
        self.runs = {key: run for key, run in self.runs.items() if key not in removed}
        for key in removed:
            del self.marks[key]
        return len(removed)

    def get(self, key: RunKey) -> RunRecord:
        if key not in self.runs:
            raise RunNotFound(key)
        return self.runs[key][0]

    def log(self, key: RunKey, last: int | None = None) -> list[LogLine]:
        self.get(key)
        lines = self.runs[key][1]
        return lines if last is None else lines[len(lines) - min(last, len(lines)) :]

    def find(self, query: RunQuery) -> list[RunRecord]:
        newest = sorted((record for record, _ in self.runs.values()), key=newest_first, reverse=True)
        return list(filter(query.matches, newest))[: query.limit]

    def latest(self) -> list[RunRecord]:
        """The newest record of each client, in the order of client ids."""
        clients = sorted({key.client_id for key in self.runs})
        return [self.find(RunQuery(client_id=client_id))[0] for client_id in clients]

    def _require_columns(self, key: RunKey, names: Iterable[str]) -> None:
        for name in names:
            if self.columns is not None and name not in self.columns:
                raise UnknownMetric(key, name)
