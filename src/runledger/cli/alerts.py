"""Alerts about what a command does, by the URLs in RUNLEDGER_ALERT_URL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from attrs import evolve

from ..domain import EventKind, InvalidValue, RunAlreadyExists, RunEvent, RunKey, RunLedgerError
from .output import complain

if TYPE_CHECKING:
    from ..alerts import Alerts

VARIABLE = "RUNLEDGER_ALERT_URL"
"""One URL, or several with spaces between them."""


class CommandAlerts:
    """An observer that passes a command's events on to Alerts; their call site is the command and its host.

    They are closed as the command ends, and not as Python ends, when a service can no longer start threads.
    """

    def __init__(self, command: str, targets: Iterable[Alerts]) -> None:
        self._targets = tuple(targets)
        self._place = f"runledger {command} on {os.uname().nodename if hasattr(os, 'uname') else 'this host'}"
        for alerts in self._targets:
            click.get_current_context().call_on_close(alerts.close)

    def __call__(self, event: RunEvent) -> None:
        if event.kind is not EventKind.START_FAILED:  # the command may start the run in another way
            self._forward(event)

    def start_failed(self, error: RunLedgerError, run_id: str, client_id: str) -> None:
        """Send that a run could not be started, be it because its store could not be opened; not that it exists."""
        if isinstance(error, RunAlreadyExists):
            return
        key = None
        with suppress(InvalidValue):
            key = RunKey(run_id, client_id)
        self._forward(RunEvent(kind=EventKind.START_FAILED, key=key, at=datetime.now(UTC), error=error))

    def _forward(self, event: RunEvent) -> None:
        for alerts in self._targets:
            alerts(evolve(event, call_site=self._place))


def alerts_of(command: str) -> CommandAlerts:
    """The alerts of a command by the environment. A URL that cannot be used is reported, and stops nothing."""
    targets = []
    for url in named_targets():
        try:
            targets.append(alerts_to(url, lazy=True))
        except InvalidValue as error:
            complain(f"{VARIABLE}: {error} No alerts are sent there.")
    return CommandAlerts(command, targets)


def alerts_of_check(urls: Sequence[str]) -> CommandAlerts:
    """The alerts of `check` to these URLs, or by the environment. Raises InvalidValue for one that cannot be used.

    It is how people learn of runs in trouble, so a wrong URL must be noticed before there is something to send.
    """
    return CommandAlerts("check", [alerts_to(url) for url in urls or named_targets()])


def named_targets() -> list[str]:
    """The URLs in the environment."""
    return os.environ.get(VARIABLE, "").split()


def alerts_to(url: str, *, lazy: bool = False) -> Alerts:
    """The alerts to a URL; see Alerts."""
    from ..alerts import Alerts  # here, because a command without alerts needs nothing of it

    return Alerts(url, lazy=lazy)
