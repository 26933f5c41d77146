"""What kept events count, and how tallies are added up within their bound."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from runledger import EventKind, RunEvent, RunKey
from runledger.adapters.observers.tallies import OTHERS, UNKNOWN, Tallies, Tally, is_kept

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
MISSING, FAILED = EventKind.MISSING, EventKind.START_FAILED


def event(
    site: str | None = "job.py:1 in f", run: str = "r", *, kind: EventKind = MISSING, minutes: int = 0
) -> RunEvent:
    return RunEvent(kind=kind, key=RunKey(run, "acme"), at=AT + timedelta(minutes=minutes), call_site=site)


def counted(events: Iterable[RunEvent], limit: int = 10) -> list[Tally]:
    tallies = Tallies(limit)
    tallies.include(Tally.of(each) for each in events)
    return tallies.take()


def tally(site: str, count: int, first: int, last: int, run: str, kind: EventKind = MISSING) -> Tally:
    minute = timedelta(minutes=1)
    return Tally(kind, site, count, AT + first * minute, AT + last * minute, RunKey(run, "acme"))


def test_updates_of_missing_runs_and_failed_starts_are_kept_and_reads_are_not() -> None:
    kept = [kind for kind in EventKind if is_kept(event(kind=kind))]
    assert kept == [MISSING, FAILED]
    assert not is_kept(RunEvent(kind=MISSING, key=RunKey("r", "acme"), at=AT, reading=True))


def test_events_are_counted_by_kind_and_call_site() -> None:
    events = [event("a"), event("b"), event("a"), event("a", kind=FAILED)]
    assert counted(events) == [
        tally("a", 2, 0, 0, "r"),
        tally("b", 1, 0, 0, "r"),
        tally("a", 1, 0, 0, "r", FAILED),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_a_tally_has_the_first_and_the_last_time_and_the_newest_run(order: tuple[int, ...]) -> None:
    assert counted(event("a", f"r{minutes}", minutes=minutes) for minutes in order) == [tally("a", 3, 0, 2, "r2")]


def test_of_events_at_one_time_the_later_one_is_the_newest() -> None:
    assert counted([event("a", "x"), event("a", "y")]) == [tally("a", 2, 0, 0, "y")]


def test_events_from_more_call_sites_than_the_limit_are_counted_as_one_for_each_kind() -> None:
    events = [event(site, site) for site in ("a", "b", "c", "d", "a", "c")]
    assert counted([*events, event("e", "e", kind=FAILED)], limit=2) == [
        tally("a", 2, 0, 0, "a"),
        tally("b", 1, 0, 0, "b"),
        tally(OTHERS, 3, 0, 0, "c"),
        tally(OTHERS, 1, 0, 0, "e", FAILED),
    ]


def test_what_is_taken_is_no_longer_there_and_may_be_put_back() -> None:
    tallies = Tallies(10)
    tallies.include([Tally.of(event("a")), Tally.of(event("a")), Tally.of(event("b"))])
    taken = tallies.take()
    assert (tallies.count, tallies.take()) == (0, [])
    tallies.include([Tally.of(event("a", "later", minutes=1))])
    tallies.include(taken)
    assert tallies.count == 4
    assert tallies.take() == [tally("a", 3, 0, 1, "later"), tally("b", 1, 0, 0, "r")]
    assert taken == [tally("a", 2, 0, 0, "r"), tally("b", 1, 0, 0, "r")]


def test_a_call_site_is_storable_text_of_bounded_length() -> None:
    assert Tally.of(event(None)).call_site == UNKNOWN
    assert Tally.of(event("job\udcff.py:1 in f")).call_site == "job\\udcff.py:1 in f"
    assert Tally.of(event("x" * 1_001)).call_site == "x" * 1_000
    assert Tally.of(event("a\x1b[31m\n.py:1 in f")).call_site == "a\x1b[31m\n.py:1 in f"


def test_an_event_without_a_valid_key_is_counted() -> None:
    nameless = RunEvent(kind=FAILED, key=None, at=AT, call_site="a")
    assert counted([nameless, nameless]) == [Tally(FAILED, "a", 2, AT, AT, None)]
