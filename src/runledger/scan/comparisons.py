"""Comparisons with nothing."""

from __future__ import annotations

import re

from .tree import Compare, Literal, Member, Name, Record, Sequence, Text

_MISSING = re.compile(r"not_?found$", re.I)


def presence(node: Compare) -> bool | None:
    """Whether a comparison with nothing (None, null, 0, "", 404) is true if its left side is there."""
    right = node.right
    nothing = isinstance(right, Literal) and (
        right.value is None or right.value is False or right.value in (0, 404, -1)
    )
    if isinstance(right, Literal) and right.value is True and node.operator in ("==", "!="):
        return node.operator == "=="
    if isinstance(right, Literal) and right.value == 1 and right.value is not True:
        return {"<": False, ">=": True, "==": True, "!=": False}.get(node.operator)
    if isinstance(right, Literal) and right.value == 200:
        return {"==": True, "!=": False}.get(node.operator)
    if (isinstance(right, Text) and right.parts in ([], ["UPDATE 0"])) or (
        isinstance(right, Sequence) and not right.items
    ):
        nothing = True
    if isinstance(right, Record) and not right.entries:
        nothing = True
    if isinstance(right, Name) and right.id == "undefined":
        nothing = True
    if isinstance(right, Member) and _MISSING.search(right.name):  # codes.NOT_FOUND
        nothing = True
    return (
        {"==": False, "!=": True, ">": True, "<=": False, ">=": True if nothing else None}.get(node.operator)
        if nothing
        else None
    )
