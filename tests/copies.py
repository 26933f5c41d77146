"""Histories, and copies of them between stores, for the tests of copying."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from runledger import Fate, NewRun, Remark, RunChange, RunKey, RunLedger, RunRecord, RunStatus, copy
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import MetricValue, RunRepository
from runledger.testing.runs import changed
from runledger.testing.strategies import AWKWARD

START = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


def history(count: int) -> list[NewRun]:
    """Runs in every state, oldest first; several of each start, with ids that are easily mixed up."""
    runs = []
    for number in range(count):
        at = START + timedelta(milliseconds=700 * (number // 3))
        key = RunKey(AWKWARD[number % len(AWKWARD)], f"client {number}")
        metrics: dict[str, MetricValue] = {"Tokens": number / 4, "Model": f"m{number}\u00e9", "Paid": True, "Seen": at}
        record = RunRecord.start(
            key, at, client_name=f"Client {number} Ltd", metrics=dict([*metrics.items()][: number % 5])
        )
        run = changed(NewRun(record), RunChange(note=f"note {number}"), at=at + timedelta(seconds=1))
        status = list(RunStatus)[number % len(RunStatus)]
        if status.is_final:
            error = "two\nlines" if status is RunStatus.FAILED else None
            end = RunChange(status=status, error=error, note="at the end")
            run = changed(run, end, at=at + timedelta(minutes=1))
        runs.append(run)
    return runs


def filled(runs: Sequence[NewRun], columns: Sequence[str] | None = None) -> InMemoryRunRepository:
    repository = InMemoryRunRepository(columns=columns)
    repository.create_many(runs)
    return repository


def everything(repository: RunRepository) -> list[NewRun]:
    return list(RunLedger(repository, observers=()).reads.find_with_logs())


def copied(
    source: RunRepository, target: RunRepository, *, dry_run: bool = False
) -> tuple[dict[Fate, int], list[Remark]]:
    remarks: list[Remark] = []
    result = copy(source, target, dry_run=dry_run, on_remark=remarks.append)
    assert set(result.counts) == set(Fate)
    assert result.is_complete == (not remarks)
    return {fate: count for fate, count in result.counts.items() if count}, remarks
