"""The options of a store's URL."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

from ...domain import InvalidValue


def options_of(query: str) -> list[tuple[str, str]]:
    """The options of a URL's query. Raises InvalidValue for one that is given twice."""
    options = parse_qsl(query, keep_blank_values=True)
    for name, number in Counter(name for name, _ in options).items():
        if number > 1:
            raise InvalidValue(f"the store URL gives the option {name!r} twice: remove one.")
    return options
