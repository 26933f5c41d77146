"""Created once, over every interleaving of the real adapter's requests, with a fault at every possible step.

The counts that are asserted say that nothing was left out: change them only with a reason.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import requests
from airtable_base import Clock, in_process
from interleavings import BASE, TABLE, TOKEN, Act, Ending, Exploration, Fault, Process, new_service
from pyairtable import Table
from requests.adapters import HTTPAdapter
from urllib3.util import parse_url

from airtable_local import AirtableService, Column, Connection
from runledger import (
    EventKind,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnavailable,
)
from runledger.adapters.airtable import AirtableRunRepository, Columns, RateLimit, transport

KEY, OTHER = RunKey("251124-081500", "acme"), RunKey("251124-081500", "bolt")
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
TOKENS = Column("Tokens", "number")
NUMBER = Column("Number", "autoNumber")
MARKED = Columns(start_mark="Start Mark")
Check = Callable[[Ending], None]
EVERY_FAULT = tuple(Fault)
MAIN_FAULTS = (Fault.LOST_AFTER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.DEATH_BEFORE, Fault.DEATH_AFTER)

pytestmark = [pytest.mark.timeout(1200), pytest.mark.usefixtures("_each_request_prepared_once", "_seldom_collected")]


@pytest.fixture
def _seldom_collected() -> Iterator[None]:
    # The states of an exploration stay until its end: to look for garbage among them again and again finds none.
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 1000)
    yield
    gc.set_threshold(*before)


@pytest.fixture
def _each_request_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of a million requests few differ, and for each the client library works out its form, its URLs and its settings
    # anew. What is sent is what it was without this: only the working out is left out.
    prepare, urls_of = requests.Session.prepare_request, Table.urls.func
    prepared: dict[Hashable, requests.PreparedRequest] = {}
    urls: dict[Hashable, Any] = {}
    settings = requests.Session().merge_environment_settings("https://api.airtable.com", {}, None, None, None)

    def prepare_once(session: requests.Session, request: requests.Request) -> requests.PreparedRequest:
        form = request.method, request.url, repr((request.params, request.json, request.data))
        if form not in prepared:
            prepared[form] = prepare(session, request)
        return prepared[form]

    def urls_once(table: Table) -> Any:
        place = table.api.endpoint_url, table.base.id, table.name
        if place not in urls:
            urls[place] = urls_of(table)
        return urls[place]

    monkeypatch.setattr(requests.Session, "prepare_request", prepare_once)
    monkeypatch.setattr(requests.Session, "merge_environment_settings", lambda *_, **__: {**settings, "proxies": {}})
    monkeypatch.setattr(Table, "urls", property(urls_once))
    monkeypatch.setattr(requests.sessions, "HTTPAdapter", cache(HTTPAdapter))  # in whose place our transport comes
    monkeypatch.setattr(transport, "parse_url", cache(parse_url))


def new(i: int, key: RunKey = KEY, apart: int = 1) -> NewRun:
    """The start of one process, which is `apart` milliseconds after that of the process before it."""
    return NewRun(RunRecord.start(key, AT + timedelta(milliseconds=i * apart)), mark=f"mark {i}")


def creates(i: int, apart: int = 1) -> Act:
    """A process that creates the record, once."""
    return lambda repository: repository.create(new(i, apart=apart))


def starts(i: int, apart: int = 1) -> Act:
    """A process whose ledger starts the run, and tries again if the store does not answer."""

    def act(repository: AirtableRunRepository) -> RunKey:
        at = AT + timedelta(milliseconds=i * apart)
        ledger = RunLedger(
            repository,
            observers=(),
            clock=lambda: at,
            retry_waits=[0],
            sleep=lambda _: None,
            new_mark=lambda: f"mark {i}",
        )
        return ledger.start(KEY.run_id, KEY.client_id).key

    return act


def creates_and_sets(i: int) -> Act:
    """A process that creates the record and sets a number in it, by the reference that it was given."""

    def act(repository: AirtableRunRepository) -> RunKey:
        key = repository.create(new(i))
        repository.update(key, SETS, AT + timedelta(seconds=1))
        return key

    return act


def creates_both(i: int, *keys: RunKey, apart: int = 1) -> Act:
    """A process that creates two records at once."""
    return lambda repository: repository.create_many([new(i, key, apart) for key in keys])


def writes_as_an_old_service(apart: int) -> Act:
    """A writer that follows no protocol: it makes a row of the key, unasked, and then writes a number into it."""

    def act(repository: AirtableRunRepository) -> str:
        table = repository._creations._creating
        at = (AT + timedelta(milliseconds=apart)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        cells = {"Run ID": KEY.run_id, "Client ID": KEY.client_id, "Client Name": "acme"}
        try:
            (made,) = table.batch_create([{**cells, "Status": "Running", "Start Time": at}])
            table.batch_update([{"id": made["id"], "fields": {"Tokens": 9}}])
        except requests.RequestException as error:
            raise StoreUnavailable(type(error).__name__, Outcome.UNKNOWN) from None
        return str(made["id"])

    return act


def updates(change: RunChange) -> Act:
    """A process that knows only the key, and has no right to create."""
    return lambda repository: repository.without_creation().update(KEY, change, AT + timedelta(seconds=1))


def processes(*acts: Act, columns: Columns = Columns()) -> list[Process]:
    """Processes whose record ids fall, so that who comes later in one second has the lesser id."""
    return [
        Process(f"{i}", act, *(f"rec{len(acts) - i}{n:013}" for n in range(4)), columns=columns)
        for i, act in enumerate(acts)
    ]


def one_more(
    service: AirtableService, at: datetime, columns: Columns = Columns()
) -> tuple[AirtableRunRepository, AirtableService]:
    """A repository of one more process, from a time on and with nothing in its way, and the server that it works on."""
    clock = Clock(at)
    twin = service.copy(now=clock, new_id=lambda _: "recZ0000000000000")
    transports = in_process(Connection(twin, now=clock))
    limit = RateLimit(requests=10**6)
    repository = AirtableRunRepository(
        TOKEN, BASE, TABLE, columns=columns, transports=transports, limit=limit, sleep=clock.sleep
    )
    return repository, twin


def told_created(ending: Ending, creators: int) -> list[RunKey]:
    return [done.result for done in ending.outcomes[:creators] if done is not None and done.error is None]


def check_creators(creators: int, columns: Columns = Columns(), *, retrying: bool = False) -> Check:
    """At most one is told "created", and its record is the first and the only one that the living leave.

    Without retrying, a creator that gets no answer when it asks what became of its record may leave it. Without marks,
    a creator whose answer was lost may not remove what only seems to be its record: it reports it.
    """

    def check(ending: Ending) -> None:
        created = told_created(ending, creators)
        errors = [done.error for done in ending.outcomes[:creators] if done is not None and done.error is not None]
        in_doubt = sum(isinstance(error, StoreUnavailable) for error in errors)
        assert len(created) <= 1
        assert all(isinstance(error, (RunAlreadyExists, StoreUnavailable)) for error in errors)
        assert not (retrying and in_doubt)
        if created:
            assert created[0].reference == _first(ending, columns)["id"]
        excused = ending.outcomes[:creators].count(None) + in_doubt + ending.was_late + _left_and_reported(ending)
        assert columns.start_mark is None or not _left_and_reported(ending)
        assert len(ending.rows) <= 1 + excused
        assert ending.rows or excused
        assert all(row["fields"]["Status"] == "Running" for row in ending.rows[1:])
        _check_later(ending, columns)

    return check


def _left_and_reported(ending: Ending) -> int:
    """How many processes lost, and reported a record that may be theirs."""
    lost = [done for done in ending.outcomes if done is not None and isinstance(done.error, RunAlreadyExists)]
    return sum(EventKind.DUPLICATED in done.reported for done in lost)


def check_one_creator_of_a_lagging_list(*, retrying: bool) -> Check:
    """One record at most, unless a request arrives late; and who is told "created" has it."""

    def check(ending: Ending) -> None:
        (done,) = ending.outcomes
        assert len(ending.rows) <= 1 + (retrying and ending.was_late)
        if done is None:
            return
        if done.error is None:
            assert done.result.reference in [row["id"] for row in ending.rows]
        else:
            assert isinstance(done.error, StoreUnavailable)
            assert not retrying
            assert done.error.outcome is Outcome.UNKNOWN or not ending.rows

    return check


def check_foreign(creators: int, columns: Columns) -> Check:
    """The record of a foreign writer stays, with what it wrote; the creators' records are the ledger's as ever."""

    def check(ending: Ending) -> None:
        foreign = ending.outcomes[-1]
        there = {row["id"]: row["fields"] for row in ending.rows}
        if foreign is not None and foreign.error is None:
            assert there[foreign.result]["Tokens"] == 9
        created = told_created(ending, creators)
        assert len(created) <= 1
        if created:
            assert created[0].reference == _first(ending, columns)["id"]
        errors = [done.error for done in ending.outcomes[:creators] if done is not None and done.error is not None]
        assert all(isinstance(error, (RunAlreadyExists, StoreUnavailable)) for error in errors)
        in_doubt = ending.outcomes.count(None) + sum(isinstance(error, StoreUnavailable) for error in errors)
        in_doubt += _left_and_reported(ending)
        if created and foreign is not None and foreign.error is None and foreign.result != created[0].reference:
            assert len(ending.rows) > 1
        ours = [cells for cells in there.values() if "Tokens" not in cells]
        assert len(ours) <= 1 + in_doubt + ending.was_late + (foreign is not None and foreign.error is not None)
        _check_later(ending, columns)

    return check


def _first(ending: Ending, columns: Columns = Columns()) -> dict[str, Any]:
    return min(ending.rows, key=lambda row: _order(row, columns))


def _order(row: dict[str, Any], columns: Columns) -> tuple[Any, ...]:
    number = row["fields"][columns.number] if columns.number else 0
    return number, row["createdTime"], row["id"]


def _check_later(ending: Ending, columns: Columns) -> None:
    """Who comes later finds the run, or starts it; a duplicate that a dead process left is reported, not used."""
    events: list[RunEvent] = []
    later = AT + timedelta(minutes=1)
    repository, service = one_more(ending.service, later, columns)
    repository.add_observer(events.append)
    if ending.rows:
        with pytest.raises(RunAlreadyExists):
            repository.create(NewRun(RunRecord.start(KEY, later)))
        before = {row["id"]: row for row in service.records(BASE, TABLE)}
        assert before == {row["id"]: row for row in ending.rows}
        repository.update(KEY, RunChange(note="late"), later)
        after = service.records(BASE, TABLE)
        assert [row["id"] for row in after if row != before[row["id"]]] == [_first(ending, columns)["id"]]
        assert [event.kind for event in events] == [EventKind.DUPLICATED] * (len(ending.rows) > 1)
    else:
        with pytest.raises(RunNotFound):
            repository.update(KEY, RunChange(note="late"), later)
        repository.create(NewRun(RunRecord.start(KEY, later)))
        assert len(service.records(BASE, TABLE)) == 1


def check_updater(creators: int, took: Callable[[dict[str, Any]], bool]) -> Check:
    """The last process updates: it creates nothing, and what it was told is what the run's record says."""
    check_creation = check_creators(creators)

    def check(ending: Ending) -> None:
        check_creation(ending)
        updater = ending.outcomes[-1]
        updated = [row["id"] for row in ending.rows if took(row["fields"])]
        first = [_first(ending)["id"]] if ending.rows else []
        if updater is not None and updater.error is None:
            assert updated == first
        elif updater is None or getattr(updater.error, "outcome", None) is Outcome.UNKNOWN:
            assert updated in ([], first)
        else:
            assert isinstance(updater.error, (RunNotFound, StoreUnavailable))
            assert updated == []

    return check


def check_handles(ending: Ending) -> None:
    """Who created the run has updated it, by its handle; the other has changed nothing."""
    (created,) = told_created(ending, 2)
    assert [(row["id"], row["fields"]["Tokens"]) for row in ending.rows] == [(created.reference, 7)]


def check_batches(ending: Ending) -> None:
    """As with one key, for both keys of two batches; `applied` says which records a batch that failed has made."""
    references: list[str | None] = []
    for done in ending.outcomes:
        if done is not None:
            references += [key.reference for key in (done.error.applied if done.error else done.result)]
    for key in (KEY, OTHER):
        rows = [row for row in ending.rows if row["fields"]["Client ID"] == key.client_id]
        told = [row["id"] for row in rows if row["id"] in references]
        assert told in ([], [min(rows, key=lambda row: _order(row, Columns()))["id"]] if rows else [])
        references = [reference for reference in references if reference not in told]
        in_doubt = [done for done in ending.outcomes if done is None or isinstance(done.error, StoreUnavailable)]
        assert len(rows) <= 1 + len(in_doubt) + _left_and_reported(ending)
        assert rows or in_doubt
    assert references == []


SETS = RunChange(metrics={"Tokens": 7})
ADDS = RunChange(add={"Tokens": 7}, note="seven more")
FINISHES = RunChange(status=RunStatus.COMPLETED)


def _has_seven(fields: dict[str, Any]) -> bool:
    return fields.get("Tokens") == 7


def _has_finished(fields: dict[str, Any]) -> bool:
    return fields["Status"] == "Completed" and "End Time" in fields


def test_two_creators() -> None:
    found = Exploration(processes(creates(0), creates(1)), check_creators(2), kinds=EVERY_FAULT, faults=1)
    assert found.schedules == 341_212


def test_two_creators_in_a_table_with_an_autonumber_column() -> None:
    columns = Columns(number="Number")
    found = Exploration(
        processes(creates(0), creates(1), columns=columns),
        check_creators(2, columns),
        service=new_service(NUMBER),
        kinds=EVERY_FAULT,
        faults=1,
    )
    assert found.schedules == 18_256


def test_two_creators_with_two_faults() -> None:
    found = Exploration(
        processes(creates(0), creates(1)), check_creators(2), kinds=MAIN_FAULTS, faults=2, free_seconds=0
    )
    assert found.schedules == 66_924


def test_two_creators_at_the_same_time_with_marks() -> None:
    found = Exploration(
        processes(creates(0, apart=0), creates(1, apart=0), columns=MARKED),
        check_creators(2, MARKED),
        service=new_service(columns=MARKED),
        kinds=EVERY_FAULT,
        faults=1,
    )
    assert found.schedules == 377_882


def test_two_creators_at_the_same_time_with_marks_and_two_faults() -> None:
    found = Exploration(
        processes(creates(0, apart=0), creates(1, apart=0), columns=MARKED),
        check_creators(2, MARKED),
        service=new_service(columns=MARKED),
        kinds=MAIN_FAULTS,
        faults=2,
        free_seconds=0,
    )
    assert found.schedules == 70_436


def test_two_creators_at_the_same_time_without_marks_may_both_succeed_and_report_a_second_record() -> None:
    created: set[int] = set()

    def check(ending: Ending) -> None:
        reported = [done for done in ending.outcomes if done and EventKind.DUPLICATED in done.reported]
        assert len(ending.rows) == 1 or (len(ending.rows) == 2 and reported)
        created.add(len(told_created(ending, 2)))

    acts = creates(0, apart=0), creates(1, apart=0)
    found = Exploration(processes(*acts), check, kinds=[Fault.LOST_AFTER], faults=1, free_seconds=0)
    assert created == {1, 2}
    assert found.schedules == 866


def test_two_ledgers_that_start_and_try_again() -> None:
    found = Exploration(processes(starts(0), starts(1)), check_creators(2, retrying=True), kinds=EVERY_FAULT, faults=1)
    assert found.schedules == 2_686_206


def test_two_ledgers_that_start_at_the_same_time_with_marks_and_try_again() -> None:
    found = Exploration(
        processes(starts(0, apart=0), starts(1, apart=0), columns=MARKED),
        check_creators(2, MARKED, retrying=True),
        service=new_service(columns=MARKED),
        kinds=EVERY_FAULT,
        faults=1,
        free_seconds=0,
    )
    assert found.schedules == 594_267


def test_three_ledgers_that_start_and_try_again() -> None:
    found = Exploration(
        processes(starts(0), starts(1), starts(2)),
        check_creators(3, retrying=True),
        kinds=[Fault.LOST_AFTER],
        faults=1,
        free_seconds=0,
    )
    assert found.schedules == 1_332_859_632


def test_three_ledgers_that_start_at_the_same_time_with_marks_and_try_again() -> None:
    found = Exploration(
        processes(starts(0, apart=0), starts(1, apart=0), starts(2, apart=0), columns=MARKED),
        check_creators(3, MARKED, retrying=True),
        service=new_service(columns=MARKED),
        kinds=[Fault.LOST_AFTER],
        faults=1,
        free_seconds=0,
    )
    assert found.schedules == 1_333_857_384


def test_three_creators() -> None:
    found = Exploration(processes(creates(0), creates(1), creates(2)), check_creators(3))
    assert found.schedules == 4_764_714


def test_three_creators_with_a_fault() -> None:
    found = Exploration(
        processes(creates(0), creates(1), creates(2)), check_creators(3), kinds=MAIN_FAULTS, faults=1, free_seconds=0
    )
    assert found.schedules == 1_328_771_274


def test_three_creators_at_the_same_time_with_marks_and_a_lost_answer() -> None:
    found = Exploration(
        processes(creates(0, apart=0), creates(1, apart=0), creates(2, apart=0), columns=MARKED),
        check_creators(3, MARKED),
        service=new_service(columns=MARKED),
        kinds=[Fault.LOST_AFTER],
        faults=1,
        free_seconds=0,
    )
    assert found.schedules == 5_676_828


def test_creators_of_overlapping_batches() -> None:
    found = Exploration(
        processes(creates_both(0, KEY, OTHER), creates_both(1, OTHER, KEY)), check_batches, kinds=MAIN_FAULTS, faults=1
    )
    assert found.schedules == 45_312


def test_creators_of_overlapping_batches_at_the_same_time_with_marks() -> None:
    found = Exploration(
        processes(creates_both(0, KEY, OTHER, apart=0), creates_both(1, OTHER, KEY, apart=0), columns=MARKED),
        check_batches,
        service=new_service(columns=MARKED),
        kinds=MAIN_FAULTS,
        faults=1,
    )
    assert found.schedules == 47_056


@pytest.mark.parametrize(
    ("change", "took", "schedules"),
    # What adds a note, or finishes, asks once whether there is a column for it.
    [(SETS, _has_seven, 4_538), (ADDS, _has_seven, 6_356), (FINISHES, _has_finished, 6_356)],
    ids=["sets", "adds", "finishes"],
)
def test_a_creator_and_an_updater(change: RunChange, took: Callable[[dict[str, Any]], bool], schedules: int) -> None:
    found = Exploration(
        processes(creates(0), updates(change)),
        check_updater(1, took),
        service=new_service(TOKENS),
        kinds=EVERY_FAULT,
        faults=1,
    )
    assert found.schedules == schedules


def test_two_creators_and_an_updater() -> None:
    found = Exploration(
        processes(creates(0), creates(1), updates(ADDS)),
        check_updater(2, _has_seven),
        service=new_service(TOKENS),
        kinds=MAIN_FAULTS,
        faults=1,
        free_seconds=0,
    )
    assert found.schedules == 106_023_720


def test_creators_that_go_on_to_update_by_their_handles() -> None:
    found = Exploration(processes(creates_and_sets(0), creates_and_sets(1)), check_handles, service=new_service(TOKENS))
    assert found.schedules == 2_260


@pytest.mark.parametrize("columns", [Columns(), MARKED], ids=["without marks", "with marks"])
def test_one_creator_of_a_list_that_lags(columns: Columns) -> None:
    found = Exploration(
        processes(creates(0), columns=columns),
        check_one_creator_of_a_lagging_list(retrying=False),
        service=new_service(columns=columns),
        kinds=EVERY_FAULT,
        faults=1,
        lag=4,
    )
    assert found.schedules == 153


@pytest.mark.parametrize(
    "columns", [Columns(), MARKED, Columns(number="Number")], ids=["without marks", "with marks", "number"]
)
def test_one_ledger_that_tries_again_with_a_list_that_lags(columns: Columns) -> None:
    found = Exploration(
        processes(starts(0), columns=columns),
        check_one_creator_of_a_lagging_list(retrying=True),
        service=new_service(*([NUMBER] if columns.number else []), columns=columns),
        kinds=EVERY_FAULT,
        faults=1,
        lag=4,
    )
    assert found.schedules == (1_679 if columns.number else 1_469)


@pytest.mark.parametrize(("columns", "apart"), [(MARKED, 5), (MARKED, 0), (Columns(), 5)])
def test_two_creators_and_a_foreign_writer(columns: Columns, apart: int) -> None:
    found = Exploration(
        processes(creates(0), creates(1), writes_as_an_old_service(apart), columns=columns),
        check_foreign(2, columns),
        service=new_service(TOKENS, columns=columns),
        kinds=MAIN_FAULTS,
        faults=1,
        free_seconds=0,
    )
    assert found.schedules == (7_076_200 if columns.start_mark else 7_019_540)


def test_creators_of_a_run_that_was_started_before() -> None:
    repository, service = one_more(new_service(), AT - timedelta(hours=1))
    repository.create(NewRun(RunRecord.start(KEY, AT - timedelta(hours=1))))
    before = service.records(BASE, TABLE)

    def check(ending: Ending) -> None:
        assert list(ending.rows) == before
        assert told_created(ending, 2) == []

    found = Exploration(processes(creates(0), creates(1)), check, service=service, kinds=EVERY_FAULT, faults=1)
    assert found.schedules == 66
