"""The formats of a history file, and how one is recognised by the file's name or content."""

from __future__ import annotations

import codecs
from typing import Literal

Format = Literal["csv", "jsonl"]


def format_of_name(name: str) -> Format | None:
    """The format that a file's name shows, with or without .gz; None if it shows none."""
    stem = name.lower().removesuffix(".gz")
    if stem.endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    return "csv" if stem.endswith(".csv") else None


def format_of_content(beginning: bytes) -> Format:
    """The format of a file that begins with these bytes: JSON Lines begin with {."""
    return "jsonl" if beginning.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{") else "csv"
