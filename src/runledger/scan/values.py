"""What an expression may evaluate to, as far as that is known without running the program.

An expression has a tuple of values: the possible ones, empty if nothing is known. `Given`, `This`, `Of` and `Called`
are symbols: they become values when a call gives the parameters or the object.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field, frozen

from .program import ClassInfo, Module, Routine, Scope
from .tree import Record, Sequence


@frozen(cache_hash=True)
class String:
    """A text. A part is a value where it depends on a parameter, None where it is unknown."""

    parts: tuple[str | Value | None, ...]

    @property
    def exact(self) -> str | None:
        """The text if it is wholly known."""
        if all(isinstance(part, str) for part in self.parts):
            return "".join(part for part in self.parts if isinstance(part, str))
        return None


@frozen
class Constant:
    value: int | float | bool | None


@frozen
class Library:
    """Something of a package that is not part of the scan, by its dotted path: "airtable.Table"."""

    path: str


@frozen
class Base:
    """A base or API client of Airtable; calling it or its `table` gives tables.

    `named` is what `Airtable.base(…)` was called with: the id of a base, or a table where the module names its base so.
    """

    library: str
    named: tuple[Value, ...] = ()


@frozen(cache_hash=True)
class Table:
    """A table. `name` is a String, a symbol, or None if it is unknown."""

    name: Value | None
    library: str
    likely: bool = False


@frozen(cache_hash=True)
class Lookup:
    """The result of looking for records of a table, or a part of it. False in conditions if none is there."""

    table: Value | None
    library: str = ""
    one: bool = False


@frozen
class Row:
    """A record that is known to be there."""

    table: Value | None
    library: str = ""
    created: bool = False


@frozen
class Found:
    """A truth value: whether a look-up found something; the opposite if not `positive`."""

    table: Value | None
    positive: bool = True


@frozen
class Client:
    """An HTTP client with a base address."""

    base: Value | None


@frozen
class Request:
    """An HTTP request that is made to be sent."""

    url: String
    verb: str
    upserts: bool


@frozen
class Prepared:
    """An SQL statement that was prepared."""

    sql: String


@frozen(cache_hash=True)
class Frame:
    """The arguments of one call of a routine."""

    routine: Routine
    arguments: tuple[tuple[Value, ...], ...] = ()
    keywords: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    this: Value | None = None


Frames = tuple[Frame, ...]


@frozen(cache_hash=True)
class Callable:
    """A function of the program, the object that it is bound to, and the calls that it was made in."""

    routine: Routine
    this: Value | None = None
    frames: Frames = ()


@frozen
class Class:
    info: ClassInfo


@frozen(cache_hash=True)
class Instance:
    info: ClassInfo
    arguments: tuple[tuple[Value, ...], ...] = ()
    keywords: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    frames: Frames = ()


@frozen
class File:
    """A module of the program, imported as a whole."""

    module: Module


@frozen(cache_hash=True)
class Object:
    node: Record
    scope: Scope
    frames: Frames = ()


@frozen(cache_hash=True)
class Dictionary:
    """A dictionary that a call makes: `dict(a=1)`, `Object.assign({}, …)`."""

    items: tuple[tuple[str, tuple[Value, ...]], ...]


@frozen(cache_hash=True)
class List:
    node: Sequence
    scope: Scope
    frames: Frames = ()


@frozen(cache_hash=True)
class Method:
    """A method of a library's object."""

    owner: Value
    name: str


@frozen
class Partial:
    """A function with arguments that are already given."""

    function: Value
    arguments: tuple[tuple[Value, ...], ...]


@frozen
class Failure:
    """A caught exception, or the error that a callback gets."""


@frozen
class More:
    """Values that are not followed, because there are too many."""


MORE = More()


@frozen(cache_hash=True)
class Given:
    """A parameter of a routine."""

    routine: Routine
    index: int


@frozen(cache_hash=True)
class This:
    """The object that a method of a class is called on."""

    info: ClassInfo


@frozen(cache_hash=True)
class Of:
    """A member of what a symbol is for, an item by its key, or the truth of whether it is there."""

    base: Value
    kind: str
    what: str | int | Value


@frozen(cache_hash=True)
class Called:
    """The result of calling what a symbol is for."""

    function: Value
    arguments: tuple[tuple[Value, ...], ...]
    keywords: tuple[tuple[str, tuple[Value, ...]], ...] = ()


Value = (
    String | Constant | Library | Base | Table | Lookup | Row | Found | Client | Request | Prepared | Callable | Class
    | Instance | File | Object | Dictionary | List | Method | Partial | Failure | More | Given | This | Of | Called
)  # fmt: skip
Values = tuple[Value, ...]


@frozen
class Arguments:
    """The arguments of a call, evaluated."""

    positional: tuple[Values, ...] = ()
    keywords: Mapping[str, Values] = field(factory=dict)

    def get(self, index: int, *names: str) -> Values:
        """The argument at a position or with one of the names."""
        if index < len(self.positional):
            return self.positional[index]
        return next((self.keywords[name] for name in names if name in self.keywords), ())

    @property
    def frozen_keywords(self) -> tuple[tuple[str, Values], ...]:
        return tuple(self.keywords.items())

    @cached_property
    def everything(self) -> list[Values]:
        return [*self.positional, *self.keywords.values()]


def symbolic(value: Value | None) -> bool:
    """Whether a value depends on a parameter or on the object of a method."""
    match value:
        case Given() | This() | Of() | Called():
            return True
        case Base(named=named):
            return any(symbolic(one) for one in named)
        case String(parts=parts):
            return any(symbolic(part) for part in parts if part is not None and not isinstance(part, str))
        case Table(name=inner) | Lookup(table=inner) | Row(table=inner) | Found(table=inner) | Client(base=inner):
            return symbolic(inner)
        case Method(owner=owner):
            return not isinstance(owner, Instance) and symbolic(owner)
        case Partial(function=function, arguments=arguments):
            return symbolic(function) or any(symbolic(one) for values in arguments for one in values)
        case Prepared(sql=sql):
            return symbolic(sql)
        case Instance(arguments=arguments, keywords=keywords):
            return any(symbolic(one) for values in arguments for one in values) or any(
                symbolic(one) for _, values in keywords for one in values
            )
        case Callable(this=this):
            return this is not None and symbolic(this)
    return False


def exact(value: Value | None) -> str | None:
    """The text of a String that is wholly known."""
    return value.exact if isinstance(value, String) else None


def text(value: str) -> String:
    return String((value,))


def joined(parts: list[str | Value | None]) -> String:
    """A String of parts, with neighbours that are known joined into one."""
    made: list[str | Value | None] = []
    for part in parts:
        for piece in part.parts if isinstance(part, String) else (part,):
            if isinstance(piece, str) and made and isinstance(made[-1], str):
                made[-1] += piece
            else:
                made.append(piece)
    return String(tuple(made))


def texts(values: Values) -> list[String]:
    return [value for value in values if isinstance(value, String)]
