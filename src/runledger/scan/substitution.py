"""What symbols become when a call gives their parameters and objects."""

from __future__ import annotations

from .contracts import Contracts
from .operations import MOST_STEPS, Operations, textual
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
        if self.steps <= MOST_STEPS:
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
            case Of(base=base, kind=kind, what=what):
                bases = self.substituted(base, frames)
                if kind == "truth":
                    return self.truths(bases, what == Constant(True))
                if kind == "member":
                    return self.members(bases, str(what))
                keys = (
                    self.substituted(what, frames)
                    if isinstance(what, Value)
                    else (text(what) if isinstance(what, str) else Constant(what),)
                )
                return self.merged(*(self.item(one, key) for one in bases for key in (keys or (None,))))
            case Called(function=function, arguments=arguments, keywords=keywords):
                given = Arguments(
                    tuple(self._within(one, frames) for one in arguments),
                    {key: self._within(one, frames) for key, one in keywords},
                )
                found = self.merged(*(self.call(one, given) for one in self.substituted(function, frames)))
                return found or self.guess(name_of(function), given)
            case Object() | List() | Callable():
                if isinstance(value, Callable) and value.this is not None and symbolic(value.this):
                    return self.merged(
                        *(
                            self.member(this, value.routine.name.rpartition(".")[2])
                            for this in self.substituted(value.this, frames)
                        )
                    )
                return (self._enclosed(value, frames),)
        if not symbolic(value):
            return (value,)
        match value:
            case String(parts=parts):
                return self.combined(
                    part if isinstance(part, str) else () if part is None else self.substituted(part, frames)
                    for part in parts
                )
            case Table(name=name, library=library, likely=likely):
                names = self.substituted(name, frames) if name is not None else ()
                return tuple(Table(one if textual((one,)) else None, library, likely) for one in names) or (
                    Table(None, library, likely),
                )
            case Lookup(table=inner, library=library, one=one):
                return tuple(Lookup(table, library, one) for table in self.names(inner, frames))
            case Found(table=inner, positive=positive):
                return tuple(Found(table, positive) for table in self.names(inner, frames))
            case Row(table=inner, library=library, created=created):
                return tuple(Row(table, library, created) for table in self.names(inner, frames))
            case Method(owner=owner, name=name):
                return self.members(self.substituted(owner, frames), name)
            case Base(library=library, named=named):
                return (Base(library, self._within(named, frames)),)
            case Prepared(sql=sql):
                return tuple(Prepared(one) for one in self.substituted(sql, frames) if isinstance(one, String))
            case Partial(function=function, arguments=arguments):
                held = tuple(self._within(one, frames) for one in arguments)
                return tuple(Partial(one, held) for one in self.substituted(function, frames))
            case Instance(info=info, arguments=arguments, keywords=keywords, frames=own):
                return (
                    Instance(
                        info,
                        tuple(self._within(one, frames) for one in arguments),
                        tuple((key, self._within(one, frames)) for key, one in keywords),
                        own,
                    ),
                )
        return (value,)

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
