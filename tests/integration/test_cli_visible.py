"""No text that came from data steers a terminal: no control and no bidirectional formatting character gets through."""

import json
import unicodedata
from pathlib import Path

import pytest
from commands import on_a_terminal, runledger

from runledger import connect

NASTY = "a\x9b31mb\x7f\u202ec\u200f\u2066d\u061c\u2028e"
"""What ids, names and texts may hold, but for the control characters, which only texts may."""
ID = "r\u202e1\u200b"


def steers(text: str) -> set[str]:
    bidirectional = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
    wanted = text.replace("\n", "").replace("\x1b[", "")  # colours, which are asserted elsewhere
    return {c for c in wanted if unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in bidirectional}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        run = ledger.start(ID, "c\u2067", client_name="n\u202a", metrics={"m\u202b": NASTY, "n\u202c": 1})
        run.update(note="note\u2069")
        run.fail("\x1b]0;title\x07" + NASTY + "\nsecond \x1b[2J line")
    return store


COMMANDS = [
    "list",
    "list --json",
    "latest",
    "summary",
    "summary --json",
    "stale --older-than 0s",
    f"show {ID}",
    f"show {ID} --json",
    f"show {ID} c\u2067",
    f"show {ID} other\u202e",
    f"update {ID} c\u2067 --set m\u202b=1 --add m\u202b=x\u202e",
    f"start {ID} c\u2067",
    "start new\u202e c",
    f"complete {ID} c\u2067",
    "export",
    "export --format csv",
    "list --status \x1b[2J\u202e",
    "no\x1b\u202esuch",
    "--no\x9b\u202esuch",
    "list --since \x9b\u202e",
    "import no\x1b\u202esuch.csv",
    "--store sqlite:///no\u202e\x1bsuch.db list",
    "--store no\u202e\x1bsuch://x list",
    "--store sqlite:///no\u202e\x1bsuch.db doctor",
    "exec --client x -- no\x1b\u202esuch",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_a_terminal_be_steered(store: Path, command: str) -> None:
    for columns in (40, 100):
        shown = on_a_terminal(*command.split(" "), store=store, columns=columns, NO_COLOR="1")
        assert steers(shown) == set(), shown
        assert "\x1b" not in shown


@pytest.mark.parametrize(
    "command",
    [
        "list --client none",
        "latest --client none",
        "stale --client none",
        "prune --older-than 0.001s",
        "export OUT",
        "copy STORE STORE.copy",
        "copy STORE STORE",
        "doctor",
        "init",
        "show none",
    ],
)
def test_no_name_of_a_file_steers_a_terminal(store: Path, command: str) -> None:
    odd = store.rename(store.with_name("\x1b[31m\u202eruns.db"))
    words = command.replace("OUT", f"{odd}.csv").replace("STORE", f"sqlite:///{odd}").split(" ")
    text = on_a_terminal(*words, store=odd, columns=200, typed="n\n")
    assert steers(text.replace("\x1b[?25l", "").replace("\x1b[?25h", "").replace("\r", "")) == set(), repr(text)
    assert "\x1b[31m" not in text.replace("\x1b[31mFailed", "").replace("\x1b[31mfix", "")


def test_json_keeps_its_values(store: Path) -> None:
    for command in ("list --json", f"show {ID} --json"):
        out = runledger(*command.split(), store=store).stdout
        assert steers(out) == set()
        run = json.loads(out)
        assert (run["run_id"], run["client_id"], run["client_name"]) == (ID, "c\u2067", "n\u202a")
        assert run["metrics"]["m\u202b"] == NASTY
        assert run["error"].endswith("\nsecond \x1b[2J line")


def test_two_ids_that_differ_look_different(store: Path) -> None:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("r\u202e1", "c")
    for text in (runledger("list", store=store).stdout, on_a_terminal("list", store=store)):
        assert "r\\u202e1\\u200b" in text
        assert "r\\u202e1 " in text.replace("\t", " ")


def test_problems_of_an_import_are_shown_escaped(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("run_id,client_id,status,started_at\nr,c,\x1b[2J\u202e\x9b,2025-11-24T08:15:00Z\n")
    done = runledger("import", str(file), store=tmp_path / "runs.db", code=1)
    assert "line 2: status " in done.stderr
    assert steers(done.stderr) == set()
    assert "\x1b" not in done.stderr
