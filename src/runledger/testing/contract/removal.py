"""Removed as asked. Stores without a removal skip these tests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from itertools import zip_longest
from threading import Thread

import attrs
import pytest

from ...domain import (
    BATCH,
    FinishedRuns,
    NewRun,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunStatus,
    StoreUnavailable,
)
from ...domain.visible import counted
from ..calls import shown
from ..handles import RemovalOnTrial
from ..rules import Rule
from ..runs import changed
from ..steps import Step
from ..trial import EVERYTHING, Trial
from .cases import AT, FINAL, FINISH, LATER, Part, R, keeps, started

_INSTANTS = 20
"""At how many steps of a batch another thread comes in between."""


class Removal(Part):
    @keeps(Rule.REMOVED)
    def test_removing_takes_finished_runs_that_are_old_and_no_others(self, trial: Trial) -> None:
        before, a_moment = AT.replace(microsecond=0) + timedelta(days=1), timedelta(seconds=1)
        old = [ended(status.name, status, before - a_moment) for status in FINAL]
        kept = [
            NewRun(started("running")),
            ended("at that moment", RunStatus.COMPLETED, before),
            ended("later", RunStatus.FAILED, before + a_moment),
            NewRun(started("started later", at=before).apply(FINISH, before + a_moment)),
        ]
        trial.repository.create_many([run for pair in zip_longest(old, kept) for run in pair if run])
        for moment, due in ((AT, 0), (before, len(old)), (before, 0)):
            count = removed(trial, FinishedRuns(before=moment))
            trial.require(count == due, f"{trial.calls[-1]} counts {counted(count, 'run')} removed, and not {due}")
        trial.holds(*kept)

    @keeps(Rule.REMOVED)
    def test_removing_the_runs_of_one_client_leaves_those_of_all_others(self, trial: Trial) -> None:
        clients = ("acme", "ACME", "acme corp")
        runs = [ended(f"r{i}", RunStatus.COMPLETED, LATER, client) for client in clients for i in range(3)]
        trial.repository.create_many(runs)
        removed(trial, FinishedRuns(before=LATER + timedelta(days=1), client_id="acme"))
        trial.holds(*(run for run in runs if run.key.client_id != "acme"))

    @keeps(Rule.REMOVED)
    def test_a_removed_run_is_missing_and_its_key_is_free(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(attrs.evolve(ended("r", RunStatus.FAILED, LATER), mark="mark"))
        removed(trial, FinishedRuns(before=LATER + timedelta(days=1)))
        for change in (RunChange(), RunChange(note="late"), RunChange(metrics={"n": 1})):
            with trial.refuses(RunNotFound, R):
                repository.update(R, change, LATER)
        with trial.refuses(RunNotFound, R):
            repository.get(R)
        with trial.refuses(RunNotFound, R):
            list(repository.log(R))
        again = NewRun(started("r", at=LATER), mark="mark")
        repository.create(again)
        trial.holds(again)
        repository.update(R, RunChange(note="first"), LATER)
        trial.holds(changed(again, RunChange(note="first"), at=LATER))

    @keeps(Rule.REMOVED)
    def test_a_batch_is_bounded_and_what_is_stopped_after_it_leaves_the_others(self, trial: Trial) -> None:
        runs = [ended(f"r{i}", RunStatus.COMPLETED, LATER + timedelta(seconds=i), notes=i) for i in range(5)]
        trial.repository.create_many(runs)
        finished = FinishedRuns(before=LATER + timedelta(days=1))
        with removal_of(trial) as removal:
            first = next(iter(removal.remove_runs(finished, 3)), 0)
        there = list(trial.repository.find(EVERYTHING))
        trial.require(0 < first <= 3, f"a batch of at most 3 rows removed {counted(first, 'run')}")
        trial.require(len(there) == 5 - first, f"of 5 runs {len(there)} are left after a batch that removed {first}")
        trial.holds(*(run for run in runs if run.record.key in {record.key for record in there}))
        removed(trial, finished, batch=1)
        trial.holds()

    @keeps(Rule.REMOVED)
    def test_a_run_that_is_removed_and_started_again_between_two_batches_is_kept(self, trial: Trial) -> None:
        trial.repository.create_many([ended(f"r{i}", RunStatus.COMPLETED, LATER) for i in range(4)])
        finished = FinishedRuns(before=LATER + timedelta(days=1))
        with removal_of(trial) as removal:
            batches = removal.remove_runs(finished, 1)
            first = next(batches, 0)
            there = first + removed(trial, finished)
            trial.require(there == 4, f"two removals at the same time counted {there} of 4 runs")
            again = [NewRun(started(f"r{i}")) for i in range(2)]
            again += [ended(f"r{i}", RunStatus.FAILED, finished.before + timedelta(hours=1)) for i in range(2, 4)]
            trial.repository.create_many(again)
            more = sum(batches)
        trial.require(more == 0, f"{trial.calls[-1]} counts {more} runs removed that were started again meanwhile")
        trial.holds(*again)

    @keeps(Rule.REMOVED)
    def test_a_run_that_is_removed_and_started_again_within_a_batch_is_kept(self, trial: Trial) -> None:
        with removal_of(trial) as removal, trial.removal() as another:
            steps = restarted_within(trial, removal, another, step=None)
            for i in range(_INSTANTS):
                restarted_within(trial, removal, another, step=i * steps // _INSTANTS)

    @keeps(Rule.UPDATED_ONLY)
    def test_updating_a_run_that_is_removed_meanwhile_creates_nothing(self, trial: Trial) -> None:
        for i in range(5):
            trial.begin()
            require_whole_removals(trial, [RunKey(f"r{i} {j}", "acme") for j in range(4)])


def ended(run_id: str, status: RunStatus, at: datetime, client_id: str = "acme", notes: int = 2) -> NewRun:
    """A run that started at AT, has so many notes, and ended at `at`."""
    changes = [*(RunChange(note=f"note {i}") for i in range(notes)), RunChange(status=status)]
    return changed(NewRun(started(run_id, client_id)), *changes, at=at)


def removal_of(trial: Trial) -> AbstractContextManager[RemovalOnTrial]:
    """The removal of the trial's store. Skips the test if the store offers none."""
    if not trial.offers_removal:
        pytest.skip("the store offers no removal of runs: its fixture open_removal gives None")
    return trial.removal()


def removed(trial: Trial, finished: FinishedRuns, batch: int = BATCH) -> int:
    """Remove runs, and return how many were; see `removal_of`."""
    with removal_of(trial) as removal:
        counts = list(removal.remove_runs(finished, batch))
    are_bounded = all(0 <= count <= batch for count in counts)
    trial.require(are_bounded, f"{trial.calls[-1]} gives {counts} for batches of {batch}", Rule.REMOVED)
    return sum(counts)


def restarted_within(trial: Trial, removal: RemovalOnTrial, another: RemovalOnTrial, step: int | None) -> int:
    """Remove a run in one batch, within a step of which another thread removes and starts it, and count the steps.

    The batch goes on after a moment, because it may hold a lock that the other thread waits for.
    """
    trial.begin()
    old, again = ended(f"r{step}", RunStatus.COMPLETED, LATER), NewRun(started(f"r{step}"))
    trial.repository.create(old)
    finished = FinishedRuns(before=LATER + timedelta(days=1))
    outcomes: list[BaseException | None] = []

    def restart() -> None:
        try:
            list(another.remove_runs(finished))
            trial.repository.create(again)
            outcomes.append(None)
        except BaseException as error:
            outcomes.append(error)

    rival = Thread(target=restart, daemon=True)

    def meet() -> None:
        rival.start()
        rival.join(0.2)

    batch = Step(step, meet)
    batch.during(lambda: list(removal.remove_runs(finished)))
    if rival.ident is not None:
        rival.join(trial.patience)
        trial.require(not rival.is_alive(), "concurrent removals wait for each other")
    for error in outcomes:
        if error is None:
            trial.holds(again)
            trial.repository.update(again.key, FINISH, LATER)
        elif not isinstance(error, (RunAlreadyExists, StoreUnavailable)):  # the latter on a machine under load
            raise error
    list(removal.remove_runs(finished))
    return batch.taken


def require_whole_removals(trial: Trial, keys: Sequence[RunKey]) -> None:
    """Of runs that are updated while they are removed, each goes whole or stays whole."""
    trial.repository.create_many([ended(key.run_id, RunStatus.COMPLETED, LATER) for key in keys])
    finished = FinishedRuns(before=LATER + timedelta(days=1))
    handles = trial.handles(2)
    counts: list[int] = []

    def call(i: int) -> None:
        if i == len(handles):
            counts.append(removed(trial, finished, batch=2))
            return
        for key in keys:
            with suppress(RunNotFound):
                handles[i].update(key, RunChange(note="late"), LATER)

    for error in trial.concurrently(len(handles) + 1, call):
        trial.require(error is None, f"a call was refused: {error}")
    left = list(trial.repository.find(EVERYTHING))
    what = f"of {counted(len(keys), 'run')} {sum(counts)} were removed, and {len(left)} are there"
    trial.require(sum(counts) + len(left) == len(keys), what)
    for record in left:
        lines = list(trial.repository.log(record.key))
        what = (
            f"{shown(record.key)} counts {counted(record.notes, 'note')}, and its log has {counted(len(lines), 'line')}"
        )
        trial.require(len(lines) == record.notes, what, Rule.LOGGED)
    removed(trial, finished)
    trial.holds()
