"""Runs in an Airtable table: updates by list and PATCH alone, creations by the protocol look, create, confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import groupby, islice
from threading import Lock
from typing import Any, NoReturn

from attrs import field, frozen
from pyairtable import Table
from pyairtable.formulas import AND, OR, Field, Formula
from requests.adapters import BaseAdapter

from ...domain import (
    EventKind,
    Guarantees,
    InvalidValue,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunObserver,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
    newest_first,
    repeated_keys,
)
from .columns import Columns, Row
from .transport import (
    ENDPOINT,
    Paced,
    RateLimit,
    Refusal,
    Refused,
    WithoutCreation,
    api_over,
    default_transport,
    sent,
)

Cells = Sequence[tuple[RunKey, Mapping[str, Any]]]
"""What is to be written: cells by column, for each key."""

SETTLED = timedelta(seconds=2)
"""How long after its `createdTime`, by the server's clock, nothing older can appear: the second of that time, which is
whole seconds (https://airtable.com/developers/web/api/list-records), and one more for what was on its way."""
EXPIRED = "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"
_WRITTEN_AT_ONCE = 10
_READ_AT_ONCE = 100


class _Locks:
    """One lock for each of many groups of keys: exact within this process, and free for other runs."""

    def __init__(self, groups: int = 64) -> None:
        self._locks = tuple(Lock() for _ in range(groups))

    @contextmanager
    def held(self, keys: Iterable[RunKey]) -> Iterator[None]:
        with ExitStack() as stack:
            for group in sorted({hash(key) % len(self._locks) for key in keys}):
                stack.enter_context(self._locks[group])
            yield


@frozen
class _Store:
    """What the updating and the creating side share. Its table sends nothing that could create."""

    table: Table
    columns: Columns
    transport: Paced
    sleep: Callable[[float], None]
    locks: _Locks = field(factory=_Locks)
    observers: list[RunObserver] = field(factory=list)

    def tell(self, kind: EventKind, key: RunKey | None, detail: str) -> None:
        event = RunEvent(kind=kind, key=key, at=self.transport.server_time(), detail=detail)
        for observer in self.observers:
            observer(event)

    # -- reading

    def of_keys(self, keys: Sequence[RunKey]) -> tuple[dict[RunKey, list[Row]], datetime]:
        """The rows of each key, in the order of their creation, and the server's time when they were read."""
        found: dict[RunKey, list[Row]] = {key: [] for key in keys}
        read_at = None
        for first in range(0, len(keys), _READ_AT_ONCE):
            try:
                for page in self.pages(formula=self._formula(keys[first : first + _READ_AT_ONCE])):
                    read_at = read_at or self.transport.server_time()
                    # What the formula found is compared again: exactly, which formulas do not promise.
                    for row in page:
                        if row.record.key in found:
                            found[row.record.key].append(row)
            except Refused as error:
                self.refused(error.refusal)
        for rows in found.values():
            rows.sort(key=lambda row: row.order)
        assert read_at is not None
        return found, read_at

    def _formula(self, keys: Sequence[RunKey]) -> Formula:
        clients: dict[str, list[Formula]] = {}
        for key in keys:
            clients.setdefault(key.run_id, []).append(Field(self.columns.client_id).eq(key.client_id))
        run = Field(self.columns.run_id)
        return OR([AND(run.eq(run_id), OR(of_clients)) for run_id, of_clients in clients.items()])

    def pages(self, **options: Any) -> Iterator[list[Row]]:
        """Pages of rows, one request each. Raises Refused, as an iterator that has expired is."""
        pages = self.table.iterate(**options)
        while (page := sent(lambda: next(pages, None), writes=False)) is not None:
            yield [row for raw in page if (row := self._row(raw)) is not None]

    def _row(self, raw: Mapping[str, Any]) -> Row | None:
        try:
            return self.columns.row(raw["id"], raw["createdTime"], raw["fields"])
        except InvalidValue as error:
            self.tell(EventKind.UNREADABLE, error.key, f"record {raw['id']} is no run record: {error}")
            return None

    def settled(self, keys: Sequence[RunKey]) -> dict[RunKey, list[Row]]:
        """The rows of each key once the first of them can no longer change, in the order of their creation."""
        for _ in range(4):
            found, read_at = self.of_keys(keys)
            newest = max((rows[0].created for rows in found.values() if rows), default=None)
            if newest is None or self.columns.number or read_at - newest >= SETTLED:
                return found
            self.sleep(min((newest + SETTLED - read_at).total_seconds(), 2 * SETTLED.total_seconds()))
        raise StoreUnavailable("the server's clock stands still", Outcome.NOT_APPLIED)

    def the_row(self, key: RunKey) -> Row:
        """The row of a key: the oldest of its records, or the very one that the key refers to."""
        return self._chosen(key, self.settled([key])[key])

    def _chosen(self, key: RunKey, rows: Sequence[Row]) -> Row:
        chosen = rows[0] if rows else None
        if key.reference is not None:
            chosen = next((row for row in rows if row.reference == key.reference), None)
        if chosen is None:
            raise RunNotFound(key)
        if len(rows) > 1:
            others = ", ".join(row.reference for row in rows if row is not chosen)
            self.tell(EventKind.DUPLICATED, key, f"{chosen.reference} is the run's record; remove {others}")
        return chosen

    # -- updating

    def changed(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> list[RunRecord]:
        """Look the records up, apply the changes by the domain's rules, write what differs."""
        keys = list(dict.fromkeys(key for key, _ in changes))
        found = self.settled(keys)
        rows: dict[RunKey, Row] = {}
        new: dict[RunKey, RunRecord] = {}
        for key, change in changes:
            if key not in rows:
                rows[key] = self._chosen(key, found[key])
                new[key] = rows[key].record
            new[key] = new[key].apply(self._writable(key, change), at)
        cells = {key: self.columns.of_change(rows[key], new[key]) for key in keys}
        pending = [key for key in keys if cells[key]]
        applied: list[RunKey] = []
        for first in range(0, len(pending), _WRITTEN_AT_ONCE):
            batch = pending[first : first + _WRITTEN_AT_ONCE]
            try:
                for row in self.patch([(rows[key].record.key, cells[key]) for key in batch]):
                    self._require_uncontended(rows[row.record.key], row, cells[row.record.key])
                    new[row.record.key] = row.record
            except RunLedgerError as error:
                raise error.having_applied(applied) from None
            applied += batch
        return [new[key] for key, _ in changes]

    def _writable(self, key: RunKey, change: RunChange) -> RunChange:
        if change == _HEARTBEAT and self.columns.updated_at is None:
            raise StoreUnusable(
                "the table keeps no update time, so a heartbeat has nothing to write: name a column.", key
            )
        return change

    def patch(self, changes: Cells) -> list[Row]:
        """Write cells of up to ten records that are there; their rows after it. One PATCH, sent once."""
        # Always by the batch's URL: only there is a missing record told apart from a missing permission.
        body = [{"id": str(key.reference), "fields": dict(cells)} for key, cells in changes]
        try:
            answers = {raw["id"]: raw for raw in sent(lambda: self.table.batch_update(body), writes=True)}  # type: ignore[arg-type]
        except Refused as error:
            self._refused_patch(error.refusal, changes)
        except StoreUnavailable as error:
            raise StoreUnavailable(error.reason, error.outcome, changes[0][0]) from None
        return [self._after(key, cells, answers.get(str(key.reference), {})) for key, cells in changes]

    def _after(self, key: RunKey, cells: Mapping[str, Any], raw: Mapping[str, Any]) -> Row:
        row = self._row(raw) if raw else None
        if row is None or row.record.key != key:
            raise StoreUnusable(f"record {key.reference} of {key} is now another's, and was changed: see to it.", key)
        require_kept(key, cells, row.cells)
        return row

    def _refused_patch(self, refusal: Refusal, changes: Cells) -> NoReturn:
        keys = [key for key, _ in changes]
        if refusal.may_be_of_a_missing_record:
            found, _ = self.of_keys(keys)
            for key in keys:
                if all(row.reference != key.reference for row in found[key]):
                    raise RunNotFound(key)
        self.refused(refusal, changes)

    def _require_uncontended(self, before: Row, after: Row, cells: Mapping[str, Any]) -> None:
        unsent = [name for name in self.columns.of_parts.values() if name not in cells and name != self.columns.number]
        if changed := [name for name in unsent if before.cells.get(name) != after.cells.get(name)]:
            detail = (
                f"another process changed {', '.join(changed)} between our look-up and our write; what it wrote to "
            )
            self.tell(EventKind.CONTENDED, after.record.key, f"{detail}{', '.join(cells)} meanwhile is lost")

    # -- refusals

    def refused(self, refusal: Refusal, writing: Cells = ()) -> NoReturn:
        """Raise the ledger's error for the server's. Error types: https://airtable.com/developers/web/api/errors"""
        if refusal.kind == EXPIRED:
            raise StoreUnavailable("the listing expired before it was read to its end", Outcome.NOT_APPLIED)
        named = [(key, column) for key, cells in writing for column in cells if refusal.names(column)]
        key, column = max(named, key=lambda pair: len(pair[1]), default=(writing[0][0] if writing else None, None))
        metric = self.columns.metric_of(column)
        if refusal.kind == "UNKNOWN_FIELD_NAME" and metric is not None and key is not None:
            raise UnknownMetric(key, metric)
        if refusal.kind == "INVALID_VALUE_FOR_COLUMN" and metric is not None and "computed" not in refusal.message:
            raise InvalidValue(f"metric {metric!r} of {key} is refused by its column: {refusal.message}.", key)
        raise StoreUnusable(f"Airtable refused the request: {_advice(refusal)}", key)


_HEARTBEAT = RunChange()


def _advice(refusal: Refusal) -> str:
    advice = {
        "UNKNOWN_FIELD_NAME": "add the column, or leave it out of the mapping",
        "INVALID_FILTER_BY_FORMULA": "a column of the mapping is not there: add it, or map it",
        "INVALID_VALUE_FOR_COLUMN": "give the column the type that `runledger doctor` names",
        "INVALID_MULTIPLE_CHOICE_OPTIONS": "add the choice to the status column, or map the status to another",
        "INVALID_PERMISSIONS": "give the token the scope data.records:write and its user the right to edit",
        "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND": "check base and table, the token's scopes and its access to the base",
        "NOT_FOUND": "check base and table",
    }.get(refusal.kind, "see `runledger doctor`")
    said = ": ".join(filter(None, (refusal.kind, refusal.message.rstrip("."))))
    return f"{said or refusal.status}. {advice[0].upper()}{advice[1:]}."


def require_kept(key: RunKey, sent_cells: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Raise StoreUnusable if the table rounded a number or a time, or cut a text, that was just written to it."""
    for column, value in sent_cells.items():
        there = kept.get(column)
        if isinstance(value, str):
            lost = len(str(there or "").replace("\r\n", "\n").strip()) < len(value.replace("\r\n", "\n").strip())
        else:
            lost = (there or 0) != value
        if lost:
            raise StoreUnusable(
                f"column {column!r} of {key} keeps {there!r} of {value!r}, and that is what it holds now: give the "
                "column the type and precision that `runledger doctor` names.",
                key,
            )


class AirtableRunAccess:
    """Updates and reads; see RunUpdates and RunReads. What could create, its transport does not send."""

    def __init__(self, store: _Store) -> None:
        self._store = store

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        store = self._store
        only_sets = change == RunChange(metrics=change.metrics) and (change.metrics or store.columns.updated_at)
        with store.locks.held([key]):
            if key.reference is None or not only_sets:
                return store.changed([(key, change)], at)[0]
            (row,) = store.patch([(key, store.columns.of_setting(change.metrics, at, key))])
            return row.record

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            with self._store.locks.held(key for key, _ in changes):
                self._store.changed(changes, at)

    def get(self, key: RunKey) -> RunRecord:
        return self._store.the_row(key).record

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return islice(_found(self._store, query), query.limit)


class AirtableRunRepository(AirtableRunAccess):
    """A store in the table of a base, by its name or id, with a personal access token.

    `limit` paces the requests of all repositories that share it: give those of one base the same. `transport` sends
    the requests (default: HTTP), `sleep` waits.
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
        transport: BaseAdapter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        paced = Paced(transport or default_transport(), limit or RateLimit(sleep=sleep))
        updating = api_over(WithoutCreation(paced), token, endpoint).table(base_id, table)
        super().__init__(_Store(updating, columns, paced, sleep))
        self._table = api_over(paced, token, endpoint).table(base_id, table)
        self._creations = _Locks()

    def create(self, record: RunRecord) -> RunKey:
        return self.create_many([record])[0]

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        """Look, create, confirm: the protocol of ARCHITECTURE.md, for any number of records."""
        if not records:
            return []
        with self._creations.held(record.key for record in records):
            self._require_new(records)
            posted, failure = self._post(records)
            return self._confirm(records, posted, failure)

    def without_creation(self) -> AirtableRunAccess:
        return AirtableRunAccess(self._store)

    def report_to(self, observer: RunObserver) -> None:
        self._store.observers.append(observer)

    def close(self) -> None:
        self._store.transport.close()

    def _require_new(self, records: Sequence[RunRecord]) -> None:
        found, _ = self._store.of_keys(list(dict.fromkeys(record.key for record in records)))
        refused = dict.fromkeys([key for key, rows in found.items() if rows] + repeated_keys(records))
        if refused:
            self._remove_losers([record for record in records if len(found[record.key]) > 1])
            raise RunAlreadyExists(list(refused))

    def _remove_losers(self, records: Sequence[RunRecord]) -> None:
        """Remove what an earlier attempt at these records left behind another's older record."""
        found = self._store.settled([record.key for record in records]) if records else {}
        for record in records:
            self._remove(record.key, [row for row in found[record.key][1:] if record.is_start_of(row.record)])

    def _post(self, records: Sequence[RunRecord]) -> tuple[dict[RunKey, str | None], RunLedgerError | None]:
        """Post each record once, in tens, up to the first failure; their references, None where the answer was lost."""
        posted: dict[RunKey, str | None] = {}
        writing = [(record.key, self._store.columns.of_new(record)) for record in records]
        for first in range(0, len(writing), _WRITTEN_AT_ONCE):
            batch = writing[first : first + _WRITTEN_AT_ONCE]
            try:
                answers = self._post_batch(batch)
                posted.update((key, raw["id"]) for (key, _), raw in zip(batch, answers, strict=True))
                for (key, cells), raw in zip(batch, answers, strict=True):
                    require_kept(key, cells, raw["fields"])
            except StoreUnavailable as error:
                if error.outcome is Outcome.UNKNOWN:
                    posted.update((key, None) for key, _ in batch)
                return posted, error
            except RunLedgerError as error:
                return posted, error
        return posted, None

    def _post_batch(self, batch: Cells) -> list[Any]:
        """The one request that makes records."""
        cells = [dict(each) for _, each in batch]
        try:
            return list(sent(lambda: self._table.batch_create(cells), writes=True))
        except Refused as error:
            self._store.refused(error.refusal, batch)
        except StoreUnavailable as error:
            raise StoreUnavailable(error.reason, error.outcome, batch[0][0]) from None

    def _confirm(
        self, records: Sequence[RunRecord], posted: Mapping[RunKey, str | None], failure: RunLedgerError | None
    ) -> list[RunKey]:
        """Tell for each record that was posted whether it is the first of its key, and remove what is not."""
        made: list[RunKey] = []
        refused: list[RunKey] = []
        found = self._look_again(list(posted)) if posted else {}
        for record in records[: len(posted)]:
            rows, reference = found[record.key], posted[record.key]
            own = [
                row
                for row in rows
                if row.reference == reference or (reference is None and record.is_start_of(row.record))
            ]
            if rows and rows[0] in own:
                made.append(rows[0].record.key)
                self._remove_others(record.key, rows[1:])
            elif rows:
                refused.append(record.key)
                self._remove(record.key, own)
        if refused:
            raise RunAlreadyExists(refused).having_applied(made)
        if len(made) < len(records) and failure is None:
            failure = StoreUnavailable("a listing leaves out what was just made", Outcome.UNKNOWN, records[0].key)
        # A lost answer to a POST is no failure any more when its records were found.
        if failure is None or (len(made) == len(records) and isinstance(failure, StoreUnavailable)):
            return made
        raise failure.having_applied(made)

    def _look_again(self, keys: Sequence[RunKey]) -> dict[RunKey, list[Row]]:
        try:
            return self._store.settled(keys)
        except RunLedgerError as error:
            reason = getattr(error, "reason", error)
            raise StoreUnavailable(
                f"what was made could not be confirmed: {reason}", Outcome.UNKNOWN, keys[0]
            ) from None

    def _remove_others(self, key: RunKey, rows: Sequence[Row]) -> None:
        """Remove what others left behind the record that this creation made; what stays is reported, here and later."""
        try:
            self._remove(key, rows)
        except RunLedgerError as error:
            self._store.tell(EventKind.DUPLICATED, key, f"{len(rows)} later records could not be removed: {error}")

    def _remove(self, key: RunKey, rows: Iterable[Row]) -> None:
        """Remove records that lost to an older one of their key. Raises StoreUnavailable if one may be left."""
        for row in rows:
            try:
                sent(lambda row=row: self._table.batch_delete([row.reference]), writes=True)  # type: ignore[misc]
            except Refused as error:
                if not error.refusal.is_of_a_missing_record:  # else its own creator or the other has removed it
                    self._store.refused(error.refusal, [(key, {})])
            except StoreUnavailable as error:
                reason = f"record {row.reference}, which lost against an older one, may still be there: {error.reason}"
                raise StoreUnavailable(reason, Outcome.UNKNOWN, key) from None


def _found(store: _Store, query: RunQuery) -> Iterator[RunRecord]:
    """The records that match, newest first. Records of one start are put in order here: the server promises none."""
    rows: Iterable[Row] = _newest_first(store, query)
    if store.columns.started_at is None:
        rows = sorted(rows, key=lambda row: row.record.started_at, reverse=True)
    for _, group in groupby(rows, key=lambda row: row.record.started_at):
        records = sorted((row.record for row in group), key=newest_first, reverse=True)
        yield from filter(query.matches, records)


def _newest_first(store: _Store, query: RunQuery) -> Iterator[Row]:
    """Each row once, page by page; where an iterator expires, a new one goes on from the last start that was seen."""
    options: dict[str, Any] = {"page_size": min(query.limit or _READ_AT_ONCE, _READ_AT_ONCE)}
    if store.columns.started_at is not None:
        options["sort"] = [f"-{store.columns.started_at}"]
    seen: set[str] = set()
    last = None
    while True:
        before = len(seen)
        try:
            for page in store.pages(**options, **_filter(store.columns, query, last)):
                for row in page:
                    if row.reference not in seen:
                        seen.add(row.reference)
                        last = row.record.started_at
                        yield row
            return
        except Refused as error:
            if error.refusal.kind != EXPIRED or len(seen) == before:
                store.refused(error.refusal)


def _filter(columns: Columns, query: RunQuery, last: datetime | None) -> dict[str, Formula]:
    """The filter that the server applies: never less than the query asks for, which is applied exactly afterwards."""
    parts: list[Formula] = []
    if query.run_id is not None:
        parts.append(Field(columns.run_id).eq(query.run_id))
    if query.client_id is not None:
        parts.append(Field(columns.client_id).eq(query.client_id))
    if query.status is not None:
        parts.append(Field(columns.status).eq(columns.label(query.status)))
    if columns.started_at is not None:
        start = Field(columns.started_at)
        until = min(filter(None, (query.until, last)), default=None)
        # A minute wider, because it is not documented how finely formulas compare times.
        if query.since is not None and query.since.year > 1:
            parts.append(start.gte(query.since - timedelta(minutes=1)))
        if until is not None and until.year < 9999:
            parts.append(start.lte(until + timedelta(minutes=1)))
    return {"formula": AND(parts)} if parts else {}
