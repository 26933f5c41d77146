"""How a record's metrics, log and times are written in a row: the one format of all SQL stores.

Times are ISO text in UTC with milliseconds. Metrics are a JSON object; a time among them is {"datetime": "…Z"}, which
no other value can be. The log is a JSON array of [time, text].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain import LogLine, Metrics, MetricValue
from ..domain.values import MAX_INTEGER, NO_METRICS


def time_text(at: datetime) -> str:
    """The UTC time `at` as 2025-11-24T08:15:00.000Z, which sorts as the times do."""
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


def _encode_time(value: Any) -> dict[str, str]:
    return {"datetime": time_text(value)}


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_encode_time, check_circular=False).encode
_decode = json.JSONDecoder().raw_decode


def metrics_text(metrics: Mapping[str, MetricValue]) -> str:
    """The JSON object for metrics."""
    return _encode(metrics) if metrics else "{}"


def metrics_from(text: str) -> Metrics:
    """The metrics of a JSON object."""
    return NO_METRICS if text == "{}" else restored_metrics(_decode(text)[0])


def restored_metrics(values: dict[str, Any]) -> Metrics:
    """The metrics of a decoded JSON object; integers beyond ±2^53 were floats, which some stores write out."""
    for name, value in values.items():
        if type(value) is dict:
            values[name] = datetime.fromisoformat(value["datetime"])
        elif type(value) is int and not -MAX_INTEGER <= value <= MAX_INTEGER:
            values[name] = float(value)
    return Metrics(values)


def log_text(log: tuple[LogLine, ...]) -> str:
    """The JSON array for a log."""
    return _encode([(time_text(line.at), line.text) for line in log]) if log else "[]"


def log_from(text: str) -> tuple[LogLine, ...]:
    """The log of a JSON array."""
    return () if text == "[]" else restored_log(_decode(text)[0])


def restored_log(lines: list[list[str]]) -> tuple[LogLine, ...]:
    """The log of a decoded JSON array."""
    return tuple([LogLine.restored(datetime.fromisoformat(at), text) for at, text in lines])
