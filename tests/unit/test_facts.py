"""What errors and events carry: the key, the time, the reason, and what to do."""

import asyncio
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from conftest import FaultyRepository
from runledger import (
    EventKind,
    InvalidValue,
    NewRun,
    Outcome,
    Run,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    UnknownMetric,
)
from runledger.domain import CallWithinCall
from runledger.services.observing import log_event
from runledger.testing.subclasses import Word

KEY, OTHER = RunKey("r", "acme"), RunKey("r", "bolt")
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RunNotFound(KEY),
            "no run record for {}: it was not started, or has been removed. Start it where the job begins.",
        ),
        (lambda: RunAlreadyExists([KEY]), "{} was started before: update that record, or use a new run id."),
        (
            lambda: RunAlreadyExists([KEY, OTHER]),
            "{} was started before (and 1 more of this start): update that record, or use a new run id.",
        ),
        (
            lambda: RunAlreadyFinished(KEY, RunStatus.FAILED),
            "{} has already finished as Failed: only metrics and notes may follow.",
        ),
        (
            lambda: UnknownMetric(KEY, "n"),
            "the store has no column 'n' (asked for by {}): add it there, or correct it.",
        ),
        (
            lambda: UnknownMetric(KEY, "n", "add it with `this`"),
            "the store has no column 'n' (asked for by {}): add it with `this`, or correct it.",
        ),
        (
            lambda: StoreUnavailable("no answer", Outcome.NOT_APPLIED, KEY),
            "the store is unavailable ({}): no answer. Nothing was written; try again when the store is back.",
        ),
        (
            lambda: StoreUnavailable("the disk is full", Outcome.NOT_APPLIED, KEY, advice="make room"),
            "the store is unavailable ({}): the disk is full. Nothing was written; make room.",
        ),
        (
            lambda: CallWithinCall(KEY),
            "the store is unavailable ({}): a signal handler or a finaliser made this call in the middle of another "
            "one of the same thread. Nothing was written; raise an exception in the handler, or set a flag there and "
            "make this call after the other one.",
        ),
        (
            lambda: StoreUnavailable("no answer", Outcome.UNKNOWN, KEY),
            "the store is unavailable ({}): no answer. Whether the change was applied is unknown; read the record "
            "before sending it again.",
        ),
    ],
)
def test_an_error_names_its_run_and_says_what_to_do(make: Callable[[], RunLedgerError], message: str) -> None:
    error = make()  # in the test: mutation runs make their changes after this file is imported
    assert str(error) == message.format("run 'r' of client 'acme'")
    assert error.key == KEY


def test_an_error_carries_its_facts() -> None:
    assert UnknownMetric(KEY, "n").name == "n"
    unavailable = StoreUnavailable("no answer", Outcome.UNKNOWN)
    assert (unavailable.key, unavailable.reason, unavailable.outcome) == (None, "no answer", Outcome.UNKNOWN)
    assert "unavailable: no answer." in str(unavailable)
    exists = RunAlreadyExists([KEY, OTHER]).having_applied([OTHER])
    assert (exists.keys, exists.applied) == ((KEY, OTHER), (OTHER,))
    assert str(exists).endswith("1 of the batch had been applied before: first run 'r' of client 'bolt'.")


def test_every_event_has_the_run_and_the_time_of_the_clock(ledger: RunLedger, events: list[RunEvent]) -> None:
    run = ledger.start("r", "acme")
    ledger.start_many("s", ["acme"])
    run.update(note="n")
    ledger.updates.update_many([(KEY, RunChange()), (KEY, RunChange(status=RunStatus.SKIPPED))])
    acts: list[Callable[[], object]] = [
        run.complete,
        lambda: ledger.start("r", "acme"),
        lambda: ledger.start("x", "acme", metrics={"n": float("nan")}),
        lambda: ledger.get("gone", "acme"),
    ]
    for act in acts:
        with pytest.raises(RunLedgerError):
            act()
    seen = [(event.kind.value, event.key and event.key.run_id, event.status) for event in events]
    assert seen == [
        ("run_started", "r", RunStatus.RUNNING),
        ("run_started", "s", RunStatus.RUNNING),
        ("run_updated", "r", None),
        ("run_updated", "r", None),
        ("run_finished", "r", RunStatus.SKIPPED),
        ("run_refused", "r", None),
        ("run_refused", "r", None),
        ("start_failed", "x", None),
        ("run_missing", "gone", None),
    ]
    times = [event.at for event in events]
    assert times == sorted(times)
    assert all(AT < at < AT + timedelta(minutes=1) for at in times)
    errors = [type(event.error) for event in events[5:]]
    assert errors == [RunAlreadyFinished, RunAlreadyExists, InvalidValue, RunNotFound]
    assert all(event.call_site and __file__ in event.call_site for event in events[5:])


def test_the_time_of_an_event_is_the_time_in_the_record(events: list[RunEvent]) -> None:
    looks = []

    def clock() -> datetime:  # in another zone, and finer than a record keeps
        looks.append(AT.astimezone(timezone(timedelta(hours=5, minutes=30))) + timedelta(microseconds=1_001_999))
        return looks[-1] + timedelta(seconds=len(looks))

    ledger = RunLedger(FaultyRepository(), observers=[events.append], clock=clock)
    run = ledger.start("r", "acme")
    assert events[-1].at == ledger.get("r", "acme").started_at == AT + timedelta(seconds=2, microseconds=1000)
    assert events[-1].at.tzinfo is UTC
    run.update(note="n")
    record, [line] = ledger.get("r", "acme"), ledger.log("r", "acme")
    assert events[-1].at == record.updated_at == line.at == AT + timedelta(seconds=3, microseconds=1000)
    ledger.updates.update_many([(run.key, RunChange())])
    assert events[-1].at == ledger.get("r", "acme").updated_at
    run.complete()
    assert events[-1].at == ledger.get("r", "acme").ended_at == ledger.get("r", "acme").updated_at
    for each in ledger.start_many("s", ["a", "b"]).values():
        assert events[-1].at == ledger.get("s", each.key.client_id).started_at
    assert len(looks) == 5, "each call reads the clock once"


def test_a_finish_by_a_clock_that_is_behind_the_start_is_an_event() -> None:
    events: list[RunEvent] = []
    times = iter([AT, AT + timedelta(seconds=1), AT - timedelta(seconds=90), AT])
    ledger = RunLedger(FaultyRepository(), observers=[events.append], clock=lambda: next(times))
    early, _ = (ledger.start(run_id, "acme") for run_id in "rs")
    early.complete()
    assert ledger.get("r", "acme").ended_at == AT
    assert events[-1] == RunEvent(
        kind=EventKind.CLOCK_BEHIND,
        key=early.key,
        at=AT - timedelta(seconds=90),
        detail="this clock is 90.000 s behind the start of the run: it ends at its start",
    )
    assert [event.kind for event in events].count(EventKind.FINISHED) == 1


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (
            datetime(2025, 11, 24, 8, 15),  # noqa: DTZ001
            "the clock's time 2025-11-24T08:15:00 has no time zone: pass an aware datetime.",
        ),
        (1763972100.0, "the clock's time is float, not a datetime: give an aware datetime."),
    ],
)
def test_a_clock_without_a_valid_time_is_rejected_in_one_sentence(
    repository: FaultyRepository, events: list[RunEvent], now: Any, message: str
) -> None:
    repository.create(NewRun(RunRecord.start(KEY, AT)))
    ledger = RunLedger(repository, observers=[events.append], clock=lambda: now)
    acts: list[Callable[[], object]] = [
        lambda: ledger.start("s", "acme"),
        lambda: ledger.start_many("s", ["acme"]),
        lambda: ledger.updates.update("r", "acme", note="n"),
        lambda: ledger.updates.complete("r", "acme"),
        lambda: ledger.updates.update_many([(KEY, RunChange())]),
        lambda: ledger.stale(timedelta(0)),
    ]
    for act in acts:
        events.clear()
        with pytest.raises(InvalidValue) as refusal:
            act()
        of_run = "" if refusal.value.key is None else f"{refusal.value.key}: "
        assert (str(refusal.value), refusal.value.__context__) == (of_run + message, None)
        assert [event.error for event in events] == [refusal.value]
        assert (events[0].at.utcoffset(), events[0].at.microsecond) == (timedelta(0), 0)
    assert list(ledger.find()) == [RunRecord.start(KEY, AT)]


@pytest.mark.parametrize("many", [False, True])
def test_each_retry_of_a_start_is_reported(
    ledger: RunLedger, repository: FaultyRepository, events: list[RunEvent], many: bool
) -> None:
    def start() -> object:
        return ledger.start_many("r", ["acme"]) if many else ledger.start("r", "acme")

    repository.faults = [(False, Outcome.NOT_APPLIED)] * 5
    with pytest.raises(StoreUnavailable, match="tried 5 times") as refusal:
        start()
    assert (refusal.value.key, refusal.value.applied) == (KEY, ())
    *retried, failed = events
    assert [(event.kind, event.attempt) for event in retried] == [(EventKind.START_RETRIED, i) for i in (1, 2, 3, 4)]
    assert all(event.key == KEY and isinstance(event.error, StoreUnavailable) for event in events)
    times = [event.at for event in events]
    assert times == sorted(set(times)), "each has its own time"
    assert all(AT < at < AT + timedelta(minutes=1) for at in times)
    assert all(event.call_site and __file__ in event.call_site for event in events)
    assert (failed.kind, failed.error) == (EventKind.START_FAILED, refusal.value)


def test_an_import_that_fails_is_reported(
    ledger: RunLedger, repository: FaultyRepository, events: list[RunEvent]
) -> None:
    record = RunRecord.start(KEY, AT)
    repository.faults = [(False, Outcome.NOT_APPLIED)] * 5
    with pytest.raises(StoreUnavailable) as refusal:
        ledger.import_records([record])
    assert [event.kind.value for event in events] == ["start_retried"] * 4 + ["start_failed"]
    assert (events[-1].error, events[-1].key) == (refusal.value, KEY)
    assert all(AT < event.at < AT + timedelta(minutes=1) for event in events)
    assert all(event.call_site and __file__ in event.call_site for event in events)


def test_a_failing_read_is_reported_with_its_reason(repository: FaultyRepository, events: list[RunEvent]) -> None:
    class Broken(FaultyRepository):
        def find(self, query: RunQuery) -> Iterator[RunRecord]:
            raise StoreUnavailable("no answer", Outcome.NOT_APPLIED)

        def without_creation(self) -> "Broken":
            return self

    with pytest.raises(StoreUnavailable) as refusal:
        list(RunLedger(Broken(), observers=[events.append]).find())
    assert [(event.kind, event.error) for event in events] == [(EventKind.REFUSED, refusal.value)]


def test_each_update_by_key_passes_all_it_is_given(ledger: RunLedger) -> None:
    ledger.start_many("r", ["a", "b", "c", "d"])
    ledger.updates.update("r", "a", metrics={"m": 1}, add={"i": 2}, note="half way")
    ledger.updates.complete("r", "a", with_errors="2 of 45", metrics={"n": 1}, add={"i": 1}, note="all but 2")
    ledger.updates.fail("r", "b", "no disk", add={"n": 2}, note="gave up")
    ledger.updates.skip("r", "c", "nothing new")
    ledger.updates.cancel("r", "d", "stopped by hand")
    a, b, c, d = (ledger.get("r", client) for client in "abcd")
    notes = {client: [line.text for line in ledger.log("r", client)] for client in "abcd"}
    assert (a.status, a.error) == (RunStatus.COMPLETED_WITH_ERRORS, "2 of 45")
    assert (a.metrics, notes["a"]) == ({"m": 1, "i": 3, "n": 1}, ["half way", "all but 2"])
    assert (b.status, b.error, b.metrics, notes["b"]) == (RunStatus.FAILED, "no disk", {"n": 2}, ["gave up"])
    assert (c.status, notes["c"]) == (RunStatus.SKIPPED, ["nothing new"])
    assert (d.status, notes["d"]) == (RunStatus.CANCELLED, ["stopped by hand"])


def test_a_summary_counts_every_run_of_a_status(ledger: RunLedger) -> None:
    for run in ledger.start_many("r", ["a", "b", "c"]).values():
        run.complete()
    assert (ledger.summary("r").statuses, ledger.summary("r").runs) == ({RunStatus.COMPLETED: 3}, 3)


def test_an_age_that_cannot_be_subtracted_is_rejected_with_the_reason(ledger: RunLedger) -> None:
    with pytest.raises(InvalidValue, match="not negative"):
        ledger.stale(timedelta(seconds=-1))
    with pytest.raises(InvalidValue, match="before the year 1"):
        ledger.stale(timedelta(days=999_999))


def test_the_log_names_what_an_event_carries(
    ledger: RunLedger, repository: FaultyRepository, caplog: pytest.LogCaptureFixture
) -> None:
    repository.faults = [(False, Outcome.NOT_APPLIED)]
    RunLedger(repository, sleep=lambda _: None).start("r\u202e", "ünï")
    retried = caplog.records[0]
    assert retried.levelno == logging.WARNING
    assert (retried.__dict__["attempt"], retried.__dict__["client_id"]) == (1, "ünï")
    assert str(retried.__dict__["error"]).startswith("StoreUnavailable: the store is unavailable: the line went dead")
    assert 'run_id="r\\u202e" client_id=ünï' in retried.getMessage()
    log_event(RunEvent(kind=EventKind.DUPLICATED, key=RunKey("XX", "ü x"), at=AT, detail="100% twice"))
    duplicated = caplog.records[-1]
    assert duplicated.getMessage() == 'event=run_duplicated run_id=XX client_id="ü x" detail="100% twice"'
    assert (duplicated.levelno, duplicated.__dict__["detail"]) == (logging.ERROR, "100% twice")
    log_event(RunEvent(kind=EventKind.DUPLICATED, key=None, at=AT, detail='größer\nals "7"\x7f\u200b'))
    assert caplog.records[-1].getMessage().endswith(r' detail="größer\nals \"7\"\u007f\u200b"')


def test_a_failed_run_is_a_warning_with_its_error_and_duration(
    ledger: RunLedger, events: list[RunEvent], repository: FaultyRepository, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="runledger")
    ledger.start("r", "acme").fail("disk full")
    (finished,) = [event for event in events if event.kind is EventKind.FINISHED]
    assert (finished.error, finished.duration) == ("disk full", ledger.get("r", "acme").duration)
    log_event(finished)
    logged = caplog.records[-1]
    assert (logged.levelno, logged.__dict__["error"]) == (logging.WARNING, "disk full")
    assert 'status=Failed error="disk full" seconds=' in logged.getMessage()
    ledger.start("s", "acme").complete(with_errors="2 of 45")
    log_event(events[-1])
    assert (caplog.records[-1].levelno, caplog.records[-1].__dict__["error"]) == (logging.INFO, "2 of 45")
    ledger.start("r", "ac\u202eme").fail("disk\x1bfull")
    log_event(events[-1])
    escaped = caplog.records[-1].__dict__
    assert (escaped["client_id"], escaped["error"]) == ("ac\\u202eme", "disk\\u001bfull")
    ledger.start("t", "acme")
    ledger.updates.update_many([(RunKey("t", "acme"), RunChange(status=RunStatus.FAILED, error="late"))])
    assert (events[-1].error, events[-1].duration) == ("late", None)


def test_a_call_site_is_in_the_code_of_the_application(repository: FaultyRepository, events: list[RunEvent]) -> None:
    ledger = RunLedger(repository, observers=[events.append], on_missing="report")
    heartbeat = ledger.updates.heartbeat

    async def from_a_loop() -> None:
        asyncio.get_running_loop().call_soon(heartbeat, "gone", "acme")
        await asyncio.sleep(0)

    heartbeat("gone", "acme")
    asyncio.run(from_a_loop())
    for _ in range(2):
        with suppress(RunAlreadyExists), ledger.track("r", "acme"):
            pass
    with suppress(RunAlreadyExists), ExitStack() as stack:
        stack.enter_context(ledger.track("r", "acme"))
    sites = [event.call_site for event in events if event.error]
    assert len(sites) == 4
    assert all(site and site.startswith(f"{__file__}:") for site in sites)
    with ThreadPoolExecutor() as pool:
        pool.submit(heartbeat, "gone", "acme").result()
    thread = threading.Thread(target=heartbeat, args=("gone", "acme"))
    thread.start()
    thread.join()
    assert [event.call_site for event in events[-2:]] == [None, None]  # no code of the application is in sight
    assert ledger.updates.of(RunKey("gone", "acme")).site is None


def test_the_bounds_of_a_query_are_exact(ledger: RunLedger) -> None:
    ledger.start("r", "acme")
    at = ledger.get("r", "acme").started_at
    assert list(ledger.find(limit=0)) == []
    assert len(list(ledger.find(since=at, limit=1))) == 1
    assert list(ledger.find(until=at)) == []
    with pytest.raises(InvalidValue, match="limit is -1: give a whole number from 0"):
        ledger.find(limit=-1)
    with pytest.raises(InvalidValue, match="run id is empty"):
        ledger.find(run_id="")


class Nowhere(tzinfo):
    def utcoffset(self, _at: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


def test_a_time_zone_without_an_offset_is_rejected() -> None:
    with pytest.raises(InvalidValue, match="has no time zone"):
        RunRecord.start(KEY, datetime(2025, 11, 24, tzinfo=Nowhere()))


def test_the_least_integer_is_accepted_and_a_rejected_addition_is_named() -> None:
    assert RunChange(add={"n": -(2**53)}).add == {"n": -(2**53)}
    with pytest.raises(InvalidValue, match="addition to 'n' is str, not a number"):
        RunChange(add={"n": "1"})  # type: ignore[dict-item]
    with pytest.raises(InvalidValue, match="metric name is empty"):
        RunChange(add={"": 1})
    with pytest.raises(InvalidValue, match="metric name is empty"):
        RunChange(metrics={"": 1})
    with pytest.raises(InvalidValue, match=r"^error is empty: say what went wrong, or leave it out"):
        RunChange(error="")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda ledger, run: run.update(note=""), "note is empty: leave it out, or give it text."),
        (lambda ledger, run: run.complete(metrics={"a": None}), "metric 'a' is NoneType: a metric is str, int, "),
        (lambda ledger, run: run.fail("boom", at="now"), "at is str, not a datetime: give an aware datetime."),
        (lambda ledger, run: ledger.updates.skip("r", "acme", ""), "why is empty: give the reason in one line."),
        (lambda ledger, run: ledger.start("r", "acme", note=""), "note is empty: leave it out, or give it text."),
        (lambda ledger, run: ledger.start("r", "acme", metrics={"a": None}), "metric 'a' is NoneType: a metric is "),
        (lambda ledger, run: ledger.start("r", "acme", client_name=""), "client name is empty: give it 1 to 255 "),
        (lambda ledger, run: ledger.start_many("r", {"bolt": "Bolt", "acme": 7}), "client name is int, not text: "),
        (lambda ledger, run: ledger.log("r", "acme", last=-1), "last is -1: give a whole number from 0."),
    ],
)
def test_an_invalid_argument_of_a_call_about_a_run_names_the_run(
    events: list[RunEvent], act: Callable[[RunLedger, Run], object], message: str
) -> None:
    repository = FaultyRepository()
    repository.create(NewRun(RunRecord.start(KEY, AT)))
    ledger = RunLedger(repository, observers=[events.append])
    with pytest.raises(InvalidValue) as refusal:
        act(ledger, ledger.updates.run("r", "acme"))
    assert refusal.value.key == KEY
    assert str(refusal.value).startswith(f"{KEY}: {message}")
    assert [(event.key, event.error) for event in events] == [(KEY, refusal.value)]
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)


def test_a_run_is_named_once() -> None:
    error = InvalidValue("note is empty.").naming(None)
    assert (str(error), error.key) == ("note is empty.", None)
    assert str(error.naming(KEY).naming(OTHER)) == f"{KEY}: note is empty."
    assert error.key == KEY


def test_the_text_of_an_exception_is_plain_text(ledger: RunLedger) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            return Word("no disk")

    ledger.start("r", "acme").fail(Odd())
    assert ledger.get("r", "acme").error == "Odd: no disk"
