"""With which arguments and objects routines were seen to be called, anywhere in the program.

A symbol that no single chain of calls resolves is settled by all calls that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from .evaluation import Evaluator
from .program import ClassInfo, Routine
from .values import (
    Arguments,
    Base,
    Callable,
    Called,
    Class,
    Frame,
    Frames,
    Given,
    Instance,
    Lookup,
    Method,
    Of,
    Partial,
    Prepared,
    Row,
    String,
    Table,
    This,
    Value,
    Values,
    symbolic,
)
from .weights import weight_of

_MOST_CALLS = 30
"""The most calls of one function, and objects of one class, that are noted and followed."""
_DEPTH = 4
_MOST_VISITS = 40


class Observed:
    """Notes calls, and settles symbols by them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._frames: dict[Routine, dict[Frame, None]] = {}
        self._instances: dict[ClassInfo, dict[Instance, None]] = {}
        self._known: dict[Value, Values] = {}
        self._cut: set[Routine | ClassInfo] = set()
        """Functions and classes of which not all calls and objects are noted."""
        self._partial: set[Value] = set()
        """Symbols that were settled in part, because a limit was reached."""
        self._visits = 0
        self._settling = 0

    def note(self, frames: Frames) -> None:
        for frame in frames:
            seen = self._frames.setdefault(frame.routine, {})
            if len(seen) < _MOST_CALLS:
                seen[frame] = None
            elif frame not in seen:
                self._cut.add(frame.routine)
            if isinstance(frame.this, Instance):
                self._note(frame.this)

    def note_instance(self, function: Class, arguments: Arguments) -> None:
        self._note(Instance(function.info, arguments.positional, arguments.frozen_keywords))

    def _note(self, instance: Instance) -> None:
        seen = self._instances.setdefault(instance.info, {})
        if len(seen) < _MOST_CALLS:
            seen[instance] = None
        elif instance not in seen:
            self._cut.add(instance.info)

    def settled(self, value: Value, depth: int = _DEPTH) -> Values:
        """The values that a symbol has in the calls that were seen. Symbols that stay open are left out."""
        if not symbolic(value) or isinstance(value, Callable):
            return (value,)
        if value in self._known:
            if value in self._partial:
                self._evaluator.give_up("calls followed for one value")
            return self._known[value]
        if depth == _DEPTH:
            self._evaluator.steps = 0
            self._settling = 0
        self._settling += 1
        if self._settling == _MOST_VISITS + 1:
            self._evaluator.give_up("calls followed for one value")
        if depth == 0:
            self._evaluator.give_up("depth of calls followed for one value")
        if depth == 0 or self._settling > _MOST_VISITS:
            return ()
        self._known[value] = ()
        before = self._evaluator.exhausted.total()
        made: dict[Value, None] = {}
        for frame in self._of_roots(_roots(value)):
            for found in self._evaluator.substituted(value, (frame,)):
                if found != value:
                    made |= dict.fromkeys(self.settled(found, depth - 1))
        if self._settling > _MOST_VISITS:  # cut short: another symbol may get further
            del self._known[value]
        else:
            self._known[value] = tuple(made)
            if self._evaluator.exhausted.total() > before:
                self._partial.add(value)
        return tuple(made)

    def calls(self, function: Value, given: Arguments, depth: int = _DEPTH) -> list[tuple[Value, Arguments]]:
        """A call that depends on parameters, with its function and arguments in each call of its routine."""
        roots = _roots(function) or roots_of(function, given)
        if not roots:
            return [(function, given)]
        self._visits = 0 if depth == _DEPTH else self._visits + 1
        if self._visits == _MOST_VISITS + 1:
            self._evaluator.give_up("calls followed for one value")
        if depth == 0 and (symbolic(function) or self._evaluator.outcome(function, given).pending):
            self._evaluator.give_up("depth of calls followed for one value")
        if depth == 0 or self._visits > _MOST_VISITS:
            return [] if symbolic(function) else [(function, given)]
        if depth == _DEPTH:
            self._evaluator.steps = 0
        made: list[tuple[Value, Arguments]] = []
        for frame in self._of_roots(roots):
            arguments = given_in(self._evaluator, given, (frame,))
            for found in self._evaluator.substituted(function, (frame,)):
                if (found, arguments) == (function, given):
                    continue
                if len(made) < 3 * _MOST_CALLS:
                    made += self.calls(found, arguments, depth - 1)
                else:
                    self._evaluator.give_up("calls followed for one value")
        return made or ([] if symbolic(function) else [(function, given)])

    @staticmethod
    def is_of_object(value: Value) -> bool:
        """Whether a symbol depends on the object of a method alone."""
        return all(isinstance(root, This) for root in _roots(value))

    def _of_roots(self, roots: Iterable[Given | This]) -> list[Frame]:
        frames: dict[Frame, None] = {}
        for root in roots:
            if isinstance(root, Given):
                if root.routine in self._cut:
                    self._evaluator.give_up("calls of one function")
                frames |= self._frames.get(root.routine) or {Frame(root.routine): None}
            else:
                if any(info in self._cut for info in (root.info, *self._evaluator.subclasses(root.info))):
                    self._evaluator.give_up("objects of one class")
                instances = list(self._instances.get(root.info, ())) or [
                    one for info in self._evaluator.subclasses(root.info) for one in self._instances.get(info, ())
                ]
                instances = instances or [
                    Instance(one.info) for one in self._evaluator.implementations(root.info) if isinstance(one, This)
                ]
                frames |= {Frame(root.info.module.main, this=one): None for one in instances or [Instance(root.info)]}
        if len(frames) > _MOST_CALLS:
            self._evaluator.give_up("calls followed for one value")
        return list(frames)[:_MOST_CALLS]


def roots_of(function: Value, arguments: Arguments) -> list[Given | This]:
    """The parameters and objects that a call depends on."""
    given = [root for values in arguments.everything for value in values for root in _roots(value)]
    return list(dict.fromkeys([*_roots(function), *given]))


def given_in(evaluator: Evaluator, arguments: Arguments, frames: Frames) -> Arguments:
    """Arguments, with the parameters and objects of some calls known."""

    def within(values: Values) -> Values:
        return tuple(one for value in values for one in evaluator.substituted(value, frames))

    return Arguments(
        tuple(within(values) for values in arguments.positional),
        {key: within(values) for key, values in arguments.keywords.items()},
    )


@cache
def _roots(value: Value | str | int | None) -> tuple[Given | This, ...]:
    """The parameters and objects that a symbol depends on."""
    inner: Iterable[Value | str | int | None] = ()
    match value:
        case Given() | This():
            return (value,)
        case Of(base=base, what=what):
            inner = (base, what)
        case Called(function=function, arguments=arguments):
            inner = (function, *(one for values in arguments for one in values))
        case String(parts=parts):
            inner = parts
        case Table(name=name) | Lookup(table=name) | Row(table=name):
            inner = (name,)
        case Base(named=named):
            inner = named
        case Method(owner=owner) | Partial(function=owner) | Prepared(sql=owner):
            inner = (owner,)
        case Instance(arguments=arguments, keywords=keywords):
            inner = [one for values in (*arguments, *(given for _, given in keywords)) for one in values]
    return tuple(dict.fromkeys(root for one in inner for root in _roots(one)))


def forget() -> None:
    """Drop what is remembered of the symbols of a scan."""
    _roots.cache_clear()
    weight_of.cache_clear()
