"""Batches of runs with their logs: what is in memory, and is sent to a store, at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ...domain import NewRun

T = TypeVar("T")

LINES = 10_000
"""A batch ends with the run that brings its logs to this many lines."""
CHARACTERS = 1 << 22
"""Or with the one that brings its texts to this many characters."""


def batches(items: Iterable[T], runs: int, run_of: Callable[[T], NewRun]) -> Iterator[list[T]]:
    """The items, in lists of at most so many `runs`, and of little text; see LINES and CHARACTERS. No list is empty."""
    batch: list[T] = []
    lines = characters = 0
    for item in items:
        batch.append(item)
        run = run_of(item)
        lines += len(run.log)
        characters += _characters_of(run)
        if len(batch) == runs or lines >= LINES or characters >= CHARACTERS:
            yield batch
            batch, lines, characters = [], 0, 0
    if batch:
        yield batch


def _characters_of(run: NewRun) -> int:
    texts = [len(value) for value in run.record.metrics.values() if isinstance(value, str)]
    return sum(texts) + sum([len(line.text) for line in run.log])
