"""The labelled set itself: large enough, evenly spread, readable. What the scan finds in it is tested elsewhere."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Parser

LABELLED = Path(__file__).parent / "labelled"
SUFFIXES = {
    "python": {".py"},
    "javascript": {".js", ".jsx", ".mjs", ".cjs"},
    "typescript": {".ts", ".tsx"},
}
LANGUAGE_OF = {suffix: language for language, suffixes in SUFFIXES.items() for suffix in suffixes}
GATING = ("creation", "recovery", "upsert", "update", "creating-wrapper", "updating-wrapper", "no-start")
KINDS = {*GATING, "unresolved"}
GRAMMARS = {
    ".ts": Language(tree_sitter_typescript.language_typescript()),
    ".tsx": Language(tree_sitter_typescript.language_tsx()),
    **dict.fromkeys(SUFFIXES["javascript"], Language(tree_sitter_javascript.language())),
}
LABEL = re.compile(r"(?:#|//) expect: (?P<labels>\S.*)$")
LIKE_A_LABEL = re.compile(r"(#|//)\s*expect", re.IGNORECASE)
HEADER = re.compile(r'(#|//) scan: runs = "[^"]+"')


def source_files() -> list[Path]:
    return sorted(each for each in LABELLED.rglob("*") if each.suffix in LANGUAGE_OF and each.parent != LABELLED)


def snippets(language: str) -> list[Path]:
    return [each for each in source_files() if each.parent == LABELLED / language]


def labels(path: Path) -> Iterator[tuple[str, str]]:
    """Kind and table ("" for the table of runs) of each label of a file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := LABEL.search(line):
            for label in match["labels"].split(","):
                kind, _, table = label.strip().partition("@")
                yield kind, table


def group(path: Path) -> str:
    return "Python" if path.suffix == ".py" else "JavaScript and TypeScript"


@pytest.mark.parametrize(("language", "at_least"), [("python", 60), ("javascript", 55), ("typescript", 35)])
def test_each_language_has_its_snippets(language: str, at_least: int) -> None:
    assert len(snippets(language)) >= at_least


@pytest.mark.parametrize("language", SUFFIXES)
def test_snippets_are_short_and_of_their_language(language: str) -> None:
    for path in snippets(language):
        assert path.suffix in SUFFIXES[language], path
        assert 8 <= len(path.read_text(encoding="utf-8").splitlines()) <= 40, path


@pytest.mark.parametrize("language", SUFFIXES)
def test_enough_snippets_have_nothing_to_find(language: str) -> None:
    without = [path for path in snippets(language) if not list(labels(path))]
    assert len(without) >= len(snippets(language)) / 5


@pytest.mark.parametrize("language_group", ["Python", "JavaScript and TypeScript"])
@pytest.mark.parametrize("kind", GATING)
def test_each_kind_that_gates_has_twenty_labels(kind: str, language_group: str) -> None:
    """Those of the table of runs; labels of other tables come on top."""
    counts = Counter(
        each for path in source_files() if group(path) == language_group for each, table in labels(path) if not table
    )
    assert counts[kind] >= 20


@pytest.mark.parametrize("path", source_files(), ids=lambda path: path.relative_to(LABELLED).as_posix())
def test_labels_can_be_read(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        assert not LIKE_A_LABEL.search(line) or LABEL.search(line), f"{path}:{number}: {line}"
        assert "scan: runs" not in line or (number <= 3 and HEADER.fullmatch(line)), f"{path}:{number}: {line}"
    for kind, table in labels(path):
        assert kind in KINDS, f"{path}: {kind}"
        assert kind != "no-start" or not table, f"{path}: an entry is judged for the table of runs alone"


@pytest.mark.parametrize("path", [each for each in source_files() if each.suffix == ".py"], ids=lambda path: path.name)
def test_python_files_parse(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@pytest.mark.parametrize("path", [each for each in source_files() if each.suffix != ".py"], ids=lambda path: path.name)
def test_javascript_and_typescript_files_parse(path: Path) -> None:
    tree = Parser(GRAMMARS[path.suffix]).parse(path.read_bytes())
    assert not tree.root_node.has_error, path


def test_three_projects_name_their_table_of_runs() -> None:
    projects = sorted((LABELLED / "projects").iterdir())
    assert len(projects) >= 3
    for project in projects:
        settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        assert settings["tool"]["runledger"]["scan"]["runs"], project
        sources = [each for each in source_files() if project in each.parents]
        assert len(sources) >= 5, project
        assert any(list(labels(each)) for each in sources), project
    assert {group(each) for each in source_files() if LABELLED / "projects" in each.parents} == {
        "Python",
        "JavaScript and TypeScript",
    }
