"""What a shell may complete: ids of the chosen store, and commands on the path."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import click

from ..domain import RunKey
from ..stores import connect

_READ = 1000
"""How many runs are read, the newest first. In Airtable, that is ten requests."""
_SECONDS = 3.0
"""How long a store has to answer. A person waits, and sees nothing but the completions."""
_SAFE = r"(?a)[\w@%+./][\w@%+./-]*"
"""Ids that mean themselves in every shell. bash would put any other on the command line as it is, `$(…)` included."""


def stored_ids(url: Callable[[], str], of: Callable[[RunKey], str], begun: str, **filters: Any) -> list[str]:
    """The ids of runs or clients in a store that begin so, those of the newest runs first.

    None if the store does not answer soon, or cannot: there is nowhere to say why.
    """
    found: dict[str, None] = {}

    def read() -> None:
        with connect(place, observers=()) as ledger:
            for record in ledger.find(limit=_READ, **filters):
                found[of(record.key)] = None

    try:
        place = url()
    except Exception:
        return []
    reading = Thread(target=_quietly, args=(read,), daemon=True)
    reading.start()
    reading.join(_SECONDS)
    return [each for each in list(found) if each.startswith(begun) and re.fullmatch(_SAFE, each)]


def commands(ctx: click.Context, _param: click.Parameter, begun: str) -> list[Any]:
    """Files and, for the first word, the commands on the path that begin so."""
    from click.shell_completion import CompletionItem  # here, because only a shell that completes needs it

    files = CompletionItem(begun, type="file")  # first, because in bash it takes back what came before
    if ctx.params.get("command") or "/" in begun:
        return [files]
    return [files, *map(CompletionItem, sorted({each for each in _executables() if each.startswith(begun)}))]


def _executables() -> Iterator[str]:
    for folder in os.get_exec_path():
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        yield from (
            name for name in names if re.fullmatch(_SAFE, name) and os.access(os.path.join(folder, name), os.X_OK)
        )


def _quietly(read: Callable[[], None]) -> None:
    try:
        read()
    except Exception:  # an exception of a thread would be printed into the person's command line
        return
