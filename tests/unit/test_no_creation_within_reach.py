"""Who may only update cannot create: shown by the type checker, and by a look at the objects."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import fresh_database

import runledger
from runledger import RunLedger, open_repository
from runledger.adapters.postgresql import PostgreSQLRunRepository
from runledger.testing import creators_within_reach


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("ledger.start('r', 'c')", True),
        ("ledger.updates.update('r', 'c', add={'n': 1})", True),
        ("ledger.updates.start('r', 'c')", False),
        ("ledger.reads.start('r', 'c')", False),
        ("ledger.start('r', 'c').start('r', 'c')", False),
        ("updates.create(record)", False),
        ("reads.create(record)", False),
        ("access.create_many([record])", False),
        ("ledger.updates.update('r', 'c', metric={'n': 1})", False),
        ("ledger.updates.update('r', 'c', add={'n': 'x'})", False),
        ("ledger.get('r', 'c').metrics['n'] = 1", False),
    ],
)
def test_a_type_checker_tells_updating_from_creating(line: str, accepted: bool, tmp_path: Path) -> None:
    program = f"""
from runledger import RunLedger, RunRecord
from runledger.domain import RunAccess, RunReads, RunUpdates

def use(ledger: RunLedger, updates: RunUpdates, reads: RunReads, access: RunAccess, record: RunRecord) -> None:
    {line}
"""
    (tmp_path / "program.py").write_text(program)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(Path(".mypy_cache").absolute()),
        "program.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Success" if accepted else "program.py:6: error:"), done.stdout + done.stderr


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        with fresh_database() as url:
            repository = PostgreSQLRunRepository(url)
            repository.create_schema()
            repository.close()
            yield url
    else:
        yield {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/runs.db"}[request.param]


def test_nothing_within_reach_of_updates_reads_or_a_handle_creates(url: str) -> None:
    ledger = RunLedger(open_repository(url), owns_repository=True)
    run = ledger.start("r", "acme")
    for thing in (ledger.updates, ledger.reads, run, ledger.updates.run("r", "acme"), ledger.get, run.update):
        assert creators_within_reach(thing) == set()
    assert creators_within_reach(ledger) != set()
    ledger.close()


def test_one_module_calls_create() -> None:
    package = Path(runledger.__file__).parent
    callers = {
        (path.relative_to(package).as_posix(), node.attr)
        for path in package.rglob("*.py")
        if "testing" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("create", "create_many") and is_repository(node.value)
    }
    assert callers == {("services/creation.py", "create"), ("services/creation.py", "create_many")}


def is_repository(node: ast.expr) -> bool:
    """Anything but the creator and an adapter itself, whose methods have the same names."""
    is_own = isinstance(node, ast.Name) and node.id == "self"
    is_creator = isinstance(node, ast.Attribute) and node.attr == "_creator"
    return not is_own and not is_creator and not isinstance(node, ast.Call)
