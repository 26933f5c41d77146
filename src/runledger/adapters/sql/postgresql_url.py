"""The URL of a store in PostgreSQL, as parameters of its connections."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo, timeout_from_conninfo
from psycopg.pq import Conninfo, PGconn

from ...domain import InvalidStoreURL

_DEFAULTS = conninfo_to_dict(
    "connect_timeout=5 keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=20000",
    application_name="runledger",
)
_PREPARED = "prepared_statements"
"""The one option of a URL that is not libpq's."""
_LATE = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
"""Options that libpq reads only when it has the address of a server. Each is a whole number."""
_WHOLE = r"\s*[-+]?[0-9]{1,9}\s*"
_VARIABLES = {option.keyword.decode(): (option.envvar or b"").decode() for option in Conninfo.get_defaults()}
"""The options of libpq, and the variable that each has in the environment, if any."""
_NOWHERE = "/nowhere/of-runledger"
"""A folder for sockets that does not exist."""


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


def require_taken(parameters: Mapping[str, Any]) -> None:
    """Raise InvalidStoreURL if libpq rejects an option, whatever server there is. The message shows no value.

    For a connection that failed: libpq's reason alone does not show whether trying again can help.
    """
    given = {name: value for name, value in parameters.items() if name in _VARIABLES}
    wrong = next((name for name in _LATE if not re.fullmatch(_WHOLE, str(given.get(name, 0)))), None)
    if wrong is None and not _are_addresses(str(given.get("hostaddr", ""))):
        wrong = "hostaddr"
    if wrong is None:
        if _is_taken(given):
            return
        wrong = next((name for name in given if _is_taken({**given, name: None})), None)
    if wrong is not None:
        raise _rejected(wrong)
    variables = [variable for variable in _VARIABLES.values() if variable in os.environ]
    others = f" and {', '.join(variables)} in the environment" if variables else ""
    raise InvalidStoreURL(f"libpq rejects the options of the store URL{others}, as they are together: correct them.")


def _rejected(option: str) -> InvalidStoreURL:
    return InvalidStoreURL(f"libpq rejects the {option} in the store URL: correct it, or leave it out.")


def _is_taken(parameters: Mapping[str, Any]) -> bool:
    """Whether libpq takes these options: it then looks for a server, here in a folder where none is, for each host."""
    hosts, addresses = (str(parameters.get(name, "")).count(",") for name in ("host", "hostaddr"))
    number = max(hosts, addresses) + 1
    elsewhere = {**parameters, "host": ",".join([_NOWHERE] * number), "hostaddr": None}
    attempt = PGconn.connect_start(make_conninfo(**elsewhere).encode())
    message = attempt.error_message.decode(errors="replace")
    attempt.finish()
    return message.count(_NOWHERE) >= number


def _are_addresses(addresses: str) -> bool:
    """Whether these are IP addresses, as `hostaddr` needs them; where one is empty, the host is looked up."""
    with suppress(ValueError):
        for address in filter(None, addresses.split(",")):
            ip_address(address)
        return True
    return False


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
