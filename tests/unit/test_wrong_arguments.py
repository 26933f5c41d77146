"""A wrong value for any parameter is rejected in a short sentence, and with no exception of another kind."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

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
    new_run_id,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import FinishedRuns
from runledger.domain.expectation import Expectation
from runledger.domain.preparation import MetricColumn, MetricKind
from runledger.domain.window import Window, days_of, hours_of

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("r", "acme")


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Mute(tzinfo):
    """A time zone without an offset: the methods of tzinfo raise NotImplementedError."""


class Endless(tzinfo):
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
    *(AT.replace(tzinfo=Endless()), AT.date(), timedelta.min, timedelta.max, timedelta(0), iter([1]), lambda: 1),
]

RECORD = RunRecord.start(KEY, AT)
FIELDS = {"run_id": "r", "client_id": "c", "status": "failed", "since": AT, "until": AT, "updated_before": AT}
FIELDS |= {"after": RECORD, "limit": 1}
CHANGE = {"metrics": {"n": 1}, "add": {"i": 1}, "note": "n"}
OF_RECORD = {"key": KEY, "client_name": "c", "status": "failed", "started_at": AT, "ended_at": AT, "updated_at": AT}
OF_RECORD |= {"metrics": {"n": 1}, "notes": 0, "error": "e"}
OF_LEDGER = {"observers": [], "clock": lambda: AT, "on_missing": "raise", "retry_waits": [0], "sleep": lambda _: None}

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


def tried(call: Callable[..., object], given: Mapping[str, Any]) -> Iterator[InvalidValue]:
    """What a call raises with a wrong value in place of each of its arguments."""
    for name in given:
        for wrong in WRONG:
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
