"""The record of one command: started, kept alive, and finished, each over a separate connection.

No connection stays open while the command runs: it would be idle for hours.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from ...domain import (
    Outcome,
    RunAlreadyFinished,
    RunKey,
    RunLedgerError,
    RunNotFound,
    StoreUnavailable,
    StoreUnusable,
)
from ...domain.json_form import time_text
from ...domain.values import storable_text
from ...services.ledger import RunLedger, utc_now
from ...services.updates import Run
from ...stores import connect
from ..alerts import CommandAlerts
from ..locations import shown_url
from ..notices import Notices
from ..options import existing, open_ledger
from ..output import complain, remark
from .ending import Ending
from .signals import GRACE_SECONDS, Call, Signalled, unless_signalled

_BETWEEN_ATTEMPTS = 0.5
"""Seconds until a store that could not be opened, or was locked, is tried again."""
_LONGEST_BEAT = 86_400.0 * 365


class Recording:
    """The record of a command that is run now. `alerts` are notified of what happens to it."""

    def __init__(self, store: str, key: RunKey, alerts: CommandAlerts | None = None) -> None:
        self.key = key
        self._alerts = alerts or CommandAlerts("exec", ())
        self._store = store
        self._began = utc_now()
        self._starting: Call | None = None
        self._is_running = False
        self._attempts = 0
        """How often it was tried to finish the run."""

    def start(self, details: Mapping[str, Any], note: str | None, *, may_lack_note: bool, within: float | None) -> bool:
        """Start the run. Returns False if the store has not answered within so many seconds: it may still do so.

        `may_lack_note`: start it without the note in a store that keeps none. Raises RunLedgerError. Exits if a signal
        arrives before the command has begun.
        """
        self._starting = Call(lambda: self._create(details, note, may_lack_note))
        try:
            return unless_signalled(self._starting, within)
        except Signalled as signalled:
            ending = Ending(128 + signalled.number, cancelled=f"{signalled} before the command began")
            if signalled.call.has_ended and signalled.call.error is None:
                cancelling = Call(lambda: self._finish(ending, utc_now()))
                if not cancelling.wait(GRACE_SECONDS):
                    _print_interrupted(signalled, f"{self.key} was being cancelled")
            else:
                _print_interrupted(signalled, f"{self.key} was being started")
            sys.exit(ending.code)

    @contextmanager
    def kept_alive(self, interval: timedelta) -> Iterator[None]:
        """Update the run at this interval during the block, as a sign of life; never if it is 0."""
        over = Event()
        notices = Notices()
        if interval:
            Thread(target=self._beat, args=(interval.total_seconds(), over, notices), daemon=True).start()
        try:
            yield
        finally:
            over.set()
            notices.report()

    def finish(self, ending: Ending, wait: float) -> None:
        """Finish the run. Waits for so many seconds for a store that is away or locked, then sends the update once.

        The last attempt has GRACE_SECONDS more for its answer. If that fails, prints why, and the command that mends
        the record.
        """
        at = max(ending.at or utc_now(), self._began)  # a clock may be set back
        finishing = Call(lambda: self._finish_when_it_can_be(ending, at, wait))
        within = wait + GRACE_SECONDS
        began = time.monotonic()
        try:
            if not unless_signalled(finishing, within):
                self._print_unfinished(ending, at, f"the store has not answered within {within:g} s.")
        except Signalled as signalled:
            if not signalled.call.has_ended or signalled.call.error is not None:
                _print_interrupted(signalled, f"{self.key} was being finished")
                self._print_mending(ending, at)
        except RunNotFound as error:
            complain(f"{self.key} could not be finished: {error}")
        except RunLedgerError as error:
            tried = f"after {time.monotonic() - began:.0f} s and {self._attempts} attempts, "
            self._print_unfinished(ending, at, f"{tried if self._attempts > 1 else ''}{error}")

    def _create(self, details: Mapping[str, Any], note: str | None, may_lack_note: bool) -> None:
        with open_ledger(self._store, observers=[self._alerts], clock=lambda: self._began) as ledger:
            try:
                run = ledger.start(self.key.run_id, self.key.client_id, note=note, **details)
            except StoreUnusable as error:
                if note is None or not may_lack_note:
                    raise
                run = ledger.start(self.key.run_id, self.key.client_id, **details)
                complain(f"{error} The run was started without its first note; with --no-details it has none.")
        self.key = run.key
        self._is_running = True

    def _beat(self, seconds: float, over: Event, notices: Notices) -> None:
        has_failed = False
        while not over.wait(min(seconds, _LONGEST_BEAT)):
            if not self._is_running:  # it may still be
                continue
            try:
                with connect(existing(self._store), observers=(notices,)) as ledger:
                    self._run_of(ledger).heartbeat()
            except Exception as error:  # of whatever kind: the command goes on
                if not has_failed:
                    has_failed = True
                    complain(f"the sign of life of {self.key} failed, and is tried again each time: {error}")

    def _finish_when_it_can_be(self, ending: Ending, at: datetime, wait: float) -> None:
        until = time.monotonic() + wait
        starting = self._starting
        if starting is not None and not starting.wait(wait):
            raise StoreUnavailable("its start has not been answered", Outcome.UNKNOWN, self.key)
        if starting is not None and starting.error is not None:
            if isinstance(starting.error, RunLedgerError):
                self._alerts.start_failed(starting.error, self.key.run_id, self.key.client_id)
            complain(f"{starting.error} The command ran without a record.")
            return
        while True:
            self._attempts += 1
            try:
                self._finish(ending, at)
                return
            except StoreUnavailable as error:
                # Nothing was sent, or nothing was taken: the store was not there, or another process had its lock.
                if error.outcome is not Outcome.NOT_APPLIED or time.monotonic() >= until:
                    raise
            time.sleep(min(_BETWEEN_ATTEMPTS, max(0.0, until - time.monotonic())))

    def _finish(self, ending: Ending, at: datetime) -> None:
        with open_ledger(existing(self._store), observers=[self._alerts], clock=lambda: at) as ledger:
            run = self._run_of(ledger)
            try:
                if ending.cancelled is not None:
                    run.cancel(ending.cancelled)
                elif ending.error is not None:
                    run.fail(storable_text(ending.error))
                else:
                    run.complete()
            except RunAlreadyFinished:
                pass  # the command finished its run itself

    def _run_of(self, ledger: RunLedger) -> Run:
        return ledger.updates.of(self.key)

    def _print_unfinished(self, ending: Ending, at: datetime, why: str) -> None:
        complain(f"{self.key} could not be finished: {why}")
        self._print_mending(ending, at)

    def _print_mending(self, ending: Ending, at: datetime) -> None:
        """Print the one command that finishes the record as this would have. A password is not part of it."""
        is_public = shown_url(self._store) == self._store
        words = ["runledger", *_verb(ending), *_names(self.key), "--at", time_text(at)]
        if is_public:
            words += ["--store", self._store]
        where = "" if is_public else ", with RUNLEDGER_STORE set to the store's URL"
        remark(f"When the store serves again, write{where}:\n  {shlex.join(words)}")


def _verb(ending: Ending) -> list[str]:
    if ending.cancelled is not None:
        return ["cancel", f"--why={ending.cancelled}"]
    if ending.error is not None:
        return ["fail", f"--error={ending.error.splitlines()[0]}"]
    return ["complete"]


def _names(key: RunKey) -> list[str]:
    if key.run_id.startswith("-") or key.client_id.startswith("-"):
        return [f"--run-id={key.run_id}", f"--client={key.client_id}"]
    return [key.run_id, key.client_id]


def _print_interrupted(signalled: Signalled, doing: str) -> None:
    complain(f"{signalled} while {doing}: {signalled.call.error or '`runledger show` says whether it was.'}")
