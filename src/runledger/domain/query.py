"""Which records to find, and in which order they come."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from .errors import InvalidValue
from .record import RunKey, RunRecord, RunStatus, checked_status
from .values import checked_name, checked_time


@frozen(slots=False, kw_only=True)
class RunQuery:
    """Which records to find; every filter that is given must hold.

    `since` ≤ started_at < `until`; updated_at < `updated_before`; at most `limit` records.
    """

    run_id: str | None = None
    client_id: str | None = None
    status: RunStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    updated_before: datetime | None = None
    limit: int | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("run_id", "client_id"):
            if getattr(self, name) is not None:
                checked_name(getattr(self, name), name.replace("_", " "))
        for name in ("since", "until", "updated_before"):
            if getattr(self, name) is not None:
                self.__dict__[name] = checked_time(getattr(self, name), name)
        if self.status is not None:
            checked_status(self.status)
        if self.limit is not None and (type(self.limit) is not int or self.limit < 0):
            raise InvalidValue(f"limit is {self.limit!r}: give a whole number from 0.")

    def matches(self, record: RunRecord) -> bool:
        """Whether the filters, the limit aside, hold for a record."""
        return (
            self.run_id in (None, record.key.run_id)
            and self.client_id in (None, record.key.client_id)
            and self.status in (None, record.status)
            and (self.since is None or self.since <= record.started_at)
            and (self.until is None or record.started_at < self.until)
            and (self.updated_before is None or record.updated_at < self.updated_before)
        )


def newest_first(record: RunRecord) -> tuple[datetime, RunKey]:
    """The order of `find`, when sorted in reverse: by start, then run id, then client id, by code point."""
    return record.started_at, record.key
