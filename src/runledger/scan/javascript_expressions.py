"""The front end for JavaScript and TypeScript: expressions of a tree-sitter tree as the language-neutral tree."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node as Raw

from .tree import (
    Argument,
    Assign,
    Await,
    Binary,
    Block,
    Call,
    ClassNode,
    Compare,
    Default,
    Either,
    Function,
    Index,
    Literal,
    Member,
    Name,
    Node,
    Not,
    Other,
    Parameter,
    PatternRecord,
    PatternSequence,
    Record,
    Return,
    Sequence,
    Spread,
    Text,
)

_COMPARISONS = {
    "===": "==",
    "!==": "!=",
    "==": "==",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "in": "in",
}
_TRANSPARENT = {"Promise", "Readonly", "Partial", "Awaited", "Required", "Pick", "Omit", "NonNullable"}
"""Generic types whose values have the members of their first argument."""

_CHOICES = {"||": "or", "&&": "and", "??": "??"}


class Expressions:
    """Reads expressions of one file. Its subclass reads statements, parameters and classes."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._readers: dict[str, Callable[[Raw], Node] | None] = {}

    def text(self, raw: Raw | None) -> str:
        return "" if raw is None else self.source[raw.start_byte : raw.end_byte].decode(errors="replace")

    @staticmethod
    def place(raw: Raw) -> tuple[int, int]:
        return raw.start_point[0] + 1, raw.start_byte

    def field(self, raw: Raw, name: str) -> Node:
        child = raw.child_by_field_name(name)
        return Other(*self.place(raw), []) if child is None else self.expression(child)

    def block(self, raw: Raw | None) -> Block:
        raise NotImplementedError

    def parameters(self, raw: Raw) -> list[Parameter]:
        raise NotImplementedError

    def class_node(self, raw: Raw) -> ClassNode:
        raise NotImplementedError

    def expression(self, raw: Raw) -> Node:
        kind = raw.type
        if kind not in self._readers:
            self._readers[kind] = getattr(self, f"_{kind}", None)
        read = self._readers[kind]
        return self._other(raw) if read is None else read(raw)

    def _other(self, raw: Raw) -> Node:
        return Other(*self.place(raw), [self.expression(child) for child in raw.named_children])

    def _nothing(self, raw: Raw) -> Node:
        return Other(*self.place(raw), [])

    _comment = _type_annotation = _type_arguments = _regex = _nothing

    def _identifier(self, raw: Raw) -> Node:
        name = self.text(raw)
        return Literal(*self.place(raw), None) if name == "undefined" else Name(*self.place(raw), name)

    _this = _super = _shorthand_property_identifier = _type_identifier = _property_identifier = _import = _identifier

    def _undefined(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), None)

    _null = _undefined

    def _true(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), True)

    def _false(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), False)

    def _number(self, raw: Raw) -> Node:
        text = self.text(raw).replace("_", "")
        return Literal(*self.place(raw), int(text) if text.isdigit() and len(text) < 30 else 0.5)

    def _inner(self, raw: Raw) -> Node:
        inner = [child for child in raw.named_children if child.type != "comment"]
        return self.expression(inner[0]) if inner else self._nothing(raw)

    _parenthesized_expression = _as_expression = _satisfies_expression = _non_null_expression = _inner
    _instantiation_expression = _inner

    def _type_assertion(self, raw: Raw) -> Node:
        return self.expression(raw.named_children[-1]) if raw.named_children else self._nothing(raw)

    def _sequence_expression(self, raw: Raw) -> Node:
        return self._other(raw)

    def _member_expression(self, raw: Raw) -> Node:
        name = self.text(raw.child_by_field_name("property")).lstrip("#")
        return Member(*self.place(raw), self.field(raw, "object"), name)

    _nested_identifier = _nested_type_identifier = _member_expression

    def _subscript_expression(self, raw: Raw) -> Node:
        return Index(*self.place(raw), self.field(raw, "object"), self.field(raw, "index"))

    def _await_expression(self, raw: Raw) -> Node:
        return Await(*self.place(raw), self._inner(raw))

    def _call_expression(self, raw: Raw) -> Node:
        function, listed = raw.child_by_field_name("function"), raw.child_by_field_name("arguments")
        line = raw.start_point[0] + 1
        if function is not None and function.type == "member_expression":  # a chain over lines: the line of the method
            last = function.child_by_field_name("property")
            line = line if last is None else last.start_point[0] + 1
        return Call(
            line, raw.start_byte, self.field(raw, "function"), self._arguments(listed), False, raw.start_point[0] + 1
        )

    def _new_expression(self, raw: Raw) -> Node:
        arguments = self._arguments(raw.child_by_field_name("arguments"))
        return Call(*self.place(raw), self.field(raw, "constructor"), arguments, True, raw.start_point[0] + 1)

    def _arguments(self, raw: Raw | None) -> list[Argument]:
        if raw is None:
            return []
        if raw.type == "template_string":
            return [Argument(self.expression(raw))]
        made = []
        for child in raw.named_children:
            if child.type == "spread_element":
                made.append(Argument(self._inner(child), spread=1))
            elif child.type != "comment":
                made.append(Argument(self.expression(child)))
        return made

    def _string(self, raw: Raw) -> Node:
        text = self.text(raw)[1:-1]
        return Text(*self.place(raw), [text.replace("\\n", "\n").replace("\\", "") if "\\" in text else text])

    def _template_string(self, raw: Raw) -> Node:
        parts: list[str | Node] = []
        for child in raw.named_children:
            if child.type == "template_substitution":
                parts.append(self._inner(child))
            else:
                parts.append(self.text(child))
        return Text(*self.place(raw), parts)

    def _array(self, raw: Raw) -> Node:
        return Sequence(
            *self.place(raw), [self.expression(child) for child in raw.named_children if child.type != "comment"]
        )

    def _spread_element(self, raw: Raw) -> Node:
        return Spread(*self.place(raw), self._inner(raw))

    def _object(self, raw: Raw) -> Node:
        entries: list[tuple[Node | None, Node]] = []
        for child in raw.named_children:
            if child.type == "pair":
                entries.append((self.key(child.child_by_field_name("key")), self.field(child, "value")))
            elif child.type == "shorthand_property_identifier":
                entries.append((Text(*self.place(child), [self.text(child)]), self.expression(child)))
            elif child.type == "spread_element":
                entries.append((None, self._inner(child)))
            elif child.type == "method_definition":
                function = self.function(child)
                entries.append((Text(*self.place(child), [function.name]), function))
        return Record(*self.place(raw), entries)

    def key(self, raw: Raw | None) -> Node:
        """The key of a pair: a text, but for computed names."""
        if raw is None:
            return Other(0, 0, [])
        if raw.type == "computed_property_name":
            return self._inner(raw)
        if raw.type == "string":
            return self.expression(raw)
        return Text(*self.place(raw), [self.text(raw).lstrip("#")])

    def _ternary_expression(self, raw: Raw) -> Node:
        condition = self.field(raw, "condition")
        return Either(*self.place(raw), "?:", self.field(raw, "consequence"), self.field(raw, "alternative"), condition)

    def _binary_expression(self, raw: Raw) -> Node:
        operator = self.text(raw.child_by_field_name("operator"))
        left, right = self.field(raw, "left"), self.field(raw, "right")
        if operator in _CHOICES:
            return Either(*self.place(raw), _CHOICES[operator], left, right)
        if operator in _COMPARISONS:
            return Compare(*self.place(raw), _COMPARISONS[operator], left, right)
        return Binary(*self.place(raw), operator, left, right)

    def _unary_expression(self, raw: Raw) -> Node:
        operator, operand = self.text(raw.child_by_field_name("operator")), self.field(raw, "argument")
        return Not(*self.place(raw), operand) if operator == "!" else Other(*self.place(raw), [operand])

    def _assignment_expression(self, raw: Raw) -> Node:
        return Assign(*self.place(raw), self.pattern(raw.child_by_field_name("left")), self.field(raw, "right"))

    def _augmented_assignment_expression(self, raw: Raw) -> Node:
        target, value = self.pattern(raw.child_by_field_name("left")), self.field(raw, "right")
        operator = self.text(raw.child_by_field_name("operator"))
        if operator in ("??=", "||=", "&&="):
            value = Either(*self.place(raw), _CHOICES[operator[:2]], self.field(raw, "left"), value)
            return Assign(*self.place(raw), target, value)
        return Assign(*self.place(raw), target, value, operator=operator)

    def _arrow_function(self, raw: Raw) -> Node:
        return self.function(raw)

    _function_expression = _generator_function = _arrow_function

    def _class(self, raw: Raw) -> Node:
        return self.class_node(raw)

    def function(self, raw: Raw) -> Function:
        """A function of any kind: declaration, expression, arrow or method."""
        single = raw.child_by_field_name("parameter")
        listed = raw.child_by_field_name("parameters")
        if single is not None:
            parameters = [Parameter(self.pattern(single))]
        else:
            parameters = [] if listed is None else self.parameters(listed)
        body = raw.child_by_field_name("body")
        if body is not None and body.type != "statement_block":
            value = self.expression(body)
            block = Block(value.line, value.pos, [Return(value.line, value.pos, value)], body.end_byte)
        else:
            block = self.block(body)
        name = raw.child_by_field_name("name")
        words = {child.type for child in raw.children if not child.is_named}
        return Function(
            *self.place(raw),
            "" if name is None else self.text(name).lstrip("#").strip("'\"[]"),
            parameters,
            block,
            is_static="static" in words,
            is_property="get" in words,
            is_arrow=raw.type == "arrow_function",
            is_async="async" in words,
            returns=self.annotation(raw.child_by_field_name("return_type")),
        )

    def annotation(self, raw: Raw | None) -> Node | None:
        """The name of a type; of `Promise<X>`, `X | null` and `Readonly<X>` it is X."""
        if raw is None:
            return None
        node = raw.named_children[0] if raw.type == "type_annotation" and raw.named_children else raw
        if node.type == "generic_type" and node.named_children:
            outer = node.named_children[0]
            if self.text(outer) in _TRANSPARENT and len(node.named_children) > 1:
                inner = node.named_children[1].named_children
                return self.annotation(inner[0]) if inner else None
            return self.expression(outer)
        if node.type == "union_type" and node.named_children:
            return self.annotation(node.named_children[0])
        if node.type in ("type_identifier", "nested_type_identifier"):
            return self.expression(node)
        return None

    def pattern(self, raw: Raw | None) -> Node:
        if raw is None:
            return Other(0, 0, [])
        kind = raw.type
        if kind in ("identifier", "shorthand_property_identifier_pattern"):
            return Name(*self.place(raw), self.text(raw))
        if kind in ("array_pattern", "array"):
            return PatternSequence(*self.place(raw), self._pattern_items(raw))
        if kind in ("object_pattern", "object"):
            return PatternRecord(
                *self.place(raw), [entry for child in raw.named_children for entry in self._entry(child)]
            )
        if kind in ("assignment_pattern", "object_assignment_pattern"):
            return Default(*self.place(raw), self.pattern(raw.child_by_field_name("left")), self.field(raw, "right"))
        if kind in ("rest_pattern", "non_null_expression", "parenthesized_expression") and raw.named_children:
            return self.pattern(raw.named_children[0])
        return self.expression(raw)

    def _pattern_items(self, raw: Raw) -> list[Node | None]:
        items: list[Node | None] = []
        expected = True
        for child in raw.children[1:-1]:
            if child.type == ",":
                if expected:
                    items.append(None)
                expected = True
            elif child.is_named and child.type != "comment":
                items.append(self.pattern(child))
                expected = False
        return items

    def _entry(self, raw: Raw) -> list[tuple[str, Node]]:
        if raw.type in ("pair_pattern", "pair"):
            key = self.text(raw.child_by_field_name("key")).strip("'\"")
            return [(key, self.pattern(raw.child_by_field_name("value")))]
        made = self.pattern(raw)
        if raw.type == "rest_pattern":
            return [("...", made)]
        inner = made.pattern if isinstance(made, Default) else made
        return [(inner.id, made)] if isinstance(inner, Name) else []
