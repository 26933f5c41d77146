"""The values of Airtable's formulas, and the functions over them.

They follow Airtable's formula field reference. Times are in UTC; functions of locales, time zones, working days and
regular expressions are not served.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from attrs import field, frozen

from .unknowns import Unknowns

Value = str | float | datetime | None
"""The value of a field in a formula; a checkbox is 1.0 or 0.0, several choices are their names joined by commas."""

LONGEST = 100_000
"""The maximum of characters in a text that a formula builds: that of a cell."""


class CellError(Exception):
    """The formula has no value for this record: Airtable shows #ERROR! in the cell."""


@frozen(kw_only=True)
class Subject:
    """The record that a formula is evaluated for: its id, times, and values by field name; and the current time."""

    record_id: str
    created: datetime
    modified: datetime
    now: datetime
    values: dict[str, Value]
    unknowns: Unknowns = field(factory=Unknowns)


# Conversions


def is_true(value: Value) -> bool:
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def number_of(value: Value) -> float:
    if value is None or isinstance(value, float):
        return value or 0.0
    raise CellError


def text_of(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return moment(value)
    return str(int(value)) if value.is_integer() else repr(value)


def time_of(value: Value) -> datetime:
    return value if isinstance(value, datetime) else parsed_time(text_of(value))


def moment(time: datetime) -> str:
    """A time as the API writes it: ISO 8601 in UTC, to the millisecond, with Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def parsed_time(text: str) -> datetime:
    """The time that ISO 8601 text spells, cut to the millisecond; UTC where it has no offset.

    Raises ValueError, or OverflowError for a time before the year 1 or after 9999 in UTC.
    """
    if not _ISO_8601.fullmatch(text):
        raise ValueError(f"{text!r} is not an ISO 8601 time")
    time = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", ""))
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _whole(value: Value) -> int:
    return int(number_of(value))


# Text

_NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _numeral(text: Value) -> float:
    if not _NUMERAL.fullmatch(text_of(text).strip()):
        raise CellError
    return float(text_of(text))


def _position(needle: Value, text: Value, start: Value = None) -> float:
    return float(text_of(text).find(text_of(needle), max(_whole(start) - 1, 0)) + 1)


def _middle(text: Value, start: Value, count: Value) -> str:
    begin = max(_whole(start) - 1, 0)
    return text_of(text)[begin : begin + max(_whole(count), 0)]


def _replaced(text: Value, start: Value, count: Value, new: Value) -> str:
    begin = max(_whole(start) - 1, 0)
    return text_of(text)[:begin] + text_of(new) + text_of(text)[begin + max(_whole(count), 0) :]


def _substituted(text: Value, old: Value, new: Value, index: Value = None) -> str:
    parts = text_of(text).split(text_of(old)) if old else [text_of(text)]
    if index is not None:
        nth = _whole(index)
        if not 1 <= nth < len(parts):
            return text_of(text)
        return text_of(old).join(parts[:nth]) + text_of(new) + text_of(old).join(parts[nth:])
    if len(text_of(text)) + len(parts) * len(text_of(new)) > LONGEST:
        raise CellError
    return text_of(new).join(parts)


def _repeated(text: Value, count: Value) -> str:
    times = max(_whole(count), 0)
    if times * len(text_of(text)) > LONGEST:
        raise CellError
    return text_of(text) * times


# Numbers


def _rounded(rounding: Callable[[float], float]) -> Callable[..., float]:
    def act(value: Value, precision: Value = None) -> float:
        scale = 10.0 ** _whole(precision)
        return rounding(number_of(value) * scale) / scale

    return act


def _to_multiple(rounding: Callable[[float], float]) -> Callable[..., float]:
    return lambda value, step=1.0: rounding(number_of(value) / number_of(step)) * number_of(step)


def _away_from_zero(value: float) -> float:
    return math.copysign(math.ceil(abs(value)), value)


def _parity(odd: int) -> Callable[[Value], float]:
    def act(value: Value) -> float:
        number = number_of(value)
        return math.copysign(2 * math.ceil((abs(number) - odd) / 2) + odd, number)

    return act


# Times

_UNITS = {
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WIDTHS = {"year": 4, "month": 7, "day": 10, "hour": 13, "minute": 16, "second": 19, "millisecond": 24}


def _unit(name: Value) -> str:
    return text_of(name).strip().lower().rstrip("s")


def _months_later(time: datetime, months: int) -> datetime:
    year, month = divmod(time.year * 12 + time.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise CellError
    return time.replace(year=year, month=month + 1, day=min(time.day, monthrange(year, month + 1)[1]))


def _later(time: Value, count: Value, unit: Value) -> datetime:
    name = _unit(unit)
    if name in _MONTHS:
        return _months_later(time_of(time), _whole(count) * _MONTHS[name])
    if name not in _UNITS:
        raise CellError
    return time_of(time) + number_of(count) * _UNITS[name]


def _difference(left: Value, right: Value, unit: Value = "second") -> float:
    name, end, begin = _unit(unit), time_of(left), time_of(right)
    if name in _UNITS:
        return float(math.trunc((end - begin) / _UNITS[name]))
    if name not in _MONTHS:
        raise CellError
    if end < begin:
        return -_difference(begin, end, unit)
    months = (end.year - begin.year) * 12 + end.month - begin.month
    return float((months - (_months_later(begin, months) > end)) // _MONTHS[name])


def _same(left: Value, right: Value, unit: Value = "millisecond") -> float:
    name = _unit(unit)
    if name not in _WIDTHS:
        raise CellError
    return float(moment(time_of(left))[: _WIDTHS[name]] == moment(time_of(right))[: _WIDTHS[name]])


def _formatted(time: Value, pattern: Value = "YYYY-MM-DDTHH:mm:ss.SSSZ") -> str:
    text = moment(time_of(time))
    parts = {"YYYY": text[:4], "MM": text[5:7], "DD": text[8:10], "HH": text[11:13], "mm": text[14:16]}
    parts |= {"ss": text[17:19], "SSS": text[20:23]}
    return re.sub("YYYY|MM|DD|HH|mm|ss|SSS", lambda found: parts[found[0]], text_of(pattern))


def _part(name: str) -> Callable[[Value], float]:
    return lambda time: float(getattr(time_of(time), name))


def _weekday(time: Value, first: Value = "Sunday") -> float:
    return float((time_of(time).weekday() + (text_of(first).lower() != "monday")) % 7)


def _failed() -> Value:
    raise CellError


# The tables

Function = tuple[float, float, Callable[..., Value]]
"""The minimum and maximum number of arguments, and the function of their values."""

_MANY = math.inf

FUNCTIONS: dict[str, Function] = {
    "TRUE": (0, 0, lambda: 1.0),
    "FALSE": (0, 0, lambda: 0.0),
    "BLANK": (0, 0, lambda: None),
    "ERROR": (0, 0, _failed),
    "XOR": (1, _MANY, lambda *values: float(sum(map(is_true, values)) % 2)),
    "NOT": (1, 1, lambda value: float(not is_true(value))),
    # text
    "EXACT": (2, 2, lambda left, right: float(text_of(left) == text_of(right))),
    "LOWER": (1, 1, lambda text: text_of(text).lower()),
    "UPPER": (1, 1, lambda text: text_of(text).upper()),
    "TRIM": (1, 1, lambda text: text_of(text).strip()),
    "LEN": (1, 1, lambda text: float(len(text_of(text)))),
    "T": (1, 1, lambda value: value if isinstance(value, str) else None),
    "VALUE": (1, 1, _numeral),
    "CONCATENATE": (1, _MANY, lambda *values: "".join(map(text_of, values))),
    "FIND": (2, 3, _position),
    "SEARCH": (2, 3, lambda *values: _position(*values) or None),
    "LEFT": (2, 2, lambda text, count: text_of(text)[: max(_whole(count), 0)]),
    "RIGHT": (2, 2, lambda text, count: text_of(text)[max(len(text_of(text)) - max(_whole(count), 0), 0) :]),
    "MID": (3, 3, _middle),
    "REPLACE": (4, 4, _replaced),
    "SUBSTITUTE": (3, 4, _substituted),
    "REPT": (2, 2, _repeated),
    "ENCODE_URL_COMPONENT": (1, 1, lambda text: quote(text_of(text), safe="-_.~", errors="replace")),
    # numbers
    "SUM": (1, _MANY, lambda *values: float(sum(map(number_of, values)))),
    "AVERAGE": (1, _MANY, lambda *values: sum(map(number_of, values)) / len(values)),
    "MAX": (1, _MANY, lambda *values: max(map(number_of, values))),
    "MIN": (1, _MANY, lambda *values: min(map(number_of, values))),
    "COUNT": (1, _MANY, lambda *values: float(sum(isinstance(value, float) for value in values))),
    "COUNTA": (1, _MANY, lambda *values: float(sum(value not in (None, "") for value in values))),
    "COUNTALL": (1, _MANY, lambda *values: float(len(values))),
    "ABS": (1, 1, lambda value: abs(number_of(value))),
    "INT": (1, 1, lambda value: float(math.floor(number_of(value)))),
    "MOD": (2, 2, lambda value, divisor: number_of(value) % number_of(divisor)),
    "POWER": (2, 2, lambda base, power: math.pow(number_of(base), number_of(power))),
    "SQRT": (1, 1, lambda value: math.sqrt(number_of(value))),
    "EXP": (1, 1, lambda power: math.exp(number_of(power))),
    "LOG": (1, 2, lambda value, base=10.0: math.log(number_of(value), number_of(base))),
    "ROUND": (1, 2, _rounded(lambda value: math.floor(value + 0.5))),
    "ROUNDUP": (1, 2, _rounded(_away_from_zero)),
    "ROUNDDOWN": (1, 2, _rounded(math.trunc)),
    "CEILING": (1, 2, _to_multiple(math.ceil)),
    "FLOOR": (1, 2, _to_multiple(math.floor)),
    "EVEN": (1, 1, _parity(0)),
    "ODD": (1, 1, _parity(1)),
    # times
    "DATETIME_PARSE": (1, 1, time_of),
    "DATETIME_FORMAT": (1, 2, _formatted),
    "DATETIME_DIFF": (2, 3, _difference),
    "DATEADD": (3, 3, _later),
    "DATESTR": (1, 1, lambda time: moment(time_of(time))[:10]),
    "TIMESTR": (1, 1, lambda time: moment(time_of(time))[11:19]),
    "IS_BEFORE": (2, 2, lambda left, right: float(time_of(left) < time_of(right))),
    "IS_AFTER": (2, 2, lambda left, right: float(time_of(left) > time_of(right))),
    "IS_SAME": (2, 3, _same),
    **{name.upper(): (1, 1, _part(name)) for name in ("year", "month", "day", "hour", "minute", "second")},
    "WEEKDAY": (1, 2, _weekday),
}
"""The functions that evaluate all their arguments."""

OF_RECORD: dict[str, Callable[[Subject], Value]] = {
    "RECORD_ID": lambda subject: subject.record_id,
    "CREATED_TIME": lambda subject: subject.created,
    "LAST_MODIFIED_TIME": lambda subject: subject.modified,
    "NOW": lambda subject: subject.now,
    "TODAY": lambda subject: subject.now.replace(hour=0, minute=0, second=0, microsecond=0),
}
"""The functions without arguments that depend on the record or the time."""
