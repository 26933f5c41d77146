"""Updating runs that exist, for coroutines. Nothing here can create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

from ..domain import MetricValue, RunChange, RunKey, RunRecord
from ..domain.values import NO_METRICS
from ..services.settings import MaybeNone
from ..services.threads import Threads
from ..services.updates import LedgerUpdates, Run


class AsyncLedgerUpdates:
    """`ledger.updates` for coroutines: the right to update runs. It cannot create one. See LedgerUpdates."""

    def __init__(self, updates: LedgerUpdates, threads: Threads) -> None:
        self._updates = updates
        self._threads = threads

    async def update(
        self,
        run_id: str,
        client_id: str,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
    ) -> RunRecord | MaybeNone:
        """Set `metrics`, `add` to numbers, append a `note`. With none of them, it is a heartbeat."""
        update = partial(self._updates.update, run_id, client_id, metrics=metrics, add=add, note=note)
        return await self._threads.made(update)

    async def heartbeat(self, run_id: str, client_id: str) -> RunRecord | MaybeNone:
        """Report that the run is still alive: only `updated_at` changes."""
        return await self._threads.made(partial(self._updates.heartbeat, run_id, client_id))

    async def complete(
        self,
        run_id: str,
        client_id: str,
        *,
        with_errors: str | BaseException | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
        at: datetime | None = None,
    ) -> RunRecord | MaybeNone:
        """Finish the run as Completed or, if `with_errors` says what went wrong, as Completed with Errors."""
        finish = partial(
            self._updates.complete,
            run_id,
            client_id,
            with_errors=with_errors,
            metrics=metrics,
            add=add,
            note=note,
            at=at,
        )
        return await self._threads.made(finish, always=True)

    async def fail(
        self,
        run_id: str,
        client_id: str,
        error: str | BaseException,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
        at: datetime | None = None,
    ) -> RunRecord | MaybeNone:
        """Finish the run as Failed. `error` is the reason: text or an exception."""
        finish = partial(self._updates.fail, run_id, client_id, error, metrics=metrics, add=add, note=note, at=at)
        return await self._threads.made(finish, always=True)

    async def skip(self, run_id: str, client_id: str, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Skipped: there was nothing to do."""
        return await self._threads.made(partial(self._updates.skip, run_id, client_id, why, at=at), always=True)

    async def cancel(
        self, run_id: str, client_id: str, why: str, *, at: datetime | None = None
    ) -> RunRecord | MaybeNone:
        """Finish the run as Cancelled: somebody asked for it."""
        return await self._threads.made(partial(self._updates.cancel, run_id, client_id, why, at=at), always=True)

    async def update_many(self, changes: Iterable[tuple[RunKey, RunChange]]) -> bool:
        """Apply many changes in their order: all or none, if the store guarantees it. True once they are applied.

        They are always sent, because they may finish runs.
        """
        return await self._threads.made(partial(self._updates.update_many, changes), always=True)

    def run(self, run_id: str, client_id: str) -> AsyncRun:
        """A handle on a run that was started elsewhere. Nothing is read: the first update raises if there is no run."""
        return AsyncRun(self._updates.run(run_id, client_id), self._threads)

    def of(self, key: RunKey) -> AsyncRun:
        """A handle on the run of a RunKey."""
        return AsyncRun(self._updates.of(key), self._threads)


class AsyncRun:
    """A handle on one run for coroutines: the methods of Run. Several tasks may use it."""

    def __init__(self, run: Run, threads: Threads) -> None:
        self._run = run
        self._threads = threads

    def __repr__(self) -> str:
        return f"Async{self._run!r}"

    @property
    def key(self) -> RunKey:
        """The run's key."""
        return self._run.key

    @property
    def site(self) -> str | None:
        """Where the run was started, as "file:line in function"."""
        return self._run.site

    @property
    def finished(self) -> bool:
        """Whether the run was finished through this handle."""
        return self._run.finished

    async def update(
        self,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
    ) -> RunRecord | MaybeNone:
        """Set `metrics`, `add` to numbers, append a `note`. With none of them, it is a heartbeat."""
        return await self._threads.made(partial(self._run.update, metrics=metrics, add=add, note=note))

    async def heartbeat(self) -> RunRecord | MaybeNone:
        """Report that the run is still alive: only `updated_at` changes."""
        return await self._threads.made(self._run.heartbeat)

    async def complete(
        self,
        *,
        with_errors: str | BaseException | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
        at: datetime | None = None,
    ) -> RunRecord | MaybeNone:
        """Finish the run as Completed or, if `with_errors` says what went wrong, as Completed with Errors."""
        finish = partial(self._run.complete, with_errors=with_errors, metrics=metrics, add=add, note=note, at=at)
        return await self._threads.made(finish, always=True)

    async def fail(
        self,
        error: str | BaseException,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
        at: datetime | None = None,
    ) -> RunRecord | MaybeNone:
        """Finish the run as Failed. `error` is the reason: text or an exception."""
        finish = partial(self._run.fail, error, metrics=metrics, add=add, note=note, at=at)
        return await self._threads.made(finish, always=True)

    async def skip(self, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Skipped: there was nothing to do. `why` is appended to the log as a note."""
        return await self._threads.made(partial(self._run.skip, why, at=at), always=True)

    async def cancel(self, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Cancelled: somebody asked for it. `why` is appended to the log as a note."""
        return await self._threads.made(partial(self._run.cancel, why, at=at), always=True)
