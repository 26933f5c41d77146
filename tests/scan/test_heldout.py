"""Recall and precision on programs that the scan was not built with: docs/evidence/scan.md has the first figures."""

from __future__ import annotations

from pathlib import Path

from runledger.scan.scanning import scan
from scan.labels import Scores, compare, differences, labels_of, units

HELD_OUT = Path(__file__).parent / "heldout"

OPEN = {
    "step_hooks.py:25": "a key that is missing in a dictionary that the caller passes",
}
"""What is not found yet, by its place. What is found must leave the list."""


def test_held_out_programs_have_their_findings_but_for_the_open_forms() -> None:
    scores: Scores = {}
    for folder in sorted(HELD_OUT.iterdir()):
        for paths, settings in units(folder):
            labels = [label for path in paths for label in labels_of(path)]
            compare(labels, scan(paths, settings).shown(deep=False), scores)
    places = {line.partition(": ")[0].rpartition("/")[2] for line in differences(scores)}
    assert places == set(OPEN), "\n".join(differences(scores))
