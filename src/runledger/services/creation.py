"""Creating run records: the only module that calls `create`, and the only one that retries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import TypeVar

from ..domain import (
    CallWithinCall,
    InvalidValue,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunKey,
    RunLedgerError,
    RunRecord,
    RunRepository,
    StoreUnavailable,
    StoreUnusable,
    UnusableForRun,
    rejected_keys,
)
from ..domain.key import plain_text
from ..domain.visible import counted
from .arguments import list_of
from .observing import Reporter

RETRY_WAITS = (0.1, 0.2, 0.4, 0.8)
"""Seconds to wait before each further attempt of a start, while the store is unavailable."""


R = TypeVar("R", bound=RunRecord | NewRun)


def new_mark() -> str:
    """The mark of a new start: 16 random hexadecimal digits."""
    return os.urandom(8).hex()


class RunCreator:
    """Creates records, and retries only while the store is unavailable.

    An attempt whose answer was lost may have created its records; by the mark of the start, the store recognises them
    when a later attempt comes. There is one attempt more than there are `waits`, which are in seconds. Up to half of
    each is taken off at random, so that processes that failed together do not retry together.
    """

    def __init__(
        self,
        repository: RunRepository,
        reporter: Reporter,
        waits: Sequence[float],
        sleep: Callable[[float], None],
        new_mark: Callable[[], str] = new_mark,
    ) -> None:
        if not callable(new_mark):
            raise InvalidValue(f"new_mark is {type(new_mark).__name__}: give a function that returns random text.")
        self._waits = list(waits)
        self._repository = repository
        self._reporter = reporter
        self._sleep = sleep
        self._new_mark = new_mark

    def create(self, record: RunRecord, note: str | None = None) -> RunKey:
        """Create one record. Raises RunAlreadyExists, unless an earlier attempt of this call created that record."""
        news = NewRun.started([record], self._mark(), note)
        try:
            return self._attempt(news, lambda pending: [self._repository.create(pending[0])])[0]
        except (RunAlreadyExists, StoreUnavailable):
            raise
        except RunLedgerError as error:
            if not error.unconfirmed:
                raise
            failure = _unanswered(error, record.key)
            failure.unconfirmed = error.unconfirmed
            raise failure from error

    def create_many(self, records: Sequence[RunRecord], note: str | None = None) -> list[RunKey]:
        """Create many records, all or none if the store guarantees it, and return their keys in the same order."""
        news = NewRun.started(records, self._mark(), note)
        if repeated := rejected_keys(news):
            raise InvalidValue(f"{repeated[0]} appears twice in one start: name each client once.", repeated[0])
        return self._attempt(news, self._repository.create_many)

    def import_records(self, records: Iterable[R]) -> tuple[R, ...]:
        """Create the runs whose keys are new. Returns the others, as they were given, which were not stored."""
        batch = list_of(records, "records", "RunRecords or NewRuns", lambda each: isinstance(each, (RunRecord, NewRun)))
        mark = self._mark()
        new: dict[RunKey, R] = {}
        others = [run for run in batch if new.setdefault(run.key, run) is not run]
        pending = {key: _with_mark(run, mark) for key, run in new.items()}
        made: list[RunKey] = []
        while pending:
            try:
                self._attempt(list(pending.values()), self._repository.create_many)
                break
            except RunAlreadyExists as error:
                for key in error.keys:
                    del pending[key]
                    others.append(new[key])
                for key in error.applied:
                    del pending[key]
                made += error.applied
                for key in error.unconfirmed:
                    pending[key] = pending[key].retried(key.reference)
            except RunLedgerError as error:
                error.having_applied([*made, *error.applied])
                raise
        return tuple(others)

    def _mark(self) -> str:
        mark = plain_text(self._new_mark(), "mark")
        if not mark:
            raise InvalidValue("mark is empty: give a new_mark that returns random text.")
        return mark

    def _attempt(self, news: Sequence[NewRun], create: Callable[[Sequence[NewRun]], Sequence[RunKey]]) -> list[RunKey]:
        made: dict[RunKey, RunKey] = {}
        pending = news
        in_doubt = any(new.is_retry for new in news)
        for attempt in count(1):
            try:
                keys = list(create(pending)) if pending else []
                break
            except RunLedgerError as error:
                is_lost = isinstance(error, StoreUnavailable) and error.outcome is Outcome.UNKNOWN
                in_doubt = in_doubt or is_lost
                pending = _still_pending(pending, error, is_lost)
                made.update((key, key) for key in error.applied)
                key = (pending or news)[0].key
                failure = self._ending(error, key, attempt, in_doubt)
                if failure is not None:
                    failure.having_applied(made).unconfirmed = _unconfirmed(pending, error)
                    if failure is error:
                        raise
                    raise failure from error
                self._reporter.start_retried(error, key, attempt)
                self._sleep(_jittered(self._waits[attempt - 1]))
        if not made:
            return keys
        made.update((key, key) for key in keys)
        return [made[new.key] for new in news]

    def _ending(self, error: RunLedgerError, key: RunKey, attempt: int, in_doubt: bool) -> RunLedgerError | None:
        """What a start raises that ends with this error of an attempt. None if another attempt follows."""
        if isinstance(error, StoreUnavailable) and not isinstance(error, CallWithinCall):
            if attempt <= len(self._waits):
                return None
            outcome = Outcome.UNKNOWN if in_doubt else Outcome.NOT_APPLIED
            reason = f"{error.reason} (tried {counted(attempt, 'time')})"
            return StoreUnavailable(reason, outcome, key, advice=error.advice)
        is_of_one = isinstance(error, UnusableForRun) or error.key in error.applied
        if not in_doubt or is_of_one or not isinstance(error, (CallWithinCall, StoreUnusable)):
            return error
        return _unanswered(error, key)


def _unanswered(error: RunLedgerError, key: RunKey) -> StoreUnavailable:
    """The error of a start that may have created `key`: an attempt had no answer, and the next ended with `error`."""
    said = error.reason if isinstance(error, StoreUnavailable) else str(error.args[0]).removesuffix(".")
    reason = f"an attempt to start it had no answer, and the next one failed: {said}"
    return StoreUnavailable(reason, Outcome.UNKNOWN, key)


def _still_pending(news: Iterable[NewRun], error: RunLedgerError, is_lost: bool) -> list[NewRun]:
    """The runs that an attempt which failed did not create, as the next one tries them. `is_lost`: had it no answer?"""
    made = set(error.applied)
    references = {key: key.reference for key in error.unconfirmed}
    return [
        new.retried(references.get(new.key, new.reference)) if is_lost or new.key in references else new
        for new in news
        if new.key not in made
    ]


def _unconfirmed(pending: Iterable[NewRun], error: RunLedgerError) -> tuple[RunKey, ...]:
    taken = set(error.keys) if isinstance(error, RunAlreadyExists) else set()
    return tuple(new.key.referring_to(new.reference) for new in pending if new.is_retry and new.key not in taken)


def _with_mark(run: RunRecord | NewRun, mark: str) -> NewRun:
    new = run if isinstance(run, NewRun) else NewRun(run)
    return new if new.mark else new.marked(mark)


def _jittered(wait: float) -> float:
    import random  # here, because retries are rare and it slows `import runledger`

    return wait * random.uniform(0.5, 1.0)
