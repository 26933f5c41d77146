"""Whether a client deviates changes at its bound, to the millisecond, and nowhere else."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from runledger import RunKey, RunLedger, RunRecord
from runledger.adapters.memory import InMemoryRunRepository
from runledger.services.inspecting.checking import check
from runledger.services.inspecting.expectation import DeviationKind, Expectation, deviations
from runledger.services.inspecting.window import Window

AT = datetime(2025, 3, 30, 12, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
ages = st.integers(1, 40 * 24 * 60 * 60 * 1000).map(lambda number: number * MILLISECOND)
near = st.integers(-2, 2).map(lambda number: number * MILLISECOND)
all_hours = st.sampled_from([None, *(Window(zone=ZoneInfo(zone)) for zone in ("UTC", "Europe/Berlin", "Pacific/Apia"))])


def started(age: timedelta) -> RunRecord:
    return RunRecord.start(RunKey("r", "acme"), AT - age)


def kinds(newest: RunRecord, expected: Expectation) -> list[DeviationKind]:
    return [each.kind for each in deviations("acme", newest, expected, AT)]


@given(ages, ages | near, all_hours)
def test_a_client_is_overdue_exactly_beyond_its_max_age(
    max_age: timedelta, more: timedelta, window: Window | None
) -> None:
    for age in (more, max_age + more):
        overdue = kinds(started(age), Expectation(max_age=max_age, window=window))
        assert overdue == [DeviationKind.OVERDUE] * (age > max_age)


@given(ages, ages | near)
def test_a_run_is_slow_exactly_beyond_its_max_duration(longest: timedelta, more: timedelta) -> None:
    for age in (more, longest + more):
        slow = kinds(started(age), Expectation(max_duration=longest))
        assert slow == [DeviationKind.SLOW] * (age > longest)


@given(ages, near)
def test_a_run_is_quiet_exactly_beyond_the_age_given(quiet_after: timedelta, more: timedelta) -> None:
    ledger = RunLedger(InMemoryRunRepository(), observers=(), clock=lambda: AT - quiet_after - more)
    ledger.start("r", "acme")
    found = check(ledger.reads, Expectation(), quiet_after=quiet_after, at=AT).deviations
    assert [each.kind for each in found] == [DeviationKind.QUIET] * (more > timedelta())
    assert list(ledger.find()) == [ledger.get("r", "acme")]
