"""Lists of runs: a table or blocks on a terminal, tab-separated lines in a pipe, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import click

from ..domain import RunRecord
from ..domain.json_form import time_text
from ..domain.visible import visible, visible_id
from .cells import cut, fold, padded, width_of
from .output import coloured, minute, print_json, remark, took

_PAGE = 500
"""How many runs are read before they are printed. The first page sets the width of the columns."""
_NARROWEST_RUN = 20
"""With less room for run ids, runs are printed as blocks."""
_NARROWEST_CLIENT = 8
_GAP = "  "
_MINUTE = 16

Layout = Callable[[RunRecord], str]


def print_records(
    records: Iterable[RunRecord], *, json_lines: bool, limit: int | None, nothing: str, quiet: bool = False
) -> None:
    """Print records: as JSON lines, as a table on a terminal, or as tab-separated lines in a pipe.

    For `quiet` runs, which are all Running, the table shows the last update instead of status and duration.
    `nothing` is what a person reads if there are no records.
    """
    on_terminal = sys.stdout.isatty()
    if json_lines:
        count = _print_each(records, lambda record: print_json(record.to_json()))
    elif on_terminal:
        count = _print_on_terminal(iter(records), quiet)
        if count and count == limit:
            remark(f"Only {limit} shown; more with --limit N or --all.")
    else:
        count = _print_tab_separated(records)
    if not count and on_terminal and not json_lines:
        click.echo(nothing)
    elif not count and sys.stderr.isatty():
        remark(nothing)


def _print_each(records: Iterable[RunRecord], print_one: Callable[[RunRecord], None]) -> int:
    count = 0
    for record in records:
        print_one(record)
        count += 1
    return count


def _print_tab_separated(records: Iterable[RunRecord]) -> int:
    count = 0
    for count, record in enumerate(records, 1):
        if count == 1:
            click.echo("started\trun id\tclient id\tclient name\tstatus\ttook\tupdated\terror")
        cells = (
            time_text(record.started_at),
            visible_id(record.key.run_id),
            visible_id(record.key.client_id),
            visible_id(record.client_name),
            record.status.value,
            took(record.duration),
            time_text(record.updated_at),
            visible(_first_line(record.error)),
        )
        click.echo("\t".join(cells))
    return count


def _print_on_terminal(records: Iterator[RunRecord], quiet: bool) -> int:
    """Print page by page, so that a long list begins without delay. Returns the number of records."""
    import shutil  # here, because it loads every kind of compression

    columns = shutil.get_terminal_size().columns
    count = 0
    layout: Layout | None = None
    while page := list(islice(records, _PAGE)):
        if layout is None:
            layout = _layout(page, columns, quiet)
        click.echo("\n".join(map(layout, page)))
        count += len(page)
    return count


def _layout(page: Iterable[RunRecord], columns: int, quiet: bool) -> Layout:
    """How records are laid out on a terminal: in the columns of a table, whose heading is printed, or in blocks."""
    widest_run = widest_client = widest_last = 0
    status = 0 if quiet else len("Status")
    for record in page:
        widest_run = max(widest_run, width_of(visible_id(record.key.run_id)))
        widest_client = max(widest_client, width_of(visible_id(record.key.client_id)))
        if not quiet:
            status = max(status, len(record.status.value))
            widest_last = max(widest_last, len(took(record.duration)))
    last = _MINUTE if quiet else max(widest_last, len("Took"))
    room = columns - _MINUTE - (status + len(_GAP) if status else 0) - last - 3 * len(_GAP)
    client = max(len("Client"), min(widest_client, max(_NARROWEST_CLIENT, room - widest_run)))
    run = max(len("Run"), min(widest_run, room - client))
    if run < min(widest_run, _NARROWEST_RUN) or run + client > room:
        return lambda record: _block(record, columns, quiet)
    heads = ["Started (UTC)".ljust(_MINUTE), "Run".ljust(run), "Client".ljust(client)]
    heads += ["Updated (UTC)".rjust(last)] if quiet else ["Status".ljust(status), "Took".rjust(last)]
    click.echo(click.style(_GAP.join(heads), bold=True))
    widest = max(client, room - run)
    return lambda record: _row(record, columns, run, client, widest, status, last)


def _row(record: RunRecord, columns: int, run: int, client: int, widest: int, status: int, last: int) -> str:
    """A row of the table, with the reason of a failure below it.

    A run id is never folded, so that it can be copied: if it is too wide for its column, the row goes on in the next
    line. A client id is folded where it would not fit the terminal.
    """
    start, run_id = minute(record.started_at), visible_id(record.key.run_id)
    lead = f"{start}{_GAP}{padded(run_id, run)}"
    indent = " " * (_MINUTE + len(_GAP) + run + len(_GAP))
    first, *more = fold(visible_id(record.key.client_id), widest)
    if status:
        end = coloured(f"{record.status.value:<{status}}", record.status) + f"{_GAP}{took(record.duration):>{last}}"
    else:
        end = f"{minute(record.updated_at):>{last}}"
    wide = width_of(run_id) > run
    lines = [lead + "\n" + indent if wide else lead + _GAP]
    lines[0] += f"{padded(first, client)}{_GAP}{end}".rstrip()
    lines += [indent + part for part in more]
    return "\n".join(lines + _reason(record, columns, _MINUTE + len(_GAP)))


def _block(record: RunRecord, columns: int, quiet: bool) -> str:
    """Some lines for a record: for terminals too narrow for a table. The ids are never folded."""
    run_id, client_id = visible_id(record.key.run_id), visible_id(record.key.client_id)
    fits = width_of(run_id) + len(_GAP) + width_of(client_id) <= columns
    lines = [f"{run_id}{_GAP}{client_id}"] if fits else [run_id, f"  {client_id}"]
    if quiet:
        lines += [f"  started {minute(record.started_at)} UTC", f"  updated {minute(record.updated_at)} UTC"]
    else:
        status = coloured(record.status.value, record.status)
        lines.append(f"  {minute(record.started_at)} UTC  {status}  {took(record.duration)}".rstrip())
    return "\n".join(lines + _reason(record, columns, 2))


def _reason(record: RunRecord, columns: int, indent: int) -> list[str]:
    if record.error is None:
        return []
    reason = cut(visible(_first_line(record.error)), max(columns - indent, _NARROWEST_RUN))
    return [" " * indent + coloured(reason, record.status)]


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]
