"""Updated only: an update of a missing run creates nothing, ids are opaque, and a finished run stays finished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import combinations
from typing import Any

import attrs

from ...domain import RunAlreadyFinished, RunChange, RunKey, RunNotFound, RunQuery, RunStatus
from ..rules import Rule
from ..strategies import ALIKE
from ..trial import EVERYTHING, Trial
from .cases import AT, FINAL, FINISH, GONE, LATER, Part, R, S, keeps, started


class Updates(Part):
    @keeps(Rule.UPDATED_ONLY)
    def test_updating_a_missing_run_creates_nothing(self, trial: Trial) -> None:
        for change in every_combination():
            trial.begin()
            with trial.refuses(RunNotFound, GONE):
                trial.repository.update(GONE, change, AT)
            trial.holds()
            with trial.refuses(RunNotFound, GONE):
                trial.repository.update_many([(GONE, change)], AT)
            trial.holds()

    @keeps(Rule.NO_REGISTRY)
    def test_a_missing_run_is_looked_for_nowhere_else(self, trial: Trial) -> None:
        trial.repository.create(started("r"))
        for key in (GONE, RunKey("R", "acme"), RunKey("r", "ACME"), RunKey("acme", "r")):
            with trial.refuses(RunNotFound, key):
                trial.repository.get(key)

    @keeps(Rule.NO_REGISTRY)
    def test_every_look_is_at_the_store(self, trial: Trial) -> None:
        repository, other = trial.repository, trial.open()
        key = repository.create(started("r"))
        for i in range(3):
            change = RunChange(metrics={"i": i})
            due = started("r").apply(change, AT)
            other.update(R, change, AT)
            for reader in (repository, repository.without_creation(), other):
                trial.same(reader.get(R), due)
                trial.same(reader.get(key), due)
                trial.same_list(list(reader.find(EVERYTHING)), [due])

    @keeps(Rule.OPAQUE_IDS)
    def test_keys_are_compared_exactly(self, trial: Trial) -> None:
        for group in ALIKE:
            trial.begin()
            for text in group:
                trial.repository.create(started(text, text))
            for i, text in enumerate(group):
                due = started(text, text).apply(RunChange(metrics={"i": i}), AT)
                trial.repository.update(due.key, RunChange(metrics={"i": i}), AT)
                trial.same(trial.repository.get(due.key), due)
                trial.same_list(list(trial.repository.find(RunQuery(client_id=text))), [due])
                trial.same_list(list(trial.repository.find(RunQuery(run_id=text))), [due])

    @keeps(Rule.OPAQUE_IDS)
    def test_the_two_ids_of_a_key_are_never_run_together(self, trial: Trial) -> None:
        for joint in ("b", "/", ":", "|", ",", "-", "_", "\\", "'", '"'):
            trial.begin()
            pairs = ((f"a{joint}c", "d"), ("a", f"c{joint}d"), ("a", f"{joint}c{joint}d"), (f"a{joint}c{joint}", "d"))
            records = [started(*pair) for pair in pairs]
            for record in records:
                trial.repository.create(record)
            for record in records:
                trial.same(trial.repository.get(record.key), record)

    @keeps(Rule.FINISHED_ONCE)
    def test_a_finished_run_stays_finished_and_its_end_never_moves(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))
        repository.update(R, FINISH, LATER)
        trial.holds(started("r").apply(FINISH, LATER))
        for change in (FINISH, RunChange(status=RunStatus.FAILED, note="n"), RunChange(error="late")):
            with trial.refuses(RunAlreadyFinished, R):
                repository.update(R, change, LATER + timedelta(hours=1))
            with trial.refuses(RunAlreadyFinished, R):
                repository.update_many([(R, RunChange(note="n")), (R, change)], LATER + timedelta(hours=1))
            trial.holds(started("r").apply(FINISH, LATER))

    @keeps(Rule.FINISHED_ONCE)
    def test_a_run_never_ends_before_its_start(self, trial: Trial) -> None:
        repository, early = trial.repository, AT - timedelta(minutes=1)
        repository.create_many([started("r"), started("s")])
        repository.update(R, FINISH, early)
        repository.update_many([(S, FINISH)], early)
        trial.holds(*(started(run_id).apply(FINISH, early) for run_id in ("r", "s")))
        ended = [record.ended_at for record in repository.find(EVERYTHING)]
        trial.require(ended == [AT, AT], f"runs that started at {AT} ended at {ended}")

    @keeps(Rule.FINISHED_ONCE)
    def test_late_metrics_and_notes_are_accepted(self, trial: Trial) -> None:
        late, at = RunChange(metrics={"Tokens": 2}, note="late"), LATER + timedelta(hours=1)
        for status in FINAL:
            trial.begin()
            end = RunChange(status=status, error="broken")
            record = started(status.name)
            trial.repository.create(record)
            trial.repository.update(record.key, end, LATER)
            trial.repository.update(record.key, late, at)
            trial.same(trial.repository.get(record.key), record.apply(end, LATER).apply(late, at))

    @keeps(Rule.SENT_ONCE)
    def test_an_update_is_applied_once(self, trial: Trial) -> None:
        change = RunChange(add={"n": 1}, note="line")
        trial.repository.create(started("r"))
        trial.repository.update(R, change, AT)
        trial.holds(started("r").apply(change, AT))
        trial.repository.update_many([(R, change)], AT)
        trial.holds(started("r").apply(change, AT).apply(change, AT))

    @keeps(Rule.WRITTEN)
    def test_what_an_act_returns_is_what_it_made(self, trial: Trial) -> None:
        repository = trial.repository
        key = repository.create(started("r"))
        repository.create_many([started("t"), started("s")])
        record = started("r")
        for change in (RunChange(metrics={"n": 1}), RunChange(note="n", error="e"), FINISH):
            record = record.apply(change, AT)
            trial.same(repository.update(key, change, AT), record)
        trial.holds(record, started("s"), started("t"))

    @keeps(Rule.WRITTEN)
    def test_what_one_handle_has_written_every_other_sees(self, trial: Trial) -> None:
        writer = trial.open()
        writer.create(started("r"))
        trial.holds(started("r"))
        writer.update(R, FINISH, LATER)
        trial.holds(started("r").apply(FINISH, LATER))
        later = trial.open()
        trial.same(later.get(R), started("r").apply(FINISH, LATER))


def every_combination() -> Iterator[RunChange]:
    """A change for each set of fields that a change may carry: the heartbeat, each field alone, all of them."""
    parts: Mapping[str, Any] = {
        "metrics": {"n": 1},
        "add": {"i": 1},
        "note": "n",
        "status": RunStatus.COMPLETED,
        "error": "e",
    }
    names = [field.name for field in attrs.fields(RunChange)]
    for count in range(len(names) + 1):
        for chosen in combinations(names, count):
            yield RunChange(**{name: parts[name] for name in chosen})
