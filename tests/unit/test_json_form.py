"""The JSON form of times, metrics, logs and records, in both directions, checked and trusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runledger import InvalidValue, LogLine, NewRun, RunChange, RunKey, RunRecord, RunStatus
from runledger.domain import MetricValue
from runledger.domain.json_form import (
    MALFORMED,
    log_from_json,
    log_to_json,
    metrics_from_json,
    metrics_to_json,
    problem_text,
    time_of_iso,
    time_of_text,
    time_text,
    trusted_log,
    trusted_metrics,
)

AT = datetime(2025, 11, 24, 8, 15, 0, 7000, tzinfo=UTC)
TEXT = "2025-11-24T08:15:00.007Z"
METRICS: dict[str, MetricValue] = {"Posts": 43, "Rate": 0.5, "Done": True, "Who": "Ünï\n", "When": AT}
METRICS_JSON = {"Posts": 43, "Rate": 0.5, "Done": True, "Who": "Ünï\n", "When": {"datetime": TEXT}}
LOG = (LogLine(AT, "öne"), LogLine(AT, "two"))
LOG_JSON = [[TEXT, "öne"], [TEXT, "two"]]
RECORD = RunRecord.start(RunKey("r", "acme"), AT, client_name="Acme", metrics=METRICS).apply(
    RunChange(note="öne", status=RunStatus.FAILED, error="no disk"), AT
)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (AT, TEXT),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_text_and_back(at: datetime, text: str) -> None:
    assert (time_text(at), time_of_text(text)) == (text, at)


@pytest.mark.parametrize("text", ["2025-11-24T08:15:00", "2025-11-24T08:15:00+01:00", "yesterday", 3])
def test_a_text_that_is_not_a_time_in_utc_is_rejected(text: Any) -> None:
    with pytest.raises(MALFORMED) as problem:
        time_of_text(text)
    if text == "2025-11-24T08:15:00":
        assert str(problem.value) == "not a time in UTC"


@pytest.mark.parametrize("text", ["20251124T081500.007Z", "20251124 081500.007+00:00", TEXT])
def test_an_iso_text_is_a_time_with_or_without_its_dashes(text: str) -> None:
    assert time_of_iso(text) == AT


@pytest.mark.parametrize("text", ["12900505", "1290050512345678", "20251124-081500"])
def test_digits_without_a_t_or_a_blank_after_the_day_are_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"^digits, and not an ISO time$"):
        time_of_iso(text)


def test_metrics_are_an_object_and_back() -> None:
    assert metrics_to_json(METRICS) == METRICS_JSON
    assert metrics_from_json(METRICS_JSON) == METRICS
    assert trusted_metrics(dict(METRICS_JSON)) == METRICS


def test_an_integer_that_a_store_wrote_for_a_float_is_a_float_again() -> None:
    exact, beyond = 2**53, 2**53 + 2
    metrics = trusted_metrics({"a": exact, "b": beyond, "c": -beyond, "d": -exact})
    assert [(value, type(value)) for value in metrics.values()] == [
        (exact, int),
        (float(beyond), float),
        (float(-beyond), float),
        (-exact, int),
    ]


@pytest.mark.parametrize("value", [None, [], {"date": TEXT}, {"datetime": "2025-11-24T08:15:00"}])
def test_what_a_store_returns_and_is_not_a_metric_value_is_rejected(value: object) -> None:
    with pytest.raises(MALFORMED) as problem:
        trusted_metrics({"m": value})
    if not isinstance(value, dict):
        assert str(problem.value) == "not a metric value"


@pytest.mark.parametrize("value", [{}, {"datetime": TEXT, "more": 1}, {"date": TEXT}])
def test_an_object_that_is_more_or_less_than_a_time_is_rejected(value: object) -> None:
    with pytest.raises(ValueError, match=r"^not a metric value$"):
        metrics_from_json({"m": value})


def test_a_log_is_an_array_and_back() -> None:
    assert log_to_json(LOG) == LOG_JSON
    assert log_from_json(LOG_JSON) == LOG
    assert trusted_log(LOG_JSON) == LOG


def test_the_lines_of_a_log_are_checked_unless_they_are_trusted() -> None:
    for line in ([TEXT, ""], ["2025-11-24T08:15:00", "naive"]):
        with pytest.raises(InvalidValue):
            log_from_json([line])
    assert trusted_log([[TEXT, ""]])[0].text == ""


@pytest.mark.parametrize("trusted", [False, True])
def test_a_record_is_an_object_and_back(trusted: bool) -> None:
    form = json.loads(json.dumps(RECORD.to_json()))
    assert form["metrics"] == METRICS_JSON
    assert RunRecord.from_json(form, trusted=trusted) == RECORD
    running = RunRecord.start(RunKey("r", "acme"), AT)
    assert RunRecord.from_json(running.to_json(), trusted=trusted) == running


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "Fine"},
        {"started_at": "2025-11-24T08:15:00"},
        {"ended_at": "2025-11-24T08:15:00"},
        {"updated_at": None},
        {"metrics": {"m": None}},
        {"notes": -1},
        {"notes": "1"},
    ],
)
def test_what_is_not_the_form_of_a_record_is_rejected(wrong: dict[str, Any], trusted: bool) -> None:
    with pytest.raises(InvalidValue):
        RunRecord.from_json({**RECORD.to_json(), **wrong}, trusted=trusted)


@pytest.mark.parametrize("trusted", [False, True])
def test_what_is_not_the_form_of_a_log_is_rejected(trusted: bool) -> None:
    run = NewRun(RECORD, LOG[:1])
    assert NewRun.from_json(json.loads(json.dumps(run.to_json())), trusted=trusted) == run
    for log in ([["now", "x"]], [[TEXT]], None, 7):
        with pytest.raises(InvalidValue):
            NewRun.from_json({**run.to_json(), "log": log}, trusted=trusted)


def test_a_form_in_another_zone_is_the_record_in_utc_unless_a_store_returned_it() -> None:
    form = {**RECORD.to_json(), "started_at": "2025-11-24T09:15:00.007+01:00"}
    assert RunRecord.from_json(form) == RECORD
    with pytest.raises(InvalidValue, match=r"not a time in UTC"):
        RunRecord.from_json(form, trusted=True)


def test_a_form_without_a_field_says_so() -> None:
    form = RECORD.to_json()
    del form["run_id"]
    with pytest.raises(InvalidValue) as refusal:
        RunRecord.from_json(form)
    assert str(refusal.value) == "this is not the JSON form of a run record (it has no 'run_id')."
    with pytest.raises(InvalidValue) as refusal:
        RunRecord.from_json({**RECORD.to_json(), "status": "Fine"})
    assert str(refusal.value) == (
        "this is not the JSON form of a run record (ValueError: 'Fine' is not a valid RunStatus)."
    )


def test_the_ids_of_a_form_are_checked_unless_it_is_trusted() -> None:
    form = {**RECORD.to_json(), "run_id": " r"}
    with pytest.raises(InvalidValue, match="begins or ends with white space"):
        RunRecord.from_json(form)
    assert RunRecord.from_json(form, trusted=True).key.run_id == " r"


def test_the_problem_of_a_form_is_cut_to_200_characters() -> None:
    assert problem_text(KeyError("at")) == "it has no 'at'"
    longest = "x" * (200 - len("ValueError: "))
    assert problem_text(ValueError(longest)) == f"ValueError: {longest}"
    assert problem_text(ValueError(f"{longest}y")) == f"ValueError: {longest[:-1]}…"
