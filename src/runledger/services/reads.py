"""Looking at runs: one, many, a summary of many, and those that went quiet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from attrs import frozen

from ..domain import InvalidValue, RunAccess, RunKey, RunLedgerError, RunQuery, RunRecord, RunStatus
from .observing import Reporter


class Filters(TypedDict, total=False):
    """The filters of RunQuery; all that are given must hold."""

    run_id: str | None
    client_id: str | None
    status: RunStatus | None
    since: datetime | None
    until: datetime | None
    updated_before: datetime | None
    limit: int | None


@frozen(slots=False, kw_only=True)
class RunSummary:
    """Many records added up: how many per status, the sum of each numeric metric, the first start and the last end."""

    runs: int
    statuses: Mapping[RunStatus, int]
    metrics: Mapping[str, int | float]
    first_start: datetime | None
    last_end: datetime | None


class LedgerReads:
    """`ledger.reads`: the right to look, and nothing else. Raises StoreUnavailable and StoreUnusable."""

    def __init__(self, access: RunAccess, reporter: Reporter) -> None:
        self._access = access
        self._reporter = reporter

    def get(self, run_id: str, client_id: str) -> RunRecord:
        """The record of exactly this key. Raises RunNotFound if the run was never started."""
        try:
            return self._access.get(RunKey(run_id, client_id))
        except RunLedgerError as error:
            self._reporter.refused(error)
            raise

    def find(self, **filters: Unpack[Filters]) -> Iterator[RunRecord]:
        """The records that match all filters, lazily, newest start first.

        A filter that is refused raises InvalidValue here, not at the first record.
        """
        try:
            query = RunQuery(**filters)
        except InvalidValue as error:
            self._reporter.refused(error)
            raise
        return self._reporting(query)

    def summary(self, run_id: str | None = None, /, **filters: Unpack[Filters]) -> RunSummary:
        """The records of one run id, or of any filters, added up. No records make a summary of zero runs."""
        if run_id is not None:
            filters["run_id"] = run_id
        statuses: Counter[RunStatus] = Counter()
        metrics: dict[str, int | float] = {}
        first_start: datetime | None = None
        last_end: datetime | None = None
        for record in self.find(**filters):
            statuses[record.status] += 1
            for name, value in record.metrics.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    metrics[name] = metrics.get(name, 0) + value
            if first_start is None or record.started_at < first_start:
                first_start = record.started_at
            if record.ended_at is not None and (last_end is None or record.ended_at > last_end):
                last_end = record.ended_at
        return RunSummary(
            runs=statuses.total(),
            statuses=statuses,
            metrics=metrics,
            first_start=first_start,
            last_end=last_end,
        )

    def stale(self, older_than: timedelta, **filters: Unpack[Filters]) -> Iterator[RunRecord]:
        """Runs still Running that nothing has updated for longer than `older_than`. It only tells."""
        try:
            before = self._before(older_than)
        except InvalidValue as error:
            self._reporter.refused(error)
            raise
        narrowed: Any = {**filters, "status": RunStatus.RUNNING, "updated_before": before}
        return self.find(**narrowed)

    def _before(self, age: timedelta) -> datetime:
        if not isinstance(age, timedelta) or age < timedelta(0):
            raise InvalidValue(f"older_than is {age!r}: give a timedelta that is not negative.")
        try:
            return self._reporter.clock() - age
        except OverflowError:
            raise InvalidValue(f"older_than is {age}: that reaches back before the year 1.") from None

    def _reporting(self, query: RunQuery) -> Iterator[RunRecord]:
        try:
            yield from self._access.find(query)
        except RunLedgerError as error:
            self._reporter.refused(error)
            raise
