"""Members, items and fields of values, and what symbols become when a call gives their parameters."""

from __future__ import annotations

from .objects import Objects
from .operations import MOST
from .program import ClassInfo, Steps
from .tree import Node, Sequence
from .values import (
    Callable,
    Called,
    Class,
    Constant,
    Dictionary,
    File,
    Found,
    Frame,
    Given,
    Instance,
    Library,
    List,
    Lookup,
    Method,
    More,
    Object,
    Of,
    Row,
    String,
    Table,
    This,
    Value,
    Values,
    exact,
    symbolic,
)

_DERIVED = frozenset(
    "length size rows records data body id rowCount rowcount changes affectedRows ok status status_code"
    " statusCode lastID value".split()
)
"""What is taken from a look-up and is as true or false as it is."""

_STATUS = {"ok", "is_success", "status", "status_code", "statusCode"}
"""What the answer to a change says of whether there was a record."""


class Members(Objects):
    """Takes values apart."""

    def members(self, owners: Values, name: str) -> Values:
        return self.merged(*(self.member(owner, name) for owner in owners))

    def member(self, owner: Value, name: str) -> Values:
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
            case Dictionary(items=items):
                return dict(items).get(name, ())
            case Callable(routine=routine) if routine.node in self.program.attributes:
                origins = self.program.attributes[routine.node].get(name, [])
                return self.of_origins(origins) or (Method(owner, name),)
            case Lookup() if name in _DERIVED:
                return (owner,)
            case Row(library="http", created=False) if name in _STATUS:
                return (owner,)
            case String() if name in ("value", "name"):
                return (owner,)
            case Constant():  # a promise that gives a constant may fail too
                return (Method(owner, name),) if name in ("then", "catch", "finally") else ()
            case More():
                return (owner,)
            case Given() | Of() | Called():
                return self.part(owner, "member", name)
        return (Method(owner, name),)

    def entries(self, value: Value) -> dict[str, Values]:
        """What an object holds, by its keys, as far as they are texts."""
        if isinstance(value, Dictionary):
            return dict(value.items)
        if not isinstance(value, Object):
            return {}
        made: dict[str, Values] = {}
        for key, inner in value.node.entries:
            if key is None:
                held = self._spread(value, inner)
                for name in dict.fromkeys(name for each in held for name in each):
                    before = made.get(name, ()) if any(name not in each for each in held) else ()
                    made[name] = self.merged(before, *(each.get(name, ()) for each in held))
                continue
            for one in self.values(key, value.scope):
                known = exact(one)
                if known is not None:
                    made[known] = self._within(self.values(inner, value.scope), value.frames)
        for name, origin in self.program.additions.get(value.node, ()):
            made[name] = self.merged(made.get(name, ()), self.of_origin(origin))
        return made

    def _entry(self, owner: Object, name: str) -> Values:
        added = [origin for key, origin in self.program.additions.get(owner.node, ()) if key == name]
        found = [self.of_origin(origin) for origin in added]
        for key, inner in reversed(owner.node.entries):
            if key is None:
                held = self._spread(owner, inner, name)
                found += [each[name] for each in held if name in each]
                if held and all(name in each for each in held):
                    break
            elif any(exact(one) == name for one in self.values(key, owner.scope)):
                found.append(self._within(self.values(inner, owner.scope), owner.frames))
                break
        if found:
            return self.merged(*(self._got(value) for values in found for value in values))
        return (Method(owner, name),) if name in ("get", "then", "items", "values") else ()

    def _spread(self, owner: Object, inner: Node, name: str | None = None) -> list[dict[str, Values]]:
        """What each object that `...inner` may be holds: its entries, or the entry of one name.

        Each is looked into once, however many objects spread it: chains of spreads would double the work at each link.
        """
        key = (owner, inner, name)
        if key in self._spreads:
            return self._spreads[key]
        if owner.node in self._spreading:
            self._cut += 1
            return []
        before = self._cut
        self._spreading.add(owner.node)
        held: list[dict[str, Values]] = []
        for value in self._within(self.values(inner, owner.scope), owner.frames):
            if name is None:
                held.append(self.entries(value))
            else:
                found = self.member(value, name) if isinstance(value, Object | File | Dictionary) else ()
                held.append({name: found} if found else {})
        self._spreading.discard(owner.node)
        self._spreads[key] = held
        if self._cut > before:
            self._provisional_spreads.append(key)
        if not self._spreading:
            for each in self._provisional_spreads:
                self._spreads.pop(each, None)
            self._provisional_spreads.clear()
        return held

    def _got(self, value: Value) -> Values:
        if isinstance(value, Callable) and value.routine.node is not None and value.routine.node.is_property:
            frame = Frame(value.routine, this=value.this)
            return self._within(self.returned(value.routine), (*value.frames, frame))
        return (value,)

    def _class_member(self, info: ClassInfo, name: str) -> Values:
        for each in self.ancestry(info):
            if name in each.methods:
                return self._got(Callable(each.methods[name], Class(info)))
            if name in each.fields:
                return self.of_origins(each.fields[name])
            if name in each.inner:
                return (Class(each.inner[name]),)
        return (Method(Class(info), name),)

    def truths(self, found: Values, positive: bool) -> Values:
        """Whether each of some values is there, as truth values; a symbol where that depends on parameters."""
        made: list[Value] = []
        for value in found:
            if isinstance(value, Lookup) or (isinstance(value, Row) and not value.created):
                made.append(Found(value.table, positive))
            elif isinstance(value, Found):
                made.append(Found(value.table, value.positive == positive))
            elif isinstance(value, Given | Of | Called):
                made += self.part(value, "truth", Constant(positive))
        return tuple(made)

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
            case (List(node=Sequence(items=[_, _])), String()):
                return self._of_pair(owner, key)
            case (_, String()) if exact(key) is not None:
                found = self.member(owner, exact(key) or "")
                return tuple(one for one in found if not isinstance(one, Method) or isinstance(one.owner, Object))
            case (Row(), _) | (Table(), Constant()):  # a table is what a list of tables gives
                return (owner,)
            case (Library(path=path), _):
                return (Library(f"{path}[]"),)
            case (Object(node=node), _) if not node.entries and node not in self.program.additions:
                return ()
            case (Object() | Dictionary(), None):  # of an unknown key: any
                return self.merged(*self.entries(owner).values())
            case (Given() | Of() | Called() | Object(), _) if key is not None and (symbolic(owner) or symbolic(key)):
                return self.part(owner, "index", key)
        return ()

    def _of_pair(self, pair: List, wanted: String) -> Values:
        """The value of a key and its value, as in `{name: … for name in …}` and `new Map([[name, …]])`."""
        key, value = (self._within(self.values(item, pair.scope), pair.frames) for item in pair.node.items)
        if all(exact(one) is not None for one in key) and wanted.exact is not None and wanted not in key:
            return ()
        return tuple(one for one in value if isinstance(one, Table) and one.name == wanted) or value

    def each(self, owners: Values) -> Values:
        """What a loop over a value gives."""
        made: list[Value] = []
        for owner in owners:
            match owner:
                case Lookup(table=table, library=library):
                    made.append(Row(table, library))
                case Row() | Table():
                    made.append(owner)
                case List(node=node, scope=scope, frames=frames):
                    for item in node.items[: MOST + 1]:
                        made += self._within(self.values(item, scope), frames)
                    made += self._within(self.of_origins(self.program.appended.get(node, ())), frames)
        return self.merged(tuple(made))

    def stepped(self, found: Values, steps: Steps) -> Values:
        for kind, what in steps:
            if kind == "member":
                found = self.members(found, str(what))
            elif kind == "index":
                found = self.merged(*(self.item(value, Constant(int(what))) for value in found))
            else:
                found = self.each(found)
        return found
