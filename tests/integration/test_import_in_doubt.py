"""Imports one of whose answers was lost, and which then meet another's record, or one that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from airtable_base import TOKEN, served
from commands import runledger
from postgres_server import fresh_ledger
from test_airtable_creation import FURTHER, MAPPINGS, ledger_of, row_of

from airtable_local import Fault, FaultKind, Unknowns
from runledger import (
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    UnusableForRun,
)
from runledger.adapters.airtable import Columns
from runledger.domain import RunRepository
from runledger.services.copying.importing import import_each
from runledger.stores import open_repository

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
CLIENTS = [f"{i:02}" for i in range(12)]
TAKEN = "10"
"""The client whose run another process starts. Airtable's first request makes the ten before it."""


def record_of(client_id: str) -> RunRecord:
    return RunRecord.start(RunKey("r", client_id), AT)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunRepository]:
    if request.param == "postgresql":
        with fresh_ledger() as url:
            store = open_repository(url)
            yield store
            store.close()
    else:
        store = open_repository(f"sqlite:///{tmp_path}/runs.db" if request.param == "sqlite" else "memory://")
        yield store
        store.close()


class LosingAnAnswer:
    """A store that loses the answer to a first bulk start, while another process starts one of its runs.

    `then` is what the second bulk start raises, if anything.
    """

    def __init__(self, store: RunRepository, then: RunLedgerError | None = None) -> None:
        self._store = store
        self._then = then
        self._calls = 0
        self.guarantees = store.guarantees
        self.without_creation = store.without_creation

    def create_many(self, news: Sequence[NewRun]) -> Sequence[RunKey]:
        self._calls += 1
        if self._calls == 1:
            self._store.create_many([new for new in news if new.key.client_id != TAKEN])
            self._store.create(NewRun(record_of(TAKEN), mark="another"))
            raise StoreUnavailable("the line went dead", Outcome.UNKNOWN)
        if self._calls == 2 and self._then is not None:
            raise self._then
        return self._store.create_many(news)


def over(store: RunRepository, then: RunLedgerError | None = None) -> RunLedger:
    losing = cast(RunRepository, LosingAnAnswer(store, then))
    return RunLedger(losing, observers=(), sleep=lambda _: None)


def test_an_import_that_lost_an_answer_returns_the_record_of_another_alone(store: RunRepository) -> None:
    records = [record_of(client) for client in CLIENTS]
    assert over(store).import_records(records) == (record_of(TAKEN),)
    assert sorted(record.key.client_id for record in store.find(RunQuery())) == CLIENTS


def test_an_import_that_lost_an_answer_knows_its_own_after_a_run_was_refused(store: RunRepository) -> None:
    runs = [NewRun(record_of(client)) for client in CLIENTS]
    ledger = over(store, UnusableForRun("its record cannot be read", RunKey("r", TAKEN)))
    found = {each.run.key.client_id: (each.is_new, each.fault) for each in import_each(ledger, runs)}
    assert found == {
        client: (False, "its record cannot be read") if client == TAKEN else (True, "") for client in CLIENTS
    }


def test_a_bulk_start_that_lost_an_answer_reports_what_it_created(store: RunRepository) -> None:
    with pytest.raises(RunAlreadyExists) as refusal:
        over(store).start_many("r", CLIENTS)
    assert refusal.value.keys == (RunKey("r", TAKEN),)
    made = {key.client_id for key in (*refusal.value.applied, *refusal.value.unconfirmed)}
    assert made == set(CLIENTS) - {TAKEN}


@pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
def test_an_airtable_import_that_lost_an_answer_posts_nothing_twice_once_it_meets_another_record(
    columns: Columns,
) -> None:
    """Lists lag so long that the second attempt sees the other record, and none of those that the first one made."""
    with served(*FURTHER, unknowns=Unknowns(lists_see_writes_after=timedelta(seconds=7))) as base:
        base.insert(row_of(RunKey("r", TAKEN)))
        base.clock.sleep(2)
        base.server.faults.arm(Fault(FaultKind.DROP, method="POST"))
        records = [record_of(client) for client in CLIENTS[:11]]
        assert ledger_of(base, columns).import_records(records) == (record_of(TAKEN),)
        assert base.requests().count("POST") == 1
        assert sorted(row["fields"]["Client ID"] for row in base.rows()) == CLIENTS[:11]


@pytest.mark.parametrize("marks", ["", "&start_mark=Start%20Mark"])
@pytest.mark.parametrize("is_readable", [True, False])
def test_the_command_counts_what_it_loaded_although_an_answer_was_lost(
    tmp_path: Path, marks: str, is_readable: bool
) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text("".join(f"{json.dumps(record_of(client).to_json())}\n" for client in CLIENTS))

    with served(*FURTHER) as base:

        def spoilt() -> None:
            base.insert(row_of(RunKey("r", TAKEN)))
            if not is_readable:
                [row] = base.rows()
                base.write(RunKey("r", TAKEN).referring_to(row["id"]), {"Start Time": None})

            base.server.faults.arm(Fault(FaultKind.STATUS, method="GET"))  # so nothing can be confirmed

        base.before_next("POST", spoilt)
        base.server.faults.arm(Fault(FaultKind.DROP, method="POST"))
        url = f"{base.store_url}&number=Number{marks}"
        done = runledger("import", str(file), store=url, code=1, AIRTABLE_API_KEY=TOKEN)
        ending = "0 refused, 1 there, but different" if is_readable else "1 refused"
        assert done.stdout == f"12 rows: 11 loaded, 0 already there, {ending}\n"
        assert ("cannot be read" in done.stderr) is not is_readable
        assert sorted(row["fields"]["Client ID"] for row in base.rows()) == CLIENTS
