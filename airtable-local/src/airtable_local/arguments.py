"""Values of command-line options: each function returns the value that a text means, or raises ArgumentTypeError."""

from __future__ import annotations

import math
import re
import shlex
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from attrs import fields

from .faults import Fault, FaultKind
from .unknowns import MissingRecord, Unknowns

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def port(text: str) -> int:
    return _whole(text, 0, 65_535, "a port")


def count(text: str) -> int:
    return _whole(text, 1, 10**9, "a limit")


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _LONGEST:
        raise ArgumentTypeError(f"{text!r} is not a time: seconds from 0 to {_LONGEST:,}")
    return number


_LONGEST = 86_400


def base_id(text: str) -> str:
    if not (text.startswith("app") and len(text) == 17 and text.isascii() and text.isalnum()):
        raise ArgumentTypeError(f"{text!r} is not a base id: app and 14 letters or digits")
    return text


def token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise ArgumentTypeError(f"{text!r} is not a token: ASCII characters without spaces")
    return text


def unknown(text: str) -> tuple[str, Any]:
    """The name and value of a field of Unknowns, from NAME=VALUE."""
    name, _, value = text.partition("=")
    if name not in UNKNOWNS:
        raise ArgumentTypeError(f"there is no unknown {name!r}: use {', '.join(UNKNOWNS)}")
    return name, _parsed(name, value, UNKNOWNS[name])


def fault(text: str) -> Fault:
    """A Fault, from KIND and FIELD=VALUE, separated by spaces. A value with spaces is quoted."""
    kind_name, *words = _words(text) or [""]
    if kind_name not in _KINDS:
        raise ArgumentTypeError(f"{kind_name!r} is not a kind of fault: begin with {_one_of(_KINDS)}")
    allowed = FAULT_FIELDS[kind_name]
    given: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in allowed:
            raise ArgumentTypeError(f"the fault {kind_name} has no field {name!r}: use {', '.join(allowed)}")
        if name in given:
            raise ArgumentTypeError(f"{name} is given twice in {text!r}")
        given[name] = _parsed(name, value, allowed[name])
    if "seconds" in allowed and "seconds" not in given:
        raise ArgumentTypeError(f"the fault {kind_name} needs a duration: add seconds=10")
    return Fault(_KINDS[kind_name], **given)


def _words(text: str) -> list[str]:
    """The words of a text as a shell reads them, except that a backslash stays: regular expressions need it."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise ArgumentTypeError(f"a quotation mark is not closed in {text!r}") from None


def _parsed(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{name}: {error}") from None


def _whole(text: str, least: int, most: int, what: str = "a number") -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and least <= int(text) <= most):
        raise ArgumentTypeError(f"{text!r} is not {what}: a whole number from {least} to {most:,}")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ArgumentTypeError(f"{text!r} is not true or false")
    return text == "true"


def _missing_record(text: str) -> MissingRecord:
    if text not in _MISSING_RECORDS:
        raise ArgumentTypeError(f"{text!r} is not an answer to a missing record: use {_one_of(_MISSING_RECORDS)}")
    return _MISSING_RECORDS[text]


def _method(text: str) -> str:
    if text not in METHODS:
        raise ArgumentTypeError(f"{text!r} is not a method: use {_one_of(METHODS)}")
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ArgumentTypeError(f"{text!r} is not a regular expression ({error})") from None
    return text


def _error_type(text: str) -> str:
    if not text:
        raise ArgumentTypeError("an error type cannot be empty")
    return text


def _one_of(names: Mapping[str, object] | tuple[str, ...]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"


_MISSING_RECORDS = {each.name.lower(): each for each in MissingRecord}


def _read_unknown(kind: type) -> Callable[[str], Any]:
    if kind is timedelta:
        return lambda text: timedelta(seconds=seconds(text))
    return _missing_record if kind is MissingRecord else _boolean


def _values_of(default: object) -> str:
    """The values that a field of Unknowns can have, the default first."""
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g} (seconds)"
    if isinstance(default, MissingRecord):
        return "|".join([default.name.lower(), *(name for name, each in _MISSING_RECORDS.items() if each != default)])
    return "true|false" if default else "false|true"


UNKNOWNS = {each.name: _read_unknown(type(each.default)) for each in fields(Unknowns)}
"""How the value of each field of Unknowns is read."""
UNKNOWN_VALUES = {each.name: _values_of(each.default) for each in fields(Unknowns)}

_KINDS = {each.name.lower(): each for each in FaultKind}
_FIELDS_OF_EVERY: Mapping[str, Callable[[str], Any]] = {
    "method": _method,
    "path": _pattern,
    "nth": lambda text: _whole(text, 1, 10**9),
    "times": lambda text: _whole(text, 1, 10**9),
}
_FIELDS_OF_SOME: Mapping[str, tuple[tuple[FaultKind, ...], Callable[[str], Any]]] = {
    "after_commit": ((FaultKind.DROP, FaultKind.STATUS, FaultKind.DELAY), _boolean),
    "status": ((FaultKind.STATUS,), lambda text: _whole(text, 400, 599, "an error status")),
    "error": ((FaultKind.STATUS,), _error_type),
    "retry_after": ((FaultKind.STATUS,), lambda text: _whole(text, 0, _LONGEST)),
    "seconds": ((FaultKind.DELAY,), seconds),
}
FAULT_FIELDS = {
    name: {**_FIELDS_OF_EVERY, **{field: parse for field, (kinds, parse) in _FIELDS_OF_SOME.items() if kind in kinds}}
    for name, kind in _KINDS.items()
}
"""How the value of each field is read, by kind of fault."""
