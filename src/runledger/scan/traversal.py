"""Walking over expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .tree import (
    Assign,
    Await,
    Binary,
    Call,
    Compare,
    Each,
    Either,
    Index,
    Member,
    Name,
    Node,
    Not,
    Other,
    Record,
    Sequence,
    Spread,
    Text,
    Yield,
)

_PARTS: dict[type, Callable[[Any], list[Node]]] = {
    Text: lambda node: [part for part in node.parts if isinstance(part, Node)],
    Member: lambda node: [node.object],
    Index: lambda node: [node.object, node.index],
    Call: lambda node: [node.callee, *(argument.value for argument in node.arguments)],
    Either: lambda node: [part for part in (node.condition, node.left, node.right) if part is not None],
    Not: lambda node: [node.operand],
    Await: lambda node: [node.value],
    Yield: lambda node: [node.value],
    Spread: lambda node: [node.value],
    Compare: lambda node: [node.left, node.right],
    Binary: lambda node: [node.left, node.right],
    Record: lambda node: [part for entry in node.entries for part in entry if part is not None],
    Sequence: lambda node: node.items,
    Each: lambda node: [node.source, *node.conditions, node.element],
    Other: lambda node: node.parts,
    Assign: lambda node: [] if node.value is None else [node.value],
}


def parts_of(node: Node) -> list[Node]:
    """The expressions directly within an expression, in the order in which they are evaluated."""
    parts = _PARTS.get(type(node))
    return [] if parts is None else parts(node)


def chain_of(node: Node) -> str:
    """A dotted name such as "app.router.post" for names, members and calls of them; "" for anything else."""
    match node:
        case Name(id=name):
            return name
        case Member(object=owner, name=name):
            inner = chain_of(owner)
            return f"{inner}.{name}" if inner else f"?.{name}"
        case Call(callee=callee):
            return chain_of(callee)
        case Await(value=inner):
            return chain_of(inner)
    return ""


def text_of(node: Node | None) -> str:
    """The text of a string without parts that vary; "" for anything else."""
    if isinstance(node, Text) and len(node.parts) == 1 and isinstance(node.parts[0], str):
        return node.parts[0]
    return ""
