"""Starts in Airtable where lists lag behind writes, and where another service writes into the same table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from airtable_base import METRIC_COLUMNS, AirtableBase, served

from airtable_local import Column, Fault, FaultKind, Unknowns
from runledger import (
    EventKind,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunEvent,
    RunKey,
    RunLedger,
    RunRecord,
    StoreUnavailable,
)
from runledger.adapters.airtable import Columns

KEY = RunKey("251124-081500", "acme")
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
MAPPINGS = [Columns(), Columns(start_mark="Start Mark"), Columns(number="Number")]
FURTHER = (*METRIC_COLUMNS, Column("Start Mark"), Column("Number", "autoNumber"))


def new(key: RunKey = KEY, mark: str = "m") -> NewRun:
    return NewRun(RunRecord.start(key, AT, client_name="Acme Ltd"), mark=mark)


def ledger_of(base: AirtableBase, columns: Columns = Columns(), events: list[RunEvent] | None = None) -> RunLedger:
    observers = () if events is None else (events.append,)
    return RunLedger(base.repository(columns), observers=observers, clock=base.clock, sleep=base.clock.sleep)


def lagging(seconds: float) -> Unknowns:
    return Unknowns(lists_see_writes_after=timedelta(seconds=seconds))


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*FURTHER) as base:
        yield base


class TestListsThatLag:
    """A POST that was acknowledged is never sent again, whatever the lists show."""

    @pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
    @pytest.mark.parametrize("seconds", [0.5, 1, 3, 5, 20])
    def test_a_start_makes_one_record(self, columns: Columns, seconds: float) -> None:
        with served(*FURTHER, unknowns=lagging(seconds)) as base:
            run = ledger_of(base, columns).start("r", "c")
            assert [row["id"] for row in base.rows()] == [run.key.reference]
            assert base.requests().count("POST") == 1

    @pytest.mark.parametrize("seconds", [1, 5])
    @pytest.mark.parametrize("after_commit", [True, False])
    def test_a_start_whose_answer_was_lost_makes_one_record(self, seconds: float, after_commit: bool) -> None:
        for columns in MAPPINGS:
            with served(*FURTHER, unknowns=lagging(seconds)) as base:
                base.server.faults.arm(Fault(FaultKind.DROP, method="POST", after_commit=after_commit))
                run = ledger_of(base, columns).start("r", "c")
                assert [row["id"] for row in base.rows()] == [run.key.reference]

    @pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
    def test_starts_and_imports_of_many_make_each_record_once(self, columns: Columns) -> None:
        with served(*FURTHER, unknowns=lagging(4)) as base:
            ledger = ledger_of(base, columns)
            ledger.start_many("r", {f"client {i}": f"Client {i}" for i in range(30)})
            assert base.requests().count("POST") == 3
            records = [RunRecord.start(RunKey("imported", f"{i:03}"), AT) for i in range(133)]
            assert ledger.import_records(records) == ()
            assert base.requests().count("POST") == 14
            assert len(base.rows()) == 163

    @pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
    def test_a_record_that_is_never_listed_is_an_unknown_outcome(self, columns: Columns) -> None:
        with served(*FURTHER, unknowns=lagging(3600)) as base:
            begin = base.clock.now
            with pytest.raises(StoreUnavailable, match=r"record rec\w+ was made, and no listing shows it") as failure:
                ledger_of(base, columns).start("r", "c")
            assert failure.value.outcome is Outcome.UNKNOWN
            assert [row["id"] for row in base.rows()] == [key.reference for key in failure.value.unconfirmed]
            assert base.requests().count("POST") == 1
            assert base.clock.now - begin < timedelta(minutes=2)

    def test_an_import_beside_a_run_that_is_there_posts_nothing_twice(self) -> None:
        with served(*FURTHER, unknowns=lagging(12)) as base:
            ledger = ledger_of(base)
            there = RunRecord.start(RunKey("r", "there"), AT)

            def another_is_first() -> None:
                base.insert(row_of(there.key))
                base.clock.sleep(1)

            base.before_next("POST", another_is_first)
            others = ledger.import_records([there, *(RunRecord.start(RunKey("r", f"{i}"), AT) for i in range(3))])
            assert others == (there,)
            assert sorted(row["fields"]["Client ID"] for row in base.rows()) == ["0", "1", "2", "there"]

    def test_a_record_that_was_removed_beside_another_has_lost(self, base: AirtableBase) -> None:
        repository = base.repository()
        base.insert(row_of(KEY))
        base.clock.sleep(9)
        with pytest.raises(RunAlreadyExists):
            repository.create(NewRun(new().record, mark="m", is_retry=True, reference="recWasRemoved0000"))
        assert base.requests() == ["GET", "GET"]
        assert len(base.rows()) == 1

    @pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
    @pytest.mark.parametrize("nth", [4, 5, 6])
    def test_one_answer_that_is_lost_while_confirming_costs_a_list_more(
        self, base: AirtableBase, columns: Columns, nth: int
    ) -> None:
        clients = {f"client {i}": f"Client {i}" for i in range(250)}
        ledger_of(base, columns).start_many("r", clients)
        assert (undisturbed := len(base.requests())) == 31  # lists of a hundred, twice, and POSTs of ten
        base.server.faults.arm(Fault(FaultKind.STATUS, method="GET", nth=nth, status=503))
        ledger_of(base, columns).start_many("other", clients)
        assert len(base.requests()) <= undisturbed + 6
        assert len(base.rows()) == 500


def row_of(key: RunKey) -> dict[str, str]:
    """A row as a service makes it that follows no protocol."""
    start = "2025-11-24T08:15:00.900Z"
    return {"Run ID": key.run_id, "Client ID": key.client_id, "Status": "Running", "Start Time": start}


class TestForeignWriters:
    """An older service starts the same runs during a migration: its rows stay, and are reported."""

    @pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
    def test_a_later_row_stays_and_is_reported(self, base: AirtableBase, columns: Columns) -> None:
        events: list[RunEvent] = []

        def another_writes() -> None:
            base.clock.sleep(0.9)
            base.insert({**row_of(KEY), "n": 9})

        base.before_next("GET", lambda: base.before_next("GET", another_writes))
        run = ledger_of(base, columns, events).start(KEY.run_id, KEY.client_id)
        foreign = next(row for row in base.rows() if row["id"] != run.key.reference)
        assert foreign["fields"]["n"] == 9
        assert [event.kind for event in events] == [EventKind.DUPLICATED, EventKind.STARTED]
        assert foreign["id"] in str(events[0].detail)

    @pytest.mark.parametrize("columns", MAPPINGS, ids=["without marks", "with marks", "number"])
    def test_an_earlier_row_is_the_runs(self, base: AirtableBase, columns: Columns) -> None:
        def another_is_first() -> None:
            base.insert({**row_of(KEY), "n": 9})
            base.clock.sleep(1)

        base.before_next("POST", another_is_first)
        with pytest.raises(RunAlreadyExists):
            ledger_of(base, columns).start(KEY.run_id, KEY.client_id)
        assert [row["fields"]["n"] for row in base.rows()] == [9]

    def test_without_marks_a_row_that_only_seems_to_be_ones_own_is_reported(self, base: AirtableBase) -> None:
        def another_is_first() -> None:
            base.insert(row_of(KEY))
            base.clock.sleep(1)

        base.before_next("POST", another_is_first)
        base.server.faults.arm(Fault(FaultKind.DROP, method="POST"))
        events: list[RunEvent] = []
        repository = base.repository()
        repository.add_observer(events.append)
        with pytest.raises(RunAlreadyExists):
            repository.create(new())
        assert len(base.rows()) == 2
        assert [event.kind for event in events] == [EventKind.DUPLICATED]
