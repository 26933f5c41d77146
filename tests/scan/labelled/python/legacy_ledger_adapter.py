"""The old functions' names over the new ledger."""
from __future__ import annotations

import functools

import runledger
from runledger import RunLedger


@functools.cache
def ledger() -> RunLedger:
    return runledger.connect("sqlite:///runs.db")


def create_run_record(run_id: str, client_id: str, client_name: str | None = None) -> None:
    ledger().start(run_id, client_id, client_name=client_name)  # expect: creation


def update_run_record(run_id: str, client_id: str, fields: dict) -> None:
    updates = ledger().updates
    updates.update(run_id, client_id, metrics=fields)  # expect: update


def complete_run_record(run_id: str, client_id: str) -> None:
    run = ledger().updates.run(run_id, client_id)
    run.complete()  # expect: update


async def tracked(run_id: str) -> None:
    async with ledger().track(run_id, "acme") as run:  # expect: creation
        run.heartbeat()  # expect: update
