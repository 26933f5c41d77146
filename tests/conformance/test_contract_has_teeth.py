"""Adapters that are broken on purpose: the contract rejects each, by the test named after the rule it breaks."""

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from runledger.adapters.memory import InMemoryRunAccess, InMemoryRunRepository
from runledger.domain import (
    Metrics,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunRepository,
    StoreUnavailable,
)
from runledger.testing import OpenStore, RunRepositoryContract


class Upserts(InMemoryRunRepository):
    def create(self, record: RunRecord) -> RunKey:
        self._table.records[record.key] = record
        return record.key


class Repairs(InMemoryRunRepository):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if key not in self._table.records:
            self.create(RunRecord.start(key, at))
        return super().update(key, change, at)


class RepairsInBulk(InMemoryRunRepository):
    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        for key, _ in changes:
            if key not in self._table.records:
                self.create(RunRecord.start(key, at))
        super().update_many(changes, at)


def respelled(key: RunKey, spell: Callable[[str], str]) -> RunKey:
    return RunKey(spell(key.run_id), spell(key.client_id))


class Respells(InMemoryRunRepository):
    """Stores and looks up every key under another spelling."""

    @staticmethod
    def spell(text: str) -> str:
        raise NotImplementedError

    def create(self, record: RunRecord) -> RunKey:
        super().create(RunRecord(**{**record.__dict__, "key": respelled(record.key, self.spell)}))
        return record.key

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return super().update(respelled(key, self.spell), change, at)

    def get(self, key: RunKey) -> RunRecord:
        return super().get(respelled(key, self.spell))


class ComparesWithoutCase(Respells):
    @staticmethod
    def spell(text: str) -> str:
        return text.casefold()


class TrimsIds(Respells):
    @staticmethod
    def spell(text: str) -> str:
        return text[:200]


class NormalisesIds(Respells):
    @staticmethod
    def spell(text: str) -> str:
        return text.replace("e\u0301", "\u00e9")


class Caches(InMemoryRunRepository):
    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[RunKey, RunRecord] = {}

    def get(self, key: RunKey) -> RunRecord:
        if key not in self._seen:
            self._seen[key] = super().get(key)
        return self._seen[key]


class SwallowsErrors(InMemoryRunRepository):
    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        for key, change in changes:
            try:
                self.update(key, change, at)
            except RunLedgerError:
                continue


class HalfApplies(InMemoryRunRepository):
    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        for key, change in changes:
            self.update(key, change, at)


class CreatesHalf(InMemoryRunRepository):
    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        return [self.create(record) for record in records]


class LosesAdditions(InMemoryRunRepository):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = self.get(key).apply(change, at)
        time.sleep(0)  # lets another thread in between the read and the write
        self._table.records[key] = record
        return record


class MovesTheEnd(InMemoryRunRepository):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = super().update(key, change, at)
        if record.ended_at is not None:
            record = RunRecord(**{**record.__dict__, "ended_at": at})
            self._table.records[key] = record
        return record


class FinishesTwice(InMemoryRunRepository):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        try:
            return super().update(key, change, at)
        except RunAlreadyFinished:
            return self.get(key)


class RetriesUpdates(InMemoryRunRepository):
    """Sends every addition a second time, as a client does whose first answer was lost."""

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        super().update(key, change, at)
        return super().update(key, RunChange(add=change.add), at)


class TruncatesText(InMemoryRunRepository):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = super().update(key, change, at)
        if record.error:
            record = RunRecord(**{**record.__dict__, "error": record.error[:65_535]})
            self._table.records[key] = record
        return record


class KeepsFloatsOnly(InMemoryRunRepository):
    def create(self, record: RunRecord) -> RunKey:
        numbers = {n: float(v) if type(v) is int else v for n, v in record.metrics.items()}
        return super().create(RunRecord(**{**record.__dict__, "metrics": Metrics(numbers)}))


class ListsOldestFirst(InMemoryRunRepository):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return iter(list(super().find(query))[::-1])


class ForgetsTheLimit(InMemoryRunRepository):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return super().find(RunQuery(**{**query.__dict__, "limit": None}))


class PagesByCounting(InMemoryRunRepository):
    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        offset = 0
        while page := list(super().find(query))[offset : offset + 100]:
            yield from page
            offset += 100


class SaysUnavailableForMissing(InMemoryRunRepository):
    def get(self, key: RunKey) -> RunRecord:
        try:
            return super().get(key)
        except RunNotFound:
            raise StoreUnavailable("no such row", Outcome.NOT_APPLIED) from None

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        self.get(key)
        return super().update(key, change, at)


class NamesTheWrongKey(InMemoryRunRepository):
    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        try:
            return super().create_many(records)
        except RunAlreadyExists:
            raise RunAlreadyExists([records[0].key]) from None


class LeavesCreationInReach(InMemoryRunRepository):
    def without_creation(self) -> InMemoryRunAccess:
        return self


class RacesToCreate(InMemoryRunRepository):
    def create(self, record: RunRecord) -> RunKey:
        there = record.key in self._table.records
        time.sleep(0)
        if there:
            raise RunAlreadyExists([record.key])
        self._table.records[record.key] = record
        return record.key


class KeepsTheLastOfABatch(InMemoryRunRepository):
    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        super().update_many(list(dict(changes).items()), at)


class NeedsOneRecordAtLeast(InMemoryRunRepository):
    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        if not records:
            raise IndexError("an empty batch")
        return super().create_many(records)


class AddsToAnything(InMemoryRunRepository):
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        numbers = {n: v for n, v in self.get(key).metrics.items() if type(v) in (int, float)}
        known = {n: v for n, v in change.add.items() if n in numbers}
        new = {n: v for n, v in change.add.items() if n not in numbers}
        return super().update(key, RunChange(metrics={**change.metrics, **new}, add=known), at)


BROKEN: list[tuple[type[InMemoryRunRepository], str]] = [
    (Upserts, "test_a_second_create_is_refused_and_the_first_record_stays"),
    (Repairs, "test_updating_a_missing_run_creates_nothing"),
    (RepairsInBulk, "test_a_missing_run_in_a_bulk_update_leaves_the_others_as_they_were"),
    (ComparesWithoutCase, "test_keys_are_compared_exactly"),
    (TrimsIds, "test_keys_are_compared_exactly"),
    (NormalisesIds, "test_keys_are_compared_exactly"),
    (Caches, "test_a_read_sees_every_write_before_it"),
    (SwallowsErrors, "test_a_missing_run_in_a_bulk_update_leaves_the_others_as_they_were"),
    (HalfApplies, "test_a_missing_run_in_a_bulk_update_leaves_the_others_as_they_were"),
    (CreatesHalf, "test_an_existing_run_in_a_bulk_start_leaves_none_of_the_others"),
    (LosesAdditions, "test_additions_made_at_once_are_all_counted"),
    (MovesTheEnd, "test_a_finished_run_stays_finished_and_its_end_never_moves"),
    (FinishesTwice, "test_of_many_who_finish_one_run_exactly_one_succeeds"),
    (RetriesUpdates, "test_additions_made_at_once_are_all_counted"),
    (TruncatesText, "test_values_at_their_limits_come_back_exactly"),
    (KeepsFloatsOnly, "test_a_record_comes_back_as_it_was_created"),
    (ListsOldestFirst, "test_find_pages_through_many_without_loss_or_repeat"),
    (ForgetsTheLimit, "test_find_pages_through_many_without_loss_or_repeat"),
    (PagesByCounting, "test_find_pages_through_many_without_loss_or_repeat"),
    (SaysUnavailableForMissing, "test_updating_a_missing_run_creates_nothing"),
    (NamesTheWrongKey, "test_an_existing_run_in_a_bulk_start_leaves_none_of_the_others"),
    (LeavesCreationInReach, "test_what_has_no_right_to_create_updates_the_same_store"),
    (KeepsTheLastOfABatch, "test_a_bulk_update_applies_changes_of_one_key_in_their_order"),
    (NeedsOneRecordAtLeast, "test_empty_bulk_calls_do_nothing"),
    (AddsToAnything, "test_what_cannot_be_added_changes_nothing"),
    (RacesToCreate, "test_of_many_who_create_one_run_exactly_one_succeeds"),
]
RULES = {name: test for name, test in inspect.getmembers(RunRepositoryContract) if name.startswith("test_")}
THE_MODEL = "test_any_history_leaves_what_the_rules_say"
UNKNOWN_COLUMN = "test_an_unknown_column_is_refused_and_nothing_written"


def breaks(rule: str, adapter: Callable[[], RunRepository]) -> bool:
    def new_store() -> OpenStore:
        repository = adapter()
        return lambda: repository

    opened = new_store()
    fixtures: dict[str, Any] = {"new_store": new_store, "open_store": opened, "repository": opened()}
    needs = [name for name in inspect.signature(RULES[rule]).parameters if name != "self"]
    try:
        RULES[rule](RunRepositoryContract(), *(fixtures[name] for name in needs))
    except (Exception, pytest.fail.Exception):
        return True
    return False


@pytest.mark.parametrize(("adapter", "rule"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_adapter_is_rejected_by_the_rule_it_breaks(adapter: type[InMemoryRunRepository], rule: str) -> None:
    assert breaks(rule, adapter)


def test_a_sound_adapter_is_not_rejected() -> None:
    assert [rule for rule in RULES if breaks(rule, InMemoryRunRepository)] == []


def test_no_rule_is_without_an_adapter_that_breaks_it() -> None:
    assert set(RULES) - {rule for _, rule in BROKEN} == {THE_MODEL, UNKNOWN_COLUMN}


@pytest.mark.parametrize("adapter", [Upserts, Repairs, HalfApplies, KeepsFloatsOnly, SwallowsErrors])
def test_the_comparison_with_the_model_finds_a_broken_adapter_too(adapter: type[InMemoryRunRepository]) -> None:
    assert breaks(THE_MODEL, adapter)
