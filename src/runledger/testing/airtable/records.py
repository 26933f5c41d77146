"""What requests do to the rows of a table. Pure: each function returns a new table and raises ApiError."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from .formulas import Formula, InvalidFormula, Subject, Value, moment, parse, parsed_time
from .messages import FORBIDDEN, NOT_FOUND, ApiError
from .tables import COMPUTED, TEXTS, Cell, Column, NewId, Row, Table
from .unknowns import MissingRecord, Unknowns

MAX_CELL = 100_000
"""Characters in a text cell (Airtable support, "Using rich text")."""
MAX_BATCH = 10
"""Records in one writing request (Airtable Web API, "Create records")."""


_Saved = tuple[str, Table, Row]


@frozen(kw_only=True)
class Writing:
    """What a writing request brings besides its fields."""

    now: datetime
    new_id: NewId
    unknowns: Unknowns
    typecast: bool = False
    replace: bool = False


def created(table: Table, fields: Mapping[str, Any], writing: Writing) -> tuple[Table, Row]:
    """The table with one more row."""
    now = writing.now
    at = now.replace(microsecond=now.microsecond // 1000 * 1000 if writing.unknowns.fractional_created_time else 0)
    row = Row(writing.new_id("rec"), at, now, table.next_number)
    return written(evolve(table, next_number=table.next_number + 1), row, fields, writing)


def written(table: Table, row: Row, fields: Mapping[str, Any], writing: Writing) -> tuple[Table, Row]:
    """The table with the named cells of a row set; with `replace` the others are cleared."""
    cells: dict[str, Cell | None] = {} if writing.replace else dict(row.cells)
    for name, value in fields.items():
        column = table.column(name)
        if writing.typecast and column.type == "singleSelect" and isinstance(value, str):
            column = _with_choice(column, value.strip(), writing.new_id)
            table = table.with_column(column)
        cells[column.id] = _stored(column, value, writing)
    kept = tuple((column.id, cell) for column in table.columns if (cell := cells.get(column.id)) is not None)
    row = evolve(row, cells=kept, modified=row.modified if kept == row.cells else writing.now)
    return table.with_rows([row]), row


def upserted(table: Table, fields: Mapping[str, Any], merge: Sequence[Column], writing: Writing) -> _Saved:
    """The table after updating the one row that has the merge fields' values, or creating it."""
    wanted = {}
    for column in merge:
        given = [fields[name] for name in (column.name, column.id) if name in fields]
        if not given:
            raise ApiError(422, "INVALID_RECORDS", f"Each record must have a value for {column.name}")
        wanted[column.id] = _stored(column, given[0], writing)
    matches = [row for row in table.rows.values() if all(dict(row.cells).get(id_) == v for id_, v in wanted.items())]
    if len(matches) > 1:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Cannot update more than one record with the same merge values")
    if matches:
        return "updated", *written(table, matches[0], fields, writing)
    return "created", *created(table, fields, writing)


def saved(
    table: Table,
    method: str,
    entries: Sequence[Mapping[str, Any]],
    merge: Sequence[Column],
    writing: Writing,
    single: bool,
) -> tuple[Table, list[tuple[str, Row]]]:
    """The table after a request that creates (POST) or updates, and each row with "created" or "updated"."""
    ids = [entry.get("id") for entry in entries if method != "POST" and (not merge or entry.get("id"))]
    if single and ids:
        require_row(table, str(ids[0]), writing.unknowns)
    require_rows(table, ids)
    done = []
    for entry in entries:
        fields = entry["fields"]
        if method == "POST":
            verb, (table, row) = "created", created(table, fields, writing)
        elif entry.get("id") is None:
            verb, table, row = upserted(table, fields, merge, writing)
        else:
            verb, (table, row) = "updated", written(table, table.rows[str(entry["id"])], fields, writing)
        done.append((verb, row))
    return table, done


def require_row(table: Table, row_id: str, unknowns: Unknowns) -> Row:
    """The row of a single-record URL."""
    if len(row_id) != 17 or not row_id.startswith("rec") or not row_id.isalnum():
        raise ApiError(*NOT_FOUND)
    if (row := table.rows.get(row_id)) is not None:
        return row
    match unknowns.missing_record_status:
        case MissingRecord.FORBIDDEN:
            raise ApiError(*FORBIDDEN)
        case MissingRecord.MODEL_ID_NOT_FOUND:
            raise ApiError(404, "MODEL_ID_NOT_FOUND", "Record not found")
        case MissingRecord.NOT_FOUND:
            raise ApiError(*NOT_FOUND)


def require_batch(entries: Sequence[object]) -> None:
    if not 1 <= len(entries) <= MAX_BATCH:
        raise ApiError(422, "INVALID_RECORDS", f"You must provide 1 to {MAX_BATCH} records in a single request.")


def require_rows(table: Table, ids: Sequence[object]) -> None:
    """The rows of a batch must all be there, each named once."""
    if len(set(map(str, ids))) < len(ids):
        raise ApiError(422, "INVALID_RECORDS", "You cannot update the same record multiple times in a single request.")
    for row_id in ids:
        if str(row_id) not in table.rows:
            raise ApiError(422, "ROW_DOES_NOT_EXIST", f"Record ID {row_id} does not exist in this table")


def _with_choice(column: Column, name: str, new_id: NewId) -> Column:
    if not name or name in column.choices:
        return column
    return evolve(column, options={"choices": [*column.options["choices"], {"id": new_id("sel"), "name": name}]})


def _stored(column: Column, value: Any, writing: Writing) -> Cell | None:
    """A value as the cell keeps it; None for what Airtable keeps as an empty cell. Raises ApiError."""
    if column.type in COMPUTED:
        raise _refused(f'Field "{column.name}" cannot accept a value because the field is computed')
    if writing.typecast:
        value = _cast(column, value)
    if value is None or value == "" or (column.type == "checkbox" and value is False):
        return None
    match column.type:
        case "checkbox" if value is True:
            return True
        case "number" if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _stored_number(column, value, writing.unknowns)
        case "date" | "dateTime" if isinstance(value, str):
            return _stored_time(column, value)
        case "singleSelect" if isinstance(value, str):
            if value not in column.choices:
                message = f'Insufficient permissions to create new select option ""{value}""'
                raise ApiError(422, "INVALID_MULTIPLE_CHOICE_OPTIONS", message)
            return value
        case kind if kind in TEXTS and isinstance(value, str) and len(value) <= MAX_CELL:
            return (value.strip() or None) if writing.unknowns.trims_text else value
    raise _refused(f'Field "{column.name}" cannot accept the provided value')


def _refused(message: str) -> ApiError:
    return ApiError(422, "INVALID_VALUE_FOR_COLUMN", message)


def _cast(column: Column, value: Any) -> Any:
    """What `typecast` makes of a value: text of a number, a number of text, a trimmed choice."""
    if column.type in TEXTS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value}"
    if column.type == "singleSelect" and isinstance(value, str):
        return value.strip()
    if column.type == "number" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value


def _stored_number(column: Column, value: float, unknowns: Unknowns) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _refused(f'Field "{column.name}" cannot accept the provided value')
    return round(number, column.options["precision"]) if unknowns.rounds_numbers_to_precision else number


def _stored_time(column: Column, text: str) -> datetime:
    try:
        if column.type == "date" and len(text) != len("YYYY-MM-DD"):
            raise ValueError(text)
        return parsed_time(text)
    except (ValueError, OverflowError):
        raise _refused(f"Cannot parse value for field {column.name}") from None


def _cell(column: Column, row: Row, cells: Mapping[str, Cell]) -> Cell | None:
    match column.type:
        case "autoNumber":
            return float(row.number)
        case "createdTime":
            return row.created
        case "lastModifiedTime":
            return row.modified
    return cells.get(column.id)


def shown(table: Table, row: Row, unknowns: Unknowns, *, by_id: bool = False, only: Sequence[Column] = ()) -> Any:
    """A record as the API returns it: empty cells are left out."""
    cells, fields = dict(row.cells), {}
    for column in only or table.columns:
        cell = _cell(column, row, cells)
        if cell is not None:
            fields[column.id if by_id else column.name] = _json(column, cell, unknowns)
    return {"id": row.id, "createdTime": moment(row.created), "fields": fields}


def _json(column: Column, cell: Cell, unknowns: Unknowns) -> str | int | float | bool:
    if isinstance(cell, datetime):
        return moment(cell)[:10] if column.type == "date" else moment(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e21:
        return int(cell)  # as a JavaScript server writes it
    if column.type == "richText" and unknowns.rich_text_adds_newline:
        return f"{cell}\n"
    return cell


def listed(table: Table, options: Mapping[str, Any], unknowns: Unknowns) -> list[Row]:
    """The rows that a listing has in all its pages, in its order."""
    # Without sort no order is promised: this one is steady, but nobody can mistake it for the order of creation.
    rows = sorted(table.rows.values(), key=lambda row: zlib.crc32(row.id.encode()))
    if text := options.get("filterByFormula"):
        rows = _filtered(table, rows, text, unknowns)
    for order in reversed(options.get("sort") or []):
        column = table.column(order["field"])
        descending = order.get("direction", "asc") == "desc"
        rows.sort(key=lambda row, column=column: _rank(column, row), reverse=descending)  # type: ignore[misc]
    maximum = options.get("maxRecords")
    return rows if maximum is None else rows[: natural(maximum, "maxRecords")]


def natural(value: object, name: str, most: float = math.inf) -> int:
    """A whole number of at least 1, as text or as a number. Raises ApiError."""
    text = str(value)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Invalid request: {name} must be a whole number in its range")
    return int(text)


def _filtered(table: Table, rows: Sequence[Row], text: object, unknowns: Unknowns) -> list[Row]:
    formula = _formula(table, text)
    columns = [column for column in table.columns if column.name in formula.fields]
    return [row for row in rows if formula.selects(_subject(columns, row, unknowns))]


def _formula(table: Table, text: object) -> Formula:
    names = {column.name for column in table.columns}
    try:
        formula = parse(str(text))
    except InvalidFormula:
        problem = "Invalid formula. Please check your formula text."
    else:
        if formula.fields <= names:
            return formula
        problem = f"Unknown field names: {', '.join(sorted(formula.fields - names)).lower()}"
    message = f"The formula for filtering records is invalid: {problem}"
    raise ApiError(422, "INVALID_FILTER_BY_FORMULA", message)


def _subject(columns: Sequence[Column], row: Row, unknowns: Unknowns) -> Subject:
    cells = dict(row.cells)
    values: dict[str, Value] = {}
    for column in columns:
        cell = _cell(column, row, cells)
        values[column.name] = float(cell is True) if column.type == "checkbox" else cell
    return Subject(row.id, row.created, values, unknowns.text_equals_ignores_case)


def _rank(column: Column, row: Row) -> tuple[bool, Any]:
    """Where a row sorts: empty cells first, text whatever its case, a choice by its place among the choices."""
    cell = _cell(column, row, dict(row.cells))
    if cell is None:
        return (False, 0)
    if column.type == "singleSelect":
        return (True, column.choices.index(str(cell)))
    return (True, cell.casefold() if isinstance(cell, str) else cell)
