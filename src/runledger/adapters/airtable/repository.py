"""Runs in an Airtable table: updates by list and PATCH alone, creations by the protocol look, create, confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

from requests.adapters import BaseAdapter, HTTPAdapter

from ...domain import (
    CallWithinCall,
    Guarantees,
    LogLine,
    NewRun,
    RunChange,
    RunKey,
    RunObserver,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
)
from ...domain.stored_row import StoredRow
from .columns import Columns
from .creation import Creations
from .layout import Layout
from .listing import matching
from .locks import Locks
from .rate import RateLimit
from .row import Row
from .stored_rows import stored_rows
from .table import RunTable
from .transport import (
    ENDPOINT,
    HTTPWithoutCreation,
    Paced,
    ServerClock,
    WithoutCreation,
    api_over,
)

T = TypeVar("T")


def about(key: RunKey, call: Callable[[], T]) -> T:
    """What `call` returns, which is about one run. An error of a request that does not know the run carries its key."""
    try:
        return call()
    except StoreUnavailable as error:
        if error.key is not None:
            raise
        is_within = isinstance(error, CallWithinCall)
        named = CallWithinCall(key) if is_within else StoreUnavailable(error.reason, error.outcome, key)
        named.unconfirmed = error.unconfirmed
        raise named from None
    except StoreUnusable as error:
        error.key = error.key or key
        raise


class AirtableRunAccess:
    """Updates and reads; see RunUpdates and RunReads. Its transport rejects every request that could create."""

    def __init__(self, table: RunTable) -> None:
        self._table = table

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return about(key, partial(self._table.locks.run, [key], partial(self._update, key, change, at)))

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            self._table.locks.run((key for key, _ in changes), partial(self._table.changed, changes, at))

    def get(self, key: RunKey) -> RunRecord:
        return about(key, partial(self._table.the_row, key)).record

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return (row.record for row in self._rows(query))

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        lines = self._table.columns.lines(about(key, partial(self._table.the_row, key)))
        return iter(lines if last is None else lines[max(0, len(lines) - last) :])

    def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        return ((row.record, self._table.columns.lines(row)) for row in self._rows(query))

    def stored_rows(self) -> Iterator[StoredRow]:
        return stored_rows(self._table)

    def _update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        table = self._table
        if key.reference is None or not change.only_sets:
            return table.changed([(key, change)], at)[0]
        table.learn_unless_seen(["updated_at"])
        table.require_writable([(key, change)])
        (row,) = table.patch([(key, table.columns.of_setting(change.metrics, at, key))])
        return row.record

    def _rows(self, query: RunQuery) -> Iterator[Row]:
        return islice(matching(self._table, query), query.limit)


class AirtableRunRepository(AirtableRunAccess):
    """A store in a table, given by its name or id, of a base, with a personal access token.

    `limit` paces the requests of all repositories that share it. A read and a write are exact among the repositories
    that share `locks`. So give all repositories of one base the same two. The first of `transports` sends what creates,
    the second everything else (default: HTTP). `sleep` waits, in seconds.
    """

    def __init__(
        self,
        token: str,
        base_id: str,
        table: str,
        *,
        columns: Columns = Columns(),
        endpoint: str = ENDPOINT,
        limit: RateLimit | None = None,
        locks: Locks | None = None,
        transports: tuple[BaseAdapter, WithoutCreation] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        limit = limit or RateLimit(sleep=sleep)
        clock = ServerClock()
        creating, updating = (
            api_over(Paced(transport, limit, clock), token, endpoint).table(base_id, table)
            for transport in transports or (HTTPAdapter(), HTTPWithoutCreation())
        )
        super().__init__(RunTable(updating, Layout(columns), clock, sleep, locks or Locks()))
        self._creations = Creations(self._table, creating)
        self._identity = endpoint.rstrip("/"), base_id, table

    def identity(self) -> tuple[str, str, str]:
        """See IdentifiedStore. A table that is named once, and given by its id once, is not recognised."""
        return self._identity

    @property
    def guarantees(self) -> Guarantees:
        """What the table's columns allow. Asks which there are, once. Raises StoreUnavailable or StoreUnusable."""
        self._table.learn()
        columns = self._table.columns
        return Guarantees(
            atomic_bulk=False,
            atomic_add=False,
            exact_finish=False,
            exact_start=columns.start_mark is not None,
            exact_values=False,
            exact_status=columns.keeps_each_status,
            exact_end=columns.ended_at is not None,
            heartbeats=columns.updated_at is not None,
        )

    def create(self, new: NewRun) -> RunKey:
        return about(new.key, partial(self._creations.make, [new]))[0]

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        """Look, create, confirm: the protocol in ARCHITECTURE.md, for any number of records."""
        return self._creations.make(news) if news else []

    def without_creation(self) -> AirtableRunAccess:
        return AirtableRunAccess(self._table)

    def add_observer(self, observer: RunObserver) -> None:
        self._table.observers.append(observer)

    def close(self) -> None:
        self._table.table.api.session.close()
        self._creations.close()
