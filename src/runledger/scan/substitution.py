"""What symbols become when a call gives their parameters and objects."""

from __future__ import annotations

from attrs import evolve

from .contracts import Contracts
from .operations import MOST_STEPS_FOR_ONE_CALL, Operations, textual
from .program import ClassInfo
from .values import (
    Arguments,
    Base,
    Callable,
    Called,
    Class,
    Constant,
    Found,
    Frame,
    Frames,
    Given,
    Instance,
    List,
    Lookup,
    Method,
    Object,
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
    text,
)

_DEEPEST_NESTING = 40
_MOST_ENCLOSING = 4
"""The most calls that are remembered with a function, list or object that was made in them."""


class Substitution(Contracts):
    """Puts values in the place of symbols."""

    def _within(self, found: Values, frames: Frames) -> Values:
        if not frames or not found:
            return found
        return self.merged(*(self.substituted(value, frames) for value in found))

    def substituted(self, value: Value, frames: Frames) -> Values:
        """A value, with the parameters and objects of some calls known."""
        key = (value, frames)
        known = self._substituted.get(key)
        if known is not None:
            return known
        self.total += 1
        if self.spend(1):
            return ()
        if self._nesting > _DEEPEST_NESTING:
            self.give_up("depth of symbols")
            return ()
        self._nesting += 1
        try:
            found = self._put_in(value, frames)
        finally:
            self._nesting -= 1
        if self.steps <= MOST_STEPS_FOR_ONE_CALL:
            self._substituted[key] = found
        return found

    def _put_in(self, value: Value, frames: Frames) -> Values:
        match value:
            case Given(routine=routine, index=index):
                frame = next((each for each in reversed(frames) if each.routine is routine), None)
                return (value,) if frame is None else self._argument(frame, index)
            case This(info=info):
                this = next((each.this for each in reversed(frames) if _fits(self, each.this, info)), None)
                return (value,) if this is None else (this,)
            case Of():
                return self._part_of(value, frames)
            case Called():
                return self._result_of(value, frames)
            case Callable(routine=routine, this=this) if this is not None and symbolic(this):
                name = routine.name.rpartition(".")[2]
                return self.merged(*(self.member(one, name) for one in self.substituted(this, frames)))
            case Object() | List() | Callable():
                return (self._enclosed(value, frames),)
        return self._composed(value, frames) if symbolic(value) else (value,)

    def _part_of(self, part: Of, frames: Frames) -> Values:
        bases, what = self.substituted(part.base, frames), part.what
        if part.kind == "truth":
            return self.truths(bases, what == Constant(True))
        if part.kind == "member":
            return self.members(bases, str(what))
        keys = (
            self.substituted(what, frames)
            if isinstance(what, Value)
            else (text(what) if isinstance(what, str) else Constant(what),)
        )
        return self.merged(*(self.item(one, key) for one in bases for key in (keys or (None,))))

    def _result_of(self, called: Called, frames: Frames) -> Values:
        given = Arguments(
            self._each_within(called.arguments, frames), dict(self._named_within(called.keywords, frames))
        )
        found = self.merged(*(self.call(one, given) for one in self.substituted(called.function, frames)))
        return found or self.guess(name_of(called.function), given)

    def _composed(self, value: Value, frames: Frames) -> Values:
        """A value that holds symbols, with these replaced."""
        match value:
            case String(parts=parts):
                return self.combined(
                    part if isinstance(part, str) else () if part is None else self.substituted(part, frames)
                    for part in parts
                )
            case Table() | Lookup() | Found() | Row():
                return self._of_table(value, frames)
            case Method(owner=owner, name=name):
                return self.members(self.substituted(owner, frames), name)
            case Base(library=library, named=named):
                return (Base(library, self._within(named, frames)),)
            case Prepared(sql=sql):
                return tuple(Prepared(one) for one in self.substituted(sql, frames) if isinstance(one, String))
            case Partial(function=function, arguments=arguments):
                held = self._each_within(arguments, frames)
                return tuple(Partial(one, held) for one in self.substituted(function, frames))
            case Instance(info=info, arguments=arguments, keywords=keywords, frames=own):
                made = Instance(info, self._each_within(arguments, frames), self._named_within(keywords, frames), own)
                return (made,)
        return (value,)

    def _of_table(self, value: Table | Lookup | Found | Row, frames: Frames) -> Values:
        """A table, or what was read of it or is known about it, for each name that it may have."""
        if isinstance(value, Table):
            names = self.substituted(value.name, frames) if value.name is not None else ()
            known = [one if textual((one,)) else None for one in names] or [None]
            return tuple(Table(one, value.library, value.likely) for one in known)
        return tuple(evolve(value, table=table) for table in self.names(value.table, frames))

    def _each_within(self, arguments: tuple[Values, ...], frames: Frames) -> tuple[Values, ...]:
        return tuple(self._within(one, frames) for one in arguments)

    def _named_within(self, keywords: tuple[tuple[str, Values], ...], frames: Frames) -> tuple[tuple[str, Values], ...]:
        return tuple((key, self._within(one, frames)) for key, one in keywords)

    def names(self, inner: Value | None, frames: Frames) -> tuple[Value | None, ...]:
        """The tables that the name of a table may mean."""
        if inner is None:
            return (None,)
        return textual(self.substituted(inner, frames)) or (None,)

    def _argument(self, frame: Frame, index: int) -> Values:
        node = frame.routine.node
        if node is None:
            return ()
        parameters = node.parameters
        place = index
        if parameters and frame.routine.owner is not None and frame.routine.module.is_python and not node.is_static:
            place -= 1
        name = parameters[index].name if index < len(parameters) else ""
        keyword = dict(frame.keywords).get(name)
        if keyword is not None:
            return keyword
        given = frame.arguments[place] if 0 <= place < len(frame.arguments) else None
        if given is not None:
            return given
        default = parameters[index].default if index < len(parameters) else None
        return () if default is None else self.values(default, frame.routine.scope)

    def _enclosed(self, value: Object | List | Callable, frames: Frames) -> Value:
        routine = value.routine.parent if isinstance(value, Callable) else value.scope.routine
        outer = []
        while routine is not None:
            outer.append(routine)
            routine = routine.parent
        wanted = tuple(frame for frame in frames if frame.routine in outer and frame not in value.frames)
        if not wanted:
            return value
        together = (*wanted, *value.frames)
        if len(together) > _MOST_ENCLOSING:
            self.give_up("calls around one function")
            together = together[-_MOST_ENCLOSING:]
        if isinstance(value, Callable):
            return Callable(value.routine, value.this, together)
        return (
            Object(value.node, value.scope, together)
            if isinstance(value, Object)
            else List(value.node, value.scope, together)
        )


def name_of(value: Value) -> str:
    """The names that a symbol is written with, as far as they are names."""
    match value:
        case Of(base=base, what=str(what)):
            return f"{name_of(base)}.{what}"
        case Given(routine=routine, index=index):
            parameters = routine.node.parameters if routine.node is not None else []
            return parameters[index].name if index < len(parameters) else ""
    return ""


def _fits(objects: Operations, this: Value | None, info: ClassInfo) -> bool:
    return isinstance(this, Instance | This | Class) and info in objects.ancestry(this.info)
