"""When messages are due, how the pause between them grows, and what is dropped."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runledger import EventKind, RunEvent, RunKey
from runledger.adapters.observers.alert_storms import Storms

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


def event(place: str = "a.py:1", kind: EventKind = EventKind.MISSING) -> RunEvent:
    return RunEvent(kind=kind, key=RunKey("r", "acme"), at=AT, call_site=place)


@pytest.fixture
def storms() -> Storms:
    return Storms(window=10, limit=3)


def counts(storms: Storms, now: float, *, everything: bool = False) -> list[int]:
    return [storm.count for storm in storms.take(now, everything=everything)]


def test_a_storm_is_due_a_window_after_its_first_event(storms: Storms) -> None:
    assert storms.add(event(), now=100) is True
    assert storms.add(event(), now=109) is False
    assert (storms.next_due, storms.count) == (110, 2)
    assert counts(storms, 109.9) == []
    assert counts(storms, 110) == [2]
    assert storms.count == 0
    assert storms.next_due is None


def test_events_of_another_kind_or_place_are_another_storm(storms: Storms) -> None:
    storms.add(event(), now=0)
    assert storms.add(event("b.py:2"), now=4) is True
    assert storms.add(event(kind=EventKind.START_FAILED), now=6) is True
    assert storms.next_due == 10
    assert counts(storms, 14) == [1, 1]
    assert storms.next_due == 16


def test_everything_can_be_taken_before_it_is_due(storms: Storms) -> None:
    storms.add(event(), now=0)
    storms.add(event("b.py:2"), now=1)
    assert counts(storms, 1, everything=True) == [1, 1]


def test_while_a_place_goes_on_the_pause_doubles_up_to_128_windows(storms: Storms) -> None:
    dues, now = [], 0.0
    for _ in range(12):
        storms.add(event(), now)
        due = storms.next_due
        assert due is not None
        dues.append(due - now)
        now = due
        assert counts(storms, now) == [1]
    assert dues == [10, 10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280, 1280]


def test_after_a_pause_without_events_the_next_one_is_due_after_a_window_again(storms: Storms) -> None:
    storms.add(event(), now=0)
    storms.take(10)
    storms.add(event(), now=12)
    assert storms.next_due == 20
    storms.take(20)  # a pause until 40, and quiet for as long again
    storms.take(60)
    storms.add(event(), now=61)
    assert storms.next_due == 71
    storms.take(71)
    storms.add(event(), now=72)
    assert storms.next_due == 81


def test_an_event_after_the_pause_waits_for_a_window(storms: Storms) -> None:
    storms.add(event(), now=0)
    storms.take(10)
    storms.add(event(), now=20)
    assert storms.next_due == 30


def test_beyond_the_limit_events_are_dropped_and_counted(storms: Storms) -> None:
    for number in range(8):
        storms.add(event(f"{number % 4}.py:1"), now=0)
    assert (storms.count, storms.dropped) == (6, 2)
    assert counts(storms, 10) == [2, 2, 2]
    assert storms.take_dropped() == 2
    assert storms.take_dropped() == 0


def test_pauses_of_places_that_are_quiet_are_forgotten(storms: Storms) -> None:
    for number in range(100):
        storms.add(event(f"{number}.py:1"), now=number * 100)
        storms.take(number * 100 + 10)
    assert len(storms._pauses) == 1


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40), st.booleans())))
def test_every_event_is_in_one_storm_or_counted_as_dropped(steps: list[tuple[int, int, bool]]) -> None:
    storms = Storms(window=10, limit=3)
    now, sent = 0.0, 0
    for number, pause, everything in steps:
        storms.add(event(f"{number}.py:1"), now)
        now += pause
        sent += sum(storm.count for storm in storms.take(now, everything=everything))
    assert sent + storms.count + storms.dropped == len(steps)
