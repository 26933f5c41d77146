"""Damaged SQLite files: every call and command raises an error of the ledger that says what to do, or nothing.

`RUNLEDGER_FUZZ=2000 .venv/bin/pytest tests/integration/test_sqlite_damage.py` tries as many damages.
"""

import gzip
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest
from commands import runledger
from damaged_files import AT, COMMANDS, PAGE, faults, make_ledgers, run
from documents import ROOT

from runledger import RunChange, RunQuery, StoreUnusable, UnusableForRun
from runledger.adapters.sql.sqlite import SQLiteRunAccess, SQLiteRunRepository
from runledger.adapters.sql.sqlite_read_only import ReadOnlySQLiteFile

DAMAGES = int(os.environ.get("RUNLEDGER_FUZZ", "80"))


def test_every_damage_is_one_of_our_errors(tmp_path: Path) -> None:
    ledgers = make_ledgers(tmp_path)
    found = [fault for seed in range(DAMAGES) for fault in faults(ledgers, tmp_path / "damaged.db", seed)]
    assert found == []


def test_no_command_ends_with_a_traceback_on_a_damaged_file(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    old.write_bytes(gzip.decompress((ROOT / "tests/data/ledger-version-1.db.gz").read_bytes()))
    ledgers = [*make_ledgers(tmp_path), old]
    for seed in range(DAMAGES):
        commands = [COMMANDS[seed % len(COMMANDS)], ["init"]]
        assert list(faults(ledgers, tmp_path / "damaged.db", seed, commands)) == []


def scrambled_header(content: bytearray) -> None:
    content[:16] = b"not a database!!"


def scrambled_schema(content: bytearray) -> None:
    content[100:PAGE] = b"\xff" * (PAGE - 100)


def name_of_a_table(content: bytearray) -> None:
    """SQLite quotes it in its message, as it is."""
    content[:PAGE] = content[:PAGE].replace(b"CREATE TABLE runs (", b"CREATE TABLE run\xff (")


def scrambled_rows(content: bytearray) -> None:
    content[PAGE:] = content[PAGE:].replace(b"client-", b"client\xff")


def cut(content: bytearray) -> None:
    del content[PAGE * 2 :]


@pytest.mark.parametrize("harm", [scrambled_header, scrambled_schema, name_of_a_table, cut])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, harm: Callable[[bytearray], None]) -> None:
    path, _ = make_ledgers(tmp_path)
    content = bytearray(path.read_bytes())
    harm(content)
    path.write_bytes(content)

    def read() -> None:
        with closing(SQLiteRunRepository(path)) as repository:
            list(repository.find_with_logs(RunQuery()))

    with pytest.raises(StoreUnusable, match="restore it from a backup") as refusal:
        read()
    assert str(path) in str(refusal.value)
    assert runledger("list", "--json", store=path, code=7).stderr == f"runledger: {refusal.value}\n"


def test_a_row_of_a_damaged_file_is_named(tmp_path: Path) -> None:
    path, _ = make_ledgers(tmp_path)
    content = bytearray(path.read_bytes())
    scrambled_rows(content)
    path.write_bytes(content)
    with closing(SQLiteRunRepository(path)) as repository:
        for read in (repository.find, repository.find_with_logs):
            with pytest.raises(
                StoreUnusable, match=r"the row of run 'run-39' of .* restore it from a backup"
            ) as refusal:
                list(read(RunQuery()))
    assert runledger("list", "--json", store=path, code=7).stderr == f"runledger: {refusal.value}\n"


def test_what_is_read_by_the_driver_alone_is_named_at_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.write_bytes(gzip.decompress((ROOT / "tests/data/ledger-version-1.db.gz").read_bytes()))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE run_records SET error = CAST(x'ff' AS TEXT) WHERE run_id = 'plain'")
    assert "Could not decode to UTF-8" in runledger("init", store=path, code=7).stderr


def _read_and_written(repository: SQLiteRunAccess) -> Iterator[Callable[[], object]]:
    key = run(37).key
    yield lambda: repository.get(key)
    yield lambda: list(repository.find(RunQuery()))
    yield lambda: list(repository.find_with_logs(RunQuery()))
    yield lambda: list(repository.latest())
    yield lambda: repository.update(key, RunChange(note="n"), AT)
    yield lambda: repository.update_many([(key, RunChange(add={"rows": 1}))], AT)


@pytest.mark.parametrize("column", ["started_at", "ended_at", "updated_at"])
def test_a_time_that_lost_its_zone_to_a_damage_is_named(tmp_path: Path, column: str) -> None:
    """One byte is enough: 08:15:00.000Z becomes 08:15:00.0000."""
    path, _ = make_ledgers(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE runs SET {column} = replace({column}, 'Z', '0') WHERE run_id = 'run-37'")  # noqa: S608
    with closing(SQLiteRunRepository(path)) as repository:
        for call in _read_and_written(repository):
            with pytest.raises(StoreUnusable, match="the row of run 'run-37' of client 'client-1'"):
                call()
        with pytest.raises(StoreUnusable) if column != "updated_at" else nullcontext():
            repository.summary(RunQuery(run_id="run-37"))


@pytest.mark.parametrize("value", ["CAST(x'41ff' AS TEXT)", "x'41'"])
@pytest.mark.parametrize("column", ["client_name", "error", "metrics"])
def test_a_row_with_what_is_not_text_is_named_by_each_call(tmp_path: Path, column: str, value: str) -> None:
    """Bytes that are not UTF-8, and a BLOB, as another program may write them."""
    path, _ = make_ledgers(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE runs SET {column} = {value} WHERE run_id = 'run-37'")  # noqa: S608
    with closing(SQLiteRunRepository(path)) as repository:
        repository.update(run(36).key, RunChange(note="n"), AT)
        for call in _read_and_written(repository):
            with pytest.raises(
                UnusableForRun, match=r"the row of run 'run-37' of client 'client-1'.*not text"
            ) as refusal:
                call()
            assert refusal.value.key == run(37).key
        changes = [(run(number).key, RunChange(add={"rows": 1})) for number in range(36, 38)]
        rows = repository.get(run(36).key)
        with pytest.raises(UnusableForRun):
            repository.update_many(changes, AT)
        assert repository.get(run(36).key) == rows
    with closing(ReadOnlySQLiteFile(path)) as file:
        for call in list(_read_and_written(SQLiteRunAccess(file)))[:4]:
            with pytest.raises(UnusableForRun, match=r"the row of run 'run-37' of client 'client-1'.*not text"):
                call()


def test_a_line_that_is_not_text_is_named_by_its_key(tmp_path: Path) -> None:
    path, _ = make_ledgers(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        where = "WHERE run_id = 'run-37' AND position = 1"
        changed = connection.execute(f"UPDATE run_notes SET text = CAST(x'41ff' AS TEXT) {where}")  # noqa: S608
        assert changed.rowcount == 1
    with closing(SQLiteRunRepository(path)) as repository:
        for read in (lambda: repository.log(run(37).key), lambda: repository.find_with_logs(RunQuery())):
            with pytest.raises(UnusableForRun, match=r"the log of run 'run-37' .* has a line that cannot be read"):
                list(read())


def test_a_line_whose_time_lost_its_zone_to_a_damage_is_named(tmp_path: Path) -> None:
    path, _ = make_ledgers(tmp_path)
    for harmed in ("position = 2", "true"):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(f"UPDATE run_notes SET at = replace(at, 'Z', '0') WHERE run_id = 'run-4' AND {harmed}")  # noqa: S608
        with closing(SQLiteRunRepository(path)) as repository:
            reads = (lambda: list(repository.log(run(4).key)), lambda: list(repository.find_with_logs(RunQuery())))
            for read in reads:
                with pytest.raises(UnusableForRun, match="the log of run 'run-4' of client 'client-1' has a line"):
                    read()
