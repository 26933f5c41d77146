"""Removing finished runs: a right apart from creating, updating and reading, and which runs it takes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from .key import checked_client_id
from .record import RunRecord
from .values import checked_time

BATCH = 500
"""How many rows a batch takes if nothing else is asked for."""


def _before(at: datetime) -> datetime:
    return checked_time(at, "before")


def _client_id(value: str | None) -> str | None:
    return None if value is None else checked_client_id(value)


@frozen(kw_only=True)
class FinishedRuns:
    """Runs that started and finished before a moment, of all clients or of one. A Running run is never among them.

    The end counts, not the start: a run is kept for its time after it has finished. Late notes and metrics do not
    count. The last update counts as the end of a run whose store keeps no end. Raises InvalidValue.
    """

    before: datetime = field(converter=_before)
    client_id: str | None = field(default=None, converter=_client_id)

    def includes(self, record: RunRecord) -> bool:
        """Whether a record is that of one of these runs."""
        return (
            record.status.is_final
            and record.started_at < self.before
            and (record.ended_at or record.updated_at) < self.before
            and self.client_id in (None, record.key.client_id)
        )


class RunRemoval(Protocol):
    """The right to remove finished runs, and nothing else: it neither creates nor updates.

    It is a separate object, over separate connections, that `Backend.removal` opens. No repository, access, ledger or
    handle leads to it.
    """

    @abstractmethod
    def remove_runs(self, finished: FinishedRuns, batch: int = BATCH) -> Iterator[int]:
        """Remove these runs with their logs, batch by batch, and yield how many each batch has removed.

        A batch takes at most `batch` rows, which are runs and lines of logs, but at least one run. It is durable when
        its number is yielded, and no other writer waits for anything between two batches. To stop, stop iterating.
        Each run goes whole. Afterwards its key has no record: an update raises RunNotFound, and a start creates a new
        run with an empty log.
        A run that another process is changing at that moment may be left for the next time.
        Raises StoreUnavailable or StoreUnusable. What earlier batches removed stays removed.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what is held open."""


def fitting(notes: Iterable[int], rows: int) -> int:
    """How many of the first runs, given by their numbers of notes, are at most `rows` rows together, but at least 1."""
    count = 0
    for lines in notes:
        rows -= 1 + lines
        if rows < 0 and count:
            break
        count += 1
    return count
