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

MAX_ROW = 1 << 24
"""Characters of a row, in one line or several. The log of a long run is one cell; but a quote that nobody closed, a
file without line ends, or three megabytes of gzip that hold a gigabyte must not fill the memory. The Python objects
that JSON makes of so many characters may take twenty times as many bytes."""

_UNDECODED = re.compile("[\udc80-\udcff]")
"""What the error handler surrogateescape makes of bytes that are not UTF-8 (PEP 383)."""


@define
class Lines:
    """The lines of a file, counted. A row that is too long raises InvalidValue; the next line begins another row.

    `are_text` becomes False at a line that is not UTF-8.
    """

    _text: TextIO
    number: int = 0
    are_text: bool = True
    _ahead: str | None = None
    _of_row: int = 0
    """Characters of this row's lines so far."""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self.ahead()
        self._ahead = None
        if not line:
            raise StopIteration
        self.number += 1
        self._of_row += len(line)
        is_cut = len(line) == MAX_ROW and line[-1] not in "\r\n"
        while is_cut and (rest := self._text.readline(MAX_ROW)) and rest[-1] not in "\r\n":
            pass
        if is_cut or self._of_row > MAX_ROW:
            raise InvalidValue(f"longer than {MAX_ROW:,} characters: is a quote not closed, or a line end missing?")
        if not line.isascii() and _UNDECODED.search(line):
            self.are_text = False
        return line

    def ahead(self) -> str:
        """The next line, which stays the next; empty at the end of the file."""
        if self._ahead is None:
            self._ahead = self._text.readline(MAX_ROW)
        return self._ahead

    def begin_row(self) -> None:
        """Make the next line the first of a row."""
        self.are_text = True
        self._of_row = 0


def numbered(items: Iterator[T], lines: Lines) -> Iterator[tuple[int, T | BadRow]]:
    """Each item that is made of one or more lines, with the number of its last line, or why that item is bad."""
    while (found := _next(items, lines)) is not None:
        yield lines.number, found
        found = None  # so that no two large rows are in memory at a time


def _next(items: Iterator[T], lines: Lines) -> T | BadRow | None:
    """The next item, or why it is bad; None after the last one."""
    lines.begin_row()
    before = lines.number
    try:
        item = next(items)
    except StopIteration:
        return None
    except InvalidValue as error:
        bad = str(error)
    except csv.Error as error:
        since = f", from line {before + 1} on" if before + 1 < lines.number else ""
        bad = f"not CSV ({error}{since})."
    else:
        bad = ""
    if not lines.are_text:
        bad = "not UTF-8 text: convert the file."
    return BadRow(lines.number, bad) if bad else item
