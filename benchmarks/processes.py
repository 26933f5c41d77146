"""Whole processes: several that write one file, and commands from their start to their end."""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from statistics import median

import runledger
from comparison import AT, Row, interleaved, millis, verdict

WRITER = """
import sys, time
from datetime import datetime, UTC
from runledger import NewRun, RunChange, RunKey, RunRecord
from runledger.adapters.sql.sqlite import SQLiteRunRepository
path, synchronous, me = sys.argv[1:]
store = SQLiteRunRepository(path, synchronous=synchronous)
key = RunKey("r", me)
store.create(NewRun(RunRecord.start(key, datetime.now(UTC))))
print("ready", flush=True)
sys.stdin.readline()
end, done, longest = time.monotonic() + 5, 0, 0.0
while time.monotonic() < end:
    begin = time.monotonic()
    store.update(key, RunChange(add={"n": 1}), datetime.now(UTC))
    longest = max(longest, time.monotonic() - begin)
    done += 1
print(done, longest)
"""


def process_rows(folder: Path) -> Iterator[Row]:
    """Four processes that write one file for five seconds."""
    for synchronous in ("FULL", "NORMAL"):
        command = [sys.executable, "-c", WRITER, str(folder / f"shared {synchronous}.db"), synchronous]
        writers = [
            subprocess.Popen([*command, f"p{i}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for i in range(4)
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        told = [writer.communicate()[0].split() for writer in writers]
        counts = [int(line[0]) for line in told]
        fair, wait = min(counts) / max(counts), max(float(line[1]) for line in told)
        name = f"four SQLite writers, {synchronous}: "
        yield (
            name + "slowest ÷ fastest",
            str(min(counts)),
            str(max(counts)),
            f"{fair:.2f}",
            verdict("≥ 0.4", fair >= 0.4),
        )
        yield name + "longest wait", "", f"{wait:.3f} s", "", verdict("≤ 0.2 s", wait <= 0.2)


def command_rows(folder: Path) -> Iterator[Row]:
    """Start-up, and the import of 100,000 rows, as whole processes."""

    def run(*arguments: str) -> Callable[[int], object]:
        return lambda _: subprocess.run([*arguments], check=True, capture_output=True, env=environment)

    # As a user has it: with bytecode, which pip writes when it installs.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    python, store = sys.executable, f"sqlite:///{folder / 'exec.db'}"
    bare, ours = interleaved(15, run(python, "-c", "pass"), run(python, "-c", "import runledger"))
    added = (ours - bare) * 1000
    yield "import runledger", millis(bare), millis(ours), f"+{added:.0f} ms", verdict("≤ 50 ms", added <= 50)
    command = str(Path(python).with_name("runledger"))
    exec_ = [command, "--store", store, "exec", "--client", "x", "--", "true"]
    bare, ours = interleaved(15, run("true"), run(*exec_))
    added = (ours - bare) * 1000
    yield (
        "runledger exec -- true",
        millis(bare),
        millis(ours),
        f"+{added:.0f} ms",
        verdict("≤ 100 ms", added <= 100),
    )
    file = folder / "rows.csv"
    with file.open("w") as rows:
        rows.write("run_id,client_id,client_name,status,started_at,ended_at,User,Seconds\n")
        for i in range(100_000):
            at = AT + timedelta(seconds=i)
            end = at + timedelta(seconds=i % 5000)
            rows.write(
                f"{i},{i % 170},site {i % 170}.example,Completed,{at:%FT%TZ},{end:%FT%TZ},u{i % 999},{i % 5000}\n"
            )
    begin = time.perf_counter()
    run(python, "-m", "runledger", "--store", f"sqlite:///{folder / 'i.db'}", "import", str(file), "--rest-as-metrics")(
        0
    )
    rate = 100_000 / (time.perf_counter() - begin)
    yield "import of 100,000 rows", "", f"{rate:,.0f} rows/s", "", verdict("≥ 20,000 rows/s", rate >= 20_000)
    _, taken = interleaved(
        5, run("true"), run(python, "-m", "runledger", "--store", f"sqlite:///{folder / 'i.db'}", "summary")
    )
    yield "runledger summary of 100,000 runs", "", millis(taken), "", verdict("≤ 500 ms", taken <= 0.5)
    yield list_row(folder)


def list_row(folder: Path) -> Row:
    """The processor time of a list of 5,000 runs on a terminal, beside the same list in a pipe."""
    file = folder / "list.db"
    with runledger.connect(file, observers=()) as ledger:
        for client, run in ledger.start_many("251124-081500", [f"client {i}" for i in range(5000)]).items():
            if client.endswith("7"):
                run.fail("no disk")
    command = [sys.executable, "-m", "runledger", "--store", f"sqlite:///{file}", "list", "--all"]
    pipes, terminals = [], []
    for _ in range(5):
        pipes.append(_processor_time(lambda: subprocess.run(command, stdout=subprocess.PIPE, check=True)))
        terminals.append(_processor_time(lambda: _on_a_terminal(command)))
    pipe, terminal = median(pipes), median(terminals)
    ratio = terminal / pipe
    name = "list of 5,000 runs on a terminal, beside a pipe (processor time)"
    return name, millis(pipe), millis(terminal), f"{ratio:.2f}", verdict("≤ 3.0", ratio <= 3)


def _on_a_terminal(command: list[str]) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdin=follower, stdout=follower, env={**os.environ, "COLUMNS": "100"}):
        os.close(follower)
        with suppress(OSError):  # how Linux says that the other end is closed
            while os.read(leader, 1 << 16):
                pass
    os.close(leader)


def _processor_time(call: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
