"""One run whole, and a summary of many, as text for people."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from ..domain import MetricValue, NewRun, RunStatus, RunSummary
from ..domain.json_form import time_text
from ..domain.visible import quoted, visible, visible_id
from .output import coloured, remark, took
from .times import Times

_NAMED = 20
"""How many numbers that could be added up are named."""
_INDENT = " " * 9


def print_run(run: NewRun, times: Times) -> None:
    """Print one run whole, a field or line of its log a line. On a terminal, times have their age."""
    record = run.record
    client, name = visible_id(record.key.client_id), visible_id(record.client_name)
    lines = [
        ("Run", visible_id(record.key.run_id)),
        ("Client", client if name == client else f"{client}  {name}"),
        ("Status", coloured(record.status.value, record.status)),
        ("Started", f"{times.moment(record.started_at)}{_age(record.started_at, times)}"),
    ]
    if record.ended_at is not None:
        lines.append(("Ended", f"{times.moment(record.ended_at)}  after {took(record.duration)}"))
    lines.append(("Updated", f"{times.moment(record.updated_at)}{_age(record.updated_at, times)}"))
    if record.error is not None:
        lines.append(("Error", _indented(record.error)))
    for i, (metric, value) in enumerate(record.metrics.items()):
        lines.append(("" if i else "Metrics", f"{visible_id(metric)} = {_indented(_value(value, times))}"))
    for i, line in enumerate(run.log):
        lines.append(("" if i else "Log", f"{times.moment(line.at)}  {visible(line.text)}"))
    for label, text in lines:
        click.echo(f"{label:<8} {text}")


def summed(summary: RunSummary, names: Sequence[str]) -> dict[str, int | float]:
    """The sums of the numbers that were asked for, by name. What no run has as a number is 0, and is reported."""
    for name in dict.fromkeys(names):
        if name not in summary.metrics:
            remark(f"no run that matches has a number {quoted(name)}: its sum is 0.")
    return {name: summary.metrics.get(name, 0) for name in names}


def print_summary(summary: RunSummary, sums: Mapping[str, int | float]) -> None:
    """Print counts per status, first start and last end, sums, and the names of the numbers that can be added up."""
    times = Times()
    click.echo(f"Runs     {summary.runs:,}")
    for status in RunStatus:
        if count := summary.statuses.get(status):
            click.echo(f"         {count:>9,}  " + coloured(status.value, status))
    if summary.first_start is not None:
        click.echo(f"Started  {times.moment(summary.first_start)} (first)")
    if summary.last_end is not None:
        click.echo(f"Ended    {times.moment(summary.last_end)} (last)")
    for i, (name, total) in enumerate(sums.items()):
        click.echo(f"{'' if i else 'Sums':<8} {visible_id(name)} = {total:,}")
    if not sums and summary.metrics:
        names = ", ".join(map(visible_id, list(summary.metrics)[:_NAMED])) + (", …" * (len(summary.metrics) > _NAMED))
        click.echo(_folded(f"Numbers  {names}: add one up with --sum NAME"))


def _folded(text: str) -> str:
    """The text in lines that fit a terminal, the further ones indented; in a pipe it stays one line."""
    if not sys.stdout.isatty():
        return text
    import shutil  # here, because it loads every kind of compression
    import textwrap

    columns = max(shutil.get_terminal_size().columns, 2 * len(_INDENT))
    return textwrap.fill(text, columns, subsequent_indent=_INDENT, break_on_hyphens=False)


def summary_as_json(summary: RunSummary, sums: Mapping[str, int | float]) -> dict[str, Any]:
    """A summary, with some sums and the names of all numbers, as a JSON object.

    A sum beyond what a float holds is null, as JSON has no infinity.
    """
    return {
        "runs": summary.runs,
        "statuses": {status.value: count for status, count in summary.statuses.items()},
        "metrics": {name: total if math.isfinite(total) else None for name, total in sums.items()},
        "numbers": list(summary.metrics),
        "first_start": summary.first_start and time_text(summary.first_start),
        "last_end": summary.last_end and time_text(summary.last_end),
    }


def _age(at: datetime, times: Times) -> str:
    return f"  {times.ago(at)}" if sys.stdout.isatty() else ""


def _value(value: MetricValue, times: Times) -> str:
    return times.moment(value) if isinstance(value, datetime) else str(value)


def _indented(text: str) -> str:
    return visible(text, lines=True).replace("\n", f"\n{_INDENT}")
