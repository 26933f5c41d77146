"""What a project says about itself: `[tool.runledger.scan]` of its pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from attrs import field, frozen

from .libraries.ledger import LEDGER

_RUN_WORD = re.compile(r"(?:^|[^a-z])runs?(?:$|[^a-z])")
_KEYS = ("runs", "tables", "wrappers", "ignore", "allowed")
_KINDS = ("creation", "update", "upsert")


class SettingsError(ValueError):
    """The settings cannot be used; the text says which and why."""


@frozen
class Settings:
    """`runs` names the table of runs; without it, each table with the word "run" or "runs" in its name is one.

    `tables` gives tables by their ids a name. `wrappers` gives functions that cannot be resolved a kind of write.
    `ignore` has patterns of paths. `allowed` has patterns of "path" or "path::function" where runs may be created.
    """

    runs: tuple[str, ...] = ()
    tables: dict[str, str] = field(factory=dict)
    wrappers: dict[str, str] = field(factory=dict)
    ignore: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    def name(self, table: str) -> str:
        """The name of a table that is written by its id, quoted for an address, or otherwise."""
        return self.tables.get(table, unquote(table))

    def is_run(self, table: str) -> bool:
        """Whether a table is the table of runs."""
        if table == LEDGER.exact:
            return True
        name = self.name(table)
        if self.runs:
            return any(_folded(name) == _folded(each) for each in self.runs)
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        return _RUN_WORD.search(words) is not None

    def same(self, one: str, other: str) -> bool:
        """Whether two names are of one table."""
        return _folded(self.name(one)) == _folded(self.name(other)) or (self.is_run(one) and self.is_run(other))

    def shown(self, table: str) -> str:
        if table == LEDGER.exact:
            return self.runs[0] if self.runs else "runs (runledger)"
        return self.name(table)

    def is_allowed(self, path: str, function: str) -> bool:
        """Whether runs may be created in a function of a file."""
        return any(
            fnmatchcase(path, each)
            or fnmatchcase(f"{path}::{function}", each)
            or path.endswith("/" + each)
            or f"{path}::{function}".endswith("/" + each)
            for each in self.allowed
        )


def read_settings(file: Path) -> Settings:
    """The settings of a pyproject.toml; those of a file without the section are empty. Raises SettingsError."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))  # some editors write a mark before UTF-8
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text: save it as UTF-8.") from None
    except (OSError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from None
    section = document
    for name in ("tool", "runledger", "scan"):
        section = section.get(name, {})
        if not isinstance(section, dict):
            raise SettingsError(f"{file}: {name} must be a table, as in [tool.runledger.scan].")
    unknown = [key for key in section if key not in _KEYS]
    if unknown:
        raise SettingsError(f"{file}: [tool.runledger.scan] has no setting {unknown[0]!r}; it has {', '.join(_KEYS)}.")
    wrappers = _mapping(file, section, "wrappers")
    for name, kind in wrappers.items():
        if kind not in _KINDS:
            raise SettingsError(f"{file}: the wrapper {name!r} is {kind!r}; it must be one of {', '.join(_KINDS)}.")
    runs = section.get("runs", ())
    return Settings(
        (runs,) if isinstance(runs, str) else _texts(file, section, "runs"),
        _mapping(file, section, "tables"),
        wrappers,
        _texts(file, section, "ignore"),
        _texts(file, section, "allowed"),
    )


def find_settings(start: Path) -> Path | None:
    """The nearest pyproject.toml with the section, at `start` or above."""
    folder = start if start.is_dir() else start.parent
    for each in (folder, *folder.resolve().parents):
        file = each / "pyproject.toml"
        try:
            if file.is_file() and "[tool.runledger.scan" in file.read_text(encoding="utf-8", errors="replace"):
                return file
        except OSError:
            continue
    return None


def _texts(file: Path, section: dict[str, Any], key: str) -> tuple[str, ...]:
    value = section.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise SettingsError(f"{file}: {key} must be a list of texts.")
    return tuple(value)


def _mapping(file: Path, section: dict[str, Any], key: str) -> dict[str, str]:
    value = section.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise SettingsError(f"{file}: {key} must be a table of texts.")
    return value


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().lower()
