"""Modules, and names of a package, that are loaded when they are asked for: few programs need them, all would pay."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def late_names(
    package: str, names: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package (PEP 562) whose `names`, by their module, are loaded late.

    Modules are relative, as `.query`. Type checkers do not run this: import the names for them under TYPE_CHECKING, and
    call this in its else, or they would accept any name.
    """
    modules = {name: module for module, its in names.items() for name in its}

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name], package), name)
        setattr(sys.modules[package], name, value)  # so that it is found without this function from now on
        return value

    return load, lambda: sorted({*vars(sys.modules[package]), *modules})


class LateModule:
    """A module that is loaded when one of its names is asked for, for annotations above all.

    What evaluates annotations, as `typing.get_type_hints` does, finds no name that only type checkers import. It finds
    the names of a late module, as in `query.RunQuery`. `name` and `package` are those of `import_module`. Import the
    module itself under TYPE_CHECKING, and make this in its else.
    """

    __slots__ = ("_name", "_package")

    def __init__(self, name: str, package: str | None = None) -> None:
        self._name = name
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copies and probes ask for such names, a copy before its own fields are set
            raise AttributeError(f"a late module has no attribute {name!r}")
        return getattr(import_module(self._name, self._package), name)
