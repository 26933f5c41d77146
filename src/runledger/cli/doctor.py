"""Whether a store can serve, as findings in plain words. Looking changes nothing and creates nothing."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

import click

from ..domain import Backend, Finding, StoreUnusable, Verdict
from ..stores import backend_of, store_url
from .output import print_json

_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.FIX: "red"}


def print_findings(findings: Iterable[Finding], *, as_json: bool) -> bool:
    """Print each finding as it comes, one a line (on a terminal folded to its width); whether none asks for a fix."""
    fits = True
    for found in findings:
        fits = fits and found.verdict is not Verdict.FIX
        if as_json:
            print_json({"verdict": found.verdict.value, "finding": found.what, "advice": found.advice})
            continue
        text = str(found)
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
            text = textwrap.fill(text, width, initial_indent=" " * 6, subsequent_indent=" " * 6)[6:]
        click.echo(f"{click.style(f'{found.verdict.value:<4}', fg=_COLOURS[found.verdict])}  {text}")
    return fits


def examine(url: str) -> Iterator[Finding]:
    """What there is to say about the store at `url`. Raises StoreUnavailable, or InvalidValue for a URL's option."""
    try:
        url = store_url(url)
        backend = backend_of(url)
        if backend.examine is not None:
            yield from backend.examine(url)
        elif missing := backend.makes_on_open(url):
            yield Finding.note(f"there is no {missing}", "`runledger init` or the first start makes it")
        else:
            yield opened(url, backend)
            yield Finding.note("the adapter of this store examines no more than that")
    except StoreUnusable as error:
        yield Finding.fix(str(error))


def opened(url: str, backend: Backend) -> Finding:
    """Open and close a store. Raises what the store raises."""
    backend.open(url).close()
    return Finding.ok(f"the store of {url.partition('://')[0]}:// opens")
