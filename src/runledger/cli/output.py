"""Runs as text for people, and as JSON and tab-separated lines for programs."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import click

from ..domain import MetricValue, NewRun, RunRecord, RunStatus, RunSummary
from ..domain.json_form import time_text

_COLOURS = {
    RunStatus.RUNNING: "blue",
    RunStatus.COMPLETED: "green",
    RunStatus.COMPLETED_WITH_ERRORS: "yellow",
    RunStatus.FAILED: "red",
    RunStatus.SKIPPED: "cyan",
    RunStatus.CANCELLED: "magenta",
}
_PAGE = 500
_TABLE_WIDTH = 60
# Control and bidirectional formatting characters, which would move a terminal's cursor or reverse its text.
_UNSAFE = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line: in UTF-8 if standard output takes it, else escaped."""
    click.echo(json.dumps(value, ensure_ascii=(sys.stdout.encoding or "").lower() != "utf-8"))


def print_records(
    records: Iterable[RunRecord], *, json_lines: bool, limit: int | None, nothing: str, quiet: bool = False
) -> None:
    """Print records: as JSON lines, as a table on a terminal, or as tab-separated lines in a pipe.

    For `quiet` runs, which are all Running, the table shows the last update instead of status and duration.
    """
    if json_lines:
        for record in records:
            print_json(record.to_json())
    elif sys.stdout.isatty():
        count = _print_tables(iter(records), quiet)
        if not count:
            click.echo(nothing)
        elif count == limit:
            click.echo(f"Only {limit} shown; more with --limit N or --all.", err=True)
    else:
        for i, record in enumerate(records):
            if i == 0:
                click.echo("started\trun id\tclient id\tclient name\tstatus\ttook\tupdated\terror")
            cells = (
                time_text(record.started_at),
                record.key.run_id,
                record.key.client_id,
                record.client_name,
                record.status.value,
                _took(record.duration),
                time_text(record.updated_at),
                (record.error or "").partition("\n")[0],
            )
            click.echo("\t".join(map(_safe, cells)))


def print_run(run: NewRun) -> None:
    """Print one run whole, a field or line of its log a line."""
    record = run.record
    lines = [
        ("Run", record.key.run_id),
        (
            "Client",
            record.key.client_id + (f"  {record.client_name}" if record.client_name != record.key.client_id else ""),
        ),
        ("Status", record.status.value),
        ("Started", _moment(record.started_at)),
    ]
    if record.ended_at is not None:
        lines.append(("Ended", f"{_moment(record.ended_at)}  after {_took(record.duration)}"))
    lines.append(("Updated", _moment(record.updated_at)))
    if record.error is not None:
        lines.append(("Error", record.error))
    for i, (name, value) in enumerate(record.metrics.items()):
        lines.append(("" if i else "Metrics", f"{name} = {_value(value)}"))
    for i, line in enumerate(run.log):
        lines.append(("" if i else "Log", f"{_moment(line.at)}  {line.text}"))
    for label, text in lines:
        shown = _safe(text).replace("\n", "\n         ")
        if label == "Status":
            shown = click.style(shown, fg=_COLOURS[record.status])
        click.echo(f"{label:<8} {shown}")


def print_summary(summary: RunSummary) -> None:
    """Print counts per status, sums of metrics, first start and last end."""
    click.echo(f"Runs     {summary.runs:,}")
    for status in RunStatus:
        if count := summary.statuses.get(status):
            click.echo(f"         {count:>9,}  " + click.style(status.value, fg=_COLOURS[status]))
    if summary.first_start is not None:
        click.echo(f"Started  {_moment(summary.first_start)} (first)")
    if summary.last_end is not None:
        click.echo(f"Ended    {_moment(summary.last_end)} (last)")
    for i, (name, total) in enumerate(summary.metrics.items()):
        click.echo(f"{'' if i else 'Sums':<8} {_safe(name)} = {total:,}")


def summary_as_json(summary: RunSummary) -> dict[str, Any]:
    """A summary as a JSON object; a sum beyond what a float holds is null, as JSON has no infinity."""
    return {
        "runs": summary.runs,
        "statuses": {status.value: count for status, count in summary.statuses.items()},
        "metrics": {name: total if math.isfinite(total) else None for name, total in summary.metrics.items()},
        "first_start": summary.first_start and time_text(summary.first_start),
        "last_end": summary.last_end and time_text(summary.last_end),
    }


def _print_tables(records: Iterator[RunRecord], quiet: bool) -> int:
    """Print a table for each page, so that a long list begins without delay. Returns the number of rows."""
    import shutil  # here, because it loads every kind of compression

    count = 0
    print_page = _print_table if shutil.get_terminal_size().columns >= _TABLE_WIDTH else _print_blocks
    while page := list(islice(records, _PAGE)):
        print_page(page, quiet)
        count += len(page)
    return count


def _print_blocks(records: Iterable[RunRecord], quiet: bool) -> None:
    """Print two or three short lines for each record: for terminals too narrow for a table."""
    for record in records:
        click.echo(_safe(f"{record.key.run_id}  {record.key.client_id}"))
        if quiet:
            click.echo(f"  started {_minute(record.started_at)} UTC\n  updated {_minute(record.updated_at)} UTC")
        else:
            status = click.style(record.status.value, fg=_COLOURS[record.status])
            click.echo(f"  {_minute(record.started_at)} UTC  {status}  {_took(record.duration)}".rstrip())


def _print_table(records: Iterable[RunRecord], quiet: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Started (UTC)", no_wrap=True)
    for name in ("Run", "Client") if quiet else ("Run", "Client", "Status"):
        table.add_column(name, overflow="fold")
    table.add_column("Updated (UTC)" if quiet else "Took", justify="right", no_wrap=True)
    for record in records:
        run = _minute(record.started_at), Text(_safe(record.key.run_id)), Text(_safe(record.key.client_id))
        if quiet:
            table.add_row(*run, _minute(record.updated_at))
        else:
            table.add_row(*run, Text(record.status.value, style=_COLOURS[record.status]), _took(record.duration))
    # Without a colour system the heading is plain; with NO_COLOR alone it would still be bold.
    Console(highlight=False, color_system=None if colour_wanted() is False else "auto").print(table)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def _took(duration: timedelta | None) -> str:
    if duration is None:
        return ""
    if duration < timedelta():  # the clock of the machine that ended it was behind
        return f"-{_took(-duration)}"
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.3g}s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}h {minutes:02}m" if hours else f"{minutes}m {seconds:02}s"


def _value(value: MetricValue) -> str:
    return _moment(value) if isinstance(value, datetime) else str(value)


def _safe(text: str) -> str:
    return re.sub(_UNSAFE, lambda found: found.group().encode("unicode_escape").decode(), text)


def counted(number: int, what: str) -> str:
    """A number with what it counts, in the plural unless it is 1."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def colour_wanted() -> bool | None:
    """False if NO_COLOR is set (https://no-color.org) or the terminal is dumb; None lets the terminal decide."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def remark(text: str) -> None:
    """Print to standard error, above a progress bar if there is one; click.echo would write into the bar's line."""
    print(text, file=sys.stderr)


def complain(what: object) -> None:
    """Print an error to standard error."""
    remark(f"runledger: {what}")
