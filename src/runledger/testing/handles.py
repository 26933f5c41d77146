"""Handles on a store under test: an adapter's objects, each call of which is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from ..domain import (
    BATCH,
    FinishedRuns,
    Guarantees,
    LogLine,
    NewRun,
    RunAccess,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    RunRemoval,
    RunRepository,
)
from .calls import Call
from .rules import Rule, RuleBroken


class Recorder(Protocol):
    """What keeps the calls of handles, and judges what they return."""

    def noted(self, handle: str, method: str, *arguments: Any) -> Call: ...

    def watched(self, call: Call) -> AbstractContextManager[None]: ...

    def broken(self, what: str, rule: Rule | None = None) -> RuleBroken: ...

    def require_record(self, record: Any) -> None: ...

    def require_line(self, line: Any) -> None: ...

    def require_keys(self, keys: Any, news: Sequence[NewRun]) -> None: ...


def as_new(run: NewRun | RunRecord) -> NewRun:
    """A run to create, also given as a record without notes."""
    return run if isinstance(run, NewRun) else NewRun(run)


class AccessOnTrial:
    """An adapter's updates and reads, each recorded. An error that is not one of the ledger's breaks a rule."""

    def __init__(self, adapter: RunAccess, name: str, trial: Recorder) -> None:
        self.adapter = adapter
        self._name = name
        self._trial = trial

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record: RunRecord = self._done("update", key, change, at)
        self._trial.require_record(record)
        return record

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        self._done("update_many", changes, at)

    def get(self, key: RunKey) -> RunRecord:
        record: RunRecord = self._done("get", key)
        self._trial.require_record(record)
        return record

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        call = self._trial.noted(self._name, "log", key, *([] if last is None else [last]))
        with self._trial.watched(call):
            for line in self.adapter.log(key, last):
                self._trial.require_line(line)
                yield line

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        call = self._trial.noted(self._name, "find", query)
        with self._trial.watched(call):
            for record in self.adapter.find(query):
                self._trial.require_record(record)
                yield record

    def _done(self, method: str, *arguments: Any) -> Any:
        call = self._trial.noted(self._name, method, *arguments)
        with self._trial.watched(call):
            return getattr(self.adapter, method)(*arguments)


class RepositoryOnTrial(AccessOnTrial):
    """One handle on the store: an adapter, each call of which is recorded."""

    adapter: RunRepository

    @property
    def guarantees(self) -> Guarantees:
        given: object = getattr(self.adapter, "guarantees", None)
        if not isinstance(given, Guarantees):
            raise self._trial.broken(f"the repository's guarantees are {given!r}, not a Guarantees", Rule.PROMISES)
        return given

    def create(self, run: NewRun | RunRecord) -> RunKey:
        new = as_new(run)
        key: RunKey = self._done("create", new)
        self._trial.require_keys([key], [new])
        return key

    def create_many(self, runs: Sequence[NewRun | RunRecord]) -> Sequence[RunKey]:
        news = [as_new(run) for run in runs]
        keys: Sequence[RunKey] = self._done("create_many", news)
        self._trial.require_keys(keys, news)
        return keys

    def without_creation(self) -> AccessOnTrial:
        return AccessOnTrial(self.adapter.without_creation(), f"{self._name}.without_creation()", self._trial)

    def close(self) -> None:
        self._done("close")


class RemovalOnTrial:
    """The right to remove finished runs of the store."""

    def __init__(self, adapter: RunRemoval, name: str, trial: Recorder) -> None:
        self.adapter = adapter
        self._name = name
        self._trial = trial

    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        call = self._trial.noted(self._name, "remove_runs", finished, batch)
        with self._trial.watched(call):
            yield from self.adapter.remove_runs(finished, batch)
