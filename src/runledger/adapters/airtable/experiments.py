"""The assumptions that the Airtable adapter makes about Airtable, each as an experiment on a scratch table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from attrs import frozen
from pyairtable.formulas import AND, OR, Field, Formula

from ...domain import Finding, StoreUnusable
from ...domain.visible import counted
from .scratch import AT_ONCE, Cells, Scratch
from .transport import Refused

LONGEST_LAG = 10.0
"""Seconds that lists may be late for the experiments to be of use."""


@frozen
class Experiment:
    """One assumption. `seen` tests it, and returns the observed behaviour if it does not hold, else "".

    `needs` are the types of the columns that it uses. `otherwise` is the advice if it does not hold. If it is
    `harmless`, the adapter works either way.
    """

    assumption: str
    seen: Callable[[Scratch], str]
    otherwise: str
    needs: tuple[str, ...] = ()
    harmless: bool = False

    def finding(self, scratch: Scratch) -> Finding:
        if scratch.lag > LONGEST_LAG:
            return Finding.note(f"not tested: {self.assumption}", "lists show too late what was written")
        missing = [kind for kind in self.needs if kind not in scratch.columns]
        if missing:
            return Finding.note(f"not tested: {self.assumption}", f"the scratch table has no {missing[0]} column")
        try:
            seen = self.seen(scratch)
        except (Refused, StoreUnusable) as error:
            seen = str(error)
        if not seen:
            return Finding.ok(self.assumption)
        what = f"does not hold: {self.assumption} ({seen})"
        return (Finding.note if self.harmless else Finding.fix)(what, self.otherwise)


# -- time and order


def _clock(scratch: Scratch) -> str:
    last = datetime.min.replace(tzinfo=UTC)
    for _ in range(3):
        scratch.rows()
        before = scratch.clock.now()
        (row,) = scratch.make({})
        created, after = _time(row["createdTime"]), scratch.clock.now()
        if not before - timedelta(seconds=1) <= created <= after + timedelta(seconds=1):
            return f"created {row['createdTime']}, by the header between {before:%H:%M:%S} and {after:%H:%M:%S}"
        if created < last:
            return f"created {row['createdTime']}, after a row of {last:%H:%M:%S}"
        last = created
    return ""


def _whole_seconds(scratch: Scratch) -> str:
    for _ in range(3):
        (row,) = scratch.make({})
        if _time(row["createdTime"]).microsecond:
            return str(row["createdTime"])
        scratch.sleep(0.37)
    return ""


def _autonumber(scratch: Scratch) -> str:
    name = scratch.column("autoNumber")
    rows = scratch.make(*[{}] * AT_ONCE) + scratch.make({}) + scratch.make({})
    ids = [row["id"] for row in rows]
    listed = {row["id"]: row["fields"].get(name, 0) for row in scratch.rows()}
    numbers = [listed.get(row_id, 0) for row_id in ids]
    return "" if all(one < other for one, other in pairwise(numbers)) else str(numbers)


def _sorting(scratch: Scratch) -> str:
    name = scratch.column("dateTime")
    times = [f"2025-11-24T08:15:00.{ms:03}Z" for ms in (500, 7, 999, 123, 0)]
    scratch.make(*({name: at} for at in times))
    listed = [row["fields"].get(name) for row in scratch.rows(sort=[f"-{name}"])]
    return "" if listed == sorted(times, reverse=True) else ", ".join(map(str, listed))


def _time_window(scratch: Scratch) -> str:
    name = scratch.column("dateTime")
    at = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
    minute = timedelta(minutes=1)
    scratch.make({name: "2025-11-24T08:15:00.000Z"}, {name: "2025-11-24T08:20:00.000Z"})
    near = scratch.rows(AND(Field(name).gte(at - minute), Field(name).lte(at + minute)))
    return (
        "" if [row["fields"].get(name) for row in near] == ["2025-11-24T08:15:00.000Z"] else counted(len(near), "row")
    )


# -- reading what was written


def _listing_is_current(scratch: Scratch) -> str:
    for number in range(3):
        (row,) = scratch.make({scratch.text: f"new {number}"})
        if not any(found["id"] == row["id"] for found in scratch.rows()):
            return f"a created row is missing{_measured(scratch, row['id'])}"
        scratch.patch((row["id"], {scratch.text: f"changed {number}"}))
        if [found["id"] for found in scratch.rows(Field(scratch.text).eq(f"changed {number}"))] != [row["id"]]:
            return "a changed cell is not found"
        scratch.delete(row["id"])
        if any(found["id"] == row["id"] for found in scratch.rows()):
            return "a deleted row is listed"
    return ""


def _measured(scratch: Scratch, row_id: str) -> str:
    """How late lists show a row that was just created: the further experiments wait as long before they list."""
    waited = 0.0
    for wait in (0.5, 1.0, 1.5, 2.0, 2.0, 3.0):
        scratch.sleep(wait)
        waited += wait
        if any(found["id"] == row_id for found in scratch.rows()):
            scratch.lag = waited
            return f" for {waited:g} s"
    scratch.lag = 2 * LONGEST_LAG
    return f" for more than {waited:g} s"


def _paging(scratch: Scratch) -> str:
    made = {row["id"] for row in scratch.make(*[{}] * AT_ONCE)}
    listed = [row["id"] for row in scratch.rows(page_size=3)]
    return "" if len(listed) == len(made) and set(listed) == made else f"{len(listed)} of {counted(len(made), 'row')}"


def _long_formula(scratch: Scratch) -> str:
    (row,) = scratch.make({scratch.text: "x" * 255})
    scratch.make({})
    keys = ["x" * 255, *(f"{number}".rjust(255, "y") for number in range(99))]
    listed = [found["id"] for found in scratch.rows(OR([Field(scratch.text).eq(key) for key in keys]))]
    return "" if listed == [row["id"]] else counted(len(listed), "row")


# -- refusals


def _missing_record(scratch: Scratch) -> str:
    (row,) = scratch.make({})
    scratch.delete(row["id"])
    refusal = scratch.refusal(lambda: scratch.patch((row["id"], {scratch.text: "again"})))
    if refusal != "422 ROW_DOES_NOT_EXIST":
        return refusal or "accepted"
    return "a row was created" if scratch.rows() else ""


def _missing_in_batch(scratch: Scratch) -> str:
    kept, gone = (row["id"] for row in scratch.make({scratch.text: "as it was"}, {}))
    scratch.delete(gone)
    cells = {scratch.text: "changed"}
    refusal = scratch.refusal(lambda: scratch.patch((kept, cells), (gone, cells)))
    return "" if refusal and _texts(scratch) == ["as it was"] else refusal or "accepted"


def _missing_delete(scratch: Scratch) -> str:
    (row,) = scratch.make({})
    scratch.delete(row["id"])
    refusal = scratch.refusal(lambda: scratch.delete(row["id"]))
    return "" if refusal.endswith(("ROW_DOES_NOT_EXIST", "MODEL_ID_NOT_FOUND")) else refusal or "accepted"


def _unknown_column(scratch: Scratch) -> str:
    unknown = {scratch.text: "half", "No such column, says runledger": 1}
    return _refused_as_a_whole(scratch, unknown, "422 UNKNOWN_FIELD_NAME")


def _unknown_choice(scratch: Scratch) -> str:
    cells = {scratch.text: "half", scratch.column("singleSelect"): "No such choice"}
    return _refused_as_a_whole(scratch, cells, "422 INVALID_MULTIPLE_CHOICE_OPTIONS")


def _refused_as_a_whole(scratch: Scratch, cells: Cells, expected: str) -> str:
    (row,) = scratch.make({scratch.text: "as it was"})
    for write in (lambda: scratch.make({}, cells), lambda: scratch.patch((row["id"], cells))):
        refusal = scratch.refusal(write)
        if refusal != expected:
            return refusal or "accepted"
    return "" if (left := _texts(scratch)) == ["as it was"] else f"left {left}"


# -- values


_IDS = (
    *("acme", "251124-081500", "007", "7.0", "TRUE", "O'Brien", 'the "best"', "back\\slash", "ends in \\", "a\\nb"),
    *("{Run ID}", "a  b", "x' OR TRUE() OR 'x", "100%_*?", "caf\u00e9", "cafe\u0301", "\u05e9\u05dc\u05d5\u05dd"),
    *("\U0001f469\u200d\U0001f467", "x" * 255),
)


def _ids_are_found(scratch: Scratch) -> str:
    scratch.make(*({scratch.text: text} for text in _IDS))
    lost = [text for text in _IDS if text not in _texts(scratch, Field(scratch.text).eq(text))]
    return ", ".join(ascii(text[:30]) for text in lost)


def _equality_is_exact(scratch: Scratch) -> str:
    for pair in (("acme", "ACME"), ("caf\u00e9", "cafe\u0301"), ("7", "7.0"), ("a b", "a  b")):
        scratch.make(*({scratch.text: text} for text in pair))
        if len(_texts(scratch, Field(scratch.text).eq(pair[0]))) != 1:
            return f"{pair[0]!a} finds {pair[1]!a}"
    return ""


def _milliseconds(scratch: Scratch) -> str:
    return _not_kept(scratch, "dateTime", "2025-11-24T08:15:00.123Z")


def _numbers(scratch: Scratch) -> str:
    return _not_kept(scratch, "number", 0, -1, 0.1, -1.5, 1e-8, 1e300, 2**53, -(2**53))


def _long_text(scratch: Scratch) -> str:
    return _not_kept(scratch, "multilineText", "x" * 100_000, "one\ntwo\n\nfour")


def _ends_of_text(scratch: Scratch) -> str:
    return _not_kept(scratch, "multilineText", " blank", "blank ", "\nline", "line\n", "a\r\nb", "tab\t")


def _not_kept(scratch: Scratch, kind: str, *values: Any) -> str:
    """The values that a column refuses or returns changed."""
    name = scratch.column(kind)
    lost = []
    for value in values:
        try:
            (row,) = scratch.make({name: value})
        except Refused as error:
            lost.append(f"{value!r:.40} is refused, {error.refusal.kind}")
            continue
        if (there := row["fields"].get(name)) != value:
            lost.append(f"{value!r:.40} comes back as {there!r:.40}")
    return "; ".join(lost)


def _empty_values(scratch: Scratch) -> str:
    (row,) = scratch.make({scratch.text: "", **dict.fromkeys(scratch.columns.get("checkbox", ()), False)})
    there = {name: value for name, value in row["fields"].items() if value == "" or value is False}
    return str(there) if there else ""


def _texts(scratch: Scratch, formula: Formula | None = None) -> list[str]:
    return [row["fields"].get(scratch.text, "") for row in scratch.rows(formula)]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


_REPORT = "do not keep runs in this base, and report this to runledger's maintainers"
_NUMBER = "give the ledger's table an autonumber column, and name it in the store URL"

EXPERIMENTS = (
    Experiment(
        "a listing immediately shows rows created, changed and deleted",
        _listing_is_current,
        "let only one process start runs in this base; if two start the same run, both could succeed",
    ),
    Experiment("createdTime follows the clock of the Date header and never goes back", _clock, _NUMBER),
    Experiment("createdTime is in whole seconds", _whole_seconds, "starts wait longer than necessary", (), True),
    Experiment(
        "an autonumber increases with each new row", _autonumber, "leave number= out of the URL", ("autoNumber",)
    ),
    Experiment(
        "a listing sorts by time, to the millisecond", _sorting, "`runledger list` shows a wrong order", ("dateTime",)
    ),
    Experiment("a formula compares times", _time_window, "do not select runs by time", ("dateTime",)),
    Experiment("pages return each row exactly once", _paging, _REPORT),
    Experiment("a formula too long for a URL works in a POST", _long_formula, "start fewer runs in one call"),
    Experiment(
        "a PATCH of a missing record is refused as ROW_DOES_NOT_EXIST and creates nothing", _missing_record, _REPORT
    ),
    Experiment("a PATCH of several records changes none if one is missing", _missing_in_batch, _REPORT),
    Experiment(
        "a DELETE of a missing record is refused as not found", _missing_delete, "a start may raise an error", (), True
    ),
    Experiment("a request with an unknown column is refused, and nothing of it is stored", _unknown_column, _REPORT),
    Experiment(
        "a request with an unknown choice is refused, and nothing of it is stored",
        _unknown_choice,
        _REPORT,
        ("singleSelect",),
    ),
    Experiment("a formula finds each id exactly as it was stored", _ids_are_found, "do not use such characters in ids"),
    Experiment(
        "`=` in a formula compares texts exactly",
        _equality_is_exact,
        "the ledger compares texts itself, and fetches more rows",
        (),
        True,
    ),
    Experiment("a time keeps its milliseconds", _milliseconds, "times lose their milliseconds", ("dateTime",)),
    Experiment(
        "a number keeps its value",
        _numbers,
        "the ledger reports each loss; give number columns more decimals",
        ("number",),
        True,
    ),
    Experiment(
        "long text keeps 100,000 characters and its lines", _long_text, "long logs lose text", ("multilineText",)
    ),
    Experiment(
        "long text keeps spaces and line breaks unchanged",
        _ends_of_text,
        "errors and text metrics may lose them",
        ("multilineText",),
        True,
    ),
    Experiment("empty text and False read as not set", _empty_values, "the ledger handles both", (), True),
)
"""In the order in which they run: first whether lists are current, by which the others measure."""
