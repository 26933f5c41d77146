"""Which module of the scan an import names."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from .program import Module

_ENDINGS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", "/index.ts", "/index.tsx", "/index.js",
            "/index.mjs", "/index.cjs")  # fmt: skip
_WRITTEN_FOR = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
"""TypeScript imports its files by the suffix that they will have."""


class Modules:
    """Finds modules by the paths of their files. Paths use "/" and have a common root."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._by_path = {module.path: module for module in modules}
        self._python: dict[str, list[str]] = {}
        self._resolved: dict[tuple[Module, str], Module | None] = {}
        self._passed_on: dict[Module, list[Module]] = {}
        for path in self._by_path:
            if path.endswith(".py"):
                whole = path.removesuffix(".py").removesuffix("/__init__")
                self._python.setdefault(whole.rpartition("/")[2], []).append(whole)

    def resolve(self, importer: Module, spec: str) -> Module | None:
        """The module that `spec` names in `importer`; None if it is a package's or unknown."""
        key = (importer, spec)
        if key not in self._resolved:
            find = self._python_module if importer.is_python else self._script
            self._resolved[key] = find(importer, spec)
        return self._resolved[key]

    def passed_on(self, module: Module) -> list[Module]:
        """The other modules whose names a module exports too."""
        if module not in self._passed_on:
            found = dict.fromkeys(self.resolve(module, spec) for spec in module.passes_on)
            self._passed_on[module] = [each for each in found if each is not None and each is not module]
        return self._passed_on[module]

    def submodule(self, package: Module, name: str) -> Module | None:
        """The module `name` of a Python package."""
        if not package.path.endswith("__init__.py"):
            return None
        return self._python_file(posixpath.join(posixpath.dirname(package.path), name))

    def _script(self, importer: Module, spec: str) -> Module | None:
        if spec.startswith("."):
            return self._script_file(posixpath.normpath(posixpath.join(posixpath.dirname(importer.path), spec)))
        if spec.startswith(("@/", "~/", "src/", "#")):
            rest = spec.removeprefix("#").removeprefix("@/").removeprefix("~/").removeprefix("src/").lstrip("/")
            folder = posixpath.dirname(importer.path)
            while True:
                for inner in ("", "src"):
                    found = self._script_file(posixpath.normpath(posixpath.join(folder, inner, rest)))
                    if found is not None:
                        return found
                if not folder or folder == "/":
                    return None
                folder = posixpath.dirname(folder)
        return None

    def _script_file(self, path: str) -> Module | None:
        for ending in _ENDINGS:
            if path + ending in self._by_path:
                return self._by_path[path + ending]
        stem, suffix = posixpath.splitext(path)
        return next(
            (self._by_path[stem + other] for other in _WRITTEN_FOR.get(suffix, ()) if stem + other in self._by_path),
            None,
        )

    def _python_module(self, importer: Module, spec: str) -> Module | None:
        folder = posixpath.dirname(importer.path)
        if spec.startswith("."):
            dots = len(spec) - len(spec.lstrip("."))
            for _ in range(dots - 1):
                folder = posixpath.dirname(folder)
            return self._python_file(posixpath.join(folder, spec.lstrip(".").replace(".", "/")))
        wanted = spec.replace(".", "/")
        here = self._python_file(posixpath.join(folder, wanted))
        if here is not None and here is not importer and posixpath.join(folder, "__init__.py") not in self._by_path:
            return here
        found = [
            whole
            for whole in self._python.get(wanted.rpartition("/")[2], ())
            if (whole == wanted or whole.endswith("/" + wanted)) and self._is_root(whole[: -len(wanted)], importer)
        ]
        if not found:
            return None
        return self._python_file(max(found, key=lambda whole: len(posixpath.commonprefix([whole, importer.path]))))

    def _is_root(self, folder: str, importer: Module) -> bool:
        """Whether modules are imported from a folder: it is no package, and lies above the importer or is its `src`."""
        if folder + "__init__.py" in self._by_path:
            return False
        return importer.path.startswith(folder.removesuffix("src/")) or folder.endswith("src/")

    def _python_file(self, whole: str) -> Module | None:
        whole = whole.rstrip("/")
        return self._by_path.get(f"{whole}.py") or self._by_path.get(f"{whole}/__init__.py")
