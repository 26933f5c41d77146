"""What the call of a library's function does and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from ..values import Arguments, Value, Values

CREATION, UPDATE, UPSERT, UNRESOLVED = "creation", "update", "upsert", "unresolved"


@frozen
class Write:
    """A write to a table. `table` is the table's name as a String, a symbol, or None if it is unknown."""

    kind: str
    table: Value | None
    likely: bool = False


@frozen
class Outcome:
    """`pending` marks a call that depends on parameters of the function it is in."""

    values: Values = ()
    writes: tuple[Write, ...] = ()
    pending: bool = False

    @property
    def is_known(self) -> bool:
        return bool(self.values or self.writes or self.pending)


NOTHING = Outcome()

Entries = Callable[[Value], dict[str, Values]]
"""The entries of an object or dictionary."""


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """What a call does that may do each of several things."""
    made = list(outcomes)
    return Outcome(
        tuple(dict.fromkeys(value for one in made for value in one.values)),
        tuple(dict.fromkeys(write for one in made for write in one.writes)),
        any(one.pending for one in made),
    )


def options(arguments: Arguments, entries: Entries) -> dict[str, Values]:
    """The entries of all objects among the arguments, the later ones first found."""
    made: dict[str, Values] = {}
    for values in arguments.positional:
        for value in values:
            made |= entries(value)
    return made | dict(arguments.keywords)
