"""Reads labels in source files, scans the files, and compares: what was found, what was missed, what is false.

python tests/scan/labels.py FOLDER…     prints recall and precision by kind and language, and each difference
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from attrs import define, field, frozen

from runledger.scan.findings import KINDS, Finding
from runledger.scan.parsing import LANGUAGES
from runledger.scan.scanning import scan
from runledger.scan.settings import Settings, find_settings, read_settings

_LABEL = re.compile(r"(?:#|//)\s*expect:\s*([a-z-]+(?:@[^,\n]+?)?(?:\s*,\s*[a-z-]+(?:@[^,\n]+?)?)*)\s*$")
_RUNS = re.compile(r"(?:#|//)\s*scan:\s*runs\s*=\s*\"([^\"]+)\"")


@frozen
class Label:
    path: Path
    line: int
    kind: str
    table: str
    """"" for the table of runs."""


@define
class Score:
    """How many labels were found, how many were missed, how many findings are false."""

    found: int = 0
    missed: list[Label] = field(factory=list)
    false: list[Finding] = field(factory=list)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.found + len(self.missed))

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + len(self.false))


Scores = dict[tuple[str, str], Score]


def labels_of(path: Path) -> list[Label]:
    labels = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = _LABEL.search(line)
        for text in re.split(r"\s*,\s*", match[1]) if match else ():
            kind, _, table = text.partition("@")
            assert kind in KINDS, f"{path}:{number}: {kind!r} is no kind"
            labels.append(Label(path, number, kind, table.strip()))
    return labels


def settings_of(path: Path) -> Settings:
    found = [match[1] for line in path.read_text(encoding="utf-8").splitlines()[:3] if (match := _RUNS.search(line))]
    return Settings(runs=tuple(found))


def _language(path: Path) -> str:
    return "python" if LANGUAGES[path.suffix] == "python" else "javascript"


def units(folder: Path) -> Iterable[tuple[list[Path], Settings]]:
    """What is scanned together: a project, or one file."""
    projects = folder / "projects"
    for project in sorted(projects.iterdir()) if projects.is_dir() else ():
        config = find_settings(project)
        yield [project], Settings() if config is None else read_settings(config)
    for path in sorted(folder.rglob("*")):
        if path.suffix in LANGUAGES and not path.is_relative_to(projects):
            yield [path], settings_of(path)


def measure(folder: Path) -> Scores:
    """The scores by kind and by language ("javascript" has TypeScript too)."""
    scores: Scores = {}
    for paths, settings in units(folder):
        files = [
            file
            for path in paths
            for file in ([path] if path.is_file() else sorted(path.rglob("*")))
            if file.suffix in LANGUAGES
        ]
        labels = [label for file in files for label in labels_of(file)]
        findings = scan(paths, settings).shown(deep=False)
        compare(labels, findings, scores)
    return scores


def compare(labels: list[Label], findings: list[Finding], scores: Scores) -> None:
    """Match labels and findings. A finding that spans lines matches a label on each of them."""
    left = list(findings)
    for label in labels:
        score = scores.setdefault((label.kind, _language(label.path)), Score())
        match = next((finding for finding in left if _matches(label, finding)), None)
        if match is None:
            score.missed.append(label)
        else:
            score.found += 1
            left.remove(match)
    for finding in left:
        scores.setdefault((finding.kind, _language(Path(finding.path))), Score()).false.append(finding)


def _matches(label: Label, finding: Finding) -> bool:
    if label.kind != finding.kind or label.path != Path(finding.path):
        return False
    if not (finding.first_line <= label.line <= finding.line or label.line in (finding.line, finding.also)):
        return False
    if label.kind == "unresolved":
        return True
    return finding.is_run if not label.table else label.table.lower() == finding.table.lower()


def table(scores: Scores) -> str:
    lines = [f"{'kind':18} {'language':11} {'labels':>6} {'recall':>7} {'precision':>9}"]
    for (kind, language), score in sorted(scores.items(), key=lambda item: (item[0][1], KINDS.index(item[0][0]))):
        total = score.found + len(score.missed)
        lines.append(f"{kind:18} {language:11} {total:6} {score.recall:7.2f} {score.precision:9.2f}")
    return "\n".join(lines)


def differences(scores: Scores) -> list[str]:
    lines = [
        f"{label.path}:{label.line}: missed {label.kind}{'@' + label.table if label.table else ''}"
        for score in scores.values()
        for label in score.missed
    ]
    lines += [
        f"{finding.path}:{finding.line}: false {finding.kind}@{finding.table} in {finding.function}"
        for score in scores.values()
        for finding in score.false
    ]
    return sorted(lines)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measured = measure(Path(argument))
        print("\n".join(differences(measured)), table(measured), sep="\n")
        print(Counter(kind for (kind, _), score in measured.items() for _ in range(score.found + len(score.missed))))
