"""What the parts of the evaluator need of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice, product

from .names import Modules
from .program import ClassInfo, Origin, Program, Routine, Scope
from .tree import Argument, Node, Record
from .values import Arguments, Frames, String, Value, Values, joined, symbolic

MOST = 16
"""The most values of one expression that are followed."""


class Operations:
    """What the parts of the evaluator need of each other."""

    def __init__(self, program: Program, modules: Modules) -> None:
        self.program = program
        self.modules = modules
        self.exhausted: Counter[str] = Counter()
        self.steps = 0
        """Symbols that were replaced for the call that is looked at; its user sets it back."""
        self.total = 0
        self._nesting = 0
        self._spreading: set[Record] = set()
        """Objects whose spreads are looked into: `{...x}` may hold itself."""
        self._substituted: dict[tuple[Value, Frames], Values] = {}
        self._ancestry: dict[ClassInfo, list[ClassInfo]] = {}
        self._subclasses: dict[ClassInfo, list[ClassInfo]] | None = None

    def merged(self, *groups: Values) -> Values:
        """The distinct values of several groups, in order, no more than are followed."""
        if len(groups) == 1 and len(groups[0]) <= 1:
            return groups[0]
        found = tuple(dict.fromkeys(value for values in groups for value in values))
        if len(found) > MOST:
            self.exhausted["values of one expression"] += 1
        return found[:MOST]

    def combined(self, parts: Iterable[str | Values]) -> Values:
        """The texts that some parts make together: one for each choice of the values that a part may have."""
        options = [(part,) if isinstance(part, str) else textual(part) or (None,) for part in parts]
        return self.merged(tuple(joined(list(choice)) for choice in islice(product(*options), MOST + 1)))

    def values(self, node: Node, scope: Scope) -> Values:
        raise NotImplementedError

    def of_origin(self, origin: Origin, scope: Scope) -> Values:
        raise NotImplementedError

    def returned(self, routine: Routine) -> Values:
        raise NotImplementedError

    def arguments(self, listed: list[Argument], scope: Scope) -> Arguments:
        raise NotImplementedError

    def call(self, function: Value, arguments: Arguments) -> Values:
        raise NotImplementedError

    def guess(self, callee: str, arguments: Arguments) -> Values:
        raise NotImplementedError

    def exported(self, module: object, name: str) -> Values:
        raise NotImplementedError

    def member(self, owner: Value, name: str) -> Values:
        raise NotImplementedError

    def members(self, owners: Values, name: str) -> Values:
        raise NotImplementedError

    def item(self, owner: Value, key: Value | None) -> Values:
        raise NotImplementedError

    def entries(self, value: Value) -> dict[str, Values]:
        raise NotImplementedError

    def ancestry(self, info: ClassInfo) -> list[ClassInfo]:
        raise NotImplementedError

    def subclasses(self, info: ClassInfo) -> list[ClassInfo]:
        raise NotImplementedError

    def filled(self, left: Values, right: Values, arguments: Arguments | None = None) -> Values:
        raise NotImplementedError


def textual(values: Values) -> Values:
    """Those of some values that are a text, or may be one where a parameter is known."""
    return tuple(value for value in values if isinstance(value, String) or symbolic(value))
