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
    r"(?:(?P<user>[^\s:@/?#]*:)(?:(?![0-9]*(?:[/?#,\s'\")]|$)).{,300}|\S*)|[^\s:@/?#]{40,})@"
    r"|(?P<option>[?&;](?:ssl)?password=)[^\s&'\")]*(?:\s[^&'\")]{,300}(?=[&'\")]))?"
)
"""In a text that quotes a URL: from the colon after the user to the last @; a user as long as only a token is; and what
an option of the URL gives. White space may be in a password, but not after what is a port.

A match begins where a word begins, and white space is followed only so far, or a long text would take time that grows
with its square. Without slashes, only the scheme of a store makes a URL: an id may be a:b:c@d."""


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
