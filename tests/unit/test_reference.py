"""docs/reference.md is complete, and what it says of calls, limits, values and events holds."""

import inspect
import json
import logging
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT, blocks

import runledger
from runledger import (
    EventKind,
    InvalidValue,
    LedgerReads,
    LedgerUpdates,
    Run,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunLedgerError,
)
from runledger.adapters.airtable.columns import MAX_CELL
from runledger.alerts import Alerts
from runledger.domain import key, values
from runledger.kept_events import KeptEvents, read
from runledger.services.reads import MOST_READ

REFERENCE = (ROOT / "docs/reference.md").read_text()
AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


def rows(heading: str) -> dict[str, str]:
    """The rows of the tables in a section: the first cell, and the other cells."""
    section = REFERENCE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \| (.*) \|$", section, re.MULTILINE)
    return {first: rest for first, rest in cells if not first.startswith("---")}


def call(function: Callable[..., object], *, without: int = 1) -> str:
    """A function's parameters as the reference writes them, without the first ones."""
    parts, kind = [], None
    for each in list(inspect.signature(function).parameters.values())[without:]:
        if each.kind is each.KEYWORD_ONLY is not kind:
            parts.append("*")
        parts.append(each.name if each.default is each.empty else f"{each.name}=…")
        kind = each.kind
    return f"({', '.join(parts)})"


def methods(owner: type) -> dict[str, Callable[..., object]]:
    return {name: each for name, each in vars(owner).items() if inspect.isfunction(each) and not name.startswith("_")}


def test_every_name_of_the_package_is_in_the_reference() -> None:
    assert [name for name in runledger.__all__ if not re.search(rf"\b{name}\b", REFERENCE)] == []


def test_every_call_is_in_the_reference_with_its_parameters() -> None:
    reads = methods(LedgerReads)
    calls = [f"ledger.{name}{call(each)}" for name, each in methods(RunLedger).items() if name not in reads]
    calls += [f"{name}{call(each)}" for name, each in reads.items()]
    calls += [f"run.{name}{call(each)}" for name, each in methods(Run).items()]
    updates = methods(LedgerUpdates)
    calls += [f"ledger.updates.{name}{call(updates[name])}" for name in updates.keys() - methods(Run).keys()]
    calls += [f"RunLedger{call(RunLedger, without=0)}"]
    calls += [f"new_run_id{call(runledger.new_run_id, without=0)}", f"RunChange{call(RunChange, without=0)}"]
    calls += [f"connect({', '.join(['store', call(runledger.connect).strip('()')])})"]
    calls += [f"runledger.alerts.Alerts{call(Alerts, without=0)}"]
    calls += [f"alerts.{name}{call(each)}" for name, each in methods(Alerts).items()]
    calls += [f"runledger.kept_events.KeptEvents{call(KeptEvents, without=0)}"]
    calls += [f"kept.{name}{call(each)}" for name, each in methods(KeptEvents).items()]
    calls += [f"runledger.kept_events.read{call(read, without=0)}"]
    assert [each for each in calls if f"`{each}`" not in REFERENCE] == []
    assert updates.keys() >= methods(Run).keys()


def test_the_python_code_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for _, code in blocks("docs/reference.md", "python"):
        exec(code, names)  # noqa: S102
    names["ledger"].close()
    assert capsys.readouterr().out.splitlines()[0].endswith(" ConnectionError: no route to host")


def test_the_numbers_of_the_limits_are_those_of_the_rules() -> None:
    limits = rows("Limits")
    numbers = {
        name: [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d|\d", text)]
        for name, text in limits.items()
    }
    assert numbers["run id, client id, client name, name of a metric"] == [1, key.MAX_NAME]
    assert numbers["note, `why`"] == [1, values.MAX_NOTE]
    assert numbers["text metric"] == [values.MAX_TEXT]
    assert numbers["`error`, `with_errors`"] == [1, values.MAX_TEXT]
    assert numbers["integer, also a sum"] == [values.MAX_INTEGER, 2, 53]
    for text in (REFERENCE, (ROOT / "docs/write-an-adapter.md").read_text(), str(LedgerReads.latest.__doc__)):
        assert f"at most {MOST_READ:,}" in text
    assert numbers["time"] == [MINYEAR, MAXYEAR]
    assert numbers["Airtable"][0] == MAX_CELL
    with closing(sqlite3.connect(":memory:")) as connection:
        assert numbers["SQLite"] == [connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH)]


@pytest.mark.parametrize(
    ("store", "longest"),
    [
        (lambda text: RunKey(text, "c"), key.MAX_NAME),
        (lambda text: RunKey("r", text), key.MAX_NAME),
        (lambda text: RunChange(metrics={text: 1}), key.MAX_NAME),
        (lambda text: RunChange(add={text: 1}), key.MAX_NAME),
        (lambda text: RunChange(note=text), values.MAX_NOTE),
        (lambda text: RunChange(metrics={"m": text}), values.MAX_TEXT),
        (lambda text: RunChange(error=text), values.MAX_TEXT),
    ],
)
def test_text_of_the_limit_is_taken_and_longer_text_rejected(store: Callable[[str], object], longest: int) -> None:
    store("x" * longest)
    with pytest.raises(InvalidValue):
        store("x" * (longest + 1))


def test_the_json_is_a_record_that_reads_back() -> None:
    [(_, text)] = blocks("docs/reference.md", "json")
    form = json.loads(text)
    run = runledger.NewRun.from_json(form)
    assert run.to_json() == form
    assert list(run.to_json()) == list(form)
    assert run.record.metrics["Newest"] == datetime(2025, 11, 23, 21, tzinfo=UTC)


def test_events_have_the_values_and_levels_of_the_table(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "runledger")
    for kind in EventKind:
        runledger.log_event(RunEvent(kind=kind, key=None, at=AT))
    logged = {kind.name: [kind.value, record.levelname] for kind, record in zip(EventKind, caplog.records, strict=True)}
    shown = {kind: rest.split(" | ")[:2] for kind, rest in rows("Events").items() if kind.isupper()}
    assert shown == logged


def test_every_error_is_in_the_table() -> None:
    public = [getattr(runledger, name) for name in runledger.__all__]
    errors = {each.__name__ for each in public if inspect.isclass(each) and issubclass(each, RunLedgerError)}
    assert {name.strip("`") for name in rows("Errors") if name.startswith("`")} == errors - {"RunLedgerError"}
