"""Making a frozen value of parts that are known to be valid, such as those that a store returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import AttrsInstance, fields, make_class

T = TypeVar("T", bound=AttrsInstance)


def unchecked(cls: type[T]) -> Callable[..., T]:
    """A constructor of the frozen class `cls` that takes every field by position, and neither checks nor converts any.

    It fills an object of a class that is not frozen and has the same slots, which then becomes an object of `cls`. That
    takes half as long as writing each slot of a frozen object (`benchmarks/ledger.py --only trusted`). It needs
    `weakref_slot=False`: CPython changes the class of no object with room for weak references.
    """

    def become(self: object) -> None:
        self.__class__ = cls

    names = [field.name for field in fields(cls)]
    body = {"__attrs_post_init__": become}
    return make_class(cls.__name__, names, class_body=body, eq=False, repr=False, slots=True, weakref_slot=False)
