"""The order in which a routine calls: its calls with the conditions that they are under, in arms that fork and end."""

from __future__ import annotations

from attrs import define, field

from .conditions import Conditions, Guard
from .entries import Entry, Registrations
from .evaluation import Evaluator
from .program import Routine, Scope
from .traversal import chain_of, parts_of
from .tree import (
    Assign,
    Block,
    Call,
    Compare,
    Each,
    Either,
    Export,
    Function,
    If,
    Index,
    Leave,
    Literal,
    Loop,
    Member,
    Name,
    Node,
    Return,
    Switch,
    Text,
    Throw,
    Try,
)
from .values import Callable


@define(eq=False)
class Event:
    """A call, in the routine that it is written in or in a function that is passed to a call there."""

    node: Call
    scope: Scope
    guards: tuple[Guard, ...]
    loop: int
    """The line of the outermost loop around it; 0 if there is none."""
    top: int
    """The line of the statement of the module that it is part of, inside of conditions; 0 in a function."""


@define(eq=False)
class Arm:
    """Steps in their order. `exit` says how it ends: "return", "throw", "conflict" (an answer that refuses), or ""."""

    steps: list[Event | list[Arm]] = field(factory=list)
    exit: str = ""
    literals: set[object] = field(factory=set)
    """Numbers and texts within, which distinguish an answer of 409 from others."""

    def events(self) -> list[Event]:
        found: list[Event] = []
        for step in self.steps:
            if isinstance(step, Event):
                found.append(step)
            else:
                found += [event for arm in step for event in arm.events()]
        return found


class Flows:
    """Makes the flow of each routine."""

    def __init__(self, evaluator: Evaluator, registrations: Registrations) -> None:
        self._evaluator = evaluator
        self._program = evaluator.program
        self._registrations = registrations
        self._conditions = Conditions(evaluator)
        self.inlined: dict[Function, Routine] = {}
        """Functions that are walked as part of the routine that passes them to a call."""
        self.registered: list[Entry] = []
        self._routine: Routine | None = None
        self._loop_line = 0
        self._at_top = False
        self._top_line = 0
        self._registering = 0

    def flow(self, routine: Routine) -> Arm:
        self._routine = routine
        self._loop_line = 0
        self._top_line = 0
        self._at_top = routine.is_module
        self._conditions.tried = {}
        arm = Arm()
        node = routine.node
        for decorator in node.decorators if node is not None else ():
            self._expression(decorator, routine.scope.parent or routine.scope, (), arm)
        for parameter in node.parameters if node is not None else ():
            if parameter.default is not None:
                self._expression(parameter.default, routine.scope, (), arm)
        self._block(routine.body, routine.scope, (), arm)
        return arm

    def _block(self, block: Block, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        self._statements(block.statements, self._program.scopes.get(block, scope), guards, arm)

    def _statements(self, statements: list[Node], scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        for index, statement in enumerate(statements):
            if self._at_top and not self._loop_line:
                self._top_line = statement.line
            if isinstance(statement, If):
                self._if(statement, statements[index + 1 :], scope, guards, arm)
                return
            if isinstance(statement, Try):
                guards += self._try(statement, scope, guards, arm)
            else:
                self._statement(statement, scope, guards, arm)
            if arm.exit:
                return

    def _if(self, node: If, rest: list[Node], scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        self._expression(node.condition, scope, guards, arm)
        then, otherwise, after = Arm(), Arm(), Arm()
        if_true = self._conditions.missing(node.condition, scope, truth=True)
        if_false = self._conditions.missing(node.condition, scope, truth=False)
        self._block(node.then, scope, guards + if_true, then)
        if node.otherwise is not None:
            self._block(node.otherwise, scope, guards + if_false, otherwise)
        arm.steps.append([then, otherwise])
        arm.literals |= then.literals | otherwise.literals
        added: tuple[Guard, ...] = ()
        if then.exit and not otherwise.exit:
            added = if_false
        elif otherwise.exit and not then.exit:
            added = if_true
        for guard in added:  # what follows an early return
            guard.likely = True
        for guard in if_true:
            guard.found = otherwise if node.otherwise is not None else after if then.exit else None
        for guard in if_false:
            guard.found = then
        if then.exit and otherwise.exit:
            arm.exit = then.exit if then.exit == otherwise.exit else "return"
            return
        self._statements(rest, scope, guards + added, after)
        arm.steps += after.steps
        arm.literals |= after.literals
        arm.exit = after.exit

    def _statement(self, node: Node, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        match node:
            case Block():
                self._block(node, scope, guards, arm)
            case Return(value=value):
                if value is not None:
                    self._expression(value, scope, guards, arm)
                arm.exit = "conflict" if _refuses(arm, value) else "return"
            case Throw(value=value):
                if value is not None:
                    self._expression(value, scope, guards, arm)
                arm.exit = "throw"
            case Leave():
                arm.exit = "leave"
            case Loop():
                self._loop(node, scope, guards, arm)
            case Switch():
                self._switch(node, scope, guards, arm)
            case Function() | Export():
                if isinstance(node, Export) and not isinstance(node.value, Function | Name):
                    self._expression(node.value, scope, guards, arm)
            case _:
                self._expression(node, scope, guards, arm)
                if isinstance(node, Call) and _ends(node):
                    arm.exit = "conflict"

    def _switch(self, node: Switch, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        self._expression(node.subject, scope, guards, arm)
        arms: list[Arm] = []
        for case in node.cases:
            tests = [Compare(node.line, node.pos, "==", node.subject, test) for test in case.tests]
            added = self._conditions.missing(tests[0], scope, truth=True) if len(tests) == 1 else ()
            inner = Arm()
            self._block(case.body, scope, guards + added, inner)
            for guard in added:
                guard.found = Arm([arms])
            inner.exit = "" if inner.exit == "leave" else inner.exit
            arms.append(inner)
        arm.steps.append([*arms, Arm()])

    def _loop(self, node: Loop, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        for part in (node.source, node.condition):
            if part is not None:
                self._expression(part, scope, guards, arm)
        inner = Arm()
        outer, self._loop_line = self._loop_line, self._loop_line or node.line
        self._block(node.body, scope, guards, inner)
        self._loop_line = outer
        inner.exit = ""
        arm.steps.append([inner])
        arm.literals |= inner.literals
        if node.otherwise is not None:
            missing = self._conditions.missing(node.source, scope, truth=False) if node.source is not None else ()
            for guard in missing:
                guard.found = inner
            self._block(node.otherwise, scope, guards + missing, arm)

    def _try(self, node: Try, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> tuple[Guard, ...]:
        """The guards of what follows: where the body always leaves, a handler has run."""
        passed: tuple[Guard, ...] = ()
        body = Arm()
        self._block(node.body, scope, guards, body)
        handlers: list[Arm] = []
        for handler in node.handlers:
            inner = Arm()
            caught = self._conditions.caught(handler.types, scope, body)
            self._conditions.tried[handler.body.pos, handler.body.end] = caught
            self._block(handler.body, scope, guards + caught, inner)
            handlers.append(inner)
            passed += () if inner.exit else caught
        if node.otherwise is not None and not body.exit:
            self._block(node.otherwise, scope, guards, body)
        arm.steps += body.steps
        arm.literals |= body.literals
        if handlers:
            arm.steps.append([*handlers, Arm()])
        if node.final is not None:
            self._block(node.final, scope, guards, arm)
        if body.exit and (not handlers or all(handler.exit for handler in handlers)):
            arm.exit = arm.exit or body.exit
        return passed if body.exit in ("return", "throw", "conflict") else ()

    def _expression(self, node: Node, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        if type(node) is Name:
            return
        match node:
            case Function():
                return
            case Either():
                self._either(node, scope, guards, arm)
            case Call():
                self._call(node, scope, guards, arm)
            case Each(source=source, conditions=conditions, element=element):
                self._expression(source, scope, guards, arm)
                inner = self._program.scopes.get(node, scope)
                outer, self._loop_line = self._loop_line, self._loop_line or node.line
                for part in (*conditions, element):
                    self._expression(part, inner, guards, arm)
                self._loop_line = outer
            case Literal(value=value):
                arm.literals.add(value)
            case Text(parts=parts):
                arm.literals.update(part for part in parts if isinstance(part, str))
                for part in parts_of(node):
                    self._expression(part, scope, guards, arm)
            case Assign(value=value):
                for part in parts_of(node.target) if isinstance(node.target, Member | Index) else ():
                    self._expression(part, scope, guards, arm)
                if value is not None:
                    self._expression(value, scope, guards, arm)
            case _:
                for part in parts_of(node):
                    self._expression(part, scope, guards, arm)

    def _either(self, node: Either, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        condition = node.condition if node.condition is not None else node.left
        self._expression(condition, scope, guards, arm)
        first, second = Arm(), Arm()
        if node.condition is not None:
            if_true = self._conditions.missing(condition, scope, truth=True)
            if_false = self._conditions.missing(condition, scope, truth=False)
            self._expression(node.left, scope, guards + if_true, first)
            self._expression(node.right, scope, guards + if_false, second)
            for guard in if_true:
                guard.found = second
            for guard in if_false:
                guard.found = first
        else:
            added = self._conditions.missing(condition, scope, truth=node.operator == "and")
            self._expression(node.right, scope, guards + added, second)
        arm.steps.append([first, second])
        arm.literals |= first.literals | second.literals

    def _call(self, node: Call, scope: Scope, guards: tuple[Guard, ...], arm: Arm) -> None:
        if isinstance(node.callee, Function):
            self._inline(node.callee, guards, arm)
        else:
            for part in parts_of(node.callee):
                self._expression(part, scope, guards, arm)
        registered = self._registrations.of_call(node, scope)
        self.registered += registered
        gives = any(isinstance(value, Callable) for value in self._evaluator.values(node, scope))
        self._registering += bool(registered) or gives  # asyncHandler(fn) is fn: it is not called here
        for entry in registered:
            if entry.routine.name == "<anonymous>":
                entry.routine.name = entry.name
        handler = {"catch": 0, "then": 1}.get(node.callee.name) if isinstance(node.callee, Member) else None
        body = arm if handler is None else Arm(list(arm.steps))
        for index, argument in enumerate(node.arguments):
            value = argument.value
            if not isinstance(value, Function):
                self._expression(value, scope, guards, arm)
            elif not self._registering:
                added: tuple[Guard, ...] = ()
                if index == handler:
                    added = self._conditions.caught([], scope, body)
                self._inline(value, guards + added, arm)
        self._registering -= bool(registered) or gives
        if not registered:
            arm.steps.append(Event(node, scope, guards, self._loop_line, self._top_line))
        if chain_of(node.callee).endswith(("sendStatus", "status", "abort", "HttpResponse")):
            arm.literals.add("status")

    def _inline(self, node: Function, guards: tuple[Guard, ...], arm: Arm) -> None:
        routine = self._program.routines.get(node)
        if routine is None or self._routine is None or node in self.inlined:
            return
        self.inlined[node] = self._routine
        inner = Arm()
        at_top, self._at_top = self._at_top, False
        self._block(node.body, routine.scope, guards, inner)
        self._at_top = at_top
        arm.steps += inner.steps
        arm.literals |= inner.literals


_REFUSING = {400, 409, 412, 422, "conflict"}


def _refuses(arm: Arm, value: Node | None) -> bool:
    """Whether what an arm answers says that the record is there already."""
    if any(isinstance(one, int) and not isinstance(one, bool) and one in _REFUSING for one in arm.literals):
        return True
    words = " ".join(one.lower() for one in arm.literals if isinstance(one, str))
    chain = chain_of(value).lower() if value is not None else ""
    refused = any(word in words for word in ("already exist", "already started", "duplicate", "conflict", "error"))
    return refused or any(word in chain for word in ("reject", "conflict", "error", "next"))


def _ends(node: Call) -> bool:
    """Whether a call does not return."""
    return chain_of(node.callee) in (
        "process.exit",
        "sys.exit",
        "exit",
        "quit",
        "abort",
        "os._exit",
        "pytest.fail",
        "reject",
    )
