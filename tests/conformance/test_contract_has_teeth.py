"""The contract rejects adapters that are broken on purpose, and names the rule that each breaks."""

import inspect
from collections.abc import Mapping, Set
from contextlib import closing
from datetime import UTC, datetime
from functools import cache

import pytest
from broken_adapters import (
    BREAKS,
    AcceptsASecondCreate,
    Broken,
    BrokenAdapter,
    BrokenInRedis,
    Changes,
    ComparesWithoutCase,
    HalfAppliesABulkUpdate,
    IgnoresHeartbeats,
    KeepsBoolsAsNumbers,
    ListsOldestFirst,
    MovesTheEnd,
    MovesUpdatedAtBack,
    OverwritesOnCreate,
    RaisesADriversError,
    RaisesADriversErrorInFind,
    ReadsAllBeforeTheFirst,
    RemovesByTheStart,
    Repairs,
    RepairsForAnErrorAlone,
    RepairsInBulk,
    SwallowsErrors,
)

from runledger import RunChange, RunKey, RunRecord
from runledger.domain.values import checked_time
from runledger.testing import Rule, RuleBroken, RunRepositoryContract
from runledger.testing.calls import listed
from runledger.testing.history import run_histories
from runledger.testing.model import Model
from runledger.testing.seeds import seed_of
from runledger.testing.trial import Trial

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(600)  # one test asks every broken adapter

RANDOM = {"test_any_history_leaves_what_the_rules_say", "test_new_histories_leave_what_the_rules_say"}
TESTS = {
    name: test
    for name, test in inspect.getmembers(RunRepositoryContract)
    if name.startswith("test_") and name not in RANDOM
}


class Contract(RunRepositoryContract):
    many = 301  # the broken adapters make batches of 250 and less


@cache
def failures(adapter: type[BrokenAdapter]) -> Mapping[str, RuleBroken]:
    """What each test of the contract says about an adapter, the random histories aside."""
    return failures_of(TESTS.keys(), adapter)


def failures_of(names: Set[str], adapter: type[BrokenAdapter]) -> Mapping[str, RuleBroken]:
    """What some tests of the contract say about an adapter."""
    found = {}
    served = adapter.served() if issubclass(adapter, BrokenInRedis) else None
    for name in names & getattr(adapter, "tests", TESTS.keys()):
        try:
            with closing(Trial(adapter.new_store(), adapter.open_removal, served)) as trial:
                trial.patience = getattr(adapter, "patience", Trial.patience)
                TESTS[name](Contract(), trial)
        except RuleBroken as failure:
            found[name] = failure
        except pytest.skip.Exception:
            continue  # not promised
    return found


@pytest.mark.parametrize("adapter", BREAKS, ids=lambda adapter: adapter.__name__)
def test_a_broken_adapter_is_rejected_for_the_rule_that_it_breaks(adapter: type[BrokenAdapter]) -> None:
    found = failures(adapter).values()
    assert {failure.rule for failure in found} == BREAKS[adapter]
    for failure in found:
        assert str(failure).startswith(f"rule broken: {failure.rule.title}. {failure.rule.sentence}\nWhat happened: ")
        assert len(list(listed(failure.calls))) <= 15, str(failure)


def test_a_sound_adapter_is_not_rejected() -> None:
    assert failures(Broken) == {}


class RequiresTimesAsTheyAreKept(Broken):
    """Sound, and made for times as the port promises them: in UTC, to the millisecond."""

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        assert at == checked_time(at, "at")
        assert at.tzinfo is UTC
        return super().update(key, change, at)

    def update_many(self, changes: Changes, at: datetime) -> None:
        assert at == checked_time(at, "at")
        assert at.tzinfo is UTC
        super().update_many(changes, at)


def test_the_suite_passes_times_as_the_port_promises_them() -> None:
    assert failures(RequiresTimesAsTheyAreKept) == {}
    run_histories(lambda: Trial(RequiresTimesAsTheyAreKept.new_store(), RequiresTimesAsTheyAreKept.open_removal), 100)


def test_no_test_and_no_rule_is_without_an_adapter_that_breaks_it() -> None:
    left = set(TESTS)
    for adapter in BREAKS:  # each is asked only for what none before it breaks
        left -= failures_of(left, adapter).keys()
    assert left == set()
    assert set().union(*BREAKS.values()) == set(Rule)


@pytest.mark.parametrize(
    ("adapter", "rule"),
    [
        (OverwritesOnCreate, Rule.CREATED_ONCE),
        (AcceptsASecondCreate, Rule.CREATED_ONCE),
        (Repairs, Rule.UPDATED_ONLY),
        (RepairsForAnErrorAlone, Rule.UPDATED_ONLY),
        (RepairsInBulk, Rule.UPDATED_ONLY),
        (SwallowsErrors, Rule.UPDATED_ONLY),
        (ComparesWithoutCase, Rule.OPAQUE_IDS),
        (MovesTheEnd, Rule.FINISHED_ONCE),
        (RaisesADriversError, Rule.RAISED),
        (RaisesADriversErrorInFind, Rule.RAISED),
        (HalfAppliesABulkUpdate, Rule.WHOLE),
        (KeepsBoolsAsNumbers, Rule.WHOLE),
        (IgnoresHeartbeats, Rule.TIMES),
        (MovesUpdatedAtBack, Rule.TIMES),
        (ListsOldestFirst, Rule.FOUND_IN_ORDER),
        (RemovesByTheStart, Rule.REMOVED),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_random_histories_find_a_broken_adapter_and_the_shortest_history_that_shows_it(
    adapter: type[Broken], rule: Rule
) -> None:
    with pytest.raises(RuleBroken) as found:
        run_histories(lambda: Trial(adapter.new_store(), adapter.open_removal), 2_000, longest=4)
    assert found.value.rule is rule
    assert len(found.value.calls) <= 3, str(found.value)


class RepairsEverywhere(Repairs, RepairsInBulk):
    """Agrees with a model that creates in every update."""


def test_an_update_that_creates_is_found_although_the_model_creates_too(monkeypatch: pytest.MonkeyPatch) -> None:
    update_many = Model.update_many

    def creating(self: Model, changes: Changes, at: datetime) -> None:
        for key, _ in changes:
            self.runs.setdefault(key, (RunRecord.start(key, at), []))
        update_many(self, changes, at)

    monkeypatch.setattr(Model, "update_many", creating)
    with pytest.raises(RuleBroken, match="made a record of") as found:
        run_histories(lambda: Trial(RepairsEverywhere.new_store()), 500, longest=4)
    assert found.value.rule is Rule.UPDATED_ONLY


def test_new_histories_are_those_of_their_seed_and_a_failure_names_it() -> None:
    def calls(seed: int, adapter: type[Broken] = Broken) -> list[str]:
        trials: list[Trial] = []

        def new_trial() -> Trial:
            trials.append(Trial(adapter.new_store()))
            return trials[-1]

        run_histories(new_trial, 20, seed=seed)
        return [str(call) for trial in trials for call in trial.calls]

    assert calls(1) == calls(1) != calls(2)
    with pytest.raises(RuleBroken) as found:
        run_histories(lambda: Trial(ListsOldestFirst.new_store()), 200, seed=7)
    assert found.value.__notes__[-1] == "This is random: pytest --hypothesis-seed=7 repeats it."


def test_the_seed_is_given_to_pytest_or_drawn(pytester: pytest.Pytester) -> None:
    given, other = pytester.parseconfig("--hypothesis-seed=12"), pytester.parseconfig()
    assert seed_of(given) == 12
    assert len({seed_of(other) for _ in range(5)}) > 1


def test_the_failure_of_a_find_that_reads_all_first_says_what_to_do() -> None:
    (failure,) = failures_of({"test_find_pages_through_many_without_loss_or_repeat"}, ReadsAllBeforeTheFirst).values()
    assert "until it gave the first of 1,203 records" in str(failure)
    assert "it must read page by page" in str(failure)
