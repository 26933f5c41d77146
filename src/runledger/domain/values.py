"""What may be stored: the rules for ids, names, notes, texts, metric values and times.

Each function returns the value as it is kept, or raises InvalidValue with a sentence that says what is wrong where.
Text is kept exactly: never trimmed, normalised or re-cased.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, Self, TypeVar

from .errors import InvalidValue

MAX_NAME = 255
MAX_NOTE = 10_000
MAX_TEXT = 100_000
MAX_INTEGER = 2**53
"""Beyond this a double, which JSON readers and Airtable's numbers are, cannot hold every integer."""

K = TypeVar("K")
V = TypeVar("V")
MetricValue = str | int | float | bool | datetime

# Surrogates stand apart: a class of characters from both ends of Unicode takes long to compile.
_CONTROL = "[\x00-\x1f\x7f-\x9f]|[\ud800-\udfff]"
_UNSTORABLE = "\x00|[\ud800-\udfff]"
"""No store keeps NUL or half of a surrogate pair in text."""


class ReadOnlyDict(dict[K, V]):
    """A dict that cannot be changed in place, equal to a dict of the same items."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_named: object) -> NoReturn:
        raise TypeError("this mapping is read-only: copy it with dict(…); a run changes by RunChange(metrics=…)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Self], tuple[dict[K, V]]]:
        return type(self), (dict(self),)


class Metrics(ReadOnlyDict[str, Any]):
    """Metric values by name; without times among them, fit for `json.dumps`."""

    __slots__ = ()


NO_METRICS = Metrics()


def checked_name(value: str, what: str) -> str:
    """An id or name: 1 to 255 characters, no control characters, no white space at either end."""
    _require_text(value, what)
    if value.isprintable() and 0 < len(value) <= MAX_NAME and value.strip() == value:
        return value
    if not value:
        raise InvalidValue(f"{what} is empty: give it 1 to {MAX_NAME} characters.")
    if value.strip() != value:
        raise InvalidValue(
            f"{what} {_shown(value)} begins or ends with white space: remove it where the value is made."
        )
    return _checked(value, what, MAX_NAME, _CONTROL)


def checked_note(value: str) -> str:
    """A note: one line of 1 to 10,000 characters without control characters."""
    if _require_text(value, "note") == "":
        raise InvalidValue("note is empty: leave it out, or give it text.")
    return _checked(value, "note (one line of text)", MAX_NOTE, _CONTROL)


def checked_text(value: str, what: str) -> str:
    """A text metric or an error: up to 100,000 characters, line breaks allowed, NUL and lone surrogates not."""
    return _checked(_require_text(value, what), what, MAX_TEXT, _UNSTORABLE)


def checked_error(value: str) -> str:
    """What went wrong: text that is not empty."""
    if checked_text(value, "error") == "":
        raise InvalidValue("error is empty: say what went wrong, or leave it out.")
    return value


def storable_text(text: str) -> str:
    """Text that nobody chose, such as an exception's, made to fit `checked_text`: replaced and cut in plain sight."""
    clean = re.sub(_UNSTORABLE, "\ufffd", text)
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - 1] + "…"


def checked_time(value: datetime, what: str) -> datetime:
    """An aware datetime, in UTC, cut to the millisecond."""
    if not isinstance(value, datetime):
        raise InvalidValue(f"{what} is {type(value).__name__}, not a datetime.")
    utc = value
    if value.tzinfo is not UTC:
        if value.tzinfo is None or value.utcoffset() is None:
            raise InvalidValue(f"{what} {value.isoformat()} has no time zone: pass an aware datetime.")
        try:
            utc = value.astimezone(UTC)
        except OverflowError:
            raise InvalidValue(f"{what} {value.isoformat()} is outside the years 1 to 9999 in UTC.") from None
    micros = utc.microsecond
    return utc if micros % 1000 == 0 and not utc.fold else utc.replace(microsecond=micros - micros % 1000, fold=0)


def checked_number(value: float, what: str) -> int | float:
    """An integer within ±2^53 or a finite float; a bool is not a number here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValue(f"{what} is {type(value).__name__}, not a number.")
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise InvalidValue(f"{what} is beyond ±2^53: store it as text or as a float.")
        return int(value)
    if not math.isfinite(value):
        raise InvalidValue(f"{what} is {value}: only finite numbers can be stored.")
    return float(value) + 0.0  # -0.0 becomes 0.0: not every store keeps its sign


def checked_metrics(metrics: Mapping[str, MetricValue]) -> Metrics:
    """Metric values by name, each name and value checked."""
    return _checked_items(metrics, "metrics", _checked_value)


def checked_additions(additions: Mapping[str, int | float]) -> Mapping[str, int | float]:
    """Numbers to add by metric name, each name and number checked."""
    return _checked_items(additions, "add", lambda number, name: checked_number(number, f"addition to {_shown(name)}"))


def checked_list(items: Iterable[V], what: str, wanted: str) -> list[V]:
    """Items that come one by one; text, which does too, is one thing."""
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise InvalidValue(f"{what} is {type(items).__name__}: give a list of {wanted}.")
    return list(items)


def _checked_items(mapping: Mapping[str, Any], what: str, checked: Callable[[Any, str], MetricValue]) -> Metrics:
    if not mapping:
        return NO_METRICS
    if not isinstance(mapping, Mapping):
        raise InvalidValue(f"{what} is {type(mapping).__name__}: give a mapping of names to values.")
    return Metrics({checked_name(name, "metric name"): checked(value, name) for name, value in mapping.items()})


def _checked_value(value: MetricValue, name: str) -> MetricValue:
    what = f"metric {_shown(name)}"
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return checked_number(value, what)
    if isinstance(value, str):
        return checked_text(value, what)
    if isinstance(value, datetime):
        return checked_time(value, what)
    raise InvalidValue(f"{what} is {type(value).__name__}: a metric is str, int, float, bool or an aware datetime.")


def _require_text(value: str, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{what} is {type(value).__name__}, not text.")
    return value


def _checked(value: str, what: str, longest: int, forbidden: str) -> str:
    if len(value) > longest:
        raise InvalidValue(f"{what} has {len(value)} characters: at most {longest:,} can be stored.")
    if found := re.search(forbidden, value):
        raise InvalidValue(
            f"{what} {_shown(value)} has the character U+{ord(found.group()):04X} at position {found.start() + 1}: "
            "it cannot be stored there."
        )
    return value


def _shown(value: str) -> str:
    text = repr(value)  # which escapes what cannot be printed
    return text if len(text) <= 60 else text[:57] + "…'"
