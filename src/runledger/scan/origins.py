"""What a name, field or item gives, by the origins of its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from .attributes import Attributes
from .names import Modules
from .program import Caught, FromImport, FromParameter, Origin, Program, Routine, Self, Source
from .tree import Member
from .values import Class, Failure, Given, Lookup, Table, This, Values

_EACH = {"forEach", "map", "filter", "some", "every", "flatMap", "find", "findIndex", "eachPage"}


class Origins(Attributes):
    """Follows origins."""

    def __init__(self, program: Program, modules: Modules) -> None:
        super().__init__(program, modules)
        self._together: dict[int, tuple[Collection[Origin], Values]] = {}
        """What lists of origins give, by their identity. A list is held, so that no other gets the same identity."""
        self._circles: Counter[int] = Counter()
        """How often a list that is looked through was come back to."""

    def of_origins(self, origins: Collection[Origin]) -> Values:
        """What any of the origins gives. A list of them is looked through once, however many places read it."""
        if len(origins) < 2:
            return self.merged(*(self.of_origin(origin) for origin in origins))
        key = id(origins)
        if key in self._together:
            return self._together[key][1]
        if key in self._gathered:
            self._cut += 1
            self._circles[key] += 1
            return self._gathered[key]
        if key in self._provisional:
            return self._provisional[key]
        before = self._cut
        found = self._gather(key, origins)
        if self._cut - before == self._circles.pop(key, 0) or not self.is_within:
            self._together[key] = (origins, found)
        else:
            self._provisional[key] = found
        if not self.is_within:
            self.forget()
        return found

    def _gather(self, key: int, origins: Collection[Origin]) -> Values:
        """What origins give. One that reads its own list (`x = x or y`) comes last, and reads what the others give."""
        reader = next(reversed(self._running), None)
        if reader is not None:  # an origin that evaluates it comes back here, where its circle ends
            del self._running[reader]
        self._gathered[key] = ()
        circular: list[Origin] = []
        try:
            for origin in origins:
                circles, kept = self._circles[key], (len(self._provisional), len(self._provisional_returns))
                found = self.of_origin(origin)
                if self._circles[key] == circles:
                    self._gathered[key] = self.merged(self._gathered[key], found)
                else:
                    circular.append(origin)
                    self.forget(*kept)
            for origin in circular:
                self._gathered[key] = self.merged(self._gathered[key], self.of_origin(origin))
        finally:
            found = self._gathered.pop(key)
            if reader is not None:
                self._running[reader] = None
        return found

    def of_origin(self, origin: Origin) -> Values:
        """The values that one origin of a name gives."""
        match origin:
            case Source(node=node, scope=at, steps=steps):
                return self.stepped(self.values(node, at), steps)
            case FromParameter(routine=routine, index=index, steps=steps):
                return self.stepped(self.parameter(routine, index), steps)
            case FromImport(module=module, spec=spec, name=name):
                return self.imported(module, spec, name)
            case Self(owner=owner, is_class=is_class):
                return (Class(owner),) if is_class and not self.subclasses(owner) else (This(owner),)
            case Caught():
                return (Failure(),)
        return ()

    def parameter(self, routine: Routine, index: int) -> Values:
        """What a parameter may be: what a library passes to a callback, what its type names, or a symbol."""
        passed = self._passed(routine, index)
        if passed is not None:
            return passed
        scope = routine.scope
        known = routine.node.parameters if routine.node is not None else []
        name = known[index].name if index < len(known) else ""
        kind = scope.names.get(f"type {name or index}")
        return (*(self.typed(kind[0]) if kind else ()), Given(routine, index))

    def _passed(self, routine: Routine, index: int) -> Values | None:
        if routine.passed is None:
            return None
        call, place, scope = routine.passed
        callee = call.callee
        if isinstance(callee, Member):
            if callee.name == "then" and place == 0:
                return self.values(callee.object, scope)
            if callee.name in ("catch", "then"):
                return (Failure(),)
            owners = self.values(callee.object, scope)
            if callee.name in _EACH and not (callee.name == "find" and any(isinstance(one, Table) for one in owners)):
                return self.each(owners) if index == 0 else ()
        found = [value for value in self.values(call, scope) if isinstance(value, Lookup)]
        if found:
            node = routine.node
            first = node.parameters[0].name if node is not None and node.parameters else ""
            if index == 0 and first.startswith(("e", "_")) and len(node.parameters if node else ()) > 1:
                return (Failure(),)
            return tuple(found)
        return None
