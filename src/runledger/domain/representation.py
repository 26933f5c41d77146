"""How a value of the domain is shown to a programmer."""

from __future__ import annotations

from attrs import AttrsInstance, fields


def fields_shown(value: AttrsInstance) -> str:
    """The `repr` that attrs gives a class, for all classes: to compile one for each class slows every start."""
    parts = [f"{field.name}={getattr(value, field.name)!r}" for field in fields(type(value)) if field.repr]
    return f"{type(value).__qualname__}({', '.join(parts)})"
