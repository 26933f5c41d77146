"""Copying a ledger from one store to another. What is already there is compared and left; nothing is created twice.

Both stores list their runs newest first, in the same order, so two listings read side by side show what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from attrs import define, evolve, field

from ..domain import (
    EventKind,
    InvalidValue,
    NewRun,
    ObservedStore,
    RunEvent,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRepository,
    StoreUnusable,
    UnknownMetric,
    newest_first,
)
from .copy_result import CopyResult, Fate, Remark, difference
from .ledger import RunLedger

OnRemark = Callable[[Remark], None]
OnProgress = Callable[[int, int | None], None]

_REPORTED = {EventKind.DUPLICATED: Fate.DUPLICATED, EventKind.UNREADABLE: Fate.UNREADABLE}


def copy(
    source: RunRepository,
    target: RunRepository,
    *,
    dry_run: bool = False,
    on_remark: OnRemark | None = None,
    on_progress: OnProgress | None = None,
) -> CopyResult:
    """Copy every run of one open store to another, and return how many records had each fate.

    Both stores stay open. `runledger.copy`, which opens stores by their URLs, documents the parameters and errors.
    """
    work = _Copy.between(source, target, dry_run, on_remark or _ignore, on_progress or _ignore)
    try:
        work.run()
    except BaseException as error:
        if done := work.counts[Fate.COPIED]:
            error.add_note(f"{done:,} records were copied before this: copy again, and it continues from there.")
        raise
    finally:
        work.is_over = True
    return CopyResult(counts=work.counts)


def _ignore(*_: object) -> None:
    pass


@define
class _Listing:
    """A store's runs, newest first, read alongside those of another store."""

    _runs: Iterator[NewRun]
    _passed: Callable[[RunKey], None] = _ignore
    """Called with the key of each run that has no match, by key and start, in the other listing."""
    _next: NewRun | None = None

    def __attrs_post_init__(self) -> None:
        self._next = next(self._runs, None)

    def same_as(self, run: NewRun) -> NewRun | None:
        """The run with the key and start of `run`, which must be older than those that were asked for before."""
        place = newest_first(run.record)
        self._pass(lambda other: newest_first(other.record) > place)
        if self._next is None or newest_first(self._next.record) != place:
            return None
        found, self._next = self._next, next(self._runs, None)
        return found

    def end(self) -> None:
        """Pass all remaining runs."""
        self._pass(lambda _: True)

    def _pass(self, while_: Callable[[NewRun], bool]) -> None:
        while self._next is not None and while_(self._next):
            self._passed(self._next.key)
            self._next = next(self._runs, None)


@define
class _Copy:
    """One copy of a source to a target, and what it has done so far."""

    _source: RunLedger
    _target: RunLedger
    _is_edited: bool
    """Whether people and scripts write to the source: a key may then have several records, or one break a rule."""
    _keeps_exactly: bool
    _batch_size: int
    _dry_run: bool
    _on_remark: OnRemark
    _on_progress: OnProgress
    counts: Counter[Fate] = field(factory=Counter)
    is_over: bool = False
    """Set at the end: the source, which keeps its observers, may report more events."""
    _total: int | None = None
    _reported: set[str] = field(factory=set)
    _repeated: set[RunKey] = field(factory=set)
    _missing: set[int] = field(factory=set)
    _copied: set[RunKey] = field(factory=set)

    @classmethod
    def between(
        cls, source: RunRepository, target: RunRepository, dry_run: bool, on_remark: OnRemark, on_progress: OnProgress
    ) -> _Copy:
        copy = cls(
            RunLedger(source, observers=()),
            RunLedger(target, observers=()),
            is_edited=isinstance(source, ObservedStore),
            keeps_exactly=target.guarantees.exact_values,
            batch_size=1000 if target.guarantees.atomic_bulk else 100,
            dry_run=dry_run,
            on_remark=on_remark,
            on_progress=on_progress,
        )
        if isinstance(source, ObservedStore):
            source.add_observer(copy._observe)
        return copy

    def run(self) -> None:
        if self._is_edited:
            self._find_repeated()
        extra: dict[int, RunKey] = {}

        def passed(key: RunKey) -> None:
            if self._dry_run:
                extra[hash(key)] = key

        there = _Listing(self._target.reads.find_with_logs(), passed)
        self._copy_missing(there)
        if self._dry_run:
            there.end()
            self._find_other_starts(extra)
        elif self._copied and not self._keeps_exactly:
            self._verify()

    def _copy_missing(self, there: _Listing) -> None:
        batch: list[NewRun] = []
        for run in self._runs():
            stored = None if run.key in self._repeated else there.same_as(run)
            if stored is not None:
                self._compare(run, stored, Fate.DIFFERENT)
            elif not self._is_edited or self._is_valid(run):
                batch.append(run)
            if len(batch) == self._batch_size:
                self._create(batch)
                batch = []
        self._create(batch)

    def _observe(self, event: RunEvent) -> None:
        """Remark, once, on each duplicate and unreadable row that the source reports."""
        fate = _REPORTED.get(event.kind)
        if fate is not None and event.detail not in self._reported and not self.is_over:
            self._reported.add(str(event.detail))
            self._remark(fate, event.key, str(event.detail))

    def _find_repeated(self) -> None:
        seen: set[int] = set()
        for number, record in enumerate(self._source.find(), 1):
            self._total = number
            if hash(record.key) in seen:
                self._repeated.add(record.key)
            seen.add(hash(record.key))

    def _runs(self) -> Iterator[NewRun]:
        """The source's runs. If a key has several records, only the authoritative one."""
        done: set[RunKey] = set()
        for number, found in enumerate(self._source.reads.find_with_logs(), 1):
            run = found
            if number % self._batch_size == 0:
                self._on_progress(number, self._total)
            if run.key in self._repeated:
                if run.key in done:
                    continue
                done.add(run.key)
                with suppress(RunNotFound):  # if it has been removed since, it is copied as it was listed
                    run = self._source.reads.get_with_log(run.key.run_id, run.key.client_id)
            yield run

    def _is_valid(self, run: NewRun) -> bool:
        """Whether a run keeps the ledger's rules, which people who write to a store may not know."""
        try:
            # The constructors check everything again.
            NewRun(evolve(run.record, key=evolve(run.key)), [evolve(line) for line in run.log])
        except InvalidValue as error:
            self._remark(Fate.REFUSED, run.key, str(error))
            return False
        return True

    def _create(self, batch: list[NewRun]) -> None:
        """Create the runs that are new. Those that the target refuses are remarked on; the others are created."""
        if self._dry_run:
            self._missing.update(hash(run.key) for run in batch)
            self.counts[Fate.COPIED] += len(batch)
            return
        while batch:
            try:
                there = self._target.import_records(batch)
            except (InvalidValue, UnknownMetric, StoreUnusable) as error:
                batch = self._without_refused(batch, error)
                continue
            self._count_copied({run.key for run in batch} - {run.key for run in there})
            for run in there:
                stored = self._target.reads.get_with_log(run.key.run_id, run.key.client_id)
                self._compare(run, stored, Fate.DIFFERENT)
            return

    def _without_refused(self, batch: list[NewRun], error: RunLedgerError) -> list[NewRun]:
        """The runs of a batch that are still to be created after a refusal. Raises if the store is unusable."""
        made = set(error.applied)
        self._count_copied(made)
        rest = [run for run in batch if run.key not in made]
        if isinstance(error, StoreUnusable):
            if error.key not in made:  # else the record was created, but altered: `_verify` remarks on it
                raise error
            return rest
        named = [run for run in rest if run.key == error.key] if len(rest) > 1 else rest
        if not named:  # the store does not say which
            half = len(rest) // 2
            self._create(rest[:half])
            return rest[half:]
        for run in named:
            self._remark(Fate.REFUSED, run.key, str(error))
        return [run for run in rest if run.key != named[0].key]

    def _count_copied(self, keys: set[RunKey]) -> None:
        self.counts[Fate.COPIED] += len(keys)
        if not self._keeps_exactly:
            self._copied |= keys

    def _compare(self, run: NewRun, stored: NewRun, fate: Fate) -> None:
        if unlike := difference(run, stored):
            self._remark(fate, run.key, unlike)
        elif fate is Fate.DIFFERENT:
            self.counts[Fate.EQUAL] += 1

    def _find_other_starts(self, extra: dict[int, RunKey]) -> None:
        """In a dry run, find the runs that have another start in the target, which the listings alone cannot show."""
        for number in extra.keys() & self._missing:
            key = extra[number]
            with suppress(RunNotFound):
                run, stored = (
                    each.reads.get_with_log(key.run_id, key.client_id) for each in (self._source, self._target)
                )
                self.counts[Fate.COPIED] -= 1
                self._compare(run, stored, Fate.DIFFERENT)

    def _verify(self) -> None:
        """Compare what was created in a store that does not promise to keep every value exactly."""
        there = _Listing(self._target.reads.find_with_logs())
        for run in self._runs():
            key, repeated = run.key, run.key in self._repeated
            stored = self._target.reads.get_with_log(key.run_id, key.client_id) if repeated else there.same_as(run)
            if stored is not None and key in self._copied:
                self._compare(run, stored, Fate.ALTERED)

    def _remark(self, fate: Fate, key: RunKey | None, detail: str) -> None:
        self.counts[fate] += 1
        self._on_remark(Remark(fate, key, detail))
