"""What every operation gets besides its request, and what it results in."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any

from attrs import frozen

from .limits import Limits
from .messages import ApiError, Change
from .tables import Base, NewId
from .tokens import Token
from .unknowns import Unknowns


@frozen
class Context:
    """When a request arrives, with which token, and how the service is set."""

    token: Token
    now: datetime
    new_id: NewId
    unknowns: Unknowns
    limits: Limits


@frozen
class Outcome:
    """The result of a request that succeeds: the answer's body, what changed, and the base after it.

    `base` is None if the request only reads.
    """

    body: Any
    changed: tuple[Change, ...] = ()
    base: Base | None = None


_OF_RECORDS = frozenset({"cellFormat", "timeZone", "userLocale", "returnFieldsByFieldId"})
LISTING = _OF_RECORDS | {
    *("fields", "filterByFormula", "maxRecords", "pageSize", "sort", "view", "recordMetadata", "offset"),
}
"""The options of a list, in the query or in a body (Airtable Web API, "List records")."""
READING = _OF_RECORDS
"""The options of a single record."""
SAVING = frozenset({"records", "fields", "typecast", "returnFieldsByFieldId", "performUpsert"})
"""What the body of a request may have that creates or updates."""


def require_known(given: Iterable[str], known: Container[str]) -> None:
    """Raises ApiError for an option that does not exist."""
    if unknown := [name for name in given if name not in known]:
        raise ApiError(422, "INVALID_REQUEST_UNKNOWN", f"Invalid request: unknown option {unknown[0]}")


def flag(value: object) -> bool:
    """A boolean of a JSON body or a query string."""
    return value in (True, "true", "1")
