import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import RUNLEDGER, a_store_of, environment, in_a_process, on_a_terminal, runledger
from postgres_server import fresh_database

from runledger import NewRun, RunRecord, RunStatus, connect
from runledger.cli.details import print_run
from runledger.cli.times import Times
from runledger.domain.values import NO_METRICS


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def test_a_run_from_start_to_end(store: Path) -> None:
    run_id = runledger("start", "--client", "acme", "--name", "Acme Ltd", store=store).stdout.strip()
    runledger("update", run_id, "acme", "--set", "Posts=43", "--set", "Model=x=y", "--add", "Tokens=5", store=store)
    runledger("update", run_id, "acme", "--add", "Tokens=0.5", "--note", "half way", store=store)
    runledger("update", run_id, "acme", store=store)
    runledger("complete", run_id, "acme", "--with-errors", "2 of 45", store=store)
    shown = json.loads(runledger("show", run_id, "acme", "--json", store=store).stdout)
    assert shown["metrics"] == {"Posts": 43, "Model": "x=y", "Tokens": 5.5}
    assert (shown["status"], shown["error"], shown["log"][0][1]) == ("Completed with Errors", "2 of 45", "half way")
    text = runledger("show", run_id, "acme", store=store).stdout
    assert "acme  Acme Ltd" in text
    assert "Posts = 43" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7.0", 7.0),
        ("true", True),
        ('"7"', "7"),
        ("007", "007"),
        ("", ""),
        ("null", "null"),
        ("[1]", "[1]"),
        ("2025-11-24T08:15:00Z", {"datetime": "2025-11-24T08:15:00.000Z"}),
        ("2025-11-24 09:15+01:00", {"datetime": "2025-11-24T08:15:00.000Z"}),
        ("2025-11-24", "2025-11-24"),
        ("20251124-081500-0345", "20251124-081500-0345"),
        ("20251124T0815Z", "20251124T0815Z"),
        ("2025-W48-1T00Z", "2025-W48-1T00Z"),
    ],
)
def test_a_value_is_read_as_what_it_looks_like(store: Path, text: str, value: object) -> None:
    runledger("start", "--client", "c", "--run-id", "r", "--set", f"m={text}", store=store)
    (line,) = runledger("list", "--json", store=store).stdout.splitlines()
    stored = json.loads(line)["metrics"]["m"]
    assert (type(stored), stored) == (type(value), value)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["update", "gone", "acme"], 3, "no run record for run 'gone' of client 'acme'"),
        (["show", "gone", "acme"], 3, "Start it where the job begins"),
        (["show", "gone"], 3, "no run record of run 'gone': it was not started, or has been removed. Start it where"),
        (
            ["summary", "gone"],
            3,
            "no run record of run 'gone': it was not started, or has been removed. Start it where",
        ),
        (["summary", "there", "--client", "bolt"], 3, "no run record of run 'there' matches."),
        (["summary", "there", "--status", "running"], 3, "no run record of run 'there' matches."),
        (["summary", "there", "--run-id", "here"], 2, "run id is 'there' and 'here': give one."),
        (["start", "--client", "acme", "--run-id", "there"], 4, "was started before"),
        (["complete", "there", "acme"], 5, "already finished as Failed"),
        (["--store", "postgresql://postgres:hush@127.0.0.1:1/x", "list"], 6, "unavailable"),
        (["--store", "mysql://u:hush@h/x", "list"], 2, "mysql://"),
        (["--store", "runs.db", "list"], 2, "sqlite:///runs.db"),
        (["--store", "sqlite://runs.db", "list"], 2, "sqlite:///relative.db"),
        (["--store", "sqlite:////no/such/folder/runs.db", "list"], 7, "there is no folder /no/such/folder: make it"),
        (["--store", "airtable://runs", "list"], 2, "airtable://BASE_ID/TABLE"),
        (["--store", "postgresql://u:hush@h:x/y", "list"], 2, "percent-encode"),
        (["list", "--limit", "x"], 2, "'x' is not a number of runs: give a whole number from 1."),
        (["list", "--limit", "-1"], 2, "give a whole number from 1."),
        (["update", "there", "acme", "--note", "a\nb"], 2, "has a line break at position 2: it must be one line."),
        (
            ["--store", "sqlite:////no/such/folder/runs.db", "start", "--client", "c"],
            7,
            "there is no folder /no/such/folder: make it, or correct the URL",
        ),
        (["start", "--client", " acme"], 2, "white space"),
        (["start"], 2, "--client"),
        (["update"], 2, "RUN_ID CLIENT_ID"),
        (["update", "there"], 2, "RUN_ID CLIENT_ID"),
        (["update", "there", "acme", "--add", "n=x"], 2, "'x' is not a number"),
        (["update", "there", "acme", "--set", "n"], 2, "not a name=value pair"),
        (["list", "--status", "done"], 2, "Completed with Errors"),
        (["list", "--since", "yesterday"], 2, "is not a time"),
        (["list", "--since", "2025-11-24T08:15:00"], 2, "has no time zone: add Z"),
        (["stale", "--older-than", "5"], 2, "is not a duration"),
        (["fail", "there", "acme"], 2, "--error"),
        (["nonsense"], 2, "No such command"),
        (["copy", "a.db", "b.db"], 2, "for the file a.db write sqlite:///a.db"),
        (["--store", "a.db", "list"], 2, "for the file a.db write sqlite:///a.db"),
        (["import", "no-such-file.csv"], 2, "No such file"),
    ],
)
def test_a_mistake_gets_one_clear_sentence_and_its_exit_code(
    store: Path, arguments: list[str], code: int, words: str
) -> None:
    runledger("start", "--client", "acme", "--run-id", "there", store=store)
    runledger("fail", "there", "acme", "--error", "x", store=store)
    done = runledger(*arguments, store=store, code=code)
    assert words in " ".join(done.stderr.split())
    assert "hush" not in done.stderr + done.stdout
    assert done.stdout == ""


def test_a_list_is_plain_in_a_pipe(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("251124-081500", "acme", client_name="Acme Ltd").fail("no\ndisk")
        ledger.start("[red]\u202egnp", "株式会社", metrics={"n": 1}).skip("x")
    lines = runledger("list", store=store).stdout.splitlines()
    assert lines[0].split("\t") == [
        "started",
        "run id",
        "client id",
        "client name",
        "status",
        "took",
        "updated",
        "error",
    ]
    assert lines[1].split("\t")[1:3] == ["[red]\\u202egnp", "株式会社"]
    assert lines[2].split("\t")[3:5] == ["Acme Ltd", "Failed"]
    assert lines[2].endswith("\tno")
    assert "\x1b" not in "".join(lines)
    assert len(runledger("list", "--limit", "1", store=store).stdout.splitlines()) == 2
    assert len(runledger("list", "--status", "failed", "--since", "1h", store=store).stdout.splitlines()) == 2
    assert runledger("list", "--until", "2020-01-01", store=store).stdout == ""


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9]+m", "", text)


def test_a_list_is_of_several_statuses_and_continues_after_a_run(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        for run_id in ("r", "s"):
            runs = ledger.start_many(run_id, ["a", "b", "c"])
            runs["a"].fail("no disk")
            runs["b"].cancel("the client left")

    def listed(*arguments: str) -> list[str]:
        lines = runledger("list", *arguments, "--json", store=store).stdout.splitlines()
        return [f"{run['run_id']}/{run['client_id']}" for run in map(json.loads, lines)]

    two = ("--status", "failed", "--status", "Cancelled")
    assert listed(*two) == ["s/b", "s/a", "r/b", "r/a"]
    assert listed(*two, "--after", "s", "a", "--limit", "1") == ["r/b"]
    assert listed("--after", "r", "b") == ["r/a"]
    summary = json.loads(runledger("summary", *two, "--json", store=store).stdout)
    assert summary["statuses"] == {"Failed": 2, "Cancelled": 2}
    assert len(runledger("export", *two, store=store).stdout.splitlines()) == 4
    assert "gone" in runledger("list", "--after", "gone", "a", store=store, code=3).stderr
    assert runledger("list", "--after", "r", store=store, code=2).stdout == ""


def test_the_latest_run_of_each_client_is_shown(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start_many("r", ["b", "a"])
        ledger.start("s", "b").complete()

    def latest(*arguments: str) -> list[tuple[str, str, str]]:
        lines = runledger("latest", *arguments, "--json", store=store).stdout.splitlines()
        return [(run["client_id"], run["run_id"], run["status"]) for run in map(json.loads, lines)]

    a, b = ("a", "r", "Running"), ("b", "s", "Completed")
    assert latest() == latest("--since", "1h") == [a, b]
    assert latest("--client", "b", "--client", "none") == [b]
    table = plain(on_a_terminal("latest", store=store)).splitlines()
    assert table[0].split() == ["Started", "(UTC)", "Ago", "Run", "Client", "Status", "Took"]
    assert [re.split(r" [0-9]+s ago ", line)[1].split()[:3] for line in table[1:]] == [
        ["r", "a", "Running"],
        ["s", "b", "Completed"],
    ]
    none = f"no run of client 'none' in sqlite:///{store} matches.\n"
    seen = on_a_terminal("latest", "--client", "none", store=store)
    assert seen == none
    for options in ([], ["--json"]):
        done = runledger("latest", "--client", "b", "--client", "none", "--client", "none", *options, store=store)
        assert "none" not in done.stdout
        assert done.stderr == none


def test_a_table_fits_the_terminal_and_loses_nothing(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("251124-081500-" + 40 * "x", "客" * 60).complete(with_errors="2 of 45")
        ledger.start("251124-081500-3f9a1c", "client-of-twenty-ch")
    lines = plain(on_a_terminal("list", store=store, columns=130)).splitlines()
    assert max(len(line) + line.count("客") for line in lines) <= 130
    assert "".join(lines).count("客") == 60
    assert lines[0].split() == ["Started", "(UTC)", "Run", "Client", "Status", "Took"]
    header, *_, run = plain(on_a_terminal("stale", "--older-than", "0s", store=store)).splitlines()
    assert header.split()[-2:] == ["Updated", "(UTC)"]
    assert "251124-081500-3f9a1c  client-of-twenty-ch" in run
    assert on_a_terminal("stale", store=store) == f"No run has gone quiet in sqlite:///{store}.\n"
    assert on_a_terminal("list", "--limit", "1", store=store).endswith("Only 1 shown; more with --limit N or --all.\n")


def test_an_end_before_the_start_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime(2025, 1, 1, 12, tzinfo=UTC)
    for ago, took in ((timedelta(hours=3), "-3h 00m"), (timedelta(seconds=2.5), "-2.5s")):
        # As a person's table may hold it.
        facts = ("r", "c", "c", RunStatus.COMPLETED, start, start - ago, NO_METRICS, 0, None, start)
        print_run(NewRun(RunRecord.trusted(*facts)), Times())
        assert f"after {took}\n" in capsys.readouterr().out


def test_on_a_narrow_terminal_a_run_takes_lines_instead_of_columns(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("251124-081500-3f9a1c", "acme").complete()
        ledger.start("251124-081500-4b7d20", "acme")
    lines = plain(on_a_terminal("list", store=store, columns=40)).splitlines()
    assert lines[0] == "251124-081500-4b7d20  acme"
    assert re.fullmatch(r"  [0-9-]{10} [0-9:]{5} UTC  [0-9]+s ago", lines[1])
    assert lines[2] == "  Running"
    assert re.fullmatch(r"  Completed  [0-9.e-]+s", lines[5])
    told = on_a_terminal("stale", "--older-than", "0s", store=store, columns=40)
    assert re.fullmatch(
        r"251124-081500-4b7d20  acme\n  started [0-9-]{10} [0-9:]{5} UTC\n  updated .* UTC\n  quiet for [0-9]+s\n", told
    )
    seen = on_a_terminal("list", "--client", "none", store=store, columns=40)
    assert seen == f"No run in sqlite:///{store} matches --client.\n"


def test_colour_is_for_terminals_alone_and_not_where_it_is_unwanted(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("r", "acme").fail("no disk")
    for command in (["list"], ["show", "r", "acme"], ["summary"]):
        assert "\x1b[31mFailed\x1b[0m" in on_a_terminal(*command, store=store)
        assert "\x1b" not in on_a_terminal(*command, store=store, NO_COLOR="1")
        assert "\x1b" not in on_a_terminal(*command, store=store, TERM="dumb")
        assert "\x1b" not in runledger(*command, store=store).stdout


def test_a_store_whose_package_is_broken_is_told_in_one_line(tmp_path: Path) -> None:
    a_store_of(tmp_path, "broken", "import runledger_of_tomorrow")
    done = in_a_process("list", store="broken://x", code=7, PYTHONPATH=str(tmp_path))
    assert done.stderr == (
        "runledger: the store of broken://, broken:open_url, cannot be loaded (ModuleNotFoundError: No module named "
        "'runledger_of_tomorrow'): install its package again.\n"
    )


def test_a_long_list_is_shown_page_by_page_and_whole(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start_many("r", [f"client {i}" for i in range(1100)])
    lines = plain(on_a_terminal("list", "--all", store=store)).splitlines()
    assert [i for i, line in enumerate(lines) if line.startswith("Started")] == [0]
    assert len(lines) == 1101


def test_standard_streams_may_be_closed(store: Path) -> None:
    runledger("start", "--client", "acme", "--run-id", "r", store=store)
    for command in ("list", "latest", "stale --older-than 0s", "summary", "export", "doctor", "import - --strict"):
        closed = subprocess.run(
            ["sh", "-c", f"{' '.join(RUNLEDGER)} {command} <&- >&-"],
            env=environment(store),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert "Traceback" not in closed.stderr, closed.stderr
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(RUNLEDGER)} show gone acme 2>&-"],
        env=environment(store),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, b"")


def test_a_store_that_ends_with_the_command_is_refused() -> None:
    copies = ["copy", "memory://", "sqlite:///runs.db"], ["copy", "sqlite:///runs.db", "memory://"]
    for arguments in (
        ["init"],
        ["start", "--client", "a"],
        ["list"],
        ["exec", "--client", "a", "--", "echo", "hi"],
        *copies,
    ):
        done = runledger(*arguments, store="memory://", code=2)
        assert (done.stdout, "memory:// lasts as long as this command" in done.stderr) == ("", True)


def test_a_summary_and_what_is_stale(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        runs = ledger.start_many("r", ["a", "b", "c"])
        runs["a"].complete(metrics={"Tokens": 1200, "Order": 4711, "Model": "small"})
        runs["b"].complete(metrics={"Tokens": 34})
    text = runledger("summary", "r", store=store).stdout
    assert "Runs     3" in text
    assert text.endswith("Numbers  Order, Tokens: add one up with --sum NAME\n")
    text = runledger("summary", "r", "--sum", "Tokens", store=store).stdout
    assert text.endswith("(last)\nSums     Tokens = 1,234\n")
    assert json.loads(runledger("summary", "r", "--json", store=store).stdout)["statuses"] == {
        "Completed": 2,
        "Running": 1,
    }
    assert len(runledger("stale", "--older-than", "0s", "--json", store=store).stdout.splitlines()) == 1
    assert runledger("stale", "--older-than", "1d", store=store).stdout == ""


def test_a_sum_beyond_a_float_is_null_in_json_which_has_no_infinity(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        for run in ledger.start_many("r", ["a", "b"]).values():
            run.update(metrics={"big": 1.7e308, "n": 1})
    told = runledger("summary", "r", "--sum", "big", "--sum", "n", "--json", store=store).stdout
    assert json.loads(told, parse_constant=pytest.fail)["metrics"] == {"big": None, "n": 2}


def test_a_summary_adds_up_only_the_numbers_that_are_asked_for(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        for number, run in enumerate(ledger.start_many("r", ["a", "b"]).values()):
            run.update(metrics={"Order": 4711 + number, "Tokens": 5, "Model": "small", "Done": True})
    asked = ("--sum", "Tokens", "--sum", "Model", "--sum", "Tokens")
    done = runledger("summary", "r", *asked, "--json", store=store)
    assert json.loads(done.stdout)["metrics"] == {"Tokens": 10, "Model": 0}
    assert done.stderr == "no run that matches has a number 'Model': its sum is 0.\n"
    alone = json.loads(runledger("summary", "r", "--json", store=store).stdout)
    assert alone["metrics"] == {}
    assert sorted(alone["numbers"]) == sorted(json.loads(done.stdout)["numbers"]) == ["Order", "Tokens"]


def test_the_numbers_that_could_be_added_up_fit_the_terminal(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("r", "a", metrics={f"A number {n:02}": n for n in range(30)})
    [_, numbers] = on_a_terminal("summary", store=store, columns=40).split("Numbers  ")
    lines = numbers.splitlines()
    assert max(map(len, lines[1:])) <= 40
    assert " ".join(line.strip() for line in lines) == (
        ", ".join(f"A number {n:02}" for n in range(20)) + ", …: add one up with --sum NAME"
    )
    assert on_a_terminal("summary", store=store, columns=10).count("number") == 20


def test_without_a_store_a_file_in_the_data_directory_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runledger("init").stdout == "The store is ready.\n"
    runledger("start", "--client", "acme")
    assert (tmp_path / ".local/share/runledger/runs.db").exists()


INIT_AS_A_USER = """
import os, sys
import runledger.adapters.sql.sqlite, runledger.cli.commands.store, runledger.cli.group
if os.geteuid() == 0:  # who may write everything
    os.setgroups([])
    os.setuid(65534)
sys.argv[1:] = ["init"]
runledger.cli.main()
"""


def test_init_calls_no_store_ready_that_cannot_be_written() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # which another user can reach
        store = Path(folder) / "runs.db"
        runledger("init", store=store)
        Path(folder).chmod(0o777)
        store.chmod(0o444)
        variables = environment(store)
        variables.pop("COVERAGE_PROCESS_CONFIG", None)  # what it writes, that user may not
        done = subprocess.run(
            [sys.executable, "-c", INIT_AS_A_USER], env=variables, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr == f"runledger: the file {store} may not be written: allow it.\n"


def test_what_looks_or_updates_makes_no_file_of_a_mistyped_path(store: Path, tmp_path: Path) -> None:
    for command in ("list", "latest", "show r c", "summary", "stale", "export", "update r c", "complete r c"):
        done = runledger(*command.split(), store=store, code=7)
        assert done.stderr == (
            f"runledger: there is no file {store}: correct the URL; `runledger init` or the first start makes it.\n"
        )
    runledger("start", "--client", "c", store=tmp_path / "there.db")
    done = runledger("copy", "--dry-run", f"sqlite:///{tmp_path}/there.db", f"sqlite:///{store}")
    assert done.stdout == "1 to be copied, 0 already there\n"
    assert not store.exists()


def test_what_is_started_is_told_to_programs(store: Path) -> None:
    told = json.loads(runledger("start", "--client", "c", "--run-id", "r", "--json", store=store).stdout)
    assert told == {"run_id": "r", "client_id": "c"}


def test_the_table_is_made_by_init_alone() -> None:
    with fresh_database() as url:
        assert "runledger init" in runledger("start", "--client", "acme", store=url, code=7).stderr
        runledger("init", store=url)
        runledger("init", store=url)
        run_id = runledger("start", "--client", "acme", store=url).stdout.strip()
        runledger("complete", run_id, "acme", store=url)
        with connect(url, observers=()) as ledger:
            assert [record.status for record in ledger.find()] == [RunStatus.COMPLETED]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str) -> None:
    assert "_RUNLEDGER_COMPLETE" in runledger("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [("runledger li", "plain,list\n"), ("runledger list --al", "plain,--all\n"), ("runledger import jo", "file,jo\n")],
)
def test_commands_options_and_files_are_completed(words: str, offered: str) -> None:
    number = str(len(words.split()) - 1)
    completed = runledger(_RUNLEDGER_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=number)
    assert completed.stdout == offered


def test_every_command_has_help(store: Path) -> None:
    commands = [
        "init",
        "start",
        "update",
        "complete",
        "fail",
        "skip",
        "cancel",
        "show",
        "list",
        "latest",
        "summary",
        "stale",
        "check",
    ]
    commands += ["import", "export", "copy", "doctor", "exec", "completion"]
    listed = runledger("--help").stdout
    assert "..." not in listed.partition("Commands:")[2]
    for command in commands:
        assert f"\n  {command} " in listed
        text = in_a_process(command, "--help").stdout  # with the modules of this command alone
        assert max(map(len, text.splitlines())) <= 80
        assert "Usage:" in text
        assert f"\n    runledger {command}" in text.replace("RUN=$(", "").replace('eval "$(', ""), text
    assert runledger("--version").stdout == "runledger 0.1.0\n"
    assert not store.exists()


def test_an_option_that_would_be_lost_is_refused(store: Path) -> None:
    runledger("start", "--client", "a", "--run-id", "r", store=store)
    for options in (["--note", ""], ["--add", "n=1", "--add", "n=2"], ["--set", "n=1", "--set", "n=2"]):
        runledger("update", "r", "a", *options, store=store, code=2)
    runledger("start", "--client", "b", "--run-id", "", store=store, code=2)
    runledger("--store", "", "list", store=store, code=2)
    runledger("list", "--store", "", store=store, code=2)
    record = json.loads(runledger("show", "r", "a", "--json", store=store).stdout)
    assert (record["metrics"], record["log"]) == ({}, [])


def test_without_the_libraries_of_the_command_line_it_says_what_to_install(store: Path) -> None:
    runledger("start", "--client", "客", store=store)
    for library in ("click", "rich"):
        absent = f"import sys; sys.modules[{library!r}] = None; sys.argv[1:] = ['list']; import runledger.__main__"
        leader, terminal = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-c", absent], env=environment(store), stdout=terminal, stderr=subprocess.PIPE, check=False
        )
        os.close(terminal)
        os.close(leader)
        needs = b"runledger: the command line needs more than the core: pip install 'run-records[cli]'\n"
        assert (done.returncode, done.stderr) == (2, needs)


INTERRUPTED_AT_AN_IMPORT = """
import atexit, signal, sys
from runledger_command import main

due = int(sys.argv.pop())

class Interrupting:
    looks = 0

    def find_spec(self, name, path=None, target=None):
        self.looks += 1
        if self.looks == due:
            signal.raise_signal(signal.SIGINT)

interrupting = Interrupting()
sys.meta_path.insert(0, interrupting)
atexit.register(lambda: print("looks", interrupting.looks, flush=True) or signal.raise_signal(signal.SIGINT))
main()
"""


def interrupted(at: int, store: Path) -> subprocess.CompletedProcess[str]:
    """The command `list`, interrupted when it looks for its module of this number; at the end if there are fewer."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_AN_IMPORT, "list", str(at)],
        env=environment(store),
        capture_output=True,
        text=True,
        check=False,
    )


def test_ctrl_c_while_a_command_is_loaded_or_has_ended_ends_it_without_a_traceback(store: Path) -> None:
    runledger("start", "--client", "acme", store=store)
    ended = interrupted(0, store)
    assert (ended.returncode, ended.stderr) == (130, "")
    modules = int(ended.stdout.split()[-1])
    assert modules > 100
    for at in (1, 2, 3, *range(10, modules, 40), modules - 1, modules):
        done = interrupted(at, store)
        assert (at, done.returncode, done.stderr) == (at, 130, "")


def test_a_program_that_imports_the_command_line_keeps_its_ctrl_c(store: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    runledger("list", store=store, code=7)
    assert signal.getsignal(signal.SIGINT) is before
    loaded = "import runledger.cli.group, sys; print('runledger_command' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_ctrl_c_is_left_to_who_ignores_it(store: Path) -> None:
    """As a shell does for a command in the background."""
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    program = ignoring + INTERRUPTED_AT_AN_IMPORT
    done = subprocess.run(
        [sys.executable, "-c", program, "list", "20"], env=environment(store), capture_output=True, check=False
    )
    assert (done.returncode, b"there is no file" in done.stderr) == (7, True)


PRINTING = [
    "list",
    "latest",
    "show r acme",
    "summary --json",
    "stale --older-than 0s",
    "export",
    "audit",
    "doctor",
    "init",
    "--help",
]
PRINTING += [
    "copy {store} {store}.copy",
    "prune --older-than 1d --dry-run",
    "completion bash",
    "--version",
    "start s acme",
]


def redirected(command: str, to: str, store: Path) -> tuple[int, str, str]:
    """The exit code of a command that a shell starts with its streams sent `to`, and what it wrote to the others."""
    words = command.format(store=f"sqlite:///{store}")
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(RUNLEDGER)} {words} {to}"],
        env=environment(store),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", PRINTING)
def test_output_that_cannot_be_written_is_told_in_one_line(store: Path, command: str) -> None:
    runledger("start", "--client", "acme", "--run-id", "r", store=store)
    said = "runledger: the output cannot be written: No space left on device.\n"
    code, _, err = redirected(command, ">/dev/full", store)
    assert (code, err.endswith(said), "Traceback" in err) == (1, True, False), err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        *(("list --bad", 2), ("nonsense", 2), ("list --since x", 2), ("show gone acme", 3), ("start r acme", 4)),
        *(("summary gone", 3), ("import /dev/null", 1), ("copy {store} {store}.copy", 0), ("list", 0)),
    ],
)
def test_what_cannot_be_said_on_standard_error_changes_neither_the_exit_code_nor_the_output(
    store: Path, command: str, code: int
) -> None:
    runledger("start", "--client", "acme", "--run-id", "r", store=store)
    expected = redirected(command, "2>/dev/null", store)[1].replace("1 copied, 0 already", "0 copied, 1 already")
    for to in ("2>/dev/full", "2>&-"):
        assert redirected(command, to, store) == (code, expected, ""), to
    both = redirected(command, ">/dev/full 2>&1", store)
    assert both == (code or 1, "", "")
    assert redirected(command, ">&- 2>&-", store) == (code, "", "")
