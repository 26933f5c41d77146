"""Airtable's Web API as a state machine: a request goes in, a response comes out, and the state has changed.

There are no threads, sockets or waits here, and time and ids come from outside, so that a test can go through every
order of events. The behaviour follows Airtable's Web API reference and support pages; `Unknowns` holds what those leave
open.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from . import records
from .bases import Bases, table_of
from .limits import Limits, Usage
from .listings import Listings
from .messages import NOT_FOUND, ApiError, Request, Response
from .metadata import metadata
from .operations import LISTING, READING, Context, Outcome, flag, require_known
from .records import shown
from .tables import Base, Column, NewId, Table
from .tokens import Token, authenticated
from .unknowns import Unknowns
from .writes import written

MAX_URL = 16_000
"""Characters (Airtable support, "URL length limitations for web API requests")."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def random_id(prefix: str) -> str:
    """An id in Airtable's form: a prefix of three letters, then 14 letters and digits."""
    return prefix + "".join(random.choices(string.ascii_letters + string.digits, k=14))


class AirtableService:
    """Bases, tables and records, which only requests change. Not thread-safe: give it one request at a time.

    `now` and `new_id` provide the time and new ids.
    """

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
        self._bases = Bases()
        self._listings = Listings()
        self._usage = Usage()

    def copy(self, *, now: Callable[[], datetime] | None = None, new_id: NewId | None = None) -> AirtableService:
        """An independent service in the same state. Cheap: everything that is shared is immutable."""
        twin = AirtableService(
            self._tokens.values(),
            unknowns=self.unknowns,
            limits=self.limits,
            now=now or self._now,
            new_id=new_id or self._new_id,
        )
        twin._bases, twin._listings, twin._usage = self._bases.copy(), self._listings.copy(), self._usage.copy()
        return twin

    def snapshot(self) -> Hashable:
        """All records of all tables, as they are and as lists may still show them, as one hashable value."""
        return self._bases.snapshot()

    def add_base(self, name: str, tables: Iterable[Table], base_id: str | None = None) -> str:
        """Make a base, as a person does in Airtable's own pages, and return its id."""
        identified = [table.identified(self._new_id) for table in tables]
        base = Base(base_id or self._new_id("app"), name, {table.id: table for table in identified})
        self._bases.add(base)
        return base.id

    def set_column(self, base_id: str, table: str, column: Column) -> None:
        """Add a column, or replace the one of the same name, as a person can in Airtable's own pages.

        Unlike the metadata API, this takes any type. `table` is a name or an id.
        """
        base = self._bases[base_id]
        found = table_of(base, table)
        same = next((old.id for old in found.columns if old.name == column.name), column.id)
        made = evolve(column, id=same).identified(self._new_id)
        self._commit(base.with_table(found.with_column(made)), self._now())

    def records(self, base_id: str, table: str) -> list[dict[str, Any]]:
        """All records of a table as they are now, oldest first, without a request."""
        found = table_of(self._bases[base_id], table)
        return [shown(found, row, self.unknowns) for row in found.rows.values()]

    def expire_iterators(self) -> None:
        """End every list that has further pages, as a restart of Airtable's server does."""
        self._listings.clear()

    def handle(self, request: Request) -> Response:
        """Carry out a request, completely or not at all, and return the answer."""
        now = self._now()
        try:
            outcome = self._outcome(request, now)
        except ApiError as error:
            return Response.of(error.status, error.body, now, headers=error.headers)
        if outcome.base is not None:
            self._commit(outcome.base, now)
        return Response.of(200, outcome.body, now, changed=outcome.changed)

    def _commit(self, base: Base, now: datetime) -> None:
        self._bases.commit(base, now, self.unknowns.lists_see_writes_after)

    def _outcome(self, request: Request, now: datetime) -> Outcome:
        token = authenticated(request, self._tokens)
        context = Context(token, now, self._new_id, self.unknowns, self.limits)
        if len(request.url) > MAX_URL:
            raise ApiError(414, "URI_TOO_LONG", f"The URL is longer than {MAX_URL} characters")
        match request.segments:
            case ["meta", *rest]:
                return metadata(request, rest, self._bases, context)
            case [base_id, table, *rest]:
                reading = request.method == "GET" or (request.method, rest) == ("POST", ["listRecords"])
                scope = "data.records:read" if reading else "data.records:write"
                base = self._bases.visible(base_id, token, scope)
                self._usage.count(base_id, now, self.limits, self.unknowns)
                found = table_of(base, table)
                if reading:
                    return Outcome(self._read(request, base, found, rest, context))
                return written(request, base, found, rest, context)
        raise ApiError(*NOT_FOUND)

    def _read(self, request: Request, base: Base, table: Table, rest: Sequence[str], context: Context) -> Any:
        match request.method, rest:
            case ("GET", []) | ("POST", ["listRecords"]):
                require_known(request.parameters, LISTING)
                options = request.parameters if request.method == "GET" else request.json()
                require_known(options, LISTING)
                listed = self._bases.as_listed(base, table, context.now, self.unknowns.lists_see_writes_after)
                return self._listings.page(listed, options, context)
            case "GET", [row_id]:
                require_known(request.parameters, READING)
                by_id = flag(request.parameters.get("returnFieldsByFieldId"))
                # "If we can't locate the record on a given table, the request will fallback to a base wide search."
                for other in (table, *base.tables.values()):
                    if row_id in other.rows:
                        return shown(other, other.rows[row_id], self.unknowns, by_id=by_id)
                records.require_row(table, row_id, self.unknowns)
        raise ApiError(*NOT_FOUND)
