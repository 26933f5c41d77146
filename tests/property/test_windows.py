"""Windows of days and hours, against a clock on the wall that is read every quarter of an hour."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from runledger.services.inspecting.window import Window

QUARTER = timedelta(minutes=15)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns"]
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.frozensets(st.integers(0, 6), min_size=1)
# From Friday to Tuesday: of a usual week, and around the days on which clocks change in some of the zones.
starts = st.builds(
    lambda day, quarters: day + quarters * QUARTER,
    st.sampled_from(
        [datetime(2025, month, day, tzinfo=UTC) for month, day in ((3, 28), (10, 24), (3, 7), (10, 31), (4, 4), (6, 6))]
    ),
    st.integers(0, 200),
)
lengths = st.integers(0, 400).map(lambda quarters: quarters * QUARTER)


@st.composite
def hours(draw: st.DrawFn, quarters: st.SearchStrategy[int]) -> tuple[int, int]:
    """When a window begins and ends, in minutes after midnight: on the same day, or on the next."""
    begin, end = sorted(draw(st.lists(quarters, min_size=2, max_size=2, unique=True)))
    over_midnight = begin < 96 and draw(st.booleans())
    return (end % 96 * 15, (begin + 96) * 15) if over_midnight and end < 96 else (begin * 15, end * 15)


any_hours = hours(st.integers(0, 96))
hours_in_which_no_clock_changes = hours(st.integers(4 * 4, 96))


def on_the_wall(window: Window, start: datetime, at: datetime) -> timedelta:
    """The time within the window, by what a clock on the wall shows at each quarter of an hour."""
    begin, end = window.hours
    counted, now = timedelta(), start
    while now < at:
        wall = now.astimezone(window.zone)
        minutes = wall.hour * 60 + wall.minute
        today = begin <= minutes < end and wall.weekday() in window.days
        from_yesterday = minutes + 24 * 60 < end and (wall.weekday() - 1) % 7 in window.days
        counted += QUARTER if today or from_yesterday else timedelta()
        now += QUARTER
    return counted


def holds_exactly(window: Window, start: datetime, at: datetime, held: timedelta) -> bool:
    just_less = held - timedelta(milliseconds=1)
    return window.holds_more_than(just_less, start, at) and not window.holds_more_than(held, start, at)


@given(zones, days, hours_in_which_no_clock_changes, starts, lengths)
def test_a_window_holds_what_a_clock_on_the_wall_shows(
    zone: ZoneInfo, days: frozenset[int], hours: tuple[int, int], start: datetime, length: timedelta
) -> None:
    window = Window(zone=zone, days=days, hours=hours)
    assert holds_exactly(window, start, start + length, on_the_wall(window, start, start + length))


@given(days, any_hours, starts, lengths)
def test_where_no_clock_changes_all_hours_are_those_of_the_wall(
    days: frozenset[int], hours: tuple[int, int], start: datetime, length: timedelta
) -> None:
    window = Window(zone=ZoneInfo("Asia/Kathmandu"), days=days, hours=hours)
    assert holds_exactly(window, start, start + length, on_the_wall(window, start, start + length))


@given(zones, days, any_hours, starts, lengths, lengths)
def test_what_a_window_holds_adds_up_and_is_never_more_than_the_time(
    zone: ZoneInfo, days: frozenset[int], hours: tuple[int, int], start: datetime, first: timedelta, then: timedelta
) -> None:
    window = Window(zone=zone, days=days, hours=hours)
    middle, end = start + first, start + first + then
    parts = held(window, start, middle) + held(window, middle, end)
    assert held(window, start, end) == parts
    assert timedelta() <= parts <= first + then


@given(zones, starts, lengths)
def test_a_window_of_all_days_and_hours_holds_all_time(zone: ZoneInfo, start: datetime, length: timedelta) -> None:
    assert holds_exactly(Window(zone=zone), start, start + length, length)


def held(window: Window, start: datetime, at: datetime) -> timedelta:
    """How much time the window holds, in quarters of an hour: all that is drawn here is in quarters."""
    most = next(n for n in range(10_000) if not window.holds_more_than(n * QUARTER, start, at))
    assert holds_exactly(window, start, at, most * QUARTER)
    return most * QUARTER
