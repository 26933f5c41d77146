"""Airtable's Web API as a state machine: a request goes in, a response comes out, and the state has changed.

No thread, socket or wait is in here, and time and ids come from outside, so that a test can go through every order of
events. The behaviour follows Airtable's Web API reference and support pages; `Unknowns` holds what those leave open.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve, field, frozen
from attrs.validators import in_

from . import records
from .messages import FORBIDDEN, NOT_FOUND, ApiError, Change, Request, Response
from .records import Writing, shown
from .tables import Base, Column, NewId, Row, Table, declared_column, declared_table, require_distinct
from .unknowns import Unknowns

MAX_URL = 16_000
"""Characters (Airtable support, "URL length limitations for web API requests")."""
SCOPES = frozenset({"data.records:read", "data.records:write", "schema.bases:read", "schema.bases:write"})
PERMISSIONS = ("read", "edit", "create")
"""What a user may do in a base, each more than the one before; "create" is to make tables, fields and choices."""
_EPOCH = datetime.min.replace(tzinfo=UTC)


@frozen
class Token:
    """A personal access token: what it may do, in which bases (None: in all), and what its user may do there."""

    value: str = field(repr=False)
    scopes: frozenset[str] = SCOPES
    bases: frozenset[str] | None = None
    permission: str = field(default="create", validator=in_(PERMISSIONS))

    def permits(self, permission: str) -> bool:
        return PERMISSIONS.index(self.permission) >= PERMISSIONS.index(permission)


@frozen(kw_only=True)
class Limits:
    """What Airtable limits by time and number; None is no limit.

    Airtable documents 5 requests a second for each base, and 30 seconds of refusals for who exceeds them; and so many
    records for each base, all tables together. Which error tells of a full base is not documented.
    """

    requests_per_second: int | None = None
    penalty: timedelta = timedelta(seconds=30)
    requests_left_this_month: int | None = None
    records_per_base: int | None = None
    iterator_lifetime: timedelta = timedelta(minutes=5)


@frozen
class _Iterator:
    table_id: str
    rows: tuple[Row, ...]
    used: datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def random_id(prefix: str) -> str:
    """An id as Airtable's look: a prefix of three letters and 14 letters and digits."""
    return prefix + "".join(random.choices(string.ascii_letters + string.digits, k=14))


_Result = tuple[Any, tuple[Change, ...]]


class AirtableService:
    """Bases, tables and records, changed by requests alone. Not thread-safe: hand it one request at a time."""

    def __init__(
        self,
        tokens: Iterable[Token],
        *,
        unknowns: Unknowns | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = utc_now,
        new_id: NewId = random_id,
    ) -> None:
        self.unknowns = unknowns or Unknowns()
        self.limits = limits or Limits()
        self._tokens = {token.value: token for token in tokens}
        self._now = now
        self._new_id = new_id
        # Each base's versions with the time of their making, the current one last: a listing may lag behind.
        self._versions: dict[str, tuple[tuple[datetime, Base], ...]] = {}
        self._iterators: dict[str, _Iterator] = {}
        self._calls: dict[str, tuple[datetime, ...]] = {}
        self._blocked: dict[str, datetime] = {}
        self._used = 0

    def copy(self, *, now: Callable[[], datetime] | None = None, new_id: NewId | None = None) -> AirtableService:
        """A service in the same state, which goes its own way from here. Cheap: all that is copied is immutable."""
        twin = AirtableService(
            self._tokens.values(),
            unknowns=self.unknowns,
            limits=self.limits,
            now=now or self._now,
            new_id=new_id or self._new_id,
        )
        twin._versions, twin._iterators = dict(self._versions), dict(self._iterators)
        twin._calls, twin._blocked, twin._used = dict(self._calls), dict(self._blocked), self._used
        return twin

    def snapshot(self) -> Hashable:
        """All records of all tables, as one value that can be hashed and compared."""
        return tuple(
            (table.id, frozenset(table.rows.values()))
            for versions in self._versions.values()
            for table in versions[-1][1].tables.values()
        )

    def add_base(self, name: str, tables: Iterable[Table], base_id: str | None = None) -> str:
        """Make a base, as a person does in Airtable's own pages, and return its id."""
        identified = [table.identified(self._new_id) for table in tables]
        base = Base(base_id or self._new_id("app"), name, {table.id: table for table in identified})
        self._versions[base.id] = ((_EPOCH, base),)
        return base.id

    def set_column(self, base_id: str, table: str, column: Column) -> None:
        """Make a column, or change the one of its name, as a person does in Airtable's own pages, whatever its type."""
        base = self._versions[base_id][-1][1]
        found = self._table(base, table)
        same = next((old.id for old in found.columns if old.name == column.name), column.id)
        made = evolve(column, id=same).identified(self._new_id)
        self._commit(base.with_table(found.with_column(made)), self._now())

    def records(self, base_id: str, table: str) -> list[dict[str, Any]]:
        """All records of a table as they are now, in the order of their creation, without a request."""
        found = self._table(self._versions[base_id][-1][1], table)
        return [shown(found, row, self.unknowns) for row in found.rows.values()]

    def expire_iterators(self) -> None:
        """End every listing that is under way, as a restart of the server does."""
        self._iterators.clear()

    def handle(self, request: Request) -> Response:
        """Do what the request asks for, wholly or not at all."""
        now = self._now()
        try:
            body, changed = self._routed(request, now)
        except ApiError as error:
            return Response.of(error.status, error.body, now, headers=error.headers)
        return Response.of(200, body, now, changed=changed)

    # Who asks, and how often

    def _authenticated(self, request: Request) -> Token:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not value:
            raise ApiError(401, "AUTHENTICATION_REQUIRED", "Authentication required")
        if value not in self._tokens:
            raise ApiError(401, "UNAUTHORIZED", "Invalid authentication token")
        return self._tokens[value]

    def _base(self, token: Token, base_id: str, scope: str) -> Base:
        if len(base_id) != 17 or not base_id.startswith("app"):
            raise ApiError(*NOT_FOUND)
        visible = base_id in self._versions and (token.bases is None or base_id in token.bases)
        if scope not in token.scopes or not visible:
            raise ApiError(*FORBIDDEN)
        return self._versions[base_id][-1][1]

    def _table(self, base: Base, name_or_id: str) -> Table:
        if (table := base.table(name_or_id)) is None:
            raise ApiError(*FORBIDDEN)
        return table

    def _count(self, base_id: str, now: datetime) -> None:
        """Refuse a request that comes too often. A request during the penalty does not lengthen it."""
        limits = self.limits
        self._used += 1
        if limits.requests_left_this_month is not None and self._used > limits.requests_left_this_month:
            message = "You have exceeded the monthly API billing limit for your workspace."
            raise ApiError(429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", message)
        if limits.requests_per_second is None:
            return
        recent = [call for call in self._calls.get(base_id, ()) if now - call < timedelta(seconds=1)]
        if now < self._blocked.get(base_id, _EPOCH):
            raise self._too_many(self._blocked[base_id] - now)
        if len(recent) >= limits.requests_per_second:
            self._blocked[base_id] = now + limits.penalty
            raise self._too_many(limits.penalty)
        self._calls[base_id] = (*recent, now)

    def _too_many(self, wait: timedelta) -> ApiError:
        message = "Rate limit exceeded. Please try again later"
        seconds = str(-(-wait // timedelta(seconds=1)))
        error = ApiError(429, "RATE_LIMIT_REACHED", message)
        if self.unknowns.plural_429_body:
            error.body = {"errors": [{"error": "RATE_LIMIT_REACHED", "message": message}]}
        error.headers = {"Retry-After": seconds} if self.unknowns.retry_after_on_429 else {}
        return error

    # Which operation

    def _routed(self, request: Request, now: datetime) -> _Result:
        token = self._authenticated(request)
        if len(request.url) > MAX_URL:
            raise ApiError(414, "URI_TOO_LONG", f"The URL is longer than {MAX_URL} characters")
        match request.segments:
            case ["meta", *rest]:
                return self._meta(request, token, rest, now)
            case [base_id, table, *rest]:
                reading = request.method == "GET" or (request.method, rest) == ("POST", ["listRecords"])
                base = self._base(token, base_id, "data.records:read" if reading else "data.records:write")
                self._count(base_id, now)
                found = self._table(base, table)
                if reading:
                    return self._read(request, base, found, rest, now), ()
                if not token.permits("edit"):
                    message = f'You are not permitted to change records in table "{found.name}"'
                    raise ApiError(403, "INVALID_PERMISSIONS", message)
                return self._write(request, token, base, found, rest, now)
        raise ApiError(*NOT_FOUND)

    def _meta(self, request: Request, token: Token, rest: Sequence[str], now: datetime) -> _Result:
        match request.method, rest:
            case "GET", ["whoami"]:
                return {"id": "usrLocalDeveloper", "scopes": sorted(token.scopes)}, ()
            case "GET", ["bases"] if "schema.bases:read" in token.scopes:
                return {"bases": self._visible_bases(token)}, ()
            case "GET", ["bases"]:
                raise ApiError(*FORBIDDEN)
            case "GET", ["bases", base_id, "tables"]:
                base = self._base(token, base_id, "schema.bases:read")
                return {"tables": [table.schema() for table in base.tables.values()]}, ()
            case "POST", ["bases", *_] if not token.permits("create"):
                raise ApiError(403, "INVALID_PERMISSIONS", "You are not permitted to change the schema of this base")
            case "POST", ["bases", base_id, "tables"]:
                base = self._base(token, base_id, "schema.bases:write")
                return self._created_table(base, request.json(), now)
            case "POST", ["bases", base_id, "tables", table, "fields"]:
                base = self._base(token, base_id, "schema.bases:write")
                return self._created_field(base, self._table(base, table), declared_column(request.json()), now)
        raise ApiError(*NOT_FOUND)

    def _visible_bases(self, token: Token) -> list[dict[str, str]]:
        bases = [versions[-1][1] for versions in self._versions.values()]
        return [
            {"id": base.id, "name": base.name, "permissionLevel": token.permission}
            for base in bases
            if token.bases is None or base.id in token.bases
        ]

    def _created_table(self, base: Base, body: Mapping[str, Any], now: datetime) -> _Result:
        table = declared_table(body).identified(self._new_id)
        if base.table(table.name) is not None:
            raise ApiError(422, "DUPLICATE_TABLE_NAME", f'The table name "{table.name}" is already used in this base')
        self._commit(base.with_table(table), now)
        return table.schema(), (("created table", table.id),)

    def _created_field(self, base: Base, table: Table, column: Column, now: datetime) -> _Result:
        require_distinct((*table.columns, column))
        column = column.identified(self._new_id)
        self._commit(base.with_table(table.with_column(column)), now)
        return column.schema(), (("created field", column.id),)

    # Reading

    def _read(self, request: Request, base: Base, table: Table, rest: Sequence[str], now: datetime) -> Any:
        match request.method, rest:
            case "GET", []:
                return self._page(self._as_listed(table, base, now), request.parameters, now)
            case "POST", ["listRecords"]:
                return self._page(self._as_listed(table, base, now), request.json(), now)
            case "GET", [row_id]:
                by_id = _flag(request.parameters.get("returnFieldsByFieldId"))
                # "If we can't locate the record on a given table, the request will fallback to a base wide search."
                for other in (table, *base.tables.values()):
                    if row_id in other.rows:
                        return shown(other, other.rows[row_id], self.unknowns, by_id=by_id)
                records.require_row(table, row_id, self.unknowns)
        raise ApiError(*NOT_FOUND)

    def _as_listed(self, table: Table, base: Base, now: datetime) -> Table:
        """The table with its rows as lists show them, which may lag behind."""
        seen = now - self.unknowns.lists_see_writes_after
        old = [version for at, version in self._versions[base.id] if at <= seen][-1].tables.get(table.id)
        return evolve(table, rows={} if old is None else old.rows)

    def _page(self, table: Table, options: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        if options.get("cellFormat", "json") != "json":
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: this server has cellFormat json only")
        names = options.get("fields", [])
        if not isinstance(names, list):
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: fields must be a list")
        only = [table.column(name) for name in names]
        size = records.natural(options.get("pageSize", 100), "pageSize", 100)
        if offset := options.get("offset"):
            iterator_id, rows, start = self._resumed(table, options, str(offset), now)
        else:
            iterator_id, rows, start = "", records.listed(table, options, self.unknowns, now), 0
        by_id = _flag(options.get("returnFieldsByFieldId"))
        page = [shown(table, row, self.unknowns, by_id=by_id, only=only) for row in rows[start : start + size]]
        if len(rows) <= start + size:
            return {"records": page}
        iterator_id = iterator_id or self._new_id("itr")
        self._forget_iterators(now)
        self._iterators[iterator_id] = _Iterator(table.id, tuple(rows), now)
        return {"records": page, "offset": f"{iterator_id}/{rows[start + size].id}"}

    def _forget_iterators(self, now: datetime) -> None:
        oldest = now - self.limits.iterator_lifetime
        self._iterators = {id_: iterator for id_, iterator in self._iterators.items() if iterator.used >= oldest}

    def _resumed(
        self, table: Table, options: Mapping[str, Any], offset: str, now: datetime
    ) -> tuple[str, Sequence[Row], int]:
        """The iterator of an offset, its rows, and the place where the next page begins."""
        iterator_id, _, row_id = offset.partition("/")
        if not iterator_id.startswith("itr") or not row_id.startswith("rec"):
            raise ApiError(422, "INVALID_OFFSET_VALUE", "The value of offset is invalid")
        found = self._iterators.get(iterator_id)
        if found is None or found.table_id != table.id or now - found.used > self.limits.iterator_lifetime:
            message = "The iterator is not available any more. Start the listing again from the beginning."
            raise ApiError(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", message)
        start = next((place for place, row in enumerate(found.rows) if row.id == row_id), None)
        if start is None:
            raise ApiError(422, "INVALID_OFFSET_VALUE", "The value of offset is invalid")
        if self.unknowns.pages_are_a_snapshot:
            return iterator_id, found.rows, start
        return iterator_id, records.listed(table, options, self.unknowns, now), start

    # Writing

    def _write(
        self, request: Request, token: Token, base: Base, table: Table, rest: Sequence[str], now: datetime
    ) -> _Result:
        match request.method, rest:
            case "DELETE", [row_id]:
                records.require_row(table, row_id, self.unknowns)
                return self._deleted(base, table, [row_id], now, single=True)
            case "DELETE", []:
                ids = request.parameters.get("records", [])
                records.require_batch(ids, "deleted")
                return self._deleted(base, table, ids, now)
            case "PATCH" | "PUT", [row_id]:
                records.require_row(table, row_id, self.unknowns)
                body = request.json()
                writing = self._writing(request.method, body, token, now)
                return self._saved(base, table, [{**body, "id": row_id}], writing, body, single=True)
            case "POST" | "PATCH" | "PUT", []:
                body = request.json()
                writing = self._writing(request.method, body, token, now)
                return self._saved_batch(base, table, writing, body)
        raise ApiError(*NOT_FOUND)

    def _writing(self, method: str, body: Mapping[str, Any], token: Token, now: datetime) -> Writing:
        return Writing(
            method=method,
            now=now,
            new_id=self._new_id,
            unknowns=self.unknowns,
            typecast=_flag(body.get("typecast")),
            may_add_choices=token.permits("create"),
        )

    def _saved_batch(self, base: Base, table: Table, writing: Writing, body: Mapping[str, Any]) -> _Result:
        if writing.method == "POST" and "records" not in body:
            return self._saved(base, table, [body], writing, body, single=True)
        if writing.method != "POST" and "performUpsert" in body:
            writing = evolve(writing, merge=_merge(table, body["performUpsert"]))
        entries = body.get("records")
        records.require_batch(entries, "created" if writing.method == "POST" else "updated")
        return self._saved(base, table, entries, writing, body)

    def _deleted(self, base: Base, table: Table, ids: Sequence[str], now: datetime, *, single: bool = False) -> _Result:
        records.require_rows(table, ids)
        rows = {row_id: row for row_id, row in table.rows.items() if row_id not in ids}
        self._commit(base.with_table(evolve(table, rows=rows)), now)
        gone = [{"deleted": True, "id": row_id} for row_id in ids]
        return gone[0] if single else {"records": gone}, tuple(("deleted", row_id) for row_id in ids)

    def _saved(
        self,
        base: Base,
        table: Table,
        entries: Any,
        writing: Writing,
        body: Mapping[str, Any],
        *,
        single: bool = False,
    ) -> _Result:
        """Create or update up to ten records, all or none."""
        for entry in entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict):
                message = 'Could not find field "fields" in the request body'
                raise ApiError(422, "INVALID_REQUEST_MISSING_FIELDS", message)
        table, done = records.saved(table, entries, writing)
        base = base.with_table(table)
        if any(verb == "created" for verb, _ in done):
            self._require_room(base)
        self._commit(base, writing.now)
        by_id = _flag(body.get("returnFieldsByFieldId"))
        answers = [shown(table, row, self.unknowns, by_id=by_id) for _, row in done]
        changed = tuple((verb, row.id) for verb, row in done)
        if single:
            return answers[0], changed
        lists = {f"{verb}Records": [id_ for done_, id_ in changed if done_ == verb] for verb in ("created", "updated")}
        return {"records": answers, **(lists if writing.merge else {})}, changed

    def _require_room(self, base: Base) -> None:
        most = self.limits.records_per_base
        if most is not None and sum(len(table.rows) for table in base.tables.values()) > most:
            raise ApiError(422, "RECORD_LIMIT_REACHED", f"This base cannot hold more than {most} records")

    def _commit(self, base: Base, now: datetime) -> None:
        versions = (*self._versions[base.id], (now, base))
        seen = now - self.unknowns.lists_see_writes_after
        oldest = max(place for place, (at, _) in enumerate(versions) if at <= seen)
        self._versions[base.id] = versions[oldest:]


def _flag(value: object) -> bool:
    return value in (True, "true", "1")


_MERGEABLE = frozenset({"number", "singleLineText", "multilineText", "singleSelect", "multipleSelects", "date"})
"""Airtable Web API, "Update multiple records", fieldsToMergeOn; dateTime is not listed there."""


def _merge(table: Table, upsert: object) -> list[Column]:
    """The columns that an upsert merges on. Raises ApiError."""
    names = upsert.get("fieldsToMergeOn") if isinstance(upsert, dict) else None
    if not isinstance(names, list) or not 1 <= len(names) <= 3:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", "fieldsToMergeOn must name 1 to 3 fields")
    columns = [table.column(name) for name in names]
    for column in columns:
        if column.type not in _MERGEABLE:
            raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Field {column.name} cannot be merged on")
    return columns
