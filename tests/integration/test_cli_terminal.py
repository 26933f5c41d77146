"""Lists on a terminal: the run id can be copied at any width, and a failed run says why."""

import re
from pathlib import Path

import pytest
from commands import on_a_terminal

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


@pytest.mark.parametrize("command", ["list", "update", "stale"])
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
    assert [line.split()[2:4] for line in lines if line.startswith("20")] == [
        ["251124-081500-5c8e31", "carl"],
        ["251124-081500-4b7d20", "bolt"],
        ["251124-081500-3f9a1c", "acme"],
    ]
    assert [line.strip() for line in lines if line.startswith(" ")] == ["no disk", "2 of 45"]
    assert "\x1b" not in on_a_terminal("list", store=store, NO_COLOR="1", LC_ALL="C")
