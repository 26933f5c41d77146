"""RunLedger: starting runs, and the way to everything else. One of these per store and application."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from ..domain import (
    EventKind,
    InvalidValue,
    MetricValue,
    ObservedStore,
    RunKey,
    RunLedgerError,
    RunObserver,
    RunRecord,
    RunRepository,
    RunStatus,
)
from ..domain.values import NO_METRICS, checked_list
from .creation import RETRY_WAITS, RunCreator
from .observing import Reporter, call_site, log_event
from .reads import LedgerReads
from .updates import LedgerUpdates, OnMissing, Run

if TYPE_CHECKING:
    from .tracking import Id, Tracking


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)


class RunLedger:
    """The ledger of one store. Starting is done here and only here; hand `updates` or `reads` to the rest.

    `observers` hear of every event (default: the log), `clock` gives the aware time now, `on_missing` says whether an
    update of a missing run raises or is only reported. A start that finds the store unavailable is tried again after
    each of `retry_waits`, in seconds, less a random part; `sleep` does the waiting.
    Leaving a `with` block closes the repository if the ledger owns it, as one from `connect` does; a repository that
    was handed in is its giver's to close.
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
        owns_repository: bool = False,
    ) -> None:
        if on_missing not in ("raise", "report"):
            raise InvalidValue(f"on_missing is {on_missing!r}: use 'raise' or 'report'.")
        self._close = repository.close if owns_repository else None
        self._reporter = Reporter(observers, clock)
        self._creator = RunCreator(repository, self._reporter, retry_waits, sleep)
        if isinstance(repository, ObservedStore):
            repository.add_observer(self._reporter.tell)
        access = repository.without_creation()
        self.updates = LedgerUpdates(access, self._reporter, on_missing)
        self.reads = LedgerReads(access, self._reporter)
        self.get = self.reads.get
        self.find = self.reads.find
        self.summary = self.reads.summary
        self.stale = self.reads.stale

    def start(
        self,
        run_id: str,
        client_id: str,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
    ) -> Run:
        """Create the run's record and return a handle to update it by. Without a client name the id stands in.

        Raises RunAlreadyExists if the run was started before, InvalidValue, UnknownMetric, and, after bounded retries,
        StoreUnavailable; StoreUnusable at once.
        """
        return self._start(run_id, client_id, client_name, metrics, call_site())

    def start_many(self, run_id: str, clients: Mapping[str, str] | Iterable[str]) -> dict[str, Run]:
        """Start one run for many clients, all or none where the store can; handles by client id.

        `clients` maps client ids to client names, or is just the ids, each once. Raises as `start` does.
        """
        site = call_site()
        at = self._reporter.clock()
        try:
            names = clients if isinstance(clients, Mapping) else {}
            ids = checked_list(clients, "clients", "client ids, or a mapping to names")
            records = [RunRecord.start(RunKey(run_id, each), at, client_name=names.get(each)) for each in ids]
            keys = self._creator.create_many(records, site)
        except RunLedgerError as error:
            self._reporter.start_failed(error, None, site)
            raise
        return {key.client_id: self._started(key, at, site) for key in keys}

    def track(
        self,
        run_id: Id,
        client_id: Id,
        *,
        client_name: str | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
    ) -> Tracking:
        """A run around a block (`with`, `async with`) or, as a decorator, around each call of a function."""
        from .tracking import Tracking  # here, because it slows `import runledger`, and not every ledger needs it

        def start(run: str, client: str, site: str | None) -> Run:
            return self._start(run, client, client_name, metrics, site)

        return Tracking(start, run_id, client_id)

    def load(self, records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
        """Bring in runs that happened elsewhere, as one batch; returns those whose key had a record already.

        That record stays as it is. Tells observers nothing but failures.
        """
        site = call_site()
        try:
            return self._creator.load(records, site)
        except RunLedgerError as error:
            self._reporter.start_failed(error, None, site)
            raise

    def close(self) -> None:
        """Close the repository, if the ledger owns it."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(
        self,
        run_id: str,
        client_id: str,
        client_name: str | None,
        metrics: Mapping[str, MetricValue],
        site: str | None,
    ) -> Run:
        key = None
        try:
            key = RunKey(run_id, client_id)
            record = RunRecord.start(key, self._reporter.clock(), client_name=client_name, metrics=metrics)
            key = self._creator.create(record, site)
        except RunLedgerError as error:
            self._reporter.start_failed(error, key, site)
            raise
        return self._started(key, record.started_at, site)

    def _started(self, key: RunKey, at: datetime, site: str | None) -> Run:
        self._reporter.report(EventKind.STARTED, key, at, status=RunStatus.RUNNING)
        return self.updates.of(key, site)
