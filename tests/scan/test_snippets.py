"""Each snippet has exactly the findings that its labels name."""

from __future__ import annotations

from pathlib import Path

import pytest

from runledger.scan.parsing import LANGUAGES
from runledger.scan.scanning import scan
from runledger.scan.settings import Settings
from scan.labels import Scores, compare, differences, labels_of, units

SNIPPETS = Path(__file__).parent / "snippets"
UNITS = list(units(SNIPPETS))


@pytest.mark.parametrize(("paths", "settings"), UNITS, ids=[paths[0].name for paths, _ in UNITS])
def test_a_snippet_has_the_findings_of_its_labels(paths: list[Path], settings: Settings) -> None:
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    labels = [label for file in files if file.suffix in LANGUAGES for label in labels_of(file)]
    scores: Scores = {}
    compare(labels, scan(paths, settings).shown(deep=False), scores)
    assert differences(scores) == []
    assert labels
