"""A report as JSON, as SARIF 2.1.0, and as an inventory of creation points in Markdown."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from .findings import CREATION, KINDS, MEANINGS, RECOVERY, UNRESOLVED, UPSERT, Finding
from .scanning import Report

_LEVELS = {RECOVERY: "error", UPSERT: "error", UNRESOLVED: "warning", "no-start": "warning"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_json(report: Report, *, deep: bool) -> dict[str, Any]:
    """The report as one object: the findings, the files, and what was cut short."""
    shown = report.shown(deep=deep)
    return {
        "findings": [finding.as_json() for finding in shown],
        "counts": {kind: number for kind in KINDS if (number := sum(finding.kind == kind for finding in shown))},
        "files": {
            "parsed": dict(report.files),
            "left_out": dict(report.left_out),
            "parsed_in_part": report.in_part,
            "unreadable": report.unreadable,
        },
        "not_covered": report.not_covered,
        "exhausted": dict(report.exhausted),
    }


def as_sarif(report: Report, version: str, *, deep: bool) -> dict[str, Any]:
    """The report as a SARIF 2.1.0 log. Findings that fail a check are errors; creations that are allowed are notes."""
    gating = set(report.violations())
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "runledger scan",
                        "version": version,
                        "rules": [
                            {"id": kind, "shortDescription": {"text": _meaning(kind).capitalize() + "."}}
                            for kind in KINDS
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, finding in gating) for finding in report.shown(deep=deep)],
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notices(report)}],
            }
        ],
    }


def _result(finding: Finding, gates: bool) -> dict[str, Any]:
    level = _LEVELS.get(finding.kind, "note")
    return {
        "ruleId": finding.kind,
        "ruleIndex": KINDS.index(finding.kind),
        "level": "error" if gates and level == "note" else level,
        "message": {"text": sentence(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(os.fsencode(finding.path))},
                    "region": {"startLine": finding.line},
                },
                "logicalLocations": [{"name": finding.function, "kind": "function"}],
            }
        ],
        "properties": {
            "table": finding.table,
            "confidence": finding.confidence,
            "chain": list(finding.chain),
            "guarded": finding.guarded,
        },
    }


def _notices(report: Report) -> list[dict[str, Any]]:
    return [{"level": "warning", "message": {"text": line}} for line in remarks(report)]


def sentence(finding: Finding) -> str:
    """A finding in one sentence, and its chain."""
    function = "The module" if finding.function in ("", "<module>") else finding.function
    chain = f" Chain: {' > '.join(finding.chain)}." if finding.chain else ""
    return f"{function} {'probably ' if finding.likely else ''}{_meaning(finding.kind, finding.table)}.{chain}"


def _meaning(kind: str, table: str = "") -> str:
    return MEANINGS[kind].format(table=f" in {table}" if table else "")


def remarks(report: Report) -> list[str]:
    """What a reader of the report has to know: what was not read, and what was cut short."""
    lines = []
    if report.in_part:
        lines.append(f"Parsed only in part, because of syntax errors: {_listed(report.in_part)}.")
    if report.unreadable:
        lines.append(
            f"Not scanned, because they cannot be read or are nested too deeply: {_listed(report.unreadable)}."
        )
    if report.not_covered:
        lines.append(f"Writes through these libraries are not covered: {', '.join(report.not_covered)}.")
    if report.exhausted:
        limits = [
            f"{limit} ({number:,} {'time' if number == 1 else 'times'})"
            for limit, number in sorted(report.exhausted.items())
        ]
        lines.append(f"Findings may be missing, because limits were reached: {', '.join(limits)}.")
    return lines


def _listed(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def as_inventory(report: Report) -> str:
    """Each creation point in Markdown, by table and file: where, in which function, how, and who calls it."""
    points = [finding for finding in report.findings if finding.kind in (CREATION, RECOVERY, UPSERT, UNRESOLVED)]
    lines = ["# Creation points", "", _summary(points), ""]
    for table in sorted({finding.table for finding in points}, key=lambda name: (not _is_run(points, name), name)):
        lines += [
            f"## {_printable(table) or 'Unknown tables'}",
            "",
            "| place | function | kind | confidence | called by |",
            "| --- | --- | --- | --- | --- |",
        ]
        for finding in points:
            if finding.table == table:
                lines.append(_row(finding, report))
        lines.append("")
    for line in remarks(report):
        lines += [f"Note: {line}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _is_run(points: Iterable[Finding], table: str) -> bool:
    return any(finding.is_run for finding in points if finding.table == table)


def _summary(points: list[Finding]) -> str:
    counted = [
        f"{sum(finding.kind == kind for finding in points)} {kind}" for kind in (CREATION, RECOVERY, UPSERT, UNRESOLVED)
    ]
    return f"{len(points)} {'place' if len(points) == 1 else 'places'}: {', '.join(counted)}."


def _row(finding: Finding, report: Report) -> str:
    place = f"{finding.path}:{finding.line}"
    kind = finding.kind + (", guarded" if finding.guarded else "")
    if finding.is_run and finding.kind == CREATION and report.settings.is_allowed(finding.path, finding.function):
        kind += ", allowed"
    callers = [
        f"`{other.function}` ({other.path}:{other.line})"
        for other in report.findings
        if not other.deep and other.chain and f"({place})" in other.chain[-1] and other is not finding
    ]
    cells = (
        f"`{place}`",
        f"`{finding.function}`",
        kind,
        finding.confidence,
        "<br>".join(dict.fromkeys(callers)) or "–",
    )
    return "| " + " | ".join(_printable(cell).replace("|", "\\|") for cell in cells) + " |"


def _printable(text: str) -> str:
    """Text whose control characters, and bytes that are no text, are written as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
