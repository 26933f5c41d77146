"""Faults on demand: what can go wrong between a client and a working service."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from threading import Lock

from attrs import field, frozen

from .messages import Change, Request, Response
from .service import AirtableService, utc_now


class FaultKind(Enum):
    DROP = "the connection is closed without an answer"
    STATUS = "an error answer, such as 502"
    DELAY = "the answer takes long"
    CUT = "the answer's body ends early; always after commit"
    HTML = "the answer is 200 with a page of HTML; always after commit"


ERRORS = {
    413: "REQUEST_TOO_LARGE",
    429: "RATE_LIMIT_REACHED",
    503: "RETRIABLE_ERROR",
}
"""The error type of a status; every other status has SERVER_ERROR."""


@frozen
class Fault:
    """A fault for the nth matching request since it was armed, and for those that follow, `times` in all.

    A request matches if it has this `method` (None: any) and `path`, a regular expression, is found in its path.
    `after_commit` is whether the service carries the request out before the fault. A DELAY is always carried out, after
    the wait if `after_commit` is False; CUT and HTML always come after. `status`, `error` (the error type; None: the
    usual one of that status) and `retry_after` (seconds) apply to STATUS, `seconds` to DELAY.
    """

    kind: FaultKind
    after_commit: bool = field(default=True, kw_only=True)
    method: str | None = field(default=None, kw_only=True)
    path: str = field(default="", kw_only=True)
    nth: int = field(default=1, kw_only=True)
    times: int = field(default=1, kw_only=True)
    status: int = field(default=503, kw_only=True)
    error: str | None = field(default=None, kw_only=True)
    retry_after: int | None = field(default=None, kw_only=True)
    seconds: float = field(default=0.0, kw_only=True)

    def matches(self, request: Request) -> bool:
        return self.method in (None, request.method) and re.search(self.path, request.path) is not None

    @property
    def commits(self) -> bool:
        return self.after_commit or self.kind in (FaultKind.CUT, FaultKind.HTML, FaultKind.DELAY)


class Faults:
    """The armed faults."""

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, int]] = []

    def arm(self, fault: Fault, *more: Fault) -> None:
        self._armed += [(each, 0) for each in (fault, *more)]

    def take(self, request: Request) -> Fault | None:
        """The fault for this request, or None. If two are due, the second one waits for the next matching request."""
        struck, waiting = None, []
        for fault, seen in self._armed:
            counted = seen
            if fault.matches(request) and (seen + 1 < fault.nth or struck is None):
                counted += 1
                struck = fault if counted >= fault.nth else struck
            if counted < fault.nth + fault.times - 1:
                waiting.append((fault, counted))
        self._armed = waiting
        return struck

    def clear(self) -> None:
        self._armed = []


@frozen
class LogEntry:
    """A request, the status that the client got (None: no answer), the fault, and what the request changed."""

    time: datetime
    request: Request
    status: int | None
    fault: Fault | None
    changed: tuple[Change, ...]


class Connection:
    """A service with a lock (one request at a time), a log, and faults on demand.

    `on_request` is called with each entry of the log.
    """

    def __init__(
        self,
        service: AirtableService,
        *,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        on_request: Callable[[LogEntry], None] = lambda entry: None,
    ) -> None:
        self.service = service
        self.faults = Faults()
        self.log: list[LogEntry] = []
        self._now = now
        self._sleep = sleep
        self._on_request = on_request
        self._lock = Lock()

    def exchange(self, request: Request, patience: float | None = None) -> tuple[Response | None, Fault | None]:
        """The answer (None: the connection drops) and the fault that applied.

        `patience` is the client's time-out in seconds. A delay that is not shorter is not waited for.
        """
        with self._lock:
            fault = self.faults.take(request)
        if fault and not fault.after_commit:
            self._wait(fault, patience)
        with self._lock:
            done = self.service.handle(request) if fault is None or fault.commits else None
            answer = done if fault is None else self._spoilt(done, fault)
            entry = LogEntry(
                self._now(), request, answer.status if answer else None, fault, done.changed if done else ()
            )
            self.log.append(entry)
            self._on_request(entry)
        if fault and fault.after_commit:
            self._wait(fault, patience)
        return answer, fault

    def _wait(self, fault: Fault, patience: float | None) -> None:
        if fault.kind is FaultKind.DELAY and (patience is None or fault.seconds < patience):
            self._sleep(fault.seconds)

    def _spoilt(self, done: Response | None, fault: Fault) -> Response | None:
        match fault.kind:
            case FaultKind.DROP:
                return None
            case FaultKind.STATUS:
                wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                kind = fault.error or ERRORS.get(fault.status, "SERVER_ERROR")
                error = {"error": {"type": kind, "message": f"Fault on demand: {fault.status}"}}
                return Response.of(fault.status, error, self._now(), headers=wait)
            case FaultKind.HTML:
                return Response(
                    200, {"Content-Type": "text/html"}, b"<html><body>Sign in to this network</body></html>"
                )
        return done
