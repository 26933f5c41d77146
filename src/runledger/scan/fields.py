"""Fields of Python's generated classes: dataclasses, attrs, pydantic."""

from __future__ import annotations

from .traversal import chain_of
from .tree import Call, Function, Member, Name, Node

_FIELDS = {"field", "Field", "ib", "attrib", "Factory", "PrivateAttr"}
_FACTORIES = ("default_factory", "factory")


def default_of(value: Node) -> Node:
    """What a field of a class is by default: of `field(default_factory=make)` the call of `make`."""
    if not isinstance(value, Call) or chain_of(value.callee).rpartition(".")[2] not in _FIELDS:
        return value
    given = {argument.keyword or "": argument.value for argument in value.arguments}
    for name in _FACTORIES:
        if name in given:
            return _made_by(given[name])
    if chain_of(value.callee).endswith("Factory") and "" in given:
        return _made_by(given[""])
    return default_of(given["default"]) if "default" in given else value


def _made_by(factory: Node) -> Call:
    return Call(factory.line, factory.pos, factory, [])


def decorated_default(method: Function) -> tuple[str, Node] | None:
    """The field that a method gives the default of, by `@name.default`, and the call of the method."""
    for decorator in method.decorators:
        if isinstance(decorator, Member) and decorator.name == "default" and isinstance(decorator.object, Name):
            this = method.parameters[0].name if method.parameters else ""
            callee = Member(method.line, method.pos, Name(method.line, method.pos, this), method.name)
            return decorator.object.id, Call(method.line, method.pos, callee, [])
    return None
