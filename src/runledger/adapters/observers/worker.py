"""A thread apart that does the work of an observer, which is called in the thread of the run and must not wait."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from weakref import WeakSet

from ...domain import InvalidValue
from ...domain.key import is_a
from ...domain.values import checked_seconds
from ...domain.visible import shown

# Tools that freeze time in tests replace `time.monotonic`, and what waits would never be due.
clock = partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else time.monotonic
"""Seconds of a clock that a test cannot freeze."""


def require_bounds(*, window: float, limit: int, exit_wait: float) -> None:
    """Raises InvalidValue for what cannot bound the work of an observer: seconds, a number of things kept, seconds."""
    checked_seconds(window, "window")
    checked_seconds(exit_wait, "exit_wait")
    if not is_a(limit, int) or is_a(limit, bool) or limit < 1:
        raise InvalidValue(f"limit is {shown(limit)}: give a whole number from 1.")


class Worker:
    """A daemon thread that does what is due, for an observer.

    `begin` sets the observer up with nothing waiting: at first, and in the child of a fork. `next_due` is when
    something is due by `clock`, None if nothing waits; it is called with `lock`. `work` does what is due or, if it is
    passed True, everything. `report_loss` is called at the end of the process if that took longer than `exit_wait`.
    These seconds begin when `begun` returns, which is called after the thread was asked to do everything.

    The observer takes its notes with `lock`, calls `start` with it, and `wake` after it if something is due sooner.
    """

    def __init__(
        self,
        name: str,
        *,
        begin: Callable[[], None],
        next_due: Callable[[], float | None],
        work: Callable[[bool], None],
        report_loss: Callable[[], None],
        exit_wait: float,
        begun: Callable[[], object] = lambda: None,
    ) -> None:
        self._name = name
        self._begin = begin
        self._next_due = next_due
        self._work = work
        self._report_loss = report_loss
        self._exit_wait = exit_wait
        self._begun = begun
        self.renew()
        _everywhere.add(self)

    def renew(self) -> None:
        """Begin with no thread and nothing waiting: in a new object, and in a new process after a fork."""
        self.lock = RLock()  # a signal handler may come to the observer while its thread is within
        self._thread: Thread | None = None
        # No event or condition: a signal handler may call one within itself, and would wait for ever.
        self._calls: SimpleQueue[SimpleQueue[bool] | None] = SimpleQueue()
        self._begin()

    @property
    def is_running(self) -> bool:
        """Whether the thread has been started."""
        return self._thread is not None

    def start(self) -> None:
        """Start the thread unless it is running. Raises RuntimeError if no more threads can be started."""
        if self._thread is not None:
            return
        thread = Thread(target=self._work_for_ever, name=self._name, daemon=True)
        self._thread = thread  # before it runs: a signal handler that comes meanwhile must not start another one
        try:
            thread.start()
        except RuntimeError:  # no more threads, or Python is ending
            self._thread = None
            raise
        atexit.unregister(self.close)  # in the child of a fork it is registered already
        atexit.register(self.close)
        processes = sys.modules.get("multiprocessing.util")
        if processes and sys.modules["multiprocessing.process"].parent_process():  # such a process ends without atexit
            processes.Finalize(None, self.close, exitpriority=0)

    def wake(self) -> None:
        """Make the thread look again at what is due."""
        self._calls.put(None)

    def flush(self, seconds: float | None = None) -> bool:
        """Do all that waits now, and wait for at most `exit_wait` or these seconds. False if that was too short.

        Raises InvalidValue.
        """
        wait = self._exit_wait if seconds is None else checked_seconds(seconds, "seconds")
        return self._has_done_all(wait, lambda: None)

    def _has_done_all(self, seconds: float, begun: Callable[[], object]) -> bool:
        if self._thread is None:
            return True
        done: SimpleQueue[bool] = SimpleQueue()
        self._calls.put(done)
        begun()
        try:
            return done.get(timeout=seconds)
        except Empty:
            return False

    def close(self) -> None:
        """Flush, and report a loss if that was too short. The exit of a process does so; `os._exit` does not."""
        atexit.unregister(self.close)
        try:
            if self._has_done_all(self._exit_wait, self._begun):
                return
        except KeyboardInterrupt:
            pass
        self._report_loss()

    def _work_for_ever(self) -> None:
        while True:
            flush = self._next_flush()
            self._work(flush is not None)
            if flush is not None:
                flush.put(True)

    def _next_flush(self) -> SimpleQueue[bool] | None:
        """Wait until something is due or sooner due than before (None), or a flush comes, which is returned."""
        with self.lock:
            due = self._next_due()
        try:
            return self._calls.get(timeout=None if due is None else max(0, due - clock()))
        except Empty:
            return None


_everywhere: WeakSet[Worker] = WeakSet()


def _renew_in_child() -> None:
    for each in _everywhere:
        each.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_in_child)
