"""The signatures of the face, which help() and editors show. Not for mutation runs, which wrap every function."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import runledger
from runledger import RunLedger

KEY = ("251124-081500", "acme")
FACE = (RunLedger, runledger.LedgerUpdates, runledger.LedgerReads, runledger.Run)


def parameters(function: Callable[..., object]) -> list[tuple[str, object, object]]:
    return [(each.name, each.default, each.annotation) for each in inspect.signature(function).parameters.values()]


def test_every_parameter_of_the_face_is_written_out() -> None:
    for owner in FACE:
        for name, method in vars(owner).items():
            if callable(method) and not name.startswith("_"):
                kinds = {each.kind for each in inspect.signature(method).parameters.values()}
                assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}, method
                assert inspect.getdoc(method), method


def public_modules() -> Iterator[ModuleType]:
    """All but the command line and what it alone uses."""
    for found in pkgutil.walk_packages(runledger.__path__, "runledger."):
        if found.name.split(".")[1] not in {"cli", "scan", "__main__"}:
            yield importlib.import_module(found.name)


def annotated(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What has annotations in a module: its public functions and classes, and the classes' methods and constructors."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        members = vars(thing).items() if inspect.isclass(thing) else ()
        yield f"{module.__name__}.{name}", thing
        for member, value in members:
            if member == "__init__" or not member.startswith("_"):
                method = value.fget if isinstance(value, property) else value
                yield f"{module.__name__}.{name}.{member}", getattr(method, "__func__", method)


def fails_to_resolve(thing: Any) -> bool:
    try:
        typing.get_type_hints(thing)
    except Exception:
        return True
    return False


def test_all_annotations_can_be_evaluated_as_frameworks_do() -> None:
    resolved: set[str] = set()
    failed: set[str] = set()
    for module in public_modules():
        for name, thing in annotated(module):
            if inspect.isclass(thing):  # of a library's class, only its type checker may know the names
                is_ours = not any(map(fails_to_resolve, thing.__mro__[1:]))
            else:  # a decorator of a library may have made the function, with that library's names around it
                is_ours = inspect.isfunction(thing) and thing.__globals__.get("__name__") == module.__name__
            if is_ours:
                (failed if fails_to_resolve(thing) else resolved).add(name)
    assert sorted(failed) == []
    assert {
        "runledger.stores.copy",
        "runledger.domain.port.RunReads.find",
        "runledger.aio.ledger.AsyncRunLedger.start",
    } < resolved
    assert typing.get_type_hints(runledger.copy)["return"] is runledger.CopyResult


def test_a_ledger_reads_as_its_reads_do() -> None:
    for name in ("get", "find", "latest", "summary", "stale"):
        of_ledger, of_reads = getattr(RunLedger, name), getattr(runledger.LedgerReads, name)
        assert name in vars(RunLedger)
        assert inspect.signature(of_ledger) == inspect.signature(of_reads)


def test_a_handle_takes_what_updates_by_key_take_but_for_the_key() -> None:
    for name in ("update", "heartbeat", "complete", "fail", "skip", "cancel"):
        by_key = parameters(getattr(runledger.LedgerUpdates, name))
        assert [each[0] for each in by_key[:3]] == ["self", "run_id", "client_id"]
        assert parameters(getattr(runledger.Run, name)) == [by_key[0], *by_key[3:]]


@pytest.mark.parametrize(
    ("act", "function"),
    [
        (lambda ledger, run: run.update(Posts=5), "Run.update()"),
        (lambda ledger, run: run.complete(Posts=5), "Run.complete()"),
        (lambda ledger, run: run.fail("why", Posts=5), "Run.fail()"),
        (lambda ledger, run: ledger.updates.update(*KEY, Posts=5), "LedgerUpdates.update()"),
        (lambda ledger, run: ledger.updates.fail(*KEY, "why", Posts=5), "LedgerUpdates.fail()"),
        (lambda ledger, run: ledger.start("s", "acme", Posts=5), "RunLedger.start()"),
        (lambda ledger, run: ledger.track("s", "acme", Posts=5), "RunLedger.track()"),
        (lambda ledger, run: ledger.find(Posts=5), "RunLedger.find()"),
        (lambda ledger, run: ledger.summary(Posts=5), "RunLedger.summary()"),
        (lambda ledger, run: ledger.stale(timedelta(0), Posts=5), "RunLedger.stale()"),
        (lambda ledger, run: ledger.reads.find(Posts=5), "LedgerReads.find()"),
    ],
)
def test_an_unknown_keyword_is_rejected_by_the_function_that_was_called(
    ledger: RunLedger, act: Callable[[RunLedger, runledger.Run], object], function: str
) -> None:
    run = ledger.start(*KEY)
    with pytest.raises(TypeError) as refusal:
        act(ledger, run)
    assert str(refusal.value) == f"{function} got an unexpected keyword argument 'Posts'"
    assert ledger.get(*KEY).updated_at == ledger.get(*KEY).started_at


def test_a_type_checker_knows_late_names_and_statuses_and_rejects_wrong_names(tmp_path: Path) -> None:
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
        "def label(status: runledger.RunStatus) -> None:\n"
        "    number: int = status.value\n"
        "    text: str = status.is_final\n"
    )
    cache = str(Path(".mypy_cache").absolute())
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines[:-1]] == [
        f"program.py:{number}:" for number in (6, 7, 8, 9, 11, 12)
    ]
    assert 'Revealed type is "int | None"' in lines[0]
    assert all("has no attribute" in line for line in lines[1:4])
    assert all("Incompatible types in assignment" in line for line in lines[4:-1])
