import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from commands import RUNLEDGER, environment, runledger
from operated_base import BASE, OPERATOR, SCRATCH, InstantBase, operated

from runledger import StoreUnavailable, StoreUnusable
from runledger.adapters.airtable import RateLimit
from runledger.cli.airtable_probe import EXPERIMENTS, MARK, Scratch, experiments_on, scratch_table
from runledger.cli.doctor import Verdict
from runledger.testing.airtable import (
    Column,
    Fault,
    FaultKind,
    Table,
    Unknowns,
    run_table,
)
from runledger.testing.airtable.transport import ServiceTransport

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
    base = InstantBase(run_table("Runs"), scratch, unknowns=unknowns)
    findings = findings_on(base)
    for verdict, words in expected:
        assert [what for found, what in findings if found == verdict and f"does not hold: {words}" in what], findings
    assert base.rows("Scratch") == []


def test_experiments_that_need_a_column_are_left_out_where_it_is_not_there() -> None:
    findings = findings_on(InstantBase(run_table("Runs"), Table("Scratch", (Column("A"), Column("B")))))
    assert ("note", "not tried: an autonumber grows with each creation") in findings
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
