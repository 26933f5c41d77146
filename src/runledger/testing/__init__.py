"""For tests: the contract of adapters, checks for applications. The contract needs the extra `testing`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import RunRepositoryContract
    from .events import RunEvents
    from .line import ServedStore
    from .reach import creators_within_reach, removers_within_reach
    from .rules import Rule, RuleBroken
    from .strategies import COLUMNS
    from .trial import OpenRemoval, OpenStore

__all__ = [
    "COLUMNS",
    "OpenRemoval",
    "OpenStore",
    "Rule",
    "RuleBroken",
    "RunEvents",
    "RunRepositoryContract",
    "ServedStore",
    "creators_within_reach",
    "removers_within_reach",
]

_MODULES = {
    "COLUMNS": "strategies",
    "OpenRemoval": "trial",
    "OpenStore": "trial",
    "Rule": "rules",
    "RuleBroken": "rules",
    "RunEvents": "events",
    "RunRepositoryContract": "contract",
    "ServedStore": "line",
    "creators_within_reach": "reach",
    "removers_within_reach": "reach",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: `testing.airtable` runs without pytest.
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
