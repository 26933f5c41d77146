"""The port: what a store must do. Three narrow rights, and their sum, which every adapter implements.

For every method: values are checked before they get here, times are in UTC to the millisecond, and an adapter changes
none of them. What the store's driver raises becomes an error of the ledger. StoreUnavailable says whether a change may
have been applied. No method sends a change twice. All methods may be called from any thread. A signal handler or a
finaliser may call one within another call of its thread: it never waits for that call, but succeeds, or raises
CallWithinCall.

A class has these rights by its methods. If it derives from the protocols too, it cannot be used before it has them all.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from attrs import frozen

from .events import RunObserver
from .key import RunKey
from .late_names import LateModule
from .new_run import NewRun
from .record import RunChange, RunRecord
from .representation import fields_shown
from .values import LogLine

if TYPE_CHECKING:
    from . import query
else:
    query = LateModule(".query", __package__)


class RunCreation(Protocol):
    """The right to create run records. Only the start of a workflow has it."""

    @abstractmethod
    def create(self, new: NewRun) -> RunKey:
        """Store a new record, its log and its mark durably and atomically, and return its key.

        The key that is returned has the store's reference to the record, if there is one.
        If the key has a record with the very mark of `new`, an earlier attempt of the same start created it: its key is
        returned, and nothing is written. A store that cannot keep marks returns it only if `new.is_retry`, and
        `new.record.is_start_of` the stored record.
        Raises RunAlreadyExists if the key has any other record, which stays unchanged. That holds with any number of
        threads, processes and machines creating at the same time. Raises UnknownMetric, StoreUnavailable or
        StoreUnusable (UnusableForRun if others can be created), and InvalidValue for a log that is too long for the
        store: nothing is written then.
        """

    @abstractmethod
    def create_many(self, news: Sequence[NewRun]) -> Sequence[RunKey]:
        """Store new records as `create` does, and return their keys in the same order.

        All or none, if the store guarantees it. A key that an earlier attempt of the same start created counts as
        created.
        Raises RunAlreadyExists with every key that has another record already or is in `news` more than once. The
        `applied` of an error holds the keys whose records were created nevertheless.
        """


class RunUpdates(Protocol):
    """The right to change run records that exist. Nothing here can create one."""

    @abstractmethod
    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        """Apply `change` to the record of `key` atomically, as `RunRecord.apply` does, and return the record after it.

        `change.line(at)` is appended to the run's log in the same step: `notes` is always the number of lines of the
        log, and a change that is not applied leaves no line.
        A key with a reference means that very record: if it is gone, the run is missing.
        Raises RunNotFound if no record has exactly this key; the store is then unchanged.
        Raises RunAlreadyFinished, InvalidValue or UnknownMetric as `apply` and the store's columns require; nothing is
        written then. Raises StoreUnavailable or StoreUnusable, and InvalidValue for a note that no longer fits in a log
        that the store bounds.
        """

    @abstractmethod
    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        """Apply many changes in their order. All or none, if the store guarantees it. Raises what `update` raises."""


class RunReads(Protocol):
    """The right to read."""

    @abstractmethod
    def get(self, key: RunKey) -> RunRecord:
        """The record of exactly this key. Raises RunNotFound, StoreUnavailable or StoreUnusable."""

    @abstractmethod
    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        """The lines of the run's log, lazily, in the order in which they were added; with `last`, the last so many.

        Raises RunNotFound, StoreUnavailable or StoreUnusable, at the latest when the first line is asked for.
        """

    @abstractmethod
    def find(self, query: query.RunQuery) -> Iterator[RunRecord]:
        """The records that match, lazily and page by page, newest start first.

        Records with the same start come in the reverse order of their keys, by code point. No record comes twice. A
        record that does not change meanwhile is not left out, even if others are created or updated.
        """


class RunAccess(RunUpdates, RunReads, Protocol):
    """The rights to update and to read, and nothing else."""


@frozen(kw_only=True)
class Guarantees:
    """What a store promises beyond the rules that every store keeps. The conformance suite tests each promise.

    `atomic_bulk`: create_many and update_many are all or nothing, also if something fails in between.
    `atomic_add`: additions and notes of concurrent processes are all kept.
    `exact_finish`: if several processes finish one run at the same time, exactly one succeeds.
    `exact_start`: the store keeps marks. So of several starts of one run at most one succeeds, even if they have the
    same time and client name, and answers are lost.
    `exact_values`: a metric keeps its type, so 1 is not 1.0, and False or empty text differs from a metric that was
    never set.
    `exact_status`: each status is kept; else some are rejected, or stored as another.
    `exact_end`: the end of a finished run is kept; else it is read as the run's last sign of life.
    `heartbeats`: the time of each update is kept; else a heartbeat and a query by `updated_before` raise StoreUnusable.
    Within one process, `atomic_add` and `exact_finish` hold for every store.
    """

    __repr__ = fields_shown

    atomic_bulk: bool = True
    atomic_add: bool = True
    exact_finish: bool = True
    exact_start: bool = True
    exact_values: bool = True
    exact_status: bool = True
    exact_end: bool = True
    heartbeats: bool = True


@runtime_checkable
class ObservedStore(Protocol):
    """Optional. A store that detects duplicates, lost updates or unreadable rows on its own, and reports them."""

    @abstractmethod
    def add_observer(self, observer: RunObserver) -> None:
        """Report to this observer from now on."""


@runtime_checkable
class SummableStore(Protocol):
    """Optional. A store that summarises records in less time than it takes to find them."""

    @abstractmethod
    def summary(self, query: query.RunQuery) -> query.RunSummary:
        """The summary of the records that `find` returns."""


@runtime_checkable
class LatestStore(Protocol):
    """Optional. A store that finds the newest record of each client in less time than it takes to find all records."""

    @abstractmethod
    def latest(self, since: datetime | None = None) -> Iterator[RunRecord]:
        """The record of each client that `find` returns first, lazily, in the order of client ids, by code point.

        With `since`, only records that started then or later. No client comes twice.
        """


@runtime_checkable
class LoggedStore(Protocol):
    """Optional. A store that finds records together with their logs in less time than it takes to read each log."""

    @abstractmethod
    def find_with_logs(self, query: query.RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        """The records that `find` returns, each with its log: as many lines as the record counts notes."""


@runtime_checkable
class IdentifiedStore(Protocol):
    """Optional. A store that can be recognised, however it was named when it was opened."""

    @abstractmethod
    def identity(self) -> Hashable:
        """Equal for two repositories of one store. Raises StoreUnavailable or StoreUnusable."""


class RunRepository(RunCreation, RunAccess, Protocol):
    """What every adapter implements."""

    @property
    @abstractmethod
    def guarantees(self) -> Guarantees:
        """What this store promises beyond the rules."""

    @abstractmethod
    def without_creation(self) -> RunAccess:
        """An object over the same store from which no creating method can be reached, not even by its attributes."""

    @abstractmethod
    def close(self) -> None:
        """Release what the adapter holds open."""
