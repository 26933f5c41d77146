"""What `a.b` gives: a member of the value of `a`, or what is assigned to it elsewhere in the program."""

from __future__ import annotations

from .calls import Calls
from .program import Scope, Self
from .reaching import outwards
from .traversal import chain_of
from .tree import Member, Name
from .values import Library, Method, Object, Values, symbolic


class Attributes(Calls):
    """Finds attributes."""

    def attribute(self, node: Member, scope: Scope) -> Values:
        """The values of a member, by its expression."""
        if chain_of(node.object) == "super":
            return self._super(node.name, scope)
        found = self._attached(node, scope) or self.members(self.values(node.object, scope), node.name)
        return self._kept_attribute(node, found) or found

    def _super(self, name: str, scope: Scope) -> Values:
        names = [name for at in outwards(scope) for name in at.names.values()]
        for origin in (one for origins in names for one in origins):
            if isinstance(origin, Self):
                return self.above(origin.owner, name)
        return ()

    def _attached(self, node: Member, scope: Scope) -> Values:
        """A member of the module's own exports, or of `this` in an object literal's method, which is the object."""
        if chain_of(node.object) in ("exports", "module.exports") and scope.holder("exports") is None:
            return self.exported(scope.module, node.name)
        if not isinstance(node.object, Name) or node.object.id != "this" or scope.holder("this") is not None:
            return ()
        routine = scope.routine
        while routine is not None and (routine.node is None or routine.node.is_arrow):
            routine = routine.parent
        if routine is None or routine.record is None:
            return ()
        return self.members((Object(*routine.record),), node.name)

    def _kept_attribute(self, node: Member, found: Values) -> Values:
        """What is assigned to an attribute of an object that a package or a caller gives."""
        owners = self.program.kept.get(node.name)
        if owners is None or not all(isinstance(value, Library | Method) or symbolic(value) for value in found):
            return ()
        origins = owners.get(chain_of(node.object).rpartition(".")[2], ())
        kept = self.of_origins(origins)
        return self.merged(kept, tuple(value for value in found if symbolic(value))) if kept else ()
