"""How a command ended, as `runledger exec` records it: signals of its own, signals that were asked for, time-outs."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import RUNLEDGER, a_store_of, environment, in_a_process, runledger

from runledger import NewRun, connect

DIES = "import os; os.kill(os.getpid(), {})"
"""A program that dies by a signal of its own."""
KILLED = "ended by SIGKILL, which exec did not send: likely no memory was left, or the limit for it was reached"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def the_run(store: Path) -> NewRun:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        [run] = ledger.reads.find_with_logs()
    return run


@contextmanager
def running(store: Path, *arguments: str, by: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """`exec` with these arguments, in a session without a terminal, once its command has written a line.

    `by` is a command that runs it.
    """
    with subprocess.Popen(
        [*by, *RUNLEDGER, "exec", "--client", "a", *arguments],
        env=environment(store),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGSEGV, "ended by SIGSEGV"),
        (signal.SIGABRT, "ended by SIGABRT"),
        (signal.SIGKILL, KILLED),
        (signal.SIGTERM, "ended by SIGTERM"),
    ],
)
@pytest.mark.parametrize("shell", [False, True], ids=["alone", "in a shell"])
def test_a_command_that_dies_by_a_signal_of_its_own_has_failed(
    store: Path, number: signal.Signals, reason: str, shell: bool
) -> None:
    python = [sys.executable, "-c", f"print('last words', file=open(2, 'w')); {DIES.format(int(number))}"]
    command = ["sh", "-c", f"{shlex.join(python)}; exit $?"] if shell else python
    in_a_process("exec", "--client", "a", "--", *command, store=store, code=128 + number)
    record = the_run(store).record
    first, second, *_ = (record.error or "").splitlines()
    assert record.status.value == "Failed"
    assert (first, second) == (f"exit code {128 + number}: {reason}" if shell else reason, "last words")


def test_a_code_that_no_signal_has_is_a_code(store: Path) -> None:
    for code in (128, 160, 255):
        in_a_process(
            "exec", "--client", "a", "--run-id", f"{code}", "--", "sh", "-c", f"exit {code}", store=store, code=code
        )
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        assert {record.error for record in ledger.find()} == {f"exit code {code}" for code in (128, 160, 255)}


def test_a_shell_that_is_asked_to_end_and_hands_on_the_code_is_cancelled(store: Path) -> None:
    program = shlex.join([sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"])
    shell = f"{program}; exit $?"
    with running(store, "--", "sh", "-c", f"trap : TERM; {shell}") as process:
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
    run = the_run(store)
    assert (run.record.status.value, run.log[-1].text) == ("Cancelled", "ended by SIGTERM")


ABORTS = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("up", flush=True)
signal.sigwait([signal.SIGUSR1])
os.abort()
"""


def test_another_signal_than_the_one_that_was_asked_for_is_a_failure(store: Path) -> None:
    with running(store, "--", sys.executable, "-c", ABORTS) as process:
        process.send_signal(signal.SIGUSR1)
        assert process.wait(60) == 128 + signal.SIGABRT
    assert (the_run(store).record.status.value, the_run(store).record.error) == ("Failed", "ended by SIGABRT")


COUNTS = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGVTALRM])
print("up", flush=True)
signal.sigwait([signal.SIGTERM])
print(os.getpgid(0), flush=True)
signal.sigwait([signal.SIGVTALRM])
print(1 + (signal.SIGTERM in signal.sigpending()), flush=True)
"""
"""A command that says how often it got SIGTERM before SIGVTALRM, which is passed on later, by its number."""


@pytest.mark.parametrize("to_group", [False, True], ids=["to exec", "to its group"])
def test_a_signal_to_exec_or_to_its_group_reaches_the_command_once(store: Path, to_group: bool) -> None:
    with running(store, "--", sys.executable, "-c", COUNTS) as process:
        assert process.stdout is not None
        (os.killpg if to_group else os.kill)(process.pid, signal.SIGTERM)
        assert int(process.stdout.readline()) not in (process.pid, os.getpgid(0))
        process.send_signal(signal.SIGVTALRM)
        assert process.stdout.readline() == "1\n"
        assert process.wait(60) == 0


def test_a_signal_that_asks_for_the_end_reaches_the_children_too(store: Path) -> None:
    with running(store, "--", "sh", "-c", "sleep 1000 & trap : TERM; echo up; wait; exit 4") as process:
        assert process.stderr is not None
        process.terminate()
        assert process.wait(60) == 4
        assert process.stderr.read() == ""  # the child had it open too


BLOCKS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.execv(sys.argv[1], sys.argv[1:])
"""
SIGTERM_BLOCKED = [sys.executable, "-c", BLOCKS]
"""Runs a command that inherits SIGTERM as blocked: it waits for it, however early it comes."""
WAITS = """
import signal, sys
print("up", flush=True)
signal.sigwait([signal.SIGTERM])
print("got it", file=sys.stderr, flush=True)
"""


def test_what_takes_too_long_is_ended_and_has_failed(store: Path) -> None:
    waits = [sys.executable, "-c", WAITS]
    with running(store, "--timeout", "1s", "--grace", "1h", "--", *waits, by=SIGTERM_BLOCKED) as process:
        assert process.wait(60) == 124
    record = the_run(store).record
    assert (record.status.value, record.error) == ("Failed", "timed out after 1s\ngot it")


def test_what_does_not_end_when_its_time_is_over_is_killed_after_a_grace(store: Path) -> None:
    """TERM is blocked from its start, so that it does not matter when the command begins to run."""
    limits = ("--timeout", "1s", "--grace", "3s")
    stubborn = [*SIGTERM_BLOCKED, *RUNLEDGER, "exec", "--client", "a", *limits, "--", "sleep", "1000"]
    done = subprocess.run(stubborn, env=environment(store), capture_output=True, check=False)
    assert done.returncode == 124
    record = the_run(store).record
    assert (record.status.value, record.error) == ("Failed", "timed out after 1s")
    assert record.duration is not None
    assert record.duration.total_seconds() >= 4


def test_a_command_that_left_its_group_is_ended_when_its_time_is_over(store: Path) -> None:
    leaves = f"import os; os.setpgid(0, os.getppid())\n{WAITS}"
    limits = ("--timeout", "1s", "--grace", "1h")
    with running(store, *limits, "--", sys.executable, "-c", leaves, by=SIGTERM_BLOCKED) as process:
        assert process.wait(60) == 124
    assert the_run(store).record.error == "timed out after 1s\ngot it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user without a program such as sudo")
def test_a_command_that_runs_as_another_user_is_waited_for_to_its_end(store: Path) -> None:
    end = store.parent / "end"
    os.mkfifo(end)
    waits = ["sh", "-c", f"exec setpriv --reuid=1 sh -c 'echo up; read line' <> {shlex.quote(str(end))}"]
    without_right = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]
    with running(store, "--timeout", "5s", "--grace", "1s", "--", *waits, by=without_right) as process:
        assert process.stderr is not None
        refused = [process.stderr.readline() for _ in range(2)]
        assert the_run(store).record.status.value == "Running"
        end.write_text("\n")
        assert process.wait(60) == 124
    sentence = "runledger: {} cannot be sent to the command: it runs as another user. Waiting for it.\n"
    assert refused == [sentence.format("SIGTERM"), sentence.format("SIGKILL")]
    assert the_run(store).record.error == "timed out after 5s"


def test_a_command_that_is_fast_enough_is_not_timed_out(store: Path) -> None:
    in_a_process("exec", "--client", "a", "--timeout", "100000w", "--", "true", store=store)
    assert the_run(store).record.status.value == "Completed"


@pytest.mark.parametrize("option", ["--timeout", "--grace", "--heartbeat", "--finish-wait"])
def test_a_duration_that_is_none_is_refused_before_anything_runs(store: Path, option: str) -> None:
    done = in_a_process("exec", "--client", "a", option, "soon", "--", "true", store=store, code=2)
    assert "'soon' is not a duration" in done.stderr
    if option in ("--timeout", "--grace"):
        done = in_a_process("exec", "--client", "a", option, "0s", "--", "true", store=store, code=2)
        assert "'0s' is no time at all: give more than 0, like 2h." in done.stderr
    assert not store.exists()


PARTING = """
import atexit, sys
from datetime import UTC, datetime
from runledger import EventKind, RunEvent, RunKey
from runledger.adapters.sql import sqlite
from runledger.kept_events import KeptEvents

kept = KeptEvents("missing.db", window=3600)
atexit.register(print, "the last word", end="")
atexit.register(sys.stderr.write, "the last complaint")

def open_url(url):
    kept(RunEvent(kind=EventKind.MISSING, key=RunKey("gone", "acme"), at=datetime.now(UTC), call_site="here"))
    return sqlite.open_url(url.replace("parting", "sqlite"))
"""
"""A store that keeps events in an hour, and writes when Python ends."""


def test_what_waits_to_be_written_is_written_before_exec_ends(store: Path, tmp_path: Path) -> None:
    a_store_of(tmp_path, "parting", PARTING)
    done = subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "echo", "a word"],
        env=environment(f"parting:///{store}", PYTHONPATH=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "a word\nthe last word", "the last complaint")
    assert "\tgone\tacme" in runledger("missing", str(tmp_path / "missing.db"), code=1).stdout
