"""Every note is a line of the log."""

from __future__ import annotations

from itertools import islice

import attrs
import pytest

from ...domain import (
    LoggedStore,
    LogLine,
    NewRun,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
)
from ...domain.visible import counted
from ..calls import shown
from ..rules import Rule
from ..runs import changed
from ..trial import EVERYTHING, Trial
from .cases import AT, FINISH, GONE, LATER, Part, R, S, keeps, started


class Logs(Part):
    @keeps(Rule.LOGGED)
    def test_the_log_has_every_note_in_its_order(self, trial: Trial) -> None:
        repository = trial.repository
        run, other = (
            changed(NewRun(started("r")), RunChange(note="0"), RunChange(note="1"), at=AT),
            NewRun(started("s")),
        )
        repository.create(run)
        repository.create_many([other])
        notes = [RunChange(note=str(i)) for i in range(2, 6)]
        run = changed(run, *notes, FINISH, at=LATER)
        repository.update(R, notes[0], LATER)
        repository.update_many([(R, notes[1]), (S, RunChange(note="other")), (R, notes[2])], LATER)
        repository.update(R, RunChange(note=notes[3].note, status=FINISH.status), LATER)
        trial.holds(run, changed(other, RunChange(note="other"), at=LATER))

    @keeps(Rule.LOGGED)
    def test_a_start_with_a_first_note_has_one_line_however_often_it_is_tried(self, trial: Trial) -> None:
        for is_retry in (False, True):
            runs = NewRun.started([started(run_id) for run_id in "rst"], "m", "begun")
            first, *others = (attrs.evolve(run, is_retry=is_retry) for run in runs)
            trial.repository.create(first)
            trial.repository.create_many(others)
        trial.holds(*(changed(NewRun(started(run_id)), RunChange(note="begun"), at=AT) for run_id in "rst"))

    @keeps(Rule.LOGGED)
    def test_the_last_lines_of_a_log_are_those_before_its_end(self, trial: Trial) -> None:
        notes = [RunChange(note=f"{i}") for i in range(12)]
        run = changed(NewRun(started("r")), *notes, at=AT)
        trial.repository.create_many([run, NewRun(started("s"))])
        for last in (0, 1, 2, 10, 11, 12, 13, 1_000_000):
            trial.same_log(R, run.log[max(0, 12 - last) :], last)
            trial.same_log(S, (), last)
        access = trial.repository.without_creation()
        trial.require(list(access.log(R, 3)) == list(run.log[-3:]), f"{trial.calls[-1]} gives other lines")

    @keeps(Rule.LOGGED)
    def test_a_log_that_grows_while_it_is_read_is_read_without_a_gap(self, trial: Trial) -> None:
        run = changed(NewRun(started("r")), *(RunChange(note=f"{i}") for i in range(300)), at=AT)
        trial.repository.create(run)
        lines = trial.repository.log(R)
        read = list(islice(lines, 1))
        trial.repository.update(R, RunChange(note="later"), AT)
        read += lines
        grown = [*run.log, LogLine(AT, "later")]
        trial.require(
            read in (grown[:-1], grown), f"a read gave {counted(len(read), 'line')} of a log of 300 that grew by one"
        )

    @keeps(Rule.ATOMIC)
    def test_concurrent_notes_of_each_thread_are_in_its_order(self, trial: Trial) -> None:
        repository = trial.repository
        repository.create(started("r"))

        def note(thread: int) -> None:
            for step in range(3):
                repository.update(R, RunChange(note=f"{thread}/{step}"), AT)

        for error in trial.concurrently(4, note):
            trial.require(error is None, f"a note was refused: {error}")
        texts = [line.text for line in repository.log(R)]
        due = [f"{thread}/{step}" for thread in range(4) for step in range(3)]
        trial.require(sorted(texts) == due, f"the log of four threads is {texts}")
        by_thread = sorted(texts, key=lambda text: text[0])
        trial.require(by_thread == due, f"the log of four threads is {texts}", Rule.LOGGED)
        trial.require(repository.get(R).notes == 12, f"{trial.calls[-1]} does not count the 12 lines of the log")

    @keeps(Rule.NO_REGISTRY)
    def test_a_missing_run_has_no_log(self, trial: Trial) -> None:
        trial.repository.create(started("r"))
        for last in (None, 0, 1):
            for key in (GONE, RunKey("R", "acme")):
                with trial.refuses(RunNotFound, key):
                    list(trial.repository.log(key, last))

    @keeps(Rule.LOGGED)
    def test_a_note_for_a_missing_run_leaves_no_line(self, trial: Trial) -> None:
        repository, note = trial.repository, RunChange(note="n")
        with trial.refuses(RunNotFound, GONE):
            repository.update(GONE, note, AT)
        with trial.refuses(RunNotFound, GONE):
            repository.update_many([(GONE, note), (GONE, note)], AT)
        repository.create(RunRecord.start(GONE, AT))
        trial.same_log(GONE, ())
        repository.update(GONE, note, AT)
        trial.same_log(GONE, [LogLine(AT, "n")])

    @keeps(Rule.LOGGED)
    def test_a_rejected_change_leaves_no_line(self, trial: Trial) -> None:
        repository, end = trial.repository, RunChange(note="n", status=RunStatus.FAILED)
        run = NewRun(started("r"))
        repository.create(run)
        repository.update(R, FINISH, AT)
        for call in (lambda: repository.update(R, end, AT), lambda: repository.update_many([(R, end)], AT)):
            with trial.refuses(RunAlreadyFinished, R):
                call()
        with trial.refuses(RunAlreadyExists, R):
            repository.create(changed(run, RunChange(note="n"), at=AT))
        trial.holds(changed(run, FINISH, at=AT))

    @keeps(Rule.FOUND_IN_ORDER)
    def test_logs_that_are_found_with_their_records_are_those_of_log(self, trial: Trial) -> None:
        """Of stores that find records and logs together."""
        adapter = trial.repository.adapter
        stores = [store for store in (adapter, adapter.without_creation()) if isinstance(store, LoggedStore)]
        if not stores:
            pytest.skip("the store has no find_with_logs method: the ledger asks log for each record")
        notes = [RunChange(note=f"{i}") for i in range(5)]
        runs = [changed(NewRun(started(f"{i:03}")), *notes[: i % 4], at=AT) for i in range(203)]
        trial.repository.create_many(runs)
        trial.repository.update(runs[7].key, notes[4], AT)
        runs[7] = changed(runs[7], notes[4], at=AT)
        for query in (EVERYTHING, RunQuery(run_id="003"), RunQuery(limit=150), RunQuery(limit=0)):
            due = [run for run in reversed(runs) if query.matches(run.record)][: query.limit]
            for store in stores:
                call = trial.noted("repository", "find_with_logs", query)
                with trial.watched(call):
                    found = list(store.find_with_logs(query))
                trial.same_list([record for record, _ in found], [run.record for run in due])
                for (record, log), run in zip(found, due, strict=True):
                    is_whole = tuple(log) == run.log
                    trial.require(is_whole, f"{call} gives {shown(log)} as the log of {shown(record.key)}", Rule.LOGGED)
