"""One cell: the values that its column accepts, how they are stored, shown and sorted, and what formulas get."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from .functions import Value, moment, parsed_time
from .messages import ApiError
from .tables import COMPUTED, NUMBERS, SELECTS, TEXTS, Cell, Column, Row
from .unknowns import Unknowns

MAX_TEXT = 100_000
"""Characters in a text cell (Airtable support, "Using rich text")."""


def stored(column: Column, value: Any, unknowns: Unknowns, *, typecast: bool = False) -> Cell | None:
    """A value as the cell stores it; None for a value that Airtable stores as an empty cell. Raises ApiError."""
    if column.type in COMPUTED:
        raise _refused(f'Field "{column.name}" cannot accept a value because the field is computed')
    if typecast:
        value = _cast(column, value)
    if value in (None, "", []) or (column.type == "checkbox" and value is False):
        return None
    return _accepted(column, value, unknowns)


def _accepted(column: Column, value: Any, unknowns: Unknowns) -> Cell | None:
    match column.type:
        case "checkbox" if value is True:
            return True
        case kind if kind in NUMBERS and isinstance(value, (int, float)) and not isinstance(value, bool):
            return _stored_number(column, value, unknowns)
        case "date" | "dateTime" if isinstance(value, str):
            return _stored_time(column, value)
        case "singleSelect" if isinstance(value, str):
            return _chosen(column, value)
        case "multipleSelects" if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return tuple(_chosen(column, name) for name in dict.fromkeys(value))
        case kind if kind in TEXTS and isinstance(value, str) and len(value) <= MAX_TEXT:
            return (value.strip() or None) if unknowns.trims_text else value
    raise _refused(f'Field "{column.name}" cannot accept the provided value')


def new_choices(column: Column, value: Any) -> list[str]:
    """The choices that `typecast` adds to a column for a value."""
    if column.type not in SELECTS:
        return []
    wanted = _cast(column, value)
    names = wanted if isinstance(wanted, list) else [wanted]
    return [name for name in names if isinstance(name, str) and name and name not in column.choices]


def _refused(message: str) -> ApiError:
    return ApiError(422, "INVALID_VALUE_FOR_COLUMN", message)


def _chosen(column: Column, name: str) -> str:
    if name not in column.choices:
        message = f'Insufficient permissions to create new select option ""{name}""'
        raise ApiError(422, "INVALID_MULTIPLE_CHOICE_OPTIONS", message)
    return name


def _cast(column: Column, value: Any) -> Any:
    """What `typecast` makes of a value: text of a number, a number of text, trimmed choices."""
    if column.type in TEXTS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value}"
    if column.type == "singleSelect" and isinstance(value, str):
        return value.strip()
    if column.type == "multipleSelects" and isinstance(value, str):
        return [name for part in value.split(",") if (name := part.strip())]
    if column.type in NUMBERS and isinstance(value, str):
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
    is_rating = number.is_integer() and 1 <= number <= column.options["max"] if column.type == "rating" else True
    if not math.isfinite(number) or not is_rating:
        raise _refused(f'Field "{column.name}" cannot accept the provided value')
    if unknowns.rounds_numbers_to_precision and "precision" in column.options:
        return float(round(number, column.options["precision"]))
    return number


def _stored_time(column: Column, text: str) -> datetime:
    try:
        if column.type == "date" and len(text) != len("YYYY-MM-DD"):
            raise ValueError(text)
        return parsed_time(text)
    except (ValueError, OverflowError):
        raise _refused(f"Cannot parse value for field {column.name}") from None


def cell_of(column: Column, row: Row) -> Cell | None:
    match column.type:
        case "autoNumber":
            return float(row.number)
        case "createdTime":
            return row.created
        case "lastModifiedTime":
            return row.modified
    return row.cells.get(column.id)


def json_of(column: Column, cell: Cell, unknowns: Unknowns) -> str | int | float | bool | list[str]:
    """A cell as the API shows it."""
    if isinstance(cell, datetime):
        return moment(cell)[:10] if column.type == "date" else moment(cell)
    if isinstance(cell, tuple):
        return list(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e21:
        return int(cell)  # as a JavaScript server writes it
    if column.type == "richText" and unknowns.rich_text_adds_newline:
        return f"{cell}\n"
    return cell


def value_of(column: Column, row: Row) -> Value:
    """The value of a cell in a formula."""
    cell = cell_of(column, row)
    if column.type == "checkbox":
        return float(cell is True)
    return ", ".join(cell) if isinstance(cell, tuple) else cell


def rank_of(column: Column, row: Row) -> tuple[bool, Any]:
    """Where a row sorts: empty cells first, text regardless of case, a choice by its position among the choices."""
    cell = cell_of(column, row)
    if cell is None:
        return (False, 0)
    if isinstance(cell, tuple):
        return (True, tuple(map(column.choices.index, cell)))
    if column.type == "singleSelect":
        return (True, column.choices.index(str(cell)))
    return (True, cell.casefold() if isinstance(cell, str) else cell)
