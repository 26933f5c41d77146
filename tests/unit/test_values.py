import json
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hostile import Proxy, Zone, raising
from runledger import InvalidValue, LogLine, NewRun, RunChange, RunKey, RunQuery, RunRecord, RunStatus
from runledger.domain import FinishedRuns
from runledger.domain.preparation import MetricColumn, MetricKind
from runledger.domain.values import storable_text
from runledger.testing.subclasses import Count, Word, of_subclass

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


def test_the_parts_of_a_key_that_a_store_returned_are_taken_as_they_are() -> None:
    key = RunKey.trusted(" r", "c\n", "rec1")
    assert (key.run_id, key.client_id, key.reference) == (" r", "c\n", "rec1")


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


@pytest.mark.parametrize("number", [2**53, 7, -(2**53), 0.5, -1e300])
def test_a_number_of_a_subclass_is_kept_as_the_plain_number(number: float) -> None:
    for kept in (RunChange(metrics={"n": of_subclass(number)}).metrics, RunChange(add={"n": of_subclass(number)}).add):
        assert (kept, type(kept["n"])) == ({"n": number}, type(number))


@pytest.mark.parametrize("number", [2**53 + 1, math.inf, math.nan])
def test_a_number_of_a_subclass_has_the_limits_of_a_plain_number(number: float) -> None:
    with pytest.raises(InvalidValue, match=r"^metric 'n' is (beyond ±2\^53|inf|nan): "):
        RunChange(metrics={"n": of_subclass(number)})


class Client(StrEnum):
    ACME = "acme"
    BLANK = " acme"


class Label(str, Enum):  # noqa: UP042 - whose str() is not its text, unlike that of a StrEnum
    ACME = "acme"
    FAILED = "failed"


@pytest.mark.parametrize("acme", [Client.ACME, Label.ACME, Word("acme")])
def test_text_of_a_subclass_is_kept_as_the_plain_text(acme: str) -> None:
    key = RunKey(acme, acme, reference=acme)
    record = RunRecord.start(key, AT, client_name=acme, metrics={acme: acme})
    change = RunChange(note=acme, error=acme, metrics={acme: acme})
    query = RunQuery(run_id=acme, client_id=acme)
    run = NewRun(record, mark=acme, reference=acme)
    column, finished = MetricColumn(acme, MetricKind.TEXT), FinishedRuns(before=AT, client_id=acme)
    texts = [key.run_id, key.client_id, key.reference, record.client_name, *record.metrics, *record.metrics.values()]
    texts += [change.note, change.error, *change.metrics, *change.metrics.values(), query.run_id, query.client_id]
    texts += [run.mark, run.reference, run.marked(acme).mark, *(each.mark for each in NewRun.started([record], acme))]
    texts += [column.name, finished.client_id, LogLine(AT, acme).text, *RunChange(add={acme: 1}).add]
    assert {(text, type(text)) for text in texts} == {("acme", str)}
    assert str(key) == "run 'acme' of client 'acme'"
    assert repr(key) == "RunKey(run_id='acme', client_id='acme')"


def test_text_of_a_subclass_has_the_limits_of_plain_text() -> None:
    with pytest.raises(InvalidValue, match=r"^client id ' acme' begins or ends with white space"):
        RunKey("r", Client.BLANK)
    with pytest.raises(InvalidValue, match=r"^metric 'n' has 100001 characters"):
        RunChange(metrics={"n": Word("x" * 100_001)})


def test_a_status_is_named_by_a_label_of_a_subclass() -> None:
    assert RunChange(status=Label.FAILED).status is RunStatus.FAILED
    assert RunQuery(status=Label.FAILED).status == (RunStatus.FAILED,)


def test_two_names_that_are_the_same_text_are_refused() -> None:
    class Name(str):
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            return self is other

    for what in ("metrics", "add"):
        with pytest.raises(InvalidValue, match=rf"^{what} has two names that are the same text: name each metric once"):
            RunChange(**{what: {Name("n"): 1, "n": 2}})  # type: ignore[arg-type]


def test_the_client_names_of_a_start_are_found_by_ids_of_a_subclass() -> None:
    class Id(str):
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            return self is other

    names: dict[str, str] = {Id("acme"): "Acme Ltd", Id("bolt"): "Bolt Inc"}
    records = RunRecord.start_many(Word("r"), names, AT, names=names)
    assert [(each.key.run_id, each.key.client_id, each.client_name) for each in records] == [
        ("r", "acme", "Acme Ltd"),
        ("r", "bolt", "Bolt Inc"),
    ]
    assert {type(text) for each in records for text in (each.key.run_id, each.key.client_id)} == {str}


class Timestamp(datetime):
    """Like that of pandas, which has finer units and years beyond 9999: its fields are not those of the datetime."""

    years = 0
    year = property(lambda self: datetime.year.__get__(self) + self.years)


def test_a_time_of_a_subclass_is_kept_as_the_plain_time() -> None:
    for zone in (UTC, timezone(timedelta(hours=2)), ZoneInfo("Europe/Berlin")):
        local = datetime(2025, 10, 26, 2, 30, 1, 123_456, tzinfo=zone, fold=1)
        kept = RunRecord.start(RunKey("r", "c"), of_subclass(local)).started_at
        assert (kept, type(kept), kept.tzinfo) == (RunRecord.start(RunKey("r", "c"), local).started_at, datetime, UTC)
    with pytest.raises(InvalidValue, match="has no time zone"):
        RunRecord.start(RunKey("r", "c"), of_subclass(datetime(2025, 1, 1)))  # noqa: DTZ001


def test_a_time_of_a_subclass_beyond_the_years_of_a_datetime_is_refused() -> None:
    at = Timestamp(2025, 11, 24, 8, 15, tzinfo=UTC)
    assert RunRecord.start(RunKey("r", "c"), at).started_at == AT
    for years in (100_000, math.nan):
        at.years = years  # type: ignore[assignment]
        with pytest.raises(InvalidValue, match=r"^time of the start is no time of the years 1 to 9999: give an aware"):
            RunRecord.start(RunKey("r", "c"), at)


@pytest.mark.parametrize("error", [AttributeError("x"), KeyError("x"), OSError("x"), RuntimeError("x")])
def test_a_time_whose_zone_or_fields_raise_is_refused(error: Exception) -> None:
    zone = raising(error)
    for at in (AT.replace(tzinfo=zone), of_subclass(AT).replace(tzinfo=zone)):
        with pytest.raises(InvalidValue, match=r"^since 2025-11-24T08:15:00 has no time zone: pass an aware datetime"):
            RunQuery(since=at)

    class Fieldless(datetime):
        @property
        def year(self) -> int:
            raise error

    with pytest.raises(InvalidValue, match=r"^since is no time of the years 1 to 9999: give an aware datetime"):
        RunQuery(since=Fieldless(2025, 11, 24, tzinfo=UTC))


def test_a_time_beyond_the_years_in_utc_is_named_without_its_zone() -> None:
    def late() -> timedelta:
        return timedelta(hours=-1)

    for zone in (raising(OverflowError("x")), Zone(late)):
        at = datetime(9999, 12, 31, 23, 30, tzinfo=zone)
        with pytest.raises(InvalidValue, match=r"^since 9999-12-31T23:30:00 is outside the years 1 to 9999 in UTC\.$"):
            RunQuery(since=at)
    assert RunQuery(since=AT.replace(tzinfo=Zone(late))).since == AT + timedelta(hours=1)


def test_what_only_passes_isinstance_is_refused_by_the_name_of_its_type() -> None:
    for limit in (Proxy(1), Proxy(True)):
        with pytest.raises(InvalidValue, match=r"^limit is <Proxy>: give a whole number from 0\.$"):
            RunQuery(limit=limit)  # type: ignore[arg-type]
    for status in ("failed", RunStatus.FAILED):
        with pytest.raises(InvalidValue, match=r"^<Proxy> is not a status: use one of "):
            RunChange(status=Proxy(status))  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"^run id is Proxy, not text: give a str\.$"):
        RunKey(Proxy("r"), "c")  # type: ignore[arg-type]
    for value in (Proxy(1.5), Proxy(True)):
        with pytest.raises(InvalidValue, match=r"^addition to 'n' is Proxy, not a number: give an int or a float\.$"):
            RunChange(add={"n": value})  # type: ignore[dict-item]


@pytest.mark.parametrize("limit", [Label, 1.0, "1", None, True])
def test_a_count_of_a_subclass_is_kept_as_the_plain_number(limit: Any) -> None:
    query = RunQuery(limit=Count(3))
    assert (query.limit, type(query.limit)) == (3, int)
    with pytest.raises(InvalidValue, match=r"^notes is .+: give a whole number from 0"):
        RunRecord(
            key=RunKey("r", "c"), client_name="c", status=RunStatus.RUNNING, started_at=AT, updated_at=AT, notes=limit
        )


def test_an_error_of_the_greatest_length_may_have_lines() -> None:
    longest = "x" * 99_999 + "\n"
    assert RunChange(error=longest).error == longest


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
    with pytest.raises(InvalidValue, match="metric 'a' is both set and added"):
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
