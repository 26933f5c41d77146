import json
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from runledger import InvalidValue, RunChange, RunKey, RunQuery, RunRecord, RunStatus
from runledger.domain.values import storable_text

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "empty"),
        (" acme", "white space"),
        ("acme\u3000", "white space"),
        ("a\x00b", "U+0000 at position 2"),
        ("a\nb", "a line break at position 2"),
        ("a\x85b", "U+0085"),
        ("a\ud800b", "U+D800"),
        ("x" * 256, "256 characters"),
        (7, "int, not text"),
        (None, "NoneType, not text"),
        (b"acme", "bytes, not text"),
    ],
)
def test_an_id_that_cannot_be_kept_exactly_is_refused_with_the_reason(value: Any, words: str) -> None:
    for ids in ((value, "acme"), ("r", value)):
        with pytest.raises(InvalidValue) as refusal:
            RunKey(*ids)
        assert words in str(refusal.value)
        str(refusal.value).encode()  # the message itself can be printed


@pytest.mark.parametrize("value", ["a", "x" * 255, "ÅÄÖ", "cafe\u0301", "👩\u200d👩", "a b", "-1", "\u202eabc"])
def test_any_other_id_is_kept_as_it_is(value: str) -> None:
    assert RunKey(value, value).run_id == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "finite"),
        (math.inf, "finite"),
        (2**53 + 1, "2^53"),
        (-(2**53) - 1, "2^53"),
        ("x" * 100_001, "100,000"),
        ("a\0", "U+0000"),
        (None, "NoneType"),
        ([1], "list"),
        (datetime(2025, 1, 1), "time zone"),  # noqa: DTZ001
    ],
)
def test_a_metric_that_cannot_be_kept_is_refused_with_its_name(value: Any, words: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        RunChange(metrics={"Posts": value})
    assert words in str(refusal.value)
    assert "'Posts'" in str(refusal.value)


@pytest.mark.parametrize("number", ["1", True, math.nan, math.inf, 2**54, None])
def test_only_a_number_can_be_added(number: Any) -> None:
    with pytest.raises(InvalidValue):
        RunChange(add={"n": number})


@pytest.mark.parametrize("wrong", [[("a", 1)], "a=1", 3])
def test_metrics_must_be_a_mapping(wrong: Any) -> None:
    with pytest.raises(InvalidValue, match="mapping"):
        RunChange(metrics=wrong)
    with pytest.raises(InvalidValue, match="mapping"):
        RunChange(add=wrong)


@pytest.mark.parametrize("note", ["", "a\nb", "x" * 10_001, 3])
def test_a_note_is_one_line_of_text(note: Any) -> None:
    with pytest.raises(InvalidValue, match="note"):
        RunChange(note=note)


def test_a_change_cannot_set_a_run_to_running_or_ask_twice_for_one_metric() -> None:
    with pytest.raises(InvalidValue, match="Running"):
        RunChange(status=RunStatus.RUNNING)
    with pytest.raises(InvalidValue, match="both set and added"):
        RunChange(metrics={"a": 1}, add={"a": 1})
    with pytest.raises(InvalidValue, match="'failing' is not a status"):
        RunChange(status="failing")
    assert RunChange(status="completed-with-errors").status is RunStatus.COMPLETED_WITH_ERRORS
    with pytest.raises(InvalidValue, match="error"):
        RunChange(error=3)  # type: ignore[arg-type]


def test_times_become_utc_and_are_cut_to_the_millisecond() -> None:
    at = datetime(2025, 11, 24, 10, 15, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    record = RunRecord.start(RunKey("r", "c"), at, metrics={"when": at})
    assert record.started_at == datetime(2025, 11, 24, 8, 15, 0, 123_000, tzinfo=UTC) == record.metrics["when"]
    assert record.started_at.tzinfo is UTC
    with pytest.raises(InvalidValue, match="years"):
        RunRecord.start(RunKey("r", "c"), datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))))
    with pytest.raises(InvalidValue, match="time zone"):
        RunRecord.start(RunKey("r", "c"), datetime(2025, 1, 1))  # noqa: DTZ001
    with pytest.raises(InvalidValue, match="not a datetime"):
        RunRecord.start(RunKey("r", "c"), "2025-01-01")  # type: ignore[arg-type]


def test_minus_zero_is_kept_as_zero() -> None:
    assert math.copysign(1, RunChange(metrics={"z": -0.0}).metrics["z"]) == 1  # type: ignore[arg-type]


def test_metrics_cannot_be_changed_in_place_but_travel() -> None:
    given = {"a": 1}
    record = RunRecord.start(RunKey("r", "c"), AT, metrics=given)
    given["a"] = 2
    assert record.metrics == {"a": 1}
    with pytest.raises(TypeError, match=r"^this mapping is read-only: copy it with dict\(…\)"):
        record.metrics["a"] = 2  # type: ignore[index]
    assert pickle.loads(pickle.dumps(record)) == record
    assert json.dumps(record.metrics) == '{"a": 1}'
    assert len({record, pickle.loads(pickle.dumps(record))}) == 1


@pytest.mark.parametrize("values", [{"limit": -1}, {"limit": True}, {"run_id": ""}, {"status": "x"}, {"since": "x"}])
def test_a_query_refuses_what_it_cannot_mean(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        RunQuery(**values)


def test_a_query_takes_one_status_or_several_in_any_order() -> None:
    several = (RunStatus.RUNNING, RunStatus.FAILED)
    ways: list[Any] = [["failed", "Running"], {RunStatus.FAILED, "RUNNING"}, iter([*several, "failed"]), several]
    for given in ways:
        assert RunQuery(status=given).status == several
    assert RunQuery(status="failed") == RunQuery(status=[RunStatus.FAILED])
    assert RunQuery().status is None


def test_a_query_continues_after_a_record_or_its_place() -> None:
    record = RunRecord.start(RunKey("r", "c"), AT)
    place = (AT.astimezone(timezone(timedelta(hours=2))), RunKey("r", "c"))
    assert RunQuery(after=record) == RunQuery(after=place)
    assert hash(RunQuery(after=record)) == hash(RunQuery(after=place))
    assert RunQuery(after=place).after == (AT, record.key)
    query = RunQuery(after=record)
    same_start = [RunRecord.start(RunKey(*ids), AT) for ids in (("q", "d"), ("r", "b"), ("r", "c"), ("r", "d"))]
    assert [query.matches(each) for each in same_start] == [True, True, False, False]
    assert query.matches(RunRecord.start(RunKey("z", "z"), AT - timedelta(milliseconds=1)))


def test_text_that_nobody_chose_is_made_to_fit_in_plain_sight() -> None:
    assert storable_text("a\0b\ud800") == "a\ufffdb\ufffd"
    assert storable_text("x" * 100_000) == "x" * 100_000
    cut = storable_text("x" * 200_000)
    assert len(cut) == 100_000
    assert cut.endswith("x…")
    assert RunChange(error=cut).error == cut
