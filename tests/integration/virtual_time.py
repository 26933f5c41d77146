"""Time that moves only when everybody waits, for threads that stand for processes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from threading import Lock, Thread

BEGIN = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


class VirtualTime:
    """Runs calls in threads, one at a time: the next to run is the one that waits until the earliest time.

    So the same calls give the same order of events on every machine.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._waiting: list[tuple[float, int, Lock]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Wait. Only the calls of `run` may."""
        mine = self._queue(seconds)
        self._wake_next()
        mine.acquire()

    def run(self, *calls: Callable[[], object]) -> None:
        """Run calls that begin together; returns when all have ended. A call must not raise."""
        threads = [Thread(target=self._run, args=(call, self._queue(0))) for call in calls]
        for thread in threads:
            thread.start()
        self._wake_next()
        for thread in threads:
            thread.join()

    def _run(self, call: Callable[[], object], mine: Lock) -> None:
        mine.acquire()
        try:
            call()
        finally:
            self._wake_next()

    def _queue(self, seconds: float) -> Lock:
        lock = Lock()
        lock.acquire()
        heappush(self._waiting, (self.seconds + seconds, next(self._order), lock))
        return lock

    def _wake_next(self) -> None:
        if self._waiting:
            self.seconds, _, lock = heappop(self._waiting)
            lock.release()
