"""The code of docs/logging.md writes what the page shows beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from commands import environment
from documents import blocks

SHOWN = blocks("docs/logging.md", "python", "json")
PAIRS = list(
    zip(
        [text for kind, text in SHOWN if kind == "python"],
        [text for kind, text in SHOWN if kind == "json"],
        strict=True,
    )
)


def of_any_time(lines: str) -> list[tuple[str, object]]:
    """The fields of each line in their order; of times and durations, the form."""
    objects = [json.loads(line, object_pairs_hook=list) for line in lines.splitlines()]
    return [
        (name, type(value) if name == "seconds" else re.sub(r"\d", "0", value) if name == "timestamp" else value)
        for fields in objects
        for name, value in fields
    ]


@pytest.mark.parametrize(("code", "shown"), PAIRS, ids=["json", "structlog", "structlog alone"])
def test_the_code_writes_what_the_page_shows(code: str, shown: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert of_any_time(done.stdout) == of_any_time(shown)
    assert done.stderr == ""
