"""Lists of records, page by page: the iterators behind `offset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from . import records
from .messages import ApiError
from .operations import Context, flag
from .records import shown
from .tables import Row, Table


@frozen
class _Iterator:
    table_id: str
    rows: tuple[Row, ...]
    used: datetime


class Listings:
    """The lists that have further pages, by iterator id."""

    def __init__(self) -> None:
        self._iterators: dict[str, _Iterator] = {}

    def copy(self) -> Listings:
        twin = Listings()
        twin._iterators = dict(self._iterators)
        return twin

    def clear(self) -> None:
        self._iterators.clear()

    def page(self, table: Table, options: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """One page of a list, with an `offset` if there are more. Raises ApiError."""
        if options.get("cellFormat", "json") != "json":
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: this server has cellFormat json only")
        names = options.get("fields", [])
        if not isinstance(names, list):
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: fields must be a list")
        only = [table.column(name) for name in names]
        size = records.natural(options.get("pageSize", 100), "pageSize", 100)
        if offset := options.get("offset"):
            iterator_id, rows, start = self._resumed(table, options, str(offset), context)
        else:
            iterator_id, rows, start = "", records.listed(table, options, context.unknowns, context.now), 0
        by_id = flag(options.get("returnFieldsByFieldId"))
        page = [shown(table, row, context.unknowns, by_id=by_id, only=only) for row in rows[start : start + size]]
        if len(rows) <= start + size:
            return {"records": page}
        iterator_id = iterator_id or context.new_id("itr")
        self._forget_old(context)
        self._iterators[iterator_id] = _Iterator(table.id, tuple(rows), context.now)
        return {"records": page, "offset": f"{iterator_id}/{rows[start + size].id}"}

    def _forget_old(self, context: Context) -> None:
        oldest = context.now - context.limits.iterator_lifetime
        self._iterators = {id_: iterator for id_, iterator in self._iterators.items() if iterator.used >= oldest}

    def _resumed(
        self, table: Table, options: Mapping[str, Any], offset: str, context: Context
    ) -> tuple[str, Sequence[Row], int]:
        """The iterator of an offset, its rows, and the index where the next page begins. Raises ApiError."""
        iterator_id, _, row_id = offset.partition("/")
        if not iterator_id.startswith("itr") or not row_id.startswith("rec"):
            raise ApiError(422, "INVALID_OFFSET_VALUE", "The value of offset is invalid")
        found = self._iterators.get(iterator_id)
        if found is None or found.table_id != table.id or context.now - found.used > context.limits.iterator_lifetime:
            message = "The iterator is not available any more. Start the listing again from the beginning."
            raise ApiError(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", message)
        start = next((place for place, row in enumerate(found.rows) if row.id == row_id), None)
        if start is None:
            raise ApiError(422, "INVALID_OFFSET_VALUE", "The value of offset is invalid")
        if context.unknowns.pages_are_a_snapshot:
            return iterator_id, found.rows, start
        return iterator_id, records.listed(table, options, context.unknowns, context.now), start
