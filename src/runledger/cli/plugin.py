"""The answer of `check`, as monitoring systems read it: one line with a state, and the state as the exit code.

The form is that of the Monitoring Plugins Development Guidelines (https://www.monitoring-plugins.org/doc/guidelines.html).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import IntEnum
from threading import TIMEOUT_MAX, Lock, Timer
from typing import Any

import click

from ..domain.visible import counted
from ..services.inspecting.checking import CheckResult
from ..services.inspecting.expectation import Deviation, DeviationKind
from .locations import without_passwords
from .output import give_output_up, print_json, say

_NAMED = 5
"""How many deviations the line names; the others are counted."""
_FIGURES = {
    "overdue": (DeviationKind.NEVER_RAN, DeviationKind.OVERDUE),
    "failed": (DeviationKind.FAILED,),
    "quiet": (DeviationKind.QUIET,),
    "in_future": (DeviationKind.IN_FUTURE,),
    "with_errors": (DeviationKind.WITH_ERRORS,),
    "slow": (DeviationKind.SLOW,),
}
"""The performance data, and the deviations that each figure counts: critical ones or warnings."""


class State(IntEnum):
    """The state of what was checked, and the exit code for it."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def state_of(result: CheckResult, left_out: int) -> State:
    """The worst state. Without deviations, a check that found no client, or could not read some rows, is UNKNOWN."""
    if any(each.kind.is_critical for each in result.deviations):
        return State.CRITICAL
    if result.deviations:
        return State.WARNING
    return State.OK if result.clients and not left_out else State.UNKNOWN


def print_result(result: CheckResult, left_out: int, *, as_json: bool) -> State:
    """Print the answer, and return its state. `left_out` is how many rows of the store could not be read."""
    state = state_of(result, left_out)
    text = f"{_information(result, left_out)} | {_figures(result)}"
    return _printed(state, text, _as_json(state, result, left_out) if as_json else None)


def print_unknown(why: str, *, as_json: bool = False) -> State:
    """Print that the check could not be made, and return that state."""
    state, why = State.UNKNOWN, without_passwords(why)
    return _printed(state, _without_bar(why), {"state": state.name, "why": why} if as_json else None)


@contextmanager
def answered_within(written: str, duration: timedelta, *, as_json: bool) -> Iterator[None]:
    """A block that must end within a duration, which was `written` so. Else this process ends as UNKNOWN.

    A thread ends it, because the block may be in a call of a driver that nothing interrupts.
    """
    context = click.get_current_context()
    answering = Lock()

    def end() -> None:
        if not answering.acquire(blocking=False):  # the block has ended
            return
        try:
            why = "the store is slow or does not answer. See what keeps it, or give a longer --timeout."
            print_unknown(f"no answer after {written}: {why}", as_json=as_json)
            context.close()  # which sends the alerts that wait
        finally:
            os._exit(State.UNKNOWN)

    timer = Timer(min(duration.total_seconds(), TIMEOUT_MAX), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        answering.acquire()  # for ever, if the time is over: the process is ending
        timer.cancel()


def _printed(state: State, text: str, answer: Mapping[str, Any] | None) -> State:
    """Print a line of text, or the `answer` as JSON. Returns the state; UNKNOWN if that cannot be written."""
    try:
        if answer is None:
            line = text.replace("\n", " ")
            say(f"RUNLEDGER {state.name} - {line}")
        else:
            print_json(answer)
    except OSError as error:
        give_output_up(error)
        return State.UNKNOWN
    return state


def _information(result: CheckResult, left_out: int) -> str:
    named = [_without_bar(each.what) for each in result.deviations[:_NAMED]]
    if len(result.deviations) > _NAMED:
        named.append(f"{len(result.deviations) - _NAMED} more")
    if left_out:
        named.append(f"{counted(left_out, 'row')} of the store cannot be read")
    elif not result.clients:
        named.append("no runs found, so nothing was checked")
    return "; ".join(named) or f"{counted(result.clients, 'client')} as expected"


def _without_bar(text: str) -> str:
    """Text without the character that ends the information; an id may have it."""
    return text.replace("|", "\\u007c")


def _figures(result: CheckResult) -> str:
    """Performance data: each label with its value, the thresholds for a warning and for critical, and the minimum."""
    kinds = Counter(each.kind for each in result.deviations)
    figures = [f"clients={result.clients};;;0"]
    for label, counted_kinds in _FIGURES.items():
        thresholds = ";0" if counted_kinds[0].is_critical else "0;"
        figures.append(f"{label}={sum(kinds[kind] for kind in counted_kinds)};{thresholds};0")
    return " ".join(figures)


def _as_json(state: State, result: CheckResult, left_out: int) -> dict[str, Any]:
    return {
        "state": state.name,
        "clients": result.clients,
        "left_out": left_out,
        "deviations": [_deviation_as_json(each) for each in result.deviations],
    }


def _deviation_as_json(deviation: Deviation) -> dict[str, Any]:
    return {
        "kind": deviation.kind.value,
        "critical": deviation.kind.is_critical,
        "client_id": deviation.client_id,
        "run_id": None if deviation.record is None else deviation.record.key.run_id,
        "what": deviation.what,
    }
