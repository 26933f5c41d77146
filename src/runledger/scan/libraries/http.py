"""Airtable's Web API by raw HTTP: which requests write to which table."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ..values import MORE, Arguments, Client, Lookup, Request, Row, String, Value, Values, symbolic, text
from .outcome import CREATION, NOTHING, UNRESOLVED, UPDATE, UPSERT, Entries, Outcome, Write, options, together

_PACKAGES = frozenset(
    "fetch node-fetch cross-fetch isomorphic-fetch undici axios got ky superagent requests httpx aiohttp"
    " needle urllib ofetch window globalThis request request-promise urllib3".split()
)
_VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}
_KINDS = {"POST": CREATION, "PATCH": UPDATE, "PUT": UPDATE}
_HOST = "api.airtable.com"
_URL = ("url", "uri", "path")
_CLIENTS = {"create", "extend", "defaults", "Session", "session", "Client", "AsyncClient", "ClientSession", "instance"}


def of_package(path: str, arguments: Arguments, entries: Entries) -> Outcome:
    """The call of a function of an HTTP package, or the making of a client."""
    package, _, rest = path.removesuffix("()").partition(".")
    if package not in _PACKAGES:
        return NOTHING
    name = rest.rpartition(".")[2]
    if name in _CLIENTS:
        given = options(arguments, entries)
        base = next((given[key] for key in ("baseURL", "base_url", "prefixUrl", "prefix") if key in given), ())
        return Outcome(tuple(Client(one) for one in _addresses(base)))
    if name in ("", "request", "default", "fetch", "Request", "urlopen", "send"):
        first = name == "request" and package in ("requests", "httpx")
        return _request("", arguments, entries, None, method_first=first, made=name == "Request")
    return _request(name.upper(), arguments, entries, None) if name in _VERBS else NOTHING


def of_client(client: Client, name: str, arguments: Arguments, entries: Entries) -> Outcome:
    """A method of a client; "" calls the client itself."""
    if name in ("", "request", "fetch"):
        return _request("", arguments, entries, client.base, method_first=True)
    return _request(name.upper(), arguments, entries, client.base) if name in _VERBS else NOTHING


def _request(
    method: str,
    arguments: Arguments,
    entries: Entries,
    base: Value | None,
    *,
    method_first: bool = False,
    made: bool = False,
) -> Outcome:
    given = options(arguments, entries)
    made_before = [value for value in arguments.get(0) if isinstance(value, Request)]
    if made_before:
        return together(_answer(one.verb, one.url, one.upserts) for one in made_before)
    urls = next((given[key] for key in _URL if key in given), ())
    methods: Values = (text(method),) if method else given.get("method", ())
    first = arguments.get(0)
    if method_first and not method and len(arguments.positional) > 1 and _is_method(first):
        methods, urls = first, arguments.get(1)
    elif any(isinstance(value, String) or symbolic(value) for value in first):
        urls = first
    upserts = "performUpsert" in given.keys() | _body(arguments, entries)
    usual = "POST" if made and "data" in given else "GET"
    verbs = dict.fromkeys(one.exact.upper() for one in methods if isinstance(one, String) and one.exact)
    verbs = verbs or {"" if methods else usual: None}
    outcomes: list[Outcome] = []
    for url in (_whole(base, one) for one in _addresses(urls)):
        if url is None:
            continue
        if any(symbolic(value) for value in methods) or not isinstance(url, String) or _is_open(url):
            outcomes.append(Outcome(pending=True))
        elif made:
            outcomes += [Outcome((Request(url, verb, upserts),)) for verb in verbs]
        else:
            outcomes += [_answer(verb, url, upserts) for verb in verbs]
    found = together(outcomes)
    if found.writes and MORE in urls:
        return together((found, Outcome(writes=(Write(UNRESOLVED, MORE),))))
    return found


def _is_method(values: Values) -> bool:
    return any(
        symbolic(value) or (isinstance(value, String) and (value.exact or "").lower() in _VERBS) for value in values
    )


def _body(arguments: Arguments, entries: Entries) -> set[str]:
    """The keys of the body that is sent, also within JSON.stringify, `data` or `json`."""
    keys: set[str] = set()
    for values in options(arguments, entries).values():
        for value in values:
            keys |= entries(value).keys()
    return keys


def _addresses(values: Values) -> tuple[Value | None, ...]:
    """Those of some values that may be an address; None if there is no such value."""
    known = tuple(value for value in values if isinstance(value, String))
    return known or tuple(value for value in values if symbolic(value)) or (None,)


def _whole(base: Value | None, url: Value | None) -> Value | None:
    if base is None or not isinstance(base, String):
        return url
    if isinstance(url, String) and (exact := _shown(url)).startswith("http"):
        return text(exact) if url.exact else url
    parts = [*base.parts, "/", *(url.parts if isinstance(url, String) else (url,))]
    return String(tuple(parts))


def _shown(url: String) -> str:
    """The text of an address, with a NUL and the number of the part where it is not known."""
    return "".join(part if isinstance(part, str) else f"\0{index}\0" for index, part in enumerate(url.parts))


def _is_open(url: String) -> bool:
    """Whether it depends on a parameter if an address is Airtable's."""
    return _HOST not in _shown(url) and any(
        symbolic(part) for part in url.parts if part is not None and not isinstance(part, str)
    )


def _answer(verb: str, url: String, upserts: bool) -> Outcome:
    shown = _shown(url)
    if _HOST not in shown:
        return NOTHING
    path = shown.partition(_HOST)[2].partition("?")[0]
    segments = [segment for segment in path.split("/") if segment]
    if segments[:1] != ["v0"] or "meta" in segments[1:2] or "bases" in segments:
        return NOTHING
    table = _segment(url, segments[2]) if len(segments) > 2 else None
    if verb == "POST" and segments[-1] == "listRecords":
        verb = "GET"
    kind = UPSERT if upserts and verb in ("PATCH", "PUT") else _KINDS.get(verb)
    if verb == "GET":
        return Outcome((Lookup(table, "http"),))
    if kind is None and verb:
        return NOTHING
    if kind is None:
        return Outcome(writes=(Write(UNRESOLVED, table),))
    return Outcome((Row(table, "http", created=kind == CREATION),), (Write(kind, table),))


def _segment(url: String, segment: str) -> Value | None:
    hole = re.fullmatch("\0(\\d+)\0", segment)
    if hole:
        part = url.parts[int(hole[1])]
        return None if isinstance(part, str) else part
    return None if "\0" in segment else text(unquote(segment.replace("+", " ")))
