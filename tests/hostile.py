"""Values that claim to be what they are not, or raise where no value should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any, NoReturn


class Proxy:
    """Passes `isinstance` as another value, and shows itself as that, as proxies of web frameworks do."""

    def __init__(self, value: object) -> None:
        self.value = value

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


class Incomparable:
    """Raises when it is compared."""

    __hash__ = object.__hash__

    def __eq__(self, _other: object) -> NoReturn:
        raise RuntimeError("compared")


class EqualToAll(str):
    """Text that claims to equal everything."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _other: object) -> bool:
        return True


class Zone(tzinfo):
    """A time zone whose offset is what `offset` returns or raises."""

    def __init__(self, offset: Callable[[], timedelta | None]) -> None:
        self.offset = offset

    def utcoffset(self, _at: datetime | None) -> timedelta | None:
        return self.offset()

    dst = utcoffset

    def tzname(self, _at: datetime | None) -> str:
        return "odd"


def raising(error: Exception) -> Zone:
    """A time zone whose offset raises this error."""

    def offset() -> NoReturn:
        raise error

    return Zone(offset)
