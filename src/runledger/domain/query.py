"""Which records to find, the order in which they come, and their summary."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from .key import InvalidValue, RunKey, checked_client_id, checked_run_id
from .record import RunRecord
from .representation import fields_shown
from .values import MetricValue, ReadOnlyDict, RunStatus, checked_count, checked_status, checked_time
from .visible import shown


def _counts(counts: Mapping[RunStatus, int]) -> ReadOnlyDict[RunStatus, int]:
    return ReadOnlyDict(counts)


def _sums(sums: Mapping[str, int | float]) -> ReadOnlyDict[str, int | float]:
    return ReadOnlyDict(sums)


# Each takes None itself: the `optional` of attrs inspects its converter, and compiles types, when a class is made.


def _run_id(value: str | None) -> str | None:
    return None if value is None else checked_run_id(value)


def _client_id(value: str | None) -> str | None:
    return None if value is None else checked_client_id(value)


def _since(at: datetime | None) -> datetime | None:
    return None if at is None else checked_time(at, "since")


def _until(at: datetime | None) -> datetime | None:
    return None if at is None else checked_time(at, "until")


def _updated_before(at: datetime | None) -> datetime | None:
    return None if at is None else checked_time(at, "updated_before")


def _limit(value: int | None) -> int | None:
    return None if value is None else checked_count(value, "limit")


def _statuses(value: RunStatus | str | Iterable[RunStatus | str] | None) -> tuple[RunStatus, ...] | None:
    if value is None:
        return None
    several: Any = [value] if isinstance(value, str) or not issubclass(type(value), Iterable) else value
    given = {checked_status(each) for each in several}
    if not given:
        raise InvalidValue("status is empty: name at least one status, or leave it out for any.")
    return tuple(status for status in RunStatus if status in given)


def _place(value: RunRecord | tuple[datetime, RunKey] | None) -> tuple[datetime, RunKey] | None:
    if value is None:
        return None
    if isinstance(value, RunRecord):
        return newest_first(value)
    if not isinstance(value, tuple) or len(value) != 2 or not isinstance(value[1], RunKey):
        raise InvalidValue(f"after is {shown(value)}: give a RunRecord, or its start time and its RunKey.")
    return checked_time(value[0], "after"), value[1]


@frozen(kw_only=True)
class RunQuery:
    """Which records to find. Every filter that is given must hold.

    `status` is a RunStatus or its label, or several of them: a record has one of these. Kept in the order of RunStatus.
    `since` ≤ started_at < `until`; updated_at < `updated_before`.
    `after` continues a listing: only records that come after this one in the order of `find`. It is given as a
    RunRecord, or as its start time and its RunKey, and need not be in the store. Kept as `newest_first` returns it.
    At most `limit` records. Raises InvalidValue.
    """

    __repr__ = fields_shown

    run_id: str | None = field(default=None, converter=_run_id)
    client_id: str | None = field(default=None, converter=_client_id)
    status: tuple[RunStatus, ...] | None = field(default=None, converter=_statuses)
    since: datetime | None = field(default=None, converter=_since)
    until: datetime | None = field(default=None, converter=_until)
    updated_before: datetime | None = field(default=None, converter=_updated_before)
    after: tuple[datetime, RunKey] | None = field(default=None, converter=_place)
    limit: int | None = field(default=None, converter=_limit)

    def matches(self, record: RunRecord) -> bool:
        """Whether every filter holds for a record. The limit does not count."""
        return (
            self.run_id in (None, record.key.run_id)
            and self.client_id in (None, record.key.client_id)
            and (self.status is None or record.status in self.status)
            and (self.since is None or self.since <= record.started_at)
            and (self.until is None or record.started_at < self.until)
            and (self.updated_before is None or record.updated_at < self.updated_before)
            and (self.after is None or newest_first(record) < self.after)
        )


def newest_first(record: RunRecord) -> tuple[datetime, RunKey]:
    """The sort key of `find`, to be sorted in reverse: by start, then run id, then client id, by code point."""
    return record.started_at, record.key


def latest_of(records: Iterable[RunRecord]) -> list[RunRecord]:
    """The newest record of each client, in the order of client ids. The records come newest first, as from `find`."""
    newest: dict[str, RunRecord] = {}
    for record in records:
        newest.setdefault(record.key.client_id, record)
    return [newest[client_id] for client_id in sorted(newest)]


@frozen(kw_only=True)
class RunSummary:
    """What many records add up to: runs per status, the sum of each numeric metric, the first start and the last end.

    A status that no run has is left out. Metrics are in the order of their names. Sums of integers are exact. Floats
    are added one by one, in an order that each store chooses. So the sums of two stores may differ below the last digit
    of the largest number added. Where sums pass ±1.8e308 on the way, one may be inf or -inf and the other finite.
    """

    __repr__ = fields_shown

    runs: int
    statuses: Mapping[RunStatus, int] = field(converter=_counts, hash=False)
    metrics: Mapping[str, int | float] = field(converter=_sums, hash=False)
    first_start: datetime | None
    last_end: datetime | None


RunsAsOne = tuple[Iterable[RunStatus], Iterable[Mapping[str, MetricValue]], datetime, datetime | None]
"""Some runs, as far as a summary needs them: the status and the metrics of each, their first start and last end."""


def summary_of(records: Iterable[RunRecord]) -> RunSummary:
    """The summary of records; of none, a summary of zero runs."""
    return added_up(([record.status], [record.metrics], record.started_at, record.ended_at) for record in records)


def added_up(parts: Iterable[RunsAsOne]) -> RunSummary:
    """The summary of groups of runs. The only place where runs are added up."""
    statuses: Counter[RunStatus] = Counter()
    sums: defaultdict[str, int | float] = defaultdict(int)
    first_start = last_end = None
    for its_statuses, its_metrics, its_first_start, its_last_end in parts:
        statuses.update(its_statuses)
        for metrics in its_metrics:
            for name, value in metrics.items():
                if type(value) is int or type(value) is float:  # bool, a subclass of int, is not a number here
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
