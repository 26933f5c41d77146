"""The run record, and the rules by which it starts and changes. Pure: no input, no output, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from attrs import field, frozen

from .errors import InvalidValue, RunAlreadyFinished
from .values import (
    MAX_INTEGER,
    NO_METRICS,
    Metrics,
    MetricValue,
    checked_additions,
    checked_error,
    checked_metrics,
    checked_name,
    checked_note,
    checked_number,
    checked_time,
)


class RunStatus(Enum):
    """Running, then one of the final statuses, once."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    COMPLETED_WITH_ERRORS = "Completed with Errors"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"

    is_final: bool

    def __init__(self, label: str) -> None:
        self.is_final = label != "Running"


def checked_status(value: RunStatus) -> RunStatus:
    if not isinstance(value, RunStatus):
        raise InvalidValue(f"status {value!r} is not a RunStatus: use one of {', '.join(s.value for s in RunStatus)}.")
    return value


_new = object.__new__


# slots=False: a frozen class with a __dict__ can settle its own fields while it is made, and be restored from a
# store's row in one step, without checking again what was checked when it was written.
@frozen(slots=False, order=True)
class RunKey:
    """Which run of which client: two opaque strings, compared exactly, never trimmed, re-cased or rebuilt."""

    run_id: str
    client_id: str
    reference: ClassVar[str | None] = None
    """The store's own reference to the record, where it gave one. No part of the key: never compared or shown."""

    def __attrs_post_init__(self) -> None:
        checked_name(self.run_id, "run id")
        checked_name(self.client_id, "client id")

    @classmethod
    def restored(cls, run_id: str, client_id: str) -> RunKey:
        """A key read from a store, which holds only keys that were checked before."""
        key = _new(cls)
        fields = key.__dict__
        fields["run_id"] = run_id
        fields["client_id"] = client_id
        return key

    def referring_to(self, reference: str) -> RunKey:
        """This key with the store's own reference to its record."""
        key = RunKey.restored(self.run_id, self.client_id)
        key.__dict__["reference"] = reference
        return key

    def __str__(self) -> str:
        return f"run {self.run_id!r} of client {self.client_id!r}"


@frozen(slots=False)
class LogLine:
    """One note of a run's log, with its time."""

    at: datetime
    text: str

    def __attrs_post_init__(self) -> None:
        self.__dict__.update(at=checked_time(self.at, "time of a log line"), text=checked_note(self.text))

    @classmethod
    def restored(cls, at: datetime, text: str) -> LogLine:
        """A line read from a store, not checked again."""
        line = _new(cls)
        fields = line.__dict__
        fields["at"] = at
        fields["text"] = text
        return line


@frozen(slots=False, kw_only=True)
class RunChange:
    """What one update asks for; with nothing in it, a heartbeat, which moves `updated_at` alone.

    `metrics` are set and `add` is added to numbers, `note` becomes a line of the log, `status` finishes the run and
    must be final, `error` says what went wrong. A name may be set or added to, not both.
    """

    metrics: Mapping[str, MetricValue] = field(default=NO_METRICS, hash=False)
    add: Mapping[str, int | float] = field(default=NO_METRICS, hash=False)
    note: str | None = None
    status: RunStatus | None = None
    error: str | None = None

    def __attrs_post_init__(self) -> None:
        self.__dict__.update(metrics=checked_metrics(self.metrics), add=checked_additions(self.add))
        if self.note is not None:
            checked_note(self.note)
        if self.error is not None:
            checked_error(self.error)
        if self.status is not None and not checked_status(self.status).is_final:
            raise InvalidValue("status Running cannot be set: a change can only finish a run.")
        if self.add and (both := self.metrics.keys() & self.add.keys()):
            raise InvalidValue(f"metric {min(both)!r} is both set and added to: ask for one of the two.")


@frozen(slots=False, kw_only=True)
class RunRecord:
    """The stored state of one run.

    `metrics` maps names to str, int, finite float, bool or aware datetime; `log` is oldest first; `ended_at` is None
    while the run is Running; `error` is None unless something went wrong. Times are UTC, to the millisecond.
    The constructor checks everything (InvalidValue); `restored` is for adapters, which read back what was checked.
    """

    key: RunKey
    client_name: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None = None
    metrics: Mapping[str, MetricValue] = field(default=NO_METRICS, hash=False)
    log: tuple[LogLine, ...] = ()
    error: str | None = None
    updated_at: datetime

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.key, RunKey):
            raise InvalidValue(f"key is {type(self.key).__name__}, not a RunKey.")
        checked_name(self.client_name, "client name")
        self.__dict__.update(
            started_at=checked_time(self.started_at, "started_at"),
            ended_at=None if self.ended_at is None else checked_time(self.ended_at, "ended_at"),
            metrics=checked_metrics(self.metrics),
            log=tuple(self.log),
            updated_at=checked_time(self.updated_at, "updated_at"),
        )
        if self.error is not None:
            checked_error(self.error)
        if not all(isinstance(line, LogLine) for line in self.log):
            raise InvalidValue(f"the log of {self.key} holds something that is not a LogLine.")
        if checked_status(self.status).is_final != (self.ended_at is not None):
            raise InvalidValue(f"{self.key} is {self.status.value}: it has an end time if and only if it has finished.")

    @classmethod
    def start(
        cls,
        key: RunKey,
        at: datetime,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
    ) -> RunRecord:
        """The record of a run that starts now. Without a client name the client id stands in."""
        name = key.client_id if client_name is None else client_name
        at = checked_time(at, "time of the start")
        return cls(key=key, client_name=name, status=RunStatus.RUNNING, started_at=at, metrics=metrics, updated_at=at)

    @classmethod
    def restored(
        cls,
        run_id: str,
        client_id: str,
        client_name: str,
        status: RunStatus,
        started_at: datetime,
        ended_at: datetime | None,
        metrics: Metrics,
        log: tuple[LogLine, ...],
        error: str | None,
        updated_at: datetime,
    ) -> RunRecord:
        """A record as a store gave it back, not checked again. For adapters, which read only what was checked."""
        key = _new(RunKey)
        ids = key.__dict__
        ids["run_id"] = run_id
        ids["client_id"] = client_id
        record = _new(cls)
        fields = record.__dict__  # filled in the order of the class: faster, and smaller, than a dict of its own
        fields["key"] = key
        fields["client_name"] = client_name
        fields["status"] = status
        fields["started_at"] = started_at
        fields["ended_at"] = ended_at
        fields["metrics"] = metrics
        fields["log"] = log
        fields["error"] = error
        fields["updated_at"] = updated_at
        return record

    @property
    def duration(self) -> timedelta | None:
        """From start to end; None while the run is Running."""
        return None if self.ended_at is None else self.ended_at - self.started_at

    def is_start_of(self, stored: RunRecord) -> bool:
        """Whether a stored record was made by the start of this one, as far as records can tell; updates may follow."""
        # A store that keeps no names gives the client id for one.
        named = stored.client_name in (self.client_name, stored.key.client_id)
        return named and (self.key, self.started_at) == (stored.key, stored.started_at)

    def apply(self, change: RunChange, at: datetime) -> RunRecord:
        """The record after `change`, made at `at`. The one place where the rules of updating are written.

        A run finishes once, and then keeps its status, end time and error; metrics and notes may still come.
        Adding to a metric that is not there starts from 0; adding to text, a bool or a time is refused.
        `updated_at` never moves back, though clocks may.

        Raises RunAlreadyFinished and InvalidValue; this record is as it was.
        """
        at = checked_time(at, "time of the change")
        new = self.__dict__.copy()
        if at > self.updated_at:
            new["updated_at"] = at
        if change.status is not None or change.error is not None:
            if self.status.is_final:
                raise RunAlreadyFinished(self.key, self.status)
            if change.status is not None:
                new["status"] = change.status
                new["ended_at"] = at
            if change.error is not None:
                new["error"] = change.error
        if change.metrics or change.add:
            metrics = {**self.metrics, **change.metrics}
            for name, number in change.add.items():
                metrics[name] = self._sum(name, number)
            new["metrics"] = Metrics(metrics)
        if change.note is not None:
            new["log"] = (*self.log, LogLine(at, change.note))
        after = _new(RunRecord)
        object.__setattr__(after, "__dict__", new)
        return after

    def _sum(self, name: str, number: int | float) -> int | float:
        old = self.metrics.get(name, 0)
        if isinstance(old, bool) or not isinstance(old, (int, float)):
            raise InvalidValue(
                f"cannot add to metric {name!r} of {self.key}: it is {type(old).__name__}, not a number.", self.key
            )
        new = old + number
        if -MAX_INTEGER <= new <= MAX_INTEGER:
            return new
        try:
            return checked_number(new, f"sum of metric {name!r} of {self.key}")
        except InvalidValue as error:
            raise InvalidValue(str(error), self.key) from None


def repeated_keys(records: Iterable[RunRecord]) -> list[RunKey]:
    """The keys that stand more than once: what makes a bulk start impossible whatever the store holds."""
    counts = Counter(record.key for record in records)
    return [key for key, count in counts.items() if count > 1]
