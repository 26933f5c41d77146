"""The key of a run, the rule for ids and names, and the error for a value that breaks a rule. Each needs the others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Self, TypeGuard, TypeVar

from attrs import field, frozen

from .representation import fields_shown
from .unchecked import unchecked
from .visible import quoted, shown, visible

T = TypeVar("T")

MAX_NAME = 255
"""Characters of an id or a name."""
# Two classes, because one that spans both ends of Unicode takes long to compile.
CONTROL = "[\x00-\x1f\x7f-\x9f]|[\ud800-\udfff]"
"""Control characters, and surrogates, which no encoding can represent."""


class RunLedgerError(Exception):
    """The base of every error that the ledger raises. `key` is the run concerned, or None if no run is.

    `applied` holds the keys of a bulk call that were created or updated before it failed. With a store that guarantees
    atomic bulk calls, only an earlier attempt of a start can have created them.
    `unconfirmed` holds the keys of runs whose records a start may have made, without knowing whether they are there and
    are the run's. A key with a reference is that of a record which the store says it made: a retry confirms it, and
    creates nothing for it.
    """

    applied: tuple[RunKey, ...] = ()
    unconfirmed: tuple[RunKey, ...] = ()

    def __init__(self, message: str, key: RunKey | None = None) -> None:
        super().__init__(message)
        self.key = key

    def having_applied(self, keys: Iterable[RunKey]) -> Self:
        """This error, with the keys that the failed bulk call applied."""
        self.applied = tuple(keys)
        return self

    def __str__(self) -> str:
        message = visible(super().__str__())  # a driver's own words may be part of it
        if not self.applied:
            return message
        return f"{message} {len(self.applied)} of the batch had been applied before: first {self.applied[0]}."

    def __reduce__(self) -> Any:
        # The default calls the class with the message alone, so an error with other arguments could not be pickled.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class InvalidValue(RunLedgerError, ValueError):
    """A value is invalid. It was rejected before anything was sent to the store."""

    def naming(self, key: RunKey | None) -> Self:
        """This error, which names the run concerned, unless it does so already, or no run is known."""
        if self.key is None and key is not None:
            self.key = key
            self.args = (f"{key}: {self.args[0]}",)
        return self


def checked_name(value: str, what: str) -> str:
    """An id or name: 1 to 255 characters, no control characters, no white space at either end. Raises InvalidValue."""
    if type(value) is str and value.isprintable() and 0 < len(value) <= MAX_NAME and value.strip() == value:
        return value
    text = plain_text(value, what)
    if not text:
        raise InvalidValue(f"{what} is empty: give it 1 to {MAX_NAME} characters.")
    if text.strip() != text:
        raise InvalidValue(f"{what} {shown(text)} begins or ends with white space: remove it where the value is made.")
    return checked_characters(text, what, MAX_NAME, CONTROL)


def is_a(value: object, kind: type[T]) -> TypeGuard[T]:
    """Whether a value has this type. Proxies and mocks, which only pass `isinstance`, do not have it."""
    return issubclass(type(value), kind)


def plain_text(value: str, what: str) -> str:
    """Text as a plain str: a subclass may compare, hash or show itself in another way. Raises InvalidValue.

    `str.__str__` returns the characters themselves. A subclass, such as that of an enumeration, overrides `str(value)`.
    """
    if not is_a(value, str):
        raise InvalidValue(f"{what} is {type(value).__name__}, not text: give a str.")
    return str.__str__(value)


def checked_characters(value: str, what: str, longest: int, forbidden: str) -> str:
    """Text of at most `longest` characters, without any that the pattern `forbidden` matches. Raises InvalidValue."""
    if value.isprintable() and len(value) <= longest:
        return value
    if len(value) > longest:
        raise InvalidValue(f"{what} has {len(value)} characters: at most {longest:,} can be stored.")
    if found := re.search(forbidden, value):
        where = f"at position {found.start() + 1}"
        if found.group() in "\n\r":
            raise InvalidValue(f"{what} {shown(value)} has a line break {where}: it must be one line.")
        raise InvalidValue(
            f"{what} {shown(value)} has the character U+{ord(found.group()):04X} {where}: it cannot be stored; "
            "remove it."
        )
    return value


def named(an_id: str) -> str:
    """An id as a message quotes it: whole, unless it is longer than any that can be stored."""
    return quoted(an_id) if len(an_id) <= MAX_NAME else shown(an_id)


def checked_run_id(value: str) -> str:
    """A run id. Raises InvalidValue."""
    return checked_name(value, "run id")


def checked_client_id(value: str) -> str:
    """A client id. Raises InvalidValue."""
    return checked_name(value, "client id")


def checked_reference(value: str | None) -> str | None:
    """A store's reference to a record, or None. Raises InvalidValue."""
    return None if value is None else plain_text(value, "reference")


@frozen(order=True, weakref_slot=False)
class RunKey:
    """Which run of which client: two opaque strings. They are compared exactly, and never trimmed, re-cased or rebuilt.

    `reference` is the store's own reference to the record, where the store gave one. It belongs to whoever holds this
    key: it is not compared, ordered or shown. Raises InvalidValue for ids that `checked_name` rejects.
    """

    __repr__ = fields_shown

    run_id: str = field(converter=checked_run_id)
    client_id: str = field(converter=checked_client_id)
    reference: str | None = field(
        default=None, converter=checked_reference, kw_only=True, eq=False, order=False, repr=False
    )

    @classmethod
    def trusted(cls, run_id: str, client_id: str, reference: str | None = None) -> RunKey:
        """A key that a store returned, without the checks: it was checked before it was stored."""
        return unchecked_key(run_id, client_id, reference)

    def referring_to(self, reference: str | None) -> RunKey:
        """This key with the store's reference to its record, or without any."""
        return unchecked_key(self.run_id, self.client_id, reference)

    def __str__(self) -> str:
        return f"run {named(self.run_id)} of client {named(self.client_id)}"


unchecked_key = unchecked(RunKey)
