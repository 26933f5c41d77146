"""What observers are notified of, and the protocol that an observer implements."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from attrs import frozen

from .key import RunKey
from .representation import fields_shown
from .values import RunStatus


class EventKind(Enum):
    """What happened. An error is reported whether or not the caller catches it.

    CLOCK_BEHIND: a run was finished by a clock that is behind its start, so its end is its start.
    The store itself reports three. DUPLICATED: a key has several records; the oldest is authoritative.
    CONTENDED: another process changed the record between our read and our write. UNREADABLE: a row is not a valid
    run record.
    `runledger check` reports two. QUIET: a run is Running, but nothing has updated it for longer than expected.
    OVERDUE: a client has started no run for longer than expected.
    """

    STARTED = "run_started"
    UPDATED = "run_updated"
    FINISHED = "run_finished"
    MISSING = "run_missing"
    REFUSED = "run_refused"
    START_RETRIED = "start_retried"
    START_FAILED = "start_failed"
    CLOCK_BEHIND = "clock_behind"
    DUPLICATED = "run_duplicated"
    CONTENDED = "run_contended"
    UNREADABLE = "record_unreadable"
    QUIET = "run_quiet"
    OVERDUE = "run_overdue"


@frozen(kw_only=True)
class RunEvent:
    """One thing that happened to one run.

    `key` is None if no valid key is known. Failures carry `error`, the exception, and `call_site` ("file:line in
    function", in the application's code), and those of a read are `reading`. A retried start carries `attempt`, counted
    from 1. FINISHED carries `error`, the text of what went wrong, if the run failed or completed with errors, and
    `duration` (None for a run that `update_many` finished, whose start is not read). CLOCK_BEHIND and what a store
    reports carry `detail`; UNREADABLE also `error`. QUIET and OVERDUE carry `detail`; the key of OVERDUE is that of the
    client's newest run, None if the client never started one.
    """

    __repr__ = fields_shown

    kind: EventKind
    key: RunKey | None
    at: datetime
    status: RunStatus | None = None
    error: Exception | str | None = None
    duration: timedelta | None = None
    call_site: str | None = None
    reading: bool = False
    attempt: int | None = None
    detail: str | None = None


class RunObserver(Protocol):
    """Is called with every event, in the thread where it happened. An exception that it raises is only logged."""

    @abstractmethod
    def __call__(self, event: RunEvent, /) -> None: ...
