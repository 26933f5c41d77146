"""The front end for JavaScript and TypeScript: statements of a tree-sitter tree as the language-neutral tree."""

from __future__ import annotations

from tree_sitter import Node as Raw

from .javascript_classes import Classes
from .tree import (
    Assign,
    Block,
    Case,
    ClassNode,
    Export,
    ExportFrom,
    Function,
    Handler,
    If,
    Import,
    Leave,
    Loop,
    Name,
    Node,
    Parameter,
    Record,
    Return,
    Switch,
    Text,
    Throw,
    Try,
)

_IGNORED = {
    "comment", "empty_statement", "ambient_declaration", "debugger_statement", "hash_bang_line", "function_signature",
}  # fmt: skip


class JavaScriptSource(Classes):
    """Reads one file. `block` is the entry."""

    def block(self, raw: Raw | None) -> Block:
        if raw is None:
            return Block(0, 0, [], 0)
        statements: list[Node] = []
        if raw.type in ("program", "statement_block", "class_static_block"):
            for child in raw.named_children:
                self._statement(child, statements)
        else:
            self._statement(raw, statements)
        return Block(*self.place(raw), statements, raw.end_byte, scoped=True)

    def _statement(self, raw: Raw, into: list[Node]) -> None:
        read = getattr(self, f"_on_{raw.type}", None)
        if read is not None:
            read(raw, into)
        elif raw.type not in _IGNORED:
            into.append(self.expression(raw))

    def _on_expression_statement(self, raw: Raw, into: list[Node]) -> None:
        into.extend(self._statement_of(child) for child in raw.named_children if child.type != "comment")

    def _statement_of(self, raw: Raw) -> Node:
        made: list[Node] = []
        self._statement(raw, made)
        return made[0] if len(made) == 1 else Block(*self.place(raw), made, raw.end_byte)

    def _on_statement_block(self, raw: Raw, into: list[Node]) -> None:
        into.append(self.block(raw))

    def _on_lexical_declaration(self, raw: Raw, into: list[Node]) -> None:
        declares = "var" if raw.type == "variable_declaration" else "let"
        for child in raw.named_children:
            if child.type == "variable_declarator":
                value = child.child_by_field_name("value")
                annotation = self.annotation(child.child_by_field_name("type"))
                made = None if value is None else self.expression(value)
                into.append(
                    Assign(
                        *self.place(child), self.pattern(child.child_by_field_name("name")), made, declares, annotation
                    )
                )

    _on_variable_declaration = _on_lexical_declaration

    def _on_function_declaration(self, raw: Raw, into: list[Node]) -> None:
        into.append(self.function(raw))

    _on_generator_function_declaration = _on_function_declaration

    def _on_class_declaration(self, raw: Raw, into: list[Node]) -> None:
        into.append(self.class_node(raw))

    _on_abstract_class_declaration = _on_class_declaration

    def _on_interface_declaration(self, raw: Raw, into: list[Node]) -> None:
        into.append(self.interface(raw, raw.child_by_field_name("body")))

    def _on_type_alias_declaration(self, raw: Raw, into: list[Node]) -> None:
        value = raw.child_by_field_name("value")
        if value is not None and value.type == "object_type":
            into.append(self.interface(raw, value))

    def _on_return_statement(self, raw: Raw, into: list[Node]) -> None:
        values = [self.expression(child) for child in raw.named_children if child.type != "comment"]
        into.append(Return(*self.place(raw), values[-1] if values else None))

    def _on_throw_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Throw(*self.place(raw), self._inner(raw)))

    def _on_break_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Leave(*self.place(raw), "break"))

    def _on_continue_statement(self, raw: Raw, into: list[Node]) -> None:
        into.append(Leave(*self.place(raw), "continue"))

    def _on_if_statement(self, raw: Raw, into: list[Node]) -> None:
        clause = raw.child_by_field_name("alternative")
        inner = clause.named_children[-1] if clause is not None and clause.named_children else None
        otherwise = None if inner is None else self.block(inner)
        into.append(
            If(
                *self.place(raw),
                self.field(raw, "condition"),
                self.block(raw.child_by_field_name("consequence")),
                otherwise,
            )
        )

    def _on_for_statement(self, raw: Raw, into: list[Node]) -> None:
        initializer, step = raw.child_by_field_name("initializer"), raw.child_by_field_name("increment")
        inner: list[Node] = []
        if initializer is not None:
            self._statement(initializer, inner)
        condition = self.field(raw, "condition")
        body = self.block(raw.child_by_field_name("body"))
        if step is not None:
            body.statements.append(self.expression(step))
        inner.append(Loop(*self.place(raw), None, None, condition, body))
        into.append(Block(*self.place(raw), inner, raw.end_byte, scoped=True))

    def _on_for_in_statement(self, raw: Raw, into: list[Node]) -> None:
        target, source = self.pattern(raw.child_by_field_name("left")), self.field(raw, "right")
        kind = raw.child_by_field_name("kind")
        declares = "" if kind is None else "let"
        into.append(Loop(*self.place(raw), target, source, None, self.block(raw.child_by_field_name("body")), declares))

    def _on_while_statement(self, raw: Raw, into: list[Node]) -> None:
        body = self.block(raw.child_by_field_name("body"))
        into.append(Loop(*self.place(raw), None, None, self.field(raw, "condition"), body))

    _on_do_statement = _on_while_statement

    def _on_labeled_statement(self, raw: Raw, into: list[Node]) -> None:
        body = raw.child_by_field_name("body")
        if body is not None:
            self._statement(body, into)

    def _on_try_statement(self, raw: Raw, into: list[Node]) -> None:
        handlers: list[Handler] = []
        clause, final = raw.child_by_field_name("handler"), raw.child_by_field_name("finalizer")
        if clause is not None:
            name = self.text(clause.child_by_field_name("parameter"))
            handlers.append(Handler([], name, self.block(clause.child_by_field_name("body"))))
        last = None if final is None else self.block(final.child_by_field_name("body"))
        into.append(Try(*self.place(raw), self.block(raw.child_by_field_name("body")), handlers, None, last))

    def _on_switch_statement(self, raw: Raw, into: list[Node]) -> None:
        cases: list[Case] = []
        body = raw.child_by_field_name("body")
        for clause in body.named_children if body is not None else ():
            if clause.type not in ("switch_case", "switch_default"):
                continue
            test = clause.child_by_field_name("value")
            statements: list[Node] = []
            for child in clause.children_by_field_name("body"):
                self._statement(child, statements)
            block = Block(*self.place(clause), statements, clause.end_byte, scoped=True)
            cases.append(Case([] if test is None else [self.expression(test)], block))
        into.append(Switch(*self.place(raw), self.field(raw, "value"), cases))

    def _on_import_statement(self, raw: Raw, into: list[Node]) -> None:
        source = self._source(raw)
        names: list[tuple[str, str]] = []
        for clause in raw.named_children:
            if clause.type == "import_require_clause":
                source = self._source(clause)
                names.append(("*", self.text(clause.named_children[0])))
            for child in clause.named_children if clause.type == "import_clause" else ():
                if child.type == "identifier":
                    names.append(("default", self.text(child)))
                elif child.type == "namespace_import":
                    names.append(("*", self.text(child.named_children[-1])))
                elif child.type == "named_imports":
                    names += [pair for spec in child.named_children for pair in self._specifier(spec)]
        into.append(Import(*self.place(raw), source, names))

    def _source(self, raw: Raw) -> str:
        return self.text(raw.child_by_field_name("source"))[1:-1]

    def _specifier(self, raw: Raw) -> list[tuple[str, str]]:
        if raw.type not in ("import_specifier", "export_specifier"):
            return []
        name, alias = raw.child_by_field_name("name"), raw.child_by_field_name("alias")
        return [(self.text(name), self.text(name if alias is None else alias))]

    def _on_export_statement(self, raw: Raw, into: list[Node]) -> None:
        place, words = self.place(raw), {child.type for child in raw.children if not child.is_named}
        declaration, value = raw.child_by_field_name("declaration"), raw.child_by_field_name("value")
        decorators = self._decorators(raw)
        if raw.child_by_field_name("source") is not None:
            into.append(ExportFrom(*place, self._source(raw), self._passed_on(raw, words)))
        elif declaration is not None:
            made: list[Node] = []
            self._statement(declaration, made)
            for node in made:
                if isinstance(node, ClassNode):
                    node.decorators += decorators
                into += self._exported(node, "default" in words)
        elif value is not None:
            into.append(Export(*place, "default", self.expression(value)))
        elif "=" in words and raw.named_children:
            into.append(Export(*place, "=", self.expression(raw.named_children[-1])))
        else:
            for clause in raw.named_children:
                for spec in clause.named_children if clause.type == "export_clause" else ():
                    for local, outer in self._specifier(spec):
                        into.append(Export(*self.place(spec), outer, Name(*self.place(spec), local)))

    def _passed_on(self, raw: Raw, words: set[str]) -> list[tuple[str, str]]:
        for clause in raw.named_children:
            if clause.type == "export_clause":
                return [pair for spec in clause.named_children for pair in self._specifier(spec)]
            if clause.type == "namespace_export":
                return [("=", self.text(clause.named_children[-1]))]
        return [("*", "*")] if "*" in words else []

    def _exported(self, node: Node, default: bool) -> list[Node]:
        if isinstance(node, Function | ClassNode):
            if not node.name:
                return [Export(node.line, node.pos, "default", node)]
            name = Name(node.line, node.pos, node.name)
            return [node, Export(node.line, node.pos, "default" if default else node.name, name)]
        if isinstance(node, Assign):
            return [
                node,
                *(Export(node.line, node.pos, name, Name(node.line, node.pos, name)) for name in names_of(node.target)),
            ]
        return [node]

    def _on_enum_declaration(self, raw: Raw, into: list[Node]) -> None:
        entries: list[tuple[Node | None, Node]] = []
        body = raw.child_by_field_name("body")
        for child in body.named_children if body is not None else ():
            if child.type == "enum_assignment":
                entries.append((self.key(child.child_by_field_name("name")), self.field(child, "value")))
        name = Name(*self.place(raw), self.text(raw.child_by_field_name("name")))
        into.append(Assign(*self.place(raw), name, Record(*self.place(raw), entries), "let"))

    def _on_internal_module(self, raw: Raw, into: list[Node]) -> None:
        """A TypeScript namespace: its declarations, and an object of what it exports."""
        block = self.block(raw.child_by_field_name("body"))
        entries: list[tuple[Node | None, Node]] = [
            (Text(node.line, node.pos, [node.name]), node.value)
            for node in block.statements
            if isinstance(node, Export)
        ]
        into += [node for node in block.statements if not isinstance(node, Export)]
        name = Name(*self.place(raw), self.text(raw.child_by_field_name("name")))
        into.append(Assign(*self.place(raw), name, Record(*self.place(raw), entries), "let"))

    _on_module = _on_internal_module

    def _on_ERROR(self, raw: Raw, into: list[Node]) -> None:
        """Damaged code: read on in what the parser could make out."""
        for child in raw.named_children:
            self._statement(child, into)

    def parameters(self, raw: Raw) -> list[Parameter]:
        made: list[Parameter] = []
        for child in raw.named_children:
            if child.type == "comment":
                continue
            inner = child.child_by_field_name("pattern") if child.type.endswith("_parameter") else child
            if inner is None or inner.type == "this":
                continue
            pattern = self.pattern(inner)
            value = child.child_by_field_name("value") if child.type.endswith("_parameter") else None
            default = None if value is None else self.expression(value)
            if inner.type == "assignment_pattern":
                default, pattern = self.field(inner, "right"), self.pattern(inner.child_by_field_name("left"))
            is_field = any(part.type in ("accessibility_modifier", "readonly") for part in child.children)
            made.append(
                Parameter(
                    pattern,
                    default,
                    self.annotation(child.child_by_field_name("type")),
                    1 if inner.type == "rest_pattern" else 0,
                    is_field,
                )
            )
        return made


def names_of(pattern: Node) -> list[str]:
    """The names that a declaration of constants makes; destructuring one level deep."""
    if isinstance(pattern, Name):
        return [pattern.id]
    return [entry.id for _, entry in getattr(pattern, "entries", []) if isinstance(entry, Name)]
