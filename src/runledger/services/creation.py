"""Creating run records: the only module that calls `create`, and the only one that retries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import TypeVar

from attrs import evolve

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
        self._waits = list(waits)
        self._repository = repository
        self._reporter = reporter
        self._sleep = sleep
        self._new_mark = new_mark

    def create(self, record: RunRecord, note: str | None = None) -> RunKey:
        """Create one record. Raises RunAlreadyExists, unless an earlier attempt of this call created that record."""
        news = NewRun.started([record], self._new_mark(), note)
        return self._attempt(news, lambda pending: [self._repository.create(pending[0])])[0]

    def create_many(self, records: Sequence[RunRecord], note: str | None = None) -> list[RunKey]:
        """Create many records, all or none if the store guarantees it, and return their keys in the same order."""
        news = NewRun.started(records, self._new_mark(), note)
        if repeated := rejected_keys(news):
            raise InvalidValue(f"{repeated[0]} appears twice in one start: name each client once.", repeated[0])
        return self._attempt(news, self._repository.create_many)

    def import_records(self, records: Iterable[R]) -> tuple[R, ...]:
        """Create the runs whose keys are new. Returns the others, as they were given, which were not stored."""
        batch = list_of(records, "records", "RunRecords or NewRuns", lambda each: isinstance(each, (RunRecord, NewRun)))
        mark = self._new_mark()
        new: dict[RunKey, R] = {}
        others = [run for run in batch if new.setdefault(run.key, run) is not run]
        marked = {key: _with_mark(run, mark) for key, run in new.items()}
        made: list[RunKey] = []
        while marked:
            try:
                self._attempt(list(marked.values()), self._repository.create_many)
                break
            except RunAlreadyExists as error:
                for key in error.keys:
                    del marked[key]
                    others.append(new[key])
                for key in error.applied:
                    del marked[key]
                made += error.applied
                for key in error.unconfirmed:
                    marked[key] = evolve(marked[key], is_retry=True, reference=key.reference)
            except RunLedgerError as error:
                error.having_applied([*made, *error.applied])
                raise
        return tuple(others)

    def _attempt(self, news: Sequence[NewRun], create: Callable[[Sequence[NewRun]], Sequence[RunKey]]) -> list[RunKey]:
        made: dict[RunKey, RunKey] = {}
        unconfirmed: dict[RunKey, str | None] = {}
        pending = news
        in_doubt = False
        for attempt in count(1):
            try:
                keys = list(create(pending)) if pending else []
                break
            except (CallWithinCall, StoreUnusable) as error:  # a further attempt would fail like this one
                is_of_all = not isinstance(error, UnusableForRun) and error.key not in error.applied
                if in_doubt and is_of_all:
                    raise _in_doubt(error, news[0].key, made) from error
                error.having_applied({**made, **dict.fromkeys(error.applied)})
                raise
            except StoreUnavailable as error:
                in_doubt = in_doubt or error.outcome is Outcome.UNKNOWN
                made.update((key, key) for key in error.applied)
                unconfirmed.update((key, key.reference) for key in error.unconfirmed)
                key = news[0].key
                if attempt > len(self._waits):
                    outcome = Outcome.UNKNOWN if in_doubt else Outcome.NOT_APPLIED
                    reason = f"{error.reason} (tried {counted(attempt, 'time')})"
                    failure = StoreUnavailable(reason, outcome, key, advice=error.advice).having_applied(made)
                    failure.unconfirmed = error.unconfirmed
                    raise failure from error
                self._reporter.start_retried(error, key, attempt)
                self._sleep(_jittered(self._waits[attempt - 1]))
                pending = [
                    evolve(new, is_retry=in_doubt or new.is_retry, reference=unconfirmed.get(new.key, new.reference))
                    for new in pending
                    if new.key not in made
                ]
            except RunLedgerError as error:
                if made:  # by an earlier attempt
                    error.having_applied({**made, **dict.fromkeys(error.applied)})
                raise
        if not made:
            return keys
        made.update((key, key) for key in keys)
        return [made[new.key] for new in news]


def _in_doubt(error: RunLedgerError, key: RunKey, made: Iterable[RunKey]) -> StoreUnavailable:
    """The error of a start that cannot go on, and one of whose attempts had no answer: it may have created records."""
    reason = f"an attempt to start it had no answer, and the next one failed: {error.args[0]}".removesuffix(".")
    failure = StoreUnavailable(reason, Outcome.UNKNOWN, key).having_applied([*made, *error.applied])
    failure.unconfirmed = error.unconfirmed
    return failure


def _with_mark(run: RunRecord | NewRun, mark: str) -> NewRun:
    return (run if isinstance(run, NewRun) else NewRun(run)).marked(mark)


def _jittered(wait: float) -> float:
    import random  # here, because retries are rare and it slows `import runledger`

    return wait * random.uniform(0.5, 1.0)
