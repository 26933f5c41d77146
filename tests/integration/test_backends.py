"""A store of an installed package gets from the command line what the stores of runledger get."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from commands import RUNLEDGER, a_store_of, environment, in_a_process, runledger
from postgres_server import CountingProxy, fresh_database

from runledger import RunLedger, connect

SHELF = """
import os
from runledger.adapters.sql.sqlite import SQLiteRunRepository
from runledger.domain import Backend, Finding, StoreUnusable

def path_of(url):  # shelf://name or shelf:///folder/name
    return url.removeprefix("shelf://")

def open_shelf(url):
    if "floor" in url:
        raise StoreUnusable("there is no room on the floor: name a wall.")
    return SQLiteRunRepository(path_of(url))

def examine(url):
    if not os.path.exists(path_of(url)):
        yield Finding.fix(f"there is no shelf {path_of(url)}", "put it up")
        return
    yield Finding.ok("the shelf hangs")
    yield Finding.note("it is full of dust", "wipe it")

def prepare(url, preparation):
    if os.path.exists(path_of(url)):
        if boards := [f"{each.name} ({each.kind.value} {each.decimals})" for each in preparation.metrics]:
            preparation.confirm([f"screw on the board {board}" for board in boards])
            yield Finding.ok(f"screwed on {', '.join(boards)}")
        return
    open_shelf(url).close()
    yield Finding.ok("put the shelf up")
    if "crooked" in url:
        yield Finding.fix("it hangs crooked", "straighten it by hand")

def probe(url, scratch):
    try:
        yield Finding.ok(f"it holds {scratch}")
        if scratch == "anvil":
            yield Finding.fix("it bends")
        yield Finding.ok("it does not creak")
    finally:
        print("tidied up")

def makes_on_open(url):
    return None if os.path.exists(path_of(url)) else f"shelf {path_of(url)}"

def absolute_url(url):
    return f"shelf://{os.path.abspath(path_of(url))}"

BACKEND = Backend(
    open=open_shelf, examine=examine, prepare=prepare, probe=probe, makes_on_open=makes_on_open,
    absolute_url=absolute_url, metric_columns=True,
)
PASSING = Backend(open=open_shelf, is_lasting=False)

def open_eagerly(url):
    with open(path_of(url), "a"):
        return open_shelf(url)

EAGER = Backend(open=open_eagerly, makes_on_open=makes_on_open)
"""


class Shelf:
    """A folder for stores, and the command line with the package that brings them."""

    def __init__(self, folder: Path, offers: str) -> None:
        self.folder = folder
        self.path = folder / "wall"
        self.url = f"shelf://{self.path}"
        (folder / "site").mkdir()
        a_store_of(folder / "site", "shelf", SHELF, offers)

    def run(self, *arguments: str, store: str | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
        return in_a_process(*arguments, store=store or self.url, code=code, PYTHONPATH=str(self.folder / "site"))

    def ledger(self) -> RunLedger:
        return connect(self.path, observers=())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, "BACKEND")


@pytest.fixture
def bare(tmp_path: Path) -> Shelf:
    """Of a package whose entry point names a function."""
    return Shelf(tmp_path, "open_shelf")


def test_init_says_what_was_made_and_what_is_left_to_do(shelf: Shelf) -> None:
    assert shelf.run("init").stdout == "ok    put the shelf up\n"
    assert shelf.path.exists()
    assert shelf.run("init").stdout == "The store is ready.\n"
    crooked = shelf.run("init", store=f"{shelf.url}-crooked", code=7)
    assert crooked.stdout == "ok    put the shelf up\nfix   it hangs crooked: straighten it by hand\n"
    assert "no room on the floor" in shelf.run("init", store="shelf://floor", code=7).stderr


def test_init_passes_the_columns_of_metrics_on_and_asks_before_a_change(shelf: Shelf) -> None:
    shelf.run("init", "--metric", "a:b:number.2")
    refused = shelf.run("init", "--metric", "a:b:number.2", "--metric", "Memo:text", code=2)
    shown = "This will screw on the board a:b (number 2).\nThis will screw on the board Memo (text 0).\n"
    assert refused.stderr.startswith(shown)
    assert refused.stdout == ""
    done = shelf.run("init", "--metric", "a:b:number.2", "--metric", "Memo:text", "--yes")
    assert (done.stdout, done.stderr) == ("ok    screwed on a:b (number 2), Memo (text 0)\n", shown)


@pytest.mark.parametrize("store", ["sqlite:///{}/runs.db", "postgresql://127.0.0.1:1/runs"])
def test_a_store_that_needs_no_columns_refuses_metrics(store: str, tmp_path: Path) -> None:
    done = runledger("init", "--metric", "Tokens:number", store=store.format(tmp_path), code=2)
    scheme = store.partition(":")[0]
    assert f"the store of {scheme}:// keeps metrics without columns: leave --metric out." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_doctor_says_what_the_adapter_finds(shelf: Shelf) -> None:
    done = shelf.run("doctor", code=7)
    assert done.stdout == f"fix   there is no shelf {shelf.path}: put it up\n"
    assert not shelf.path.exists()
    shelf.run("init")
    assert shelf.run("doctor").stdout == "ok    the shelf hangs\nnote  it is full of dust: wipe it\n"
    assert '"advice": "wipe it"' in shelf.run("doctor", "--json").stdout


def test_doctor_probes_what_the_adapter_can_probe(shelf: Shelf) -> None:
    assert "holds" not in shelf.run("doctor", "--probe", "books", code=7).stdout  # of what cannot serve
    shelf.run("init")
    done = shelf.run("doctor", "--probe", "books")
    assert done.stdout.splitlines()[2:] == ["ok    it holds books", "ok    it does not creak", "tidied up"]
    done = shelf.run("doctor", "--probe", "anvil", code=7)
    assert done.stdout.splitlines()[3:] == ["fix   it bends", "ok    it does not creak", "tidied up"]


def test_a_dry_run_of_a_copy_makes_no_store(shelf: Shelf, tmp_path: Path) -> None:
    with connect(tmp_path / "origin.db", observers=()) as ledger:
        ledger.start("r", "acme")
    origin = f"sqlite:///{tmp_path}/origin.db"
    assert "1 to be copied" in shelf.run("copy", origin, shelf.url, "--dry-run").stdout
    assert not shelf.path.exists()
    assert "1 copied" in shelf.run("copy", origin, shelf.url).stdout
    assert "1 already there" in shelf.run("copy", origin, shelf.url, "--dry-run").stdout


@pytest.mark.parametrize("command", ["list", "show r acme", "update r acme", "summary", "stale --older-than 1d"])
def test_a_store_that_is_not_there_is_named_and_not_made(shelf: Shelf, command: str) -> None:
    done = shelf.run(*command.split(), code=7)
    assert done.stderr.startswith(f"runledger: there is no shelf {shelf.path}: correct the URL; `runledger init`")
    assert not shelf.path.exists()


def test_a_command_reaches_a_store_that_was_named_from_another_directory(shelf: Shelf) -> None:
    script = f"cd /; {sys.executable} -m runledger update --add Tokens=5"
    subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", script],
        cwd=shelf.folder,
        env=environment("shelf://wall", PYTHONPATH=str(shelf.folder / "site")),
        check=True,
    )
    with shelf.ledger() as ledger:
        [record] = ledger.find()
    assert (record.status.value, record.metrics) == ("Completed", {"Tokens": 5})


def test_a_scheme_may_be_in_capitals(shelf: Shelf) -> None:
    store = shelf.url.replace("shelf:", "Shelf:", 1)
    shelf.run("init", store=store)
    shelf.run("exec", "--client", "a", "--", "true", store=store)
    shelf.run("copy", store, f"{shelf.url}-2", store=store)
    assert "Completed" in shelf.run("list", store=f"{store}-2").stdout
    assert "it holds books" in shelf.run("doctor", "--probe", "books", store=store).stdout


def test_a_store_that_ends_with_the_command_is_refused(tmp_path: Path) -> None:
    passing = Shelf(tmp_path, "PASSING")
    for command in ("init", "list", "start --client a", "exec --client a -- true", f"copy {passing.url} memory://"):
        assert "shelf:// lasts as long as this command" in passing.run(*command.split(), code=2).stderr
    assert not passing.path.exists()


def test_of_a_store_without_more_than_opening_no_more_is_claimed(bare: Shelf) -> None:
    opens = "ok    the store of shelf:// opens\n"
    assert bare.run("doctor").stdout == f"{opens}note  the adapter of this store has no further checks\n"
    assert bare.run("init").stdout == (
        f"{opens}note  nothing was made: this store needs no preparation, or its adapter does not offer it; see the "
        "adapter's documentation\n"
    )
    assert "the store of shelf:// has no probe" in bare.run("doctor", "--probe", "books", code=2).stderr
    assert bare.run("list").stdout == ""


def test_doctor_makes_no_store_by_opening_it_and_init_says_what_opening_made(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "EAGER")
    done = shelf.run("doctor")
    assert done.stdout == f"note  there is no shelf {shelf.path}: `runledger init` or the first start makes it\n"
    assert not shelf.path.exists()
    done = shelf.run("init")
    assert done.stdout == f"ok    the store of shelf:// opens\nok    opening made the shelf {shelf.path}\n"
    assert shelf.path.exists()
    assert "nothing was made" in shelf.run("init").stdout


def test_a_store_that_does_not_open_is_not_ready(bare: Shelf) -> None:
    assert "no room on the floor" in bare.run("init", store="shelf://floor", code=7).stderr
    done = bare.run("doctor", store="shelf://floor", code=7)
    assert done.stdout == "fix   there is no room on the floor: name a wall.\n"


def test_one_connection_serves_a_whole_command() -> None:
    with fresh_database() as url, closing(CountingProxy(url)) as proxy:

        def connections(*command: str, code: int = 0) -> int:
            before = proxy.opened
            runledger(*command, store=proxy.url, code=code)
            return proxy.opened - before

        assert connections("doctor", code=7) == 1
        assert connections("init") == 1
        assert connections("start", "--client", "acme", "--run-id", "r") == 1
        for command in ("show r acme", "list", "summary", "update r acme --note hi", "init", "doctor", "export"):
            assert (command, connections(*command.split())) == (command, 1)


OPENS = """
import sqlite3, sys
opened = []
sys.addaudithook(lambda event, values: opened.append(values[0]) if event == "sqlite3.connect" else None)
from runledger.cli.group import cli
cli(sys.argv[1:], standalone_mode=False)
print(len(opened))
"""


@pytest.mark.parametrize("command", ["init", "doctor", "start --client a"])
def test_one_opening_of_a_file_serves_a_whole_command(tmp_path: Path, command: str) -> None:
    runledger("init", store=tmp_path / "runs.db")
    done = subprocess.run(
        [sys.executable, "-c", OPENS, *command.split()],
        env=environment(tmp_path / "runs.db"),
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "1"
