"""The notations of time that a file may use: ISO 8601, seconds or milliseconds since 1970, patterns of strptime."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

from ...domain import InvalidValue
from ...domain.json_form import MALFORMED, time_of_iso

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,9})?")
_SAMPLE = datetime(2005, 11, 24, 20, 15, 30, tzinfo=UTC)
"""No two of its numbers are alike, and its hour is after noon."""


def checked_time_format(name: str) -> str:
    """The name of a notation, or a pattern of strptime that is never ambiguous. Raises InvalidValue."""
    if name in _NOTATIONS:
        return name
    if not isinstance(name, str) or "%" not in name:
        raise InvalidValue(
            f"{name!r} is not a time format: use {', '.join(_NOTATIONS)}, or a pattern such as '%d.%m.%Y %H:%M'."
        )
    if "%Z" in name.replace("%%", ""):
        raise InvalidValue(f"the time format {name!r} has %Z, but names of zones are ambiguous: use %z for an offset.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pattern without a year, which is rejected below
            again = datetime.strptime(_SAMPLE.strftime(name), name)  # noqa: DTZ007, only its numbers count
    except (ValueError, re.error) as error:
        raise InvalidValue(f"the time format {name!r} is not a pattern of strptime ({error}).") from None
    if again.date() != _SAMPLE.date():
        raise InvalidValue(f"the time format {name!r} has no year, month and day: a time needs them.")
    if again.hour not in (0, _SAMPLE.hour):
        raise InvalidValue(f"the time format {name!r} has %I, the hours up to 12, without %p: add it, or use %H.")
    return name


def time_of(value: Any, time_format: str) -> datetime | None:
    """The time of a value in a notation that was checked; None if it is not in that notation. It may have no zone."""
    try:
        if read := _NOTATIONS.get(time_format):
            return read(value)
        return _time_of_pattern(value, time_format)
    except MALFORMED:
        return None


@lru_cache(maxsize=4096)
def _time_of_pattern(text: str, pattern: str) -> datetime:
    return datetime.strptime(text, pattern)  # noqa: DTZ007, the mapping has the zone


def _since_1970(value: Any, per_second: int) -> datetime:
    text = value if isinstance(value, str) else repr(value)
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    micros = Decimal(text) * (1_000_000 // per_second)
    return _EPOCH + timedelta(microseconds=int(micros.to_integral_value(ROUND_FLOOR)))


_NOTATIONS: dict[str, Callable[[Any], datetime]] = {
    "iso": time_of_iso,
    "epoch": lambda value: _since_1970(value, 1),
    "epoch-ms": lambda value: _since_1970(value, 1000),
}
