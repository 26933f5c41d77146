"""Making run records: the one module that calls `create`, and the one that retries."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import field, frozen
from attrs.validators import ge

from ..domain import (
    EventKind,
    Outcome,
    RunAlreadyExists,
    RunKey,
    RunNotFound,
    RunRecord,
    RunRepository,
    StoreUnavailable,
)
from .observing import Reporter


@frozen(kw_only=True)
class RetryPolicy:
    """How often a start is tried when the store is unavailable, and how long it waits between tries, in seconds.

    The wait doubles from `first_wait` to at most `longest_wait`; jitter takes up to half of it off.
    """

    attempts: int = field(default=5, validator=ge(1))
    first_wait: float = field(default=0.1, validator=ge(0))
    longest_wait: float = field(default=5.0, validator=ge(0))

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the given failed attempt, the first being 1."""
        return min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait) * random.uniform(0.5, 1.0)


@frozen
class RunCreator:
    """Creates records, retrying only on StoreUnavailable; a retry finds what an earlier attempt of its own left."""

    _repository: RunRepository
    _reporter: Reporter
    _retry: RetryPolicy
    _sleep: Callable[[float], None]

    def create(self, record: RunRecord, at: datetime, site: str | None = None) -> None:
        """Create one record. Raises RunAlreadyExists unless the record there is from an attempt of this very call."""
        self._attempt((record,), lambda pending: self._repository.create(pending[0]), at, site)

    def create_many(self, records: Sequence[RunRecord], at: datetime, site: str | None = None) -> None:
        """Create many records, all or none of them where the store can."""
        self._attempt(records, self._repository.create_many, at, site)

    def load(self, records: Sequence[RunRecord], at: datetime, site: str | None = None) -> tuple[RunRecord, ...]:
        """Create the records whose keys are new; returns the others, which were not stored."""
        new: dict[RunKey, RunRecord] = {}
        others = [record for record in records if new.setdefault(record.key, record) is not record]
        while new:
            try:
                self.create_many(list(new.values()), at, site)
                break
            except RunAlreadyExists as error:
                others.extend(new.pop(key) for key in error.keys)
        return tuple(others)

    def _attempt(
        self,
        records: Sequence[RunRecord],
        create: Callable[[Sequence[RunRecord]], None],
        at: datetime,
        site: str | None,
    ) -> None:
        in_doubt = False
        for attempt in range(1, self._retry.attempts + 1 if records else 1):
            try:
                # A record may be taken for our own only after an attempt whose answer was lost.
                pending = [record for record in records if not self._is_there(record)] if in_doubt else records
                if pending:
                    create(pending)
                return
            except StoreUnavailable as error:
                in_doubt = in_doubt or error.outcome is Outcome.UNKNOWN
                key = records[0].key
                if attempt == self._retry.attempts:
                    outcome = Outcome.UNKNOWN if in_doubt else Outcome.NOT_APPLIED
                    raise StoreUnavailable(f"{error.reason} (tried {attempt} times)", outcome, key) from error
                self._reporter.report(EventKind.START_RETRIED, key, at, error=error, attempt=attempt, call_site=site)
                self._sleep(self._retry.wait(attempt))

    def _is_there(self, record: RunRecord) -> bool:
        try:
            stored = self._repository.get(record.key)
        except RunNotFound:
            return False
        if (stored.started_at, stored.client_name) == (record.started_at, record.client_name):
            return True
        raise RunAlreadyExists([record.key])
