"""What observers are told, and the port they implement."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Protocol

from attrs import frozen

from .record import RunKey, RunStatus


class EventKind(Enum):
    """What happened. Refusals are reported whether or not the caller catches the error."""

    STARTED = "run_started"
    UPDATED = "run_updated"
    FINISHED = "run_finished"
    MISSING = "run_missing"
    REFUSED = "run_refused"
    START_RETRIED = "start_retried"
    START_FAILED = "start_failed"


@frozen(kw_only=True)
class RunEvent:
    """One thing that happened to one run.

    `call_site` ("file:line in function", of the application's code) and `error` come with failures, `attempt` (from 1)
    with the retries of a start. `key` is None where a refused id left none.
    """

    kind: EventKind
    key: RunKey | None
    at: datetime
    status: RunStatus | None = None
    error: Exception | None = None
    call_site: str | None = None
    attempt: int | None = None


class RunObserver(Protocol):
    """Hears of every event, in the thread in which it happened. What it raises is logged and goes no further."""

    def __call__(self, event: RunEvent, /) -> None: ...
