"""Batches of runs with their logs: what is in memory, and is sent to a store, at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ..domain import NewRun

T = TypeVar("T")

LINES = 10_000
"""A batch ends with the run that brings its logs to this many lines."""


def batches(items: Iterable[T], runs: int, run_of: Callable[[T], NewRun]) -> Iterator[list[T]]:
    """The items, in lists of at most so many `runs`, and of few lines of logs; see LINES. No list is empty."""
    batch: list[T] = []
    lines = 0
    for item in items:
        batch.append(item)
        lines += len(run_of(item).log)
        if len(batch) == runs or lines >= LINES:
            yield batch
            batch, lines = [], 0
    if batch:
        yield batch
