"""The documents as their readers take them: by their code blocks, and by the commands that consoles show."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    """The code blocks of a page in these languages: the language, and the text."""
    of_these = "|".join(map(re.escape, languages))
    return re.findall(rf"^```({of_these})\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def typed(console: str) -> list[tuple[str, str]]:
    """What is typed in a console, whole if it is continued in further lines, and what the console says to it."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE)
