"""The front end for JavaScript and TypeScript: classes, interfaces and types of objects."""

from __future__ import annotations

from tree_sitter import Node as Raw

from .javascript_expressions import Expressions
from .tree import Assign, ClassNode, Function, Name, Node


class Classes(Expressions):
    """Reads classes of one file. Its subclass reads statements and parameters."""

    def class_node(self, raw: Raw) -> ClassNode:
        bases: list[Node] = []
        decorators = self._decorators(raw)
        for child in raw.named_children:
            if child.type == "class_heritage":
                bases += self._bases(child)
        body: list[Node] = []
        raw_body = raw.child_by_field_name("body")
        pending: list[Node] = []
        for child in raw_body.named_children if raw_body is not None else ():
            if child.type == "decorator":
                pending.append(self._inner(child))
            elif child.type == "method_definition":
                function = self.function(child)
                function.decorators, pending = pending + self._decorators(child), []
                body.append(function)
            elif child.type == "abstract_method_signature":
                body.append(self._signature(child))
            elif child.type in ("field_definition", "public_field_definition"):
                body += self._class_field(child)
                pending = []
            elif child.type == "class_static_block":
                body += self.block(child.child_by_field_name("body")).statements
        return ClassNode(*self.place(raw), self.text(raw.child_by_field_name("name")), bases, body, decorators)

    def _decorators(self, raw: Raw) -> list[Node]:
        return [self._inner(child) for child in raw.named_children if child.type == "decorator"]

    def _class_field(self, raw: Raw) -> list[Node]:
        name = raw.child_by_field_name("name") or raw.child_by_field_name("property")
        value = raw.child_by_field_name("value")
        target = Name(*self.place(raw), self.text(name).lstrip("#").strip("'\""))
        annotation = self.annotation(raw.child_by_field_name("type"))
        made = None if value is None else self.expression(value)
        if isinstance(made, Function):
            made.name = made.name or target.id
        return [Assign(*self.place(raw), target, made, "field", annotation)]

    def _bases(self, heritage: Raw) -> list[Node]:
        """What a class extends, and behind it what it implements."""
        extended: list[Node] = []
        implemented: list[Node] = []
        for clause in heritage.named_children:
            if clause.type == "extends_clause":
                extended.append(self.field(clause, "value"))
            elif clause.type == "implements_clause":
                implemented += self._types(clause)
            elif not extended and clause.type != "comment":
                extended.append(self.expression(clause))
        return extended + implemented

    def _types(self, clause: Raw) -> list[Node]:
        return [named for child in clause.named_children if (named := self.annotation(child)) is not None]

    def interface(self, raw: Raw, body: Raw | None) -> ClassNode:
        """An interface or the type of an object: its methods without bodies, its fields by their types."""
        bases = [
            base for child in raw.named_children if child.type == "extends_type_clause" for base in self._types(child)
        ]
        members: list[Node] = []
        for child in body.named_children if body is not None else ():
            if child.type == "method_signature":
                members.append(self._signature(child))
            elif child.type == "property_signature":
                members.append(self._property(child))
        name = self.text(raw.child_by_field_name("name"))
        return ClassNode(*self.place(raw), name, bases, members, is_interface=True)

    def _property(self, raw: Raw) -> Node:
        name = self.text(raw.child_by_field_name("name")).strip("'\"")
        kind = raw.child_by_field_name("type")
        inner = kind.named_children[0] if kind is not None and kind.named_children else None
        if inner is not None and inner.type == "function_type":
            return self._abstract(raw, name, inner)
        return Assign(*self.place(raw), Name(*self.place(raw), name), None, "field", self.annotation(kind))

    def _signature(self, raw: Raw) -> Function:
        return self._abstract(raw, self.text(raw.child_by_field_name("name")).strip("'\"[]"), raw)

    def _abstract(self, raw: Raw, name: str, signature: Raw) -> Function:
        listed = signature.child_by_field_name("parameters")
        parameters = [] if listed is None else self.parameters(listed)
        returns = self.annotation(signature.child_by_field_name("return_type"))
        return Function(*self.place(raw), name, parameters, self.block(None), is_abstract=True, returns=returns)
