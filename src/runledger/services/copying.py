"""Copying a ledger from one store to another. What is there already is compared and left; nothing is made twice.

Both stores list their runs newest first, in one order, so that two listings side by side tell what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import define, field, frozen

from ..domain import (
    EventKind,
    InvalidValue,
    ObservedStore,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunRepository,
    StoreUnusable,
    UnknownMetric,
    newest_first,
)
from .ledger import RunLedger


class Fate(Enum):
    """What became of a record of the source; of a row, where it is no record."""

    COPIED = "copied"
    EQUAL = "there already"
    DIFFERENT = "there, but different"
    ALTERED = "copied, but kept otherwise"
    REFUSED = "refused"
    DUPLICATED = "more than once in the source"
    UNREADABLE = "no run record"


PROBLEMS = (Fate.DIFFERENT, Fate.ALTERED, Fate.REFUSED, Fate.DUPLICATED, Fate.UNREADABLE)


@frozen
class Remark:
    """A record that was not simply copied, and why."""

    fate: Fate
    key: RunKey | None
    detail: str


def remark_as_json(remark: Remark) -> dict[str, Any]:
    """A remark as a JSON object."""
    key = remark.key
    ids = {"run_id": key and key.run_id, "client_id": key and key.client_id}
    return {"fate": remark.fate.name.lower(), **ids, "detail": remark.detail}


@define
class _Listing:
    """A store's records, newest first, read alongside those of another."""

    _records: Iterator[RunRecord]
    _passed: Callable[[RunKey], None] = lambda _: None
    """Told the keys of the records that had no equal key and start in the other."""
    _next: RunRecord | None = None

    def __attrs_post_init__(self) -> None:
        self._next = next(self._records, None)

    def same_as(self, record: RunRecord) -> RunRecord | None:
        """The record with the key and start of `record`, which is older than those that were asked for before."""
        place = newest_first(record)
        self._pass(lambda record: newest_first(record) > place)
        if self._next is None or newest_first(self._next) != place:
            return None
        found, self._next = self._next, next(self._records, None)
        return found

    def end(self) -> None:
        """Pass all that is left."""
        self._pass(lambda _: True)

    def _pass(self, while_: Callable[[RunRecord], bool]) -> None:
        while self._next is not None and while_(self._next):
            self._passed(self._next.key)
            self._next = next(self._records, None)


@define
class LedgerCopy:
    """One copying of a source to a target, and what it came to so far.

    `remark` is told of every record that was not simply copied, `advance` how many have been looked at, of how many
    where that is known. A source `is_edited` if people and scripts write into it: a key may then stand several times,
    and a record may break a rule. With `dry_run` nothing is made: `copied` then counts what would be.
    """

    _source: RunLedger
    _target: RunLedger
    _is_edited: bool
    _keeps_exactly: bool
    _batch_size: int
    _remark: Callable[[Remark], None]
    _advance: Callable[[int, int | None], None] = lambda _done, _total: None
    _dry_run: bool = False
    counts: Counter[Fate] = field(factory=Counter)
    _total: int | None = None
    _heard: set[str] = field(factory=set)
    _repeated: set[RunKey] = field(factory=set)
    _missing: set[int] = field(factory=set)
    _copied: set[RunKey] = field(factory=set)

    @classmethod
    def between(
        cls,
        source: RunRepository,
        target: RunRepository,
        *,
        remark: Callable[[Remark], None],
        advance: Callable[[int, int | None], None] = lambda _done, _total: None,
        dry_run: bool = False,
    ) -> LedgerCopy:
        """A copy between two open stores, which stay open."""
        copy = cls(
            RunLedger(source, observers=()),
            RunLedger(target, observers=()),
            is_edited=isinstance(source, ObservedStore),
            keeps_exactly=target.guarantees.exact_values,
            batch_size=1000 if target.guarantees.atomic_bulk else 100,
            remark=remark,
            advance=advance,
            dry_run=dry_run,
        )
        if isinstance(source, ObservedStore):
            source.add_observer(copy._hear)
        return copy

    def run(self) -> None:
        """Copy. StoreUnavailable or StoreUnusable leaves what was copied; a second copy goes on from there."""
        if self._is_edited:
            self._find_repeated()
        extra: dict[int, RunKey] = {}

        def passed(key: RunKey) -> None:
            if self._dry_run:
                extra[hash(key)] = key

        there = _Listing(self._target.find(), passed)
        batch: list[RunRecord] = []
        for record in self._records():
            stored = None if record.key in self._repeated else there.same_as(record)
            if stored is not None:
                self._compare(record, stored, Fate.DIFFERENT)
            elif not self._is_edited or self._keeps_the_rules(record):
                batch.append(record)
            if len(batch) == self._batch_size:
                self._make(batch)
                batch = []
        self._make(batch)
        if self._dry_run:
            there.end()
            self._find_other_starts(extra)
        elif self._copied and not self._keeps_exactly:
            self._check()

    def _hear(self, event: RunEvent) -> None:
        """Take note of what the source comes upon, once."""
        fate = {EventKind.DUPLICATED: Fate.DUPLICATED, EventKind.UNREADABLE: Fate.UNREADABLE}.get(event.kind)
        if fate is not None and event.detail not in self._heard:
            self._heard.add(str(event.detail))
            self._tell(fate, event.key, str(event.detail))

    def _find_repeated(self) -> None:
        seen: set[int] = set()
        for number, record in enumerate(self._source.find(), 1):
            self._total = number
            if hash(record.key) in seen:
                self._repeated.add(record.key)
            seen.add(hash(record.key))

    def _records(self) -> Iterator[RunRecord]:
        """The source's records; of a key that has several, the one that is the run's."""
        done: set[RunKey] = set()
        for number, found in enumerate(self._source.find(), 1):
            record = found
            if number % self._batch_size == 0:
                self._advance(number, self._total)
            if record.key in self._repeated:
                if record.key in done:
                    continue
                done.add(record.key)
                with suppress(RunNotFound):  # else it has been removed meanwhile
                    record = self._source.get(record.key.run_id, record.key.client_id)
            yield record

    def _keeps_the_rules(self, record: RunRecord) -> bool:
        """Whether a record keeps the ledger's own rules, which people who write into a store may not know."""
        try:
            RunKey(record.key.run_id, record.key.client_id)
            RunRecord(**record.__dict__)
        except InvalidValue as error:
            self._tell(Fate.REFUSED, record.key, str(error))
            return False
        return True

    def _make(self, batch: list[RunRecord]) -> None:
        """Make the records that are new. What the target refuses of them is told, and the rest made all the same."""
        if self._dry_run:
            self._missing.update(hash(record.key) for record in batch)
            self.counts[Fate.COPIED] += len(batch)
            return
        while batch:
            try:
                there = self._target.import_records(batch)
            except (InvalidValue, UnknownMetric, StoreUnusable) as error:
                batch = self._without_refused(batch, error)
                continue
            self._count_copied({record.key for record in batch} - {record.key for record in there})
            for record in there:
                stored = self._target.get(record.key.run_id, record.key.client_id)
                self._compare(record, stored, Fate.DIFFERENT)
            return

    def _without_refused(self, batch: list[RunRecord], error: RunLedgerError) -> list[RunRecord]:
        """What is left of a batch after a refusal; the store itself being unusable is raised."""
        made = set(error.applied)
        self._count_copied(made)
        rest = [record for record in batch if record.key not in made]
        if isinstance(error, StoreUnusable):
            if error.key not in made:  # else it was made, and not kept as it is: the check at the end tells how
                raise error
            return rest
        named = [record for record in rest if record.key == error.key] if len(rest) > 1 else rest
        if not named:  # the store does not say which
            half = len(rest) // 2
            self._make(rest[:half])
            return rest[half:]
        for record in named:
            self._tell(Fate.REFUSED, record.key, str(error))
        return [record for record in rest if record.key != named[0].key]

    def _count_copied(self, keys: set[RunKey]) -> None:
        self.counts[Fate.COPIED] += len(keys)
        if not self._keeps_exactly:
            self._copied |= keys

    def _compare(self, record: RunRecord, stored: RunRecord, fate: Fate) -> None:
        if unlike := difference(record, stored):
            self._tell(fate, record.key, unlike)
        elif fate is Fate.DIFFERENT:
            self.counts[Fate.EQUAL] += 1

    def _find_other_starts(self, extra: dict[int, RunKey]) -> None:
        """In a dry run, tell of the runs that are there with another start, which a listing alone cannot show."""
        for number in extra.keys() & self._missing:
            key = extra[number]
            with suppress(RunNotFound):
                record, stored = (each.get(key.run_id, key.client_id) for each in (self._source, self._target))
                self.counts[Fate.COPIED] -= 1
                self._compare(record, stored, Fate.DIFFERENT)

    def _check(self) -> None:
        """Compare what was made in a store that does not promise to keep every value exactly."""
        there = _Listing(self._target.find())
        for record in self._records():
            key = record.key
            stored = self._target.get(key.run_id, key.client_id) if key in self._repeated else there.same_as(record)
            if stored is not None and key in self._copied:
                self._compare(record, stored, Fate.ALTERED)

    def _tell(self, fate: Fate, key: RunKey | None, detail: str) -> None:
        self.counts[fate] += 1
        self._remark(Remark(fate, key, detail))


def difference(record: RunRecord, stored: RunRecord) -> str:
    """What another record of the same run holds otherwise, in words; empty if nothing."""
    if record == stored:
        return ""
    parts = []
    for name in ("client_name", "status", "started_at", "ended_at", "updated_at", "error"):
        here, there = getattr(record, name), getattr(stored, name)
        if here != there:
            parts.append(f"{name} is {_shown(here)}, there {_shown(there)}")
    for name in dict.fromkeys([*record.metrics, *stored.metrics]):
        here, there = record.metrics.get(name), stored.metrics.get(name)
        if here != there:
            parts.append(f"metric {name!r} is {_shown(here)}, there {_shown(there)}")
    if record.log != stored.log:
        parts.append(f"the log has {len(record.log)} lines, there {len(stored.log)}, and they are not the same")
    return "; ".join(parts)


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    text = repr(value.value if isinstance(value, Enum) else value)
    return text if len(text) <= 40 else f"{text[:36]}…{text[-1]}"
