"""The files in examples/ do what they say, against real stores and signals; and a killed process gets noticed."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from commands import environment
from documents import ROOT
from postgres_server import fresh_database

import runledger

PARTS = 8
MINUTES = timedelta(minutes=2)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/runs.db"
        return
    with fresh_database() as url:
        repository = runledger.open_repository(url)
        repository.create_schema()  # type: ignore[attr-defined]
        repository.close()
        yield url


def start(name: str, *arguments: str, store: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments]
    variables = environment(store, **variables)
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ran(name: str, *arguments: str, store: str, **variables: str) -> list[str]:
    with start(name, *arguments, store=store, **variables) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return out.splitlines()


def test_exactly_one_of_many_parts_completes_the_run(store: str) -> None:
    tokens = sum(part * 100 for part in range(PARTS))
    *last, end = ran("last_part.py", str(PARTS), store=store)
    assert len(last) == 1
    metrics = {"Parts": PARTS, "Parts Done": PARTS, "Parts Failed": 0, "Tokens": tokens}
    assert end.startswith("Completed {")
    with runledger.connect(store, observers=()) as ledger:
        [record] = ledger.find()
    assert (record.status.value, dict(record.metrics), record.error) == ("Completed", metrics, None)


def test_a_part_that_fails_is_counted_too(store: str) -> None:
    *last, end = ran("last_part.py", str(PARTS), store=store, FAILING_PART="3")
    assert len(last) == 1
    assert end.startswith("Completed with Errors {")
    assert end.endswith(f"1 of {PARTS} parts failed")
    with runledger.connect(store, observers=()) as ledger:
        [run] = ledger.reads.find_with_logs()
    assert [line.text for line in run.log] == ["part 3: no route to host"]


def test_the_script_runs_each_client_as_a_run(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/runs.db"
    *_, end = ran("nightly_script.py", "acme", "bolt", store=store, SECONDS_PER_CLIENT="0")
    assert end == "2 Completed"
    with runledger.connect(store, observers=()) as ledger:
        assert {r.key.client_id: dict(r.metrics) for r in ledger.find()} == {
            "acme": {"Posts Scored": 4},
            "bolt": {"Posts Scored": 4},
        }


def test_sigterm_cancels_the_run_of_the_script_and_starts_no_other(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/runs.db"
    with start("nightly_script.py", "acme", "bolt", store=store, SECONDS_PER_CLIENT="600") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "scoring posts of acme\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert (process.returncode, out) == (143, "")
    assert "Traceback" not in err
    with runledger.connect(store, observers=()) as ledger:
        assert Counter(record.status.value for record in ledger.find()) == {"Cancelled": 1}


KILLED = """
import sys, time, runledger
ledger = runledger.connect(sys.argv[1], observers=[lambda event: print(event.kind.value, flush=True)])
with ledger.track("r", "acme", heartbeat=0.001):
    time.sleep(600)
"""


def test_the_run_of_a_process_that_was_killed_gets_stale(store: str) -> None:
    command = [sys.executable, "-c", KILLED, store]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with runledger.connect(store, observers=()) as ledger:
            assert [process.stdout.readline() for _ in range(3)] == ["run_started\n", *["run_updated\n"] * 2]
            assert ledger.get("r", "acme").updated_at > ledger.get("r", "acme").started_at
            assert list(ledger.stale(MINUTES)) == []
            process.kill()
            process.wait()
            last = ledger.get("r", "acme")
            assert last.status.value == "Running"
            later = runledger.RunLedger(
                runledger.open_repository(store), owns_repository=True, clock=lambda: last.updated_at + MINUTES
            )
            with later:
                assert list(later.stale(MINUTES - timedelta(milliseconds=1))) == [last]
