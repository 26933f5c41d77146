"""A check reads the newest run of each client and the quiet runs, once, and reports; it changes nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runledger import EventKind, InvalidValue, LedgerReads, RunEvent, RunKey, RunLedger, RunRecord
from runledger.adapters.memory import InMemoryRunRepository
from runledger.services.inspecting.checking import check
from runledger.services.inspecting.expectation import DeviationKind, Expectation

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


def test_an_age_before_the_year_one_is_rejected(ledger: RunLedger) -> None:
    said = r"^quiet_after is 999999 days, 0:00:00: that reaches back before the year 1\.$"
    with pytest.raises(InvalidValue, match=said):
        check(ledger.reads, DAILY, quiet_after=timedelta(days=999_999), at=AT)
