"""The front end for Python: statements of a tree-sitter tree as the language-neutral tree."""

from __future__ import annotations

from tree_sitter import Node as Raw

from .python_expressions import Expressions
from .traversal import chain_of
from .tree import (
    Block,
    Call,
    Case,
    ClassNode,
    Function,
    Global,
    Handler,
    If,
    Import,
    Leave,
    Loop,
    Name,
    Node,
    Other,
    Parameter,
    Return,
    Switch,
    Text,
    Throw,
    Try,
)


class PythonSource(Expressions):
    """Reads one file. `block` is the entry."""

    def block(self, raw: Raw | None) -> Block:
        if raw is None:
            return Block(0, 0, [], 0)
        statements: list[Node] = []
        for child in raw.named_children:
            self._statement(child, statements)
        return Block(raw.start_point[0] + 1, raw.start_byte, statements, raw.end_byte)

    def _statement(self, raw: Raw, into: list[Node]) -> None:
        read = getattr(self, f"_on_{raw.type}", None)
        if read is not None:
            read(raw, into)
        elif raw.type != "comment":
            into.append(self.expression(raw))

    def _on_expression_statement(self, raw: Raw, into: list[Node]) -> None:
        into.extend(self.expression(child) for child in raw.named_children if child.type != "comment")

    def _on_return_statement(self, raw: Raw, into: list[Node]) -> None:
        values = [self.expression(child) for child in raw.named_children if child.type != "comment"]
        into.append(Return(*self.place(raw), values[0] if values else None))

    def _on_raise_statement(self, raw: Raw, into: list[Node]) -> None:
        values = [self.expression(child) for child in raw.named_children if child.type != "comment"]
        into.append(Throw(*self.place(raw), values[0] if values else None))

    def _on_break_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Leave(*self.place(raw), "break"))

    def _on_continue_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Leave(*self.place(raw), "continue"))

    def _on_global_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Global(*self.place(raw), [self.text(child) for child in raw.named_children]))

    _on_nonlocal_statement = _on_global_statement

    def _on_if_statement(self, raw: Raw, into: list[Node]) -> None:
        arms = raw.children_by_field_name("alternative")
        otherwise: Block | None = None
        for arm in reversed(arms):
            if arm.type == "else_clause":
                otherwise = self.block(arm.child_by_field_name("body"))
            else:
                inner = If(*self.place(arm), *self._condition(arm), otherwise)
                otherwise = Block(arm.start_point[0] + 1, arm.start_byte, [inner], arms[-1].end_byte)
        into.append(If(*self.place(raw), *self._condition(raw), otherwise))

    def _condition(self, raw: Raw) -> tuple[Node, Block]:
        return self.field(raw, "condition"), self.block(raw.child_by_field_name("consequence"))

    def _on_for_statement(self, raw: Raw, into: list[Node]) -> None:
        target, source = self.pattern(raw.child_by_field_name("left")), self.field(raw, "right")
        body = self.block(raw.child_by_field_name("body"))
        into.append(Loop(*self.place(raw), target, source, None, body, otherwise=self._else_of_loop(raw)))

    def _on_while_statement(self, raw: Raw, into: list[Node]) -> None:
        body = self.block(raw.child_by_field_name("body"))
        condition = self.field(raw, "condition")
        into.append(Loop(*self.place(raw), None, None, condition, body, otherwise=self._else_of_loop(raw)))

    def _else_of_loop(self, raw: Raw) -> Block | None:
        otherwise = raw.child_by_field_name("alternative")
        return None if otherwise is None else self.block(otherwise.child_by_field_name("body"))

    def _on_with_statement(self, raw: Raw, into: list[Node]) -> None:
        for clause in raw.named_children:
            if clause.type != "with_clause":
                continue
            for item in clause.named_children:
                value = item.child_by_field_name("value")
                if value is not None and value.type == "as_pattern":
                    into.append(self.as_pattern(value))
                elif value is not None:
                    into.append(self.expression(value))
        body = self.block(raw.child_by_field_name("body"))
        manager = into[-1] if into else None
        if isinstance(manager, Call) and chain_of(manager).rpartition(".")[2] == "suppress":
            types = [argument.value for argument in manager.arguments]
            nothing = Block(body.line, raw.end_byte, [], raw.end_byte)
            into[-1] = Try(*self.place(raw), body, [Handler(types, "", nothing)], None, None)
        else:
            into.extend(body.statements)

    def _on_try_statement(self, raw: Raw, into: list[Node]) -> None:
        handlers: list[Handler] = []
        otherwise = final = None
        for child in raw.named_children:
            if child.type in ("except_clause", "except_group_clause"):
                handlers.append(self._handler(child))
            elif child.type == "else_clause":
                otherwise = self.block(child.child_by_field_name("body"))
            elif child.type == "finally_clause":
                final = self.block(next((inner for inner in child.named_children if inner.type == "block"), None))
        body = self.block(raw.child_by_field_name("body"))
        into.append(Try(*self.place(raw), body, handlers, otherwise, final))

    def _handler(self, raw: Raw) -> Handler:
        types: list[Node] = []
        name = ""
        body = None
        for child in raw.named_children:
            if child.type == "block":
                body = child
            elif child.type == "as_pattern":
                types += self._exception_types(child.named_children[0])
                name = self.text(child.named_children[-1])
            elif child.type != "comment":
                types += self._exception_types(child)
        return Handler(types, name, self.block(body))

    def _exception_types(self, raw: Raw) -> list[Node]:
        return [self.expression(child) for child in (raw.named_children if raw.type == "tuple" else [raw])]

    def _on_match_statement(self, raw: Raw, into: list[Node]) -> None:
        cases: list[Case] = []
        body = raw.child_by_field_name("body")
        for clause in body.named_children if body is not None else ():
            if clause.type == "case_clause":
                tests = [
                    part
                    for child in clause.named_children
                    if child.type == "case_pattern"
                    for part in self._case_tests(child)
                ]
                cases.append(Case(tests, self.block(clause.child_by_field_name("consequence"))))
        into.append(Switch(*self.place(raw), self.field(raw, "subject"), cases))

    def _case_tests(self, raw: Raw) -> list[Node]:
        return [self.expression(child) for child in raw.named_children if child.type in ("string", "integer", "none")]

    def _on_decorated_definition(self, raw: Raw, into: list[Node]) -> None:
        decorators = [
            self.expression(child.named_children[0])
            for child in raw.named_children
            if child.type == "decorator" and child.named_children
        ]
        definition = raw.child_by_field_name("definition")
        made: list[Node] = []
        if definition is not None:
            self._statement(definition, made)
        for node in made:
            if isinstance(node, Function):
                node.decorators = decorators
                names = {self._last_word(decorator) for decorator in decorators}
                node.is_static = "staticmethod" in names
                node.is_property = bool(names & {"property", "cached_property", "abstractproperty"})
                node.is_abstract = node.is_abstract or "abstractmethod" in names
            elif isinstance(node, ClassNode):
                node.decorators = decorators
        into.extend(made)

    @staticmethod
    def _last_word(node: Node) -> str:
        return getattr(node, "id", None) or getattr(node, "name", None) or ""

    def _on_function_definition(self, raw: Raw, into: list[Node]) -> None:
        body = self.block(raw.child_by_field_name("body"))
        into.append(
            Function(
                *self.place(raw),
                self.text(raw.child_by_field_name("name")),
                self.parameters(raw.child_by_field_name("parameters")),
                body,
                is_async=bool(raw.children) and raw.children[0].type == "async",
                is_abstract=bool(body.statements) and all(map(_does_nothing, body.statements)),
                returns=self.annotation(raw.child_by_field_name("return_type")),
            )
        )

    def _on_class_definition(self, raw: Raw, into: list[Node]) -> None:
        superclasses = raw.child_by_field_name("superclasses")
        bases = (
            [
                self.expression(child)
                for child in superclasses.named_children
                if child.type not in ("keyword_argument", "comment")
            ]
            if superclasses is not None
            else []
        )
        body = self.block(raw.child_by_field_name("body")).statements
        into.append(ClassNode(*self.place(raw), self.text(raw.child_by_field_name("name")), bases, body))

    def _on_import_statement(self, raw: Raw, into: list[Node]) -> None:
        for child in raw.children_by_field_name("name"):
            if child.type == "aliased_import":
                module = self.text(child.child_by_field_name("name"))
                into.append(Import(*self.place(raw), module, [("*", self.text(child.child_by_field_name("alias")))]))
            else:
                module = self.text(child)
                into.append(Import(*self.place(raw), module, [("*", module)]))

    def _on_import_from_statement(self, raw: Raw, into: list[Node]) -> None:
        module = self.text(raw.child_by_field_name("module_name")).replace(" ", "")
        names: list[tuple[str, str]] = []
        for child in raw.children_by_field_name("name"):
            if child.type == "aliased_import":
                names.append(
                    (self.text(child.child_by_field_name("name")), self.text(child.child_by_field_name("alias")))
                )
            else:
                names.append((self.text(child), self.text(child)))
        if any(child.type == "wildcard_import" for child in raw.named_children):
            names.append(("*", "*"))
        into.append(Import(*self.place(raw), module, names))

    def _on_future_import_statement(self, raw: Raw, into: list[Node]) -> None:
        pass

    def _on_pass_statement(self, raw: Raw, into: list[Node]) -> None:
        pass

    def _on_delete_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Other(*self.place(raw), [self.expression(child) for child in raw.named_children]))

    _on_assert_statement = _on_delete_statement

    def parameters(self, raw: Raw | None) -> list[Parameter]:
        made: list[Parameter] = []
        for child in raw.named_children if raw is not None else ():
            kind = child.type
            if kind == "identifier":
                made.append(Parameter(self.pattern(child)))
            elif kind in ("default_parameter", "typed_default_parameter"):
                annotation = self.annotation(child.child_by_field_name("type"))
                made.append(
                    Parameter(self.pattern(child.child_by_field_name("name")), self.field(child, "value"), annotation)
                )
            elif kind == "typed_parameter":
                inner = child.named_children[0]
                rest = {"list_splat_pattern": 1, "dictionary_splat_pattern": 2}.get(inner.type, 0)
                name = inner.named_children[0] if rest and inner.named_children else inner
                annotation = self.annotation(child.child_by_field_name("type"))
                made.append(Parameter(self.pattern(name), None, annotation, rest))
            elif kind in ("list_splat_pattern", "dictionary_splat_pattern") and child.named_children:
                made.append(Parameter(self.pattern(child.named_children[0]), rest=1 if kind[0] == "l" else 2))
        return made

    def annotation(self, raw: Raw | None) -> Node | None:
        """The type of an annotation; of `X | None`, `Optional[X]` and a quoted "X" it is X."""
        if raw is None:
            return None
        node = raw.named_children[0] if raw.type == "type" and raw.named_children else raw
        if node.type == "binary_operator":
            return self.annotation(node.child_by_field_name("left"))
        if node.type in ("generic_type", "subscript") and node.named_children:
            outer = node.named_children[0]
            if self.text(outer) in ("Optional", "Annotated", "type", "Type") and len(node.named_children) > 1:
                inner = node.named_children[1]
                return self.annotation(inner.named_children[0] if inner.type == "type_parameter" else inner)
            return self.expression(outer)
        made = self.expression(node)
        if isinstance(made, Text) and len(made.parts) == 1 and isinstance(made.parts[0], str):
            return Name(made.line, made.pos, made.parts[0].split("|")[0].strip())
        return made

    def _on_type_alias_statement(self, raw: Raw, into: list[Node]) -> None:
        pass

    def _on_block(self, raw: Raw, into: list[Node]) -> None:
        into.extend(self.block(raw).statements)

    def _on_ERROR(self, raw: Raw, into: list[Node]) -> None:
        """Damaged code: read on in what the parser could make out."""
        for child in raw.named_children:
            self._statement(child, into)

    def _on_assignment(self, raw: Raw, into: list[Node]) -> None:
        into.append(self.assignment(raw))


def _does_nothing(node: Node) -> bool:
    """Whether a statement is a documentation, `...` or `raise NotImplementedError`."""
    if isinstance(node, Throw):
        return node.value is not None and chain_of(node.value) == "NotImplementedError"
    return isinstance(node, Text) or (isinstance(node, Other) and not node.parts)
