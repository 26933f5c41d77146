"""What may be shown of text that came from elsewhere, and numbers in text: for terminals, logs and error messages."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

# Two classes each, because one that spans both ends of Unicode takes long to compile.
_UNSAFE = "[\x00-\x1f\x7f-\x9f]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
"""Control characters, which steer a terminal or break a line; characters that reverse the text around them; and lone
surrogates, which no encoding writes."""
_UNSAFE_BUT_LINES = "[\x00-\x09\x0b-\x1f\x7f-\x9f]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_INVISIBLE = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]|[\U000e0100-\U000e01ef]"
"""Characters that show nothing, although Python calls them printable: fillers, joiners, variation selectors."""
_LONGEST = 60
"""Characters of a value in an error message."""
_ITEMS = 21
"""So many items have more characters than that, with the commas between them."""
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str, *, lines: bool = False) -> str:
    """`text` with control characters, bidirectional formatting and lone surrogates escaped; with `lines`, line breaks
    stay.

    The escapes are those of JSON, so JSON stays valid and has the same value.
    """
    if text.isprintable():
        return text
    return re.sub(_UNSAFE_BUT_LINES if lines else _UNSAFE, _escaped, text)


def visible_id(text: str) -> str:
    """An id or name with every character escaped that cannot be seen, so that two ids that differ look different."""
    if text.isascii() and text.isprintable():
        return text
    printable = "".join(c if c.isprintable() else _escape(c) for c in text)
    return re.sub(_INVISIBLE, _escaped, printable)


def quoted(text: str) -> str:
    """Text as an error message quotes it: between quotes, with every character escaped that cannot be seen."""
    return visible_id(repr(text))


def shown(value: object) -> str:
    """A value, such as text, as an error message quotes it: escaped, and cut to 60 characters.

    Of what cannot be shown, such as a number with thousands of digits, the type is, and of a proxy its own.
    """
    own_type = f"<{type(value).__name__}>"
    try:
        if value.__class__ is not type(value):
            return own_type
        text = visible_id(repr(_beginning(str.__str__(value) if isinstance(value, str) else value)))
    except Exception:
        return own_type
    end = f"…{text[0]}" if isinstance(value, str) else "…"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + end


def _beginning(value: Any, depth: int = 3) -> Any:
    """A value as far as its repr is shown: with few of its items, and without those that are too deep in it."""
    kind = type(value)
    if kind in (str, bytes, bytearray):
        return value[:_LONGEST]
    if kind not in (dict, list, tuple, set, frozenset):
        return value
    if not depth:
        return ...
    if kind is dict:  # each item of it is a tuple, which is one level too
        return dict(_beginning(item, depth) for item in islice(value.items(), _ITEMS))
    return kind(_beginning(each, depth - 1) for each in islice(value, _ITEMS))


def counted(number: int, what: str) -> str:
    """A number with what it counts, in the plural unless it is 1."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _escaped(found: re.Match[str]) -> str:
    return _escape(found.group())


def _escape(character: str) -> str:
    code = ord(character)
    return _SHORT.get(character) or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
