"""Who may read a SQLite file and not write it: every look is answered, no update is, and nothing is made beside it."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from commands import all_output, runledger

from runledger import NewRun, RunKey, RunQuery, RunRecord, StoreUnavailable, connect
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_read_only import ReadOnlySQLiteFile

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("r", "acme")
REFUSAL = "may not be written: allow writing to the file and its folder."


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user can reach, with a ledger that nobody has open."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        make_ledger(folder / "runs.db")
        yield folder


def make_ledger(path: Path) -> None:
    with connect(path, observers=(), clock=lambda: AT) as ledger:
        ledger.start("r", "acme").update(metrics={"n": 1}, note="kept")
        ledger.start("s", "acme").fail("boom")


def as_reader(act: Callable[[Path], Any], path: Path) -> Any:
    """What `act` returns for the path in a child process of a user who owns nothing, or its error as text."""
    with tempfile.TemporaryDirectory(dir="/tmp") as scratch:
        make_ledger(Path(scratch) / "runs.db")
        act(Path(scratch) / "runs.db")  # so all modules are loaded, which that user may not be able to read
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            if os.geteuid() == 0:  # who may read and write everything
                os.setgroups([])
                os.setuid(65534)
            try:
                answer = act(path)
            except BaseException as error:
                answer = f"{type(error).__name__}: {error}"
            with open(writing, "w") as answers:
                json.dump(answer, answers)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as answered:
        text = answered.read()
    os.waitpid(child, 0)
    return json.loads(text)


def looks(path: Path) -> list[Any]:
    """What every reading call and command answers."""
    with closing(SQLiteRunRepository(path)) as repository:
        found: list[Any] = [
            repository.get(KEY).metrics["n"],
            [line.text for line in repository.log(KEY)],
            sorted(record.key.run_id for record in repository.find(RunQuery())),
            sorted(len(log) for _, log in repository.find_with_logs(RunQuery())),
            repository.summary(RunQuery()).runs,
        ]
    for command in (
        ["list", "--json"],
        ["show", "r", "acme", "--json"],
        ["summary", "--json"],
        ["latest", "--json"],
        ["stale", "--older-than", "1s", "--json"],
        ["export", "-"],
        ["prune", "--older-than", "1s", "--dry-run"],
    ):
        found.append([command[0], runledger(*command, store=path).stdout.count("\n")])
    return found


def refusals(path: Path) -> list[str]:
    """What every writing command prints."""
    return [
        all_output(*command, RUNLEDGER_STORE=f"sqlite:///{path}")
        for command in (
            ["start", "--client", "acme", "--run-id", "t"],
            ["update", "r", "acme", "--note", "n"],
            ["complete", "r", "acme"],
            ["prune", "--older-than", "1s", "--yes"],
            ["init"],
        )
    ]


def lists(path: Path) -> str:
    """What `list` prints, to whom the file may not be shown."""
    return all_output("list", RUNLEDGER_STORE=f"sqlite:///{path}")


@pytest.fixture
def writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the ledger open, and for each line that it gets adds 1 to `n` and tells that it has."""
    script = """
import runledger, sys
with runledger.connect(sys.argv[1], observers=()) as ledger:
    print("open", flush=True)
    for line in sys.stdin:
        print(ledger.updates.update("r", "acme", add={"n": 1}).metrics["n"], flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, f"sqlite:///{folder}/runs.db"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def add_one(writer: subprocess.Popen[str]) -> str:
    assert writer.stdin
    assert writer.stdout
    writer.stdin.write("\n")
    writer.stdin.flush()
    return writer.stdout.readline()


@pytest.mark.parametrize(
    ("file_mode", "folder_mode"), [(0o644, 0o755), (0o444, 0o777), (0o666, 0o755)], ids=["both", "file", "folder"]
)
def test_who_may_not_write_the_file_or_its_folder_can_look_at_everything(
    folder: Path, file_mode: int, folder_mode: int
) -> None:
    path = folder / "runs.db"
    seen = looks(path)
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    assert as_reader(looks, path) == seen
    for refusal in as_reader(refusals, path):
        assert "may not be written" in refusal
        assert refusal.count("\n") == 1
    assert os.listdir(folder) == ["runs.db"]  # a log of that user would keep all others from writing


def test_a_reader_sees_what_a_writer_that_is_open_has_written(folder: Path, writer: subprocess.Popen[str]) -> None:
    path = folder / "runs.db"
    for due in (2, 3):
        assert add_one(writer) == f"{due}\n"
        assert as_reader(looks, path)[0] == due
    for refusal in as_reader(refusals, path):
        assert "may not be written" in refusal
    assert add_one(writer) == "4\n"


def test_a_reader_sees_what_a_writer_that_was_killed_has_written(folder: Path, writer: subprocess.Popen[str]) -> None:
    add_one(writer)
    writer.kill()
    writer.wait()
    assert as_reader(looks, folder / "runs.db")[0] == 2
    (folder / "runs.db-shm").unlink()  # then what is in the log can be read only by who may write
    assert "let a user who may write it run a command once" in as_reader(looks, folder / "runs.db")
    assert looks(folder / "runs.db")[0] == 2
    assert as_reader(looks, folder / "runs.db")[0] == 2


def test_a_file_that_may_not_be_read_says_so(folder: Path) -> None:
    (folder / "runs.db").chmod(0o600)
    assert as_reader(looks, folder / "runs.db") == (
        f"StoreUnusable: {folder}/runs.db may not be read: allow reading the file, and entering its folder."
    )
    (folder / "runs.db").chmod(0o644)
    (folder / "runs.db").write_bytes(b"")
    assert as_reader(looks, folder / "runs.db") == f"StoreUnusable: {folder}/runs.db is empty, and {REFUSAL}"


def test_a_file_in_a_folder_that_may_not_be_entered_is_not_taken_for_a_missing_one(folder: Path) -> None:
    (folder / "closed" / "in").mkdir(parents=True)
    for place in (folder / "closed", folder / "closed" / "in"):
        make_ledger(place / "runs.db")
    (folder / "closed").chmod(0o700)
    for place in (folder / "closed", folder / "closed" / "in"):
        refusal = f"{place}/runs.db may not be read: allow reading the file, and entering its folder."
        assert as_reader(looks, place / "runs.db") == f"StoreUnusable: {refusal}"
        assert as_reader(lists, place / "runs.db") == f"runledger: {refusal}\n"
        assert as_reader(refusals, place / "runs.db")[:4] == [f"runledger: {refusal}\n"] * 4


WRITE = """
import runledger, sys
with runledger.connect(sys.argv[1], observers=()) as ledger:
    ledger.updates.update("r", "acme", add={"n": 1})
"""
WRITES = """
import runledger, sys
key = lambda i: runledger.RunKey(f"r{i}", "acme")
for n in range(30):
    repository = runledger.stores.open_repository(sys.argv[1])
    change = runledger.RunChange(add={"n": 1}, note="x" * 500)
    repository.update_many([(key(i), change) for i in range(1, 200)], runledger.services.ledger.utc_now())
    repository.close()
"""


def test_what_a_reader_sees_is_whole_whatever_writers_do_meanwhile(folder: Path) -> None:
    """Each write changes many pages, and the file is closed after it, so that there is no log to read by."""
    path = folder / "runs.db"
    keys = {RunKey(f"r{i}", "acme") for i in range(1, 200)}
    with closing(SQLiteRunRepository(path)) as repository:
        repository.create_many([NewRun(RunRecord.start(key, AT)) for key in keys])

    def look(path: Path) -> list[list[int]]:
        """The different values of `n` in each look, until it is 30."""
        seen: list[list[Any]] = [[0]]
        with closing(SQLiteRunRepository(path)) as repository:
            while path.parent == folder and seen[-1] != [30] and len(seen) < 10_000:
                try:
                    found = list(repository.find(RunQuery()))
                except StoreUnavailable:
                    continue
                seen.append(sorted({record.metrics.get("n", 0) for record in found if record.key in keys}))
        return seen

    with subprocess.Popen([sys.executable, "-c", WRITES, f"sqlite:///{path}"]) as writing:
        seen = as_reader(look, path)
    assert writing.returncode == 0
    assert isinstance(seen, list), seen
    assert all(len(each) == 1 for each in seen)
    assert seen == sorted(seen)
    assert len(seen) > 2


def test_what_was_read_while_a_writer_came_and_went_is_read_again(folder: Path) -> None:
    path = folder / "runs.db"
    file = ReadOnlySQLiteFile(path)
    written: list[object] = []

    def take(rows: sqlite3.Cursor) -> Any:
        if not written:
            written.append(subprocess.run([sys.executable, "-c", WRITE, f"sqlite:///{path}"], check=True))
            assert os.listdir(folder) == ["runs.db"]
        return rows.fetchall()

    assert file.reading(take, "SELECT metrics FROM runs WHERE run_id = 'r'", ()) == [('{"n":2}',)]
