"""Each figure of docs/evidence/airtable-creation.md is one that the test beside it asserts."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVIDENCE = (ROOT / "docs/evidence/airtable-creation.md").read_text(encoding="utf-8")
EXPLORATIONS = ROOT / "tests/integration/test_airtable_interleavings.py"


def numbers_in_tests() -> dict[str, set[int]]:
    """The whole numbers in each test of an exploration, and in its parameters."""
    tests = [
        node for node in ast.parse(EXPLORATIONS.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    return {
        test.name: {
            each.value for each in ast.walk(test) if isinstance(each, ast.Constant) and isinstance(each.value, int)
        }
        for test in tests
    }


def test_each_count_of_schedules_is_asserted_by_the_test_beside_it() -> None:
    rows = re.findall(r"^\|.*\| ([\d,]+)(?: each)? \| `(\w+)` \|$", EVIDENCE, re.MULTILINE)
    assert len(rows) == EVIDENCE.count("`test_") - 1  # one is in the text
    asserted = numbers_in_tests()
    for figure, test in rows:
        assert int(figure.replace(",", "")) in asserted[test], f"{figure} of {test}"
