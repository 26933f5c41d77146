"""Names that a package loads when they are asked for are names like any other."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runledger
import runledger.domain
import runledger.testing

PACKAGE = """
from runledger.domain.late_names import late_names

eager = 1
__getattr__, __dir__ = late_names(__name__, {".shelf": ("book", "page"), ".cellar": ("wine",)})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package with names that are loaded late."""
    name = "library_of_late_names"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "shelf.py").write_text("book, page, other = object(), object(), object()")
    (folder / "cellar.py").write_text("wine = object()")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for each in [each for each in sys.modules if each.partition(".")[0] == name]:
        del sys.modules[each]


def test_a_late_name_is_loaded_when_it_is_asked_for_and_no_other(package: str) -> None:
    library = __import__(package)
    assert f"{package}.shelf" not in sys.modules
    book = library.book
    assert book is sys.modules[f"{package}.shelf"].book
    assert f"{package}.cellar" not in sys.modules
    assert vars(library)["book"] is book  # found at once from now on
    assert "page" not in vars(library)


def test_a_late_name_can_be_imported_and_is_listed(package: str) -> None:
    names: dict[str, object] = {}
    exec(f"from {package} import wine", names)  # noqa: S102
    assert names["wine"] is sys.modules[f"{package}.cellar"].wine
    listed = dir(sys.modules[package])
    assert {"eager", "book", "page", "wine", "__name__"} <= set(listed)
    assert "other" not in listed


def test_a_wrong_name_is_missing_as_in_any_module(package: str) -> None:
    library = __import__(package)
    with pytest.raises(AttributeError, match=f"^module '{package}' has no attribute 'boook'$"):
        library.boook  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'other'"):
        exec(f"from {package} import other", {})  # noqa: S102
    assert not hasattr(library, "cellars")


@pytest.mark.parametrize("module", [runledger, runledger.domain, runledger.testing])
def test_every_name_of_a_package_is_there_and_listed(module: object) -> None:
    names = vars(module)["__all__"]
    assert [name for name in names if not hasattr(module, name)] == []
    assert set(names) <= set(dir(module))
    assert names == sorted(set(names))


def test_a_type_checker_knows_the_late_names_and_rejects_wrong_ones(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import runledger\n"
        "from runledger import CopyResult, RunQuery\n"
        "from runledger.domain import Finding\n"
        "from runledger.testing import RunEvents\n"
        "query: RunQuery = runledger.RunQuery(limit=1)\n"
        "reveal_type(query.limit)\n"
        "runledger.RunQuerry\n"
        "runledger.domain.Findings\n"
        "runledger.testing.RunEvent\n"
    )
    cache = str(Path(".mypy_cache").absolute())
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines[:-1]] == [f"program.py:{number}:" for number in (6, 7, 8, 9)]
    assert 'Revealed type is "int | None"' in lines[0]
    assert all("has no attribute" in line for line in lines[1:-1])
