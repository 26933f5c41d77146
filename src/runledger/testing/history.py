"""Random histories, run on an adapter and on the model; what they return, raise and leave behind is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ..domain import (
    FinishedRuns,
    LatestStore,
    LoggedStore,
    NewRun,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
)
from .calls import shown
from .model import Model
from .rules import Rule, RuleBroken
from .runs import changed
from .seeds import named
from .strategies import (
    COLUMNS,
    any_additions,
    any_metrics,
    changes,
    column_additions,
    column_metrics,
    few_marks,
    final_statuses,
    finished_runs,
    likely_keys,
    near_times,
    no_marks,
    queries,
    runs,
)
from .trial import EVERYTHING, Trial, keys_of, rule_of_refusal

_SETTINGS = settings(
    deadline=None,
    # Not Phase.explain: it takes longer than all the rest, and explains the lines that were run, not the history.
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    # A machine that is busy with other things draws slowly, which says nothing about an adapter.
    suppress_health_check=[HealthCheck.too_slow],
)
_FIXED = settings(_SETTINGS, derandomize=True)
_NEW = settings(_SETTINGS, database=None)
_HEARTBEAT = RunChange()

History = Sequence[tuple[Any, ...]]
"""Calls of a repository, each as the name of its method and the arguments."""


def run_histories(
    new_trial: Callable[[], Trial], count: int, *, seed: int | str | None = None, longest: int = 20
) -> None:
    """Run this many random histories of at most `longest` calls, each on a separate trial, which is closed after it.

    Without a seed they are the same in every run. Raises RuleBroken with the shortest history found that shows it.
    """
    trial = new_trial()
    guarantees = trial.repository.guarantees
    exact, marks = guarantees.exact_values, few_marks if guarantees.exact_start else no_marks
    removes = trial.offers_removal
    trial.close()

    def run(history: History) -> None:
        trial = new_trial()
        comparison = Comparison(trial, Model(None if exact else COLUMNS))
        try:
            for method, *arguments in history:
                comparison.call(method, *arguments)
            comparison.end()
        finally:
            trial.close()

    tried = given(histories(exact, longest, marks, removes=removes))(run)
    if seed is None:
        _raising_the_shortest(settings(_FIXED, max_examples=count)(tried), run)
    else:
        with named(seed):
            _raising_the_shortest(settings(_NEW, max_examples=count)(hypothesis.seed(seed)(tried)), run)


def _raising_the_shortest(tried: Callable[[], None], run: Callable[[History], None]) -> None:
    try:
        tried()
    except RuleBroken as failure:
        raise _shortened(failure, run) from None


def _shortened(failure: RuleBroken, run: Callable[[History], None]) -> RuleBroken:
    """The same failure without the calls that it does not need: Hypothesis may leave some."""
    for i in reversed(range(len(failure.calls) - 1)):
        try:
            run([(call.method, *call.arguments) for call in failure.calls[:i] + failure.calls[i + 1 :]])
        except RuleBroken as shorter:
            if shorter.rule is failure.rule:
                failure = shorter
    return failure


def histories(
    exact: bool, longest: int = 20, marks: st.SearchStrategy[str] = no_marks, *, removes: bool = False
) -> st.SearchStrategy[History]:
    """Any history of at most `longest` calls, some of them on runs that have just started or finished.

    Few keys return in it. With `removes`, finished runs are removed in between.
    """
    some_runs = runs(any_metrics if exact else column_metrics, likely_keys, marks)
    drawn = changes(any_metrics, any_additions) if exact else changes(column_metrics, column_additions)
    some_changes = st.just(_HEARTBEAT) | drawn
    some_pairs = st.tuples(likely_keys, some_changes)
    some_starts = st.builds(RunRecord.start, likely_keys, near_times).map(NewRun)
    some_ends = st.builds(RunChange, status=final_statuses)
    some_finished = st.builds(lambda run, end, at: changed(run, end, at=at), some_starts, some_ends, near_times)
    starts = st.lists(st.tuples(st.just("create"), some_starts | some_finished), max_size=2)
    removals = [st.tuples(st.just("remove_runs"), finished_runs, st.integers(1, 4))] * removes
    calls = st.lists(
        st.one_of(
            st.tuples(st.just("create"), some_runs),
            st.tuples(st.just("update"), likely_keys, some_changes, near_times),
            st.tuples(st.just("get"), likely_keys),
            st.tuples(st.just("create_many"), st.lists(some_runs, max_size=4)),
            st.tuples(st.just("update_many"), st.lists(some_pairs, max_size=4), near_times),
            st.tuples(st.just("find"), queries),
            st.tuples(st.just("log"), likely_keys, st.none() | st.integers(0, 3)),
            *removals,
        ),
        max_size=longest - 2,
    )
    return st.tuples(starts, calls).map(lambda parts: [*parts[0], *parts[1]])


class Comparison:
    """The same calls on an adapter and on the model.

    A call raises RuleBroken if the two differ in how it ends or in what they hold after it. Independently of
    the model, only create and create_many may make a record appear in the adapter.
    """

    def __init__(self, trial: Trial, model: Model) -> None:
        self._trial = trial
        self._model = model
        self._there: set[RunKey] = set()

    def call(self, method: str, *arguments: Any) -> None:
        trial = self._trial
        if method == "remove_runs":
            expected, actual = self._removed(*arguments)
        else:
            expected = _result(self._model, method, *arguments)
            actual = _result(trial.repository, method, *arguments)
        call = trial.calls[-1]
        trial.rule = _rule(method, expected, actual)
        found = self._found()
        self._require_nothing_new(method, found)
        if isinstance(expected, RunLedgerError) or isinstance(actual, RunLedgerError):
            trial.require(type(actual) is type(expected), f"{call} {_ended(actual)}, and not {_ended(expected)}")
            _require_same_keys(trial, actual, expected)
        elif isinstance(expected, RunRecord):
            trial.same(actual, expected)
        elif method == "find":
            trial.same_list(actual, expected)
        elif method in ("log", "remove_runs"):
            trial.require(actual == expected, f"{call} gives {shown(actual)}, and not {shown(expected)}")
        try:
            trial.same_list(found, self._model.find(EVERYTHING))
        except RuleBroken as difference:
            if isinstance(expected, RunLedgerError):  # whatever differs: a rejected call changes nothing
                raise trial.broken(difference.what) from None
            raise
        self._require_same_logs(_keys_of(method, *arguments))

    def _removed(self, finished: FinishedRuns, batch: int) -> tuple[Any, Any]:
        """How many runs are to be removed, and how many the adapter says it removed."""
        with self._trial.removal() as removal:
            counts = _result(removal, "remove_runs", finished, batch)
        return self._model.remove_runs(finished), counts if isinstance(counts, RunLedgerError) else sum(counts)

    def end(self) -> None:
        """Compare all logs, as a store finds them together with their records, and the newest record of each client."""
        adapter = self._trial.repository.adapter
        if isinstance(adapter, LatestStore):
            self._trial.rule = Rule.FOUND_IN_ORDER
            call = self._trial.noted("repository", "latest")
            with self._trial.watched(call):
                newest = list(adapter.latest())
            self._trial.same_list(newest, self._model.latest())
        if isinstance(adapter, LoggedStore):
            call = self._trial.noted("repository", "find_with_logs", EVERYTHING)
            with self._trial.watched(call):
                found = [(record.key, list(log)) for record, log in adapter.find_with_logs(EVERYTHING)]
            due = [(record.key, self._model.log(record.key)) for record in self._model.find(EVERYTHING)]
            self._trial.require(found == due, f"{call} gives {shown(found)}, and not {shown(due)}", Rule.LOGGED)

    def _require_same_logs(self, keys: Iterable[RunKey]) -> None:
        """The logs of runs that a call was about are those of the model."""
        for key in keys:
            if key in self._model.runs:
                self._trial.same_log(key, self._model.log(key))
                self._trial.calls.pop()  # this look is not a call of the history

    def _found(self) -> list[RunRecord]:
        with self._trial.of(self._trial.rule):
            found = list(self._trial.repository.find(EVERYTHING))
        self._trial.calls.pop()  # this look is not a call of the history
        return found

    def _require_nothing_new(self, method: str, found: Sequence[RunRecord]) -> None:
        before, self._there = self._there, {record.key for record in found}
        if not method.startswith("create") and (new := sorted(self._there - before)):
            rule = Rule.UPDATED_ONLY if method.startswith("update") else Rule.CREATED_ONCE
            raise self._trial.broken(f"{self._trial.calls[-1]} made a record of {shown(new)}", rule)


def _result(store: Any, method: str, *arguments: Any) -> Any:
    try:
        returned = getattr(store, method)(*arguments)
        return returned if returned is None or isinstance(returned, (RunKey, RunRecord)) else list(returned)
    except RunLedgerError as error:
        return error


def _keys_of(method: str, *arguments: Any) -> set[RunKey]:
    """The keys of the runs that a call may have changed."""
    match method, arguments:
        case "create", (new,):
            return {new.key}
        case "update", (key, *_):
            return {key}
        case "create_many", (news,):
            return {new.key for new in news}
        case "update_many", (changes, _):
            return {key for key, _ in changes}
    return set()


def _rule(method: str, expected: Any, actual: Any) -> Rule:
    """The rule that is at stake when a call ended in another way than it should, or left something else behind."""
    if isinstance(expected, RunLedgerError):
        same = type(expected) is type(actual)
        many_refused = same and method.endswith("_many")
        return Rule.WHOLE if many_refused else rule_of_refusal(type(expected), method) or Rule.WHOLE
    if isinstance(actual, RunLedgerError):
        if isinstance(actual, (RunNotFound, RunAlreadyExists)):
            return Rule.OPAQUE_IDS
        return rule_of_refusal(type(actual), method) or Rule.WHOLE
    return {"find": Rule.FOUND_IN_ORDER, "log": Rule.LOGGED, "remove_runs": Rule.REMOVED}.get(method, Rule.WHOLE)


def _require_same_keys(trial: Trial, actual: Any, expected: Any) -> None:
    trial.require(
        set(keys_of(actual)) == set(keys_of(expected)),
        f"the {type(expected).__name__} of {trial.calls[-1]} carries the keys {shown(keys_of(actual))}, and not "
        f"{shown(keys_of(expected))}",
        Rule.RAISED,
    )


def _ended(result: Any) -> str:
    if isinstance(result, RunLedgerError):
        return f"raised {type(result).__name__} ({result})"
    return f"returned {shown(result)}"
