"""The contract rejects adapters that are broken on purpose, and names the rule that each breaks."""

import inspect
from collections.abc import Mapping
from functools import cache

import pytest
from broken_adapters import (
    BREAKS,
    AcceptsASecondCreate,
    Broken,
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
    Repairs,
    RepairsForAnErrorAlone,
    RepairsInBulk,
    SwallowsErrors,
)

from runledger.testing import Rule, RuleBroken, RunRepositoryContract
from runledger.testing.calls import listed
from runledger.testing.history import run_histories
from runledger.testing.trial import Trial

RANDOM = {"test_any_history_leaves_what_the_rules_say", "test_new_histories_leave_what_the_rules_say"}
TESTS = {
    name: test
    for name, test in inspect.getmembers(RunRepositoryContract)
    if name.startswith("test_") and name not in RANDOM
}


@cache
def failures(adapter: type[Broken]) -> Mapping[str, RuleBroken]:
    """What each test of the contract says about an adapter, the random histories aside."""
    found = {}
    for name, test in TESTS.items():
        try:
            test(RunRepositoryContract(), Trial(adapter.new_store()))
        except RuleBroken as failure:
            found[name] = failure
        except pytest.skip.Exception:
            continue  # not promised
    return found


@pytest.mark.parametrize("adapter", BREAKS, ids=lambda adapter: adapter.__name__)
def test_a_broken_adapter_is_rejected_for_the_rule_that_it_breaks(adapter: type[Broken]) -> None:
    found = failures(adapter).values()  # type: ignore[arg-type]
    assert {failure.rule for failure in found} == BREAKS[adapter]
    for failure in found:
        assert str(failure).startswith(f"rule broken: {failure.rule.title}. {failure.rule.sentence}\nWhat happened: ")
        assert len(list(listed(failure.calls))) <= 15, str(failure)


def test_a_sound_adapter_is_not_rejected() -> None:
    assert failures(Broken) == {}


def test_no_test_and_no_rule_is_without_an_adapter_that_breaks_it() -> None:
    broken = {name for adapter in BREAKS for name in failures(adapter)}  # type: ignore[arg-type]
    assert set(TESTS) == broken
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
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_random_histories_find_a_broken_adapter_and_the_shortest_history_that_shows_it(
    adapter: type[Broken], rule: Rule
) -> None:
    with pytest.raises(RuleBroken) as found:
        run_histories(lambda: Trial(adapter.new_store()), 2_000, longest=4)
    assert found.value.rule is rule
    assert len(found.value.calls) <= 3, str(found.value)
