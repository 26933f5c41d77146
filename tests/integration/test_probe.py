import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from itertools import count
from typing import Any

import pytest
from attrs import evolve
from commands import RUNLEDGER, environment, runledger
from operated_base import BASE, OPERATOR, SCRATCH, InstantBase, operated

from airtable_local import (
    Column,
    Fault,
    FaultKind,
    LogEntry,
    Request,
    Response,
    Table,
    Unknowns,
)
from airtable_local.transport import ServiceTransport
from runledger import StoreUnavailable, StoreUnusable
from runledger.adapters.airtable import RateLimit
from runledger.adapters.airtable.experiments import EXPERIMENTS
from runledger.adapters.airtable.probe import experiments_on
from runledger.adapters.airtable.scratch import MARK, Scratch, scratch_table
from runledger.domain import Verdict
from runledger.testing.airtable import run_table

URL = f"airtable://{BASE}/Runs"


@contextmanager
def scratch_of(base: InstantBase, table: str = "Scratch", url: str = URL) -> Iterator[Scratch]:
    transport, limit = ServiceTransport(base.connection), RateLimit(requests=10**6)
    with scratch_table(url, table, transport=transport, limit=limit, sleep=base.sleep) as scratch:
        yield scratch


def findings_on(base: InstantBase) -> list[tuple[str, str]]:
    with scratch_of(base) as scratch:
        return [(found.verdict.value, found.what) for found in experiments_on(scratch)]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRTABLE_API_KEY", OPERATOR)


def test_every_assumption_holds_where_the_service_is_as_documented() -> None:
    base = InstantBase(run_table("Runs"), SCRATCH)
    assert findings_on(base) == [("ok", experiment.assumption) for experiment in EXPERIMENTS]
    assert base.rows("Scratch") == []
    assert base.rows("Runs") == []


@pytest.mark.parametrize(
    ("unknowns", "scratch", "expected"),
    [
        (
            Unknowns(fractional_created_time=True),
            SCRATCH,
            [("note", "createdTime is in whole seconds (2025-11-24T08:15")],
        ),
        (
            Unknowns(text_equals_ignores_case=True),
            SCRATCH,
            [("note", "`=` in a formula compares texts exactly ('acme' finds 'ACME')")],
        ),
        (
            Unknowns(lists_see_writes_after=timedelta(seconds=1)),
            SCRATCH,
            [("fix", "a listing immediately shows rows created, changed and deleted (a created row is missing for ")],
        ),
        (
            Unknowns(trims_text=True),
            SCRATCH,
            [("note", "long text keeps spaces and line breaks unchanged (' blank' comes back as 'blank'; ")],
        ),
        (
            Unknowns(rounds_numbers_to_precision=True),
            run_table("Scratch", [Column("Tokens", "number", {"precision": 1})]),
            [("note", "a number keeps its value (1e-08 comes back as 0)")],
        ),
    ],
)
def test_an_assumption_that_does_not_hold_is_found(
    unknowns: Unknowns, scratch: Table, expected: list[tuple[str, str]]
) -> None:
    base = InstantBase(run_table("Runs"), scratch, unknowns=unknowns)
    findings = findings_on(base)
    for verdict, words in expected:
        assert [what for found, what in findings if found == verdict and f"does not hold: {words}" in what], findings
    assert base.rows("Scratch") == []


@pytest.mark.parametrize(("seconds", "verdict"), [(1, "ok"), (3, "ok"), (60, "note")])
def test_lists_that_lag_are_one_finding(seconds: float, verdict: str) -> None:
    base = InstantBase(run_table("Runs"), SCRATCH, unknowns=Unknowns(lists_see_writes_after=timedelta(seconds=seconds)))
    (first, *others) = findings_on(base)
    assert first[0] == "fix"
    assert {found for found, _ in others} == {verdict}
    assert base.rows("Scratch") == []


Handle = Callable[[Request], Response]
Lie = Callable[[Request, Handle], Response]


def answer_altered(method: str, alter: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Lie:
    """Answers requests of a method with other records than there are."""

    def lie(request: Request, handle: Handle) -> Response:
        response = handle(request)
        body = json.loads(response.body)
        if request.method != method or "records" not in body:
            return response
        return evolve(response, body=json.dumps({**body, "records": alter(body["records"])}).encode())

    return lie


def cells_altered(method: str, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> Lie:
    """Answers requests of a method with other cells than there are."""
    return answer_altered(method, lambda rows: [{**row, "fields": alter(row["fields"])} for row in rows])


def text_replaced(old: bytes, new: bytes) -> Lie:
    return lambda request, handle: handle(evolve(request, body=request.body.replace(old, new)))


def filter_ignored(word: str) -> Lie:
    """Takes no notice of a formula that has this word."""

    def lie(request: Request, handle: Handle) -> Response:
        url = re.sub(f"filterByFormula=[^&]*{word}[^&]*", "", request.url)
        body = b"{}" if word.encode() in request.body and b"filterByFormula" in request.body else request.body
        return handle(evolve(request, url=url, body=body))

    return lie


def clock_ahead(request: Request, handle: Handle) -> Response:
    response = handle(request)
    late = parsedate_to_datetime(response.headers["Date"]) + timedelta(seconds=5)
    return evolve(response, headers={**response.headers, "Date": format_datetime(late, usegmt=True)})


def missing_is_forbidden(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if b"ROW_DOES_NOT_EXIST" not in response.body:
        return response
    return evolve(response, status=403, body=response.body.replace(b"ROW_DOES_NOT_EXIST", b"INVALID_PERMISSIONS"))


def nothing_by_post(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return evolve(response, body=b'{"records": []}') if request.path.endswith("/listRecords") else response


def half_of_a_batch(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.method == "PATCH" and b"ROW_DOES_NOT_EXIST" in response.body:
        for record in json.loads(request.body)["records"]:
            handle(evolve(request, body=json.dumps({"records": [record]}).encode()))
    return response


LIES: list[tuple[str, Lie]] = [
    ("createdTime follows the clock of the Date header", clock_ahead),
    ("an autonumber increases", cells_altered("GET", lambda cells: {**cells, "Number": 7})),
    ("a listing sorts by time", answer_altered("GET", lambda rows: rows[::-1])),
    ("a formula compares times", filter_ignored("DATETIME_PARSE")),
    ("pages return each row exactly once", answer_altered("GET", lambda rows: rows[:2])),
    ("a formula too long for a URL", nothing_by_post),
    ("a PATCH of a missing record is refused", missing_is_forbidden),
    ("a PATCH of several records", half_of_a_batch),
    ("a DELETE of a missing record is refused", missing_is_forbidden),
    ("a request with an unknown column is refused", text_replaced(b"No such column, says runledger", b"Tokens")),
    ("a request with an unknown choice is refused", text_replaced(b"No such choice", b"Running")),
    ("a formula finds each id", cells_altered("GET", lambda cells: {**cells, "Client ID": "acme"})),
    ("a time keeps its milliseconds", text_replaced(b".123Z", b".000Z")),
    ("long text keeps 100,000 characters", text_replaced(b"x" * 100_000, b"x" * 99_999)),
    ("empty text and False read as not set", cells_altered("POST", lambda cells: {"Client ID": "", **cells})),
]


@pytest.mark.parametrize(("assumption", "lie"), LIES, ids=[assumption for assumption, _ in LIES])
def test_each_other_assumption_is_found_not_to_hold_where_the_server_does_otherwise(assumption: str, lie: Lie) -> None:
    base = InstantBase(run_table("Runs"), SCRATCH)
    handle = base.service.handle
    with scratch_of(base) as scratch:
        base.service.handle = lambda request: lie(request, handle)  # type: ignore[method-assign]
        (experiment,) = (each for each in EXPERIMENTS if each.assumption.startswith(assumption))
        found = experiment.finding(scratch)
        base.service.handle = handle  # type: ignore[method-assign]
    assert found.verdict is (Verdict.NOTE if experiment.harmless else Verdict.FIX)
    assert found.what.startswith(f"does not hold: {assumption}")


def test_every_experiment_can_fail() -> None:
    lied = [experiment for experiment in EXPERIMENTS if any(experiment.assumption.startswith(each) for each, _ in LIES)]
    assert len(lied) + 5 == len(EXPERIMENTS)  # five more are those of the switches of Unknowns, above


def test_experiments_that_need_a_column_are_left_out_where_it_is_not_there() -> None:
    findings = findings_on(InstantBase(run_table("Runs"), Table("Scratch", (Column("A"), Column("B")))))
    assert ("note", "not tested: an autonumber increases with each new row") in findings
    assert not [what for verdict, what in findings if verdict == Verdict.FIX.value]


def test_the_ledgers_own_table_and_rows_of_others_are_refused_and_left() -> None:
    base = InstantBase(run_table("Runs"), SCRATCH, Table("Narrow", (Column("A"),)))
    table_id = base.api.base(BASE).table("Runs").schema().id
    for table, url in [("Runs", URL), (table_id, URL), ("Runs", f"airtable://{BASE}/{table_id}")]:
        with pytest.raises(StoreUnusable, match="ledger's own table"), scratch_of(base, table, url):
            pass
    with pytest.raises(StoreUnusable, match="has no table 'Nope'"), scratch_of(base, "Nope"):
        pass
    with pytest.raises(StoreUnusable, match="two columns of single line text"), scratch_of(base, "Narrow"):
        pass
    base.put("Scratch", {"Run ID": "251124-081500"})
    with pytest.raises(StoreUnusable, match="a row that the probe did not make"), scratch_of(base):
        pass
    assert len(base.rows("Scratch")) == 1


def test_what_a_killed_probe_left_is_removed() -> None:
    base = InstantBase(run_table("Runs"), SCRATCH)
    for number in range(23):
        base.put("Scratch", {"Run ID": f"{MARK}{number}"})
    with scratch_of(base):
        assert base.rows("Scratch") == []


def test_a_row_that_somebody_else_removed_does_not_keep_the_others_there() -> None:
    base = InstantBase(run_table("Runs"), SCRATCH)
    with scratch_of(base) as scratch:
        rows = scratch.make({}, {}, {})
        base.api.table(BASE, "Scratch").delete(rows[1]["id"])
    assert base.rows("Scratch") == []


def test_a_probe_that_fails_removes_its_rows() -> None:
    base = InstantBase(run_table("Runs"), SCRATCH)
    base.connection.faults.arm(Fault(FaultKind.DROP, method="POST", nth=5))
    with pytest.raises(StoreUnavailable):
        findings_on(base)
    assert base.rows("Scratch") == []


def test_a_probe_that_is_interrupted_removes_its_rows() -> None:
    creations = count(1)

    def interrupt(entry: LogEntry) -> None:
        # Once the server has created the rows: what it creates after its client has gone, nobody can remove.
        if entry.changed and entry.request.method == "POST" and next(creations) == 5:
            assert base.rows("Scratch")
            os.kill(process.pid, signal.SIGINT)

    with operated(run_table("Runs"), SCRATCH, on_request=interrupt) as base:
        process = subprocess.Popen(
            [*RUNLEDGER, "doctor", "--probe", "Scratch"],
            env=environment(base.url(), AIRTABLE_API_KEY=OPERATOR),
            stdout=subprocess.DEVNULL,
        )
        assert process.wait() == 130
        assert next(creations) > 5
        assert base.rows("Scratch") == []


def test_a_store_without_a_probe_is_not_probed() -> None:
    told = runledger("doctor", "--probe", "Scratch", store="memory://", code=2).stderr
    assert "the store of memory:// has no probe: leave --probe out." in told
