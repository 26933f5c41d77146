"""The JSON form of a record's times, metrics and log: the one that rows, files, `--json` and adapters use.

A time is text in UTC with milliseconds, 2025-11-24T08:15:00.000Z. Metrics are an object; a time among them is
{"datetime": "…Z"}, which no other metric value can be. A log is an array of [time, text].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .values import MAX_INTEGER, LogLine, Metrics, MetricValue

MALFORMED = (AttributeError, KeyError, OverflowError, RecursionError, StopIteration, TypeError, ValueError)
"""What reading a JSON form raises if it is not one."""
_MOST_WORDS = 200
"""Characters of what Python says about it. It quotes a text that is no time, however long that is."""


def problem_text(problem: Exception) -> str:
    """What is wrong with a JSON form, from one of MALFORMED, in words."""
    words = f"it has no {problem}" if isinstance(problem, KeyError) else f"{type(problem).__name__}: {problem}"
    return words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 1] + "…"


def time_text(at: datetime) -> str:
    """The UTC time `at` as text. Texts sort as their times do."""
    parts = at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % parts  # noqa: UP031 - every write does this: half of isoformat's time


def time_of_iso(text: str) -> datetime:
    """The time of an ISO 8601 text. Raises one of MALFORMED.

    A text that begins with eight digits is one only if T or a blank follows: 12900505 may count seconds, or be an id.
    """
    if text[:8].isdigit() and text[8:9] not in ("T", " "):
        raise ValueError("digits, and not an ISO time")
    return datetime.fromisoformat(text)


def time_of_text(text: str) -> datetime:
    """The time of a text that `time_text` wrote. Raises one of MALFORMED."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is not UTC:
        raise ValueError("not a time in UTC")
    return at


def time_to_json(at: datetime) -> dict[str, str]:
    """A time among metrics as a JSON object."""
    return {"datetime": time_text(at)}


def metrics_to_json(metrics: Mapping[str, MetricValue]) -> dict[str, Any]:
    """Metrics as a JSON object."""
    return {name: time_to_json(value) if isinstance(value, datetime) else value for name, value in metrics.items()}


def metrics_from_json(values: Mapping[str, Any]) -> dict[str, MetricValue]:
    """The metrics of a JSON object; their names and values are not checked yet. Raises one of MALFORMED."""
    return {name: _metric_from_json(value) for name, value in values.items()}


def _metric_from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() != {"datetime"}:
        raise ValueError("not a metric value")
    return time_of_iso(value["datetime"])


def trusted_metrics(values: dict[str, Any]) -> Metrics:
    """The metrics of a JSON object that a store returned, without the checks. Alters `values`. Raises one of MALFORMED.

    An integer beyond ±2^53 is a float that the store wrote without its point.
    """
    for name, value in values.items():
        if type(value) is dict:
            values[name] = time_of_text(value["datetime"])
        elif value is None or type(value) is list:
            raise ValueError("not a metric value")
        elif type(value) is int and not -MAX_INTEGER <= value <= MAX_INTEGER:
            values[name] = float(value)
    return Metrics(values)


def log_to_json(log: Iterable[LogLine]) -> list[list[str]]:
    """A log as a JSON array."""
    return [[time_text(line.at), line.text] for line in log]


def log_from_json(lines: Iterable[Sequence[str]]) -> tuple[LogLine, ...]:
    """The log of a JSON array, each line checked. Raises InvalidValue, or one of MALFORMED."""
    return tuple([LogLine(time_of_iso(at), text) for at, text in lines])


def trusted_log(lines: Iterable[Sequence[str]]) -> tuple[LogLine, ...]:
    """The log of a JSON array that a store returned, without the checks. Raises one of MALFORMED."""
    return tuple([LogLine.trusted(time_of_text(at), text) for at, text in lines])
