"""Lists on a terminal: the run id can be copied at any width, a failed run says why, and times have their age."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import in_a_process, on_a_terminal, runledger

from runledger import connect

LONG = "251124-081500-" + 40 * "x"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("251124-081500-3f9a1c", "a client with a long name").fail("disk full\nnext line")
        ledger.start("251124-081500-4b7d20", "客" * 20).complete(with_errors="2 of 45 " + 30 * "failed ")
        ledger.start(LONG, "bolt")
    return store


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9]+m", "", text)


@pytest.mark.parametrize("columns", [20, 40, 60, 72, 80, 100, 130, 200])
@pytest.mark.parametrize("command", [["list"], ["latest"], ["stale", "--older-than", "0s"]])
def test_no_run_id_is_folded_and_no_client_is_lost(store: Path, columns: int, command: list[str]) -> None:
    lines = plain(on_a_terminal(*command, store=store, columns=columns)).splitlines()
    assert sum(LONG in line for line in lines) == 1
    if command != ["stale", "--older-than", "0s"]:
        assert sum("251124-081500-3f9a1c" in line for line in lines) == 1
        assert "".join(lines).count("客") == 20
        assert any(line.strip() == "disk full" for line in lines)
        assert any(line.strip().startswith("2 of 45 failed"[: max(columns - 20, 8)]) for line in lines)
    assert columns < 60 or all(
        len(line) <= columns for line in lines if LONG not in line and "客" not in line and "a cl" not in line
    )


@pytest.mark.parametrize("command", ["list", "update", "stale", "exec", "check", "audit", "prune", "missing"])
def test_help_fits_a_narrow_terminal(store: Path, command: str) -> None:
    text = on_a_terminal(*command.split(), "--help", store=store, columns=40)
    assert max(map(len, text.partition("Example")[0].splitlines())) <= 40  # commands are shown in one line


def test_the_list_of_commands_fits_a_narrow_terminal_and_says_all_of_each(store: Path) -> None:
    narrow, wide = (on_a_terminal("--help", store=store, columns=each).partition("Example")[0] for each in (40, 200))
    assert max(map(len, narrow.splitlines())) <= 40
    assert narrow.split()[8:] == wide.split()[8:]  # behind the usage, in which only blanks differ too
    assert "..." not in narrow.partition("Commands:")[2]


def test_a_usual_list_is_a_table_at_eighty_columns(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("251124-081500-3f9a1c", "acme").complete(with_errors="2 of 45")
        ledger.start("251124-081500-4b7d20", "bolt").fail("no disk")
        ledger.start("251124-081500-5c8e31", "carl")
    lines = plain(on_a_terminal("list", store=store, columns=80)).splitlines()
    assert [line.split()[2:4] for line in lines if line.startswith("20")] == [  # no room for ages
        ["251124-081500-5c8e31", "carl"],
        ["251124-081500-4b7d20", "bolt"],
        ["251124-081500-3f9a1c", "acme"],
    ]
    assert [line.strip() for line in lines if line.startswith(" ")] == ["no disk", "2 of 45"]
    assert "\x1b" not in on_a_terminal("list", store=store, NO_COLOR="1", LC_ALL="C")


@pytest.mark.parametrize("columns", [80, 100, 140])
@pytest.mark.parametrize("freak", [("r" * 200, "acme"), ("r", "c" * 200), ("r" * 200, "c" * 200)])
def test_one_long_id_narrows_no_column_for_all(tmp_path: Path, columns: int, freak: tuple[str, str]) -> None:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        for number in range(3):
            ledger.start(f"251124-081500-3f9a1{number}", f"a-usual-client-{number}").complete()
        ledger.start(*freak).complete()
    lines = plain(on_a_terminal("list", store=store, columns=columns)).splitlines()
    usual = [line for line in lines if "251124-081500" in line]
    assert all(
        re.search(r"  251124-081500-3f9a1(\d)  +a-usual-client-\1  +Completed  +[0-9.e-]+s$", each) for each in usual
    )
    assert len(usual) == 3
    assert sum(map(len, re.findall(r"(?<!\S)c+(?!\S)", "\n".join(lines)))) == (200 if "c" * 200 in freak else 0)
    assert all(len(line) <= columns for line in lines if "r" * 200 not in line)
    assert ("Ago" in lines[0]) is (columns > 80)


@pytest.mark.parametrize("columns", [40, 78, 79, 80, 120])
def test_the_latest_run_of_each_client_says_when_how_long_ago_and_how_it_ended(tmp_path: Path, columns: int) -> None:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("251124-081500-3f9a1c", "acme").complete(with_errors="2 of 45")
        ledger.start("251124-081500-4b7d20", "bolt")
    lines = plain(on_a_terminal("latest", store=store, columns=columns)).splitlines()
    assert max(map(len, lines)) <= columns
    started = r"[0-9-]{10} [0-9:]{5}"
    if columns < 70:
        expected = [
            r"251124-081500-3f9a1c  acme",
            rf"  {started} UTC  [0-9]+s ago",
            r"  Completed with Errors  [0-9.e-]+s",
            r"  2 of 45",
            r"251124-081500-4b7d20  bolt",
            rf"  {started} UTC  [0-9]+s ago",
            r"  Running",
        ]
    else:
        status = "With Errors" if columns < 85 else "Completed with Errors"
        expected = [
            r"Started \(UTC\) +Ago +Run +Client +Status +Took",
            rf"{started} +[0-9]+s ago  251124-081500-3f9a1c  acme +{status} +[0-9.e-]+s",
            r" +2 of 45",
            rf"{started} +[0-9]+s ago  251124-081500-4b7d20  bolt +Running *",
        ]
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line


def test_a_list_shows_ages_where_there_is_room(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=(), clock=lambda: datetime.now(UTC) - timedelta(hours=50)) as ledger:
        ledger.start("251124-081500-3f9a1c", "acme").complete(with_errors="2 of 45")
    for columns, has_ages in ((80, False), (100, True)):
        heading, run, _ = plain(on_a_terminal("list", store=store, columns=columns)).splitlines()
        assert ("Ago" in heading, "2d ago" in run) == (has_ages, has_ages)
    with connect(f"sqlite:///{store}", observers=(), clock=lambda: datetime.now(UTC) - timedelta(hours=3)) as ledger:
        ledger.start("r", "acme")
    assert plain(on_a_terminal("stale", store=store)).splitlines()[1].endswith(" 3h ago")
    assert on_a_terminal("stale", store=store, columns=40).endswith("\n  quiet for 3h\n")
    assert "ago" not in runledger("stale", store=store).stdout
    shown = plain(on_a_terminal("show", "r", "acme", store=store))
    assert len(re.findall(r"^(?:Started|Updated) .* UTC  3h ago$", shown, re.MULTILINE)) == 2
    assert "ago" not in runledger("show", "r", "acme", store=store).stdout


def test_times_are_local_where_that_is_asked_for(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    moments = iter([datetime(2025, 7, 1, 22, 30, 0, 5000, UTC), datetime(2025, 10, 26, 1, 30, tzinfo=UTC)])
    with connect(f"sqlite:///{store}", observers=(), clock=lambda: next(moments)) as ledger:
        ledger.start("r", "acme").update(note="half way", metrics={"Newest": datetime(2025, 1, 1, tzinfo=UTC)})
    berlin = {"store": store, "TZ": "Europe/Berlin"}
    for command in (["list"], ["latest"], ["stale"]):
        wide = plain(on_a_terminal(*command, "--local", columns=120, **berlin)).splitlines()  # type: ignore[arg-type]
        assert wide[0].startswith("Started (local)")
        assert wide[1].startswith("2025-07-02 00:30 ")
        narrow = on_a_terminal(*command, "--local", columns=40, **berlin)  # type: ignore[arg-type]
        assert "2025-07-02 00:30 +02:00" in narrow
        assert command != ["stale"] or "updated 2025-10-26 02:30 +01:00\n" in narrow
        assert max(map(len, plain(narrow).splitlines())) <= 40
        row = in_a_process(*command, "--local", **berlin).stdout.splitlines()[1].split("\t")  # type: ignore[arg-type]
        assert (row[0], row[6]) == ("2025-07-02T00:30:00.005+02:00", "2025-10-26T02:30:00.000+01:00")
        assert "2025-07-01T22:30:00.005Z" in in_a_process(*command, **berlin).stdout  # type: ignore[arg-type]
        refused = runledger(*command, "--local", "--json", store=store, code=2).stderr
        assert "--json has its times in UTC: leave out --local." in refused
    shown = in_a_process("show", "r", "acme", "--local", **berlin).stdout  # type: ignore[arg-type]
    assert re.findall(r"2025-.*", shown) == [
        "2025-07-02 00:30:00.005 +02:00",
        "2025-10-26 02:30:00.000 +01:00",
        "2025-01-01 01:00:00.000 +01:00",
        "2025-10-26 02:30:00.000 +01:00  half way",
    ]
    assert "local" in runledger("show", "r", "acme", "--local", "--json", store=store, code=2).stderr


def test_a_time_that_has_no_local_one_is_shown_in_utc(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=(), clock=lambda: datetime(1, 1, 1, tzinfo=UTC)) as ledger:
        ledger.start("r", "acme")
    done = in_a_process("list", "--local", store=store, TZ="America/New_York")
    assert done.stdout.splitlines()[1].startswith("0001-01-01T00:00:00.000+00:00\t")


def test_stale_ends_with_one_if_that_is_asked_for_and_there_is_a_stale_run(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("r", "acme")
    assert runledger("stale", "--exit-code", "--older-than", "1h", store=store).stdout == ""
    assert len(runledger("stale", "--exit-code", "--older-than", "0s", store=store, code=1).stdout.splitlines()) == 2
    assert (
        runledger("stale", "--exit-code", "--older-than", "0s", "--json", store=store, code=1).stdout.count("\n") == 1
    )
    assert runledger("stale", "--older-than", "0s", store=store).stdout.count("\n") == 2
