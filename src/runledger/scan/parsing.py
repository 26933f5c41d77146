"""From the bytes of a file to the language-neutral tree."""

from __future__ import annotations

from functools import cache
from pathlib import PurePath

import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript
from tree_sitter import Language, Parser

from .javascript_source import JavaScriptSource
from .python_source import PythonSource
from .tree import Tree

LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
}
"""The language of a file by its suffix; "tsx" is TypeScript with a grammar that differs."""

_GRAMMARS = {
    "python": tree_sitter_python.language,
    "javascript": tree_sitter_javascript.language,
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
}


@cache
def _parser(grammar: str) -> Parser:
    return Parser(Language(_GRAMMARS[grammar]()))


def parse(path: str, source: bytes) -> Tree:
    """The tree of one file. Damaged code is read as far as it goes, and marked."""
    grammar = LANGUAGES[PurePath(path).suffix]
    root = _parser(grammar).parse(source).root_node
    reader = PythonSource(source) if grammar == "python" else JavaScriptSource(source)
    language = "typescript" if grammar == "tsx" else grammar
    return Tree(language, reader.block(root), root.has_error, source.count(b"\n") + 1)
