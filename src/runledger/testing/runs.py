"""Runs with their logs, made in memory, to compare with those of a store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve

from ..domain import LogLine, NewRun, RunChange


def changed(run: NewRun, *changes: RunChange, at: datetime) -> NewRun:
    """The run after changes that are made at `at`, with the lines that they append. Raises what `apply` raises."""
    for change in changes:
        line = change.line(at)
        log: Iterable[LogLine] = run.log if line is None else (*run.log, line)
        run = evolve(run, record=run.record.apply(change, at), log=log)
    return run
