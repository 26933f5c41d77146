"""Faults on demand: what can go wrong between a client and a service that works."""

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
"""The error types of some statuses; others say SERVER_ERROR."""


@frozen
class Fault:
    """What befalls the nth request that matches `method` and the regular expression `path`, counted from its arming.

    And the next ones that match, until it has struck so many `times`.
    `after_commit` says whether the service has done what the request asked for. `status`, `error` (its type, by default
    the usual one) and `retry_after` (seconds) belong to STATUS, `seconds` to DELAY.
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
    """Faults that wait for their request. Each strikes once, or as many `times` in a row."""

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, int]] = []

    def arm(self, fault: Fault, *more: Fault) -> None:
        self._armed += [(each, 0) for each in (fault, *more)]

    def take(self, request: Request) -> Fault | None:
        """The fault that strikes this request, if any. One that is due while another strikes waits for the next."""
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
    """One request as the service saw it. `status` is None if the client got no answer."""

    time: datetime
    request: Request
    status: int | None
    fault: Fault | None
    changed: tuple[Change, ...]


class Connection:
    """A service as its clients meet it: one request at a time, with a log, and with faults on demand."""

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
        """The answer, None if the connection drops, and the fault that struck.

        A delay is waited for, unless the client has less `patience`, in seconds: then it has given up long before.
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
