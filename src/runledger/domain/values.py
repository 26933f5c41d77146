"""What may be stored: the rules for statuses, notes, log lines, texts, metric values and times. For ids see `key`.

Counts and seconds to wait are checked here too, because stores and services share those rules.

Each function returns the value in the form in which it is stored, or raises InvalidValue with a message that says what
is wrong. Text is stored exactly as given: never trimmed, normalised or re-cased. A value of a subclass of str, int,
float or datetime becomes the plain value that it is, so that every store keeps the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from threading import TIMEOUT_MAX
from typing import Any, NoReturn, Self, TypeGuard, TypeVar

from attrs import field, frozen

from .key import CONTROL, InvalidValue, checked_characters, checked_name, is_a, plain_text
from .representation import fields_shown
from .unchecked import unchecked
from .visible import shown

MAX_NOTE = 10_000
"""Characters of a note."""
MAX_TEXT = 100_000
"""Characters of a text metric or an error."""
MAX_INTEGER = 2**53
"""Beyond ±2^53 a double, which JSON readers and Airtable use for numbers, cannot represent every integer."""
MAX_COUNT = 2**63 - 1
"""The largest limit of a list. It is the largest number that SQLite and PostgreSQL can count to."""

K = TypeVar("K")
V = TypeVar("V")
MetricValue = str | int | float | bool | datetime

_UNSTORABLE = "\x00|[\ud800-\udfff]"
"""NUL and surrogates: no store keeps them in text."""


class RunStatus(Enum):
    """Running, then one of the final statuses, once."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    COMPLETED_WITH_ERRORS = "Completed with Errors"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"

    @property
    def is_final(self) -> bool:
        """Whether a run that has this status is finished."""
        return self is not RunStatus.RUNNING


_SEPARATORS = str.maketrans("", "", " _-")
_STATUSES = {status.value.translate(_SEPARATORS).lower(): status for status in RunStatus}


class ReadOnlyDict(dict[K, V]):
    """A dict that cannot be changed in place. It equals a dict with the same items."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_named: object) -> NoReturn:
        raise TypeError("this mapping is read-only: copy it with dict(…); a run changes by RunChange(metrics=…)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Self], tuple[dict[K, V]]]:
        return type(self), (dict(self),)


class Metrics(ReadOnlyDict[str, Any]):
    """Metric values by name. `json.dumps` takes them unless there are times among them."""

    __slots__ = ()


NO_METRICS = Metrics()


def checked_status(value: RunStatus | str) -> RunStatus:
    """A status, given as a RunStatus or by its label, in any case, with or without spaces, dashes or underscores."""
    if is_a(value, RunStatus):
        return value
    status = _STATUSES.get(str.__str__(value).translate(_SEPARATORS).lower()) if is_a(value, str) else None
    if status is None:
        raise InvalidValue(f"{shown(value)} is not a status: use one of {', '.join(s.value for s in RunStatus)}.")
    return status


def checked_note(value: str, what: str = "note") -> str:
    """A note: one line of 1 to 10,000 characters without control characters."""
    text = plain_text(value, what)
    if not text:
        raise InvalidValue(f"{what} is empty: leave it out, or give it text.")
    return checked_characters(text, what, MAX_NOTE, CONTROL)


def checked_text(value: str, what: str) -> str:
    """A text metric or an error: up to 100,000 characters. Line breaks are allowed, NUL and lone surrogates are not."""
    return checked_characters(plain_text(value, what), what, MAX_TEXT, _UNSTORABLE)


def checked_error(value: str) -> str:
    """What went wrong: text that is not empty."""
    text = checked_text(value, "error")
    if not text:
        raise InvalidValue("error is empty: say what went wrong, or leave it out.")
    return text


def storable_text(text: str) -> str:
    """Arbitrary text, an exception's message say, made fit for `checked_text`.

    Characters that cannot be stored become U+FFFD. What is too long is truncated and ends in "…".
    """
    # Most texts are printable, and compiling the pattern takes longer than all else in a short program.
    clean = text if text.isprintable() else re.sub(_UNSTORABLE, "\ufffd", text)
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - 1] + "…"


def checked_time(value: datetime, what: str) -> datetime:
    """An aware datetime, in UTC, truncated to the millisecond."""
    if not is_a(value, datetime):
        raise InvalidValue(f"{what} is {type(value).__name__}, not a datetime: give an aware datetime.")
    utc = value if type(value) is datetime else _plain_time(value, what)
    if utc.tzinfo is not UTC:
        utc = _in_utc(utc, what)
    micros = utc.microsecond
    return utc if micros % 1000 == 0 and not utc.fold else utc.replace(microsecond=micros - micros % 1000, fold=0)


def _plain_time(value: datetime, what: str) -> datetime:
    """The time of a subclass. Its fields may be beyond those of a datetime, or no numbers, as in pandas."""
    try:
        fields = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
        return datetime(*fields, tzinfo=value.tzinfo, fold=value.fold)
    except Exception:
        raise InvalidValue(f"{what} is no time of the years 1 to 9999: give an aware datetime.") from None


def _in_utc(at: datetime, what: str) -> datetime:
    local = at.replace(tzinfo=None)
    try:
        offset = at.utcoffset()
        if offset is not None:
            return (local - offset).replace(tzinfo=UTC)
    except OverflowError:
        raise InvalidValue(f"{what} {local.isoformat()} is outside the years 1 to 9999 in UTC.") from None
    except Exception:  # noqa: S110 (of a zone whose offset is not one of a day at most, say: the error below names it)
        pass
    raise InvalidValue(f"{what} {local.isoformat()} has no time zone: pass an aware datetime.")


def checked_count(value: int, what: str) -> int:
    """A whole number from 0 that stores can count to, up to 2^63-1."""
    if is_a(value, int) and not is_a(value, bool):
        count = int.__int__(value)
        if count > MAX_COUNT:
            raise InvalidValue(f"{what} is beyond 2^63-1: give a smaller number, or leave it out.")
        if count >= 0:
            return count
    raise InvalidValue(f"{what} is {shown(value)}: give a whole number from 0.")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is an int or a float. A bool is not a number here."""
    return (is_a(value, int) or is_a(value, float)) and not is_a(value, bool)


def can_be_waited(value: object) -> bool:
    """Whether a value is seconds, from 0 to what the platform can wait."""
    return is_number(value) and 0 <= value <= TIMEOUT_MAX


def checked_seconds(value: float, what: str) -> float:
    """Seconds that can be waited."""
    if not can_be_waited(value):
        raise InvalidValue(f"{what} is {shown(value)}: give seconds from 0 that can be waited.")
    return value


def checked_number(value: float, what: str) -> int | float:
    """An integer within ±2^53 or a finite float. A bool is not a number here."""
    if not is_number(value):
        raise InvalidValue(f"{what} is {type(value).__name__}, not a number: give an int or a float.")
    if is_a(value, int):
        integer = int.__int__(value)
        if not -MAX_INTEGER <= integer <= MAX_INTEGER:
            raise InvalidValue(f"{what} is beyond ±2^53: store it as text or as a float.")
        return integer
    number = float.__float__(value)
    if not math.isfinite(number):
        raise InvalidValue(f"{what} is {number}: only finite numbers can be stored.")
    return number + 0.0  # -0.0 becomes 0.0: not every store keeps the sign of zero


def checked_metrics(metrics: Mapping[str, MetricValue]) -> Metrics:
    """Metric values by name, each name and value checked."""
    return _checked_items(metrics, "metrics", _checked_value)


def checked_additions(additions: Mapping[str, int | float]) -> Mapping[str, int | float]:
    """Numbers to add by metric name, each name and number checked."""
    return _checked_items(additions, "add", _checked_addition)


def _checked_items(mapping: Mapping[str, Any], what: str, checked: Callable[[Any, str], MetricValue]) -> Metrics:
    if mapping is NO_METRICS:
        return NO_METRICS
    if not isinstance(mapping, Mapping):
        raise InvalidValue(f"{what} is {type(mapping).__name__}: give a mapping of names to values.")
    # Most values are plain integers: the others cost a call, and the words for an error about them.
    items = Metrics(
        {
            checked_name(name, "metric name"): value
            if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER
            else checked(value, name)
            for name, value in mapping.items()
        }
    )
    if len(items) < len(mapping):  # names of a subclass of str may differ, and be the same text
        raise InvalidValue(f"{what} has two names that are the same text: name each metric once.")
    return items


def _checked_value(value: MetricValue, name: str) -> MetricValue:
    if value is True or value is False or (type(value) is str and value.isprintable() and len(value) <= MAX_TEXT):
        return value  # before the words for an error, which take longer than everything else
    what = f"metric {shown(name)}"
    if is_number(value):
        return checked_number(value, what)
    if is_a(value, str):
        return checked_text(value, what)
    if is_a(value, datetime):
        return checked_time(value, what)
    raise InvalidValue(f"{what} is {type(value).__name__}: a metric is str, int, float, bool or an aware datetime.")


def _checked_addition(number: float, name: str) -> int | float:
    return checked_number(number, f"addition to {shown(name)}")


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
