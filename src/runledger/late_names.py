"""Names of a package that are loaded when they are asked for, because few programs need them and all would pay."""

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
