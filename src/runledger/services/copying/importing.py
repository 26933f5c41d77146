"""Creating runs that happened elsewhere. Those that the store refuses are named, and the others are created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from ...domain import InvalidValue, NewRun, RunKey, RunLedgerError, StoreUnavailable, UnknownMetric, UnusableForRun
from ..creation import new_mark
from ..ledger import RunLedger
from .comparison import differing

_AT_ONCE = 100
"""So many runs are sent together after a refusal: a store that is asked for each costs a request for so many."""


@frozen
class Imported:
    """What became of a run: `is_new` says whether it was created, `fault` why it was not, or how it was altered.

    A run that is not new and has no fault was there before.
    """

    run: NewRun
    is_new: bool
    fault: str = ""


def import_each(ledger: RunLedger, runs: Sequence[NewRun]) -> Iterator[Imported]:
    """Create those of the runs that are new and that the store can keep. Yields each run as soon as its fate is known.

    Raises StoreUnavailable, and StoreUnusable for what concerns all runs; what was created before has been yielded.
    """
    yield from _import(ledger, runs, {})


def _import(ledger: RunLedger, runs: Sequence[NewRun], in_doubt: dict[int, NewRun]) -> Iterator[Imported]:
    """See `import_each`. `in_doubt`: runs that may have been created, by their id, as they must be tried again."""
    mark = new_mark()
    sent = [(run, in_doubt.pop(id(run)) if id(run) in in_doubt else run.marked(mark)) for run in runs]
    try:
        there = {id(each) for each in ledger.import_records([each for _, each in sent])}
    except RunLedgerError as error:
        in_doubt.update(_retries(sent, error))
        made, rest = _divided(runs, error.applied)
        is_altered = not isinstance(error, StoreUnavailable) and error.key in error.applied
        yield from _altered(ledger, made, error) if is_altered else (Imported(run, True) for run in made)
        if not is_altered:
            if not isinstance(error, (InvalidValue, UnknownMetric, UnusableForRun)):
                raise
            refused = _refused(rest, error)
            if refused is not None:
                yield Imported(refused, False, str(error.args[0]))
                rest = [run for run in rest if run is not refused]
            elif rest:  # the store does not say which
                yield from _import(ledger, rest[: len(rest) // 2], in_doubt)
                rest = rest[len(rest) // 2 :]
    else:
        yield from (Imported(run, id(each) not in there) for run, each in sent)
        return
    for first in range(0, len(rest), _AT_ONCE):
        yield from _import(ledger, rest[first : first + _AT_ONCE], in_doubt)


def _retries(sent: Iterable[tuple[NewRun, NewRun]], error: RunLedgerError) -> dict[int, NewRun]:
    references = {key: key.reference for key in error.unconfirmed}
    return {
        id(run): each.retried(references.pop(each.key))  # of a key that comes twice, the first was sent
        for run, each in sent
        if each.key in references
    }


def _divided(runs: Sequence[NewRun], applied: Sequence[RunKey]) -> tuple[list[NewRun], list[NewRun]]:
    """The runs that were created, each the first of its key, and the rest."""
    keys = set(applied)
    made, rest = [], []
    for run in runs:
        if run.key in keys:
            keys.remove(run.key)
            made.append(run)
        else:
            rest.append(run)
    return made, rest


def _refused(runs: Sequence[NewRun], error: RunLedgerError) -> NewRun | None:
    """The run that the store refused. None if it does not say which, and there are several."""
    if len(runs) == 1:
        return runs[0]
    return next((run for run in runs if run.key == error.key), None)


def _altered(ledger: RunLedger, made: Sequence[NewRun], error: RunLedgerError) -> Iterator[Imported]:
    """The runs that were created, of which the store has altered one, and maybe more.

    If they cannot be read, raises why, after the last of them.
    """
    words: dict[int, str] = {}
    failure = None
    try:
        words.update((id(run), unlike) for run, unlike in differing(ledger.reads, made))
    except RunLedgerError as unread:
        failure = unread
    for run in made:
        yield Imported(run, True, words.get(id(run), str(error.args[0]) if run.key == error.key else ""))
    if failure is not None:
        raise failure
