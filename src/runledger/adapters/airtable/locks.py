"""Locks for the runs of a base, in one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, local

from ...domain import Outcome, RunKey, StoreUnavailable
from .rate import INTERRUPTED


class Locks:
    """Locks for keys, so that a read and a write are exact within this process, while other runs go on.

    A call that a signal handler makes within another one of its thread raises StoreUnavailable: it could wait for ever.
    """

    def __init__(self, groups: int = 64) -> None:
        self._locks = tuple(Lock() for _ in range(groups))
        self._thread = local()

    @contextmanager
    def held(self, keys: Iterable[RunKey]) -> Iterator[None]:
        if getattr(self._thread, "is_busy", False):
            raise StoreUnavailable(INTERRUPTED, Outcome.NOT_APPLIED)
        self._thread.is_busy = True
        try:
            with ExitStack() as stack:
                for group in sorted({hash(key) % len(self._locks) for key in keys}):
                    stack.enter_context(self._locks[group])
                yield
        finally:
            self._thread.is_busy = False
