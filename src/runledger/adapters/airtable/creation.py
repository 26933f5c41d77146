"""Creating records by the protocol look, create, confirm (ARCHITECTURE.md): the only module that creates or removes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define, frozen
from pyairtable import Table

from ...domain import (
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunKey,
    RunLedgerError,
    StoreUnavailable,
    StoreUnusable,
    rejected_keys,
)
from .row import Cells, Row
from .table import WRITTEN_AT_ONCE, RunTable, require_kept
from .transport import Refused, sent

SHOWN_AFTER = (0.5, 1.5, 4.0)
"""Seconds to wait before each further look for a record that a listing lacks: listings may lag behind writes."""


@frozen
class Made:
    """A record that the server says it made: its id, its creation time, and its cells as they are stored."""

    reference: str
    created: datetime
    cells: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Made:
        return cls(raw["id"], datetime.fromisoformat(raw["createdTime"]), raw["fields"])


@define(eq=False)
class Start:
    """One start: what it is to create, what became of its POST, and what the table shows of its key.

    `reference` is that of the record which the server says it made for this start, now or in an earlier attempt.
    `confirmed` is the key of its record once that is known to be the first; `is_refused` is True if another is.
    """

    new: NewRun
    has_marks: bool
    reference: str | None
    is_posted: bool = False
    made_at: datetime | None = None
    rows: Sequence[Row] = ()
    is_gone: bool = False
    confirmed: RunKey | None = None
    is_refused: bool = False

    @property
    def key(self) -> RunKey:
        return self.new.key

    @property
    def own(self) -> list[Row]:
        """The rows that an attempt of this start created, as far as can be known."""
        return [row for row in self.rows if self.has_made(row) or self._seems_to_have_made(row)]

    def has_made(self, row: Row) -> bool:
        """Whether it is certain that this start created a row: an answer to its POST named it, or it has its mark."""
        return row.reference == self.reference or self.new.is_same_start(row.mark)

    def _seems_to_have_made(self, row: Row) -> bool:
        in_doubt = self.new.is_retry or (self.is_posted and self.reference is None)
        return in_doubt and not self.has_marks and self.new.record.is_start_of(row.record)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the server says that it made a record, and nothing is known of it since."""
        return self.reference is not None and self.confirmed is None and not self.is_refused


class Creations:
    """Creates records of a table. `creating` is the same table with the right to create and remove."""

    def __init__(self, table: RunTable, creating: Table) -> None:
        self._table = table
        self._creating = creating

    def make(self, news: Sequence[NewRun]) -> list[RunKey]:
        """Look, create, confirm. A start with a reference was posted before: it is only confirmed, whatever is seen."""
        has_marks = self._table.columns.start_mark is not None
        starts = [Start(new, has_marks, new.reference) for new in news]
        try:
            self._look([start for start in starts if start.reference is None])
            missing = [start for start in starts if start.confirmed is None and start.reference is None]
            failure = self._post(missing)
            self._confirm([start for start in starts if start.is_posted or start.is_unconfirmed])
            if failure is not None and not (
                # If the records were found, the lost answer to their POST no longer matters.
                isinstance(failure, StoreUnavailable) and all(start.confirmed for start in starts)
            ):
                raise failure
        except RunLedgerError as error:
            error.having_applied(start.confirmed for start in starts if start.confirmed and not start.is_refused)
            error.unconfirmed = tuple(
                start.key.referring_to(start.reference) for start in starts if start.is_unconfirmed and start.reference
            )
            raise
        return [start.confirmed or start.key for start in starts]

    def close(self) -> None:
        self._creating.api.session.close()

    # -- look

    def _look(self, starts: Sequence[Start]) -> None:
        """Confirm what an earlier attempt of these starts created. Raises RunAlreadyExists if a key has another."""
        self._list(starts)
        self._await_own([start for start in starts if start.new.is_retry], self._list)
        again = [start for start in starts if start.own]
        self._settle(again)
        failure = self._judge(again)
        taken = {start.key for start in starts if start.rows and start.confirmed is None}
        rejected = rejected_keys([start.new for start in starts], dict.fromkeys(taken, ""))
        for start in starts:
            start.is_refused = start.key in rejected
        if failure or rejected:
            raise failure or RunAlreadyExists(rejected)

    def _list(self, starts: Sequence[Start]) -> None:
        if starts:
            found = self._table.of_new_keys(_keys(starts))
            for start in starts:
                start.rows = found[start.key]

    def _settle(self, starts: Sequence[Start]) -> None:
        if starts:
            made_at = max((start.made_at for start in starts if start.made_at), default=None)
            found = self._table.settled(_keys(starts), made_at)
            for start in starts:
                start.rows = found[start.key]

    def _await_own(self, starts: Sequence[Start], look: Callable[[Sequence[Start]], None]) -> None:
        """Look again, a few times, for records that these starts may have made: a listing may lag behind a write."""
        for wait in SHOWN_AFTER:
            unseen = [start for start in starts if not start.own]
            if not unseen:
                return
            self._table.sleep(wait)
            look(unseen)

    # -- create

    def _post(self, starts: Sequence[Start]) -> RunLedgerError | None:
        """Post each record once, by tens. Returns the failure that ended it, if there was."""
        writing = [(start, self._table.columns.of_new(start.new)) for start in starts]
        for first in range(0, len(writing), WRITTEN_AT_ONCE):
            batch = writing[first : first + WRITTEN_AT_ONCE]
            try:
                made = self._post_batch([(start.key, cells) for start, cells in batch])
                self._note_what_was_made(batch, made)
                for start, cells in batch:
                    self._require_kept(start, cells, made)
            except StoreUnavailable as error:
                for start, _ in batch:
                    start.is_posted = error.outcome is Outcome.UNKNOWN
                return error
            except RunLedgerError as error:
                return error
        return None

    def _note_what_was_made(self, batch: Iterable[tuple[Start, Mapping[str, Any]]], made: Iterable[Made]) -> None:
        """The record of each start: the one, among those made, with exactly the ids that were written."""
        ids = self._table.columns.ids
        by_ids = {ids(one.cells): one for one in made if all(isinstance(each, str) for each in ids(one.cells))}
        for start, cells in batch:
            start.is_posted = True
            if own := by_ids.get(ids(cells)):
                start.reference, start.made_at = own.reference, own.created

    def _require_kept(self, start: Start, cells: Mapping[str, Any], made: Sequence[Made]) -> None:
        own = next((one for one in made if one.reference == start.reference), None)
        if own is None:
            there = ", ".join(str(self._table.columns.ids(one.cells)) for one in made)
            raise StoreUnusable(
                f"the table does not keep the ids of {start.key} as they are, and would not find its record again: it "
                f"made {there}. Remove that record, and give the columns of the ids the type single line text.",
                start.key,
            )
        require_kept(start.key, cells, own.cells)

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

    # -- confirm

    def _confirm(self, starts: Sequence[Start]) -> None:
        """Determine which of the posted records are the first of their key. Raises RunAlreadyExists for the others."""
        try:
            self._settle(starts)
            self._ask_for_removed(starts)
            self._await_own([start for start in starts if _may_still_appear(start)], self._settle)
        except RunLedgerError as error:
            reason = f"what was made could not be confirmed: {getattr(error, 'reason', error)}".rstrip(".")
            raise StoreUnavailable(reason, Outcome.UNKNOWN, starts[0].key) from None
        if failure := self._judge(starts):
            raise failure
        if refused := [start.key for start in starts if start.is_refused]:
            raise RunAlreadyExists(refused)
        if unseen := next((start for start in starts if start.is_unconfirmed), None):
            reason = f"record {unseen.reference} was made, and no listing shows it"
            raise StoreUnavailable(reason, Outcome.UNKNOWN, unseen.key)

    def _ask_for_removed(self, starts: Iterable[Start]) -> None:
        """Find out whether records that are not listed beside others of their key were removed."""
        for start in starts:
            if start.reference is not None and start.rows and not start.own:
                start.is_gone = self._table.is_gone(start.reference)

    def _judge(self, starts: Iterable[Start]) -> RunLedgerError | None:
        """Determine for each start whether its record is the first of its key; remove what else it made.

        Returns the failure to remove a record that is not the first.
        """
        failure = None
        for start in starts:
            if not start.rows or (not start.own and _may_still_appear(start) and start.reference is not None):
                continue
            first, *later = start.rows
            if first in start.own:
                start.confirmed = first.record.key
            else:
                start.is_refused = True
            removable = [row for row in later if start.has_made(row)]
            rest = [row for row in later if not start.has_made(row) and (start.confirmed or row in start.own)]
            try:
                self._remove(start.key, removable)
            except RunLedgerError as error:
                if start.is_refused:
                    failure = error
                else:
                    rest = later
            self._table.report_duplicates(start.key, first, rest)
        return failure

    def _remove(self, key: RunKey, rows: Iterable[Row]) -> None:
        """Remove records that this ledger made, of a key that has an older one.

        Raises StoreUnavailable if one may still be there.
        """
        for row in rows:
            try:
                sent(partial(self._creating.batch_delete, [row.reference]), writes=True)
            except Refused as error:
                if self._table.may_hold(row.record.key, error.refusal):  # else somebody has removed it
                    self._table.refused(error.refusal, [(key, {})])
            except StoreUnavailable as error:
                reason = f"record {row.reference}, which lost against an older one, may still be there: {error.reason}"
                raise StoreUnavailable(reason, Outcome.UNKNOWN, key) from None


def _keys(starts: Iterable[Start]) -> list[RunKey]:
    return list(dict.fromkeys(start.key for start in starts))


def _may_still_appear(start: Start) -> bool:
    """Whether a later listing may show a record of this start.

    If the answer to its POST was lost and nothing is listed, the next attempt looks for it.
    """
    return not start.is_gone and (start.reference is not None or bool(start.rows))
