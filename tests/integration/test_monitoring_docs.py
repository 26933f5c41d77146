"""docs/monitoring.md: each command, configuration, file and example of days and hours does what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from commands import RUNLEDGER, environment, runledger
from documents import ROOT, blocks, typed

from runledger import RunKey, RunRecord, connect
from runledger.cli.expected import expectations_of
from runledger.services.inspecting.expectation import DeviationKind, Expectation, deviations
from runledger.services.inspecting.window import DAYS, Window, days_of, hours_of

PAGE = "docs/monitoring.md"
[(_, EXPECTED)] = blocks(PAGE, "toml")
[NAGIOS, ICINGA, CRON, SYSTEMD] = [text for _, text in blocks(PAGE, "nagios", "icinga", "cron", "systemd")]
PROGRAM, FILE, STORE = "/opt/jobs/bin/runledger", "/etc/jobs/expected.toml", "sqlite:////var/lib/jobs/runs.db"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the file of expectations, and a ledger in which two clients ran."""
    (tmp_path / "expected.toml").write_text(EXPECTED)
    with connect(f"sqlite:///{tmp_path}/runs.db", observers=()) as ledger:
        for run in ledger.start_many("r", ["acme ltd", "experiment"]).values():
            run.complete()
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell of the page, with the paths of this machine instead of those that it names."""
    program = " ".join(map(shlex.quote, RUNLEDGER))
    for path, here in ((STORE, f"sqlite:///{folder}/runs.db"), (FILE, f"{folder}/expected.toml"), (PROGRAM, program)):
        command = command.replace(path, here)
    command = re.sub(r"^(line=\$\()?runledger ", rf"\1{program} ", command, flags=re.MULTILINE)
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment(folder / "runs.db"),
        capture_output=True,
        text=True,
        check=False,
    )


def start_backup(folder: Path) -> None:
    with connect(f"sqlite:///{folder}/runs.db", observers=()) as ledger:
        ledger.start("r", "backup").complete()


def test_the_console_says_what_the_commands_print(folder: Path) -> None:
    [(_, console)] = blocks(PAGE, "console")
    commands = typed(console)
    assert len(commands) == 2
    for (command, said), code in zip(commands, (0, 2), strict=True):
        done = run(command, folder)
        assert (done.stdout, done.returncode) == (said, code)


def test_the_shell_of_the_page_runs(folder: Path) -> None:
    check, _, prometheus, script = [text for _, text in blocks(PAGE, "sh")]
    assert run(check, folder).returncode == 2
    assert run(prometheus, folder).returncode == 0
    written = (folder / "runledger.prom").read_text().splitlines()
    assert written[:3] == ["runledger_state 2", "runledger_clients 3", "runledger_overdue 1"]
    assert all(re.fullmatch(r"runledger_[a-z_]+ [0-9]+", line) for line in written)
    assert not (folder / "runledger.prom.new").exists()
    assert run(script, folder).stdout == ""
    with connect(
        f"sqlite:///{folder}/runs.db", observers=(), clock=lambda: datetime(2025, 1, 1, tzinfo=BERLIN)
    ) as ledger:
        ledger.start("quiet", "backup")
    assert run(script, folder).stdout.endswith("\na run has gone quiet\n")
    start_backup(folder)
    assert run(prometheus, folder).returncode == 0
    assert "runledger_overdue 0" in (folder / "runledger.prom").read_text()


def test_the_file_that_is_made_of_the_ledger_expects_each_of_its_clients(folder: Path) -> None:
    _, make, _, _ = [text for _, text in blocks(PAGE, "sh")]
    with connect(f"sqlite:///{folder}/runs.db", observers=()) as ledger:
        ledger.start("r", 'say "ja\\nein" ]', client_name="x")
        clients = {record.key.client_id for record in ledger.latest()}
    assert run(make, folder).returncode == 0
    expected = expectations_of(str(folder / "expected.toml"))
    assert expected == dict.fromkeys(sorted(clients), Expectation(max_age=timedelta(hours=26)))


def test_the_mail_of_cron_is_empty_while_all_is_well(folder: Path) -> None:
    command = CRON.splitlines()[1].removeprefix("*/15 * * * * ")
    assert "%" not in command  # cron takes it for the end of the line
    assert run(command, folder).stdout.startswith(
        "RUNLEDGER CRITICAL - client 'backup' never ran: expected every 26h | "
    )
    start_backup(folder)
    assert run(command, folder).stdout == ""


def test_nagios_icinga_and_systemd_start_the_check(folder: Path) -> None:
    [command] = re.findall(r"command_line +(.*)", NAGIOS)
    [arguments] = re.findall(r"check_command +check_runs!(.*)", NAGIOS)
    for number, argument in enumerate(arguments.split("!"), 1):
        command = command.replace(f"$ARG{number}$", argument)
    [start] = re.findall(r"^ExecStart=(.*)", SYSTEMD, re.MULTILINE)
    words = re.findall(r'"([^"]*)"', re.findall(r"command = \[(.*)\]", ICINGA)[0])
    values = {"$runledger_store$": STORE, "$runledger_expect$": FILE}
    for option, value in re.findall(r'"(--[a-z]+)" = "(.*)"', ICINGA):
        words += [option, values[value]]
    for line in (command, start, shlex.join(words)):
        assert run(line, folder).stdout.startswith("RUNLEDGER CRITICAL - client 'backup' never ran")
    start_backup(folder)
    for line in (command, start, shlex.join(words)):
        assert run(line, folder).returncode == 0


def test_the_file_has_every_key_that_there_is(folder: Path) -> None:
    expected = expectations_of(str(folder / "expected.toml"))
    assert list(expected) == ["backup", "acme ltd", "experiment"]
    assert expected["backup"] == Expectation(max_age=timedelta(hours=26))
    assert expected["acme ltd"] == Expectation(
        max_age=timedelta(hours=2),
        max_duration=timedelta(minutes=45),
        window=Window(zone=BERLIN, days=days_of(DAYS[:5]), hours=hours_of("08:00-18:00")),
    )
    used = {key for table in tomllib.loads(EXPECTED).values() for key in table}
    (folder / "wrong.toml").write_text("[a]\nnone = 1")
    said = runledger("check", "--expect", str(folder / "wrong.toml"), store=folder / "runs.db", code=3).stdout
    assert used == set(said.partition("use ")[2].rstrip(".\n").split(", "))


def examples() -> Iterator[tuple[str, str, str]]:
    section = (ROOT / PAGE).read_text().partition("## Days and hours")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| max-age")]
    yield from ((row[0], row[1], row[2]) for row in rows)


def moment(text: str, week: int) -> datetime:
    """A day of the week and a time of day, in a week of November 2025 in which no clock changes."""
    day, hour = re.findall(r"^(\w+)day.*?(\d\d:\d\d)", text)[0]
    monday = datetime(2025, 11, 10 + 7 * week, tzinfo=BERLIN)
    names = ["Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun"]
    hours, minutes = map(int, hour.split(":"))
    return monday + timedelta(days=names.index(day), hours=hours, minutes=minutes)


def test_the_examples_of_days_and_hours_hold() -> None:
    shown = list(examples())
    assert len(shown) == 4
    for expected, start, overdue in shown:
        [(age, days, hours)] = re.findall(r"max-age (\d+)h, (mon to fri|fri), (all hours|[\d:-]+)", expected)
        window = Window(
            zone=BERLIN,
            days=days_of(["fri"] if days == "fri" else DAYS[:5]),
            hours=hours_of("00:00-24:00" if hours == "all hours" else hours),
        )
        expectation = Expectation(max_age=timedelta(hours=int(age)), window=window)
        newest = RunRecord.start(RunKey("r", "backup"), moment(start, 0))
        at = moment(overdue.partition(": ")[0].replace(" of the next week, ", " "), 1)
        assert list(deviations("backup", newest, expectation, at)) == [], expected
        [late] = deviations("backup", newest, expectation, at + timedelta(milliseconds=1))
        assert late.kind is DeviationKind.OVERDUE


def test_the_page_says_how_long_windows_are_when_clocks_change() -> None:
    text = re.sub(r"\s+", " ", (ROOT / PAGE).read_text())
    for day, said, lengths in (
        (datetime(2025, 3, 30), "half an hour on that day and `00:00-24:00` has 23", (0.5, 23)),  # noqa: DTZ001
        (datetime(2025, 10, 26), "two and a half hours and `00:00-24:00` has 25", (2.5, 25)),  # noqa: DTZ001
    ):
        assert said in text
        start, end = day.replace(tzinfo=BERLIN), (day + timedelta(days=1)).replace(tzinfo=BERLIN)
        for hours, length in zip(("02:30-04:00", "00:00-24:00"), lengths, strict=True):
            window = Window(zone=BERLIN, hours=hours_of(hours))
            assert not window.holds_more_than(timedelta(hours=length), start, end)
            assert window.holds_more_than(timedelta(hours=length, milliseconds=-1), start, end)


def test_python_has_a_database_of_time_zones() -> None:
    script = "import zoneinfo; zoneinfo.reset_tzpath(to=[]); zoneinfo.ZoneInfo('Europe/Berlin')"
    subprocess.run([sys.executable, "-c", script], check=True)
