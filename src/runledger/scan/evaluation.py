"""Evaluates expressions to the values that they may have, on demand and without running anything."""

from __future__ import annotations

from .comparisons import presence
from .names import Modules
from .origins import Origins
from .program import Program, Routine, Scope, Source
from .reaching import reaching
from .returns import conditions, return_values
from .traversal import chain_of
from .tree import (
    Argument,
    Assign,
    Await,
    Binary,
    Call,
    ClassNode,
    Compare,
    Each,
    Either,
    Function,
    Index,
    Literal,
    Member,
    Name,
    Node,
    Not,
    Other,
    Record,
    Sequence,
    Spread,
    Text,
)
from .values import (
    Arguments,
    Callable,
    Class,
    Constant,
    Library,
    List,
    Lookup,
    Object,
    String,
    This,
    Value,
    Values,
    exact,
    symbolic,
)

_DEPTH = 60
"""How deep evaluations may nest before one is given up."""


class Evaluator(Origins):
    """Evaluates for one program. `exhausted` counts what was given up, by the name of the limit."""

    def __init__(self, program: Program, modules: Modules) -> None:
        super().__init__(program, modules)
        self._known: dict[tuple[Node, Scope], Values] = {}
        self._returns: dict[Routine, Values] = {}
        self._returning: set[Routine] = set()

    def values(self, node: Node, scope: Scope) -> Values:
        """The values that an expression may have in its scope."""
        if isinstance(node, Literal):
            return (Constant(node.value),)
        key = (node, scope)
        known = self._known.get(key)
        if known is None:
            known = self._provisional.get(key)
        if known is not None:
            return known
        if key in self._running:
            self._cut += 1
            return ()
        if len(self._running) > _DEPTH:
            self.give_up("depth of evaluation")
            self._cut += 1
            return ()
        self._running[key] = None
        before = self._cut
        try:
            found = self._evaluate(node, scope)
        finally:
            self._running.pop(key, None)
        if self._cut == before or not self.is_within:
            self._known[key] = found
        else:
            self._provisional[key] = found
        if not self.is_within:
            self.forget()
        return found

    def _evaluate(self, node: Node, scope: Scope) -> Values:
        match node:
            case Name():
                return self._name(node, scope)
            case Text(parts=parts):
                return self._template(parts, scope)
            case Member():
                return self.attribute(node, scope)
            case Index(object=owner, index=index):
                return self._index(owner, index, scope)
            case Call():
                return self.called(node, scope)
            case Await(value=inner) | Spread(value=inner):
                return self.values(inner, scope)
            case Function() | ClassNode():
                return self._defined(node)
            case Record():
                return (Object(node, scope),)
            case Sequence():
                return (List(node, scope),)
            case Each(element=element, source=source):
                looked = tuple(value for value in self.values(source, scope) if isinstance(value, Lookup))
                return looked or self.values(element, self.program.scopes.get(node, scope))
            case Assign(value=value) if value is not None:
                return self.values(value, scope)
            case Either() | Binary() | Not() | Compare():
                return self._operation(node, scope)
            case Other(parts=parts) if len(parts) == 1:
                return self.values(parts[0], scope)
        return ()

    def _index(self, owner: Node, index: Node, scope: Scope) -> Values:
        keys = self.values(index, scope)
        if chain_of(owner).rpartition(".")[2] in ("Annotated", "Optional"):
            return keys
        owners = self.values(owner, scope)
        return self.merged(
            *(self.item(one, key) for one in owners for key in (keys or (None,))),
            self.kept(owner, scope, exact(next(iter(keys), None)) or ""),
        )

    def _defined(self, node: Function | ClassNode) -> Values:
        """A function or class that is written here."""
        if isinstance(node, ClassNode):
            known = self.program.classes.get(node)
            return () if known is None else (Class(known),)
        if node in self.program.constructors:
            return (Class(self.program.constructors[node]),)
        routine = self.program.routines.get(node)
        return () if routine is None else (Callable(routine, self._this_of(routine)),)

    def _name(self, node: Name, scope: Scope) -> Values:
        holder = scope.holder(node.id)
        if holder is None:
            found = self.passed_on(scope.module, node.id) if scope.module.is_python else ()
            return found or (Library(node.id),)
        origins = holder.names[node.id]
        if len(origins) > 1 and holder.function_scope() is scope.function_scope():
            origins = reaching(origins, node.pos)
        found = self.of_origins(origins)
        if not found or all(isinstance(value, Constant | Library) or symbolic(value) for value in found):
            kind = holder.function_scope().names.get(f"type {node.id}")
            if kind:
                return self.merged(self.typed(kind[0]), found)
        return found

    def _this_of(self, routine: Routine) -> Value | None:
        if routine.owner is not None and routine.node is not None and not routine.node.is_static:
            return This(routine.owner)
        return None

    def _template(self, parts: list[str | Node], scope: Scope) -> Values:
        return self.combined(part if isinstance(part, str) else self.values(part, scope) for part in parts)

    def _operation(self, node: Either | Binary | Not | Compare, scope: Scope) -> Values:
        match node:
            case Either(operator="and", right=right):
                return self.values(right, scope)
            case Either(left=left, right=right):
                return self.merged(self.values(left, scope), self.values(right, scope))
            case Binary(operator=operator, left=left, right=right):
                return self._binary(operator, self.values(left, scope), self.values(right, scope))
            case Not(operand=operand):
                return self._truth(operand, scope, positive=False)
        positive = presence(node)
        return () if positive is None else self._truth(node.left, scope, positive=positive)

    def _binary(self, operator: str, left: Values, right: Values) -> Values:
        if operator == "+":
            if not any(isinstance(value, String) for value in (*left, *right)):
                return tuple(value for value in (*left, *right) if isinstance(value, List))
            return self.combined((left, right))
        if operator == "%":
            return self.filled(left, right)
        if operator == "/" and any(isinstance(value, String) for value in left):
            return self.combined((left, "/", right))
        return ()

    def _truth(self, operand: Node, scope: Scope, *, positive: bool) -> Values:
        return self.truths(self.values(operand, scope), positive)

    def returned(self, routine: Routine) -> Values:
        """What a routine may return, with its parameters as symbols."""
        if routine in self._returns:
            return self._returns[routine]
        if routine in self._provisional_returns:
            return self._provisional_returns[routine]
        if routine in self._returning:
            self._cut += 1
            return ()
        self._returning.add(routine)
        before = self._cut
        found = self.merged(
            *(self.values(node, scope) for node, scope in return_values(self.program, routine.body, routine.scope))
        )
        if not found and routine.node is not None and routine.node.returns is not None:
            found = self.typed(Source(routine.node.returns, routine.scope))
        if any(isinstance(one, Constant) and one.value is False for one in found):
            decided = conditions(self.program, routine.body, routine.scope)
            truths = [self._truth(node, scope, positive=positive) for node, scope, positive in decided]
            found = self.merged(*truths) or found
        self._returning.discard(routine)
        if self._cut == before or not self.is_within:
            self._returns[routine] = found
        else:
            self._provisional_returns[routine] = found
        return found

    def arguments(self, listed: list[Argument], scope: Scope) -> Arguments:
        """The arguments of a call; nothing is known of what a spread holds and of what follows it."""
        positional: list[Values] = []
        keywords: dict[str, Values] = {}
        for argument in listed:
            if argument.keyword is not None:
                keywords[argument.keyword] = self.values(argument.value, scope)
            elif argument.spread == 1:
                inner = self.values(argument.value, scope)
                lists = [value for value in inner if isinstance(value, List)]
                items = lists[0].node.items if lists else []
                positional += [self.values(item, lists[0].scope) for item in items] or [self.each(inner)]
            elif argument.spread == 2:
                for value in self.values(argument.value, scope):
                    keywords |= self.entries(value)
            else:
                positional.append(self.values(argument.value, scope))
        return Arguments(tuple(positional), keywords)
