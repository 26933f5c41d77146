"""The commands and the Python of docs/history.md, over 200 rows of each file, in SQLite and in PostgreSQL."""

from __future__ import annotations

import csv
import gzip
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from commands import environment, on_a_terminal, runledger
from documents import ROOT, blocks, typed
from postgres_server import fresh_database

PAGE = "docs/history.md"
FILES = sorted((ROOT / "tests/data").glob("*.csv.gz"))


def rows() -> Iterator[dict[str, str]]:
    for file in FILES:
        with gzip.open(file, "rt", newline="") as text:
            yield from csv.DictReader(text)


def here(said: str) -> str:
    """What the page shows for the whole files, with the numbers of the 200 rows of each, which are counted here."""
    statuses = Counter(row.get("Status", "SUCCEED") for row in rows())
    figures = {
        "188,041": "200",
        "26,823": "200",
        "214,864": "400",
        "214,433": str(statuses["SUCCEED"]),
        "398": str(statuses["FAILED"]),
    }
    said = re.sub(r"[\d,]+", lambda number: figures.get(number[0], number[0]), said)
    return re.sub(r"(?<=  )(\w[\w ()]*) = ([\d,.]+)$", sum_here, said, flags=re.MULTILINE) if "Sums" in said else said


def sum_here(line: re.Match[str]) -> str:
    name, total = line.groups()
    number = float if "." in total else int
    values = [row[name] for row in rows() if re.fullmatch(r"[\d.]+", row.get(name, ""))]
    return f"{name} = {sum(map(number, values)):,}"


def words(text: str, *, ordered: bool) -> list[list[str]]:
    """Lines as words, since columns are as wide as what they hold; in any order, where the store keeps none."""
    text = re.sub(r"[0-9]+[hd] ago", "long ago", text)
    lines = [
        line.split() for line in re.sub(r"\x1b\[[0-9]+m|^(Metrics|Sums)", "", text, flags=re.MULTILINE).splitlines()
    ]
    return lines if ordered else sorted(lines)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_the_page_on_a_real_history_does_what_it_says(tmp_path: Path, store: str) -> None:
    for file in FILES:
        (tmp_path / file.name).symlink_to(file)
    consoles = "".join(text for _, text in blocks(PAGE, "console"))
    commands = typed(consoles)
    assert len(commands) == 11
    with fresh_database() as database, fresh_database() if store == "postgresql" else nullcontext() as history:
        stores = {
            "sqlite:///history.db": history or f"sqlite:///{tmp_path}/history.db",
            "postgresql://user@host/database": database,
        }
        if history is not None:
            runledger("init", store=history)
        chosen = ""
        for command, said in commands:
            if command.startswith("export RUNLEDGER_STORE="):
                chosen = stores[command.partition("=")[2]]
            elif command.startswith("runledger list"):  # which looks otherwise on a terminal
                shown = on_a_terminal(*shlex.split(command)[1:], store=chosen)
                assert words(shown, ordered=True) == words(said, ordered=True), command
            else:
                done = subprocess.run(
                    ["sh", "-c", command.replace("runledger", f"{sys.executable} -m runledger", 1)],
                    cwd=tmp_path,
                    env=environment(chosen),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert (done.returncode, done.stderr) == (0, ""), command
                ordered = store == "sqlite"
                assert words(done.stdout, ordered=ordered) == words(here(said), ordered=ordered), command


def test_the_python_of_the_page_imports_writes_and_copies(tmp_path: Path) -> None:
    for file in FILES:
        (tmp_path / file.name).symlink_to(file)
    script = "".join(text for _, text in blocks(PAGE, "python"))
    lines = ["200 imported, 0 already there", "200 written", "200 copied, complete: True"]
    for printed in (lines, ["0 imported, 200 already there", "200 written", "0 copied, complete: True"]):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr, done.stdout.splitlines()) == (0, "", printed)
    with gzip.open(tmp_path / "completed.jsonl.gz") as written:
        assert len(written.readlines()) == 200
