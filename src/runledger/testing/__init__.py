"""The conformance suite for adapters, which needs the extra `testing`: pytest and hypothesis."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import OpenStore, RunRepositoryContract
    from .strategies import COLUMNS

__all__ = ["COLUMNS", "OpenStore", "RunRepositoryContract"]

_MODULES = {"COLUMNS": "strategies", "OpenStore": "contract", "RunRepositoryContract": "contract"}


def __getattr__(name: str) -> Any:
    # Not imported before it is asked for: the server in `testing.airtable` runs without pytest.
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
