"""The front end for Python: expressions of a tree-sitter tree as the language-neutral tree."""

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
    Parameter,
    PatternSequence,
    Record,
    Return,
    Sequence,
    Spread,
    Text,
    Yield,
)

_OPERATORS = {"is": "==", "is not": "!=", "<>": "!="}
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\'": "'", '\\"': '"', "\\\\": "\\", "\\\n": "", "{{": "{", "}}": "}"}


class Expressions:
    """Reads expressions of one file. Its subclass reads statements and parameters."""

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

    def parameters(self, raw: Raw | None) -> list[Parameter]:
        raise NotImplementedError

    def annotation(self, raw: Raw | None) -> Node | None:
        raise NotImplementedError

    def expression(self, raw: Raw) -> Node:
        kind = raw.type
        if kind not in self._readers:
            self._readers[kind] = getattr(self, f"_{kind}", None)
        read = self._readers[kind]
        return self._other(raw) if read is None else read(raw)

    def _other(self, raw: Raw) -> Node:
        return Other(*self.place(raw), [self.expression(child) for child in raw.named_children])

    def _comment(self, raw: Raw) -> Node:
        return Other(*self.place(raw), [])

    def _identifier(self, raw: Raw) -> Node:
        return Name(*self.place(raw), self.text(raw))

    def _dotted_name(self, raw: Raw) -> Node:
        first, *rest = raw.named_children
        made: Node = Name(*self.place(first), self.text(first))
        for part in rest:
            made = Member(*self.place(raw), made, self.text(part))
        return made

    def _parenthesized_expression(self, raw: Raw) -> Node:
        inner = [child for child in raw.named_children if child.type != "comment"]
        return self.expression(inner[0]) if len(inner) == 1 else self._other(raw)

    def _attribute(self, raw: Raw) -> Node:
        return Member(*self.place(raw), self.field(raw, "object"), self.text(raw.child_by_field_name("attribute")))

    def _subscript(self, raw: Raw) -> Node:
        return Index(*self.place(raw), self.field(raw, "value"), self.field(raw, "subscript"))

    def _await(self, raw: Raw) -> Node:
        return (
            Await(*self.place(raw), self.expression(raw.named_children[0])) if raw.named_children else self._other(raw)
        )

    def _yield(self, raw: Raw) -> Node:
        given = [child for child in raw.named_children if child.type != "comment"]
        return Yield(*self.place(raw), self.expression(given[0])) if given else self._other(raw)

    def _call(self, raw: Raw) -> Node:
        listed = raw.child_by_field_name("arguments")
        if listed is None:
            arguments = []
        elif listed.type == "argument_list":
            arguments = [self._argument(child) for child in listed.named_children if child.type != "comment"]
        else:
            arguments = [Argument(self.expression(listed))]
        function = raw.child_by_field_name("function")
        line = raw.start_point[0] + 1
        if function is not None and function.type == "attribute":  # a chain over several lines: the line of the method
            last = function.child_by_field_name("attribute")
            line = line if last is None else last.start_point[0] + 1
        return Call(line, raw.start_byte, self.field(raw, "function"), arguments, False, raw.start_point[0] + 1)

    def _argument(self, raw: Raw) -> Argument:
        if raw.type == "keyword_argument":
            return Argument(self.field(raw, "value"), self.text(raw.child_by_field_name("name")))
        if raw.type == "list_splat" and raw.named_children:
            return Argument(self.expression(raw.named_children[0]), spread=1)
        if raw.type == "dictionary_splat" and raw.named_children:
            return Argument(self.expression(raw.named_children[0]), spread=2)
        return Argument(self.expression(raw))

    def _string(self, raw: Raw) -> Node:
        parts: list[str | Node] = []
        for child in raw.named_children:
            if child.type == "string_content":
                parts.append(self._content(child))
            elif child.type == "interpolation":
                parts.append(self.field(child, "expression"))
        return Text(*self.place(raw), parts)

    def _content(self, raw: Raw) -> str:
        text = self.text(raw)
        if not raw.named_children:
            return text
        for sign, character in _ESCAPES.items():
            text = text.replace(sign, character)
        return text

    def _concatenated_string(self, raw: Raw) -> Node:
        parts: list[str | Node] = []
        for child in raw.named_children:
            part = self.expression(child)
            parts += part.parts if isinstance(part, Text) else []
        return Text(*self.place(raw), parts)

    def _integer(self, raw: Raw) -> Node:
        text = self.text(raw).replace("_", "")
        return Literal(*self.place(raw), int(text) if text.isdigit() and len(text) < 30 else 1)

    def _float(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), 0.5)

    def _true(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), True)

    def _false(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), False)

    def _none(self, raw: Raw) -> Node:
        return Literal(*self.place(raw), None)

    def _list(self, raw: Raw) -> Node:
        return Sequence(
            *self.place(raw), [self._item(child) for child in raw.named_children if child.type != "comment"]
        )

    _tuple = _expression_list = _set = _list

    def _item(self, raw: Raw) -> Node:
        if raw.type == "list_splat" and raw.named_children:
            return Spread(*self.place(raw), self.expression(raw.named_children[0]))
        return self.expression(raw)

    def _dictionary(self, raw: Raw) -> Node:
        entries: list[tuple[Node | None, Node]] = []
        for child in raw.named_children:
            if child.type == "pair":
                entries.append((self.field(child, "key"), self.field(child, "value")))
            elif child.type == "dictionary_splat" and child.named_children:
                entries.append((None, self.expression(child.named_children[0])))
        return Record(*self.place(raw), entries)

    def _list_comprehension(self, raw: Raw) -> Node:
        made = self.field(raw, "body")
        conditions = [
            self.expression(child.named_children[0])
            for child in raw.named_children
            if child.type == "if_clause" and child.named_children
        ]
        for clause in reversed([child for child in raw.named_children if child.type == "for_in_clause"]):
            target, source = self.pattern(clause.child_by_field_name("left")), self.field(clause, "right")
            made = Each(*self.place(raw), made, target, source, conditions)
            conditions = []
        return made

    _generator_expression = _set_comprehension = _dictionary_comprehension = _list_comprehension

    def _pair(self, raw: Raw) -> Node:
        return Sequence(*self.place(raw), [self.field(raw, "key"), self.field(raw, "value")])

    def _conditional_expression(self, raw: Raw) -> Node:
        inner = [self.expression(child) for child in raw.named_children if child.type != "comment"]
        if len(inner) != 3:
            return self._other(raw)
        return Either(*self.place(raw), "?:", inner[0], inner[2], inner[1])

    def _boolean_operator(self, raw: Raw) -> Node:
        operator = self.text(raw.child_by_field_name("operator"))
        return Either(*self.place(raw), operator, self.field(raw, "left"), self.field(raw, "right"))

    def _not_operator(self, raw: Raw) -> Node:
        return Not(*self.place(raw), self.field(raw, "argument"))

    def _comparison_operator(self, raw: Raw) -> Node:
        operands = [self.expression(child) for child in raw.named_children if child.type != "comment"]
        operators = [self.text(child) for child in raw.children_by_field_name("operators")]
        if len(operands) != 2 or not operators:
            return self._other(raw)
        operator = " ".join(operators)
        return Compare(*self.place(raw), _OPERATORS.get(operator, operator), *operands)

    def _binary_operator(self, raw: Raw) -> Node:
        operator = self.text(raw.child_by_field_name("operator"))
        return Binary(*self.place(raw), operator, self.field(raw, "left"), self.field(raw, "right"))

    def _lambda(self, raw: Raw) -> Node:
        body = self.field(raw, "body")
        block = Block(body.line, body.pos, [Return(body.line, body.pos, body)], raw.end_byte)
        return Function(
            *self.place(raw), "", self.parameters(raw.child_by_field_name("parameters")), block, is_arrow=True
        )

    def _named_expression(self, raw: Raw) -> Node:
        return Assign(*self.place(raw), self.pattern(raw.child_by_field_name("name")), self.field(raw, "value"))

    def assignment(self, raw: Raw) -> Node:
        right, kind = raw.child_by_field_name("right"), raw.child_by_field_name("type")
        return Assign(
            *self.place(raw),
            self.pattern(raw.child_by_field_name("left")),
            None if right is None else self.expression(right),
            annotation=self.annotation(kind),
        )

    _assignment = assignment

    def _augmented_assignment(self, raw: Raw) -> Node:
        target = self.pattern(raw.child_by_field_name("left"))
        return Assign(*self.place(raw), target, self.field(raw, "right"), operator="+=")

    def as_pattern(self, raw: Raw) -> Node:
        """`value as name` of a with statement."""
        value = self.expression(raw.named_children[0])
        target = raw.named_children[-1]
        name = target.named_children[0] if target.type == "as_pattern_target" and target.named_children else target
        return Assign(*self.place(raw), self.pattern(name), value, declares="with")

    def pattern(self, raw: Raw | None) -> Node:
        if raw is None:
            return Other(0, 0, [])
        if raw.type in ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list"):
            return PatternSequence(*self.place(raw), [self.pattern(child) for child in raw.named_children])
        if raw.type in ("list_splat_pattern", "parenthesized_expression") and raw.named_children:
            return self.pattern(raw.named_children[0])
        return self.expression(raw)
