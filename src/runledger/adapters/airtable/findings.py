"""How the columns of a table, as the metadata API describes them, fit the mapping, and what the ledger loses by it.

Field types: https://airtable.com/developers/web/api/field-model
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from attrs import evolve

from ...domain import Finding, RunStatus
from .columns import OPTIONAL, Columns
from .refusals import column_command

TYPE_OF = {
    "run_id": "singleLineText",
    "client_id": "singleLineText",
    "client_name": "singleLineText",
    "status": "singleSelect",
    "started_at": "dateTime",
    "ended_at": "dateTime",
    "updated_at": "dateTime",
    "log": "multilineText",
    "error": "multilineText",
    "number": "autoNumber",
    "start_mark": "singleLineText",
}
"""The type of each part's column."""
_NAMES = {
    "singleLineText": "single line text",
    "multilineText": "long text, without rich text formatting",
    "richText": "long text with rich text formatting",
    "singleSelect": "single select",
    "dateTime": "date with the time included",
    "date": "date without a time",
    "autoNumber": "autonumber",
}
"""What Airtable's user interface calls a type."""
_TAKES = {
    **dict.fromkeys(("number", "currency", "percent", "duration", "rating"), "a number"),
    **dict.fromkeys(("singleLineText", "multilineText", "email", "url", "phoneNumber"), "text"),
    "dateTime": "a time",
    "checkbox": "True, and False as not set,",
    "singleSelect": "one of its choices",
}
"""The metrics that a column of a type accepts."""
_COMPUTED = (
    *("autoNumber", "formula", "rollup", "count", "lookup", "multipleLookupValues", "externalSyncSource", "aiText"),
    *("createdTime", "lastModifiedTime", "createdBy", "lastModifiedBy", "button"),
)
_COSTS = {
    "client_name": "the client id is shown as the client's name",
    "started_at": "the start of a run is the creation of its row",
    "ended_at": "the end of a finished run is its last sign of life",
    "updated_at": "there are no heartbeats, and `runledger stale` cannot tell which runs are stale",
    "log": "notes are rejected",
    "error": "errors are rejected, so that no run can fail with its reason",
}
"""What is lost without the column of an optional part."""
_NEEDED = (RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED)
"""The statuses that every ledger needs."""


def column_findings(columns: Columns, fields: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Findings about how a table's fields, as the metadata API describes them, fit the mapping."""
    by_name = {field["name"]: field for field in fields}
    for part, name in columns.of_parts.items():
        yield _part_finding(part, name, by_name, is_optional=part in columns.optional)
    yield from mapping_findings(columns)
    status = by_name.get(columns.status)
    if status is not None and status["type"] == "singleSelect":
        yield from _choice_findings(columns, status)
    if columns.number is None:
        yield _number_finding(fields)
    if columns.start_mark is None:
        yield _mark_finding(by_name)
    for name, column in columns.metrics.items():
        if column not in by_name:
            advice = f"add it with {column_command(name)}, or correct the mapping"
            yield Finding.fix(f"there is no column {column!r} for the metric {name!r}", advice)
    for field in fields:
        if field["name"] not in columns.of_parts.values():
            yield _metric_finding(field)


def mapping_findings(columns: Columns) -> Iterator[Finding]:
    """Findings about what the mapping leaves out or keeps as something else."""
    yield from (left_out(part) for part in OPTIONAL if getattr(columns, part) is None)
    for status in RunStatus:
        label = columns.label(status)
        if label is None:
            advice = f"a run that would end so is rejected; map it with status.{quote(status.value)}=CHOICE"
            yield Finding.note(f"the status {status.value} is left out", advice)
        elif (read := columns.status_of(label)) is not status:
            what = f"the status {status.value} shares the choice {label!r}"
            yield Finding.note(what, f"a run that ends so is read as {read.value}")


def type_name(kind: str) -> str:
    """What Airtable's user interface calls a type."""
    return _NAMES.get(kind, kind)


def accepted(kind: str) -> str:
    """Which metrics a column of a type accepts."""
    return _TAKES.get(kind, "no metric")


def left_out(part: str) -> Finding:
    """What it costs that a table has no column for an optional part."""
    what = f"without a column for {part} ({OPTIONAL[part]!r}), {_COSTS[part]}"
    return Finding.note(what, f"add one ({_NAMES[TYPE_OF[part]]}) if you need it")


def _addable(part: str) -> Finding:
    """What it costs that a table lacks the usual column of an optional part, and the command that adds it."""
    return evolve(left_out(part), advice=_added(_NAMES[TYPE_OF[part]]))


def _part_finding(part: str, name: str, by_name: Mapping[str, Mapping[str, Any]], *, is_optional: bool) -> Finding:
    wanted = _NAMES[TYPE_OF[part]]
    if name not in by_name:
        return _addable(part) if is_optional and not _alike(name, by_name) else missing_finding(name, wanted, by_name)
    kind = by_name[name]["type"]
    if kind == TYPE_OF[part]:
        return Finding.ok(f"column {name!r} is {_NAMES[kind]}")
    what = f"column {name!r} is {_NAMES.get(kind, kind)}"
    if {kind, TYPE_OF[part]} == {"singleLineText", "multilineText"}:
        if kind == "multilineText":
            return Finding.note(what, f"this works; {wanted} prevents line breaks")
        return Finding.fix(what, f"make it {wanted}: the text has several lines")
    optional = part not in ("run_id", "client_id", "status")
    return Finding.fix(what, f"make it {wanted}" + (f", or leave it out with {part}= in the store URL" * optional))


def missing_finding(name: str, wanted: str, names: Iterable[str]) -> Finding:
    """That a column is missing, or is there by another name that a person takes for the same."""
    if like := _alike(name, names):
        return Finding.fix(f"there is no column {name!r}, but {like!r}", "names are compared exactly; rename it")
    added = f"add it by hand ({wanted}; the API cannot)" if wanted == _NAMES["autoNumber"] else _added(wanted)
    return Finding.fix(f"there is no column {name!r}", f"{added}, or map it in the store URL")


def _added(wanted: str) -> str:
    return f"`runledger init` adds it ({wanted})"


def _alike(name: str, names: Iterable[str]) -> str | None:
    """A column whose name differs only in case or in blanks at its ends."""
    return next((other for other in names if other.strip().casefold() == name.strip().casefold()), None)


def _choice_findings(columns: Columns, field: Mapping[str, Any]) -> Iterator[Finding]:
    choices = [choice["name"] for choice in field.get("options", {}).get("choices", [])]
    labels = [columns.label(status) for status in RunStatus]
    missing = [status for status in RunStatus if (label := columns.label(status)) and label not in choices]
    if missing:
        names = ", ".join(repr(columns.label(status)) for status in missing)
        advice = (
            "add choices with exactly these names by hand (the API cannot, so `runledger init` does not), or map the "
            "statuses in the store URL: "
            "status.Failed=Error for another choice, status.Skipped=Completed to share one, status.Skipped= to leave "
            "it out"
        )
        finding = Finding.fix if any(status in _NEEDED for status in missing) else Finding.note
        yield finding(f"column {columns.status!r} lacks the choices {names}", advice)
    else:
        yield Finding.ok(f"column {columns.status!r} has a choice for each status")
    if others := [choice for choice in choices if choice not in labels]:
        what = f"column {columns.status!r} has choices that no status is mapped to, {', '.join(map(repr, others))}"
        yield Finding.note(what, "a row with such a choice is not a valid run record")


def _number_finding(fields: Sequence[Mapping[str, Any]]) -> Finding:
    there = next((field["name"] for field in fields if field["type"] == "autoNumber"), None)
    if there is not None:
        return Finding.note(
            f"column {there!r} is autonumber",
            f"name it in the store URL, number={quote(there)}: starts then need not wait",
        )
    return Finding.note("there is no autonumber column, so each start waits about two seconds", NUMBER_BY_HAND)


def _mark_finding(names: Iterable[str]) -> Finding:
    there = next((name for name in names if name.strip().casefold() == "start mark"), None)
    if there is None:
        return NO_MARKS
    advice = f"name the column {there!r} in the store URL: start_mark={quote(there)}"
    return Finding.note(NO_MARKS.what, advice)


NO_MARKS = Finding.note(
    "without a column for marks, a retried start recognises its record by start time and client name",
    "add one (single line text), and name it in the store URL: start_mark=COLUMN",
)
NUMBER_BY_HAND = "add one by hand (the API cannot), and name it in the store URL: number=COLUMN"


def _metric_finding(field: Mapping[str, Any]) -> Finding:
    name, kind = field["name"], field["type"]
    what = f"column {name!r} ({_NAMES.get(kind, kind)})"
    if kind == "richText":
        return Finding.note(f"{what} may alter text", "turn off rich text formatting to store metrics in it")
    takes = _TAKES.get(kind)
    if takes is None:
        computed = kind in _COMPUTED
        use = (
            "is computed: it can be read as a metric, but not set"
            if computed
            else "cannot hold a metric, and is ignored"
        )
        return Finding.ok(f"{what} {use}")
    precision = field.get("options", {}).get("precision")
    decimals = "" if precision is None else f", with {precision} decimals; a loss of precision is reported"
    return Finding.ok(f"{what} accepts {takes} as a metric{decimals}")
