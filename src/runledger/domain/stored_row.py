"""A row of a store as it is, whether or not it is a valid run record."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import frozen

from .record import RunRecord
from .values import RunStatus


@frozen(kw_only=True)
class StoredRow:
    """What one row of a store holds. A part that is empty, or that cannot be read, is None; an id is then "".

    `word` is the store's word for the status, also for one that is not valid, and `start` its text for a start that
    cannot be read. `created_at` is when the store made the row, and `reference` names it there. Of several rows of one
    key, the one with the least `order` is the run's record; it is None in a store that has one row of each key. `fault`
    says why the row is not a valid run record; it is empty if it is one.
    """

    run_id: str
    client_id: str
    status: RunStatus | None
    word: str = ""
    started_at: datetime | None = None
    start: str = ""
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    created_at: datetime | None = None
    reference: str | None = None
    order: tuple[float, datetime, str] | None = None
    fault: str = ""

    @classmethod
    def of_record(cls, record: RunRecord) -> StoredRow:
        """The row of a valid record."""
        return cls(
            run_id=record.key.run_id,
            client_id=record.key.client_id,
            status=record.status,
            started_at=record.started_at,
            ended_at=record.ended_at,
            updated_at=record.updated_at,
            reference=record.key.reference,
        )


@runtime_checkable
class RowStore(Protocol):
    """Optional. A store that may hold rows that are not valid run records, or several of one key.

    Both the repository and what its `without_creation` returns have it.
    """

    @abstractmethod
    def stored_rows(self) -> Iterator[StoredRow]:
        """Every row, lazily, in any order, each once. Raises StoreUnavailable or StoreUnusable."""
