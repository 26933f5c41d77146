"""What the constructors of the record and its parts accept, as which values, and how they reject everything else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import asdict, evolve

from runledger import (
    InvalidValue,
    LogLine,
    NewRun,
    RunAlreadyFinished,
    RunChange,
    RunKey,
    RunQuery,
    RunRecord,
    RunStatus,
)
from runledger.domain.json_form import time_text

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
EARLIER_ELSEWHERE = datetime(2025, 11, 24, 10, 14, 59, 123_999, tzinfo=timezone(timedelta(hours=2)))
EARLIER = datetime(2025, 11, 24, 8, 14, 59, 123_000, tzinfo=UTC)
NAIVE = datetime(2025, 11, 24)  # noqa: DTZ001
KEY = RunKey("r", "acme")
DONE = RunRecord(
    key=KEY,
    client_name="Acme Ltd",
    status=RunStatus.FAILED,
    started_at=EARLIER,
    ended_at=AT,
    metrics={"n": 1},
    notes=1,
    error="boom",
    updated_at=AT,
)
STATUSES = "Running, Completed, Completed with Errors, Failed, Skipped, Cancelled"


def made(**changed: Any) -> RunRecord:
    return evolve(DONE, **changed)


def of(**metrics: Any) -> RunRecord:
    return RunRecord.start(KEY, AT, metrics=metrics)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: RunKey("", "acme"), "run id is empty: give it 1 to 255 characters."),
        (lambda: RunKey(7, "acme"), "run id is int, not text: give a str."),  # type: ignore[arg-type]
        (lambda: RunKey("x" * 256, "acme"), "run id has 256 characters: at most 255 can be stored."),
        (
            lambda: RunKey("r ", "acme"),
            "run id 'r ' begins or ends with white space: remove it where the value is made.",
        ),
        (
            lambda: RunKey("r", "a\ud800b"),
            "client id 'a\\ud800b' has the character U+D800 at position 2: it cannot be stored; remove it.",
        ),
        (
            lambda: RunKey("r", " " + "x" * 57),
            f"client id ' {'x' * 57}' begins or ends with white space: remove it where the value is made.",
        ),
        (
            lambda: RunKey("r", " " + "x" * 58),
            f"client id ' {'x' * 55}…' begins or ends with white space: remove it where the value is made.",
        ),
        (lambda: RunKey("r", ""), "client id is empty: give it 1 to 255 characters."),
        (lambda: made(client_name=""), "client name is empty: give it 1 to 255 characters."),
        (lambda: made(key="r"), "key is str, not a RunKey."),
        (lambda: made(notes=None), "notes is None: give a whole number from 0."),
        (lambda: NewRun(DONE, ("one",)), f"the log of {KEY} holds something that is not a LogLine."),  # type: ignore[arg-type]
        (
            lambda: NewRun(DONE),
            f"{KEY} counts 1 note, but its log has 0 lines: give the record with its whole log.",
        ),
        (lambda: NewRun("r"), "record is str, not a RunRecord."),  # type: ignore[arg-type]
        (lambda: NewRun(made(notes=0), mark=7), "mark is int, not text: give a str."),  # type: ignore[arg-type]
        (lambda: NewRun.started([made(notes=0)], 7), "mark is int, not text: give a str."),  # type: ignore[arg-type]
        (lambda: NewRun(made(notes=0)).marked(7), "mark is int, not text: give a str."),  # type: ignore[arg-type]
        (lambda: RunRecord.start("r", AT), "key is str, not a RunKey."),  # type: ignore[arg-type]
        (
            lambda: RunRecord.start(KEY, AT, client_name=" x"),
            f"{KEY}: client name ' x' begins or ends with white space: remove it where the value is made.",
        ),
        (lambda: made(ended_at=None), f"{KEY} is Failed, but has no end time: give its ended_at."),
        (
            lambda: made(status=RunStatus.RUNNING),
            f"{KEY} is Running, but has an end time: leave ended_at empty, or give a final status.",
        ),
        (
            lambda: made(ended_at=datetime(1999, 1, 1, tzinfo=UTC)),
            f"{KEY} ends at 1999-01-01T00:00:00.000Z, before its start at {time_text(DONE.started_at)}: "
            "correct one of the two times.",
        ),
        (lambda: made(started_at=None), "started_at is NoneType, not a datetime: give an aware datetime."),
        (lambda: made(ended_at=7), "ended_at is int, not a datetime: give an aware datetime."),
        (lambda: made(updated_at=None), "updated_at is NoneType, not a datetime: give an aware datetime."),
        (lambda: made(status="failing"), f"'failing' is not a status: use one of {STATUSES}."),
        (lambda: made(status=3), f"3 is not a status: use one of {STATUSES}."),
        (lambda: LogLine(7, "one"), "time of a log line is int, not a datetime: give an aware datetime."),  # type: ignore[arg-type]
        (lambda: LogLine(AT, ""), "note is empty: leave it out, or give it text."),
        (lambda: RunChange(note=7), "note is int, not text: give a str."),  # type: ignore[arg-type]
        (
            lambda: RunChange(note="x" * 10_001),
            "note has 10001 characters: at most 10,000 can be stored.",
        ),
        (
            lambda: RunChange(note="a\nb"),
            "note 'a\\nb' has a line break at position 2: it must be one line.",
        ),
        (lambda: RunChange(error=7), "error is int, not text: give a str."),  # type: ignore[arg-type]
        (lambda: RunChange(metrics=[1]), "metrics is list: give a mapping of names to values."),  # type: ignore[arg-type]
        (lambda: RunChange(add="n=1"), "add is str: give a mapping of names to values."),  # type: ignore[arg-type]
        (lambda: RunQuery(since=NAIVE), "since 2025-11-24T00:00:00 has no time zone: pass an aware datetime."),
        (lambda: RunQuery(until=NAIVE), "until 2025-11-24T00:00:00 has no time zone: pass an aware datetime."),
        (lambda: RunQuery(status=[]), "status is empty: name at least one status, or leave it out for any."),
        (lambda: RunQuery(status=["Failed", "failing"]), f"'failing' is not a status: use one of {STATUSES}."),
        (lambda: RunQuery(status=3), f"3 is not a status: use one of {STATUSES}."),  # type: ignore[arg-type]
        (
            lambda: RunQuery(after=KEY),  # type: ignore[arg-type]
            "after is RunKey(run_id='r', client_id='acme'): give a RunRecord, or its start time and its RunKey.",
        ),
        (
            lambda: RunQuery(after=(AT, "r")),  # type: ignore[arg-type]
            f"after is {repr((AT, 'r'))[:57]}…: give a RunRecord, or its start time and its RunKey.",
        ),
        (
            lambda: RunQuery(after=(AT, KEY, "c")),  # type: ignore[arg-type]
            f"after is {repr((AT, KEY, 'c'))[:57]}…: give a RunRecord, or its start time and its RunKey.",
        ),
        (lambda: RunQuery(after=(NAIVE, KEY)), "after 2025-11-24T00:00:00 has no time zone: pass an aware datetime."),
        (
            lambda: RunQuery(updated_before=NAIVE),
            "updated_before 2025-11-24T00:00:00 has no time zone: pass an aware datetime.",
        ),
        (
            lambda: RunChange(status=RunStatus.RUNNING),
            "status Running cannot be set: a change can only finish a run.",
        ),
        (
            lambda: RunRecord.start(KEY, NAIVE),
            "time of the start 2025-11-24T00:00:00 has no time zone: pass an aware datetime.",
        ),
        (
            lambda: DONE.apply(RunChange(), NAIVE),
            "time of the change 2025-11-24T00:00:00 has no time zone: pass an aware datetime.",
        ),
        (
            lambda: of(m="x").apply(RunChange(add={"m": 1}), AT),
            f"cannot add to metric 'm' of {KEY}: it is str, not a number; set it to one.",
        ),
        (
            lambda: of(m=2**53).apply(RunChange(add={"m": 1}), AT),
            f"sum of metric 'm' of {KEY} is beyond ±2^53: store it as text or as a float.",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_these_words(act: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        act()
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "times", [{"ended_at": None}, {"status": RunStatus.RUNNING}, {"ended_at": datetime(1999, 1, 1, tzinfo=UTC)}]
)
def test_a_record_whose_end_is_wrong_names_its_run(times: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as refusal:
        made(**times)
    assert refusal.value.key == KEY
    assert str(refusal.value.naming(KEY)).count(str(KEY)) == 1


def test_a_refused_sum_and_a_second_end_name_their_run() -> None:
    with pytest.raises(InvalidValue) as sum_:
        of(m=2**53).apply(RunChange(add={"m": 1}), AT)
    with pytest.raises(RunAlreadyFinished) as end:
        DONE.apply(RunChange(status=RunStatus.COMPLETED), AT)
    assert (sum_.value.key, end.value.key) == (KEY, KEY)


def test_every_time_of_a_record_is_kept_in_utc_to_the_millisecond() -> None:
    record = made(started_at=EARLIER_ELSEWHERE, ended_at=EARLIER_ELSEWHERE, updated_at=EARLIER_ELSEWHERE)
    for at in (record.started_at, record.ended_at, record.updated_at, LogLine(EARLIER_ELSEWHERE, "one").at):
        assert at == EARLIER
        assert at is not None
        assert at.tzinfo is UTC
    for micros in (1000, 1001, 1500):
        after = DONE.apply(RunChange(), AT + timedelta(microseconds=micros))
        assert after.updated_at == AT + timedelta(milliseconds=1)
    for time in (AT, AT.replace(microsecond=1500)):
        assert (
            made(started_at=time.replace(fold=1), ended_at=AT + timedelta(seconds=1)).started_at.fold == 0
        )  # means nothing in UTC


def test_a_log_becomes_a_tuple_that_its_giver_cannot_change() -> None:
    given = [LogLine(AT, "one")]
    run = NewRun(DONE, given)
    given.append(LogLine(AT, "two"))
    assert run.log == (LogLine(AT, "one"),)


def test_sums_reach_the_bounds_and_floats_go_beyond() -> None:
    assert of(m=2**53 - 1).apply(RunChange(add={"m": 1}), AT).metrics == {"m": 2**53}
    assert of(m=1 - 2**53).apply(RunChange(add={"m": -1}), AT).metrics == {"m": -(2**53)}
    assert of(m=1e300).apply(RunChange(add={"m": 1e300}), AT).metrics == {"m": 2e300}


def test_a_record_read_back_is_the_one_that_was_written() -> None:
    fields = asdict(DONE, recurse=False)
    key = fields.pop("key")
    back = RunRecord.trusted(key.run_id, key.client_id, **fields)
    assert back == DONE
    assert RunRecord.trusted(key.run_id, key.client_id, **fields, reference="rec1").key.reference == "rec1"
    line = LogLine.trusted(AT, "one")
    assert (line, line.at, line.text) == (LogLine(AT, "one"), AT, "one")


def test_a_run_with_its_log_has_a_json_form_that_reads_back() -> None:
    run = NewRun(DONE, (LogLine(AT, "one"),))
    form = run.to_json()
    assert "notes" not in form
    assert form["log"] == [["2025-11-24T08:15:00.000Z", "one"]]
    for trusted in (False, True):
        assert NewRun.from_json(form, trusted=trusted) == run
        assert RunRecord.from_json(DONE.to_json(), trusted=trusted) == DONE
    with pytest.raises(InvalidValue, match="note is empty"):
        NewRun.from_json({**form, "log": [["2025-11-24T08:15:00.000Z", ""]]})
    for wrong in ({**form, "log": 7}, DONE.to_json()):
        with pytest.raises(InvalidValue, match="not the JSON form of a run with its log"):
            NewRun.from_json(wrong)


def test_only_the_same_mark_is_that_of_an_earlier_attempt() -> None:
    record = made(notes=0)
    assert NewRun(record, mark="a").is_same_start("a")
    assert not NewRun(record, mark="a").is_same_start("b")
    assert not NewRun(record).is_same_start("")
    assert "secret" not in repr(NewRun(record, mark="secret"))


def test_the_form_of_a_run_with_its_log_is_checked_unless_it_is_trusted() -> None:
    form = NewRun(DONE, [LogLine(AT, "one")]).to_json()
    odd = {**form, "run_id": " r", "log": [[form["log"][0][0], ""]]}
    assert NewRun.from_json(odd, trusted=True).log == (LogLine.trusted(AT, ""),)
    for wrong in (odd, {**form, "run_id": " r"}, {**form, "log": odd["log"]}):
        with pytest.raises(InvalidValue):
            NewRun.from_json(wrong)
    with pytest.raises(InvalidValue) as refusal:
        NewRun.from_json({**form, "log": 7})
    assert str(refusal.value).startswith("this is not the JSON form of a run with its log (TypeError: ")
    with pytest.raises(InvalidValue, match="counts 5 notes, but its log has 1 line:"):
        NewRun.from_json({**form, "notes": 5})


def test_a_log_of_something_else_is_rejected_with_the_key() -> None:
    with pytest.raises(InvalidValue) as refusal:
        NewRun(DONE, ("one",))  # type: ignore[arg-type]
    assert refusal.value.key == KEY


def test_the_time_of_a_line_is_checked_as_that_of_its_change() -> None:
    with pytest.raises(InvalidValue) as refusal:
        RunChange(note="one").line(NAIVE)
    assert str(refusal.value) == "time of the change 2025-11-24T00:00:00 has no time zone: pass an aware datetime."
