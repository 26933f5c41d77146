"""The port: what a store must do. Three narrow rights, and their sum, which an adapter is.

What holds for every method: values are checked before they get here; an adapter changes none of them. Whatever the
store's driver raises becomes one of the ledger's errors. StoreUnavailable says whether a change may have been
applied; no method sends a change twice. All methods may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import frozen

from .events import RunObserver
from .query import RunQuery, RunSummary
from .record import RunChange, RunKey, RunRecord


class RunCreation(Protocol):
    """The right to create. Only the start of a workflow holds it."""

    def create(self, record: RunRecord) -> RunKey:
        """Store a new record, durably, before returning its key, with the store's reference to it where it has one.

        Raises RunAlreadyExists if the key has a record, which is then not touched, with any number of threads,
        processes and machines creating at once. Raises UnknownMetric, StoreUnavailable or StoreUnusable.
        """

    def create_many(self, records: Sequence[RunRecord]) -> Sequence[RunKey]:
        """Store new records and return their keys in the same order; all or none where the store guarantees it.

        Raises RunAlreadyExists with all keys that have a record already or stand twice in `records`. The `applied` of
        an error are the keys whose records were made all the same.
        """


class RunUpdates(Protocol):
    """The right to change run records that exist. Nothing here can create one."""

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        """Apply `change` to the record of `key` as one indivisible act, as `RunRecord.apply` does; return it after.

        A key that carries a reference means that very record: if it is gone, the run is missing.
        Raises RunNotFound if no record has exactly this key; the store is then as it was.
        Raises RunAlreadyFinished, InvalidValue, UnknownMetric as `apply` and the store's columns say; nothing is
        written. Raises StoreUnavailable or StoreUnusable.
        """

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        """Apply many changes in their order; all or none where the store guarantees it. Raises as `update` does."""


class RunReads(Protocol):
    """The right to look."""

    def get(self, key: RunKey) -> RunRecord:
        """The record of exactly this key. Raises RunNotFound, StoreUnavailable or StoreUnusable."""

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        """The records that match, lazily and page by page, newest start first.

        Records of the same start come in the reverse order of their keys, by code point. No record comes twice, and
        none that stays as it is is left out, whatever is created or updated meanwhile.
        """


class RunAccess(RunUpdates, RunReads, Protocol):
    """The rights to update and to look, and nothing else."""


@frozen(slots=False, kw_only=True)
class Guarantees:
    """What a store promises beyond the rules that every store keeps. The conformance suite asks for each promise.

    `atomic_bulk`: create_many and update_many are all or nothing, whatever goes wrong in between.
    `atomic_add`: additions and notes that processes make at once are all kept.
    `exact_finish`: of processes that finish one run at once, exactly one succeeds.
    `exact_values`: a metric keeps its type, so that 1 is not 1.0, and False or empty text is not a metric never set.
    Within one process, `atomic_add` and `exact_finish` hold for every store.
    """

    atomic_bulk: bool = True
    atomic_add: bool = True
    exact_finish: bool = True
    exact_values: bool = True


@runtime_checkable
class ObservedStore(Protocol):
    """A store that comes upon things nobody asked about, such as duplicates, and tells of them. Optional."""

    def report_to(self, observer: RunObserver) -> None:
        """Tell this observer, from now on."""


@runtime_checkable
class SummableStore(Protocol):
    """A store that adds records up in less time than it takes to find them. Optional."""

    def summary(self, query: RunQuery) -> RunSummary:
        """The summary of the records that `find` gives."""


class RunRepository(RunCreation, RunAccess, Protocol):
    """What an adapter is."""

    @property
    def guarantees(self) -> Guarantees:
        """What this store promises beyond the rules."""

    def without_creation(self) -> RunAccess:
        """An object over the same store from which no creating method can be reached, not even by its attributes."""

    def close(self) -> None:
        """Release what the adapter holds open."""
