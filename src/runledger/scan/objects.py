"""Classes and objects of the program: ancestors, fields, and how an object was made."""

from __future__ import annotations

from .program import ClassInfo, Origin, Routine, Source
from .substitution import Substitution
from .traversal import parts_of
from .tree import Call, Member, Name, Node, Other
from .values import (
    Arguments,
    Callable,
    Class,
    Constant,
    Frame,
    Frames,
    Instance,
    Library,
    Method,
    Of,
    This,
    Value,
    Values,
    symbolic,
)

_CONSTRUCTORS = ("constructor", "__init__")
_MOST_BASES = 20


class Objects(Substitution):
    """Finds fields and methods."""

    def inherited(self, owner: Instance | This, name: str) -> Values:
        """A field or method of an object. What depends on how it was made, or on a subclass, is a symbol for `This`."""
        info = owner.info
        for each in self.ancestry(info):
            if name in each.methods:
                routine = each.methods[name]
                if routine.node is not None and routine.node.is_abstract and not self.is_open(info):
                    continue
                if routine.node is not None and routine.node.is_property:
                    found = self.returned(routine)
                    return self._of_instance(owner, name, found)
                return (Callable(routine, owner),)
            if name in each.fields:
                given = self._generated(owner, name) if isinstance(owner, Instance) and info.module.is_python else ()
                if given:
                    return given
                found = self.of_origins(each.fields[name])
                typed = self._typed_field(info, name) if all(isinstance(one, Constant) for one in found) else ()
                return self._of_instance(owner, name, typed or found)
        if name == "start" and self.library_base(info).rpartition(".")[2] in ("Thread", "Process"):
            return self.inherited(owner, "run")
        if isinstance(owner, Instance):
            return self._generated(owner, name) or self._typed_field(info, name) or (Method(owner, name),)
        typed = self._typed_field(info, name)
        return self.merged(typed, (Of(owner, "member", name),))

    def above(self, info: ClassInfo, name: str) -> Values:
        """A method of the bases of a class, for `super`."""
        for each in self.ancestry(info)[1:]:
            if name in each.methods:
                return (Callable(each.methods[name], This(info)),)
        return ()

    def _typed_field(self, info: ClassInfo, name: str) -> Values:
        for each in self.ancestry(info):
            for origin in each.fields.get(f"{name}:type", ()):
                return self.typed(origin)
        return ()

    def typed(self, origin: Origin) -> Values:
        """An object of the type that an annotation names, if the type is a class of the program or a library's."""
        made: list[Value] = []
        for value in self.of_origin(origin) if isinstance(origin, Source) else ():
            match value:
                case Class(info=info):
                    found = self.implementations(info)
                    made += found
                    fields = any(name.endswith(":type") for name in info.fields)
                    if fields or not (found or info.node.is_interface):
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
            generated = owner.info.module.is_python and owner.info.node.decorators  # @dataclass, @define: may be given
            overridden = overridden or bool(generated and name in owner.info.fields)
            symbols = overridden or not found or any(symbolic(value) for value in found)
            concrete = () if overridden else tuple(one for one in found if not symbolic(one))
            typed = tuple(one for one in found if isinstance(one, This))
            if typed and not overridden:  # the type is known, whatever the object was made with
                return self.merged(concrete, typed)
            return self.merged(concrete, (Of(owner, "member", name),)) if symbols else found
        return self._within(found, self.making(owner))

    def _generated(self, owner: Instance, name: str) -> Values:
        """A field of a class whose constructor is generated from its fields."""
        for key, found in owner.keywords:
            if key in (name, name.lstrip("_")):  # attrs takes the field _table as table=
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
        made: list[ClassInfo] = []
        waiting = [info]
        while waiting:
            if len(made) == _MOST_BASES:
                self.give_up("bases of one class")
                break
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
