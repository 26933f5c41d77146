"""Recall and precision on the labelled set, by kind and language.

`python tests/scan/labels.py tests/scan/labelled` prints the table and each difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scan.labels import Scores, differences, measure, table

LABELLED = Path(__file__).parent / "labelled"

WANTED = {
    "javascript": {
        "creation": (0.97, 0.98),
        "update": (0.98, 0.98),
        "upsert": (0.85, 0.90),
        "recovery": (0.90, 0.80),
        "creating-wrapper": (0.92, 0.90),
        "updating-wrapper": (0.92, 0.90),
        "no-start": (0.90, 0.80),
    },
    "python": {
        "creation": (0.92, 0.95),
        "update": (0.88, 0.90),
        "upsert": (0.80, 0.90),
        "recovery": (0.80, 0.70),
        "creating-wrapper": (0.85, 0.85),
        "updating-wrapper": (0.85, 0.85),
        "no-start": (0.80, 0.75),
    },
}
"""The least recall and precision of each kind."""


@pytest.fixture(scope="module")
def scores() -> Scores:
    return measure(LABELLED)


@pytest.mark.parametrize(
    ("language", "kind", "recall", "precision"),
    [(language, kind, *least) for language, kinds in WANTED.items() for kind, least in kinds.items()],
)
def test_each_kind_is_found_and_no_more(
    scores: Scores, language: str, kind: str, recall: float, precision: float
) -> None:
    score = scores[kind, language]
    assert score.recall >= recall, "\n".join([table(scores), *differences(scores)])
    assert score.precision >= precision, "\n".join([table(scores), *differences(scores)])


def test_the_set_is_large_enough(scores: Scores) -> None:
    snippets = [path for path in LABELLED.rglob("*") if path.is_file() and "projects" not in path.parts]
    assert len(snippets) >= 150
    assert len([path for path in (LABELLED / "projects").iterdir() if path.is_dir()]) >= 3
    for kind in ("creation", "recovery", "upsert", "unresolved"):
        labels = sum(score.found + len(score.missed) for (found, _), score in scores.items() if found == kind)
        assert labels >= 20, f"{labels} labels of {kind}"
