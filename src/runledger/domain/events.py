"""What observers are told, and the port they implement."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Protocol

from attrs import frozen

from .record import RunKey, RunStatus


class EventKind(Enum):
    """What happened. Refusals are reported whether or not the caller catches the error.

    The last three are what a store may come upon: more than one record of a key, where only the oldest is the run's; a
    record that another process changed between our look and our write; a record that is no run record.
    """

    STARTED = "run_started"
    UPDATED = "run_updated"
    FINISHED = "run_finished"
    MISSING = "run_missing"
    REFUSED = "run_refused"
    START_RETRIED = "start_retried"
    START_FAILED = "start_failed"
    DUPLICATED = "run_duplicated"
    CONTENDED = "run_contended"
    UNREADABLE = "record_unreadable"


@frozen(slots=False, kw_only=True)
class RunEvent:
    """One thing that happened to one run.

    `call_site` ("file:line in function", of the application's code) and `error` come with failures, `attempt` (from 1)
    with the retries of a start, `detail` with what a store came upon. `key` is None where no valid key is known.
    """

    kind: EventKind
    key: RunKey | None
    at: datetime
    status: RunStatus | None = None
    error: Exception | None = None
    call_site: str | None = None
    attempt: int | None = None
    detail: str | None = None


class RunObserver(Protocol):
    """Hears of every event, in the thread in which it happened. What it raises is logged and goes no further."""

    def __call__(self, event: RunEvent, /) -> None: ...
