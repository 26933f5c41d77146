"""`runledger exec` as process 1 of a container: it reaps orphans, and takes signals that the kernel drops for most."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import RUNLEDGER, environment

from runledger import connect

UNSHARE = ["unshare", "-fp" if os.geteuid() == 0 else "-Urfp", "--mount-proc", "--kill-child"]

LEAVES_AN_ORPHAN = """
import os, time

def zombies():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if (state, parent) == ("Z", "1"):
            found.append(name)
    return found

parent = os.fork()
if parent == 0:
    if os.fork() == 0:
        os._exit(0)
    os._exit(0)
os.waitpid(parent, 0)
os.kill(1, 0)
while zombies():
    time.sleep(0.01)
print("reaped", os.getppid())
"""
"""A command that leaves an orphan, and ends once nobody is a zombie."""


@pytest.fixture(autouse=True)
def _can_make_a_process_namespace() -> None:
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"this user may make no namespace for processes: {tried.stderr.decode()}")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def test_as_process_1_it_reaps_orphans(store: Path) -> None:
    done = subprocess.run(
        [*UNSHARE, *RUNLEDGER, "exec", "--client", "a", "--", sys.executable, "-c", LEAVES_AN_ORPHAN],
        env=environment(store),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("reaped 1\n", "", 0)


def test_as_process_1_it_passes_signals_on(store: Path) -> None:
    command = "import signal; print('up', flush=True); signal.pause()"
    with subprocess.Popen(
        [*UNSHARE, *RUNLEDGER, "exec", "--client", "a", "--", sys.executable, "-c", command],
        env=environment(store),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        [init] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(init), signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    with connect(store, observers=()) as ledger:
        [record] = ledger.find()
    assert record.status.value == "Cancelled"
