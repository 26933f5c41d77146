"""Which conditions say that a record was looked for and is not there."""

from __future__ import annotations

import re
from typing import Any

from attrs import define, field

from .comparisons import presence
from .evaluation import Evaluator
from .program import FromParameter, Scope, Source
from .traversal import chain_of
from .tree import Assign, Await, Call, Compare, Either, Index, Literal, Member, Name, Node, Not, Text
from .values import Constant, Failure, Found, Library, Lookup, Method, Row, Value, symbolic

_LOOK = "find|get|look|fetch|search|load|exist|has|query|select|retrieve|locate|read|match|resolve|check|is"
_LOOKING = re.compile(rf"(?:^|_)(?:{_LOOK})(?![a-z])", re.I)
_LOOKING_CAMEL = re.compile(rf"^(?:{_LOOK})(?:[A-Z_0-9]|$)")
_RECORD = re.compile(
    r"run|record|row|exist|found|match|prior|previous|stored|saved|entry|hit|cache|registry|known|seen", re.I
)
_NOT_MISSING = re.compile(
    r"timeout|connection|value|type|rate|conflict|exist|duplicate|integrity|unique|permission|json|decode"
    r"|validation|assert|cancel|interrupt|^(?:os|io|runtime|attribute|memory|arithmetic|zerodivision|name|import|system)"
    r"(?:error|exit)$",
    re.I,
)
_MISSING_TEXT = re.compile(r"not.?found|missing|404|ENOENT|does.?not.?exist", re.I)


@define(eq=False)
class Guard:
    """A condition under which a record is missing.

    `tables` are those that were looked in (None: unknown), `found` is the arm for a record that is there, `body`
    what was tried before an exception. A weak guard counts only if the other arm updates, as in
    `if (recordId) update else create`.
    """

    tables: tuple[Value | None, ...] = ()
    likely: bool = False
    weak: bool = False
    sure: bool = False
    """An exception that says "not found" and nothing else."""
    found: Any = None
    body: Any = field(default=None)
    symbols: tuple[Value, ...] = ()
    """Values that depend on parameters: what they are is known when all calls are."""
    present: bool = False
    """The truth of the symbols under which the guard holds."""
    by_name: Guard | None = None
    """The guard that holds if the symbols are not resolved."""


class Conditions:
    """Reads conditions."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.tried: dict[tuple[int, int], tuple[Guard, ...]] = {}
        """The guards of the handlers of the routine that is looked at, by where they are."""

    def caught(self, types: list[Node], scope: Scope, body: object) -> tuple[Guard, ...]:
        """The guard of an exception's handler, if the exception may say "not found"."""
        names = [chain_of(kind).rpartition(".")[2] for kind in types]
        if names and all(_NOT_MISSING.search(name) and not _MISSING_TEXT.search(name) for name in names):
            return ()
        sure = any(
            re.search(r"notfound|doesnotexist|keyerror|indexerror|stopiteration|lookup|missing", name, re.I)
            for name in names
        )
        return (Guard(likely=not sure, sure=sure, body=body),)

    def missing(self, node: Node, scope: Scope, *, truth: bool) -> tuple[Guard, ...]:
        """The guards that hold where a condition has a truth value."""
        match node:
            case Not(operand=operand):
                return self.missing(operand, scope, truth=not truth)
            case Either(operator="and" | "or" as operator, left=left, right=right):
                guards = self.missing(left, scope, truth=truth) + self.missing(right, scope, truth=truth)
                if truth != (operator == "and"):
                    for guard in guards:
                        guard.likely = True
                return guards
            case Await(value=value) | Assign(value=Node() as value):
                return self.missing(value, scope, truth=truth)
            case Compare(operator="in" | "not in" as operator, right=right):
                return self._membership(right, scope, present=truth == (operator == "in"))
            case Compare(operator="==" | "!=" as operator, right=Text(parts=[str() as known])) if _MISSING_TEXT.search(
                known
            ):
                return (Guard((None,), likely=True),) if truth == (operator == "==") else ()
            case Compare(left=left):
                positive = presence(node)
                return () if positive is None else self._atom(left, scope, present=truth == positive)
            case Call(callee=Member(object=owner, name="has" | "includes" | "contains")):
                return self._membership(owner, scope, present=truth)
            case Call(callee=Name(id="isEmpty" | "isNil" | "is_empty"), arguments=[argument]):
                return self._atom(argument.value, scope, present=not truth)
            case Call(callee=Member(name="isEmpty" | "isNil"), arguments=[argument]):
                return self._atom(argument.value, scope, present=not truth)
        return self._atom(node, scope, present=truth)

    def _membership(self, owner: Node, scope: Scope, *, present: bool) -> tuple[Guard, ...]:
        if present:
            return ()
        tables = tuple(value.table for value in self._evaluator.values(owner, scope) if isinstance(value, Lookup))
        if tables:
            return (Guard(tables),)
        known = _RECORD.search(chain_of(owner)) or re.search(r"cache|registry|ids|store|map", chain_of(owner), re.I)
        return (Guard((None,), likely=True),) if known else ()

    def _atom(self, node: Node, scope: Scope, *, present: bool) -> tuple[Guard, ...]:
        tables: list[Value | None] = []
        for value in self._values(node, scope):
            match value:
                case Lookup(table=table) if not present:
                    tables.append(table)
                case Found(table=table, positive=positive) if positive != present:
                    tables.append(table)
                case Row(table=table, library="http", created=False) if not present and isinstance(node, Member):
                    tables.append(table)
                case Failure() if present and isinstance(node, Name):
                    return (Guard((None,), likely=True),)
                case Failure() if not present and not isinstance(node, Name):
                    return (Guard((None,), likely=True),)
        values = self._values(node, scope)
        if not tables and not present and any(isinstance(value, Constant) and not value.value for value in values):
            # nothing, or the record that a change gave: the change found no record
            tables += [one.table for one in values if isinstance(one, Row) and not one.created]
            if tables:
                return (Guard(tuple(tables), likely=True),)
        symbols = tuple(value for value in values if symbolic(value) and not isinstance(value, Lookup | Found))
        if tables:
            return (Guard(tuple(tables)),)
        flagged = self._flagged(node, scope, present=present)
        if flagged:
            return flagged
        known = any(
            not isinstance(value, Library | Constant | Row | Method) and not symbolic(value) for value in values
        )
        named = () if present or known else self._by_name(node, scope)
        if not symbols:
            return named
        return (Guard(symbols=symbols, present=present, by_name=named[0] if named else None),)

    def _values(self, node: Node, scope: Scope) -> tuple[Value, ...]:
        found = self._evaluator.values(node, scope)
        if isinstance(node, Member) and not any(isinstance(value, Lookup | Found) for value in found):
            found += self._evaluator.fetched(node, scope) if node.name in ("rowcount", "changes") else ()
            if any(isinstance(value, Failure) for value in self._evaluator.values(node.object, scope)):
                found += (Failure(),)
            if node.name in ("status", "statusCode", "status_code") and isinstance(node.object, Member):
                found += tuple(
                    one for one in self._evaluator.values(node.object.object, scope) if isinstance(one, Failure)
                )
        return found

    def _flagged(self, node: Node, scope: Scope, *, present: bool) -> tuple[Guard, ...]:
        """The guards of the handlers that set a name as a condition asks for: `except KeyError: found = False`."""
        holder = scope.holder(node.id) if isinstance(node, Name) else None
        return tuple(
            Guard(likely=True, sure=guard.sure, body=guard.body)
            for origin in (holder.names[node.id] if holder is not None and isinstance(node, Name) else ())
            if isinstance(origin, Source) and isinstance(origin.node, Literal) and bool(origin.node.value) == present
            for guard in self.tried.get(origin.block, ())
        )

    def _by_name(self, node: Node, scope: Scope) -> tuple[Guard, ...]:
        """A guard by names: the result of a call that looks for something, which could not be resolved."""
        if isinstance(node, Call):
            return (Guard((None,), likely=True),) if _looks(node) else ()
        if isinstance(node, Member | Index):
            if chain_of(node).endswith((".length", ".size")):
                return self._by_name(node.object, scope)
            holder = scope.holder(chain_of(node).partition(".")[0])
            origins = holder.names[chain_of(node).partition(".")[0]] if holder is not None else []
            if any(isinstance(origin, FromParameter) for origin in origins):
                return ()
            return (Guard((None,), likely=True, weak=True),)
        if not isinstance(node, Name):
            return ()
        holder = scope.holder(node.id)
        for origin in holder.names[node.id] if holder is not None else ():
            if isinstance(origin, FromParameter):  # what a caller leaves out was not looked for
                return ()
            if isinstance(origin, Source):
                inner = _call_within(origin.node)
                if isinstance(inner, Call) and (_looks(inner) or _RECORD.search(node.id)):
                    return (Guard((None,), likely=True, weak=not _RECORD.search(node.id + chain_of(inner))),)
        return (Guard((None,), likely=True, weak=True),)


def _call_within(node: Node) -> Node:
    """The call that a value comes from: `(await f())[0] ?? null`."""
    while True:
        match node:
            case (
                Await(value=inner) | Index(object=inner) | Either(left=inner) | Member(object=Call() | Await() as inner)
            ):
                node = inner
            case _:
                return node


def _looks(node: Call) -> bool:
    name = chain_of(node.callee).rpartition(".")[2]
    return (_LOOKING_CAMEL.match(name) or _LOOKING.search(name)) is not None and _RECORD.search(
        chain_of(node.callee)
    ) is not None
