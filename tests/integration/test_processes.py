"""Many processes on one store: races, and writers killed at any moment."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import fresh_ledger

import runledger
from runledger import RunStatus

RACE = """
import sys, runledger
url, me = sys.argv[1:]
ledger = runledger.connect(url, observers=())
print("ready", flush=True)
sys.stdin.readline()
won = 0
for i in range(30):
    try:
        ledger.start(f"race {i}", "acme", client_name=me)
        won += 1
    except runledger.RunAlreadyExists:
        pass
for _ in range(50):
    ledger.updates.update("shared", "acme", add={"n": 1, me: 1}, note=me)
print(won)
"""

OPENER = """
import sys, runledger
url, me = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
runledger.connect(url, observers=()).start("r", me)
print("started")
"""

WRITER = """
import sys, runledger
url, me = sys.argv[1:]
ledger = runledger.connect(url, observers=())
i = 0
while True:
    run = ledger.start(f"{me} {i}", "acme")
    print("started", flush=True)
    for step in range(5):
        run.update(metrics={"step": step}, add={"sum": step}, note=f"step {step}")
        print("updated", flush=True)
    run.complete()
    print("finished", flush=True)
    i += 1
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/runs.db"
        return
    with fresh_ledger() as url:
        yield url


def spawn(script: str, url: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, url, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_processes_that_race_create_each_run_once_and_lose_no_addition(url: str) -> None:
    with runledger.connect(url, observers=()) as ledger:
        ledger.start("shared", "acme")
        processes = [spawn(RACE, url, f"p{i}") for i in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        won = [int(process.communicate()[0]) for process in _all_told_to_go(processes)]
        assert sum(won) == 30
        assert ledger.summary(client_id="acme").runs == 31
        shared = ledger.get("shared", "acme")
        assert shared.metrics == {"n": 200, "p0": 50, "p1": 50, "p2": 50, "p3": 50}
        assert shared.notes == len(list(ledger.log("shared", "acme"))) == 200
        names = [record.client_name for record in ledger.find() if record.key.run_id != "shared"]
        assert sorted(names.count(f"p{i}") for i in range(4)) == sorted(won)


def test_processes_that_make_the_same_new_file_at_once_all_get_their_ledger(tmp_path: Path) -> None:
    for attempt in range(5):
        url = f"sqlite:///{tmp_path}/new {attempt}.db"
        openers = [spawn(OPENER, url, f"p{i}") for i in range(6)]
        for opener in openers:
            assert opener.stdout is not None
            assert opener.stdout.readline() == "ready\n"
        assert [opener.communicate()[0] for opener in _all_told_to_go(openers)] == ["started\n"] * 6
        with runledger.connect(url, observers=()) as ledger:
            assert ledger.summary().runs == 6


def _all_told_to_go(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_what_was_acknowledged_before_a_kill_is_there_and_nothing_is_half_written(url: str) -> None:
    chance = random.Random(20251124)
    for round_ in range(8):
        writer = spawn(WRITER, url, f"w{round_}")
        assert writer.stdout is not None
        lines = chance.randint(1, 60)
        acknowledged = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.readlines()
        acknowledged = [line for line in acknowledged if line.endswith("\n")]
        writer.communicate()
        with runledger.connect(url, observers=()) as ledger:
            runs = [run for run in ledger.reads.find_with_logs() if run.key.run_id.startswith(f"w{round_} ")]
        assert len(runs) >= acknowledged.count("started\n")
        assert sum(len(run.log) for run in runs) >= acknowledged.count("updated\n")
        assert sum(run.record.status.is_final for run in runs) >= acknowledged.count("finished\n")
        assert len(runs) <= acknowledged.count("started\n") + 1
        for run in runs:
            steps = len(run.log)
            assert run.record.metrics == ({"step": steps - 1, "sum": sum(range(steps))} if steps else {})
            assert [line.text for line in run.log] == [f"step {i}" for i in range(steps)]
            assert run.record.status is RunStatus.RUNNING or steps == 5
