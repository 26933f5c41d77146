"""Command-line arguments as values: statuses, moments, durations, name=value pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from ..domain import InvalidValue, MetricValue, RunStatus
from ..domain.json_form import time_of_iso
from ..domain.values import checked_number, checked_status, checked_time

if TYPE_CHECKING:
    from ..domain.preparation import MetricColumn

    _ParamType = click.ParamType[Any]
else:  # generic for type checkers only: before click 8.4 the class itself is not
    _ParamType = click.ParamType

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART = r"(\d+(?:\.\d+)?)([smhdw])"
_DURATION = f"(?:{_PART})+"
_TIME = r"\d{4}-\d\d-\d\d[T ]"
"""How a time begins. ISO 8601 without dashes, or by weeks, could also be an id."""

_NOW = "runledger.now"
"""Set in the context's `meta` to the time when the command read its first moment."""


def duration_of(text: str) -> timedelta:
    """A duration such as 90s, 15m, 2h, 1h30m, 3d or 1w."""
    parts = re.findall(_PART, text) if re.fullmatch(_DURATION, text.strip()) else []
    units = [_UNITS[unit] for _, unit in parts]
    try:
        if parts and len(units) == len(set(units)):
            return timedelta(**{unit: float(number) for unit, (number, _) in zip(units, parts, strict=True)})
    except OverflowError:
        pass
    raise InvalidValue(f"{text!r} is not a duration: write a number and s, m, h, d or w, like 90s, 2h or 1h30m.")


def interval_of(text: str) -> timedelta:
    """A duration, or 0."""
    return timedelta() if text.strip() == "0" else duration_of(text)


def span_of(text: str) -> timedelta:
    """A duration of more than 0."""
    if span := duration_of(text):
        return span
    raise InvalidValue(f"{text!r} is no time at all: give more than 0, like 2h.")


def written_span_of(text: str) -> tuple[str, timedelta]:
    """A duration of more than 0, after the words in which it was given."""
    return text.strip(), span_of(text)


def count_of(text: str) -> int:
    """A whole number from 1."""
    if re.fullmatch("[0-9]{1,18}", text) and int(text) > 0:
        return int(text)
    raise InvalidValue(f"{text!r} is not a number of runs: give a whole number from 1.")


def fraction_of(text: str) -> float:
    """A fraction from 0 up to, and without, 1."""
    with suppress(ValueError):
        if 0 <= float(text) < 1:
            return float(text)
    raise InvalidValue(f"{text!r} is not a fraction: give a number from 0 and below 1, such as 0.01 for one percent.")


def moment_of(text: str, now: datetime | None = None) -> datetime:
    """A moment: an ISO date (midnight UTC), an ISO time with its zone, or how long before `now`, such as 2h."""
    if re.fullmatch(_DURATION, text.strip()):
        try:
            return (now or datetime.now(UTC)) - duration_of(text)
        except OverflowError:
            raise InvalidValue(f"{text!r} ago is before the year 1.") from None
    with suppress(ValueError):
        if not text.isdigit():
            return datetime.combine(date.fromisoformat(text), time.min, UTC)
    try:
        moment = time_of_iso(text)
    except ValueError:
        raise InvalidValue(
            f"{text!r} is not a time: write 2025-11-24, 2025-11-24T08:15:00Z, or 2h for two hours ago."
        ) from None
    if moment.tzinfo is None:
        raise InvalidValue(f"{text!r} has no time zone: add Z for UTC, or an offset such as +01:00.")
    return checked_time(moment, f"the time {text!r}")


def past_of(text: str) -> datetime:
    """The moment that is a duration of more than 0 ago."""
    if not duration_of(text):
        raise InvalidValue(f"{text!r} is not an age: give more than 0, like 400d.")
    return moment_of(text)


def metric_of(text: str) -> tuple[str, MetricValue]:
    """A metric from name=value: a JSON number, true, false or quoted text, a time with its zone, else text."""
    name, value = _pair(text)
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        parsed = value
    if isinstance(parsed, (str, int, float)) and parsed is not value:
        return name, parsed
    if re.match(_TIME, value):
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            return name, moment if moment.tzinfo else value
    return name, value


def addition_of(text: str) -> tuple[str, int | float]:
    """A number to add from name=number."""
    name, value = _pair(text)
    try:
        return name, checked_number(json.loads(value), f"addition to {name!r}")
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, InvalidValue) else f"{value!r} is not a number."
        raise InvalidValue(f"cannot add {text!r}: {reason}") from None


def meaning_of(text: str) -> tuple[str, RunStatus]:
    """A word in a file and the status that it means, from word=status."""
    word, separator, status = text.rpartition("=")
    if not separator:
        raise InvalidValue(f"{text!r} is not WORD=STATUS; for rows without one use --default-status.")
    return word, checked_status(status)


def column_of(text: str) -> tuple[str, MetricColumn]:
    """A metric's name and its column, from name:type, such as Tokens:number, Cost:number.2 or Newest:date."""
    from ..domain.preparation import MetricColumn, MetricKind  # here, because only `init` needs it

    name, separator, described = text.rpartition(":")
    kind, point, decimals = described.partition(".")
    kinds = {each.value: each for each in MetricKind}
    if not separator or kind not in kinds or (point and not re.fullmatch("[0-9]{1,3}", decimals)):
        raise InvalidValue(
            f"{text!r} is not NAME:TYPE: give one of {', '.join(kinds)}, and a number's decimals like Cost:number.2."
        )
    return name, MetricColumn(name, kinds[kind], int(decimals or 0))


def zone_of(text: str) -> tzinfo:
    """A time zone by its name in the IANA database."""
    from zoneinfo import ZoneInfo  # here, because only an import of files needs it

    try:
        return UTC if text == "UTC" else ZoneInfo(text)  # a system without the database does not even have UTC
    except (ValueError, OSError, LookupError):
        raise InvalidValue(f"{text!r} is not a known time zone: use a name like UTC or Europe/Berlin.") from None


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise InvalidValue(f"{text!r} is not a name=value pair.")
    return name, value


class Parsed(_ParamType):
    """A parameter that one of the functions above parses. What that rejects is a usage error."""

    def __init__(self, parse: Any, name: str, offered: Sequence[str] = ()) -> None:
        self.name = name
        self._parse = parse
        self._offered = offered

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem  # here, because only a shell that completes needs it

        begun = incomplete.lower()
        return [CompletionItem(each) for each in self._offered if each.lower().startswith(begun)]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._value(value, ctx)
        except InvalidValue as error:
            self.fail(str(error), param, ctx)

    def _value(self, text: str, _ctx: click.Context | None) -> Any:
        return self._parse(text)


class _Moment(Parsed):
    """A moment. All ages that a command is given are before one time, so that equal ages are equal moments."""

    def _value(self, text: str, ctx: click.Context | None) -> Any:
        now = datetime.now(UTC)
        return moment_of(text, now if ctx is None else ctx.meta.setdefault(_NOW, now))


COUNT = Parsed(count_of, "N")
FRACTION = Parsed(fraction_of, "FRACTION")
STATUS = Parsed(checked_status, "STATUS", [status.value.replace(" ", "-") for status in RunStatus])
MOMENT = _Moment(moment_of, "TIME")
DURATION = Parsed(duration_of, "DURATION")
AGE = Parsed(past_of, "DURATION")
INTERVAL = Parsed(interval_of, "DURATION")
SPAN = Parsed(span_of, "DURATION")
WRITTEN_SPAN = Parsed(written_span_of, "DURATION")
METRIC = Parsed(metric_of, "NAME=VALUE")
ADDITION = Parsed(addition_of, "NAME=NUMBER")
COLUMN = Parsed(column_of, "NAME:TYPE")
RENAMING = Parsed(_pair, "NAME=COLUMN")
MEANING = Parsed(meaning_of, "WORD=STATUS")
ZONE = Parsed(zone_of, "NAME")
