import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from commands import RUNLEDGER, environment, runledger
from operated_base import BASE, OPERATOR, SCRATCH, operated
from pyairtable import Api

from runledger import StoreUnavailable, StoreUnusable
from runledger.adapters.airtable import RateLimit
from runledger.adapters.airtable.transport import Paced
from runledger.cli.airtable_probe import EXPERIMENTS, MARK, Scratch, experiments_on, scratch_table
from runledger.cli.doctor import Verdict
from runledger.testing.airtable import (
    AirtableService,
    Column,
    Connection,
    Fault,
    FaultKind,
    Table,
    Token,
    Unknowns,
    run_table,
)
from runledger.testing.airtable.transport import ServiceTransport

URL = f"airtable://{BASE}/Runs"


class Base:
    """A base in this process, whose clock moves when somebody sleeps."""

    def __init__(self, *tables: Table, unknowns: Unknowns | None = None) -> None:
        self.now = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
        self.service = AirtableService([Token(OPERATOR)], unknowns=unknowns, now=lambda: self.now)
        self.service.add_base("Operations", [run_table("Runs"), *tables], BASE)
        self.connection = Connection(self.service, now=lambda: self.now, on_request=lambda _: self.sleep(0.05))

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @contextmanager
    def scratch(self, table: str = "Scratch", url: str = URL) -> Iterator[Scratch]:
        paced = Paced(ServiceTransport(self.connection), RateLimit(requests=10**6))
        with scratch_table(url, table, transport=paced, sleep=self.sleep) as scratch:
            yield scratch

    def findings(self) -> list[tuple[str, str]]:
        with self.scratch() as scratch:
            return [(found.verdict.value, found.what) for found in experiments_on(scratch)]

    @property
    def api(self) -> Api:
        api = Api(OPERATOR, retry_strategy=None)
        api.session.mount("https://", ServiceTransport(self.connection))
        return api

    def post(self, table: str, run_id: str) -> None:
        self.api.table(BASE, table).create({"Run ID": run_id})


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRTABLE_API_KEY", OPERATOR)


def test_every_assumption_holds_where_the_service_is_as_documented() -> None:
    base = Base(SCRATCH)
    assert base.findings() == [("ok", experiment.assumption) for experiment in EXPERIMENTS]
    assert base.service.records(BASE, "Scratch") == []
    assert base.service.records(BASE, "Runs") == []


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
            [("note", "`=` tells texts apart exactly ('acme' finds 'ACME')")],
        ),
        (
            Unknowns(lists_see_writes_after=timedelta(seconds=1)),
            SCRATCH,
            [("fix", "a listing shows at once what was made, changed and removed (a row that was made)")],
        ),
        (
            Unknowns(trims_text=True),
            SCRATCH,
            [("note", "long text keeps blanks and line ends as they are (' blank' comes back as 'blank'; ")],
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
    base = Base(scratch, unknowns=unknowns)
    findings = base.findings()
    for verdict, words in expected:
        assert [what for found, what in findings if found == verdict and f"does not hold: {words}" in what], findings
    assert base.service.records(BASE, "Scratch") == []


def test_experiments_that_need_a_column_are_left_out_where_it_is_not_there() -> None:
    findings = Base(Table("Scratch", (Column("A"), Column("B")))).findings()
    assert ("note", "not tried: an autonumber grows with each creation") in findings
    assert not [what for verdict, what in findings if verdict == Verdict.FIX.value]


def test_the_ledgers_own_table_and_rows_of_others_are_refused_and_left() -> None:
    base = Base(SCRATCH, Table("Narrow", (Column("A"),)))
    table_id = base.api.base(BASE).table("Runs").schema().id
    for table, url in [("Runs", URL), (table_id, URL), ("Runs", f"airtable://{BASE}/{table_id}")]:
        with pytest.raises(StoreUnusable, match="ledger's own table"), base.scratch(table, url):
            pass
    with pytest.raises(StoreUnusable, match="has no table 'Nope'"), base.scratch("Nope"):
        pass
    with pytest.raises(StoreUnusable, match="two columns of single line text"), base.scratch("Narrow"):
        pass
    base.post("Scratch", "251124-081500")
    with pytest.raises(StoreUnusable, match="a row that the probe did not make"), base.scratch():
        pass
    assert len(base.service.records(BASE, "Scratch")) == 1


def test_what_a_killed_probe_left_is_removed() -> None:
    base = Base(SCRATCH)
    for number in range(23):
        base.post("Scratch", f"{MARK}{number}")
    with base.scratch():
        assert base.service.records(BASE, "Scratch") == []


def test_a_probe_that_fails_removes_its_rows() -> None:
    base = Base(SCRATCH)
    base.connection.faults.arm(Fault(FaultKind.DROP, method="POST", nth=5))
    with pytest.raises(StoreUnavailable):
        base.findings()
    assert base.service.records(BASE, "Scratch") == []


def test_a_probe_that_is_interrupted_removes_its_rows() -> None:
    with operated(run_table("Runs"), SCRATCH) as base:
        process = subprocess.Popen(
            [*RUNLEDGER, "doctor", "--probe", "Scratch"],
            env=environment(base.url(), AIRTABLE_API_KEY=OPERATOR),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "whole seconds" in line:
                assert base.rows("Scratch")
                os.kill(process.pid, signal.SIGINT)
                break
        process.stdout.read()
        assert process.wait() == 130
        assert base.rows("Scratch") == []
        process.stdout.close()


def test_only_airtable_is_probed() -> None:
    assert "--probe is for airtable://" in runledger("doctor", "--probe", "Scratch", store="memory://", code=2).stderr
