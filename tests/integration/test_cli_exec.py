import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import RUNLEDGER, a_store_of, environment, in_a_process, runledger
from gated_store import at_the_gate, blocks, send
from postgres_server import fresh_database

from runledger import NewRun, RunRecord, connect

ME = f"{sys.executable} -m runledger"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def the_run(store: Path) -> NewRun:
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        (run,) = ledger.reads.find_with_logs()
    return run


def the_record(store: Path) -> RunRecord:
    return the_run(store).record


def test_a_command_is_run_as_a_run_with_its_input_and_output_untouched(store: Path) -> None:
    done = in_a_process(
        "exec", "--client", "acme", "--name", "Acme Ltd", "--", "sh", "-c", "cat; echo e >&2", store=store, given="in\n"
    )
    assert (done.stdout, done.stderr) == ("in\n", "e\n")
    record = the_record(store)
    assert (record.status.value, record.client_name, record.error) == ("Completed", "Acme Ltd", None)


def test_a_command_that_fails_leaves_its_code_and_the_end_of_its_errors(store: Path) -> None:
    script = "for i in $(seq 100); do echo line $i >&2; done; printf 'no newline' >&2; exit 7"
    done = in_a_process("exec", "--client", "acme", "--", "sh", "-c", script, store=store, code=7)
    assert done.stderr.count("\n") == 100
    error = the_record(store).error
    assert error is not None
    assert error.splitlines()[0] == "exit code 7: no newline"
    assert error.endswith("line 100\nno newline")
    assert len(error.splitlines()) == 21
    assert the_record(store).status.value == "Failed"


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        ("", "exit code 3"),
        (r"\n \n", "exit code 3"),
        (r"\nno space left\n\n", "exit code 3: no space left"),
        (r"copying\n  no space left \n \n", "exit code 3: no space left\ncopying\n  no space left"),
        ("x" * 200, f"exit code 3: {'x' * 200}"),
        ("x" * 201, f"exit code 3: {'x' * 199}…\n{'x' * 201}"),
    ],
)
def test_the_first_line_of_the_error_has_the_last_line_that_says_something(
    store: Path, printed: str, error: str
) -> None:
    in_a_process("exec", "--client", "a", "--", "sh", "-c", f"printf '{printed}' >&2; exit 3", store=store, code=3)
    assert the_record(store).error == error
    listed = in_a_process("list", store=store).stdout
    assert error.splitlines()[0] in listed


def test_errors_with_any_bytes_are_kept_readable(store: Path) -> None:
    done = subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", r"printf '\377\000x\n' >&2; exit 1"],
        env=environment(store),
        capture_output=True,
        check=False,
    )
    assert done.stderr == b"\xff\x00x\n"
    assert the_record(store).error == "exit code 1: \ufffd\ufffdx"


def test_inside_a_command_its_run_is_updated_without_keys(store: Path, tmp_path: Path) -> None:
    script = f"cd /; {ME} update --add Tokens=5; {ME} update --add Tokens=2 --note hi; {ME} show --json"
    relative = environment() | {"RUNLEDGER_STORE": "sqlite:///runs.db"}
    subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", script], cwd=tmp_path, env=relative, check=True
    )
    assert the_record(store).metrics == {"Tokens": 7}


def test_a_command_may_finish_its_own_run(store: Path) -> None:
    in_a_process("exec", "--client", "a", "--", "sh", "-c", f"{ME} skip --why 'nothing new'; exit 0", store=store)
    assert the_record(store).status.value == "Skipped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM])
def test_signals_are_passed_on_and_cancel_the_run(store: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [
            *RUNLEDGER,
            "exec",
            "--client",
            "a",
            "--",
            sys.executable,
            "-c",
            "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print('up', flush=True); signal.pause()",
        ],
        env=environment(store),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    code = process.wait(60)
    process.stdout.close()
    run = the_run(store)
    assert code == 128 + number
    assert (run.record.status.value, run.log[-1].text) == ("Cancelled", f"ended by {number.name}")


def test_a_command_that_handles_a_signal_ends_as_it_likes(store: Path) -> None:
    handling = (
        "import signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"  # else it may come just before the wait
        "print('up', flush=True)\n"
        "signal.sigwait([signal.SIGTERM])\n"
        "sys.exit(9)"
    )
    process = subprocess.Popen(
        [*RUNLEDGER, "exec", "--client", "a", "--", sys.executable, "-c", handling],
        env=environment(store),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 9
    process.stdout.close()
    assert the_record(store).status.value == "Failed"


@pytest.mark.parametrize(("command", "code"), [("no-such-command", 127), ("/etc/passwd", 126)])
def test_a_command_that_cannot_be_run_is_a_failed_run(store: Path, command: str, code: int) -> None:
    done = in_a_process("exec", "--client", "a", "--", command, store=store, code=code)
    assert done.stderr.startswith(f"runledger: {command}: ")
    assert the_record(store).error == done.stderr.removeprefix("runledger: ").strip()


@pytest.mark.parametrize("outlet", ["/dev/full", "a pipe that nobody reads"])
def test_the_run_ends_as_the_command_does_though_nothing_can_be_said_about_it(
    store: Path, tmp_path: Path, outlet: str
) -> None:
    def ended(*words: str, at: Path = store) -> int:
        if outlet == "/dev/full":
            inlet = os.open(outlet, os.O_WRONLY)
        else:
            unread, inlet = os.pipe()
            os.close(unread)
        done = subprocess.run([*RUNLEDGER, *words], env=environment(at), stderr=inlet, check=False, timeout=60)
        os.close(inlet)
        return done.returncode

    assert ended("exec", "--client", "acme", "--", "no-such-command") == 127
    assert the_record(store).status.value == "Failed"
    nowhere = tmp_path / "no" / "runs.db"
    assert ended("exec", "--client", "a", "--run-anyway", "--", "touch", f"{tmp_path}/done", at=nowhere) == 0
    assert (tmp_path / "done").exists()
    script = f"mv {store} {store}.away; exit 5"
    assert ended("exec", "--client", "a", "--", "sh", "-c", script) == 5
    assert ended("show", "no", "such", at=nowhere) == 7


def test_without_a_record_the_command_is_not_run_unless_asked(store: Path, tmp_path: Path) -> None:
    runledger("start", "--client", "a", "--run-id", "r", store=store)
    flag = tmp_path / "ran"
    run = ["exec", "--client", "a", "--run-id", "r"]
    done = in_a_process(*run, "--", "touch", str(flag), store=store, code=4)
    assert "was started before" in done.stderr
    assert not flag.exists()
    done = in_a_process(*run, "--run-anyway", "--", "touch", str(flag), store=store)
    assert "without a record" in done.stderr
    assert flag.exists()
    done = in_a_process(*run, "--run-anyway", "--", "sh", "-c", f"{ME} update --note x", store=store, code=2)
    assert "inside `runledger exec`, which sets them if it could start the run." in done.stderr
    assert (the_record(store).status.value, the_record(store).notes) == ("Running", 0)


def test_an_empty_command_is_refused_before_a_run_starts(store: Path) -> None:
    done = in_a_process("exec", "--client", "a", "--run-anyway", "--", "", "x", store=store, code=2)
    assert "the command is empty" in done.stderr
    assert not store.exists()


@pytest.mark.parametrize("place", [{"HOME": "/dev/null/x"}, {"RUNLEDGER_STORE": "sqlite:///runs.db"}])
def test_without_a_place_for_a_record_the_command_is_run_if_asked(tmp_path: Path, place: dict[str, str]) -> None:
    in_no_folder = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    for options, code in (["--run-anyway"], 0), ([], 7):
        act = [*RUNLEDGER, "exec", "--client", "a", *options, "--", "sh", "-c", "echo ran $RUNLEDGER_RUN_ID"]
        done = subprocess.run(
            ["sh", "-c", in_no_folder, str(tmp_path / "gone"), *act],
            env=environment() | place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (code, "" if code else "ran\n")
        assert ("as asked" in done.stderr) == (code == 0)


def test_of_outputs_that_are_one_file_the_end_of_both_is_kept(store: Path) -> None:
    subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", "echo out; echo err >&2; exit 1"],
        env=environment(store),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert the_record(store).error == "exit code 1: err\nout\nerr"


def test_merged_output_keeps_its_order(store: Path) -> None:
    script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done"
    done = subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", script],
        env=environment(store),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert done.stdout == "".join(f"out {i}\nerr {i}\n" for i in range(1, 6))


def test_a_command_whose_output_nobody_reads_any_more_ends_as_it_would_without_us(store: Path) -> None:
    running = subprocess.Popen(
        [*RUNLEDGER, "exec", "--client", "a", "--", "yes"],
        env=environment(store),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert running.stdout is not None
    with running:
        assert running.stdout.readline() == b"y\n"
        running.stdout.close()
    assert running.returncode == 128 + signal.SIGPIPE
    run = the_run(store)
    assert (run.record.status.value, run.record.error) == (
        "Failed",
        "ended by SIGPIPE: nobody read its output any more\n" + "\n".join(["y"] * 20),
    )


def test_a_terminal_stays_a_terminal(store: Path) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", "test -t 1 && test -t 2 && printf '\\033[1mbold' >&2"],
        env=environment(store),
        stdout=follower,
        stderr=follower,
        check=False,
    )
    os.close(follower)
    assert done.returncode == 0
    assert os.read(leader, 100) == b"\x1b[1mbold"
    os.close(leader)


def test_what_outlives_the_command_is_not_waited_for_and_goes_on_writing(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    background = f"(read line <'{tmp_path}/gate'; echo $line >&2; echo out) & echo begun >&2"
    with subprocess.Popen(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", background],
        env=environment(store),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.wait(60) == 0
        assert the_record(store).status.value == "Completed"
        assert process.stderr.readline() == "begun\n"
        (tmp_path / "gate").write_text("still here\n")
        assert (process.stderr.read(), process.stdout.read()) == ("still here\n", "out\n")  # and then both end


def test_what_carries_standard_error_holds_nothing_else_open(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    inherited, lock = os.pipe()
    only_errors = f"import os; os.close(1); os.closerange(3, 99); open('{tmp_path}/gate').read()"
    background = f'"{sys.executable}" -c "{only_errors}" &'
    process = subprocess.Popen(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", background],
        env=environment(store),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[lock],
    )
    os.close(lock)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == b""
        assert os.read(inherited, 1) == b""
        assert process.wait(60) == 0
        (tmp_path / "gate").write_text("end\n")
        assert process.stderr.read() == b""
    os.close(inherited)


def test_a_store_that_is_gone_at_the_end_does_not_change_the_exit_code(store: Path) -> None:
    done = in_a_process(
        "exec", "--client", "a", "--", "sh", "-c", f"rm {store}*; mkdir {store}; exit 5", store=store, code=5
    )
    assert re.match(r"runledger: run '\S+' of client 'a' could not be finished: .* cannot be opened.*\n", done.stderr)


def test_a_command_ends_its_run_though_the_parent_ignores_the_death_of_children(store: Path) -> None:
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    subprocess.run(
        [sys.executable, "-c", ignoring, *RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", "exec sleep 0.1"],
        env=environment(store),
        check=True,
        timeout=60,
    )
    assert the_record(store).status.value == "Completed"


def test_a_command_ignores_no_signal_that_only_we_ignore(store: Path) -> None:
    limited = f"ulimit -f 1; exec head -c 1000000 /dev/zero >'{store.parent}/big'"
    in_a_process("exec", "--client", "a", "--", "sh", "-c", limited, store=store, code=128 + signal.SIGXFSZ)
    assert the_record(store).error == "ended by SIGXFSZ: the limit for the size of files was reached"


def test_a_signal_without_a_name_is_numbered(store: Path) -> None:
    number = signal.SIGRTMIN + 2
    in_a_process("exec", "--client", "a", "--", "sh", "-c", f"kill -{number} $$", store=store, code=128 + number)
    assert the_record(store).error == f"ended by signal {number}"


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(store: Path, tmp_path: Path) -> None:
    script = tmp_path / "nightly.sh"
    script.write_text("echo ran $1\n")
    script.chmod(0o755)
    assert in_a_process("exec", "--client", "a", "--", str(script), "it", store=store).stdout == "ran it\n"


def test_a_relative_store_is_found_again_from_a_folder_whose_name_looks_encoded(tmp_path: Path) -> None:
    folder = tmp_path / "a%20b?"
    folder.mkdir()
    relative = environment() | {"RUNLEDGER_STORE": "sqlite:///runs.db"}
    subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", f"cd / && {ME} update --add n=1"],
        cwd=folder,
        env=relative,
        check=True,
    )
    shown = subprocess.run([*RUNLEDGER, "list", "--json"], cwd=folder, env=relative, check=True, capture_output=True)
    assert b'"metrics": {"n": 1}' in shown.stdout


def test_what_writes_without_end_does_not_keep_the_command_from_ending(store: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*RUNLEDGER, "exec", "--client", "a", "--", "sh", "-c", f"yes >&2 & echo $! >'{tmp_path}/pid'; exit 3"],
        env=environment(store),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.returncode == 3
    assert the_record(store).status.value == "Failed"


def test_a_store_whose_driver_has_threads_takes_no_signal_from_the_command() -> None:
    with fresh_database() as url:
        runledger("init", store=url)
        for _ in range(10):
            in_a_process("exec", "--client", "a", "--", "true", store=url)
        done = runledger("list", "--status", "running", "--json", store=url)
        assert done.stdout == ""


LINGERING = """
import threading
from runledger.adapters.sql import sqlite

def open_url(url):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    return sqlite.open_url(url.replace("lingering", "sqlite"))
"""


def test_a_thread_that_a_store_leaves_behind_takes_no_signal_from_the_command(store: Path, tmp_path: Path) -> None:
    a_store_of(tmp_path, "lingering", LINGERING)
    for _ in range(10):
        in_a_process("exec", "--client", "a", "--", "true", store=f"lingering:///{store}", PYTHONPATH=str(tmp_path))
    assert runledger("list", "--status", "running", store=store).stdout == ""


WITH_CTRL_C_WAITING = """
import os, signal
from runledger.cli.execution.command import run_command
from runledger.cli.execution.relay import Relay
from runledger.cli.execution.signals import signals_held

with signals_held() as mask:
    print("up", flush=True)
    while signal.SIGINT not in signal.sigpending():
        pass
    print(run_command(["sleep", "20"], os.environ, mask, Relay()).cancelled, flush=True)
"""


def test_ctrl_c_that_comes_just_before_the_command_is_for_the_command() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", WITH_CTRL_C_WAITING])  # noqa: S606 (no shell, on purpose)
    with open(terminal, "r+b", buffering=0) as session:
        assert session.readline() == b"up\r\n"
        session.write(b"\x03")
        said = session.readline()
        os.waitpid(pid, 0)
    assert b"ended by SIGINT" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_during_the_start_leaves_no_run_running_whose_command_never_ran(
    store: Path, tmp_path: Path, number: signal.Signals
) -> None:
    os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "touch", "ran") as process:
        send(process, number)
        (tmp_path / "opened").touch()
        assert process.communicate(timeout=60)[1] == ""
    run = the_run(store)
    assert process.returncode == 128 + number
    assert (run.record.status.value, run.log[-1].text) == (
        "Cancelled",
        f"ended by {number.name} before the command began",
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("act", ["started", "finished"])
def test_a_store_that_refuses_a_signalled_command_is_told(store: Path, tmp_path: Path, act: str) -> None:
    if act == "started":
        os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "mkfifo", "reached") as process:
        send(process, signal.SIGTERM)
        store.write_text("no database " * 1000)
        (tmp_path / "opened").touch()
        _, errors = process.communicate(timeout=60)
    assert "is not a SQLite database: choose another file" in errors
    assert errors.count("\n") == {"started": 1, "finished": 3}[act]
    assert process.returncode == {"started": 143, "finished": 0}[act]


def test_a_signal_that_we_were_told_to_ignore_does_not_stop_a_start(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reached")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with at_the_gate(store, tmp_path, "touch", "ran") as process:
            process.send_signal(signal.SIGHUP)
            (tmp_path / "opened").touch()
            assert process.communicate(timeout=60)[1] == ""
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (process.returncode, the_record(store).status.value) == (0, "Completed")
    assert (tmp_path / "ran").exists()


def test_a_signal_during_the_finish_does_not_leave_the_run_running(store: Path, tmp_path: Path) -> None:
    with at_the_gate(store, tmp_path, "mkfifo", "reached") as process:
        send(process, signal.SIGTERM)
        (tmp_path / "opened").touch()
        assert process.communicate(timeout=60)[1] == ""
    assert (process.returncode, the_record(store).status.value) == (0, "Completed")


@pytest.mark.parametrize("act", ["started", "finished"])
def test_two_signals_within_a_second_are_one_to_a_run_that_is_being_started_or_finished(
    store: Path, tmp_path: Path, act: str
) -> None:
    if act == "started":
        os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "mkfifo", "reached") as process:
        process.send_signal(signal.SIGSTOP)  # so that both are there before the first is taken
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)  # it stops in a moment, and took SIGTERM until then
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        (tmp_path / "opened").touch()
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=60)[1] == ""
    assert the_record(store).status.value == {"started": "Cancelled", "finished": "Completed"}[act]
    assert process.returncode == {"started": 128 + signal.SIGINT, "finished": 0}[act]


def test_a_start_that_waits_for_the_store_can_be_interrupted(store: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "touch", "ran") as process:
        send(process, signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        while blocks(process, signal.SIGINT):  # for a second, in which a supervisor may send several
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == -signal.SIGINT
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "code", "hint"),
    [
        (["ls -l /"], 127, "exec runs no shell; write: -- sh -c 'ls -l /'"),
        (["cd /tmp && ls"], 127, "write: -- sh -c 'cd /tmp && ls'"),
        (["FOO=1", "env"], 127, "To set a variable, write: -- env FOO=1 env"),
        (["./crlf.sh"], 127, "The file is there, but not the interpreter that its first line names"),
        (["no-such-command"], 127, "no-such-command: No such file or directory\n"),
    ],
)
def test_a_command_that_cannot_be_found_gets_a_hint(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], code: int, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crlf.sh").write_bytes(b"#!/bin/sh\r\ntrue\r\n")
    (tmp_path / "crlf.sh").chmod(0o755)
    assert hint in in_a_process("exec", "--client", "a", "--", *command, store=store, code=code).stderr


def test_the_command_finds_runledger_where_cron_would_not(store: Path) -> None:
    script = str(Path(sys.executable).with_name("runledger"))
    done = subprocess.run(
        [script, "exec", "--client", "a", "--", "sh", "-c", "runledger update --note found"],
        env={**environment(store), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("act", ["started", "finished"])
def test_a_store_that_does_not_answer_a_signalled_command_in_time_is_told(
    store: Path, tmp_path: Path, act: str
) -> None:
    if act == "started":
        os.mkfifo(tmp_path / "reached")
    with at_the_gate(store, tmp_path, "mkfifo", "reached", GRACE="0.3") as process:
        send(process, signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert re.fullmatch(
        rf"runledger: ended by SIGTERM while run '\S+' of client 'a' was being {act}: `runledger show` says "
        "whether it was\\.\n" + {"started": "", "finished": r"When the .*, write:\n  runledger complete .*\n"}[act],
        errors,
    )
    assert process.returncode == {"started": 143, "finished": 0}[act]
