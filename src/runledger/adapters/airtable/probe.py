"""The probe of a base: every experiment on a scratch table."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ...domain import Finding, StoreUnusable
from .experiments import EXPERIMENTS
from .scratch import MARK, Scratch, scratch_table
from .transport import Refused


def probe(url: str, name_or_id: str) -> Generator[Finding]:
    """Run every experiment on a scratch table of the base that a store URL names; close it to clean up early."""
    try:
        with scratch_table(url, name_or_id) as scratch:
            yield from experiments_on(scratch)
    except Refused as error:
        raise StoreUnusable(
            f"the scratch table cannot be used any more ({error}): the next probe removes the rows that are left."
        ) from None
    yield Finding.ok("the scratch table is empty again")


def experiments_on(scratch: Scratch) -> Iterator[Finding]:
    """What each experiment finds."""
    for number, experiment in enumerate(EXPERIMENTS, 1):
        scratch.mark = f"{MARK}{number}"
        yield experiment.finding(scratch)
