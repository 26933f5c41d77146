"""For tests: the contract of adapters, checks for applications. The contract needs the extra `testing`."""

from typing import TYPE_CHECKING

from ..domain.late_names import late_names

if TYPE_CHECKING:
    from .contract import RunRepositoryContract
    from .events import RunEvents
    from .line import ServedStore
    from .reach import creators_within_reach, removers_within_reach
    from .rules import Rule, RuleBroken
    from .strategies import COLUMNS
    from .trial import OpenRemoval, OpenStore
else:  # loaded late, because `testing.airtable` runs without pytest
    __getattr__, __dir__ = late_names(
        __name__,
        {
            ".contract": ("RunRepositoryContract",),
            ".events": ("RunEvents",),
            ".line": ("ServedStore",),
            ".reach": ("creators_within_reach", "removers_within_reach"),
            ".rules": ("Rule", "RuleBroken"),
            ".strategies": ("COLUMNS",),
            ".trial": ("OpenRemoval", "OpenStore"),
        },
    )

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
