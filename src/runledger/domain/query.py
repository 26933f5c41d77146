"""Which records to find, in which order they come, and what they add up to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from .errors import InvalidValue
from .record import RunKey, RunRecord, RunStatus, checked_status
from .values import MetricValue, ReadOnlyDict, checked_name, checked_time


@frozen(slots=False, kw_only=True)
class RunQuery:
    """Which records to find; every filter that is given must hold.

    `since` ≤ started_at < `until`; updated_at < `updated_before`; at most `limit` records.
    """

    run_id: str | None = None
    client_id: str | None = None
    status: RunStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    updated_before: datetime | None = None
    limit: int | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("run_id", "client_id"):
            if getattr(self, name) is not None:
                checked_name(getattr(self, name), name.replace("_", " "))
        for name in ("since", "until", "updated_before"):
            if getattr(self, name) is not None:
                self.__dict__[name] = checked_time(getattr(self, name), name)
        if self.status is not None:
            checked_status(self.status)
        if self.limit is not None and (type(self.limit) is not int or self.limit < 0):
            raise InvalidValue(f"limit is {self.limit!r}: give a whole number from 0.")

    def matches(self, record: RunRecord) -> bool:
        """Whether the filters, the limit aside, hold for a record."""
        return (
            self.run_id in (None, record.key.run_id)
            and self.client_id in (None, record.key.client_id)
            and self.status in (None, record.status)
            and (self.since is None or self.since <= record.started_at)
            and (self.until is None or record.started_at < self.until)
            and (self.updated_before is None or record.updated_at < self.updated_before)
        )


def newest_first(record: RunRecord) -> tuple[datetime, RunKey]:
    """The order of `find`, when sorted in reverse: by start, then run id, then client id, by code point."""
    return record.started_at, record.key


@frozen(slots=False, kw_only=True)
class RunSummary:
    """Many records added up: how many per status, the sum of each numeric metric, the first start and the last end.

    A status that no run has is not among them. The metrics come in the order of their names. Sums of integers are
    exact. Floats are added one by one in an order that each store chooses: two stores may differ in what is below the
    last digit of the greatest number added, and, where sums pass ±1.8e308 on the way, in whether the sum is inf, -inf
    or finite.
    """

    runs: int
    statuses: Mapping[RunStatus, int] = field(hash=False)
    metrics: Mapping[str, int | float] = field(hash=False)
    first_start: datetime | None
    last_end: datetime | None

    def __attrs_post_init__(self) -> None:
        self.__dict__.update(statuses=ReadOnlyDict(self.statuses), metrics=ReadOnlyDict(self.metrics))


RunsAsOne = tuple[Iterable[RunStatus], Iterable[Mapping[str, MetricValue]], datetime, datetime | None]
"""Some runs, as far as a summary asks: the status and the metrics of each, their first start and their last end."""


def summary_of(records: Iterable[RunRecord]) -> RunSummary:
    """Records added up; a summary of zero runs, if there are none."""
    return added_up(([record.status], [record.metrics], record.started_at, record.ended_at) for record in records)


def added_up(parts: Iterable[RunsAsOne]) -> RunSummary:
    """The one place where runs are added up."""
    statuses: Counter[RunStatus] = Counter()
    sums: defaultdict[str, int | float] = defaultdict(int)
    first_start = last_end = None
    for its_statuses, its_metrics, its_first_start, its_last_end in parts:
        statuses.update(its_statuses)
        for metrics in its_metrics:
            for name, value in metrics.items():
                if type(value) is int or type(value) is float:  # and no bool
                    sums[name] += value
        first_start = min(filter(None, [first_start, its_first_start]))
        last_end = max(filter(None, [last_end, its_last_end]), default=None)
    return RunSummary(
        runs=statuses.total(),
        statuses=statuses,
        metrics=dict(sorted(sums.items())),
        first_start=first_start,
        last_end=last_end,
    )
