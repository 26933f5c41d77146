"""A batch of runs ends by their number, or by the lines of their logs."""

from collections.abc import Iterator
from datetime import UTC, datetime

from attrs import evolve

from runledger import LogLine, NewRun, RunKey, RunRecord
from runledger.services.batches import LINES, batches

START = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


def runs(*lengths: int) -> Iterator[NewRun]:
    """Runs with logs of these lengths, made when they are asked for."""
    line = LogLine(START, "n")
    for number, length in enumerate(lengths):
        yield NewRun(evolve(RunRecord.start(RunKey("r", str(number)), START), notes=length), (line,) * length)


def sizes(*lengths: int) -> list[tuple[int, int]]:
    made = [*batches(runs(*lengths), 1000, lambda run: run)]
    assert [run.key.client_id for batch in made for run in batch] == [str(number) for number in range(len(lengths))]
    return [(len(batch), sum(len(run.log) for run in batch)) for batch in made]


def test_a_batch_ends_with_the_last_of_so_many_runs() -> None:
    assert sizes() == []
    assert sizes(*[0] * 1000) == [(1000, 0)]
    assert sizes(*[0] * 2001) == [(1000, 0), (1000, 0), (1, 0)]


def test_a_batch_ends_with_the_run_that_brings_its_logs_to_so_many_lines() -> None:
    assert LINES == 10_000
    assert sizes(4000, 4000, 4000, 12_000, *[0] * 1500, 9999, 1) == [(3, 12_000), (1, 12_000), (1000, 0), (502, 10_000)]
    assert sizes(10_000, 0) == [(1, 10_000), (1, 0)]
    assert sizes(9999, 0) == [(2, 9999)]


def test_no_more_runs_are_made_than_a_batch_takes() -> None:
    taken = runs(6000, 6000, 1)
    next(batches(taken, 1000, lambda run: run))
    assert next(taken).key.client_id == "2"
