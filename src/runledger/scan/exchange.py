"""Declares what a module imports from others and exports to them."""

from __future__ import annotations

from .assignments import Assignments
from .program import FromImport, Scope, Source
from .traversal import text_of
from .tree import Block, Call, Export, ExportFrom, Function, Import, Name


class Exchange(Assignments):
    """Declares the imports and exports of one module."""

    def _require(self, node: Call, scope: Scope) -> None:
        if isinstance(node.callee, Name) and node.callee.id in ("require", "import") and node.arguments:
            self.module.imports.append(text_of(node.arguments[0].value))

    def _import(self, node: Import, scope: Scope) -> None:
        self.module.imports.append(node.module)
        home = scope.function_scope()
        for name, local in node.names:
            if name == "*" and local == "*":
                self.module.passes_on.append(node.module)
            elif name == "*" and local == node.module and "." in local:
                home.add(local.partition(".")[0], FromImport(self.module, local.partition(".")[0], "*"))
            else:
                home.add(local, FromImport(self.module, node.module, name))
            if self.python and name != "*":
                self.module.imports.append(
                    f"{node.module.rstrip('.')}.{name}" if node.module.strip(".") else node.module + name
                )

    def _export(self, node: Export, scope: Scope, block: Block) -> None:
        self._node(node.value, scope, block)
        source = Source(node.value, scope, pos=1 << 59)
        if node.name == "=":
            self.module.whole.append(source)
            return
        self.module.exports.setdefault(node.name, []).append(source)
        if isinstance(node.value, Function) and self.program.routines[node.value].name == "<anonymous>":
            self.program.routines[node.value].name = node.name

    def _export_from(self, node: ExportFrom) -> None:
        self.module.imports.append(node.module)
        for name, outer in node.names:
            if outer == "*":
                self.module.passes_on.append(node.module)
            else:
                origin = FromImport(self.module, node.module, "*" if name == "=" else name)
                self.module.exports.setdefault(outer, []).append(origin)
