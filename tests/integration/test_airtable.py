"""The Airtable adapter over HTTP, by what an operator and an application meet: requests, refusals, duplicates, pace."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from airtable_base import BASE, METRIC_COLUMNS, TABLE, TOKEN, AirtableBase, Clock, in_process, served
from attrs import evolve
from urllib3 import PoolManager

import runledger
from airtable_local import (
    AirtableService,
    Column,
    Connection,
    Fault,
    FaultKind,
    Limits,
    MissingRecord,
    Request,
    Response,
    Token,
    Unknowns,
)
from runledger import (
    EventKind,
    InvalidValue,
    LogLine,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
)
from runledger.adapters.airtable import AirtableRunRepository, Columns, RateLimit
from runledger.adapters.airtable.rate import Turn
from runledger.adapters.airtable.transport import Refusal
from runledger.services import reads
from runledger.testing.airtable import run_table
from runledger.testing.reach import things_within_reach
from runledger.testing.runs import changed

KEY = RunKey("251124-081500", "acme")
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
LATER = AT + timedelta(seconds=9)
SETS, ADDS, NOTES = RunChange(metrics={"n": 1}), RunChange(add={"n": 1}), RunChange(note="half way")
FINISHES = RunChange(status=RunStatus.COMPLETED)


def started(key: RunKey = KEY, **metrics: Any) -> NewRun:
    return NewRun(RunRecord.start(key, AT, client_name="Acme Ltd", metrics=metrics))


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*METRIC_COLUMNS, Column("Total", "formula"), Column("Label", "singleSelect")) as base:
        yield base


@pytest.fixture
def repository(base: AirtableBase) -> AirtableRunRepository:
    return base.repository()


@pytest.fixture
def key(base: AirtableBase, repository: AirtableRunRepository) -> RunKey:
    """The key of a run that was started, with the reference that a handle carries; nothing is in the log any more."""
    key = repository.create(started())
    base.requests()
    return key


class TestRequests:
    """Each act takes as few requests as it can, and none but these."""

    def test_a_start_takes_three_and_one_where_the_run_exists(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        repository.create(started())
        assert base.requests() == ["GET", "POST", "GET"]
        repository.create(*NewRun.started([RunRecord.start(RunKey("noted", "acme"), AT)], "m", "begun"))
        assert base.requests() == ["GET", "POST", "GET"]
        with pytest.raises(RunAlreadyExists):
            repository.create(started())
        assert base.requests() == ["GET"]

    def test_a_start_of_many_takes_one_for_ten_and_two_for_a_hundred(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        repository.create_many([started(RunKey("r", f"client {i}")) for i in range(230)])
        assert base.requests() == [*["GET"] * 3, *["POST"] * 23, *["GET"] * 3]

    @pytest.mark.parametrize("change", [SETS, RunChange()], ids=["sets", "heartbeat"])
    def test_setting_values_takes_one_by_the_handle(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey, change: RunChange
    ) -> None:
        repository.update(key, change, LATER)
        assert base.requests() == ["PATCH"]

    @pytest.mark.parametrize("change", [SETS, RunChange(), ADDS, NOTES, FINISHES])
    def test_every_change_takes_two_by_the_bare_key(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey, change: RunChange
    ) -> None:
        repository.update(RunKey(key.run_id, key.client_id), change, LATER)
        assert base.requests() == ["GET", "PATCH"]

    @pytest.mark.parametrize("change", [ADDS, NOTES, FINISHES])
    def test_what_is_decided_on_the_old_state_takes_two_by_the_handle(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey, change: RunChange
    ) -> None:
        repository.update(key, change, LATER)
        assert base.requests() == ["GET", "PATCH"]

    def test_many_updates_take_one_for_a_hundred_and_one_for_ten(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        keys = [RunKey("r", f"client {i}") for i in range(120)]
        repository.create_many([started(key) for key in keys])
        base.requests()
        repository.update_many([(key, ADDS) for key in keys], LATER)
        assert base.requests() == [*["GET"] * 2, *["PATCH"] * 12]
        assert [row["fields"]["n"] for row in base.rows()] == [1] * 120

    def test_a_look_up_too_long_for_a_url_is_a_post_that_reads(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        records = [started(RunKey("r", f"{i} {'é' * 200}")) for i in range(40)]
        repository.create_many(records)
        assert base.requests() == ["POST listRecords", *["POST"] * 4, "POST listRecords"]
        repository.update_many([(record.key, ADDS) for record in records], LATER)
        assert base.requests() == ["POST listRecords", *["PATCH"] * 4]

    def test_the_first_of_many_takes_one(self, base: AirtableBase, repository: AirtableRunRepository) -> None:
        starts = [(RunKey("r", f"client {i:03}"), AT + timedelta(milliseconds=i)) for i in range(230)]
        repository.create_many([NewRun(RunRecord.start(key, at)) for key, at in starts])
        base.requests()
        found = repository.find(RunQuery())
        assert base.requests() == []
        assert next(found).key.client_id == "client 229"
        assert base.requests() == ["GET"]

    def test_a_log_takes_one_and_the_logs_of_many_none_more(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        runs = [changed(started(RunKey("r", f"{i:03}")), *[NOTES] * (i % 3), at=AT) for i in range(130)]
        repository.create_many(runs)
        base.clock.sleep(9)
        base.requests()
        assert list(repository.log(runs[2].key, 1)) == [LogLine(AT, "half way")]
        assert base.requests() == ["GET"]
        found = list(repository.find_with_logs(RunQuery(run_id="r")))
        assert base.requests() == ["GET"] * 2
        assert [(record, log) for record, log in found] == [(run.record, run.log) for run in reversed(runs)]

    def test_a_retry_takes_two(self, base: AirtableBase) -> None:
        for columns in (Columns(), Columns(start_mark="text")):
            repository = base.repository(columns)
            start = evolve(started(RunKey("r", str(columns.start_mark))), mark="m")
            base.requests()
            repository.create(start)
            assert base.requests() == ["GET", "POST", "GET"]
            repository.create(evolve(start, is_retry=True))
            assert base.requests() == ["GET", "GET"]

    def test_closing_leaves_no_connection_open(self, base: AirtableBase, repository: AirtableRunRepository) -> None:
        repository.create(started())
        things = [thing for _, thing in things_within_reach(repository)]
        pools = [thing.pools for thing in things if isinstance(thing, PoolManager)]
        assert [len(each) for each in pools] == [1, 1]
        repository.close()
        assert [len(each) for each in pools] == [0, 0]


class TestMissing:
    @pytest.mark.parametrize("answer", MissingRecord)
    def test_a_record_that_was_deleted_is_a_missing_run(self, answer: MissingRecord) -> None:
        with served(*METRIC_COLUMNS, unknowns=Unknowns(missing_record_status=answer)) as base:
            repository = base.repository()
            key = repository.create(started())
            base.delete_all()
            for change in (SETS, ADDS, FINISHES, RunChange()):
                with pytest.raises(RunNotFound) as refusal:
                    repository.update(key, change, LATER)
                assert refusal.value.key == key
            with pytest.raises(RunNotFound):
                repository.update_many([(key, SETS)], LATER)
            assert base.rows() == []

    def test_a_reference_is_not_followed_to_another_record(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.delete_all()
        repository.create(started())
        with pytest.raises(RunNotFound):
            repository.update(key, ADDS, LATER)

    def test_a_lost_permission_is_not_a_missing_run(self) -> None:
        reader = Token("patReader", frozenset({"data.records:read"}))
        with served(*METRIC_COLUMNS, tokens=(reader,)) as base:
            key = base.repository().create(started())
            with pytest.raises(StoreUnusable, match=r"data.records:write"):
                base.repository(token=reader.value).update(key, SETS, LATER)
            with pytest.raises(StoreUnusable, match=r"data.records:write"):
                base.repository(token=reader.value).create(started(RunKey("other", "acme")))
            assert len(base.rows()) == 1


REFUSALS = [
    ({"No Such Column": 1}, UnknownMetric, r"add it with `runledger init --metric 'No Such Column:number'` \(or text"),
    ({"Total": 1}, StoreUnusable, "Total.*computed"),
    ({"n": "many"}, InvalidValue, "metric 'n'"),
    ({"when": "soon"}, InvalidValue, "metric 'when'"),
    ({"b": 3}, InvalidValue, "metric 'b'"),
    ({"Label": "unknown choice"}, StoreUnusable, "unknown choice.*choice"),
    ({"Status": "Completed"}, InvalidValue, "metric 'Status'"),
    ({"Run ID": "other"}, InvalidValue, "metric 'Run ID'"),
]


class TestRefusals:
    """Each names the column or the cause, says what to do, and has written nothing."""

    @pytest.mark.parametrize(("metrics", "kind", "words"), REFUSALS)
    def test_by_a_column(
        self,
        base: AirtableBase,
        repository: AirtableRunRepository,
        key: RunKey,
        metrics: dict[str, Any],
        kind: type[RunLedgerError],
        words: str,
    ) -> None:
        before = base.rows()
        change = RunChange(metrics={"i": 1, **metrics}, note="n")
        bare = RunKey(key.run_id, key.client_id)
        acts: list[Callable[[], object]] = [
            lambda: repository.update(key, RunChange(metrics={"i": 1, **metrics}), LATER),
            lambda: repository.update(bare, change, LATER),
            lambda: repository.update_many([(key, change)], LATER),
            lambda: repository.create(started(RunKey("another", "acme"), **metrics)),
        ]
        for act in acts:
            with pytest.raises(kind, match=words) as refusal:
                act()
            assert refusal.value.key in (key, RunKey("another", "acme"))
            assert base.rows() == before

    @pytest.mark.parametrize(
        ("table", "base_id", "token", "words"),
        [
            ("No Such Table", BASE, TOKEN, "the base or the table is not there"),
            (TABLE, "appNoSuchBase0000", TOKEN, "the base or the table is not there"),
            (TABLE, BASE, "patWrong", "does not accept the token"),
        ],
    )
    def test_of_a_wrong_address_or_token(
        self, base: AirtableBase, table: str, base_id: str, token: str, words: str
    ) -> None:
        wrong = AirtableRunRepository(token, base_id, table, endpoint=base.server.url)
        for act in (
            lambda: wrong.create(started()),
            lambda: wrong.update(KEY, SETS, AT),
            lambda: wrong.update(KEY.referring_to("rec00000000000000"), SETS, AT),
            lambda: wrong.get(KEY),
            lambda: list(wrong.find(RunQuery())),
        ):
            with pytest.raises(StoreUnusable, match=words):
                act()
        assert base.rows() == []

    @pytest.mark.parametrize(
        ("body", "kind", "message"),
        [
            ('{"error": {"type": "T", "message": "m"}}', "T", "m"),
            ('{"error": "T"}', "T", ""),
            ('{"errors": [{"error": "T", "message": "m"}]}', "T", "m"),
            *((body, "", "") for body in ('{"errors": []}', '{"error": null}', "{}", "[]", "null", "<html>", "")),
            ('{"errors": 1}', "1", ""),
        ],
    )
    def test_bodies_of_every_shape_are_read(self, body: str, kind: str, message: str) -> None:
        response = requests.Response()
        response.status_code = 422
        response._content = body.encode()
        assert Refusal.of(response) == Refusal(422, kind, message)

    def test_of_a_mapping_to_a_column_that_is_not_there(self, base: AirtableBase) -> None:
        for columns in (Columns(run_id="Job"), Columns(status="State"), Columns(updated_at="Seen")):
            with pytest.raises(StoreUnusable, match="column"):
                base.repository(columns).create(started())
        assert base.rows() == []

    def test_of_a_column_that_rounds_is_told_with_what_it_holds_now(self) -> None:
        columns = (Column("n", "number", {"precision": 0}),)
        with served(*columns, unknowns=Unknowns(rounds_numbers_to_precision=True)) as base:
            repository = base.repository()
            key = repository.create(started())
            for handle in (key, RunKey(key.run_id, key.client_id)):
                with pytest.raises(StoreUnusable, match=r"'n'.*keeps 0.*everything else was written") as refusal:
                    repository.update(handle, RunChange(metrics={"n": 0.25}), LATER)
                assert (refusal.value.key, refusal.value.applied) == (key, (key,))
            with pytest.raises(StoreUnusable, match=r"'n'.*keeps 0.*everything else was written"):
                repository.update(key, RunChange(metrics={"n": 0.25}, note="kept"), LATER)
            assert [line.text for line in repository.log(key)] == ["kept"]
            with pytest.raises(StoreUnusable, match=r"'n'.*keeps 0") as refusal:
                repository.create(started(RunKey("other", "acme"), n=0.25))
            assert refusal.value.applied == (RunKey("other", "acme"),)

    def test_of_a_log_that_outgrows_its_cell(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        for _ in range(9):
            repository.update(key, RunChange(note="x" * 10_000), LATER)
        before = base.rows()
        with pytest.raises(InvalidValue, match=r"log of run .* characters"):
            repository.update(key, RunChange(metrics={"n": 1}, note="x" * 10_000), LATER)
        assert base.rows() == before
        base.requests()
        notes = [RunChange(note="x" * 10_000)] * 10
        too_long = changed(started(RunKey("r", "imported")), *notes, at=LATER)
        with pytest.raises(InvalidValue, match=r"imported.* would have .* characters, and a cell holds 100,000"):
            repository.create_many([started(RunKey("r", "other")), too_long])
        with pytest.raises(InvalidValue, match="characters"):
            repository.update_many([(key, SETS), (key, notes[0])], LATER)
        assert base.rows() == before
        assert base.requests() == ["GET", "GET"]


class TestLostAnswers:
    FAULTS = (
        Fault(FaultKind.DROP, after_commit=False),
        Fault(FaultKind.DROP),
        Fault(FaultKind.STATUS, status=502, after_commit=False),
        Fault(FaultKind.STATUS, status=503, retry_after=1),
        Fault(FaultKind.CUT),
        Fault(FaultKind.HTML),
    )

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind.name}-{fault.after_commit}")
    def test_an_update_is_sent_once_and_says_that_its_outcome_is_unknown(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey, fault: Fault
    ) -> None:
        base.server.faults.arm(fault)
        with pytest.raises(StoreUnavailable) as failure:
            repository.update(key, SETS, LATER)
        assert failure.value.outcome is Outcome.UNKNOWN
        assert failure.value.key == key
        assert base.requests() == ["PATCH"]

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind.name}-{fault.after_commit}")
    def test_a_look_that_fails_has_written_nothing(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey, fault: Fault
    ) -> None:
        base.server.faults.arm(fault)
        with pytest.raises(StoreUnavailable) as failure:
            repository.update(key, ADDS, LATER)
        assert failure.value.outcome is Outcome.NOT_APPLIED
        assert base.requests() == ["GET"]

    @pytest.mark.parametrize("step", [1, 2, 3])
    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind.name}-{fault.after_commit}")
    def test_a_start_through_the_ledger_ends_with_one_record(self, base: AirtableBase, fault: Fault, step: int) -> None:
        ledger = runledger.RunLedger(base.repository(), observers=(), clock=base.clock, sleep=base.clock.sleep)
        base.server.faults.arm(Fault(**{**_facts(fault), "nth": step}))
        run = ledger.start("251124-081500", "acme")
        assert [row["id"] for row in base.rows()] == [run.key.reference]

    def test_a_loser_that_cannot_be_removed_hides_no_winner(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        lost, won = RunKey("r", "lost"), RunKey("r", "won")

        def another_is_first() -> None:
            base.insert({"Run ID": "r", "Client ID": "lost", "Status": "Running", "Start Time": "2025-11-24"})
            base.clock.sleep(1)

        base.before_next("POST", another_is_first)
        base.server.faults.arm(Fault(FaultKind.STATUS, method="DELETE", after_commit=False))
        with pytest.raises(StoreUnavailable, match="may still be there") as refusal:
            repository.create_many([started(lost), started(won)])
        assert (refusal.value.key, refusal.value.applied) == (lost, (won,))

    def test_a_redirect_is_not_followed(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        redirect = Response(307, {"Location": f"{base.server.url}/v0/elsewhere"}, b"")
        base.service.handle = lambda request: redirect  # type: ignore[method-assign]
        with pytest.raises(StoreUnusable, match="redirects elsewhere"):
            repository.update(key, SETS, LATER)
        assert base.requests() == ["PATCH"]

    def test_a_server_that_is_down(self, base: AirtableBase) -> None:
        down = AirtableRunRepository(TOKEN, BASE, TABLE, endpoint="http://127.0.0.1:9")
        for act in (lambda: down.create(started()), lambda: down.update(KEY.referring_to("rec0"), SETS, AT)):
            with pytest.raises(StoreUnavailable) as failure:
                act()
            assert failure.value.outcome is Outcome.NOT_APPLIED

    def test_many_updates_of_which_a_batch_fails_say_which_were_applied(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        keys = repository.create_many([started(RunKey("r", f"{i:02}")) for i in range(30)])
        base.server.faults.arm(Fault(FaultKind.STATUS, method="PATCH", nth=3, status=500, after_commit=False))
        with pytest.raises(StoreUnavailable) as failure:
            repository.update_many([(key, ADDS) for key in keys], LATER)
        assert failure.value.applied == tuple(keys[:20])
        assert ["n" in row["fields"] for row in base.rows()] == [True] * 20 + [False] * 10

    def test_a_time_out_is_set_for_every_request(self) -> None:
        clock = Clock()
        service = AirtableService([Token(TOKEN)], now=clock)
        service.add_base("Operations", [run_table(TABLE, METRIC_COLUMNS)], BASE)
        connection = Connection(service, now=clock, sleep=clock.sleep)
        repository = AirtableRunRepository(
            TOKEN, BASE, TABLE, limit=RateLimit(requests=99), transports=in_process(connection), sleep=clock.sleep
        )
        connection.faults.arm(Fault(FaultKind.DELAY, method="POST", seconds=30))
        key = repository.create(started())  # found again, though its answer took too long
        connection.faults.arm(Fault(FaultKind.DELAY, seconds=29))
        repository.update(key, SETS, LATER)
        acts: list[tuple[Callable[[], object], Outcome]] = [
            (lambda: repository.update(key, SETS, LATER), Outcome.UNKNOWN),
            (lambda: repository.get(key), Outcome.NOT_APPLIED),
        ]
        for act, outcome in acts:
            connection.faults.arm(Fault(FaultKind.DELAY, seconds=30))
            with pytest.raises(StoreUnavailable, match="ReadTimeout") as failure:
                act()
            assert failure.value.outcome is outcome

    def test_records_are_known_by_their_ids_whatever_the_order_of_the_answer(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        alter_answers(base, "POST", lambda records: records[::-1])
        records = [started(RunKey("r", f"{i:02}"), n=i) for i in range(15)]
        keys = repository.create_many(records)
        assert keys == [record.key for record in records]
        by_id = {row["id"]: row["fields"]["Client ID"] for row in base.rows()}
        assert [by_id[str(key.reference)] for key in keys] == [key.client_id for key in keys]

    def test_records_that_the_answer_leaves_out_are_looked_for(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        alter_answers(base, "POST", lambda records: records[1:])
        records = [started(RunKey("r", f"{i:02}")) for i in range(15)]
        with pytest.raises(StoreUnavailable, match="the answer is not one of Airtable's") as failure:
            repository.create_many(records)
        assert failure.value.applied == tuple(record.key for record in records[:10])
        assert len(base.rows()) == 10

    def test_many_starts_of_which_a_batch_fails_say_which_were_made(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        records = [started(RunKey("r", f"{i:02}")) for i in range(30)]
        base.server.faults.arm(Fault(FaultKind.STATUS, method="POST", nth=3, status=500, after_commit=False))
        with pytest.raises(StoreUnavailable) as failure:
            repository.create_many(records)
        assert failure.value.applied == tuple(record.key for record in records[:20])
        assert "20 of the batch" in str(failure.value)
        assert len(base.rows()) == 20


def alter_answers(base: AirtableBase, method: str, alter: Callable[[list[Any]], list[Any]]) -> None:
    """From now on, requests of this method are answered with other records than the server's."""
    handle = base.service.handle

    def altered(request: Request) -> Response:
        response = handle(request)
        if request.method != method:
            return response
        return evolve(response, body=json.dumps({"records": alter(json.loads(response.body)["records"])}).encode())

    base.service.handle = altered  # type: ignore[method-assign]


def _facts(fault: Fault) -> dict[str, Any]:
    return {name: getattr(fault, name) for name in ("kind", "after_commit", "status", "retry_after")}


class TestPace:
    def test_requests_keep_under_five_a_second(self) -> None:
        with served(*METRIC_COLUMNS, limits=Limits(requests_per_second=5)) as base:
            limit = RateLimit(clock=base.clock.seconds, sleep=base.clock.sleep)
            repository = base.repository(limit=limit)
            keys = [RunKey("r", f"{i}") for i in range(20)]
            repository.create_many([started(key) for key in keys])
            for key in keys:
                repository.update(key, ADDS, LATER)
            assert {entry.status for entry in base.server.log} == {200}
            assert len(base.server.log) == 44

    def test_all_threads_share_one_pace(self) -> None:
        clock = Clock()
        begin = clock.now
        limit = RateLimit(clock=clock.seconds, sleep=clock.sleep)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: limit.answered(limit.wait(), is_refused=False), range(50)))
        assert clock.now - begin >= timedelta(seconds=9)

    @pytest.mark.parametrize("unknowns", [Unknowns(), Unknowns(plural_429_body=True, retry_after_on_429=True)])
    def test_a_refusal_for_the_rate_waits_its_penalty_and_is_sent_again(self, unknowns: Unknowns) -> None:
        with served(*METRIC_COLUMNS, unknowns=unknowns, limits=Limits(requests_per_second=5)) as base:
            limit = RateLimit(requests=50, clock=base.clock.seconds, sleep=base.clock.sleep)
            repository = base.repository(limit=limit)
            key = repository.create(started())
            for i in range(10):
                repository.update(key, RunChange(metrics={"n": i}), LATER)
            assert repository.get(key).metrics == {"n": 9}
            refused = [entry for entry in base.server.log if entry.status == 429]
            assert refused
            assert all(not entry.changed for entry in refused)

    def test_a_rate_that_is_always_refused_ends_within_a_bound(self, base: AirtableBase) -> None:
        longest = RateLimit(clock=base.clock.seconds, sleep=base.clock.sleep, uniform=lambda low, high: high)
        repository = base.repository(limit=longest)
        base.server.faults.arm(*[Fault(FaultKind.STATUS, status=429, after_commit=False)] * 9)
        began = base.clock.now
        with pytest.raises(StoreUnavailable, match="rate") as failure:
            repository.get(KEY)
        assert failure.value.outcome is Outcome.NOT_APPLIED
        assert base.requests() == ["GET"] * 7
        assert timedelta(minutes=4) < base.clock.now - began < timedelta(minutes=6)

    def test_all_stores_of_one_base_share_one_pace(self, base: AirtableBase, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRTABLE_API_KEY", TOKEN)
        waits: list[RateLimit] = []

        def wait(limit: RateLimit) -> Turn:
            waits.append(limit)
            return Turn(0)

        monkeypatch.setattr(RateLimit, "wait", wait)
        other_base = base.store_url.replace(BASE, "appAnotherBase000")
        for url in (base.store_url, base.store_url, base.store_url.replace("/Runs", "/Others"), other_base):
            with runledger.connect(url) as ledger, suppress(StoreUnusable):
                list(ledger.find())
        assert [limit is waits[0] for limit in waits] == [True, True, True, False]

    def test_stores_that_one_process_opens_lose_nothing_of_each_other(
        self, base: AirtableBase, key: RunKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRTABLE_API_KEY", TOKEN)
        monkeypatch.setattr(RateLimit, "wait", lambda _: Turn(0))
        stores = [runledger.open_repository(base.store_url) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda store: store.update(key, ADDS, LATER), stores * 5))
        assert stores[0].get(key).metrics == {"n": 40}

    def test_a_process_that_was_forked_takes_turns_of_its_own(self) -> None:
        program = """
import os
from runledger.adapters.airtable import AirtableAddress, turns_of
at = AirtableAddress.of("airtable://appX/Runs")
turns = turns_of(at)
with turns.limit._lock:
    child = os.fork()
    if not child:
        turns_of(at).limit.wait()
        os._exit(0)
print(os.waitpid(child, 0)[1], turns_of(at) is turns)
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "0 True\n"

    def test_a_quota_that_is_used_up_is_an_error_at_once(self) -> None:
        with served(limits=Limits(requests_left_this_month=0)) as base:
            with pytest.raises(StoreUnusable, match="monthly quota"):
                base.repository().create(started())
            assert base.requests() == ["GET"]


class TestDuplicates:
    """Left by an older system, or by a process that died: the oldest is the run's record."""

    def test_updates_go_to_the_oldest_and_say_so_each_time(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.insert({"Run ID": key.run_id, "Client ID": key.client_id, "Status": "Running", "Start Time": "2025-11-24"})
        events: list[RunEvent] = []
        repository.add_observer(events.append)
        bare = RunKey(key.run_id, key.client_id)
        repository.update(bare, ADDS, LATER)
        repository.update(bare, ADDS, LATER)
        assert repository.get(bare).metrics == {"n": 2}
        assert [event.kind for event in events] == [EventKind.DUPLICATED] * 3
        assert str(key.reference) in str(events[0].detail)
        assert ["n" in row["fields"] for row in base.rows()] == [True, False]
        with pytest.raises(RunAlreadyExists):
            repository.create(started())
        assert len(base.rows()) == 2

    def test_a_ledger_logs_them_as_errors(
        self, base: AirtableBase, key: RunKey, caplog: pytest.LogCaptureFixture
    ) -> None:
        base.insert({"Run ID": key.run_id, "Client ID": key.client_id, "Status": "Running", "Start Time": "2025-11-24"})
        runledger.RunLedger(base.repository(), clock=base.clock).updates.heartbeat(key.run_id, key.client_id)
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert "event=run_duplicated" in caplog.text


class TestPeople:
    """People look at the table, and write into it."""

    def test_what_is_no_record_is_reported_and_left_out(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.insert({"Client ID": "only a client"})
        base.insert({"Run ID": "r", "Client ID": "c", "Start Time": "2025-11-24T08:15:00.000Z"})
        events: list[RunEvent] = []
        repository.add_observer(events.append)
        assert [record.key for record in repository.find(RunQuery())] == [key]
        assert [event.kind for event in events] == [EventKind.UNREADABLE] * 2
        assert "'Status'" in str(events[1].detail) or "'Status'" in str(events[0].detail)

    def test_a_listing_may_be_read_by_one_thread_after_another(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        before = repository.create(NewRun(RunRecord.start(RunKey("before", "acme"), AT - timedelta(minutes=1))))
        base.insert({"Run ID": "r", "Client ID": "c", "Start Time": "2025-11-24T08:13:00.000Z"})
        events: list[RunEvent] = []
        repository.add_observer(events.append)
        found = repository.find(RunQuery())
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            keys = [pool.submit(next, found).result().key for pool in (one, other)]
        assert keys == [key, before]
        assert [event.kind for event in events] == [EventKind.UNREADABLE]

    def test_what_they_spoil_is_neither_started_again_nor_missing(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.write(key, {"Start Time": None})
        before = base.rows()
        bare = RunKey(key.run_id, key.client_id)
        for act in (
            lambda: repository.create(started()),
            lambda: repository.update(bare, SETS, LATER),
            lambda: repository.get(bare),
        ):
            with pytest.raises(StoreUnusable, match="cannot be read: column 'Start Time' is empty") as refusal:
                act()
            assert refusal.value.key == key
        assert base.rows() == before
        with pytest.raises(StoreUnusable, match="was changed, but cannot be read: column 'Start Time' is empty"):
            repository.update(key, SETS, LATER)

    @pytest.mark.parametrize(
        "column", ["Client Name", "Progress Log", "Error Details", "Status", "Client ID", "Run ID"]
    )
    def test_a_column_that_gives_lists_is_named(self, column: str) -> None:
        text = {"Run ID": "r", "Client ID": "c", "Status": "Running", "Start Time": "2025-11-24T08:15:00.000Z"}
        with pytest.raises(InvalidValue, match=r"list|holds"):
            Columns().row("rec1", "2025-11-24T08:15:00.000Z", {**text, column: ["c"]})

    def test_ids_that_are_lists_are_no_ids_and_no_date_is_no_order(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        answer = (
            b'{"records": [{"id": "rec1", "createdTime": "2025-11-24T08:15:00.000Z", "fields": {"Run ID": ["r"]}}]}'
        )
        headers: dict[str, str] = {}
        base.service.handle = lambda request: Response(200, headers, answer)  # type: ignore[method-assign]
        with pytest.raises(StoreUnusable, match="carry no Date"):
            repository.get(KEY)
        headers["Date"] = "Mon, 24 Nov 2025 08:15:09 GMT"
        with pytest.raises(RunNotFound):
            repository.get(KEY)

    def test_a_row_that_they_gave_to_another_is_reported_when_it_was_changed_by_its_reference(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.write(key, {"Client ID": "bolt"})
        with pytest.raises(StoreUnusable, match=f"record {key.reference} no longer belongs to") as refusal:
            repository.update(key, SETS, LATER)
        assert refusal.value.key == key
        with pytest.raises(RunNotFound):
            repository.update(key, ADDS, LATER)

    @pytest.mark.parametrize("columns", [Columns(), Columns(number="Number")], ids=["by time", "by number"])
    def test_a_spoilt_oldest_row_is_not_passed_over_for_a_younger(self, columns: Columns) -> None:
        with served(*METRIC_COLUMNS, Column("Number", "autoNumber")) as base:
            repository = base.repository(columns)
            key = repository.create(started())
            base.clock.sleep(9)
            base.insert(
                {"Run ID": key.run_id, "Client ID": key.client_id, "Status": "Running", "Start Time": "2025-11-24"}
            )
            base.write(key, {"Start Time": None})
            before = base.rows()
            bare = RunKey(key.run_id, key.client_id)
            for act in (
                lambda: repository.update(bare, ADDS, LATER),
                lambda: repository.get(bare),
                lambda: repository.create(started()),
            ):
                with pytest.raises(StoreUnusable, match="cannot be read: column 'Start Time' is empty"):
                    act()
            assert base.rows() == before

    def test_a_spoilt_duplicate_does_no_harm(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.insert({"Run ID": key.run_id, "Client ID": key.client_id})
        repository.update(key, ADDS, LATER)
        with pytest.raises(RunAlreadyExists):
            repository.create(started())

    def test_what_they_write_into_the_log_stays(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        base.write(key, {"Progress Log": "checked by hand"})
        repository.update(key, RunChange(note="went on"), LATER)
        assert base.rows()[0]["fields"]["Progress Log"] == "checked by hand\n2025-11-24T08:15:09.000Z went on"
        assert [line.text for line in repository.log(key)] == ["checked by hand", "went on"]
        assert repository.get(key).notes == 2
        for note in ("ends in a blank ", " ", "last"):
            repository.update(key, RunChange(note=note), LATER)
        assert [line.text for line in repository.log(key, 3)] == ["ends in a blank ", " ", "last"]
        base.write(key, {"Progress Log": "one\r\n\r\n  \ntwo\r\n"})
        assert repository.get(key).notes == 2
        assert [line.text for line in repository.log(key)] == ["one", "two"]

    def test_a_change_between_look_and_write_is_reported(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        events: list[RunEvent] = []
        repository.add_observer(events.append)
        base.before_next("PATCH", lambda: base.write(key, {"Error Details": "by another process"}))
        repository.update(key, ADDS, LATER)
        assert [event.kind for event in events] == [EventKind.CONTENDED]
        assert "Error Details" in str(events[0].detail)

    def test_what_another_process_adds_at_the_same_time_is_lost_unreported(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        # What docs/airtable.md says of two processes: half of 60 additions and of 60 notes, and not one report.
        events: list[RunEvent] = []
        repository.add_observer(events.append)

        def another_adds() -> None:
            fields = base.rows()[0]["fields"]
            log = "\n".join(filter(None, [fields.get("Progress Log"), "2025-11-24T08:15:09.000Z theirs"]))
            base.write(
                key, {"n": fields.get("n", 0) + 1, "Progress Log": log, "Updated At": "2025-11-24T08:15:09.000Z"}
            )

        for _ in range(30):
            base.before_next("PATCH", another_adds)
            repository.update(key, RunChange(add={"n": 1}, note="ours"), LATER)
        assert repository.get(key).metrics == {"n": 30}
        assert [line.text for line in repository.log(key)] == ["ours"] * 30
        assert events == []

    def test_empty_cells_are_read_as_the_model_says(
        self, base: AirtableBase, repository: AirtableRunRepository, key: RunKey
    ) -> None:
        repository.update(key, RunChange(metrics={"b": False, "text": "", "n": 0}), LATER)
        assert repository.get(key).metrics == {"n": 0}


class TestMapping:
    COLUMNS = Columns(
        run_id="Job",
        client_id="Account",
        client_name=None,
        status="State",
        started_at="Begun",
        ended_at=None,
        updated_at=None,
        log=None,
        error="Trouble",
        metrics={"Tokens": "Token Count"},
        statuses={RunStatus.RUNNING: "In progress", RunStatus.FAILED: "Broken"},
    )
    LABELS = ("In progress", "Completed", "Completed with Errors", "Broken", "Skipped", "Cancelled")

    @pytest.fixture
    def mapped(self) -> Iterator[AirtableBase]:
        columns = [Column(name) for name in ("Job", "Account", "Trouble")]
        columns += [Column("State", "singleSelect", {"choices": [{"name": label} for label in self.LABELS]})]
        columns += [Column("Begun", "dateTime"), Column("Token Count", "number")]
        with served(table_columns=columns) as base:
            yield base

    def test_columns_are_renamed_left_out_and_mapped(self, mapped: AirtableBase) -> None:
        repository = mapped.repository(self.COLUMNS)
        key = repository.create(started(Tokens=1))
        failed = RunChange(add={"Tokens": 2}, status=RunStatus.FAILED, error="no more paper")
        repository.update(key, failed, LATER)
        (row,) = mapped.rows()
        assert row["fields"] == {
            "Job": key.run_id,
            "Account": "acme",
            "State": "Broken",
            "Begun": "2025-11-24T08:15:00.000Z",
            "Token Count": 3,
            "Trouble": "no more paper",
        }
        record = repository.get(key)
        assert (record.status, record.metrics, record.client_name) == (RunStatus.FAILED, {"Tokens": 3}, "acme")
        with pytest.raises(RunAlreadyFinished):
            repository.update(key, FINISHES, LATER)
        assert [found.key for found in repository.find(RunQuery(status=RunStatus.FAILED))] == [key]

    def test_the_server_selects_several_statuses_by_their_escaped_labels(self) -> None:
        labels = {RunStatus.FAILED: 'it\'s \\ "off"', RunStatus.CANCELLED: "x', TRUE()"}
        columns = [Column(name) for name in ("Run ID", "Client ID", "Status")]
        with served(table_columns=columns) as base:
            left_out = dict.fromkeys(("client_name", "started_at", "ended_at", "updated_at", "log", "error"))
            repository = base.repository(Columns(**left_out, statuses=labels))  # type: ignore[arg-type]
            keys = [repository.create(started(RunKey("r", client))) for client in "abc"]
            repository.update(keys[0], RunChange(status=RunStatus.FAILED), LATER)
            repository.update(keys[1], RunChange(status=RunStatus.CANCELLED), LATER)
            handle, answers = base.service.handle, list[Response]()
            base.service.handle = lambda request: answers.append(handle(request)) or answers[-1]  # type: ignore[method-assign, func-returns-value]
            found = list(repository.find(RunQuery(status=labels)))
            assert sorted(record.key.client_id for record in found) == ["a", "b"]
            assert [len(json.loads(answer.body)["records"]) for answer in answers] == [2]

    def test_without_a_column_for_the_start_no_run_ends_before_it(self, base: AirtableBase) -> None:
        repository = base.repository(Columns(started_at=None))
        key = repository.create(started())
        assert repository.get(key).started_at == AT
        repository.update(key, FINISHES, AT - timedelta(seconds=3))  # by the clock of who finishes it
        assert (repository.get(key).started_at, repository.get(key).ended_at) == (AT, AT)
        early = AT - timedelta(seconds=3)
        base.write(key, {"End Time": early.isoformat()})
        assert (repository.get(key).started_at, repository.get(key).ended_at) == (early, early)

    def test_without_a_column_for_names_a_lost_answer_is_still_looked_for(self, base: AirtableBase) -> None:
        base.server.faults.arm(Fault(FaultKind.DROP, method="POST"))
        base.repository(Columns(client_name=None)).create(started())
        assert len(base.rows()) == 1

    def test_a_column_that_is_no_autonumber_does_not_order(self) -> None:
        with served(*METRIC_COLUMNS, Column("Nr", "number")) as base:
            repository = base.repository(Columns(number="Nr"))
            with pytest.raises(StoreUnavailable, match="column 'Nr' holds None: it must be an autonumber column"):
                repository.create(started())
            with pytest.raises(StoreUnusable, match="'Nr'"):
                repository.create(started())
            assert len(base.rows()) == 1

    def test_a_misspelt_autonumber_column_is_named_before_anything_is_written(self, base: AirtableBase) -> None:
        with pytest.raises(StoreUnusable, match="there is no column 'Nr': name another with number=COLUMN"):
            runledger.RunLedger(base.repository(Columns(number="Nr")), observers=()).start("r", "c")
        assert base.requests() == ["GET", "GET"]  # the second for the columns that there are

    def test_a_mapping_stays_as_it_was_checked(self) -> None:
        metrics = {"Tokens": "Token Count"}
        columns = Columns(metrics=metrics)
        metrics["Posts"] = "Status"
        assert columns == Columns(metrics={"Tokens": "Token Count"})
        with pytest.raises(TypeError):
            columns.metrics["Posts"] = "Status"  # type: ignore[index]

    def test_two_metrics_never_share_a_column(self, base: AirtableBase) -> None:
        repository = base.repository(Columns(metrics={"Tokens": "n"}))
        with pytest.raises(InvalidValue, match="metric 'n'"):
            repository.create(started(Tokens=1, n=2))
        assert base.rows() == []

    def test_a_column_named_as_a_mapped_metric_is_not_read_for_it(self) -> None:
        with served(*METRIC_COLUMNS, Column("Tokens", "number")) as base:
            repository = base.repository(Columns(metrics={"Tokens": "n"}))
            key = repository.create(started(Tokens=1))
            base.write(key, {"Tokens": 9})
            assert repository.get(key).metrics == {"Tokens": 1}

    def test_a_column_that_alters_ids_is_refused_after_one_record(self) -> None:
        columns = [Column("Run ID", "richText"), *run_table(TABLE).columns[1:]]
        with served(table_columns=columns, unknowns=Unknowns(rich_text_adds_newline=True)) as base:
            with pytest.raises(StoreUnusable, match="would not find its record again"):
                runledger.RunLedger(base.repository(), clock=base.clock).start("r", "c")
            assert len(base.rows()) == 1

    def test_a_heartbeat_needs_a_column(self, mapped: AirtableBase) -> None:
        repository = mapped.repository(self.COLUMNS)
        key = repository.create(started())
        with pytest.raises(StoreUnusable, match="heartbeat"):
            repository.update(key, RunChange(), LATER)

    def test_the_url_says_it_all(self, mapped: AirtableBase, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRTABLE_API_KEY", TOKEN)
        options = (
            "run_id=Job&client_id=Account&client_name=&status=State&started_at=Begun&ended_at=&updated_at=&log="
            "&error=Trouble&metric.Tokens=Token+Count&status.Running=In+progress&status.Failed=Broken"
        )
        with runledger.connect(f"{mapped.store_url}&{options}", retry_waits=()) as ledger:
            assert list(ledger.find()) == []

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("airtable://", "airtable://BASE_ID/TABLE"),
            ("airtable://appX", "airtable://BASE_ID/TABLE"),
            ("airtable://patSecret@appX/T", "token does not belong"),
            ("airtable://patSecret/T", "token does not belong"),
            ("airtable://appX/T?colour=red", "unknown option 'colour'"),
            ("airtable://appX/T?status.Lost=x", "unknown option 'status.Lost'"),
            ("airtable://appX/T?run_id=", "cannot be left out"),
            ("airtable://appX/T?log=A&log=B", "gives the option 'log' twice"),
            ("airtable://appX/T?endpoint=http://a&endpoint=http://b", "gives the option 'endpoint' twice"),
            ("airtable://appX/T?metric.A=B&metric.A=C", "gives the option 'metric.A' twice"),
            ("airtable://appX/T?run_id=A&client_id=A", "'A' is named twice"),
            ("airtable://appX/T?status.Failed=Running", "Failed and Running have one label"),
            ("airtable://appX/T?status.Running=", "Running cannot be left out"),
            ("airtable://appX:99/T", "airtable://BASE_ID/TABLE"),
            ("airtable://app.X/T", "airtable://BASE_ID/TABLE"),
            *(
                (f"airtable://appX/T?endpoint={endpoint}", "is not a URL: write https://, a host, and a port")
                for endpoint in (
                    *(
                        "a.example",
                        "ftp://a.example",
                        "http://",
                        "http:///a",
                        "http://a%20b",
                        "http://a..b",
                        "http://[a",
                    ),
                    *(
                        "http://a.example:99999",
                        "http://a.example:0",
                        "http://a.example:x",
                        f"http://{'a' * 64}.example",
                    ),
                )
            ),
        ],
    )
    def test_a_wrong_url_gets_one_clear_sentence(self, url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRTABLE_API_KEY", TOKEN)
        with pytest.raises(InvalidValue, match=words) as refusal:
            runledger.connect(url)
        assert "patSecret" not in str(refusal.value)

    @pytest.mark.parametrize("token", ["pat one", "pat.\nb", "pat…"])
    def test_a_token_that_is_none_gets_one_clear_sentence(self, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRTABLE_API_KEY", token)
        with pytest.raises(StoreUnusable, match="this is not a personal access token") as refusal:
            runledger.connect("airtable://appX/T")
        assert token not in str(refusal.value)

    def test_no_token_gets_one_clear_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AIRTABLE_API_KEY", raising=False)
        with pytest.raises(StoreUnusable, match="AIRTABLE_API_KEY"):
            runledger.connect("airtable://appX/T")


class TestMarks:
    """With a column for them, nothing but the mark says whose record it is."""

    COLUMNS = Columns(start_mark="Start Mark")
    RIVAL: ClassVar[dict[str, Any]] = {
        "Run ID": KEY.run_id,
        "Client ID": KEY.client_id,
        "Client Name": "Acme Ltd",
        "Status": "Running",
    }

    @pytest.fixture
    def marked(self) -> Iterator[AirtableBase]:
        with served(*METRIC_COLUMNS, Column("Start Mark")) as base:
            yield base

    def test_the_mark_is_in_its_column_and_is_no_metric(self, marked: AirtableBase) -> None:
        repository = marked.repository(self.COLUMNS)
        key = repository.create(evolve(started(n=1), mark="m"))
        assert marked.rows()[0]["fields"]["Start Mark"] == "m"
        assert repository.update(key, ADDS, LATER).metrics == {"n": 2}
        assert [record.metrics for record in repository.find(RunQuery())] == [{"n": 2}]
        with pytest.raises(InvalidValue, match="metric 'Start Mark'"):
            repository.update(key, RunChange(metrics={"Start Mark": "x"}), LATER)
        assert (repository.guarantees.exact_start, marked.repository().guarantees.exact_start) == (True, False)

    @pytest.mark.parametrize("columns", [COLUMNS, Columns(start_mark="Start Mark", started_at=None)])
    def test_a_lost_answer_is_looked_for_by_the_mark(self, marked: AirtableBase, columns: Columns) -> None:
        marked.server.faults.arm(Fault(FaultKind.DROP, method="POST"))
        key = marked.repository(columns).create(evolve(started(), mark="m"))
        assert [row["id"] for row in marked.rows()] == [key.reference]

    @pytest.mark.parametrize("columns", [COLUMNS, Columns()], ids=["by mark", "by time and name"])
    def test_a_rival_of_the_same_time_and_name_is_taken_for_ones_own_only_without_marks(
        self, marked: AirtableBase, columns: Columns
    ) -> None:
        def rival_is_first() -> None:
            marked.insert({**self.RIVAL, "Start Time": "2025-11-24T08:15:00.000Z", "Start Mark": "rival"})
            marked.clock.sleep(1)

        marked.before_next("POST", rival_is_first)
        marked.server.faults.arm(Fault(FaultKind.DROP, method="POST"))
        repository = marked.repository(columns)
        events: list[RunEvent] = []
        repository.add_observer(events.append)
        if columns.start_mark:
            with pytest.raises(RunAlreadyExists):
                repository.create(evolve(started(), mark="m"))
            assert [row["fields"]["Start Mark"] for row in marked.rows()] == ["rival"]
            assert events == []
        else:
            key = repository.create(evolve(started(), mark="m"))
            assert [row["id"] for row in marked.rows() if "Start Mark" in row["fields"]] == [key.reference]
            assert [event.kind for event in events] == [EventKind.DUPLICATED]

    def test_a_post_that_arrives_late_is_the_starts_own(self, marked: AirtableBase) -> None:
        start = evolve(started(), mark="m")
        late = {**self.RIVAL, "Start Time": "2025-11-24T08:15:00.000Z", "Start Mark": "m"}
        for columns in (self.COLUMNS, Columns()):
            marked.delete_all()

            def arrives() -> None:
                marked.insert(late)
                marked.clock.sleep(1)

            marked.before_next("POST", arrives)
            key = marked.repository(columns).create(evolve(start, is_retry=True))
            assert [row["id"] for row in marked.rows()] == [key.reference]

    def test_a_retry_of_many_says_which_were_made_before_when_another_is_rejected(self, marked: AirtableBase) -> None:
        repository = marked.repository(self.COLUMNS)
        own, other, missing = (evolve(started(RunKey("r", name)), mark="m") for name in ("own", "other", "missing"))
        (made,) = repository.create_many([own])
        repository.create(evolve(other, mark="another"))
        before = marked.rows()
        with pytest.raises(RunAlreadyExists) as refusal:
            repository.create_many([missing, other, own])
        assert (refusal.value.keys, refusal.value.applied) == ((other.key,), (own.key,))
        assert refusal.value.applied[0].reference == made.reference
        assert marked.rows() == before
        assert [key.client_id for key in repository.create_many([missing, own])] == ["missing", "own"]

    def test_a_column_that_is_not_there_is_named_before_anything_is_written(self, base: AirtableBase) -> None:
        with pytest.raises(StoreUnusable, match="there is no column 'Start Mark': name another with start_mark=COLUMN"):
            base.repository(self.COLUMNS).create(evolve(started(), mark="m"))
        assert base.rows() == []


class TestListing:
    @pytest.mark.parametrize(
        ("apart", "again"), [(timedelta(0), 2), (timedelta(milliseconds=1), 2), (timedelta(minutes=5), 2)]
    )
    def test_an_iterator_that_expires_is_gone_on_from_the_last_start_that_was_seen(
        self, base: AirtableBase, repository: AirtableRunRepository, apart: timedelta, again: int
    ) -> None:
        repository.create_many([NewRun(RunRecord.start(RunKey(f"{i:03}", "acme"), AT + i * apart)) for i in range(350)])
        base.requests()

        def expire_before(page: int) -> None:
            base.before_next("GET", base.service.expire_iterators if page == 1 else lambda: expire_before(page - 1))

        expire_before(3)
        seen = [record.key.run_id for record in repository.find(RunQuery())]
        assert seen == [f"{i:03}" for i in reversed(range(350))]
        assert base.requests() == ["GET"] * (3 + again)

    @pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1)])
    @pytest.mark.parametrize("columns", [Columns(), Columns(started_at=None)], ids=["by start", "without starts"])
    def test_an_iterator_may_expire_after_every_page(
        self, base: AirtableBase, repository: AirtableRunRepository, apart: timedelta, columns: Columns
    ) -> None:
        repository.create_many([NewRun(RunRecord.start(RunKey(f"{i:03}", "acme"), AT + i * apart)) for i in range(350)])
        expire_always(base)
        found = [record.key.run_id for record in base.repository(columns).find(RunQuery())]
        assert sorted(found) == [f"{i:03}" for i in range(350)]

    def test_a_list_that_brings_nothing_new_is_an_error(
        self, base: AirtableBase, repository: AirtableRunRepository
    ) -> None:
        base.service.handle = lambda request: Response(  # type: ignore[method-assign]
            422, {"Date": "Mon, 24 Nov 2025 08:15:09 GMT"}, b'{"error":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}'
        )
        with pytest.raises(StoreUnavailable, match="expired before it was read"):
            list(repository.find(RunQuery()))

    def test_the_latest_of_each_client_is_taken_from_a_listing_or_looked_up(
        self, base: AirtableBase, repository: AirtableRunRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = AT + timedelta(seconds=1)
        repository.create_many([started(RunKey("r", f"{i:03}")) for i in range(150)])
        repository.create(NewRun(RunRecord.start(RunKey("s", "007"), later)))
        ledger = RunLedger(repository, observers=())
        base.requests()
        found = list(ledger.latest())
        assert [record.key.client_id for record in found] == [f"{i:03}" for i in range(150)]
        assert [record.key.run_id for record in found[6:9]] == ["r", "s", "r"]
        assert base.requests() == ["GET", "GET"]
        monkeypatch.setattr(reads, "MOST_READ", 150)
        with pytest.raises(StoreUnusable, match="more than 150 match"):
            list(ledger.latest())
        assert list(ledger.latest(since=later)) == [found[7]]
        base.requests()
        assert list(ledger.latest(clients=["007", "none"])) == [found[7]]
        assert base.requests() == ["GET"] * 3  # where the next record starts shows that none has the same start


def expire_always(base: AirtableBase) -> None:
    handle = base.service.handle

    def expired(request: Request) -> Response:
        base.service.expire_iterators()
        return handle(request)

    base.service.handle = expired  # type: ignore[method-assign]


def error_of(act: Callable[[], object]) -> RunLedgerError:
    with pytest.raises(RunLedgerError) as refusal:
        act()
    return refusal.value


class TestSecrets:
    def test_the_token_is_never_shown(
        self, base: AirtableBase, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level(logging.DEBUG)
        repository = base.repository()
        shown = [repr(repository), repr(vars(repository)), repr(repository.without_creation())]
        acts: list[Callable[[], object]] = [
            lambda: repository.create(started(KEY, **{"No Such": 1})),
            lambda: repository.get(KEY),
            lambda: base.repository(token="pat" + TOKEN).get(KEY),
        ]
        kinds = (FaultKind.DROP, FaultKind.CUT, FaultKind.HTML, FaultKind.STATUS)
        acts += [lambda: repository.get(KEY)] * len(kinds)
        for act, kind in zip(acts, [None] * (len(acts) - len(kinds)) + list(kinds), strict=True):
            if kind is not None:
                base.server.faults.arm(Fault(kind))
            error = error_of(act)
            shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
            shown += [repr(error), repr(error.__context__), repr(error.__cause__), str(pickle.dumps(error))]
        assert "act = " in "".join(shown)
        assert TOKEN not in "".join(shown) + caplog.text

    def test_a_netrc_does_not_take_its_place(
        self, base: AirtableBase, repository: AirtableRunRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        assert list(repository.find(RunQuery())) == []
