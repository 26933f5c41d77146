"""Lists of runs: a table or blocks on a terminal, tab-separated lines in a pipe, or JSON."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import click
from attrs import frozen

from ..domain import RunRecord, RunStatus
from ..domain.visible import visible, visible_id
from .cells import cut, fold, padded, width_of
from .output import coloured, print_json, remark, took
from .times import Times

_PAGE = 500
"""How many runs are read before they are printed. The first page sets the width of the columns."""
_NARROWEST_RUN = 20
"""With less room for run ids, runs are printed as blocks."""
_NARROWEST_CLIENT = 8
_GAP = "  "
_MINUTE = 16
_AGE = len("999d ago")
_SHORT = {RunStatus.COMPLETED_WITH_ERRORS: "With Errors"}
"""Names of statuses for tables that would not fit the terminal otherwise."""

Layout = Callable[[RunRecord], str]


@frozen(kw_only=True)
class View:
    """What lists show of a run. Ages are shown on a terminal.

    Of `quiet` runs, which are all Running, a table shows the last update, and its age, instead of status and duration.
    `ages`: how long ago each run started is in every line; else it is in a table only if no id is folded for it.
    """

    times: Times
    quiet: bool = False
    ages: bool = False


def print_records(
    records: Iterable[RunRecord], *, view: View, json_lines: bool, limit: int | None, nothing: str
) -> int:
    """Print records: as JSON lines, as a table on a terminal, or as tab-separated lines in a pipe. Returns how many.

    `nothing` is what a person reads if there are no records; if it is empty, no line is printed.
    """
    on_terminal = sys.stdout.isatty()
    if json_lines:
        count = _print_each(records, lambda record: print_json(record.to_json()))
    elif on_terminal:
        count = _print_on_terminal(iter(records), view)
        if count and count == limit:
            remark(f"Only {limit} shown; more with --limit N or --all.")
    else:
        count = _print_tab_separated(records, view.times)
    if count or not nothing:
        return count
    if on_terminal and not json_lines:
        click.echo(nothing)
    elif sys.stderr.isatty():
        remark(nothing)
    return count


def _print_each(records: Iterable[RunRecord], print_one: Callable[[RunRecord], None]) -> int:
    count = 0
    for record in records:
        print_one(record)
        count += 1
    return count


def _print_tab_separated(records: Iterable[RunRecord], times: Times) -> int:
    count = 0
    for count, record in enumerate(records, 1):
        if count == 1:
            click.echo("started\trun id\tclient id\tclient name\tstatus\ttook\tupdated\terror")
        cells = (
            times.text(record.started_at),
            visible_id(record.key.run_id),
            visible_id(record.key.client_id),
            visible_id(record.client_name),
            record.status.value,
            took(record.duration),
            times.text(record.updated_at),
            visible(_first_line(record.error)),
        )
        click.echo("\t".join(cells))
    return count


def _print_on_terminal(records: Iterator[RunRecord], view: View) -> int:
    """Print page by page, so that a long list begins without delay. Returns the number of records."""
    import shutil  # here, because it loads every kind of compression

    columns = shutil.get_terminal_size().columns
    count = 0
    layout: Layout | None = None
    while page := list(islice(records, _PAGE)):
        if layout is None:
            layout = _layout(page, columns, view)
        click.echo("\n".join(map(layout, page)))
        count += len(page)
    return count


@frozen(kw_only=True)
class _Table:
    """The widths of a terminal and of the columns of a table, and what it shows.

    `widest` is how wide a client id may be. `aged`: it has ages. `short`: statuses have short names.
    """

    columns: int
    run: int
    client: int
    widest: int
    status: int
    last: int
    aged: bool
    short: bool


def _layout(page: Sequence[RunRecord], columns: int, view: View) -> Layout:
    """How records are laid out on a terminal: in the columns of a table, whose heading is printed, or in blocks."""
    for short in (False, True):
        if table := _table(page, columns, view, short):
            break
    else:
        return lambda record: _block(record, columns, view)
    zone, status = f"({view.times.zone})", "Status".ljust(table.status)
    heads = [f"Started {zone}".ljust(_MINUTE), "Run".ljust(table.run), "Client".ljust(table.client)]
    heads += [f"Updated {zone}".rjust(table.last)] if view.quiet else [status, "Took".rjust(table.last)]
    if table.aged:
        heads.insert(len(heads) if view.quiet else 1, "Ago".rjust(_AGE))
    click.echo(click.style(_GAP.join(heads), bold=True))
    return lambda record: _row(record, table, view)


def _table(page: Sequence[RunRecord], columns: int, view: View, short: bool) -> _Table | None:
    """The widths of a table that fits the terminal; None if there is no such table."""
    widths = Counter((width_of(visible_id(each.key.run_id)), width_of(visible_id(each.key.client_id))) for each in page)
    status, last = 0, _MINUTE
    if not view.quiet:
        status = max(len("Status"), *(len(_status(record, short)) for record in page))
        last = max(len("Took"), *(len(took(record.duration)) for record in page))
    room = columns - _MINUTE - (status + len(_GAP) if status else 0) - last - 3 * len(_GAP)
    shares, with_age = _shares(widths, room), _shares(widths, room - len(_GAP) - _AGE)
    aged = view.ages or (shares is not None and with_age is not None and shares[0] == with_age[0])
    if aged:
        room, shares = room - len(_GAP) - _AGE, with_age
    if shares is None:
        return None
    _, run, client = shares
    widest = max(client, room - run)
    return _Table(
        columns=columns, run=run, client=client, widest=widest, status=status, last=last, aged=aged, short=short
    )


def _shares(widths: Mapping[tuple[int, int], int], room: int) -> tuple[int, int, int] | None:
    """How many ids do not fit their columns, and how wide those of run ids and client ids are, where that is fewest.

    So a few long ids narrow no column for all. `widths` has the widths of each row's ids. None if there is too little
    room.
    """
    least = max(len("Client"), min(_NARROWEST_CLIENT, max(client for _, client in widths)))
    most = room - least
    if most < max(len("Run"), min(_NARROWEST_RUN, max(run for run, _ in widths))):
        return None
    return min(_share(widths, room, run) for run in {min(most, max(len("Run"), run)) for run, _ in widths})


def _share(widths: Mapping[tuple[int, int], int], room: int, run: int) -> tuple[int, int, int]:
    """`_shares` where run ids have this width."""
    client = max(len("Client"), min(room - run, max(client for _, client in widths)))
    return sum(rows * ((a > run) + (b > client)) for (a, b), rows in widths.items()), run, client


def _status(record: RunRecord, short: bool) -> str:
    label: str = record.status.value
    return _SHORT.get(record.status, label) if short else label


def _row(record: RunRecord, table: _Table, view: View) -> str:
    """A row of the table, with the reason of a failure below it.

    A run id is never folded, so that it can be copied: if it is too wide for its column, the row goes on in the next
    line. A client id is folded where it would not fit the terminal.
    """
    run_id, times = visible_id(record.key.run_id), view.times
    start, end = times.minute(record.started_at), f"{times.minute(record.updated_at):>{table.last}}"
    if not view.quiet:
        start += f"{_GAP}{times.ago(record.started_at):>{_AGE}}" if table.aged else ""
        status = coloured(f"{_status(record, table.short):<{table.status}}", record.status)
        end = f"{status}{_GAP}{took(record.duration):>{table.last}}"
    elif table.aged:
        end += f"{_GAP}{times.ago(record.updated_at):>{_AGE}}"
    lead = f"{start}{_GAP}{padded(run_id, table.run)}"
    indent = " " * (len(start) + len(_GAP) + table.run + len(_GAP))
    first, *more = fold(visible_id(record.key.client_id), table.widest)
    wide = width_of(run_id) > table.run
    lines = [lead + "\n" + indent if wide else lead + _GAP]
    lines[0] += f"{padded(first, table.client)}{_GAP}{end}".rstrip()
    lines += [indent + part for part in more]
    return "\n".join(lines + _reason(record, table.columns, _MINUTE + len(_GAP)))


def _block(record: RunRecord, columns: int, view: View) -> str:
    """Some lines for a record: for terminals too narrow for a table. The ids are never folded."""
    run_id, client_id, times = visible_id(record.key.run_id), visible_id(record.key.client_id), view.times
    fits = width_of(run_id) + len(_GAP) + width_of(client_id) <= columns
    lines = [f"{run_id}{_GAP}{client_id}"] if fits else [run_id, f"  {client_id}"]
    if view.quiet:
        lines += [f"  started {times.minute_in_zone(record.started_at)}"]
        lines += [f"  updated {times.minute_in_zone(record.updated_at)}"]
        lines += [f"  quiet for {times.age(record.updated_at)}"]
    else:
        status = coloured(record.status.value, record.status)
        lines += [f"  {times.minute_in_zone(record.started_at)}  {times.ago(record.started_at)}"]
        lines += [f"  {status}  {took(record.duration)}".rstrip()]
    return "\n".join(lines + _reason(record, columns, 2))


def _reason(record: RunRecord, columns: int, indent: int) -> list[str]:
    if record.error is None:
        return []
    reason = cut(visible(_first_line(record.error)), max(columns - indent, _NARROWEST_RUN))
    return [" " * indent + coloured(reason, record.status)]


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]
