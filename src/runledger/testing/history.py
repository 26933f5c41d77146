"""Random histories, done to an adapter and to the model; what is returned, raised and left behind is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from ..adapters.memory import InMemoryRunRepository
from ..domain import RunAlreadyExists, RunChange, RunKey, RunLedgerError, RunNotFound, RunQuery, RunRecord
from .acts import shown
from .rules import Rule
from .strategies import (
    COLUMNS,
    any_additions,
    any_metrics,
    changes,
    column_additions,
    column_metrics,
    likely_keys,
    near_times,
    queries,
    records,
)
from .trial import EVERYTHING, Trial, keys_of, rule_of_refusal

# Not Phase.explain, which takes longer than all others and explains the machine, not the adapter.
_SETTINGS = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    stateful_step_count=15,
    suppress_health_check=list(HealthCheck),
)


def run_histories(new_trial: Callable[[], Trial], count: int) -> None:
    """Go through this many random histories, each on a trial of its own, and close it.

    Raises RuleBroken with the shortest history that shows it, as far as Hypothesis found one.
    """
    trial = new_trial()
    exact = trial.repository.guarantees.exact_values
    trial.close()
    machine = _machine(new_trial, exact)
    run_state_machine_as_test(machine, settings=settings(_SETTINGS, max_examples=count))


def _machine(new_trial: Callable[[], Trial], exact: bool) -> type[RuleBasedStateMachine]:
    some_records = records(any_metrics if exact else column_metrics, likely_keys)
    some_changes = changes(any_metrics, any_additions) if exact else changes(column_metrics, column_additions)
    some_pairs = st.tuples(likely_keys, some_changes)

    class History(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.trial = new_trial()
            self.model = InMemoryRunRepository(columns=None if exact else COLUMNS)

        @rule(record=some_records)
        def create(self, record: RunRecord) -> None:
            self.do("create", record)

        @rule(batch=st.lists(some_records, max_size=4))
        def create_many(self, batch: Sequence[RunRecord]) -> None:
            self.do("create_many", batch)

        @rule(key=likely_keys, change=some_changes, at=near_times)
        def update(self, key: RunKey, change: RunChange, at: datetime) -> None:
            self.do("update", key, change, at)

        @rule(pairs=st.lists(some_pairs, max_size=4), at=near_times)
        def update_many(self, pairs: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
            self.do("update_many", pairs, at)

        @rule(key=likely_keys)
        def get(self, key: RunKey) -> None:
            self.do("get", key)

        @rule(query=queries)
        def find(self, query: RunQuery) -> None:
            self.do("find", query)

        def do(self, method: str, *arguments: Any) -> None:
            compare(self.trial, self.model, method, *arguments)

        def teardown(self) -> None:
            self.trial.close()

    return History


def compare(trial: Trial, model: InMemoryRunRepository, method: str, *arguments: Any) -> None:
    """Do the same to the adapter and to the model; raise RuleBroken if they differ, in that or in what they hold."""
    expected = _result(model, method, *arguments)
    actual = _result(trial.repository, method, *arguments)
    act = trial.acts[-1]
    trial.rule = _rule(method, expected, actual)
    if isinstance(expected, RunLedgerError) or isinstance(actual, RunLedgerError):
        trial.require(type(actual) is type(expected), f"{act} {_ended(actual)}, and not {_ended(expected)}")
        _require_same_keys(trial, actual, expected)
    elif isinstance(expected, RunRecord):
        trial.same(actual, expected)
    elif method == "find":
        trial.same_list(actual, expected)
    elif method != "update_many":
        trial.require(actual == expected, f"{act} returned {shown(actual)}, and not {shown(expected)}")
    there = list(trial.repository.adapter.find(EVERYTHING))
    new = {record.key for record in there} - {record.key for record in model.find(EVERYTHING)}
    if new and method.startswith("update"):
        raise trial.broken(f"{act} made a record of {shown(list(new))}", Rule.UPDATED_ONLY)
    trial.same_list(there, list(model.find(EVERYTHING)))


def _result(store: Any, method: str, *arguments: Any) -> Any:
    try:
        returned = getattr(store, method)(*arguments)
        return returned if returned is None or isinstance(returned, (RunKey, RunRecord)) else list(returned)
    except RunLedgerError as error:
        return error


def _rule(method: str, expected: Any, actual: Any) -> Rule:
    """The rule that is at stake where an act should have ended in one way and ended in another, or left something."""
    if isinstance(expected, RunLedgerError):
        same = type(expected) is type(actual)
        many_refused = same and method.endswith("_many")
        return Rule.WHOLE if many_refused else rule_of_refusal(type(expected), method) or Rule.WHOLE
    if isinstance(actual, RunLedgerError):
        if isinstance(actual, (RunNotFound, RunAlreadyExists)):
            return Rule.OPAQUE_IDS
        return rule_of_refusal(type(actual), method) or Rule.WHOLE
    if method == "find":
        return Rule.FOUND_IN_ORDER
    return Rule.WHOLE


def _require_same_keys(trial: Trial, actual: Any, expected: Any) -> None:
    trial.require(
        set(keys_of(actual)) == set(keys_of(expected)),
        f"the {type(expected).__name__} of {trial.acts[-1]} carries the keys {shown(keys_of(actual))}, and not "
        f"{shown(keys_of(expected))}",
        Rule.LOUD,
    )


def _ended(result: Any) -> str:
    if isinstance(result, RunLedgerError):
        return f"raised {type(result).__name__} ({result})"
    return f"returned {shown(result)}"
