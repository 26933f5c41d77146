"""Members, items and fields of values, and what symbols become when a call gives their parameters."""

from __future__ import annotations

from collections import Counter
from itertools import product

from .names import Modules
from .program import ClassInfo, FromParameter, Origin, Program, Routine, Scope, Source, Steps
from .tree import Argument, Call, Member, Name, Node, Other, parts_of
from .values import (
    Arguments,
    Callable,
    Called,
    Class,
    Constant,
    File,
    Frame,
    Frames,
    Given,
    Instance,
    Library,
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
    exact,
    joined,
    merged,
    symbolic,
    text,
)

_DERIVED = {"length", "size", "rows", "records", "data", "body", "id", "rowCount", "rowcount", "changes", "affectedRows", "ok",
            "status", "status_code", "statusCode", "lastID", "value"}  # fmt: skip
"""What is taken from a look-up and is as true or false as it is."""

_CONSTRUCTORS = ("constructor", "__init__")


class Operations:
    """What the parts of the evaluator need of each other."""

    def __init__(self, program: Program, modules: Modules) -> None:
        self.program = program
        self.modules = modules
        self.exhausted: Counter[str] = Counter()
        self._ancestry: dict[ClassInfo, list[ClassInfo]] = {}
        self._subclasses: dict[ClassInfo, list[ClassInfo]] | None = None

    def values(self, node: Node, scope: Scope) -> Values:
        raise NotImplementedError

    def of_origin(self, origin: Origin, scope: Scope) -> Values:
        raise NotImplementedError

    def returned(self, routine: Routine) -> Values:
        raise NotImplementedError

    def arguments(self, listed: list[Argument], scope: Scope) -> Arguments:
        raise NotImplementedError

    def call(self, function: Value, arguments: Arguments) -> Values:
        raise NotImplementedError

    def guess(self, callee: str, arguments: Arguments) -> Values:
        raise NotImplementedError

    def exported(self, module: object, name: str) -> Values:
        raise NotImplementedError


class Members(Operations):
    """Takes values apart."""

    def members(self, owners: Values, name: str) -> Values:
        return merged(*(self.member(owner, name) for owner in owners))

    def member(self, owner: Value, name: str) -> Values:  # noqa: PLR0911, PLR0912, C901 - one return for each kind
        match owner:
            case File(module=module):
                return self.exported(module, name)
            case Library(path=path):
                return (Library(path if name == "default" else f"{path}.{name}"),) if len(path) < 200 else ()
            case Class(info=info):
                return self._class_member(info, name)
            case Instance() | This():
                return self.inherited(owner, name)
            case Object():
                return self._entry(owner, name)
            case Callable(routine=routine) if routine.node in self.program.attributes:
                origins = self.program.attributes[routine.node].get(name, [])
                return merged(*(self.of_origin(origin, routine.scope) for origin in origins)) or (Method(owner, name),)
            case Lookup() if name in _DERIVED:
                return (owner,)
            case String() if name in ("value", "name"):
                return (owner,)
            case Constant():
                return ()
            case Given() | Of() | Called():
                return (Of(owner, "member", name),) if _depth(owner) < 6 else ()
        return (Method(owner, name),)

    def entries(self, value: Value) -> dict[str, Values]:
        """What an object holds, by its keys, as far as they are texts."""
        if not isinstance(value, Object):
            return {}
        made: dict[str, Values] = {}
        for key, inner in value.node.entries:
            if key is None:
                for spread in self.values(inner, value.scope):
                    made |= self.entries(spread)
                continue
            for name in self.values(key, value.scope):
                known = exact(name)
                if known is not None:
                    made[known] = self._within(self.values(inner, value.scope), value.frames)
        return made

    def _entry(self, owner: Object, name: str) -> Values:
        for key, inner in reversed(owner.node.entries):
            if key is None:
                for spread in self._within(self.values(inner, owner.scope), owner.frames):
                    found = self.member(spread, name) if isinstance(spread, Object | File) else ()
                    if found:
                        return found
            elif any(exact(one) == name for one in self.values(key, owner.scope)):
                found = self._within(self.values(inner, owner.scope), owner.frames)
                return merged(*(self._got(value) for value in found))
        added = [origin for key, origin in self.program.additions.get(owner.node, ()) if key == name]
        if added:
            return merged(*(self.of_origin(origin, owner.scope) for origin in added))
        return (Method(owner, name),) if name in ("get", "then", "items", "values") else ()

    def _got(self, value: Value) -> Values:
        if isinstance(value, Callable) and value.routine.node is not None and value.routine.node.is_property:
            return self._within(self.returned(value.routine), value.frames)
        return (value,)

    def _class_member(self, info: ClassInfo, name: str) -> Values:
        for each in self.ancestry(info):
            if name in each.methods:
                return self._got(Callable(each.methods[name], Class(info)))
            if name in each.fields:
                return merged(*(self.of_origin(origin, each.body) for origin in each.fields[name]))
            if name in each.inner:
                return (Class(each.inner[name]),)
        return (Method(Class(info), name),)

    def inherited(self, owner: Instance | This, name: str) -> Values:
        """A field or method of an object. What depends on how it was made, or on a subclass, is a symbol for `This`."""
        info = owner.info
        for each in self.ancestry(info):
            if name in each.methods:
                routine = each.methods[name]
                if routine.node is not None and routine.node.is_property:
                    found = self.returned(routine)
                    return self._of_instance(owner, name, found)
                return (Callable(routine, owner),)
            if name in each.fields:
                found = merged(*(self.of_origin(origin, each.body) for origin in each.fields[name]))
                typed = self._typed_field(info, name) if all(isinstance(one, Constant) for one in found) else ()
                return self._of_instance(owner, name, typed or found)
        if isinstance(owner, Instance):
            return self._generated(owner, name) or self._typed_field(info, name) or (Method(owner, name),)
        typed = self._typed_field(info, name)
        return merged(typed, (Of(owner, "member", name),))

    def _typed_field(self, info: ClassInfo, name: str) -> Values:
        for each in self.ancestry(info):
            for origin in each.fields.get(f"{name}:type", ()):
                return self.typed(origin)
        return ()

    def typed(self, origin: Origin) -> Values:
        """An object of the type that an annotation names, if the type is a class of the program or a library's."""
        made: list[Value] = []
        for value in self.of_origin(origin, origin.scope) if isinstance(origin, Source) else ():
            match value:
                case Class(info=info):
                    made.append(This(info))
                case Library():
                    made += [
                        one
                        for one in self.call(value, Arguments())
                        if not isinstance(one, Library) or "runledger" in one.path
                    ]
        return tuple(made)

    def _of_instance(self, owner: Instance | This, name: str, found: Values) -> Values:
        if isinstance(owner, This):
            overridden = any(name in each.fields or name in each.methods for each in self.subclasses(owner.info))
            symbols = overridden or not found or any(symbolic(value) for value in found)
            concrete = () if overridden else tuple(value for value in found if not symbolic(value))
            return merged(concrete, (Of(owner, "member", name),)) if symbols else found
        return self._within(found, self.making(owner))

    def _generated(self, owner: Instance, name: str) -> Values:
        """A field of a class whose constructor is generated from its fields."""
        for key, found in owner.keywords:
            if key == name:
                return found
        if any(routine in each.methods for each in self.ancestry(owner.info) for routine in _CONSTRUCTORS):
            return ()
        names = list(dict.fromkeys(key.removesuffix(":type") for key in owner.info.fields))
        if name in names and names.index(name) < len(owner.arguments):
            return owner.arguments[names.index(name)]
        return ()

    def making(self, owner: Instance) -> Frames:
        """The calls of the constructors that made an object: of its class and of its bases."""
        made: list[Frame] = [*owner.frames]
        arguments, keywords = owner.arguments, owner.keywords
        for each in self.ancestry(owner.info):
            constructor = next((each.methods[name] for name in _CONSTRUCTORS if name in each.methods), None)
            if constructor is None:
                continue
            frame = Frame(constructor, arguments, keywords, owner)
            made.append(frame)
            call = _super_call(constructor)
            if call is None:
                break
            passed = self.arguments(call.arguments, constructor.scope)
            arguments = tuple(self._within(one, (frame,)) for one in passed.positional)
            if isinstance(call.callee, Member) and not isinstance(call.callee.object, Call):
                arguments = arguments[1:]  # Base.__init__(self, …)
            keywords = tuple((key, self._within(one, (frame,))) for key, one in passed.keywords.items())
        return tuple(made) or (Frame(owner.info.module.main, (), (), owner),)

    def ancestry(self, info: ClassInfo) -> list[ClassInfo]:
        """A class and its bases within the program, nearest first."""
        if info in self._ancestry:
            return self._ancestry[info]
        made, waiting = [], [info]
        while waiting and len(made) < 20:
            each = waiting.pop(0)
            if each not in made:
                made.append(each)
                waiting += [
                    base.info
                    for node in each.node.bases
                    for base in self.values(node, each.scope)
                    if isinstance(base, Class)
                ]
        self._ancestry[info] = made
        return made

    def library_base(self, info: ClassInfo) -> str:
        """The path of the library's class that a class extends; "" if there is none."""
        for each in self.ancestry(info):
            for node in each.node.bases:
                for base in self.values(node, each.scope):
                    if isinstance(base, Library):
                        return base.path
        return ""

    def subclasses(self, info: ClassInfo) -> list[ClassInfo]:
        if self._subclasses is None:
            self._subclasses = {}
            for other in self.program.classes.values():
                for base in self.ancestry(other)[1:]:
                    self._subclasses.setdefault(base, []).append(other)
        return self._subclasses.get(info, [])

    def item(self, owner: Value, key: Value | None) -> Values:
        """`owner[key]`."""
        match owner, key:
            case (Lookup(table=table, library=library), _):
                known = exact(key)
                return () if known in ("fields", "Status", "status") else (Lookup(table, library, one=True),)
            case (List(node=node, scope=scope, frames=frames), Constant(value=int(index))) if (
                0 <= index < len(node.items)
            ):
                return self._within(self.values(node.items[index], scope), frames)
            case (_, String()) if exact(key) is not None:
                found = self.member(owner, exact(key) or "")
                return tuple(one for one in found if not isinstance(one, Method) or isinstance(one.owner, Object))
            case (Row(), _):
                return (owner,)
            case (Library(path=path), _):
                return (Library(f"{path}[]"),)
            case (Object(node=node), _) if not node.entries:
                return ()
            case (Given() | Of() | Called() | Object(), _) if key is not None and (symbolic(owner) or symbolic(key)):
                return (Of(owner, "index", key),) if _depth(owner) < 6 else ()
        return ()

    def each(self, owners: Values) -> Values:
        """What a loop over a value gives."""
        made: list[Value] = []
        for owner in owners:
            match owner:
                case Lookup(table=table, library=library):
                    made.append(Row(table, library))
                case Row():
                    made.append(owner)
                case List(node=node, scope=scope, frames=frames):
                    for item in node.items[:8]:
                        made += self._within(self.values(item, scope), frames)
        return merged(tuple(made))

    def stepped(self, found: Values, steps: Steps) -> Values:
        for kind, what in steps:
            if kind == "member":
                found = self.members(found, str(what))
            elif kind == "index":
                found = merged(*(self.item(value, Constant(int(what))) for value in found))
            else:
                found = self.each(found)
        return found

    def _within(self, found: Values, frames: Frames) -> Values:
        if not frames or not found:
            return found
        return merged(*(self.substituted(value, frames) for value in found))

    def substituted(self, value: Value, frames: Frames) -> Values:  # noqa: PLR0911, PLR0912, C901 - one case for each kind
        """A value, with the parameters and objects of some calls known."""
        match value:
            case Given(routine=routine, index=index):
                frame = next((each for each in reversed(frames) if each.routine is routine), None)
                return (value,) if frame is None else self._argument(frame, index)
            case This(info=info):
                this = next((each.this for each in reversed(frames) if _fits(self, each.this, info)), None)
                return (value,) if this is None else (this,)
            case Of(base=base, kind=kind, what=what):
                bases = self.substituted(base, frames)
                if kind == "member":
                    return self.members(bases, str(what))
                keys = self.substituted(what, frames) if isinstance(what, Value) else (Constant(what),)
                return merged(*(self.item(one, key) for one in bases for key in (keys or (None,))))
            case Called(function=function, arguments=arguments, keywords=keywords):
                given = Arguments(
                    tuple(self._within(one, frames) for one in arguments),
                    {key: self._within(one, frames) for key, one in keywords},
                )
                found = merged(*(self.call(one, given) for one in self.substituted(function, frames)))
                return found or self.guess(_name_of(function), given)
            case Object() | List() | Callable():
                if isinstance(value, Callable) and value.this is not None and symbolic(value.this):
                    return merged(
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
                options = [
                    (part,) if part is None or isinstance(part, str) else (self.substituted(part, frames) or (None,))
                    for part in parts
                ]
                return tuple(joined(list(choice)) for choice, _ in zip(product(*options), range(4), strict=False))
            case Table(name=name, library=library, likely=likely):
                names = self.substituted(name, frames) if name is not None else ()
                return tuple(
                    Table(one if isinstance(one, String) or symbolic(one) else None, library, likely) for one in names
                ) or (Table(None, library, likely),)
            case Lookup(table=inner, library=library, one=one):
                return tuple(Lookup(table, library, one) for table in self.names(inner, frames))
            case Row(table=inner, library=library, created=created):
                return tuple(Row(table, library, created) for table in self.names(inner, frames))
            case Method(owner=owner, name=name):
                return self.members(self.substituted(owner, frames), name)
            case Prepared(sql=sql):
                return tuple(Prepared(one) for one in self.substituted(sql, frames) if isinstance(one, String))
            case Partial(function=function, arguments=arguments):
                given = tuple(self._within(one, frames) for one in arguments)
                return tuple(Partial(one, given) for one in self.substituted(function, frames))
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
        """The tables that the name of a table may stand for."""
        if inner is None:
            return (None,)
        found = tuple(one for one in self.substituted(inner, frames) if isinstance(one, String) or symbolic(one))
        return found or (None,)

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

    @staticmethod
    def _enclosed(value: Object | List | Callable, frames: Frames) -> Value:
        routine = value.routine.parent if isinstance(value, Callable) else value.scope.routine
        outer = []
        while routine is not None:
            outer.append(routine)
            routine = routine.parent
        wanted = tuple(frame for frame in frames if frame.routine in outer and frame not in value.frames)[-3:]
        if not wanted:
            return value
        together = (*wanted, *value.frames)[-4:]
        if isinstance(value, Callable):
            return Callable(value.routine, value.this, together)
        return (
            Object(value.node, value.scope, together)
            if isinstance(value, Object)
            else List(value.node, value.scope, together)
        )


def _name_of(value: Value) -> str:
    match value:
        case Of(base=base, what=str(what)):
            return f"{_name_of(base)}.{what}"
        case Given(routine=routine, index=index):
            parameters = routine.node.parameters if routine.node is not None else []
            return parameters[index].name if index < len(parameters) else ""
    return ""


def _fits(members: Members, this: Value | None, info: ClassInfo) -> bool:
    return isinstance(this, Instance | This | Class) and info in members.ancestry(this.info)


def _depth(value: Value | int | str | None) -> int:
    match value:
        case Of(base=base):
            return 1 + _depth(base)
        case Called(function=function):
            return 1 + _depth(function)
    return 0


def _super_call(routine: Routine) -> Call | None:
    """The call of the base's constructor in a constructor's own statements."""
    waiting: list[Node] = list(routine.body.statements)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, Call):
            callee = node.callee
            if isinstance(callee, Name) and callee.id == "super":
                return node
            if isinstance(callee, Member) and callee.name == "__init__":
                return node
        if isinstance(node, Other | Call):
            waiting += parts_of(node)
    return None


__all__ = ["FromParameter", "Members", "Operations", "Source", "text"]
