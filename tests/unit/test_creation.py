import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, cast

import pytest

from conftest import FaultyRepository
from runledger import (
    InvalidValue,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
    UnusableForRun,
)
from runledger.adapters.memory import InMemoryRunRemoval
from runledger.domain import CallWithinCall, FinishedRuns, missing_runs

LOST_BEFORE = (False, Outcome.UNKNOWN)
LOST_AFTER = (True, Outcome.UNKNOWN)
REFUSED = (False, Outcome.NOT_APPLIED)


@pytest.mark.parametrize(
    "faults",
    [[REFUSED], [LOST_BEFORE], [LOST_AFTER], [REFUSED, LOST_AFTER], [LOST_BEFORE, LOST_AFTER], [LOST_AFTER, REFUSED]],
)
def test_a_start_outlasts_lost_answers_and_makes_one_record(
    ledger: RunLedger, repository: FaultyRepository, events: list[RunEvent], faults: list[tuple[bool, Outcome]]
) -> None:
    repository.faults = list(faults)
    ledger.start("r", "acme")
    assert [record.status for record in ledger.find()] == [RunStatus.RUNNING]
    assert [event.kind.value for event in events].count("run_started") == 1
    repository.faults = list(faults)
    assert set(ledger.start_many("s", ["a", "b"])) == {"a", "b"}
    assert len(list(ledger.find(run_id="s"))) == 2


def test_a_retry_does_not_take_the_record_of_another_start_for_its_own(
    ledger: RunLedger, repository: FaultyRepository
) -> None:
    ledger.start("r", "acme")
    first = ledger.get("r", "acme")
    for faults in ([LOST_BEFORE], [REFUSED], [REFUSED, LOST_BEFORE]):
        repository.faults = list(faults)
        with pytest.raises(RunAlreadyExists):
            ledger.start("r", "acme")
    repository.faults = [LOST_BEFORE]
    with pytest.raises(RunAlreadyExists):
        ledger.start_many("r", ["acme", "b"])
    assert list(ledger.find()) == [first]


AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
STARTS: list[Callable[[RunLedger], object]] = [
    lambda ledger: ledger.start("r", "acme"),
    lambda ledger: ledger.start_many("r", ["acme", "bolt"]),
]


@pytest.mark.parametrize(("first", "second"), [*product(STARTS, STARTS)])
@pytest.mark.parametrize("faults", [[], [LOST_BEFORE], [LOST_AFTER], [LOST_BEFORE, LOST_AFTER], [LOST_AFTER, REFUSED]])
def test_of_starts_with_equal_times_and_names_and_lost_answers_at_most_one_succeeds(
    repository: FaultyRepository,
    faults: list[tuple[bool, Outcome]],
    first: Callable[[RunLedger], object],
    second: Callable[[RunLedger], object],
) -> None:
    told: list[str] = []

    def start(name: str, act: Callable[[RunLedger], object], sleep: Callable[[float], None]) -> None:
        with suppress(RunAlreadyExists):
            act(RunLedger(repository, observers=(), clock=lambda: AT, sleep=sleep))
            told.append(name)

    def rival(_seconds: float) -> None:
        """While the first start waits, the other one starts too, and loses an answer itself."""
        remaining, repository.faults = repository.faults, [LOST_AFTER]
        start("second", second, lambda _: None)
        repository.faults = remaining

    repository.faults = list(faults)
    start("first", first, rival)
    start("third", second, lambda _: None)
    assert len(told) == 1
    assert told == (["second"] if faults[:1] == [LOST_BEFORE] else ["first"])


def started_again_by_another(store: FaultyRepository, key: RunKey) -> None:
    """A run finishes, is removed with its log, and another process starts it anew."""
    store.update(key, RunChange(status=RunStatus.COMPLETED), AT)
    assert sum(InMemoryRunRemoval(store).remove_runs(FinishedRuns(before=AT + timedelta(days=1)))) == 1
    store.create(NewRun(RunRecord.start(key, AT), mark="another"))


def test_a_retried_bulk_start_that_meets_another_record_reports_what_it_had_created() -> None:
    store = FaultyRepository()
    store.faults = [LOST_AFTER]
    taken = RunKey("r", "b")
    ledger = RunLedger(store, observers=(), clock=lambda: AT, sleep=lambda _: started_again_by_another(store, taken))
    with pytest.raises(RunAlreadyExists) as caught:
        ledger.start_many("r", ["a", "b", "c"])
    assert caught.value.keys == (taken,)
    assert caught.value.applied == (RunKey("r", "a"), RunKey("r", "c"))
    assert "2 of the batch had been applied before: first run 'r' of client 'a'" in str(caught.value)


def test_a_retried_import_that_meets_another_record_returns_that_one_alone() -> None:
    store = FaultyRepository()
    store.faults = [LOST_AFTER]
    records = [RunRecord.start(RunKey("r", client), AT) for client in "abc"]
    ledger = RunLedger(store, observers=(), sleep=lambda _: started_again_by_another(store, records[1].key))
    assert ledger.import_records(records) == (records[1],)
    assert sorted(record.key for record in store.find(RunQuery())) == [record.key for record in records]


def test_what_a_retry_had_created_is_reported_but_for_a_key_that_is_named_twice() -> None:
    first, second, third = (NewRun(RunRecord.start(RunKey("r", client), AT), mark="m") for client in "abc")
    assert missing_runs([first, second, third], {second.key: "m"}) == [first, third]
    assert missing_runs([first], {}) == [first]
    with pytest.raises(RunAlreadyExists) as caught:
        missing_runs([first, second, first, third], {first.key: "m", second.key: "m"})
    assert (caught.value.keys, caught.value.applied) == ((first.key,), (second.key,))
    with pytest.raises(RunAlreadyExists) as caught:
        missing_runs([first, second], {first.key: ""})
    assert (caught.value.keys, caught.value.applied) == ((first.key,), ())


class _Compared(RunKey):
    """A key that counts how often it is compared with another."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        _Compared.comparisons += 1
        return super().__eq__(other)

    __hash__ = RunKey.__hash__


def test_a_large_batch_that_is_refused_is_not_compared_key_by_key() -> None:
    news = [NewRun(RunRecord.start(_Compared("r", f"client {number}"), AT), mark="m") for number in range(100)]
    with pytest.raises(RunAlreadyExists) as caught:
        missing_runs(news, {new.key: "another" for new in news})
    assert len(caught.value.keys) == 100
    assert _Compared.comparisons < 100  # one for each two keys would be 4,950


class Piecemeal(FaultyRepository):
    """A store that creates the records of a bulk start one by one, and loses its answer after some of them."""

    lost_after = 0

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        made: list[RunKey] = []
        for new in news:
            try:
                made.append(self.create(new))
            except RunAlreadyExists as error:
                raise error.having_applied(made) from None
            self.lost_after -= 1
            if self.lost_after == 0:
                raise StoreUnavailable("the line went dead", Outcome.UNKNOWN).having_applied(made[:-1])
        return made


@pytest.mark.parametrize("lost_after", range(5))
def test_an_import_that_lost_an_answer_returns_only_what_was_there_before(naps: list[float], lost_after: int) -> None:
    store = Piecemeal()
    records = [RunRecord.start(RunKey("r", client), AT) for client in "abcd"]
    store.create(NewRun(records[2]))
    store.lost_after = lost_after
    assert RunLedger(store, observers=(), sleep=naps.append).import_records(records) == (records[2],)
    assert sorted(record.key.client_id for record in store.find(RunQuery())) == list("abcd")


def test_an_import_of_runs_with_their_logs_recognises_its_own_after_a_lost_answer(
    repository: FaultyRepository, naps: list[float]
) -> None:
    ledger = RunLedger(repository, observers=(), sleep=naps.append)
    at = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
    change = RunChange(note="one")
    line = change.line(at)
    assert line is not None
    run = NewRun(RunRecord.start(RunKey("r", "acme"), at).apply(change, at), [line])
    repository.faults = [(True, Outcome.UNKNOWN)]
    assert ledger.import_records([run]) == ()
    assert (repository.creates, len(naps)) == (2, 1)
    assert list(ledger.log("r", "acme")) == [line]


def test_a_start_that_fails_after_a_lost_answer_names_what_it_had_created(naps: list[float]) -> None:
    store = Piecemeal()
    store.create(NewRun(RunRecord.start(RunKey("r", "c"), AT)))
    store.lost_after = 2
    with pytest.raises(RunAlreadyExists) as refusal:
        RunLedger(store, observers=(), sleep=naps.append).start_many("r", ["a", "b", "c", "d"])
    assert (refusal.value.keys, refusal.value.applied) == ((RunKey("r", "c"),), (RunKey("r", "a"), RunKey("r", "b")))


class Unconfirmed(FaultyRepository):
    """A store that ends attempts with `failures`, after it made what they say was applied; and what it was given."""

    def __init__(self, *failures: RunLedgerError) -> None:
        super().__init__()
        self.failures = list(failures)
        self.attempts: list[list[tuple[str, bool, str | None]]] = []

    def create(self, new: NewRun) -> RunKey:
        return self.create_many([new])[0]

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.attempts.append([(new.key.client_id, new.is_retry, new.reference) for new in news])
        failure = self.failures.pop(0) if self.failures else None
        super().create_many([new for new in news if failure is None or new.key in failure.applied])
        if failure is not None:
            raise failure
        return [new.key.referring_to(new.reference or f"row {new.key.client_id}") for new in news]


def key_of(client_id: str, reference: str | None = None) -> RunKey:
    key = RunKey("r", client_id)
    return key.referring_to(reference) if reference else key


def failing(failure: RunLedgerError, *unconfirmed: RunKey, applied: Sequence[RunKey] = ()) -> RunLedgerError:
    failure.unconfirmed = unconfirmed
    return failure.having_applied(applied)


def test_each_further_attempt_of_a_start_brings_the_references_that_earlier_ones_could_not_confirm(
    naps: list[float],
) -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("b", "B"), applied=[key_of("a", "A")]),
        StoreUnavailable("busy", Outcome.NOT_APPLIED),
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("c", "C")),
    )
    runs = RunLedger(store, observers=(), sleep=naps.append).start_many("r", ["a", "b", "c", "d"])
    assert store.attempts == [
        [("a", False, None), ("b", False, None), ("c", False, None), ("d", False, None)],
        [("b", True, "B"), ("c", True, None), ("d", True, None)],
        [("b", True, "B"), ("c", True, None), ("d", True, None)],
        [("b", True, "B"), ("c", True, "C"), ("d", True, None)],
    ]
    assert [(client, run.key.reference) for client, run in runs.items()] == [
        ("a", "A"),
        ("b", "B"),
        ("c", "C"),
        ("d", "row d"),
    ]
    assert sorted(record.key.client_id for record in store.find(RunQuery())) == list("abcd")


def test_nothing_is_sent_for_a_start_whose_records_have_all_been_made(naps: list[float]) -> None:
    made = key_of("a", "A")
    store = Unconfirmed(failing(StoreUnavailable("cut", Outcome.UNKNOWN), applied=[made]))
    run = RunLedger(store, observers=(), sleep=naps.append).start("r", "a")
    assert (len(store.attempts), run.key.reference) == (1, "A")


def test_a_start_that_gives_up_names_what_its_last_attempt_could_not_confirm() -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("b", "B"), applied=[key_of("a", "A")]),
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("b", "B"), applied=[]),
    )
    ledger = RunLedger(store, observers=(), sleep=lambda _: None, retry_waits=[0])
    with pytest.raises(StoreUnavailable, match="tried 2 times") as refusal:
        ledger.start_many("r", ["a", "b"])
    assert [key.reference for key in refusal.value.unconfirmed] == ["B"]
    assert (refusal.value.applied, refusal.value.key) == ((key_of("a"),), key_of("b"))


UNUSABLE = "runs.db was moved: put it back."
ENDS: list[Callable[[], RunLedgerError]] = [lambda: StoreUnusable(UNUSABLE), lambda: CallWithinCall(key_of("b"))]


@pytest.mark.parametrize("ended_by", ENDS)
def test_a_start_that_cannot_go_on_after_a_lost_answer_is_of_unknown_outcome(
    naps: list[float], events: list[RunEvent], ended_by: Callable[[], RunLedgerError]
) -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("b", "B"), applied=[key_of("a", "A")]),
        failing(ended_by(), key_of("b", "B"), applied=[key_of("c")]),
    )
    ledger = RunLedger(store, observers=[events.append], sleep=naps.append)
    with pytest.raises(StoreUnavailable) as refusal:
        ledger.start_many("r", ["a", "b", "c", "d"])
    failure = refusal.value
    assert (type(failure), failure.outcome, failure.key) == (StoreUnavailable, Outcome.UNKNOWN, key_of("b"))
    said = getattr(ended_by(), "reason", UNUSABLE.removesuffix("."))
    assert failure.reason == f"an attempt to start it had no answer, and the next one failed: {said}"
    assert not failure.reason.endswith(".")
    assert failure.applied == (key_of("a"), key_of("c"))
    assert [(key, key.reference) for key in failure.unconfirmed] == [(key_of("b"), "B"), (key_of("d"), None)]
    assert len(naps) == 1
    assert [event.kind.value for event in events] == ["start_retried", "start_failed"]


@pytest.mark.parametrize("ended_by", ENDS)
@pytest.mark.parametrize("before", [[], [StoreUnavailable("busy", Outcome.NOT_APPLIED)]])
def test_a_start_of_which_no_answer_was_lost_raises_what_ended_it(
    naps: list[float], ended_by: Callable[[], RunLedgerError], before: list[RunLedgerError]
) -> None:
    ending = ended_by()
    store = Unconfirmed(*before, ending)
    with pytest.raises(RunLedgerError) as refusal:
        RunLedger(store, observers=(), sleep=naps.append).start("r", "b")
    assert refusal.value is ending
    assert len(store.attempts) == len(before) + 1


@pytest.mark.parametrize(
    "refusal",
    [UnusableForRun("its row cannot be read.", key_of("b")), UnknownMetric(key_of("b"), "Cost"), InvalidValue("no.")],
)
def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_started(
    naps: list[float], refusal: RunLedgerError
) -> None:
    store = Unconfirmed(failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("b", "B"), applied=[]), refusal)
    with pytest.raises(StoreUnavailable) as raised:
        RunLedger(store, observers=(), sleep=naps.append).start("r", "b")
    failure = raised.value
    assert (failure.outcome, failure.key, failure.__cause__) == (Outcome.UNKNOWN, key_of("b"), refusal)
    said = str(refusal.args[0]).removesuffix(".")
    assert failure.reason == f"an attempt to start it had no answer, and the next one failed: {said}"
    assert [key.reference for key in failure.unconfirmed] == ["B"]


def test_a_refusal_without_a_lost_answer_is_raised_as_it_is(naps: list[float]) -> None:
    refusal = UnusableForRun("its row cannot be read.", key_of("b"))
    store = Unconfirmed(StoreUnavailable("busy", Outcome.NOT_APPLIED), refusal)
    with pytest.raises(UnusableForRun) as raised:
        RunLedger(store, observers=(), sleep=naps.append).start("r", "b")
    assert raised.value is refusal


def test_an_error_about_a_record_that_was_made_is_raised_as_it_is_after_a_lost_answer(naps: list[float]) -> None:
    altered = failing(StoreUnusable("column 'Cost' keeps 0.1 of 0.12", key_of("b")), applied=[key_of("b", "B")])
    store = Unconfirmed(failing(StoreUnavailable("cut", Outcome.UNKNOWN), applied=[key_of("a", "A")]), altered)
    with pytest.raises(StoreUnusable) as refusal:
        RunLedger(store, observers=(), sleep=naps.append).start_many("r", ["a", "b", "c"])
    assert (refusal.value, refusal.value.applied) == (altered, (key_of("a"), key_of("b")))


def test_an_import_brings_the_references_that_it_could_not_confirm_when_it_leaves_out_what_exists(
    naps: list[float],
) -> None:
    store = Unconfirmed(
        failing(RunAlreadyExists([key_of("c")]), key_of("b", "B"), applied=[key_of("a", "A")]),
        StoreUnavailable("busy", Outcome.NOT_APPLIED),
    )
    records = [RunRecord.start(key_of(client), AT) for client in "abcd"]
    assert RunLedger(store, observers=(), sleep=naps.append).import_records(records) == (records[2],)
    assert store.attempts == [
        [("a", False, None), ("b", False, None), ("c", False, None), ("d", False, None)],
        [("b", True, "B"), ("d", False, None)],
        [("b", True, "B"), ("d", False, None)],
    ]


def test_an_import_that_is_in_doubt_goes_on_as_a_retry_when_it_leaves_out_what_exists(naps: list[float]) -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("a", "A")),
        RunAlreadyExists([key_of("c")]),
        StoreUnavailable("busy", Outcome.NOT_APPLIED),
        RunAlreadyExists([key_of("b")]),
    )
    records = [RunRecord.start(key_of(client), AT) for client in "abcd"]
    assert RunLedger(store, observers=(), sleep=naps.append).import_records(records) == (records[2], records[1])
    assert store.attempts == [
        [("a", False, None), ("b", False, None), ("c", False, None), ("d", False, None)],
        [("a", True, "A"), ("b", True, None), ("c", True, None), ("d", True, None)],
        [("a", True, "A"), ("b", True, None), ("d", True, None)],
        [("a", True, "A"), ("b", True, None), ("d", True, None)],
        [("a", True, "A"), ("d", True, None)],
    ]


@pytest.mark.parametrize(
    ("ending", "raised"),
    [
        (lambda: StoreUnavailable("down", Outcome.NOT_APPLIED), StoreUnavailable),
        (lambda: StoreUnusable("moved"), StoreUnavailable),
        (CallWithinCall, StoreUnavailable),
        (lambda: UnusableForRun("unreadable", key_of("d")), UnusableForRun),
        (lambda: UnknownMetric(key_of("d"), "Cost"), UnknownMetric),
    ],
)
def test_an_import_that_fails_names_all_that_may_have_been_created(
    ending: Callable[[], RunLedgerError], raised: type[RunLedgerError]
) -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("a", "A"), key_of("b", "B")),
        failing(RunAlreadyExists([key_of("c")]), applied=[key_of("b")]),
        ending(),
        ending(),
    )
    records = [RunRecord.start(key_of(client, f"row {client} of another store"), AT) for client in "abcd"]
    ledger = RunLedger(store, observers=(), sleep=lambda _: None, retry_waits=[0])
    with pytest.raises(raised) as failure:
        ledger.import_records(records)
    assert store.attempts[2][0] == ("a", True, "A")
    assert [(key.client_id, key.reference) for key in failure.value.unconfirmed] == [("a", "A"), ("d", None)]
    assert failure.value.applied == (key_of("b"),)
    assert getattr(failure.value, "outcome", Outcome.UNKNOWN) is Outcome.UNKNOWN


def test_a_start_that_gives_up_names_what_any_of_its_attempts_could_not_confirm() -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("a", "A")),
        StoreUnavailable("busy", Outcome.NOT_APPLIED),
    )
    with pytest.raises(StoreUnavailable) as failure:
        RunLedger(store, observers=(), sleep=lambda _: None, retry_waits=[0]).start("r", "a")
    assert failure.value.outcome is Outcome.UNKNOWN
    assert [(key.client_id, key.reference) for key in failure.value.unconfirmed] == [("a", "A")]


def test_a_start_that_meets_another_record_names_what_else_may_have_been_created() -> None:
    store = Unconfirmed(
        failing(StoreUnavailable("cut", Outcome.UNKNOWN), key_of("a", "A"), key_of("b", "B")),
        failing(RunAlreadyExists([key_of("b")]), applied=[key_of("c")]),
    )
    with pytest.raises(RunAlreadyExists) as refusal:
        RunLedger(store, observers=(), sleep=lambda _: None).start_many("r", list("abcd"))
    assert [(key.client_id, key.reference) for key in refusal.value.unconfirmed] == [("a", "A"), ("d", None)]


def test_an_attempt_that_wrote_nothing_leaves_nothing_in_doubt() -> None:
    store = Unconfirmed(StoreUnavailable("busy", Outcome.NOT_APPLIED), StoreUnavailable("busy", Outcome.NOT_APPLIED))
    with pytest.raises(StoreUnavailable) as failure:
        RunLedger(store, observers=(), sleep=lambda _: None, retry_waits=[0]).start_many("r", list("ab"))
    assert failure.value.outcome is Outcome.NOT_APPLIED
    assert failure.value.unconfirmed == ()


def test_an_import_keeps_the_mark_of_a_run_that_has_one() -> None:
    marks: list[str] = []

    class Watched(FaultyRepository):
        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            marks.extend(new.mark for new in news)
            return super().create_many(news)

    records = [RunRecord.start(key_of(client), AT) for client in "abc"]
    ledger = RunLedger(Watched(), observers=(), new_mark=lambda: "new")
    assert ledger.import_records([NewRun(records[0], mark="own"), NewRun(records[1]), NewRun(records[2])]) == ()
    assert marks == ["own", "new", "new"]


def test_every_start_has_its_own_mark_which_all_its_attempts_carry(naps: list[float]) -> None:
    seen: list[tuple[str, bool]] = []

    class Watched(FaultyRepository):
        def create(self, new: NewRun) -> RunKey:
            seen.append((new.mark, new.is_retry))
            return super().create(new)

        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            seen.extend({(new.mark, new.is_retry) for new in news})
            return super().create_many(news)

    store = Watched()
    marks = iter("abc")
    ledger = RunLedger(store, observers=(), sleep=naps.append, new_mark=lambda: next(marks))
    store.faults = [REFUSED, LOST_BEFORE, REFUSED]
    ledger.start("r", "acme")
    ledger.start_many("s", ["acme", "bolt"])
    ledger.import_records([RunRecord.start(RunKey("t", "acme"), AT)])
    assert seen == [("a", False), ("a", False), ("a", True), ("a", True), ("b", False), ("c", False)]
    ledger = RunLedger(store, observers=())
    for run in ("u", "v"):
        ledger.start(run, "acme")
    assert len({mark for mark, _ in seen[-2:]}) == 2
    assert all(len(mark) == 16 for mark, _ in seen[-2:])


def test_a_mark_is_made_by_a_function_and_is_not_empty(repository: FaultyRepository) -> None:
    wrong: Any = 5
    with pytest.raises(InvalidValue, match=r"^new_mark is int: give a function that returns random text\.$"):
        RunLedger(repository, new_mark=wrong)
    for mark, fault in (
        ("", r"mark is empty: give a new_mark that returns random text\.$"),
        (5, "mark is int, not text"),
    ):
        events: list[RunEvent] = []
        ledger = RunLedger(repository, observers=[events.append], new_mark=lambda given=mark: given)  # type: ignore[misc]
        calls: list[Callable[[], object]] = [
            lambda: ledger.start("r", "acme"),  # noqa: B023
            lambda: ledger.start_many("r", ["acme"]),  # noqa: B023
            lambda: ledger.import_records([RunRecord.start(RunKey("r", "acme"), AT)]),  # noqa: B023
        ]
        for call in calls:
            with pytest.raises(InvalidValue, match=rf"(^|: ){fault}"):
                call()
        assert [event.kind.value for event in events] == ["start_failed"] * 3
    assert list(RunLedger(repository).find()) == []


def test_an_early_update_does_not_hide_a_start_whose_answer_was_lost(
    ledger: RunLedger, repository: FaultyRepository, naps: list[float]
) -> None:
    repository.faults = [LOST_AFTER]
    record_seen: list[RunStatus] = []

    def update_meanwhile(_seconds: float) -> None:
        (record,) = repository.find(RunQuery())
        record_seen.append(repository.update(record.key, RunChange(note="n"), record.started_at).status)

    other = RunLedger(repository, observers=(), sleep=update_meanwhile)
    other.start("r", "acme")
    assert record_seen == [RunStatus.RUNNING]
    assert [line.text for line in ledger.log("r", "acme")] == ["n"]


def test_a_start_gives_up_within_its_bounds_and_says_what_is_known(
    ledger: RunLedger, repository: FaultyRepository, events: list[RunEvent], naps: list[float]
) -> None:
    repository.faults = [REFUSED] * 9
    with pytest.raises(StoreUnavailable, match="tried 5 times") as refusal:
        ledger.start("r", "acme")
    assert refusal.value.outcome is Outcome.NOT_APPLIED
    assert repository.creates == 5
    assert [event.kind.value for event in events] == ["start_retried"] * 4 + ["start_failed"]
    assert [event.attempt for event in events] == [1, 2, 3, 4, None]
    assert all(event.call_site and __file__ in event.call_site for event in events)
    assert all(0.05 * 2**i <= nap <= 0.1 * 2**i for i, nap in enumerate(naps))
    assert len(naps) == 4

    repository.faults = [LOST_BEFORE] + [REFUSED] * 9
    with pytest.raises(StoreUnavailable) as refusal:
        ledger.start("r", "acme")
    assert refusal.value.outcome is Outcome.UNKNOWN


def test_a_start_that_gives_up_keeps_what_the_store_advises(naps: list[float]) -> None:
    class Full(FaultyRepository):
        def create(self, new: NewRun) -> RunKey:
            raise StoreUnavailable("the disk is full", Outcome.NOT_APPLIED, new.key, advice="make room")

    with pytest.raises(StoreUnavailable, match=r"\(tried 5 times\)\. Nothing was written; make room\.$"):
        RunLedger(Full(), observers=(), sleep=naps.append).start("r", "acme")


def test_waits_are_those_asked_for_with_jitter(repository: FaultyRepository, naps: list[float]) -> None:
    ledger = RunLedger(repository, observers=(), sleep=naps.append, retry_waits=[1] * 50)
    repository.faults = [REFUSED] * 50
    ledger.start("r", "acme")
    assert (repository.creates, len(naps)) == (51, 50)
    assert 0.5 <= min(naps) < 0.7
    assert 0.8 < max(naps) <= 1

    repository.faults = [REFUSED]
    with pytest.raises(StoreUnavailable, match=r"\(tried 1 time\)\."):
        RunLedger(repository, observers=(), sleep=naps.append, retry_waits=()).start("s", "acme")
    assert len(naps) == 50


@pytest.mark.parametrize("wait", [-0.1, math.nan, math.inf, 1e12, True, "1", None])
def test_an_unusable_wait_is_rejected(repository: FaultyRepository, wait: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        RunLedger(repository, retry_waits=[0, wait])
    assert str(refusal.value) == f"retry_waits[1] is {wait!r}: give a list of seconds from 0 that can be waited."
    RunLedger(repository, retry_waits=[0])


def test_waits_may_come_from_any_iterable(repository: FaultyRepository, naps: list[float]) -> None:
    waits = (wait for wait in [1.0, 2.0])
    ledger = RunLedger(repository, observers=(), sleep=naps.append, retry_waits=cast(Any, waits))
    repository.faults = [REFUSED] * 2
    ledger.start("r", "acme")
    assert len(naps) == 2


def test_nothing_but_a_start_is_tried_twice(repository: FaultyRepository, naps: list[float]) -> None:
    class Down(FaultyRepository):
        tries = 0

        def update(self, *_: object) -> RunRecord:
            self.tries += 1
            raise StoreUnavailable("down", Outcome.UNKNOWN)

        def update_many(self, *_: object) -> None:
            self.update()

        def get(self, *_: object) -> RunRecord:
            return self.update()

        def without_creation(self) -> "Down":
            return self

    down = Down()
    ledger = RunLedger(down, observers=(), sleep=naps.append)
    for act in (
        lambda: ledger.updates.update("r", "c"),
        lambda: ledger.updates.update_many([]),
        lambda: ledger.get("r", "c"),
    ):
        with pytest.raises(StoreUnavailable):
            act()
    assert (down.tries, naps) == (3, [])


def test_a_start_within_another_call_of_its_thread_is_not_tried_again(repository: FaultyRepository) -> None:
    attempts = []

    def interrupted(new: NewRun) -> RunKey:
        attempts.append(new)
        raise CallWithinCall(new.key)

    repository.create = interrupted  # type: ignore[method-assign]
    ledger = RunLedger(repository, observers=(), sleep=lambda _: pytest.fail("it waited"))
    with pytest.raises(CallWithinCall) as refusal:
        ledger.start("r", "acme")
    assert refusal.value.outcome is Outcome.NOT_APPLIED
    assert len(attempts) == 1
