"""What is known of each routine: its flow, its effects, and what depends on its callers."""

from __future__ import annotations

from attrs import define, field, frozen

from .flow import Arm, Event
from .libraries.outcome import Outcome
from .program import Routine
from .values import (
    Arguments,
    Callable,
    Value,
)

LOOKUP = "lookup"


@frozen
class Site:
    """A place in the code."""

    path: str
    line: int
    first_line: int
    function: str
    pos: int
    """Where the call begins: a line may have several."""


@frozen
class Effect:
    """A write or look-up. `chain` leads from the routine to it: the routines that are called, the nearest first."""

    kind: str
    table: Value | None
    site: Site
    likely: bool = False
    chain: tuple[Routine, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        return self.kind, self.table, self.site


@frozen
class Open:
    """A call that depends on parameters: what it does is known where they are given."""

    function: Value
    arguments: Arguments = field(eq=False)
    site: Site
    guess: Outcome = field(eq=False, default=Outcome())
    chain: tuple[Routine, ...] = ()

    def given(self, function: Value, arguments: Arguments, chain: tuple[Routine, ...]) -> Open:
        """The call as a caller leaves it open, which knows more of its function and arguments."""
        return Open(function, arguments, self.site, self.guess, chain)

    @property
    def key(self) -> tuple[object, ...]:
        return self.function, self.site


@define(eq=False)
class Resolved:
    """What an event calls."""

    routines: list[tuple[Callable, Arguments, bool]] = field(factory=list)
    outcomes: list[Outcome] = field(factory=list)
    opens: list[Open] = field(factory=list)


@define(eq=False)
class Summary:
    routine: Routine
    arm: Arm
    events: list[Event]
    effects: dict[tuple[object, ...], Effect] = field(factory=dict)
    opens: dict[tuple[object, ...], Open] = field(factory=dict)
    of_event: dict[Event, dict[tuple[object, ...], Effect]] = field(factory=dict)
    open_of_event: dict[Event, dict[tuple[object, ...], Open]] = field(factory=dict)
