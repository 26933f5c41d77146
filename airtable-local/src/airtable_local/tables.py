"""Tables, their columns and rows: frozen values, so that a copy of a whole service is cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen

from .messages import ApiError

NewId = Callable[[str], str]
"""Makes an id from its prefix, such as "rec": 17 characters in all."""

Cell = str | float | bool | datetime | tuple[str, ...]
"""The stored value of a cell; the names of several choices are a tuple."""

TEXTS = frozenset({"singleLineText", "multilineText", "richText", "email", "url", "phoneNumber"})
NUMBERS = frozenset({"number", "currency", "percent", "duration", "rating"})
SELECTS = frozenset({"singleSelect", "multipleSelects"})
COMPUTED = frozenset(
    {
        *("autoNumber", "createdTime", "lastModifiedTime", "createdBy", "lastModifiedBy"),
        *("formula", "rollup", "count", "multipleLookupValues"),
    }
)
_DATE_FORMAT = {"name": "iso", "format": "YYYY-MM-DD"}
_TIME_OPTIONS = {
    "timeZone": "utc",
    "dateFormat": _DATE_FORMAT,
    "timeFormat": {"name": "24hour", "format": "HH:mm"},
}
_TIME_RESULT = {"isValid": True, "referencedFieldIds": [], "result": {"type": "dateTime", "options": _TIME_OPTIONS}}
_DEFAULT_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "number": {"precision": 0},
    "currency": {"precision": 2, "symbol": "$"},
    "percent": {"precision": 0},
    "duration": {"durationFormat": "h:mm:ss"},
    "rating": {"icon": "star", "max": 5, "color": "yellowBright"},
    "checkbox": {"icon": "check", "color": "greenBright"},
    "singleSelect": {"choices": []},
    "multipleSelects": {"choices": []},
    "date": {"dateFormat": _DATE_FORMAT},
    "dateTime": _TIME_OPTIONS,
    "createdTime": {"result": _TIME_RESULT["result"]},
    "lastModifiedTime": _TIME_RESULT,
    "formula": {"formula": "BLANK()", "isValid": True, "referencedFieldIds": [], "result": {"type": "singleLineText"}},
}


@frozen
class Column:
    """A field of a table. `type` and `options` are those of Airtable's field model; options default to usual ones.

    A column of a type that this server does not support, such as a formula or attachments, stays empty and rejects
    values. The service sets the id.
    """

    name: str
    type: str = "singleLineText"
    options: Mapping[str, Any] = field()
    id: str = ""

    @options.default
    def _usual_options(self) -> Mapping[str, Any]:
        return _DEFAULT_OPTIONS.get(self.type, {})

    @property
    def choices(self) -> list[str]:
        """The names of a select's choices, in order."""
        return [choice["name"] for choice in self.options["choices"]]

    def identified(self, new_id: NewId) -> Column:
        """This column with an id, and with an id for each choice that has none."""
        options = dict(self.options)
        if "choices" in options:
            options["choices"] = [{"id": new_id("sel"), **choice} for choice in options["choices"]]
        return evolve(self, id=self.id or new_id("fld"), options=options)

    def schema(self) -> dict[str, Any]:
        described = {"id": self.id, "name": self.name, "type": self.type}
        return {**described, "options": dict(self.options)} if self.options else described


@frozen(cache_hash=True)
class Row:
    """One record. `cells` holds what is not empty, by column id."""

    id: str
    created: datetime
    modified: datetime
    number: int
    cells: Mapping[str, Cell] = field(factory=dict, eq=lambda cells: frozenset(cells.items()))


@frozen
class Table:
    """A table: its definition, which a user gives, and its rows by id, which the service keeps."""

    name: str
    columns: tuple[Column, ...]
    id: str = ""
    rows: Mapping[str, Row] = field(factory=dict)
    next_number: int = 1

    def column(self, name_or_id: object) -> Column:
        """The column of that name or id. Names are matched exactly. Raises ApiError."""
        for column in self.columns:
            if name_or_id in (column.name, column.id):
                return column
        raise ApiError(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{name_or_id}"')

    def identified(self, new_id: NewId) -> Table:
        """This table with ids for itself and its columns."""
        columns = tuple(column.identified(new_id) for column in self.columns)
        return evolve(self, id=self.id or new_id("tbl"), columns=columns)

    def with_column(self, column: Column) -> Table:
        """This table with a column added, or with the one of the same id replaced."""
        if all(column.id != old.id for old in self.columns):
            return evolve(self, columns=(*self.columns, column))
        return evolve(self, columns=tuple(column if column.id == old.id else old for old in self.columns))

    @property
    def view(self) -> dict[str, str]:
        """The one view that each table has: all records, in the order of their creation."""
        return {"id": "viw" + self.id[3:], "name": "Grid view", "type": "grid"}

    def schema(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "primaryFieldId": self.columns[0].id,
            "fields": [column.schema() for column in self.columns],
            "views": [self.view],
        }


@frozen
class Base:
    """A base and its tables by id."""

    id: str
    name: str
    tables: Mapping[str, Table] = field(factory=dict)

    def table(self, name_or_id: str) -> Table | None:
        for table in self.tables.values():
            if name_or_id in (table.id, table.name):
                return table
        return None

    def with_table(self, table: Table) -> Base:
        return evolve(self, tables={**self.tables, table.id: table})


def declared_column(body: object) -> Column:
    """The column that a request to the metadata API asks for. Raises ApiError."""
    name, kind, options = _parts_of_field(body)
    if kind in COMPUTED:
        message = f"Creating {kind} fields is not supported at this time"
        raise ApiError(422, "UNSUPPORTED_FIELD_TYPE_FOR_CREATE", message)
    if kind not in TEXTS and kind not in _DEFAULT_OPTIONS:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Invalid field type or options for field {name}")
    if missing := _DEFAULT_OPTIONS.get(kind, {}).keys() - options.keys():
        message = f"Invalid options for {name}: {', '.join(sorted(missing))} missing"
        raise ApiError(422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", message)
    return Column(name, kind, options)


def declared_table(body: Mapping[str, Any]) -> Table:
    """The table that a request to the metadata API asks for. Raises ApiError."""
    table = described_table(body)
    return Table(table.name, tuple(declared_column(each) for each in body["fields"]))


def described_table(body: object) -> Table:
    """The table that an answer of the metadata API describes, with its ids. Raises ApiError.

    Types that this server does not support are accepted too: their columns stay empty.
    """
    name, fields = (body.get("name"), body.get("fields")) if isinstance(body, dict) else (None, None)
    if not isinstance(name, str) or not name or not isinstance(fields, list) or not fields:
        raise ApiError(422, "INVALID_REQUEST_MISSING_FIELDS", "A table needs a name and at least one field")
    columns = []
    for each in fields:
        field_name, kind, options = _parts_of_field(each)
        options = {**_DEFAULT_OPTIONS.get(kind, {}), **options}
        columns.append(Column(field_name, kind, options, str(each.get("id", ""))))
    require_distinct(columns)
    return Table(name, tuple(columns), str(body.get("id", "")) if isinstance(body, dict) else "")


def _parts_of_field(body: object) -> tuple[str, str, Mapping[str, Any]]:
    """The name, type and options of a field's description. Raises ApiError."""
    if not isinstance(body, dict) or not isinstance(body.get("name"), str) or not body["name"]:
        raise ApiError(422, "DUPLICATE_OR_EMPTY_FIELD_NAME", "Field names must not be empty")
    name, kind, options = body["name"], body.get("type"), body.get("options") or {}
    if not isinstance(kind, str) or not isinstance(options, dict):
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Invalid field type or options for field {name}")
    if problem := _problem_of(options):
        raise ApiError(422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", f"Invalid options for {name}: {problem}")
    return name, kind, options


def _problem_of(options: Mapping[str, Any]) -> str | None:
    choices, precision = options.get("choices", []), options.get("precision", 0)
    if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
        return "choices must be a list of objects"
    names = [each.get("name") for each in choices]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        return "choices need distinct names"
    if type(precision) is not int or not 0 <= precision <= 8:
        return "precision must be a whole number from 0 to 8"
    return None


def require_distinct(columns: Iterable[Column]) -> None:
    """Field names must differ by more than case. Raises ApiError."""
    names = [column.name.casefold() for column in columns]
    if len(set(names)) < len(names):
        raise ApiError(422, "DUPLICATE_OR_EMPTY_FIELD_NAME", "Field names must be unique, regardless of case")
