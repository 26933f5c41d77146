"""Importing run by run, into stores that refuse or alter some, and say or do not say which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import pytest
from attrs import evolve

from runledger import (
    InvalidValue,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
    UnusableForRun,
)
from runledger.adapters.memory import InMemoryRunAccess, InMemoryRunRepository
from runledger.domain.values import Metrics
from runledger.services.copying.importing import import_each

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
Refusal = Callable[[RunKey | None], RunLedgerError]
REFUSALS: list[Refusal] = [
    lambda key: InvalidValue("too long", key),
    lambda key: UnusableForRun("too long", key),
    lambda key: UnknownMetric(key or RunKey("r", "nobody"), "Cost"),
]


class Choosy(InMemoryRunRepository):
    """Stores runs by tens, refuses those whose client begins with "bad", and rounds the numbers of the "odd" ones.

    `names`: whether a refusal names the run. `sizes`: of the calls.
    """

    def __init__(self, refusal: Refusal = REFUSALS[0], *, names: bool = True) -> None:
        super().__init__()
        self._refusal = refusal
        self._names = names
        self.sizes: list[int] = []

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.sizes.append(len(news))
        made: list[RunKey] = []
        for first in range(0, len(news), 10):
            batch = news[first : first + 10]
            bad = [new.key for new in batch if new.key.client_id.startswith("bad")]
            if bad:
                raise self._refusal(bad[0] if self._names else None).having_applied(made)
            odd = [new.key for new in batch if new.key.client_id.startswith("odd")]
            made += super().create_many([rounded(new) if new.key in odd else new for new in batch])
            if odd:
                raise StoreUnusable("column 'Cost' keeps less", odd[0]).having_applied(made)
        return made


def rounded(new: NewRun) -> NewRun:
    return evolve(new, record=evolve(new.record, metrics=Metrics({"Cost": 1.0})))


def runs_of(clients: Iterable[str]) -> list[NewRun]:
    return [NewRun(RunRecord.start(RunKey("r", client), AT, metrics={"Cost": 1.25})) for client in clients]


def fates(store: InMemoryRunRepository, runs: Sequence[NewRun]) -> list[tuple[str, bool, str]]:
    """What became of each run, in the order of the runs."""
    found = list(import_each(RunLedger(store, observers=(), sleep=lambda _: None), runs))
    places = {id(run): number for number, run in enumerate(runs)}
    assert len({id(each.run) for each in found}) == len(found) == len(runs)
    found.sort(key=lambda each: places[id(each.run)])
    return [(each.run.key.client_id, each.is_new, each.fault) for each in found]


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("bad", [{0}, {24}, {3, 4, 17}, set(range(25)), {9, 10}])
def test_a_run_that_is_refused_is_named_and_the_others_are_created(
    refusal: Refusal, bad: set[int], names: bool
) -> None:
    store = Choosy(refusal, names=names)
    clients = [f"bad {number}" if number in bad else f"good {number}" for number in range(25)]
    reason = "too long"
    found = fates(store, runs_of(clients))
    assert [(client, is_new, bool(fault)) for client, is_new, fault in found] == [
        (client, client.startswith("good"), client.startswith("bad")) for client in clients
    ]
    assert all(reason in fault or "no column 'Cost'" in fault for _, is_new, fault in found if not is_new)
    assert {record.key.client_id for record in store.find(RunQuery())} == {
        client for client in clients if client.startswith("good")
    }
    assert store.sizes[0] == 25


def test_a_run_that_is_there_and_one_that_comes_twice_are_no_faults() -> None:
    store = Choosy()
    store.create(runs_of(["there"])[0])
    runs = runs_of(["good", "there", "bad", "good", "bad", "last"])
    assert fates(store, runs) == [
        ("good", True, ""),
        ("there", False, ""),
        ("bad", False, "too long"),
        ("good", False, ""),
        ("bad", False, "too long"),
        ("last", True, ""),
    ]


def test_every_run_that_the_store_altered_is_named_and_the_others_are_created() -> None:
    words = "metric 'Cost' is 1.25, in the ledger 1.0"
    store = Choosy()
    clients = ["good", "odd 1", "odd 2", *(f"good {number}" for number in range(8)), "odd 3", "bad"]
    assert fates(store, runs_of(clients)) == [
        (client, client != "bad", words if client.startswith("odd") else "too long" if client == "bad" else "")
        for client in clients
    ]


def test_an_alteration_that_reading_does_not_show_is_named_by_the_store() -> None:
    class Suspicious(InMemoryRunRepository):
        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            made = super().create_many(news)
            raise StoreUnusable("a text may be cut", made[1]).having_applied(made)

    assert fates(Suspicious(), runs_of("abc")) == [("a", True, ""), ("b", True, "a text may be cut"), ("c", True, "")]


def test_what_was_created_is_named_although_it_cannot_be_read_again() -> None:
    class Gone(InMemoryRunRepository):
        """Alters a run, and then does not answer any more."""

        is_away = False

        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            self.is_away = True
            made = super().create_many(news[:2])
            raise StoreUnusable("a text is cut", made[1]).having_applied(made)

        def get(self, key: RunKey) -> RunRecord:
            if self.is_away:
                raise StoreUnavailable("it is away", Outcome.NOT_APPLIED, key)
            return super().get(key)

        def without_creation(self) -> InMemoryRunAccess:
            return self

    each = import_each(RunLedger(Gone(), observers=(), retry_waits=()), runs_of("abc"))
    assert [(one.run.key.client_id, one.is_new, one.fault) for one in (next(each), next(each))] == [
        ("a", True, ""),
        ("b", True, "a text is cut"),
    ]
    with pytest.raises(StoreUnavailable):
        next(each)


@pytest.mark.parametrize(
    "error",
    [
        StoreUnusable("no permission"),
        StoreUnusable("no", RunKey("r", "b")),
        StoreUnavailable("", Outcome.UNKNOWN),
        StoreUnavailable("", Outcome.NOT_APPLIED, RunKey("r", "a")),
    ],
)
def test_what_concerns_all_runs_is_raised_after_those_that_were_created(error: RunLedgerError) -> None:
    class Failing(InMemoryRunRepository):
        """Fails after the first run, and is not to be read."""

        def get(self, key: RunKey) -> RunRecord:
            raise AssertionError

        def without_creation(self) -> InMemoryRunAccess:
            return self

        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            made = super().create_many([new for new in news if new.key.client_id == "a"])
            raise error.having_applied(made)

    each = import_each(RunLedger(Failing(), observers=(), retry_waits=()), runs_of("abc"))
    first = next(each)
    assert (first.run.key.client_id, first.is_new, first.fault) == ("a", True, "")
    with pytest.raises(type(error)) as raised:
        next(each)
    assert raised.value is error or raised.value.applied == (RunKey("r", "a"),)


def test_after_a_refusal_at_most_a_hundred_are_sent_together() -> None:
    store = Choosy()
    fates(store, runs_of(["bad", *(f"good {number}" for number in range(250))]))
    assert store.sizes == [251, 100, 100, 50]


def test_an_import_that_is_refused_names_what_its_earlier_attempts_created() -> None:
    class Piecemeal(InMemoryRunRepository):
        """Creates one run, and finds another there, in turn; refuses the last."""

        def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
            if len(news) > 1:
                made = super().create_many(news[:1])
                raise RunAlreadyExists([news[1].key]).having_applied(made)
            raise UnusableForRun("too long", news[0].key)

    with pytest.raises(UnusableForRun) as refusal:
        RunLedger(Piecemeal(), observers=()).import_records(runs_of("abcde"))
    assert refusal.value.applied == (RunKey("r", "a"), RunKey("r", "c"))
    assert fates(Piecemeal(), runs_of("abcde"))[:3:2] == [("a", True, ""), ("c", True, "")]


class Doubtful(InMemoryRunRepository):
    """Makes "a", loses its answer, and then cannot read the row of "b", as it says unless it is `vague`.

    It shows "a" only to a start that brings its reference. `sent`: client, is_retry and reference of each attempt.
    """

    def __init__(self, *, vague: bool = False) -> None:
        super().__init__()
        self._vague = vague
        self.sent: list[list[tuple[str, bool, str | None]]] = []
        self.marks: list[str] = []

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        self.sent.append([(new.key.client_id, new.is_retry, new.reference) for new in news])
        self.marks += [new.mark for new in news if new.key.client_id == "a"]
        unconfirmed = [new.key.referring_to("A") for new in news if new.key.client_id == "a"]
        if len(self.sent) == 1:
            failure: RunLedgerError = StoreUnavailable("cut", Outcome.UNKNOWN)
        elif any(new.key.client_id == "b" for new in news):
            failure = UnusableForRun("unreadable", None if self._vague else RunKey("r", "b"))
        else:
            return super().create_many(news)
        failure.unconfirmed = tuple(unconfirmed)
        raise failure


def test_after_a_lost_answer_and_a_refusal_an_import_goes_on_as_a_retry_of_what_is_in_doubt() -> None:
    store = Doubtful()
    assert fates(store, runs_of("abcda")) == [
        ("a", True, ""),
        ("b", False, "unreadable"),
        ("c", True, ""),
        ("d", True, ""),
        ("a", False, ""),
    ]
    assert store.sent == [
        [("a", False, None), ("b", False, None), ("c", False, None), ("d", False, None)],
        [("a", True, "A"), ("b", True, None), ("c", True, None), ("d", True, None)],
        [("a", True, "A"), ("c", True, None), ("d", True, None)],
    ]
    assert len(set(store.marks)) == 1


def test_a_row_of_a_run_that_was_refused_in_doubt_is_sent_as_it_is() -> None:
    store = Doubtful()
    first, refused, again = [*runs_of("ab"), evolve(runs_of("b")[0], record=RunRecord.start(RunKey("r", "b"), AT))]
    assert [fault for _, _, fault in fates(store, [first, refused, again])] == ["", "unreadable", "unreadable"]
    assert store.sent[2:] == [[("a", True, "A"), ("b", False, None)], [("a", True, "A")]]


def test_an_import_in_doubt_that_is_divided_sends_each_part_as_a_retry() -> None:
    store = Doubtful(vague=True)
    found = fates(store, runs_of("abcd"))
    assert [(client, is_new, fault) for client, is_new, fault in found] == [
        ("a", True, ""),
        ("b", False, "unreadable"),
        ("c", True, ""),
        ("d", True, ""),
    ]
    assert [("a", True, "A"), ("b", True, None)] in store.sent
    assert [("a", True, "A")] in store.sent
    assert [("c", True, None), ("d", True, None)] in store.sent
    assert len(set(store.marks)) == 1
