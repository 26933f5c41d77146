"""Airtable's formulas, as `filterByFormula` uses them: their grammar and their evaluation.

Grammar and meaning follow Airtable's formula field reference; `functions` has the functions. Where the reference is
silent, `Unknowns` holds both answers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from attrs import frozen
from lark import Lark, Token, Tree
from lark.exceptions import LarkError

from .functions import FUNCTIONS, OF_RECORD, CellError, Subject, Value, is_true, number_of, text_of
from .unknowns import Unknowns

_GRAMMAR = r"""
?expression: joined | joined (COMPARISON joined)+ -> chain
?joined: sum | sum (JOIN sum)+ -> chain
?sum: product | product (SIGN product)+ -> chain
?product: factor | factor (SCALE factor)+ -> chain
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
NUMBER: /([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?/
STRING: /'(\\.|[^'\\])*'|"(\\.|[^"\\])*"/s
BRACED: /\{[^}]*\\\}\}|\{([^}]*\\\})?[^}]+\}/s
NAME: /[^\W\d]\w*/
%ignore /\s+/
"""
# One escaped brace at most in a field's name: "a limitation of Airtable" (pyairtable, formulas.field_name).
_PARSER = Lark(_GRAMMAR, start="expression", parser="lalr")
_DEEPEST = 100
"""Levels of functions within functions. Airtable states no limit; this one keeps any formula within Python's stack."""

Evaluate = Callable[[Subject], Value]


class InvalidFormula(Exception):
    """The text is not a formula. The message says why, as Airtable does."""


@frozen
class Formula:
    """A parsed formula, and the names of the fields that it refers to."""

    evaluate: Evaluate
    fields: frozenset[str]

    def selects(self, subject: Subject) -> bool:
        """Whether the result is true: anything but 0, false, "", NaN and #ERROR!."""
        try:
            return is_true(self.evaluate(subject))
        except CellError:
            return False


@lru_cache(maxsize=1024)
def parse(text: str) -> Formula:
    """The formula that `text` spells. Raises InvalidFormula."""
    fields: set[str] = set()
    try:
        return Formula(_compiled(_PARSER.parse(text), fields, 0), frozenset(fields))
    except LarkError:
        raise InvalidFormula("Invalid formula. Please check your formula text.") from None


def _compiled(tree: Tree[Token], fields: set[str], depth: int) -> Evaluate:
    if depth > _DEEPEST:
        raise InvalidFormula("Invalid formula. Please check your formula text.")
    first: Any = tree.children[0]
    match tree.data:
        case "number":
            return _constant(float(first))
        case "string":
            return _literal(first[1:-1])
        case "braced" | "bare":
            name = first[1:-1].replace("\\}", "}") if tree.data == "braced" else str(first)
            fields.add(name)
            return lambda subject: subject.values[name]
    parts = [_compiled(part, fields, depth + 1) for part in tree.children if isinstance(part, Tree)]
    match tree.data:
        case "signed":
            return lambda subject: number_of(parts[0](subject)) * (-1 if first == "-" else 1)
        case "chain":
            return _chain([str(sign) for sign in tree.children if isinstance(sign, Token)], parts)
    return _call(str(first).upper(), parts)


def _constant(value: Value) -> Evaluate:
    return lambda subject: value


def _literal(text: str) -> Evaluate:
    named = {"n": "\n", "r": "\r", "t": "\t"}
    value = re.sub(r"\\(.)", lambda found: named.get(found[1], found[1]), text, flags=re.DOTALL)
    if not re.search(r"[\n\r\t]", text):
        return _constant(value)

    def with_raw_break(subject: Subject) -> Value:
        if not subject.unknowns.literals_carry_line_breaks:
            raise CellError
        return value

    return with_raw_break


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


def _chain(signs: Sequence[str], parts: Sequence[Evaluate]) -> Evaluate:
    """Operators of one rank, from left to right."""

    def evaluate(subject: Subject) -> Value:
        value = parts[0](subject)
        for sign, part in zip(signs, parts[1:], strict=True):
            value = _combined(sign, value, part(subject), subject.unknowns)
        return value

    return evaluate


def _combined(sign: str, left: Value, right: Value, unknowns: Unknowns) -> Value:
    if sign == "&":
        return text_of(left) + text_of(right)
    if sign in _ARITHMETIC:
        try:
            return _ARITHMETIC[sign](number_of(left), number_of(right))
        except ZeroDivisionError:
            raise CellError from None
    return float(_compared(sign, left, right, unknowns))


def _compared(sign: str, left: Value, right: Value, unknowns: Unknowns) -> bool:
    left, right = _filled(left, right), _filled(right, left)
    if unknowns.text_equals_its_number and {type(left), type(right)} == {str, float}:
        left, right = text_of(left), text_of(right)
    if unknowns.text_equals_ignores_case and isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    try:
        return _COMPARISONS[sign](left, right)
    except TypeError:
        raise CellError from None


def _filled(value: Value, other: Value) -> Value:
    """A blank is equal to "", and to 0 and false where it meets a number or a checkbox."""
    if value is not None:
        return value
    return 0.0 if isinstance(other, float) else ""


def _call(name: str, arguments: Sequence[Evaluate]) -> Evaluate:
    if name in OF_RECORD and not arguments:
        return OF_RECORD[name]
    if name in _LAZY:
        least, most, lazy = _LAZY[name]
        _require_count(name, least, most, arguments)
        return lazy(arguments)
    if name not in FUNCTIONS:
        raise InvalidFormula(f"Unknown function names: {name}")
    least, most, function = FUNCTIONS[name]
    _require_count(name, least, most, arguments)

    def evaluate(subject: Subject) -> Value:
        values = [argument(subject) for argument in arguments]
        try:
            return function(*values)
        except (ArithmeticError, ValueError):
            raise CellError from None

    return evaluate


def _require_count(name: str, least: float, most: float, arguments: Sequence[Evaluate]) -> None:
    if not least <= len(arguments) <= most:
        raise InvalidFormula(f"Invalid formula. Function {name} has a wrong number of arguments.")


def _and(parts: Sequence[Evaluate]) -> Evaluate:
    def evaluate(subject: Subject) -> Value:
        for part in parts:
            if not is_true(part(subject)):
                return 0.0
        return 1.0

    return evaluate


def _or(parts: Sequence[Evaluate]) -> Evaluate:
    def evaluate(subject: Subject) -> Value:
        for part in parts:
            if is_true(part(subject)):
                return 1.0
        return 0.0

    return evaluate


def _if(parts: Sequence[Evaluate]) -> Evaluate:
    test, then, otherwise = (*parts, _constant(None))[:3]
    return lambda subject: then(subject) if is_true(test(subject)) else otherwise(subject)


def _switch(parts: Sequence[Evaluate]) -> Evaluate:
    asked, *cases = parts
    otherwise = cases.pop() if len(cases) % 2 else _constant(None)

    def evaluate(subject: Subject) -> Value:
        value = asked(subject)
        for pattern, result in zip(cases[::2], cases[1::2], strict=True):
            if _compared("=", value, pattern(subject), subject.unknowns):
                return result(subject)
        return otherwise(subject)

    return evaluate


def _is_error(parts: Sequence[Evaluate]) -> Evaluate:
    def evaluate(subject: Subject) -> Value:
        try:
            parts[0](subject)
        except CellError:
            return 1.0
        return 0.0

    return evaluate


_LAZY: dict[str, tuple[float, float, Callable[[Sequence[Evaluate]], Evaluate]]] = {
    "AND": (1, float("inf"), _and),
    "OR": (1, float("inf"), _or),
    "IF": (2, 3, _if),
    "SWITCH": (3, float("inf"), _switch),
    "ISERROR": (1, 1, _is_error),
}
"""Functions that do not evaluate every argument."""
