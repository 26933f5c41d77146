"""The formats of a history file, and how one is recognised by the file's name or content."""

from __future__ import annotations

import codecs
from typing import Literal

Format = Literal["csv", "jsonl"]

ENDINGS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}


def is_compressed(name: str) -> bool:
    """Whether a file of this name is compressed with gzip."""
    return name.lower().endswith(".gz")


def format_of_name(name: str) -> Format | None:
    """The format that a file's name shows, with or without .gz; None if it shows none."""
    stem = name.lower().removesuffix(".gz")
    return next((known for ending, known in ENDINGS.items() if stem.endswith(ending)), None)


def format_of_content(beginning: bytes) -> Format:
    """The format of a file that begins with these bytes: JSON Lines begin with {."""
    return "jsonl" if _first(beginning) in (b"{", b"[") else "csv"


def is_json_array(beginning: bytes) -> bool:
    """Whether a JSON file that begins with these bytes is one array, and not JSON Lines."""
    return _first(beginning) == b"["


def _first(beginning: bytes) -> bytes:
    return beginning.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
