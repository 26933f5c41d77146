"""`runledger missing`: which call sites updated runs that nobody had started, from the file of kept events."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...domain import EventKind
from ...domain.json_form import time_text
from ...domain.visible import counted, visible, visible_id
from ..arguments import MOMENT
from ..cells import padded, width_of
from ..options import json_option
from ..output import print_json, remark, say
from ..times import Times, chosen_times, local_option

if TYPE_CHECKING:
    from ...kept_events import KeptTallies, Tally

_GAP = "  "


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=MOMENT,
    help="Only call sites where it happened at or after a day (2025-11-24, from midnight UTC), an ISO time with its "
    "zone, or an age (2h). What is counted is all since the first time.",
)
@local_option
@json_option
def missing(file: Path, since: datetime | None, local: bool, as_json: bool) -> None:
    """List the call sites that updated runs that nobody had started, from the FILE that an observer keeps.

    The observer is KeptEvents; docs/command-line.md shows how a service uses it. Failed starts, after which updates
    find no run, are listed too. The most frequent come first, each with the newest run. A table on a terminal,
    tab-separated in a pipe. Changes nothing.

    Exit code 1 if any is listed, 0 if there is none, 7 if there is no such file.

    \b
    Examples:
      runledger missing missing.db
      runledger missing missing.db --since 1d
    """
    from ...kept_events import read  # here, because other commands need nothing of it

    times = chosen_times(local, as_json)
    kept = read(file)
    found = [tally for tally in kept.tallies if since is None or tally.last_at >= since]
    if as_json:
        for tally in found:
            print_json(_as_json(tally))
    elif not found:
        (say if sys.stdout.isatty() else remark)(_nothing(kept, since, times))
    elif sys.stdout.isatty():
        _print_on_terminal(found, times)
    else:
        _print_tab_separated(found, times)
    click.get_current_context().exit(1 if found else 0)


def _as_json(tally: Tally) -> dict[str, object]:
    return {
        "event": tally.kind.value,
        "call_site": tally.call_site,
        "count": tally.count,
        "first_at": time_text(tally.first_at),
        "last_at": time_text(tally.last_at),
        "run_id": tally.key and tally.key.run_id,
        "client_id": tally.key and tally.key.client_id,
    }


def _nothing(kept: KeptTallies, since: datetime | None, times: Times) -> str:
    start = kept.since if since is None else max(kept.since, since)
    return f"No update of a missing run and no failed start since {times.minute_in_zone(start)}."


def _print_tab_separated(tallies: Sequence[Tally], times: Times) -> None:
    click.echo("event\tcount\tfirst\tlast\trun id\tclient id\tcall site")
    for tally in tallies:
        ids = ("", "") if tally.key is None else (visible_id(tally.key.run_id), visible_id(tally.key.client_id))
        cells = (str(tally.count), times.text(tally.first_at), times.text(tally.last_at), *ids)
        click.echo("\t".join((tally.kind.value, *cells, visible(tally.call_site))))


def _print_on_terminal(tallies: Sequence[Tally], times: Times) -> None:
    """Print a table if it fits the terminal, else some lines for each call site, whose path is never folded."""
    heads = ("Times", f"First ({times.zone})", f"Last ({times.zone})", "Newest run", "Client", "Call site")
    rows = [_cells(tally, times) for tally in tallies]
    widths = [max(map(width_of, column)) for column in zip(heads, *rows, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= shutil.get_terminal_size().columns:
        click.echo(click.style(_line(heads, widths), bold=True))
        for row in rows:
            click.echo(_line(row, widths))
    else:
        for tally in tallies:
            say(_block(tally, times))


def _cells(tally: Tally, times: Times) -> tuple[str, ...]:
    run_id, client_id = (visible_id(tally.key.run_id), visible_id(tally.key.client_id)) if tally.key else ("", "")
    return (
        f"{tally.count:,}",
        times.minute(tally.first_at),
        times.minute(tally.last_at),
        run_id,
        client_id,
        _site(tally),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join([cells[0].rjust(widths[0]), *map(padded, cells[1:], widths[1:])]).rstrip()


def _site(tally: Tally) -> str:
    return visible(tally.call_site) + (" (failed start)" if tally.kind is EventKind.START_FAILED else "")


def _block(tally: Tally, times: Times) -> str:
    lines = [_site(tally), f"  {counted(tally.count, 'time')}"]
    lines += [f"  first {times.minute_in_zone(tally.first_at)}", f"  last {times.minute_in_zone(tally.last_at)}"]
    if tally.key:
        lines += [f"  newest: {visible_id(tally.key.run_id)}", f"    of {visible_id(tally.key.client_id)}"]
    return "\n".join(lines)
