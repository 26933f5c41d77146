"""Adapters that are broken on purpose, each in one way, under the rule that it breaks."""

import atexit
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, RLock
from typing import Any, ClassVar, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from attrs import asdict, evolve
from locked_in_one_process import LockedInOneProcess
from written_in_parts import StartsInParts, WritesTheLastAlone

from redis_server import admin, server_url
from runledger.adapters.memory import InMemoryRunAccess, InMemoryRunRemoval, InMemoryRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import (
    FinishedRuns,
    Guarantees,
    LogLine,
    Metrics,
    NewRun,
    Outcome,
    RunAccess,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunRemoval,
    RunRepository,
    RunStatus,
    RunSummary,
    StoreUnavailable,
    StoreUnusable,
    changed_records,
    summary_of,
)
from runledger.domain.stored_row import StoredRow
from runledger.testing import COLUMNS, OpenStore, Rule, RunRepositoryContract, ServedStore
from runledger_redis import RedisRunRepository

Changes = Sequence[tuple[RunKey, RunChange]]


class BrokenAdapter(Protocol):
    """A class of adapters that is broken on purpose, and how to open a store with it.

    `tests` names the tests of the contract that it is tried with, if not all; `served` is the server of its store.
    """

    @classmethod
    def new_store(cls) -> OpenStore: ...

    @classmethod
    def open_removal(cls, repository: RunRepository) -> RunRemoval: ...


A = TypeVar("A", bound=BrokenAdapter)

BREAKS: dict[type[BrokenAdapter], frozenset[Rule]] = {}
"""Each broken adapter with the rules that the contract must say it breaks, and no others."""


def breaks(*rules: Rule) -> Callable[[type[A]], type[A]]:
    def note(adapter: type[A]) -> type[A]:
        BREAKS[adapter] = frozenset(rules)
        return adapter

    return note


class Broken(InMemoryRunRepository):
    """The model, of which each class breaks something. One object is the store, and every handle on it."""

    Removal: ClassVar[Callable[..., InMemoryRunRemoval]] = InMemoryRunRemoval

    @classmethod
    def new_store(cls) -> OpenStore:
        store = cls()
        return lambda: store

    @classmethod
    def open_removal(cls, repository: RunRepository) -> RunRemoval:
        """The removal of the store of a repository, which is of this class or the model."""
        return cls.Removal(repository)

    def put(self, record: RunRecord) -> None:
        self._table.marks[record.key.run_id].setdefault(record.key.client_id, "")
        self._table.records[record.key] = record

    def put_run(self, new: NewRun) -> None:
        self.put(new.record)
        self._table.logs[new.key] = list(new.log)
        self._table.marks[new.key.run_id][new.key.client_id] = new.mark

    def put_with_line(self, record: RunRecord, line: LogLine | None) -> None:
        """Raises RunNotFound if the run was removed since it was read."""
        self._table.exclusion.run(partial(self._put_with_line, record, line))

    def _put_with_line(self, record: RunRecord, line: LogLine | None) -> None:
        if record.key not in self._table.records:
            raise RunNotFound(record.key)
        self.put(record)
        if line is not None:
            self._table.logs[record.key][record.notes - 1 :] = [line]


class BrokenHandle(Broken):
    """Separate handles on one store."""

    @classmethod
    def new_store(cls) -> OpenStore:
        store = InMemoryRunRepository()

        def opened() -> InMemoryRunRepository:
            handle = cls()
            handle._table = store._table
            return handle

        return opened


def with_end(record: RunRecord, ended_at: datetime | None) -> RunRecord:
    """The record with another end, unchecked."""
    return RunRecord.trusted(
        record.key.run_id,
        record.key.client_id,
        record.client_name,
        record.status,
        record.started_at,
        ended_at,
        Metrics(record.metrics),
        record.notes,
        record.error,
        record.updated_at,
    )


class Alters(Broken):
    """Stores a record other than the given one."""

    def __init__(self) -> None:
        super().__init__()
        self._acting = RLock()

    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        raise NotImplementedError

    def create(self, new: NewRun) -> RunKey:
        return super().create(self._altered(new))

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        return super().create_many([self._altered(new) for new in news])

    def _altered(self, new: NewRun) -> NewRun:
        return evolve(new, record=self.altered(new.record, new.record.started_at))

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        with self._acting:
            self.put(self.altered(super().update(key, change, at), at))
            return self.get(key)

    def update_many(self, changes: Changes, at: datetime) -> None:
        with self._acting:
            super().update_many(changes, at)
            for key, _ in changes:
                self.put(self.altered(self.get(key), at))


# -- created once


@breaks(Rule.CREATED_ONCE)
class OverwritesOnCreate(Broken):
    def create(self, new: NewRun) -> RunKey:
        self.put_run(new)
        return new.key


@breaks(Rule.CREATED_ONCE)
class AcceptsASecondCreate(Broken):
    def create(self, new: NewRun) -> RunKey:
        try:
            return super().create(new)
        except RunAlreadyExists as error:
            return error.keys[0]


@breaks(Rule.CREATED_ONCE)
class OverwritesInBulk(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        for new in news:
            self.put_run(new)
        return [new.key for new in news]


@breaks(Rule.CREATED_ONCE)
class LooksBeforeItCreates(Broken):
    def create(self, new: NewRun) -> RunKey:
        if new.key in self._table.records and not new.is_same_start(
            self._table.marks[new.key.run_id][new.key.client_id]
        ):
            raise RunAlreadyExists([new.key])
        time.sleep(0.001)  # as long as a request takes
        if new.key not in self._table.records:
            self.put_run(new)
        return new.key


# -- updated only; no recovery, no registry


@breaks(Rule.UPDATED_ONLY)
class Repairs(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if key not in self._table.records:
            self.create(NewRun(RunRecord.start(key, at)))
        return super().update(key, change, at)


@breaks(Rule.UPDATED_ONLY)
class RepairsForAnErrorAlone(Broken):
    """Makes the record only if the change carries an error and nothing else."""

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if key not in self._table.records and change.error is not None and change == RunChange(error=change.error):
            self.create(NewRun(RunRecord.start(key, at)))
        return super().update(key, change, at)


@breaks(Rule.UPDATED_ONLY)
class RepairsInBulk(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        for key, _ in changes:
            if key not in self._table.records:
                self.create(NewRun(RunRecord.start(key, at)))
        super().update_many(changes, at)


@breaks(Rule.UPDATED_ONLY)
class CreatesAndThenRefuses(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if key not in self._table.records:
            self.create(NewRun(RunRecord.start(key, at)))
            raise RunNotFound(key)
        return super().update(key, change, at)


@breaks(Rule.UPDATED_ONLY, Rule.FINISHED_ONCE)
class SwallowsErrors(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        try:
            super().update_many(changes, at)
        except RunLedgerError:
            return


@breaks(Rule.UPDATED_ONLY, Rule.NO_REGISTRY)
class SaysUnavailableForMissing(Broken):
    def get(self, key: RunKey) -> RunRecord:
        try:
            return super().get(key)
        except RunNotFound:
            raise StoreUnavailable("no such row", Outcome.NOT_APPLIED, key) from None

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.get(key)
        return super().update(key, change, at)


@breaks(Rule.NO_REGISTRY)
class LooksUnderAnotherSpelling(Broken):
    def get(self, key: RunKey) -> RunRecord:
        try:
            return super().get(key)
        except RunNotFound:
            return super().get(RunKey(key.run_id.lower(), key.client_id.lower()))


@breaks(Rule.NO_REGISTRY, Rule.WRITTEN)
class Caches(BrokenHandle):
    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[RunKey, RunRecord] = {}

    def get(self, key: RunKey) -> RunRecord:
        if key not in self._seen:
            self._seen[key] = super().get(key)
        return self._seen[key]

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self._seen[key] = super().update(key, change, at)
        return self._seen[key]

    def update_many(self, changes: Changes, at: datetime) -> None:
        super().update_many(changes, at)
        self._seen.clear()


# -- ids are opaque


class Respells(Broken):
    """Stores and looks up every key under another spelling."""

    @staticmethod
    def spelled(key: RunKey) -> RunKey:
        raise NotImplementedError

    def create(self, new: NewRun) -> RunKey:
        super().create(evolve(new, record=evolve(new.record, key=self.spelled(new.key))))
        return new.key

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        super().create_many([evolve(new, record=evolve(new.record, key=self.spelled(new.key))) for new in news])
        return [new.key for new in news]

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return super().update(self.spelled(key), change, at)

    def get(self, key: RunKey) -> RunRecord:
        return super().get(self.spelled(key))

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        self.get(key)
        lines = self._table.logs[self.spelled(key)]
        return iter(lines if last is None else lines[max(0, len(lines) - last) :])


@breaks(Rule.OPAQUE_IDS)
class TrimsIds(Respells):
    @staticmethod
    def spelled(key: RunKey) -> RunKey:
        return RunKey(key.run_id[:200], key.client_id[:200])


@breaks(Rule.OPAQUE_IDS)
class NormalisesUnicode(Respells):
    @staticmethod
    def spelled(key: RunKey) -> RunKey:
        return RunKey(key.run_id.replace("e\u0301", "\u00e9"), key.client_id.replace("e\u0301", "\u00e9"))


class ComparesByIndex(Broken):
    """Keeps records as they are, under an index of its own that takes some keys for others."""

    def __init__(self) -> None:
        super().__init__()
        self._index: dict[object, RunKey] = {}

    @staticmethod
    def entry(key: RunKey) -> object:
        raise NotImplementedError

    def create(self, new: NewRun) -> RunKey:
        if self._index.get(self.entry(new.key), new.key) != new.key:
            raise RunAlreadyExists([new.key])
        self._index[self.entry(new.key)] = super().create(new)
        return new.key


@breaks(Rule.OPAQUE_IDS)
class ComparesWithoutCase(ComparesByIndex):
    @staticmethod
    def entry(key: RunKey) -> object:
        return key.run_id.casefold(), key.client_id.casefold()


@breaks(Rule.OPAQUE_IDS)
class JoinsTheTwoIds(ComparesByIndex):
    @staticmethod
    def entry(key: RunKey) -> object:
        return f"{key.run_id}:{key.client_id}"


@breaks(Rule.OPAQUE_IDS)
class TakesIdsForNumbers(ComparesByIndex):
    @staticmethod
    def entry(key: RunKey) -> object:
        return tuple(float(text) if text.isdecimal() else text for text in (key.run_id, key.client_id))


# -- finished once


@breaks(Rule.FINISHED_ONCE, Rule.ATOMIC, Rule.PROMISES)
class FinishesTwice(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        try:
            return super().update(key, change, at)
        except RunAlreadyFinished:
            return self.get(key)


@breaks(Rule.FINISHED_ONCE)
class ReopensInBulk(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        super().update_many([(key, evolve(change, status=None, error=None)) for key, change in changes], at)
        for key, change in changes:
            if change.status is not None:
                record = self.get(key)
                self.put(evolve(record, status=change.status, ended_at=max(at, record.started_at)))


@breaks(Rule.FINISHED_ONCE, Rule.PROMISES)
class MovesTheEnd(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return record if record.ended_at is None else evolve(record, ended_at=max(at, record.ended_at))


@breaks(Rule.FINISHED_ONCE)
class EndsBeforeTheStart(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        if record.ended_at is None or at >= record.started_at:
            return record
        return with_end(record, at)


@breaks(Rule.FINISHED_ONCE, Rule.PROMISES)
class RefusesLateNotes(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = self._table.records.get(key)
        if record is not None and record.status.is_final:
            raise RunAlreadyFinished(key, record.status)
        return super().update(key, change, at)


# -- retry only at creation


@breaks(Rule.SENT_ONCE, Rule.ATOMIC, Rule.PROMISES)
class RetriesUpdates(Broken):
    """Sends every addition a second time, as a client does whose first answer was lost."""

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = super().update(key, change, at)
        if change.add:
            super().update(key, RunChange(add=change.add), at)
        return record


# -- raised and reported


@breaks(Rule.RAISED)
class RaisesADriversError(Broken):
    def get(self, key: RunKey) -> RunRecord:
        return self._table.records[key]


@breaks(Rule.RAISED)
class RaisesADriversErrorInFind(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        records = list(super().find(query))
        yield records[0]
        yield from records[1:]


@breaks(Rule.RAISED)
class NeedsOneRecordAtLeast(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        assert news, "an empty batch"
        return super().create_many(news)


@breaks(Rule.RAISED)
class NamesNoKey(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        try:
            return super().update(key, change, at)
        except RunNotFound as error:
            error.key = None
            raise


@breaks(Rule.RAISED)
class NamesTheWrongKey(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        try:
            return super().create_many(news)
        except RunAlreadyExists:
            raise RunAlreadyExists([news[-1].key]) from None


@breaks(Rule.RAISED)
class BlamesTheStoreFirst(Broken):
    def create(self, new: NewRun) -> RunKey:
        try:
            return super().create(new)
        except RunAlreadyExists as error:
            refused = error
        try:
            raise StoreUnusable("the index has the key twice: restore a backup")
        except StoreUnusable:
            raise RunAlreadyExists(refused.keys)  # noqa: B904


@breaks(Rule.RAISED, Rule.WHOLE)
class KeepsQuietAboutWhatItMade(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        return [self.create(new) for new in news]


# -- whole or not at all


@breaks(Rule.WHOLE, Rule.FINISHED_ONCE)
class HalfAppliesABulkUpdate(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        for key, change in changes:
            self.update(key, change, at)


@breaks(Rule.WHOLE)
class LosesTheLastOfEachTen(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        super().update_many([pair for i, pair in enumerate(changes) if i % 10 != 9], at)


class CommitsInBatches(Broken):
    """Promises atomic_bulk, and commits so many rows at a time."""

    rows: ClassVar[int]

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        for i in range(0, len(news), self.rows):
            super().create_many(news[i : i + self.rows])
        return [new.key for new in news]

    def update_many(self, changes: Changes, at: datetime) -> None:
        for i in range(0, len(changes), self.rows):
            super().update_many(changes[i : i + self.rows], at)


@breaks(Rule.WHOLE)
class CommitsTenAtATime(CommitsInBatches):
    rows = 10


@breaks(Rule.WHOLE)
class CommitsAHundredAtATime(CommitsInBatches):
    rows = 100


@breaks(Rule.WHOLE)
class Commits250AtATime(CommitsInBatches):
    rows = 250


@breaks(Rule.WHOLE, Rule.UPDATED_ONLY)
class SendsTheFirstBatchAlone(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        super().update_many(changes[:200], at)


@breaks(Rule.LOGGED)
class StripsNotes(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        note = change.note and (change.note.strip() or change.note)
        return super().update(key, evolve(change, note=note), at)


@breaks(Rule.WHOLE)
class StripsErrors(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return evolve(record, error=record.error and record.error.strip())


@breaks(Rule.WHOLE)
class HalfAppliesAnUpdate(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        for name, number in change.add.items():
            super().update(key, RunChange(add={name: number}), at)
        return super().update(key, evolve(change, add={}), at)


@breaks(Rule.WHOLE)
class TruncatesText(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return evolve(record, error=record.error and record.error[:65_535])


@breaks(Rule.WHOLE)
class CutsNames(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return evolve(record, client_name=record.client_name.encode("latin-1", "replace").decode("latin-1"))


@breaks(Rule.WHOLE)
class KeepsFloatsOnly(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        metrics = {name: float(value) if type(value) is int else value for name, value in record.metrics.items()}
        return evolve(record, metrics=Metrics(metrics))


@breaks(Rule.WHOLE)
class KeepsBoolsAsNumbers(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        metrics = {name: int(value) if type(value) is bool else value for name, value in record.metrics.items()}
        return evolve(record, metrics=Metrics(metrics))


@breaks(Rule.WHOLE, Rule.LOGGED)
class KeepsTheLastOfABatch(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        super().update_many(list(dict(changes).items()), at)


@breaks(Rule.WHOLE)
class AddsToAnything(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        numbers = {n for n, v in self.get(key).metrics.items() if type(v) in (int, float)}
        known = {n: v for n, v in change.add.items() if n in numbers}
        new = {n: v for n, v in change.add.items() if n not in numbers}
        return super().update(key, evolve(change, metrics={**change.metrics, **new}, add=known), at)


@breaks(Rule.WHOLE)
class LeavesOutUnknownColumns(Broken):
    guarantees = Guarantees(exact_values=False)

    def create(self, new: NewRun) -> RunKey:
        known = {n: v for n, v in new.record.metrics.items() if n in COLUMNS}
        return super().create(evolve(new, record=evolve(new.record, metrics=known)))

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        known = {name: value for name, value in change.metrics.items() if name in COLUMNS}
        return super().update(key, evolve(change, metrics=known), at)


# -- times


@breaks(Rule.TIMES, Rule.PROMISES)
class DropsMilliseconds(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        ended_at = record.ended_at and record.ended_at.replace(microsecond=0)
        return evolve(
            record, started_at=record.started_at.replace(microsecond=0), ended_at=ended_at, updated_at=record.updated_at
        )


@breaks(Rule.TIMES, Rule.PROMISES)
class RoundsTheEndToSeconds(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return with_end(record, record.ended_at and record.ended_at.replace(microsecond=0))


@breaks(Rule.TIMES)
class ReturnsLocalTimes(Broken):
    def get(self, key: RunKey) -> RunRecord:
        record = super().get(key)
        local = record.started_at.astimezone(timezone(timedelta(hours=10)))
        fields: dict[str, Any] = {**asdict(record, recurse=False), "started_at": local}
        fields.pop("key")
        return RunRecord.trusted(key.run_id, key.client_id, **fields)


@breaks(Rule.TIMES, Rule.PROMISES)
class IgnoresHeartbeats(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return (
            self.get(key) if change == RunChange() and key in self._table.records else super().update(key, change, at)
        )


@breaks(Rule.TIMES)
class MovesUpdatedAtBack(Alters):
    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return evolve(record, updated_at=at)


# -- every note is a line of the log


@breaks(Rule.LOGGED)
class LogsBackwards(Broken):
    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        return iter(list(super().log(key, last))[::-1])


@breaks(Rule.LOGGED)
class ReadsTheFirstLinesAsTheLast(Broken):
    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        return islice(super().log(key), last)


@breaks(Rule.NO_REGISTRY)
class HasALogOfEveryRun(Broken):
    """Reads lines without looking whether there is a record."""

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        lines = self._table.logs.get(key, [])
        return iter(lines if last is None else lines[max(0, len(lines) - last) :])


@breaks(Rule.LOGGED)
class AppendsBeforeItLooks(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        line = change.line(at)
        if line is not None and (key not in self._table.records or self._table.records[key].status.is_final):
            self._table.logs.setdefault(key, []).append(line)
        return super().update(key, change, at)

    def create(self, new: NewRun) -> RunKey:
        orphans = list(self._table.logs.get(new.key, []))
        key = super().create(new)
        if new.key in self._table.records and not self._table.logs[key]:
            self._table.logs[key] = orphans
        return key

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        self.get(key)
        lines = self._table.logs.get(key, [])
        return iter(lines if last is None else lines[max(0, len(lines) - last) :])


@breaks(Rule.LOGGED)
class ReadsPagesByOffset(Broken):
    """Skips a line of a log that grows between two pages."""

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        lines = list(super().log(key, last))
        yield from lines[:100]
        yield from list(super().log(key, last))[100 + (len(self._table.logs[key]) - len(lines)) :]


@breaks(Rule.LOGGED)
class FindsLogsShort(Broken):
    def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        return ((record, log[:3]) for record, log in super().find_with_logs(query))


# -- the start that comes again


@breaks(Rule.CREATED_ONCE, Rule.LOGGED)
class KnowsNoRetry(Broken):
    def create(self, new: NewRun) -> RunKey:
        return super().create(evolve(new, mark=""))

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        return super().create_many([evolve(new, mark="") for new in news])


@breaks(Rule.CREATED_ONCE)
class KnowsRetriesByTheirTimes(Broken):
    def create(self, new: NewRun) -> RunKey:
        there = self._table.records.get(new.key)
        if there is not None and new.is_retry and new.record.is_start_of(there):
            return new.key
        return super().create(new)


@breaks(Rule.CREATED_ONCE)
class WritesTheRecordAgainOnARetry(Broken):
    def create(self, new: NewRun) -> RunKey:
        key = super().create(new)
        self.put(new.record)
        return key


@breaks(Rule.RAISED)
class HidesWhatARetryHadCreated(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        try:
            return super().create_many(news)
        except RunAlreadyExists as error:
            raise RunAlreadyExists(error.keys) from None


# -- who may only update cannot create


@breaks(Rule.CANNOT_CREATE)
class GivesItselfAway(Broken):
    def without_creation(self) -> InMemoryRunAccess:
        return self


@breaks(Rule.CANNOT_CREATE)
class KeepsCreationInAnAttribute(Broken):
    def without_creation(self) -> InMemoryRunAccess:
        access = super().without_creation()
        access._repository = self  # type: ignore[attr-defined]
        return access


@breaks(Rule.CANNOT_CREATE)
class KeepsCreationInAClosure(Broken):
    def without_creation(self) -> InMemoryRunAccess:
        access = super().without_creation()
        access.get = lambda key: self.get(RunKey(key.run_id, key.client_id))  # type: ignore[method-assign]
        return access


# -- written when it returns


@breaks(Rule.WRITTEN)
class ReturnsTheRecordBefore(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        before = self._table.records.get(key)
        return [super().update(key, change, at), before][-1] or self.get(key)


@breaks(Rule.WRITTEN)
class ReturnsNothing(Broken):
    def create(self, new: NewRun) -> RunKey:
        super().create(new)
        return None  # type: ignore[return-value]


@breaks(Rule.WRITTEN)
class ReturnsKeysInAnotherOrder(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        return sorted(super().create_many(news))


@breaks(Rule.WRITTEN, Rule.NO_REGISTRY, Rule.CREATED_ONCE, Rule.PROMISES)
class WritesWhenItCloses(BrokenHandle):
    @classmethod
    def new_store(cls) -> OpenStore:
        saved = InMemoryRunRepository()

        def opened() -> InMemoryRunRepository:
            handle = cls()
            handle._saved = saved
            _save(saved, handle)
            return handle

        return opened

    _saved: InMemoryRunRepository

    def close(self) -> None:
        _save(self, self._saved)


def _save(handle: InMemoryRunRepository, other: InMemoryRunRepository) -> None:
    for name in ("records", "logs", "marks"):
        getattr(other._table, name).update(getattr(handle._table, name))


# -- updates are atomic


@breaks(Rule.ATOMIC, Rule.PROMISES)
class ReadsAndThenWrites(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = super().get(key).apply(change, at)
        time.sleep(0.001)  # as long as a request takes
        self.put_with_line(record, change.line(at))
        return record


@breaks(Rule.ATOMIC)
class ReadsAndThenWritesInBulk(Broken):
    def update_many(self, changes: Changes, at: datetime) -> None:
        before = dict(self._table.records)
        super().update_many(changes, at)  # raises what it raises
        changed = changed_records(before, changes, at)
        time.sleep(0.001)  # as long as a request takes
        for record in changed.values():
            self.put(record)


@breaks(Rule.PROMISES)
class LocksEachHandleAlone(BrokenHandle):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        with self._own_lock:
            record = super().get(key).apply(change, at)
            time.sleep(0.001)  # as long as a request takes
            self.put_with_line(record, change.line(at))
            return record

    def update_many(self, changes: Changes, at: datetime) -> None:
        with self._own_lock:
            super().update_many(changes, at)

    def __init__(self) -> None:
        super().__init__()
        self._own_lock = RLock()


@breaks(Rule.ATOMIC)
class LocksInTheOrderOfTheCall(Broken):
    """Two bulk calls that name their runs in opposite orders wait for each other for ever."""

    patience = 5

    def __init__(self) -> None:
        super().__init__()
        self._locks: defaultdict[RunKey, Lock] = defaultdict(Lock)

    def update_many(self, changes: Changes, at: datetime) -> None:
        with ExitStack() as stack:
            for key in dict.fromkeys(key for key, _ in changes) if len(changes) == 2 else ():
                stack.enter_context(self._locks[key])
                time.sleep(0.005)  # so that the calls cross
            super().update_many(changes, at)


@breaks(Rule.NEVER_WAITS)
class WaitsForItsOwnThread(Broken):
    """Updates under a lock that is not reentrant, as that of a file is not."""

    patience = 0.5
    tests: ClassVar = {"test_a_call_within_a_call_of_its_thread_succeeds_or_is_rejected_immediately"}

    def __init__(self) -> None:
        super().__init__()
        self._own_lock = Lock()

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        with self._own_lock:
            return super().update(key, change, at)


@breaks(Rule.PROMISES)
class PromisesInWords(Broken):
    guarantees = "everything"  # type: ignore[assignment]


@breaks(Rule.PROMISES, Rule.WHOLE)
class PromisesAtomicBulk(Broken):
    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        made: list[RunKey] = []
        for new in news:
            try:
                made.append(self.create(new))
            except RunAlreadyExists as error:
                raise error.having_applied(made) from None
        return made


# -- found in order


@breaks(Rule.PROMISES, Rule.FINISHED_ONCE)
class PromisesEachStatus(Alters):
    """Has no label for a status, and stores another one."""

    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        if record.status is not RunStatus.COMPLETED_WITH_ERRORS:
            return record
        return evolve(record, status=RunStatus.COMPLETED)


@breaks(Rule.PROMISES, Rule.FINISHED_ONCE)
class PromisesTheEnd(Alters):
    """Reads the last sign of life as the end."""

    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return with_end(record, record.updated_at if record.status.is_final else None)


@breaks(Rule.PROMISES, Rule.TIMES)
class PromisesHeartbeats(Alters):
    """Keeps no time of an update, and reads the start instead."""

    def altered(self, record: RunRecord, at: datetime) -> RunRecord:
        return evolve(record, updated_at=record.ended_at or record.started_at)


@breaks(Rule.FOUND_IN_ORDER)
class AddsUpWithoutLimit(Broken):
    def summary(self, query: RunQuery) -> RunSummary:
        return summary_of(self.find(evolve(query, limit=None)))


@breaks(Rule.FOUND_IN_ORDER)
class ListsOldestFirst(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return iter(list(super().find(query))[::-1])


@breaks(Rule.FOUND_IN_ORDER)
class HasNoStableOrder(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return iter(sorted(super().find(query), key=lambda record: (record.started_at, hash(record.key)), reverse=True))


@breaks(Rule.FOUND_IN_ORDER)
class ForgetsTheLimit(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return super().find(evolve(query, limit=None))


@breaks(Rule.FOUND_IN_ORDER)
class RepeatsWhilePaging(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        offset = 0
        while page := list(super().find(query))[offset : offset + 100]:
            yield from page
            offset += 100


@breaks(Rule.FOUND_IN_ORDER)
class StopsAfterThePage(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return iter(list(super().find(query))[:1000])


@breaks(Rule.FOUND_IN_ORDER)
class ReadsAllBeforeTheFirst(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return iter([RunRecord.from_json(record.to_json()) for record in super().find(query)])


@breaks(Rule.FOUND_IN_ORDER)
class FindsAfterSince(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return (record for record in super().find(query) if query.since is None or record.started_at > query.since)


@breaks(Rule.FOUND_IN_ORDER)
class FindsOneOfSeveralStatuses(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return super().find(evolve(query, status=query.status and query.status[:1]))


@breaks(Rule.FOUND_IN_ORDER)
class ContinuesAfterAllThatStartedThen(Broken):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        until = query.after and min(query.after[0], query.until or query.after[0])
        return super().find(query if until is None else evolve(query, until=until))


@breaks(Rule.FOUND_IN_ORDER)
class ListsTheLatestByTheirStarts(Broken):
    def latest(self, since: datetime | None = None) -> Iterator[RunRecord]:
        return iter(sorted(super().latest(since), key=lambda record: record.started_at))


@breaks(Rule.FOUND_IN_ORDER)
class ForgetsTheRunIdOfTheLatest(Broken):
    """Of equal starts it takes the one with the lowest run id."""

    def latest(self, since: datetime | None = None) -> Iterator[RunRecord]:
        newest: dict[str, RunRecord] = {}
        for record in self.find(RunQuery(since=since)):
            there = newest.setdefault(record.key.client_id, record)
            if there.started_at == record.started_at:
                newest[record.key.client_id] = record
        return iter([newest[client_id] for client_id in sorted(newest)])


@breaks(Rule.PROMISES)
class IsRecognisedOnlyWhileNothingIsWritten(Broken):
    def identity(self) -> int:
        return len(self._table.records)


class ReturnsRows(Broken):
    """Returns the rows of its records, also without the right to create. Each class below returns others."""

    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        return map(StoredRow.of_record, access.find(RunQuery()))

    def stored_rows(self) -> Iterator[StoredRow]:
        return self.rows(self)

    def without_creation(self) -> InMemoryRunAccess:
        access = super().without_creation()
        access.stored_rows = partial(self.rows, access)  # type: ignore[attr-defined]
        return access


@breaks(Rule.PROMISES)
class ReturnsNoRowsWithoutCreation(ReturnsRows):
    def without_creation(self) -> InMemoryRunAccess:
        return InMemoryRunRepository.without_creation(self)


@breaks(Rule.PROMISES)
class LeavesFinishedRowsOut(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        return map(StoredRow.of_record, access.find(RunQuery(status=RunStatus.RUNNING)))


@breaks(Rule.PROMISES)
class RepeatsRows(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        for record in access.find(RunQuery()):
            yield from [StoredRow.of_record(record)] * 2


@breaks(Rule.PROMISES)
class ReadsAllRowsBeforeTheFirst(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        return iter([StoredRow.of_record(record) for record in access.find(RunQuery())])


@breaks(Rule.PROMISES)
class ReturnsRecordsAsRows(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[Any]:
        return access.find(RunQuery())


@breaks(Rule.PROMISES)
class ReadsIdsOfRowsWithoutCase(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        for row in map(StoredRow.of_record, access.find(RunQuery())):
            yield evolve(row, client_id=row.client_id.lower())


@breaks(Rule.PROMISES)
class FindsFaultWithValidRows(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        for row in map(StoredRow.of_record, access.find(RunQuery())):
            yield evolve(row, fault="it has no notes")


@breaks(Rule.PROMISES)
class GivesAllRowsOneOrder(ReturnsRows):
    @staticmethod
    def rows(access: RunAccess) -> Iterator[StoredRow]:
        for row in map(StoredRow.of_record, access.find(RunQuery())):
            yield evolve(row, order=(0.0, datetime(2025, 11, 24, tzinfo=UTC), ""))


@breaks(Rule.WHOLE)
class RefusesEverythingLong(Broken):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if change.error is not None and len(change.error) > 10_000:
            raise StoreUnusable("too long", key)
        return super().update(key, change, at)


# -- removed as asked


class BrokenRemoval(InMemoryRunRemoval):
    """The model's removal, of which each `Removal` below breaks something."""

    def taken(self, finished: FinishedRuns) -> list[RunKey]:
        return [record.key for record in list(self._table.records.values()) if finished.includes(record)]

    def forget(self, *keys: RunKey) -> None:
        for key in keys:
            for kept in (self._table.records, self._table.logs):
                kept.pop(key, None)
            self._table.marks[key.run_id].pop(key.client_id, None)


@breaks(Rule.REMOVED)
class RemovesByTheStart(Broken):
    class Removal(BrokenRemoval):
        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            for record in [r for r in list(self._table.records.values()) if r.started_at < finished.before]:
                if record.status.is_final:
                    self.forget(record.key)
                    yield 1


@breaks(Rule.REMOVED)
class RemovesRunningRuns(Broken):
    class Removal(BrokenRemoval):
        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            yield from super().remove_runs(finished, batch)
            for record in list(self._table.records.values()):
                if not record.status.is_final and record.started_at < finished.before:
                    self.forget(record.key)
                    yield 1


@breaks(Rule.REMOVED)
class RemovesOfAllClients(Broken):
    class Removal(BrokenRemoval):
        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            return super().remove_runs(FinishedRuns(before=finished.before), batch)


@breaks(Rule.REMOVED)
class RemovesEverythingInOneBatch(Broken):
    class Removal(BrokenRemoval):
        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            keys = self.taken(finished)
            self.forget(*keys)
            yield len(keys)


@breaks(Rule.REMOVED)
class RemovesWhatItFoundAtFirst(Broken):
    class Removal(BrokenRemoval):
        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            for key in self.taken(finished):
                is_there = key in self._table.records
                self.forget(key)
                yield int(is_there)


@breaks(Rule.REMOVED)
class RemovesWhatItFoundBeforeItsLock(Broken):
    class Removal(BrokenRemoval):
        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            while found := self.taken(finished)[:1]:
                there = [key for key in found if key in self._table.records]
                self._table.exclusion.run(partial(self.forget, *there))
                yield len(there)


@breaks(Rule.REMOVED)
class WaitsForEverWhereTwoRemove(Broken):
    patience = 0.5
    tests: ClassVar = {"test_a_run_that_is_removed_and_started_again_within_a_batch_is_kept"}

    def __init__(self) -> None:
        super().__init__()
        self.removing = Lock()

    class Removal(BrokenRemoval):
        def __init__(self, repository: InMemoryRunRepository) -> None:
            super().__init__(repository)
            self.repository = repository

        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            if not self.repository.removing.acquire(blocking=False):  # type: ignore[attr-defined]
                Event().wait()
            try:
                yield from super().remove_runs(finished, batch)
            finally:
                self.repository.removing.release()  # type: ignore[attr-defined]


@breaks(Rule.REMOVED)
class RemovesAndKeepsTheKey(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.gone: set[RunKey] = set()

    class Removal(BrokenRemoval):
        def __init__(self, repository: InMemoryRunRepository) -> None:
            super().__init__(repository)
            self.repository = repository

        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            self.repository.gone.update(self.taken(finished))  # type: ignore[attr-defined]
            return super().remove_runs(finished, batch)

    def create(self, new: NewRun) -> RunKey:
        if new.key in self.gone:
            raise RunAlreadyExists([new.key])
        return super().create(new)


@breaks(Rule.UPDATED_ONLY)
class UpdatesWhatIsRemoved(Broken):
    """An update whose run is removed between its read and its write writes the record again."""

    tests: ClassVar = {"test_updating_a_run_that_is_removed_meanwhile_creates_nothing"}  # in others nobody comes

    def __init__(self) -> None:
        super().__init__()
        self.has_read, self.is_removed = Event(), Event()

    class Removal(BrokenRemoval):
        def __init__(self, repository: "UpdatesWhatIsRemoved") -> None:
            super().__init__(repository)
            self.repository = repository

        def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
            self.repository.has_read.wait(20)  # for an update
            yield from super().remove_runs(finished, batch)
            self.repository.is_removed.set()

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        before, log = self._table.records.get(key), list(self._table.logs.get(key, ()))
        if before is not None and before.status.is_final:
            self.has_read.set()
            self.is_removed.wait(20)
            if key not in self._table.records:
                self.put_run(NewRun(before, log))
        return super().update(key, change, at)


@breaks(Rule.CANNOT_REMOVE)
class KeepsTheRemoval(Broken):
    def without_creation(self) -> InMemoryRunAccess:
        access = super().without_creation()
        access._removal = InMemoryRunRemoval(self)  # type: ignore[attr-defined]
        return access


# -- the same in processes that are spawned


@breaks(Rule.CREATED_ONCE, Rule.PROMISES)
class LocksWithinOneProcess(LockedInOneProcess):
    tests: ClassVar = {name for name in dir(RunRepositoryContract) if "handles" in name or "processes" in name}

    @classmethod
    def new_store(cls) -> OpenStore:
        return partial(LockedInOneProcess, Path(_folder(), f"{uuid4()}.db"))

    @classmethod
    def open_removal(cls, repository: RunRepository) -> RunRemoval:
        raise NotImplementedError


class KilledInSQLite:
    """Adapters of a file that a killed process leaves; each is in a module that a spawned process imports quickly."""

    tests: ClassVar = {"test_a_bulk_call_whose_process_is_killed_leaves_all_or_nothing_where_promised"}
    adapter: ClassVar[type[SQLiteRunRepository]]

    @classmethod
    def new_store(cls) -> OpenStore:
        return partial(cls.adapter, Path(_folder(), f"{uuid4()}.db"))

    @classmethod
    def open_removal(cls, repository: RunRepository) -> RunRemoval:
        raise NotImplementedError


@breaks(Rule.PROMISES)
class LeavesStartsInParts(KilledInSQLite):
    adapter = StartsInParts


@breaks(Rule.PROMISES)
class LeavesTheLastUpdateOut(KilledInSQLite):
    adapter = WritesTheLastAlone


@cache
def _folder() -> str:
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return folder.name


# -- a connection that is lost


class BrokenInRedis(RedisRunRepository):
    """A sound adapter of a server, of which each class breaks what follows a lost connection."""

    tests: ClassVar = {"test_what_a_lost_connection_leaves_is_what_is_reported"}

    @classmethod
    def new_store(cls) -> OpenStore:
        admin().flushdb()
        return partial(cls, server_url())

    @classmethod
    def open_removal(cls, repository: RunRepository) -> RunRemoval:
        raise NotImplementedError

    @classmethod
    def served(cls) -> ServedStore:
        server = urlsplit(server_url())
        return ServedStore(str(server.hostname), server.port or 0, lambda host, port: cls(f"redis://{host}:{port}/0"))


@breaks(Rule.RAISED)
class ReportsALostUpdateAsMade(BrokenInRedis):
    def update_many(self, changes: Changes, at: datetime) -> None:
        with suppress(StoreUnavailable):
            super().update_many(changes, at)


@breaks(Rule.RAISED)
class ReportsALostStartAsMade(BrokenInRedis):
    def create(self, new: NewRun) -> RunKey:
        with suppress(StoreUnavailable):
            return super().create(new)
        return new.key


@breaks(Rule.RAISED)
class ReportsALostAnswerAsNotApplied(BrokenInRedis):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        try:
            return super().update(key, change, at)
        except StoreUnavailable:
            raise StoreUnavailable("no answer", Outcome.NOT_APPLIED, key) from None


@breaks(Rule.SENT_ONCE)
class SendsAgainWhatWasNotAnswered(BrokenInRedis):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        try:
            return super().update(key, change, at)
        except StoreUnavailable:
            return super().update(key, change, at)
