"""Calls one at a time, without ever waiting for the thread that would have to end the wait."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import TypeVar

from ..domain import CallWithinCall, RunKey

T = TypeVar("T")


class Exclusion:
    """Runs one call at a time: those of other threads wait for it.

    A call from within another one of its own thread, by a signal handler or a finaliser, raises CallWithinCall. An
    interrupt at any instant leaves nothing locked: Python raises none between a C lock's `__enter__` and the block,
    nor between an assignment and the `try` that follows it.
    """

    __slots__ = ("is_busy", "lock")

    def __init__(self) -> None:
        self.lock = RLock()
        """To be held by what keeps all calls away. It is reentrant, so that waiting for it ends in any thread."""
        self.is_busy = False
        """Whether a call is running. For who holds the lock: whether that call is one of this thread."""

    def run(self, call: Callable[[], T], key: RunKey | None = None) -> T:
        """What `call` returns. `key` is what the error names."""
        with self.lock:
            if self.is_busy:
                raise CallWithinCall(key)
            self.is_busy = True
            try:
                return call()
            finally:
                self.is_busy = False
