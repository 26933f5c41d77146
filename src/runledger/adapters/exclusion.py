"""Calls one at a time, without ever waiting for the thread that would have to end the wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import RLock, get_ident
from typing import TypeVar

from ..domain import CallWithinCall, RunKey

T = TypeVar("T")


class Exclusion:
    """Runs one call at a time: those of other threads wait for it.

    A call from within another one of the same thread, by a signal handler or a finaliser, raises CallWithinCall. An
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


class OnePerThread:
    """Runs calls of many threads at once, but none within another one of the same thread: that raises CallWithinCall.

    For calls into a library whose locks and connections the outer call may hold.
    """

    def __init__(self) -> None:
        self._callers: dict[tuple[int, int], None] = {}  # by process too: the child of a fork has none of the calls

    def __len__(self) -> int:
        """How many calls are running."""
        return len(self._callers)

    def run(self, call: Callable[[], T], key: RunKey | None = None) -> T:
        """What `call` returns. `key` is what the error names."""
        self.require_none(key)
        caller = os.getpid(), get_ident()
        self._callers[caller] = None
        try:
            return call()
        finally:
            del self._callers[caller]

    def require_none(self, key: RunKey | None = None) -> None:
        """Raise CallWithinCall if a call of this thread is running."""
        if (os.getpid(), get_ident()) in self._callers:
            raise CallWithinCall(key)
