"""Removing finished runs that are old: the command, other processes meanwhile, and the rights that it needs."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from airtable_base import METRIC_COLUMNS, AirtableBase, served
from attrs import evolve
from commands import RUNLEDGER, a_store_of, environment, in_a_process, on_a_terminal, runledger
from postgres_server import fresh_ledger
from psycopg import sql

from airtable_local import Fault, FaultKind
from runledger import (
    NewRun,
    RunChange,
    RunKey,
    RunLedger,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnusable,
    connect,
    open_repository,
)
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.postgresql_removal import PostgreSQLRunRemoval
from runledger.domain import FinishedRuns
from runledger.stores import open_removal

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=500)
FINISH = RunChange(status=RunStatus.COMPLETED)
NOTE = RunChange(note="half way")
EVERYTHING_OLD = FinishedRuns(before=NOW - timedelta(days=400))


def run_of(run_id: str, client_id: str = "acme", at: datetime = OLD, *changes: RunChange) -> NewRun:
    """A run with one note that started and changed at one time."""
    change = RunChange(note="half way")
    record = RunRecord.start(RunKey(run_id, client_id), at).apply(change, at)
    for each in changes:
        record = record.apply(each, at)
    line = change.line(at)
    assert line is not None
    return NewRun(record, [line])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A ledger with three old runs that finished, an old one that is Running, and one that finished just now."""
    path = tmp_path / "runs.db"
    with connect(path, observers=()) as ledger:
        ledger.import_records(
            [
                run_of("old 1", "acme", OLD, FINISH),
                run_of("old 2", "acme", OLD - timedelta(days=62), FINISH),
                run_of("old 3", "bolt", OLD, RunChange(status=RunStatus.FAILED, error="no disk")),
                run_of("hung", "acme", OLD),
                run_of("new", "acme", NOW, FINISH),
            ]
        )
    return path


def ids(store: str | Path) -> list[str]:
    with connect(store, observers=()) as ledger:
        return sorted(record.key.run_id for record in ledger.find())


def test_a_dry_run_counts_by_month_and_removes_nothing(store: Path) -> None:
    done = runledger("prune", "--older-than", "400d", "--dry-run", store=store)
    first, second = f"{OLD - timedelta(days=62):%Y-%m}", f"{OLD:%Y-%m}"
    assert done.stdout.splitlines() == [
        "3 finished runs would be removed, with their logs",
        f"{first}          1",
        f"{second}          2",
    ]
    assert done.stderr == "1 run that started before then is still Running: see `runledger stale`.\n"
    form = json.loads(runledger("prune", "--older-than", "400d", "--dry-run", "--json", store=store).stdout)
    before = datetime.fromisoformat(form.pop("before"))
    assert timedelta(0) <= datetime.now(UTC) - timedelta(days=400) - before < timedelta(minutes=5)
    assert form == {"client_id": None, "still_running": 1, "to_remove": 3, "months": {first: 1, second: 2}}
    assert len(ids(store)) == 5


def test_what_is_removed_is_gone_with_its_log_and_its_key_is_free(store: Path) -> None:
    done = runledger("prune", "--older-than", "400d", "--yes", store=store)
    assert done.stdout == "3 finished runs removed, with their logs; their keys are free again\n"
    assert done.stderr == "1 run that started before then is still Running: see `runledger stale`.\n"
    assert ids(store) == ["hung", "new"]
    with closing(sqlite3.connect(store)) as other:
        assert other.execute("SELECT run_id FROM run_notes ORDER BY run_id").fetchall() == [("hung",), ("new",)]
    runledger("update", "old 1", "acme", "--note", "late", store=store, code=3)
    runledger("start", "--run-id", "old 1", "--client", "acme", store=store)
    with connect(store, observers=()) as ledger:
        assert (ledger.get("old 1", "acme").status, ledger.get("old 1", "acme").notes) == (RunStatus.RUNNING, 0)
    again = runledger("prune", "--older-than", "400d", "--yes", "--json", store=store)
    assert json.loads(again.stdout) | {"before": ""} == {
        "before": "",
        "client_id": None,
        "still_running": 1,
        "removed": 0,
        "left": 0,
    }


def test_only_the_runs_of_the_client_are_removed(store: Path) -> None:
    runledger("prune", "--older-than", "400d", "--client", "bolt", "--yes", store=store)
    assert ids(store) == ["hung", "new", "old 1", "old 2"]


@pytest.mark.parametrize("age", ["0d", "0.0s", "-5d", "400", "2024-01-01", "", "soon", "99999999w"])
def test_what_is_no_age_is_refused_in_one_sentence(store: Path, age: str) -> None:
    done = runledger("prune", f"--older-than={age}", "--yes", store=store, code=2)
    assert len(done.stderr.strip().splitlines()[-1]) < 150
    assert f"{age!r}" in done.stderr
    assert len(ids(store)) == 5


def test_an_age_is_required(store: Path) -> None:
    assert "Missing option '--older-than'" in runledger("prune", "--yes", store=store, code=2).stderr


def test_a_person_is_asked_and_everybody_else_says_yes(store: Path) -> None:
    done = in_a_process("prune", "--older-than", "400d", store=store, code=2, given="y\n")
    assert "nobody can be asked here: give --yes to remove, or --dry-run to count." in done.stderr
    asked = on_a_terminal("prune", "--older-than", "400d", store=store, typed="n\n")
    question = f"Remove 3 finished runs of all clients from sqlite:///{store}, with their logs, for good? [y/N]: "
    assert asked.endswith(f"{question}Nothing was removed.\n")
    assert len(ids(store)) == 5
    asked = on_a_terminal("prune", "--older-than", "400d", store=store, typed="y\n")
    assert "3 finished runs removed" in asked
    assert ids(store) == ["hung", "new"]
    assert "[y/N]" not in on_a_terminal("prune", "--older-than", "400d", store=store), "there is nothing to ask about"


def test_the_question_names_the_client(store: Path) -> None:
    asked = on_a_terminal("prune", "--older-than", "400d", "--client", "bolt", store=store, typed="y\n")
    assert f"Remove 1 finished run of client 'bolt' from sqlite:///{store}, with its log, for good?" in asked
    assert ids(store) == ["hung", "new", "old 1", "old 2"]


def interrupted_at_the_question(store: Path) -> tuple[str, int]:
    """All that `prune` writes to a terminal, and its exit code, if Ctrl-C comes while it waits for an answer."""
    leader, follower = pty.openpty()
    arguments = [*RUNLEDGER, "prune", "--older-than", "400d"]
    with subprocess.Popen(arguments, env=environment(store), stdin=follower, stdout=follower, stderr=follower) as prune:
        os.close(follower)
        written = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(leader, 1 << 16):
                written += chunk
                if written.endswith(b"[y/N]: "):
                    while _state_of(prune.pid) != "S":  # it is about to read
                        pass
                    prune.send_signal(signal.SIGINT)
    os.close(leader)
    return written.decode().replace("\r\n", "\n"), prune.returncode


def _state_of(pid: int) -> str:
    """What a process does: S if it waits. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_ctrl_c_at_the_question_and_the_end_of_the_input_remove_nothing_and_say_so(store: Path) -> None:
    asked, code = interrupted_at_the_question(store)
    assert (asked.splitlines()[-1], code) == ("Nothing was removed.", 130)
    assert "Aborted" not in asked
    asked = on_a_terminal("prune", "--older-than", "400d", store=store, typed="\x04")
    assert asked.splitlines()[-1] == "Nothing was removed."
    assert len(ids(store)) == 5


def test_a_store_that_cannot_remove_is_named_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_store_of(
        tmp_path,
        "mine",
        "from runledger.adapters.memory import InMemoryRunRepository\n"
        "from runledger.domain import Backend\n"
        "BACKEND = Backend(open=lambda url: InMemoryRunRepository())\n",
        "BACKEND",
    )
    done = in_a_process("prune", "--older-than", "1d", "--yes", store="mine://here", code=2, PYTHONPATH=str(tmp_path))
    [sentence] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert sentence == "Error: the store of mine:// offers no removal of runs: remove them by the store's own means."
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StoreUnusable, match="offers no removal"):
        open_removal("mine://here")


def test_a_removal_that_is_interrupted_says_how_far_it_came(store: Path, tmp_path: Path) -> None:
    a_store_of(
        tmp_path,
        "mine",
        "from runledger import open_repository\n"
        "from runledger.domain import Backend\n"
        "class Removal:\n"
        "    def remove_runs(self, finished):\n"
        "        yield 2\n"
        "        raise KeyboardInterrupt\n"
        "    def close(self): pass\n"
        f"BACKEND = Backend(open=lambda url: open_repository('sqlite:///{store}'), removal=lambda url: Removal())\n",
        "BACKEND",
    )
    done = in_a_process("prune", "--older-than", "1d", "--yes", store="mine://x", code=130, PYTHONPATH=str(tmp_path))
    assert done.stderr == (
        "runledger: stopped after 2 finished runs had been removed. The batch that was under way is removed whole or "
        "not at all: `runledger prune --dry-run` counts what remains.\n"
    )


def test_no_file_is_made_to_remove_runs_from(tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    runledger("prune", "--older-than", "1d", "--yes", store=missing, code=7)
    with pytest.raises(StoreUnusable, match=r"there is no file .*none\.db to remove runs from"):
        open_removal(missing)
    assert not missing.exists()
    runledger("prune", "--older-than", "1d", "--yes", store="memory://", code=2)


def test_what_was_removed_before_a_failure_is_reported(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        fails = "WHEN OLD.run_id = 'old 1' BEGIN SELECT RAISE(FAIL, 'no'); END"
        other.execute(f"CREATE TRIGGER no BEFORE DELETE ON runs {fails}")
        other.execute("UPDATE runs SET notes = 200 WHERE run_id = 'old 2'")  # which fills a batch
    done = runledger("prune", "--older-than", "400d", "--yes", store=store, code=7)
    assert done.stderr.splitlines()[0] == "runledger: stopped after 1 finished run had been removed."
    assert ids(store) == ["hung", "new", "old 1", "old 3"]


WRITER = """
import sys, runledger
url, me = sys.argv[1:]
ledger = runledger.connect(url, observers=())
print("ready", flush=True)
count = 0
while not sys.stdin.closed and count < 100_000:
    run = ledger.start(f"{me} {count}", "acme")
    run.update(note="half way")
    ledger.updates.update("shared", "acme", add={"n": 1}, note=me)
    run.complete()
    count += 1
    if count % 5 == 0 and ledger.get("stop", "acme").status.is_final:
        break
print(count)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/runs.db"
        return
    with fresh_ledger() as url:
        yield url


def additions(ledger: RunLedger) -> int:
    number = ledger.get("shared", "acme").metrics.get("n", 0)
    assert isinstance(number, int)
    return number


def test_other_processes_write_between_batches_and_nothing_of_theirs_is_lost_or_refused(url: str) -> None:
    with connect(url, observers=()) as ledger:
        old = [run_of(f"old {i}", "acme", OLD + timedelta(seconds=i), FINISH) for i in range(3000)]
        ledger.import_records(old)
        ledger.start("shared", "acme")
        stop = ledger.start("stop", "acme")
        command = [sys.executable, "-c", WRITER, url]
        writers = [
            subprocess.Popen([*command, f"p{i}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for i in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        removed, batches = 0, 0
        with closing(open_removal(url)) as removal:
            for count in removal.remove_runs(EVERYTHING_OLD, 100):
                removed, batches = removed + count, batches + 1
                before = additions(ledger)
                while batches <= 10 and additions(ledger) == before:  # which ends only if the writers go on
                    assert all(writer.poll() is None for writer in writers), "a writer was refused"
        stop.complete()
        counts = [int(writer.communicate()[0]) for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0]
        assert (removed, batches >= 60) == (3000, True), "a note counts as a row of its batch"
        assert additions(ledger) == sum(counts) == ledger.get("shared", "acme").notes
        of_writers = [new for new in ledger.reads.find_with_logs() if new.key.run_id.startswith("p")]
        assert len(of_writers) == sum(counts)
        assert all(new.record.status is RunStatus.COMPLETED and len(new.log) == 1 for new in of_writers)
        assert ledger.summary().runs == sum(counts) + 2


def test_the_pause_after_a_batch_does_not_grow_with_what_the_caller_does_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = tmp_path / "runs.db", time.monotonic
    spent = 0.0
    pauses: list[float] = []
    with connect(path, observers=()) as ledger:
        ledger.import_records([run_of(f"r{i}", "acme", OLD, FINISH) for i in range(3)])
    monkeypatch.setattr(time, "monotonic", lambda: now() + spent)
    monkeypatch.setattr(time, "sleep", pauses.append)
    with closing(open_removal(path)) as removal:
        for _ in removal.remove_runs(EVERYTHING_OLD, 1):
            spent += 3600
    assert len(pauses) == 3
    assert max(pauses) < 3600


def test_each_batch_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    """Else each batch would pass again what earlier ones left, such as Running runs."""
    path = tmp_path / "runs.db"
    with connect(path, observers=()) as ledger:
        ledger.import_records([run_of("r", "acme", OLD, FINISH)])
    removal = open_removal(path)
    asked: list[tuple[str, list[object]]] = []
    read = removal._file.read  # type: ignore[attr-defined]

    def noting(statement: str, values: list[object]) -> object:
        asked.append((statement, values))
        return read(statement, values)

    removal._file.read = noting  # type: ignore[attr-defined]
    for of_client in (None, "acme"):
        with connect(path, observers=()) as ledger:
            ledger.import_records([run_of("r", "acme", OLD, FINISH)])
        assert list(removal.remove_runs(evolve(EVERYTHING_OLD, client_id=of_client))) == [1]
    removal.close()
    plans = []
    with closing(sqlite3.connect(path)) as other:
        for statement, values in asked:
            [(*_, step)] = other.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append(step)
    assert plans == [
        "SEARCH runs USING INDEX runs_by_start (started_at<?)",
        "SEARCH runs USING INDEX runs_by_start ((started_at,run_id,client_id)>(?,?,?) AND started_at<?)",
        "SEARCH runs USING INDEX runs_by_client (client_id=? AND started_at<?)",
        "SEARCH runs USING INDEX runs_by_client (client_id=? AND (started_at,run_id)>(?,?) AND started_at<?)",
    ]


@pytest.fixture
def database() -> Iterator[str]:
    """A database with two old runs."""
    with fresh_ledger() as url:
        repository = PostgreSQLRunRepository(url)
        repository.create_many([run_of("r", "acme", OLD, FINISH), run_of("s", "acme", OLD, FINISH)])
        repository.close()
        yield url


class Explaining:
    """A cursor that keeps the plan of each removal before it is carried out."""

    def __init__(self, cursor: psycopg.Cursor[Any], plans: list[list[str]]) -> None:
        self._cursor = cursor
        self._plans = plans
        self.connection = cursor.connection

    def execute(self, statement: str, values: Sequence[object] = ()) -> psycopg.Cursor[Any]:
        if "DELETE" in statement:
            assert self._cursor.execute("SHOW jit").fetchall() == [("off",)]  # it would compile each batch
            lines = self._cursor.execute(f"EXPLAIN {statement}".encode(), values).fetchall()
            self._plans.append([str(line).strip().removeprefix("->  ") for (line,) in lines])
        return self._cursor.execute(statement.encode(), values)


@pytest.mark.parametrize(("of_client", "index"), [(None, "runs_newest"), ("acme", "runs_client")])
def test_each_batch_takes_its_rows_from_an_index_whatever_the_statistics_say(
    database: str, of_client: str | None, index: str
) -> None:
    plans: list[list[str]] = []
    with closing(PostgreSQLRunRemoval(database)) as removal:
        run = removal._connections.run

        def explaining(call: Callable[..., Any], right: str) -> Any:
            return run(lambda cursor: call(Explaining(cursor, plans)), right)

        removal._connections.run = explaining  # type: ignore[method-assign, assignment]
        assert list(removal.remove_runs(evolve(EVERYTHING_OLD, client_id=of_client), 1)) == [1, 1]
    assert len(plans) == 3
    for lines in plans:
        [locking] = [i for i, line in enumerate(lines) if line.startswith("LockRows")]
        assert lines[locking + 1].startswith(f"Index Scan using {index} on runs"), lines


def test_a_run_that_another_transaction_has_locked_is_left_and_reported(database: str) -> None:
    with psycopg.connect(database) as other:
        other.execute("UPDATE runs SET updated_at = now() WHERE run_id = 'r'")
        done = runledger("prune", "--older-than", "400d", "--yes", store=database, code=1)
    assert done.stdout == "1 finished run removed, with its log; its key is free again\n"
    assert done.stderr == "runledger: 1 finished run left, which another process was changing: prune again.\n"
    assert ids(database) == ["r"]


def test_the_right_to_delete_is_enough_and_is_needed(database: str) -> None:
    role = f"runledger_{uuid4().hex}"
    names = {"role": sql.Identifier(role)}
    host = urlsplit(database).netloc.rpartition("@")[2]
    as_role = urlunsplit(urlsplit(database)._replace(netloc=f"{role}:let-me-in@{host}"))
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD 'let-me-in'").format(**names))
        try:
            admin.execute(sql.SQL("GRANT SELECT, UPDATE ON runs TO {role}").format(**names))
            admin.execute(sql.SQL("GRANT SELECT, INSERT ON run_notes TO {role}").format(**names))
            done = runledger("prune", "--older-than", "400d", "--yes", store=as_role, code=7)
            assert "this call needs the right to SELECT, UPDATE and DELETE on runs; grant it to the role" in done.stderr
            assert ids(database) == ["r", "s"]
            admin.execute(sql.SQL("REVOKE ALL ON runs, run_notes FROM {role}").format(**names))
            admin.execute(sql.SQL("GRANT SELECT, UPDATE (updated_at), DELETE ON runs TO {role}").format(**names))
            runledger("prune", "--older-than", "400d", "--yes", store=as_role)
            assert ids(database) == []
            assert admin.execute("SELECT count(*) FROM run_notes").fetchone() == (0,)
            with closing(open_repository(as_role)) as repository, pytest.raises(StoreUnusable):
                repository.create(run_of("r"))
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            admin.execute(sql.SQL("DROP ROLE {role}").format(**names))


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*METRIC_COLUMNS) as base:
        yield base


def test_in_airtable_ten_rows_that_were_listed_as_old_go_by_one_request(base: AirtableBase) -> None:
    repository = base.repository()
    repository.create_many([run_of(f"old {i}", "acme", OLD, FINISH) for i in range(23)])
    repository.create_many([run_of("hung"), run_of("new", "acme", NOW, FINISH)])
    base.requests()
    assert list(base.removal().remove_runs(EVERYTHING_OLD)) == [10, 10, 3]
    assert base.requests() == ["GET", *["GET", "DELETE"] * 3]
    assert sorted(row["fields"]["Run ID"] for row in base.rows()) == ["hung", "new"]


def test_in_airtable_a_row_that_is_gone_already_holds_no_other_one_up(base: AirtableBase) -> None:
    base.repository().create_many([run_of(f"old {i}", "acme", OLD, FINISH) for i in range(3)])
    base.before_next("DELETE", lambda: base.delete(base.rows()[0]["id"]))
    assert list(base.removal().remove_runs(EVERYTHING_OLD)) == [2]
    assert base.rows() == []


def before_the_look(base: AirtableBase, act: Callable[[], object]) -> None:
    """Do something between the listing of old runs and the look just before the first removal."""
    base.before_next("GET", lambda: base.before_next("GET", act))


@pytest.mark.parametrize(
    "fields",
    [{"Status": "Running"}, {"Status": "Under Review"}, {"End Time": "2999-01-01T00:00:00.000Z"}],
    ids=["running again", "a status that nobody knows", "another end"],
)
def test_in_airtable_a_run_that_a_person_reopened_after_the_listing_stays(
    base: AirtableBase, fields: dict[str, str]
) -> None:
    repository = base.repository()
    keys = repository.create_many([run_of(f"old {i}", "acme", OLD, FINISH) for i in range(3)])
    by_hand = {"records": [{"id": keys[1].reference, "fields": fields}], "typecast": True}
    before_the_look(base, lambda: base._asks("PATCH", by_hand))
    assert list(base.removal().remove_runs(EVERYTHING_OLD)) == [2]
    [row] = base.rows()
    assert row["id"] == keys[1].reference
    assert row["fields"].items() >= fields.items()


def test_in_airtable_nothing_is_removed_if_all_were_reopened(base: AirtableBase) -> None:
    [key] = base.repository().create_many([run_of("old", "acme", OLD, FINISH)])
    before_the_look(base, lambda: base.write(key, {"Status": "Running"}))
    base.requests()
    assert list(base.removal().remove_runs(EVERYTHING_OLD)) == [0]
    assert base.requests() == ["GET", "GET"]


def test_in_airtable_a_table_that_cannot_be_read_again_loses_nothing(base: AirtableBase) -> None:
    base.repository().create_many([run_of("old", "acme", OLD, FINISH)])
    base.server.faults.arm(Fault(FaultKind.STATUS, method="GET", nth=2, status=403, error="INVALID_PERMISSIONS"))
    with pytest.raises(StoreUnusable):
        list(base.removal().remove_runs(EVERYTHING_OLD))
    assert len(base.rows()) == 1


def test_in_airtable_an_update_of_a_removed_run_is_of_a_missing_run(base: AirtableBase) -> None:
    repository = base.repository()
    [key] = repository.create_many([run_of("old", "acme", OLD, FINISH)])
    base.before_next("PATCH", base.delete_all)
    with pytest.raises(RunNotFound):
        repository.update(key, NOTE, NOW)
    assert base.rows() == []


def test_the_removal_of_airtable_sends_nothing_that_writes(base: AirtableBase) -> None:
    table = base.removal()._table.table
    cells: dict[str, Any] = {"Run ID": "r", "Client ID": "c", "Status": "Running"}
    for act in (
        lambda: table.create(cells),
        lambda: table.batch_upsert([{"fields": cells}], key_fields=["Run ID"]),
        lambda: table.update("rec00000000000000", cells),
    ):
        with pytest.raises(PermissionError, match="could write a record: only removals and reads are sent here"):
            act()
    assert base.requests() == []
