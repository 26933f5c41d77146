"""The settings of a ledger, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, TypeAlias

from ..domain import InvalidValue, RunObserver
from ..domain.key import is_a
from ..domain.values import can_be_waited
from ..domain.visible import shown
from .arguments import list_of

OnMissing = Literal["raise", "report"]
MaybeNone: TypeAlias = Any
"""As `X | MaybeNone` it means `X | None`, but type checkers do not require that callers check for None.

An update returns None only if the run is missing and `on_missing` is "report".
"""


def checked_settings(
    *,
    observers: Iterable[RunObserver],
    clock: Callable[[], datetime],
    on_missing: OnMissing,
    retry_waits: Iterable[float],
    sleep: Callable[[float], None],
) -> tuple[list[RunObserver], list[float]]:
    """The observers and the waits, each as a list, which any iterable may give once.

    `RunLedger` explains these settings. Raises InvalidValue, which names the one that cannot be used.
    """
    if not is_a(on_missing, str) or str.__str__(on_missing) not in ("raise", "report"):
        raise InvalidValue(f"on_missing is {shown(on_missing)}: use 'raise' or 'report'.")
    if not callable(clock):
        raise InvalidValue(f"clock is {type(clock).__name__}: give a function that returns the time.")
    if not callable(sleep):
        raise InvalidValue(f"sleep is {type(sleep).__name__}: give a function that waits so many seconds.")
    listed = list_of(observers, "observers", "functions that take an event", callable)
    return listed, list_of(retry_waits, "retry_waits", "seconds from 0 that can be waited", can_be_waited)
