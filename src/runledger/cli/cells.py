"""Text in the cells of a terminal, in which a character takes none, one or two. ASCII is measured without a table."""

from __future__ import annotations


def width_of(text: str) -> int:
    """How many cells a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # here, because most ids are ASCII, and few commands print any

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """A text with blanks up to a width."""
    return text + " " * (width - width_of(text))


def fold(text: str, width: int) -> list[str]:
    """A text as lines that are at most so wide."""
    if width_of(text) <= width:
        return [text]
    if text.isascii():
        return [text[i : i + width] for i in range(0, len(text), width)]
    from rich.cells import chop_cells

    return chop_cells(text, width)


def cut(text: str, width: int) -> str:
    """A text that is at most so wide; what is cut off is replaced by an ellipsis."""
    if width_of(text) <= width:
        return text
    return fold(text, width - 1)[0] + "…"
