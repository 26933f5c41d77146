"""Requests that create, update or delete records. Each is carried out completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from . import records
from .messages import NOT_FOUND, ApiError, Request
from .operations import SAVING, Context, Outcome, flag, require_known
from .records import Writing, shown
from .tables import Base, Column, Table


def written(request: Request, base: Base, table: Table, rest: Sequence[str], context: Context) -> Outcome:
    """Carry out a request whose path goes on with `rest` after the table. Raises ApiError."""
    if not context.token.permits("edit"):
        message = f'You are not permitted to change records in table "{table.name}"'
        raise ApiError(403, "INVALID_PERMISSIONS", message)
    match request.method, rest:
        case "DELETE", [row_id]:
            require_known(request.parameters, ())
            records.require_row(table, row_id, context.unknowns)
            return _deleted(base, table, [row_id], single=True)
        case "DELETE", []:
            require_known(request.parameters, ("records",))
            ids = request.parameters.get("records", [])
            records.require_batch(ids, "deleted")
            return _deleted(base, table, ids)
        case "PATCH" | "PUT", [row_id]:
            records.require_row(table, row_id, context.unknowns)
            return _SavingRequest(base, table, request, context).one(row_id)
        case "POST" | "PATCH" | "PUT", []:
            return _SavingRequest(base, table, request, context).batch()
    raise ApiError(*NOT_FOUND)


def _deleted(base: Base, table: Table, ids: Sequence[str], *, single: bool = False) -> Outcome:
    records.require_rows(table, ids)
    rows = {row_id: row for row_id, row in table.rows.items() if row_id not in ids}
    gone = [{"deleted": True, "id": row_id} for row_id in ids]
    body = gone[0] if single else {"records": gone}
    changed = tuple(("deleted", row_id) for row_id in ids)
    return Outcome(body, changed, base.with_table(evolve(table, rows=rows)))


class _SavingRequest:
    """A request that creates or updates records."""

    def __init__(self, base: Base, table: Table, request: Request, context: Context) -> None:
        self.base = base
        self.table = table
        self.body = request.json()
        require_known(request.parameters, ())
        require_known(self.body, SAVING if request.method != "POST" else SAVING - {"performUpsert"})
        self.context = context
        self.writing = Writing(
            method=request.method,
            now=context.now,
            new_id=context.new_id,
            unknowns=context.unknowns,
            typecast=flag(self.body.get("typecast")),
            may_add_choices=context.token.permits("create"),
        )

    def one(self, row_id: str) -> Outcome:
        return self._saved([{**self.body, "id": row_id}], self.writing, single=True)

    def batch(self) -> Outcome:
        writing = self.writing
        if writing.method == "POST" and "records" not in self.body:
            return self._saved([self.body], writing, single=True)
        if writing.method != "POST" and "performUpsert" in self.body:
            writing = evolve(writing, merge=_merge(self.table, self.body["performUpsert"]))
        entries = self.body.get("records")
        records.require_batch(entries, "created" if writing.method == "POST" else "updated")
        return self._saved(entries, writing)

    def _saved(self, entries: Any, writing: Writing, *, single: bool = False) -> Outcome:
        for entry in entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict):
                message = 'Could not find field "fields" in the request body'
                raise ApiError(422, "INVALID_REQUEST_MISSING_FIELDS", message)
            if not single:
                require_known(entry, ("fields",) if writing.method == "POST" else ("id", "fields"))
        table, done = records.saved(self.table, entries, writing)
        base = self.base.with_table(table)
        if any(verb == "created" for verb, _ in done):
            self.context.limits.require_room(base)
        by_id = flag(self.body.get("returnFieldsByFieldId"))
        answers = [shown(table, row, writing.unknowns, by_id=by_id) for _, row in done]
        changed = tuple((verb, row.id) for verb, row in done)
        if single:
            return Outcome(answers[0], changed, base)
        return Outcome({"records": answers, **(_by_verb(changed) if writing.merge else {})}, changed, base)


def _by_verb(changed: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """What the answer to an upsert lists: the ids of the created and of the updated records."""
    return {f"{verb}Records": [id_ for done, id_ in changed if done == verb] for verb in ("created", "updated")}


_MERGEABLE = frozenset({"number", "singleLineText", "multilineText", "singleSelect", "multipleSelects", "date"})
"""Airtable Web API, "Update multiple records", fieldsToMergeOn; dateTime is not listed there."""


def _merge(table: Table, upsert: object) -> list[Column]:
    """The columns that an upsert merges on. Raises ApiError."""
    names: Any = upsert.get("fieldsToMergeOn") if isinstance(upsert, Mapping) else None
    if not isinstance(names, list) or not 1 <= len(names) <= 3:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "fieldsToMergeOn must name 1 to 3 fields")
    columns = [table.column(name) for name in names]
    for column in columns:
        if column.type not in _MERGEABLE:
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Field {column.name} cannot be merged on")
    return columns
