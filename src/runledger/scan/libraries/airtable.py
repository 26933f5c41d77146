"""The client libraries of Airtable: airtable.js, pyairtable with its ORM, and airtable-python-wrapper."""

from __future__ import annotations

import re

from ..values import Arguments, Base, Lookup, More, Row, String, Table, Value, Values, symbolic
from .outcome import CREATION, NOTHING, UPDATE, UPSERT, Entries, Outcome, Write, options, together

JAVASCRIPT, PYTHON, WRAPPER, ORM = "airtable.js", "pyairtable", "airtable-python-wrapper", "pyairtable.orm"

_WRITES = {
    JAVASCRIPT: {"create": CREATION, "update": UPDATE, "replace": UPDATE},
    PYTHON: {
        "create": CREATION,
        "batch_create": CREATION,
        "update": UPDATE,
        "batch_update": UPDATE,
        "batch_upsert": UPSERT,
        "upsert": UPSERT,
    },
    WRAPPER: {
        "insert": CREATION,
        "batch_insert": CREATION,
        "mirror": CREATION,
        "update": UPDATE,
        "batch_update": UPDATE,
        "update_by_field": UPDATE,
        "replace": UPDATE,
        "replace_by_field": UPDATE,
    },
}
_LOOKUPS = {
    JAVASCRIPT: {"select": False, "find": True},
    PYTHON: {"all": False, "iterate": False, "first": True, "get": True},
    WRAPPER: {"get_all": False, "get_iter": False, "search": False, "match": True, "get": True},
}
_OF_RECORD = {"updateFields", "patchUpdate", "putUpdate", "replaceFields", "save"}
_OF_QUERY = frozenset(
    "all firstPage eachPage first json then catch finally pop shift at find filter map slice fetchone fetchall"
    " fetchmany fetchval scalar scalars mappings one one_or_none scalar_one_or_none get next __next__ toArray execute"
    " values entries reverse sort".split()
)
"""Methods of a look-up's result that give a part of it."""

_CONSTRUCTORS = {
    "airtable": Base(JAVASCRIPT),
    "pyairtable.Api": Base("pyairtable.Api"),
    "pyairtable.api.Api": Base("pyairtable.Api"),
    "pyairtable.Base": Base("pyairtable.Base"),
    "pyairtable.api.Base": Base("pyairtable.Base"),
}


def constructed(path: str, arguments: Arguments) -> Outcome:
    """What calling something of a package gives."""
    if path == "airtable.base":
        return Outcome((Base(JAVASCRIPT, arguments.get(0)),))
    if path in _CONSTRUCTORS:
        return Outcome((_CONSTRUCTORS[path],))
    if path in ("airtable.Airtable", "airtable.airtable.Airtable"):
        return Outcome(tables(arguments.get(1, "table_name"), WRAPPER))
    if path in ("airtable.Table", "airtable.lib.table") or (path.endswith("airtable.Table") and "py" not in path):
        return Outcome(tables(arguments.get(2) or arguments.get(1), JAVASCRIPT))
    if path in ("pyairtable.Table", "pyairtable.api.Table", "pyairtable.api.table.Table"):
        return Outcome(tables(arguments.get(1 if len(arguments.positional) == 2 else 2, "table_name", "name"), PYTHON))
    return NOTHING


def tables(names: Values, library: str, *, likely: bool = False) -> tuple[Table, ...]:
    """A table for each name that it may have."""
    known = [value for value in names if isinstance(value, String | More) or symbolic(value)]
    return tuple(Table(name, library, likely) for name in known) or (Table(None, library, likely),)


def of_base(base: Base, name: str, arguments: Arguments, entries: Entries) -> Outcome:
    """A method of a base or client; "" is the call of the base itself."""
    library = JAVASCRIPT if base.library == JAVASCRIPT else PYTHON
    if name in ("base", "get_base"):
        return Outcome((Base(JAVASCRIPT if library == JAVASCRIPT else "pyairtable.Base"),))
    if library == JAVASCRIPT and base.named and (name in _WRITES[JAVASCRIPT] or name in _LOOKUPS[JAVASCRIPT]):
        return together(of_table(table, name, arguments, entries) for table in tables(base.named, JAVASCRIPT))
    if library == JAVASCRIPT:
        return Outcome(tables(arguments.get(0), library)) if name in ("", "table") else NOTHING
    api = base.library == "pyairtable.Api"
    if name in ("table", "get_table"):
        return Outcome(tables(arguments.get(1 if api else 0, "table_name", "id_or_name", "name"), library))
    if name in _WRITES[PYTHON]:  # of version 1: api.create(base, table, …), base.create(table, …)
        named = tables(arguments.get(1 if api else 0, "table_name"), library)
        return together(of_table(table, name, arguments, lambda _: {}) for table in named)
    if name in _LOOKUPS[PYTHON]:
        named = tables(arguments.get(1 if api else 0), library)
        return Outcome(tuple(Lookup(table.name, PYTHON, name in ("first", "get")) for table in named))
    return NOTHING


def of_table(table: Table, name: str, arguments: Arguments, entries: Entries) -> Outcome:
    """A method of a table."""
    kind = _WRITES[table.library].get(name)
    if kind == UPDATE and "performUpsert" in options(arguments, entries):
        kind = UPSERT
    if kind is not None:
        created = Row(table.name, table.library, created=kind == CREATION)
        return Outcome((created,), (Write(kind, table.name, table.likely),))
    one = _LOOKUPS[table.library].get(name)
    return NOTHING if one is None else Outcome((Lookup(table.name, table.library, one),))


def of_lookup(owner: Lookup | Row, name: str, first: Values) -> Outcome:
    """A method of what a look-up gave."""
    if name in _OF_RECORD and owner.library in (JAVASCRIPT, ORM, ""):
        return Outcome((owner,), (Write(UPDATE, owner.table),))
    if isinstance(owner, Row):
        return Outcome((owner,) if name in ("values", "items", "pop", "at", "json") else ())
    if name == "get" and owner.one and owner.library != "http":
        return NOTHING
    if name == "get" and any(
        isinstance(value, String) and value.exact not in ("records", "rows", "data") for value in first
    ):
        return NOTHING
    if name in _OF_QUERY:
        return Outcome(
            (Lookup(owner.table, owner.library, name in ("first", "find", "fetchone", "pop", "at", "shift")),)
        )
    return NOTHING


def of_model(table: Value | None, owner: str, name: str, arguments: Arguments) -> Outcome:
    """A method of pyairtable's ORM: of a "class", or of a "new" instance."""
    if owner == "new":
        return Outcome((), (Write(CREATION, table),)) if name == "save" else NOTHING
    if name in ("first", "all", "from_id", "from_ids"):
        return Outcome((Lookup(table, ORM, name in ("first", "from_id")),))
    if name == "batch_save":
        fresh = any(isinstance(value, Lookup | Row) for value in arguments.get(0, "models"))
        return Outcome((), (Write(UPDATE if fresh else CREATION, table, likely=True),))
    return NOTHING


def guessed(callee: str, arguments: Arguments) -> Outcome:
    """A table by the shape of the call alone: base("Name") or getTable("Name") of something that cannot be resolved."""
    owner, _, word = callee.lower().rpartition(".")
    if word in ("table", "get_table") and re.search(r"api|base|airtable|client", owner) and arguments.positional:
        names = tuple(value for value in arguments.positional[-1] if isinstance(value, String))
        return (
            Outcome(tables(names, PYTHON if len(arguments.positional) > 1 else JAVASCRIPT, likely=True))
            if names
            else NOTHING
        )
    if word == "base" and owner.endswith("airtable"):
        return Outcome((Base(JAVASCRIPT, arguments.get(0)),))
    if word in ("base", "airtablebase", "airtable", "airtable_base", "get_base") and len(arguments.positional) == 1:
        names = tuple(value for value in arguments.get(0) if isinstance(value, String))
        if names:
            return Outcome(tables(names, JAVASCRIPT, likely=True))
    return NOTHING
