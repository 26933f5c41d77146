"""Comparing runs that were to be imported with those that the ledger has already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from ...domain import NewRun, RunKey, RunNotFound, UnusableForRun
from ..reads import LedgerReads
from .result import difference

_FEW = 20
"""So many runs are read one by one. More are looked for in one list, which takes a request for a page of runs."""
_EXTRA = 4
"""How many times as long as the runs that are looked for a list may be, because the ledger has others of that time."""


def differing(reads: LedgerReads, runs: Sequence[NewRun]) -> Iterator[tuple[NewRun, str]]:
    """Those of these runs that the ledger has with other values, in their order, with how they differ in words.

    A run whose record cannot be read is among them, with the reason; one that was removed meanwhile is not. Raises what
    reads raise.
    """
    same = _same_in_list(reads, runs) if len(runs) > _FEW else set()
    for number, run in enumerate(runs):
        if number not in same and (unlike := _difference(reads, run)):
            yield run, unlike


def _same_in_list(reads: LedgerReads, runs: Sequence[NewRun]) -> set[int]:
    """The places of runs that a list has with the same values. A store may have several records of one other run."""
    places: dict[RunKey, list[int]] = {}
    for number, run in enumerate(runs):
        places.setdefault(run.key, []).append(number)
    starts = [run.record.started_at for run in runs]
    listed = reads.find_with_logs(since=min(starts), until=_after(max(starts)), limit=_EXTRA * len(places))
    same: set[int] = set()
    with suppress(UnusableForRun):  # of a run that may be none of these; those behind it are read one by one
        for stored in listed:
            numbers = places.get(stored.key, ())
            same.update(number for number in numbers if not difference(runs[number], stored, "in the ledger"))
    return same


def _after(moment: datetime) -> datetime | None:
    try:
        return moment + timedelta(milliseconds=1)
    except OverflowError:
        return None


def _difference(reads: LedgerReads, run: NewRun) -> str:
    try:
        stored = reads.get_with_log(run.key.run_id, run.key.client_id)
    except RunNotFound:
        return ""
    except UnusableForRun as error:
        return str(error.args[0])
    return difference(run, stored, "in the ledger")
