"""RunLedger: the object that starts runs, and through which an application reaches everything else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Self

from .. import domain
from ..domain import (
    InvalidValue,
    LogLine,
    MetricValue,
    ObservedStore,
    RunKey,
    RunLedgerError,
    RunObserver,
    RunRecord,
    RunRepository,
    RunStatus,
)
from ..domain.late_names import LateModule
from ..domain.values import NO_METRICS
from .arguments import list_of
from .creation import RETRY_WAITS, R, RunCreator, new_mark
from .observing import Reporter, call_site, log_event
from .reads import LedgerReads
from .settings import OnMissing, checked_settings
from .updates import LedgerUpdates, Run

if TYPE_CHECKING:
    from .tracking import tracking
else:  # it slows `import runledger`, and not every ledger needs it
    tracking = LateModule(".tracking.tracking", __package__)


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)


class RunLedger:
    """The ledger of one store, and the only object that can start runs.

    Its attribute `updates`, a LedgerUpdates, updates and finishes runs. Its attribute `reads`, a LedgerReads, reads
    them. Pass one of the two to code that must not start any.

    `observers` are called with every event. By default, events are logged: see `log_event`.
    `clock` returns the time now as an aware datetime. It is read when a call begins and when a failure is reported.
    `on_missing`: whether an update of a missing run raises ("raise"), or is only reported to the observers ("report").
    `retry_waits`: seconds to wait before each further attempt of a start, while the store is unavailable. Up to half
    of each wait is taken off at random. `sleep` does the waiting.
    `new_mark` makes the random text by which a store recognises the attempts of one start.
    `owns_repository`: whether `close`, and the end of a `with` block, closes the repository. `connect` sets it. A
    repository that you pass in stays open; close it yourself.

    Raises InvalidValue for an argument that cannot be used.
    """

    def __init__(
        self,
        repository: RunRepository,
        *,
        observers: Iterable[RunObserver] = (log_event,),
        clock: Callable[[], datetime] = utc_now,
        on_missing: OnMissing = "raise",
        retry_waits: Sequence[float] = RETRY_WAITS,
        sleep: Callable[[float], None] = time.sleep,
        new_mark: Callable[[], str] = new_mark,
        owns_repository: bool = False,
    ) -> None:
        observers, retry_waits = checked_settings(
            observers=observers, clock=clock, on_missing=on_missing, retry_waits=retry_waits, sleep=sleep
        )
        if not hasattr(repository, "without_creation"):
            what = type(repository).__name__
            raise InvalidValue(f"repository is {what}, not a repository: use connect for a URL or a path.")
        self._close = repository.close if owns_repository else None
        self._reporter = Reporter(observers, clock)
        self._creator = RunCreator(repository, self._reporter, retry_waits, sleep, new_mark)
        if isinstance(repository, ObservedStore):
            repository.add_observer(self._reporter.notify)
        access = repository.without_creation()
        self.updates = LedgerUpdates(access, self._reporter, on_missing)
        self.reads = LedgerReads(access, self._reporter)

    def start(
        self,
        run_id: str,
        client_id: str,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        note: str | None = None,
    ) -> Run:
        """Create the record of a run, and return a handle to update it.

        `run_id`, `client_id` and `client_name` have 1 to 255 characters, no control characters, and no white space at
        either end. Without a client name, the client id is the name. `metrics` and `note` are as for `updates.update`;
        the note is the first line of the run's log, and is stored with the record, by no further request.

        Raises RunAlreadyExists if the run was started before, InvalidValue, UnknownMetric, StoreUnusable, and after
        bounded retries StoreUnavailable, whose `outcome` says whether the record may have been created.
        """
        return self._start([], run_id, client_id, client_name=client_name, metrics=metrics, note=note)

    def _start(
        self,
        begun: list[Run],
        run_id: str,
        client_id: str,
        *,
        client_name: str | None,
        metrics: Mapping[str, MetricValue],
        note: str | None,
    ) -> Run:
        """`start`, which adds the run to `begun` before observers, whose interrupts are raised, are notified."""
        key = None
        try:
            key = RunKey(run_id, client_id)
            record = RunRecord.start(key, self._reporter.now(), client_name=client_name, metrics=metrics)
            key = self._creator.create(record, note)
        except RunLedgerError as error:
            if isinstance(error, InvalidValue):
                error.naming(key)
            self._reporter.start_failed(error, key)
            raise
        [run] = self._started([key], record.started_at, begun)
        return run

    def start_many(
        self, run_id: str, clients: Mapping[str, str] | Iterable[str], *, note: str | None = None
    ) -> dict[str, Run]:
        """Start one run for many clients: all or none, if the store guarantees it. Returns handles by client id.

        `clients` maps client ids to client names, or is a list of client ids, each once. `note` is the first line of
        each log. Raises what `start` raises.
        The `applied` of an error holds the keys whose records were created nevertheless.
        """
        try:
            at = self._reporter.now()
            names = clients if isinstance(clients, Mapping) else {}
            given = clients.keys() if isinstance(clients, Mapping) else clients
            ids = list_of(given, "clients", "client ids, or a mapping to names", lambda each: isinstance(each, str))
            keys = self._creator.create_many(RunRecord.start_many(run_id, ids, at, names=names), note)
        except RunLedgerError as error:
            self._reporter.start_failed(error)
            raise
        return {run.key.client_id: run for run in self._started(keys, at, [])}

    def track(
        self,
        run_id: tracking.Id,
        client_id: tracking.Id,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        note: str | None = None,
        heartbeat: float | None = None,
    ) -> tracking.Tracking:
        """A run around a block (`with` or `async with`) or, as a decorator, around each call of a function.

        The run completes at the end, unless it was finished before. An exception fails it; a cancellation or keyboard
        interrupt cancels it. Either is raised on. If the block itself asked for a finish that failed, its end does not
        complete the run. Parameters and errors are those of `start`. For a decorator, the ids may also be
        functions, which are called with the arguments of the decorated function.
        `heartbeat`: seconds between signs of life that a thread sends while the block runs. One that fails is reported
        to the observers, and disturbs nothing.
        """
        self._require_heartbeat(heartbeat, run_id, client_id)
        start = partial(self._start, client_name=client_name, metrics=metrics, note=note)
        return tracking.Tracking(start, run_id, client_id, heartbeat)

    def import_records(self, records: Iterable[R]) -> tuple[R, ...]:
        """Import runs that happened elsewhere, as one batch: each a NewRun, or a RunRecord if it has no notes.

        Those whose key already exists are left alone and returned, as they were given. A NewRun that has a mark keeps
        it, and a record with that mark counts as created by this import. Only failures are reported to observers.
        Raises InvalidValue, UnknownMetric, StoreUnusable, and after bounded retries StoreUnavailable.
        """
        try:
            return self._creator.import_records(records)
        except RunLedgerError as error:
            self._reporter.start_failed(error)
            raise

    def get(self, run_id: str, client_id: str) -> RunRecord:
        """The record of exactly this run. Raises RunNotFound if there is none; see LedgerReads."""
        return self.reads.get(run_id, client_id)

    def log(self, run_id: str, client_id: str, last: int | None = None) -> Iterator[LogLine]:
        """The lines of a run's log in the order in which they were added, or the `last` so many; see LedgerReads."""
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
    ) -> Iterator[RunRecord]:
        """The records for which every filter holds, newest start first, read lazily; see LedgerReads.

        `status` is a RunStatus or its label, or several. `since` ≤ started_at < `until`; updated_at < `updated_before`.
        `after` continues a listing behind a record, given as the RunRecord, or as its start time and its RunKey.
        """
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

    def latest(self, *, since: datetime | None = None, clients: Iterable[str] | None = None) -> Iterator[RunRecord]:
        """The newest record of each client, or of each of these `clients`, in the order of client ids.

        With `since`, only of runs that started then or later. A store without an index for it may raise StoreUnusable,
        which asks for one of the two; see LedgerReads.
        """
        return self.reads.latest(since=since, clients=clients)

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
        """The summary of the records that `find` returns; see LedgerReads."""
        return self.reads.summary(
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
    ) -> Iterator[RunRecord]:
        """Runs still Running that nothing has updated for longer than `older_than`; see LedgerReads. Only reports."""
        return self.reads.stale(older_than, run_id=run_id, client_id=client_id, since=since, until=until, limit=limit)

    def close(self) -> None:
        """Close the repository, if the ledger owns it."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require_heartbeat(self, seconds: float | None, run_id: tracking.Id, client_id: tracking.Id) -> None:
        if seconds is None:
            return
        from .tracking.heartbeat import checked_heartbeat

        try:
            checked_heartbeat(seconds)
        except InvalidValue as error:
            with suppress(InvalidValue):  # of functions, which are no ids
                error.naming(RunKey(run_id, client_id))  # type: ignore[arg-type]
            self._reporter.start_failed(error)
            raise

    def _started(self, keys: Sequence[RunKey], at: datetime, begun: list[Run]) -> list[Run]:
        site = call_site()
        begun += [Run(key, self.updates, site) for key in keys]
        self._reporter.started(keys, at)
        return begun
