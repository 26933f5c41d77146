"""Experiments on a scratch table: what the Airtable adapter takes for granted about Airtable, put to the test.

They make rows by requests of their own, and so are no part of the adapter, of which one function alone can create.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from attrs import define, field, frozen
from pyairtable import Table
from pyairtable.api.types import RecordDict, UpdateRecordDict
from pyairtable.formulas import AND, OR, Field, Formula
from requests.adapters import BaseAdapter, HTTPAdapter

from ...domain import Finding, StoreUnusable
from . import AirtableAddress, RateLimit, token_from_environment, turns_of
from .schema import find_table, tables_of
from .transport import Paced, Refused, ServerClock, api_over, sent

T = TypeVar("T")
Cells = Mapping[str, Any]

MARK = "runledger probe "
"""How the first text cell of every row of the probe begins."""
_AT_ONCE = 10


@define
class Scratch:
    """A table for experiments, and the rows that were made in it. `columns` are names by type, in the table's order."""

    table: Table
    clock: ServerClock
    columns: Mapping[str, list[str]]
    sleep: Callable[[float], None]
    mark: str = MARK
    made: list[str] = field(factory=list)

    @property
    def marked(self) -> str:
        """The column that tells the probe's rows from others."""
        return self.columns["singleLineText"][0]

    @property
    def text(self) -> str:
        return self.columns["singleLineText"][1]

    def column(self, kind: str) -> str:
        return self.columns[kind][0]

    def make(self, *rows: Cells) -> list[RecordDict]:
        """Make rows that carry this experiment's mark, up to ten by one request."""
        body: list[dict[str, Any]] = [{self.marked: self.mark, **cells} for cells in rows]
        made = [row for batch in _tens(body) for row in self._post(batch)]
        self.made += [row["id"] for row in made]
        return made

    def _post(self, batch: Sequence[dict[str, Any]]) -> list[RecordDict]:
        return sent(lambda: self.table.batch_create(batch), writes=True)

    def patch(self, *rows: tuple[str, Cells]) -> list[RecordDict]:
        body: list[UpdateRecordDict] = [{"id": row_id, "fields": dict(cells)} for row_id, cells in rows]
        return sent(lambda: self.table.batch_update(body), writes=True)

    def delete(self, *ids: str) -> None:
        sent(lambda: self.table.batch_delete(ids), writes=True)
        self.made = [row_id for row_id in self.made if row_id not in ids]

    def rows(self, formula: Formula | None = None, **options: Any) -> list[RecordDict]:
        """The rows of this experiment, that a formula selects."""
        mine: Formula = Field(self.marked).eq(self.mark)
        chosen = mine if formula is None else AND(mine, formula)
        return sent(lambda: self.table.all(formula=chosen, **options), writes=False)

    def refusal(self, act: Callable[[], object]) -> str:
        """How the server refuses an act: its status and error type; empty if it does not."""
        try:
            act()
        except Refused as error:
            return f"{error.refusal.status} {error.refusal.kind}".rstrip()
        return ""

    def remains(self) -> Iterator[RecordDict]:
        """All rows of the table, page by page, each with its marking cell alone."""
        pages = self.table.iterate(fields=[self.marked])
        while (page := sent(lambda: next(pages, None), writes=False)) is not None:
            yield from page

    def require_own(self) -> None:
        """Raises StoreUnusable if there is a row that no probe made."""
        for row in self.remains():
            if not str(row["fields"].get(self.marked, "")).startswith(MARK):
                raise StoreUnusable(
                    f"the scratch table has a row that the probe did not make ({row['id']}): name an empty table."
                )

    def clear(self) -> None:
        """Remove every row that a probe made, an earlier one that was killed included."""
        there = [row["id"] for row in self.remains() if str(row["fields"].get(self.marked, "")).startswith(MARK)]
        ids = list(dict.fromkeys([*self.made, *there]))
        for batch in _tens(ids):
            if self.refusal(partial(self.delete, *batch)):
                for row_id in batch:  # one of them is gone already, and a batch is refused as a whole
                    self.refusal(partial(self.delete, row_id))


def _tens(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[first : first + _AT_ONCE] for first in range(0, len(items), _AT_ONCE))


@contextmanager
def scratch_table(
    url: str,
    name_or_id: str,
    *,
    transport: BaseAdapter | None = None,
    limit: RateLimit | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Iterator[Scratch]:
    """A table of the base that a store URL names, without the probe's rows before and after.

    Raises StoreUnusable if it is the ledger's own, holds rows that are not the probe's, or cannot be looked at.
    """
    at = AirtableAddress.of(url)
    clock = ServerClock()
    paced = Paced(transport or HTTPAdapter(), limit or turns_of(at).limit, clock)
    api = api_over(paced, token_from_environment(), at.endpoint)
    try:
        tables = tables_of(api, at.base_id)
        found, ledger = find_table(tables, name_or_id), find_table(tables, at.table)
        if found is None:
            raise StoreUnusable(
                f"the base has no table {name_or_id!r}: make one with `runledger init`, in which you keep no runs."
            )
        if ledger is not None and found["id"] == ledger["id"]:
            raise StoreUnusable(f"{name_or_id!r} is the ledger's own table: name another, in which you keep no runs.")
        columns: dict[str, list[str]] = {}
        for each in found["fields"]:
            columns.setdefault(each["type"], []).append(each["name"])
        if len(columns.get("singleLineText", ())) < 2:
            raise StoreUnusable(f"the table {name_or_id!r} needs two columns of single line text: add them.")
        scratch = Scratch(api.table(at.base_id, found["id"]), clock, columns, sleep or turns_of(at).sleep)
        scratch.require_own()
    except Refused as error:
        raise StoreUnusable(
            f"the scratch table cannot be looked at ({error}): give the token the scopes schema.bases:read, "
            "data.records:read and data.records:write."
        ) from None
    try:
        scratch.clear()
        yield scratch
    finally:
        scratch.clear()


@frozen
class Experiment:
    """One assumption. `seen` tries it and says what was seen instead, nothing if it holds.

    `needs` are the types of the columns that it takes. `otherwise` is what it means to a user if it does not hold;
    where that is `harmless`, the adapter bears either answer.
    """

    assumption: str
    seen: Callable[[Scratch], str]
    otherwise: str
    needs: tuple[str, ...] = ()
    harmless: bool = False

    def finding(self, scratch: Scratch) -> Finding:
        missing = [kind for kind in self.needs if kind not in scratch.columns]
        if missing:
            return Finding.note(f"not tried: {self.assumption}", f"the scratch table has no {missing[0]} column")
        try:
            seen = self.seen(scratch)
        except (Refused, StoreUnusable) as error:
            seen = str(error)
        if not seen:
            return Finding.ok(self.assumption)
        what = f"does not hold: {self.assumption} ({seen})"
        return (Finding.note if self.harmless else Finding.fix)(what, self.otherwise)


def probe(url: str, name_or_id: str) -> Generator[Finding]:
    """Run every experiment on a scratch table of the base that a store URL names; close it to clean up early."""
    try:
        with scratch_table(url, name_or_id) as scratch:
            yield from experiments_on(scratch)
    except Refused as error:
        raise StoreUnusable(
            f"the scratch table cannot be used any more ({error}): the next probe removes the rows that are left."
        ) from None
    yield Finding.ok("the scratch table is empty again")


def experiments_on(scratch: Scratch) -> Iterator[Finding]:
    """What each experiment finds."""
    for number, experiment in enumerate(EXPERIMENTS, 1):
        scratch.mark = f"{MARK}{number}"
        yield experiment.finding(scratch)


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
    rows = scratch.make(*[{}] * _AT_ONCE) + scratch.make({}) + scratch.make({})
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
    return "" if [row["fields"].get(name) for row in near] == ["2025-11-24T08:15:00.000Z"] else f"{len(near)} rows"


# -- reading what was written


def _listing_is_current(scratch: Scratch) -> str:
    for number in range(3):
        (row,) = scratch.make({scratch.text: f"new {number}"})
        if not any(found["id"] == row["id"] for found in scratch.rows()):
            return "a row that was made"
        scratch.patch((row["id"], {scratch.text: f"changed {number}"}))
        if [found["id"] for found in scratch.rows(Field(scratch.text).eq(f"changed {number}"))] != [row["id"]]:
            return "a cell that was changed"
        scratch.delete(row["id"])
        if any(found["id"] == row["id"] for found in scratch.rows()):
            return "a row that was removed"
    return ""


def _paging(scratch: Scratch) -> str:
    made = {row["id"] for row in scratch.make(*[{}] * _AT_ONCE)}
    listed = [row["id"] for row in scratch.rows(page_size=3)]
    return "" if len(listed) == len(made) and set(listed) == made else f"{len(listed)} of {len(made)} rows"


def _long_formula(scratch: Scratch) -> str:
    (row,) = scratch.make({scratch.text: "x" * 255})
    scratch.make({})
    keys = ["x" * 255, *(f"{number}".rjust(255, "y") for number in range(99))]
    listed = [found["id"] for found in scratch.rows(OR([Field(scratch.text).eq(key) for key in keys]))]
    return "" if listed == [row["id"]] else f"{len(listed)} rows"


# -- refusals


def _missing_record(scratch: Scratch) -> str:
    (row,) = scratch.make({})
    scratch.delete(row["id"])
    refusal = scratch.refusal(lambda: scratch.patch((row["id"], {scratch.text: "again"})))
    if refusal != "422 ROW_DOES_NOT_EXIST":
        return refusal or "accepted"
    return "a row was made" if scratch.rows() else ""


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
    for act in (lambda: scratch.make({}, cells), lambda: scratch.patch((row["id"], cells))):
        refusal = scratch.refusal(act)
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
    """Which values a column refuses, or gives back otherwise."""
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


_REPORT = "do not keep runs there, and report it to runledger's maintainers"
_NUMBER = "give the ledger's table an autonumber column, and name it in the store URL"

EXPERIMENTS = (
    Experiment("createdTime follows the clock of the Date header, and never runs back", _clock, _NUMBER),
    Experiment(
        "createdTime is in whole seconds", _whole_seconds, "the ledger then waits longer than it must", (), True
    ),
    Experiment("an autonumber grows with each creation", _autonumber, "leave number= out of the URL", ("autoNumber",)),
    Experiment("a listing sorts by time, to the millisecond", _sorting, "`list` gets the order wrong", ("dateTime",)),
    Experiment("a formula compares times", _time_window, "do not ask for runs by time", ("dateTime",)),
    Experiment(
        "a listing shows at once what was made, changed and removed",
        _listing_is_current,
        "let one process alone start runs in this base; two that start one run could both be told that they made it",
    ),
    Experiment("pages give each row once", _paging, _REPORT),
    Experiment("a formula too long for a URL is answered all the same", _long_formula, "start fewer runs at once"),
    Experiment("a PATCH of a missing record is refused as such, and makes nothing", _missing_record, _REPORT),
    Experiment("a PATCH of several, one of them missing, changes none", _missing_in_batch, _REPORT),
    Experiment(
        "a DELETE of a missing record is refused as such", _missing_delete, "a start may then fail loudly", (), True
    ),
    Experiment("an unknown column is refused, and nothing of the request is kept", _unknown_column, _REPORT),
    Experiment(
        "an unknown choice is refused, and nothing of the request is kept", _unknown_choice, _REPORT, ("singleSelect",)
    ),
    Experiment("a formula finds each id again as it was stored", _ids_are_found, "do not use such characters in ids"),
    Experiment(
        "`=` tells texts apart exactly", _equality_is_exact, "the ledger compares again, and asks for more", (), True
    ),
    Experiment("a time keeps its milliseconds", _milliseconds, "times there are coarser", ("dateTime",)),
    Experiment(
        "a number keeps its value",
        _numbers,
        "the ledger reports a loss; give number columns more decimals",
        ("number",),
        True,
    ),
    Experiment("long text keeps 100,000 characters and its lines", _long_text, "logs get lost", ("multilineText",)),
    Experiment(
        "long text keeps blanks and line ends as they are",
        _ends_of_text,
        "errors and text metrics may lose them",
        ("multilineText",),
        True,
    ),
    Experiment("an empty value is as none", _empty_values, "the ledger bears both", (), True),
)
"""In the order in which they are run."""
