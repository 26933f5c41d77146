"""Reading runs: one, many, a summary of many, the newest of each client, and the stale ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, TypeVar

from attrs import evolve

from .. import domain
from ..domain import (
    InvalidValue,
    LatestStore,
    LoggedStore,
    LogLine,
    NewRun,
    RunAccess,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnusable,
    SummableStore,
)
from ..domain.key import checked_client_id
from ..domain.values import checked_count
from ..domain.visible import counted, shown
from .arguments import list_of
from .observing import Reporter

T = TypeVar("T")

MOST_READ = 10_000
"""The most records that `latest` reads in a store that is no LatestStore: a hundred requests to Airtable."""


class LedgerReads:
    """`ledger.reads`: the right to read runs, and nothing else.

    Filters that several methods share; every filter that is given must hold:
    `run_id` and `client_id` are compared exactly.
    `status` is a RunStatus or its label, in any case, or a list of these: a record has one of them.
    Times are aware datetimes: `since` ≤ started_at < `until`; updated_at < `updated_before`.
    `after` continues a listing behind its last record, given as the RunRecord, or as its start time and its RunKey.
    `limit` is the largest number of records, from 0.

    All methods raise StoreUnavailable, StoreUnusable, and InvalidValue for an argument that cannot be used.
    """

    def __init__(self, access: RunAccess, reporter: Reporter) -> None:
        self._access = access
        self._reporter = reporter

    def get(self, run_id: str, client_id: str) -> RunRecord:
        """The record of exactly this run. Raises RunNotFound if it was not started, or was removed."""
        try:
            return self._access.get(RunKey(run_id, client_id))
        except RunLedgerError as error:
            self._reporter.refused(error, reading=True)
            raise

    def log(self, run_id: str, client_id: str, last: int | None = None) -> Iterator[LogLine]:
        """The lines of the run's log in the order in which they were added, read lazily.

        With `last`, only the last so many, from 0. The line of an end that is recorded later has the time of the end.
        Raises RunNotFound at the first line, if the run was not started, or was removed. InvalidValue is raised here.
        """
        key = None
        try:
            key = RunKey(run_id, client_id)
            lines = None if last is None else checked_count(last, "last")
        except InvalidValue as error:
            self._reporter.refused(error.naming(key), reading=True)
            raise
        return self._reported(lambda: self._access.log(key, lines))

    def get_with_log(self, run_id: str, client_id: str) -> NewRun:
        """The record of exactly this run with its whole log, as a NewRun. Raises RunNotFound."""
        try:
            return self._with_log(self._access.get(RunKey(run_id, client_id)))
        except RunLedgerError as error:
            self._reporter.refused(error, reading=True)
            raise

    def find(
        self,
        *,
        run_id: str | None = None,
        client_id: str | None = None,
        status: RunStatus | str | Iterable[RunStatus | str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        updated_before: datetime | None = None,
        after: RunRecord | tuple[datetime, RunKey] | None = None,
        limit: int | None = None,
    ) -> Iterator[RunRecord]:
        """The records for which every filter holds, newest start first. They are read lazily, as you iterate.

        An invalid filter raises InvalidValue here, not at the first record.
        """
        query = self._query(
            run_id=run_id,
            client_id=client_id,
            status=status,
            since=since,
            until=until,
            updated_before=updated_before,
            after=after,
            limit=limit,
        )
        return self._reported(lambda: self._access.find(query))

    def find_with_logs(
        self,
        *,
        run_id: str | None = None,
        client_id: str | None = None,
        status: RunStatus | str | Iterable[RunStatus | str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        updated_before: datetime | None = None,
        after: RunRecord | tuple[datetime, RunKey] | None = None,
        limit: int | None = None,
    ) -> Iterator[NewRun]:
        """The records that `find` returns, each with its whole log, as a NewRun: to write it to a file, or import it.

        A run that is removed before its log is read may be left out.
        """
        query = self._query(
            run_id=run_id,
            client_id=client_id,
            status=status,
            since=since,
            until=until,
            updated_before=updated_before,
            after=after,
            limit=limit,
        )
        return self._reported(lambda: self._found_with_logs(query))

    def latest(self, *, since: datetime | None = None, clients: Iterable[str] | None = None) -> Iterator[RunRecord]:
        """The newest record of each client, or of each of these `clients`, in the order of client ids; read lazily.

        With `since`, clients without a run that started then or later are left out.
        A store that cannot look the newest up for each client reads all records since then, at most 10,000. If there
        are more, StoreUnusable is raised, and no record is returned: give a later `since`, or `clients`, for each of
        which any store reads one record.
        """
        try:
            ids = None if clients is None else _client_ids(clients)
            queries = [domain.RunQuery(client_id=each, since=since, limit=1) for each in ids or ()]
            every = domain.RunQuery(since=since)
        except InvalidValue as error:
            self._reporter.refused(error, reading=True)
            raise
        if queries:
            return self._reported(lambda: chain.from_iterable(map(self._access.find, queries)))
        return self._reported(lambda: self._latest(every))

    def summary(
        self,
        run_id: str | None = None,
        *,
        client_id: str | None = None,
        status: RunStatus | str | Iterable[RunStatus | str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        updated_before: datetime | None = None,
        limit: int | None = None,
    ) -> domain.RunSummary:
        """The summary of the records for which every filter holds: counts, sums, first start and last end.

        No records make a summary of zero runs.
        """
        try:
            query = domain.RunQuery(
                run_id=run_id,
                client_id=client_id,
                status=status,
                since=since,
                until=until,
                updated_before=updated_before,
                limit=limit,
            )
            if isinstance(self._access, SummableStore):
                return self._access.summary(query)
            return domain.summary_of(self._access.find(query))
        except RunLedgerError as error:
            self._reporter.refused(error, reading=True)
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
            self._reporter.refused(error, reading=True)
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
            raise InvalidValue(f"older_than is {shown(age)}: give a timedelta that is not negative.")
        try:
            return self._reporter.now() - age
        except OverflowError:
            raise InvalidValue(f"older_than is {age}: that reaches back before the year 1.") from None

    def _query(self, **filters: Any) -> domain.RunQuery:
        try:
            return domain.RunQuery(**filters)
        except InvalidValue as error:
            self._reporter.refused(error, reading=True)
            raise

    def _latest(self, query: domain.RunQuery) -> Iterator[RunRecord]:
        if isinstance(self._access, LatestStore):
            return self._access.latest(query.since)
        found = list(self._access.find(evolve(query, limit=MOST_READ + 1)))
        if len(found) > MOST_READ:
            raise StoreUnusable(
                "this store finds the newest run of each client by reading every run, and more than "
                f"{MOST_READ:,} match: give a later `since`, or name the `clients`."
            )
        return iter(domain.latest_of(found))

    def _found_with_logs(self, query: domain.RunQuery) -> Iterator[NewRun]:
        if isinstance(self._access, LoggedStore):
            yield from (_with_lines(record, log) for record, log in self._access.find_with_logs(query))
            return
        for record in self._access.find(query):
            try:
                run = self._with_log(record)
            except RunNotFound:  # it has been removed since
                continue
            yield run

    def _with_log(self, record: RunRecord) -> NewRun:
        # The log may have grown since the record was read.
        return _with_lines(record, islice(self._access.log(record.key), record.notes) if record.notes else ())

    def _reported(self, read: Callable[[], Iterator[T]]) -> Iterator[T]:
        try:
            yield from read()
        except RunLedgerError as error:
            self._reporter.refused(error, reading=True)
            raise


def _client_ids(clients: Iterable[str]) -> list[str]:
    """Each of these ids once, in their order."""
    ids = list_of(clients, "clients", "client ids", lambda each: isinstance(each, str))
    if not ids:
        raise InvalidValue("clients is empty: name at least one client, or leave it out for all.")
    return sorted({checked_client_id(each) for each in ids})


def _with_lines(record: RunRecord, lines: Iterable[LogLine]) -> NewRun:
    log = tuple(lines)
    if len(log) != record.notes:
        raise StoreUnusable(
            f"the log of {record.key} has {counted(len(log), 'line')}, and its record counts {record.notes}: read it "
            "again; if it stays so, correct it in the store.",
            record.key,
        )
    return NewRun(record, log)
