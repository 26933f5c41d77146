"""What the parts of the evaluator need of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice, product

from .names import Modules
from .program import ClassInfo, Origin, Program, Routine, Scope
from .tree import Argument, Node, Record
from .values import MORE, Arguments, Called, Frames, More, Of, String, Value, Values, joined, symbolic
from .weights import HEAVIEST, weight_of

MOST = 16
"""The most values of one expression that are followed."""

_MOST_GIVEN = 3
"""The most values of one argument of a symbol's call."""

MOST_STEPS_FOR_ONE_CALL = 4000
"""How often symbols are replaced for one call."""


class Operations:
    """What the parts of the evaluator need of each other."""

    def __init__(self, program: Program, modules: Modules) -> None:
        self.program = program
        self.modules = modules
        self.exhausted: Counter[str] = Counter()
        """How often each limit was reached."""
        self.steps = 0
        """Symbols that were replaced for the call that is looked at; its user sets it back."""
        self.total = 0
        self._nesting = 0
        self._cut = 0
        """How often an evaluation came back to what it is a part of: what is found then depends on where it began."""
        self._running: dict[tuple[Node, Scope], None] = {}
        """The expressions that are evaluated, the innermost last."""
        self._gathered: dict[int, Values] = {}
        """What the lists of origins that are looked through have given so far, by their identity."""
        self._provisional: dict[tuple[Node, Scope] | int, Values] = {}
        self._provisional_returns: dict[Routine, Values] = {}
        """What was cut short depends on where it began: it is kept until that is evaluated."""
        self._spreading: set[Record] = set()
        """Objects whose spreads are looked into: `{...x}` may hold itself."""
        self._spreads: dict[tuple[Value, Node, str | None], list[dict[str, Values]]] = {}
        self._provisional_spreads: list[tuple[Value, Node, str | None]] = []
        self._substituted: dict[tuple[Value, Frames], Values] = {}
        self._ancestry: dict[ClassInfo, list[ClassInfo]] = {}
        self._subclasses: dict[ClassInfo, list[ClassInfo]] | None = None

    @property
    def is_within(self) -> bool:
        """Whether what is evaluated is a part of something else that is."""
        return bool(self._running or self._gathered)

    def forget(self, values: int = 0, returns: int = 0) -> None:
        """Forget what is provisional, but for the oldest."""
        while len(self._provisional) > values:
            self._provisional.popitem()
        while len(self._provisional_returns) > returns:
            self._provisional_returns.popitem()

    def give_up(self, limit: str, times: int = 1) -> None:
        """Count that a limit was reached, so that findings may be missing."""
        self.exhausted[limit] += times

    def spend(self, steps: int) -> bool:
        """Count steps for one call. Returns whether there are more than are allowed."""
        if self.steps <= MOST_STEPS_FOR_ONE_CALL < self.steps + steps:
            self.give_up("steps for one call")
        self.steps += steps
        return self.steps > MOST_STEPS_FOR_ONE_CALL

    def merged(self, *groups: Values) -> Values:
        """The distinct values of several groups, in order; MORE in the place of those that are not followed."""
        if len(groups) == 1 and len(groups[0]) <= 1:
            return groups[0]
        found = tuple(dict.fromkeys(value for values in groups for value in values))
        if len(found) <= MOST:
            return found
        return (*[value for value in found if value is not MORE][:MOST], MORE)

    def combined(self, parts: Iterable[str | Values]) -> Values:
        """The texts that some parts make together: one for each choice of the values that a part may have."""
        choices = product(*((part,) if isinstance(part, str) else textual(part) or (None,) for part in parts))
        made = [MORE if MORE in choice else joined(list(choice)) for choice in islice(choices, MOST)]
        return self.merged(tuple(made), () if next(choices, None) is None else (MORE,))

    def part(self, owner: Value, kind: str, what: str | Value) -> Values:
        """A part of what a symbol is for; nothing if the symbol would be too heavy."""
        return self._light((Of(owner, kind, what),))

    def result(self, function: Value, arguments: Arguments) -> Values:
        """The result of calling what a symbol is for. Arguments that are heavy symbols are left out."""
        positional = tuple(self._light(values[:_MOST_GIVEN], HEAVIEST // 3) for values in arguments.positional)
        keywords = tuple(
            (key, self._light(values[:_MOST_GIVEN], HEAVIEST // 3)) for key, values in arguments.keywords.items()
        )
        if any(len(values) > _MOST_GIVEN for values in arguments.everything):
            self.give_up("values of one argument")
        return self._light((Called(function, positional, keywords),))

    def _light(self, values: Values, heaviest: int = HEAVIEST) -> Values:
        light = tuple(value for value in values if weight_of(value) <= heaviest)
        if len(light) < len(values):
            self.give_up("size of one symbol")
        return light

    def values(self, node: Node, scope: Scope) -> Values:
        raise NotImplementedError

    def of_origin(self, origin: Origin) -> Values:
        raise NotImplementedError

    def of_origins(self, origins: Collection[Origin]) -> Values:
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

    def each(self, owners: Values) -> Values:
        raise NotImplementedError

    def truths(self, found: Values, positive: bool) -> Values:
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
    return tuple(value for value in values if isinstance(value, String | More) or symbolic(value))
