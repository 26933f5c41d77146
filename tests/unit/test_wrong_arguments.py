"""A wrong value for any parameter is rejected in a short sentence, and with no exception of another kind."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import product
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any

import pytest

from hostile import Incomparable, Proxy, raising
from runledger import (
    InvalidValue,
    LogLine,
    NewRun,
    RunChange,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunQuery,
    RunRecord,
    RunStatus,
    connect,
    new_run_id,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.adapters.observers.worker import require_bounds
from runledger.adapters.sql.postgresql import PostgreSQLRunRepository
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.aio.ledger import checked_threads
from runledger.domain import FinishedRuns
from runledger.domain.preparation import MetricColumn, MetricKind
from runledger.histories import read_history, write_history
from runledger.kept_events import KeptEvents
from runledger.services.inspecting.expectation import Expectation
from runledger.services.inspecting.window import Window, days_of, hours_of
from runledger.services.tracking.heartbeat import checked_heartbeat
from runledger.testing.subclasses import Word

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("r", "acme")


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Mute(tzinfo):
    """A time zone without an offset."""

    def utcoffset(self, _at: datetime | None) -> timedelta | None:
        raise NotImplementedError  # as tzinfo itself does

    dst = utcoffset

    def tzname(self, _at: datetime | None) -> str | None:
        raise NotImplementedError


class Endless(Mute):
    def utcoffset(self, _at: datetime | None) -> timedelta:
        return timedelta(days=2)  # which datetime rejects: an offset is less than a day


nested: list[Any] = []
nested.append(nested)

WRONG = [
    *(None, True, False, 0, -1, 2**31, 2**63, -(2**63), 10**5000, -(10**5000)),
    *(1.5, -0.5, math.nan, math.inf, -math.inf, 1e300, 1j),
    *("", " x", "x" * 100_001, "x\0" * 500, "\ud800", "a\nb", b"x", bytearray(b"x" * 10_000)),
    *([], {}, (), set(), [None], ["x" * 100_001], {"a": None}, {None: 1}, {"": 1}, {"a": 10**5000}, (1, 2), nested),
    *(object(), type, Unshowable(), [Unshowable()], {"a": Unshowable()}, Unshowable, ValueError("x"), RunStatus),
    *(AT.replace(tzinfo=None), datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), AT.replace(tzinfo=Mute())),
    *(AT.replace(tzinfo=raising(KeyError("x"))), AT.replace(tzinfo=raising(OverflowError("x"))), Incomparable()),
    *map(Proxy, ("x", 1, 1.5, AT, RunStatus.FAILED, ["x"])),
    *(AT.replace(tzinfo=Endless()), AT.date(), timedelta.min, timedelta.max, timedelta(0), iter([1]), lambda: 1),
]

COLUMN = {"name": "a", "kind": MetricKind.NUMBER}
RECORD = RunRecord.start(KEY, AT)
NAIVE = "2025-11-24T08:15:00"
STATUSES = ", ".join(status.value for status in RunStatus)
FIELDS = {"run_id": "r", "client_id": "c", "status": "failed", "since": AT, "until": AT, "updated_before": AT}
FIELDS |= {"after": RECORD, "limit": 1}
CHANGE = {"metrics": {"n": 1}, "add": {"i": 1}, "note": "n"}
OF_RECORD = {"key": KEY, "client_name": "c", "status": "failed", "started_at": AT, "ended_at": AT, "updated_at": AT}
OF_RECORD |= {"metrics": {"n": 1}, "notes": 0, "error": "e"}
OF_LEDGER = {"observers": [], "clock": lambda: AT, "on_missing": "raise", "retry_waits": [0], "sleep": lambda _: None}
OF_LEDGER |= {"new_mark": lambda: "m"}

VALUES: dict[Callable[..., object], dict[str, Any]] = {
    RunKey: {"run_id": "r", "client_id": "c", "reference": "rec1"},
    RunChange: {**CHANGE, "status": "failed", "error": "e"},
    RunRecord: OF_RECORD,
    RunRecord.start: {"key": KEY, "at": AT, "client_name": "c", "metrics": {"n": 1}},
    LogLine: {"at": AT, "text": "x"},
    NewRun: {"record": RECORD, "log": [], "mark": "m", "reference": "rec1"},
    RunQuery: FIELDS,
    FinishedRuns: {"before": AT, "client_id": "c"},
    Expectation: {"max_age": timedelta(1), "max_duration": timedelta(1), "window": Window(zone=UTC)},
    Window: {"zone": UTC, "days": {1}, "hours": (0, 60)},
    days_of: {"names": ["mon"]},
    hours_of: {"text": "08:00-18:00"},
    MetricColumn: {"name": "n", "kind": MetricKind.NUMBER, "decimals": 2},
    new_run_id: {"at": AT},
    RunRecord.from_json: {"form": RECORD.to_json()},
    NewRun.from_json: {"form": NewRun(RECORD).to_json()},
    require_bounds: {"window": 1, "limit": 1, "exit_wait": 1},
    checked_heartbeat: {"seconds": 60},
    checked_threads: {"threads": 1},
}

IDS = {"run_id": "r", "client_id": "acme"}
CALLS: dict[str, dict[str, Any]] = {
    "start": {"run_id": "s", "client_id": "acme", "client_name": "c", "metrics": {"n": 1}, "note": "n"},
    "start_many": {"run_id": "s", "clients": ["a"], "note": "n"},
    "import_records": {"records": [RECORD]},
    "get": IDS,
    "log": {**IDS, "last": 1},
    "find": FIELDS,
    "latest": {"since": AT, "clients": ["acme"]},
    "summary": {name: value for name, value in FIELDS.items() if name != "after"},
    "stale": {"older_than": timedelta(0), **IDS, "since": AT, "until": AT, "limit": 1},
    "reads.get_with_log": IDS,
    "reads.find_with_logs": FIELDS,
    "updates.update": {**IDS, **CHANGE},
    "updates.heartbeat": IDS,
    "updates.complete": {**IDS, **CHANGE, "with_errors": "e", "at": AT},
    "updates.fail": {**IDS, **CHANGE, "error": "e", "at": AT},
    "updates.skip": {**IDS, "why": "w", "at": AT},
    "updates.cancel": {**IDS, "why": "w", "at": AT},
    "updates.update_many": {"changes": [(KEY, RunChange())]},
    "updates.run": IDS,
    "updates.of": {"key": KEY},
}


def tried(
    call: Callable[..., object], given: Mapping[str, Any], values: Iterable[Any] = WRONG
) -> Iterator[InvalidValue]:
    """What a call raises with a wrong value in place of each of its arguments."""
    for name, wrong in product(given, values):
        try:
            result = call(**{**given, name: wrong})
            if isinstance(result, Iterator):
                list(result)
        except InvalidValue as error:
            yield error
        except RunLedgerError:  # the key of no run, or of one that has finished
            pass
        except Exception as error:
            raise AssertionError(
                f"{call} raised {type(error).__name__} for {type(wrong).__name__} as {name}"
            ) from error


@pytest.mark.parametrize("make", VALUES, ids=lambda make: make.__qualname__)
def test_a_value_of_the_domain_rejects_wrong_parts_in_a_short_sentence(make: Callable[..., object]) -> None:
    make(**VALUES[make])
    assert max(len(str(error)) for error in tried(make, VALUES[make])) < 500


@pytest.mark.parametrize("name", CALLS)
def test_a_call_rejects_wrong_arguments_in_a_short_sentence(name: str) -> None:
    repository = InMemoryRunRepository()
    repository.create(NewRun(RunRecord.start(KEY, AT)))
    call: Any = RunLedger(repository, observers=())
    for part in name.split("."):
        call = getattr(call, part)
    assert max(len(str(error)) for error in tried(call, CALLS[name])) < 500


def test_the_settings_of_a_ledger_are_rejected_in_a_short_sentence() -> None:
    def make(**settings: Any) -> None:
        RunLedger(InMemoryRunRepository(), **settings)

    make(**OF_LEDGER)
    assert max(len(str(error)) for error in tried(make, OF_LEDGER)) < 500


def test_a_store_is_rejected_in_a_short_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert max(len(str(error)) for error in tried(connect, {"store": "memory://"})) < 500
    assert list(tmp_path.iterdir()) == []


REFUSED: list[tuple[Callable[..., object], dict[str, Any], str]] = [
    (RunQuery, {"limit": 2**63}, "limit is beyond 2^63-1: give a smaller number, or leave it out."),
    (RunQuery, {"limit": 10**5000}, "limit is beyond 2^63-1: give a smaller number, or leave it out."),
    (RunQuery, {"limit": -(10**5000)}, "limit is <int>: give a whole number from 0."),
    (RunQuery, {"limit": Unshowable()}, "limit is <Unshowable>: give a whole number from 0."),
    (RunQuery, {"status": "x" * 100_000}, f"'{'x' * 56}…' is not a status: use one of {STATUSES}."),
    (RunQuery, {"status": Word("odd")}, f"'odd' is not a status: use one of {STATUSES}."),
    (RunQuery, {"status": 10**5000}, f"<int> is not a status: use one of {STATUSES}."),
    (RunKey, {"run_id": "r", "client_id": "c", "reference": 7}, "reference is int, not text: give a str."),
    (FinishedRuns, {"before": AT, "client_id": 7}, "client id is int, not text: give a str."),
    (RunQuery, {"run_id": 7}, "run id is int, not text: give a str."),
    (RunQuery, {"client_id": 7}, "client id is int, not text: give a str."),
    (new_run_id, {"at": AT.replace(tzinfo=Mute())}, f"at {NAIVE} has no time zone: pass an aware datetime."),
    (new_run_id, {"at": AT.replace(tzinfo=Endless())}, f"at {NAIVE} has no time zone: pass an aware datetime."),
    (
        RunLedger,
        {"repository": InMemoryRunRepository(), "on_missing": "x"},
        "on_missing is 'x': use 'raise' or 'report'.",
    ),
    (NewRun, {"record": RECORD, "log": 7}, "log is int: give the LogLines, in their order."),
    (Expectation, {"max_age": "26h"}, "max-age is str: give a timedelta."),
    (Expectation, {"max_duration": 60}, "max-duration is int: give a timedelta."),
    (Expectation, {"max_age": timedelta(1), "window": "mon"}, "window is str: give a Window."),
    (Window, {"zone": None}, "zone is NoneType: give a tzinfo, such as ZoneInfo('Europe/Berlin')."),
    (Window, {"zone": UTC, "days": [1]}, "days is [1]: give the days that `days_of` returns."),
    (Window, {"zone": UTC, "days": {7}}, "days is {7}: give the days that `days_of` returns."),
    (Window, {"zone": UTC, "days": set()}, "days is set(): give the days that `days_of` returns."),
    (Window, {"zone": UTC, "hours": (1, 1)}, "hours is (1, 1): give the minutes that `hours_of` returns."),
    (Window, {"zone": UTC, "hours": (1440, 1441)}, "hours is (1440, 1441): give the minutes that `hours_of` returns."),
    (Window, {"zone": UTC, "hours": (0, 1441)}, "hours is (0, 1441): give the minutes that `hours_of` returns."),
    (Window, {"zone": UTC, "hours": (-1, 1)}, "hours is (-1, 1): give the minutes that `hours_of` returns."),
    (Window, {"zone": UTC, "hours": "08-18"}, "hours is '08-18': give the minutes that `hours_of` returns."),
    (days_of, {"names": 7}, "7 is not a list of days of the week: use mon, tue, wed, thu, fri, sat, sun."),
    (hours_of, {"text": 8}, "8 is not a span of hours: write it like 08:00-18:00, or 22:00-06:00 over midnight."),
    (MetricColumn, {"name": "a", "kind": "number"}, "the kind of 'a' is str: give a MetricKind."),
    (MetricColumn, {**COLUMN, "decimals": "2"}, "'a' cannot have '2' decimals: give 0 to 8."),
    (MetricColumn, {**COLUMN, "decimals": True}, "'a' cannot have True decimals: give 0 to 8."),
    (checked_threads, {"threads": "x"}, "threads is 'x': give the number of calls that may run at the same time, "),
    (checked_heartbeat, {"seconds": 10**5000}, "heartbeat is <int>: give seconds above 0, such as 60, or None for "),
    (require_bounds, {"window": 1e300, "limit": 1, "exit_wait": 1}, "window is 1e+300: give seconds from 0 that can "),
    (InMemoryRunRepository, {"columns": "n"}, "columns is 'n': give a list of metric names."),
    (InMemoryRunRepository, {"columns": 3}, "columns is 3: give a list of metric names."),
    (InMemoryRunRepository, {"columns": [" n"]}, "column ' n' begins or ends with white space: "),
    (SQLiteRunRepository, {"path": None}, "path is None: give the path of a file as text, or a pathlib.Path."),
    (SQLiteRunRepository, {"path": b"a.db"}, "path is b'a.db': give the path of a file as text, or a pathlib.Path."),
    (SQLiteRunRepository, {"path": Path("a\0b")}, "path is PosixPath('a\\x00b'): give the path of a file as text, "),
    (SQLiteRunRepository, {"path": "a.db", "synchronous": "OFF"}, "synchronous is 'OFF': use 'FULL' or 'NORMAL'."),
    (SQLiteRunRepository, {"path": "a.db", "wait": 1e300}, "wait is 1e+300: give seconds from 0 that can be waited."),
    (PostgreSQLRunRepository, {"url": "", "max_connections": 0}, "max_connections is 0: give a whole number from 1."),
    (PostgreSQLRunRepository, {"url": "", "timeout": None}, "timeout is None: give seconds from 0 that can be waited."),
    (read_history, {"file": None}, "file is None: give a path, or an open file."),
    (write_history, {"runs": [], "file": 3}, "file is 3: give a path, or an open file."),
    (KeptEvents("missing.db").flush, {"seconds": -1}, "seconds is -1: give seconds from 0 that can be waited."),
    (require_bounds, {"window": 1, "limit": True, "exit_wait": 1}, "limit is True: give a whole number from 1."),
]


@pytest.mark.parametrize(("make", "given", "message"), REFUSED)
def test_a_message_says_what_to_do(make: Callable[..., object], given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        make(**given)
    assert str(refusal.value)[: len(message)] == message
    assert str(refusal.value).endswith(".")


def test_the_largest_numbers_are_accepted() -> None:
    assert RunQuery(limit=2**63 - 1).limit == 2**63 - 1
    assert Window(zone=UTC, hours=(1439, 1439 + 1440)).hours == (1439, 2879)
    assert MetricColumn("a", MetricKind.NUMBER, 8).decimals == 8
    repository = InMemoryRunRepository()
    ledger = RunLedger(repository, observers=(), retry_waits=[TIMEOUT_MAX])
    run = ledger.start("r", "acme", note="n")
    assert [record.key for record in ledger.find(limit=2**63 - 1)] == [run.key]
    assert ledger.summary(limit=2**63 - 1).runs == 1
    assert len(list(ledger.log("r", "acme", last=2**63 - 1))) == 1


@pytest.mark.parametrize("kind", [RunRecord, NewRun])
def test_a_form_with_a_wrong_part_is_rejected_in_a_short_sentence(kind: type[RunRecord | NewRun]) -> None:
    def of_form(**form: Any) -> object:
        return kind.from_json(form)

    form = (RECORD if kind is RunRecord else NewRun(RECORD)).to_json()
    assert max(len(str(error)) for error in tried(of_form, form, filter(is_json, WRONG))) < 500
    with pytest.raises(InvalidValue) as refusal:
        of_form(**{**form, "started_at": "x" * 1000})
    assert str(refusal.value).endswith("xxx…).")


def is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
