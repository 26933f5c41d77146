"""SQL as text: which statements write to which table."""

from __future__ import annotations

import re

from ..values import Lookup, Row, String, Value, text
from .outcome import CREATION, NOTHING, UPDATE, UPSERT, Outcome, Write

METHODS = frozenset(
    "execute executemany executescript query run exec raw all get one oneOrNone none any many manyOrNone"
    " fetch fetchrow fetchval fetch_one fetch_all fetch_val unsafe $executeRaw $queryRaw $executeRawUnsafe"
    " $queryRawUnsafe execute_values execute_batch sql executeQuery scalar scalars stream copy sendQuery"
    " runQuery each begin write".split()
)
PREPARING = {"prepare", "text", "SQL", "sql"}
_NAME = r"""(?:only\s+)?((?:(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w\0$-]+)\.+)*(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w$\0]+))"""
_HOLE = r"\0\d+\0"
"""A part of a statement that is not known."""
_INSERT = re.compile(rf"\binsert\s+(?:or\s+(\w+)\s+)?(?:(?:ignore|{_HOLE})\s+)?into\s+{_NAME}", re.I)
_INTO = re.compile(rf"^\s*{_HOLE}\s+into\s+{_NAME}", re.I)
_REPLACE = re.compile(rf"(?:^|[;\0])\s*replace\s+into\s+{_NAME}", re.I)
_MERGE = re.compile(rf"\bmerge\s+into\s+{_NAME}", re.I)
_UPDATE = re.compile(
    rf"(?:^|[;(\0]|\))\s*update\s+(?:or\s+\w+\s+)?{_NAME}\s+(?:as\s+\w+\s+|\w+\s+)?"
    rf"(?:set\b|{_HOLE}.*\bwhere\b)",
    re.I | re.S,
)
_SELECT = re.compile(r"\bselect\b", re.I)
_FROM = re.compile(rf"\bfrom\s+{_NAME}", re.I)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
_CONFLICT = re.compile(r"\bon\s+conflict\b.*?\bdo\s+update\b|\bon\s+duplicate\s+key\s+update\b", re.I | re.S)
_VERB = re.compile(r"\s*(?:explain\s+)?(?:\(|with|insert|update|replace|merge|select)\b|\s*\(", re.I)


def looks_like_sql(statement: String) -> bool:
    """Whether a text begins as a statement that reads or writes rows."""
    return _VERB.match(_COMMENTS.sub(" ", _shown(statement))) is not None


def outcome_of(statement: String) -> Outcome:
    """What executing a text does, which may hold several statements."""
    shown = _COMMENTS.sub(" ", _shown(statement))
    if not _VERB.match(shown):
        first = statement.parts[0] if statement.parts else ""
        if isinstance(first, str):
            return NOTHING
        return Outcome(pending=True) if first is not None else Outcome(writes=tuple(_writes(shown, statement)))
    writes: list[Write] = []
    values: list[Value] = []
    for piece in re.split(r";(?=\s*\S)", shown):
        for write in _writes(piece, statement):
            writes.append(write)
            values.append(Row(write.table, "sql", created=True) if write.kind != UPDATE else Lookup(write.table, "sql"))
        selected = None if writes else _SELECT.search(piece)
        found = selected and _FROM.search(piece, selected.end())
        if found:
            values.append(Lookup(_table(found[1], statement), "sql"))
    return Outcome(tuple(values), tuple(writes))


def _writes(piece: str, statement: String) -> list[Write]:
    found = _INSERT.search(piece)
    if found:
        hidden = (found[1] or "").lower() == "replace" or _CONFLICT.search(piece) is not None
        return [Write(UPSERT if hidden else CREATION, _table(found[2], statement))]
    found = _REPLACE.search(piece) or _MERGE.search(piece)
    if found:
        return [Write(UPSERT, _table(found[1], statement))]
    if _INTO.match(piece):  # INSERT or REPLACE, perhaps
        return [Write(CREATION, None)]
    found = _UPDATE.search(piece)
    return [Write(UPDATE, _table(found[1], statement))] if found else []


def _shown(statement: String) -> str:
    return "".join(part if isinstance(part, str) else f"\0{index}\0" for index, part in enumerate(statement.parts))


def _table(name: str, statement: String) -> Value | None:
    last = re.sub(r"^.*\.(?=[^.]+$)", "", name).strip("\"'`[]")
    hole = re.fullmatch("\0(\\d+)\0", last)
    if hole:
        part = statement.parts[int(hole[1])]
        return None if isinstance(part, str) else part
    return None if "\0" in last else text(last)
