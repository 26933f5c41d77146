"""Reading runs: one, many, a summary of many, and the stale ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

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


class LedgerReads:
    """`ledger.reads`: the right to read runs, and nothing else.

    Filters that several methods share; every filter that is given must hold:
    `run_id` and `client_id` are compared exactly. `status` is a RunStatus or its label, in any case.
    Times are aware datetimes: `since` ≤ started_at < `until`; updated_at < `updated_before`.
    `limit` is the largest number of records, from 0.

    All methods raise StoreUnavailable, StoreUnusable, and InvalidValue for an argument that cannot be used.
    """

    def __init__(self, access: RunAccess, reporter: Reporter) -> None:
        self._access = access
        self._reporter = reporter

    def get(self, run_id: str, client_id: str) -> RunRecord:
        """The record of exactly this run. Raises RunNotFound if it was never started."""
        try:
            return self._access.get(RunKey(run_id, client_id))
        except RunLedgerError as error:
            self._reporter.refused(error)
            raise

    def find(
        self,
        *,
        run_id: str | None = None,
        client_id: str | None = None,
        status: RunStatus | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        updated_before: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[RunRecord]:
        """The records for which every filter holds, newest start first. They are read lazily, as you iterate.

        An invalid filter raises InvalidValue here, not at the first record.
        """
        try:
            query = RunQuery(
                run_id=run_id,
                client_id=client_id,
                status=status,
                since=since,
                until=until,
                updated_before=updated_before,
                limit=limit,
            )
        except InvalidValue as error:
            self._reporter.refused(error)
            raise
        return self._found(query)

    def summary(
        self,
        of_run: str | None = None,
        /,
        *,
        run_id: str | None = None,
        client_id: str | None = None,
        status: RunStatus | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        updated_before: datetime | None = None,
        limit: int | None = None,
    ) -> RunSummary:
        """The summary of the records for which every filter holds: counts, sums, first start and last end.

        The run id may be given as the only positional argument. No records make a summary of zero runs.
        """
        try:
            if None not in (of_run, run_id) and of_run != run_id:
                raise InvalidValue(f"run id is {of_run!r} and {run_id!r}: give one.")
            query = RunQuery(
                run_id=run_id if of_run is None else of_run,
                client_id=client_id,
                status=status,
                since=since,
                until=until,
                updated_before=updated_before,
                limit=limit,
            )
            if isinstance(self._access, SummableStore):
                return self._access.summary(query)
            return summary_of(self._access.find(query))
        except RunLedgerError as error:
            self._reporter.refused(error)
            raise

    def stale(
        self,
        older_than: timedelta,
        *,
        run_id: str | None = None,
        client_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[RunRecord]:
        """Runs still Running that nothing has updated for longer than `older_than`, as `find` returns them.

        It only reports: a stale run stays Running until its owner or a person finishes it.
        """
        try:
            before = self._before(older_than)
        except InvalidValue as error:
            self._reporter.refused(error)
            raise
        return self.find(
            run_id=run_id,
            client_id=client_id,
            status=RunStatus.RUNNING,
            since=since,
            until=until,
            updated_before=before,
            limit=limit,
        )

    def _before(self, age: timedelta) -> datetime:
        if not isinstance(age, timedelta) or age < timedelta(0):
            raise InvalidValue(f"older_than is {age!r}: give a timedelta that is not negative.")
        try:
            return self._reporter.now() - age
        except OverflowError:
            raise InvalidValue(f"older_than is {age}: that reaches back before the year 1.") from None

    def _found(self, query: RunQuery) -> Iterator[RunRecord]:
        try:
            yield from self._access.find(query)
        except RunLedgerError as error:
            self._reporter.refused(error)
            raise
