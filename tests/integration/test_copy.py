import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from commands import RUNLEDGER, environment, on_a_terminal, piped_from_a_terminal
from commands import runledger as command
from operated_base import BASE, OPERATOR, InstantBase, operated
from postgres_server import fresh_database, fresh_ledger

import runledger
from airtable_local import Column, LogEntry, Request, Response, Table, Unknowns
from copies import START, copied, everything, filled, history
from runledger import (
    Fate,
    InvalidValue,
    NewRun,
    RunChange,
    RunKey,
    RunRecord,
    RunStatus,
    StoreUnusable,
    UnusableForRun,
    connect,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import RunRepository
from runledger.testing.airtable import run_table
from runledger.testing.runs import changed

METRICS = (
    Column("Tokens", "number", {"precision": 8}),
    Column("Model", "singleLineText"),
    Column("Paid", "checkbox"),
    Column("Seen", "dateTime"),
)


SCRIPT = """
import runledger

result = runledger.copy("sqlite:///here.db", "sqlite:///there.db", on_remark=print)
print(result.counts[runledger.Fate.COPIED], "copied,", result.counts[runledger.Fate.EQUAL], "already there")
if not result.is_complete:
    raise SystemExit("some runs are not in there.db as they are in here.db")
"""


def test_a_script_copies_and_reads_the_result(tmp_path: Path) -> None:
    records = history(30)
    with closing(SQLiteRunRepository(tmp_path / "here.db")) as source:
        source.create_many(records)

    def run() -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    assert run() == (0, "30 copied, 0 already there\n", "")
    with closing(SQLiteRunRepository(tmp_path / "here.db")) as source:
        source.update(records[0].key, RunChange(note="later"), START + timedelta(hours=1))
    code, out, err = run()
    assert (code, err) == (1, "some runs are not in there.db as they are in here.db\n")
    remark, counts = out.splitlines()
    assert remark.startswith("different in the target: run 'acme' of client 'client 0': updated_at is 2025-11-24T09:15")
    assert counts == "0 copied, 29 already there"


def test_a_copy_takes_urls_or_open_repositories_which_stay_open(tmp_path: Path) -> None:
    there = f"sqlite:///{tmp_path}/there.db"
    with closing(filled(history(3))) as source:
        assert runledger.copy(source, there, dry_run=True).counts[Fate.COPIED] == 3
        assert not (tmp_path / "there.db").exists()
        assert runledger.copy(source, there).counts[Fate.COPIED] == 3
        assert runledger.copy(there, source).counts[Fate.EQUAL] == 3
    with pytest.raises(StoreUnusable, match=f"there is no file {tmp_path}/gone.db to copy from: correct the URL"):
        runledger.copy(f"sqlite:///{tmp_path}/gone.db", there)
    with connect(there) as ledger, pytest.raises(InvalidValue, match="the source is RunLedger: give a store URL or"):
        runledger.copy(ledger, there)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.glob("*.db")] == ["there.db"]


def test_progress_is_reported_with_the_total_where_that_is_known() -> None:
    records = history(2500)
    progress: list[tuple[int, int | None]] = []
    runledger.copy(filled(records), InMemoryRunRepository(), on_progress=lambda *done: progress.append(done))
    assert progress == [(1000, None), (2000, None)]
    base = InstantBase(run_table("Runs", METRICS), run_table("Copies", METRICS))
    for table in ("Runs", "Copies"):
        runledger.copy(filled(records[:250]), base.repository(table))
    progress.clear()
    runledger.copy(base.repository(), base.repository("Copies"), on_progress=lambda *done: progress.append(done))
    assert progress == [(100, 250), (200, 250)]


def test_a_ledger_goes_from_store_to_store_and_stays_the_same(tmp_path: Path) -> None:
    records = history(250)
    base = InstantBase(run_table("Runs", METRICS))
    with fresh_database() as url:
        postgresql = PostgreSQLRunRepository(url)
        postgresql.create_schema()
        stores: list[RunRepository] = [
            filled(records),
            SQLiteRunRepository(tmp_path / "a.db"),
            postgresql,
            base.repository(),
            SQLiteRunRepository(tmp_path / "b.db"),
            InMemoryRunRepository(),
        ]
        for source, target in pairwise(stores):
            assert copied(source, target) == ({Fate.COPIED: 250}, [])
            assert everything(target) == everything(stores[0])
            assert copied(source, target) == ({Fate.EQUAL: 250}, [])
        for store in stores:
            store.close()
    assert len(base.rows("Runs")) == 250


def test_a_killed_copy_goes_on_where_it_was_and_makes_nothing_twice(tmp_path: Path) -> None:
    records = history(60)
    with closing(SQLiteRunRepository(tmp_path / "runs.db")) as source:
        source.create_many(records)
    processes: list[subprocess.Popen[bytes]] = []
    posts: list[LogEntry] = []

    def kill(entry: LogEntry) -> None:
        if (entry.changed[0][0] if entry.changed else "", len(entry.changed)) == ("created", 10):
            posts.append(entry)
            if len(posts) == 3:
                processes[0].kill()

    with operated(run_table("Runs", METRICS), on_request=kill) as base:
        arguments = ["copy", f"sqlite:///{tmp_path}/runs.db", base.url()]
        processes.append(subprocess.Popen([*RUNLEDGER, *arguments], env=environment(AIRTABLE_API_KEY=OPERATOR)))
        assert processes[0].wait() == -signal.SIGKILL
        assert len(base.rows("Runs")) == 30
        done = command(*arguments, "--json", AIRTABLE_API_KEY=OPERATOR)
        counts = json.loads(done.stdout)
        running = len([run for run in records if run.record.status is RunStatus.RUNNING])
        assert (counts.pop("copied"), counts.pop("equal"), counts.pop("running")) == (30, 30, running)
        assert counts.pop("ended_since").endswith("Z")
        assert set(counts.values()) == {0}
        assert len(base.rows("Runs")) == 60
        command("copy", base.url(), f"sqlite:///{tmp_path}/back.db", AIRTABLE_API_KEY=OPERATOR)
    with closing(SQLiteRunRepository(tmp_path / "back.db")) as back:
        assert everything(back) == everything(filled(records))


def test_what_has_no_column_is_refused_and_the_rest_is_copied() -> None:
    records = history(250)
    unfit = {run.key for run in records if "Model" in run.record.metrics}
    base = InstantBase(run_table("Runs", [column for column in METRICS if column.name != "Model"]))
    for target in (InMemoryRunRepository(columns=["Tokens", "Paid", "Seen"]), base.repository()):
        counts, remarks = copied(filled(records), target)
        assert counts == {Fate.COPIED: 250 - len(unfit), Fate.REFUSED: len(unfit)}
        assert {remark.key for remark in remarks} == unfit
        assert {remark.fate for remark in remarks} == {Fate.REFUSED}
        assert "no column 'Model'" in remarks[0].detail
        assert {record.key for record in everything(target)} == {record.key for record in records} - unfit


def test_a_run_that_a_table_cannot_keep_is_refused_and_the_rest_is_copied() -> None:
    def ended(client: str, status: str = "Completed", **metrics: object) -> NewRun:
        start = RunRecord.start(RunKey("r", client), START, metrics=metrics)  # type: ignore[arg-type]
        return changed(NewRun(start), RunChange(status=RunStatus(status)), at=START)

    records = [ended(f"good {number}", Tokens=number) for number in range(30)]
    records[4:4] = [ended("no choice", "Skipped", Tokens=1), ended("no number", Tokens="many")]
    records[20:20] = [ended("no choice either", "Cancelled"), ended("computed", Total=1)]
    status = Column("Status", "singleSelect", {"choices": [{"name": "Running"}, {"name": "Completed"}]})
    part_columns = [status if each.name == "Status" else each for each in run_table().columns]
    table = Table("Runs", (*part_columns, *METRICS, Column("Total", "formula", {"formula": "1"})))
    target = InstantBase(table).repository()
    counts, remarks = copied(filled(records), target)
    reasons = {remark.key.client_id: remark.detail for remark in remarks if remark.key}
    assert counts == {Fate.COPIED: 30, Fate.REFUSED: 4}
    assert reasons.keys() == {"no choice", "no number", "no choice either", "computed"}
    assert 'option ""Skipped"". Add the choice to the status column' in reasons["no choice"]
    assert "metric 'Tokens' of run 'r' of client 'no number' is refused by its column" in reasons["no number"]
    assert "computes that column" in reasons["computed"]
    assert {run.key.client_id for run in everything(target)} == {f"good {number}" for number in range(30)}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_run_that_a_rule_of_the_database_refuses_is_named_and_the_rest_is_copied(kind: str, tmp_path: Path) -> None:
    records = history(30)
    with open_target(kind, tmp_path) as target:
        counts, remarks = copied(filled(records), target)
        assert counts == {Fate.COPIED: 29, Fate.REFUSED: 1}
        assert [remark.key for remark in remarks] == [records[7].key]
        assert "client 7 has left" in remarks[0].detail
        assert len(everything(target)) == 29
        with pytest.raises(UnusableForRun, match="client 7 has left") as refusal:
            target.create(records[7])
        assert refusal.value.key == records[7].key


@contextmanager
def open_target(kind: str, folder: Path) -> Iterator[RunRepository]:
    """A database whose administrator refuses the runs of one client."""
    if kind == "sqlite":
        with closing(SQLiteRunRepository(folder / "runs.db")) as store:
            with closing(sqlite3.connect(folder / "runs.db")) as admin:
                admin.execute(
                    "CREATE TRIGGER gone BEFORE INSERT ON runs WHEN NEW.client_id = 'client 7' "
                    "BEGIN SELECT RAISE(ABORT, 'client 7 has left'); END"
                )
            yield store
        return
    with fresh_ledger() as url, closing(PostgreSQLRunRepository(url)) as postgresql:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'client 7 has left'; END $$"
            )
            admin.execute(
                "CREATE TRIGGER gone BEFORE INSERT ON runs FOR EACH ROW WHEN (NEW.client_id = 'client 7') "
                "EXECUTE FUNCTION gone()"
            )
        yield postgresql


def test_what_the_target_alters_is_named() -> None:
    def started(client: str, **metrics: object) -> NewRun:
        return NewRun(RunRecord.start(RunKey("r", client), START, metrics=metrics))  # type: ignore[arg-type]

    records = [
        started("fits", Tokens=5, Paid=True),
        started("false", Paid=False),
        started("empty", Model=""),
        started("rounded", Tokens=0.126),
        started("time in text", Model="2025-11-24T08:15:00.000Z"),
    ]
    columns = [Column("Tokens", "number", {"precision": 2}), *METRICS[1:]]
    base = InstantBase(run_table("Runs", columns), unknowns=Unknowns(rounds_numbers_to_precision=True))
    counts, remarks = copied(filled(records), base.repository())
    assert counts == {Fate.COPIED: 5, Fate.ALTERED: 4}
    details = {remark.key.client_id: remark.detail for remark in remarks if remark.key}
    assert details["false"] == "metric 'Paid' is False, in the target missing"
    assert details["empty"] == "metric 'Model' is '', in the target missing"
    assert details["rounded"] == "metric 'Tokens' is 0.126, in the target 0.13"
    assert details["time in text"].startswith("metric 'Model' is '2025-11-24T08:15:00.000Z', in the target 2025")
    counts, _ = copied(filled(records), base.repository())
    assert counts == {Fate.EQUAL: 1, Fate.DIFFERENT: 4}


def row(client: str, **cells: object) -> dict[str, object]:
    given = {"Run ID": "r", "Client ID": client, "Status": "Running", "Start Time": "2025-11-24T08:15:00.000Z"}
    return {**given, **{name.replace("_", " "): value for name, value in cells.items()}}


@pytest.fixture
def grown_base() -> InstantBase:
    """A table as a hand-written script and people leave one."""
    base = InstantBase(run_table("Runs"))
    base.put("Runs", row("twice", Client_Name="the first"))
    base.sleep(60)
    base.put("Runs", row("twice", Client_Name="the second", Start_Time="2025-11-25T08:15:00.000Z"))
    base.sleep(60)
    base.put("Runs", row("twice", Client_Name="the third", Start_Time="2025-11-23T08:15:00.000Z"))
    base.put("Runs", row("fits"))
    base.put("Runs", row("no status", Status=None))
    base.put("Runs", {"Run ID": "only this"})
    base.put("Runs", row("no end", Status="Completed"))
    base.put("Runs", row("blank ", Client_Name="x"))
    base.sleep(60)
    return base


def test_of_a_run_with_several_rows_the_oldest_is_copied(grown_base: InstantBase) -> None:
    target = InMemoryRunRepository()
    for dry_run in (True, False):
        counts, remarks = copied(grown_base.repository(), target, dry_run=dry_run)
        assert counts == {Fate.COPIED: 2, Fate.DUPLICATED: 1, Fate.UNREADABLE: 3, Fate.REFUSED: 1}
        (duplicated,) = (remark for remark in remarks if remark.fate is Fate.DUPLICATED)
        first, second, third, *_ = (each["id"] for each in grown_base.rows("Runs"))
        assert duplicated.key == RunKey("r", "twice")
        assert duplicated.detail == f"{first} is the run's record; remove {second}, {third}"
    assert target.get(RunKey("r", "twice")).client_name == "the first"
    assert {record.key.client_id for record in everything(target)} == {"twice", "fits"}


def test_what_the_source_reports_after_the_copy_is_no_remark(grown_base: InstantBase) -> None:
    source = grown_base.repository()
    _, remarks = copied(source, InMemoryRunRepository())
    seen = len(remarks)
    grown_base.put("Runs", {"Run ID": "only this, too"})
    everything(source)
    assert len(remarks) == seen


def test_a_run_that_is_removed_meanwhile_is_copied_as_it_was_seen(grown_base: InstantBase) -> None:
    handle, asked = grown_base.service.handle, 0

    def remove_before_fourth(request: Request) -> Response:
        nonlocal asked
        asked += 1
        if (
            asked == 4
        ):  # two listings and the columns have been read, and what is the record of the run with several rows?
            ids = [row["id"] for row in grown_base.rows("Runs") if row["fields"].get("Client ID") == "twice"]
            url = f"https://api.airtable.com/v0/{BASE}/Runs?{urlencode([('records[]', each) for each in ids])}"
            assert handle(Request("DELETE", url, {"Authorization": f"Bearer {OPERATOR}"}, b"")).status == 200
        return handle(request)

    grown_base.service.handle = remove_before_fourth  # type: ignore[method-assign]
    target = InMemoryRunRepository()
    copied(grown_base.repository(), target)
    assert {record.key.client_id for record in everything(target)} == {"twice", "fits"}


def test_rows_that_break_the_rules_are_named_and_left(grown_base: InstantBase) -> None:
    _, remarks = copied(grown_base.repository(), InMemoryRunRepository())
    lines = [*map(str, remarks)]
    refused = "refused: run 'r' of client 'no end': run 'r' of client 'no end' is Completed, but has no end"
    assert [each for each in lines if each.startswith(refused)]
    for words in ("holds None, which is not a status", "client id is empty", "white space"):
        assert [each for each in lines if each.startswith("unreadable: a row: record rec") and words in each], lines


def test_the_command_says_what_became_of_every_run(tmp_path: Path) -> None:
    records = history(40)
    with closing(SQLiteRunRepository(tmp_path / "a.db")) as source:
        source.create_many(records)
    with closing(SQLiteRunRepository(tmp_path / "b.db")) as target:
        target.create_many([NewRun(RunRecord.start(records[0].key, START)), *records[1:10]])
    arguments = ["copy", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"]
    assert command(*arguments, "--dry-run", code=1).stdout == (
        "30 to be copied, 9 already there, 1 different in the target\n"
    )
    done = command(*arguments, code=1)
    assert done.stdout == "30 copied, 9 already there, 1 different in the target\n"
    assert done.stderr.startswith(
        "different in the target: run 'acme' of client 'client 0': client_name is 'Client 0 Ltd'"
    )
    *remarks, counts = map(json.loads, command(*arguments, "--json", code=1).stdout.splitlines())
    assert [(each["fate"], each["run_id"], each["client_id"]) for each in remarks] == [
        ("different", "acme", "client 0")
    ]
    assert counts["equal"] == 39
    command("copy", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/c.db")
    done = command("copy", f"sqlite:///{tmp_path}/A.db", f"sqlite:///{tmp_path}/d.db", code=7)
    assert f"there is no file {tmp_path}/A.db to copy from: correct the URL" in done.stderr
    assert not list(tmp_path.glob("[Ad].db"))
    command("copy", f"sqlite:///{tmp_path}/a.db", "postgresql://postgres:hush@127.0.0.1:1/x", code=6)


@pytest.mark.parametrize(("wrong", "side"), [(0, "source"), (1, "target")])
def test_a_wrong_url_is_named_by_its_side_before_a_bar_is_shown(tmp_path: Path, wrong: int, side: str) -> None:
    stores = [f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"]
    for url, words in ("foo", "the store URL has no scheme"), ("nosuch://x", "no store is known for nosuch://"):
        stores[wrong] = url
        told = on_a_terminal("copy", *stores, store=tmp_path / "c.db", columns=400)
        assert told.startswith(f"runledger: {side}: {words}")
        assert told.count("\n") == 1
        assert "\x1b" not in told


def test_a_terminal_sees_a_bar_and_an_end(tmp_path: Path) -> None:
    with closing(SQLiteRunRepository(tmp_path / "a.db")) as source:
        source.create_many(history(3000))
    written, seen = piped_from_a_terminal(
        "copy", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db", store=tmp_path / "c.db"
    )
    assert written == "3,000 copied, 0 already there\n"
    assert "3000/?" in seen
