"""`runledger check` answers as a monitoring plugin: one line, and the state as the exit code. It changes nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from airtable_base import BASE, TOKEN, AirtableBase, served
from alert_servers import a_webhook
from commands import RUNLEDGER, a_store_of, environment, in_a_process, on_a_terminal, runledger

from runledger import EventKind, RunEvent, RunKey, connect
from runledger.adapters.airtable import TURNS, Columns, RateLimit, Turns
from runledger.cli.commands import checking
from runledger.services.inspecting.expectation import Expectation

HOUR = timedelta(hours=1)
FIGURES = re.compile(
    r"clients=\d+;;;0 overdue=\d+;;0;0 failed=\d+;;0;0 quiet=\d+;;0;0 in_future=\d+;;0;0 with_errors=\d+;0;;0 "
    r"slow=\d+;0;;0"
)
Started = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def started(store: Path) -> Started:
    """Start a run of a client so long ago; `status` finishes it then, and `beat` is its last sign of life."""

    def start(
        client: str, ago: timedelta, run_id: str = "r", *, status: str = "", beat: timedelta | None = None
    ) -> None:
        now = datetime.now(UTC)
        times = iter([now - ago, now - (ago if beat is None else beat)])
        with connect(f"sqlite:///{store}", observers=(), clock=lambda: next(times)) as ledger:
            run = ledger.start(run_id, client)
            match status:
                case "completed":
                    run.complete()
                case "failed":
                    run.fail("disk full\nnext line")
                case "with errors":
                    run.complete(with_errors="2 of 45")
                case _:
                    run.heartbeat()

    return start


def answer(*arguments: str, store: Path | str, code: int) -> tuple[str, dict[str, int]]:
    """The information in the one line that `check` prints, and the figures that are not 0."""
    done = runledger("check", *arguments, store=store, code=code)
    state = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[code]
    line = done.stdout.removesuffix("\n")
    assert "\n" not in line
    assert line.startswith(f"RUNLEDGER {state} - ")
    text, bar, figures = line.removeprefix(f"RUNLEDGER {state} - ").partition(" | ")
    assert not bar or FIGURES.fullmatch(figures), figures
    return text, {name: int(value) for name, value in re.findall(r"(\w+)=([1-9]\d*)", figures)}


def test_a_start_in_the_future_does_not_make_a_client_healthy(store: Path) -> None:
    ahead = '{"run_id": "r", "client_id": "backup", "status": "Completed", "started_at": "2099-01-01T10:00:00Z"}'
    runledger("import", "-", "--ended-at", "started_at", store=store, given=ahead)
    what = (
        "run 'r' of client 'backup' has times in the future: start 2099-01-01T10:00:00.000Z, "
        "end 2099-01-01T10:00:00.000Z, last update 2099-01-01T10:00:00.000Z"
    )
    overdue = "client 'backup' is overdue: no start that is not in the future, expected every 26h"
    said, figures = answer("--client", "backup", "--max-age", "26h", store=store, code=2)
    assert said == f"{what}; {overdue}"
    assert figures == {"clients": 1, "overdue": 1, "in_future": 1}
    assert answer(store=store, code=2) == (what, {"clients": 1, "in_future": 1})
    told = json.loads(runledger("check", "--json", store=store, code=2).stdout)
    assert told["deviations"][0] == {
        "kind": "in_future",
        "critical": True,
        "client_id": "backup",
        "run_id": "r",
        "what": what,
    }
    audited = json.loads(runledger("audit", "--json", store=store, code=1).stdout)
    assert audited["counts"] == {"in the future": {"2099-01": 1}}
    assert runledger("audit", "--skip", "in-the-future", store=store).stdout.endswith(": no defects.\n")
    seen = on_a_terminal("latest", store=store)
    assert re.search(r" in \d{5}d ", seen)
    assert "0s ago" not in seen


def test_clients_that_ran_are_as_expected(store: Path, started: Started) -> None:
    started("acme", 3 * HOUR, status="completed")
    started("bolt", 3 * HOUR, beat=timedelta())
    assert answer(store=store, code=0) == ("2 clients as expected", {"clients": 2})
    assert answer("--client", "acme", "--max-age", "4h", store=store, code=0)[0] == "1 client as expected"


def test_a_client_that_never_ran_is_critical(store: Path, started: Started) -> None:
    started("acme", HOUR, status="completed")
    text, figures = answer("--client", "backup", "--client", "acme", "--max-age", "26h", store=store, code=2)
    assert (text, figures) == ("client 'backup' never ran: expected every 26h", {"clients": 2, "overdue": 1})
    assert answer("--client", "backup", store=store, code=2)[0] == "client 'backup' never ran"


def test_an_overdue_client_is_critical(store: Path, started: Started) -> None:
    started("acme", 72 * HOUR, "old", status="failed")
    started("acme", 27 * HOUR, status="completed")
    text, figures = answer("--client", "acme", "--max-age", "26h", store=store, code=2)
    assert text == "client 'acme' is overdue: last start 27h ago, expected every 26h"
    assert figures == {"clients": 1, "overdue": 1}
    assert answer("--max-age", "26h", store=store, code=2)[0] == text
    assert answer("--max-age", "28h", store=store, code=0)[0] == "1 client as expected"


def test_a_newest_run_that_failed_is_critical_unless_it_may_fail(store: Path, started: Started) -> None:
    started("acme", 3 * HOUR, "old", status="completed")
    started("acme", 2 * HOUR, "new", status="failed")
    text, figures = answer(store=store, code=2)
    assert (text, figures) == ("run 'new' of client 'acme' failed 2h ago: disk full", {"clients": 1, "failed": 1})
    assert answer("--may-fail", store=store, code=0)[0] == "1 client as expected"
    started("acme", HOUR, "newest", status="completed")
    assert answer(store=store, code=0)[0] == "1 client as expected"


def test_a_run_without_a_sign_of_life_is_critical_even_if_it_is_not_the_newest(store: Path, started: Started) -> None:
    started("acme", 6 * HOUR, "old", beat=5 * HOUR)
    started("acme", 2 * HOUR, "new", status="completed")
    text, figures = answer(store=store, code=2)
    assert text == "run 'old' of client 'acme' is quiet: no sign of life for 5h"
    assert figures == {"clients": 1, "quiet": 1}
    assert answer("--quiet-after", "6h", store=store, code=0)[0] == "1 client as expected"
    assert answer("--client", "bolt", store=store, code=2)[0] == "client 'bolt' never ran"


def test_a_run_is_quiet_when_some_signs_of_life_are_missing(store: Path, started: Started) -> None:
    started("acme", HOUR, beat=timedelta(minutes=4))
    assert answer(store=store, code=0)[0] == "1 client as expected"
    started("bolt", HOUR, beat=timedelta(minutes=6))
    assert answer(store=store, code=2)[0] == "run 'r' of client 'bolt' is quiet: no sign of life for 6m"


def test_errors_and_a_run_that_takes_long_are_warnings(store: Path, started: Started) -> None:
    started("acme", 2 * HOUR, status="with errors")
    assert answer(store=store, code=1) == (
        "run 'r' of client 'acme' completed with errors 2h ago: 2 of 45",
        {"clients": 1, "with_errors": 1},
    )
    started("bolt", 3 * HOUR, beat=timedelta())
    text, figures = answer("--client", "bolt", "--max-duration", "2h30m", store=store, code=1)
    assert text == "run 'r' of client 'bolt' has been running for 3h, expected at most 2h30m"
    assert figures == {"clients": 1, "slow": 1}


def test_the_worst_state_counts_and_at_most_five_deviations_are_named(store: Path, started: Started) -> None:
    for client in "gfedcba":
        started(client, HOUR, status="with errors" if client < "c" else "failed")
    text, figures = answer(store=store, code=2)
    assert re.findall("client '(.)' failed", text) == list("cdefg")
    assert text.endswith("; 2 more")
    assert figures == {"clients": 7, "failed": 5, "with_errors": 2}


def test_since_leaves_out_clients_that_no_longer_run(store: Path, started: Started) -> None:
    started("gone", 400 * 24 * HOUR, status="failed")
    started("acme", HOUR, status="completed")
    assert answer(store=store, code=2)[1] == {"clients": 2, "failed": 1}
    assert answer("--since", "30d", store=store, code=0) == ("1 client as expected", {"clients": 1})
    assert answer("--since", "1m", store=store, code=3)[0] == "no runs found, so nothing was checked"


def test_no_id_and_no_message_breaks_the_line_or_ends_it(store: Path, started: Started) -> None:
    started("a|b  c\u202e", HOUR, status="failed")
    text, _ = answer(store=store, code=2)
    assert text == "run 'r' of client 'a\\u007cb  c\\u202e' failed 1h ago: disk full"


def test_as_json_it_is_one_object(store: Path, started: Started) -> None:
    started("acme", HOUR, status="failed")
    done = runledger("check", "--client", "acme", "--client", "backup", "--json", store=store, code=2)
    assert json.loads(done.stdout) == {
        "state": "CRITICAL",
        "clients": 2,
        "left_out": 0,
        "deviations": [
            {
                "kind": "failed",
                "critical": True,
                "client_id": "acme",
                "run_id": "r",
                "what": "run 'r' of client 'acme' failed 1h ago: disk full",
            },
            {
                "kind": "never_ran",
                "critical": True,
                "client_id": "backup",
                "run_id": None,
                "what": "client 'backup' never ran",
            },
        ],
    }
    unknown = runledger("check", "--json", store=f"{store}-that-is-not-there", code=3)
    assert json.loads(unknown.stdout)["state"] == "UNKNOWN"


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_it_is_the_same_line(store: Path, started: Started, columns: int) -> None:
    started("acme", HOUR, status="failed")
    line = runledger("check", store=store, code=2).stdout
    assert on_a_terminal("check", store=store, columns=columns) == line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense"], "No such option '--nonsense'."),
        (["acme"], "Got unexpected extra argument (acme)"),
        (["--max-age", "soon"], "Invalid value for '--max-age': 'soon' is not a duration: "),
        (["--max-age", "0s"], "max-age is not more than 0: give a duration, like 26h."),
        (["--client", "--json"], "--client needs a value, but '--json' follows: "),
        (["--max-age"], "Option '--max-age' requires an argument."),
        (["--client", "a\nb"], "client id 'a\\nb' has a line break "),
        (["--quiet-after", "999999d"], "quiet_after is 999999 days, 0:00:00: that reaches back before the year 1."),
        (["--expect", "none.toml"], "none.toml cannot be read: No such file or directory."),
        (["--timeout", "50"], "Invalid value for '--timeout': '50' is not a duration: "),
        (["--timeout", "0s"], "Invalid value for '--timeout': '0s' is no time at all: "),
        (["--since", "1d", "--client", "a"], "--since is for a check of all clients: "),
        (["--since", "1d", "--expect", "e.toml"], "--since is for a check of all clients: "),
        (["--expect", "e.toml", "--max-age", "1h"], "the file says what is expected: "),
        (["--expect", "e.toml", "--may-fail"], "the file says what is expected: "),
        (["--expect", "e.toml", "--max-duration", "1h"], "the file says what is expected: "),
        (["--expect", "e.toml", "--client", "backup"], "client 'backup' has a table in e.toml too: "),
        (["--store", "nonsense://x"], "no store is known for nonsense://: "),
        (["--store", "sqlite:///not-there.db"], "there is no file not-there.db: "),
        (["--store", ""], "Invalid value for '--store': it is empty: "),
        (["--store", "memory://"], "memory:// lasts as long as this command: "),
        (["--store", "postgresql://user:secret@127.0.0.1:9/x"], "the store is unavailable: "),
    ],
)
def test_what_cannot_be_checked_is_unknown(
    store: Path, tmp_path: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e.toml").write_text("[backup]\nmax-age = '26h'\n")
    runledger("init", store=store)
    text, figures = answer(*arguments, store=store, code=3)
    assert text.startswith(said)
    assert figures == {}
    assert "secret" not in text


def test_a_fault_of_a_store_is_unknown_too(tmp_path: Path) -> None:
    a_store_of(tmp_path, "faulty", "def open_url(url):\n    raise ZeroDivisionError('of this store')")
    variables = environment("faulty://x", PYTHONPATH=str(tmp_path))
    done = subprocess.run([*RUNLEDGER, "check"], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "RUNLEDGER UNKNOWN - of this store\n")
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--nonsense"], ["--expect", "none.toml"]])
def test_an_answer_that_cannot_be_written_is_unknown(store: Path, started: Started, arguments: list[str]) -> None:
    started("acme", HOUR, status="completed")
    command = [*RUNLEDGER, "check", *arguments]
    reading, unread = os.pipe()
    os.close(reading)
    with open("/dev/full", "wb") as full, open(unread, "wb") as nobody_reads:
        for stdout, why in ((full, "No space left on device"), (nobody_reads, "Broken pipe")):
            done = subprocess.run(
                command, env=environment(store), stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (3, f"runledger: the output cannot be written: {why}.\n")


def test_a_fault_is_unknown_too_if_nothing_can_be_written_anywhere(tmp_path: Path) -> None:
    a_store_of(tmp_path, "faulty", "def open_url(url):\n    raise ZeroDivisionError('of this store')")
    variables = environment("faulty://x", PYTHONPATH=str(tmp_path))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*RUNLEDGER, "check"], env=variables, stdout=full, stderr=full, check=False)
    assert done.returncode == 3


def test_who_closes_the_output_wants_the_exit_code_alone(store: Path, started: Started) -> None:
    started("acme", HOUR, status="failed")
    shell = f"{shlex.join([*RUNLEDGER, 'check'])} >&-"
    done = subprocess.run(["sh", "-c", shell], env=environment(store), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (["--bogus"], "No such option '--bogus'."),
        (["--store", "--help"], "--store needs a value, but '--help' follows: "),
    ],
)
def test_wrong_usage_before_the_word_check_is_unknown_too(store: Path, before: list[str], said: str) -> None:
    done = runledger(*before, "check", store=store, code=3)
    assert done.stdout.startswith(f"RUNLEDGER UNKNOWN - {said}")
    assert done.stderr == ""
    assert said in runledger(*before, "start", "check", store=store, code=2).stderr


def test_without_the_libraries_of_the_command_line_it_is_unknown() -> None:
    absent = "import sys; sys.modules['click'] = None; sys.argv[1:] = ['check']; import runledger.__main__"
    done = subprocess.run(
        [sys.executable, "-c", absent], env=environment(), capture_output=True, text=True, check=False
    )
    why = "the command line needs more than the core: pip install 'run-records[cli]'"
    assert (done.returncode, done.stdout, done.stderr) == (3, f"RUNLEDGER UNKNOWN - {why}\n", "")


SILENT = """
import threading
from runledger.adapters.memory import InMemoryRunRepository

class Silent(InMemoryRunRepository):
    def without_creation(self):
        return self

    def {silent}(self, *values, **named):
        {over}
        threading.Event().wait()

def open_url(url):
    return Silent()
"""
"""A store that never answers a call."""

OVER = "[threading.Thread(target=each.function).start() for each in threading.enumerate() if hasattr(each, 'function')]"
"""The time limit, which is a Timer, is over now."""


@pytest.mark.parametrize("silent", ["__init__", "find"])
def test_a_store_that_does_not_answer_is_unknown(tmp_path: Path, silent: str) -> None:
    a_store_of(tmp_path, "silent", SILENT.format(silent=silent, over=""))
    done = in_a_process("check", "--timeout", "0.2s", store="silent://x", code=3, PYTHONPATH=str(tmp_path))
    why = "no answer after 0.2s: the store is slow or does not answer. See what keeps it, or give a longer --timeout."
    assert (done.stdout, done.stderr) == (f"RUNLEDGER UNKNOWN - {why}\n", "")


def test_what_was_found_before_the_time_is_over_is_sent(tmp_path: Path) -> None:
    a_store_of(tmp_path, "silent", SILENT.format(silent="close", over=OVER))
    with a_webhook() as webhook:
        check = ["check", "--client", "backup", "--alert", webhook.url]
        done = in_a_process(*check, store="silent://x", code=3, PYTHONPATH=str(tmp_path))
        [post] = webhook.rest()
    assert done.stdout.startswith("RUNLEDGER UNKNOWN - no answer after 50s: ")
    assert post["title"] == "Client is overdue: client 'backup' never ran"


def test_a_silent_store_is_unknown_as_json_too(tmp_path: Path) -> None:
    a_store_of(tmp_path, "silent", SILENT.format(silent="find", over=""))
    check = ["check", "--json", "--timeout", "0.1s"]
    done = in_a_process(*check, store="silent://x", code=3, PYTHONPATH=str(tmp_path))
    assert json.loads(done.stdout)["why"].startswith("no answer after 0.1s: ")


@contextmanager
def unpaced() -> Iterator[AirtableBase]:
    """A table of runs on a server whose clock moves when somebody sleeps."""
    with served() as base:
        at = base.server.url, BASE
        TURNS[at] = Turns(limit=RateLimit(requests=10**6), sleep=base.clock.sleep)
        yield base
        del TURNS[at]


def test_a_store_without_update_times_cannot_be_checked() -> None:
    with unpaced() as base:
        url = f"{base.store_url}&updated_at="
        runledger("start", "r", "acme", store=url, AIRTABLE_API_KEY=TOKEN)
        done = runledger("check", "--client", "acme", store=url, code=3, AIRTABLE_API_KEY=TOKEN)
    assert done.stdout.startswith("RUNLEDGER UNKNOWN - the table keeps no update times, ")


def test_rows_that_cannot_be_read_make_an_answer_without_deviations_unknown() -> None:
    with unpaced() as base:
        for client in ("acme", "bolt"):
            runledger("start", "r", client, store=base.store_url, AIRTABLE_API_KEY=TOKEN)
        [row] = [row for row in base.rows() if row["fields"][Columns().client_id] == "bolt"]
        base.write(RunKey("r", "bolt", reference=row["id"]), {Columns().started_at or "": None})

        def check(*arguments: str, code: int) -> CompletedProcess[str]:
            return runledger("check", *arguments, store=base.store_url, code=code, AIRTABLE_API_KEY=TOKEN)

        done = check("--quiet-after", "9999d", code=3)
        assert done.stdout.startswith(
            "RUNLEDGER UNKNOWN - 1 row of the store cannot be read | clients=1;;;0 overdue=0;"
        )
        assert "runledger: 1 row left out: " in done.stderr
        assert json.loads(check("--quiet-after", "9999d", "--json", code=3).stdout)["left_out"] == 1
        text = check("--quiet-after", "9999d", "--max-duration", "0.001s", code=1).stdout
        assert "; 1 row of the store cannot be read | clients=1;" in text


EXPECTED = """
[backup]
max-age = "26h"

["acme ltd"]
max-age = "90m"
max-duration = "1h"
may-fail = true
"""


def test_expectations_come_from_a_file(store: Path, started: Started, tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(EXPECTED)
    started("backup", 27 * HOUR, status="completed")
    started("acme ltd", HOUR, status="failed")
    started("bolt", HOUR, status="failed")
    text, figures = answer("--expect", str(file), store=store, code=2)
    assert text == "client 'backup' is overdue: last start 27h ago, expected every 26h"
    assert figures == {"clients": 2, "overdue": 1}
    text, figures = answer("--expect", str(file), "--client", "bolt", "--max-age", "26h", store=store, code=2)
    assert figures == {"clients": 3, "overdue": 1, "failed": 1}


def test_a_file_may_begin_with_the_mark_of_utf_8_and_end_its_lines_as_windows_does(
    store: Path, started: Started, tmp_path: Path
) -> None:
    file = tmp_path / "expected.toml"
    file.write_text("['ñandú']\r\nmax-age = '26h'\r\n", encoding="utf-8-sig", newline="")
    started("ñandú", HOUR, status="completed")
    assert answer("--expect", str(file), store=store, code=0)[0] == "1 client as expected"


def test_an_age_counts_on_the_days_and_hours_of_the_file(store: Path, started: Started, tmp_path: Path) -> None:
    started("backup", 200 * HOUR, status="completed")
    today = datetime.now(UTC).strftime("%a").lower()
    file = tmp_path / "expected.toml"
    for days, code in ((["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 2), ([today], 0)):
        file.write_text(f'[backup]\nmax-age = "100h"\ndays = {days}\nhours = "00:00-24:00"\ntimezone = "UTC"\n')
        answer("--expect", str(file), store=store, code=code)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", "e.toml names no client: write a table for each, like [backup]."),
        ("[a", "e.toml is not a TOML file: Expected ']' at the end of a table declaration (at end of document)."),
        ("x = 1", "e.toml: key x is outside of a table: write it below the name of a client, like [backup]."),
        ("[a]\nx = 1", "key x: it is not known: use max-age, max-duration, may-fail, days, hours, timezone."),
        ("[a]\n'x y' = 1", "key 'x y': it is not known: use "),
        ("[a.b]\nmax-age = '1h'", "key b: it is a table within a table: put a client id with dots into quotes, like "),
        ("[a]\nmax-age = 26", 'key max-age: it is a number: write text, like "26h".'),
        ("[a]\nmax-age = 2.5", 'key max-age: it is a number: write text, like "26h".'),
        ("[a]\nmax-age = true", 'key max-age: it is true or false: write text, like "26h".'),
        ("[a]\nmax-duration = 2025-11-24", 'key max-duration: it is a time: write text, like "26h".'),
        ("[a]\nmax-age = ['26h']", 'key max-age: it is a list: write text, like "26h".'),
        ("[a]\nmax-age = '26x'", "key max-age: '26x' is not a duration: "),
        ("[a]\nmax-age = '0s'", "key max-age: '0s' is not more than 0: give a duration, like 26h."),
        ("[a]\nmay-fail = 'yes'", "key may-fail: it is text: write true or false."),
        ("[a]\ndays = 'mon'", 'key days: it is text: write a list of days as text, like ["mon", "fri"].'),
        ("[a]\ndays = ['mon', 1]", 'key days: it is a list: write a list of days as text, like ["mon", "fri"].'),
        ("[a]\ndays = ['monday']", "key days: 'monday' is not a day of the week: use mon, "),
        ("[a]\ndays = []", "key days: it names no day: "),
        ("[a]\nhours = 8", 'key hours: it is a number: write text, like "08:00-18:00".'),
        ("[a]\nhours = '8-18'", "key hours: '8-18' is not a span of hours: write it like 08:00-18:00, "),
        (
            "[a]\ntimezone = 'Mars'",
            "key timezone: 'Mars' is not a known time zone: use a name like UTC or Europe/Berlin.",
        ),
        ("[a]\ntimezone = 1", 'key timezone: it is a number: write text, like "Europe/Berlin".'),
        ("[a]\nmax-age = '1h'\ndays = ['mon']", 'days and hours need a time zone: add timezone, like timezone = "'),
        ("[a]\nhours = '08:00-18:00'\ntimezone = 'UTC'", "days and hours say when max-age counts: give max-age too."),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence_with_file_table_and_key(
    store: Path, tmp_path: Path, toml: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e.toml").write_text(toml)
    runledger("init", store=store)
    text, _ = answer("--expect", "e.toml", store=store, code=3)
    assert text.startswith(said if said.startswith("e.toml") else f"e.toml, table [a]: {said}")


def test_a_client_of_a_file_is_named_as_toml_writes_it(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    file.write_text("['a b']\nx = 1")
    runledger("init", store=store)
    assert f"{file}, table ['a b']: key x: " in answer("--expect", str(file), store=store, code=3)[0]
    file.write_text("[' a']\nmax-age = '1h'")
    assert (
        "table [' a']: client id ' a' begins or ends with white space"
        in answer("--expect", str(file), store=store, code=3)[0]
    )
    file.write_text("[a]\nmax-age = '1h'", encoding="utf-16")
    said = f"{file} is not UTF-8 text: save it as UTF-8."
    assert answer("--expect", str(file), store=store, code=3)[0] == said


def test_a_check_changes_nothing_and_notifies_observers(
    store: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    started("acme", 30 * HOUR, beat=29 * HOUR)
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        before = list(ledger.find())
        events: list[RunEvent] = []
        monkeypatch.setattr(checking, "chosen_ledger", lambda **_: ledger)
        checking._check({"acme": Expectation(max_age=HOUR)}, HOUR, None, [events.append])
    assert [(event.kind, event.key) for event in events] == [
        (EventKind.QUIET, RunKey("r", "acme")),
        (EventKind.OVERDUE, RunKey("r", "acme")),
    ]
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        assert list(ledger.find()) == before


def test_help_is_no_check(store: Path) -> None:
    assert "Usage: runledger check" in in_a_process("check", "--help").stdout
