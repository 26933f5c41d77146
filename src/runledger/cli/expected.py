"""Expectations from a TOML file: a table for each client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta, tzinfo
from typing import Any

from ..domain import InvalidValue
from ..domain.key import checked_name
from ..domain.visible import quoted
from ..services.inspecting.expectation import Expectation
from ..services.inspecting.window import Window, days_of, hours_of
from .arguments import duration_of, zone_of


def expectations_of(file: str) -> dict[str, Expectation]:
    """What is expected of each client, by its id. Raises InvalidValue, which names the file, the table and the key."""
    tables = _read(file)
    if not tables:
        raise InvalidValue(f"{file} names no client: write a table for each, like [backup].")
    return {client_id: _expectation(file, client_id, table) for client_id, table in tables.items()}


def _read(file: str) -> dict[str, Any]:
    import tomllib  # here, because few checks read a file

    try:
        with open(file, encoding="utf-8-sig", newline="") as opened:  # some editors write a mark before UTF-8
            return tomllib.loads(opened.read())
    except OSError as error:
        raise InvalidValue(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidValue(f"{file} is not UTF-8 text: save it as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"{file} is not a TOML file: {error}.") from None


def _expectation(file: str, client_id: str, table: Any) -> Expectation:
    name = _as_key(client_id)
    if not isinstance(table, dict):
        raise InvalidValue(
            f"{file}: key {name} is outside of a table: write it below the name of a client, like [backup]."
        )
    with _named(f"{file}, table [{name}]"):
        checked_name(client_id, "client id")
        values: dict[str, Any] = {}
        for key, value in table.items():
            with _named(f"key {_as_key(key)}"):
                values[key] = _value(key, value)
        return _of_values(values)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """What is invalid within the block is named by its place."""
    try:
        yield
    except InvalidValue as error:
        raise InvalidValue(f"{where}: {error}") from None


def _value(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        raise InvalidValue('it is a table within a table: put a client id with dots into quotes, like ["a.b"].')
    if key not in _KEYS:
        raise InvalidValue(f"it is not known: use {', '.join(_KEYS)}.")
    return _KEYS[key](value)


def _of_values(values: Mapping[str, Any]) -> Expectation:
    timed = "days" in values or "hours" in values
    if timed and "timezone" not in values:
        raise InvalidValue('days and hours need a time zone: add timezone, like timezone = "Europe/Berlin".')
    window = None
    if "timezone" in values:
        given = {name: values[name] for name in ("days", "hours") if name in values}
        window = Window(zone=values["timezone"], **given)
    return Expectation(
        max_age=values.get("max-age"),
        max_duration=values.get("max-duration"),
        may_fail=values.get("may-fail", False),
        window=window,
    )


def _duration(value: Any) -> timedelta:
    duration = duration_of(_text(value, '"26h"'))
    if not duration:
        raise InvalidValue(f"{value!r} is not more than 0: give a duration, like 26h.")
    return duration


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidValue(f"it is {_kind(value)}: write true or false.")


def _days(value: Any) -> frozenset[int]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return days_of(value)
    raise InvalidValue(f'it is {_kind(value)}: write a list of days as text, like ["mon", "fri"].')


def _hours(value: Any) -> tuple[int, int]:
    return hours_of(_text(value, '"08:00-18:00"'))


def _zone(value: Any) -> tzinfo:
    return zone_of(_text(value, '"Europe/Berlin"'))


def _text(value: Any, example: str) -> str:
    if isinstance(value, str):
        return value
    raise InvalidValue(f"it is {_kind(value)}: write text, like {example}.")


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return kinds.get(type(value), "a time")


def _as_key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else quoted(name)


_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "max-age": _duration,
    "max-duration": _duration,
    "may-fail": _truth,
    "days": _days,
    "hours": _hours,
    "timezone": _zone,
}
