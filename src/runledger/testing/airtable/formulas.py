"""Airtable's formulas, as far as `filterByFormula` of a table of records needs them.

Grammar and meaning follow Airtable's formula field reference. Not served: other functions than those below, and the
format arguments of DATETIME_PARSE. Where the reference is silent, text is never equal to a number.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from attrs import frozen
from lark import Lark, Token, Tree
from lark.exceptions import LarkError

Value = str | float | datetime | None
"""What a field holds for a formula; a checkbox is 1.0 or 0.0."""

_GRAMMAR = r"""
?expression: joined | expression COMPARISON joined -> binary
?joined: sum | joined JOIN sum -> binary
?sum: product | sum SIGN product -> binary
?product: factor | product SCALE factor -> binary
?factor: atom | SIGN factor -> signed
?atom: NUMBER -> number
    | STRING -> string
    | BRACED -> braced
    | NAME -> bare
    | NAME "(" (expression ("," expression)*)? ")" -> call
    | "(" expression ")"
COMPARISON: "<=" | ">=" | "!=" | "=" | "<" | ">"
JOIN: "&"
SIGN: "+" | "-"
SCALE: "*" | "/"
NUMBER: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
STRING: /'(\\.|[^'\\])*'|"(\\.|[^"\\])*"/s
BRACED: /\{(\\\}|[^}])+\}/s
NAME: /[^\W\d]\w*/
%ignore /\s+/
"""
_PARSER = Lark(_GRAMMAR, start="expression", parser="lalr")


class InvalidFormula(Exception):
    """The text is not a formula."""


class CellError(Exception):
    """What Airtable shows as #ERROR! in a cell: the formula has no value for this record."""


@frozen
class Subject:
    """The record that a formula is asked about: its id, creation time, and values by field name."""

    record_id: str
    created: datetime
    values: Mapping[str, Value]
    ignores_case: bool = False


Evaluate = Callable[[Subject], Value]


@frozen
class Formula:
    """A parsed formula, and the names of the fields that it refers to."""

    evaluate: Evaluate
    fields: frozenset[str]

    def selects(self, subject: Subject) -> bool:
        """Whether the result is none of 0, false, "", NaN and #ERROR!."""
        try:
            return _true(self.evaluate(subject))
        except CellError:
            return False


@lru_cache(maxsize=1024)
def parse(text: str) -> Formula:
    """The formula that `text` spells. Raises InvalidFormula."""
    fields: set[str] = set()
    try:
        return Formula(_compiled(_PARSER.parse(text), fields), frozenset(fields))
    except (LarkError, RecursionError) as error:
        raise InvalidFormula(text) from error


def _compiled(tree: Tree[Token], fields: set[str]) -> Evaluate:
    first: Any = tree.children[0]
    match tree.data:
        case "number":
            return _constant(float(first))
        case "string":
            return _constant(_unescaped(first[1:-1]))
        case "braced" | "bare":
            name = first[1:-1].replace("\\}", "}") if tree.data == "braced" else str(first)
            fields.add(name)
            return lambda subject: subject.values[name]
    parts = [_compiled(part, fields) for part in tree.children if isinstance(part, Tree)]
    match tree.data:
        case "signed":
            return lambda subject: _number(parts[0](subject)) * (-1 if first == "-" else 1)
        case "binary":
            return _binary(str(tree.children[1]), *parts)
    return _call(str(first).upper(), parts)


def _constant(value: Value) -> Evaluate:
    return lambda subject: value


def _unescaped(text: str) -> str:
    named = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"\\(.)", lambda found: named.get(found[1], found[1]), text, flags=re.DOTALL)


def _binary(sign: str, left: Evaluate, right: Evaluate) -> Evaluate:
    if sign in _ARITHMETIC:
        return lambda subject: _calculated(sign, _number(left(subject)), _number(right(subject)))
    if sign == "&":
        return lambda subject: _text(left(subject)) + _text(right(subject))
    return lambda subject: _compared(sign, left(subject), right(subject), subject.ignores_case)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _calculated(sign: str, left: float, right: float) -> float:
    try:
        return _ARITHMETIC[sign](left, right)
    except ZeroDivisionError as error:
        raise CellError from error


def _compared(sign: str, left: Value, right: Value, ignores_case: bool) -> bool:
    left, right = _filled(left, right), _filled(right, left)
    if ignores_case and isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    try:
        return _COMPARISONS[sign](left, right)
    except TypeError as error:
        raise CellError from error


def _filled(value: Value, other: Value) -> Value:
    """A blank is equal to "", and to 0 and false where it meets a number or a checkbox."""
    if value is not None:
        return value
    return 0.0 if isinstance(other, float) else ""


def _call(name: str, arguments: list[Evaluate]) -> Evaluate:
    if name not in _FUNCTIONS:
        raise InvalidFormula(name)
    least, most, function = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise InvalidFormula(name)
    return lambda subject: function(subject, *(argument(subject) for argument in arguments))


def _true(value: Value) -> bool:
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def _number(value: Value) -> float:
    if value is None or isinstance(value, float):
        return value or 0.0
    raise CellError


def _text(value: Value) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, datetime):
        return moment(value)
    return str(int(value)) if value.is_integer() else repr(value)


def _time(value: Value) -> datetime:
    try:
        return value if isinstance(value, datetime) else parsed_time(_text(value))
    except ValueError as error:
        raise CellError from error


def moment(time: datetime) -> str:
    """A time as the API writes it: ISO 8601 in UTC, to the millisecond, with Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)?)?")


def parsed_time(text: str) -> datetime:
    """The time that ISO 8601 text spells, cut to the millisecond; UTC where it has no offset. Raises ValueError."""
    if not _ISO_8601.fullmatch(text):
        raise ValueError(f"{text!r} is not an ISO 8601 time")
    time = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", ""))
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _value_of(text: Value) -> float:
    try:
        return float(_text(text))
    except ValueError as error:
        raise CellError from error


def _found(needle: Value, text: Value, start: Value) -> int:
    return _text(text).find(_text(needle), max(int(_number(start)) - 1, 0)) + 1


def _same(left: Value, right: Value, unit: Value = "millisecond") -> float:
    width = {"year": 4, "month": 7, "day": 10, "hour": 13, "minute": 16, "second": 19}.get(_text(unit).rstrip("s"), 24)
    return float(moment(_time(left))[:width] == moment(_time(right))[:width])


def _formatted(time: Value, pattern: Value = "YYYY-MM-DDTHH:mm:ss.SSSZ") -> str:
    at = _time(time)
    codes = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
    parts = {code: at.strftime(directive) for code, directive in codes.items()}
    parts["SSS"] = f"{at.microsecond // 1000:03}"
    return re.sub("YYYY|MM|DD|HH|mm|ss|SSS", lambda found: parts[found[0]], _text(pattern))


_FUNCTIONS: dict[str, tuple[float, float, Callable[..., Value]]] = {
    "AND": (1, math.inf, lambda subject, *values: float(all(map(_true, values)))),
    "OR": (1, math.inf, lambda subject, *values: float(any(map(_true, values)))),
    "XOR": (1, math.inf, lambda subject, *values: float(sum(map(_true, values)) % 2)),
    "NOT": (1, 1, lambda subject, value: float(not _true(value))),
    "TRUE": (0, 0, lambda subject: 1.0),
    "FALSE": (0, 0, lambda subject: 0.0),
    "BLANK": (0, 0, lambda subject: None),
    "IF": (2, 3, lambda subject, test, then, otherwise=None: then if _true(test) else otherwise),
    "EXACT": (2, 2, lambda subject, left, right: float(_text(left) == _text(right))),
    "LOWER": (1, 1, lambda subject, text: _text(text).lower()),
    "UPPER": (1, 1, lambda subject, text: _text(text).upper()),
    "TRIM": (1, 1, lambda subject, text: _text(text).strip()),
    "LEN": (1, 1, lambda subject, text: float(len(_text(text)))),
    "FIND": (2, 3, lambda subject, needle, text, start=None: float(_found(needle, text, start))),
    "SEARCH": (2, 3, lambda subject, needle, text, start=None: float(_found(needle, text, start)) or None),
    "VALUE": (1, 1, lambda subject, text: _value_of(text)),
    "RECORD_ID": (0, 0, lambda subject: subject.record_id),
    "CREATED_TIME": (0, 0, lambda subject: subject.created),
    "DATETIME_PARSE": (1, 1, lambda subject, text: _time(text)),
    "DATETIME_FORMAT": (1, 2, lambda subject, *values: _formatted(*values)),
    "IS_BEFORE": (2, 2, lambda subject, left, right: float(_time(left) < _time(right))),
    "IS_AFTER": (2, 2, lambda subject, left, right: float(_time(left) > _time(right))),
    "IS_SAME": (2, 3, lambda subject, *values: _same(*values)),
}
"""Each function with its least and most number of arguments."""
