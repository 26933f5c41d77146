"""Updating runs that exist: by key, and through the handle that a start returns. Nothing here can create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict, Unpack

from ..domain import (
    InvalidValue,
    MetricValue,
    RunAccess,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunStatus,
)
from ..domain.values import checked_list
from .observing import Reporter

OnMissing = Literal["raise", "report"]


class Details(TypedDict, total=False):
    """What any update may carry: metrics to set, numbers to add to metrics, one line for the log.

    A log has no bound, and every update reads and returns all of it: note the stages of a run, not each item.
    """

    metrics: Mapping[str, MetricValue]
    add: Mapping[str, int | float]
    note: str | None


class LedgerUpdates:
    """`ledger.updates`: the right to update, and nothing else.

    Every method raises RunNotFound if the run was never started; with on_missing="report" that is only reported, as an
    error event, and None is returned. Raises RunAlreadyFinished, InvalidValue, UnknownMetric, StoreUnavailable and
    StoreUnusable. Each update is sent once.
    """

    def __init__(self, access: RunAccess, reporter: Reporter, on_missing: OnMissing) -> None:
        self._access = access
        self._reporter = reporter
        self._on_missing = on_missing

    def update(self, run_id: str, client_id: str, **details: Unpack[Details]) -> RunRecord | None:
        """Set metrics, add to numbers, append a note; with none of them a heartbeat. Returns the record after it."""
        return self.run(run_id, client_id).update(**details)

    def heartbeat(self, run_id: str, client_id: str) -> RunRecord | None:
        """Say that the run is still alive: moves `updated_at` alone."""
        return self.run(run_id, client_id).heartbeat()

    def complete(
        self, run_id: str, client_id: str, *, with_errors: str | None = None, **details: Unpack[Details]
    ) -> RunRecord | None:
        """Finish the run as Completed, or, given what went wrong, as Completed with Errors."""
        return self.run(run_id, client_id).complete(with_errors=with_errors, **details)

    def fail(self, run_id: str, client_id: str, error: str, **details: Unpack[Details]) -> RunRecord | None:
        """Finish the run as Failed; `error` says why."""
        return self.run(run_id, client_id).fail(error, **details)

    def skip(self, run_id: str, client_id: str, why: str) -> RunRecord | None:
        """Finish the run as Skipped: there was nothing to do. The reason becomes a line of the log."""
        return self.run(run_id, client_id).skip(why)

    def cancel(self, run_id: str, client_id: str, why: str) -> RunRecord | None:
        """Finish the run as Cancelled. The reason becomes a line of the log."""
        return self.run(run_id, client_id).cancel(why)

    def update_many(self, changes: Iterable[tuple[RunKey, RunChange]]) -> bool:
        """Apply many changes in their order, all or none where the store can; True once they are applied."""
        at = self._reporter.clock()
        try:
            pairs = checked_list(changes, "changes", "pairs of a RunKey and a RunChange")
            for pair in pairs:
                _check_pair(pair)
            self._access.update_many(pairs, at)
        except RunLedgerError as error:
            self._refused(error)
            return False
        for key, change in pairs:
            self._reporter.changed(key, change.status, at)
        return True

    def run(self, run_id: str, client_id: str) -> Run:
        """A handle on a run that was started elsewhere. Looks nothing up: the first update tells if it is missing."""
        try:
            return self.of(RunKey(run_id, client_id))
        except InvalidValue as error:
            self._refused(error)
            raise

    def of(self, key: RunKey, site: str | None = None) -> Run:
        """A handle on the run of a key, which was started at `site`."""
        return Run(key, self, site)

    def _change(
        self, run: Run, details: Details, status: RunStatus | None = None, error: str | None = None
    ) -> RunRecord | None:
        try:
            change = RunChange(status=status, error=error, **details)
            at = self._reporter.clock()
            record = self._access.update(run.key, change, at)
        except RunLedgerError as refusal:
            self._refused(refusal, run.key, run.site)
            return None
        self._reporter.changed(run.key, status, at)
        return record

    def _refused(self, error: RunLedgerError, key: RunKey | None = None, site: str | None = None) -> None:
        self._reporter.refused(error, key, site)
        if not (isinstance(error, RunNotFound) and self._on_missing == "report"):
            raise error


class Run:
    """A handle on one run: the updates of LedgerUpdates without naming the key each time.

    A refusal is reported with the code that asked for the update; in a thread that runs no such code, with the place
    that started the run, `site`.
    """

    finished = False
    """Whether this handle has finished the run; what others did to it, it does not know."""

    def __init__(self, key: RunKey, updates: LedgerUpdates, site: str | None = None) -> None:
        self._key = key
        self._updates = updates
        self.site = site

    def __repr__(self) -> str:
        return f"Run({self._key!r})"

    @property
    def key(self) -> RunKey:
        """The run's key, with the store's reference to its record where `start` gave one."""
        return self._key

    def update(self, **details: Unpack[Details]) -> RunRecord | None:
        """Set metrics, add to numbers, append a note. Returns the record after it."""
        return self._updates._change(self, details)

    def heartbeat(self) -> RunRecord | None:
        """Say that the run is still alive."""
        return self._updates._change(self, {})

    def complete(self, *, with_errors: str | None = None, **details: Unpack[Details]) -> RunRecord | None:
        """Finish as Completed, or, given what went wrong, as Completed with Errors."""
        status = RunStatus.COMPLETED if with_errors is None else RunStatus.COMPLETED_WITH_ERRORS
        return self._finish(details, status, with_errors)

    def fail(self, error: str, **details: Unpack[Details]) -> RunRecord | None:
        """Finish as Failed; `error` says why."""
        return self._finish(details, RunStatus.FAILED, _said(error))

    def skip(self, why: str) -> RunRecord | None:
        """Finish as Skipped."""
        return self._finish({"note": _said(why)}, RunStatus.SKIPPED)

    def cancel(self, why: str) -> RunRecord | None:
        """Finish as Cancelled."""
        return self._finish({"note": _said(why)}, RunStatus.CANCELLED)

    def _finish(self, details: Details, status: RunStatus, error: str | None = None) -> RunRecord | None:
        record = self._updates._change(self, details, status, error)
        self.finished = True
        return record


def _said(reason: str) -> str:
    """A reason that must be given: None, which elsewhere leaves it out, is refused as empty text is."""
    return "" if reason is None else reason


def _check_pair(pair: object) -> None:
    match pair:
        case (RunKey(), RunChange()):
            return
    raise InvalidValue("a batch of changes is pairs of a RunKey and a RunChange, and something else is among them.")
