"""What is expected of clients: windows of days and hours, on days when clocks change too, and every deviation."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from runledger import EventKind, InvalidValue, RunChange, RunKey, RunRecord, RunStatus
from runledger.services.inspecting.duration import age_text, duration_text
from runledger.services.inspecting.expectation import Deviation, DeviationKind, Expectation, deviations, quiet
from runledger.services.inspecting.future import CLOCKS_DIFFER
from runledger.services.inspecting.window import DAYS, Window, days_of, hours_of

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)  # a Monday
KEY = RunKey("r", "acme")
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
BERLIN = "Europe/Berlin"


def window(days: str = " ".join(DAYS), hours: str = "00:00-24:00", zone: str = "UTC") -> Window:
    return Window(zone=ZoneInfo(zone), days=days_of(days.split()), hours=hours_of(hours))


def held(within: Window, start: datetime, at: datetime) -> timedelta:
    """How much of the time lies within the window, to the minute, found by halving."""
    least, most = -1, 60 * 24 * 60
    while most - least > 1:
        middle = (least + most) // 2
        if within.holds_more_than(timedelta(minutes=middle), start, at):
            least = middle
        else:
            most = middle
    return timedelta(minutes=most)


def local(day: str, hour: str, zone: str = BERLIN) -> datetime:
    at = datetime.combine(date.fromisoformat(day), time.fromisoformat(hour))
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("seconds", "exact", "age"),
    [
        (0, "0s", "0s"),
        (-0.001, None, "0s"),
        (-86400, None, "0s"),
        (0.5, "0.5s", "0s"),
        (59.999, "59.999s", "59s"),
        (60, "1m", "1m"),
        (90, "1m30s", "1m"),
        (3599, "59m59s", "59m"),
        (3600, "1h", "1h"),
        (5400, "1h30m", "1h"),
        (3601, "1h1s", "1h"),
        (26 * 3600, "26h", "26h"),
        (86400, "1d", "24h"),
        (2 * 86400 - 1, "47h59m59s", "47h"),
        (2 * 86400, "2d", "2d"),
        (9 * 86400 + 3600, "217h", "9d"),
    ],
)
def test_durations_are_exact_and_ages_rounded_down(seconds: float, exact: str | None, age: str) -> None:
    duration = timedelta(seconds=seconds)
    assert exact is None or duration_text(duration) == exact
    assert age_text(duration) == age


def test_days_are_named() -> None:
    assert days_of(["mon", "sun", "mon"]) == {0, 6}
    assert days_of(DAYS) == set(range(7)) == Window(zone=UTC).days
    with pytest.raises(
        InvalidValue, match=r"^'Mon' is not a day of the week: use mon, tue, wed, thu, fri, sat, sun\.$"
    ):
        days_of(["Mon"])
    with pytest.raises(
        InvalidValue,
        match=r"^it names no day: give at least one of mon, tue, wed, thu, fri, sat, sun, or leave it out for all\.$",
    ):
        days_of([])


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("00:00-24:00", (0, 1440)),
        ("00:00-00:01", (0, 1)),
        ("08:00-18:30", (480, 1110)),
        ("22:00-06:00", (1320, 1800)),
        ("23:59-24:00", (1439, 1440)),
        ("23:59-00:00", (1439, 1440)),
        ("19:09-19:08", (1149, 2588)),
    ],
)
def test_hours_are_minutes_after_midnight(text: str, hours: tuple[int, int]) -> None:
    assert hours_of(text) == hours


@pytest.mark.parametrize(
    "text", ["8-18", "8:00-18:00", "08:00-25:00", "08:60-09:00", "24:00-08:00", "08:00–18:00", "0٨:00-18:00", ""]
)
def test_other_text_is_no_span_of_hours(text: str) -> None:
    said = f"{text!r} is not a span of hours: write it like 08:00-18:00, or 22:00-06:00 over midnight."
    with pytest.raises(InvalidValue, match="^" + said.replace(".", r"\.") + "$"):
        hours_of(text)


def test_hours_that_end_where_they_begin_are_rejected() -> None:
    said = "^'08:00-08:00' begins and ends at the same time: give two times, or leave it out for all hours.$"
    with pytest.raises(InvalidValue, match=said):
        hours_of("08:00-08:00")


def test_a_window_of_all_hours_holds_all_time() -> None:
    for zone in (UTC, timezone(14 * HOUR), timezone(-12 * HOUR)):
        everything = Window(zone=zone)
        assert everything.holds_more_than(26 * HOUR, AT - 26 * HOUR - MILLISECOND, AT)
        assert not everything.holds_more_than(26 * HOUR, AT - 26 * HOUR, AT)
        assert not everything.holds_more_than(timedelta(), AT, AT)
        assert not everything.holds_more_than(timedelta(), AT + HOUR, AT)
        assert everything.holds_more_than(timedelta(), AT - MILLISECOND, AT)


@pytest.mark.parametrize(
    ("within", "start", "at", "hours"),
    [
        # A weekend does not count.
        (window("mon tue wed thu fri", zone=BERLIN), local("2025-11-21", "02:00"), local("2025-11-24", "02:00"), 24),
        (window("mon tue wed thu fri", zone=BERLIN), local("2025-11-22", "02:00"), local("2025-11-23", "02:00"), 0),
        # Nor do the hours between windows.
        (window("mon fri", "08:00-18:00"), local("2025-11-21", "16:30", "UTC"), local("2025-11-24", "09:30", "UTC"), 3),
        (
            window("mon fri", "08:00-18:00"),
            local("2025-11-21", "07:00", "UTC"),
            local("2025-11-21", "18:00", "UTC"),
            10,
        ),
        (window("mon fri", "08:00-18:00"), local("2025-11-21", "18:00", "UTC"), local("2025-11-24", "08:00", "UTC"), 0),
        # Hours over midnight are of the day on which they begin.
        (window("fri", "22:00-06:00"), local("2025-11-21", "12:00", "UTC"), local("2025-11-23", "12:00", "UTC"), 8),
        (window("fri", "22:00-06:00"), local("2025-11-22", "02:00", "UTC"), local("2025-11-22", "04:00", "UTC"), 2),
        (window("sat", "22:00-06:00"), local("2025-11-21", "12:00", "UTC"), local("2025-11-22", "12:00", "UTC"), 0),
        (window("fri sat", "22:00-06:00"), local("2025-11-21", "23:00", "UTC"), local("2025-11-23", "00:00", "UTC"), 9),
        # In spring, 02:00 to 03:00 is skipped: the day has 23 hours, and 02:30 is 03:30.
        (window(zone=BERLIN), local("2025-03-30", "00:00"), local("2025-03-31", "00:00"), 23),
        (window("sun", "02:30-04:00", BERLIN), local("2025-03-30", "00:00"), local("2025-03-31", "00:00"), 0.5),
        (window("sun", "01:00-02:30", BERLIN), local("2025-03-30", "00:00"), local("2025-03-31", "00:00"), 1.5),
        (window("sun", "02:45-03:15", BERLIN), local("2025-03-30", "00:00"), local("2025-03-31", "00:00"), 0),
        (window("sat", "22:00-06:00", BERLIN), local("2025-03-29", "00:00"), local("2025-03-31", "00:00"), 7),
        # In autumn, 02:00 to 03:00 comes twice: the day has 25 hours, and 02:30 is the first.
        (window(zone=BERLIN), local("2025-10-26", "00:00"), local("2025-10-27", "00:00"), 25),
        (window("sun", "02:30-04:00", BERLIN), local("2025-10-26", "00:00"), local("2025-10-27", "00:00"), 2.5),
        (window("sun", "01:00-02:30", BERLIN), local("2025-10-26", "00:00"), local("2025-10-27", "00:00"), 1.5),
        (window("sat", "22:00-06:00", BERLIN), local("2025-10-25", "00:00"), local("2025-10-27", "00:00"), 9),
        # Where two windows meet in the hour that is skipped, it counts once.
        (window("sat sun", "03:00-02:45", BERLIN), local("2025-03-29", "03:00"), local("2025-03-31", "02:45"), 46.75),
        # The day is that of the zone: here it is Monday already.
        (
            window("mon", zone="Pacific/Kiritimati"),
            local("2025-11-23", "08:00", "UTC"),
            local("2025-11-23", "12:00", "UTC"),
            2,
        ),
        # A day that a zone skips has no hours.
        (
            window(zone="Pacific/Apia"),
            datetime(2011, 12, 29, 10, tzinfo=UTC),
            datetime(2011, 12, 31, 10, tzinfo=UTC),
            48,
        ),
        (window("fri", zone="Pacific/Apia"), datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC), 0),
    ],
)
def test_a_window_holds_its_hours_on_its_days(within: Window, start: datetime, at: datetime, hours: float) -> None:
    assert held(within, start, at) == hours * HOUR


def test_time_begins_in_the_first_days_of_the_year_one() -> None:
    assert window("mon", zone="Pacific/Kiritimati").holds_more_than(HOUR, datetime(1, 1, 1, tzinfo=UTC), AT)
    early = datetime(1, 1, 6, tzinfo=UTC)
    assert held(Window(zone=timezone(14 * HOUR)), datetime(1, 1, 1, tzinfo=UTC), early) == 48 * HOUR
    assert held(Window(zone=timezone(-12 * HOUR)), datetime(1, 1, 5, tzinfo=UTC), early) == 24 * HOUR


def record(status: RunStatus = RunStatus.RUNNING, *, age: timedelta = 2 * HOUR, error: str | None = None) -> RunRecord:
    """A run that started so long before AT and, if it has ended, ended an hour later."""
    started = RunRecord.start(KEY, AT - age)
    if status is RunStatus.RUNNING:
        return started
    return started.apply(RunChange(status=status, error=error), AT - age + HOUR)


def found(newest: RunRecord | None, **expected: object) -> list[Deviation]:
    return list(deviations("acme", newest, Expectation(**expected), AT))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.SKIPPED, RunStatus.CANCELLED])
def test_a_run_of_which_nothing_is_expected_is_as_expected(status: RunStatus) -> None:
    assert found(record(status)) == []
    assert found(record(status), may_fail=True) == []


def test_a_client_that_never_ran_deviates() -> None:
    kind = DeviationKind.NEVER_RAN
    assert found(None) == [Deviation(kind=kind, client_id="acme", what="client 'acme' never ran")]
    [deviation] = found(None, max_age=26 * HOUR, max_duration=HOUR, may_fail=True, window=window("mon"))
    assert deviation == Deviation(kind=kind, client_id="acme", what="client 'acme' never ran: expected every 26h")


def test_a_client_is_overdue_once_its_newest_run_is_older_than_expected() -> None:
    assert found(record(age=26 * HOUR), max_age=26 * HOUR) == []
    newest = record(age=26 * HOUR + MILLISECOND)
    what = "client 'acme' is overdue: last start 26h ago, expected every 26h"
    assert found(newest, max_age=26 * HOUR) == [
        Deviation(kind=DeviationKind.OVERDUE, client_id="acme", record=newest, what=what)
    ]
    assert found(record(age=-HOUR), max_age=MILLISECOND) == []


def test_only_the_time_within_the_window_counts_for_an_age() -> None:
    friday = record(age=72 * HOUR - 15 * timedelta(minutes=1))  # 08:30
    assert found(friday, max_age=24 * HOUR, window=window("mon tue wed thu fri")) == []
    [late] = found(friday, max_age=23 * HOUR, window=window("mon tue wed thu fri"))
    assert late.what == ("client 'acme' is overdue: last start 2d ago, expected every 23h of its days and hours")


@pytest.mark.parametrize(
    ("status", "kind", "what"),
    [
        (RunStatus.FAILED, DeviationKind.FAILED, "run 'r' of client 'acme' failed 1h ago"),
        (
            RunStatus.COMPLETED_WITH_ERRORS,
            DeviationKind.WITH_ERRORS,
            "run 'r' of client 'acme' completed with errors 1h ago",
        ),
    ],
)
def test_a_newest_run_that_went_wrong_says_why(status: RunStatus, kind: DeviationKind, what: str) -> None:
    for error, reason in (
        (None, ""),
        ("disk\x1b full\nnext line", ": disk\\u001b full"),
        (100 * "x", ": " + 100 * "x"),
        (101 * "x", ": " + 99 * "x" + "…"),
    ):
        newest = record(status, error=error)
        assert found(newest) == [Deviation(kind=kind, client_id="acme", record=newest, what=what + reason)]
        assert found(newest, may_fail=True) == []


def test_of_an_end_in_the_future_no_age_is_given() -> None:
    for status, what in (
        (RunStatus.FAILED, "run 'r' of client 'acme' failed"),
        (RunStatus.COMPLETED_WITH_ERRORS, "run 'r' of client 'acme' completed with errors"),
    ):
        for error, reason in ((None, ""), ("disk full", ": disk full")):
            newest = record(status, age=HOUR - CLOCKS_DIFFER, error=error)
            assert [each.what for each in found(newest)] == [what + reason]
            newest = record(status, age=HOUR - CLOCKS_DIFFER + MILLISECOND, error=error)
            assert [each.what for each in found(newest)] == [f"{what} 0s ago{reason}"]


def test_a_newest_run_is_slow_once_it_runs_longer_than_expected() -> None:
    newest = record(age=2 * HOUR)
    assert found(newest, max_duration=2 * HOUR) == []
    what = "run 'r' of client 'acme' has been running for 2h, expected at most 1h59m59.999s"
    assert found(newest, max_duration=2 * HOUR - MILLISECOND) == [
        Deviation(kind=DeviationKind.SLOW, client_id="acme", record=newest, what=what)
    ]
    assert found(record(RunStatus.COMPLETED), max_duration=timedelta(minutes=1)) == []


def test_a_client_may_deviate_in_several_ways() -> None:
    both = found(record(RunStatus.FAILED), max_age=HOUR, max_duration=HOUR)
    assert [each.kind for each in both] == [DeviationKind.OVERDUE, DeviationKind.FAILED]
    both = found(record(), max_age=HOUR, max_duration=HOUR)
    assert [each.kind for each in both] == [DeviationKind.OVERDUE, DeviationKind.SLOW]


def test_a_quiet_run_says_since_when() -> None:
    run = RunRecord.start(KEY, AT - 5 * HOUR).apply(RunChange(), AT - 3 * HOUR)
    what = "run 'r' of client 'acme' is quiet: no sign of life for 3h"
    assert quiet(run, AT) == Deviation(kind=DeviationKind.QUIET, client_id="acme", record=run, what=what)


def test_quiet_and_overdue_are_events_and_what_warns_is_not_critical() -> None:
    run = record()
    for kind, event in (
        (DeviationKind.OVERDUE, EventKind.OVERDUE),
        (DeviationKind.NEVER_RAN, EventKind.OVERDUE),
        (DeviationKind.QUIET, EventKind.QUIET),
    ):
        made = Deviation(kind=kind, client_id="acme", record=run, what="it deviates").event(AT)
        assert made is not None
        assert (made.kind, made.key, made.at, made.detail) == (event, KEY, AT, "it deviates")
    never = Deviation(kind=DeviationKind.NEVER_RAN, client_id="acme", what="it never ran").event(AT)
    assert never is not None
    assert (never.kind, never.key) == (EventKind.OVERDUE, None)
    for kind in (DeviationKind.FAILED, DeviationKind.WITH_ERRORS, DeviationKind.SLOW):
        assert Deviation(kind=kind, client_id="acme", record=run, what="it deviates").event(AT) is None
    warnings = [kind for kind in DeviationKind if not kind.is_critical]
    assert warnings == [DeviationKind.WITH_ERRORS, DeviationKind.SLOW]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Expectation(max_age=timedelta()), "max-age is not more than 0: give a duration, like 26h."),
        (lambda: Expectation(max_duration=-HOUR), "max-duration is not more than 0: give a duration, like 26h."),
        (lambda: Expectation(window=window()), "days and hours say when max-age counts: give max-age too."),
    ],
)
def test_an_expectation_that_cannot_be_met_is_rejected(make: Callable[[], Expectation], said: str) -> None:
    with pytest.raises(InvalidValue) as rejected:
        make()
    assert str(rejected.value) == said
    assert Expectation(max_age=MILLISECOND, max_duration=MILLISECOND).may_fail is False
