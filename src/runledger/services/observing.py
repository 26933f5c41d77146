"""Telling observers what happened, and the default observer, which writes to the standard library's logging."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from types import FrameType
from typing import Any

from ..domain import (
    EventKind,
    RunAlreadyExists,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunObserver,
    RunStatus,
)
from ..domain.values import checked_list

_LEVELS = {
    EventKind.UPDATED: "DEBUG",
    EventKind.REFUSED: "WARNING",
    EventKind.START_RETRIED: "WARNING",
    EventKind.MISSING: "ERROR",
    EventKind.START_FAILED: "ERROR",
    EventKind.DUPLICATED: "ERROR",
    EventKind.CONTENDED: "ERROR",
    EventKind.UNREADABLE: "ERROR",
}


def log_event(event: RunEvent) -> None:
    """The default observer: one line of key=value fields under the logger `runledger`, the same fields in `extra`.

    Starts and finishes are INFO, other updates DEBUG, refusals and retries WARNING; a missing run, a failed start, and
    what a store comes upon (duplicates, lost races, unreadable records) are ERROR.
    """
    import logging  # here, because it slows `import runledger`

    log, level = logging.getLogger("runledger"), getattr(logging, _LEVELS.get(event.kind, "INFO"))
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
        "error": event.error and f"{type(event.error).__name__}: {event.error}",
    }
    known = {name: value for name, value in fields.items() if value is not None}
    log.log(level, " ".join(f"{name}={_quoted(value)}" for name, value in known.items()), extra=known)


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text.isprintable() and not any(c in ' "=\\' for c in text)
    if plain and text:
        return text
    import json  # here, because not every store needs it

    return json.dumps(text, ensure_ascii=not text.isprintable())


def call_site() -> str | None:
    """ "file:line in function" of the nearest caller outside this package and the machinery of threads."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package not in ("runledger", "concurrent", "asyncio", "threading", "contextlib"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        frame = frame.f_back
    return None


class Reporter:
    """Hands each event to every observer, and a clock to those who make events."""

    def __init__(self, observers: Iterable[RunObserver], clock: Callable[[], datetime]) -> None:
        self.observers = checked_list(observers, "observers", "functions that take an event")
        self.clock = clock

    def report(self, kind: EventKind, key: RunKey | None, at: datetime, **facts: Any) -> None:
        """Make an event and tell all observers; one that raises is logged and breaks nothing."""
        if not self.observers:
            return
        self.tell(RunEvent(kind=kind, key=key, at=at, **facts))

    def tell(self, event: RunEvent) -> None:
        """Hand an event to all observers."""
        for observer in self.observers:
            try:
                observer(event)
            except Exception:
                import logging

                logging.getLogger("runledger").exception("an observer failed on event=%s", event.kind.value)

    def changed(self, key: RunKey, status: RunStatus | None, at: datetime) -> None:
        """An update was applied; with a status it finished the run."""
        self.report(EventKind.UPDATED if status is None else EventKind.FINISHED, key, at, status=status)

    def refused(self, error: RunLedgerError, key: RunKey | None = None, site: str | None = None) -> None:
        """An update or read was refused; `site` is told if none of the application's code is on the stack."""
        kind = EventKind.MISSING if isinstance(error, RunNotFound) else EventKind.REFUSED
        self.report(kind, error.key or key, self.clock(), error=error, call_site=call_site() or site)

    def start_retried(self, error: RunLedgerError, key: RunKey, attempt: int, site: str | None) -> None:
        """An attempt of a start, counted from 1, found the store unavailable, and another follows."""
        self.report(EventKind.START_RETRIED, key, self.clock(), error=error, attempt=attempt, call_site=site)

    def start_failed(self, error: RunLedgerError, key: RunKey | None, site: str | None) -> None:
        """A start was refused: loudly where the record was not made, as any refusal where the run exists."""
        kind = EventKind.REFUSED if isinstance(error, RunAlreadyExists) else EventKind.START_FAILED
        self.report(kind, error.key or key, self.clock(), error=error, call_site=site)
