"""Runs in an Airtable table: updates by list and PATCH alone, creations by the protocol look, create, confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from attrs import frozen
from requests.adapters import BaseAdapter, HTTPAdapter

from ...domain import (
    EventKind,
    Guarantees,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunLedgerError,
    RunObserver,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
    rejected_keys,
)
from .columns import Columns, Row
from .listing import matching
from .table import WRITTEN_AT_ONCE, Cells, Locks, RunTable, require_kept
from .transport import (
    ENDPOINT,
    HTTPWithoutCreation,
    Paced,
    RateLimit,
    Refused,
    ServerClock,
    WithoutCreation,
    api_over,
    sent,
)


class AirtableRunAccess:
    """Updates and reads; see RunUpdates and RunReads. Its transport rejects every request that could create."""

    def __init__(self, table: RunTable) -> None:
        self._table = table

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        table = self._table
        only_sets = change.only_sets and (change.metrics or table.columns.updated_at)
        with table.locks.held([key]):
            if key.reference is None or not only_sets:
                return table.changed([(key, change)], at)[0]
            (row,) = table.patch([(key, table.columns.of_setting(change.metrics, at, key))])
            return row.record

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            with self._table.locks.held(key for key, _ in changes):
                self._table.changed(changes, at)

    def get(self, key: RunKey) -> RunRecord:
        return self._table.the_row(key).record

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return islice(matching(self._table, query), query.limit)


@frozen
class Made:
    """A record that the server says it made: its id, its creation time, and its cells as they are stored."""

    reference: str
    created: datetime
    cells: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Made:
        return cls(raw["id"], datetime.fromisoformat(raw["createdTime"]), raw["fields"])


class AirtableRunRepository(AirtableRunAccess):
    """A store in a table, given by its name or id, of a base, with a personal access token.

    `limit` paces the requests of all repositories that share it. A read and a write are exact among the repositories
    that share `locks`. So give all repositories of one base the same two. The first of `transports` sends what creates,
    the second everything else (default: HTTP). `sleep` waits, in seconds.
    """

    guarantees = Guarantees(atomic_bulk=False, atomic_add=False, exact_finish=False, exact_values=False)

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
        super().__init__(RunTable(updating, columns, clock, sleep, locks or Locks()))
        self._creating = creating

    def create(self, record: RunRecord) -> RunKey:
        return self.create_many([record])[0]

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        """Look, create, confirm: the protocol in ARCHITECTURE.md, for any number of records."""
        if not records:
            return []
        self._require_new(records)
        posted, failure = self._post(records)
        return self._confirm(records, posted, failure)

    def without_creation(self) -> AirtableRunAccess:
        return AirtableRunAccess(self._table)

    def add_observer(self, observer: RunObserver) -> None:
        self._table.observers.append(observer)

    def close(self) -> None:
        for table in (self._table.table, self._creating):
            table.api.session.close()

    def _require_new(self, records: Sequence[RunRecord]) -> None:
        found, _ = self._table.of_keys(list(dict.fromkeys(record.key for record in records)))
        existing = {key for key, rows in found.items() if rows}
        if rejected := rejected_keys((record.key for record in records), existing):
            self._remove_losers([record for record in records if len(found[record.key]) > 1])
            raise RunAlreadyExists(rejected)

    def _remove_losers(self, records: Sequence[RunRecord]) -> None:
        """Remove what an earlier attempt of these starts created after another's record."""
        found = self._table.settled([record.key for record in records]) if records else {}
        for record in records:
            self._remove(record.key, [row for row in found[record.key][1:] if record.is_start_of(row.record)])

    def _post(self, records: Sequence[RunRecord]) -> tuple[dict[RunKey, Made | None], RunLedgerError | None]:
        """Post each record once, by tens, up to a failure. Returns what was made, None where the answer was lost."""
        posted: dict[RunKey, Made | None] = {}
        writing = [(record.key, self._table.columns.of_new(record)) for record in records]
        for first in range(0, len(writing), WRITTEN_AT_ONCE):
            batch = writing[first : first + WRITTEN_AT_ONCE]
            try:
                made = self._post_batch(batch)
                posted.update((key, self._own(cells, made)) for key, cells in batch)
                for key, cells in batch:
                    self._require_kept(key, cells, posted[key], made)
            except StoreUnavailable as error:
                if error.outcome is Outcome.UNKNOWN:
                    posted.update((key, None) for key, _ in batch)
                return posted, error
            except RunLedgerError as error:
                return posted, error
        return posted, None

    def _own(self, cells: Mapping[str, Any], made: Sequence[Made]) -> Made | None:
        """The record, among those made, with exactly the ids that were written."""
        ids = self._table.columns.ids
        return next((one for one in made if ids(one.cells) == ids(cells)), None)

    def _require_kept(self, key: RunKey, cells: Mapping[str, Any], own: Made | None, made: Sequence[Made]) -> None:
        if own is None:
            there = ", ".join(str(self._table.columns.ids(one.cells)) for one in made)
            raise StoreUnusable(
                f"the table does not keep the ids of {key} as they are, and would not find its record again: it made "
                f"{there}. Remove that record, and give the columns of the ids the type single line text.",
                key,
            )
        require_kept(key, cells, own.cells)

    def _post_batch(self, batch: Cells) -> list[Made]:
        """The only request that creates records."""

        def post() -> list[Made]:
            made = [Made.of(raw) for raw in self._creating.batch_create([dict(cells) for _, cells in batch])]
            if len(made) != len(batch):
                raise ValueError("the answer holds another number of records than were posted")
            return made

        try:
            return sent(post, writes=True)
        except Refused as error:
            self._table.refused(error.refusal, batch)
        except StoreUnavailable as error:
            raise StoreUnavailable(error.reason, error.outcome, batch[0][0]) from None

    def _confirm(
        self, records: Sequence[RunRecord], posted: Mapping[RunKey, Made | None], failure: RunLedgerError | None
    ) -> list[RunKey]:
        """Determine for each posted record whether it is the first of its key, and remove it if it is not."""
        made: list[RunKey] = []
        refused: list[RunKey] = []
        left_over = None
        found = self._look_again(posted) if posted else {}
        for record in records[: len(posted)]:
            rows, one = found[record.key], posted[record.key]
            own = [row for row in rows if (row.reference == one.reference if one else record.is_start_of(row.record))]
            if rows and rows[0] in own:
                made.append(rows[0].record.key)
                self._remove_others(record.key, rows[1:])
            elif rows:
                refused.append(record.key)
                try:
                    self._remove(record.key, own)
                except RunLedgerError as error:
                    left_over = error
        if left_over:
            raise left_over.having_applied(made)
        if refused:
            raise RunAlreadyExists(refused).having_applied(made)
        if len(made) < len(records) and failure is None:
            failure = StoreUnavailable("a listing lacks what was just made", Outcome.UNKNOWN, records[0].key)
        # If the records were found, the lost answer to their POST no longer matters.
        if failure is None or (len(made) == len(records) and isinstance(failure, StoreUnavailable)):
            return made
        raise failure.having_applied(made)

    def _look_again(self, posted: Mapping[RunKey, Made | None]) -> dict[RunKey, list[Row]]:
        keys = list(posted)
        made_at = max((one.created for one in posted.values() if one), default=None)
        try:
            return self._table.settled(keys, made_at)
        except RunLedgerError as error:
            reason = f"what was made could not be confirmed: {getattr(error, 'reason', error)}".rstrip(".")
            raise StoreUnavailable(reason, Outcome.UNKNOWN, keys[0]) from None

    def _remove_others(self, key: RunKey, rows: Sequence[Row]) -> None:
        """Remove the records that came after the one that this creation made. What cannot be removed is reported."""
        try:
            self._remove(key, rows)
        except RunLedgerError as error:
            self._table.report(EventKind.DUPLICATED, key, f"{len(rows)} later records could not be removed: {error}")

    def _remove(self, key: RunKey, rows: Iterable[Row]) -> None:
        """Remove records of a key that has an older one. Raises StoreUnavailable if one may still be there."""
        for row in rows:
            try:
                sent(partial(self._creating.batch_delete, [row.reference]), writes=True)
            except Refused as error:
                if self._table.may_hold(row, error.refusal):  # else another creator has removed it
                    self._table.refused(error.refusal, [(key, {})])
            except StoreUnavailable as error:
                reason = f"record {row.reference}, which lost against an older one, may still be there: {error.reason}"
                raise StoreUnavailable(reason, Outcome.UNKNOWN, key) from None
