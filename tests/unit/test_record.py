from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import asdict, evolve
from hypothesis import given

from runledger import (
    InvalidValue,
    LogLine,
    NewRun,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunStatus,
)
from runledger.domain import changed_records, rejected_keys
from runledger.testing.strategies import changes, near_times, records

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
RUNNING = RunRecord.start(RunKey("251124-081500", "acme"), AT, client_name="Acme Ltd")


def test_a_run_starts_running_and_without_a_client_name_shows_the_id() -> None:
    assert (RUNNING.status, RUNNING.ended_at, RUNNING.error, RUNNING.notes) == (RunStatus.RUNNING, None, None, 0)
    assert RUNNING.updated_at == RUNNING.started_at == AT
    assert RunRecord.start(RunKey("r", "acme"), AT).client_name == "acme"
    assert RUNNING.duration is None


def test_a_run_started_for_many_clients_has_the_record_that_each_start_makes() -> None:
    at = AT.astimezone(timezone(timedelta(hours=9))) + timedelta(microseconds=999)
    started = RunRecord.start_many("r", iter(["acme", "B", "c"]), at, names={"acme": "Acme Ltd", "c": "Sea", "x": "X"})
    names = {"acme": "Acme Ltd", "B": None, "c": "Sea"}
    assert started == [RunRecord.start(RunKey("r", each), at, client_name=name) for each, name in names.items()]
    assert [(record.started_at.tzinfo, record.key.reference) for record in started] == [(UTC, None)] * 3
    assert RunRecord.start_many("r", [], AT, names={}) == []


@pytest.mark.parametrize(
    ("run_id", "client_id", "at", "name", "message"),
    [
        (" r", "acme", AT, "Acme", "run id ' r' begins or ends with white space"),
        ("r", "", AT, "Acme", "client id is empty"),
        ("r", "acme", AT.replace(tzinfo=None), "Acme", "time of the start 2025-11-24T08:15:00 has no time zone"),
        ("r", "acme", AT, "a\tb", "run 'r' of client 'acme': client name 'a\\\\tb' has the character U\\+0009"),
    ],
)
def test_a_start_for_many_clients_is_checked_as_one_for_each(
    run_id: str, client_id: str, at: datetime, name: str, message: str
) -> None:
    for start in (
        lambda: RunRecord.start_many(run_id, ["ok", client_id], at, names={client_id: name}),
        lambda: RunRecord.start(RunKey(run_id, client_id), at, client_name=name),
    ):
        with pytest.raises(InvalidValue, match=f"^{message}"):
            start()


def test_a_heartbeat_moves_updated_at_alone() -> None:
    after = RUNNING.apply(RunChange(), LATER)
    assert after.updated_at == LATER
    assert after.apply(RunChange(), AT) == after  # a clock that went back does not take it back
    assert evolve(after, updated_at=AT) == RUNNING


def test_numbers_are_added_from_zero_and_metrics_set() -> None:
    after = RUNNING.apply(RunChange(metrics={"Model": "x"}, add={"Tokens": 1500}), LATER)
    after = after.apply(RunChange(add={"Tokens": 0.5}, metrics={"Model": "y"}), LATER)
    assert after.metrics == {"Model": "y", "Tokens": 1500.5}


@pytest.mark.parametrize("old", ["text", True, AT])
def test_adding_to_what_is_no_number_is_refused(old: Any) -> None:
    record = RunRecord.start(RUNNING.key, AT, metrics={"m": old})
    with pytest.raises(InvalidValue, match="cannot add to metric 'm'") as refusal:
        record.apply(RunChange(add={"m": 1}), LATER)
    assert refusal.value.key == RUNNING.key


@pytest.mark.parametrize(("old", "number"), [(2**53, 1), (-(2**53), -1), (1.7e308, 1.7e308)])
def test_a_sum_that_cannot_be_kept_is_refused(old: Any, number: Any) -> None:
    with pytest.raises(InvalidValue):
        RunRecord.start(RUNNING.key, AT, metrics={"m": old}).apply(RunChange(add={"m": number}), LATER)


def test_notes_are_counted_and_become_lines_with_their_times() -> None:
    one, two = RunChange(note="one"), RunChange(note="two")
    assert RUNNING.apply(one, AT).apply(RunChange(), AT).apply(two, LATER).notes == 2
    assert (one.line(AT), two.line(LATER)) == (LogLine(AT, "one"), LogLine(LATER, "two"))
    assert two.line(LATER + timedelta(microseconds=1)) == LogLine(LATER, "two")
    assert RunChange(metrics={"n": 1}).line(AT) is None


def test_finishing_sets_status_end_and_error_once() -> None:
    done = RUNNING.apply(RunChange(status=RunStatus.FAILED, error="boom", metrics={"n": 1}), LATER)
    assert (done.status, done.ended_at, done.error, done.metrics) == (RunStatus.FAILED, LATER, "boom", {"n": 1})
    assert done.duration == timedelta(minutes=5)
    for change in (RunChange(status=RunStatus.COMPLETED), RunChange(status=RunStatus.FAILED), RunChange(error="x")):
        with pytest.raises(RunAlreadyFinished) as refusal:
            done.apply(change, LATER)
        assert refusal.value.status is RunStatus.FAILED
    late = done.apply(RunChange(metrics={"n": 2}, note="late"), LATER + timedelta(hours=1))
    assert (late.status, late.ended_at, late.error, late.metrics) == (RunStatus.FAILED, LATER, "boom", {"n": 2})


def test_a_run_that_a_clock_behind_its_start_finishes_ends_at_its_start() -> None:
    early = RUNNING.apply(RunChange(status=RunStatus.COMPLETED), AT - timedelta(seconds=3))
    assert (early.ended_at, early.duration, early.updated_at) == (AT, timedelta(), AT)


def test_an_error_may_be_told_before_the_end() -> None:
    assert RUNNING.apply(RunChange(error="warming up"), LATER).error == "warming up"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "r"},
        {"client_name": " "},
        {"status": "Running."},
        {"started_at": None},
        {"ended_at": AT},
        {"status": RunStatus.FAILED},
        {"status": RunStatus.FAILED, "ended_at": AT - timedelta(milliseconds=1)},
        {"error": "\0"},
        {"notes": -1},
        {"notes": True},
        {"updated_at": datetime(2025, 1, 1)},  # noqa: DTZ001
    ],
)
def test_a_record_made_by_hand_is_checked_like_any_other(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        evolve(RUNNING, **wrong)


@given(records(), changes(), near_times)
def test_apply_keeps_what_no_change_may_touch(record: RunRecord, change: RunChange, at: datetime) -> None:
    before = asdict(record, recurse=False)
    try:
        after = record.apply(change, at)
    except RunLedgerError:
        after = record
    assert asdict(record, recurse=False) == before
    assert (after.key, after.client_name, after.started_at) == (record.key, record.client_name, record.started_at)
    assert after.notes == record.notes + (after is not record and change.note is not None)
    assert after.updated_at >= record.updated_at
    assert set(after.metrics) >= set(record.metrics)
    assert after.status.is_final == (after.ended_at is not None)
    assert after.ended_at is None or after.ended_at >= after.started_at
    if record.status.is_final:
        assert (after.status, after.ended_at, after.error) == (record.status, record.ended_at, record.error)
    assert evolve(after) == after  # what the rules make passes the checks of the constructor


def test_a_start_knows_its_record_again_though_the_store_keeps_no_names() -> None:
    start = RunRecord.start(RUNNING.key, AT, client_name="Acme Ltd")
    for name, own in (("Acme Ltd", True), (RUNNING.key.client_id, True), ("Another", False)):
        stored = RunRecord.start(RUNNING.key, AT, client_name=name)
        assert start.is_start_of(stored.apply(RunChange(note="went on"), LATER)) is own
    assert not start.is_start_of(RunRecord.start(RUNNING.key, LATER, client_name="Acme Ltd"))


def test_changes_are_applied_one_after_the_other_also_those_of_one_run() -> None:
    other = RunRecord.start(RunKey("r", "bolt"), AT)
    records = {RUNNING.key: RUNNING, other.key: other}
    changes = [(RUNNING.key, RunChange(add={"n": 1})), (other.key, RunChange()), (RUNNING.key, RunChange(add={"n": 2}))]
    changed = changed_records(records, changes, AT)
    assert changed == {
        RUNNING.key: RUNNING.apply(RunChange(add={"n": 3}), AT),
        other.key: other,
    }
    assert list(changed) == [RUNNING.key, other.key]
    with pytest.raises(RunNotFound) as refusal:
        changed_records({}, changes, AT)
    assert refusal.value.key == RUNNING.key


def test_a_bulk_start_is_rejected_for_keys_that_exist_or_repeat() -> None:
    one, two, three, four = (
        NewRun(RunRecord.start(RunKey("r", client), AT), mark="m") for client in ("one", "two", "three", "four")
    )
    there = {three.key: "another", four.key: "m"}  # the fourth was created by an earlier attempt
    assert rejected_keys([one, two, three, two, four], there) == [two.key, three.key]
    assert rejected_keys([one, two]) == []
    assert rejected_keys([four, four], there) == [four.key]
    unmarked = NewRun(one.record)
    assert rejected_keys([unmarked], {unmarked.key: ""}) == [unmarked.key]


def test_a_marked_run_differs_in_its_mark_alone() -> None:
    record = RunRecord.start(RunKey("r", "acme"), datetime(2025, 11, 24, 8, 15, tzinfo=UTC))
    run = NewRun(evolve(record, notes=1), (LogLine(record.started_at, "begun"),))
    assert run.marked("m") == evolve(run, mark="m")


def test_a_run_that_is_tried_again_differs_in_that_and_in_the_reference_alone() -> None:
    record = RunRecord.start(RunKey("r", "acme"), datetime(2025, 11, 24, 8, 15, tzinfo=UTC))
    run = NewRun(evolve(record, notes=1), (LogLine(record.started_at, "begun"),), "m", reference="old")
    assert run.retried("new") == evolve(run, is_retry=True, reference="new")
    assert run.retried(None) == evolve(run, is_retry=True, reference=None)


@pytest.mark.parametrize("note", [None, "begun"])
def test_the_runs_of_a_start_have_its_mark_and_its_note(note: str | None) -> None:
    record = RunRecord.start(RunKey("r", "acme"), datetime(2025, 11, 24, 8, 15, tzinfo=UTC))
    [run] = NewRun.started([record], "mark", note)
    texts = [] if note is None else [note]
    assert (run.mark, run.is_retry, run.reference) == ("mark", False, None)
    assert [(line.at, line.text) for line in run.log] == [(record.started_at, text) for text in texts]
    assert run.record == evolve(record, notes=len(texts))
