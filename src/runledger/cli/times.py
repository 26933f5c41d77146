"""Times as a command shows them: in UTC or in local time, and to people how long ago they were."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ..domain.json_form import time_text
from ..services.inspecting.duration import age_text
from ..services.inspecting.future import is_in_future

local_option = click.option("--local", is_flag=True, help="Times in your time zone. [default: in UTC]")


class Times:
    """How one command shows times: in UTC, or with `local` in the time zone of the machine or of the variable TZ.

    `now` is when the command began.
    """

    def __init__(self, *, local: bool = False, now: datetime | None = None) -> None:
        self._local = local
        self._now = now or datetime.now(UTC)
        self.zone = "local" if local else "UTC"

    def minute(self, at: datetime) -> str:
        """A time to the minute, without its zone."""
        return f"{self._shown(at):%Y-%m-%d %H:%M}"

    def minute_in_zone(self, at: datetime) -> str:
        """A time to the minute, with its zone."""
        return f"{self.minute(at)} {self._zone(at)}"

    def moment(self, at: datetime) -> str:
        """A time to the millisecond, with its zone."""
        return f"{self._shown(at):%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} {self._zone(at)}"

    def text(self, at: datetime) -> str:
        """A time for programs: ISO 8601 to the millisecond, with its zone."""
        return self._shown(at).isoformat(timespec="milliseconds") if self._local else time_text(at)

    def age(self, at: datetime) -> str:
        """How long it has been since a time, such as 2h."""
        return age_text(self._now - at)

    def ago(self, at: datetime) -> str:
        """How long ago a time was, such as 2h ago; of a time in the future, when it will be, such as in 2h."""
        if is_in_future(at, self._now):
            return f"in {age_text(at - self._now)}"
        return f"{self.age(at)} ago"

    def _shown(self, at: datetime) -> datetime:
        if not self._local:
            return at
        try:
            return at.astimezone()
        except (OverflowError, ValueError, OSError):  # in the years 1 and 9999, or beyond what the system knows
            return at

    def _zone(self, at: datetime) -> str:
        return self._shown(at).isoformat(timespec="minutes")[len("2025-11-24T08:15") :] if self._local else "UTC"


def chosen_times(local: bool, as_json: bool) -> Times:
    """The times of a command with these options. Raises UsageError for both, because JSON has its times in UTC."""
    if local and as_json:
        raise click.UsageError("--json has its times in UTC: leave out --local.")
    return Times(local=local)
