"""Values of subclasses of str, int, float and datetime, as enumerations and other libraries have them.

Each shows itself otherwise than the plain value that it is, and a Word also compares otherwise.
"""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any


class Word(str):
    """Text that ignores case, and shows itself as a member of an enumeration does."""

    __slots__ = ()

    def __str__(self) -> str:
        return "Word.MEMBER"

    __repr__ = __str__

    def __format__(self, _form: str) -> str:
        return "Word.MEMBER"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and str.casefold(self) == str.casefold(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(str.casefold(self))


class Count(int):
    """A whole number that shows and converts itself as another one."""

    def __str__(self) -> str:
        return "Count.MEMBER"

    __repr__ = __str__

    def __int__(self) -> int:
        return -1


class Amount(float):
    """A number that shows and converts itself as another one."""

    def __str__(self) -> str:
        return "Amount.MEMBER"

    __repr__ = __str__

    def __float__(self) -> float:
        return -1.0


class Moment(datetime):
    """A time that shows itself as text without a zone."""

    def __str__(self) -> str:
        return "a moment"

    __repr__ = __str__

    def isoformat(self, *_: Any, **__: Any) -> str:
        return "a moment"


def of_subclass(value: Any) -> Any:
    """The value as one of a subclass of its type, if it is plain text, a number or a time."""
    if type(value) is str:
        return Word(value)
    if type(value) is int:
        return Count(value)
    if type(value) is float:
        return Amount(value)
    if type(value) is datetime:
        fields = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
        return Moment(*fields, tzinfo=value.tzinfo, fold=value.fold)
    return value


def holds_plain_values(thing: object) -> bool:
    """Whether no value of these subclasses is anywhere in a thing that can be pickled: a pickle names their module."""
    return __name__.encode() not in pickle.dumps(thing)
