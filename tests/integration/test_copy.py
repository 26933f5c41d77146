import json
import os
import pty
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest
from commands import RUNLEDGER, environment, runledger
from hypothesis import given
from hypothesis import strategies as st
from operated_base import BASE, OPERATOR, InstantBase, operated
from postgres_server import fresh_database

from runledger import (
    InvalidValue,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import MetricValue, Outcome, RunRepository
from runledger.services.copying import Fate, LedgerCopy, Remark
from runledger.testing.airtable import Column, LogEntry, Request, Response, Unknowns, run_table
from runledger.testing.strategies import AWKWARD

START = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
METRICS = (
    Column("Tokens", "number", {"precision": 8}),
    Column("Model", "singleLineText"),
    Column("Paid", "checkbox"),
    Column("Seen", "dateTime"),
)


def history(count: int) -> list[RunRecord]:
    """Runs in every state, oldest first; several of each start, with ids that are easily mixed up."""
    records = []
    for number in range(count):
        at = START + timedelta(milliseconds=700 * (number // 3))
        key = RunKey(AWKWARD[number % len(AWKWARD)], f"client {number}")
        metrics: dict[str, MetricValue] = {"Tokens": number / 4, "Model": f"m{number}\u00e9", "Paid": True, "Seen": at}
        record = RunRecord.start(
            key, at, client_name=f"Client {number} Ltd", metrics=dict([*metrics.items()][: number % 5])
        )
        record = record.apply(RunChange(note=f"note {number}"), at + timedelta(seconds=1))
        status = list(RunStatus)[number % len(RunStatus)]
        if status.is_final:
            error = "two\nlines" if status is RunStatus.FAILED else None
            record = record.apply(RunChange(status=status, error=error, note="at the end"), at + timedelta(minutes=1))
        records.append(record)
    return records


def filled(records: Sequence[RunRecord], columns: Sequence[str] | None = None) -> InMemoryRunRepository:
    repository = InMemoryRunRepository(columns=columns)
    repository.create_many(records)
    return repository


def everything(repository: RunRepository) -> list[RunRecord]:
    return list(repository.find(RunQuery()))


def copied(
    source: RunRepository, target: RunRepository, *, dry_run: bool = False
) -> tuple[dict[Fate, int], list[Remark]]:
    remarks: list[Remark] = []
    work = LedgerCopy.between(source, target, remark=remarks.append, dry_run=dry_run)
    work.run()
    return dict(work.counts), remarks


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


def test_what_is_there_already_is_left_and_named_if_it_differs() -> None:
    records = history(30)
    gone_on = records[0].apply(RunChange(metrics={"Tokens": 7}, note="later"), START + timedelta(hours=1))
    restarted = RunRecord.start(records[1].key, START + timedelta(hours=2))
    elsewhere = RunRecord.start(RunKey("another", "run"), START)
    target = filled([gone_on, restarted, elsewhere, *records[2:10]])
    expected = {Fate.EQUAL: 8, Fate.DIFFERENT: 2, Fate.COPIED: 20}
    for dry_run in (True, False):
        counts, remarks = copied(filled(records), target, dry_run=dry_run)
        assert counts == expected
        assert {remark.key for remark in remarks} == {records[0].key, records[1].key}
        details = {remark.key: remark.detail for remark in remarks}
        assert "metric 'Tokens' is missing, there 7" in details[records[0].key]
        assert "started_at is 2025-11-24T08:15:00.000+00:00, there 2025-11-24T10:15" in details[records[1].key]
        assert len(everything(target)) == (11 if dry_run else 31)
    assert target.get(records[0].key) == gone_on
    assert target.get(records[1].key) == restarted


small_keys = st.builds(RunKey, st.sampled_from("rs"), st.sampled_from("abc"))
small_records = st.builds(
    lambda key, start, name: RunRecord.start(key, START + timedelta(seconds=start), client_name=name),
    small_keys,
    st.integers(0, 3),
    st.sampled_from("xy"),
)
stores_of_records = st.lists(small_records, unique_by=lambda record: record.key)


@given(stores_of_records, stores_of_records)
def test_whatever_is_there_a_copy_adds_what_is_missing_and_counts_the_rest(
    here: list[RunRecord], there: list[RunRecord]
) -> None:
    before = {record.key: record for record in there}
    expected: Counter[Fate] = Counter()
    for record in here:
        stored = before.get(record.key)
        expected[Fate.COPIED if stored is None else Fate.EQUAL if stored == record else Fate.DIFFERENT] += 1
    target = filled(there)
    for dry_run in (True, False):
        counts, _ = copied(filled(here), target, dry_run=dry_run)
        assert +Counter(counts) == expected
        after = {record.key: record for record in everything(target)}
        assert after == ({} if dry_run else {record.key: record for record in here}) | before


class Failing(InMemoryRunRepository):
    """A store that stops serving in the middle of a copy."""

    def __init__(self, error: BaseException, after: int) -> None:
        super().__init__()
        self._error = error
        self._left = after

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return super().create_many(records)


@pytest.mark.parametrize("error", [StoreUnusable("no permission"), KeyboardInterrupt()])
def test_a_copy_that_stopped_goes_on_where_it_was(error: BaseException) -> None:
    records = history(2500)
    target = Failing(error, after=2)
    with pytest.raises(type(error)):
        copied(filled(records), target)
    target._left = 10
    assert copied(filled(records), target) == ({Fate.EQUAL: 2000, Fate.COPIED: 500}, [])
    assert everything(target) == everything(filled(records))


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
        done = runledger(*arguments, "--json", AIRTABLE_API_KEY=OPERATOR)
        counts = json.loads(done.stdout)
        assert (counts.pop("copied"), counts.pop("equal"), set(counts.values())) == (30, 30, {0})
        assert len(base.rows("Runs")) == 60
        runledger("copy", base.url(), f"sqlite:///{tmp_path}/back.db", AIRTABLE_API_KEY=OPERATOR)
    with closing(SQLiteRunRepository(tmp_path / "back.db")) as back:
        assert everything(back) == everything(filled(records))


def test_a_lost_answer_makes_nothing_twice() -> None:
    class Forgetful(InMemoryRunRepository):
        lost = False

        def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
            keys = super().create_many(records)
            if not self.lost:
                self.lost = True
                raise StoreUnavailable("the line went dead", Outcome.UNKNOWN)
            return keys

    target = Forgetful()
    assert copied(filled(history(20)), target) == ({Fate.COPIED: 20}, [])


def test_what_has_no_column_is_refused_and_the_rest_is_copied() -> None:
    records = history(250)
    unfit = {record.key for record in records if "Model" in record.metrics}
    base = InstantBase(run_table("Runs", [column for column in METRICS if column.name != "Model"]))
    for target in (InMemoryRunRepository(columns=["Tokens", "Paid", "Seen"]), base.repository()):
        counts, remarks = copied(filled(records), target)
        assert counts == {Fate.COPIED: 250 - len(unfit), Fate.REFUSED: len(unfit)}
        assert {remark.key for remark in remarks} == unfit
        assert {remark.fate for remark in remarks} == {Fate.REFUSED}
        assert "no column 'Model'" in remarks[0].detail
        assert {record.key for record in everything(target)} == {record.key for record in records} - unfit


class Reticent(InMemoryRunRepository):
    """A store that refuses one record without saying which."""

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        if any(record.key.client_id == "client 7" for record in records):
            raise InvalidValue("one of them is too long")
        return super().create_many(records)


def test_a_refusal_without_a_name_is_narrowed_down() -> None:
    counts, remarks = copied(filled(history(30)), Reticent())
    assert counts == {Fate.COPIED: 29, Fate.REFUSED: 1}
    assert remarks[0].key == history(30)[7].key


def test_what_the_target_keeps_otherwise_is_named() -> None:
    def started(client: str, **metrics: object) -> RunRecord:
        return RunRecord.start(RunKey("r", client), START, metrics=metrics)  # type: ignore[arg-type]

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
    assert details["false"] == "metric 'Paid' is False, there missing"
    assert details["empty"] == "metric 'Model' is '', there missing"
    assert details["rounded"] == "metric 'Tokens' is 0.126, there 0.13"
    assert details["time in text"].startswith("metric 'Model' is '2025-11-24T08:15:00.000Z', there 2025")
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


def test_of_a_run_that_stands_several_times_the_oldest_row_is_copied(grown_base: InstantBase) -> None:
    target = InMemoryRunRepository()
    for dry_run in (True, False):
        counts, remarks = copied(grown_base.repository(), target, dry_run=dry_run)
        assert counts == {Fate.COPIED: 2, Fate.DUPLICATED: 1, Fate.UNREADABLE: 3, Fate.REFUSED: 1}
        (duplicated,) = (remark for remark in remarks if remark.fate is Fate.DUPLICATED)
        first, second, third, *_ = (each["id"] for each in grown_base.rows("Runs"))
        assert duplicated.detail == f"{first} is the run's record; remove {second}, {third}"
    assert target.get(RunKey("r", "twice")).client_name == "the first"
    assert {record.key.client_id for record in everything(target)} == {"twice", "fits"}


def test_a_run_that_is_removed_meanwhile_is_copied_as_it_was_seen(grown_base: InstantBase) -> None:
    handle, asked = grown_base.service.handle, 0

    def remove_before_third(request: Request) -> Response:
        nonlocal asked
        asked += 1
        if asked == 3:  # two listings have been read, and what is the record of the run that stands several times?
            ids = [row["id"] for row in grown_base.rows("Runs") if row["fields"].get("Client ID") == "twice"]
            url = f"https://api.airtable.com/v0/{BASE}/Runs?{urlencode([('records[]', each) for each in ids])}"
            assert handle(Request("DELETE", url, {"Authorization": f"Bearer {OPERATOR}"}, b"")).status == 200
        return handle(request)

    grown_base.service.handle = remove_before_third  # type: ignore[method-assign]
    target = InMemoryRunRepository()
    copied(grown_base.repository(), target)
    assert {record.key.client_id for record in everything(target)} == {"twice", "fits"}


def test_rows_that_break_the_rules_are_named_and_left(grown_base: InstantBase) -> None:
    _, remarks = copied(grown_base.repository(), InMemoryRunRepository())
    told = [f"{remark.fate.value}: {remark.detail}" for remark in remarks]
    assert [each for each in told if each.startswith("refused: run 'r' of client 'no end' is Completed: it has an end")]
    for words in ("holds None, which is not a status", "client id is empty", "white space"):
        assert [each for each in told if each.startswith("no run record: record rec") and words in each], told


def test_the_command_says_what_became_of_every_run(tmp_path: Path) -> None:
    records = history(40)
    with closing(SQLiteRunRepository(tmp_path / "a.db")) as source:
        source.create_many(records)
    with closing(SQLiteRunRepository(tmp_path / "b.db")) as target:
        target.create_many([RunRecord.start(records[0].key, START), *records[1:10]])
    arguments = ["copy", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"]
    assert runledger(*arguments, "--dry-run", code=1).stdout == (
        "30 to be copied, 9 there already, 1 there, but different\n"
    )
    done = runledger(*arguments, code=1)
    assert done.stdout == "30 copied, 9 there already, 1 there, but different\n"
    assert done.stderr.startswith(
        "there, but different: run 'acme' of client 'client 0': client_name is 'Client 0 Ltd'"
    )
    *remarks, counts = map(json.loads, runledger(*arguments, "--json", code=1).stdout.splitlines())
    assert [(each["fate"], each["run_id"], each["client_id"]) for each in remarks] == [
        ("different", "acme", "client 0")
    ]
    assert counts["equal"] == 39
    runledger("copy", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/c.db")
    done = runledger("copy", f"sqlite:///{tmp_path}/A.db", f"sqlite:///{tmp_path}/d.db", code=7)
    assert f"there is no file {tmp_path}/A.db: correct the URL" in done.stderr
    assert not list(tmp_path.glob("[Ad].db"))
    runledger("copy", f"sqlite:///{tmp_path}/a.db", "postgresql://postgres:hush@127.0.0.1:1/x", code=6)


def test_a_terminal_sees_a_bar_and_an_end(tmp_path: Path) -> None:
    with closing(SQLiteRunRepository(tmp_path / "a.db")) as source:
        source.create_many(history(3000))
    leader, follower = pty.openpty()
    done = subprocess.run(
        [*RUNLEDGER, "copy", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"],
        env=environment(TERM="xterm", COLUMNS="80"),
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
        check=True,
    )
    os.close(follower)
    assert done.stdout == "3,000 copied, 0 there already\n"
    assert b"3000/?" in os.read(leader, 100_000)
    os.close(leader)
