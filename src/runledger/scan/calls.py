"""What calls give: functions of the program by what they return, functions of libraries by what is known of them."""

from __future__ import annotations

from collections.abc import Iterable

from .libraries import sql
from .names import Modules
from .outcomes import Outcomes
from .program import Module, Program, Scope
from .traversal import chain_of, parts_of
from .tree import Call, Function, Member, Name, Node
from .values import (
    Arguments,
    Callable,
    Called,
    Class,
    File,
    Frame,
    Given,
    Instance,
    Library,
    Lookup,
    Method,
    More,
    Of,
    Partial,
    This,
    Value,
    Values,
    exact,
)

_FETCHES = {
    "fetchone",
    "fetchall",
    "fetchmany",
    "fetchval",
    "rowcount",
    "scalar",
    "scalar_one_or_none",
    "changes",
    "lastrowid",
}


class Calls(Outcomes):
    """Calls values."""

    def __init__(self, program: Program, modules: Modules) -> None:
        super().__init__(program, modules)
        self._executions: dict[Scope, list[tuple[str, Call, Scope]]] = {}
        self._exporting: set[tuple[Module, str]] = set()
        """Names that modules import from each other in a circle are followed once."""

    def called(self, node: Call, scope: Scope) -> Values:
        """The values of a call."""
        loaded = self._loaded(node, scope)
        if loaded is not None:
            return loaded
        arguments = self.arguments(node.arguments, scope)
        functions = self.values(node.callee, scope)
        found = self.merged(*(self.call(function, arguments, node, scope) for function in functions))
        if not found or all(isinstance(value, Called | Of | Library) for value in found):
            known = self._fetched(node.callee, scope) or self._kept_item(node.callee, scope)
            opened = any(isinstance(value, Called | Of) for value in found)
            known = known or self.of_text(chain_of(node.callee).rpartition(".")[2], arguments).values
            return known or (() if opened else self.guessed(node, arguments).values) or found
        return found

    def _loaded(self, node: Call, scope: Scope) -> Values | None:
        if isinstance(node.callee, Name) and node.callee.id in ("require", "import") and node.arguments:
            spec = self.values(node.arguments[0].value, scope)
            known = exact(spec[0]) if spec else None
            return () if known is None else self.imported(scope.module, known, "*")
        return None

    def imported(self, module: Module, spec: str, name: str) -> Values:
        """What an import gives: a module or a name of it."""
        target = self.modules.resolve(module, spec)
        if target is None and module.is_python and name != "*":
            inner = self.modules.resolve(module, f"{spec.rstrip('.')}.{name}" if spec.strip(".") else spec + name)
            if inner is not None:
                return (File(inner),)
        if target is None:
            package = spec.removeprefix("node:")
            return (Library(package if name in ("*", "default") else f"{package}.{name}"),)
        if name == "*":
            return (File(target),)
        return self.exported(target, name)

    def exported(self, module: object, name: str) -> Values:
        """A name of a module."""
        if not isinstance(module, Module) or (module, name) in self._exporting:
            return ()
        self._exporting.add((module, name))
        try:
            return self._python_name(module, name) if module.is_python else self._script_name(module, name)
        finally:
            self._exporting.discard((module, name))

    def _script_name(self, module: Module, name: str) -> Values:
        found = self.of_origins(module.exports.get(name, ()))
        if not found and module.whole:
            whole = self.of_origins(module.whole)
            return whole if name == "default" else self.members(whole, name)
        if not found and name == "default":
            return (File(module),)
        return found or self.passed_on(module, name)

    def _python_name(self, module: Module, name: str) -> Values:
        origins = module.scope.names.get(name, ())
        found = self.of_origins(origins)
        if not found:
            inner = self.modules.submodule(module, name)
            if inner is not None:
                return (File(inner),)
        return found or self.passed_on(module, name)

    def passed_on(self, module: Module, name: str) -> Values:
        """A name that a module has from another: `from m import *`, `export * from "m"`."""
        return next(filter(None, (self.exported(other, name) for other in self.modules.passed_on(module))), ())

    def call(
        self, function: Value, arguments: Arguments, node: Call | None = None, scope: Scope | None = None
    ) -> Values:
        """What calling a value gives."""
        match function:
            case Callable(routine=routine, this=this, frames=frames):
                frame = Frame(routine, arguments.positional, arguments.frozen_keywords, this)
                return self._within(self.returned(routine), (*frames, frame))
            case Class(info=info) | This(info=info):  # `this` and `cls` of a static method are its class
                return (Instance(info, arguments.positional, arguments.frozen_keywords),)
            case More():
                return (function,)
            case File(module=module):
                whole = self.of_origins(module.whole)
                return self.merged(*(self.call(value, arguments) for value in whole))
            case Given() | Of() | Called():
                return self.result(function, arguments)
            case Partial(function=inner, arguments=given):
                return self.call(inner, Arguments((*given, *arguments.positional), arguments.keywords))
            case Method(owner=owner, name=name) if isinstance(owner, Callable):
                return self._of_callable(owner, name, arguments)
        found = self.outcome(function, arguments, node, scope)
        if found.pending and not found.values:
            return self.result(function, arguments)
        return found.values

    def _of_callable(self, owner: Callable, name: str, arguments: Arguments) -> Values:
        if name == "bind":
            return (Partial(owner, arguments.positional[1:]),)
        return self.call(owner, Arguments(arguments.positional[1:])) if name == "call" else ()

    def _kept_item(self, callee: Node, scope: Scope) -> Values:
        """`cache.get(key)`: what `cache.set(key, …)` puts in."""
        return self.kept(callee.object, scope) if isinstance(callee, Member) and callee.name == "get" else ()

    def kept(self, owner: Node, scope: Scope, key: str = "") -> Values:
        """What is assigned to the items of a dictionary or map: to that with a key, or to those with unknown keys."""
        return self._kept(owner, scope, key) or (self._kept(owner, scope, "") if key else ())

    def _kept(self, owner: Node, scope: Scope, key: str) -> Values:
        if isinstance(owner, Name):
            holder = scope.holder(f"{owner.id}[{key}]")
            origins = holder.names[f"{owner.id}[{key}]"] if holder is not None else ()
            return self.of_origins(origins)
        if isinstance(owner, Member):
            classes = [
                value.info for value in self.values(owner.object, scope) if isinstance(value, This | Instance | Class)
            ]
            return self.merged(
                *(
                    self.of_origins(each.fields.get(f"{owner.name}[{key}]", ()))
                    for info in classes
                    for each in self.ancestry(info)
                )
            )
        return ()

    def _fetched(self, callee: Node, scope: Scope) -> Values:
        """`cursor.fetchone()`: a part of what the cursor executed last."""
        return self.fetched(callee, scope) if isinstance(callee, Member) and callee.name in _FETCHES else ()

    def fetched(self, node: Member, scope: Scope) -> Values:
        """The result of the last statement that a cursor executed before `node`."""
        owner = chain_of(node.object)
        routine = scope.routine
        if routine is None or not owner:
            return ()
        last: tuple[Call, Scope] | None = None
        for chain, call, at in self._executed_in(routine.scope, routine.body.statements):
            if chain == owner and call.pos < node.pos:
                last = (call, at)
        return () if last is None else tuple(value for value in self.values(*last) if isinstance(value, Lookup))

    def _executed_in(self, scope: Scope, statements: list[Node]) -> list[tuple[str, Call, Scope]]:
        if scope not in self._executions:
            self._executions[scope] = [
                (chain_of(call.callee.object), call, scope)
                for call in _calls_in(statements)
                if isinstance(call.callee, Member) and call.callee.name in sql.METHODS
            ]
        return self._executions[scope]


def _calls_in(nodes: Iterable[object]) -> list[Call]:
    """All calls within statements, but for those in nested functions, in the order of the text."""
    found: list[Call] = []
    for node in nodes:
        if isinstance(node, Function) or node is None:
            continue
        if isinstance(node, Call):
            found.append(node)
        if isinstance(node, Node):
            inner = parts_of(node)
            if not inner:
                inner = [
                    part
                    for name in (
                        "statements",
                        "then",
                        "otherwise",
                        "body",
                        "final",
                        "value",
                        "condition",
                        "source",
                        "subject",
                    )
                    for part in _listed(getattr(node, name, None))
                ]
                inner += [handler.body for handler in getattr(node, "handlers", ())]
                inner += [case.body for case in getattr(node, "cases", ())]
            found += _calls_in(inner)
    return sorted(found, key=lambda call: call.pos)


def _listed(part: object) -> list[Node]:
    return part if isinstance(part, list) else [part] if isinstance(part, Node) else []
