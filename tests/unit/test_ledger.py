import logging
import pickle
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve

import runledger
from conftest import Clock
from hostile import EqualToAll, Incomparable, Proxy
from runledger import (
    EventKind,
    InvalidValue,
    LedgerReads,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    RunSummary,
    StoreUnavailable,
    StoreUnusable,
)
from runledger.adapters.memory import InMemoryRunAccess, InMemoryRunRemoval, InMemoryRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import FinishedRuns, LoggedStore, RunObserver, RunRepository, SummableStore, summary_of
from runledger.testing.runs import changed

KEY = ("251124-081500", "acme")


def kinds(events: list[RunEvent]) -> list[str]:
    return [event.kind.value for event in events]


def test_a_start_that_failed_with_an_error_of_the_whole_store_is_reported_of_its_run(events: list[RunEvent]) -> None:
    class Unusable(InMemoryRunRepository):
        def create(self, new: NewRun) -> RunKey:
            raise StoreUnusable("no permission")

    with pytest.raises(StoreUnusable):
        RunLedger(Unusable(), observers=[events.append]).start(*KEY)
    assert [(event.kind, event.key) for event in events] == [(EventKind.START_FAILED, RunKey(*KEY))]


def test_an_update_that_failed_with_an_error_of_the_whole_store_is_reported_of_its_run(events: list[RunEvent]) -> None:
    class Unusable(InMemoryRunRepository):
        def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
            raise StoreUnusable("no permission")

        def without_creation(self) -> "Unusable":
            return self

    run = RunLedger(Unusable(), observers=[events.append]).start(*KEY)
    with pytest.raises(StoreUnusable):
        run.heartbeat()
    assert (events[-1].kind, events[-1].key) == (EventKind.REFUSED, RunKey(*KEY))


def test_a_run_is_started_updated_and_completed(ledger: RunLedger, events: list[RunEvent]) -> None:
    run = ledger.start(*KEY, client_name="Acme Ltd", metrics={"Posts": 45})
    run.update(metrics={"Posts Scored": 43}, add={"Tokens": 1500}, note="post scoring: 43 of 45")
    run.heartbeat()
    assert not run.finished
    run.complete(add={"Tokens": 1})
    record = ledger.get(*KEY)
    assert record.metrics == {"Posts": 45, "Posts Scored": 43, "Tokens": 1501}
    assert (record.status, record.client_name, record.notes) == (RunStatus.COMPLETED, "Acme Ltd", 1)
    assert [line.text for line in ledger.log(*KEY)] == ["post scoring: 43 of 45"]
    assert run.finished
    assert kinds(events) == ["run_started", "run_updated", "run_updated", "run_finished"]
    assert [event.status for event in events] == [RunStatus.RUNNING, None, None, RunStatus.COMPLETED]


def test_a_reason_must_be_given(ledger: RunLedger) -> None:
    run = ledger.start(*KEY)
    for finish in (run.fail, run.skip, run.cancel):
        for nothing in ("", cast(str, None)):
            with pytest.raises(InvalidValue, match="is empty"):
                finish(nothing)
    assert not run.finished
    assert ledger.get(*KEY).status is RunStatus.RUNNING


def test_a_first_note_is_stored_with_the_record_at_the_time_of_the_start(
    ledger: RunLedger, events: list[RunEvent]
) -> None:
    ledger.start(*KEY, note="a.sh on web1")
    ledger.start_many("r", ["a", "b"], note="both")
    with ledger.track("t", "a", note="a block"):
        pass
    runs = {run.key: run for run in ledger.reads.find_with_logs()}
    assert {str(key): [line.text for line in run.log] for key, run in runs.items()} == {
        "run '251124-081500' of client 'acme'": ["a.sh on web1"],
        "run 'r' of client 'a'": ["both"],
        "run 'r' of client 'b'": ["both"],
        "run 't' of client 'a'": ["a block"],
    }
    assert all(run.log[0].at == run.record.started_at and run.record.notes == 1 for run in runs.values())
    assert kinds(events) == ["run_started"] * 4 + ["run_finished"]
    empty = re.escape("note is empty: leave it out, or give it text.")
    with pytest.raises(InvalidValue, match=empty):
        ledger.start("refused", "acme", note="")
    with pytest.raises(InvalidValue, match=empty):
        ledger.start_many("refused", ["acme"], note="")
    assert not list(ledger.find(run_id="refused"))


FINISHES: dict[str, Callable[[RunLedger, str, datetime], RunRecord | None]] = {
    "Completed": lambda ledger, run, at: ledger.updates.complete(run, "acme", at=at),
    "Completed with Errors": lambda ledger, run, at: ledger.updates.complete(run, "acme", with_errors="two", at=at),
    "Failed": lambda ledger, run, at: ledger.updates.fail(run, "acme", "no disk", at=at),
    "Skipped": lambda ledger, run, at: ledger.updates.skip(run, "acme", "nothing new", at=at),
    "Cancelled": lambda ledger, run, at: ledger.updates.cancel(run, "acme", "by hand", at=at),
}


@pytest.mark.parametrize("status", FINISHES)
def test_an_end_that_is_recorded_later_is_between_the_start_and_now(status: str) -> None:
    finish, clock = FINISHES[status], Clock()
    events: list[RunEvent] = []
    ledger = RunLedger(InMemoryRunRepository(), observers=(events.append,), clock=clock)
    ledger.start("r", "acme")
    start = clock.now
    clock.now += timedelta(hours=1)
    ledger.updates.update("r", "acme", add={"n": 1})
    beat = clock.now
    for at, why in (
        (start - timedelta(milliseconds=1), f": it started at {start:%FT%T}.000Z."),
        (beat + timedelta(seconds=1, milliseconds=1), f": it is {beat + timedelta(seconds=1):%FT%T}.000Z now."),
    ):
        clock.now = beat
        with pytest.raises(InvalidValue) as refusal:
            finish(ledger, "r", at)
        text = f"{at:%FT%T}.{at.microsecond // 1000:03}Z"
        assert str(refusal.value) == f"run 'r' of client 'acme' cannot have ended at {text}{why}"
        assert refusal.value.key == RunKey("r", "acme")
    with pytest.raises(InvalidValue, match=r"^run 'r' of client 'acme': at .* has no time zone"):
        finish(ledger, "r", datetime(2025, 11, 24))  # noqa: DTZ001
    assert ledger.get("r", "acme").status is RunStatus.RUNNING
    for at in (start, beat + timedelta(seconds=1)):
        run = f"r {at}"
        clock.now = start - timedelta(seconds=1)
        ledger.start(run, "acme")
        clock.now = beat
        record = finish(ledger, run, at)
        assert record is not None
        assert (record.status.value, record.ended_at) == (status, at)
        assert record == ledger.get(run, "acme")
    ledger.updates.heartbeat("r", "acme")
    record = finish(ledger, "r", start)
    assert record is not None
    assert (record.ended_at, record.updated_at) == (start, beat + timedelta(seconds=2))
    assert kinds(events).count("run_refused") == 3
    with pytest.raises(RunNotFound):
        finish(ledger, "never started", start)
    assert kinds(events)[-1] == "run_missing"


def test_each_way_to_finish_leaves_its_status_and_its_reason(ledger: RunLedger) -> None:
    runs = ledger.start_many("r", ["a", "b", "c", "d", "e"])
    runs["a"].complete()
    runs["b"].complete(with_errors="2 of 45 failed")
    runs["c"].fail("no disk")
    runs["d"].skip("nothing new")
    runs["e"].cancel("stopped by hand")
    found = {record.key.client_id: record for record in ledger.find(run_id="r")}
    assert {c: (r.status.value, r.error) for c, r in found.items()} == {
        "a": ("Completed", None),
        "b": ("Completed with Errors", "2 of 45 failed"),
        "c": ("Failed", "no disk"),
        "d": ("Skipped", None),
        "e": ("Cancelled", None),
    }
    assert [line.text for c in "de" for line in ledger.log("r", c)] == ["nothing new", "stopped by hand"]


def test_another_service_updates_by_key(ledger: RunLedger) -> None:
    ledger.start(*KEY)
    ledger.updates.update(*KEY, add={"Tokens": 20})
    ledger.updates.heartbeat(*KEY)
    ledger.updates.run(*KEY).update(note="by a handle that looked nothing up")
    assert ledger.updates.update_many([(RunKey(*KEY), RunChange(add={"Tokens": 1}))])
    ledger.updates.complete(*KEY)
    record = ledger.reads.get(*KEY)
    assert (record.metrics, record.status) == ({"Tokens": 21}, RunStatus.COMPLETED)
    with pytest.raises(RunAlreadyFinished):
        ledger.updates.fail(*KEY, "late")


def test_updating_a_run_that_was_not_started_raises_and_creates_nothing(
    ledger: RunLedger, events: list[RunEvent]
) -> None:
    ledger.start("other", "acme")
    for act in (
        lambda: ledger.updates.update(*KEY, note="x"),
        lambda: ledger.updates.run(*KEY).complete(),
        lambda: ledger.updates.update_many([(RunKey("other", "acme"), RunChange()), (RunKey(*KEY), RunChange())]),
        lambda: ledger.get(*KEY),
    ):
        events.clear()
        with pytest.raises(RunNotFound, match=r"'251124-081500' of client 'acme'.*Start it where the job begins"):
            act()
        (event,) = events
        assert (event.kind, event.key) == (EventKind.MISSING, RunKey(*KEY))
        assert event.call_site is not None
        assert event.call_site.startswith(f"{__file__}:")
    assert [record.key.run_id for record in ledger.find()] == ["other"]


def test_a_missing_run_can_be_only_reported(
    repository: InMemoryRunRepository, events: list[RunEvent], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = RunLedger(repository, on_missing="report")
    assert ledger.updates.update(*KEY, note="x") is None
    run = ledger.updates.run(*KEY)
    assert run.complete() is None
    assert (run.finished, run.key, run.site) == (False, RunKey(*KEY), None)
    assert ledger.updates.update_many([(RunKey(*KEY), RunChange())]) is False
    assert list(ledger.find()) == []
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 3
    assert "event=run_missing run_id=251124-081500 client_id=acme" in errors[0].getMessage()
    with pytest.raises(RunNotFound):
        ledger.get(*KEY)
    with pytest.raises(InvalidValue):
        ledger.updates.update("r", "c ", note="x")
    with pytest.raises(InvalidValue, match="on_missing"):
        RunLedger(repository, on_missing="ignore")  # type: ignore[arg-type]


def test_a_handle_has_finished_its_run_if_that_was_so_before_it_was_removed(repository: InMemoryRunRepository) -> None:
    ledger = RunLedger(repository, observers=(), on_missing="report")
    run = ledger.start(*KEY)
    run.complete()
    before = ledger.get(*KEY).started_at + timedelta(days=1)
    assert sum(InMemoryRunRemoval(repository).remove_runs(FinishedRuns(before=before))) == 1
    assert run.complete() is None
    assert run.finished


def test_a_second_start_is_refused_and_reported(ledger: RunLedger, events: list[RunEvent]) -> None:
    ledger.start(*KEY)
    with pytest.raises(RunAlreadyExists):
        ledger.start(*KEY)
    with pytest.raises(RunAlreadyExists):
        ledger.start_many(KEY[0], {"new": "New", "acme": "Acme"})
    assert kinds(events) == ["run_started", "run_refused", "run_refused"]
    assert len(list(ledger.find())) == 1


def test_a_client_that_appears_twice_in_one_start_is_rejected(ledger: RunLedger, events: list[RunEvent]) -> None:
    with pytest.raises(InvalidValue) as refusal:
        ledger.start_many("r", ["b", "a", "b"])
    assert str(refusal.value) == "run 'r' of client 'b' appears twice in one start: name each client once."
    assert (kinds(events), events[0].key) == (["start_failed"], RunKey("r", "b"))
    assert list(ledger.find()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        (("r", "acme"), RunChange()),
        (RunKey("r", "acme"), {"add": {"n": 1}}),
        (RunKey("r", "acme"),),
        RunKey("r", "acme"),
        None,
    ],
)
def test_a_batch_of_anything_but_changes_by_key_is_refused(
    ledger: RunLedger, events: list[RunEvent], wrong: Any
) -> None:
    ledger.start("r", "acme")
    before = ledger.get("r", "acme")
    with pytest.raises(InvalidValue) as refusal:
        ledger.updates.update_many([(before.key, RunChange(note="n")), wrong])
    assert str(refusal.value).startswith("changes[1] is ")
    assert str(refusal.value).endswith(": give a list of pairs of a RunKey and a RunChange.")
    assert kinds(events) == ["run_started", "run_refused"]
    assert ledger.get("r", "acme") == before


def test_only_records_can_be_imported(ledger: RunLedger, events: list[RunEvent]) -> None:
    ledger.start("r", "acme")
    record = ledger.get("r", "acme")
    other: Any = {"run_id": "s", "client_id": "acme"}
    with pytest.raises(InvalidValue) as refusal:
        ledger.import_records([record, other])
    assert str(refusal.value) == (
        "records[1] is {'run_id': 's', 'client_id': 'acme'}: give a list of RunRecords or NewRuns."
    )
    assert kinds(events) == ["run_started", "start_failed"]


def test_a_note_that_may_be_none_is_left_out(ledger: RunLedger) -> None:
    note: str | None = None
    ledger.start(*KEY).update(note=note, add={"n": 1})
    assert ledger.get(*KEY).notes == 0


def test_a_refused_value_is_reported_and_nothing_is_stored(ledger: RunLedger, events: list[RunEvent]) -> None:
    with pytest.raises(InvalidValue):
        ledger.start("r", "acme ")
    with pytest.raises(InvalidValue, match="list of client ids"):
        ledger.start_many("r", "acme")
    ledger.start(*KEY)
    with pytest.raises(InvalidValue):
        ledger.updates.update(*KEY, metrics={"bad": [1]})  # type: ignore[dict-item]
    assert kinds(events) == ["start_failed", "start_failed", "run_started", "run_refused"]
    assert [event.key for event in events] == [None, None, RunKey(*KEY), RunKey(*KEY)]


def test_many_runs_start_with_the_names_of_their_clients(ledger: RunLedger) -> None:
    runs = ledger.start_many("r", {"acme": "Acme Ltd", "bolt": "Bolt Inc"})
    assert {c: run.key for c, run in runs.items()} == {"acme": RunKey("r", "acme"), "bolt": RunKey("r", "bolt")}
    assert ledger.get("r", "bolt").client_name == "Bolt Inc"
    assert ledger.start_many("r", []) == {}


def test_a_summary_covers_all_clients_of_a_run(ledger: RunLedger) -> None:
    runs = ledger.start_many("r", ["a", "b", "c"])
    runs["a"].complete(metrics={"Tokens": 10, "Share": 0.5, "Model": "x", "Done": True})
    runs["b"].fail("no", metrics={"Tokens": 5})
    ledger.start("other", "a", metrics={"Tokens": 1000})
    summary = ledger.summary("r")
    assert summary.runs == 3
    assert summary.statuses == {RunStatus.COMPLETED: 1, RunStatus.FAILED: 1, RunStatus.RUNNING: 1}
    assert summary.metrics == {"Tokens": 15, "Share": 0.5}
    assert summary.first_start == ledger.get("r", "a").started_at
    assert summary.last_end == ledger.get("r", "b").ended_at
    assert ledger.summary(client_id="a").metrics["Tokens"] == 1010
    assert list(summary.metrics) == ["Share", "Tokens"]
    nothing = RunSummary(runs=0, statuses={}, metrics={}, first_start=None, last_end=None)
    assert ledger.summary("never") == nothing


def test_a_store_may_compute_summaries_itself(ledger: RunLedger, tmp_path: Path) -> None:
    with RunLedger(SQLiteRunRepository(tmp_path / "runs.db"), observers=(), owns_repository=True) as other:
        for each in (ledger, other):
            each.start_many("r", ["a", "b"])["a"].update(add={"Tokens": 7})
            each.start("s", "a", metrics={"Tokens": 1})
        assert isinstance(other.reads._access, SummableStore)
        assert other.summary("r").metrics == ledger.summary("r").metrics == {"Tokens": 7}
        assert other.summary(client_id="a").statuses == ledger.summary(client_id="a").statuses


def test_a_summary_that_is_refused_is_reported(ledger: RunLedger, events: list[RunEvent]) -> None:
    with pytest.raises(InvalidValue) as refusal:
        ledger.summary("r", limit=-1)
    assert (kinds(events), events[-1].error) == (["run_refused"], refusal.value)


def test_runs_are_added_up_in_any_order(ledger: RunLedger) -> None:
    records = [ledger.start("r", client).complete() for client in "abc"]
    known = [record for record in records if record is not None]
    for order in permutations(known):
        assert summary_of(order) == ledger.summary("r")
    assert ledger.summary("r").first_start == known[0].started_at
    assert ledger.summary("r").last_end == known[2].ended_at


def test_stale_names_running_runs_that_nothing_updated(ledger: RunLedger, events: list[RunEvent]) -> None:
    _, busy, done = ledger.start_many("r", ["quiet", "busy", "done"]).values()
    done.complete()
    busy.heartbeat()
    assert [r.key.client_id for r in ledger.stale(timedelta(seconds=1))] == ["quiet"]
    assert sorted(r.key.client_id for r in ledger.stale(timedelta(0))) == ["busy", "quiet"]
    assert list(ledger.stale(timedelta(hours=1))) == []
    assert ledger.get("r", "quiet").status is RunStatus.RUNNING
    with pytest.raises(TypeError, match="status"):
        ledger.stale(timedelta(0), status=RunStatus.FAILED)  # type: ignore[call-arg]
    with pytest.raises(InvalidValue, match=r"older_than is datetime\.timedelta\(.*\): give a timedelta"):
        ledger.stale(timedelta(seconds=-1))
    assert events[-1].kind.value == "run_refused"


def test_find_filters_and_rejects_an_invalid_filter_immediately(ledger: RunLedger, events: list[RunEvent]) -> None:
    ledger.start_many("r", ["a", "b"])
    assert [r.key.client_id for r in ledger.find(limit=1)] == ["b"]
    assert [r.key.client_id for r in ledger.find(client_id="a", status=RunStatus.RUNNING)] == ["a"]
    with pytest.raises(InvalidValue):
        ledger.find(since=datetime(2025, 1, 1))  # noqa: DTZ001
    assert (events[-1].kind.value, type(events[-1].error)) == ("run_refused", InvalidValue)


def test_an_import_creates_what_is_new_and_returns_the_rest(ledger: RunLedger, events: list[RunEvent]) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    old = [
        RunRecord(
            key=RunKey(f"{i}", "a"),
            client_name="A",
            status=RunStatus.SKIPPED,
            started_at=at,
            ended_at=at,
            updated_at=at,
        )
        for i in range(3)
    ]
    copy = evolve(old[2])
    assert ledger.import_records(iter(old[:2])) == ()
    assert ledger.import_records([*old, copy]) == (copy, old[0], old[1])
    assert list(ledger.find()) == old[::-1]
    assert events == []


def test_a_run_is_imported_with_its_whole_log_or_not_at_all(ledger: RunLedger, events: list[RunEvent]) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    started = RunRecord.start(RunKey("old", "a"), at)
    note = RunChange(note="brought in")
    run = changed(NewRun(started), note, at=at)
    with pytest.raises(InvalidValue, match="run 'old' of client 'a' counts 1 note, but its log has 0 lines") as refusal:
        ledger.import_records([run.record])
    assert (refusal.value.key, kinds(events)) == (run.key, ["start_failed"])
    mixed: list[RunRecord | NewRun] = [run, RunRecord.start(RunKey("new", "a"), at)]
    assert ledger.import_records(mixed) == ()
    assert ledger.import_records([run]) == (run,)
    assert ledger.reads.get_with_log("old", "a") == run


class FindingAccess:
    """Has what every store must have, and counts the records that it reads."""

    def __init__(self, access: InMemoryRunAccess) -> None:
        self._access = access
        self.get, self.log, self.update, self.update_many = access.get, access.log, access.update, access.update_many
        self.read = 0

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        for record in self._access.find(query):
            self.read += 1
            yield record


class Finding(InMemoryRunRepository):
    def without_creation(self) -> Any:
        return FindingAccess(super().without_creation())


@pytest.mark.parametrize("store", [InMemoryRunRepository, Finding])
def test_the_latest_record_of_each_client(store: Callable[[], InMemoryRunRepository]) -> None:
    ledger = RunLedger(store(), observers=(), clock=Clock())
    ledger.start_many("r", ["b", "a", "C"])
    ledger.start_many("s", ["a", "d"])["a"].complete()
    found = list(ledger.latest())
    assert [(record.key.client_id, record.key.run_id) for record in found] == list(zip("Cabd", "rsrs", strict=True))
    assert found == list(ledger.reads.latest())
    for each in found:
        assert each == next(ledger.find(client_id=each.key.client_id))
    since = found[1].started_at
    assert list(ledger.latest(since=since)) == [found[1], found[3]]
    assert list(ledger.latest(since=since + timedelta(days=1))) == []
    assert list(ledger.latest(clients=["d", "C", "none", "C"])) == [found[0], found[3]]
    assert list(ledger.latest(clients=iter("ab"), since=since)) == [found[1]]


def test_a_store_that_would_read_too_much_for_the_latest_raises(
    monkeypatch: pytest.MonkeyPatch, events: list[RunEvent]
) -> None:
    monkeypatch.setattr("runledger.services.reads.MOST_READ", 5)
    store = Finding()
    ledger = RunLedger(store, observers=[events.append], clock=Clock())
    ledger.start_many("r", list("abcde"))
    assert [record.key.client_id for record in ledger.latest()] == list("abcde")
    ledger.start_many("s", ["b", "c", "d"])
    last = ledger.start("s", "a").key
    events.clear()
    found = ledger.latest()
    assert events == []
    with pytest.raises(
        StoreUnusable, match=r"more than 5 match: give a later `since`, or name the `clients`\.$"
    ) as caught:
        next(found)
    assert (kinds(events), events[0].error) == (["run_refused"], caught.value)
    assert ledger.reads._access.read == 5 + 6  # type: ignore[attr-defined]
    assert [record.key for record in ledger.latest(since=ledger.get("s", "a").started_at)] == [last]
    assert len(list(ledger.latest(clients=[*"abcde", "none"]))) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clients": "acme"}, "clients is str: give a list of client ids."),
        ({"clients": [7]}, "clients[0] is 7: give a list of client ids."),
        ({"clients": []}, "clients is empty: name at least one client, or leave it out for all."),
        ({"clients": ["a", ""]}, "client id is empty: give it 1 to 255 characters."),
        ({"since": "7d"}, "since is str, not a datetime: give an aware datetime."),
    ],
)
def test_what_latest_cannot_use_is_rejected_when_it_is_called(
    ledger: RunLedger, events: list[RunEvent], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        ledger.latest(**arguments)
    assert (str(refusal.value), kinds(events)) == (message, ["run_refused"])


class UnloggedAccess:
    """Finds records without their logs, which grow as soon as their records have been found."""

    def __init__(self, access: InMemoryRunAccess) -> None:
        self._access = access
        self.get, self.log, self.update_many = access.get, access.log, access.update_many
        self.update = access.update

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        for record in self._access.find(query):
            self.update(record.key, RunChange(note="meanwhile"), record.started_at)
            yield record


class Unlogged(InMemoryRunRepository):
    def without_creation(self) -> Any:
        return UnloggedAccess(super().without_creation())


def test_runs_are_found_with_the_logs_that_their_records_count() -> None:
    for store in (InMemoryRunRepository(), Unlogged()):
        ledger = RunLedger(store, observers=(), clock=Clock())
        for client in "abc":
            run = ledger.start("r", client)
            for text in "xy"[: ord(client) - ord("a")]:
                run.update(note=text)
        found = {run.key.client_id: run for run in ledger.reads.find_with_logs(run_id="r")}
        assert {client: [line.text for line in run.log] for client, run in found.items()} == {
            "c": ["x", "y"],
            "b": ["x"],
            "a": [],
        }
        assert list(found) == ["c", "b", "a"]
        assert found["b"].log[0].at == found["b"].record.updated_at
        assert isinstance(ledger.reads._access, LoggedStore) == (type(store) is InMemoryRunRepository)
        assert [run.key.client_id for run in ledger.reads.find_with_logs(client_id="b", limit=1)] == ["b"]
        assert ledger.reads.get_with_log("r", "a").record == ledger.get("r", "a")


@pytest.mark.parametrize(
    "filters",
    [
        {"run_id": "r"},
        {"client_id": "b"},
        {"status": "Failed"},
        {"since": datetime(2025, 11, 24, 8, 15, 3, tzinfo=UTC)},
        {"until": datetime(2025, 11, 24, 8, 15, 3, tzinfo=UTC)},
        {"updated_before": datetime(2025, 11, 24, 8, 15, 5, tzinfo=UTC)},
        {"limit": 2},
    ],
)
def test_the_same_filters_find_runs_with_and_without_their_logs(filters: dict[str, Any]) -> None:
    ledger = RunLedger(InMemoryRunRepository(), observers=(), clock=Clock())
    runs = [ledger.start(run_id, client_id) for run_id in ("q", "r") for client_id in ("a", "b")]
    runs[0].fail("no disk", note="half way")
    found = list(ledger.find(**filters))
    assert 0 < len(found) < len(runs)
    assert [run.record for run in ledger.reads.find_with_logs(**filters)] == found


def test_the_log_of_a_run_without_notes_is_not_asked_for() -> None:
    class Silent(UnloggedAccess):
        def __init__(self, access: InMemoryRunAccess) -> None:
            super().__init__(access)
            self.log = self.forbidden

        def forbidden(self, key: RunKey, last: int | None = None) -> Iterator[Any]:
            raise AssertionError("a record without notes has no log to read")

    class Store(InMemoryRunRepository):
        def without_creation(self) -> Any:
            return Silent(super().without_creation())

    ledger = RunLedger(Store(), observers=())
    ledger.start(*KEY)
    assert [run.log for run in ledger.reads.find_with_logs()] == [()]


def test_a_log_that_does_not_fit_its_record_is_the_store_s_fault() -> None:
    class Lossy(UnloggedAccess):
        def __init__(self, access: InMemoryRunAccess) -> None:
            super().__init__(access)
            self.log = lambda key, last=None: iter(())

    class Store(InMemoryRunRepository):
        def without_creation(self) -> Any:
            return Lossy(super().without_creation())

    ledger = RunLedger(Store(), observers=())
    run = ledger.start(*KEY)
    run.update(note="one")
    run.update(note="two")
    for read in (lambda: ledger.reads.get_with_log(*KEY), lambda: list(ledger.reads.find_with_logs())):
        with pytest.raises(StoreUnusable) as refusal:
            read()
        assert refusal.value.key == RunKey(*KEY)
        assert str(refusal.value) == (
            f"the log of {RunKey(*KEY)} has 0 lines, and its record counts 2: "
            "read it again; if it stays so, correct it in the store."
        )


def test_a_record_in_memory_is_never_read_without_its_lines() -> None:
    ledger = RunLedger(InMemoryRunRepository(), observers=())
    run = ledger.start(*KEY)
    done = threading.Event()

    def note() -> None:
        while not done.is_set():
            run.update(note="one")

    writers = [threading.Thread(target=note) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(100):
            read = ledger.reads.get_with_log(*KEY)
            assert len(read.log) == read.record.notes
    finally:
        done.set()
        for writer in writers:
            writer.join()


def test_a_run_that_is_removed_before_its_log_is_read_is_left_out() -> None:
    class Removed(UnloggedAccess):
        def find(self, query: RunQuery) -> Iterator[RunRecord]:
            yield RunRecord.start(RunKey("gone", "acme"), datetime.now(UTC)).apply(
                RunChange(note="n"), datetime.now(UTC)
            )
            yield from self._access.find(query)

    class Store(InMemoryRunRepository):
        def without_creation(self) -> Any:
            return Removed(super().without_creation())

    ledger = RunLedger(Store(), observers=())
    ledger.start(*KEY)
    assert [run.key for run in ledger.reads.find_with_logs()] == [RunKey(*KEY)]


def test_a_log_is_read_from_its_beginning_or_its_end(ledger: RunLedger, events: list[RunEvent]) -> None:
    run = ledger.start(*KEY)
    assert list(ledger.log(*KEY)) == []
    for text in "abc":
        run.update(note=text)
    for last, due in ((None, "abc"), (0, ""), (1, "c"), (2, "bc"), (3, "abc"), (9, "abc")):
        assert "".join(line.text for line in ledger.log(*KEY, last=last)) == due
    lines = ledger.log(*KEY)
    assert next(lines).text == "a"
    run.update(note="d")
    assert [line.text for line in lines] in (["b", "c"], ["b", "c", "d"])
    for wrong in (-1, True, 1.0):
        with pytest.raises(InvalidValue, match=f"last is {wrong!r}: give a whole number from 0"):
            ledger.log(*KEY, last=cast(Any, wrong))
    with pytest.raises(InvalidValue):
        ledger.log("", "acme")
    events.clear()
    with pytest.raises(RunNotFound):
        next(ledger.log("gone", "acme"))
    with pytest.raises(RunNotFound):
        ledger.reads.get_with_log("gone", "acme")
    assert kinds(events) == ["run_missing", "run_missing"]


def test_an_observer_that_fails_breaks_nothing_and_is_logged(
    repository: InMemoryRunRepository, events: list[RunEvent], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: RunEvent) -> None:
        raise RuntimeError("the pager is down")

    ledger = RunLedger(repository, observers=[broken, events.append])
    ledger.start(*KEY).complete()
    assert kinds(events) == ["run_started", "run_finished"]
    assert caplog.messages == [f"an observer failed on event=run_{what}" for what in ("started", "finished")]
    assert {record.name for record in caplog.records} == {"runledger"}


def test_the_log_has_one_line_per_event_with_the_fields_in_extra(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "runledger")
    with runledger.connect("memory://") as ledger:
        ledger.start("run 1", 'it\'s="x"').update(note="n")
        with pytest.raises(RunNotFound):
            ledger.updates.heartbeat("gone", "acme")
    started, updated, missing = caplog.records
    assert started.getMessage() == 'event=run_started run_id="run 1" client_id="it\'s=\\"x\\"" status=Running'
    assert (started.levelno, updated.levelno, missing.levelno) == (logging.INFO, logging.DEBUG, logging.ERROR)
    assert (started.name, started.__dict__["client_id"]) == ("runledger", 'it\'s="x"')
    assert missing.__dict__["run_id"] == "gone"
    assert f"{Path(__file__).name}:" in missing.__dict__["call_site"]
    assert "test_the_log_has_one_line" in missing.getMessage()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("runs.db", "no scheme"),
        (cast(str, b"runs.db"), "is bytes, not text: give text like sqlite:///runs.db"),
        (Path("sqlite:///runs.db"), "a store URL was given as a path: give it as text, like sqlite:///runs.db"),
        (Path("mysql://user:secret@host/db"), "a store URL was given as a path"),
        ("mysql://user:secret@host/db", "mysql://"),
        ("memory://x", "no address"),
        ("sqlite://runs.db", "sqlite:///relative.db"),
        ("sqlite:///", "sqlite:///relative.db"),
        ("sqlite:///a.db?mode=ro", "sqlite:///relative.db"),
        ("sqlite:///:memory:", "memory://"),
    ],
)
def test_a_url_that_leads_to_no_store_is_refused_without_printing_it(url: str | Path, words: str) -> None:
    with pytest.raises(StoreUnusable) as refusal:
        runledger.connect(url)
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_an_unknown_column_is_refused_whole() -> None:
    ledger = RunLedger(InMemoryRunRepository(columns={"Tokens"}), observers=())
    run = ledger.start(*KEY, metrics={"Tokens": 1})
    changes: list[dict[str, Any]] = [{"metrics": {"Tokens": 2, "Tokns": 3}}, {"add": {"Tokns": 3}, "note": "n"}]
    for change in changes:
        with pytest.raises(runledger.UnknownMetric, match="'Tokns'"):
            run.update(**change)
    with pytest.raises(runledger.UnknownMetric):
        ledger.start("r2", "acme", metrics={"Tokns": 1})
    with pytest.raises(RunNotFound):
        ledger.updates.update("gone", "acme", metrics={"Tokns": 1})
    assert [(r.metrics, r.notes) for r in ledger.find()] == [({"Tokens": 1}, 0)]


def test_a_ledger_closes_what_it_opened_and_nothing_else(tmp_path: Path) -> None:
    repository = SQLiteRunRepository(tmp_path / "runs.db")
    with RunLedger(repository, observers=()) as ledger:
        ledger.start(*KEY)
    repository.get(RunKey(*KEY))
    repository.close()
    with runledger.connect(f"sqlite:///{tmp_path}/runs.db", observers=()) as ledger:
        assert list(tmp_path.glob("*-wal"))
        ledger.get(*KEY)
    assert not list(tmp_path.glob("*-wal"))


def test_a_store_whose_driver_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in ("postgresql", "postgresql_backend"):
        monkeypatch.delitem(sys.modules, f"runledger.adapters.sql.{name}", raising=False)
    with pytest.raises(StoreUnusable, match=r"pip install 'run-records\[postgres\]'"):
        runledger.connect("postgresql://host/database")


@pytest.mark.parametrize(
    "error",
    [
        RunNotFound(RunKey("r", "acme")),
        RunAlreadyExists([RunKey("r", "acme"), RunKey("r", "bolt")]).having_applied([RunKey("r", "c")]),
        StoreUnavailable("no answer", Outcome.UNKNOWN, RunKey("r", "acme")),
    ],
)
def test_a_pickled_error_keeps_its_facts(error: RunLedgerError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__)


def test_a_handle_keeps_the_reference_that_the_store_returned() -> None:
    seen: list[str | None] = []

    class Referring(InMemoryRunRepository):
        def create(self, new: NewRun) -> RunKey:
            return super().create(new).referring_to("row 7")

        def without_creation(self) -> InMemoryRunAccess:
            return Watched(self._table)

    class Watched(InMemoryRunAccess):
        def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
            seen.append(key.reference)
            return super().update(key, change, at)

    ledger = RunLedger(Referring(), observers=())
    run = ledger.start("r", "acme")
    run.update(note="n")
    ledger.updates.update("r", "acme")
    assert seen == ["row 7", None]
    assert (run.key, repr(run.key)) == (RunKey("r", "acme"), repr(RunKey("r", "acme")))


def test_what_a_store_reports_reaches_the_observers(events: list[RunEvent]) -> None:
    class Noticing(InMemoryRunRepository):
        def add_observer(self, observer: RunObserver) -> None:
            self.observer = observer

    store = Noticing()
    RunLedger(store, observers=[events.append])
    seen = RunEvent(kind=EventKind.DUPLICATED, key=RunKey("r", "acme"), at=datetime.now(UTC), detail="2 records")
    store.observer(seen)
    assert events == [seen]


READ_ONLY = re.escape("this mapping is read-only: copy it with dict(…); a run changes by RunChange(metrics=…)")
NOTHING: Any = None
PRINT: Any = print
ONE: Any = RunRecord.start(RunKey("r", "acme"), datetime(2025, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda ledger: ledger.start_many("r", NOTHING),
            "clients is NoneType: give a list of client ids, or a mapping to names.",
        ),
        (
            lambda ledger: ledger.start_many("r", "acme"),
            "clients is str: give a list of client ids, or a mapping to names.",
        ),
        (lambda ledger: ledger.import_records(NOTHING), "records is NoneType: give a list of RunRecords or NewRuns."),
        (lambda ledger: ledger.import_records(ONE), "records is RunRecord: give a list of RunRecords or NewRuns."),
        (
            lambda ledger: ledger.updates.update_many(NOTHING),
            "changes is NoneType: give a list of pairs of a RunKey and a RunChange.",
        ),
        (
            lambda _: runledger.connect("memory://", retry_waits=NOTHING),
            "retry_waits is NoneType: give a list of seconds from 0 that can be waited.",
        ),
        (
            lambda _: runledger.connect("memory://", retry_waits=b"ab"),
            "retry_waits is bytes: give a list of seconds from 0 that can be waited.",
        ),
        (
            lambda _: runledger.connect("memory://", retry_waits=cast(Any, {0.1: 0.2})),
            "retry_waits is dict: give a list of seconds from 0 that can be waited.",
        ),
        (
            lambda _: runledger.connect("memory://", observers=[print, cast(Any, "alert")]),
            "observers[1] is 'alert': give a list of functions that take an event.",
        ),
        (
            lambda ledger: ledger.start_many("r", cast(Any, b"ab")),
            "clients is bytes: give a list of client ids, or a mapping to names.",
        ),
        (
            lambda ledger: ledger.start_many("r", cast(Any, ["acme", 7])),
            "clients[1] is 7: give a list of client ids, or a mapping to names.",
        ),
        (
            lambda ledger: ledger.start_many("r", cast(Any, {7: "Acme Ltd"})),
            "clients[0] is 7: give a list of client ids, or a mapping to names.",
        ),
        (
            lambda ledger: ledger.import_records(cast(Any, {ONE: ONE})),
            "records is dict: give a list of RunRecords or NewRuns.",
        ),
        (
            lambda ledger: ledger.updates.update_many(cast(Any, {RunKey("r", "acme"): RunChange()})),
            "changes is dict: give a list of pairs of a RunKey and a RunChange.",
        ),
        (
            lambda _: runledger.connect("memory://", observers=NOTHING),
            "observers is NoneType: give a list of functions that take an event.",
        ),
        (
            lambda _: runledger.connect("memory://", observers=PRINT),
            "observers is builtin_function_or_method: give a list of functions that take an event.",
        ),
    ],
)
def test_an_argument_of_the_wrong_type_is_rejected_in_one_sentence(
    ledger: RunLedger, act: Callable[[RunLedger], object], message: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        act(ledger)
    assert str(refusal.value) == message


def test_a_summary_takes_its_run_by_position_or_by_name(ledger: RunLedger) -> None:
    ledger.start("r", "a")
    ledger.start("s", "a")
    assert ledger.summary(run_id="r") == ledger.summary("r")
    assert ledger.summary("r").runs == 1
    assert ledger.summary().runs == ledger.summary(None).runs == 2


def test_values_can_be_hashed(ledger: RunLedger) -> None:
    assert len({RunChange(metrics={"n": 1}), RunChange(metrics={"n": 1}), RunChange(add={"n": 1})}) == 2
    ledger.start("r", "a", metrics={"n": 1})
    assert len({ledger.summary("r"), ledger.summary("r"), ledger.get("r", "a")}) == 2


def test_a_rejected_batch_is_reported(ledger: RunLedger, events: list[RunEvent]) -> None:
    for act in (ledger.import_records, ledger.updates.update_many):
        with pytest.raises(InvalidValue):
            act(NOTHING)
    assert kinds(events) == ["start_failed", "run_refused"]


def test_a_summary_is_immutable_and_can_be_pickled(ledger: RunLedger) -> None:
    ledger.start("r", "a", metrics={"n": 1})
    given = {"n": 1}
    made = RunSummary(runs=1, statuses={RunStatus.RUNNING: 1}, metrics=given, first_start=None, last_end=None)
    given["n"] = 2
    for summary in (ledger.summary("r"), made):
        for mapping in (cast(Any, summary.metrics), cast(Any, summary.statuses)):
            with pytest.raises(TypeError, match=f"^{READ_ONLY}$"):
                mapping.clear()
        assert (summary.metrics, summary.statuses) == ({"n": 1}, {RunStatus.RUNNING: 1})
        assert pickle.loads(pickle.dumps(summary)) == summary


def test_a_ledger_passes_every_filter_on(ledger: RunLedger) -> None:
    for run_id in ("r", "s"):
        ledger.start_many(run_id, ["a", "b", "c"])["a"].complete()
    first, last = (ledger.get(run_id, "a") for run_id in ("r", "s"))
    filters: list[dict[str, Any]] = [
        {"run_id": "r"},
        {"client_id": "a"},
        {"status": RunStatus.RUNNING},
        {"status": ["completed", RunStatus.FAILED]},
        {"since": last.started_at},
        {"until": last.started_at},
        {"updated_before": last.updated_at, "status": "completed"},
        {"limit": 3},
        {"run_id": "r", "client_id": "a", "limit": 0},
    ]
    for each in filters:
        found = list(ledger.find(**each))
        assert found == list(ledger.reads.find(**each))
        assert found == [r for r in ledger.find() if RunQuery(**each).matches(r)][: each.get("limit")]
        assert len(found) < 6
        assert ledger.summary(**each) == ledger.reads.summary(**each) == summary_of(found)
    for listing in (ledger.find, ledger.reads.find):
        assert list(listing(after=first)) == []
        assert list(listing(after=last)) == list(ledger.find(run_id="r"))
        assert list(listing(after=(last.started_at, last.key), limit=1)) == list(ledger.find(run_id="r", limit=1))
    assert [run.record for run in ledger.reads.find_with_logs(after=last)] == list(ledger.find(run_id="r"))
    for each in ({"run_id": "r"}, {"client_id": "b"}, {"since": last.started_at}, {"until": last.started_at}):
        narrowed: dict[str, Any] = {**each, "limit": 1}
        [stale] = ledger.stale(timedelta(0), **narrowed)
        assert stale == next(ledger.find(status="Running", **each))
        assert ledger.summary(status="Running", **each).runs == len(list(ledger.stale(timedelta(0), **each)))
    assert first.started_at < last.started_at


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda run: run.update(metrics=[1]), "metrics is list: give a mapping of names to values."),
        (lambda run: run.update(add=7), "add is int: give a mapping of names to values."),
        (lambda run: run.update(note=""), "note is empty: leave it out, or give it text."),
        (lambda run: run.update(note=7), "note is int, not text: give a str."),
        (lambda run: run.complete(with_errors=""), "with_errors is empty: say what went wrong."),
        (lambda run: run.complete(with_errors=2), "with_errors is int: give text or an exception."),
        (lambda run: run.fail(""), "error is empty: say what went wrong."),
        (lambda run: run.fail(None), "error is empty: say what went wrong."),
        (lambda run: run.fail(ValueError), "error is type: give text or an exception."),
        (lambda run: run.fail("x" * 100_001), "error has 100001 characters: at most 100,000 can be stored."),
        (lambda run: run.skip(""), "why is empty: give the reason in one line."),
        (lambda run: run.cancel(None), "why is empty: give the reason in one line."),
        (lambda run: run.cancel(3), "why is int, not text: give a str."),
        (lambda run: run.fail(Incomparable()), "error is Incomparable: give text or an exception."),
        (lambda run: run.complete(with_errors=Proxy("x")), "with_errors is Proxy: give text or an exception."),
        (lambda run: run.skip(Incomparable()), "why is Incomparable, not text: give a str."),
        (lambda run: run.cancel(Proxy("x")), "why is Proxy, not text: give a str."),
        (lambda run: run.fail(EqualToAll()), "error is empty: say what went wrong."),
        (
            lambda run: run.update(metrics={"n": Proxy("x")}),
            "metric 'n' is Proxy: a metric is str, int, float, bool or an aware datetime.",
        ),
        (
            lambda run: run.update(add={"n": Proxy(1)}),
            "addition to 'n' is Proxy, not a number: give an int or a float.",
        ),
        (
            lambda run: run.fail("x", at=Proxy(datetime.now(UTC))),
            "at is Proxy, not a datetime: give an aware datetime.",
        ),
        (
            lambda run: run.skip("a\nb"),
            r"why 'a\nb' has a line break at position 2: it must be one line.",
        ),
    ],
)
def test_an_invalid_argument_is_named_as_the_caller_wrote_it(
    ledger: RunLedger, events: list[RunEvent], act: Callable[[Any], object], message: str
) -> None:
    run = ledger.start(*KEY)
    with pytest.raises(InvalidValue) as refusal:
        act(run)
    assert str(refusal.value) == f"{run.key}: {message}"
    assert (kinds(events), events[-1].key) == (["run_started", "run_refused"], RunKey(*KEY))
    assert (run.finished, ledger.get(*KEY).status) == (False, RunStatus.RUNNING)


def test_a_reason_is_empty_only_if_it_has_no_characters(ledger: RunLedger) -> None:
    for finish in ("fail", "skip", "cancel"):
        getattr(ledger.start(finish, "acme"), finish)(EqualToAll("reason"))
    assert ledger.get("fail", "acme").error == "reason"
    assert [line.text for each in ("skip", "cancel") for line in ledger.log(each, "acme")] == ["reason"] * 2


@pytest.mark.parametrize("label", ["Failed", "failed", "FAILED", RunStatus.FAILED])
def test_a_status_may_be_given_by_its_label(ledger: RunLedger, label: RunStatus | str) -> None:
    runs = ledger.start_many("r", ["a", "b"])
    runs["a"].fail("no disk")
    assert [record.key.client_id for record in ledger.find(status=label)] == ["a"]
    assert ledger.summary(status=label).runs == 1
    with pytest.raises(InvalidValue, match="'failing' is not a status"):
        ledger.find(status="failing")


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (ValueError("no posts"), "ValueError: no posts"),
        (ValueError(), "ValueError"),
        (ValueError("bad \0 byte"), "ValueError: bad \ufffd byte"),
        (Wordless(), "Wordless"),
        (SystemExit(3), "SystemExit: 3"),
        (ValueError("x" * 200_000), "ValueError: " + "x" * 99_987 + "…"),
        ("no disk", "no disk"),
    ],
)
def test_a_run_fails_with_text_or_with_an_exception(ledger: RunLedger, error: str | BaseException, stored: str) -> None:
    runs = ledger.start_many("r", ["a", "b"])
    runs["a"].fail(error, metrics={"n": 1})
    ledger.updates.fail("r", "b", error, metrics={"n": 1})
    for record in ledger.find(run_id="r"):
        assert (record.status, record.error, record.metrics) == (RunStatus.FAILED, stored, {"n": 1})


def test_what_a_caller_iterates_over_is_taken_as_a_list(ledger: RunLedger) -> None:
    runs = ledger.start_many("r", (client for client in ("a", "b")))
    assert list(runs) == ["a", "b"]
    assert ledger.updates.update_many((run.key, RunChange(add={"n": 1})) for run in runs.values())
    assert ledger.updates.update_many([cast(Any, [runs["a"].key, RunChange(add={"n": 1})])])
    assert ledger.summary("r").metrics == {"n": 3}
    assert set(ledger.start_many("s", {"a", "b"})) == {"a", "b"}


@pytest.fixture
def _local_time_is_not_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_local_time_is_not_utc")
def test_a_new_run_id_is_made_from_the_time() -> None:
    at = datetime(2025, 11, 24, 10, 15, 59, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert re.fullmatch("251124-081559-[0-9a-f]{6}", runledger.new_run_id(at))
    assert len({runledger.new_run_id(at) for _ in range(100)}) > 90
    before = datetime.now(UTC)
    made = datetime.strptime(runledger.new_run_id()[:13], "%y%m%d-%H%M%S").replace(tzinfo=UTC)
    assert before.replace(microsecond=0) <= made <= datetime.now(UTC)
    with pytest.raises(InvalidValue) as refusal:
        runledger.new_run_id(datetime(2025, 11, 24))  # noqa: DTZ001
    assert str(refusal.value) == "at 2025-11-24T00:00:00 has no time zone: pass an aware datetime."


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RunLedger(cast(RunRepository, "memory://")),
            "repository is str, not a repository: use connect for a URL or a path.",
        ),
        (
            lambda: runledger.connect("memory://", clock=cast(Callable[[], datetime], 5)),
            "clock is int: give a function that returns the time.",
        ),
        (
            lambda: runledger.connect("memory://", sleep=cast(Callable[[float], None], 5)),
            "sleep is int: give a function that waits so many seconds.",
        ),
    ],
)
def test_a_ledger_is_not_made_of_what_cannot_serve(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        make()
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "read",
    [
        lambda reads: reads.get(*KEY),
        lambda reads: reads.get_with_log(*KEY),
        lambda reads: reads.log(*KEY, last=-1),
        lambda reads: list(reads.log(*KEY)),
        lambda reads: reads.find(status="none such"),
        lambda reads: reads.latest(clients=7),
        lambda reads: reads.summary("r", limit=-1),
        lambda reads: reads.stale("1h"),
    ],
)
def test_the_event_of_a_failed_read_says_so(
    read: Callable[[LedgerReads], object], ledger: RunLedger, events: list[RunEvent]
) -> None:
    with pytest.raises(RunLedgerError):
        read(ledger.reads)
    assert [event.reading for event in events] == [True]


def test_the_events_of_failed_updates_and_starts_are_of_no_read(ledger: RunLedger, events: list[RunEvent]) -> None:
    with pytest.raises(RunNotFound):
        ledger.updates.update(*KEY)
    with pytest.raises(InvalidValue):
        ledger.start("", "acme")
    assert [event.reading for event in events] == [False, False]


@pytest.mark.parametrize("key", ["r", ("r", "acme"), None])
def test_a_handle_of_what_is_no_key_is_refused_and_reported(
    ledger: RunLedger, events: list[RunEvent], key: object
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        ledger.updates.of(key)  # type: ignore[arg-type]
    assert str(refusal.value) == f"key is {type(key).__name__}: give a RunKey, or use `run` for two ids."
    assert [(event.kind, event.error) for event in events] == [(EventKind.REFUSED, refusal.value)]
