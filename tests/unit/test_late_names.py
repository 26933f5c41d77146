"""Names that a package loads when they are asked for are names like any other."""

import copy
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runledger
import runledger.domain
import runledger.testing
from runledger.domain.late_names import LateModule

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


def test_a_late_module_is_loaded_when_one_of_its_names_is_asked_for(package: str) -> None:
    __import__(package)
    shelf, cellar = LateModule(".shelf", package), LateModule(f"{package}.cellar")
    assert f"{package}.shelf" not in sys.modules
    assert shelf.book is sys.modules[f"{package}.shelf"].book
    assert f"{package}.cellar" not in sys.modules
    assert cellar.wine is sys.modules[f"{package}.cellar"].wine
    with pytest.raises(AttributeError, match=f"^module '{package}.shelf' has no attribute 'boook'$"):
        shelf.boook  # noqa: B018


def test_a_late_module_is_copied_and_probed_without_being_loaded(package: str) -> None:
    __import__(package)
    shelf = LateModule(".shelf", package)
    copies = [shelf, copy.copy(shelf), copy.deepcopy(shelf), pickle.loads(pickle.dumps(shelf))]
    for each in copies:
        with pytest.raises(AttributeError, match=r"^a late module has no attribute '__wrapped__'$"):
            each.__wrapped__  # noqa: B018
    assert f"{package}.shelf" not in sys.modules
    assert {each.book for each in copies} == {sys.modules[f"{package}.shelf"].book}
