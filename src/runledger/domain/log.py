"""A line of a run's log."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from .representation import fields_shown
from .unchecked import unchecked
from .values import checked_note, checked_time


def _time(value: datetime) -> datetime:
    return checked_time(value, "time of a log line")


@frozen(weakref_slot=False)
class LogLine:
    """One note of a run's log, with its time. Raises InvalidValue for a time or text that cannot be stored."""

    __repr__ = fields_shown

    at: datetime = field(converter=_time)
    text: str = field(converter=checked_note)

    @classmethod
    def trusted(cls, at: datetime, text: str) -> LogLine:
        """A line whose time and text are known to be valid, without the checks."""
        return unchecked_line(at, text)


unchecked_line = unchecked(LogLine)
