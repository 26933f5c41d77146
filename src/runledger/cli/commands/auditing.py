"""`runledger audit`: what is wrong with the rows of a store."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import click

from ...domain.key import named
from ...domain.visible import counted, visible
from ...services.inspecting.auditing import Audit, Defect, DefectKind, audit, rows_of
from ...services.ledger import utc_now
from ...stores import open_repository
from ..arguments import DURATION
from ..options import chosen_existing_store, json_option, shown_store, store_option
from ..output import print_json, remark, say
from ..progress import progress, showing

_NAMED = 10
"""How many defects of each kind are listed without --verbose."""
_KINDS = {kind.value.replace(" ", "-"): kind for kind in DefectKind}


@click.command("audit")
@store_option
@click.option(
    "--running-longer-than",
    "longest",
    type=DURATION,
    default="24h",
    show_default=True,
    help="Report runs that are Running for longer.",
)
@click.option(
    "--skip",
    "skipped",
    type=click.Choice(list(_KINDS)),
    metavar="KIND",  # the names, which are explained above, are too long for a terminal
    multiple=True,
    help="A kind to leave out; may be repeated.",
)
@click.option("--verbose", "-v", is_flag=True, help=f"List every defect; else {_NAMED} of each kind.")
@json_option
def audit_(longest: timedelta, skipped: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Report what is wrong with the rows of the store, by kind and by month. Changes nothing.

    Reads every row once, also those that are not valid run records. The month is that of a run's start, so that one
    sees when a defect began, and when it ended.

    duplicate: several rows of one key; the oldest is the run's record, and the others are named, to remove by hand.
    similar-keys: keys that differ only by case, white space, Unicode form or separators, by a whole part more at one
    end of an id, or by the order of its parts: perhaps one run. no-id, no-start-time, unknown-status, end-before-start,
    no-end-time (of a finished run), in-the-future (times that are 5 minutes or more ahead), running-too-long, and
    unreadable (anything else, also a log that lacks lines).

    Exit code 1 if there is a defect.

    \b
    Examples:
      runledger audit
      runledger audit --skip similar-keys --running-longer-than 7d --json
    """
    with closing(open_repository(chosen_existing_store())) as repository, progress("records") as advance:
        rows = showing(rows_of(repository.without_creation()), advance)
        found = audit(rows, now=utc_now(), longest=longest, skipped={_KINDS[name] for name in skipped})
    if as_json:
        _print_as_json(found)
    else:
        _print(found, verbose)
    click.get_current_context().exit(1 if found.defects else 0)


def _print_as_json(found: Audit) -> None:
    counts = {kind.value: dict(months) for kind, months in found.counts().items()}
    defects = [defect.to_json() for defect in found.defects]
    print_json({"rows": found.rows, "counts": counts, "defects": defects, "remove": list(found.to_remove())})


def _print(found: Audit, verbose: bool) -> None:
    what = counted(len(found.defects), "defect") if found.defects else "no defects"
    say(f"{counted(found.rows, 'row')} in {shown_store()}: {what}.")
    for kind, months in found.counts().items():
        say(f"\n{kind.value}: {sum(months.values()):,}")
        say("  by month: " + ", ".join(f"{month} {count:,}" for month, count in months.items()))
        defects = [defect for defect in found.defects if defect.kind is kind]
        for defect in defects if verbose else defects[:_NAMED]:
            say(f"  {_line(defect)}")
        if len(defects) > _NAMED and not verbose:
            remark(f"  … {len(defects) - _NAMED:,} more; --verbose lists them too.")
    if remove := found.to_remove():
        say(f"\n{counted(len(remove), 'duplicate')} to remove by hand:")
        for reference in remove:
            say(f"  {visible(reference)}")


def _line(defect: Defect) -> str:
    keys = " and ".join(f"{named(run_id)} of {named(client_id)}" for run_id, client_id in defect.keys)
    row = f" (row {defect.reference})" if defect.reference else ""
    return visible(f"{defect.month}  {keys}{row}: {defect.detail}")
