"""From what names a store to its backend."""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import a_store_of

import runledger
from runledger import RunLedger, StoreUnusable, connect, copy, open_repository
from runledger.domain import Backend, InvalidStoreURL
from runledger.stores import backend_of, store_url

SOURCE = Path(runledger.__file__).parent
SHELF = """
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import Backend

def open_url(url):
    repository = InMemoryRunRepository()
    repository.url = url
    return repository

BACKEND = Backend(open=open_url, absolute_url=lambda url: url + "/absolute")
NEITHER = "open_url"
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose packages are installed."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_an_entry_point_may_name_a_backend(packages: Path) -> None:
    a_store_of(packages, "shelf", SHELF, "BACKEND")
    assert backend_of("shelf://x").absolute_url("shelf://x") == "shelf://x/absolute"
    assert vars(open_repository("Shelf://X"))["url"] == "shelf://X"


def test_an_entry_point_may_name_a_function_that_opens(packages: Path) -> None:
    a_store_of(packages, "shelf", SHELF)
    backend = backend_of("shelf://x")
    assert backend == Backend(open=sys.modules["shelf"].open_url)
    assert (backend.examine, backend.prepare, backend.probe) == (None, None, None)
    assert (backend.makes_on_open("shelf://x"), backend.absolute_url("shelf://x")) == (None, "shelf://x")


def test_an_entry_point_that_names_neither_is_refused(packages: Path) -> None:
    a_store_of(packages, "shelf", SHELF, "NEITHER")
    with pytest.raises(StoreUnusable, match="shelf:NEITHER, is neither a Backend nor a function that opens a URL"):
        connect("shelf://x")


def test_an_unknown_scheme_is_answered_with_those_that_are_installed(packages: Path) -> None:
    a_store_of(packages, "shelf", SHELF)
    a_store_of(packages, "nil", SHELF)
    (packages / "nil-1.dist-info" / "entry_points.txt").write_text(
        "[runledger.repositories]\nshelf = nil:open_url\nAbacus = nil:open_url\n"
    )
    with pytest.raises(StoreUnusable) as caught:
        connect("mysql://me:hush@host/runs")
    known = str(caught.value).partition("or use ")[2].rstrip(".").split(", ")
    assert str(caught.value).startswith("no store is known for mysql://: install the package that brings it, or use ")
    assert "hush" not in str(caught.value)
    assert known == sorted(set(known))
    assert {"abacus://", "airtable://", "memory://", "postgres://", "postgresql://", "shelf://", "sqlite://"} <= {
        *known
    }


@pytest.mark.parametrize(
    ("store", "advice"),
    [
        ("postgresql+psycopg://me:hush@host/runs", "postgresql+psycopg://: write postgresql://, without"),
        ("PostgreSQL+asyncpg://me:hush@host/runs", "postgresql+asyncpg://: write postgresql://, without"),
        ("sqlite+pysqlite:///hush.db", "sqlite+pysqlite://: write sqlite://, without"),
        ("mysql+hush://host", "install the package that brings it"),
    ],
)
def test_a_driver_in_the_scheme_is_answered_with_the_scheme_without_it(store: str, advice: str) -> None:
    with pytest.raises(StoreUnusable) as caught:
        connect(store)
    assert advice in str(caught.value)
    assert "me:" not in str(caught.value)


@pytest.mark.parametrize("store", ["runs", "", "sqlite:/runs.db", "me:hush@host/runs.db", "://x", "me:hush@host://x"])
def test_what_has_no_scheme_is_refused(store: str) -> None:
    with pytest.raises(StoreUnusable, match="the store URL has no scheme: give text like sqlite:///runs") as caught:
        connect(store)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("store", "kind"), [(None, "NoneType"), (7, "int"), (b"memory://", "bytes")])
def test_what_is_no_text_is_refused_with_its_type(store: object, kind: str) -> None:
    """None is what an environment variable that is not set gives."""
    with pytest.raises(InvalidStoreURL, match=f"the store URL is {kind}, not text: give text like sqlite:///runs"):
        connect(store)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("runs.db", "sqlite:///runs.db"),
        ("/var/lib/Runs.SQLite", "sqlite:////var/lib/Runs.SQLite"),
        ("my runs#1.sqlite3", "sqlite:///my%20runs%231.sqlite3"),
        ("~/a~b.db", "sqlite:///~/a~b.db"),
        ("~a.db", "sqlite:///%7Ea.db"),
    ],
)
def test_a_path_is_refused_with_the_url_to_write(path: str, url: str) -> None:
    with pytest.raises(InvalidStoreURL) as caught:
        connect(path)
    assert str(caught.value) == (
        f"the store URL has no scheme: for the file {path} write {url}, or in Python a pathlib.Path."
    )


@pytest.mark.parametrize(("wrong", "side"), [(0, "source"), (1, "target")])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("foo", "the store URL has no scheme: give text like sqlite:///runs.db or postgresql://host/database"),
        ("foo.db", "the store URL has no scheme: for the file foo.db write sqlite:///foo.db"),
        (Path("mysql://me:hush@host/db"), "a store URL was given as a path: give it as text, like sqlite:///runs.db"),
        ("nosuch://me:hush@host/db", "no store is known for nosuch://"),
        ("sqlite://runs.db", "a SQLite URL is sqlite:///relative.db"),
    ],
)
def test_a_copy_names_the_side_whose_url_is_wrong(
    wrong: int, side: str, url: str | Path, words: str, tmp_path: Path
) -> None:
    connect(tmp_path / "a.db").close()
    stores: list[str | Path] = [tmp_path / "a.db", tmp_path / "b.db"]
    stores[wrong] = url
    with pytest.raises(InvalidStoreURL) as caught:
        copy(*stores)
    assert str(caught.value).startswith(f"{side}: {words}")
    assert "hush" not in str(caught.value)
    assert not (tmp_path / "b.db").exists()


def test_a_scheme_may_be_in_capitals(tmp_path: Path) -> None:
    with connect(f"SQLITE:///{tmp_path}/Runs.DB") as ledger:
        ledger.start("r", "acme")
    assert (tmp_path / "Runs.DB").exists()
    assert store_url("Airtable://appX/Runs") == "airtable://appX/Runs"


@pytest.mark.parametrize(
    "name", ["runs.db", "what?.db", "100%.db", "%41.db", "my runs.db", "a#b.db", "é.db", "x\udcff.db"]
)
def test_a_path_is_a_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with connect(tmp_path / name) as absolute:
        absolute.start("r", "acme")
    with connect(Path(name)) as relative:
        assert [record.key.client_id for record in relative.find()] == ["acme"]
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in tmp_path.iterdir()} == {name}
    assert os.fsencode(name) in [os.fsencode(path.name) for path in tmp_path.iterdir()]


def test_any_path_like_object_is_taken(tmp_path: Path) -> None:
    class Place:
        def __fspath__(self) -> str:
            return str(tmp_path / "runs.db")

    ledger = connect(Place())
    assert isinstance(ledger, RunLedger)
    ledger.close()
    assert (tmp_path / "runs.db").exists()


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite:///runs.db", "sqlite:///{}/runs.db"),
        ("sqlite:///my%20runs%3F.db", "sqlite:///{}/my%20runs%3F.db"),
        ("sqlite:////srv/runs.db", "sqlite:////srv/runs.db"),
        ("sqlite:///%2Fsrv/runs.db", "sqlite:///%2Fsrv/runs.db"),
    ],
)
def test_a_relative_url_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, absolute: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert backend_of(url).absolute_url(url) == absolute.format(tmp_path)


@pytest.mark.parametrize(
    ("url", "adapter", "library", "extra"),
    [
        ("postgresql://host/runs", "sql.postgresql", "psycopg", "postgres"),
        ("postgres://host/runs", "sql.postgresql", "psycopg", "postgres"),
        ("airtable://appX/Runs", "airtable", "pyairtable", "airtable"),
    ],
)
def test_a_missing_library_is_answered_with_what_to_install(
    url: str, adapter: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith((f"runledger.adapters.{adapter}", f"{library}.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(StoreUnusable) as caught:
        backend_of(url)
    scheme = url.partition(":")[0]
    assert str(caught.value).startswith(f"{scheme}:// needs the package '{library}")
    assert str(caught.value).endswith(f": pip install 'run-records[{extra}]'.")


def test_the_command_line_names_no_store() -> None:
    schemes = ("memory:", "sqlite:", "postgresql:", "postgres:", "airtable:")
    files = sorted((SOURCE / "cli").rglob("*.py"))
    assert len(files) > 10
    for path in files:
        tree = ast.parse(path.read_text())
        shown = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in shown:
                assert not [scheme for scheme in schemes if scheme in node.value.lower()], (path.name, node.value)


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node) is not None
