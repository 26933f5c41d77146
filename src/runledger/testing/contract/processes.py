"""The same in processes that are spawned, and over a connection that is lost."""

from __future__ import annotations

import pytest

from ..handles import RepositoryOnTrial
from ..killed_process import require_all_or_nothing
from ..lost_connection import require_true_reports
from ..processes import reason_not_to_kill, reason_not_to_spawn
from ..rules import Rule
from ..trial import Trial
from .cases import Part, keeps, require_one_creation
from .concurrency import require_all_additions, require_one_finish


class Processes(Part):
    @keeps(Rule.CREATED_ONCE)
    def test_of_many_processes_that_create_one_run_exactly_one_succeeds(self, trial: Trial) -> None:
        handles = processes(trial)
        for attempt in range(5):
            trial.begin()
            require_one_creation(trial, handles, f"r{attempt}")

    @keeps(Rule.PROMISES)
    def test_what_processes_add_concurrently_is_all_kept_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.atomic_add:
            pytest.skip("the store does not promise atomic_add: that is exact within one process only")
        require_all_additions(trial, processes(trial))

    @keeps(Rule.PROMISES)
    def test_of_many_processes_that_finish_one_run_exactly_one_succeeds_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.exact_finish:
            pytest.skip("the store does not promise exact_finish: that is exact within one process only")
        require_one_finish(trial, processes(trial))

    @keeps(Rule.PROMISES)
    def test_a_bulk_call_whose_process_is_killed_leaves_all_or_nothing_where_promised(self, trial: Trial) -> None:
        if not trial.repository.guarantees.atomic_bulk:
            pytest.skip("the store does not promise atomic_bulk: a bulk call that fails half-way leaves a part")
        if reason := reason_not_to_kill(trial.open_store):
            pytest.skip(reason)
        for method in ("create_many", "update_many"):
            require_all_or_nothing(trial, method, self.many)

    @keeps(Rule.RAISED)
    def test_what_a_lost_connection_leaves_is_what_is_reported(self, trial: Trial) -> None:
        if trial.served is None:
            pytest.skip("the fixture served_store gives None: lost connections are untested")
        for method in ("create", "create_many", "update", "update_many"):
            for answers in (False, True):
                require_true_reports(trial, method, answers)


def processes(trial: Trial) -> list[RepositoryOnTrial]:
    """Handles in processes that are spawned. Skips the test if they cannot open the store."""
    if reason := reason_not_to_spawn(trial.open_store):
        pytest.skip(reason)
    return trial.processes(3)
