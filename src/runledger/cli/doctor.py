"""Findings on whether a store can serve. Examining a store changes and creates nothing."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

import click

from ..domain import Backend, Finding, InvalidValue, StoreUnusable, Verdict
from ..domain.visible import visible
from ..stores import backend_of, store_url
from .alerts import VARIABLE, alerts_to, named_targets
from .output import print_json
from .streams import silence_libraries

_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.FIX: "red"}


def print_findings(findings: Iterable[Finding], *, as_json: bool) -> bool:
    """Print each finding when it arrives. Returns whether none of them is a fix.

    One finding a line; a terminal shows long lines wrapped to its width.
    """
    fits = True
    for found in findings:
        fits = fits and found.verdict is not Verdict.FIX
        if as_json:
            print_json({"verdict": found.verdict.value, "finding": found.what, "advice": found.advice})
            continue
        text = visible(str(found))
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
            text = textwrap.fill(text, width, initial_indent=" " * 6, subsequent_indent=" " * 6)[6:]
        click.echo(f"{click.style(f'{found.verdict.value:<4}', fg=_COLOURS[found.verdict])}  {text}")
    return fits


def examine(url: str) -> Iterator[Finding]:
    """Findings about the store at `url`. Raises StoreUnavailable, or InvalidValue for an option of the URL."""
    try:
        url = store_url(url)
        backend = backend_of(url)
        silence_libraries()
        if backend.examine is not None:
            yield from backend.examine(url)
        elif missing := backend.makes_on_open(url):
            yield Finding.note(f"there is no {missing}", "`runledger init` or the first start makes it")
        else:
            yield opened(url, backend)
            yield Finding.note("the adapter of this store has no further checks")
    except StoreUnusable as error:
        yield Finding.fix(str(error))


def alert_findings() -> Iterator[Finding]:
    """Findings about the alert URLs of the environment. Nothing is sent, and of a URL only its scheme is shown."""
    for url in named_targets():
        try:
            yield Finding.ok(f"{VARIABLE}: the alert URL {alerts_to(url).shown} can be used; nothing was sent")
        except InvalidValue as error:
            yield Finding.note(f"{VARIABLE}: {error} No alerts are sent there.")


def opened(url: str, backend: Backend) -> Finding:
    """Open and close a store; the finding that it opens. Raises the store's errors."""
    backend.open(url).close()
    return Finding.ok(f"the store of {url.partition('://')[0]}:// opens")
