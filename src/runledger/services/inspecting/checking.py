"""Checking whether clients ran as expected. It reads, reports and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from ...domain import InvalidValue, RunEvent, RunStatus
from ..reads import LedgerReads
from .expectation import Deviation, Expectation, deviations, in_future, overdue_with_starts_ahead, quiet
from .future import CLOCKS_DIFFER, is_in_future


@frozen(kw_only=True)
class CheckResult:
    """How many clients were checked, and how they deviate: what is critical first, then by client."""

    clients: int
    deviations: tuple[Deviation, ...]


def check(
    reads: LedgerReads,
    expected: Expectation | Mapping[str, Expectation],
    *,
    quiet_after: timedelta,
    at: datetime,
    since: datetime | None = None,
    notify: Callable[[RunEvent], None] = lambda event: None,
) -> CheckResult:
    """How clients deviate, at a time `at`, from what is `expected`: of each client by its id, or of all in the ledger.

    A start in the future is reported, and the client's newest start that is not counts instead of it. If it has none,
    it is overdue where a max-age is given.
    A run is quiet if it is Running and nothing has updated it for longer than `quiet_after`. With `since`, runs that
    started earlier are not looked at. `notify` is called with the events of quiet runs and overdue clients.
    Raises StoreUnavailable, StoreUnusable, and InvalidValue; then nobody is notified.
    """
    try:
        before = at - quiet_after
    except OverflowError:
        raise InvalidValue(f"quiet_after is {quiet_after}: that reaches back before the year 1.") from None
    named = expected if isinstance(expected, Mapping) else None
    newest = {
        record.key.client_id: record
        for record in reads.latest(since=since, clients=None if named is None else list(named))
    }
    running = reads.find(status=RunStatus.RUNNING, since=since, updated_before=before)
    found = [quiet(run, at) for run in running if named is None or run.key.client_id in named]
    clients = expected if isinstance(expected, Mapping) else dict.fromkeys(newest, expected)
    for client_id, its in clients.items():
        record = newest.get(client_id)
        if record is not None and (deviation := in_future(record, at)):
            found.append(deviation)
            if is_in_future(record.started_at, at):
                earlier = reads.find(client_id=client_id, since=since, until=at + CLOCKS_DIFFER, limit=1)
                if (before_it := next(earlier, None)) is None:
                    found += overdue_with_starts_ahead(record, its, at, since)
                record = before_it or record
        found += deviations(client_id, record, its, at)
    found.sort(key=lambda each: (not each.kind.is_critical, each.client_id))
    for deviation in found:
        if event := deviation.event(at):
            notify(event)
    return CheckResult(clients=len(clients), deviations=tuple(found))
