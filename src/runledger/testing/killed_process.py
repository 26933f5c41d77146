"""Bulk calls of processes that are killed: where the store promises it, each leaves everything or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..domain import NewRun, RunChange, RunKey, RunQuery, RunRecord, StoreUnavailable
from .processes import steps_of_process
from .rules import Rule
from .trial import Trial

AT = datetime(2025, 11, 24, 8, 15, 0, 123000, tzinfo=UTC)
_WRITTEN = {"n": 1}


def require_all_or_nothing(trial: Trial, method: str, many: int) -> None:
    """Processes that are killed in a bulk call of so many runs leave all that it writes, or none.

    The first one makes the whole call and counts its steps. Then half of the steps between the last that left nothing
    and the first that left everything are tried, until none is between. A store that writes in several parts shows
    them, however few steps they take. If two calls do not take the same steps, that may miss, and reports nothing.
    """
    nothing, everything = 0, 1
    step: int | None = None
    while step is None or everything - nothing > 1:
        trial.begin()
        keys = [RunKey(f"{method} {step}", f"{i:04}") for i in range(many)]
        if method == "update_many":
            trial.repository.create_many([RunRecord.start(key, AT) for key in keys])
            arguments: Sequence[Any] = ([(key, RunChange(metrics=_WRITTEN)) for key in keys], AT)
        else:
            arguments = ([NewRun(RunRecord.start(key, AT, metrics=_WRITTEN)) for key in keys],)
        trial.noted("process", method, *arguments)
        try:
            taken = steps_of_process(trial.open_store, method, arguments, step, trial.patience)
        except (TimeoutError, StoreUnavailable):  # of a machine under load: what is left is judged all the same
            if step is None:
                raise
            _require_all_or_none(trial, keys)
            return
        is_written = _require_all_or_none(trial, keys)
        if step is None:
            everything = taken or 1
        elif is_written:
            everything = step
        else:
            nothing = step
        step = (nothing + everything) // 2


def _require_all_or_none(trial: Trial, keys: Sequence[RunKey]) -> bool:
    """Whether the call has written the runs."""
    call, written = trial.calls[-1], 0
    for _ in range(2):  # a look that goes from page to page is mixed if the store's server goes on with the call
        written = sum(record.metrics == _WRITTEN for record in trial.repository.find(RunQuery(run_id=keys[0].run_id)))
        if written in (0, len(keys)):
            return written > 0
    what = f"{call} of a process that was killed wrote {written} of {len(keys)} runs"
    raise trial.broken(what, Rule.PROMISES)
