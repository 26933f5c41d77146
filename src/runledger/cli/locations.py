"""Where runs are, as a person may read it."""

from __future__ import annotations

import re

from ..stores import SCHEMES

_OF_FILE = r"[a-z][a-z0-9+.-]*:///[^?@]*"
_PUBLIC = (
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:(?P<user>[^:@/?#]*)(?::[^@/?#]*)?@)?"
    r"(?P<place>(?:[^:@/?#]|:[0-9]+(?=[,/?]|$)|\[[0-9a-fA-F:.]+\])*(?:/[^@?#]*)?)(?:\?[^@]*)?"
)
"""A URL in which a password, if there is any, is where it belongs."""

_SECRETS = (
    r"(?<![a-z0-9+.-])(?P<scheme>[a-z0-9+.-]+:/+|[a-z0-9+.-]*(?:" + "|".join(SCHEMES) + r"):)"
    r"(?:(?P<user>[^\s:@/?#]*:)(?:\S{2000,}|(?![0-9]*(?:[/?#,\s'\")]|$)).{,300}@|\S{,2000}@)|[^\s:@/?#]{40,}@)"
    r"|(?P<option>[?&;](?:ssl)?password=)[^\s&'\")]*(?:\s[^&'\")]{,300}(?=[&'\")]))?"
)
"""In a text that quotes a URL: from the colon after the user to the last @; a user as long as only a token is; and what
an option of the URL gives. White space may be in a password, but not after what is a port.

A match begins where a word begins, and looks only so far for an @, or a long text would take time that grows with its
square: 2,000 characters without white space are left out, with or without an @. Without slashes, only the scheme of a
store makes a URL: an id may be a:b:c@d."""

_PUBLIC_OPTION = (
    # of PostgreSQL
    r"(?:host|hostaddr|port|dbname|user|passfile|service|connect_timeout|application_name|client_encoding"
    r"|keepalives(?:_idle|_interval|_count)?|tcp_user_timeout|target_session_attrs|load_balance_hosts"
    r"|ssl(?:mode|negotiation|rootcert|cert|key|certmode|crl|crldir|sni)|(?:ssl_)?(?:min|max)_protocol_version"
    r"|gssencmode|krbsrvname|gsslib|channel_binding|require_auth|requirepeer|prepared_statements"
    # of Airtable
    r"|endpoint|run_id|client_id|client_name|status|started_at|ended_at|updated_at|log|error|number|start_mark"
    r"|metric\.[^=]*|status\.[^=]*)=[^@=]*"
)
"""An option of a store's URL that may be printed. Any other may hold a secret, also one of an adapter that is not built
in; so may a value that has a user or an option in it."""


def without_passwords(text: str) -> str:
    """A message in which there may be a store's URL, given where none belongs, without the URL's password or token."""
    return re.sub(_SECRETS, _masked, text, flags=re.IGNORECASE)


def _masked(found: re.Match[str]) -> str:
    return f"{found['option']}…" if found["option"] else f"{found['scheme']}{found['user'] or ''}…@"


def shown_url(url: str) -> str:
    """A store's URL without its password and options. Of one that cannot be taken apart safely, only the scheme."""
    if re.fullmatch(_OF_FILE, url):
        return url
    parts = re.fullmatch(_PUBLIC, url)
    if parts is None:
        return f"{url.partition('://')[0]}://…"
    user = f"{parts['user']}@" if parts["user"] else ""
    return f"{parts['scheme']}{user}{parts['place']}"


def without_secrets(url: str) -> tuple[str, list[str]]:
    """A store's URL that can be used, without its secrets, and what was left out of it.

    Of one that cannot be taken apart safely, all is left out.
    """
    from urllib.parse import unquote  # here, because it slows the start of every command, and only `copy` needs it

    address, _, query = url.partition("?")
    user, at, _ = address.partition("://")[2].rpartition("@")
    options = list(filter(None, query.split("&")))
    left_out = []
    if ":" in user or (at and re.fullmatch("[^/]{40,}", user)) or "@" in query:
        if ":" not in user or not re.fullmatch(_PUBLIC, url):
            return "", []
        address, left_out = shown_url(address), ["password"] if user.partition(":")[2] else []
    if not all("=" in option for option in options):  # a part of a password may be what seems to be a name
        return "", []
    kept = []
    for option in options:
        if re.fullmatch(_PUBLIC_OPTION, unquote(option)):
            kept.append(option)
        else:
            left_out.append(unquote(option.partition("=")[0]))
    return "?".join([address, "&".join(kept)] if kept else [address]), left_out
