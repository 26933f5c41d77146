"""Checking that clients ran as expected, for cron and monitoring systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from traceback import format_exc

import click

from ...domain import RunLedgerError, RunObserver
from ...services.inspecting.checking import CheckResult
from ...services.inspecting.checking import check as checked
from ...services.inspecting.expectation import Expectation
from ...services.observing import Reporter
from ...stores import backend_of
from ..alerts import alerts_of_check
from ..arguments import DURATION, WRITTEN_SPAN
from ..expected import expectations_of
from ..options import (
    INCOMPLETE,
    any_or_some,
    chosen_existing_store,
    chosen_ledger,
    json_option,
    since_option,
    store_option,
)
from ..output import remark
from ..plugin import answered_within, print_result, print_unknown

Expected = Expectation | dict[str, Expectation]


@click.command()
@store_option
@click.option(
    "--client",
    "clients",
    metavar="ID",
    multiple=True,
    callback=any_or_some,
    help="Only this client, which must have run; may be repeated.",
)
@click.option("--max-age", type=DURATION, help="The newest run of each client started no longer ago.")
@click.option("--max-duration", type=DURATION, help="The newest run of each client is Running for no longer.")
@click.option("--may-fail", is_flag=True, help="It is no fault if the newest run failed.")
@click.option("--expect", "file", metavar="FILE", help="What is expected of each client: a TOML file.")
@click.option(
    "--quiet-after",
    type=DURATION,
    help="A Running run not updated for this long.  [default: 5m, or longer where the store counts requests]",
)
@since_option
@click.option(
    "--timeout",
    type=WRITTEN_SPAN,
    default="50s",
    show_default=True,
    help="End with exit code 3 if the store has not answered after this long.",
)
@click.option(
    "--alert",
    "alert_urls",
    metavar="URL",
    multiple=True,
    help="Send quiet runs and overdue clients there, each time; may be repeated.  [env: RUNLEDGER_ALERT_URL]",
)
@json_option
def check(
    clients: Sequence[str] | None,
    max_age: timedelta | None,
    max_duration: timedelta | None,
    may_fail: bool,
    file: str | None,
    quiet_after: timedelta | None,
    since: datetime | None,
    timeout: tuple[str, timedelta],
    alert_urls: Sequence[str],
    as_json: bool,
) -> None:
    """Check that clients ran as expected. Answers as a monitoring plugin.

    Prints one line, and ends with 0 if all is well, 1 for a warning, 2 if it is critical, 3 if it cannot tell.
    Critical: a client that never ran or is overdue, a newest run that failed or has times in the future, a quiet run.
    A warning: a newest run that completed with errors or takes too long. Changes nothing.

    \b
    Examples:
      runledger check
      runledger check --client backup --max-age 26h
      runledger check --expect expected.toml
      RUNLEDGER_ALERT_URL=mailto://user:password@mail.example.com runledger check
    """
    if since is not None and (clients or file):
        raise click.UsageError("--since is for a check of all clients: leave it out, or --client and --expect.")
    if file is not None and not clients and (may_fail or max_age is not None or max_duration is not None):
        raise click.UsageError("the file says what is expected: name a client with --client for the other options.")
    context = click.get_current_context()
    try:
        of_each = Expectation(max_age=max_age, max_duration=max_duration, may_fail=may_fail)
        with answered_within(*timeout, as_json=as_json):
            expected = _expected(of_each, clients, file)
            result = _check(expected, quiet_after, since, [alerts_of_check(alert_urls)])
    except click.ClickException:
        raise
    except Exception as error:  # a fault of ours too: a traceback ends with exit code 1, which is a warning
        if not isinstance(error, RunLedgerError):
            remark(format_exc())
        context.exit(print_unknown(str(error) or type(error).__name__, as_json=as_json))
    context.exit(print_result(result, context.meta.pop(INCOMPLETE, 0), as_json=as_json))


def _expected(of_each: Expectation, clients: Sequence[str] | None, file: str | None) -> Expected:
    """What is expected of the clients that the options or the file name; or of all, if none is named."""
    if not clients and file is None:
        return of_each
    by_file = {} if file is None else expectations_of(file)
    for client in clients or ():
        if client in by_file:
            raise click.UsageError(f"client {client!r} has a table in {file} too: leave out --client, or the table.")
    return by_file | dict.fromkeys(clients or (), of_each)


def _check(
    expected: Expected, quiet_after: timedelta | None, since: datetime | None, observers: Sequence[RunObserver] = ()
) -> CheckResult:
    """Check, and notify the observers of quiet runs and overdue clients, and of what the store reports."""
    if quiet_after is None:
        quiet_after = backend_of(chosen_existing_store()).stale_after
    at = datetime.now(UTC)
    notify = Reporter(observers, lambda: at).notify
    with chosen_ledger(whole=True, observers=observers) as ledger:
        return checked(ledger.reads, expected, quiet_after=quiet_after, at=at, since=since, notify=notify)
