"""Declares the names of a parsed module: which scope holds each, and which expressions it gets its values from."""

from __future__ import annotations

from .assignments import decorated_default
from .exchange import Exchange
from .program import (
    Caught,
    ClassInfo,
    FromParameter,
    Routine,
    Scope,
    Self,
    Source,
    Steps,
)
from .traversal import chain_of, parts_of, text_of
from .tree import (
    Assign,
    Await,
    Binary,
    Block,
    Call,
    ClassNode,
    Compare,
    Default,
    Each,
    Either,
    Export,
    ExportFrom,
    Function,
    Global,
    If,
    Import,
    Index,
    Literal,
    Loop,
    Member,
    Name,
    Node,
    Not,
    Other,
    PatternRecord,
    PatternSequence,
    Record,
    Return,
    Sequence,
    Switch,
    Text,
    Throw,
    Try,
    Yield,
)

_EXPRESSIONS = {Name, Literal, Text, Member, Index, Call, Either, Not, Compare, Binary, Record, Sequence, Await, Yield,
                Other}  # fmt: skip

_APPENDING = {"append", "extend", "insert", "push", "unshift"}


class Declarations(Exchange):
    """Walks one module. What it finds goes into the program."""

    def declare(self) -> None:
        self._block(self.module.tree.body, self.module.scope, new=False)
        for scope, name, attribute, origin in self._assigned:
            self._attach(scope, name, attribute, origin)
        self._attach_items()

    def _block(self, block: Block, scope: Scope, *, new: bool = True) -> None:
        if new and block.scoped:
            scope = Scope("block", scope, self.module, scope.routine)
        self.program.scopes[block] = scope
        for statement in block.statements:
            self._node(statement, scope, block)

    def _node(self, node: Node, scope: Scope, block: Block) -> None:
        if type(node) in _EXPRESSIONS:
            self._expression(node, scope, block)
            return
        match node:
            case Block():
                self._block(node, scope)
            case Function() | ClassNode():
                self._definition(node, scope)
            case If() | Switch():
                self._branches(node, scope, block)
            case Loop():
                self._loop(node, scope, block)
            case Try():
                self._try(node, scope)
            case Return(value=value) | Throw(value=value):
                if value is not None:
                    self._node(value, scope, block)
            case Global(names=names):
                for name in names:
                    scope.function_scope().names.setdefault(f"global {name}", [])
            case Import():
                self._import(node, scope)
            case Export():
                self._export(node, scope, block)
            case ExportFrom():
                self._export_from(node)
            case Assign():
                self._assign(node, scope, block)
            case Each():
                self._comprehension(node, scope, block)
            case _:
                self._expression(node, scope, block)

    def _definition(self, node: Function | ClassNode, scope: Scope) -> None:
        if isinstance(node, ClassNode):
            self.class_node(node, scope)
        else:
            routine = self.function(node, scope)
            routine.name = node.name or routine.name
        if node.name and not (isinstance(node, Function) and node.is_arrow):
            scope.add(node.name, Source(node, scope, pos=-1))

    def _branches(self, node: If | Switch, scope: Scope, block: Block) -> None:
        if isinstance(node, If):
            self._node(node.condition, scope, block)
            self._block(node.then, scope)
            if node.otherwise is not None:
                self._block(node.otherwise, scope)
            return
        self._node(node.subject, scope, block)
        for case in node.cases:
            for test in case.tests:
                self._node(test, scope, block)
            self._block(case.body, scope)

    def _comprehension(self, node: Each, scope: Scope, block: Block) -> None:
        inner = Scope("block", scope, self.module, scope.routine)
        self.program.scopes[node] = inner
        self._node(node.source, scope, block)
        self._target(node.target, Source(node.source, scope, (("each", ""),), pos=-1), inner, inner)
        for part in (*node.conditions, node.element):
            self._node(part, inner, block)

    def _expression(self, node: Node, scope: Scope, block: Block) -> None:
        if type(node) is Name or type(node) is Literal:
            return
        match node:
            case Call(callee=callee, arguments=arguments):
                self._require(node, scope)
                if isinstance(callee, Member) and callee.name == "set" and len(arguments) == 2:
                    self._item_target(callee.object, Source(arguments[1].value, scope), scope)
                elif isinstance(callee, Member) and callee.name == "decorate" and len(arguments) == 2:  # Fastify
                    self._decoration(callee.object, text_of(arguments[0].value), arguments[1].value, scope)
                elif isinstance(callee, Member) and callee.name in _APPENDING:
                    self._append(callee.object, callee.name, arguments, scope)
                self._node(callee, scope, block)
                for index, argument in enumerate(arguments):
                    self._node(argument.value, scope, block)
                    if isinstance(argument.value, Function):
                        self.program.routines[argument.value].passed = (node, index, scope)
            case Record(entries=entries):
                if any(isinstance(value, Function | Name | Member) for _, value in entries):
                    self.program.records.append((node, scope))
                for key, value in entries:
                    if key is not None:
                        self._node(key, scope, block)
                    self._node(value, scope, block)
                    if isinstance(value, Function):
                        routine = self.program.routines[value]
                        routine.record = (node, scope)
                        routine.name = text_of(key) or routine.name
            case _:
                for part in parts_of(node):
                    self._node(part, scope, block)

    def _loop(self, node: Loop, scope: Scope, block: Block) -> None:
        inner = Scope("block", scope, self.module, scope.routine) if node.declares else scope
        if node.source is not None:
            self._node(node.source, scope, block)
            if node.target is not None:
                source = Source(node.source, scope, (("each", ""),), node.target.pos, (node.body.pos, node.body.end))
                self._target(node.target, source, inner, inner)
        if node.condition is not None:
            self._node(node.condition, scope, block)
        self._block(node.body, inner)
        if node.otherwise is not None:
            self._block(node.otherwise, scope)

    def _try(self, node: Try, scope: Scope) -> None:
        self._block(node.body, scope)
        for handler in node.handlers:
            inner = Scope("block", scope, self.module, scope.routine)
            if handler.name:
                inner.add(handler.name, Caught())
            self._block(handler.body, scope if self.python else inner)
        for block in (node.otherwise, node.final):
            if block is not None:
                self._block(block, scope)

    def function(self, node: Function, scope: Scope, owner: ClassInfo | None = None) -> Routine:
        parent = scope
        while self.python and parent.kind == "class" and parent.parent is not None:
            parent = parent.parent
        outer = scope.routine
        routine = Routine(
            node.name or "<anonymous>", self.module, parent, node.body, node.line, node, owner, parent=outer
        )
        own = Scope("function", parent, self.module, routine)
        routine.scope = own
        self.program.routines[node] = routine
        parameters = node.parameters
        bound = owner is not None and self.python and not node.is_static and parameters
        if owner is not None and not self.python:
            own.add("this", Self(owner, node.is_static))
        for index, parameter in enumerate(parameters):
            if bound and index == 0 and owner is not None:
                is_class = any(chain_of(decorator).endswith("classmethod") for decorator in node.decorators)
                own.add(parameter.name, Self(owner, is_class))
                continue
            if not parameter.rest:
                self._parameter(parameter.pattern, routine, index, (), own)
            if parameter.annotation is not None:
                own.names.setdefault(f"type {parameter.name or index}", []).append(Source(parameter.annotation, parent))
            if parameter.default is not None:
                self._node(parameter.default, parent, node.body)
            if parameter.field and owner is not None:
                owner.fields.setdefault(parameter.name, []).append(FromParameter(routine, index))
        for decorator in node.decorators:
            self._node(decorator, scope, node.body)
        if self.python:
            for name in _globals_of(node.body):
                own.names.setdefault(f"global {name}", [])
        self._block(node.body, own, new=False)
        return routine

    def _parameter(self, pattern: Node, routine: Routine, index: int, steps: Steps, own: Scope) -> None:
        match pattern:
            case Name(id=name):
                own.add(name, FromParameter(routine, index, steps))
            case Default(pattern=inner, value=value):
                self._parameter(inner, routine, index, steps, own)
                if isinstance(inner, Name):
                    own.add(inner.id, Source(value, own, pos=-1))
                self._node(value, own, routine.body)
            case PatternRecord(entries=entries):
                for key, inner in entries:
                    self._parameter(inner, routine, index, steps if key == "..." else (*steps, ("member", key)), own)
            case PatternSequence(items=items):
                for position, item in enumerate(items):
                    if item is not None:
                        self._parameter(item, routine, index, (*steps, ("index", position)), own)

    def class_node(self, node: ClassNode, scope: Scope) -> ClassInfo:
        body = Scope("class", scope, self.module, scope.routine)
        info = ClassInfo(node.name, self.module, node, scope, body)
        self.program.classes[node] = info
        whole = Block(node.line, node.pos, node.body, 1 << 60)
        for member in node.body:
            if isinstance(member, Function):
                routine = self.function(member, body, info)
                routine.name = f"{node.name}.{member.name}" if node.name else member.name
                info.methods.setdefault(member.name, routine)
                default = decorated_default(member) if self.python else None
                if default is not None:
                    info.fields.setdefault(default[0], []).append(Source(default[1], routine.scope))
            elif isinstance(member, ClassNode):
                info.inner[member.name] = self.class_node(member, body)
                body.add(member.name, Source(member, body, pos=-1))
            elif isinstance(member, Assign) and isinstance(member.target, Name):
                self._class_field(member, member.target.id, info, whole)
            else:
                self._node(member, body, whole)
        return info

    def _class_field(self, node: Assign, name: str, info: ClassInfo, whole: Block) -> None:
        if node.annotation is not None:
            info.fields.setdefault(f"{name}:type", []).append(Source(node.annotation, info.body))
        if node.value is None:
            return
        if isinstance(node.value, Function) and not self.python:
            routine = self.function(node.value, info.body, info)
            routine.name = f"{info.name}.{name}"
            info.methods.setdefault(name, routine)
            return
        if not self.python and "this" not in info.body.names:
            info.body.add("this", Self(info))
        self._node(node.value, info.body, whole)
        source = Source(node.value, info.body)
        info.fields.setdefault(name, []).append(source)
        info.body.add(name, source)

    def _assign(self, node: Assign, scope: Scope, block: Block) -> None:
        value = node.value
        if node.annotation is not None and isinstance(node.target, Name):
            scope.function_scope().names.setdefault(f"type {node.target.id}", []).append(Source(node.annotation, scope))
        if value is None:
            if node.declares and isinstance(node.target, Name):
                (scope.function_scope() if node.declares == "var" else scope).names.setdefault(node.target.id, [])
            return
        self._node(value, scope, block)
        if isinstance(value, Function) and value in self.program.routines:
            routine = self.program.routines[value]
            if routine.name == "<anonymous>":
                routine.name = chain_of(node.target).rpartition("exports.")[2] or routine.name
        home = scope if node.declares == "let" else scope.function_scope() if self.python or node.declares else scope
        source = Source(value, scope, pos=node.pos, block=(block.pos, block.end))
        source.leaves = block.leaves
        if node.declares == "with":
            source.block = (node.pos, block.end)
        if node.operator:
            if node.operator == "+=" and isinstance(node.target, Name):
                longer = Binary(node.line, node.pos, "+", Name(node.line, node.pos, node.target.id), value)
                self._target(node.target, Source(longer, scope, (), node.pos, source.block), scope, None)
            return
        self._target(node.target, source, scope, home if node.declares or self.python else None)
        if isinstance(node.target, Member | Call):
            self._node(node.target.object if isinstance(node.target, Member) else node.target, scope, block)


def _globals_of(block: Block) -> list[str]:
    return [name for statement in block.statements if isinstance(statement, Global) for name in statement.names]
