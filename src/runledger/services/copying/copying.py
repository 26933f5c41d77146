"""Copying a ledger from one store to another. What is already there is compared and left; nothing is created twice.

Both stores list their runs newest first, in the same order, so two listings read side by side show what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import define, evolve, field

from ...domain import (
    EventKind,
    IdentifiedStore,
    InvalidValue,
    NewRun,
    ObservedStore,
    RunAlreadyFinished,
    RunEvent,
    RunKey,
    RunNotFound,
    RunRepository,
    RunStatus,
    RunUpdates,
    UnknownMetric,
    UnusableForRun,
)
from ...domain.values import checked_time
from ...domain.visible import counted
from ..ledger import RunLedger, utc_now
from .batches import batches
from .importing import import_each
from .listing import Listing
from .replay import is_earlier, replay
from .result import CopyResult, Fate, Remark, difference

OnRemark = Callable[[Remark], None]
OnProgress = Callable[[int, int | None], None]

_HOW_TO_END = (
    "a second copy, with the ended_since of the first, brings its end over, unless it was updated in the target"
)
_REPORTED = {EventKind.DUPLICATED: Fate.DUPLICATED, EventKind.UNREADABLE: Fate.UNREADABLE}


def copy(
    source: RunRepository,
    target: RunRepository,
    *,
    ended_since: datetime | None = None,
    dry_run: bool = False,
    on_remark: OnRemark | None = None,
    on_progress: OnProgress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> CopyResult:
    """Copy every run of one open store to another, and return how many records had each fate.

    Both stores stay open. `runledger.copy`, which opens stores by their URLs, documents the parameters and errors.
    """
    began = clock()
    since = None if ended_since is None else checked_time(ended_since, "ended_since")
    if since is not None and since > began:
        raise InvalidValue(f"ended_since is in the future ({since.isoformat()}): give the time of the first copy.")
    _require_two(source, target)
    work = _Copy.between(source, target, since, dry_run, on_remark or _ignore, on_progress or _ignore)
    try:
        work.run()
    except BaseException as error:
        if done := work.counts[Fate.COPIED] + work.counts[Fate.ENDED]:
            error.add_note(f"{counted(done, 'record')} copied before this: copy again, and it continues from there.")
        raise
    finally:
        work.is_over = True
    return CopyResult(counts=work.counts, running=work.running, ended_since=work.since_of_next(began, clock()))


def _require_two(source: RunRepository, target: RunRepository) -> None:
    """Raises InvalidValue if the source is the target, as far as the stores can say."""
    names = [store.identity() if isinstance(store, IdentifiedStore) else id(store) for store in (source, target)]
    if names[0] == names[1]:
        raise InvalidValue("the source and the target are the same store: name two stores.")


def _ignore(*_: object) -> None:
    pass


@define
class _Copy:
    """One copy of a source to a target, and what it has done so far."""

    _source: RunLedger
    _target: RunLedger
    _updates: RunUpdates
    """The right to update the target, and nothing else."""
    _since: datetime | None
    """The time of the first copy, if this is a second one. It brings over what has finished, and nothing else."""
    _is_edited: bool
    """Whether people and scripts write to the source: a key may then have several records, or one break a rule."""
    _keeps_exactly: bool
    _batch_size: int
    _dry_run: bool
    _on_remark: OnRemark
    _on_progress: OnProgress
    counts: Counter[Fate] = field(factory=Counter)
    running: int = 0
    """How many runs of the source have not finished."""
    _last_update: datetime | None = None
    """When the last of these was updated."""
    is_over: bool = False
    """Set at the end: the source, which keeps its observers, may report more events."""
    _total: int | None = None
    _reported: set[str] = field(factory=set)
    _repeated: set[RunKey] = field(factory=set)
    _missing: set[int] = field(factory=set)
    _copied: set[RunKey] = field(factory=set)

    @classmethod
    def between(
        cls,
        source: RunRepository,
        target: RunRepository,
        since: datetime | None,
        dry_run: bool,
        on_remark: OnRemark,
        on_progress: OnProgress,
    ) -> _Copy:
        copy = cls(
            RunLedger(source, observers=()),
            RunLedger(target, observers=()),
            updates=target.without_creation(),
            since=since,
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

        there = Listing(self._target.reads.find_with_logs(), passed)
        for batch in batches(self._missing_from(there), self._batch_size, lambda run: run):
            self._create(batch)
        if self._dry_run:
            there.end()
            self._find_other_starts(extra)
        elif self._copied and not self._keeps_exactly:
            self._verify()

    def since_of_next(self, began: datetime, now: datetime) -> datetime | None:
        """The `ended_since` of the next copy; None if nothing is Running.

        It is when the first copy began; later, if a run was updated before it was read. So whatever updates a run in
        the target after this copy does so later.
        """
        if not self.running or self._dry_run:
            return None
        last = began if self._last_update is None else self._last_update + timedelta(milliseconds=1)
        return self._since or checked_time(max(began, min(last, now)), "time")

    def _missing_from(self, there: Listing) -> Iterator[NewRun]:
        """The runs that are to be created. Sees to those that are in the target on the way."""
        for run in self._runs():
            self._note_running(run)
            stored = None if run.key in self._repeated else there.same_as(run)
            if stored is not None:
                self._meet(run, stored)
            elif self._since is not None and run.record.status is RunStatus.RUNNING:
                self._remark(
                    Fate.UNFINISHED, run.key, "it started after the first copy: copy again when it has finished"
                )
            elif not self._is_edited or self._is_valid(run):
                yield run

    def _note_running(self, run: NewRun) -> None:
        if run.record.status is RunStatus.RUNNING:
            self.running += 1
            self._last_update = max(self._last_update or run.record.updated_at, run.record.updated_at)

    def _meet(self, run: NewRun, stored: NewRun) -> None:
        """See to a run that is in the target: compare it, or bring over how it ended."""
        if self._since is None or not is_earlier(stored, run, self._since) or not difference(run, stored):
            self._compare(run, stored, Fate.DIFFERENT)
        elif run.record.status is RunStatus.RUNNING:
            self._remark(Fate.UNFINISHED, run.key, "it has gone on in the source: copy again when it has finished")
        elif self._dry_run:
            self.counts[Fate.ENDED] += 1
        elif not self._is_edited or self._is_valid(run):
            self._bring_over(run, self._since)

    def _bring_over(self, run: NewRun, since: datetime) -> None:
        """Update the record in the target as it is just now: the listing may have been read a while ago."""
        ids = run.key.run_id, run.key.client_id
        try:
            stored = self._target.reads.get_with_log(*ids)
            ended = replay(self._updates, run, stored) if is_earlier(stored, run, since) else None
        except (InvalidValue, UnknownMetric, UnusableForRun) as error:
            self._remark(Fate.REFUSED, run.key, str(error))
            return
        except (RunNotFound, RunAlreadyFinished):
            ended = None
        if ended is None:
            self._remark(Fate.DIFFERENT, run.key, "something else has just changed it in the target")
        else:
            self.counts[Fate.ENDED] += 1
            self._compare(run, ended, Fate.ALTERED)

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
        there = []
        for each in import_each(self._target, batch):
            if each.is_new:
                self._count_copied(each.run.key)  # if the target altered it, `_verify` remarks on it
            elif each.fault:
                self._remark(Fate.REFUSED, each.run.key, each.fault)
            else:
                there.append(each.run)
        for run in there:
            self._meet(run, self._target.reads.get_with_log(run.key.run_id, run.key.client_id))

    def _count_copied(self, key: RunKey) -> None:
        self.counts[Fate.COPIED] += 1
        if not self._keeps_exactly:
            self._copied.add(key)

    def _compare(self, run: NewRun, stored: NewRun, fate: Fate) -> None:
        if unlike := difference(run, stored):
            is_open = stored.record.status is RunStatus.RUNNING and run.record.status.is_final
            self._remark(fate, run.key, f"{unlike}; {_HOW_TO_END}" if is_open and fate is Fate.DIFFERENT else unlike)
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
        there = Listing(self._target.reads.find_with_logs())
        for run in self._runs():
            key, repeated = run.key, run.key in self._repeated
            stored = self._target.reads.get_with_log(key.run_id, key.client_id) if repeated else there.same_as(run)
            if stored is not None and key in self._copied:
                self._compare(run, stored, Fate.ALTERED)

    def _remark(self, fate: Fate, key: RunKey | None, detail: str) -> None:
        self.counts[fate] += 1
        self._on_remark(Remark(fate, key, detail))
