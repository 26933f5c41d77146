"""The lines of a text file, counted and bounded, and what is made of them, with its line number or why it is bad."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import TextIO, TypeVar

from attrs import define

from ...domain import InvalidValue
from .problems import BadRow

T = TypeVar("T")

MAX_LINE = 1 << 26
"""Characters of a line or a CSV cell. The log of a long run is one cell; a quote that nobody closed, or a file without
line ends, must not fill the memory."""

_UNDECODED = re.compile("[\udc80-\udcff]")
"""What the error handler surrogateescape makes of bytes that are not UTF-8 (PEP 383)."""


@define
class Lines:
    """The lines of a file, counted. One that is too long is skipped, and raises InvalidValue.

    `are_text` becomes False at a line that is not UTF-8.
    """

    _text: TextIO
    number: int = 0
    are_text: bool = True

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            while (rest := self._text.readline(MAX_LINE)) and rest[-1] not in "\r\n":
                pass
            raise InvalidValue(f"longer than {MAX_LINE:,} characters.")
        if not line.isascii() and _UNDECODED.search(line):
            self.are_text = False
        return line


def numbered(items: Iterator[T], lines: Lines) -> Iterator[tuple[int, T | BadRow]]:
    """Each item that is made of one or more lines, with the number of its last line, or why that item is bad."""
    while True:
        lines.are_text = True
        before = lines.number
        bad = ""
        try:
            item = next(items)
        except StopIteration:
            return
        except InvalidValue as error:
            bad = str(error)
        except csv.Error as error:
            since = f", from line {before + 1} on" if before + 1 < lines.number else ""
            bad = f"not CSV ({error}{since})."
        if not lines.are_text:
            bad = "not UTF-8 text: convert the file."
        yield lines.number, BadRow(lines.number, bad) if bad else item
