"""Updating runs that exist: by key, and through the handle that a start returns. Nothing here can create."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

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
from ..domain.json_form import time_text
from ..domain.key import is_a, plain_text
from ..domain.values import NO_METRICS, checked_note, checked_text, checked_time, storable_text
from .arguments import list_of
from .observing import Reporter
from .settings import MaybeNone, OnMissing


class LedgerUpdates:
    """`ledger.updates`: the right to update runs. It cannot create one.

    Parameters that several methods share:
    `metrics` are set, by name: str (up to 100,000 characters), int (within ±2^53), finite float, bool, aware datetime.
    `add` holds numbers to add, by metric name; a metric that is not there starts from 0.
    `note` is one line for the run's log, of up to 10,000 characters. The log has no limit in a database. A table of
    Airtable keeps it in one cell of 100,000 characters, and reads and writes all of it with each note: note the stages
    of a run there, not each item.
    `at` is when a run ended, if it is recorded later: an aware datetime, not before the start of the run and not after
    now. Without it, a run ends when the call is made.

    Methods return the record after the update. Each sends the update once, and raises RunNotFound if the run was not
    started, or was removed. With on_missing="report" that is only reported to the observers, and None is returned.
    Also raised: RunAlreadyFinished, InvalidValue, UnknownMetric, StoreUnusable: nothing was changed. After a
    StoreUnavailable, its `outcome` says whether the update may have been applied.
    """

    def __init__(self, access: RunAccess, reporter: Reporter, on_missing: OnMissing) -> None:
        self._access = access
        self._reporter = reporter
        self._on_missing = on_missing

    def update(
        self,
        run_id: str,
        client_id: str,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
    ) -> RunRecord | MaybeNone:
        """Set `metrics`, `add` to numbers, append a `note`. With none of them, it is a heartbeat."""
        return self.run(run_id, client_id).update(metrics=metrics, add=add, note=note)

    def heartbeat(self, run_id: str, client_id: str) -> RunRecord | MaybeNone:
        """Report that the run is still alive: only `updated_at` changes."""
        return self.run(run_id, client_id).heartbeat()

    def complete(
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
        run = self.run(run_id, client_id)
        return run.complete(with_errors=with_errors, metrics=metrics, add=add, note=note, at=at)

    def fail(
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
        """Finish the run as Failed. `error` is the reason: text of up to 100,000 characters, or an exception."""
        return self.run(run_id, client_id).fail(error, metrics=metrics, add=add, note=note, at=at)

    def skip(self, run_id: str, client_id: str, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Skipped: there was nothing to do. `why` is appended to the log as a note."""
        return self.run(run_id, client_id).skip(why, at=at)

    def cancel(self, run_id: str, client_id: str, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Cancelled: somebody asked for it. `why` is appended to the log as a note."""
        return self.run(run_id, client_id).cancel(why, at=at)

    def update_many(self, changes: Iterable[tuple[RunKey, RunChange]]) -> bool:
        """Apply many changes in their order: all or none, if the store guarantees it. True once they are applied.

        The `applied` of an error holds the keys whose changes were applied nevertheless. A run that is finished here
        by a clock behind its start ends at its start, without an event: the records are not read back.
        """
        try:
            at = self._reporter.now()
            pairs = list_of(changes, "changes", "pairs of a RunKey and a RunChange", _is_change_of_run)
            self._access.update_many(pairs, at)
        except RunLedgerError as error:
            self._refused(error)
            return False
        for key, change in pairs:
            self._reporter.changed(key, change, at)
        return True

    def run(self, run_id: str, client_id: str) -> Run:
        """A handle on a run that was started elsewhere. Nothing is read: the first update raises if there is no run."""
        try:
            return self.of(RunKey(run_id, client_id))
        except InvalidValue as error:
            self._refused(error)
            raise

    def of(self, key: RunKey) -> Run:
        """A handle on the run of a RunKey. Raises InvalidValue."""
        if not isinstance(key, RunKey):
            error = InvalidValue(f"key is {type(key).__name__}: give a RunKey, or use `run` for two ids.")
            self._refused(error)
            raise error
        return Run(key, self)

    def _apply(
        self, run: Run, make_change: Callable[[], RunChange], end: datetime | None = None
    ) -> RunRecord | MaybeNone:
        """Apply a change, which is made here so that an invalid argument is reported like any other failure."""
        try:
            change = make_change()
            at = self._reporter.now() if end is None else self._past(run.key, end)
            record = self._access.update(run.key, change, at)
        except RunLedgerError as error:
            self._refused(error, run.key, run.site)
            return None
        self._reporter.changed(run.key, change, at, record)
        if change.status is not None and record.ended_at is not None and record.ended_at > at:
            self._reporter.clock_behind(run.key, at, record.ended_at)
        return record

    def _beat(self, run: Run, *, report: bool) -> RunRecord | MaybeNone:
        try:
            at = self._reporter.now()
            record = self._access.update(run.key, change := RunChange(), at)
        except RunLedgerError as error:
            if report:
                self._reporter.refused(error, run.key, run.site)
            return None
        self._reporter.changed(run.key, change, at)
        return record

    def _past(self, key: RunKey, end: datetime) -> datetime:
        """The time at which a run ended, which is recorded now."""
        at, now = checked_time(end, "at"), self._reporter.now()
        if at > now:
            raise InvalidValue(f"{key} cannot have ended at {time_text(at)}: it is {time_text(now)} now.", key)
        started_at = self._access.get(key).started_at
        if at < started_at:
            raise InvalidValue(
                f"{key} cannot have ended at {time_text(at)}: it started at {time_text(started_at)}.", key
            )
        return at

    def _refused(self, error: RunLedgerError, key: RunKey | None = None, site: str | None = None) -> None:
        if isinstance(error, InvalidValue):
            error.naming(key)
        self._reporter.refused(error, key, site)
        if not (isinstance(error, RunNotFound) and self._on_missing == "report"):
            raise error


class Run:
    """A handle on one run: the methods of LedgerUpdates, without naming the run each time.

    Parameters, limits, results and errors are those of LedgerUpdates. `start` returns a handle; `ledger.updates.run`
    makes one for a run that was started elsewhere. It may be used by several threads.
    """

    finished = False
    """Whether the run was finished through this handle. Other handles and processes are not taken into account."""

    _finish_failed = False
    """Whether a finish through this handle was asked for that failed. It may have been applied even so."""
    _is_missing = False
    """Whether such a finish found no run, which was reported."""

    def __init__(self, key: RunKey, updates: LedgerUpdates, site: str | None = None) -> None:
        self._key = key
        self._updates = updates
        self.site = site
        """Where the run was started, as "file:line in function". Failures report it if no other call site is known."""

    def __repr__(self) -> str:
        return f"Run({self._key!r})"

    @property
    def key(self) -> RunKey:
        """The run's key. After a start it holds the store's own reference to the record, if the store has one."""
        return self._key

    def update(
        self,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
    ) -> RunRecord | MaybeNone:
        """Set `metrics`, `add` to numbers, append a `note`. With none of them, it is a heartbeat."""
        return self._updates._apply(self, lambda: RunChange(metrics=metrics, add=add, note=note))

    def heartbeat(self) -> RunRecord | MaybeNone:
        """Report that the run is still alive: only `updated_at` changes."""
        return self._updates._apply(self, RunChange)

    def complete(
        self,
        *,
        with_errors: str | BaseException | None = None,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
        at: datetime | None = None,
    ) -> RunRecord | MaybeNone:
        """Finish the run as Completed or, if `with_errors` says what went wrong, as Completed with Errors."""
        status = RunStatus.COMPLETED if with_errors is None else RunStatus.COMPLETED_WITH_ERRORS
        return self._finish(
            lambda: RunChange(
                status=status,
                error=None if with_errors is None else _error_text(with_errors, "with_errors"),
                metrics=metrics,
                add=add,
                note=note,
            ),
            at,
        )

    def fail(
        self,
        error: str | BaseException,
        *,
        metrics: Mapping[str, MetricValue] = NO_METRICS,
        add: Mapping[str, int | float] = NO_METRICS,
        note: str | None = None,
        at: datetime | None = None,
    ) -> RunRecord | MaybeNone:
        """Finish the run as Failed. `error` is the reason: text of up to 100,000 characters, or an exception.

        Of an exception "TypeName: message" is stored; characters that cannot be stored become U+FFFD, and what is too
        long is truncated.
        """
        status = RunStatus.FAILED
        return self._finish(
            lambda: RunChange(status=status, error=_error_text(error, "error"), metrics=metrics, add=add, note=note), at
        )

    def skip(self, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Skipped: there was nothing to do. `why` is appended to the log as a note."""
        return self._finish(lambda: RunChange(status=RunStatus.SKIPPED, note=_reason(why)), at)

    def cancel(self, why: str, *, at: datetime | None = None) -> RunRecord | MaybeNone:
        """Finish the run as Cancelled: somebody asked for it. `why` is appended to the log as a note."""
        return self._finish(lambda: RunChange(status=RunStatus.CANCELLED, note=_reason(why)), at)

    def _finish(self, make_change: Callable[[], RunChange], at: datetime | None) -> RunRecord | MaybeNone:
        try:
            record = self._updates._apply(self, make_change, at)
        except RunLedgerError as error:
            self._finish_failed, self._is_missing = True, isinstance(error, RunNotFound)
            raise
        if record is None:
            self._finish_failed = self._is_missing = True
        else:
            self.finished = True
        return record


def may_finish(run: Run, *, completes: bool) -> bool:
    """Whether the end of a block may finish its run: as Completed, or without `completes` for what the block raised.

    After a finish of the block itself that failed, the run may not complete: the block may have asked for something
    else. Of a missing run nothing more is sent.
    """
    return not (run.finished or run._is_missing or (completes and run._finish_failed))


def send_heartbeat(run: Run, *, report: bool) -> RunRecord | MaybeNone:
    """Send a heartbeat. Returns the record after it, or None if it failed, which is reported if `report` is set."""
    try:
        return run._updates._beat(run, report=report)
    except Exception:  # of a store that raises what it should not: the thread that calls has nobody to raise it to
        if report:
            import logging

            logging.getLogger("runledger").exception("a heartbeat of %s failed", run.key)
        return None


def _error_text(error: str | BaseException, parameter: str) -> str:
    """What went wrong, checked under the caller's name for it. An exception's text is made storable instead."""
    if isinstance(error, BaseException):
        return storable_text(_text_of(error))
    if error is not None and not is_a(error, str):
        raise InvalidValue(f"{parameter} is {type(error).__name__}: give text or an exception.")
    text = "" if error is None else checked_text(error, parameter)
    if not text:
        raise InvalidValue(f"{parameter} is empty: say what went wrong.")
    return text


def _text_of(exception: BaseException) -> str:
    name = type(exception).__name__
    try:
        text = str.__str__(str(exception))  # plain text: a __str__ may return a subclass, such as a translation
    except Exception:  # its own __str__ failed, which must not hide the exception itself
        return name
    return f"{name}: {text}" if text else name


def _reason(why: str) -> str:
    text = "" if why is None else plain_text(why, "why")
    if not text:
        raise InvalidValue("why is empty: give the reason in one line.")
    return checked_note(text, "why")


def _is_change_of_run(pair: object) -> bool:
    match pair:
        case (RunKey(), RunChange()):
            return True
    return False
