"""What callers pass in where a list is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..domain import InvalidValue
from ..domain.visible import shown

T = TypeVar("T")


def list_of(items: Iterable[T], parameter: str, wanted: str, is_valid: Callable[[T], bool]) -> list[T]:
    """`items`, from any iterable, as a list.

    Text, bytes and mappings are rejected, although Python can iterate over them: a caller who passes one means
    something else. Raises InvalidValue, which names the `parameter`, or its first invalid item.
    """
    if isinstance(items, (str, bytes, bytearray, memoryview, Mapping)) or not issubclass(type(items), Iterable):
        raise InvalidValue(f"{parameter} is {type(items).__name__}: give a list of {wanted}.")
    listed = list(items)
    for position, item in enumerate(listed):
        if not is_valid(item):
            raise InvalidValue(f"{parameter}[{position}] is {shown(item)}: give a list of {wanted}.")
    return listed
