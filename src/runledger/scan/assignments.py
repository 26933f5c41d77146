"""Where assignments put values: names, fields, exports, items, prototypes."""

from __future__ import annotations

from .program import (
    ClassInfo,
    Module,
    Origin,
    Program,
    Scope,
    Self,
    Source,
    Steps,
)
from .traversal import chain_of
from .tree import (
    Argument,
    Assign,
    Block,
    Call,
    ClassNode,
    Default,
    Function,
    Index,
    Member,
    Name,
    Node,
    PatternRecord,
    PatternSequence,
    Record,
    Sequence,
    Text,
)


class Assignments:
    """Declares the targets of assignments in one module."""

    def __init__(self, program: Program, module: Module) -> None:
        self.program = program
        self.module = module
        self.python = module.is_python
        self._assigned: list[tuple[Scope, str, str, Origin]] = []
        self._appended: list[tuple[Scope, Node, Origin]] = []

    def _node(self, node: Node, scope: Scope, block: Block) -> None:
        raise NotImplementedError

    def _target(self, target: Node, source: Source, scope: Scope, home: Scope | None) -> None:
        match target:
            case Name(id=name):
                self._home(name, scope, home).add(name, source)
            case Default(pattern=pattern, value=value):
                self._target(pattern, source, scope, home)
                self._node(value, scope, Block(0, 0, [], 0))
                self._target(pattern, Source(value, scope, (), source.pos + 1, (-1, -1)), scope, home)
            case PatternRecord(entries=entries):
                for key, inner in entries:
                    self._target(inner, source if key == "..." else _step(source, "member", key), scope, home)
            case PatternSequence(items=items):
                for position, item in enumerate(items):
                    if item is not None:
                        self._target(item, _step(source, "index", position), scope, home)
            case Member(object=owner, name=name):
                self._member_target(owner, name, source, scope)
            case Index(object=owner, index=index):
                key = str(index.parts[0]) if isinstance(index, Text) and len(index.parts) == 1 else ""
                self._item_target(owner, source, scope, key)
                if isinstance(owner, Name) and isinstance(index, Text) and len(index.parts) == 1:
                    self._assigned.append((scope, owner.id, str(index.parts[0]), source))
                if not isinstance(index, Text):
                    self._appended.append((scope, owner, source))

    def _home(self, name: str, scope: Scope, home: Scope | None) -> Scope:
        if home is None:
            return scope.holder(name) or self.module.scope
        if f"global {name}" not in home.names:
            return home
        return (home.parent and home.parent.holder(name)) or self.module.scope  # nonlocal: of the function around

    def _member_target(self, owner: Node, name: str, source: Source, scope: Scope) -> None:
        chain = chain_of(owner)
        if chain == "module" and name == "exports":
            self.module.whole.append(source)
        elif chain in ("exports", "module.exports"):
            self.module.exports.setdefault(name, []).append(source)
        elif isinstance(owner, Member) and owner.name == "prototype" and isinstance(source.node, Function):
            self._prototype_method(owner.object, name, source.node, scope)
        elif isinstance(owner, Member) and owner.name.lower().endswith(("inst", "instance")):
            self._member_target(owner.object, name, source, scope)  # cls._instance.table = …
        elif isinstance(owner, Name):
            holder = scope.holder(owner.id)
            origins = holder.names[owner.id] if holder is not None else []
            if origins and isinstance(origins[0], Self):
                origins[0].owner.fields.setdefault(name, []).append(source)
            elif _makes_object(origins) and scope.routine is not None and scope.routine.owner is not None:
                scope.routine.owner.fields.setdefault(name, []).append(source)
            else:
                self._assigned.append((scope, owner.id, name, source))
        elif chain:
            self._keep(chain, name, source)

    def _decoration(self, owner: Node, name: str, value: Node, scope: Scope) -> None:
        """What Fastify adds to a server: `app.x`, and `request.server.x` in a handler."""
        self._member_target(owner, name, Source(value, scope), scope)
        self._keep("server", name, Source(value, scope))

    def _item_target(self, owner: Node, source: Source, scope: Scope, key: str = "") -> None:
        """What is put into a dictionary or map, whatever its key is."""
        if isinstance(owner, Name):
            home = scope.holder(owner.id)
            if home is not None:
                home.add(f"{owner.id}[{key}]", source)
        elif isinstance(owner, Member):
            self._member_target(owner.object, f"{owner.name}[{key}]", source, scope)

    def _append(self, owner: Node, method: str, arguments: list[Argument], scope: Scope) -> None:
        for argument in arguments[method == "insert" :]:  # the first is the position
            steps: Steps = (("each", ""),) if argument.spread or method == "extend" else ()
            self._appended.append((scope, owner, Source(argument.value, scope, steps)))

    def _attach_items(self) -> None:
        """Give lists what is appended to the names and fields that they are assigned to."""
        together: dict[int, tuple[list[Origin], list[Origin]]] = {}
        for scope, owner, item in self._appended:
            lists = _origins_of(owner, scope)
            if lists:
                together.setdefault(id(lists), (lists, []))[1].append(item)
        for lists, items in together.values():
            for known in lists:
                if isinstance(known, Source) and isinstance(known.node, Sequence) and not known.steps:
                    self.program.appended[known.node] = items

    def _prototype_method(self, constructor: Node, name: str, node: Function, scope: Scope) -> None:
        holder = scope.holder(chain_of(constructor))
        for origin in holder.names[chain_of(constructor)] if holder is not None else ():
            if isinstance(origin, Source) and isinstance(origin.node, Function):
                info = self._constructor(origin.node)
                routine = self.program.routines[node]
                routine.owner, routine.name = info, f"{info.name}.{name}"
                routine.scope.add("this", Self(info))
                info.methods.setdefault(name, routine)

    def _constructor(self, node: Function) -> ClassInfo:
        """The class that a function makes objects of."""
        if node not in self.program.constructors:
            routine = self.program.routines[node]
            body = Scope("class", routine.scope.parent, self.module, routine)
            info = ClassInfo(node.name, self.module, ClassNode(node.line, node.pos, node.name, [], []), body, body)
            info.methods["constructor"] = routine
            self.program.constructors[node] = info
            routine.owner = info
            routine.scope.add("this", Self(info))
            for statement in node.body.statements:
                target = statement.target if isinstance(statement, Assign) else None
                if not isinstance(statement, Assign) or statement.value is None or not isinstance(target, Member):
                    continue
                if chain_of(target.object) == "this":
                    info.fields.setdefault(target.name, []).append(Source(statement.value, routine.scope))
        return self.program.constructors[node]

    def _attach(self, scope: Scope, name: str, attribute: str, origin: Origin) -> None:
        holder = scope.holder(name)
        self._keep(name, attribute, origin)
        for known in holder.names[name] if holder is not None else ():
            if not isinstance(known, Source) or known.steps:
                continue
            if isinstance(known.node, Record):
                self.program.additions.setdefault(known.node, []).append((attribute, origin))
            elif isinstance(known.node, Function):
                self.program.attributes.setdefault(known.node, {}).setdefault(attribute, []).append(origin)
            elif isinstance(known.node, ClassNode) and known.node in self.program.classes:
                self.program.classes[known.node].fields.setdefault(attribute, []).append(origin)

    def _keep(self, owner: str, attribute: str, origin: Origin) -> None:
        self.program.kept.setdefault(attribute, {}).setdefault(owner.rpartition(".")[2], []).append(origin)


def _origins_of(owner: Node, scope: Scope) -> list[Origin]:
    """The origins of a name, or of a field of the object that a method is called on."""
    holder = scope.holder(chain_of(owner).partition(".")[0])
    match owner:
        case Name(id=name) if holder is not None:
            return holder.names[name]
        case Member(object=Name(id=this), name=name) if holder is not None:
            for known in holder.names[this][:1]:
                if isinstance(known, Self):
                    return known.owner.fields.get(name, [])
    return []


def _step(source: Source, kind: str, what: str | int) -> Source:
    return Source(source.node, source.scope, (*source.steps, (kind, what)), source.pos, source.block, source.leaves)


def _makes_object(origins: list[Origin]) -> bool:
    """Whether a name is the new object of `__new__`."""
    return any(
        isinstance(origin, Source) and isinstance(origin.node, Call) and chain_of(origin.node).endswith("__new__")
        for origin in origins
    )


def decorated_default(method: Function) -> tuple[str, Node] | None:
    """The field that a method makes the default of, by `@name.default`, and the call of the method."""
    for decorator in method.decorators:
        if isinstance(decorator, Member) and decorator.name == "default" and isinstance(decorator.object, Name):
            this = method.parameters[0].name if method.parameters else ""
            callee = Member(method.line, method.pos, Name(method.line, method.pos, this), method.name)
            return decorator.object.id, Call(method.line, method.pos, callee, [])
    return None
