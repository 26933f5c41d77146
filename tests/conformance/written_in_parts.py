"""Adapters whose bulk calls are several transactions. They are in a module that a spawned process imports quickly."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import NewRun, RunAlreadyExists, RunChange, RunKey, RunNotFound

_BATCH = 250


class StartsInParts(SQLiteRunRepository):
    """Looks whether all can be created, and creates them in batches."""

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        for new in news:
            with suppress(RunNotFound):
                self.get(new.key)
                raise RunAlreadyExists([new.key])
        keys: list[RunKey] = []
        for i in range(0, len(news), _BATCH):
            keys += super().create_many(news[i : i + _BATCH])
        return keys


class WritesTheLastAlone(SQLiteRunRepository):
    """Updates all in one transaction but the last: it is in part for an instant."""

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        for key, _ in changes:
            self.get(key)
        super().update_many(changes[:-1], at)
        super().update_many(changes[-1:], at)
