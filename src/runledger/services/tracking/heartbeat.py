"""Signs of life while a tracked block runs: a thread that updates its run until the block ends."""

from __future__ import annotations

from threading import TIMEOUT_MAX, Lock, Thread

from ...domain import InvalidValue
from ...domain.values import is_number
from ...domain.visible import shown
from ..updates import Run, send_heartbeat

LONGEST_WAIT = 5.0
"""Seconds that `stop` waits for a heartbeat that is on its way. The thread may itself be waiting for the caller."""


def checked_heartbeat(seconds: float) -> float:
    """Seconds between two heartbeats. Raises InvalidValue for what cannot be waited."""
    if not is_number(seconds) or not 0 < seconds <= TIMEOUT_MAX:
        raise InvalidValue(
            f"heartbeat is {shown(seconds)}: give seconds above 0, such as 60, or None for no heartbeat."
        )
    return seconds


class Heartbeat:
    """A daemon thread that sends a run's heartbeats, the first after so many `seconds`, until it is stopped.

    A heartbeat that fails is reported to the observers, and the next failures are not, until one has succeeded. It
    raises nothing. None follows the end of the run.
    """

    def __init__(self, run: Run, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        # Plain locks, because a signal handler may interrupt `stop` and call it again: an Event would wait for itself.
        self._going, self._alive = Lock(), Lock()
        self._going.acquire()
        self._alive.acquire()
        self._thread = Thread(target=self._send_all, name="runledger-heartbeat", daemon=True)

    def begin(self) -> None:
        """Start the thread. A process that can have no more threads goes on without heartbeats, and logs that."""
        try:
            self._thread.start()
        except RuntimeError:
            import logging

            logging.getLogger("runledger").exception("no thread for the heartbeats of %s", self._run.key)

    def stop(self) -> None:
        """Send no more heartbeats, and wait for one that is on its way, so that none comes after the run's end.

        It is called once. In the child of a fork the thread is not alive.
        """
        self._going.release()
        if self._thread.is_alive():
            self._alive.acquire(timeout=LONGEST_WAIT)

    def _send_all(self) -> None:
        report = True
        try:
            while not (self._going.acquire(timeout=self._seconds) or self._run.finished):
                record = send_heartbeat(self._run, report=report)
                if record is not None and record.status.is_final:  # finished through another handle
                    return
                report = record is not None
        finally:
            self._alive.release()
