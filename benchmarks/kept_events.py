"""What an observer that keeps events adds to updates of missing runs, be its file free or locked."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import runledger
from comparison import Call, Row, interleaved, micros, verdict
from runledger.kept_events import KeptEvents

_TIMES = 5_000
_TARGET_MICROS = 10


def kept_rows() -> Iterator[Row]:
    """A reported update of a missing run in memory, without the observer and with it; and an update of a run."""
    logging.getLogger("runledger").setLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        free, locked = Path(folder) / "free.db", Path(folder) / "locked.db"
        yield _row("an update of a missing run, counted: the file is free", free, "missing")
        yield _row("an update of a run, where others are counted", free, "there")
        kept = KeptEvents(locked)
        runledger.connect("memory://", observers=[kept]).start("r", "acme")
        kept.flush()
        with closing(sqlite3.connect(locked, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield _row("an update of a missing run, counted: the file is locked", locked, "missing")


def _row(what: str, file: Path, run_id: str) -> Row:
    kept = KeptEvents(file, window=0.05, exit_wait=0.1)
    bare, ours = interleaved(_TIMES, _update(run_id), _update(run_id, kept))
    added = (ours - bare) * 1e6
    return (
        what,
        micros(bare),
        micros(ours),
        f"+{added:.1f} µs",
        verdict(f"≤ {_TARGET_MICROS} µs", added <= _TARGET_MICROS),
    )


def _update(run_id: str, *kept: KeptEvents) -> Call:
    """An update in memory, of which observers are notified: one, and this one besides."""
    ledger = runledger.connect("memory://", observers=[lambda _: None, *kept], on_missing="report")
    ledger.start("there", "acme")
    return lambda _: ledger.updates.heartbeat(run_id, "acme")
