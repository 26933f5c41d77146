"""Ctrl-C while `runledger start` waits for its store."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import RUNLEDGER, a_store_of, environment, runledger

PRESSING = """
import os, signal
from runledger.adapters.sql import sqlite
from runledger.domain import Outcome, StoreUnavailable

class Pressing(sqlite.SQLiteRunRepository):
    def create(self, new):
        key = super().create(new)
        for _ in range(int(os.environ["PRESSES"])):
            signal.raise_signal(signal.SIGINT)
        return key

    def close(self):
        super().close()
        if "WHILE_CLOSING" in os.environ:
            signal.raise_signal(signal.SIGINT)

def away(self, key, change, at):
    raise StoreUnavailable("the line went dead", Outcome.NOT_APPLIED, key)

def open_url(url):
    if "AWAY" in os.environ:
        sqlite.SQLiteRunAccess.update = away
    return Pressing(url.removeprefix("pressing:///"))
"""
"""A store during whose creation of a run a person presses Ctrl-C."""
IGNORING = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from runledger.cli import main; main()"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    a_store_of(tmp_path, "pressing", PRESSING)
    return tmp_path / "runs.db"


def start(store: Path, presses: int, *program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*(program or RUNLEDGER), "start", "r", "acme"],
        env=environment(f"pressing:///{store}", PYTHONPATH=str(store.parent), PRESSES=str(presses), **variables),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_start_that_ctrl_c_interrupts_leaves_a_cancelled_run(store: Path) -> None:
    done = start(store, 1)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    shown = json.loads(runledger("show", "r", "acme", "--json", store=store).stdout)
    assert (shown["status"], [text for _, text in shown["log"]]) == ("Cancelled", ["KeyboardInterrupt"])


def test_a_second_ctrl_c_ends_a_start_immediately(store: Path) -> None:
    done = start(store, 2)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert "Running" in runledger("list", store=store).stdout  # as the store was at that moment


def test_ctrl_c_while_the_store_is_closed_comes_after_the_id_of_the_run(store: Path) -> None:
    done = start(store, 0, WHILE_CLOSING="1")
    assert (done.returncode, done.stdout, done.stderr) == (130, "r\n", "")


def test_a_start_that_cannot_be_cancelled_names_its_run(store: Path) -> None:
    done = start(store, 1, AWAY="1")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == (
        "runledger: run 'r' of client 'acme' was started, and could not be cancelled: the store is unavailable "
        "(run 'r' of client 'acme'): the line went dead. Nothing was written; try again when the store is back.\n"
    )


def test_a_start_that_ignores_ctrl_c_succeeds(store: Path) -> None:
    done = start(store, 2, sys.executable, "-c", IGNORING)
    assert (done.returncode, done.stdout, done.stderr) == (0, "r\n", "")
