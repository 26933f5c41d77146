"""The probe of a base: runs every experiment on a scratch table."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ...domain import Finding, StoreUnusable
from .experiments import EXPERIMENTS
from .scratch import MARK, Scratch, scratch_table
from .transport import Refused


def probe(url: str, name_or_id: str) -> Generator[Finding]:
    """The findings of every experiment on a scratch table of the base that a store URL names.

    Deletes its rows at the end; close the generator to stop early. Raises StoreUnusable if the table cannot be used.
    """
    try:
        with scratch_table(url, name_or_id) as scratch:
            yield from experiments_on(scratch)
    except Refused as error:
        raise StoreUnusable(
            f"the scratch table can no longer be used ({error}): the next probe deletes the remaining rows."
        ) from None
    yield Finding.ok("the scratch table is empty again")


def experiments_on(scratch: Scratch) -> Iterator[Finding]:
    """The finding of each experiment, in order."""
    for number, experiment in enumerate(EXPERIMENTS, 1):
        scratch.mark = f"{MARK}{number}"
        yield experiment.finding(scratch)
