"""The metadata API: the token's user, the bases that it reaches, their schema, new tables and fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .bases import Bases, table_of
from .messages import FORBIDDEN, NOT_FOUND, ApiError, Request
from .operations import Context, Outcome
from .tables import Base, Column, Table, declared_column, declared_table, require_distinct
from .tokens import Token


def metadata(request: Request, rest: Sequence[str], bases: Bases, context: Context) -> Outcome:
    """Answer a request whose path goes on with `rest` after `/v0/meta`. Raises ApiError."""
    token = context.token
    match request.method, rest:
        case "GET", ["whoami"]:
            return Outcome({"id": "usrLocalDeveloper", "scopes": sorted(token.scopes)})
        case "GET", ["bases"] if "schema.bases:read" in token.scopes:
            return Outcome({"bases": [_summary(base, token) for base in bases if token.reaches(base.id)]})
        case "GET", ["bases"]:
            raise ApiError(*FORBIDDEN)
        case "GET", ["bases", base_id, "tables"]:
            base = bases.visible(base_id, token, "schema.bases:read")
            return Outcome({"tables": [table.schema() for table in base.tables.values()]})
        case "POST", ["bases", *_] if not token.permits("create"):
            raise ApiError(403, "INVALID_PERMISSIONS", "You are not permitted to change the schema of this base")
        case "POST", ["bases", base_id, "tables"]:
            base = bases.visible(base_id, token, "schema.bases:write")
            return _created_table(base, request.json(), context)
        case "POST", ["bases", base_id, "tables", table, "fields"]:
            base = bases.visible(base_id, token, "schema.bases:write")
            return _created_field(base, table_of(base, table), declared_column(request.json()), context)
    raise ApiError(*NOT_FOUND)


def _summary(base: Base, token: Token) -> dict[str, str]:
    return {"id": base.id, "name": base.name, "permissionLevel": token.permission}


def _created_table(base: Base, body: dict[str, Any], context: Context) -> Outcome:
    table = declared_table(body).identified(context.new_id)
    if base.table(table.name) is not None:
        raise ApiError(422, "DUPLICATE_TABLE_NAME", f'The table name "{table.name}" is already used in this base')
    return Outcome(table.schema(), (("created table", table.id),), base.with_table(table))


def _created_field(base: Base, table: Table, column: Column, context: Context) -> Outcome:
    require_distinct((*table.columns, column))
    column = column.identified(context.new_id)
    changed = base.with_table(table.with_column(column))
    return Outcome(column.schema(), (("created field", column.id),), changed)
