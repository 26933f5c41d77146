"""Which runs a removal takes, how many go in a batch, and what is counted before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import asdict, evolve

from runledger import InvalidValue, NewRun, RunChange, RunKey, RunLedger, RunQuery, RunRecord, RunStatus
from runledger.adapters.memory import InMemoryRunRemoval, InMemoryRunRepository
from runledger.domain import FinishedRuns, fitting
from runledger.services.inspecting.pruning import count_old

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
RUNNING = RunRecord.start(RunKey("r", "acme"), AT)
ENDED = RUNNING.apply(RunChange(status=RunStatus.FAILED), AT + MOMENT)
BEFORE = FinishedRuns(before=AT + 2 * MOMENT)


def test_runs_that_ended_before_the_moment_are_taken() -> None:
    assert BEFORE.includes(ENDED)
    assert not FinishedRuns(before=AT + MOMENT).includes(ENDED), "it ended then, and not before"
    assert not FinishedRuns(before=AT + timedelta(days=999)).includes(RUNNING)


def test_a_late_update_does_not_make_a_run_younger() -> None:
    assert BEFORE.includes(ENDED.apply(RunChange(note="late"), AT + timedelta(days=9)))


def unchecked(**changed: Any) -> RunRecord:
    """ENDED with other fields, as a table that people edit may hold it."""
    fields = {**asdict(ENDED, recurse=False), **changed}
    key = fields.pop("key")
    return RunRecord.trusted(key.run_id, key.client_id, **fields)


def test_a_run_that_started_later_than_it_ended_is_as_old_as_its_start() -> None:
    assert not BEFORE.includes(unchecked(started_at=AT + 2 * MOMENT))
    assert BEFORE.includes(unchecked(started_at=AT + MOMENT, ended_at=AT))


def test_the_last_update_is_the_end_of_a_run_without_one() -> None:
    assert BEFORE.includes(unchecked(ended_at=None, updated_at=AT + MOMENT))
    assert not BEFORE.includes(unchecked(ended_at=None, updated_at=AT + 2 * MOMENT))


def test_a_client_is_compared_exactly() -> None:
    assert evolve(BEFORE, client_id="acme").includes(ENDED)
    assert not evolve(BEFORE, client_id="ACME").includes(ENDED)


def test_what_is_no_moment_or_no_client_is_rejected() -> None:
    with pytest.raises(InvalidValue, match=r"^before "):
        FinishedRuns(before=datetime(2025, 11, 24))  # noqa: DTZ001
    with pytest.raises(InvalidValue):
        FinishedRuns(before=AT, client_id="")


@pytest.mark.parametrize(
    ("notes", "rows", "count"),
    [([], 3, 0), ([0, 0, 0, 0], 3, 3), ([0, 1, 0], 3, 2), ([0, 2], 3, 1), ([9, 0], 3, 1), ([2, 0], 3, 1), ([0], 1, 1)],
)
def test_a_batch_counts_runs_and_their_notes_and_has_one_run_at_least(notes: list[int], rows: int, count: int) -> None:
    assert fitting(notes, rows) == count


def test_old_runs_are_counted_by_the_month_of_their_end() -> None:
    times = [datetime(2025, month, 28, tzinfo=UTC) for month in (3, 1, 3)]
    clock = iter([time for time in times for _ in range(2)] + [times[0]] * 2)
    with RunLedger(InMemoryRunRepository(), clock=lambda: next(clock)) as ledger:
        for i in range(3):
            ledger.start(f"r{i}", "acme").complete()
        ledger.start("hung", "acme")
        ledger.start("hung too", "bolt")
        old = count_old(ledger.reads, FinishedRuns(before=AT))
        assert (list(old.months.items()), old.finished, old.running) == ([("2025-01", 1), ("2025-03", 2)], 3, 2)
        of_client = count_old(ledger.reads, FinishedRuns(before=AT, client_id="bolt"))
        assert (of_client.months, of_client.finished, of_client.running) == ({}, 0, 1)
        earlier = count_old(ledger.reads, FinishedRuns(before=times[0]))
        assert (earlier.finished, earlier.running) == (1, 0)


def test_a_run_counts_in_the_month_of_its_end_and_not_of_a_late_update() -> None:
    with RunLedger(InMemoryRunRepository()) as ledger:
        ledger.import_records([evolve(ENDED, updated_at=AT + timedelta(days=40))])
        assert count_old(ledger.reads, BEFORE).months == {"2025-11": 1}


def test_in_memory_a_removed_run_is_not_found_by_its_run_id_and_may_start_again() -> None:
    repository = InMemoryRunRepository()
    running = RunRecord.start(RunKey(ENDED.key.run_id, "still running"), AT)
    repository.create_many([NewRun(ENDED), NewRun(running)])
    assert sum(InMemoryRunRemoval(repository).remove_runs(BEFORE)) == 1
    assert list(repository.find(RunQuery(run_id=ENDED.key.run_id))) == [running]
    repository.create(NewRun(ENDED))
    assert len(list(repository.find(RunQuery(run_id=ENDED.key.run_id)))) == 2
