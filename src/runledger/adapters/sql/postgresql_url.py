"""The URL of a store in PostgreSQL, as parameters of its connections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo
from psycopg.pq import Conninfo

from ...domain import InvalidStoreURL

_DEFAULTS = conninfo_to_dict(
    "connect_timeout=5 keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=20000",
    application_name="runledger",
)
_PREPARED = "prepared_statements"
"""The one option of a URL that is not libpq's."""
_VARIABLES = {option.keyword.decode(): (option.envvar or b"").decode() for option in Conninfo.get_defaults()}
"""The options of libpq, and the variable that each has in the environment, if any."""
_REJECTIONS = {
    r'invalid integer value ".*" for connection option "(\w+)"': r"\1",
    r'invalid "?(\w+)"? value: ': r"\1",
    r'(\w+) value ".*" invalid when ': r"\1",
    r'weak sslmode ".*" may not be used with (\w+)=': r"\1",
    r"(?:negative )?require_auth method ": "require_auth",
    r"invalid SSL protocol version range": "ssl_min_protocol_version",
    r'"(\w+)" is greater than "': r"\1",
    r"invalid SCRAM (client|server) key": r"scram_\1_key",
    r"invalid port number: |could not match \d+ port numbers ": "port",
    # Without a zone, such as %eth0: that of an address may be a network that is down.
    r'could not match \d+ host names |could not parse network address "[^"%]*"': "hostaddr",
    r"(?:definition of |syntax error in )?service (?:file )?\"": "service",
}
"""How the driver's own messages about an option begin, and the option. What a server answers begins otherwise."""
_ATTEMPT = (
    r"(?m)^(?:- host: .*, hostaddr: \S+: )?(?:connection (?:failed|is bad): )?"
    r'(?:connection to server (?:at|on socket) "[^"]*"(?: \([^)]*\))?(?:, port \d+)? failed: )?'
)
"""What comes before the message of an attempt, of which there is one for each address."""


def connection_parameters(url: str) -> dict[str, Any]:
    """The connection parameters of a URL, with defaults. No message shows any of it: parts of a password that was
    not percent-encoded turn up as host, port or database."""
    url, prepared = _without_own_option(url)
    # Raised outside of any handler: the driver's error quotes the URL, and would stay in __context__.
    given: dict[str, Any] = {"port": "unreadable"}
    with suppress(psycopg.Error, ValueError):
        given = conninfo_to_dict(url)
    misplaced = any("@" in str(given.get(name, "")) for name in ("host", "dbname"))
    if misplaced or re.search("[^0-9,]", str(given.get("port", ""))):
        raise InvalidStoreURL(
            "the store URL cannot be read: write postgresql://user:password@host:port/database, percent-encode special "
            "characters in its parts, and after a ? give only options of libpq or prepared_statements."
        )
    seconds = None
    with suppress(psycopg.Error):
        seconds = timeout_from_conninfo({**_DEFAULTS, **given})
    if seconds is None:
        raise _rejected("connect_timeout")
    fixed = {
        "options": given.get("options", ""),
        "client_encoding": "utf8",
        "prepare_threshold": 0 if prepared else None,
    }
    return {**_DEFAULTS, **given, **fixed}


def require_taken(parameters: Mapping[str, Any], failure: str) -> None:
    """Raise InvalidStoreURL if the driver says that it rejects an option. The message shows no value.

    `failure` is the driver's error, in English: libpq has other languages only where it is installed with them, and the
    program sets the locale of its messages. In any other language, and in any doubt, nothing is raised.
    """
    for start, name in _REJECTIONS.items():
        if found := re.search(f"{_ATTEMPT}(?:{start})", failure):
            option = found.expand(name)
            if option in parameters:
                raise _rejected(option)
            places = " or ".join(filter(None, [_VARIABLES.get(option), "a service"]))
            raise InvalidStoreURL(f"libpq rejects the {option} that {places} adds to the store URL: correct it there.")


def _rejected(option: str) -> InvalidStoreURL:
    return InvalidStoreURL(f"libpq rejects the {option} in the store URL: correct it, or leave it out.")


def _without_own_option(url: str) -> tuple[str, bool]:
    """The URL as libpq reads it, and whether statements are prepared."""
    address, mark, query = url.partition("?")
    options = query.split("&")
    given = [option.partition("=")[2] for option in options if option.startswith(f"{_PREPARED}=")]
    if not given:
        return url, True
    if given[-1] not in ("on", "off"):
        raise InvalidStoreURL(f"{_PREPARED} in the store URL is on or off.")
    rest = "&".join(option for option in options if not option.startswith(f"{_PREPARED}="))
    return address + (mark + rest if rest else ""), given[-1] == "on"
