"""Which assignments of a name reach a place."""

from __future__ import annotations

from .program import Origin, Scope, Source


def reaching(origins: list[Origin], pos: int) -> list[Origin]:
    """The assignments that may have given a name its value at `pos`: the last that surely happened, and later ones."""
    before = [origin for origin in origins if not isinstance(origin, Source) or origin.pos < pos]
    made: list[Origin] = []
    for origin in reversed(before):
        inside = not isinstance(origin, Source) or origin.block[0] <= pos < origin.block[1]
        if inside:
            return [origin, *made]
        if not (isinstance(origin, Source) and origin.leaves):
            made.insert(0, origin)
    return made or origins


def outwards(scope: Scope) -> list[Scope]:
    """A scope and those around it."""
    made: list[Scope] = []
    at: Scope | None = scope
    while at is not None:
        made.append(at)
        at = at.parent
    return made
