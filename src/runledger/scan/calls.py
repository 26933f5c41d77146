"""What calls give: functions of the program by what they return, functions of libraries by what is known of them."""

from __future__ import annotations

from collections.abc import Iterable

from .libraries import airtable, http, ledger, sql
from .libraries.outcome import NOTHING, Outcome, Write
from .members import Members
from .names import Modules
from .program import ClassInfo, Module, Program, Scope, Source
from .tree import Call, Function, Member, Name, Node, Text, chain_of, parts_of
from .values import (
    Arguments,
    Base,
    Callable,
    Called,
    Class,
    Client,
    File,
    Frame,
    Given,
    Instance,
    Library,
    List,
    Lookup,
    Method,
    Object,
    Of,
    Partial,
    Prepared,
    Row,
    String,
    Table,
    This,
    Value,
    Values,
    exact,
    joined,
    merged,
    symbolic,
    text,
    texts,
)

_UNCHANGED = {"freeze", "encodeURIComponent", "encodeURI", "quote", "quote_plus", "String", "str", "resolve", "cast", "gather", "all",
              "stringify", "dumps", "Identifier", "race", "nullthrows", "assert", "run", "next", "iter", "list", "len", "bool",
              "Boolean", "tuple", "sorted", "deepcopy", "from", "seal", "Field", "run_until_complete", "wait_for", "shield",
              "URL", "Literal", "invariant", "dedent", "any", "Map", "Set", "set", "dict", "fromEntries", "frozenset"}  # fmt: skip
"""Functions that give their first argument, or something as good as it."""

_TEXT_METHODS = {"strip", "trim", "lower", "upper", "toLowerCase", "toUpperCase", "toString", "encode", "rstrip", "lstrip",
                 "trimEnd", "format_map", "as_string", "valueOf", "get_secret_value", "replaceAll"}  # fmt: skip
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


class Calls(Members):
    """Calls values."""

    def __init__(self, program: Program, modules: Modules) -> None:
        super().__init__(program, modules)
        self._executions: dict[Scope, list[tuple[str, Call, Scope]]] = {}
        self.wrappers: dict[str, str] = {}
        """The kinds of write of functions that cannot be resolved, by their names."""

    def called(self, node: Call, scope: Scope) -> Values:
        """The values of a call."""
        loaded = self._loaded(node, scope)
        if loaded is not None:
            return loaded
        arguments = self.arguments(node.arguments, scope)
        functions = self.values(node.callee, scope)
        found = merged(*(self.call(function, arguments, node, scope) for function in functions))
        if not found or all(isinstance(value, Called | Of | Library) for value in found):
            known = self._fetched(node.callee, scope) or self._kept_item(node.callee, scope)
            opened = any(isinstance(value, Called | Of) for value in found)
            return known or (() if opened else self.guessed(node, arguments).values) or found
        return found

    def _loaded(self, node: Call, scope: Scope) -> Values | None:
        if isinstance(node.callee, Name) and node.callee.id in ("require", "import") and node.arguments:
            spec = self.values(node.arguments[0].value, scope)
            known = exact(spec[0]) if spec else None
            return () if known is None else self.imported(scope.module, known, "*")
        return None

    def guessed(self, node: Call, arguments: Arguments) -> Outcome:
        """What a call may be, by names alone, where its function cannot be resolved."""
        chain = chain_of(node.callee)
        name = chain.rpartition(".")[2]
        if name in sql.METHODS | sql.PREPARING:
            found = self.executed(name, arguments)
            if found.values or found.writes or found.pending:
                return found
        if name in self.wrappers or chain in self.wrappers:
            known = next((value for values in arguments.positional for value in texts(values)), None)
            return Outcome(writes=(Write(self.wrappers.get(chain) or self.wrappers[name], known),))
        found = ledger.guessed(chain)
        return found if found.values or found.writes else airtable.guessed(chain, arguments)

    def guess(self, callee: str, arguments: Arguments) -> Values:
        """What the call of something unknown may give, by the names alone."""
        return airtable.guessed(callee, arguments).values

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
        if not isinstance(module, Module):
            return ()
        if module.is_python:
            return self._python_name(module, name)
        found = merged(*(self.of_origin(origin, module.scope) for origin in module.exports.get(name, ())))
        if not found and module.whole:
            whole = merged(*(self.of_origin(origin, module.scope) for origin in module.whole))
            return whole if name == "default" else self.members(whole, name)
        if not found and name == "default":
            return (File(module),)
        for spec in module.passes_on if not found else ():
            target = self.modules.resolve(module, spec)
            if target is not None and target is not module:
                found = self.exported(target, name)
                if found:
                    break
        return found

    def _python_name(self, module: Module, name: str) -> Values:
        origins = module.scope.names.get(name, ())
        found = merged(*(self.of_origin(origin, module.scope) for origin in origins))
        if not found:
            inner = self.modules.submodule(module, name)
            if inner is not None:
                return (File(inner),)
            for spec in module.passes_on:
                target = self.modules.resolve(module, spec)
                if target is not None and target is not module:
                    found = found or self.exported(target, name)
        return found

    def call(
        self, function: Value, arguments: Arguments, node: Call | None = None, scope: Scope | None = None
    ) -> Values:  # noqa: PLR0911
        """What calling a value gives."""
        match function:
            case Callable(routine=routine, this=this, frames=frames):
                frame = Frame(routine, arguments.positional, arguments.frozen_keywords, this)
                return self._within(self.returned(routine), (*frames, frame))
            case Class(info=info):
                return (Instance(info, arguments.positional, arguments.frozen_keywords),)
            case File(module=module):
                whole = merged(*(self.of_origin(origin, module.scope) for origin in module.whole))
                return merged(*(self.call(value, arguments) for value in whole))
            case Given() | Of() | Called():
                return (
                    (Called(function, arguments.positional, arguments.frozen_keywords),) if _shallow(function) else ()
                )
            case Partial(function=inner, arguments=given):
                return self.call(inner, Arguments((*given, *arguments.positional), arguments.keywords))
            case Method(owner=owner, name=name) if isinstance(owner, Callable):
                return self._of_callable(owner, name, arguments)
        found = self.outcome(function, arguments, node, scope)
        if found.pending and not found.values:
            return (Called(function, arguments.positional, arguments.frozen_keywords),)
        return found.values

    def _of_callable(self, owner: Callable, name: str, arguments: Arguments) -> Values:
        if name == "bind":
            return (Partial(owner, arguments.positional[1:]),)
        return self.call(owner, Arguments(arguments.positional[1:])) if name == "call" else ()

    def outcome(
        self, function: Value, arguments: Arguments, node: Call | None = None, scope: Scope | None = None
    ) -> Outcome:  # noqa: PLR0911
        """What the call of a library's function does and gives."""
        match function:
            case Library(path=path):
                return self._of_library(path, arguments)
            case Base():
                return airtable.of_base(function, "", arguments)
            case Client():
                return http.of_client(function, "", arguments, self.entries)
            case Method(owner=owner, name=name):
                return self._of_method(owner, name, arguments)
        return NOTHING

    def _of_method(self, owner: Value, name: str, arguments: Arguments) -> Outcome:  # noqa: PLR0911
        match owner:
            case Base():
                return airtable.of_base(owner, name, arguments)
            case Table():
                return airtable.of_table(owner, name, arguments, self.entries)
            case Row(library="runledger"):
                return ledger.of_handle(name) if name not in ("values", "items", "get", "pop") else Outcome((owner,))
            case Lookup() | Row():
                if name in ("then", "catch", "finally"):
                    return Outcome(self._after(owner, arguments))
                return airtable.of_lookup(owner, name, arguments.get(0))
            case Client():
                return http.of_client(owner, name, arguments, self.entries)
            case Prepared(sql=statement):
                return sql.outcome_of(statement)
            case Class(info=info):
                return self._of_model(info, "class", name, arguments)
            case Instance(info=info, keywords=keywords):
                return self._of_model(
                    info, "saved" if any(key == "id" for key, _ in keywords) else "new", name, arguments
                )
            case String():
                return Outcome(self._of_text(owner, name, arguments))
            case Object():
                key = exact(next(iter(arguments.get(0)), None))
                return Outcome(self.member(owner, key)) if name == "get" and key else NOTHING
        return NOTHING

    def _of_model(self, info: ClassInfo, owner: str, name: str, arguments: Arguments) -> Outcome:
        if not self.library_base(info).startswith("pyairtable"):
            return NOTHING
        return airtable.of_model(self.model_table(info), owner, name, arguments)

    def model_table(self, info: ClassInfo) -> Value | None:
        """The table of a model of pyairtable's ORM, which its inner class Meta or its dictionary `meta` names."""
        for each in self.ancestry(info):
            meta = each.inner.get("Meta")
            found = self._class_member(meta, "table_name") if meta is not None else ()
            for value in self._class_member(each, "meta") if not found else ():
                found = self.entries(value).get("table_name", ())
            known = texts(tuple(found))
            if known:
                return known[0]
        return None

    def _after(self, owner: Value, arguments: Arguments) -> Values:
        given = [value for value in arguments.get(0) if isinstance(value, Callable)]
        return merged(*(self.call(value, Arguments(((owner,),))) for value in given)) or (owner,)

    def _of_text(self, owner: String, name: str, arguments: Arguments) -> Values:
        if name == "format":
            return self.filled((owner,), (), arguments)
        if name == "concat":
            return (joined([owner, *(next(iter(values), None) for values in arguments.positional)]),)
        if name == "join" and arguments.get(0) and isinstance(arguments.get(0)[0], List):
            listed = arguments.get(0)[0]
            parts: list[str | Value | None] = []
            for item in listed.node.items if isinstance(listed, List) else ():
                known = self.values(item, listed.scope)
                parts += [owner, known[0] if known else None] if parts else [known[0] if known else None]
            return (joined(parts),)
        return (owner,) if name in _TEXT_METHODS else ()

    def filled(self, left: Values, right: Values, arguments: Arguments | None = None) -> Values:
        """A text whose `{}`, `{name}` or `%s` are filled in."""
        made: list[Value] = []
        for template in texts(left):
            known = template.exact
            if known is None:
                made.append(template)
            elif arguments is not None:
                made.append(_formatted(known, arguments))
            else:
                listed = [
                    self.values(item, value.scope)
                    for value in right
                    if isinstance(value, List)
                    for item in value.node.items
                ]
                made.append(_percent(known, listed or [right]))
        return tuple(made)

    def _of_library(self, path: str, arguments: Arguments) -> Outcome:  # noqa: PLR0911, PLR0912, C901 - one for each library
        for found in (
            ledger.of_package(path),
            airtable.constructed(path, arguments),
            http.of_package(path, arguments, self.entries),
        ):
            if found.values or found.writes or found.pending:
                return found
        name = path.rpartition(".")[2]
        if path in ("os.getenv", "os.environ.get", "environ.get", "process.env.get"):
            return Outcome(arguments.get(1, "default") or (Library(f"{path}()"),))
        if name in sql.METHODS | sql.PREPARING:
            found = self.executed(name, arguments)
            if found.values or found.writes or found.pending:
                return found
        if name in ("partial", "wraps") and arguments.positional:
            return Outcome(tuple(Partial(value, arguments.positional[1:]) for value in arguments.get(0)))
        if name in ("promisify", "memoize", "once", "debounce", "throttle", "cache", "lru_cache"):
            return Outcome(arguments.get(0))
        if name in _UNCHANGED and (arguments.positional or "default" in arguments.keywords):
            return Outcome(arguments.get(0, "default"))
        if name in ("MappingProxyType", "dict", "SimpleNamespace") and arguments.positional:
            return Outcome(arguments.get(0))
        return Outcome((Library(f"{path}()"),)) if len(path) < 120 else NOTHING

    def executed(self, name: str, arguments: Arguments) -> Outcome:
        """The outcome of a method that executes or prepares SQL, if an argument is SQL."""
        for values in arguments.positional[:2] or tuple(arguments.keywords.values())[:1]:
            for value in values:
                statement = next(
                    iter(texts(self.entries(value).get("text", ()) or self.entries(value).get("sql", ()))), value
                )
                if isinstance(statement, Prepared):
                    return sql.outcome_of(statement.sql)
                if isinstance(statement, Given | Of):
                    return Outcome(pending=True)
                if not isinstance(statement, String):
                    continue
                if name in sql.PREPARING and not (name == "sql" and _is_template(arguments)):
                    return Outcome((Prepared(statement),)) if sql.looks_like_sql(statement) else NOTHING
                found = sql.outcome_of(statement)
                if found.values or found.writes or found.pending:
                    return found
        return NOTHING

    def _kept_item(self, callee: Node, scope: Scope) -> Values:
        """`cache.get(key)`: what `cache.set(key, …)` puts in."""
        return self.kept(callee.object, scope) if isinstance(callee, Member) and callee.name == "get" else ()

    def kept(self, owner: Node, scope: Scope) -> Values:
        """What is assigned to the items of a dictionary or map."""
        if isinstance(owner, Name):
            holder = scope.holder(f"{owner.id}[]")
            origins = holder.names[f"{owner.id}[]"] if holder is not None else ()
            return merged(*(self.of_origin(origin, scope) for origin in origins))
        if isinstance(owner, Member):
            classes = [
                value.info for value in self.values(owner.object, scope) if isinstance(value, This | Instance | Class)
            ]
            return merged(
                *(
                    self.of_origin(origin, each.body)
                    for info in classes
                    for each in self.ancestry(info)
                    for origin in each.fields.get(f"{owner.name}[]", ())
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


def _is_template(arguments: Arguments) -> bool:
    return len(arguments.positional) == 1


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


def _shallow(value: Value | str | int | None, depth: int = 0) -> bool:
    if depth > 5:
        return False
    match value:
        case Of(base=base):
            return _shallow(base, depth + 1)
        case Called(function=function):
            return _shallow(function, depth + 1)
    return True


def _formatted(template: str, arguments: Arguments) -> String:
    parts: list[str | Value | None] = []
    position = 0
    rest = template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        name = name.partition(":")[0].partition("!")[0]
        values = (
            arguments.keywords.get(name, ())
            if name and not name.isdigit()
            else arguments.get(int(name) if name else position)
        )
        position += 1
        parts += [before, next((value for value in values if isinstance(value, String) or symbolic(value)), None)]
    return joined([*parts, rest])


def _percent(template: str, given: list[Values]) -> String:
    pieces = template.split("%s")
    parts: list[str | Value | None] = [pieces[0]]
    for index, piece in enumerate(pieces[1:]):
        values = given[index] if index < len(given) else ()
        parts += [next((value for value in values if isinstance(value, String) or symbolic(value)), None), piece]
    return joined(parts)


__all__ = ["Calls", "Source", "Text", "This", "text"]
