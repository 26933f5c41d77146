"""Looking at runs: one, many, a summary of many, and those that went quiet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from ..domain import (
    InvalidValue,
    RunAccess,
    RunKey,
    RunLedgerError,
    RunQuery,
    RunRecord,
    RunStatus,
    RunSummary,
    SummableStore,
    summary_of,
)
from .observing import Reporter


class StaleFilters(TypedDict, total=False):
    """The filters of RunQuery that `stale` leaves open."""

    run_id: str | None
    client_id: str | None
    since: datetime | None
    until: datetime | None
    limit: int | None


class Filters(StaleFilters, total=False):
    """The filters of RunQuery; all that are given must hold."""

    status: RunStatus | None
    updated_before: datetime | None


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
        try:
            if run_id is not None and filters.setdefault("run_id", run_id) != run_id:
                raise InvalidValue(f"run id is {run_id!r} and {filters['run_id']!r}: give one.")
            query = RunQuery(**filters)
            if isinstance(self._access, SummableStore):
                return self._access.summary(query)
            return summary_of(self._access.find(query))
        except RunLedgerError as error:
            self._reporter.refused(error)
            raise

    def stale(self, older_than: timedelta, **filters: Unpack[StaleFilters]) -> Iterator[RunRecord]:
        """Runs still Running that nothing has updated for longer than `older_than`. It only tells."""
        try:
            before = self._before(older_than)
        except InvalidValue as error:
            self._reporter.refused(error)
            raise
        return self.find(status=RunStatus.RUNNING, updated_before=before, **filters)

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
