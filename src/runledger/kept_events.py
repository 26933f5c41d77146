"""Kept events, beside `stores`: an observer for `connect` that counts updates of missing runs, and what it counted."""

from __future__ import annotations

from .adapters.observers.kept_events import KeptEvents
from .adapters.observers.tallies import Tally
from .adapters.observers.tally_file import KeptTallies, read

__all__ = ["KeptEvents", "KeptTallies", "Tally", "read"]
