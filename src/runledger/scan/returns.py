"""What a function returns."""

from __future__ import annotations

from .program import Program, Scope
from .tree import Block, If, Loop, Node, Return, Switch, Try


def return_values(program: Program, block: Block, scope: Scope) -> list[tuple[Node, Scope]]:
    """The values that a block returns, with their scopes; not those of functions within."""
    scope = program.scopes.get(block, scope)
    found: list[tuple[Node, Scope]] = []
    for statement in block.statements:
        match statement:
            case Return(value=value) if value is not None:
                found.append((value, scope))
            case Block():
                found += return_values(program, statement, scope)
            case If(then=then, otherwise=otherwise):
                for inner in (then, otherwise):
                    found += [] if inner is None else return_values(program, inner, scope)
            case Loop(body=body, otherwise=otherwise):
                for inner in (body, otherwise):
                    found += [] if inner is None else return_values(program, inner, scope)
            case Try(body=body, handlers=handlers, otherwise=otherwise, final=final):
                for inner in (body, *(handler.body for handler in handlers), otherwise, final):
                    found += [] if inner is None else return_values(program, inner, scope)
            case Switch(cases=cases):
                for case in cases:
                    found += return_values(program, case.body, scope)
    return found
