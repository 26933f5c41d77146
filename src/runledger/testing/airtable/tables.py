"""Tables, their columns and rows: frozen values, so that a copy of a whole service is cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen

from .messages import ApiError

NewId = Callable[[str], str]
"""Makes an id from its prefix, such as "rec": 17 characters in all."""

Cell = str | float | bool | datetime

TEXTS = frozenset({"singleLineText", "multilineText", "richText", "email", "url"})
COMPUTED = frozenset({"autoNumber", "createdTime", "lastModifiedTime", "formula"})
_DATE_FORMAT = {"name": "iso", "format": "YYYY-MM-DD"}
_TIME_OPTIONS = {
    "timeZone": "utc",
    "dateFormat": _DATE_FORMAT,
    "timeFormat": {"name": "24hour", "format": "HH:mm"},
}
_TIME_RESULT = {"isValid": True, "referencedFieldIds": [], "result": {"type": "dateTime", "options": _TIME_OPTIONS}}
_DEFAULT_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "number": {"precision": 0},
    "checkbox": {"icon": "check", "color": "greenBright"},
    "singleSelect": {"choices": []},
    "date": {"dateFormat": _DATE_FORMAT},
    "dateTime": _TIME_OPTIONS,
    "createdTime": {"result": _TIME_RESULT["result"]},
    "lastModifiedTime": _TIME_RESULT,
    "formula": {"formula": "BLANK()", "isValid": True, "referencedFieldIds": [], "result": {"type": "singleLineText"}},
}
TYPES = TEXTS | COMPUTED | _DEFAULT_OPTIONS.keys()


@frozen
class Column:
    """A field of a table. `type` and `options` are those of Airtable's field model; options default to usual ones.

    A formula column stays empty: it is there to be refused when it is written. The service gives the id.
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
        """The names of a single select's choices, in order."""
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
    """One record. `cells` holds what is not empty, by column id, in the order of the columns."""

    id: str
    created: datetime
    modified: datetime
    number: int
    cells: tuple[tuple[str, Cell], ...] = ()


@frozen
class Table:
    """A table: its definition, which a user gives, and its rows by id, which the service keeps."""

    name: str
    columns: tuple[Column, ...]
    id: str = ""
    rows: Mapping[str, Row] = field(factory=dict)
    next_number: int = 1

    def column(self, name_or_id: str) -> Column:
        """Raises ApiError if there is none: names are matched exactly."""
        for column in self.columns:
            if name_or_id in (column.name, column.id):
                return column
        raise ApiError(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{name_or_id}"')

    def identified(self, new_id: NewId) -> Table:
        """This table with ids for itself and its columns."""
        columns = tuple(column.identified(new_id) for column in self.columns)
        return evolve(self, id=self.id or new_id("tbl"), columns=columns)

    def with_column(self, column: Column) -> Table:
        """This table with a column added, or put in the place of the one with its id."""
        if all(column.id != old.id for old in self.columns):
            return evolve(self, columns=(*self.columns, column))
        return evolve(self, columns=tuple(column if column.id == old.id else old for old in self.columns))

    def with_rows(self, rows: Iterable[Row]) -> Table:
        return evolve(self, rows={**self.rows, **{row.id: row for row in rows}})

    def schema(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "primaryFieldId": self.columns[0].id,
            "fields": [column.schema() for column in self.columns],
            "views": [{"id": "viw" + self.id[3:], "name": "Grid view", "type": "grid"}],
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


RUN_STATUSES = ("Running", "Completed", "Completed with Errors", "Failed", "Skipped", "Cancelled")


def run_table(name: str = "Runs", columns: Iterable[Column] = ()) -> Table:
    """A table for run records, with further columns for metrics as given."""
    return Table(
        name,
        (
            Column("Run ID"),
            Column("Client ID"),
            Column("Client Name"),
            Column("Status", "singleSelect", {"choices": [{"name": status} for status in RUN_STATUSES]}),
            Column("Start Time", "dateTime"),
            Column("End Time", "dateTime"),
            Column("Updated At", "dateTime"),
            Column("Progress Log", "multilineText"),
            Column("Error Details", "multilineText"),
            *columns,
        ),
    )


def declared_column(body: Mapping[str, Any]) -> Column:
    """The column that a request to the metadata API asks for. Raises ApiError."""
    name, kind, options = body.get("name"), body.get("type"), body.get("options", {})
    if not isinstance(name, str) or not name:
        raise ApiError(422, "DUPLICATE_OR_EMPTY_FIELD_NAME", "Field names must not be empty")
    if kind in COMPUTED:
        message = f"Creating {kind} fields is not supported at this time"
        raise ApiError(422, "UNSUPPORTED_FIELD_TYPE_FOR_CREATE", message)
    if kind not in TYPES or not isinstance(options, dict):
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Invalid field type or options for field {name}")
    if missing := _DEFAULT_OPTIONS.get(kind, {}).keys() - options.keys():
        message = f"Invalid options for {name}: {', '.join(sorted(missing))} missing"
        raise ApiError(422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", message)
    return Column(name, kind, {**_DEFAULT_OPTIONS.get(kind, {}), **options})


def require_distinct(columns: Iterable[Column]) -> None:
    """Field names must differ by more than case. Raises ApiError."""
    names = [column.name.casefold() for column in columns]
    if len(set(names)) < len(names):
        raise ApiError(422, "DUPLICATE_OR_EMPTY_FIELD_NAME", "Field names must be unique, whatever their case")
