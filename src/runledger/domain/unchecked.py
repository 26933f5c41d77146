"""Making a frozen value of parts that are known to be valid, such as those that a store returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import AttrsInstance, fields

T = TypeVar("T", bound=AttrsInstance)


def unchecked(cls: type[T]) -> Callable[..., T]:
    """A constructor of the frozen class `cls` that takes every field by position, and neither checks nor converts any.

    It fills an object of a class that is not frozen and has the same slots, which then becomes an object of `cls`. That
    takes a third of the time of writing each slot of a frozen object (`benchmarks/ledger.py --only trusted`). It needs
    `weakref_slot=False`: CPython changes the class of no object with room for weak references.
    """
    names = [field.name for field in fields(cls)]
    lines = [f"def __init__(self, {', '.join(names)}):", *[f" self.{name} = {name}" for name in names]]
    made: dict[str, Any] = {"cls": cls, "__slots__": names}
    exec("\n".join([*lines, " self.__class__ = cls"]), made)  # noqa: S102 - as attrs does: the names are those of fields
    return type(cls.__name__, (), {name: made[name] for name in ("__slots__", "__init__")})
