"""Making run records: the one module that calls `create`, and the one that retries."""

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
from ..domain.values import checked_list
from .observing import Reporter

RETRY_WAITS = (0.1, 0.2, 0.4, 0.8)
"""Seconds to wait before each further try of a start that found the store unavailable."""


class RunCreator:
    """Creates records, retrying only on StoreUnavailable; a retry finds what an earlier attempt of its own left.

    There is one attempt more than there are waits, and jitter takes up to half off each wait.
    """

    def __init__(
        self, repository: RunRepository, reporter: Reporter, waits: Sequence[float], sleep: Callable[[float], None]
    ) -> None:
        self._waits = checked_list(waits, "retry_waits", "seconds, none of them negative")
        if not all(isinstance(wait, (int, float)) and 0 <= wait < math.inf for wait in self._waits):
            raise InvalidValue(f"retry_waits is {self._waits}: give a list of seconds, none of them negative.")
        self._repository = repository
        self._reporter = reporter
        self._sleep = sleep

    def create(self, record: RunRecord, site: str | None) -> RunKey:
        """Create one record. Raises RunAlreadyExists unless the record there is from an attempt of this very call."""
        return self._attempt([record], lambda pending: [self._repository.create(pending[0])], site)[0]

    def create_many(self, records: Sequence[RunRecord], site: str | None) -> list[RunKey]:
        """Create many records, all or none of them where the store can; their keys in the same order."""
        if twice := rejected_keys(record.key for record in records):
            raise InvalidValue(f"{twice[0]} stands twice in one start: name each client once.", twice[0])
        return self._attempt(records, self._repository.create_many, site)

    def load(self, records: Iterable[RunRecord], site: str | None) -> tuple[RunRecord, ...]:
        """Create the records whose keys are new; returns the others, which were not stored."""
        batch = checked_list(records, "records", "RunRecords")
        if not all(isinstance(record, RunRecord) for record in batch):
            raise InvalidValue("a load brings in RunRecords, and something else is among them.")
        new: dict[RunKey, RunRecord] = {}
        others = [record for record in batch if new.setdefault(record.key, record) is not record]
        while new:
            try:
                self.create_many(list(new.values()), site)
                break
            except RunAlreadyExists as error:
                others.extend(new.pop(key) for key in error.keys)
                for key in error.applied:
                    del new[key]
        return tuple(others)

    def _attempt(
        self,
        records: Sequence[RunRecord],
        create: Callable[[Sequence[RunRecord]], Sequence[RunKey]],
        site: str | None,
    ) -> list[RunKey]:
        made: dict[RunKey, RunKey] = {}
        in_doubt = False
        for attempt in count(1):
            try:
                while pending := [record for record in records if record.key not in made]:
                    try:
                        made.update((key, key) for key in create(pending))
                    except RunAlreadyExists as refusal:
                        # A record may be taken for our own only after an attempt whose answer was lost.
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
                self._reporter.start_retried(error, key, attempt, site)
                self._sleep(_jittered(self._waits[attempt - 1]))
        return [made[record.key] for record in records]

    def _our_own(self, records: Sequence[RunRecord], refusal: RunAlreadyExists) -> list[RunKey]:
        """The keys in the way, if every one of them is of a record that an earlier attempt made."""
        wanted = {record.key: record for record in records}
        keys = []
        for key in refusal.keys:
            try:
                stored = self._repository.get(key)
            except RunNotFound:  # what was in the way has been deleted since
                raise refusal from None
            if not wanted[key].is_start_of(stored):
                raise RunAlreadyExists([key])
            keys.append(stored.key)
        return keys


def _jittered(wait: float) -> float:
    import random  # here, because it is rarely needed, and slows `import runledger`

    return wait * random.uniform(0.5, 1.0)
