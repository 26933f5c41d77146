"""What a store guarantees beyond the rules, as far as no other part asks for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ...domain import IdentifiedStore, NewRun, RunChange, RunQuery, RunStatus
from ..calls import shown
from ..rules import Rule
from ..trial import EVERYTHING, Trial
from .cases import FINISH, LATER, Part, R, S, keeps, started


class Promises(Part):
    @keeps(Rule.PROMISES)
    def test_a_store_is_recognised_whoever_opened_it(self, trial: Trial) -> None:
        """Of stores that can be recognised."""
        stores = [handle.adapter for handle in trial.handles(2)]
        if not all(isinstance(store, IdentifiedStore) for store in stores):
            pytest.skip("the store has no identity method: a copy compares the two URLs")
        before = [store.identity() for store in stores if isinstance(store, IdentifiedStore)]
        trial.repository.create(started("r"))
        after = [store.identity() for store in stores if isinstance(store, IdentifiedStore)]
        trial.require(len({*before, *after}) == 1, f"one store has the identities {before}, and later {after}")

    @keeps(Rule.PROMISES)
    def test_every_status_is_kept_where_promised(self, trial: Trial) -> None:
        repository = trial.repository
        if not repository.guarantees.exact_status:
            pytest.skip("the store does not promise exact_status: it rejects some statuses, or stores another")
        for status in RunStatus:
            trial.begin()
            end = RunChange(status=status if status.is_final else None)
            runs = [started(f"{status.name} {way}") for way in ("created", "updated", "updated in bulk")]
            repository.create_many([NewRun(runs[0].apply(end, LATER)), *runs[1:]])
            repository.update(runs[1].key, end, LATER)
            repository.update_many([(runs[2].key, end)], LATER)
            kept = [repository.get(run.key).status for run in runs]
            trial.require(kept == [status] * 3, f"of three runs with the status {status.value} the store kept {kept}")
            found = {record.key for record in repository.find(RunQuery(status=status))}
            trial.require(found == {run.key for run in runs}, f"{trial.calls[-1]} gives {shown(sorted(found))}")

    @keeps(Rule.PROMISES)
    def test_the_end_of_a_finished_run_is_kept_where_promised(self, trial: Trial) -> None:
        repository = trial.repository
        if not repository.guarantees.exact_end:
            pytest.skip("the store does not promise exact_end: it reads a run's last sign of life as its end")
        repository.create_many([started("r"), NewRun(started("s").apply(FINISH, LATER))])
        repository.update(R, FINISH, LATER)
        for late in (RunChange(note="late"), RunChange(metrics={"n": 1}), RunChange()):
            for key in (R, S):
                repository.update(key, late, LATER + timedelta(hours=1))
            ends = {repository.get(key).ended_at for key in (R, S)} | {
                each.ended_at for each in repository.find(EVERYTHING)
            }
            trial.require(
                ends == {LATER}, f"runs that ended at {LATER}, and were updated later, ended at {shown(ends)}"
            )

    @keeps(Rule.PROMISES)
    def test_the_time_of_each_heartbeat_is_kept_where_promised(self, trial: Trial) -> None:
        repository, silent = trial.repository, RunQuery(updated_before=LATER)
        if not repository.guarantees.heartbeats:
            pytest.skip("the store does not promise heartbeats: it keeps no time of an update")
        repository.create_many([started("r"), started("s")])
        repository.update(R, RunChange(), LATER)
        updated = repository.get(R).updated_at
        trial.require(updated == LATER, f"after a heartbeat at {LATER} the run was last updated at {updated}")
        found = [record.key for record in repository.find(silent)]
        trial.require(found == [S], f"{trial.calls[-1]} gives {shown(found)}, and not the run without a heartbeat")
