"""Airtable's limits on requests and records, and the count of requests against them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import frozen

from .messages import ApiError
from .tables import Base
from .unknowns import Unknowns

_NEVER = datetime.min.replace(tzinfo=UTC)


@frozen(kw_only=True)
class Limits:
    """The limits that a service enforces; None means no limit.

    Airtable documents 5 requests a second for each base, 30 seconds of refusals after exceeding that, and a maximum
    number of records for each base, over all its tables. It does not document the error for a full base.
    """

    requests_per_second: int | None = None
    penalty: timedelta = timedelta(seconds=30)
    requests_left_this_month: int | None = None
    records_per_base: int | None = None
    iterator_lifetime: timedelta = timedelta(minutes=5)

    def require_room(self, base: Base) -> None:
        """Raises ApiError if the base holds more records than it may."""
        most = self.records_per_base
        if most is not None and sum(len(table.rows) for table in base.tables.values()) > most:
            raise ApiError(422, "RECORD_LIMIT_REACHED", f"This base cannot hold more than {most} records")


class Usage:
    """The requests that were counted: in all, and for each base within the last second."""

    def __init__(self) -> None:
        self._total = 0
        self._recent: dict[str, tuple[datetime, ...]] = {}
        self._blocked_until: dict[str, datetime] = {}

    def copy(self) -> Usage:
        twin = Usage()
        twin._total = self._total
        twin._recent, twin._blocked_until = dict(self._recent), dict(self._blocked_until)
        return twin

    def count(self, base_id: str, now: datetime, limits: Limits, unknowns: Unknowns) -> None:
        """Count a request. Raises ApiError if it exceeds a limit. A request during the penalty does not extend it."""
        self._total += 1
        if limits.requests_left_this_month is not None and self._total > limits.requests_left_this_month:
            message = "You have exceeded the monthly API billing limit for your workspace."
            raise ApiError(429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", message)
        if limits.requests_per_second is None:
            return
        recent = [call for call in self._recent.get(base_id, ()) if now - call < timedelta(seconds=1)]
        if now < self._blocked_until.get(base_id, _NEVER):
            raise _too_many(self._blocked_until[base_id] - now, unknowns)
        if len(recent) >= limits.requests_per_second:
            self._blocked_until[base_id] = now + limits.penalty
            raise _too_many(limits.penalty, unknowns)
        self._recent[base_id] = (*recent, now)


def _too_many(wait: timedelta, unknowns: Unknowns) -> ApiError:
    message = "Rate limit exceeded. Please try again later"
    seconds = str(-(-wait // timedelta(seconds=1)))
    error = ApiError(429, "RATE_LIMIT_REACHED", message)
    if unknowns.plural_429_body:
        error.body = {"errors": [{"error": "RATE_LIMIT_REACHED", "message": message}]}
    error.headers = {"Retry-After": seconds} if unknowns.retry_after_on_429 else {}
    return error
