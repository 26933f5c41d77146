"""Many runs in one call: all or none, in their order, and none left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from ...domain import LogLine, NewRun, RunAlreadyExists, RunChange, RunKey, RunNotFound, RunRecord
from ...domain.visible import counted
from ..calls import shown
from ..rules import Rule
from ..trial import EVERYTHING, Trial
from .cases import AT, FINISH, GONE, LATER, Item, Part, R, S, keeps, require_one_success, started


class Bulk(Part):
    @keeps(Rule.WHOLE)
    def test_an_existing_run_in_a_bulk_start_leaves_none_of_the_others(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))
        with trial.refuses(RunAlreadyExists, R):
            repository.create_many([started("a"), started("r", at=LATER), started("c")])
        trial.holds(started("r"))
        with trial.refuses(RunAlreadyExists, S):
            repository.create_many([started("s"), started("t"), started("s", at=LATER)])
        same = started("s")
        with trial.refuses(RunAlreadyExists, S):
            repository.create_many([same, same])
        with trial.refuses(RunAlreadyExists, R, S):
            repository.create_many([started("a"), same, started("r", at=LATER), same])
        trial.holds(started("r"))

    @keeps(Rule.WHOLE)
    def test_a_long_bulk_start_leaves_none_wherever_an_existing_run_is(self, trial: Trial) -> None:
        """A store that makes batches of it checks all of them before it writes the first."""
        trial.repository.create(started("r"))
        for news in with_one_at_each_place([started(f"{i:04}") for i in range(self.many)], started("r", at=LATER)):
            with trial.refuses(RunAlreadyExists, R):
                trial.repository.create_many(news)
            trial.same_list(list(trial.repository.find(EVERYTHING)), [started("r")])

    @keeps(Rule.CREATED_ONCE)
    def test_a_retry_of_a_bulk_start_that_meets_another_record_reports_what_it_had_created(self, trial: Trial) -> None:
        repository = trial.repository
        first, second, third = (NewRun(started(run_id), mark="m") for run_id in "rst")
        repository.create_many([first, second])
        repository.create(NewRun(started("t", at=LATER), mark="another"))
        keys: Sequence[RunKey] = ()
        applied: Sequence[RunKey] = ()
        try:
            repository.create_many([attrs.evolve(run, is_retry=True) for run in (first, second, third)])
        except RunAlreadyExists as error:
            keys, applied = error.keys, error.applied
        did = f"{trial.calls[-1]}, of a start that had created r and s and not t,"
        trial.require(list(keys) == [third.key], f"{did} was refused for {shown(list(keys))}")
        trial.require(
            Counter(applied) == Counter([first.key, second.key]),
            f"{did} reported {shown(list(applied))} as applied",
            Rule.RAISED,
        )
        trial.holds(first, second, started("t", at=LATER))

    @keeps(Rule.RAISED)
    def test_of_bulk_starts_that_overlap_each_reports_what_it_made(self, trial: Trial) -> None:
        handles = trial.handles(4)
        batches = [[started(f"{i}a"), started("r"), started(f"{i}c")] for i in range(4)]
        outcomes = trial.concurrently(4, lambda i: handles[i].create_many(batches[i]))
        require_one_success(
            trial, outcomes, RunAlreadyExists, "concurrent bulk starts with one key in common", Rule.CREATED_ONCE
        )
        there = {record.key for record in trial.repository.find(EVERYTHING)}
        for batch, error in zip(batches, outcomes, strict=True):
            own = {record.key for record in batch} - {R}
            reported = own if error is None else set(error.applied)
            trial.require(
                there & own == reported, f"the store has {shown(list(there & own))} of a start that reported {reported}"
            )
            if trial.repository.guarantees.atomic_bulk:
                trial.require(
                    reported in (own, set()),
                    f"a bulk start was applied in part: {shown(list(reported))}",
                    Rule.PROMISES,
                )

    @keeps(Rule.WHOLE)
    def test_a_missing_run_in_a_bulk_update_leaves_the_others_as_they_were(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create_many([started("r"), started("s")])
        for change in (RunChange(note="n"), RunChange(metrics={"n": 1}), RunChange()):
            with trial.refuses(RunNotFound, GONE):
                repository.update_many([(R, change), (GONE, change), (S, change)], LATER)
            trial.holds(NewRun(started("r")), NewRun(started("s")))

    @keeps(Rule.WHOLE)
    def test_a_long_bulk_update_leaves_all_as_they_were_wherever_a_missing_run_is(self, trial: Trial) -> None:
        records = [started(f"{i:04}") for i in range(self.many)]
        trial.repository.create_many(records)
        change = RunChange(metrics={"n": 1})
        for changes in with_one_at_each_place([(record.key, change) for record in records], (GONE, change)):
            with trial.refuses(RunNotFound, GONE):
                trial.repository.update_many(changes, LATER)
            require_each(trial, records)

    @keeps(Rule.WHOLE)
    def test_a_bulk_update_applies_changes_of_one_key_in_their_order(self, trial: Trial) -> None:
        changes = (RunChange(metrics={"n": 1}), RunChange(add={"n": 2}, note="x"), FINISH)
        trial.repository.create_many([started("r"), started("s")])
        trial.repository.update_many([(R, change) for change in changes], AT)
        record = started("r")
        for change in changes:
            record = record.apply(change, AT)
        trial.holds(record, started("s"))

    @keeps(Rule.WHOLE)
    def test_a_bulk_update_leaves_no_record_out(self, trial: Trial) -> None:
        records = [started(f"{i:04}") for i in range(self.many)]
        trial.repository.create_many(records)
        changes = [(record.key, RunChange(metrics={"n": i + 1})) for i, record in enumerate(records)]
        changes.append((records[0].key, RunChange(add={"n": 1}, note="the first again")))
        trial.repository.update_many(changes, AT)
        for key, change in changes:
            place = int(key.run_id)
            records[place] = records[place].apply(change, AT)
        require_each(trial, records)
        trial.same_log(records[0].key, [LogLine(AT, "the first again")])

    @keeps(Rule.WHOLE)
    def test_empty_bulk_calls_do_nothing(self, trial: Trial) -> None:
        trial.repository.create_many([])
        trial.repository.update_many([], AT)
        trial.holds()


def with_one_at_each_place(items: Sequence[Item], one: Item) -> Iterator[list[Item]]:
    """The items with one more among them: first, in the middle, last."""
    for place in (0, len(items) // 2, len(items)):
        yield [*items[:place], one, *items[place:]]


def require_each(trial: Trial, records: Sequence[RunRecord]) -> None:
    """The store holds these records of one time, given in the order of their ids, and no others."""
    found = list(trial.repository.find(EVERYTHING))
    has_all = [record.key for record in found] == [record.key for record in reversed(records)]
    trial.require(
        has_all, f"{trial.calls[-1]} gives {len(found)} of {counted(len(records), 'record')}", Rule.FOUND_IN_ORDER
    )
    trial.same_list(found, records[::-1])
