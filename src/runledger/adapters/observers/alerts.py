"""Alerts: messages to people about events that need them, sent from a thread apart."""

from __future__ import annotations

import atexit
import logging
import math
import os
import sys
import time
from functools import partial
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from weakref import WeakSet

from ...domain import InvalidValue, RunEvent
from .alert_message import Storm, is_alert
from .alert_storms import Storms
from .alert_target import AlertTarget

# Tools that freeze time in tests replace `time.monotonic`, and what waits would never be due.
_clock = partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else time.monotonic


class Alerts:
    """An observer that sends people a message by the service that `url` names, in the form of Apprise's URLs.

    Messages are about failed starts, updates of missing runs, runs that failed, duplicate records, and what
    `runledger check` finds: quiet runs and overdue clients. `window` seconds after the first event of a kind at a call
    site there is one message with the number of all that came since. While they go on, the time until the next one
    doubles, up to 128 windows.

    Calling it only takes a note: a daemon thread loads Apprise and sends, each message once. At most `limit` kinds and
    call sites wait at a time; what exceeds them is dropped, and counted in the next message and in a warning of the
    logger `runledger`. So is what the service did not accept. When the process exits, what waits is sent, for at most
    `exit_wait` seconds. After a fork, parent and child each send what happened in them.

    Apprise is loaded here, and the URL checked; with `lazy`, not before the first message. Raises InvalidValue for
    another argument or a URL that cannot be used, and if the extra `alerts` is missing.
    """

    def __init__(
        self, url: str, *, window: float = 5, limit: int = 100, exit_wait: float = 5, lazy: bool = False
    ) -> None:
        for name, value in (("window", window), ("exit_wait", exit_wait)):
            if not (isinstance(value, (int, float)) and 0 <= value < math.inf):
                raise InvalidValue(f"{name} is {value!r}: give seconds from 0.")
        if not (isinstance(limit, int) and limit > 0):
            raise InvalidValue(f"limit is {limit!r}: give a whole number from 1.")
        self._target = AlertTarget(url)
        self._window = window
        self._limit = limit
        self._exit_wait = exit_wait
        if not lazy:
            self._target.open()
        self._begin()
        _everywhere.add(self)

    def __repr__(self) -> str:
        return f"<Alerts to {self._target.shown}>"

    def __call__(self, event: RunEvent) -> None:
        """Take a note of an event, if it is one that people are notified of. Waits for nothing."""
        if not is_alert(event):
            return
        with self._lock:  # a signal handler may come here while its thread is within
            is_new = self._storms.add(event, _clock())
            if self._thread is None:
                self._start()
        if is_new:
            self._calls.put(None)

    def flush(self, seconds: float | None = None) -> bool:
        """Send now what waits, and wait for it, for at most `exit_wait` or these seconds. False if that was too short.

        Call it where a process is frozen between two calls, as in a cloud's functions.
        """
        if self._thread is None:
            return True
        done: SimpleQueue[bool] = SimpleQueue()
        self._calls.put(done)
        try:
            return done.get(timeout=self._exit_wait if seconds is None else seconds)
        except Empty:
            return False

    def close(self) -> None:
        """Flush, and warn of what may not have been sent. The exit of a process does so; `os._exit` does not."""
        atexit.unregister(self.close)
        try:
            if self.flush():
                return
        except KeyboardInterrupt:
            pass
        with self._lock:
            lost = self._sending + self._storms.count
        if lost:
            self._warn(f"{_events(lost)} may not have been sent: the service took longer than {self._exit_wait:g} s")

    def _begin(self) -> None:
        """Begin with nothing waiting: in a new object, and in a new process after a fork."""
        self._lock = RLock()
        self._storms = Storms(self._window, self._limit)
        self._sending = 0
        self._undelivered = 0
        self._thread: Thread | None = None
        # No event or condition: a signal handler may call one within itself, and would wait for ever.
        self._calls: SimpleQueue[SimpleQueue[bool] | None] = SimpleQueue()

    def _start(self) -> None:
        import concurrent.futures.thread  # noqa: F401, Apprise needs it, and it cannot be loaded while Python ends

        thread = Thread(target=self._send_for_ever, name="runledger alerts", daemon=True)
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

    def _send_for_ever(self) -> None:
        while True:
            flush = self._next_flush()
            with self._lock:
                due = self._storms.take(_clock(), everything=flush is not None)
                self._sending = sum(storm.count for storm in due)
            for storm in due:
                self._send(storm)
                self._sending -= storm.count
            if flush is not None:
                flush.put(True)

    def _next_flush(self) -> SimpleQueue[bool] | None:
        """Wait until a storm is due, another one begins (None), or a flush comes, which is returned."""
        with self._lock:
            due = self._storms.next_due
        try:
            return self._calls.get(timeout=None if due is None else max(0, due - _clock()))
        except Empty:
            return None

    def _send(self, storm: Storm) -> None:
        with self._lock:
            dropped = self._storms.take_dropped()
        remarks = []
        if dropped:
            remarks.append(f"{_events(dropped)} dropped: more than {self._limit} kinds and call sites were waiting.")
            self._warn(remarks[0].rstrip("."))
        if self._undelivered:
            remarks.append(f"{_events(self._undelivered)} before this could not be delivered.")
        self._undelivered += storm.count + dropped
        if self._is_delivered(storm, remarks):
            self._undelivered = 0

    def _is_delivered(self, storm: Storm, remarks: list[str]) -> bool:
        try:
            if self._target.deliver(storm.message(*remarks)):
                return True
            reason = "the service cannot be reached, or refused the message"
        except InvalidValue as error:
            reason = str(error)
        except Exception as error:  # whatever Apprise's parts raise; the text may hold the URL
            reason = type(error).__name__
        self._warn(f"{_events(storm.count)} could not be delivered: {reason}")
        return False

    def _warn(self, text: str) -> None:
        logging.getLogger("runledger").warning("alerts to %s: %s", self._target.shown, text)


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


_everywhere: WeakSet[Alerts] = WeakSet()


def _begin_in_child() -> None:
    for each in _everywhere:
        each._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)
