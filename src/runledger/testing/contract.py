"""The conformance suite: what every adapter must do, rule by rule, each test named after its rule.

Subclass RunRepositoryContract in a test file and give the fixture `new_repository`, a function that returns a
repository over a new, empty store each time:

    class TestSQLite(RunRepositoryContract):
        @pytest.fixture
        def new_repository(self, tmp_path):
            return lambda: SQLiteRunRepository(tmp_path / f"{uuid4()}.db")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
)
from .strategies import AWKWARD, changes, keys, near_times, queries, records

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
EVERYTHING = RunQuery()


def started(run_id: str, client_id: str = "acme", at: datetime = AT) -> RunRecord:
    """The record of a run that has just started."""
    return RunRecord.start(RunKey(run_id, client_id), at)


def exact(record: RunRecord) -> tuple[Any, ...]:
    """A record as a value whose equality also tells 1 from 1.0 and True."""
    return record, {name: (type(value), value) for name, value in record.metrics.items()}


class RunRepositoryContract:
    """Every test runs on a repository over an empty store."""

    examples: ClassVar[int] = 100
    """How many random histories the comparison with the model goes through."""

    @pytest.fixture
    def new_repository(self) -> Callable[[], RunRepository]:
        raise NotImplementedError("define the fixture new_repository: a function that opens a new, empty store")

    @pytest.fixture
    def repository(self, new_repository: Callable[[], RunRepository]) -> Iterator[RunRepository]:
        repository = new_repository()
        yield repository
        repository.close()

    # A store's own threads may use `random` while Hypothesis draws; none of what is drawn depends on that.
    @pytest.mark.filterwarnings("ignore:Do not use the `random` module")
    def test_any_history_leaves_what_the_rules_say(self, new_repository: Callable[[], RunRepository]) -> None:
        machine = cast(type[RuleBasedStateMachine], lambda: _History(new_repository()))
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
        record = RunRecord.start(RunKey("r", "c"), AT, client_name="Åcme 株", metrics={"n": 1, "f": 1.0, "b": True})
        repository.create(record)
        assert exact(repository.get(record.key)) == exact(record)

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
        for change in (RunChange(), RunChange(metrics={"a": 1}), RunChange(add={"a": 1}, note="n"), _FINISH):
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
            [(key, RunChange(metrics={"a": 1})), (key, RunChange(add={"a": 2}, note="x")), (key, _FINISH)], AT
        )
        record = repository.get(key)
        assert (record.metrics, record.status) == ({"a": 3}, RunStatus.COMPLETED)
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
        for value in ("text", True, AT, 2**53):
            run = RunRecord.start(RunKey(f"{value}", "acme"), AT, metrics={"m": value})
            repository.create(run)
            with pytest.raises(RunLedgerError):
                repository.update(run.key, RunChange(add={"n": 1, "m": 1}, note="n"), AT)
            assert exact(repository.get(run.key)) == exact(run)
        with pytest.raises(RunNotFound):
            repository.get(key)

    def test_keys_are_compared_exactly(self, repository: RunRepository) -> None:
        for i, text in enumerate(AWKWARD):
            repository.create(started(text, text))
            repository.update(RunKey(text, text), RunChange(metrics={"i": i}), AT)
        for i, text in enumerate(AWKWARD):
            assert repository.get(RunKey(text, text)).metrics == {"i": i}
            assert [r.key.client_id for r in repository.find(RunQuery(client_id=text))] == [text]
            assert [r.key.run_id for r in repository.find(RunQuery(run_id=text))] == [text]

    def test_values_at_their_limits_come_back_exactly(self, repository: RunRepository) -> None:
        values: tuple[MetricValue, ...] = (
            2**53,
            -(2**53),
            5e-324,
            1.7976931348623157e308,
            0.1,
            1e16,
            3.0,
            "",
            "\r\n\t\x1b\u2028",
            "x" * 100_000,
        )
        record = RunRecord.start(RunKey("r", "c"), AT, metrics={f"m{i}": value for i, value in enumerate(values)})
        repository.create(record)
        repository.update(record.key, RunChange(metrics=record.metrics, note="n" * 10_000, error="e" * 100_000), AT)
        stored = repository.get(record.key)
        assert exact(stored)[1] == exact(record)[1]
        assert stored.error == "e" * 100_000

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

    def test_of_many_who_create_one_run_exactly_one_succeeds(self, repository: RunRepository) -> None:
        for attempt in range(5):
            rivals = [started(f"r{attempt}", at=AT + timedelta(seconds=i)) for i in range(8)]
            outcomes = _at_once(8, lambda i, rivals=rivals: repository.create(rivals[i]))  # type: ignore[misc]
            assert [type(e) for e in outcomes if e] == [RunAlreadyExists] * 7
            assert repository.get(rivals[0].key) == rivals[outcomes.index(None)]

    def test_additions_made_at_once_are_all_counted(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        key = RunKey("r", "acme")

        def add(_: int) -> None:
            for _ in range(10):
                repository.update(key, RunChange(add={"n": 1}, note="line"), AT)

        assert _at_once(8, add) == [None] * 8
        assert (repository.get(key).metrics, len(repository.get(key).log)) == ({"n": 80}, 80)

    def test_of_many_who_finish_one_run_exactly_one_succeeds(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        outcomes = _at_once(8, lambda _: repository.update(RunKey("r", "acme"), _FINISH, AT))
        assert [type(e) for e in outcomes if e] == [RunAlreadyFinished] * 7

    def test_what_has_no_right_to_create_updates_the_same_store(self, repository: RunRepository) -> None:
        repository.create(started("r"))
        access = repository.without_creation()
        assert not {"create", "create_many", "create_schema"} & set(dir(access))
        access.update(RunKey("r", "acme"), RunChange(note="n"), AT)
        assert access.get(RunKey("r", "acme")) == repository.get(RunKey("r", "acme"))


_FINISH = RunChange(status=RunStatus.COMPLETED)


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
        self.model = InMemoryRunRepository()

    @rule(record=records())
    def create(self, record: RunRecord) -> None:
        self.same(lambda store: store.create(record))

    @rule(batch=st.lists(records(), max_size=4))
    def create_many(self, batch: list[RunRecord]) -> None:
        self.same(lambda store: store.create_many(batch))

    @rule(data=st.data(), change=changes(), at=near_times)
    def update(self, data: st.DataObject, change: RunChange, at: datetime) -> None:
        key = data.draw(self.likely_key())
        self.same(lambda store: store.update(key, change, at))

    @rule(data=st.data(), batch=st.lists(changes(), max_size=4), at=near_times)
    def update_many(self, data: st.DataObject, batch: list[RunChange], at: datetime) -> None:
        pairs = [(data.draw(self.likely_key()), change) for change in batch]
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
        expected, actual = _result(act, self.model), _result(act, self.adapter)
        assert actual == expected, f"the rules say {expected}, the adapter did {actual}"

    def teardown(self) -> None:
        self.adapter.close()


def _result(act: Callable[[RunRepository], Any], store: RunRepository) -> Any:
    try:
        returned = act(store)
    except RunLedgerError as error:
        facts = set(error.keys) if isinstance(error, RunAlreadyExists) else error.key
        return type(error).__name__, facts
    if isinstance(returned, RunRecord):
        return exact(returned)
    return [exact(record) for record in returned] if returned is not None else None
