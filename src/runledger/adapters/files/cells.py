"""The cells of a file's row: as ids and metric values, and without the words that mean nothing."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from functools import lru_cache
from typing import Any, cast

from ...domain import InvalidValue, MetricValue
from ...domain.values import MAX_INTEGER

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 40
"""Characters of a text that may be a number."""


class RepeatedName(InvalidValue):
    """An object of JSON has a name twice, so that one of its values would be lost."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name!r} is twice in one JSON object: remove or rename one.")


def loads(text: str) -> Any:
    """The value of a JSON text. Raises RepeatedName; ValueError for what is not JSON; RecursionError."""
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise RepeatedName(name)
    return found


def id_of(value: Any) -> str:
    """A cell as an id or a name; empty if nothing is in it."""
    # Only an integer has one obvious spelling as text.
    return str(value) if type(value) is int else "" if value is None else value


def json_of(value: Any) -> Any:
    """A cell of CSV as the JSON value that it is; a value of JSON Lines as it is. Raises what `loads` raises."""
    return loads(value) if isinstance(value, str) else value


def metric_of(value: Any) -> MetricValue:
    """A cell of CSV as a number if it is one; other values as they are. An integer beyond ±2^53 is text."""
    if isinstance(value, str) and len(value) < _LONGEST_NUMBER:
        return _number_or_text(value)
    if type(value) is int and abs(value) > MAX_INTEGER:
        return str(value)
    return cast(MetricValue, value)


@lru_cache(maxsize=4096)
def _number_or_text(text: str) -> MetricValue:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if match[1] or match[2]:
        number = float(text)
        return number if math.isfinite(number) else text
    return int(text) if abs(int(text)) <= MAX_INTEGER else text
