"""Workflows of clients, and the records of their runs."""
from .store import RunStore, find_run, start_run, update_run

__all__ = ["RunStore", "find_run", "start_run", "update_run"]
