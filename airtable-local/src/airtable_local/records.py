"""What requests do to the rows of a table. Pure: each function returns new values, or raises ApiError."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import evolve, frozen

from .cells import cell_of, json_of, new_choices, rank_of, stored, value_of
from .formulas import Formula, InvalidFormula, parse
from .functions import Subject, moment
from .messages import FORBIDDEN, NOT_FOUND, ApiError
from .tables import Cell, Column, NewId, Row, Table
from .unknowns import MissingRecord, Unknowns

MAX_BATCH = 10
"""Records in one writing request (Airtable Web API, "Create records")."""


@frozen(kw_only=True)
class Writing:
    """The options of a request that creates or updates records. `merge` are the columns of an upsert."""

    method: str
    now: datetime
    new_id: NewId
    unknowns: Unknowns
    typecast: bool = False
    may_add_choices: bool = True
    merge: Sequence[Column] = ()


def saved(table: Table, entries: Sequence[Mapping[str, Any]], writing: Writing) -> tuple[Table, list[tuple[str, Row]]]:
    """The table after a request that creates (POST) or updates, and each row with "created" or "updated"."""
    if writing.method != "POST":
        require_rows(table, [entry.get("id") for entry in entries if not (writing.merge and entry.get("id") is None)])
    if writing.typecast and writing.may_add_choices:
        table = _with_new_choices(table, entries, writing.new_id)
    rows, number, done = dict(table.rows), table.next_number, []
    for entry in entries:
        given = _given(table, entry["fields"], writing)
        row = _target(rows, entry, given, writing)
        if row is None:
            row = Row(writing.new_id("rec"), _created_time(writing), writing.now, number, _kept(given))
            number += 1
            done.append(("created", row))
        else:
            row = _changed(row, given, writing)
            done.append(("updated", row))
        rows[row.id] = row
    return evolve(table, rows=rows, next_number=number), done


def _given(table: Table, fields: Mapping[str, Any], writing: Writing) -> dict[str, Cell | None]:
    """The cells that a request names, by column id; None for those that it clears."""
    columns = [(table.column(name), value) for name, value in fields.items()]
    return {column.id: stored(column, value, writing.unknowns, typecast=writing.typecast) for column, value in columns}


def _target(
    rows: Mapping[str, Row], entry: Mapping[str, Any], given: Mapping[str, Cell | None], writing: Writing
) -> Row | None:
    """The row that an entry of a request updates; None if it creates one."""
    if writing.method == "POST":
        return None
    if not writing.merge or entry.get("id") is not None:
        return rows[str(entry["id"])]
    for column in writing.merge:
        if column.id not in given:
            raise ApiError(422, "INVALID_RECORDS", f"Each record must have a value for {column.name}")
    wanted = [(column.id, given[column.id]) for column in writing.merge]
    matches = [row for row in rows.values() if all(row.cells.get(id_) == cell for id_, cell in wanted)]
    if len(matches) > 1:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Cannot update more than one record with the same merge values")
    return matches[0] if matches else None


def _changed(row: Row, given: Mapping[str, Cell | None], writing: Writing) -> Row:
    """The row with the named cells set; PUT clears the others."""
    cells = _kept(given if writing.method == "PUT" else {**row.cells, **given})
    return row if cells == row.cells else evolve(row, cells=cells, modified=writing.now)


def _kept(given: Mapping[str, Cell | None]) -> Mapping[str, Cell]:
    return {id_: cell for id_, cell in given.items() if cell is not None}


def _created_time(writing: Writing) -> datetime:
    now = writing.now
    milliseconds = now.microsecond // 1000 if writing.unknowns.fractional_created_time else 0
    return now.replace(microsecond=milliseconds * 1000)


def _with_new_choices(table: Table, entries: Sequence[Mapping[str, Any]], new_id: NewId) -> Table:
    for entry in entries:
        for name, value in entry["fields"].items():
            column = table.column(name)
            if new := new_choices(column, value):
                choices = [*column.options["choices"], *({"id": new_id("sel"), "name": each} for each in new)]
                table = table.with_column(evolve(column, options={**column.options, "choices": choices}))
    return table


def require_row(table: Table, row_id: str, unknowns: Unknowns) -> None:
    """Raises ApiError if the record of a single-record URL does not exist."""
    if len(row_id) != 17 or not row_id.startswith("rec") or not row_id.isalnum():
        raise ApiError(*NOT_FOUND)
    if row_id in table.rows:
        return
    match unknowns.missing_record_status:
        case MissingRecord.FORBIDDEN:
            raise ApiError(*FORBIDDEN)
        case MissingRecord.MODEL_ID_NOT_FOUND:
            raise ApiError(404, "MODEL_ID_NOT_FOUND", "Record not found")
        case MissingRecord.NOT_FOUND:
            raise ApiError(*NOT_FOUND)


def require_batch(entries: object, verb: str) -> None:
    """Raises ApiError unless the records of a request are a list of one to ten."""
    if not isinstance(entries, list):
        raise ApiError(422, "INVALID_REQUEST_MISSING_FIELDS", 'Could not find field "records" in the request')
    if not entries:
        raise ApiError(422, "INVALID_RECORDS", "The records are missing: give at least one")
    if len(entries) > MAX_BATCH:
        message = f"A maximum of {MAX_BATCH} records can be {verb} per request but you have provided {len(entries)}."
        raise ApiError(422, "INVALID_RECORDS", message)


def require_rows(table: Table, ids: Sequence[object]) -> None:
    """Raises ApiError unless all records of a batch exist and each is named once."""
    if len(set(map(str, ids))) < len(ids):
        raise ApiError(422, "INVALID_RECORDS", "You cannot update the same record multiple times in a single request.")
    for row_id in ids:
        if row_id is None:
            raise ApiError(422, "INVALID_RECORDS", "Each record must have an id")
        if str(row_id) not in table.rows:
            raise ApiError(422, "ROW_DOES_NOT_EXIST", f"Record ID {row_id} does not exist in this table")


def shown(table: Table, row: Row, unknowns: Unknowns, *, by_id: bool = False, only: Sequence[Column] = ()) -> Any:
    """A record as the API returns it: empty cells are left out."""
    fields = {}
    for column in only or table.columns:
        cell = cell_of(column, row)
        if cell is not None:
            fields[column.id if by_id else column.name] = json_of(column, cell, unknowns)
    return {"id": row.id, "createdTime": moment(row.created), "fields": fields}


def listed(table: Table, options: Mapping[str, Any], unknowns: Unknowns, now: datetime) -> list[Row]:
    """The rows of all pages of a list, in order."""
    rows = list(table.rows.values())
    if text := options.get("filterByFormula"):
        rows = _filtered(table, rows, text, unknowns, now)
    if not _is_of_view(table, options.get("view")):
        # Airtable promises no order. This one is stable, but differs from the order of creation.
        rows.sort(key=lambda row: zlib.crc32(row.id.encode()))
    for column, descending in reversed(_orders(table, options.get("sort"))):
        rows.sort(key=partial(rank_of, column), reverse=descending)
    maximum = options.get("maxRecords")
    return rows if maximum is None else rows[: natural(maximum, "maxRecords")]


def _is_of_view(table: Table, view: object) -> bool:
    """Whether a listing is that of the table's view. Raises ApiError for another view."""
    if view in (None, ""):
        return False
    if view not in (table.view["id"], table.view["name"]):
        raise ApiError(422, "VIEW_NAME_NOT_FOUND", f"View {view} not found")
    return True


def _orders(table: Table, sort: object) -> list[tuple[Column, bool]]:
    """The columns to sort by, the first first, each with whether it descends. Raises ApiError."""
    orders = []
    for order in sort if isinstance(sort, list) else [sort] if sort else []:
        if not isinstance(order, dict) or order.get("direction", "asc") not in ("asc", "desc"):
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: sort needs a field and asc or desc")
        orders.append((table.column(order.get("field")), order.get("direction") == "desc"))
    return orders


def natural(value: object, name: str, most: float = math.inf) -> int:
    """A whole number of at least 1, as text or as a number. Raises ApiError."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Invalid request: {name} must be a whole number in its range")
    return int(text)


def _filtered(table: Table, rows: Sequence[Row], text: object, unknowns: Unknowns, now: datetime) -> list[Row]:
    formula = _formula(table, text)
    columns = [column for column in table.columns if column.name in formula.fields]

    def subject(row: Row) -> Subject:
        return Subject(
            record_id=row.id,
            created=row.created,
            modified=row.modified,
            now=now,
            values={column.name: value_of(column, row) for column in columns},
            unknowns=unknowns,
        )

    return [row for row in rows if formula.selects(subject(row))]


def _formula(table: Table, text: object) -> Formula:
    names = {column.name for column in table.columns}
    try:
        formula = parse(str(text))
    except InvalidFormula as error:
        problem = str(error)
    else:
        if formula.fields <= names:
            return formula
        problem = f"Unknown field names: {', '.join(sorted(formula.fields - names)).lower()}"
    message = f"The formula for filtering records is invalid: {problem}"
    raise ApiError(422, "INVALID_FILTER_BY_FORMULA", message)
