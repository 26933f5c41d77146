"""The record of a command that `runledger exec` runs: signs of life, what ran, and its end however the store fares."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airtable_base import METRIC_COLUMNS, TOKEN, served
from commands import RUNLEDGER, a_store_of, environment, in_a_process, runledger
from gated_store import GATED, at_the_gate, send
from postgres_cluster import cluster_in_a_folder

from runledger import NewRun, RunRecord, RunStatus, connect
from runledger.adapters.airtable import Columns
from runledger.cli.execution.ending import Ending
from runledger.cli.execution.recording import Recording
from runledger.domain import RunKey
from runledger.services.ledger import utc_now
from runledger.testing.airtable import run_table

SHAKY = """
import os
from runledger import Outcome, StoreUnavailable
from runledger.adapters.sql import sqlite

class Shaky(sqlite.SQLiteRunRepository):
    def without_creation(self):
        access = super().without_creation()
        update = access.update
        def lost(*values):
            if os.path.exists("lost"):
                with open("sent", "a") as sent:
                    sent.write("x")
                raise StoreUnavailable("the answer was lost", Outcome.UNKNOWN)
            return update(*values)
        access.update = lost
        return access

def open_url(url):
    with open("asked", "a") as asked:
        asked.write("x")
    if os.path.exists("away"):
        raise StoreUnavailable("it is away", Outcome.NOT_APPLIED)
    return Shaky(sqlite.path_of(url.replace("shaky", "sqlite")))
"""
"""A store that is away while there is a file `away`, and whose answers are lost while there is a file `lost`.

It counts how often it was asked for.
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def the_run(store: Path | str) -> NewRun:
    with connect(store, observers=()) as ledger:
        [run] = ledger.reads.find_with_logs()
    return run


def until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for a condition that comes true while the process runs."""
    while not condition():
        assert process.poll() is None
        time.sleep(0.01)


@contextmanager
def running(folder: Path, *options: str, store: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`exec` of a command that says when it begins, and ends with the exit code that the test writes to its input."""
    with subprocess.Popen(
        [
            *RUNLEDGER,
            "exec",
            "--client",
            "a",
            *options,
            "--",
            "sh",
            "-c",
            "echo $$ >pid; echo up; read code; exit $code",
        ],
        env=environment(store, PYTHONPATH=str(folder), **variables),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process


def end(process: subprocess.Popen[str], folder: Path, code: int) -> None:
    """Let the command end, and wait until it has."""
    assert process.stdin is not None
    process.stdin.write(f"{code}\n")
    process.stdin.close()
    command = Path("/proc", (folder / "pid").read_text().strip())
    until(lambda: not command.exists(), process)


@pytest.fixture
def shaky(store: Path, tmp_path: Path) -> str:
    a_store_of(tmp_path, "shaky", SHAKY)
    return f"shaky:///{store}"


# -- signs of life


def test_a_command_that_runs_gives_signs_of_life_until_it_ends(store: Path, tmp_path: Path) -> None:
    with running(tmp_path, "--heartbeat", "0.05s", store=f"sqlite:///{store}") as process:
        started = the_run(store).record.updated_at
        until(lambda: the_run(store).record.updated_at > started, process)
        seen = the_run(store).record.updated_at
        until(lambda: the_run(store).record.updated_at > seen, process)
        assert the_run(store).record.status is RunStatus.RUNNING
        assert process.communicate("0\n", timeout=60) == ("", "")
    assert (the_run(store).record.status.value, the_run(store).record.notes) == ("Completed", 1)


OFTEN = """
from datetime import timedelta
from runledger.adapters.sql import sqlite
from runledger.domain import Backend

BACKEND = Backend(
    open=lambda url: sqlite.open_url(url.replace("often", "sqlite", 1)), heartbeat_interval=timedelta(milliseconds=50)
)
"""
"""A store that takes signs of life more often than others."""


def test_the_store_says_how_often_signs_of_life_are_given(store: Path, tmp_path: Path) -> None:
    a_store_of(tmp_path, "often", OFTEN, "BACKEND")
    with running(tmp_path, store=f"often:///{store}") as process:
        started = the_run(store).record.updated_at
        until(lambda: the_run(store).record.updated_at > started, process)
        process.communicate("0\n", timeout=60)


def test_no_signs_of_life_are_given_if_none_are_wanted(store: Path) -> None:
    recording = Recording(f"sqlite:///{store}", RunKey("r", "a"))
    before = set(threading.enumerate())  # of other tests, and they may end
    with recording.kept_alive(timedelta(0)):
        assert set(threading.enumerate()) <= before
    with recording.kept_alive(timedelta(hours=1)):
        assert len(set(threading.enumerate()) - before) == 1


def test_signs_of_life_that_fail_are_reported_once_and_disturb_nothing(store: Path, tmp_path: Path, shaky: str) -> None:
    with running(tmp_path, "--heartbeat", "0.05s", store=shaky) as process:
        assert process.stderr is not None
        (tmp_path / "away").touch()
        asked = tmp_path / "asked"
        first = process.stderr.readline()
        count = len(asked.read_text())
        until(lambda: len(asked.read_text()) > count + 3, process)
        (tmp_path / "away").unlink()
        seen = the_run(store).record.updated_at
        until(lambda: the_run(store).record.updated_at > seen, process)  # they go on
        assert process.communicate("7\n", timeout=60) == ("", "")
        assert process.returncode == 7
    assert re.fullmatch(
        r"runledger: the sign of life of run '\S+' of client 'a' failed, and is tried again each time: the store is "
        r"unavailable: it is away\. .*\n",
        first,
    )
    assert the_run(store).record.error == "exit code 7"


def test_a_command_whose_exec_was_killed_is_listed_once_five_signs_have_not_come(store: Path, tmp_path: Path) -> None:
    with running(tmp_path, "--heartbeat", "0.05s", store=f"sqlite:///{store}") as process:
        started = the_run(store).record.updated_at
        until(lambda: the_run(store).record.updated_at > started, process)
        process.kill()
        process.wait(60)
        process.communicate("0\n")
    last = the_run(store).record.updated_at
    ages = {timedelta(minutes=4, seconds=59): [], timedelta(minutes=5, milliseconds=1): ["a"]}
    for age, listed in ages.items():
        with connect(store, observers=(), clock=lambda age=age: last + age) as ledger:  # type: ignore[misc]
            assert [run.key.client_id for run in ledger.stale(timedelta(minutes=5))] == listed
    assert runledger("stale", "--older-than", "0s", "--json", store=store).stdout.count('"Running"') == 1


def quiet(client_id: str, minutes: int) -> RunRecord:
    """A run that began long ago, and gave its last sign of life so many minutes ago."""
    now = utc_now()
    key = RunKey("r", client_id)
    return RunRecord(
        key=key,
        client_name=client_id,
        status=RunStatus.RUNNING,
        started_at=now - timedelta(hours=9),
        updated_at=now - timedelta(minutes=minutes),
    )


def test_by_default_stale_lists_runs_whose_signs_of_life_have_not_come(store: Path) -> None:
    with connect(store, observers=()) as ledger:
        ledger.import_records([quiet("4", 4), quiet("6", 6)])
    listed = runledger("stale", store=store).stdout
    assert [line.split("\t")[2] for line in listed.splitlines()[1:]] == ["6"]


def test_where_the_store_counts_requests_stale_waits_ten_times_as_long() -> None:
    with served(*METRIC_COLUMNS) as base:
        base.clock.now = datetime.now(UTC) - timedelta(hours=1)
        base.repository().create_many([NewRun(quiet("45", 45)), NewRun(quiet("55", 55))])
        listed = runledger("stale", store=base.store_url, AIRTABLE_API_KEY=TOKEN).stdout
        assert [line.split("\t")[2] for line in listed.splitlines()[1:]] == ["55"]


# -- what ran


def test_the_first_note_says_what_runs_where_as_whom(store: Path, tmp_path: Path) -> None:
    with running(tmp_path, store=f"sqlite:///{store}") as process:
        [line] = the_run(store).log
        assert line.text == f"sh on {os.uname().nodename} as {_me()}, pid {process.pid}"
        assert line.at == the_run(store).record.started_at
        process.communicate("0\n", timeout=60)


def test_arguments_are_noted_if_asked_for_whatever_is_in_them(store: Path) -> None:
    odd = "two\nlines \u202e \x1b[31m"
    in_a_process("exec", "--client", "a", "--details", "--", "true", odd, "x" * 20_000, store=store)
    [line] = the_run(store).log
    assert line.text.startswith(r"true 'two\nlines \u202e \u001b[31m' xxx")
    assert re.search(r"x… on \S+ as \S+, pid \d+$", line.text)
    assert len(line.text) == 10_000


def test_the_url_of_a_store_in_place_of_a_command_is_recorded_without_its_password(store: Path) -> None:
    in_a_process("exec", "--client", "a", "postgresql://ops:hush@db/runs", "true", store=store, code=127)
    run = the_run(store)
    assert run.record.error == "postgresql://ops:…@db/runs: No such file or directory"
    assert run.log[0].text.startswith("postgresql://ops:…@db/runs on ")


def test_nothing_is_noted_if_nothing_is_wanted(store: Path) -> None:
    in_a_process("exec", "--client", "a", "--no-details", "--", "true", store=store)
    assert the_run(store).log == ()


def _me() -> str:
    return subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()


def test_airtable_keeps_the_note_with_no_further_request_and_is_finished_by_reference() -> None:
    numbered = run_table(columns=Columns(number="Number")).columns
    with served(table_columns=numbered) as base:
        url = f"{base.store_url}&number=Number"
        in_a_process("exec", "--client", "a", "--", "true", store=url, AIRTABLE_API_KEY=TOKEN)
        noted = base.requests()
        in_a_process("exec", "--client", "a", "--no-details", "--", "true", store=url, AIRTABLE_API_KEY=TOKEN)
        assert noted == base.requests()
        assert noted.count("POST") == 1
        assert {row["fields"]["Status"] for row in base.rows()} == {"Completed"}


def test_a_table_without_a_log_starts_the_run_without_its_note_and_says_so() -> None:
    numbered = run_table(columns=Columns(number="Number")).columns
    with served(table_columns=[each for each in numbered if each.name != "Progress Log"]) as base:
        url = f"{base.store_url}&number=Number"
        run = ["exec", "--client", "a"]
        done = in_a_process(*run, "--", "true", store=url, AIRTABLE_API_KEY=TOKEN)
        assert "has no column for the log, so it cannot keep notes" in done.stderr
        assert "The run was started without its first note; with --no-details it has none." in done.stderr
        assert [row["fields"]["Status"] for row in base.rows()] == ["Completed"]
        assert in_a_process(*run, "--no-details", "--", "true", store=url, AIRTABLE_API_KEY=TOKEN).stderr == ""
        in_a_process(*run, "--details", "--", "true", store=url, AIRTABLE_API_KEY=TOKEN, code=7)
        assert len(base.rows()) == 2


# -- recorded in the end


def test_a_store_that_is_away_in_the_end_is_waited_for_and_gets_the_true_end(
    store: Path, tmp_path: Path, shaky: str
) -> None:
    with running(tmp_path, store=shaky) as process:
        (tmp_path / "away").touch()
        asked = tmp_path / "asked"
        count = len(asked.read_text())
        end(process, tmp_path, 3)
        until(lambda: len(asked.read_text()) > count + 1, process)
        late = utc_now()
        (tmp_path / "away").unlink()
        assert process.wait(60) == 3
        assert process.stderr is not None
        assert process.stderr.read() == ""
    record = the_run(store).record
    assert (record.status.value, record.error) == ("Failed", "exit code 3")
    assert record.ended_at is not None
    assert record.ended_at < late


def test_an_update_whose_answer_was_lost_is_sent_once(store: Path, tmp_path: Path, shaky: str) -> None:
    with running(tmp_path, "--heartbeat", "0", store=shaky) as process:
        (tmp_path / "lost").touch()
        _, errors = process.communicate("0\n", timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "sent").read_text() == "x"
    assert "Whether the change was applied is unknown" in errors
    assert "runledger complete" in errors


@pytest.mark.parametrize(
    ("code", "status", "error"), [("0", "Completed", None), ("3", "Failed", "exit code 3"), ("-", "Cancelled", None)]
)
def test_the_command_that_is_printed_mends_the_record(
    store: Path, tmp_path: Path, shaky: str, code: str, status: str, error: str | None
) -> None:
    with running(tmp_path, "--finish-wait", "0", "--run-id", "a 'b'", store=shaky) as process:
        (tmp_path / "away").touch()
        begin = utc_now()
        if code == "-":
            process.terminate()
            code = "143"
            process.wait(60)  # before its input is closed, at which the command would end too
            _, errors = process.communicate(timeout=60)
        else:
            _, errors = process.communicate(f"{code}\n", timeout=60)
        end = utc_now()
    assert process.returncode == int(code)
    assert "could not be finished: the store is unavailable" in errors
    [printed] = re.findall(r"When the store serves again, write:\n  runledger (.*)\n", errors)
    (tmp_path / "away").unlink()
    mend = shlex.split(printed)
    assert mend[mend.index("--store") + 1] == shaky
    env = environment(PYTHONPATH=str(tmp_path))
    subprocess.run([*RUNLEDGER, *mend], env=env, check=True, cwd=tmp_path)
    run = the_run(store)
    assert (run.record.status.value, run.record.error) == (status, error)
    assert run.record.ended_at is not None
    assert begin - timedelta(milliseconds=1) <= run.record.ended_at <= end
    if status == "Cancelled":
        assert run.log[-1].text == "ended by SIGTERM"


def test_what_is_printed_shows_no_password_and_ids_that_look_like_options_stay_ids(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recording = Recording("postgresql://user:secret@host/db", RunKey("-r", "a"))
    recording._print_mending(Ending(0), datetime(2025, 11, 24, 8, 15, tzinfo=UTC))
    assert capsys.readouterr().err == (
        "When the store serves again, write, with RUNLEDGER_STORE set to the store's URL:\n"
        "  runledger complete --run-id=-r --client=a --at 2025-11-24T08:15:00.000Z\n"
    )


def test_a_file_that_another_process_has_locked_in_the_end_is_waited_for(store: Path, tmp_path: Path) -> None:
    with running(tmp_path, store=f"sqlite:///{store}") as process, closing(sqlite3.connect(store)) as other:
        other.execute("BEGIN IMMEDIATE")
        end(process, tmp_path, 0)
        until(lambda: f"{store}-wal" in _open_files(process), process)
        late = utc_now()
        other.rollback()
        assert process.wait(60) == 0
    record = the_run(store).record
    assert record.status.value == "Completed"
    assert record.ended_at is not None
    assert record.ended_at < late


def test_how_long_a_locked_file_was_waited_for_is_true(store: Path, tmp_path: Path) -> None:
    a_store_of(tmp_path, "gated", GATED)
    url = f"gated:///{store}"
    with (
        running(tmp_path, "--finish-wait", "0.5s", store=url, GRACE="1") as process,
        closing(sqlite3.connect(store)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        _, errors = process.communicate("0\n", timeout=60)
    assert "could not be finished: the store has not answered within 1.5 s.\n" in errors


def test_how_often_a_store_was_asked_in_the_end_is_said(tmp_path: Path, shaky: str) -> None:
    with running(tmp_path, "--finish-wait", "1s", "--heartbeat", "0", store=shaky) as process:
        asked = tmp_path / "asked"
        before = len(asked.read_text())
        (tmp_path / "away").touch()
        _, errors = process.communicate("0\n", timeout=60)
    [(seconds, attempts)] = re.findall(
        "could not be finished: after ([0-9]+) s and ([0-9]+) attempts, the store is unavailable", errors
    )
    assert int(seconds) >= 1
    assert int(attempts) == len(asked.read_text()) - before > 1


def _open_files(process: subprocess.Popen[str]) -> set[str]:
    found = set()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            found.add(os.readlink(link))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def test_a_server_that_stops_and_comes_back_is_waited_for() -> None:
    with cluster_in_a_folder() as cluster:
        cluster.make_primary()
        url = cluster.url("a")
        runledger("init", store=url)
        with running(cluster.folder, store=url) as process:
            cluster.control("stop", "a", "-m", "immediate")
            end(process, cluster.folder, 0)
            cluster.start("a")
            late = utc_now()
            assert process.wait(100) == 0
        record = the_run(url).record
    assert record.status.value == "Completed"
    assert record.ended_at is not None
    assert record.ended_at < late


# -- a store that does not answer the start


def test_run_anyway_runs_beside_a_silent_store_and_finishes_what_starts_later(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reached")
    anyway = ["--run-anyway"]
    script = "echo $RUNLEDGER_RUN_ID >ran; exit 5"
    with at_the_gate(store, tmp_path, "sh", "-c", script, options=anyway, SILENT="0.2") as process:
        reached = utc_now()
        until((tmp_path / "ran").exists, process)
        (tmp_path / "opened").touch()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 5
    assert errors == "runledger: the store has not answered within 0.2 s. Running the command meanwhile, as asked.\n"
    record = the_run(store).record
    assert (record.status.value, record.error) == ("Failed", "exit code 5")
    assert record.key.run_id == (tmp_path / "ran").read_text().strip()
    assert record.started_at <= reached


def test_run_anyway_ends_beside_a_store_that_stays_silent(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reached")
    anyway = ["--run-anyway", "--finish-wait", "0.2s"]
    with at_the_gate(store, tmp_path, "sh", "-c", "exit 5", options=anyway, SILENT="0.2", GRACE="1") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "its start has not been answered. Whether the change was applied is unknown" in errors
    assert "runledger fail" in errors


def test_run_anyway_says_so_if_the_late_start_is_refused(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "touch", "ran", options=["--run-anyway"], SILENT="0.2") as process:
        until((tmp_path / "ran").exists, process)
        store.write_text("no database " * 1000)
        (tmp_path / "opened").touch()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "is not a SQLite database" in errors
    assert errors.endswith("The command ran without a record.\n")


def test_a_signal_while_a_silent_store_is_waited_for_ends_exec(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "touch", "ran", options=["--run-anyway"], GRACE="0.2") as process:
        send(process, signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "was being started" in errors
    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_gone_in_the_end_is_not_made_again(store: Path) -> None:
    run = ["exec", "--client", "a", "--heartbeat", "0.01s", "--", "sh", "-c"]
    done = in_a_process(*run, f"rm '{store}'*; exit 3", store=store, code=3)
    assert f"could not be finished: there is no file {store}: correct the URL" in done.stderr
    assert "runledger fail '--error=exit code 3'" in done.stderr
    assert not store.exists()


def test_a_run_that_was_removed_meanwhile_is_reported_and_nothing_can_mend_it(store: Path) -> None:
    removing = f"sqlite3.connect('{store}').executescript('DELETE FROM run_notes; DELETE FROM runs')"  # noqa: S608
    remove = ["--", sys.executable, "-c", f"import sqlite3; {removing}"]
    done = in_a_process("exec", "--client", "a", *remove, store=store)
    assert "could not be finished: no run record for run" in done.stderr
    assert "runledger complete" not in done.stderr
