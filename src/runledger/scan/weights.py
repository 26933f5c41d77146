"""How heavy symbols may be: those that are made of too many values are given up."""

from __future__ import annotations

from functools import cache

from .values import Called, Lookup, Method, Of, Row, String, Table, Value

HEAVIEST = 40
"""The most values that a symbol is made of."""


@cache
def weight_of(value: Value) -> int:
    """How many values a symbol is made of, with the arguments of its calls."""
    match value:
        case Of(base=base, what=what):
            return 1 + weight_of(base) + (weight_of(what) if isinstance(what, Value) else 0)
        case Called(function=function, arguments=arguments, keywords=keywords):
            given = [*arguments, *(values for _, values in keywords)]
            return 1 + weight_of(function) + sum(weight_of(one) for values in given for one in values)
        case String(parts=parts):
            return 1 + sum(weight_of(part) for part in parts if part is not None and not isinstance(part, str))
        case Table(name=inner) | Lookup(table=inner) | Row(table=inner):
            return 1 if inner is None else 1 + weight_of(inner)
        case Method(owner=inner):
            return 1 + weight_of(inner)
    return 1
