"""What the metadata API says of a base: its tables and their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyairtable import Api, Table

from ...domain import RunLedgerError
from .transport import Refused, sent


def tables_of(api: Api, base_id: str) -> list[dict[str, Any]]:
    """The tables of a base with their columns. Raises Refused without the scope schema.bases:read."""
    url = api.build_url("meta", "bases", base_id, "tables")
    return list(sent(lambda: api.get(url)["tables"], writes=False))


def find_table(tables: Sequence[dict[str, Any]], name_or_id: str) -> dict[str, Any] | None:
    """A table by its id or its exact name."""
    return next((table for table in tables if name_or_id in (table["id"], table["name"])), None)


def column_names(table: Table) -> list[str]:
    """The names of a table's columns; none if they cannot be read, as without the scope schema.bases:read."""
    try:
        found = find_table(tables_of(table.api, table.base.id), table.name)
    except (Refused, RunLedgerError):
        return []
    return [field["name"] for field in found["fields"]] if found else []
