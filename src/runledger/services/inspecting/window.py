"""The hours of the week in which a client is expected to start runs. Pure: the time zone is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from attrs import field, frozen

from ...domain import InvalidValue
from ...domain.key import is_a
from ...domain.visible import shown

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = 24 * 60
_HOUR = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = f"({_HOUR})-({_HOUR}|24:00)"
_FIRST_DAY = datetime(1, 1, 4, tzinfo=UTC)
"""What is earlier is not counted: in some zone, the day before may be in the year 0."""


def days_of(names: Iterable[str]) -> frozenset[int]:
    """Days of the week, 0 for Monday, from their names: mon, tue, wed, thu, fri, sat, sun. Raises InvalidValue."""
    if not issubclass(type(names), Iterable):
        raise InvalidValue(f"{shown(names)} is not a list of days of the week: use {', '.join(DAYS)}.")
    given = list(names)
    for name in given:
        if name not in DAYS:
            raise InvalidValue(f"{shown(name)} is not a day of the week: use {', '.join(DAYS)}.")
    if not given:
        raise InvalidValue(f"it names no day: give at least one of {', '.join(DAYS)}, or leave it out for all.")
    return frozenset(map(DAYS.index, given))


def hours_of(text: str) -> tuple[int, int]:
    """When a day's window begins and ends, in minutes after midnight, from text such as 08:00-18:00.

    An end that is not after the begin is on the next day: 22:00-06:00 ends after 1,800 minutes. Raises InvalidValue.
    """
    found = re.fullmatch(_HOURS, text, re.ASCII) if is_a(text, str) else None
    if found is None:
        raise InvalidValue(
            f"{shown(text)} is not a span of hours: write it like 08:00-18:00, or 22:00-06:00 over midnight."
        )
    if found[1] == found[2]:
        raise InvalidValue(
            f"{shown(text)} begins and ends at the same time: give two times, or leave it out for all hours."
        )
    begin, end = (int(hour) * 60 + int(minute) for hour, minute in (each.split(":") for each in found.groups()))
    return begin, end if begin < end else end + _MIDNIGHT


@frozen(kw_only=True)
class Window:
    """The hours of some days of the week, in a time zone. The window of a day may end on the next day.

    `days` are 0 for Monday to 6, and `hours` minutes after midnight, as `days_of` and `hours_of` return them.
    A time that the clocks skip in spring is as much later as they skip; of a time that comes twice in autumn, the first
    counts (RFC 5545, section 3.3.5). So a window may be an hour shorter or longer on these days.
    """

    zone: tzinfo = field()
    days: frozenset[int] = field(default=frozenset(range(7)))
    hours: tuple[int, int] = field(default=(0, _MIDNIGHT))

    @zone.validator
    def _check_zone(self, _attribute: object, zone: tzinfo) -> None:
        if not isinstance(zone, tzinfo):
            raise InvalidValue(f"zone is {type(zone).__name__}: give a tzinfo, such as ZoneInfo('Europe/Berlin').")

    @days.validator
    def _check_days(self, _attribute: object, days: frozenset[int]) -> None:
        if not isinstance(days, Set) or not days or any(day not in range(7) for day in days):
            raise InvalidValue(f"days is {shown(days)}: give the days that `days_of` returns.")

    @hours.validator
    def _check_hours(self, _attribute: object, hours: tuple[int, int]) -> None:
        match hours:
            case (int(begin), int(end)) if 0 <= begin < _MIDNIGHT and begin < end <= begin + _MIDNIGHT:
                return
        raise InvalidValue(f"hours is {shown(hours)}: give the minutes that `hours_of` returns.")

    def holds_more_than(self, bound: timedelta, start: datetime, at: datetime) -> bool:
        """Whether more than `bound` of the time from `start` to `at` lies within the window. No time counts twice."""
        earliest, latest = max(start, _FIRST_DAY), at
        day = at.astimezone(self.zone).date()
        counted = timedelta()
        while counted <= bound:
            begin, end = self._of(day)
            if end <= earliest:
                return False
            if day.weekday() in self.days:
                begin, end = max(begin, earliest), min(end, latest)
                counted += max(end - begin, timedelta())
                latest = min(latest, begin)
            day -= timedelta(days=1)
        return True

    def _of(self, day: date) -> tuple[datetime, datetime]:
        begin, end = (self._moment(day, minutes) for minutes in self.hours)
        return begin, end

    def _moment(self, day: date, minutes: int) -> datetime:
        local = datetime.combine(day, time.min) + timedelta(minutes=minutes)
        return local.replace(tzinfo=self.zone).astimezone(UTC)
