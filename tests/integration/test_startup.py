"""What `import runledger` and a command load: each module costs every process that starts a run."""

import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = "import runledger"
EXEC = """
from runledger.cli import main
main()
"""
LOADED = "import atexit, sys; atexit.register(lambda: print(*sys.modules, flush=True))\n"

SELDOM_USED = {
    *("asyncio", "concurrent.futures", "decimal", "email", "hashlib", "importlib.metadata", "logging", "pathlib"),
    *("random", "shutil", "socket", "subprocess", "tempfile", "urllib.parse", "zoneinfo"),
    *("psycopg", "pyairtable", "pytest", "hypothesis", "rich"),
    *("runledger.domain.preparation", "runledger.domain.stored_row"),
    *("runledger.services.copying.copying", "runledger.services.tracking.tracking", "runledger.adapters.airtable"),
    *("runledger.adapters.files", "runledger.adapters.observers", "runledger.aio", "runledger.scan"),
}
ONLY_FOR_COMMANDS = {"click", "gettext", "locale", "select", "signal", "termios", "uuid", "runledger.cli"}
ONLY_FOR_SQLITE = {"sqlite3", "queue", "runledger.adapters"}


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


@pytest.mark.parametrize("path", ["/{folder}/runs.db", "/runs.db"])
def test_running_a_command_as_a_run_loads_nothing_that_is_seldom_used(tmp_path: Path, path: str) -> None:
    store = f"sqlite://{path.format(folder=tmp_path)}"
    loaded = modules_after(EXEC, "--store", store, "exec", "--client", "acme", "--", "true", folder=tmp_path)
    assert {"runledger.cli.execution.recording", "runledger.adapters.sql.sqlite"} <= loaded
    assert not loaded & {*SELDOM_USED, "ipaddress", "runledger.adapters.sql.sqlite_migration"}
