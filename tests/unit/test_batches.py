"""A batch of runs ends by their number, by the lines of their logs, or by the characters of their texts."""

from collections.abc import Iterator
from datetime import UTC, datetime

from attrs import evolve

from runledger import LogLine, NewRun, RunKey, RunRecord
from runledger.services.copying.batches import CHARACTERS, LINES, batches

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


def with_texts(in_metrics: int, in_log: int = 0) -> NewRun:
    """A run with so many characters of text in its metrics and in its log."""
    metrics = {f"m{start}": "x" * min(100_000, in_metrics - start) for start in range(0, in_metrics, 100_000)}
    log = [LogLine(START, "x" * min(10_000, in_log - start)) for start in range(0, in_log, 10_000)]
    record = RunRecord.start(RunKey("r", "acme"), START, metrics={**metrics, "number": 10**9})
    return NewRun(evolve(record, notes=len(log)), log)


def test_a_batch_ends_with_the_run_that_brings_its_texts_to_so_many_characters() -> None:
    assert CHARACTERS == 4_194_304
    half, short = with_texts(1_000_000, CHARACTERS // 2 - 1_000_000), with_texts(CHARACTERS // 2 - 1)
    empty = with_texts(0)
    given = [half, half, half, short, empty, with_texts(1), with_texts(2 * CHARACTERS), empty]
    assert [len(batch) for batch in batches(given, 1000, lambda run: run)] == [2, 4, 1, 1]


def test_no_more_runs_are_made_than_a_batch_takes() -> None:
    taken = runs(6000, 6000, 1)
    next(batches(taken, 1000, lambda run: run))
    assert next(taken).key.client_id == "2"
