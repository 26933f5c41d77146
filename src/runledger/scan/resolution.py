"""What each call of a flow calls."""

from __future__ import annotations

import re

from .evaluation import Evaluator
from .flow import Event, Flows
from .libraries import sql
from .libraries.outcome import UNRESOLVED, Outcome, Write
from .observations import Observed
from .program import Routine
from .substitution import name_of
from .summaries import Open, Resolved, Site
from .traversal import chain_of
from .tree import Function
from .values import (
    MORE,
    Arguments,
    Base,
    Callable,
    Called,
    Class,
    Given,
    Instance,
    Library,
    Method,
    Of,
    Partial,
    String,
    Table,
    This,
    Value,
    symbolic,
)

_WRITING = frozenset(
    "create update replace upsert insert save delete batch_create batch_update batch_upsert batch_insert batch_save"
    " update_by_field replace_by_field updateFields patchUpdate putUpdate post put patch request fetch send start"
    " start_many track complete fail skip cancel heartbeat update_many create_many import_records select table base"
    " firstPage".split()
)
_LOOKING = frozenset("find first get all search match run exec query raw".split())
_COMMON = frozenset(
    "append add pop keys values items get set strip split join format lower upper extend sort copy push map filter"
    " forEach reduce slice then catch finally toString length has close write read debug info warning error log"
    " each any begin copy stream one none many scalar scalars all __init__ constructor __enter__ __exit__".split()
)
_STORES = re.compile(r"table|base|airtable|run|repo|store|record|client|row|ledger|db|pool|conn", re.I)


class Resolution:
    """Resolves the calls of a program."""

    def __init__(self, evaluator: Evaluator, flows: Flows) -> None:
        self._evaluator = evaluator
        self._flows = flows
        self._resolved: dict[Event, Resolved] = {}
        self.observed = Observed(evaluator)
        self._names = {routine.name.rpartition(".")[2] for routine in evaluator.program.routines.values()}

    def resolve(self, event: Event) -> Resolved:
        """What an event calls, as far as it does not depend on parameters."""
        if event not in self._resolved:
            self._evaluator.steps = 0
            try:
                self._resolved[event] = self._resolve(event)
            except RecursionError:
                self._evaluator.give_up("depth of evaluation")
                self._resolved[event] = Resolved()
        return self._resolved[event]

    def _resolve(self, event: Event) -> Resolved:
        node, scope = event.node, event.scope
        made = Resolved()
        arguments = self._evaluator.arguments(node.arguments, scope)
        functions = self._evaluator.values(node.callee, scope)
        site = self.site(event)
        name = chain_of(node.callee).rpartition(".")[2]
        if not any(isinstance(one, Callable | Class) for one in functions):
            executed = self._evaluator.of_text(name, arguments)
            if executed.pending:
                made.opens.append(Open(Method(String((None,)), name), arguments, site))
            if executed.writes:  # what a call does that is given SQL, the text says
                made.outcomes.append(executed)
                return made
        guess = Outcome()
        if not any(_is_of_program(one) for one in functions):
            guess = self._evaluator.guessed(node, arguments)
        for function in functions:
            self._add(made, function, arguments, site, guess)
        if MORE in functions and any(outcome.writes for outcome in made.outcomes):
            made.outcomes.append(Outcome(writes=(Write(UNRESOLVED, MORE),)))
        if not made.routines and not made.opens and not any(_is_known(one) for one in made.outcomes):
            made.outcomes.append(guess)
        gives = any(isinstance(value, Partial | Callable) for outcome in made.outcomes for value in outcome.values)
        if not made.routines and not gives and not isinstance(node.callee, Function):
            self._add_passed(made, arguments)
        return made

    def _add(self, made: Resolved, function: Value, arguments: Arguments, site: Site, guess: Outcome) -> None:
        if isinstance(function, Partial):
            arguments, function = (
                Arguments((*function.arguments, *arguments.positional), arguments.keywords),
                function.function,
            )
        if isinstance(function, Method) and isinstance(function.owner, Callable):
            if function.name in ("call", "apply", "delay", "apply_async", "submit", "send", "map", "kiq", "defer", "s"):
                shift = 1 if function.name == "call" else 0
                made.routines.append(
                    (function.owner, Arguments(arguments.positional[shift:], arguments.keywords), False)
                )
            return
        if isinstance(function, This):  # `new this()`, `cls()`
            function = Class(function.info)
        if isinstance(function, Callable):
            made.routines.append((function, arguments, False))
        elif isinstance(function, Class):
            self.observed.note_instance(function, arguments)
            constructor = self._constructor(function)
            if constructor is not None:
                made.routines.append((constructor, arguments, False))
        elif isinstance(function, Given | Of | Called) or symbolic(function):
            made.opens.append(Open(function, arguments, site, guess))
        else:
            outcome = self._evaluator.outcome(function, arguments)
            if outcome.pending:
                made.opens.append(Open(function, arguments, site, guess))
            made.outcomes.append(outcome)

    def _constructor(self, function: Class) -> Callable | None:
        for info in self._evaluator.ancestry(function.info):
            for name in ("constructor", "__init__"):
                if name in info.methods:
                    return Callable(info.methods[name], function)
        return None

    def is_relevant(self, function: Value) -> bool:
        """Whether a call of a symbol may write or look up: by the names of libraries and of the program's functions."""
        match function:
            case Of(kind="member", what=str(name)):
                if name in _LOOKING or name in _COMMON:  # any object has such a method: the names of its owner decide
                    known = name in _LOOKING or name in self._names
                    return known and _STORES.search(name_of(function.base)) is not None
                return name in _WRITING or name in self._names or name in sql.METHODS
            case Method(owner=owner, name=name):
                return name not in _COMMON or isinstance(owner, Table | Base)
        return True

    def _add_passed(self, made: Resolved, arguments: Arguments) -> None:
        """Functions that are handed over to a library are called some time."""
        evaluator = self._evaluator
        for values in arguments.everything:
            for value in values:
                if isinstance(value, Partial) and isinstance(value.function, Callable):
                    made.routines.append((value.function, Arguments(value.arguments), True))
                elif isinstance(value, Method) and isinstance(value.owner, Table):
                    made.outcomes.append(evaluator.outcome(value, Arguments()))
                elif isinstance(value, Callable):
                    rest = tuple(one for one in arguments.positional if value not in one)
                    made.routines.append((value, Arguments(rest), True))

    def site(self, event: Event) -> Site:
        routine = self.owner(event.scope.routine) if event.scope.routine is not None else None
        name = routine.name if routine is not None else ""
        node = event.node
        return Site(event.scope.module.path, node.line, node.first_line or node.line, name, node.pos)

    def owner(self, routine: Routine) -> Routine:
        """The routine that a function is walked in."""
        while routine.node is not None and routine.node in self._flows.inlined:
            routine = self._flows.inlined[routine.node]
        return routine


def _is_known(outcome: Outcome) -> bool:
    """Whether something is known of a call: more than that it is a package's."""
    return bool(outcome.writes) or any(not isinstance(value, Library) for value in outcome.values)


def _is_of_program(function: Value) -> bool:
    """Whether it is known which function or class of the program is meant, though perhaps not the method."""
    owner = function.owner if isinstance(function, Method) else function
    return isinstance(owner, Callable | Class | Instance)
