"""One run whole, and a summary of many, as text for people."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import click

from ..domain import MetricValue, NewRun, RunStatus, RunSummary
from ..domain.json_form import time_text
from ..domain.visible import visible, visible_id
from .output import coloured, moment, took


def print_run(run: NewRun) -> None:
    """Print one run whole, a field or line of its log a line."""
    record = run.record
    client, name = visible_id(record.key.client_id), visible_id(record.client_name)
    lines = [
        ("Run", visible_id(record.key.run_id)),
        ("Client", client if name == client else f"{client}  {name}"),
        ("Status", coloured(record.status.value, record.status)),
        ("Started", moment(record.started_at)),
    ]
    if record.ended_at is not None:
        lines.append(("Ended", f"{moment(record.ended_at)}  after {took(record.duration)}"))
    lines.append(("Updated", moment(record.updated_at)))
    if record.error is not None:
        lines.append(("Error", _indented(record.error)))
    for i, (metric, value) in enumerate(record.metrics.items()):
        lines.append(("" if i else "Metrics", f"{visible_id(metric)} = {_indented(_value(value))}"))
    for i, line in enumerate(run.log):
        lines.append(("" if i else "Log", f"{moment(line.at)}  {visible(line.text)}"))
    for label, text in lines:
        click.echo(f"{label:<8} {text}")


def print_summary(summary: RunSummary) -> None:
    """Print counts per status, sums of metrics, first start and last end."""
    click.echo(f"Runs     {summary.runs:,}")
    for status in RunStatus:
        if count := summary.statuses.get(status):
            click.echo(f"         {count:>9,}  " + coloured(status.value, status))
    if summary.first_start is not None:
        click.echo(f"Started  {moment(summary.first_start)} (first)")
    if summary.last_end is not None:
        click.echo(f"Ended    {moment(summary.last_end)} (last)")
    for i, (name, total) in enumerate(summary.metrics.items()):
        click.echo(f"{'' if i else 'Sums':<8} {visible_id(name)} = {total:,}")


def summary_as_json(summary: RunSummary) -> dict[str, Any]:
    """A summary as a JSON object; a sum beyond what a float holds is null, as JSON has no infinity."""
    return {
        "runs": summary.runs,
        "statuses": {status.value: count for status, count in summary.statuses.items()},
        "metrics": {name: total if math.isfinite(total) else None for name, total in summary.metrics.items()},
        "first_start": summary.first_start and time_text(summary.first_start),
        "last_end": summary.last_end and time_text(summary.last_end),
    }


def _value(value: MetricValue) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)


def _indented(text: str) -> str:
    return visible(text, lines=True).replace("\n", "\n         ")
