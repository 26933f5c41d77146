"""The table of one store, with the right to read and update: look-ups and patches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from attrs import field, frozen
from pyairtable import Table
from pyairtable.api.types import UpdateRecordDict
from pyairtable.formulas import AND, OR, Field, Formula

from ...domain import (
    EventKind,
    InvalidValue,
    LogLine,
    Outcome,
    RunChange,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunObserver,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnusableForRun,
    changed_records,
)
from .columns import Columns
from .layout import Layout
from .locks import Locks
from .metadata import column_names
from .refusals import error_of
from .row import Cells, Row
from .transport import UNFIT_FORMULA, Refusal, Refused, ServerClock, sent

SETTLED = timedelta(seconds=2)
"""After this long, by the server's clock, no record with an earlier createdTime can appear: one second because
createdTime is in whole seconds, one more for requests in flight (https://airtable.com/developers/web/api/list-records)."""
EXPIRED = "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"
WRITTEN_AT_ONCE = 10
READ_AT_ONCE = 100


@frozen
class RunTable:
    """What the updating and the creating side share. Its table rejects every request that could create."""

    table: Table
    layout: Layout
    clock: ServerClock
    sleep: Callable[[float], None]
    locks: Locks
    observers: list[RunObserver] = field(factory=list)

    @property
    def columns(self) -> Columns:
        """The mapping, as far as the table's columns are known."""
        return self.layout.columns

    def report(self, kind: EventKind, key: RunKey | None, detail: str, error: Exception | None = None) -> None:
        """Report an anomaly to the observers."""
        event = RunEvent(kind=kind, key=key, at=self.clock.last(), detail=detail, error=error)
        for observer in self.observers:
            observer(event)

    # -- reading

    def learn(self) -> None:
        """Find out which of the optional columns the table has, if that is not known yet."""
        if not self.layout.is_known:
            try:
                self.layout.learned(lambda names: list(self.pages(fields=names, max_records=1, page_size=1)))
            except Refused as error:
                self.refused(error.refusal)

    def learn_unless_seen(self, parts: Iterable[str], rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Find it out only if no row that was read has a value in the columns of these parts."""
        if self.layout.must_ask(parts, rows):
            self.learn()

    def of_keys(self, keys: Sequence[RunKey]) -> tuple[dict[RunKey, list[Row]], datetime]:
        """The rows of each key in the order of their creation, and the server's time of the read."""
        try:
            return self._of_keys(keys)
        except Refused as error:
            self.refused(error.refusal)

    def of_new_keys(self, keys: Sequence[RunKey]) -> dict[RunKey, list[Row]]:
        """The rows of each key, without metrics as long as it is not known which columns the table has: it is then."""
        try:
            read = partial(self._of_keys, keys)
            return (read() if self.layout.is_known else self.layout.learned(read))[0]
        except Refused as error:
            self.refused(error.refusal)

    def _of_keys(
        self, keys: Sequence[RunKey], fields: Sequence[str] | None = None
    ) -> tuple[dict[RunKey, list[Row]], datetime]:
        found: dict[RunKey, list[Row]] = {key: [] for key in keys}
        unreadable: list[tuple[Mapping[str, Any], InvalidValue]] = []
        read_at = None
        for first in range(0, len(keys), READ_AT_ONCE):
            formula = self._formula(keys[first : first + READ_AT_ONCE])
            for page in self.pages(formula=formula, **({} if fields is None else {"fields": fields})):
                read_at = read_at or self.clock.now()
                # Ids are compared again, because formulas do not promise to compare exactly.
                for raw in page:
                    row = self.row(raw)
                    if isinstance(row, InvalidValue):
                        unreadable.append((raw, row))
                    elif row.record.key in found:
                        found[row.record.key].append(row)
        for key, rows in found.items():
            rows.sort(key=lambda row: row.order)
            for raw, reason in unreadable:
                # It is the run's record, and no start may make another, nor an update go to a later one.
                is_first = not rows or self.columns.may_precede(raw, rows[0])
                if is_first and self.columns.ids(raw["fields"]) == (key.run_id, key.client_id):
                    raise UnusableForRun(f"the record of {key} is there, but cannot be read: {reason}", key)
        assert read_at is not None
        return found, read_at

    def _formula(self, keys: Sequence[RunKey]) -> Formula:
        clients: dict[str, list[Formula]] = {}
        for key in keys:
            clients.setdefault(key.run_id, []).append(Field(self.columns.client_id).eq(key.client_id))
        run = Field(self.columns.run_id)
        return OR([AND(run.eq(run_id), OR(of_clients)) for run_id, of_clients in clients.items()])

    def pages(self, **options: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Pages of raw records for `row`, one request each. Raises Refused, also if the iterator has expired."""
        pages = self.table.iterate(**options)
        while (page := sent(lambda: next(pages, None), writes=False)) is not None:
            yield page

    def row(self, raw: Mapping[str, Any]) -> Row | InvalidValue:
        """A raw record as a row, or what is wrong with it, which is also reported."""
        # Without these columns other cells say when the run started and ended; with them, an empty cell is an error.
        is_running = raw["fields"].get(self.columns.status) == self.columns.label(RunStatus.RUNNING)
        self.learn_unless_seen(["started_at"] if is_running else ["started_at", "ended_at"], [raw["fields"]])
        try:
            return self.columns.row(raw["id"], raw["createdTime"], raw["fields"])
        except InvalidValue as error:
            self.learn()  # a column that is not there reads as an empty one
            what = f"record {raw['id']} is not a valid run record: {error}"
            self.report(EventKind.UNREADABLE, error.key, what, error)
            return error

    def settled(self, keys: Sequence[RunKey], made_at: datetime | None = None) -> dict[RunKey, list[Row]]:
        """The rows of each key in the order of their creation, read once no older row can appear any more.

        `made_at` is the createdTime of a row that is known to exist: it says how long to wait before the first read.
        """
        newest = made_at
        for _ in range(4):
            if newest is not None:
                self._wait_until_settled(newest)
            found, read_at = self.of_keys(keys)
            newest = max((rows[0].created for rows in found.values() if rows), default=None)
            if newest is None or self.columns.number or read_at - newest >= SETTLED:
                return found
        raise StoreUnavailable("the server's clock does not move", Outcome.NOT_APPLIED)

    def _wait_until_settled(self, newest: datetime) -> None:
        wait = newest + SETTLED - self.clock.now()
        if wait > timedelta(0) and not self.columns.number:
            self.sleep(min(wait, 2 * SETTLED).total_seconds())

    def the_row(self, key: RunKey) -> Row:
        """The row of a key: the oldest of its records, or the one that the key refers to. Raises RunNotFound."""
        if (row := self._chosen(key, self.settled([key])[key])) is None:
            raise RunNotFound(key)
        return row

    def _chosen(self, key: RunKey, rows: Sequence[Row]) -> Row | None:
        chosen = rows[0] if rows else None
        if key.reference is not None:
            chosen = next((row for row in rows if row.reference == key.reference), None)
        if chosen is not None:
            self.report_duplicates(key, chosen, [row for row in rows if row is not chosen])
        return chosen

    def report_duplicates(self, key: RunKey, chosen: Row, others: Sequence[Row]) -> None:
        """Report the other records of a run, if there are any."""
        if others:
            remove = ", ".join(row.reference for row in others)
            self.report(EventKind.DUPLICATED, key, f"{chosen.reference} is the run's record; remove {remove}")

    def is_gone(self, reference: str) -> bool:
        """Whether there is no record of this id, in a table that can be read. Raises StoreUnavailable."""
        try:
            sent(lambda: self.table.get(reference), writes=False)
        except Refused as error:
            return error.refusal.may_be_of_a_missing_record
        return False

    # -- updating

    def changed(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> list[RunRecord]:
        """Read records, apply changes by the domain's rules, write what differs. Returns a record for each change."""
        keys = list(dict.fromkeys(key for key, _ in changes))
        found = self.settled(keys)
        parts = {part for _, change in changes for part in _written_by(change)}
        self.learn_unless_seen(parts, (row.cells for rows in found.values() for row in rows))
        self.require_writable(changes)
        rows = {key: row for key in keys if (row := self._chosen(key, found[key])) is not None}
        new = changed_records({key: row.record for key, row in rows.items()}, changes, at)
        lines: dict[RunKey, list[LogLine]] = {key: [] for key in keys}
        for key, change in changes:
            lines[key] += filter(None, [change.line(at)])
        cells = {key: self.columns.of_change(rows[key], new[key], lines[key]) for key in keys}
        pending = [key for key in keys if cells[key]]
        new.update({key: rows[key].record for key in keys if not cells[key]})  # it differs in nothing that is kept
        applied: list[RunKey] = []
        for first in range(0, len(pending), WRITTEN_AT_ONCE):
            batch = pending[first : first + WRITTEN_AT_ONCE]
            try:
                for row in self.patch([(rows[key].record.key, cells[key]) for key in batch]):
                    self._require_uncontended(rows[row.record.key], row, cells[row.record.key])
                    new[row.record.key] = row.record
            except RunLedgerError as error:
                raise error.having_applied([*applied, *error.applied]) from None
            applied += batch
        return [new[key] for key, _ in changes]

    def require_writable(self, changes: Iterable[tuple[RunKey, RunChange]]) -> None:
        """Raise StoreUnusable for a heartbeat that has nothing to write."""
        for key, change in changes:
            if change.is_heartbeat and self.columns.updated_at is None:
                reason = "without update times a heartbeat has nothing to write: add the column 'Updated At'"
                raise StoreUnusable(f"{reason}, or name another with updated_at=COLUMN in the store URL.", key)

    def patch(self, changes: Cells) -> list[Row]:
        """Write cells of up to ten records, by one PATCH that is sent once. Returns their rows as they are then."""
        # Always by the batch's URL: only there does the error distinguish a missing record from a missing permission.
        body: list[UpdateRecordDict] = [{"id": str(key.reference), "fields": dict(cells)} for key, cells in changes]
        try:
            answers = {raw["id"]: raw for raw in sent(lambda: self.table.batch_update(body), writes=True)}
        except Refused as error:
            self._refused_patch(error.refusal, changes)
        except StoreUnavailable as error:
            raise StoreUnavailable(error.reason, error.outcome, changes[0][0]) from None
        rows = [self._after(key, answers.get(str(key.reference))) for key, _ in changes]
        for (key, cells), row in zip(changes, rows, strict=True):
            try:
                require_kept(key, cells, row.cells)
            except StoreUnusable as error:
                raise error.having_applied(key for key, _ in changes) from None
        return rows

    def _after(self, key: RunKey, raw: Mapping[str, Any] | None) -> Row:
        row = self.row(raw) if raw else None
        if isinstance(row, InvalidValue):
            raise StoreUnusable(f"the record of {key} was changed, but cannot be read: {row}", key)
        if row is None or row.record.key != key:
            raise StoreUnusable(
                f"record {key.reference} no longer belongs to {key}: the update was written to another run's record. "
                "Correct it by hand.",
                key,
            )
        return row

    def _refused_patch(self, refusal: Refusal, changes: Cells) -> NoReturn:
        for key, _ in changes:
            if refusal.may_be_of_a_missing_record and not self._holds(key, key.reference):
                raise RunNotFound(key) from None
        self.refused(refusal, changes)

    def may_hold(self, key: RunKey, refusal: Refusal) -> bool:
        """Whether the record that a key refers to, which the server refused to change, may still exist."""
        if refusal.is_of_a_missing_record:
            return False
        return not refusal.may_be_of_a_missing_record or self._holds(key, key.reference)

    def _holds(self, key: RunKey, reference: str | None) -> bool:
        found, _ = self.of_keys([key])
        return any(row.reference == reference for row in found[key])

    def _require_uncontended(self, before: Row, after: Row, cells: Mapping[str, Any]) -> None:
        unsent = [name for name in self.columns.of_parts.values() if name not in cells and name != self.columns.number]
        if changed := [name for name in unsent if before.cells.get(name) != after.cells.get(name)]:
            detail = f"another process changed {', '.join(changed)} between our read and our write; what it wrote to "
            self.report(EventKind.CONTENDED, after.record.key, f"{detail}{', '.join(cells)} meanwhile is lost")

    def refused(self, refusal: Refusal, writing: Cells = ()) -> NoReturn:
        """Raise the ledger's error for the server's."""
        if refusal.kind == EXPIRED:
            raise StoreUnavailable("the listing expired before it was read to its end", Outcome.NOT_APPLIED)
        if refusal.kind == UNFIT_FORMULA:
            self.learn()  # whose refusal names the column that the formula names in vain
        raise error_of(refusal, self.columns, lambda: column_names(self.table), writing) from None


def _written_by(change: RunChange) -> Iterator[str]:
    """The parts whose columns a change writes, besides those that every table has."""
    yield "updated_at"
    if change.status is not None:
        yield "ended_at"
    if change.note is not None:
        yield "log"
    if change.error is not None:
        yield "error"


def require_kept(key: RunKey, sent_cells: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Raise StoreUnusable if the table rounded a number, or truncated a text or a time, that was just written to it."""
    for column, value in sent_cells.items():
        there = kept.get(column)
        if isinstance(value, str):
            lost = len(str(there or "").replace("\r\n", "\n").strip()) < len(value.replace("\r\n", "\n").strip())
        else:
            lost = (there or 0) != value
        if lost:
            raise StoreUnusable(
                f"column {column!r} of {key} keeps {there!r} of {value!r}, and that is what it holds now; everything "
                "else was written as it was given. Give the column the type and precision that `runledger doctor` "
                "names.",
                key,
            )
