"""What of an SQL text the database reads as a statement: no comments, and no text that is only data."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"--|/\*|\w+|[^\w\s]")
_CLOSING = {"--": "\n", "/*": "*/", "'": "'", '"': '"', "`": "`"}
_NO_CALL = frozenset("values in and or not where on when then else as select set having like from case".split()) | set(
    "(,;=<>+-*/|&%!~^:"
)
"""What is before a parenthesis that is no call of a function."""
_EXECUTING = frozenset(("exec", "execute", "prepare"))
_BEFORE_NAMES = frozenset("from join into update table select set where when not and or by".split()) | set(".,(=[")
"""What is before a word of `_EXECUTING` that names a table or column."""


def code_of(shown: str) -> str:
    """A text without comments and without the literals that nothing executes.

    Literals stay where they may be executed: as an argument of a function (`dblink('INSERT …')`), in a text with a
    statement of EXECUTE, PREPARE or DO, and in one whose quotes do not pair.
    """
    if not any(mark in shown for mark in ("--", "/*", "'")):
        return shown
    comments, literals = _apart(shown)
    if literals is None or "\\'" in shown:
        literals = []
    made: list[str] = []
    copied = 0
    for (start, end), instead in sorted([(span, " ") for span in comments] + [(span, "''") for span in literals]):
        made += [shown[copied:start], instead]
        copied = end
    return "".join((*made, shown[copied:]))


def _apart(shown: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]] | None]:
    """Where comments are, and where literals are that are no argument of a function.

    None in place of literals if quotes do not pair, or if a statement executes or prepares texts.
    """
    comments: list[tuple[int, int]] = []
    literals: list[tuple[int, int]] = []
    unclosed: set[str] = set()
    calls: list[bool] = []
    before, at, within, executes = ";", 0, 0, False
    while (token := _TOKEN.search(shown, at)) is not None:
        mark, at = token[0], token.end()
        if mark in _CLOSING and mark not in unclosed:
            end = shown.find(_CLOSING[mark], at)
            if end < 0 and mark != "--":
                unclosed.add(mark)
                continue
            at = len(shown) if end < 0 else end + len(_CLOSING[mark])
            if mark in ("--", "/*"):
                comments.append((token.start(), at))
                continue
            if mark == "'" and not within:
                literals.append((token.start(), at))
        elif mark == "(":
            calls.append(before not in _NO_CALL)
            within += calls[-1]
        elif mark == ")" and calls:
            within -= calls.pop()
        elif (mark := mark.lower()) in _EXECUTING:
            executes |= before not in _BEFORE_NAMES
        elif mark == "do":
            executes |= before == ";"
        before = mark
    return comments, None if executes or unclosed & {"'", '"', "`"} else literals
