"""A check reads the newest run of each client and the quiet runs, once, and reports; it changes nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runledger import EventKind, InvalidValue, LedgerReads, RunEvent, RunKey, RunLedger, RunRecord
from runledger.adapters.memory import InMemoryRunRepository
from runledger.services.inspecting.checking import check
from runledger.services.inspecting.expectation import DeviationKind, Expectation
from runledger.services.inspecting.future import CLOCKS_DIFFER
from runledger.services.inspecting.window import Window

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAILY = Expectation(max_age=26 * HOUR)


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> RunLedger:
    """A client that completed, 2 hours ago, one that failed, and one whose older run is quiet."""
    ledger = RunLedger(InMemoryRunRepository(), observers=(), clock=clock)
    clock.now = AT - 30 * HOUR
    ledger.start("old", "carl")
    clock.now = AT - 2 * HOUR
    ledger.start("r", "acme").complete()
    ledger.start("r", "bolt").fail("disk full")
    ledger.start("r", "carl").complete(with_errors="2 of 45")
    clock.now = AT
    return ledger


def test_all_clients_of_the_ledger_are_checked(ledger: RunLedger) -> None:
    result = check(ledger.reads, Expectation(), quiet_after=HOUR, at=AT)
    assert result.clients == 3
    assert [(each.kind, each.client_id) for each in result.deviations] == [
        (DeviationKind.FAILED, "bolt"),
        (DeviationKind.QUIET, "carl"),
        (DeviationKind.WITH_ERRORS, "carl"),
    ]
    overdue = check(ledger.reads, Expectation(max_age=HOUR), quiet_after=HOUR, at=AT).deviations
    assert [each.kind for each in overdue if each.client_id == "acme"] == [DeviationKind.OVERDUE]


def test_only_the_clients_that_are_named_are_checked(ledger: RunLedger) -> None:
    result = check(ledger.reads, {"dora": DAILY, "acme": DAILY}, quiet_after=HOUR, at=AT)
    assert result.clients == 2
    assert [(each.kind, each.client_id) for each in result.deviations] == [(DeviationKind.NEVER_RAN, "dora")]
    result = check(ledger.reads, {"carl": Expectation(may_fail=True)}, quiet_after=HOUR, at=AT)
    assert [(each.kind, each.record and each.record.key) for each in result.deviations] == [
        (DeviationKind.QUIET, RunKey("old", "carl"))
    ]


def test_of_named_clients_alone_the_newest_run_is_read(ledger: RunLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    # A store without an index for it would else read all runs, at most 10,000.
    read: list[str] = []
    latest = LedgerReads.latest

    def watched(reads: LedgerReads, **options: Any) -> Iterator[RunRecord]:
        for record in latest(reads, **options):
            read.append(record.key.client_id)
            yield record

    monkeypatch.setattr(LedgerReads, "latest", watched)
    check(ledger.reads, {"carl": DAILY, "acme": DAILY}, quiet_after=HOUR, at=AT)
    assert read == ["acme", "carl"]


def test_what_is_critical_comes_first(ledger: RunLedger) -> None:
    expected = {client: Expectation() for client in ("carl", "bolt", "zoe")}
    found = check(ledger.reads, expected, quiet_after=HOUR, at=AT).deviations
    order = [(each.kind.is_critical, each.client_id) for each in found]
    assert order == [(True, "bolt"), (True, "carl"), (True, "zoe"), (False, "carl")]


def test_since_leaves_out_what_started_earlier(ledger: RunLedger) -> None:
    result = check(ledger.reads, Expectation(), quiet_after=HOUR, at=AT, since=AT - 3 * HOUR)
    assert (result.clients, [each.kind for each in result.deviations]) == (
        3,
        [DeviationKind.FAILED, DeviationKind.WITH_ERRORS],
    )
    assert check(ledger.reads, Expectation(), quiet_after=HOUR, at=AT, since=AT - HOUR).clients == 0


def test_a_run_is_quiet_once_nothing_has_updated_it_for_longer(ledger: RunLedger) -> None:
    carl = {"carl": Expectation(may_fail=True)}
    assert check(ledger.reads, carl, quiet_after=30 * HOUR, at=AT).deviations == ()
    almost = 30 * HOUR - timedelta(milliseconds=1)
    assert len(check(ledger.reads, carl, quiet_after=almost, at=AT).deviations) == 1


def test_observers_are_notified_of_quiet_runs_and_overdue_clients(ledger: RunLedger) -> None:
    events: list[RunEvent] = []
    expected = {"acme": Expectation(max_age=HOUR), "bolt": DAILY, "carl": DAILY, "dora": DAILY}
    check(ledger.reads, expected, quiet_after=HOUR, at=AT, notify=events.append)
    assert [(event.kind, event.key, event.at) for event in events] == [
        (EventKind.OVERDUE, RunKey("r", "acme"), AT),
        (EventKind.QUIET, RunKey("old", "carl"), AT),
        (EventKind.OVERDUE, None, AT),
    ]
    assert events[2].detail == "client 'dora' never ran: expected every 26h"


def described(
    ledger: RunLedger, expected: Expectation | dict[str, Expectation], since: datetime | None = None
) -> list[str]:
    return [each.what for each in check(ledger.reads, expected, quiet_after=40 * HOUR, at=AT, since=since).deviations]


def test_a_start_in_the_future_is_reported_and_hides_no_other(ledger: RunLedger, clock: Clock) -> None:
    clock.now = AT + CLOCKS_DIFFER
    ledger.start("ahead", "acme").fail("no disk")
    ahead = (
        "run 'ahead' of client 'acme' has times in the future: start 2025-11-24T08:20:00.000Z, "
        "end 2025-11-24T08:20:00.000Z, last update 2025-11-24T08:20:00.000Z"
    )
    assert described(ledger, {"acme": DAILY}) == [ahead]
    overdue = "client 'acme' is overdue: last start 2h ago, expected every 1h"
    assert described(ledger, {"acme": Expectation(max_age=HOUR)}) == [ahead, overdue]
    [found, *_] = check(ledger.reads, {"acme": DAILY}, quiet_after=HOUR, at=AT).deviations
    assert (found.kind, found.kind.is_critical, found.client_id) == (DeviationKind.IN_FUTURE, True, "acme")
    assert found.record == ledger.get("ahead", "acme")
    assert found.event(AT) is None


def test_a_client_that_only_started_in_the_future_is_overdue_if_an_age_is_expected(
    ledger: RunLedger, clock: Clock
) -> None:
    clock.now = AT + 10_000 * HOUR
    ledger.start("ahead", "dora")
    ahead = (
        "run 'ahead' of client 'dora' has times in the future: start 2027-01-15T00:15:00.000Z, "
        "last update 2027-01-15T00:15:00.000Z"
    )
    overdue = "client 'dora' is overdue: no start that is not in the future, expected every 26h"
    assert described(ledger, {"dora": DAILY}) == [ahead, overdue]
    assert described(ledger, {"dora": Expectation()}) == [ahead]
    mondays = Expectation(max_age=HOUR, window=Window(zone=UTC, days=frozenset({0})))
    overdue = "client 'dora' is overdue: no start that is not in the future, expected every 1h of its days and hours"
    assert described(ledger, {"dora": mondays}) == [ahead, overdue]
    events: list[RunEvent] = []
    [_, found] = check(ledger.reads, {"dora": DAILY}, quiet_after=HOUR, at=AT, notify=events.append).deviations
    assert (found.kind, found.record) == (DeviationKind.OVERDUE, ledger.get("ahead", "dora"))
    assert [(event.kind, event.key) for event in events] == [(EventKind.OVERDUE, RunKey("ahead", "dora"))]


def test_with_since_a_client_that_else_only_started_in_the_future_may_have_started_earlier(
    ledger: RunLedger, clock: Clock
) -> None:
    clock.now = AT + HOUR
    ledger.start("ahead", "acme")  # which also started 2 hours ago
    expected, since = {"acme": Expectation(max_age=2 * HOUR)}, AT - HOUR
    [ahead] = described(ledger, expected, since=since)
    assert ahead.startswith("run 'ahead' of client 'acme' has times in the future: ")
    expected = {"acme": Expectation(max_age=HOUR)}
    assert described(ledger, expected, since=since) == [ahead]
    since -= timedelta(milliseconds=1)
    overdue = (
        "client 'acme' is overdue: no start since 2025-11-24T07:14:59.999Z that is not in the future, expected every 1h"
    )
    assert described(ledger, expected, since=since) == [ahead, overdue]
    tuesdays = Expectation(max_age=HOUR, window=Window(zone=UTC, days=frozenset({1})))
    assert described(ledger, {"acme": tuesdays}, since=since) == [ahead]


def test_a_run_in_the_future_that_failed_is_reported_if_the_client_has_no_earlier(
    ledger: RunLedger, clock: Clock
) -> None:
    clock.now = AT + 24 * HOUR
    ledger.start("f", "dora").fail("no disk")
    ledger.start("e", "elmo").complete(with_errors="2 of 45")
    expected = {"dora": Expectation(), "elmo": Expectation()}
    _, failed, _, with_errors = described(ledger, expected)
    assert failed == "run 'f' of client 'dora' failed: no disk"
    assert with_errors == "run 'e' of client 'elmo' completed with errors: 2 of 45"


def test_of_the_starts_before_one_in_the_future_only_the_newest_is_read(
    ledger: RunLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now = AT + HOUR
    ledger.start("ahead", "acme")
    asked: list[dict[str, Any]] = []
    find = LedgerReads.find

    def watched(reads: LedgerReads, **options: Any) -> Iterator[RunRecord]:
        asked.append(options)
        return find(reads, **options)

    monkeypatch.setattr(LedgerReads, "find", watched)
    check(ledger.reads, {"acme": DAILY, "bolt": DAILY}, quiet_after=HOUR, at=AT)
    [_, earlier] = asked  # the first looks for quiet runs
    assert earlier == {"client_id": "acme", "since": None, "until": AT + CLOCKS_DIFFER, "limit": 1}


def test_since_also_leaves_out_what_started_before_a_start_in_the_future(ledger: RunLedger, clock: Clock) -> None:
    clock.now = AT + HOUR
    ledger.start("ahead", "bolt")
    assert "run 'r' of client 'bolt' failed 2h ago: disk full" in described(ledger, Expectation(), since=AT - 2 * HOUR)
    found = described(ledger, Expectation(), since=AT - HOUR)
    assert [what.partition(":")[0] for what in found] == ["run 'ahead' of client 'bolt' has times in the future"]


def test_an_update_in_the_future_is_reported_of_the_run_that_counts(ledger: RunLedger, clock: Clock) -> None:
    run = ledger.start("s", "acme")
    clock.now = AT + HOUR
    run.heartbeat()
    assert described(ledger, {"acme": DAILY}) == [
        "run 's' of client 'acme' has times in the future: last update 2025-11-24T09:15:00.000Z"
    ]
    slow = Expectation(max_duration=timedelta(milliseconds=1))
    assert len(check(ledger.reads, {"acme": slow}, quiet_after=HOUR, at=AT + timedelta(minutes=1)).deviations) == 2


def test_clocks_may_differ_a_little(ledger: RunLedger, clock: Clock) -> None:
    clock.now = AT + CLOCKS_DIFFER - timedelta(milliseconds=1)
    ledger.start("s", "acme")
    assert described(ledger, {"acme": DAILY}) == []


def test_an_age_before_the_year_one_is_rejected(ledger: RunLedger) -> None:
    said = r"^quiet_after is 999999 days, 0:00:00: that reaches back before the year 1\.$"
    with pytest.raises(InvalidValue, match=said):
        check(ledger.reads, DAILY, quiet_after=timedelta(days=999_999), at=AT)
