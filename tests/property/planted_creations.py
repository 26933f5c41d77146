"""Updates that create, one planted into each store and each kind of object: what the property test must catch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from requests import PreparedRequest, Response

import runledger_redis
from runledger import NewRun, RunChange, RunKey, RunNotFound, RunRecord
from runledger.adapters.airtable import AirtableRunAccess
from runledger.adapters.airtable.transport import WithoutCreation
from runledger.adapters.memory import InMemoryRunAccess
from runledger.adapters.sql import postgresql, sqlite
from runledger.adapters.sql.rows import rows_of_texts
from runledger.aio import AsyncLedgerUpdates, AsyncRun
from runledger.services.updates import LedgerUpdates, Run

Changes = Sequence[tuple[RunKey, RunChange]]
Plant = Callable[[pytest.MonkeyPatch], None]


def memory_creates_for_an_error_alone(patch: pytest.MonkeyPatch) -> None:
    """The class is also what an application's tests use as their model, so that a comparison with it shows nothing."""
    update = InMemoryRunAccess.update

    def planted(self: InMemoryRunAccess, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if change.error is not None and change == RunChange(error=change.error):
            self._table.records.setdefault(key, RunRecord.start(key, at))
        return update(self, key, change, at)

    patch.setattr(InMemoryRunAccess, "update", planted)


def sqlite_inserts_on_a_miss(patch: pytest.MonkeyPatch) -> None:
    update = sqlite._update

    def planted(cursor: Any, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        insert = sqlite._INSERT.replace("INSERT", "INSERT OR IGNORE")
        cursor.executemany(insert, rows_of_texts([NewRun(RunRecord.start(key, at))]))
        return update(cursor, key, change, at)

    patch.setattr(sqlite, "_update", planted)


def postgresql_inserts_on_a_miss(patch: pytest.MonkeyPatch) -> None:
    change_one = postgresql.change_one  # type: ignore[attr-defined]

    def planted(cursor: Any, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        new = NewRun(RunRecord.start(key, at))
        cursor.execute(postgresql._INSERT + " ON CONFLICT DO NOTHING", next(rows_of_texts([new])))
        return change_one(cursor, key, change, at)

    patch.setattr(postgresql, "change_one", planted)


def airtable_upserts_on_a_miss(patch: pytest.MonkeyPatch) -> None:
    """Two things must break for that: the adapter, and the transport that refuses to send what could create."""
    update = AirtableRunAccess.update

    def planted(self: AirtableRunAccess, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        try:
            return update(self, key, change, at)
        except RunNotFound:
            cells = self._table.columns.of_new(NewRun(RunRecord.start(key, at)))
            self._table.table.batch_upsert([{"fields": dict(cells)}], key_fields=["Run ID", "Client ID"])
            raise

    def send(self: WithoutCreation, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        return super(WithoutCreation, self).send(request, *args, **options)

    patch.setattr(AirtableRunAccess, "update", planted)
    patch.setattr(WithoutCreation, "send", send)


def redis_sets_a_hash_on_a_miss(patch: pytest.MonkeyPatch) -> None:
    apply = runledger_redis.RedisRunAccess._apply

    def planted(self: Any, changes: Changes, at: datetime) -> dict[RunKey, RunRecord]:
        try:
            return apply(self, changes, at)
        except RunNotFound:
            place = runledger_redis._RECORD + runledger_redis._name(changes[-1][0])
            self._server.ask("HSET", place, "updated_at", at.isoformat(), writes=True)
            raise

    patch.setattr(runledger_redis.RedisRunAccess, "_apply", planted)


def a_new_method_of_updates_creates(patch: pytest.MonkeyPatch) -> None:
    def restore(self: LedgerUpdates, run_id: str, client_id: str) -> None:
        key = RunKey(run_id, client_id)
        self._access._table.records.setdefault(key, RunRecord.start(key, datetime.now(UTC)))  # type: ignore[attr-defined]

    patch.setattr(LedgerUpdates, "restore", restore, raising=False)


def a_new_method_of_a_handle_creates(patch: pytest.MonkeyPatch) -> None:
    def reopen(self: Run) -> None:
        table = self._updates._access._table  # type: ignore[attr-defined]
        table.records.setdefault(self.key, RunRecord.start(self.key, datetime.now(UTC)))

    patch.setattr(Run, "reopen", reopen, raising=False)


def a_new_method_of_updates_for_coroutines_creates(patch: pytest.MonkeyPatch) -> None:
    async def restore(self: AsyncLedgerUpdates, run_id: str, client_id: str) -> None:
        key = RunKey(run_id, client_id)
        table = self._updates._access._table  # type: ignore[attr-defined]
        table.records.setdefault(key, RunRecord.start(key, datetime.now(UTC)))

    patch.setattr(AsyncLedgerUpdates, "restore", restore, raising=False)


def a_new_method_of_a_handle_for_coroutines_creates(patch: pytest.MonkeyPatch) -> None:
    async def reopen(self: AsyncRun) -> None:
        table = self._run._updates._access._table  # type: ignore[attr-defined]
        table.records.setdefault(self.key, RunRecord.start(self.key, datetime.now(UTC)))

    patch.setattr(AsyncRun, "reopen", reopen, raising=False)


PLANTS: Mapping[Plant, str] = {
    memory_creates_for_an_error_alone: "memory",
    sqlite_inserts_on_a_miss: "sqlite",
    postgresql_inserts_on_a_miss: "postgresql",
    airtable_upserts_on_a_miss: "airtable",
    redis_sets_a_hash_on_a_miss: "redis",
    a_new_method_of_updates_creates: "memory",
    a_new_method_of_a_handle_creates: "memory",
    a_new_method_of_updates_for_coroutines_creates: "memory",
    a_new_method_of_a_handle_for_coroutines_creates: "memory",
}
"""Each plant with the store that it is planted into."""
