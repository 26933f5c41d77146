"""An adapter whose lock no other process sees. It is in a module that a spawned process imports quickly."""

import time
from contextlib import suppress
from datetime import datetime
from threading import RLock

from attrs import evolve

from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import NewRun, RunAlreadyExists, RunAlreadyFinished, RunChange, RunKey, RunNotFound, RunRecord

_ONE_AT_A_TIME = RLock()


class LockedInOneProcess(SQLiteRunRepository):
    """Reads, decides and writes, under a lock of this process."""

    def create(self, new: NewRun) -> RunKey:
        with _ONE_AT_A_TIME:
            with suppress(RunNotFound):
                self.get(new.key)
                raise RunAlreadyExists([new.key])
            time.sleep(0.005)  # as long as a request takes
            with suppress(RunAlreadyExists):
                super().create(new)
            return new.key

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        with _ONE_AT_A_TIME:
            before = self.get(key)
            after = before.apply(change, at)
            time.sleep(0.005)  # as long as a request takes
            with suppress(RunAlreadyFinished):
                super().update(key, evolve(change, add={}, metrics=dict(after.metrics)), at)
            return self.get(key)
