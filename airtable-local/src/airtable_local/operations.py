"""What every operation gets besides its request, and what it results in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen

from .limits import Limits
from .messages import Change
from .tables import Base, NewId
from .tokens import Token
from .unknowns import Unknowns


@frozen
class Context:
    """When a request arrives, with which token, and how the service is set."""

    token: Token
    now: datetime
    new_id: NewId
    unknowns: Unknowns
    limits: Limits


@frozen
class Outcome:
    """The result of a request that succeeds: the answer's body, what changed, and the base after it.

    `base` is None if the request only reads.
    """

    body: Any
    changed: tuple[Change, ...] = ()
    base: Base | None = None


def flag(value: object) -> bool:
    """A boolean of a JSON body or a query string."""
    return value in (True, "true", "1")
