"""Finding where source code creates and updates records."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...distribution import DISTRIBUTION
from ...domain.visible import counted, visible
from ..options import json_option
from ..output import complain, print_json, remark, say
from ..progress import progress

if TYPE_CHECKING:
    from ...scan.findings import Finding
    from ...scan.scanning import Report
    from ...scan.settings import Settings

_PATH = click.Path(exists=True, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@click.option(
    "--check", is_flag=True, help="Exit with 1 if runs are created, or may be, in places that are not allowed."
)
@click.option("--deep", is_flag=True, help="Also show calls that reach a write through several functions.")
@click.option("--sarif", type=_FILE, help="Write the findings to this file as SARIF 2.1.0.")
@click.option("--inventory", type=_FILE, help="Write a Markdown file that documents each creation point.")
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The pyproject.toml to use."
)
@json_option
def scan(
    paths: tuple[Path, ...],
    check: bool,
    deep: bool,
    sarif: Path | None,
    inventory: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Find where Python, JavaScript and TypeScript create and update records.

    Reads files and folders, and runs none of them. Shows each call that creates, updates or upserts a record in
    Airtable, by SQL or in a ledger; places that create a record because they found none; calls of functions that
    create or update; and entry points, such as routes and jobs, that update a run without a start before.

    \b
    [tool.runledger.scan] of the nearest pyproject.toml may have
      runs = "Client Runs"                 the table of runs
      tables = {tblXXX = "Client Runs"}    tables known by id
      wrappers = {addRow = "creation"}     functions that write
      ignore = ["legacy/*"]                paths to leave out
      allowed = ["src/runs.js::startRun"]  may create runs

    \b
    Examples:
      runledger scan .
      runledger scan --check --sarif runs.sarif .
    """
    if find_spec("tree_sitter") is None:
        raise click.UsageError("scan needs the extra scan: pip install 'run-records[scan]'.")
    from ...scan.reports import as_inventory, as_sarif, remarks
    from ...scan.reports import as_json as json_of
    from ...scan.scanning import scan as run

    settings = _settings(paths, config)
    with progress("records") as advance:
        report = run(paths, settings, advance)
    if sarif is not None:
        _write(sarif, json.dumps(as_sarif(report, version(DISTRIBUTION), deep=deep), indent=1) + "\n")
    if inventory is not None:
        _write(inventory, as_inventory(report))
    if as_json:
        print_json(json_of(report, deep=deep))
    else:
        _print(report, deep)
    for line in remarks(report):
        remark(visible(line))
    if check:
        click.get_current_context().exit(_checked(report))


def _settings(paths: tuple[Path, ...], config: Path | None) -> Settings:
    from ...scan.settings import Settings, SettingsError, find_settings, read_settings

    file = config or find_settings(paths[0])
    try:
        return Settings() if file is None else read_settings(file)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from None


def _print(report: Report, deep: bool) -> None:
    shown = report.shown(deep=deep)
    widest = max((len(_kind(finding)) for finding in shown), default=0)
    path = ""
    for finding in shown:
        if finding.path != path:
            path = finding.path
            say(visible(path))  # a line break in a name begins no line
        say(visible(f"  {finding.line:>5}  {_kind(finding):{widest}}  {finding.table or '?'}  {finding.function}"))
        for step in finding.chain:
            say(visible(f"  {'':5}  > {step}"))
    files = sum(report.files.values())
    say(f"{counted(len(shown), 'finding')} in {counted(files, 'file')}.{_left_out(report)}")
    hidden = len(report.findings) - len(shown)
    if hidden:
        remark(f"{counted(hidden, 'finding')} with longer chains of calls not shown. Add --deep to show all.")


def _left_out(report: Report) -> str:
    reasons = {reason: number for reason, number in sorted(report.left_out.items()) if number}
    if not reasons:
        return ""
    listed = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
    return f" {counted(sum(reasons.values()), 'file')} left out: {listed}."


def _kind(finding: Finding) -> str:
    words = [finding.kind, *(["guarded"] if finding.guarded else []), *(["likely"] if finding.likely else [])]
    return words[0] + (f" ({', '.join(words[1:])})" if words[1:] else "")


def _checked(report: Report) -> int:
    from ...scan.reports import sentence

    violations = report.violations()
    for finding in violations:
        complain(visible(f"{finding.path}:{finding.line}: {finding.kind}: {sentence(finding)}"))
    for path in report.unreadable:
        complain(visible(f"{path}: not checked, because it cannot be read or is nested too deeply."))
    if violations:
        remark(
            f"{counted(len(violations), 'place')} failed the check."
            " If a creation is intended, add its place to `allowed` in [tool.runledger.scan]."
        )
    return 1 if violations or report.unreadable else 0
