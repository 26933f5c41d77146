"""Many values as one text, which PostgreSQL reads: arrays, and blocks of COPY.

The driver writes values one by one, and takes several times as long. No text in PostgreSQL contains U+0000, which here
marks what is none of a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...domain import RunKey


def array(values: Iterable[str | None]) -> str:
    """The literal of an array of these texts; None is NULL."""
    marked = "\0,".join(["\0N" if value is None else f"\0Q{value}\0Q" for value in values])
    escaped = marked.replace("\\", r"\\").replace('"', r"\"")
    return "{" + escaped.replace("\0Q", '"').replace("\0,", ",").replace("\0N", "NULL") + "}"


def key_arrays(keys: Iterable[RunKey]) -> tuple[str, str]:
    """The ids of keys as two arrays."""
    keys = list(keys)
    return array([key.run_id for key in keys]), array([key.client_id for key in keys])


def copy_block(rows: Iterable[Sequence[str | int | None]]) -> str:
    """Rows as COPY reads them in its text format."""
    marked = "".join(["\0T".join(["\0N" if value is None else str(value) for value in row]) + "\0L" for row in rows])
    escaped = marked.replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
    return escaped.replace("\0T", "\t").replace("\0N", r"\N").replace("\0L", "\n")
