"""Walking over expressions."""

from __future__ import annotations

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
)


def parts_of(node: Node) -> list[Node]:
    """The expressions directly within an expression, in the order in which they are evaluated."""
    match node:
        case Text(parts=parts):
            return [part for part in parts if isinstance(part, Node)]
        case Member(object=owner):
            return [owner]
        case Index(object=owner, index=index):
            return [owner, index]
        case Call(callee=callee, arguments=arguments):
            return [callee, *(argument.value for argument in arguments)]
        case Either(condition=condition, left=left, right=right):
            return [left, right] if condition is None else [condition, left, right]
        case Not(operand=inner) | Await(value=inner) | Spread(value=inner):
            return [inner]
        case Compare(left=left, right=right) | Binary(left=left, right=right):
            return [left, right]
        case Record(entries=entries):
            return [part for key, value in entries for part in (key, value) if part is not None]
        case Sequence(items=items):
            return items
        case Each(element=element, source=source, conditions=conditions):
            return [source, *conditions, element]
        case Other(parts=others):
            return others
        case Assign(value=value) if value is not None:
            return [value]
    return []


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
