"""Tables that lack columns or choices: what works without, what is rejected by name, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airtable_base import TOKEN, AirtableBase, served
from attrs import evolve

import runledger
from airtable_local import Column
from runledger import (
    InvalidValue,
    NewRun,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedger,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnusable,
)
from runledger.adapters.airtable import Columns
from runledger.adapters.airtable.backend import BACKEND
from runledger.adapters.memory import InMemoryRunRepository

KEY = RunKey("251124-081500", "acme")
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
LATER = AT + timedelta(seconds=9)
CHOICES = {"choices": [{"name": status.value} for status in RunStatus]}
CLIENT_RUN_RESULTS = (
    Column("Run ID"),
    Column("Client ID"),
    Column("Client Name"),
    Column("Status", "singleSelect", CHOICES),
    Column("Start Time", "dateTime"),
    Column("End Time", "dateTime"),
    Column("Progress Log", "multilineText"),
    Column("Error Details", "multilineText"),
    Column("Posts", "number"),
)
"""As a service made it that did not know this package: without update times."""
OPTIONAL = ("Client Name", "Start Time", "End Time", "Progress Log", "Error Details")


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(table_columns=CLIENT_RUN_RESULTS) as base:
        yield base


def without(*names: str) -> tuple[Column, ...]:
    return tuple(column for column in CLIENT_RUN_RESULTS if column.name not in names)


def ledger_of(base: AirtableBase, columns: Columns = Columns()) -> RunLedger:
    return RunLedger(base.repository(columns), observers=(), clock=base.clock, sleep=base.clock.sleep)


class TestATableWithoutUpdateTimes:
    def test_it_works_with_no_options(self, base: AirtableBase) -> None:
        run = ledger_of(base).start("r", "c", client_name="Acme Ltd", metrics={"Posts": 1})
        run.update(metrics={"Posts": 2})
        run.update(add={"Posts": 3}, note="half way")
        base.clock.sleep(9)
        run.fail("no more paper")
        reads = ledger_of(base).reads
        (record,) = reads.find()
        assert (record.client_name, record.status, record.metrics) == ("Acme Ltd", RunStatus.FAILED, {"Posts": 5})
        assert (record.error, record.notes, record.ended_at) == ("no more paper", 1, base.clock.now)
        assert [line.text for line in reads.log("r", "c")] == ["half way"]
        with pytest.raises(RunAlreadyFinished):
            run.complete()

    def test_a_start_asks_for_the_columns_while_it_looks(self, base: AirtableBase) -> None:
        repository = base.repository()
        repository.create(NewRun(RunRecord.start(KEY, AT)))
        assert base.requests() == ["GET", "GET", "POST", "GET"]  # the first named the column that is missing
        repository.create(NewRun(RunRecord.start(RunKey("other", "acme"), AT)))
        assert base.requests() == ["GET", "POST", "GET"]

    def test_nothing_is_written_to_find_out(self, base: AirtableBase) -> None:
        key = base.repository().create(NewRun(RunRecord.start(KEY, AT)))
        for change in (RunChange(metrics={"Posts": 1}), RunChange(note="x"), RunChange(status=RunStatus.COMPLETED)):
            base.requests()
            base.repository().update(key, change, LATER)
            entries = base.requests()
            assert entries.count("PATCH") == 1
            assert entries.count("POST") == 0
        assert all(entry.status == 200 for entry in base.server.log if entry.request.method != "GET")

    def test_a_heartbeat_says_what_is_missing(self, base: AirtableBase) -> None:
        run = ledger_of(base).start("r", "c")
        acts: list[Callable[[], object]] = [run.heartbeat, lambda: ledger_of(base).updates.heartbeat("r", "c")]
        for act in acts:
            with pytest.raises(StoreUnusable, match="heartbeat has nothing to write: add the column 'Updated At'"):
                act()

    def test_stale_says_that_it_cannot_tell(self, base: AirtableBase) -> None:
        ledger = ledger_of(base)
        ledger.start("r", "c")
        for each in (ledger, ledger_of(base)):
            with pytest.raises(StoreUnusable, match="cannot tell which runs are stale: add the column 'Updated At'"):
                list(each.reads.stale(older_than=timedelta(hours=1)))

    def test_a_column_that_the_mapping_names_must_be_there(self, base: AirtableBase) -> None:
        with pytest.raises(StoreUnusable, match="there is no column 'Seen': name another with updated_at=COLUMN"):
            base.repository(Columns(updated_at="Seen")).create(NewRun(RunRecord.start(KEY, AT)))
        assert base.rows() == []

    def test_it_says_so_in_its_guarantees(self, base: AirtableBase) -> None:
        given = base.repository().guarantees
        assert (given.heartbeats, given.exact_end, given.exact_status) == (False, True, True)


class TestOtherTables:
    @pytest.mark.parametrize("missing", [*OPTIONAL, OPTIONAL], ids=str)
    def test_each_optional_column_can_be_missing(self, missing: str | tuple[str, ...]) -> None:
        names = (missing,) if isinstance(missing, str) else missing
        with served(table_columns=without(*names)) as base:
            run = ledger_of(base).start("r", "c", metrics={"Posts": 1})
            ledger_of(base).updates.update("r", "c", add={"Posts": 1})
            run.complete()
            reads = ledger_of(base).reads
            (record,) = reads.find(since=AT - timedelta(days=1))
            assert reads.get("r", "c") == record
            assert (record.status, record.metrics) == (RunStatus.COMPLETED, {"Posts": 2})
            assert evolve(record) == record  # as the constructor checks it
            assert base.repository().guarantees.exact_end == ("End Time" not in names)

    @pytest.mark.parametrize(
        ("missing", "act"),
        [
            ("Progress Log", lambda run: run.update(note="half way", metrics={"Posts": 1})),
            ("Progress Log", lambda run: run.complete(note="the last")),
            ("Error Details", lambda run: run.fail("boom")),
            ("Error Details", lambda run: run.complete(with_errors="some")),
        ],
    )
    def test_what_cannot_be_kept_is_rejected_by_name(self, missing: str, act: Callable[[Any], object]) -> None:
        with served(table_columns=without(missing)) as base:
            run = ledger_of(base).start("r", "c")
            before = base.rows()
            with pytest.raises(StoreUnusable, match=rf"add '{missing}'.*Nothing was written") as refusal:
                act(run)
            assert refusal.value.key == run.key
            assert base.rows() == before

    def test_what_an_import_cannot_keep_is_rejected_by_name(self) -> None:
        with served(table_columns=without("Progress Log", "Error Details")) as base:
            start = RunRecord.start(KEY, AT)
            noted = start.apply(RunChange(note="half way"), LATER)
            failed = start.apply(RunChange(status=RunStatus.FAILED, error="boom"), LATER)
            for new in (NewRun(noted, [runledger.LogLine(LATER, "half way")]), NewRun(failed)):
                with pytest.raises(StoreUnusable, match="Nothing was written"):
                    base.repository().create(new)
            assert base.rows() == []

    def test_a_finished_run_without_its_end_is_copied(self) -> None:
        with served(table_columns=without("End Time")) as base:
            run = ledger_of(base).start("r", "c")
            run.update(note="the last sign of life")
            run.complete()
            target = RunLedger(InMemoryRunRepository(), observers=())
            assert target.import_records(list(ledger_of(base).reads.find_with_logs())) == ()
            assert target.reads.get("r", "c").status is RunStatus.COMPLETED

    def test_an_end_that_is_empty_in_its_column_is_not_guessed(self, base: AirtableBase) -> None:
        key = base.repository().create(NewRun(RunRecord.start(KEY, AT)))
        base.write(key, {"Status": "Cancelled"})
        record = base.repository().get(KEY)
        assert (record.status, record.ended_at) == (RunStatus.CANCELLED, None)
        with pytest.raises(InvalidValue, match="is Cancelled, but has no end time"):
            evolve(record)

    def test_rows_that_were_there_are_read(self) -> None:
        with served(table_columns=without("Start Time")) as base:
            base.insert({"Run ID": KEY.run_id, "Client ID": KEY.client_id, "Status": "Running"})
            assert base.repository().get(KEY).started_at == AT
            assert [found.key for found in base.repository().find(RunQuery())] == [KEY]
            assert [found.key for found in base.repository().find(RunQuery(until=LATER))] == [KEY]


class TestStatuses:
    FEW = ("Running", "Completed", "Failed")

    @pytest.fixture
    def few(self) -> Iterator[AirtableBase]:
        status = Column("Status", "singleSelect", {"choices": [{"name": name} for name in self.FEW]})
        with served(table_columns=(*without("Status"), status)) as base:
            yield base

    def test_a_status_without_a_choice_is_rejected_with_what_to_do(self, few: AirtableBase) -> None:
        run = ledger_of(few).start("r", "c")
        with pytest.raises(StoreUnusable, match=r"Skipped.*let the status share another with status.LABEL=CHOICE"):
            run.skip("nothing to do")
        assert few.rows()[0]["fields"]["Status"] == "Running"
        run.complete()

    def test_a_status_can_share_a_choice(self, few: AirtableBase) -> None:
        columns = Columns.of_query("status.Skipped=Completed&status.Cancelled=Failed")
        repository = few.repository(columns)
        key = repository.create(NewRun(RunRecord.start(KEY, AT)))
        assert repository.update(key, RunChange(status=RunStatus.SKIPPED), LATER).status is RunStatus.COMPLETED
        assert [found.key for found in repository.find(RunQuery(status=RunStatus.COMPLETED))] == [key]
        assert list(repository.find(RunQuery(status=RunStatus.SKIPPED))) == []
        assert not repository.guarantees.exact_status

    def test_a_status_can_be_left_out(self, few: AirtableBase) -> None:
        repository = few.repository(Columns.of_query("status.Skipped="))
        key = repository.create(NewRun(RunRecord.start(KEY, AT)))
        with pytest.raises(StoreUnusable, match=r"leaves the status Skipped out .*status\.Skipped=CHOICE"):
            repository.update(key, RunChange(status=RunStatus.SKIPPED), LATER)
        assert repository.get(key).status is RunStatus.RUNNING
        assert list(repository.find(RunQuery(status=RunStatus.SKIPPED))) == []
        assert not repository.guarantees.exact_status


class TestDoctor:
    """What a table lacks is noted with what that costs, and the exit code stays 0."""

    def findings(self, base: AirtableBase, monkeypatch: pytest.MonkeyPatch, more: str = "") -> list[str]:
        monkeypatch.setenv("AIRTABLE_API_KEY", TOKEN)
        assert BACKEND.examine is not None
        return [f"{each.verdict.value} {each}" for each in BACKEND.examine(base.store_url + more)]

    def test_of_a_table_without_update_times(self, base: AirtableBase, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.findings(base, monkeypatch)
        assert not [each for each in found if each.startswith("fix")]
        assert [each for each in found if "'Updated At'" in each and "no heartbeats, and `runledger stale`" in each]

    @pytest.mark.parametrize(
        ("missing", "cost"),
        [
            ("Client Name", "the client id is shown as the client's name"),
            ("Start Time", "the start of a run is the creation of its row"),
            ("End Time", "the end of a finished run is its last sign of life"),
            ("Progress Log", "notes are rejected"),
            ("Error Details", "errors are rejected, so that no run can fail with its reason"),
        ],
    )
    def test_of_each_other_optional_column(self, missing: str, cost: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with served(table_columns=without(missing)) as base:
            found = self.findings(base, monkeypatch)
        assert not [each for each in found if each.startswith("fix")]
        assert [each for each in found if each.startswith("note") and f"({missing!r}), {cost}" in each]

    def test_of_statuses(self, base: AirtableBase, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.findings(base, monkeypatch, "&status.Skipped=Completed&status.Cancelled=")
        assert [each for each in found if "Skipped shares the choice 'Completed'" in each]
        assert [each for each in found if "Cancelled is left out" in each]
