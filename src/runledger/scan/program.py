"""What a code base declares: modules, scopes, routines, classes, and where each name gets its values."""

from __future__ import annotations

from attrs import define, field

from .tree import Block, Call, ClassNode, Each, Function, Node, Record, Sequence, Tree

Steps = tuple[tuple[str, str | int], ...]
"""How a part is taken from a value: ("member", name), ("index", number), ("each", "")."""


@define(eq=False)
class Source:
    """Where a name or field may get its value from: an expression in its scope, then steps into the value."""

    node: Node
    scope: Scope
    steps: Steps = ()
    pos: int = 0
    block: tuple[int, int] = (0, 1 << 60)
    """The bytes of the block that the assignment is in; it has happened wherever the rest of that block is reached."""
    leaves: bool = False
    """Whether that block ends by leaving, so that nothing behind it is reached from the assignment."""


@define(eq=False)
class FromParameter:
    routine: Routine
    index: int
    steps: Steps = ()


@define(eq=False)
class FromImport:
    module: Module
    spec: str
    name: str
    """What is imported: "*" is the module."""


@define(eq=False)
class Self:
    owner: ClassInfo
    is_class: bool = False


@define(eq=False)
class Caught:
    """The exception that a handler names."""


Origin = Source | FromParameter | FromImport | Self | Caught


@define(eq=False)
class Scope:
    kind: str
    """"module", "function", "class" or "block"."""
    parent: Scope | None
    module: Module
    routine: Routine | None
    names: dict[str, list[Origin]] = field(factory=dict)

    def add(self, name: str, origin: Origin) -> None:
        self.names.setdefault(name, []).append(origin)

    def function_scope(self) -> Scope:
        """The scope that `var` and Python's assignments declare in."""
        scope = self
        while scope.kind == "block" and scope.parent is not None:
            scope = scope.parent
        return scope

    def holder(self, name: str) -> Scope | None:
        """The nearest scope that declares a name. Names of a class are visible in its own body only."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None


@define(eq=False)
class Routine:
    """A function with its place in the program. A module's own code is a routine too, without a node."""

    name: str
    module: Module
    scope: Scope
    body: Block
    line: int
    node: Function | None = None
    owner: ClassInfo | None = None
    record: tuple[Record, Scope] | None = None
    """The object literal that the function is a method of."""
    passed: tuple[Call, int, Scope] | None = None
    """The call that the function is written in as an argument."""
    parent: Routine | None = None

    @property
    def is_module(self) -> bool:
        return self.node is None

    def __repr__(self) -> str:
        return f"<{self.module.path}:{self.line} {self.name}>"


@define(eq=False)
class ClassInfo:
    name: str
    module: Module
    node: ClassNode
    scope: Scope
    """The scope that the class is declared in: bases are looked up there."""
    body: Scope
    methods: dict[str, Routine] = field(factory=dict)
    fields: dict[str, list[Origin]] = field(factory=dict)
    inner: dict[str, ClassInfo] = field(factory=dict)

    def __repr__(self) -> str:
        return f"<class {self.name}>"


@define(eq=False)
class Module:
    """A file. `path` is as it is shown."""

    path: str
    tree: Tree
    has_sign: bool = True
    """Whether something within may write."""
    scope: Scope = field(init=False)
    main: Routine = field(init=False)
    exports: dict[str, list[Origin]] = field(factory=dict)
    whole: list[Origin] = field(factory=list)
    """What `module.exports =` and `export =` replace the module by."""
    passes_on: list[str] = field(factory=list)
    """The modules whose names this one exports too."""
    imports: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.scope = Scope("module", None, self, None)
        self.main = Routine("<module>", self, self.scope, self.tree.body, 1)
        self.scope.routine = self.main

    @property
    def is_python(self) -> bool:
        return self.tree.language == "python"

    def __repr__(self) -> str:
        return f"<{self.path}>"


@define(eq=False)
class Program:
    """All modules of a scan, after their names were declared."""

    modules: dict[str, Module] = field(factory=dict)
    routines: dict[Function, Routine] = field(factory=dict)
    classes: dict[ClassNode, ClassInfo] = field(factory=dict)
    scopes: dict[Block | Each, Scope] = field(factory=dict)
    records: list[tuple[Record, Scope]] = field(factory=list)
    """Objects that are written out and hold functions."""
    additions: dict[Record, list[tuple[str, Origin]]] = field(factory=dict)
    """Entries that are assigned to an object after it was made: `api.runs = …`."""
    appended: dict[Sequence, list[Origin]] = field(factory=dict)
    """Items that are added to a list after it was made: `tables.append(…)`."""
    attributes: dict[Function, dict[str, list[Origin]]] = field(factory=dict)
    """Attributes of functions: `handler.run = …`."""
    kept: dict[str, dict[str, list[Origin]]] = field(factory=dict)
    """Attributes of objects that packages make, by their last two names: `app.state.runs = …` is "runs", "state"."""
    constructors: dict[Function, ClassInfo] = field(factory=dict)
    """Functions that are used as classes: `X.prototype.method = …`."""

    def all_routines(self) -> list[Routine]:
        return [module.main for module in self.modules.values()] + list(self.routines.values())
