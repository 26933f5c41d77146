"""Asking a person before a command changes what cannot be changed back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from .output import remark


def ask(question: str, nothing: str) -> None:
    """Ask whether to go on. Any answer but yes ends the command with the sentence `nothing`, and exit code 1."""
    if not click.confirm(question, err=True):
        remark(nothing)
        click.get_current_context().exit(1)


@contextmanager
def before_any_change(nothing: str) -> Iterator[None]:
    """What comes before the change: if it is interrupted, or nobody answers, say that nothing was done."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort) as error:  # click raises Abort from either, where it asks
        remark(f"\n{nothing}")
        interrupted = isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt)
        click.get_current_context().exit(130 if interrupted else 1)
