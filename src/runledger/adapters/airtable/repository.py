"""Runs in an Airtable table: updates by list and PATCH alone, creations by the protocol look, create, confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from attrs import define, evolve, field, frozen
from requests.adapters import BaseAdapter, HTTPAdapter

from ...domain import (
    EventKind,
    Guarantees,
    LogLine,
    NewRun,
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
from .rate import RateLimit
from .table import WRITTEN_AT_ONCE, Cells, Locks, RunTable, require_kept
from .transport import (
    ENDPOINT,
    HTTPWithoutCreation,
    Paced,
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
        return (row.record for row in self._rows(query))

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        lines = self._table.columns.lines(self._table.the_row(key))
        return iter(lines if last is None else lines[max(0, len(lines) - last) :])

    def find_with_logs(self, query: RunQuery) -> Iterator[tuple[RunRecord, tuple[LogLine, ...]]]:
        return ((row.record, self._table.columns.lines(row)) for row in self._rows(query))

    def _rows(self, query: RunQuery) -> Iterator[Row]:
        return islice(matching(self._table, query), query.limit)


_WITHOUT_MARKS = Guarantees(
    atomic_bulk=False, atomic_add=False, exact_finish=False, exact_start=False, exact_values=False
)
_WITH_MARKS = evolve(_WITHOUT_MARKS, exact_start=True)


@frozen
class Made:
    """A record that the server says it made: its id, its creation time, and its cells as they are stored."""

    reference: str
    created: datetime
    cells: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Made:
        return cls(raw["id"], datetime.fromisoformat(raw["createdTime"]), raw["fields"])


@define
class Judged:
    """Which starts created the first record of their key, with its reference, and which did not.

    `failure` is raised if a record that is not the first could not be removed.
    """

    made: dict[RunKey, RunKey] = field(factory=dict)
    refused: list[RunKey] = field(factory=list)
    failure: RunLedgerError | None = None


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
        super().__init__(RunTable(updating, columns, clock, sleep, locks or Locks()))
        self._creating = creating
        self._identity = endpoint.rstrip("/"), base_id, table

    def identity(self) -> tuple[str, str, str]:
        """See IdentifiedStore. A table that is named once, and given by its id once, is not recognised."""
        return self._identity

    @property
    def guarantees(self) -> Guarantees:
        """Of several starts of one run at most one succeeds without exception only with a column for marks."""
        return _WITH_MARKS if self._table.columns.start_mark else _WITHOUT_MARKS

    def create(self, new: NewRun) -> RunKey:
        return self.create_many([new])[0]

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        """Look, create, confirm: the protocol in ARCHITECTURE.md, for any number of records."""
        if not news:
            return []
        made = self._made_before(news)
        if missing := [new for new in news if new.key not in made]:
            try:
                posted, failure = self._post(missing)
                made.update(self._confirm(missing, posted, failure))
            except RunLedgerError as error:
                raise error.having_applied([*made.values(), *error.applied]) from None
        return [made[new.key] for new in news]

    def without_creation(self) -> AirtableRunAccess:
        return AirtableRunAccess(self._table)

    def add_observer(self, observer: RunObserver) -> None:
        self._table.observers.append(observer)

    def close(self) -> None:
        for table in (self._table.table, self._creating):
            table.api.session.close()

    def _made_before(self, news: Sequence[NewRun]) -> dict[RunKey, RunKey]:
        """The keys whose records an earlier attempt of these starts created. Raises RunAlreadyExists for any other."""
        found, _ = self._table.of_keys(list(dict.fromkeys(new.key for new in news)))
        again = {new.key: new for new in news if self._own(new, found[new.key])}
        judged = self._judge(again.values(), self._table.settled(list(again)) if again else {}, {})
        others = {key for key, rows in found.items() if rows and key not in again}
        rejected = rejected_keys(news, dict.fromkeys([*others, *judged.refused], ""))
        if judged.failure or rejected:
            applied = [made for made in judged.made.values() if made not in rejected]
            raise (judged.failure or RunAlreadyExists(rejected)).having_applied(applied)
        return judged.made

    def _post(self, news: Sequence[NewRun]) -> tuple[dict[RunKey, Made | None], RunLedgerError | None]:
        """Post each record once, by tens, up to a failure. Returns what was made, None where the answer was lost."""
        posted: dict[RunKey, Made | None] = {}
        writing = [(new.key, self._table.columns.of_new(new)) for new in news]
        for first in range(0, len(writing), WRITTEN_AT_ONCE):
            batch = writing[first : first + WRITTEN_AT_ONCE]
            try:
                made = self._post_batch(batch)
                posted.update((key, self._made_of(cells, made)) for key, cells in batch)
                for key, cells in batch:
                    self._require_kept(key, cells, posted[key], made)
            except StoreUnavailable as error:
                if error.outcome is Outcome.UNKNOWN:
                    posted.update((key, None) for key, _ in batch)
                return posted, error
            except RunLedgerError as error:
                return posted, error
        return posted, None

    def _made_of(self, cells: Mapping[str, Any], made: Sequence[Made]) -> Made | None:
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
        self, news: Sequence[NewRun], posted: Mapping[RunKey, Made | None], failure: RunLedgerError | None
    ) -> dict[RunKey, RunKey]:
        """The keys of the posted records that are the first of their key. Raises RunAlreadyExists for the others."""
        judged = self._judge(news[: len(posted)], self._look_again(posted) if posted else {}, posted)
        if judged.failure is None and judged.refused:
            judged.failure = RunAlreadyExists(judged.refused)
        if judged.failure is not None:
            raise judged.failure.having_applied(judged.made.values())
        is_whole = len(judged.made) == len(news)
        if not is_whole and failure is None:
            failure = StoreUnavailable("a listing lacks what was just made", Outcome.UNKNOWN, news[0].key)
        # If the records were found, the lost answer to their POST no longer matters.
        if failure is None or (is_whole and isinstance(failure, StoreUnavailable)):
            return judged.made
        raise failure.having_applied(judged.made.values())

    def _judge(
        self, news: Iterable[NewRun], found: Mapping[RunKey, list[Row]], posted: Mapping[RunKey, Made | None]
    ) -> Judged:
        """Determine for each start whether its record is the first of its key, and remove it if it is not."""
        judged = Judged()
        for new in news:
            rows = found[new.key]
            own = self._own(new, rows, posted.get(new.key), is_posted=new.key in posted)
            if rows and rows[0] in own:
                judged.made[new.key] = rows[0].record.key
                self._remove_others(new.key, rows[1:])
            elif rows:
                judged.refused.append(new.key)
                try:
                    self._remove(new.key, own)
                except RunLedgerError as error:
                    judged.failure = error
        return judged

    def _own(self, new: NewRun, rows: Iterable[Row], made: Made | None = None, *, is_posted: bool = False) -> list[Row]:
        """The rows that an attempt of this start created.

        `made` is the record that the answer to its POST names; without it, `is_posted` says that the answer was lost.
        Every other row is recognised by the mark if there is a column for it, else by start time and client name.
        """
        in_doubt = new.is_retry or (is_posted and made is None)

        def is_of_another_attempt(row: Row) -> bool:
            if self._table.columns.start_mark:
                return new.created(row.mark)
            return in_doubt and new.record.is_start_of(row.record)

        return [row for row in rows if (made and made.reference == row.reference) or is_of_another_attempt(row)]

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
                if self._table.may_hold(row.record.key, error.refusal):  # else another creator has removed it
                    self._table.refused(error.refusal, [(key, {})])
            except StoreUnavailable as error:
                reason = f"record {row.reference}, which lost against an older one, may still be there: {error.reason}"
                raise StoreUnavailable(reason, Outcome.UNKNOWN, key) from None
