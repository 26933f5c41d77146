"""Running a command as a run."""

from __future__ import annotations

import atexit
import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ...domain import RunKey, RunLedgerError
from ...services.run_ids import new_run_id
from ...stores import backend_of
from ..alerts import alerts_of
from ..arguments import INTERVAL, SPAN, WRITTEN_SPAN
from ..locations import without_passwords
from ..options import chosen_store, complete_client_id, lasting, run_id_option, start_details, store_option
from ..output import complain

if TYPE_CHECKING:
    from ..execution.command import TimeLimit
    from ..execution.ending import Ending
    from ..execution.recording import Recording
    from ..execution.relay import Relay

_SILENT_SECONDS = 10.0
"""How long --run-anyway waits for a store that does not answer."""


def _complete_command(ctx: click.Context, param: click.Parameter, begun: str) -> list[Any]:
    from ..candidates import commands  # here, because only a shell that completes needs it

    return commands(ctx, param, begun)


@click.command("exec", context_settings={"allow_interspersed_args": False})
@store_option
@click.option(
    "--client",
    "client_id",
    required=True,
    metavar="ID",
    shell_complete=complete_client_id,
    help="The client the run is for.",
)
@run_id_option
@start_details
@click.option("--run-anyway", is_flag=True, help="Run the command even if its run cannot be started.")
@click.option(
    "--timeout", type=WRITTEN_SPAN, help="End the command after this long, as 2h: by TERM, after --grace by KILL."
)
@click.option("--grace", type=SPAN, default="10s", show_default=True, help="Between TERM and KILL of --timeout.")
@click.option(
    "--heartbeat",
    type=INTERVAL,
    help="How often the run is updated as a sign of life; 0 for never.  [default: 1m, or longer where the store counts "
    "requests]",
)
@click.option(
    "--finish-wait",
    type=INTERVAL,
    default="1m",
    show_default=True,
    help="How long to wait in the end for a store that is away or locked.",
)
@click.option(
    "--details/--no-details",
    "with_details",
    default=None,
    help="Note the arguments too, which may hold secrets; or nothing about what runs.  [default: the program, host, "
    "user and process]",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=_complete_command)
def exec_(
    run_id: str | None,
    client_id: str,
    run_anyway: bool,
    timeout: tuple[str, timedelta] | None,
    grace: timedelta,
    heartbeat: timedelta | None,
    finish_wait: timedelta,
    with_details: bool | None,
    command: tuple[str, ...],
    **details: Any,
) -> None:
    """Run a command as a run.

    Starts a run, runs the command, and finishes the run: as Completed if the exit code is 0; as Cancelled if a signal
    ended the command that exec passed on or the terminal sent; otherwise as Failed, with the exit code or the signal,
    and the last lines of standard error. After an exit code, lists and alerts show the last of them as the reason.
    Exits with the command's code (128 + N for signal N; 124 after a time-out).
    If both outputs go to one file, as with >log 2>&1, the last lines are of both. On a terminal, which stays the
    command's, no lines are kept. Inside the command, `runledger update` needs no ids.

    While the command runs, the run is updated as a sign of life. A store that is away in the end is waited for, then
    exec prints the command that finishes the run.

    A signal while the run is being started cancels the run, and the command does not run. After a signal while the run
    is being started or finished, the store has five seconds to answer. A signal after the first second
    of them ends exec immediately.

    If a run fails or cannot be started, people are notified by the service that RUNLEDGER_ALERT_URL names.

    \b
    Examples:
      runledger exec --client acme --name "Acme Ltd" -- ./nightly.sh --full
      runledger exec --client backup --run-anyway --timeout 2h -- ./backup.sh
    """
    if sys.platform == "win32":
        raise click.UsageError("exec needs a POSIX system.")
    if not command[0]:
        raise click.UsageError("the command is empty: name it after --.")
    from ..execution.command import TimeLimit
    from ..execution.recording import Recording
    from ..execution.relay import Relay
    from ..execution.signals import signals_held
    from ..execution.surroundings import environment_for, first_note

    run_id = new_run_id() if run_id is None else run_id
    alerts = alerts_of("exec")
    limit = timeout and TimeLimit(timeout[0], timeout[1].total_seconds(), grace.total_seconds())
    note = None if with_details is False else first_note(command, with_arguments=bool(with_details))
    store = None
    recording = None
    with signals_held() as mask, Relay.open() as relay:
        try:
            store = lasting(chosen_store())
            backend = backend_of(store)
            store = backend.absolute_url(store)  # the command may change its directory
            heartbeat = backend.heartbeat_interval if heartbeat is None else heartbeat
            new = Recording(store, RunKey(run_id, client_id), alerts)
            within = _SILENT_SECONDS if run_anyway else None
            if not new.start(details, note, may_lack_note=with_details is None, within=within):
                complain(f"the store has not answered within {within:g} s. Running the command meanwhile, as asked.")
            recording = new
        except RunLedgerError as error:
            alerts.start_failed(error, run_id, client_id)
            if not run_anyway:
                raise
            complain(f"{error} Running the command without a record, as asked.")
        environment = environment_for(store, None if recording is None else recording.key)
        ending = _recorded(recording, heartbeat or timedelta(), command, environment, mask, relay, limit)
        if recording is not None:
            recording.finish(ending, finish_wait.total_seconds())
    _end(ending.code)


def _end(code: int) -> NoReturn:
    """End this process, although a store may keep a thread. Not taking Python apart saves milliseconds, too."""
    context: click.Context | None = click.get_current_context()
    while context is not None:
        context.close()  # which sends the alerts that wait
        context = context.parent
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):  # after all that may write
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def _recorded(recording: Recording | None, heartbeat: timedelta, *how: Any) -> Ending:
    if recording is None:
        return _run(*how)
    with recording.kept_alive(heartbeat):
        return _run(*how)


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    mask: Iterable[int],
    relay: Relay,
    limit: TimeLimit | None,
) -> Ending:
    from ..execution.command import run_command
    from ..execution.ending import Ending

    try:
        return run_command(command, environment, mask, relay, limit)
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        ending = Ending(code, without_passwords(f"{command[0]}: {error.strerror}{_hint(command, error)}"))
        complain(ending.error)
        return ending


def _hint(command: Sequence[str], error: OSError) -> str:
    """What may be wrong with a command that cannot be found; empty if nothing shows it."""
    if not isinstance(error, FileNotFoundError):
        return ""
    if os.path.exists(command[0]):
        return ". The file is there, but not the interpreter that its first line names; or that line ends in CR LF."
    if len(command) == 1 and re.search(r"[\s|&;<>$*?]", command[0]):
        return f". exec runs no shell; write: -- sh -c {shlex.quote(command[0])}"
    if re.match(r"[A-Za-z_]\w*=", command[0]):
        return f". To set a variable, write: -- env {shlex.join(command)}"
    return ""
