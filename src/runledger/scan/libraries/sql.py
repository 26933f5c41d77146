"""SQL as text: which statements write to which table."""

from __future__ import annotations

import re

from ..values import Lookup, Row, String, Value, text
from .outcome import CREATION, NOTHING, UPDATE, UPSERT, Outcome, Write
from .quoting import code_of

METHODS = frozenset(
    "execute executemany executescript query run exec raw all get one oneOrNone none any many manyOrNone"
    " fetch fetchrow fetchval fetch_one fetch_all fetch_val unsafe $executeRaw $queryRaw $executeRawUnsafe"
    " $queryRawUnsafe execute_values execute_batch sql executeQuery scalar scalars stream copy sendQuery"
    " runQuery each begin write".split()
)
PREPARING = {"prepare", "text", "SQL", "sql"}
_PART = r'"[^"]{1,255}"|`[^`]{1,255}`|\[[^\]]{1,255}\]'
_NAME = rf"(?:only\s+)?((?:(?:{_PART}|[\w\0$-]+)\.+){{0,9}}(?:{_PART}|[\w$\0]+))"
"""A table with its schema. Without the bounds, which no database reaches, brackets that stay open cost their square."""
_HOLE = r"\0\d+\0"
"""A part of a statement that is not known."""
_INSERT = re.compile(rf"\binsert\s+(?:or\s+(\w+)\s+)?(?:(?:ignore|{_HOLE})\s+)?into\s+{_NAME}", re.I)
_INTO = re.compile(rf"^\s*{_HOLE}\s+into\s+{_NAME}", re.I)
_BEGINNING = r"(?:^|[;()\0']|\b(?:as|begin|then|else|loop)\b)\s*"
"""What is before a statement: in another one, in a text that is executed, or in a block of procedural SQL."""
_REPLACE = re.compile(rf"{_BEGINNING}replace\s+into\s+{_NAME}", re.I)
_MERGE = re.compile(rf"\bmerge\s+into\s+{_NAME}", re.I)
_UPDATE = re.compile(
    rf"{_BEGINNING}update\s+(?:or\s+\w+\s+)?{_NAME}\s+(?:as\s+\w+\s+|\w+\s+)?(?:(?P<set>set\b)|(?={_HOLE}))", re.I
)
_WHERE = re.compile(r"\bwhere\b", re.I)
_SELECT = re.compile(r"\bselect\b", re.I)
_FROM = re.compile(rf"\bfrom\s+{_NAME}", re.I)
_CONFLICT = re.compile(r"\bon\s+conflict\b", re.I)
_DO_UPDATE = re.compile(r"\bdo\s+update\b", re.I)
_DUPLICATE = re.compile(r"\bon\s+duplicate\s+key\s+update\b", re.I)
_EXPLAIN = (
    r"explain\b((?:\s*(?:analy[sz]e\b|verbose\b|query\s+plan\b|extended\b|partitions\b|format\s*=\s*\w+"
    rf"|\([^()]*\)|{_HOLE}))*)"
)
_EXPLAINED = re.compile(rf"\s*{_EXPLAIN}", re.I)
_EXECUTED = re.compile(r"\banaly[sz]e\b(?!\s+(?:off|false|0)\b)|\0", re.I)
"""The option by which EXPLAIN executes what it explains."""
_VERB = re.compile(
    rf"(?:[^\0]*;)?\s*(?:{_EXPLAIN}\s*)?"
    r"(?:\(|(?:with|insert|update|replace|merge|select|exec|execute|prepare|call|do|begin|declare|if|set)\b)",
    re.I,
)


def looks_like_sql(statement: String) -> bool:
    """Whether a text has a statement that reads, writes or executes."""
    return _VERB.match(_code(statement)) is not None


def outcome_of(statement: String) -> Outcome:
    """What executing a text does, which may hold several statements."""
    shown = _code(statement)
    if not _VERB.match(shown):
        first = statement.parts[0] if statement.parts else ""
        if isinstance(first, str):
            return NOTHING
        return Outcome(pending=True) if first is not None else Outcome(writes=tuple(_writes(shown, statement)))
    writes: list[Write] = []
    values: list[Value] = []
    for piece in re.split(r";(?=\s*\S)", shown):
        explained = _EXPLAINED.match(piece)
        if explained and not _EXECUTED.search(explained[1]):
            continue
        for write in _writes(piece, statement):
            writes.append(write)
            values.append(Row(write.table, "sql", created=True) if write.kind != UPDATE else Lookup(write.table, "sql"))
        selected = None if writes else _SELECT.search(piece)
        found = selected and _FROM.search(piece, selected.end())
        if found:
            values.append(Lookup(_table(found[1], statement), "sql"))
    return Outcome(tuple(values), tuple(writes))


def _writes(piece: str, statement: String) -> list[Write]:
    found = _update(piece)
    updates = [Write(UPDATE, _table(found[1], statement))] if found else []
    if inserts := list(_INSERT.finditer(piece)):
        ends = [*(one.start() for one in inserts[1:]), len(piece)]
        return [
            _insert(one, piece[one.start() : end], statement) for one, end in zip(inserts, ends, strict=True)
        ] + updates
    found = _REPLACE.search(piece) or _MERGE.search(piece)
    if found:
        return [Write(UPSERT, _table(found[1], statement))]
    if _INTO.match(piece):  # INSERT or REPLACE, perhaps
        return [Write(CREATION, None)]
    return updates


def _insert(found: re.Match[str], piece: str, statement: String) -> Write:
    hidden = (found[1] or "").lower() == "replace" or _updates_on_conflict(piece)
    return Write(UPSERT if hidden else CREATION, _table(found[2], statement))


def _updates_on_conflict(piece: str) -> bool:
    found = _CONFLICT.search(piece)
    return bool(found and _DO_UPDATE.search(piece, found.end())) or _DUPLICATE.search(piece) is not None


def _update(piece: str) -> re.Match[str] | None:
    """An UPDATE with SET, or with an unknown part and a WHERE behind it."""
    last_where = max((one.start() for one in _WHERE.finditer(piece)), default=-1)
    return next((found for found in _UPDATE.finditer(piece) if found["set"] or found.end() < last_where), None)


def _code(statement: String) -> str:
    return code_of(_shown(statement))


def _shown(statement: String) -> str:
    return "".join(part if isinstance(part, str) else f"\0{index}\0" for index, part in enumerate(statement.parts))


def _table(name: str, statement: String) -> Value | None:
    last = re.sub(r"^.*\.(?=[^.]+$)", "", name).strip("\"'`[]")
    hole = re.fullmatch("\0(\\d+)\0", last)
    if hole:
        part = statement.parts[int(hole[1])]
        return None if isinstance(part, str) else part
    return None if "\0" in last else text(last)
