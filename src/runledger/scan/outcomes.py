"""What calls of libraries' functions do and give."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .libraries import airtable, http, ledger, sql
from .libraries.outcome import NOTHING, UNRESOLVED, Outcome, Write, together
from .program import ClassInfo, Scope
from .texts import TEXT_METHODS, Texts
from .traversal import chain_of
from .tree import Call
from .values import (
    MORE,
    Arguments,
    Base,
    Callable,
    Class,
    Client,
    Constant,
    Dictionary,
    Failure,
    Given,
    Instance,
    Library,
    List,
    Lookup,
    Method,
    Object,
    Of,
    Partial,
    Prepared,
    Row,
    String,
    Table,
    Value,
    Values,
    exact,
    text,
    texts,
)

_UNCHANGED = frozenset(
    "freeze encodeURIComponent encodeURI quote quote_plus String str resolve cast gather all stringify"
    " dumps Identifier race nullthrows assert run next iter list len bool Boolean tuple sorted deepcopy"
    " from seal Field field ib attrib PrivateAttr run_until_complete wait_for shield URL Literal invariant dedent any"
    " Map Set set dict fromEntries frozenset".split()
)
"""Functions that give their first argument, or something as good as it."""

_FIELDS = {"field", "Field", "ib", "attrib", "Factory", "PrivateAttr"}
"""What declares a field of a dataclass, of attrs or of pydantic."""

_WRAPPING = re.compile(r"handler|wrap|catch", re.I)


class Outcomes(Texts):
    """Knows the libraries."""

    wrappers: Mapping[str, str] = {}
    """The kinds of write of functions that cannot be resolved, by their names."""

    def outcome(
        self, function: Value, arguments: Arguments, node: Call | None = None, scope: Scope | None = None
    ) -> Outcome:
        """What the call of a library's function does and gives."""
        match function:
            case Library(path=path):
                return self._of_library(path, arguments)
            case Base():
                return airtable.of_base(function, "", arguments, self.entries)
            case Client():
                return http.of_client(function, "", arguments, self.entries)
            case Method(owner=owner, name=name):
                return self._of_method(owner, name, arguments)
        return NOTHING

    def _of_method(self, owner: Value, name: str, arguments: Arguments) -> Outcome:
        match owner:
            case Method() if name == "bind":
                return Outcome((owner,))
            case Base():
                return airtable.of_base(owner, name, arguments, self.entries)
            case Table():
                return airtable.of_table(owner, name, arguments, self.entries)
            case Row(library="runledger"):
                return ledger.of_handle(name) if name not in ("values", "items", "get", "pop") else Outcome((owner,))
            case Lookup() | Row() | Constant() if name == "catch":
                return Outcome(self._caught(owner, arguments.get(0)))
            case Lookup() | Row() | Constant() if name in ("then", "finally"):
                return Outcome(self.merged(self._after(owner, arguments), self._caught(owner, arguments.get(1))[1:]))
            case Lookup() | Row():
                return airtable.of_lookup(owner, name, arguments.get(0))
            case Client():
                return http.of_client(owner, name, arguments, self.entries)
            case Prepared(sql=statement):
                if name == "format":
                    return Outcome(tuple(Prepared(one) for one in texts(self.filled((statement,), (), arguments))))
                return Outcome((statement,)) if name in TEXT_METHODS else sql.outcome_of(statement)
            case Class(info=info):
                return self._of_model(info, "class", name, arguments)
            case Instance(info=info, keywords=keywords):
                return self._of_model(
                    info, "saved" if any(key == "id" for key, _ in keywords) else "new", name, arguments
                )
            case String():
                return Outcome(self.text_method(owner, name, arguments))
            case List() | Object() | Dictionary():
                return Outcome(self._of_collection(owner, name, arguments))
        return NOTHING

    def _of_collection(self, owner: List | Object | Dictionary, name: str, arguments: Arguments) -> Values:
        match owner, name:
            case List(), "join":
                return self.joined(arguments.get(0) or (text(","),), owner)
            case List(), "get":
                pairs = [one for one in self.each((owner,)) if isinstance(one, List)]
                return self.merged(*(self.item(one, key) for one in pairs for key in arguments.get(0)))
            case List(), "map":
                given = Arguments((self.each((owner,)),))
                return self.merged(*(self.call(one, given) for one in arguments.get(0)))
            case Object() | Dictionary(), "items" | "values":
                return self.merged(*self.entries(owner).values())
            case Object(), "get":
                keys = [known for known in map(exact, arguments.get(0)) if known]
                return self.merged(*(self.member(owner, one) for one in keys))
        return ()

    def _of_model(self, info: ClassInfo, owner: str, name: str, arguments: Arguments) -> Outcome:
        if not self.library_base(info).startswith("pyairtable"):
            return NOTHING
        return airtable.of_model(self.model_table(info), owner, name, arguments)

    def model_table(self, info: ClassInfo) -> Value | None:
        """The table of a model of pyairtable's ORM, which its inner class Meta or its dictionary `meta` names."""
        for each in self.ancestry(info):
            meta = each.inner.get("Meta")
            found = self._class_member(meta, "table_name") if meta is not None else ()
            for value in self._class_member(each, "meta") if not found else ():
                found = self.entries(value).get("table_name", ())
            known = texts(tuple(found))
            if known:
                return known[0]
        return None

    def _after(self, owner: Value, arguments: Arguments) -> Values:
        given = [value for value in arguments.get(0) if isinstance(value, Callable)]
        return self.merged(*(self.call(value, Arguments(((owner,),))) for value in given)) or (owner,)

    def _caught(self, owner: Value, handlers: Values) -> Values:
        """What a promise gives that was caught: its value, or what the handler returns, which may be nothing."""
        returned = [self.call(value, Arguments(((Failure(),),))) for value in handlers if isinstance(value, Callable)]
        return self.merged((owner,), *(found or (Constant(None),) for found in returned))

    def _of_library(self, path: str, arguments: Arguments) -> Outcome:
        name = path.rpartition(".")[2]
        for kind in (self._of_builtin, self._of_store, self._of_combinator):
            found = kind(path, name, arguments)
            if found is not None:
                return found
        if name in _UNCHANGED and (arguments.positional or "default" in arguments.keywords):
            return Outcome(arguments.get(0, "default"))
        if name in ("MappingProxyType", "dict", "SimpleNamespace") and arguments.positional:
            return Outcome(arguments.get(0))
        return Outcome((Library(f"{path}()"),)) if len(path) < 120 else NOTHING

    def _of_builtin(self, path: str, name: str, arguments: Arguments) -> Outcome | None:
        """What the languages' own functions give: settings, addresses, attributes and dictionaries."""
        if path in ("os.getenv", "os.environ.get", "environ.get", "process.env.get"):
            return Outcome(arguments.get(1, "default") or (Library(f"{path}()"),))
        if path == "URL" and texts(arguments.get(1)):
            return Outcome(self.combined((arguments.get(1), arguments.get(0))))
        if path == "getattr":
            attributes = [known for known in map(exact, arguments.get(1)) if known]
            return Outcome(self.merged(*(self.members(arguments.get(0), one) for one in attributes)))
        if path in ("Object.values", "Object.entries"):
            held = [one for value in arguments.get(0) for one in self.entries(value).values()]
            return Outcome(self.merged(*held))
        if path in ("dict", "Object.assign"):
            given = [self.entries(value) for values in arguments.positional for value in values]
            items = {key: one for entries in (*given, arguments.keywords) for key, one in entries.items()}
            if items:
                return Outcome((Dictionary(tuple(items.items())),))
        return None

    def _of_store(self, path: str, name: str, arguments: Arguments) -> Outcome | None:
        """What a package does that reaches a store."""
        for found in (
            ledger.of_package(path),
            airtable.constructed(path, arguments),
            http.of_package(path, arguments, self.entries),
        ):
            if found.is_known:
                return found
        found = self.of_text(name, arguments)
        return found if found.is_known else None

    def _of_combinator(self, path: str, name: str, arguments: Arguments) -> Outcome | None:
        """What a function gives that is given functions: one of them, a part of a call, or what calling one returns."""
        if _WRAPPING.search(path) and any(isinstance(value, Callable) for value in arguments.get(0)):
            return Outcome(arguments.get(0))
        if name in ("partial", "wraps") and arguments.positional:
            return Outcome(tuple(Partial(value, arguments.positional[1:]) for value in arguments.get(0)))
        if name in ("promisify", "memoize", "once", "debounce", "throttle", "cache", "lru_cache"):
            return Outcome(arguments.get(0))
        if name in ("Depends", "Security"):  # FastAPI calls it and passes what it returns
            return Outcome(self.merged(*(self.call(one, Arguments()) for one in arguments.get(0, "dependency"))))
        if name in _FIELDS:
            made = arguments.get(0 if name == "Factory" else 1 << 30, "default_factory", "factory")
            if made:
                return Outcome(self.merged(*(self.call(one, Arguments()) for one in made)))
        return None

    def executed(self, name: str, arguments: Arguments) -> Outcome:
        """The outcome of a method that executes or prepares SQL, if an argument is SQL."""
        prepares = name in sql.PREPARING and not (name == "sql" and len(arguments.positional) == 1)
        for values in arguments.positional[:2] or tuple(arguments.keywords.values())[:1]:
            statements = [
                one
                for value in values
                for one in texts(self.entries(value).get("text", ()) or self.entries(value).get("sql", ())) or (value,)
            ]
            found = together(_of_statement(one, prepares) for one in statements)
            if found.writes and MORE in statements:
                return together((found, Outcome(writes=(Write(UNRESOLVED, MORE),))))
            if found.is_known:
                return found
        return NOTHING

    def guessed(self, node: Call, arguments: Arguments) -> Outcome:
        """What a call may be, by names alone, where its function cannot be resolved."""
        chain = chain_of(node.callee)
        name = chain.rpartition(".")[2]
        found = self.of_text(name, arguments)
        if found.is_known:
            return found
        if name in self.wrappers or chain in self.wrappers:
            known = next((value for values in arguments.positional for value in texts(values)), None)
            return Outcome(writes=(Write(self.wrappers.get(chain) or self.wrappers[name], known),))
        found = ledger.guessed(chain)
        return found if found.values or found.writes else airtable.guessed(chain, arguments)

    def of_text(self, name: str, arguments: Arguments) -> Outcome:
        """What a method does whose name says that it executes SQL, if it is given SQL."""
        return self.executed(name, arguments) if name in sql.METHODS | sql.PREPARING else NOTHING

    def guess(self, callee: str, arguments: Arguments) -> Values:
        """What the call of something unknown may give, by the names alone."""
        return airtable.guessed(callee, arguments).values


def _of_statement(statement: Value, prepares: bool) -> Outcome:
    """What executing a statement does; if it is a text that is only prepared, what preparing it gives."""
    match statement:
        case Prepared(sql=known):
            return sql.outcome_of(known)
        case Given() | Of():
            return Outcome(pending=True)
        case String() if prepares:
            return Outcome((Prepared(statement),)) if sql.looks_like_sql(statement) else NOTHING
        case String():
            return sql.outcome_of(statement)
    return NOTHING
