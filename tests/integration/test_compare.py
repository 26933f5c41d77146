"""`runledger compare`: an old ledger and a new one, each a store or a file; neither is written."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from airtable_base import BASE, METRIC_COLUMNS, TOKEN, served
from commands import on_a_terminal, piped_from_a_terminal, runledger

from runledger import connect
from runledger.adapters.airtable import TURNS, RateLimit, Turns


@pytest.fixture
def new(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with connect(url, observers=()) as ledger:
        ledger.start("251124-1", "acme", metrics={"Tokens": 100}).complete()
        ledger.start("251124-2", "acme", metrics={"Tokens": 5})
    return url


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "old.csv"
    file.write_text(
        "Job ID,client_id,Start Time,State,Tokens\n"
        "251124-1,acme,2025-11-24T08:15:00Z,Done,101\n"
        "251124-2,acme,2025-11-24T08:15:00Z,Done,5\n"
        "251124-3,ac\u202eme,2025-11-24T08:15:00Z,Done,7\n"
    )
    return file


MAPPING = ("--column", "run_id=Job ID", "--column", "started_at=Start Time", "--column", "status=State")
WORDS = ("--status", "Done=Completed", "--ended-at", "started_at", "--rest-as-metrics")


def test_a_file_of_the_old_service_against_the_new_ledger(old: Path, new: str) -> None:
    done = runledger("compare", str(old), new, *MAPPING, *WORDS, code=1)
    assert done.stdout == (
        "3 records in OLD, 2 in NEW: 0 runs the same, 1 only in OLD, 1 another status, 1 another number\n"
        "\nonly in OLD: 1\n"
        "  run '251124-3' of client 'ac\\u202eme': Completed since 2025-11-24T08:15:00.000Z in OLD, and not in NEW\n"
        "\nanother status: 1\n"
        "  run '251124-2' of client 'acme': Completed in OLD, Running in NEW\n"
        "\nanother number: 1\n"
        "  run '251124-1' of client 'acme': 'Tokens' is 101 in OLD, 100 in NEW\n"
    )
    assert not done.stderr


def test_options_narrow_what_is_compared(old: Path, new: str) -> None:
    one = (str(old), new, *MAPPING, *WORDS, "--run-id", "251124-1")
    assert runledger("compare", *one, code=1).stdout.startswith("1 record in OLD, 1 in NEW: 0 runs the same")
    assert runledger("compare", *one, "--tolerance", "0.01").stdout == "1 record in OLD, 1 in NEW: 1 run the same\n"
    assert runledger("compare", *one, "--metric", "Tokens", code=1).stdout.startswith("1 record in OLD, 1 in NEW")


def test_json_is_one_object(old: Path, new: str) -> None:
    told = json.loads(runledger("compare", str(old), new, *MAPPING, *WORDS, "--json", code=1).stdout)
    assert (told["old"], told["new"], told["same"], len(told["differences"])) == (3, 2, 0, 3)
    assert told["differences"][0]["client_id"] == "ac\u202eme"


def test_two_stores_and_neither_is_written(new: str, tmp_path: Path) -> None:
    with served(*METRIC_COLUMNS) as base:
        at = base.server.url, BASE
        TURNS[at] = Turns(limit=RateLimit(requests=10**6), sleep=base.clock.sleep)
        runledger("start", "251124-1", "acme", store=base.store_url, AIRTABLE_API_KEY=TOKEN)
        base.server.log.clear()
        before = (tmp_path / "new.db").read_bytes()
        done = runledger("compare", base.store_url, new, code=1, AIRTABLE_API_KEY=TOKEN)
        del TURNS[at]
        assert "only in NEW: 1" in done.stdout
        assert not any(entry.changed for entry in base.server.log)
        assert (tmp_path / "new.db").read_bytes() == before


def test_of_two_files_the_mapping_is_for_old(old: Path, new: str, tmp_path: Path) -> None:
    exported = tmp_path / "new.jsonl.gz"
    runledger("export", str(exported), store=new)
    assert "only in OLD: 1" in runledger("compare", str(old), str(exported), *MAPPING, *WORDS, code=1).stdout
    same = runledger("compare", str(exported), str(shutil.copy(exported, tmp_path / "copy.jsonl.gz"))).stdout
    assert same == "2 records in OLD, 2 in NEW: 2 runs the same\n"


def test_a_row_that_cannot_be_read_makes_the_answer_incomplete(new: str, tmp_path: Path) -> None:
    exported = tmp_path / "new.jsonl"
    runledger("export", str(exported), store=new)
    exported.write_text(exported.read_text() + '{"run_id": "r"}\n')
    done = runledger("compare", str(exported), new, code=9)
    assert done.stderr.splitlines()[-1] == f"runledger: 1 row of '{exported}' left out."
    assert f"'{exported}', line 3: " in done.stderr
    assert done.stdout == "2 records in OLD, 2 in NEW: 2 runs the same\n"


def test_of_many_differences_some_are_listed_unless_all_are_asked_for(new: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    with connect(other, observers=()) as ledger:
        ledger.start_many("251124-9", [f"client {number}" for number in range(25)])
    done = runledger("compare", new, other, code=1)
    assert done.stdout.count("and not in OLD") == 20
    assert done.stderr == "  … 5 more; --verbose lists them too.\n"
    assert runledger("compare", new, other, "--verbose", code=1).stdout.count("and not in OLD") == 25


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["missing.csv"], 2, "cannot be read"),
        (["-"], 2, "name a file"),
        (["runs.db"], 2, "write the store as sqlite:///runs.db"),
        (["nosuch://x"], 2, "no store is known"),
        (["sqlite:///missing.db"], 7, "there is no file"),
        (["memory://"], 2, "name a store that stays"),
        (["OLD", "--tolerance", "2"], 2, "is not a fraction"),
        (["OLD", "--column", "run_id=x"], 2, "--column run_id="),
        (["sqlite:///new.db"], 2, "OLD and NEW are the same: name two ledgers."),
        (["copy.db", "--metric", "Typo"], 2, "no run has the number 'Typo' on either side: correct --metric."),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(
    arguments: list[str], code: int, words: str, old: Path, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"OLD": str(old), "copy.db": f"sqlite:///{shutil.copy(tmp_path / 'new.db', tmp_path / 'copy.db')}"}
    side, *options = [names.get(each, each) for each in arguments]
    assert words in runledger("compare", side, new, *options, code=code).stderr
    assert not (tmp_path / "missing.db").exists()


def test_it_can_be_read_on_a_narrow_terminal(old: Path, new: str, tmp_path: Path) -> None:
    told = on_a_terminal("compare", str(old), new, *MAPPING, *WORDS, store=tmp_path / "new.db", columns=40)
    assert "\u202e" not in told


def test_a_file_is_not_compared_with_itself_by_another_name(old: Path, new: str, tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(old)
    assert "are the same" in runledger("compare", str(old), str(link), *MAPPING, *WORDS, code=2).stderr


def test_a_file_that_breaks_off_is_not_compared(new: str, tmp_path: Path) -> None:
    """Its missing rows would seem to be in NEW alone."""
    lines = "run_id,client_id,started_at,status\n" + "r,acme,2025-11-24T08:15:00Z,Running\n" * 999
    file = tmp_path / "old.csv.gz"
    file.write_bytes(gzip.compress(lines.encode())[:-20])
    done = runledger("compare", str(file), new, code=9)
    assert done.stdout == ""
    assert done.stderr.endswith(" Nothing was compared.\n")


def test_where_no_run_was_compared_the_answer_says_so(old: Path, new: str) -> None:
    typo = ["compare", str(old), new, *MAPPING, *WORDS, "--run-id", "typo", "--metric", "Tokens"]
    done = runledger(*typo, code=9)
    assert done.stdout == "0 records in OLD, 0 in NEW: 0 runs the same\n"
    assert done.stderr == "Nothing was compared: neither side has such a run.\n"
    assert json.loads(runledger(*typo, "--json", code=9).stdout)["same"] == 0


@pytest.mark.parametrize(("wrong", "side"), [(0, "OLD"), (1, "NEW")])
def test_a_wrong_url_is_named_by_its_side(wrong: int, side: str, old: Path, new: str) -> None:
    sides = [str(old), new]
    sides[wrong] = "nosuch://me:hush@host/db"
    seen = runledger("compare", *sides, code=2).stderr
    assert seen.startswith(f"runledger: {side}: no store is known for nosuch://")
    assert "hush" not in seen


def test_a_person_who_waits_for_a_comparison_sees_a_bar(tmp_path: Path, new: str) -> None:
    with connect(new, observers=()) as ledger:
        ledger.start_many("r", [f"{number:04}" for number in range(600)])
    shutil.copy(tmp_path / "new.db", tmp_path / "old.db")
    sides = (f"sqlite:///{tmp_path / 'old.db'}", new)
    written, seen = piped_from_a_terminal("compare", *sides, store=new)
    assert "1000/?" in seen
    alone = runledger("compare", *sides)
    assert (written, alone.stderr) == (alone.stdout, "")
