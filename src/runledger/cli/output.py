"""What commands write: to standard output for programs and people, to standard error for people.

Everything that commands write passes through here, so that no text that came from data steers the terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import click

from ..domain import RunStatus
from ..domain.visible import visible
from .locations import without_passwords

_COLOURS = {
    RunStatus.RUNNING: "blue",
    RunStatus.COMPLETED: "green",
    RunStatus.COMPLETED_WITH_ERRORS: "yellow",
    RunStatus.FAILED: "red",
    RunStatus.SKIPPED: "cyan",
    RunStatus.CANCELLED: "magenta",
}


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line: in UTF-8 if standard output takes it, else escaped."""
    text = json.dumps(value, ensure_ascii=(sys.stdout.encoding or "").lower() != "utf-8")
    click.echo(visible(text))


def say(text: str) -> None:
    """Print a line of text to standard output."""
    click.echo(visible(text, lines=True))


def remark(text: str) -> None:
    """Print to standard error, above a progress bar if there is one; click.echo would write into the bar's line."""
    print(visible(text, lines=True), file=sys.stderr)


def complain(what: object) -> None:
    """Print an error to standard error. It may quote the URL of a store that was given as an id or a file."""
    remark(f"runledger: {without_passwords(str(what))}")


def give_output_up(error: OSError) -> None:
    """Print to standard error that standard output cannot be written. What waits for it is written nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python tries once more when it ends, which changes the exit code
    complain(f"the output cannot be written: {error.strerror or error}.")


def colour_wanted() -> bool | None:
    """False if NO_COLOR is set (https://no-color.org) or the terminal is dumb; None lets the terminal decide."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def coloured(text: str, status: RunStatus) -> str:
    """`text` in the colour of a status."""
    return click.style(text, fg=_COLOURS[status])


def took(duration: timedelta | None) -> str:
    """A duration in two units; empty for None."""
    if duration is None:
        return ""
    if duration < timedelta():  # the clock of the machine that ended it was behind
        return f"-{took(-duration)}"
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.3g}s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}h {minutes:02}m" if hours else f"{minutes}m {seconds:02}s"
