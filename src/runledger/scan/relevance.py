"""Which modules can have to do with a write at all. The others are parsed and named, but not followed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .names import Modules
from .program import Module

_SIGNS = re.compile(
    rb"airtable|ledger|insert\s+(?:or\s+\w+\s+|ignore\s+)?into\b|\bupdate\s+\S+\s+(?:as\s+\w+\s+|\w+\s+)?set\b"
    rb"|replace\s+into\b|merge\s+into\b",
    re.I,
)


def has_sign(source: bytes, words: Iterable[str] = ()) -> bool:
    """Whether a file names a library that writes, has SQL that does, or one of some words."""
    return _SIGNS.search(source) is not None or any(word.encode() in source for word in words)


def relevant(modules: Iterable[Module], names: Modules) -> set[Module]:
    """Modules with a sign, all that import these, and all that those import, through any number of others."""
    everything = list(modules)
    imports: dict[Module, set[Module]] = {module: set() for module in everything}
    importers: dict[Module, set[Module]] = {module: set() for module in everything}
    for module in everything:
        for spec in module.imports:
            target = names.resolve(module, spec)
            if target is not None:
                imports[module].add(target)
                importers[target].add(module)
    return _reached(_reached([module for module in everything if module.has_sign], importers), imports)


def _reached(starts: Iterable[Module], edges: dict[Module, set[Module]]) -> set[Module]:
    found: set[Module] = set()
    waiting = list(starts)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += edges[module] - found
    return found
