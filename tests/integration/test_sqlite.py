import os
import resource
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from commands import runledger

from runledger import (
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnusableForRun,
    connect,
)
from runledger.adapters.sql import sqlite
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.adapters.sql.sqlite_file import SQLiteFile
from runledger.adapters.sql.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION
from runledger.services.copying.comparison import differing
from runledger.services.ledger import utc_now
from runledger.services.observing import Reporter
from runledger.services.reads import LedgerReads
from runledger.testing.runs import changed

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("r", "acme")
STARTED = RunRecord.start(KEY, AT)
NEW = NewRun(STARTED)


def noted(run_id: str, notes: int) -> NewRun:
    """A run with notes of the texts 0, 1, 2 and so on."""
    new = NewRun(RunRecord.start(RunKey(run_id, "acme"), AT))
    return changed(new, *(RunChange(note=f"{i}") for i in range(notes)), at=AT)


def writer_of(repository: SQLiteRunRepository) -> sqlite3.Cursor:
    assert isinstance(repository._file, SQLiteFile)
    return repository._file._writing_cursor()


def test_a_closed_repository_says_so_and_stays_closed(tmp_path: Path) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    repository.create(NEW)
    repository.close()
    repository.close()
    for act in (
        lambda: repository.create(NEW),
        lambda: repository.update(KEY, RunChange(), AT),
        lambda: repository.get(KEY),
        lambda: list(repository.find(RunQuery())),
    ):
        with pytest.raises(StoreUnusable, match="was closed"):
            act()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is no database, but it is long enough to be read as one" * 20, "not a SQLite database"),
        (f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION + 1}", "newer runledger"),
        ("CREATE TABLE theirs (x)", "another application"),
        ("PRAGMA user_version = 1", "another application"),
        ("PRAGMA application_id = 7", "another application"),
    ],
)
def test_a_file_that_is_no_ledger_of_this_version_is_refused_and_left_as_it_was(
    tmp_path: Path, content: bytes | str, words: str
) -> None:
    path = tmp_path / "some file.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        other = sqlite3.connect(path)
        other.executescript(content)
        other.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=words) as refusal:
        SQLiteRunRepository(path)
    assert str(path) in str(refusal.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    sentence = f"there is no folder {tmp_path}/no/such: make it, or correct the URL."
    with pytest.raises(StoreUnusable) as refusal:
        connect(f"sqlite:///{tmp_path}/no/such/runs.db")
    assert str(refusal.value) == sentence
    store = f"sqlite:///{tmp_path}/no/such/runs.db"
    for command in (["init"], ["start", "--client", "acme"], ["list"], ["exec", "--client", "acme", "--", "true"]):
        assert runledger(*command, store=store, code=7).stderr == f"runledger: {sentence}\n"
    with pytest.raises(StoreUnusable, match="cannot be opened: it must be a file, and you must be allowed to write"):
        connect(f"sqlite:///{tmp_path}")


def test_a_full_disk_is_one_clear_error_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    repository = SQLiteRunRepository(path)
    repository.create(NEW)
    writer = writer_of(repository)
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    big = "x" * 100_000
    for act in (
        lambda: repository.update(KEY, RunChange(metrics={"big": big}), AT),
        lambda: repository.create_many(
            [NewRun(RunRecord.start(RunKey(f"{i}", "c"), AT, metrics={"b": big})) for i in range(9)]
        ),
    ):
        with pytest.raises(StoreUnavailable, match=r"full.*Nothing was written") as refusal:
            act()
        assert refusal.value.outcome is Outcome.NOT_APPLIED
    assert list(repository.find(RunQuery())) == [STARTED]
    repository.close()


def test_an_interrupt_at_the_beginning_of_a_write_leaves_the_file_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(begin: Callable[..., object], *values: object) -> None:
        begin(*values)
        raise KeyboardInterrupt

    with closing(SQLiteRunRepository(tmp_path / "runs.db", wait=0)) as repository:
        monkeypatch.setattr(repository._file, "patiently", interrupted)
        with pytest.raises(KeyboardInterrupt):
            repository.create(NEW)
        with closing(SQLiteRunRepository(tmp_path / "runs.db", wait=0)) as other:
            other.create(NEW)


@pytest.mark.parametrize("command", ["list", "start r c", "doctor"])
def test_a_disk_without_room_to_open_a_file_needs_room(tmp_path: Path, command: str) -> None:
    path = tmp_path / "runs.db"
    with closing(SQLiteRunRepository(path)) as repository:
        repository.create(NEW)
    done = subprocess.run(
        [sys.executable, "-m", "runledger", *command.split(), "--store", f"sqlite:///{path}"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"the disk of {path} is full" in done.stderr
    assert "Nothing was written; make room on it, then try again.\n" in done.stderr
    assert done.returncode == 6


def test_a_file_that_others_keep_locked_is_unavailable_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    repository = SQLiteRunRepository(path, wait=0.05)
    repository.create(NEW)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another process") as refusal:
        repository.update(KEY, RunChange(note="n"), AT)
    assert (refusal.value.outcome, refusal.value.key) == (Outcome.NOT_APPLIED, KEY)
    absent = RunKey("another", "acme")
    with pytest.raises(StoreUnavailable, match="locked by another process") as refusal:
        repository.create(NewRun(RunRecord.start(absent, AT)))
    assert (refusal.value.outcome, refusal.value.key) == (Outcome.NOT_APPLIED, absent)
    assert repository.get(KEY) == STARTED
    other.execute("ROLLBACK")
    other.close()
    assert list(repository.log(KEY)) == []
    assert repository.update(KEY, RunChange(note="n"), AT).notes == 1
    repository.close()


def test_an_error_that_is_not_the_drivers_rolls_back(tmp_path: Path) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    repository.create(NEW)
    with pytest.raises(AttributeError):
        repository.update_many([(KEY, RunChange(note="n")), (KEY, None)], AT)  # type: ignore[list-item]
    assert repository.get(KEY) == STARTED
    repository.update(KEY, RunChange(), AT)
    repository.close()


def test_an_acknowledged_write_is_durable_by_default(tmp_path: Path) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    writer = writer_of(repository)
    assert writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert writer.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 500
    repository.close()


@pytest.mark.parametrize(
    "change", [RunChange(), RunChange(error="late"), RunChange(status=RunStatus.FAILED, error="e")]
)
def test_a_batch_keeps_the_end_and_the_error_of_each_run(tmp_path: Path, change: RunChange) -> None:
    run = changed(NEW, change, at=AT)
    others = [NewRun(RunRecord.start(RunKey(run_id, client_id), AT)) for run_id in "sq" for client_id in "ba"]
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository:
        repository.create_many([*others, run])
        found = list(repository.find(RunQuery()))
    assert found == sorted([run.record, *[new.record for new in others]], key=lambda each: each.key, reverse=True)


FORKED = """
import os, sys, threading, runledger
from runledger.adapters.sql.sqlite import SQLiteRunRepository
ledger = runledger.RunLedger(SQLiteRunRepository(sys.argv[1], wait=100), observers=())
ledger.start("r", "acme")
add = lambda name: ledger.updates.update("r", "acme", add={name: 1})
over = False
def work(act):
    while not over:
        act()
busy = [threading.Thread(target=work, args=(act,)) for act in (lambda: add("parent"), lambda: ledger.get("r", "acme"))]
for thread in busy:
    thread.start()
children = []
for i in range(8):
    pid = os.fork()
    if pid == 0:
        threads = [threading.Thread(target=lambda: [add("child") for _ in range(5)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
    children.append(pid)
codes = [os.waitpid(pid, 0)[1] for pid in children]
over = True
for thread in busy:
    thread.join()
print(codes, ledger.get("r", "acme").metrics["child"])
"""


def test_what_forked_children_write_is_kept_whatever_threads_do_on_either_side(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path / "runs.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[0, 0, 0, 0, 0, 0, 0, 0] 160\n", "")


def test_what_a_forked_child_writes_is_kept_when_its_parent_closes(tmp_path: Path) -> None:
    script = """
import os, sys, runledger
ledger = runledger.connect(sys.argv[1], observers=())
ledger.start("r", "acme")
child_wrote, wrote = os.pipe()
parent_closed, closed = os.pipe()
pid = os.fork()
if pid == 0:
    ledger.updates.update("r", "acme", add={"n": 1})
    os.write(wrote, b".")
    os.read(parent_closed, 1)
    ledger.updates.update("r", "acme", add={"n": 1})
    os._exit(0)
os.read(child_wrote, 1)
ledger.close()
os.write(closed, b".")
print(os.waitpid(pid, 0)[1])
with runledger.connect(sys.argv[1], observers=()) as again:
    print(again.get("r", "acme").metrics["n"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{tmp_path}/runs.db"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("0\n2\n", "")


def test_closing_waits_for_what_others_do_and_then_refuses_them(tmp_path: Path) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    repository.create(NEW)
    acknowledged = [0] * 4
    refused: list[str] = []
    begun = Barrier(7)

    def work(act: Callable[[], object]) -> None:
        act()
        begun.wait()
        with pytest.raises(StoreUnusable) as refusal:
            while True:
                act()
        refused.append(str(refusal.value))

    def add(i: int) -> None:
        repository.update(KEY, RunChange(add={"n": 1}), AT)
        acknowledged[i] += 1

    acts: list[Callable[[], object]] = [partial(add, i) for i in range(4)] + [partial(repository.get, KEY)] * 2
    threads = [Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    begun.wait()
    repository.close()
    for thread in threads:
        thread.join()
    assert len(refused) == 6
    assert all("was closed" in words for words in refused)
    again = SQLiteRunRepository(tmp_path / "runs.db")
    assert again.get(KEY).metrics == {"n": sum(acknowledged)}
    again.close()


def test_a_relative_path_leads_to_its_file_whatever_folder_the_process_is_in_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with closing(SQLiteRunRepository(Path("runs.db"))) as repository:
        repository.create(NewRun(RunRecord.start(KEY, AT)))
        monkeypatch.chdir(elsewhere)
        with ThreadPoolExecutor(1) as another:  # which has a reader of its own
            assert another.submit(lambda: list(repository.find(RunQuery()))).result() == [repository.get(KEY)]
        repository.update(KEY, RunChange(note="n"), AT)
    assert os.listdir(elsewhere) == []


def test_a_relative_path_and_odd_names_lead_to_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with connect("sqlite:///my%20runs%3F.db", observers=()) as ledger:
        ledger.start("r", "acme")
    assert os.listdir() == ["my runs?.db"]
    with connect(f"sqlite:///{tmp_path}/my runs%3F.db", observers=()) as ledger, pytest.raises(RunAlreadyExists):
        ledger.start("r", "acme")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("started_at", "2025-11-24 08:15:00"),
        ("ended_at", "2025-11-24T08:15:00.000+00:00"),
        ("updated_at", b"\xff"),
        ("ended_at", "2001-01-01T00:00:00.000Z"),
    ],
)
def test_other_hands_write_no_time_without_its_zone_and_no_end_before_the_start(
    tmp_path: Path, column: str, value: object
) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    repository.create(NEW)
    repository.close()
    other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        other.execute(f"UPDATE runs SET {column} = ?", (value,))  # noqa: S608
    other.close()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("status", "Done", "unknown status 'Done'"),
        ("started_at", "2025-11-24 8Z", "not written by"),
        ("updated_at", "soonZ", "not written by"),
        ("ended_at", "nowZ", "not written by"),
        ("metrics", "", "not written by"),
        ("metrics", "{}, {}", "not written by"),
        ("metrics", "[]", "not written by"),
        ("metrics", '{"a": {"b": 1}}', "not written by"),
        ("metrics", '{"a": [1, 2]}', "not written by"),
        ("metrics", '{"a": null}', "not written by"),
        ("metrics", '{"a": {"datetime": "2025-11-24"}}', "not written by"),
        ("metrics", '{"a": 1', "not written by"),
        ("metrics", "[" * 100_000, "not written by"),
        ("metrics", b"{}", "not written by"),
    ],
)
def test_a_row_that_other_hands_wrote_is_refused_by_its_key(
    tmp_path: Path, column: str, value: object, words: str
) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    repository.create_many([NEW, NewRun(RunRecord.start(RunKey("s", "acme"), AT))])
    other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    other.execute(f"UPDATE runs SET {column} = ? WHERE run_id = 'r'", (value,))  # noqa: S608
    other.close()
    acts: list[Callable[[], object]] = [
        lambda: repository.get(KEY),
        lambda: list(repository.find(RunQuery())),
        lambda: repository.update(KEY, RunChange(), AT),
        lambda: repository.update_many([(RunKey("s", "acme"), RunChange()), (KEY, RunChange())], AT),
    ]
    for act in acts:
        with pytest.raises(StoreUnusable, match=words) as refusal:
            act()
        assert refusal.value.key == KEY
    if column in ("status", "metrics") and value != b"{}":  # what a summary looks at, and SQLite does not mend
        with pytest.raises(StoreUnusable, match=words) as refusal:
            repository.summary(RunQuery())
        assert refusal.value.key == KEY
    assert repository.get(RunKey("s", "acme")).updated_at == AT
    repository.close()


@pytest.mark.parametrize("notes", ["many", 0.5, -1, None])
def test_other_hands_count_no_notes_but_in_whole_numbers(tmp_path: Path, notes: object) -> None:
    SQLiteRunRepository(tmp_path / "runs.db").close()
    with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other:
        other.execute(
            "INSERT INTO runs (run_id, client_id, client_name, status, started_at, metrics, updated_at)"
            " VALUES ('r', 'acme', 'acme', 'Running', '2025-11-24T08:15:00.000Z', '{}', '2025-11-24T08:15:00.000Z')"
        )
        with pytest.raises(sqlite3.IntegrityError):
            other.execute("UPDATE runs SET notes = ?", (notes,))
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository:
        assert repository.get(KEY) == STARTED


def test_an_update_at_a_time_finer_than_a_millisecond_moves_updated_at(tmp_path: Path) -> None:
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository:
        repository.create_many([NewRun(STARTED), noted("s", 2)])
        finer = STARTED.started_at + timedelta(milliseconds=5, microseconds=600)
        repository.update(KEY, RunChange(), finer)
        repository.update_many([(RunKey("s", "acme"), RunChange())], finer)
        assert {record.updated_at for record in repository.find(RunQuery())} == {finer.replace(microsecond=5000)}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE run_notes SET at = '2025-11-24T08:15:61.000Z' WHERE run_id = 'r' AND position = 2",
            "has a line that cannot be read",
        ),
        ("DELETE FROM run_notes WHERE run_id = 'r' AND position = 2", "lacks lines"),
        ("UPDATE runs SET notes = 4 WHERE run_id = 'r'", "lacks lines"),
    ],
)
def test_a_log_that_other_hands_spoilt_is_refused_by_its_key(tmp_path: Path, statement: str, words: str) -> None:
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository:
        repository.create_many([noted("r", 3), noted("s", 2)])
        with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other:
            other.execute(statement)
        for read in (lambda: list(repository.log(KEY)), lambda: list(repository.find_with_logs(RunQuery()))):
            with pytest.raises(UnusableForRun, match=words) as refusal:
                read()
            assert refusal.value.key == KEY
        assert list(repository.log(RunKey("s", "acme"))) == list(noted("s", 2).log)
        others = [noted("r", 3), noted("s", 1)]  # comparing goes on after the run that cannot be read
        compared = {
            run.key.run_id: what for run, what in differing(LedgerReads(repository, Reporter((), utc_now)), others)
        }
        assert compared.keys() == {"r", "s"}
        assert words in compared["r"]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM run_notes WHERE run_id = 'r' AND position = 2",
        "DELETE FROM run_notes WHERE run_id = 'r' AND position IN (1, 4)",
        "DELETE FROM run_notes WHERE run_id = 'r'",
        "UPDATE runs SET notes = 9 WHERE run_id = 'r'",
    ],
)
def test_the_advice_for_a_log_that_lacks_lines_mends_it(tmp_path: Path, damage: str) -> None:
    with (
        closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository,
        closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other,
    ):
        repository.create_many([noted("r", 5), noted("s", 3)])
        other.execute(damage)
        kept = other.execute("SELECT text, position FROM run_notes WHERE run_id = 'r' ORDER BY position").fetchall()
        advice = "renumber the positions of its lines from 1 without a gap, then set notes in its row of runs to their"
        with pytest.raises(StoreUnusable, match=advice):
            list(repository.log(KEY))
        for new, (_, position) in enumerate(kept, 1):
            other.execute("UPDATE run_notes SET position = ? WHERE run_id = 'r' AND position = ?", (new, position))
        other.execute("UPDATE runs SET notes = ? WHERE run_id = 'r'", (len(kept),))
        texts = [text for text, _ in kept]
        assert [line.text for line in repository.log(KEY)] == texts
        assert repository.update(KEY, RunChange(note="next"), AT).notes == len(kept) + 1
        assert [line.text for line in repository.log(KEY)] == [*texts, "next"]
        ((_, log),) = repository.find_with_logs(RunQuery(run_id="r"))
        assert [line.text for line in log] == [*texts, "next"]


def test_a_note_for_a_run_that_counts_too_few_is_refused_by_name_until_it_is_mended(tmp_path: Path) -> None:
    with (
        closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository,
        closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other,
    ):
        repository.create_many([noted("r", 3), noted("s", 2)])
        other.execute("UPDATE runs SET notes = 1 WHERE run_id = 'r'")
        note, second = RunChange(note="next"), RunKey("s", "acme")
        for update in (
            lambda: repository.update(KEY, note, AT),
            lambda: repository.update_many([(second, note), (KEY, note), (second, note)], AT),
        ):
            with pytest.raises(
                StoreUnusable, match=r"the log of run 'r' .* has a line where .* then set notes"
            ) as refusal:
                update()
            assert refusal.value.key == KEY
        assert [record.notes for record in repository.find(RunQuery())] == [2, 1]
        other.execute("UPDATE runs SET notes = 3 WHERE run_id = 'r'")
        assert repository.update(KEY, note, AT).notes == 4
        assert [line.text for line in repository.log(KEY)] == ["0", "1", "2", "next"]
        assert list(repository.log(second)) == list(noted("s", 2).log)


def test_lines_without_a_run_are_in_the_way_of_a_log_and_named(tmp_path: Path) -> None:
    with (
        closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository,
        closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other,
    ):
        other.execute("INSERT INTO run_notes VALUES ('r', 'acme', 2, '2025-11-24T08:15:00.000Z', 'stray')")
        with pytest.raises(StoreUnusable, match=r"the log of run 'r' .* has a line where") as refusal:
            repository.create_many([noted("s", 2), noted("r", 3)])
        assert refusal.value.key == KEY
        assert list(repository.find(RunQuery())) == []


def test_a_log_that_is_being_read_holds_nothing_open_between_its_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LINES", 4)
    run = noted("r", 10)
    with (
        closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository,
        closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other,
    ):
        repository.create_many([run, noted("s", 5), noted("t", 0), noted("u", 3), noted("v", 101)])
        lines = repository.log(KEY)
        read = [next(lines)]
        repository.update(KEY, RunChange(note="later"), AT)
        found = repository.find_with_logs(RunQuery(run_id="r"))
        (_, log) = next(found)
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert [*read, *lines] == list(run.log)
        assert len(log) == 11
        everything = list(repository.find_with_logs(RunQuery()))
        assert [(record.key.run_id, len(log)) for record, log in everything] == [
            ("v", 101),
            ("u", 3),
            ("t", 0),
            ("s", 5),
            ("r", 11),
        ]


def test_a_run_that_is_removed_while_logs_are_read_is_left_out_and_its_key_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"

    def remove(run_id: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
            assert other.execute("SELECT 1 FROM run_notes WHERE run_id = ?", (run_id,)).fetchall() == []

    with closing(SQLiteRunRepository(path)) as repository:
        repository.create_many([noted("r", 3), noted("s", 101), noted("t", 1)])
        log = SQLiteRunRepository.log

        def once_it_is_removed(self: SQLiteRunRepository, key: RunKey, last: int | None = None) -> Any:
            remove("s")
            return log(self, key, last)

        monkeypatch.setattr(sqlite.SQLiteRunAccess, "log", once_it_is_removed)
        found = list(repository.find_with_logs(RunQuery()))
        assert [(record.key.run_id, log) for record, log in found] == [
            ("t", noted("t", 1).log),
            ("r", noted("r", 3).log),
        ]
        monkeypatch.setattr(sqlite.SQLiteRunAccess, "log", log)
        monkeypatch.setattr(sqlite, "_LINES", 2)
        lines = repository.log(KEY)
        next(lines)
        remove("r")
        with pytest.raises(RunNotFound):
            list(lines)
        repository.create(noted("r", 1))
        repository.update(KEY, RunChange(note="1"), AT)
        assert [line.text for line in repository.log(KEY)] == ["0", "1"]


def test_rows_of_many_keys_are_found_by_the_primary_key(tmp_path: Path) -> None:
    SQLiteRunRepository(tmp_path / "runs.db").close()
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        for sql in (sqlite._MARKS, sqlite._SELECT_BATCH):
            explain = f"EXPLAIN QUERY PLAN {sql.format('(?,?),(?,?)')}"
            steps = [step for *_, step in connection.execute(explain, ("r", "a", "s", "b"))]
            assert "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=? AND client_id=?)" in steps
            assert "SCAN runs" not in steps


def test_two_rows_that_make_sense_only_together_are_refused(tmp_path: Path) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    repository.create_many([NEW, NewRun(RunRecord.start(RunKey("s", "acme"), AT))])
    other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    for half, run_id in (('{"a": 1', "s"), ('"b": 2}', "r")):
        other.execute("UPDATE runs SET metrics = ? WHERE run_id = ?", (half, run_id))
    other.close()
    for look in (repository.summary, lambda query: list(repository.find(query))):
        with pytest.raises(StoreUnusable, match="not written by"):
            look(RunQuery())
    repository.close()


def test_long_logs_are_in_memory_one_after_another(tmp_path: Path) -> None:
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as repository:
        notes = [RunChange(note=f"{i}" * 10_000) for i in range(5)]
        runs = [changed(NewRun(RunRecord.start(RunKey(f"{i:03}", "acme"), AT)), *notes, at=AT) for i in range(200)]
        repository.create_many(runs)  # 10 MB, in one page of rows
        tracemalloc.start()
        try:
            for (record, log), run in zip(repository.find_with_logs(RunQuery()), reversed(runs), strict=True):
                assert (record, log) == (run.record, run.log)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 2_000_000
