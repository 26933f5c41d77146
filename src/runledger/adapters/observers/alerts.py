"""Alerts: messages to people about events that need them, sent from a thread apart."""

from __future__ import annotations

import logging
from threading import Event

from ...domain import InvalidValue, RunEvent
from ...domain.visible import counted
from .alert_message import Storm, is_alert
from .alert_storms import Storms
from .alert_target import AlertTarget
from .worker import Worker, clock, require_bounds

_LOADING_SECONDS = 30
"""How long the end of a process waits for Apprise: much longer than a busy machine takes to load it."""


class Alerts:
    """An observer that sends people a message by the service that `url` names, in the form of Apprise's URLs.

    Messages are about failed starts, updates of missing runs, runs that failed, duplicate records, and what
    `runledger check` finds: quiet runs and overdue clients. `window` seconds after the first event of a kind at a call
    site there is one message with the number of all that came since. While they go on, the time until the next one
    doubles, up to 128 windows.

    Calling it only takes a note: a daemon thread loads Apprise and sends, each message once. At most `limit` kinds and
    call sites wait at a time; what exceeds them is dropped, and counted in the next message and in a warning of the
    logger `runledger`. So is what the service did not accept. When the process exits, what waits is sent, for at most
    `exit_wait` seconds after Apprise was loaded, for which it waits at most 30. After a fork, parent and child each
    send what happened in them.

    Apprise is loaded here, and the URL checked; with `lazy`, not before the first message. Raises InvalidValue for
    another argument or a URL that cannot be used, and if the extra `alerts` is missing.
    """

    def __init__(
        self, url: str, *, window: float = 5, limit: int = 100, exit_wait: float = 5, lazy: bool = False
    ) -> None:
        require_bounds(window=window, limit=limit, exit_wait=exit_wait)
        self._target = AlertTarget(url)
        self._window = window
        self._limit = limit
        self._exit_wait = exit_wait
        if not lazy:
            self._target.open()
        self._worker = Worker(
            "runledger alerts",
            begin=self._begin,
            next_due=lambda: self._storms.next_due,
            work=self._send_due,
            report_loss=self._report_loss,
            exit_wait=exit_wait,
            begun=self._wait_for_apprise,
        )

    def __repr__(self) -> str:
        return f"<Alerts to {self.shown}>"

    @property
    def shown(self) -> str:
        """The URL without its secrets: the scheme."""
        return self._target.shown

    def __call__(self, event: RunEvent) -> None:
        """Take a note of an event, if it is one that people are notified of. Waits for nothing."""
        if not is_alert(event):
            return
        with self._worker.lock:
            is_new = self._storms.add(event, clock())
            if not self._worker.is_running:
                import concurrent.futures.thread  # noqa: F401, Apprise needs it, and it cannot be loaded while Python ends
            self._worker.start()
        if is_new:
            self._worker.wake()

    def flush(self, seconds: float | None = None) -> bool:
        """Send now what waits, and wait for it, for at most `exit_wait` or these seconds. False if that was too short.

        Call it where a process is frozen between two calls, as in a cloud's functions.
        """
        return self._worker.flush(seconds)

    def close(self) -> None:
        """Flush, and warn of what may not have been sent. The exit of a process does so; `os._exit` does not."""
        self._worker.close()

    def _begin(self) -> None:
        self._storms = Storms(self._window, self._limit)
        self._sending = 0
        self._undelivered = 0
        self._loaded = Event()

    def _wait_for_apprise(self) -> None:
        """Wait, within a bound, until the thread has loaded Apprise, if anything is to be sent."""
        with self._worker.lock:
            waits = self._sending + self._storms.count
        if waits:
            self._loaded.wait(_LOADING_SECONDS)

    def _report_loss(self) -> None:
        with self._worker.lock:
            lost = self._sending + self._storms.count
        if lost:
            seconds = self._exit_wait if self._loaded.is_set() else self._exit_wait + _LOADING_SECONDS
            late = "the service" if self._loaded.is_set() else "loading Apprise"
            self._warn(f"{counted(lost, 'event')} may not have been sent: {late} took longer than {seconds:g} s")

    def _send_due(self, everything: bool) -> None:
        with self._worker.lock:
            due = self._storms.take(clock(), everything=everything)
            self._sending = sum(storm.count for storm in due)
        for storm in due:
            self._send(storm)
            self._sending -= storm.count

    def _send(self, storm: Storm) -> None:
        with self._worker.lock:
            dropped = self._storms.take_dropped()
        remarks = []
        if dropped:
            remarks.append(
                f"{counted(dropped, 'event')} dropped: more than {self._limit} kinds and call sites were waiting."
            )
            self._warn(remarks[0].rstrip("."))
        if self._undelivered:
            remarks.append(f"{counted(self._undelivered, 'event')} before this could not be delivered.")
        self._undelivered += storm.count + dropped
        if self._is_delivered(storm, remarks):
            self._undelivered = 0

    def _is_delivered(self, storm: Storm, remarks: list[str]) -> bool:
        try:
            try:
                self._target.open()
            finally:
                self._loaded.set()
            if self._target.deliver(storm.message(*remarks)):
                return True
            reason = "the service cannot be reached, or refused the message"
        except InvalidValue as error:
            reason = str(error)
        except Exception as error:  # whatever Apprise's parts raise; the text may hold the URL
            reason = type(error).__name__
        self._warn(f"{counted(storm.count, 'event')} could not be delivered: {reason}")
        return False

    def _warn(self, text: str) -> None:
        logging.getLogger("runledger").warning("alerts to %s: %s", self._target.shown, text)
