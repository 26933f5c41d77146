"""The run record, and the rules by which it starts and changes. Pure: no input, no output, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen
from attrs.converters import optional

from .errors import RunAlreadyFinished, RunNotFound
from .json_form import (
    MALFORMED,
    metrics_from_json,
    metrics_to_json,
    problem_text,
    time_of_iso,
    time_of_text,
    time_text,
    trusted_metrics,
)
from .key import InvalidValue, RunKey, checked_client_id, checked_name, checked_run_id, unchecked_key
from .representation import fields_shown
from .unchecked import unchecked
from .values import (
    MAX_INTEGER,
    NO_METRICS,
    LogLine,
    Metrics,
    MetricValue,
    RunStatus,
    checked_additions,
    checked_count,
    checked_error,
    checked_metrics,
    checked_note,
    checked_number,
    checked_status,
    checked_time,
)
from .visible import shown

_TIME_OF_START = "time of the start"
_TIME_OF_CHANGE = "time of the change"


@frozen(kw_only=True)
class RunChange:
    """What one update asks for. With nothing in it, it is a heartbeat, which moves `updated_at` alone.

    `metrics` are set and `add` is added, by name; a name may be in one of the two. `note` becomes a line of the log.
    `status` finishes the run, so it must be final. `error` says what went wrong. No status requires an error here,
    because copies bring over runs that failed without one; the ledger's `fail` does. Raises InvalidValue.
    """

    __repr__ = fields_shown

    metrics: Mapping[str, MetricValue] = field(default=NO_METRICS, converter=checked_metrics, hash=False)
    add: Mapping[str, int | float] = field(default=NO_METRICS, converter=checked_additions, hash=False)
    note: str | None = field(default=None, converter=optional(checked_note))
    status: RunStatus | None = field(default=None, converter=optional(checked_status))
    error: str | None = field(default=None, converter=optional(checked_error))

    def __attrs_post_init__(self) -> None:
        if self.status is not None and not self.status.is_final:
            raise InvalidValue("status Running cannot be set: a change can only finish a run.")
        if self.add and (both := self.metrics.keys() & self.add.keys()):
            raise InvalidValue(f"metric {shown(min(both))} is both set and added to: ask for one of the two.")

    @property
    def only_sets(self) -> bool:
        """Whether the change does nothing but set metrics: what is written does not depend on the record."""
        return not self.add and self.note is None and self.status is None and self.error is None

    @property
    def is_heartbeat(self) -> bool:
        """Whether the change asks for nothing: only the time of the update moves."""
        return self.only_sets and not self.metrics

    def line(self, at: datetime) -> LogLine | None:
        """The line that the change, made at `at`, appends to the run's log; None without a note."""
        return None if self.note is None else LogLine.trusted(checked_time(at, _TIME_OF_CHANGE), self.note)


def _is_key(_instance: object, _attribute: object, value: RunKey) -> None:
    if not isinstance(value, RunKey):
        raise InvalidValue(f"key is {type(value).__name__}, not a RunKey.")


def _checked_client_name(name: str) -> str:
    return checked_name(name, "client name")


def _checked_start(at: datetime) -> datetime:
    return checked_time(at, "started_at")


def _checked_end(at: datetime | None) -> datetime | None:
    return None if at is None else checked_time(at, "ended_at")


def _checked_update(at: datetime) -> datetime:
    return checked_time(at, "updated_at")


def _notes(count: int) -> int:
    return checked_count(count, "notes")


@frozen(kw_only=True, weakref_slot=False)
class RunRecord:
    """The stored state of one run, without its log.

    `metrics` maps names to str, int, finite float, bool or aware datetime. `notes` is the number of lines of the run's
    log. `ended_at` is None while the run is Running, and never before `started_at`. `error` is None unless something
    went wrong. Times are in UTC, to the millisecond.
    The constructor checks everything and raises InvalidValue. Adapters use `trusted` for what they read back.
    """

    __repr__ = fields_shown

    key: RunKey = field(validator=_is_key)
    client_name: str = field(converter=_checked_client_name)
    status: RunStatus = field(converter=checked_status)
    started_at: datetime = field(converter=_checked_start)
    ended_at: datetime | None = field(default=None, converter=_checked_end)
    metrics: Mapping[str, MetricValue] = field(default=NO_METRICS, converter=checked_metrics, hash=False)
    notes: int = field(default=0, converter=_notes)
    error: str | None = field(default=None, converter=optional(checked_error))
    updated_at: datetime = field(converter=_checked_update)

    def __attrs_post_init__(self) -> None:
        if self.status.is_final != (self.ended_at is not None):
            has, remedy = (
                ("has no end time", "give its ended_at")
                if self.status.is_final
                else ("has an end time", "leave ended_at empty, or give a final status")
            )
            raise InvalidValue(f"{self.key} is {self.status.value}, but {has}: {remedy}.", self.key)
        if self.ended_at is not None and self.ended_at < self.started_at:
            raise InvalidValue(
                f"{self.key} ends at {time_text(self.ended_at)}, before its start at {time_text(self.started_at)}: "
                "correct one of the two times.",
                self.key,
            )

    @classmethod
    def start(
        cls,
        key: RunKey,
        at: datetime,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
    ) -> RunRecord:
        """The record of a run that starts at `at`. Without a client name, the client id is the name."""
        _is_key(None, None, key)
        return _started(key, client_name, checked_time(at, _TIME_OF_START), checked_metrics(metrics))

    @classmethod
    def start_many(
        cls, run_id: str, client_ids: Iterable[str], at: datetime, *, names: Mapping[str, str]
    ) -> list[RunRecord]:
        """The records of one run for many clients, as `start` returns each. `names` are client names by client id.

        What they share is checked once, which takes half the time.
        """
        run_id = checked_run_id(run_id)
        at = checked_time(at, _TIME_OF_START)
        # A name is looked up by the id as it was given: a subclass of str may not equal its plain text.
        return [
            _started(unchecked_key(run_id, checked_client_id(each), None), names.get(each), at, NO_METRICS)
            for each in client_ids
        ]

    @classmethod
    def trusted(
        cls,
        run_id: str,
        client_id: str,
        client_name: str,
        status: RunStatus,
        started_at: datetime,
        ended_at: datetime | None,
        metrics: Metrics,
        notes: int,
        error: str | None,
        updated_at: datetime,
        reference: str | None = None,
    ) -> RunRecord:
        """A record that a store returned, without the checks: it was checked before it was stored. For adapters."""
        key = unchecked_key(run_id, client_id, reference)
        return unchecked_record(key, client_name, status, started_at, ended_at, metrics, notes, error, updated_at)

    @classmethod
    def from_json(cls, form: Mapping[str, Any], *, trusted: bool = False) -> RunRecord:
        """The record of which `to_json` returned this form; other names in it are ignored. Raises InvalidValue.

        Everything is checked, unless the form is `trusted`: one that a store returned.
        """
        time_of = time_of_text if trusted else time_of_iso
        try:
            status = RunStatus(form["status"])
            started_at, updated_at = time_of(form["started_at"]), time_of(form["updated_at"])
            ended_at = None if form["ended_at"] is None else time_of(form["ended_at"])
            ids, name, error = (form["run_id"], form["client_id"]), form["client_name"], form["error"]
            if trusted:
                metrics, notes = trusted_metrics(dict(form["metrics"])), _notes(form["notes"])
                return cls.trusted(*ids, name, status, started_at, ended_at, metrics, notes, error, updated_at)
            return cls(
                key=RunKey(*ids),
                client_name=name,
                status=status,
                started_at=started_at,
                ended_at=ended_at,
                metrics=metrics_from_json(form["metrics"]),
                notes=form["notes"],
                error=error,
                updated_at=updated_at,
            )
        except InvalidValue:
            raise
        except MALFORMED as problem:
            raise InvalidValue(f"this is not the JSON form of a run record ({problem_text(problem)}).") from None

    def to_json(self) -> dict[str, Any]:
        """The record as an object that `json.dumps` takes. See `runledger.domain.json_form` for times among metrics."""
        return {
            "run_id": self.key.run_id,
            "client_id": self.key.client_id,
            "client_name": self.client_name,
            "status": self.status.value,
            "started_at": time_text(self.started_at),
            "ended_at": None if self.ended_at is None else time_text(self.ended_at),
            "updated_at": time_text(self.updated_at),
            "error": self.error,
            "metrics": metrics_to_json(self.metrics),
            "notes": self.notes,
        }

    @property
    def duration(self) -> timedelta | None:
        """From start to end; None while the run is Running."""
        return None if self.ended_at is None else self.ended_at - self.started_at

    def is_start_of(self, stored: RunRecord) -> bool:
        """Whether `stored` was created by this start: same key, start time and client name. Updates may follow."""
        # A store without a column for names returns the client id.
        named = stored.client_name in (self.client_name, stored.key.client_id)
        return named and (self.key, self.started_at) == (stored.key, stored.started_at)

    def apply(self, change: RunChange, at: datetime) -> RunRecord:
        """The record after `change`, made at `at`. These are the rules of updating.

        PostgreSQL's update repeats them in SQL for speed; the random histories compare the two.

        A note is counted here; its line is `change.line(at)`.

        A run finishes once, and then keeps its status, end time and error. Metrics and notes may still follow. It never
        ends before its start: if `at` is earlier, because a clock is behind, it ends at its start.
        Adding to a metric that is not there starts from 0. Adding to text, a bool or a time is rejected.
        `updated_at` never moves back, although clocks may.

        Raises RunAlreadyFinished and InvalidValue. This record is unchanged.
        """
        at = checked_time(at, _TIME_OF_CHANGE)
        status, ended_at, metrics, error = self.status, self.ended_at, self.metrics, self.error
        if change.status is not None or change.error is not None:
            if self.status.is_final:
                raise RunAlreadyFinished(self.key, self.status)
            if change.status is not None:
                status, ended_at = change.status, max(at, self.started_at)
            if change.error is not None:
                error = change.error
        if change.metrics or change.add:
            values = {**self.metrics, **change.metrics}
            for name, number in change.add.items():
                values[name] = self._sum(name, number)
            metrics = Metrics(values)
        notes = self.notes if change.note is None else self.notes + 1
        updated_at = max(self.updated_at, at)
        return unchecked_record(
            self.key, self.client_name, status, self.started_at, ended_at, metrics, notes, error, updated_at
        )

    def _sum(self, name: str, number: int | float) -> int | float:
        old = self.metrics.get(name, 0)
        if isinstance(old, bool) or not isinstance(old, (int, float)):
            raise InvalidValue(
                f"cannot add to metric {shown(name)} of {self.key}: it is {type(old).__name__}, not a number; "
                "set it to one.",
                self.key,
            )
        new = old + number
        if -MAX_INTEGER <= new <= MAX_INTEGER:
            return new
        try:
            return checked_number(new, f"sum of metric {shown(name)} of {self.key}")
        except InvalidValue as error:
            raise InvalidValue(str(error), self.key) from None


unchecked_record = unchecked(RunRecord)


def _started(key: RunKey, client_name: str | None, at: datetime, metrics: Metrics) -> RunRecord:
    try:
        name = key.client_id if client_name is None else _checked_client_name(client_name)
    except InvalidValue as error:
        error.naming(key)
        raise
    return unchecked_record(key, name, RunStatus.RUNNING, at, None, metrics, 0, None, at)


def changed_records(
    records: Mapping[RunKey, RunRecord], changes: Iterable[tuple[RunKey, RunChange]], at: datetime
) -> dict[RunKey, RunRecord]:
    """The records that `changes`, applied in their order, alter, as they are afterwards, by key.

    Raises RunNotFound for a key that is not in `records`, and what `RunRecord.apply` raises.
    """
    new: dict[RunKey, RunRecord] = {}
    for key, change in changes:
        record = new.get(key) or records.get(key)
        if record is None:
            raise RunNotFound(key)
        new[key] = record.apply(change, at)
    return new
