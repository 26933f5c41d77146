"""Random histories, done to an adapter and to the model; what is returned, raised and left behind is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ..adapters.memory import InMemoryRunRepository
from ..domain import RunAlreadyExists, RunChange, RunKey, RunLedgerError, RunNotFound, RunRecord
from .acts import shown
from .rules import Rule, RuleBroken
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

# The same histories in every run: a suite that judges others gives one verdict. Not Phase.explain, which takes longer
# than all the rest and explains the lines that were run, not the history.
_SETTINGS = settings(
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
_HEARTBEAT = RunChange()

History = Sequence[tuple[Any, ...]]
"""Acts on a repository, each as the name of its method and the arguments."""


def run_histories(new_trial: Callable[[], Trial], count: int) -> None:
    """Go through this many random histories, each on a trial of its own, which is closed after it.

    Raises RuleBroken with the shortest history that shows it, as far as one was found.
    """
    trial = new_trial()
    exact = trial.repository.guarantees.exact_values
    trial.close()

    def run(history: History) -> None:
        trial, model = new_trial(), InMemoryRunRepository(columns=None if exact else COLUMNS)
        try:
            for method, *arguments in history:
                compare(trial, model, method, *arguments)
        finally:
            trial.close()

    try:
        settings(_SETTINGS, max_examples=count)(given(histories(exact))(run))()
    except RuleBroken as failure:
        raise _shortened(failure, run) from None


def _shortened(failure: RuleBroken, run: Callable[[History], None]) -> RuleBroken:
    """The same failure without the acts that it does not need: Hypothesis may leave some."""
    for i in reversed(range(len(failure.acts) - 1)):
        try:
            run([(act.method, *act.arguments) for act in failure.acts[:i] + failure.acts[i + 1 :]])
        except RuleBroken as shorter:
            if shorter.rule is failure.rule:
                failure = shorter
    return failure


def histories(exact: bool) -> st.SearchStrategy[History]:
    """Any history; the same few keys come back in it."""
    some_records = records(any_metrics if exact else column_metrics, likely_keys)
    drawn = changes(any_metrics, any_additions) if exact else changes(column_metrics, column_additions)
    some_changes = st.just(_HEARTBEAT) | drawn
    some_pairs = st.tuples(likely_keys, some_changes)
    return st.lists(
        st.one_of(
            st.tuples(st.just("create"), some_records),
            st.tuples(st.just("update"), likely_keys, some_changes, near_times),
            st.tuples(st.just("get"), likely_keys),
            st.tuples(st.just("create_many"), st.lists(some_records, max_size=4)),
            st.tuples(st.just("update_many"), st.lists(some_pairs, max_size=4), near_times),
            st.tuples(st.just("find"), queries),
        ),
        max_size=20,
    )


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
    with trial.of(trial.rule):
        there = list(trial.repository.find(EVERYTHING))
    trial.acts.pop()  # a look of ours, no act of the history
    new = {record.key for record in there} - {record.key for record in model.find(EVERYTHING)}
    if new and method.startswith("update"):
        raise trial.broken(f"{act} made a record of {shown(list(new))}", Rule.UPDATED_ONLY)
    try:
        trial.same_list(there, list(model.find(EVERYTHING)))
    except RuleBroken as difference:
        if isinstance(expected, RunLedgerError):  # whatever differs: a refused act changes nothing
            raise trial.broken(difference.what) from None
        raise


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
