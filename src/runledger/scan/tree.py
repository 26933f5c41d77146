"""The language-neutral syntax tree. The front ends make it, and every rule reads it, so each rule is written once.

Only what the rules need is kept. Whatever else a language has becomes `Other` with its parts, so that calls within are
still seen. Nodes are compared by identity.
"""

from __future__ import annotations

from attrs import define, field


@define(eq=False)
class Node:
    """A piece of source code. `line` counts from 1, `pos` is the byte where it begins."""

    line: int
    pos: int


@define(eq=False)
class Name(Node):
    """A variable. `this` of JavaScript is the name "this"."""

    id: str


@define(eq=False)
class Literal(Node):
    """A number, a truth value, or None for null, undefined and None."""

    value: int | float | bool | None


@define(eq=False)
class Text(Node):
    """A string; the parts of a template or an f-string that are expressions are kept as such."""

    parts: list[str | Node]


@define(eq=False)
class Member(Node):
    object: Node
    name: str


@define(eq=False)
class Index(Node):
    object: Node
    index: Node


@define(eq=False)
class Argument:
    """An argument of a call. `spread` is 1 for `*a` and `...a`, 2 for `**a`."""

    value: Node
    keyword: str | None = None
    spread: int = 0


@define(eq=False)
class Call(Node):
    callee: Node
    arguments: list[Argument]
    is_new: bool = False
    first_line: int = 0
    """Where a chain of calls begins; `line` is where its method is called."""


@define(eq=False)
class Parameter:
    """A parameter of a function. `rest` is 1 for `*args` and `...args`, 2 for `**kwargs`."""

    pattern: Node
    default: Node | None = None
    annotation: Node | None = None
    rest: int = 0
    field: bool = False
    """A parameter of a TypeScript constructor that declares a field of the same name."""

    @property
    def name(self) -> str:
        return self.pattern.id if isinstance(self.pattern, Name) else ""


@define(eq=False)
class Function(Node):
    """A function, method, lambda or arrow function. The scopes pass names its owner."""

    name: str
    parameters: list[Parameter]
    body: Block
    decorators: list[Node] = field(factory=list)
    is_static: bool = False
    is_property: bool = False
    is_arrow: bool = False
    is_async: bool = False
    is_abstract: bool = False
    """A method that is declared and not defined here."""
    returns: Node | None = None


@define(eq=False)
class ClassNode(Node):
    name: str
    bases: list[Node]
    body: list[Node]
    """Functions, assignments to names (class attributes, fields) and nested classes."""
    decorators: list[Node] = field(factory=list)
    is_interface: bool = False
    """An interface or the type of an object: whatever has its methods implements it."""


@define(eq=False)
class Either(Node):
    """`a or b`, `a and b`, `a ?? b`, and `condition ? a : b` with the operator "?:"."""

    operator: str
    left: Node
    right: Node
    condition: Node | None = None


@define(eq=False)
class Not(Node):
    operand: Node


@define(eq=False)
class Compare(Node):
    """A comparison. The operators are "==", "!=", "<", "<=", ">", ">=", "in", "not in"; identity counts as equality."""

    operator: str
    left: Node
    right: Node


@define(eq=False)
class Binary(Node):
    """`a + b` and `a % b`, which build texts."""

    operator: str
    left: Node
    right: Node


@define(eq=False)
class Record(Node):
    """An object or dictionary. A key of None marks a spread."""

    entries: list[tuple[Node | None, Node]]


@define(eq=False)
class Sequence(Node):
    items: list[Node]


@define(eq=False)
class Spread(Node):
    value: Node


@define(eq=False)
class Each(Node):
    """A comprehension: what it makes, of each item of what, under which conditions."""

    element: Node
    target: Node
    source: Node
    conditions: list[Node]


@define(eq=False)
class Await(Node):
    value: Node


@define(eq=False)
class Yield(Await):
    """Gives a value to whoever runs the generator: to `with`, a loop, or the framework that injects it."""


@define(eq=False)
class Other(Node):
    parts: list[Node]


@define(eq=False)
class Assign(Node):
    """An assignment or declaration. `declares` is "let" for names of the enclosing block, "var" for the function's."""

    target: Node
    value: Node | None
    declares: str = ""
    annotation: Node | None = None
    operator: str = ""


@define(eq=False)
class PatternRecord(Node):
    entries: list[tuple[str, Node]]


@define(eq=False)
class PatternSequence(Node):
    items: list[Node | None]


@define(eq=False)
class Default(Node):
    """A pattern with a value for what is missing."""

    pattern: Node
    value: Node


@define(eq=False)
class Block(Node):
    statements: list[Node]
    end: int
    scoped: bool = False
    """Whether names declared with let and const belong to this block."""

    @property
    def leaves(self) -> bool:
        """Whether code after it is not reached from it. After `break`, the code that follows the loop is reached."""
        last = self.statements[-1] if self.statements else None
        return isinstance(last, Return | Throw) or (isinstance(last, Leave) and last.word == "continue")


@define(eq=False)
class If(Node):
    condition: Node
    then: Block
    otherwise: Block | None


@define(eq=False)
class Loop(Node):
    """A loop over `source` if there is a target, else while `condition` holds."""

    target: Node | None
    source: Node | None
    condition: Node | None
    body: Block
    declares: str = ""
    otherwise: Block | None = None
    """What Python does after a loop that was not left by `break`."""


@define(eq=False)
class Handler:
    types: list[Node]
    name: str
    body: Block


@define(eq=False)
class Try(Node):
    body: Block
    handlers: list[Handler]
    otherwise: Block | None
    final: Block | None


@define(eq=False)
class Case:
    tests: list[Node]
    body: Block


@define(eq=False)
class Switch(Node):
    subject: Node
    cases: list[Case]


@define(eq=False)
class Return(Node):
    value: Node | None


@define(eq=False)
class Throw(Node):
    value: Node | None


@define(eq=False)
class Leave(Node):
    """`break` and `continue`."""

    word: str


@define(eq=False)
class Global(Node):
    names: list[str]


@define(eq=False)
class Import(Node):
    """`names` pairs what is imported ("*": the module, "default") with its local name; ("*", "*") imports all names."""

    module: str
    names: list[tuple[str, str]]


@define(eq=False)
class Export(Node):
    """An ES export of a value under a name."""

    name: str
    value: Node


@define(eq=False)
class ExportFrom(Node):
    """`export {a as b} from "m"`; ("*", "*") passes all names on."""

    module: str
    names: list[tuple[str, str]]


@define(eq=False)
class Tree:
    """A parsed file."""

    language: str
    body: Block
    damaged: bool
    lines: int
