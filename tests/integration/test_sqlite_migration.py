"""A SQLite file of version 1: refused until it is migrated, migrated whole, and as it was if that does not end."""

import gzip
import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import runledger
from documents import ROOT

from runledger import RunAlreadyExists, RunKey, StoreUnusable, connect
from runledger.adapters.sql import sqlite_migration
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_migration import migrate

DATA = ROOT / "tests/data"
MIGRATED = "ok    migrated 11 runs with 144 notes to version 2\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that version 1 made."""
    path = tmp_path / "old ledger.db"
    path.write_bytes(gzip.decompress((DATA / "ledger-version-1.db.gz").read_bytes()))
    return path


def recorded() -> list[dict[str, Any]]:
    """What version 1 read from the file, newest first."""
    with gzip.open(DATA / "ledger-version-1.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def dump(path: Path) -> list[str]:
    """All that is in the file, and its version."""
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), *map(str, connection.execute("PRAGMA user_version"))]


def schema(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT name, sql FROM sqlite_master"))


def test_init_migrates_every_record_and_line_exactly(old: Path, tmp_path: Path) -> None:
    assert runledger("init", store=old).stdout == MIGRATED
    with connect(old, observers=()) as ledger:
        runs = list(ledger.reads.find_with_logs())
        assert [run.to_json() for run in runs] == recorded()
        assert [record.notes for record in ledger.find()] == [len(run.log) for run in runs]
        assert len(list(ledger.log("long", "acme"))) == 120
    assert runledger("init", store=old).stdout == "The store is ready.\n"
    assert runledger("doctor", store=old).stdout.startswith("ok ")
    runledger("init", store=tmp_path / "new.db")
    assert schema(old) == schema(tmp_path / "new.db")


def test_an_end_before_the_start_becomes_the_start_and_is_counted(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        early = "UPDATE run_records SET ended_at = '2001-01-01T00:00:00.000Z' WHERE ended_at IS NOT NULL"
        count = connection.execute(early).rowcount
    connection.close()
    assert count > 1
    done = runledger("init", store=old).stdout
    assert done == MIGRATED.replace("\n", f"; the end of {count} runs was before the start, and is the start now\n")
    with connect(old, observers=()) as ledger:
        finished = [record for record in ledger.find() if record.status.is_final]
    assert [record.ended_at for record in finished] == [record.started_at for record in finished]
    assert len(finished) == count


def test_a_migrated_run_goes_on_and_belongs_to_no_new_start(old: Path) -> None:
    runledger("init", store=old)
    with connect(old, observers=()) as ledger:
        ledger.updates.update("long", "acme", note="migrated")
        ledger.updates.complete("plain", "acme")
        assert [line.text for line in ledger.log("long", "acme", last=2)][1:] == ["migrated"]
        with pytest.raises(RunAlreadyExists):
            ledger.start("plain", "acme")


def test_nothing_but_init_migrates(old: Path) -> None:
    before = old.read_bytes()
    url = f"sqlite:///{old.parent}/old%20ledger.db"
    words = f"{old} was made by an older runledger (schema 1, now 2): stop what uses it, and migrate it with "
    command = f"`runledger init --store {url}`."
    with pytest.raises(StoreUnusable) as refusal:
        connect(old)
    assert str(refusal.value) == words + command
    assert runledger("list", store=url, code=7).stderr == f"runledger: {words}{command}\n"
    assert runledger("doctor", store=url, code=7).stdout == f"fix   {words}{command}\n"
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.iterdir()] == [old.name]
    assert runledger("init", "--store", url).stdout == MIGRATED


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("status", "Done", "unknown status 'Done'"),
        ("metrics", '{"a": [1]}', "not written by"),
        ("updated_at", "soonZ", "not written by"),
        ("log", "", "not written by"),
        ("log", '{"a": 1}', "not written by"),
        ("log", "[1]", "not written by"),
        ("log", '[["2025-11-24T08:15:00.000Z", "x", "y"]]', "not written by"),
        ("log", '[["2025-11-24T08:15:00.000", "x"]]', "not written by"),
        ("log", '[["2025-02-30T08:15:00.000Z", "x"]]', "not written by"),
        ("log", '[["2025-11-24T08:15:00.000Z", 5]]', "not written by"),
        ("log", '[["2025-11-24T08:15:00.000Z"]]', "not written by"),
        ("log", "{}", "not written by"),
        ("log", "null", "not written by"),
        ("log", "[[]]", "not written by"),
        ("log", '[["2025-11-24T08:15:00.000Z", null]]', "not written by"),
        ("log", '[["2025-11-24T08:15:00.000Z", "two\\nlines"]]', "not written by"),
        ("log", b"\xff", "not written by"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_file_stays(
    old: Path, column: str, value: object, words: str
) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute(f"UPDATE run_records SET {column} = ? WHERE run_id = 'long'", (value,))  # noqa: S608
    connection.close()
    before = dump(old)
    refusal = runledger("init", store=old, code=7).stderr
    assert words in refusal
    assert str(RunKey("long", "acme")) in refusal
    assert dump(old) == before


@pytest.mark.parametrize(
    ("statement", "odd"),
    [
        ("ALTER TABLE run_records ADD COLUMN ticket", "column ticket of run_records"),
        (
            "ALTER TABLE run_records ADD COLUMN day TEXT GENERATED ALWAYS AS (substr(started_at, 1, 10)) VIRTUAL",
            "column day of run_records",
        ),
        (
            "CREATE TRIGGER audit AFTER UPDATE ON run_records BEGIN SELECT 1; END",
            "trigger audit",
        ),
        ("CREATE VIEW running AS SELECT * FROM run_records WHERE status = 'Running'", "view running"),
        ("CREATE INDEX by_name ON run_records (client_name)", "index by_name"),
        ("CREATE TABLE invoices (x)", "table invoices"),
        ("CREATE TABLE Runs (x)", "table Runs"),
        ("CREATE TABLE sqlites (x); CREATE VIEW all_of_it AS SELECT 1", "table sqlites, view all_of_it"),
    ],
)
def test_what_version_1_did_not_make_is_refused_by_its_name_and_kept(old: Path, statement: str, odd: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(statement)
    before = dump(old)
    assert runledger("init", store=old, code=7).stderr == (
        f"runledger: {old} has what version 1 of the ledger did not make ({odd}): save what you need of it, remove it "
        "from the file, then run `runledger init` again.\n"
    )
    assert dump(old) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE run_records DROP COLUMN error",
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'error TEXT', 'error BLOB')",
    ],
)
def test_other_columns_than_those_of_version_1_are_refused_by_name(old: Path, statement: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(statement)
    before = dump(old)
    assert "columns are not those of version 1 (error): make" in runledger("init", store=old, code=7).stderr
    assert dump(old) == before


def test_statistics_and_a_missing_index_are_no_reason_to_refuse(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript("DROP INDEX run_records_by_client; ANALYZE")
    assert runledger("init", store=old).stdout == MIGRATED


@pytest.mark.parametrize("escaped", [False, True])
def test_python_reads_a_log_only_where_sqlite_cannot_and_then_one_at_a_time(old: Path, escaped: bool) -> None:
    lines = logs = 0

    def at_each_row(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
        nonlocal lines, logs
        if any(isinstance(value, str) and value.startswith("[") for value in row):
            assert connection.total_changes == before + lines
            lines += len(json.loads(row[4]))
            logs += 1
        return row

    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        if escaped:
            connection.execute("UPDATE run_records SET log = replace(log, 'half', 'h\\u0061lf')")
        before = connection.total_changes
        connection.row_factory = at_each_row
        assert str(migrate(connection, str(old))) in MIGRATED
    assert (logs, lines) == ((11, 144) if escaped else (0, 0))
    with connect(old, observers=()) as ledger:
        assert [run.to_json() for run in ledger.reads.find_with_logs()] == recorded()


def test_many_pages_are_migrated_whole(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_migration, "_PAGE", 2)
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        assert str(migrate(connection, str(old))) in MIGRATED
    with connect(old, observers=()) as ledger:
        assert [run.to_json() for run in ledger.reads.find_with_logs()] == recorded()


KILLED = """
import sys
from runledger.adapters.sql import sqlite_migration
from runledger.adapters.sql.sqlite_backend import BACKEND
from runledger.domain.preparation import Preparation

def gated(things):
    yield from things
    print("here", flush=True)
    sys.stdin.readline()

def writing_at_once(connection, path, version_of=sqlite_migration.version_of):
    connection.execute("PRAGMA cache_size = 2")
    return version_of(connection, path)

sqlite_migration.version_of = writing_at_once
gate = sys.argv[2]
thing = getattr(sqlite_migration, gate)
setattr(sqlite_migration, gate, (lambda connection: gated(thing(connection))) if callable(thing) else gated(thing))
BACKEND.prepare(sys.argv[1], Preparation())
"""


@pytest.mark.parametrize("gate", ["TABLES", "_old_rows", "INDEXES"])
def test_a_migration_that_is_killed_leaves_the_file_as_it_was(old: Path, gate: str) -> None:
    before = dump(old)
    command = [sys.executable, "-c", KILLED, f"sqlite:///{old.parent}/old%20ledger.db", gate]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as migration:
        assert migration.stdout is not None
        assert migration.stdout.readline() == b"here\n"
        if gate != "TABLES":
            assert Path(f"{old}-wal").stat().st_size > 16_384  # of what is not committed
        assert dump(old) == before
        migration.send_signal(signal.SIGKILL)
    assert dump(old) == before
    with pytest.raises(StoreUnusable, match="older runledger"):
        connect(old)
    assert runledger("init", store=old).stdout == MIGRATED
    with connect(old, observers=()) as ledger:
        assert [run.to_json() for run in ledger.reads.find_with_logs()] == recorded()


def test_a_process_of_version_1_that_still_has_the_file_open_fails_at_every_call(old: Path) -> None:
    calls: list[tuple[str, tuple[object, ...]]] = [
        ("SELECT * FROM run_records WHERE run_id = ? AND client_id = ?", ("long", "acme")),
        ("UPDATE run_records SET metrics = ? WHERE rowid = ?", ("{}", 1)),
        ("INSERT INTO run_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ("r", *["Z"] * 9)),
    ]
    with closing(sqlite3.connect(old, isolation_level=None)) as process:
        for sql, values in calls:  # which prepares each, and keeps it
            process.execute("BEGIN")
            process.execute(sql, values).fetchall()
            process.execute("ROLLBACK")
        runledger("init", store=old)
        for sql, values in calls:
            with pytest.raises(sqlite3.OperationalError, match="no such table"):
                process.execute(sql, values)


def test_of_processes_that_migrate_at_once_one_does_and_all_find_the_ledger(old: Path) -> None:
    command = [sys.executable, "-m", "runledger", "init", "--store", f"sqlite:///{old.parent}/old%20ledger.db"]

    def init(_: int) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(init, range(4)))
    assert said == ["The store is ready.\n"] * 3 + [MIGRATED]
    with closing(SQLiteRunRepository(old)) as repository:
        assert repository.get(RunKey("long", "acme")).notes == 120


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("PRAGMA application_id = 0x72756E6C; PRAGMA user_version = 3", "newer runledger"),
        ("CREATE TABLE run_records (x); PRAGMA user_version = 1", "another application"),
    ],
)
def test_init_leaves_alone_what_it_does_not_know(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(content)
    before = path.read_bytes()
    assert words in runledger("init", store=path, code=7).stderr
    assert path.read_bytes() == before
