"""What a function returns, or yields to whoever runs it."""

from __future__ import annotations

from .program import Program, Scope
from .tree import Assign, Await, Block, Call, If, Literal, Loop, Node, Return, Switch, Try, Yield


def return_values(program: Program, block: Block, scope: Scope, *, in_loop: bool = False) -> list[tuple[Node, Scope]]:
    """The values that a block returns, with their scopes; not those of functions within.

    What it yields once, outside of a loop, counts too: a context manager or a dependency gives it.
    """
    scope = program.scopes.get(block, scope)
    found: list[tuple[Node, Scope]] = []
    for statement in block.statements:
        inner: list[Block | None] = []
        match statement:
            case Return(value=value) if value is not None:
                found.append((value, scope))
            case Yield(value=value) | Assign(value=Yield(value=value)) if not in_loop:
                found.append((value, scope))
            case Block():
                inner = [statement]
            case If(then=then, otherwise=otherwise):
                inner = [then, otherwise]
            case Loop(body=body, otherwise=otherwise):
                found += return_values(program, body, scope, in_loop=True)
                inner = [otherwise]
            case Try(body=body, handlers=handlers, otherwise=otherwise, final=final):
                inner = [body, *(handler.body for handler in handlers), otherwise, final]
            case Switch(cases=cases):
                inner = [case.body for case in cases]
        for each in inner:
            found += [] if each is None else return_values(program, each, scope, in_loop=in_loop)
    return found


def conditions(program: Program, block: Block, scope: Scope) -> list[tuple[Node, Scope, bool]]:
    """What decides whether a block returns true or false: conditions, and calls whose failure is caught."""
    scope = program.scopes.get(block, scope)
    found: list[tuple[Node, Scope, bool]] = []
    for statement in block.statements:
        match statement:
            case If(condition=condition, then=then, otherwise=otherwise):
                answer = _answer(then)
                found += [] if answer is None else [(condition, scope, answer)]
                for inner in (then, otherwise):
                    found += [] if inner is None else conditions(program, inner, scope)
            case Try(body=body, handlers=handlers):
                found += conditions(program, body, scope)
                if any(_answer(handler.body) is False for handler in handlers):
                    at = program.scopes.get(body, scope)
                    found += [(call, at, True) for call in map(_called, body.statements) if call is not None]
    return found


def _answer(block: Block) -> bool | None:
    """What a block returns at its end, if that is true or false."""
    last = block.statements[-1] if block.statements else None
    value = last.value if isinstance(last, Return) else None
    return value.value if isinstance(value, Literal) and isinstance(value.value, bool) else None


def _called(node: Node) -> Node | None:
    inner = node.value if isinstance(node, Assign | Await) else node
    return node if isinstance(inner, Call | Await) else None
