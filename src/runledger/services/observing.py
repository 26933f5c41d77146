"""Notifying observers of events, and the default observer, which writes to the standard library's logging."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from ..domain import (
    EventKind,
    InvalidValue,
    RunAlreadyExists,
    RunChange,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunObserver,
    RunRecord,
    RunStatus,
)
from ..domain.values import checked_time
from ..domain.visible import visible

_LEVELS = {
    EventKind.UPDATED: "DEBUG",
    EventKind.REFUSED: "WARNING",
    EventKind.START_RETRIED: "WARNING",
    EventKind.CLOCK_BEHIND: "WARNING",
    EventKind.MISSING: "ERROR",
    EventKind.START_FAILED: "ERROR",
    EventKind.DUPLICATED: "ERROR",
    EventKind.CONTENDED: "ERROR",
    EventKind.UNREADABLE: "ERROR",
    EventKind.QUIET: "ERROR",
    EventKind.OVERDUE: "ERROR",
}


def log_event(event: RunEvent) -> None:
    """The default observer: logs one line of key=value fields to the logger `runledger`, with the fields in `extra`.

    Levels: starts and finishes are INFO, other updates DEBUG. Runs that failed, rejected calls, retries and clocks that
    are behind are WARNING. Missing runs, failed starts, quiet runs, overdue clients, and what the store itself reports
    (duplicates, lost updates, unreadable rows) are ERROR. Control and bidirectional formatting characters are escaped,
    also in `extra`.
    """
    import logging  # here, because it slows `import runledger`

    log, level = logging.getLogger("runledger"), getattr(logging, _level(event))
    if not log.isEnabledFor(level):
        return
    fields = {
        "event": event.kind.value,
        "run_id": event.key and event.key.run_id,
        "client_id": event.key and event.key.client_id,
        "status": event.status and event.status.value,
        "attempt": event.attempt,
        "detail": event.detail,
        "call_site": event.call_site,
        "error": f"{type(event.error).__name__}: {event.error}" if isinstance(event.error, Exception) else event.error,
        "seconds": None if event.duration is None else event.duration.total_seconds(),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    shown = {name: visible(value) if isinstance(value, str) else value for name, value in known.items()}
    log.log(level, " ".join(f"{name}={_quoted(value)}" for name, value in known.items()), extra=shown)


def _level(event: RunEvent) -> str:
    return "WARNING" if event.status is RunStatus.FAILED else _LEVELS.get(event.kind, "INFO")


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text.isprintable() and not any(c in ' "=\\' for c in text)
    if plain and text:
        return text
    import json  # here, because not every store needs it

    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in json.dumps(text, ensure_ascii=False))


_inherited_site: ContextVar[str | None] = ContextVar("runledger_call_site", default=None)


def call_site() -> str | None:
    """The place in the application that made this call, as "file:line in function".

    That is the nearest caller outside this package and the standard library's machinery of threads. In a thread of
    ours, which has no such caller, it is the place that `call_site_inherited` kept. None if neither is known.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package not in ("runledger", "concurrent", "asyncio", "threading", "contextlib"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        frame = frame.f_back
    return _inherited_site.get()


@contextmanager
def call_site_inherited() -> Iterator[None]:
    """Pass the current call site on to the asyncio tasks created within this block, and to the threads they start."""
    token = _inherited_site.set(call_site())
    try:
        yield
    finally:
        _inherited_site.reset(token)


class Reporter:
    """Notifies every observer of each event, and settles the time of each call."""

    def __init__(self, observers: Sequence[RunObserver], clock: Callable[[], datetime]) -> None:
        self._observers = observers
        self._clock = clock

    def now(self) -> datetime:
        """The time of a call that begins now, as records and events store it: in UTC, truncated to the millisecond.

        Raises InvalidValue if the clock does not return an aware datetime.
        """
        return checked_time(self._clock(), "the clock's time")

    def notify(self, event: RunEvent) -> None:
        """Call all observers with `event`. An exception that one raises is logged; the others are still called."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                import logging

                logging.getLogger("runledger").exception("an observer failed on event=%s", event.kind.value)

    def started(self, keys: Iterable[RunKey], at: datetime) -> None:
        """Report the starts of runs."""
        if self._observers:
            for key in keys:
                self._report(EventKind.STARTED, key, at, status=RunStatus.RUNNING)

    def changed(self, key: RunKey, change: RunChange, at: datetime, record: RunRecord | None = None) -> None:
        """Report an update; with a status, it finished the run. `record` is the record afterwards, if it is known."""
        if change.status is None:
            self._report(EventKind.UPDATED, key, at)
            return
        duration = record and record.duration
        self._report(EventKind.FINISHED, key, at, status=change.status, error=change.error, duration=duration)

    def clock_behind(self, key: RunKey, at: datetime, end: datetime) -> None:
        """Report a run that was finished `at` a time before its start, which is therefore its `end`."""
        behind = (end - at).total_seconds()
        detail = f"this clock is {behind:,.3f} s behind the start of the run: it ends at its start"
        self._report(EventKind.CLOCK_BEHIND, key, at, detail=detail)

    def refused(
        self, error: RunLedgerError, key: RunKey | None = None, site: str | None = None, *, reading: bool = False
    ) -> None:
        """Report a failed update, or with `reading` a failed read. `site` is the call site if no other is known."""
        kind = EventKind.MISSING if isinstance(error, RunNotFound) else EventKind.REFUSED
        self._failed(kind, error, key, call_site() or site, reading=reading)

    def start_retried(self, error: RunLedgerError, key: RunKey, attempt: int) -> None:
        """Report that an attempt of a start, counted from 1, found the store unavailable, and that another follows."""
        self._failed(EventKind.START_RETRIED, error, key, call_site(), attempt=attempt)

    def start_failed(self, error: RunLedgerError, key: RunKey | None = None) -> None:
        """Report a failed start: REFUSED if the run already exists, else START_FAILED."""
        kind = EventKind.REFUSED if isinstance(error, RunAlreadyExists) else EventKind.START_FAILED
        self._failed(kind, error, key, call_site())

    def _failed(
        self, kind: EventKind, error: RunLedgerError, key: RunKey | None, site: str | None, **facts: Any
    ) -> None:
        try:
            at = self.now()
        except InvalidValue:  # the clock may be what failed, and the failure must be reported even so
            at = datetime.now(UTC).replace(microsecond=0)
        self._report(kind, error.key or key, at, error=error, call_site=site, **facts)

    def _report(self, kind: EventKind, key: RunKey | None, at: datetime, **facts: Any) -> None:
        if self._observers:
            self.notify(RunEvent(kind=kind, key=key, at=at, **facts))
