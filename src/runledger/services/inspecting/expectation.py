"""What is expected of a client's runs, and how they deviate from it. Pure: the time is given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum

from attrs import Attribute, field, frozen

from ...domain import EventKind, InvalidValue, RunEvent, RunRecord, RunStatus
from ...domain.json_form import time_text
from ...domain.visible import quoted, visible
from .duration import age_text, duration_text
from .future import future_times, is_in_future
from .window import Window

_LONGEST_REASON = 100


def _more_than_nothing(_instance: object, attribute: Attribute[timedelta | None], value: timedelta | None) -> None:
    name = attribute.name.replace("_", "-")
    if value is not None and not isinstance(value, timedelta):
        raise InvalidValue(f"{name} is {type(value).__name__}: give a timedelta.")
    if value is not None and value <= timedelta():
        raise InvalidValue(f"{name} is not more than 0: give a duration, like 26h.")


@frozen(kw_only=True)
class Expectation:
    """What is expected of one client. What is None is not expected.

    `max_age`: the newest run started no longer ago. With a `window`, only the time within it counts.
    `max_duration`: the newest run has been Running for no longer.
    `may_fail`: it is no deviation if the newest run failed or completed with errors.
    Raises InvalidValue.
    """

    max_age: timedelta | None = field(default=None, validator=_more_than_nothing)
    max_duration: timedelta | None = field(default=None, validator=_more_than_nothing)
    may_fail: bool = False
    window: Window | None = None

    def __attrs_post_init__(self) -> None:
        if self.window is not None and not isinstance(self.window, Window):
            raise InvalidValue(f"window is {type(self.window).__name__}: give a Window.")
        if self.window is not None and self.max_age is None:
            raise InvalidValue("days and hours say when max-age counts: give max-age too.")


class DeviationKind(Enum):
    """How a client deviates. Its value is a word for programs."""

    NEVER_RAN = "never_ran"
    OVERDUE = "overdue"
    FAILED = "failed"
    QUIET = "quiet"
    IN_FUTURE = "in_future"
    WITH_ERRORS = "with_errors"
    SLOW = "slow"

    @property
    def is_critical(self) -> bool:
        """Whether the job is not done, its run seems dead, or its times cannot be right; else it is worth a warning."""
        return self not in (DeviationKind.WITH_ERRORS, DeviationKind.SLOW)


_EVENTS = {
    DeviationKind.NEVER_RAN: EventKind.OVERDUE,
    DeviationKind.OVERDUE: EventKind.OVERDUE,
    DeviationKind.QUIET: EventKind.QUIET,
}


@frozen(kw_only=True)
class Deviation:
    """One way in which a client deviates from what is expected, and a sentence about it, `what`.

    `record` is the run that it is about: for OVERDUE the newest; None if the client never started a run.
    """

    kind: DeviationKind
    client_id: str
    record: RunRecord | None = None
    what: str

    def event(self, at: datetime) -> RunEvent | None:
        """The event that observers are notified of: of quiet runs and overdue clients; other deviations have none."""
        kind = _EVENTS.get(self.kind)
        if kind is None:
            return None
        key = None if self.record is None else self.record.key
        return RunEvent(kind=kind, key=key, at=at, detail=self.what)


def deviations(client_id: str, newest: RunRecord | None, expected: Expectation, at: datetime) -> Iterator[Deviation]:
    """How the client of this newest run deviates at a time `at`; None if it never started a run."""
    client = f"client {quoted(client_id)}"
    if newest is None:
        wanted = "" if expected.max_age is None else f": expected every {duration_text(expected.max_age)}"
        yield Deviation(kind=DeviationKind.NEVER_RAN, client_id=client_id, what=f"{client} never ran{wanted}")
        return
    if expected.max_age is not None and _is_older(newest.started_at, expected.max_age, expected.window, at):
        age, every = age_text(at - newest.started_at), _every(expected.max_age, expected.window)
        yield _of(newest, DeviationKind.OVERDUE, f"{client} is overdue: last start {age} ago, {every}")
    if newest.status is RunStatus.FAILED and not expected.may_fail:
        yield _of(newest, DeviationKind.FAILED, f"{newest.key} failed{_ended(newest, at)}")
    if newest.status is RunStatus.COMPLETED_WITH_ERRORS and not expected.may_fail:
        yield _of(newest, DeviationKind.WITH_ERRORS, f"{newest.key} completed with errors{_ended(newest, at)}")
    running = at - newest.started_at
    if newest.status is RunStatus.RUNNING and expected.max_duration is not None and running > expected.max_duration:
        most = duration_text(expected.max_duration)
        yield _of(
            newest,
            DeviationKind.SLOW,
            f"{newest.key} has been running for {age_text(running)}, expected at most {most}",
        )


def overdue_with_starts_ahead(
    ahead: RunRecord, expected: Expectation, at: datetime, since: datetime | None
) -> Iterator[Deviation]:
    """That a client is overdue whose starts are all in the future; `ahead` is the newest run.

    With `since`, starts before that are unknown: the client is overdue only if a start then would be too old.
    """
    if expected.max_age is None:
        return
    if since is None or _is_older(since, expected.max_age, expected.window, at):
        after = "" if since is None else f" since {time_text(since)}"
        client, every = quoted(ahead.key.client_id), _every(expected.max_age, expected.window)
        what = f"client {client} is overdue: no start{after} that is not in the future, {every}"
        yield _of(ahead, DeviationKind.OVERDUE, what)


def quiet(run: RunRecord, at: datetime) -> Deviation:
    """That a run, which is Running, has had no sign of life for too long."""
    return _of(run, DeviationKind.QUIET, f"{run.key} is quiet: no sign of life for {age_text(at - run.updated_at)}")


def in_future(run: RunRecord, at: datetime) -> Deviation | None:
    """That times of a run are in the future, by more than clocks differ; None if none is."""
    times = future_times(at, started_at=run.started_at, ended_at=run.ended_at, updated_at=run.updated_at)
    return _of(run, DeviationKind.IN_FUTURE, f"{run.key} has times in the future: {times}") if times else None


def _is_older(start: datetime, age: timedelta, window: Window | None, at: datetime) -> bool:
    return at - start > age if window is None else window.holds_more_than(age, start, at)


def _every(age: timedelta, window: Window | None) -> str:
    return f"expected every {duration_text(age)}{'' if window is None else ' of its days and hours'}"


def _of(record: RunRecord, kind: DeviationKind, what: str) -> Deviation:
    return Deviation(kind=kind, client_id=record.key.client_id, record=record, what=what)


def _ended(record: RunRecord, at: datetime) -> str:
    """How long ago the run ended, unless that is in the future, and the first line of its error."""
    end = record.ended_at or record.started_at
    ago = "" if is_in_future(end, at) else f" {age_text(at - end)} ago"
    reason = visible((record.error or "").partition("\n")[0])
    if len(reason) > _LONGEST_REASON:
        reason = reason[: _LONGEST_REASON - 1] + "…"
    return f"{ago}: {reason}" if reason else ago
