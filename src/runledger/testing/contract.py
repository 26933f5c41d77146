"""The conformance suite: what every adapter must do, rule by rule, each test named after its rule.

Subclass RunRepositoryContract in a test file and give the fixture `new_store`: a function that makes a new, empty store
and returns a function that opens a repository over it, as often as it is called:

    class TestSQLite(RunRepositoryContract):
        @pytest.fixture
        def new_store(self, tmp_path):
            def new():
                path = tmp_path / f"{uuid4()}.db"
                return lambda: SQLiteRunRepository(path)
            return new

What the repository's `guarantees` promise beyond the rules is put to the test; what they do not promise is not. A store
without `exact_values` must have the metric columns `runledger.testing.COLUMNS`; no other names are then used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, ClassVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ..adapters.memory import InMemoryRunRepository
from ..domain import (
    MetricValue,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunRepository,
    RunStatus,
    UnknownMetric,
)
from .strategies import (
    AWKWARD,
    COLUMNS,
    changes,
    column_additions,
    column_metrics,
    keys,
    near_times,
    queries,
    records,
)

OpenStore = Callable[[], RunRepository]

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
EVERYTHING = RunQuery()


def started(run_id: str, client_id: str = "acme", at: datetime = AT) -> RunRecord:
    """The record of a run that has just started."""
    return RunRecord.start(RunKey(run_id, client_id), at)


def as_kept(record: RunRecord, repository: RunRepository) -> Any:
    """A record as a value to compare: where the store promises exact values, 1 is neither 1.0 nor True."""
    if repository.guarantees.exact_values:
        return record, {name: (type(value), value) for name, value in record.metrics.items()}
    kept = {name: value for name, value in record.metrics.items() if value is not False and value != ""}
    return {**record.__dict__, "metrics": kept}


class RunRepositoryContract:
    """Every test runs on a repository over an empty store."""

    examples: ClassVar[int] = 100
    """How many random histories the comparison with the model goes through."""

    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        raise NotImplementedError(
            "define the fixture new_store: a function that makes an empty store and returns a function that opens it"
        )

    @pytest.fixture
    def open_store(self, new_store: Callable[[], OpenStore]) -> OpenStore:
        return new_store()

    @pytest.fixture
    def repository(self, open_store: OpenStore) -> Iterator[RunRepository]:
        repository = open_store()
        yield repository
        repository.close()

    # A store's own threads may use `random` while Hypothesis draws; none of what is drawn depends on that.
    @pytest.mark.filterwarnings("ignore:Do not use the `random` module")
    def test_any_history_leaves_what_the_rules_say(self, new_store: Callable[[], OpenStore]) -> None:
        machine = cast(type[RuleBasedStateMachine], lambda: _History(new_store()()))
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=self.examples,
                stateful_step_count=15,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    def test_a_record_comes_back_as_it_was_created(self, repository: RunRepository) -> None:
        metrics: Mapping[str, MetricValue] = {"n": 1, "i": 1.0, "b": True, "text": "ü", "when": AT}
        record = RunRecord.start(RunKey("r", "c"), AT, client_name="Åcme 株", metrics=metrics)
        assert repository.create(record) == record.key
        assert as_kept(repository.get(record.key), repository) == as_kept(record, repository)

    def test_a_second_create_is_refused_and_the_first_record_stays(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        with pytest.raises(RunAlreadyExists) as refusal:
            repository.create(started("r", at=AT + timedelta(hours=1)))
        assert refusal.value.key == RunKey("r", "acme")
        assert list(repository.find(EVERYTHING)) == [started("r")]

    def test_a_read_sees_every_write_before_it(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        key = RunKey("r", "acme")
        for i in range(3):
            updated = repository.update(key, RunChange(metrics={"i": i}), AT + timedelta(seconds=i))
            assert updated.metrics == {"i": i}
            assert repository.get(key) == repository.without_creation().get(key) == updated
            assert list(repository.find(EVERYTHING)) == [updated]

    def test_updating_a_missing_run_creates_nothing(self, repository: RunRepository) -> None:
        key = RunKey("never started", "acme")
        for change in (RunChange(), RunChange(metrics={"n": 1}), RunChange(add={"n": 1}, note="n"), _FINISH):
            with pytest.raises(RunNotFound) as refusal:
                repository.update(key, change, AT)
            assert refusal.value.key == key
        with pytest.raises(RunNotFound):
            repository.update_many([(key, RunChange())], AT)
        assert list(repository.find(EVERYTHING)) == []

    def test_a_missing_run_in_a_bulk_update_leaves_the_others_as_they_were(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        with pytest.raises(RunNotFound) as refusal:
            repository.update_many(
                [(RunKey("r", "acme"), RunChange(note="n")), (RunKey("gone", "acme"), RunChange())], AT
            )
        assert refusal.value.key == RunKey("gone", "acme")
        assert list(repository.find(EVERYTHING)) == [started("r")]

    def test_an_existing_run_in_a_bulk_start_leaves_none_of_the_others(self, repository: RunRepository) -> None:
        repository.create(started("b"))
        with pytest.raises(RunAlreadyExists) as refusal:
            repository.create_many([started("a"), started("b"), started("c")])
        assert refusal.value.keys == (RunKey("b", "acme"),)
        with pytest.raises(RunAlreadyExists):
            repository.create_many([started("x"), started("y"), started("x")])
        same = started("z")
        with pytest.raises(RunAlreadyExists):
            repository.create_many([same, same])
        assert list(repository.find(EVERYTHING)) == [started("b")]

    def test_a_bulk_update_applies_changes_of_one_key_in_their_order(self, repository: RunRepository) -> None:
        repository.create_many([started("r"), started("s")])
        key = RunKey("r", "acme")
        repository.update_many(
            [(key, RunChange(metrics={"n": 1})), (key, RunChange(add={"n": 2}, note="x")), (key, _FINISH)], AT
        )
        record = repository.get(key)
        assert (record.metrics, record.status) == ({"n": 3}, RunStatus.COMPLETED)
        assert repository.get(RunKey("s", "acme")) == started("s")

    def test_empty_bulk_calls_do_nothing(self, repository: RunRepository) -> None:
        repository.create_many([])
        repository.update_many([], AT)
        assert list(repository.find(EVERYTHING)) == []

    def test_a_finished_run_stays_finished_and_its_end_never_moves(self, repository: RunRepository) -> None:
        key = RunKey("r", "acme")
        repository.create(started("r"))
        finished = repository.update(key, _FINISH, AT + timedelta(seconds=5))
        for change in (_FINISH, RunChange(status=RunStatus.FAILED), RunChange(error="late")):
            with pytest.raises(RunAlreadyFinished):
                repository.update(key, change, AT + timedelta(seconds=9))
            with pytest.raises(RunAlreadyFinished):
                repository.update_many([(key, RunChange(note="n")), (key, change)], AT)
        assert repository.get(key) == finished
        late = repository.update(key, RunChange(add={"Tokens": 2}, note="late"), AT + timedelta(seconds=9))
        assert (late.status, late.ended_at, late.metrics) == (finished.status, finished.ended_at, {"Tokens": 2})

    def test_what_cannot_be_added_changes_nothing(self, repository: RunRepository) -> None:
        key = RunKey("r", "acme")
        unsuitable: Mapping[str, MetricValue] = {"text": "text", "b": True, "when": AT, "n": 2**53}
        for name, value in unsuitable.items():
            run = RunRecord.start(RunKey(f"{value}", "acme"), AT, metrics={name: value})
            repository.create(run)
            with pytest.raises(RunLedgerError):
                repository.update(run.key, RunChange(add={"i": 1, name: 1}, note="n"), AT)
            assert as_kept(repository.get(run.key), repository) == as_kept(run, repository)
        with pytest.raises(RunNotFound):
            repository.get(key)

    def test_an_unknown_column_is_refused_and_nothing_written(self, repository: RunRepository) -> None:
        if repository.guarantees.exact_values:
            return  # takes any name; what it does with them, the comparison with the model shows
        repository.create(started("r"))
        for change in (RunChange(metrics={"n": 1, "No Such": 1}), RunChange(add={"No Such": 1}, note="n")):
            with pytest.raises(UnknownMetric) as refusal:
                repository.update(RunKey("r", "acme"), change, AT)
            assert (refusal.value.key, refusal.value.name) == (RunKey("r", "acme"), "No Such")
        with pytest.raises(UnknownMetric):
            repository.create(RunRecord.start(RunKey("s", "acme"), AT, metrics={"No Such": 1}))
        assert list(repository.find(EVERYTHING)) == [started("r")]

    def test_keys_are_compared_exactly(self, repository: RunRepository) -> None:
        for i, text in enumerate(AWKWARD):
            repository.create(started(text, text))
            repository.update(RunKey(text, text), RunChange(metrics={"i": i}), AT)
        for i, text in enumerate(AWKWARD):
            assert repository.get(RunKey(text, text)).metrics == {"i": i}
            assert [r.key.client_id for r in repository.find(RunQuery(client_id=text))] == [text]
            assert [r.key.run_id for r in repository.find(RunQuery(run_id=text))] == [text]

    def test_values_at_their_limits_come_back_exactly(self, repository: RunRepository) -> None:
        numbers = (2**53, -(2**53), 5e-324, 1.7976931348623157e308, 0.1, 1e16, 3.0)
        texts = ("", "\r\n\t\x1b\u2028", "x" * 100_000) if repository.guarantees.exact_values else ("x" * 100_000,)
        for i, number in enumerate(numbers):
            metrics: Mapping[str, MetricValue] = {"n": number, "text": texts[i % len(texts)]}
            record = RunRecord.start(RunKey(f"r{i}", "c"), AT, metrics=metrics)
            repository.create(record)
            change = RunChange(metrics=metrics, note="n" * 10_000, error="e" * 100_000)
            repository.update(record.key, change, AT)
            expected = record.apply(change, AT)
            assert as_kept(repository.get(record.key), repository) == as_kept(expected, repository)

    def test_find_pages_through_many_without_loss_or_repeat(self, repository: RunRepository) -> None:
        many = [started(f"{i:04}", "acme", AT + timedelta(seconds=i // 7)) for i in range(1203)]
        repository.create_many(many)
        found = repository.find(EVERYTHING)
        newest = [next(found) for _ in range(3)]
        repository.create(started("later", at=AT + timedelta(days=1)))
        repository.update(RunKey("0001", "acme"), _FINISH, AT + timedelta(days=1))
        rest = [record.key.run_id for record in found]
        assert [r.key.run_id for r in newest] + rest == [f"{i:04}" for i in reversed(range(1203))]
        assert len(list(repository.find(RunQuery(limit=700)))) == 700

    def test_of_many_who_create_one_run_exactly_one_succeeds(
        self, repository: RunRepository, open_store: OpenStore
    ) -> None:
        handles = _handles(repository, open_store, promised=True)
        for attempt in range(5):
            rivals = [started(f"r{attempt}", at=AT + timedelta(seconds=i)) for i in range(8)]
            outcomes = _at_once(8, lambda i, rivals=rivals: handles[i].create(rivals[i]))  # type: ignore[misc]
            assert [type(e) for e in outcomes if e] == [RunAlreadyExists] * 7
            assert repository.get(rivals[0].key) == rivals[outcomes.index(None)]
        _close(handles, repository)

    def test_additions_made_at_once_are_all_counted(self, repository: RunRepository, open_store: OpenStore) -> None:
        repository.create(started("r"))
        key = RunKey("r", "acme")
        handles = _handles(repository, open_store, repository.guarantees.atomic_add)

        def add(i: int) -> None:
            for _ in range(10):
                handles[i].update(key, RunChange(add={"n": 1}, note="line"), AT)

        assert _at_once(8, add) == [None] * 8
        _close(handles, repository)
        assert (repository.get(key).metrics, len(repository.get(key).log)) == ({"n": 80}, 80)

    def test_of_many_who_finish_one_run_exactly_one_succeeds(
        self, repository: RunRepository, open_store: OpenStore
    ) -> None:
        repository.create(started("r"))
        handles = _handles(repository, open_store, repository.guarantees.exact_finish)
        outcomes = _at_once(8, lambda i: handles[i].update(RunKey("r", "acme"), _FINISH, AT))
        _close(handles, repository)
        assert [type(e) for e in outcomes if e] == [RunAlreadyFinished] * 7

    def test_what_has_no_right_to_create_updates_the_same_store(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        access = repository.without_creation()
        assert not {"create", "create_many", "create_schema"} & set(dir(access))
        access.update(RunKey("r", "acme"), RunChange(note="n"), AT)
        assert access.get(RunKey("r", "acme")) == repository.get(RunKey("r", "acme"))


_FINISH = RunChange(status=RunStatus.COMPLETED)


def _handles(repository: RunRepository, open_store: OpenStore, promised: bool) -> Sequence[RunRepository]:
    """Eight handles on one store: as eight processes have them, where the store promises something for these."""
    return [open_store() for _ in range(8)] if promised else [repository] * 8


def _close(handles: Sequence[RunRepository], repository: RunRepository) -> None:
    for handle in handles:
        if handle is not repository:
            handle.close()


def _at_once(threads: int, act: Callable[[int], object]) -> list[Exception | None]:
    """Run an act in many threads that begin together; what each raised, or None."""
    barrier = Barrier(threads)

    def run(i: int) -> Exception | None:
        barrier.wait()
        try:
            act(i)
        except RunLedgerError as error:
            return error
        return None

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


class _History(RuleBasedStateMachine):
    """Does the same to an adapter and to the model, and compares what is returned, raised and left behind."""

    def __init__(self, repository: RunRepository) -> None:
        super().__init__()
        self.adapter = repository
        if repository.guarantees.exact_values:
            self.model = InMemoryRunRepository()
            self.records, self.changes = records(), changes()
        else:
            self.model = InMemoryRunRepository(columns=COLUMNS)
            self.records, self.changes = records(column_metrics), changes(column_metrics, column_additions)

    @rule(data=st.data())
    def create(self, data: st.DataObject) -> None:
        record = data.draw(self.records)
        self.same(lambda store: store.create(record))

    @rule(data=st.data())
    def create_many(self, data: st.DataObject) -> None:
        batch = data.draw(st.lists(self.records, max_size=4))
        self.same(lambda store: store.create_many(batch))

    @rule(data=st.data(), at=near_times)
    def update(self, data: st.DataObject, at: datetime) -> None:
        key, change = data.draw(self.likely_key()), data.draw(self.changes)
        self.same(lambda store: store.update(key, change, at))

    @rule(data=st.data(), at=near_times)
    def update_many(self, data: st.DataObject, at: datetime) -> None:
        pairs = data.draw(st.lists(st.tuples(self.likely_key(), self.changes), max_size=4))
        self.same(lambda store: store.update_many(pairs, at))

    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        key = data.draw(self.likely_key())
        self.same(lambda store: store.get(key))

    @rule(query=queries)
    def find(self, query: RunQuery) -> None:
        self.same(lambda store: list(store.find(query)))

    @invariant()
    def both_hold_the_same(self) -> None:
        self.same(lambda store: list(store.find(EVERYTHING)))

    def likely_key(self) -> st.SearchStrategy[RunKey]:
        there = [record.key for record in self.model.find(EVERYTHING)]
        return st.sampled_from(there) | keys if there else keys

    def same(self, act: Callable[[RunRepository], Any]) -> None:
        expected, actual = self.result(act, self.model), self.result(act, self.adapter)
        assert actual == expected, f"the rules say {expected}, the adapter did {actual}"

    def result(self, act: Callable[[RunRepository], Any], store: RunRepository) -> Any:
        try:
            returned = act(store)
        except RunLedgerError as error:
            facts = set(error.keys) if isinstance(error, RunAlreadyExists) else error.key
            return type(error).__name__, facts
        if isinstance(returned, RunRecord):
            return as_kept(returned, self.adapter)
        if isinstance(returned, list):
            return [as_kept(each, self.adapter) if isinstance(each, RunRecord) else each for each in returned]
        return returned

    def teardown(self) -> None:
        self.adapter.close()
