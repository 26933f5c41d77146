"""Creating run records: the only module that calls `create`, and the only one that retries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from ..domain import (
    InvalidValue,
    Outcome,
    RunAlreadyExists,
    RunKey,
    RunNotFound,
    RunRecord,
    RunRepository,
    StoreUnavailable,
    rejected_keys,
)
from .arguments import list_of
from .observing import Reporter

RETRY_WAITS = (0.1, 0.2, 0.4, 0.8)
"""Seconds to wait before each further attempt of a start, while the store is unavailable."""


class RunCreator:
    """Creates records, and retries only while the store is unavailable.

    An attempt whose answer was lost may have created its records; a later attempt recognises them as its own.
    There is one attempt more than there are `waits`, which are in seconds. Up to half of each is taken off at random,
    so that processes that failed together do not retry together. Raises InvalidValue for an unusable wait.
    """

    def __init__(
        self, repository: RunRepository, reporter: Reporter, waits: Sequence[float], sleep: Callable[[float], None]
    ) -> None:
        self._waits = list_of(waits, "retry_waits", "seconds, none of them negative", _can_be_waited)
        self._repository = repository
        self._reporter = reporter
        self._sleep = sleep

    def create(self, record: RunRecord) -> RunKey:
        """Create one record. Raises RunAlreadyExists, unless an earlier attempt of this call created that record."""
        return self._attempt([record], lambda pending: [self._repository.create(pending[0])])[0]

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        """Create many records, all or none if the store guarantees it, and return their keys in the same order."""
        if repeated := rejected_keys(record.key for record in records):
            raise InvalidValue(f"{repeated[0]} appears twice in one start: name each client once.", repeated[0])
        return self._attempt(records, self._repository.create_many)

    def import_records(self, records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
        """Create the records whose keys are new. Returns the others, which were not stored."""
        batch = list_of(records, "records", "RunRecords", lambda record: isinstance(record, RunRecord))
        new: dict[RunKey, RunRecord] = {}
        others = [record for record in batch if new.setdefault(record.key, record) is not record]
        while new:
            try:
                self.create_many(list(new.values()))
                break
            except RunAlreadyExists as error:
                others.extend(new.pop(key) for key in error.keys)
                for key in error.applied:
                    del new[key]
        return tuple(others)

    def _attempt(
        self, records: Sequence[RunRecord], create: Callable[[Sequence[RunRecord]], Sequence[RunKey]]
    ) -> list[RunKey]:
        made: dict[RunKey, RunKey] = {}
        in_doubt = False
        for attempt in count(1):
            try:
                while pending := [record for record in records if record.key not in made]:
                    try:
                        made.update((key, key) for key in create(pending))
                    except RunAlreadyExists as refusal:
                        # If no answer was lost, a record that exists already cannot be ours.
                        if not in_doubt:
                            raise
                        made.update((key, key) for key in self._our_own(pending, refusal))
                break
            except StoreUnavailable as error:
                in_doubt = in_doubt or error.outcome is Outcome.UNKNOWN
                made.update((key, key) for key in error.applied)
                key = records[0].key
                if attempt > len(self._waits):
                    outcome = Outcome.UNKNOWN if in_doubt else Outcome.NOT_APPLIED
                    reason = f"{error.reason} (tried {attempt} times)"
                    raise StoreUnavailable(reason, outcome, key).having_applied(made) from error
                self._reporter.start_retried(error, key, attempt)
                self._sleep(_jittered(self._waits[attempt - 1]))
        return [made[record.key] for record in records]

    def _our_own(self, records: Sequence[RunRecord], refusal: RunAlreadyExists) -> list[RunKey]:
        """The keys that were rejected, if an earlier attempt created every one of their records."""
        wanted = {record.key: record for record in records}
        keys = []
        for key in refusal.keys:
            try:
                stored = self._repository.get(key)
            except RunNotFound:  # the record has been deleted since
                raise refusal from None
            if not wanted[key].is_start_of(stored):
                raise RunAlreadyExists([key])
            keys.append(stored.key)
        return keys


def _can_be_waited(seconds: object) -> bool:
    return isinstance(seconds, (int, float)) and 0 <= seconds < math.inf


def _jittered(wait: float) -> float:
    import random  # here, because retries are rare and it slows `import runledger`

    return wait * random.uniform(0.5, 1.0)
