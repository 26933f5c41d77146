"""Updates are atomic: between threads for every store, between handles where it is promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from ...domain import CallWithinCall, RunAlreadyFinished, RunChange, RunKey, RunQuery, RunRecord
from ...domain.visible import counted
from ..calls import named, shown
from ..handles import RepositoryOnTrial
from ..rules import Rule
from ..steps import Step
from ..trial import Trial
from .cases import AT, FINAL, Part, R, S, keeps, require_one_success, started

_INSTANTS = 15
"""At how many steps of a call another one is made within it."""


class Concurrency(Part):
    @keeps(Rule.ATOMIC)
    def test_what_threads_add_concurrently_is_all_kept(self, trial: Trial) -> None:
        require_all_additions(trial, [trial.repository] * 8)

    @keeps(Rule.ATOMIC)
    def test_what_threads_add_in_bulk_calls_that_cross_is_all_kept(self, trial: Trial) -> None:
        repository, adds = trial.repository, RunChange(add={"n": 1})
        repository.create_many([started("r"), started("s")])

        def add(thread: int) -> None:
            first, second = (R, S) if thread % 2 else (S, R)
            for _ in range(5):
                if thread < 4:
                    repository.update_many([(first, adds), (second, adds)], AT)
                else:
                    repository.update(first, adds, AT)

        for error in trial.concurrently(6, add):
            trial.require(error is None, f"an addition was refused: {error}")
        kept = [repository.get(key).metrics.get("n") for key in (R, S)]
        trial.require(kept == [25, 25], f"of 25 additions of 1 to each of two runs {kept} were kept")

    @keeps(Rule.PROMISES)
    def test_what_handles_add_concurrently_is_all_kept_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.atomic_add:
            pytest.skip("the store does not promise atomic_add: that is exact within one process only")
        require_all_additions(trial, trial.handles(8))

    @keeps(Rule.ATOMIC)
    def test_of_many_threads_that_finish_one_run_exactly_one_succeeds(self, trial: Trial) -> None:
        require_one_finish(trial, [trial.repository] * 8)

    @keeps(Rule.NEVER_WAITS)
    def test_a_call_within_a_call_of_its_thread_succeeds_or_is_rejected_immediately(self, trial: Trial) -> None:
        for method in ("create", "create_many", "update", "update_many"):
            steps = require_no_wait_within(trial, method, None)
            for i in range(_INSTANTS):
                require_no_wait_within(trial, method, i * steps // _INSTANTS)

    @keeps(Rule.PROMISES)
    def test_of_many_handles_that_finish_one_run_exactly_one_succeeds_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.exact_finish:
            pytest.skip("the store does not promise exact_finish: that is exact within one process only")
        require_one_finish(trial, trial.handles(8))


def require_all_additions(trial: Trial, handles: Sequence[RepositoryOnTrial]) -> None:
    """Ten concurrent additions and notes by each handle are all kept."""
    trial.repository.create(started("r"))

    def add(i: int) -> None:
        for _ in range(10):
            handles[i].update(R, RunChange(add={"n": 1}, note=f"by {i}"), AT)

    for error in trial.concurrently(len(handles), add):
        trial.require(error is None, f"an addition was refused: {error}")
    record, due = trial.repository.get(R), 10 * len(handles)
    lines = list(trial.repository.log(R))
    kept = (record.metrics.get("n"), len(lines))
    trial.require(kept == (due, due), f"of {due} additions of 1 and as many notes, {kept[0]} and {kept[1]} were kept")
    trial.require(
        record.notes == due,
        f"the record counts {counted(record.notes, 'note')}, and the log has {counted(due, 'line')}",
        Rule.LOGGED,
    )
    own = Counter(line.text for line in lines)
    trial.require(set(own.values()) == {10}, f"of 10 notes by each handle, these were kept: {own}", Rule.LOGGED)


def require_one_finish(trial: Trial, handles: Sequence[RepositoryOnTrial]) -> None:
    """Of handles that finish one run concurrently exactly one succeeds, and the run has its status."""
    statuses = FINAL * len(handles)
    trial.repository.create(started("r"))
    outcomes = trial.concurrently(
        len(handles), lambda i: handles[i].update(R, RunChange(status=statuses[i]), AT + timedelta(seconds=i))
    )
    require_one_success(trial, outcomes, RunAlreadyFinished, "concurrent updates that finish one run")
    winner = outcomes.index(None)
    due = started("r").apply(RunChange(status=statuses[winner]), AT + timedelta(seconds=winner))
    trial.same(trial.repository.get(R), due)


def require_no_wait_within(trial: Trial, method: str, step: int | None) -> int:
    """Call the store within a step of a call, as a signal handler does, and count the steps of the call."""
    trial.begin()
    repository, adds = trial.repository, RunChange(add={"n": 1})
    keys = [RunKey(f"{method} {step}", client) for client in ("outer", "inner", "created")]
    outer, inner, created = (RunRecord.start(key, AT) for key in keys)
    repository.create_many([inner] if method.startswith("create") else [outer, inner])
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: repository.create(outer),
        "create_many": lambda: repository.create_many([outer]),
        "update": lambda: repository.update(outer.key, adds, AT),
        "update_many": lambda: repository.update_many([(outer.key, adds)], AT),
    }
    rejected: list[RunKey] = []

    def handle() -> None:
        with suppress(CallWithinCall):
            repository.get(inner.key)
        for key, within in (
            (inner.key, lambda: repository.update(inner.key, adds, AT)),
            (created.key, lambda: repository.create(created)),
        ):
            try:
                within()
            except CallWithinCall:
                rejected.append(key)

    call = Step(step, handle)
    [error] = trial.concurrently(1, lambda _: call.during(calls[method]))
    trial.require(error is None, f"{method}, or a call within it, raised {named(error)}")
    there = {record.key: record for record in repository.find(RunQuery(run_id=outer.key.run_id))}
    applied = [key for key in rejected if key in there and (key == created.key or there[key].metrics)]
    trial.require(not applied, f"a call for {shown(applied)} raised CallWithinCall, and was applied")
    return call.taken
