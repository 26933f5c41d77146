"""AsyncRunLedger: the object that starts runs for coroutines, and through which they reach everything else."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from .. import domain
from ..domain import (
    InvalidValue,
    LogLine,
    MetricValue,
    RunChange,
    RunKey,
    RunLedgerError,
    RunRecord,
    RunStatus,
)
from ..domain.key import is_a
from ..domain.values import NO_METRICS
from ..domain.visible import shown
from ..services.creation import R
from ..services.ledger import RunLedger
from ..services.threads import Threads
from ..services.tracking.tracking import Id, Tracking
from ..services.updates import LedgerUpdates, Run
from .reads import AsyncLedgerReads
from .updates import AsyncLedgerUpdates, AsyncRun

T = TypeVar("T")
P = ParamSpec("P")

THREADS = 8
"""How many calls of one ledger are made at the same time. The pool of a PostgreSQL store has ten connections."""


def checked_threads(threads: int) -> int:
    if not is_a(threads, int) or is_a(threads, bool) or threads < 1:
        raise InvalidValue(
            f"threads is {shown(threads)}: give the number of calls that may run at the same time, from 1."
        )
    return threads


class AsyncRunLedger:
    """A RunLedger for coroutines, and the only such object that can start runs; see `runledger.aio`.

    Its attribute `updates`, an AsyncLedgerUpdates, updates and finishes runs. Its attribute `reads`, an
    AsyncLedgerReads, reads them. Pass one of the two to code that must not start any.

    `ledger` may also be used directly, by other threads for example. It stays open unless `owns_ledger` is set, as
    `connect` does. It may be used on several event loops.
    """

    def __init__(self, ledger: RunLedger, *, threads: int = THREADS, owns_ledger: bool = False) -> None:
        self._ledger = ledger
        self._threads = Threads("runledger-aio", checked_threads(threads))
        self._owns_ledger = owns_ledger
        self.updates = AsyncLedgerUpdates(ledger.updates, self._threads)
        self.reads = AsyncLedgerReads(ledger.reads, self._threads)

    async def start(
        self,
        run_id: str,
        client_id: str,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        note: str | None = None,
    ) -> AsyncRun:
        """Create the record of a run, and return a handle to update it."""
        tracking = self._ledger.track(run_id, client_id, client_name=client_name, metrics=metrics, note=note)
        return AsyncRun(await tracking.with_threads(self._threads).started(), self._threads)

    async def start_many(
        self, run_id: str, clients: Mapping[str, str] | Iterable[str], *, note: str | None = None
    ) -> dict[str, AsyncRun]:
        """Start one run for many clients: all or none, if the store guarantees it. Returns handles by client id."""
        begin = partial(self._ledger.start_many, run_id, clients, note=note)
        runs = await self._threads.begun(begin, lambda runs, why: _cancel(self._ledger.updates, runs.values(), why))
        return {client_id: AsyncRun(run, self._threads) for client_id, run in runs.items()}

    def track(
        self,
        run_id: Id,
        client_id: Id,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        note: str | None = None,
        heartbeat: float | None = None,
    ) -> AsyncTracking:
        """A run around an `async with` block or, as a decorator, around each call of an `async def` function."""
        tracking = self._ledger.track(
            run_id, client_id, client_name=client_name, metrics=metrics, note=note, heartbeat=heartbeat
        )
        return AsyncTracking(tracking.with_threads(self._threads), self._threads)

    async def import_records(self, records: Iterable[R]) -> tuple[R, ...]:
        """Import runs that happened elsewhere. Those whose key already exists are left alone and returned."""
        return await self._threads.made(partial(self._ledger.import_records, records), always=True)

    async def get(self, run_id: str, client_id: str) -> RunRecord:
        """The record of exactly this run."""
        return await self.reads.get(run_id, client_id)

    def log(self, run_id: str, client_id: str, last: int | None = None) -> AsyncIterator[LogLine]:
        """The lines of a run's log, in the order in which they were added, or only the `last` so many."""
        return self.reads.log(run_id, client_id, last)

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
        """The records for which every filter holds, newest start first, for `async for`."""
        return self.reads.find(
            run_id=run_id,
            client_id=client_id,
            status=status,
            since=since,
            until=until,
            updated_before=updated_before,
            after=after,
            limit=limit,
        )

    def latest(
        self, *, since: datetime | None = None, clients: Iterable[str] | None = None
    ) -> AsyncIterator[RunRecord]:
        """The newest record of each client, or of each of these `clients`, in the order of client ids."""
        return self.reads.latest(since=since, clients=clients)

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
        """The summary of the records that `find` returns."""
        return await self.reads.summary(
            run_id=run_id,
            client_id=client_id,
            status=status,
            since=since,
            until=until,
            updated_before=updated_before,
            limit=limit,
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
        return self.reads.stale(older_than, run_id=run_id, client_id=client_id, since=since, until=until, limit=limit)

    async def close(self) -> None:
        """Wait for the calls that are under way, and close the ledger, if this one owns it."""
        await Threads("runledger-aio-close", 1).made(self._close, always=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _close(self) -> None:
        self._threads.close()
        if self._owns_ledger:
            self._ledger.close()


class AsyncTracking:
    """A run around an `async with` block, or around each call of a decorated `async def`; see `RunLedger.track`."""

    def __init__(self, tracking: Tracking, threads: Threads) -> None:
        self._tracking = tracking
        self._threads = threads

    async def __aenter__(self) -> AsyncRun:
        return AsyncRun(await self._tracking.__aenter__(), self._threads)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tracking.__aexit__(kind, error, traceback)

    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        if not inspect.iscoroutinefunction(function):
            raise TypeError("track of an async ledger decorates an `async def`: use `async with` inside anything else.")
        return self._tracking(function)


def _cancel(updates: LedgerUpdates, runs: Iterable[Run], why: BaseException) -> None:
    """Finish the runs of a start whose task was cancelled meanwhile, as `track` finishes one."""
    cancelled = RunChange(status=RunStatus.CANCELLED, note=type(why).__name__)
    try:
        updates.update_many([(run.key, cancelled) for run in runs])
    except RunLedgerError as refusal:
        why.add_note(f"The runs could not be finished: {refusal}")
