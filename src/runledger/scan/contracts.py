"""Contracts: interfaces, protocols and abstract classes, and what implements them in the program."""

from __future__ import annotations

from .names import Modules
from .operations import MOST, Operations
from .program import ClassInfo, Program
from .tree import Function, Member, Name, Text
from .values import Library, Object, This, Values


class Contracts(Operations):
    """Finds what an object may be that is declared by a contract alone.

    What names the contract among its bases implements it. If nothing does, whatever has all methods of an interface or
    protocol does: a class, or an object that is written out.
    """

    def __init__(self, program: Program, modules: Modules) -> None:
        super().__init__(program, modules)
        self._implementations: dict[ClassInfo, Values] = {}
        self._with_method: dict[str, list[tuple[This | Object, set[str]]]] | None = None

    def implementations(self, info: ClassInfo) -> Values:
        """The classes and objects that a contract may mean; nothing if the class is no contract."""
        if info not in self._implementations:
            self._implementations[info] = ()
            names = _promised(self.ancestry(info))
            found: Values = ()
            if names:
                found = tuple(This(one) for one in self.subclasses(info) if not self.is_open(one))
                found = found or (self._alike(names) if self.is_open(info) else ())
            if len(found) > MOST:
                self.give_up("implementations of one contract")
            self._implementations[info] = found[:MOST]
        return self._implementations[info]

    def is_open(self, info: ClassInfo) -> bool:
        """Whether anything with the methods of a class counts as one: of an interface or a protocol."""
        return info.node.is_interface or any(
            isinstance(base, Library) and base.path.rstrip("[]").endswith("Protocol")
            for node in info.node.bases
            for base in self.values(node, info.scope)
        )

    def _alike(self, names: set[str]) -> Values:
        if self._with_method is None:
            self._with_method = {}
            for candidate, methods in self._candidates():
                for name in methods:
                    self._with_method.setdefault(name, []).append((candidate, methods))
        rarest = min(names, key=lambda name: (len((self._with_method or {}).get(name, ())), name))
        return tuple(candidate for candidate, methods in self._with_method.get(rarest, ()) if names <= methods)

    def _candidates(self) -> list[tuple[This | Object, set[str]]]:
        made: list[tuple[This | Object, set[str]]] = [
            (This(info), {name for each in self.ancestry(info) for name in each.methods})
            for info in self.program.classes.values()
            if not self.is_open(info)
        ]
        for node, scope in self.program.records:
            keys = {
                key.parts[0]
                for key, value in node.entries
                if isinstance(key, Text) and len(key.parts) == 1 and isinstance(value, Function | Name | Member)
            }
            made.append((Object(node, scope), {key for key in keys if isinstance(key, str)}))
        return made


def _promised(ancestry: list[ClassInfo]) -> set[str]:
    """The methods that a class declares and neither it nor its bases define."""
    names: set[str] = set()
    for each in reversed(ancestry):
        for name, routine in each.methods.items():
            if routine.node is not None and routine.node.is_abstract:
                names.add(name)
            else:
                names.discard(name)
    return names
