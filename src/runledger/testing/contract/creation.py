"""Created once: a second start is refused, and a start that comes again is recognised by its mark."""

from __future__ import annotations

import attrs
import pytest

from ...domain import NewRun, RunAlreadyExists, RunRecord
from ..rules import Rule
from ..runs import changed
from ..trial import Trial
from .cases import AT, FINISH, LATER, Part, R, S, keeps, require_one_creation, started


class Creation(Part):
    @keeps(Rule.CREATED_ONCE)
    def test_a_second_create_is_refused_and_the_first_record_stays(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))
        for again in (started("r"), started("r", at=LATER)):
            with trial.refuses(RunAlreadyExists, R):
                repository.create(again)
            trial.holds(started("r"))
        repository.update(R, FINISH, LATER)
        with trial.refuses(RunAlreadyExists, R):
            repository.create(started("r"))
        trial.holds(started("r").apply(FINISH, LATER))

    @keeps(Rule.CREATED_ONCE)
    def test_of_many_who_create_one_run_exactly_one_succeeds(self, trial: Trial) -> None:
        handles = trial.handles(8)
        for attempt in range(5):
            trial.begin()
            require_one_creation(trial, handles, f"r{attempt}")

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_a_start_returns_its_key_and_changes_nothing(self, trial: Trial) -> None:
        run = NewRun(RunRecord.start(R, AT, client_name="Acme Ltd"), mark="m")
        trial.repository.create(run)
        trial.repository.update(R, FINISH, LATER)
        for _ in range(2):
            trial.repository.create(attrs.evolve(run, is_retry=True))
            trial.holds(changed(run, FINISH, at=LATER))

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_a_bulk_start_makes_what_is_missing_and_changes_nothing(self, trial: Trial) -> None:
        first, second = (NewRun(started(run_id), mark="m") for run_id in "rs")
        again = [attrs.evolve(run, is_retry=True) for run in (second, first)]
        trial.repository.create(first)
        for _ in range(2):
            trial.repository.create_many(again)
            trial.holds(first, second)

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_another_start_is_refused(self, trial: Trial) -> None:
        trial.repository.create(NewRun(started("r"), mark="m"))
        late = NewRun(started("r", at=LATER), mark="another", is_retry=True)
        with trial.refuses(RunAlreadyExists, R):
            trial.repository.create(late)
        with trial.refuses(RunAlreadyExists, R):
            trial.repository.create_many([late])
        trial.holds(started("r"))

    @keeps(Rule.CREATED_ONCE)
    def test_only_its_mark_tells_a_start_from_another_one_where_promised(self, trial: Trial) -> None:
        repository = trial.repository
        if not repository.guarantees.exact_start:
            pytest.skip("the store does not promise exact_start: it knows a retry by its start time and client name")
        repository.create(NewRun(started("r"), mark="m"))
        repository.create_many([NewRun(started("s"))])
        repository.create(NewRun(started("r"), mark="m"))
        repository.create_many([NewRun(started("r"), mark="m")])
        for key, mark in ((R, "M"), (R, ""), (S, ""), (S, "m")):
            rival = NewRun(RunRecord.start(key, AT), mark=mark, is_retry=True)
            with trial.refuses(RunAlreadyExists, key):
                repository.create(rival)
            with trial.refuses(RunAlreadyExists, key):
                repository.create_many([rival])
        trial.holds(NewRun(started("r")), NewRun(started("s")))
