"""Reading runs, for coroutines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar, cast

from .. import domain
from ..domain import LogLine, NewRun, RunKey, RunRecord, RunStatus
from ..services.reads import LedgerReads
from ..services.threads import Threads

T = TypeVar("T")

PAGE = 100
"""How many items of a list are read by one call in a thread: as many as Airtable answers to one request."""


class AsyncLedgerReads:
    """`ledger.reads` for coroutines: the right to read runs, and nothing else. See LedgerReads.

    What returns several records or lines is for `async for`, and reads lazily, so many at a time. An argument that
    cannot be used raises InvalidValue where the call is made, and observers are notified there.
    """

    def __init__(self, reads: LedgerReads, threads: Threads) -> None:
        self._reads = reads
        self._threads = threads

    async def get(self, run_id: str, client_id: str) -> RunRecord:
        """The record of exactly this run."""
        return await self._threads.made(partial(self._reads.get, run_id, client_id))

    def log(self, run_id: str, client_id: str, last: int | None = None) -> AsyncIterator[LogLine]:
        """The lines of the run's log, in the order in which they were added; with `last`, only the last so many."""
        return self._each(self._reads.log(run_id, client_id, last))

    async def get_with_log(self, run_id: str, client_id: str) -> NewRun:
        """The record of exactly this run with its whole log, as a NewRun."""
        return await self._threads.made(partial(self._reads.get_with_log, run_id, client_id))

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
    ) -> AsyncIterator[RunRecord]:
        """The records for which every filter holds, newest start first."""
        return self._each(
            self._reads.find(
                run_id=run_id,
                client_id=client_id,
                status=status,
                since=since,
                until=until,
                updated_before=updated_before,
                after=after,
                limit=limit,
            )
        )

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
    ) -> AsyncIterator[NewRun]:
        """The records that `find` returns, each with its whole log, as a NewRun."""
        return self._each(
            self._reads.find_with_logs(
                run_id=run_id,
                client_id=client_id,
                status=status,
                since=since,
                until=until,
                updated_before=updated_before,
                after=after,
                limit=limit,
            )
        )

    def latest(
        self, *, since: datetime | None = None, clients: Iterable[str] | None = None
    ) -> AsyncIterator[RunRecord]:
        """The newest record of each client, or of each of these `clients`, in the order of client ids."""
        return self._each(self._reads.latest(since=since, clients=clients))

    async def summary(
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
        """The summary of the records for which every filter holds; the run id may be given by position."""
        return await self._threads.made(
            partial(
                self._reads.summary,
                run_id=run_id,
                client_id=client_id,
                status=status,
                since=since,
                until=until,
                updated_before=updated_before,
                limit=limit,
            )
        )

    def stale(
        self,
        older_than: timedelta,
        *,
        run_id: str | None = None,
        client_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[RunRecord]:
        """Runs still Running that nothing has updated for longer than `older_than`. Only reports."""
        return self._each(
            self._reads.stale(older_than, run_id=run_id, client_id=client_id, since=since, until=until, limit=limit)
        )

    async def _each(self, items: Iterator[T]) -> AsyncIterator[T]:
        try:
            while True:
                page, error = await self._threads.made(partial(_next_page, items))
                for item in page:
                    yield item
                if error is not None:
                    raise error
                if len(page) < PAGE:
                    return
        finally:
            cast(Generator[T], items).close()  # no thread is in it: what has begun there has been awaited


def _next_page(items: Iterator[T]) -> tuple[list[T], Exception | None]:
    """The next items, and the error that came after them. They come before the error, as they do without threads."""
    page: list[T] = []
    try:
        page.extend(islice(items, PAGE))
    except Exception as error:
        return page, error
    return page, None
