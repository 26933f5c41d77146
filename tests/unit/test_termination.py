"""`sigterm_as_exit`: SIGTERM ends blocks as Cancelled, and only where somebody asked for that."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import runledger
from runledger import InvalidValue, RunLedger, RunLedgerError, sigterm_as_exit


def unhandled(*_: object) -> None:
    raise AssertionError("SIGTERM came to the handler from before")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The handler from before fails the test. The default one would end the process, and all other tests with it."""
    before = signal.signal(signal.SIGTERM, unhandled)
    yield
    assert signal.signal(signal.SIGTERM, before) is unhandled


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def ended_as(ledger: RunLedger, run_id: str = "r") -> tuple[str, str | None, list[str]]:
    run = ledger.reads.get_with_log(run_id, "acme")
    return run.record.status.value, run.record.error, [line.text for line in run.log]


def test_a_block_that_sigterm_ends_is_cancelled(ledger: RunLedger) -> None:
    with pytest.raises(SystemExit) as raised, sigterm_as_exit(), ledger.track("r", "acme"):
        terminate()
        pytest.fail("the block went on")
    assert raised.value.code == 143
    assert ended_as(ledger) == ("Cancelled", None, ["SIGTERM"])


def test_an_exit_of_the_program_itself_with_that_code_is_a_failure(ledger: RunLedger) -> None:
    with pytest.raises(SystemExit), sigterm_as_exit(), ledger.track("r", "acme"):
        sys.exit(143)
    assert ended_as(ledger) == ("Failed", "SystemExit: 143", [])


def test_only_the_first_sigterm_raises(ledger: RunLedger) -> None:
    with pytest.raises(SystemExit), sigterm_as_exit(), ledger.track("r", "acme"):
        try:
            terminate()
        finally:
            terminate()
            ledger.updates.update("r", "acme", note="cleaned up")
    assert ended_as(ledger) == ("Cancelled", None, ["cleaned up", "SIGTERM"])


def test_the_block_may_be_entered_again() -> None:
    block = sigterm_as_exit()
    for _ in range(2):
        with pytest.raises(SystemExit), block:
            terminate()


def test_the_handler_from_before_is_there_again(ledger: RunLedger) -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        with sigterm_as_exit():
            pass
        terminate()
        with pytest.raises(ValueError, match="boom"), sigterm_as_exit():
            raise ValueError("boom")
        terminate()
        with pytest.raises(SystemExit), sigterm_as_exit(), sigterm_as_exit():
            terminate()
        terminate()
        assert came == [signal.SIGTERM] * 3
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_inner_of_two_blocks_gives_the_signal_back_to_the_outer_one() -> None:
    with pytest.raises(SystemExit), sigterm_as_exit():
        with sigterm_as_exit():
            pass
        terminate()


def test_nothing_is_installed_without_the_block(ledger: RunLedger) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ledger.track("r", "acme", heartbeat=60):
        assert signal.getsignal(signal.SIGTERM) is before
    sigterm_as_exit()
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_of_the_main_thread_it_says_so() -> None:
    raised: list[RunLedgerError] = []

    def work() -> None:
        try:
            with sigterm_as_exit():
                pytest.fail("the block ran")
        except InvalidValue as error:
            raised.append(error)

    thread = threading.Thread(target=work, name="worker-7")
    thread.start()
    thread.join()
    assert [str(each) for each in raised] == [
        "sigterm_as_exit was entered in the thread 'worker-7': enter it in the main thread, the only one in which "
        "Python handles signals."
    ]


HANDLED_IN_C = """
import ctypes, os, signal, sys

handler = ctypes.CDLL(None).signal
handler.argtypes = [ctypes.c_int, ctypes.c_void_p]
handler(signal.SIGTERM, ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p))
for name in ("signal", "_signal"):
    del sys.modules[name]
import signal  # it looks which handlers there are, as it does when a program begins that runs Python in it

import runledger

assert signal.getsignal(signal.SIGTERM) is None
try:
    with runledger.sigterm_as_exit():
        print("the block ran")
except runledger.InvalidValue as error:
    print(error)
os.kill(os.getpid(), signal.SIGTERM)
"""


OUTSIDE = (
    "SIGTERM has a handler that code outside of Python installed, and that Python cannot restore: leave "
    "sigterm_as_exit out, and let the program that runs Python end your work."
)


def test_where_code_outside_of_python_handles_the_signal_it_says_so_and_leaves_that_handler() -> None:
    done = subprocess.run([sys.executable, "-c", HANDLED_IN_C], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{OUTSIDE}\n", "")


def test_a_handler_from_outside_of_python_is_looked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", {signal.SIGTERM: None}.__getitem__)  # in another process it is a real one
    with pytest.raises(InvalidValue) as raised, sigterm_as_exit():
        pytest.fail("the block ran")
    assert str(raised.value) == OUTSIDE
    monkeypatch.undo()


def test_a_program_of_asyncio_cancels_its_runs(ledger: RunLedger) -> None:
    async def job() -> None:
        async with ledger.track("r", "acme"):
            asyncio.get_running_loop().call_soon(terminate)
            await asyncio.Event().wait()

    with pytest.raises(SystemExit) as raised, sigterm_as_exit():
        asyncio.run(job())
    assert raised.value.code == 143
    assert ended_as(ledger)[0] == "Cancelled"


def test_a_loop_that_handles_sigterm_itself_cancels_its_runs(ledger: RunLedger) -> None:
    async def job() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with ledger.track("r", "acme"):
            terminate()
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(job())
    assert signal.signal(signal.SIGTERM, unhandled) is signal.SIG_DFL  # as a loop leaves it
    assert ended_as(ledger) == ("Cancelled", None, ["CancelledError"])


SCRIPT = """
import sys, time, runledger
with runledger.sigterm_as_exit(), runledger.connect(sys.argv[1], observers=()) as ledger:
    with ledger.track("r", "acme", heartbeat=0.001):
        print("inside", flush=True)
        time.sleep(600)
"""


def test_a_process_that_sigterm_ends_has_its_exit_code_and_no_traceback(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/runs.db"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.terminate()
        assert process.stderr.read() == ""
    assert process.returncode == 143
    with runledger.connect(store, observers=()) as ledger:
        assert ended_as(ledger) == ("Cancelled", None, ["SIGTERM"])
