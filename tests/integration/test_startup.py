"""What `import runledger` and a command load: each module costs every process that starts a run."""

import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = "import runledger"
START_AND_FINISH = """
import runledger, sys
with runledger.connect(sys.argv[1], observers=()) as ledger:
    ledger.start("251124-081500", "acme").complete()
"""
CLASSES = """
import attrs, runledger
from runledger.domain.representation import fields_shown
modules = [module for name, module in sys.modules.items() if name.startswith("runledger")]
things = [thing for module in modules for thing in vars(module).values()]
classes = {thing for thing in things if isinstance(thing, type) and attrs.has(thing)}
print(len(classes), *[each.__name__ for each in classes if each.__repr__ is not fields_shown])
"""
EXEC = """
from runledger.cli import main
main()
"""
COLLECTIONS = """
import atexit, gc, sys
from runledger_command import main
early = []
gc.callbacks.append(lambda phase, _: "runledger.cli.options" in sys.modules or early.append(phase))
atexit.register(lambda: print(early, gc.isenabled(), gc.get_freeze_count() > 0))
main()
"""
LOADED = "import atexit, sys; atexit.register(lambda: print(*sys.modules, flush=True))\n"

SELDOM_USED = {
    *("asyncio", "concurrent.futures", "decimal", "email", "hashlib", "importlib.metadata", "logging", "pathlib"),
    *("random", "shutil", "socket", "subprocess", "tempfile", "urllib.parse", "zoneinfo"),
    *("psycopg", "pyairtable", "pytest", "hypothesis", "rich"),
    *("runledger.domain.preparation", "runledger.domain.stored_row"),
    *("runledger.domain.query", "runledger.domain.removal"),
    *("runledger.services.copying", "runledger.services.tracking", "runledger.adapters.airtable"),
    *("runledger.adapters.files", "runledger.adapters.observers", "runledger.aio", "runledger.scan"),
}
ONLY_FOR_COMMANDS = {"click", "gettext", "locale", "select", "signal", "termios", "uuid", "runledger.cli"}
ONLY_FOR_SQLITE = {"json", "queue", "sqlite3", "runledger.adapters"}


def modules_after(script: str, *arguments: str, folder: Path | None = None) -> set[str]:
    # Without our environment, in which coverage may ask to be started, and brings modules.
    done = subprocess.run(
        [sys.executable, "-c", LOADED + script, *arguments],
        env={},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_no_driver_and_nothing_that_is_seldom_used() -> None:
    loaded = modules_after(IMPORT)
    assert "runledger.stores" in loaded
    assert not loaded & (SELDOM_USED | ONLY_FOR_COMMANDS | ONLY_FOR_SQLITE)


def test_no_class_that_every_process_makes_compiles_a_repr() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys{CLASSES}"], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["8"]


def test_starting_and_finishing_a_run_loads_nothing_that_only_other_programs_need(tmp_path: Path) -> None:
    loaded = modules_after(START_AND_FINISH, f"sqlite:///{tmp_path / 'runs.db'}")
    assert "runledger.adapters.sql.sqlite" in loaded
    assert not loaded & (SELDOM_USED | ONLY_FOR_COMMANDS)


@pytest.mark.parametrize("path", ["/{folder}/runs.db", "/runs.db"])
def test_running_a_command_as_a_run_loads_nothing_that_is_seldom_used(tmp_path: Path, path: str) -> None:
    store = f"sqlite://{path.format(folder=tmp_path)}"
    loaded = modules_after(EXEC, "--store", store, "exec", "--client", "acme", "--", "true", folder=tmp_path)
    assert {"runledger.cli.execution.recording", "runledger.adapters.sql.sqlite"} <= loaded
    assert not loaded & {*SELDOM_USED, "ipaddress", "runledger.adapters.sql.sqlite_migration"}


def test_garbage_is_collected_once_a_command_is_loaded_and_not_before() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLLECTIONS, "--version"], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] True True"
