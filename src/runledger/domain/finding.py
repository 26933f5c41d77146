"""What examining a store found."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Verdict(Enum):
    """What a finding asks for: nothing, attention, or a change without which the store cannot serve."""

    OK = "ok"
    NOTE = "note"
    FIX = "fix"


@frozen
class Finding:
    """One result of examining a store: what was seen, and what to do about it."""

    verdict: Verdict
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.what, self.advice)))

    @classmethod
    def ok(cls, what: str) -> Finding:
        """Nothing to do."""
        return cls(Verdict.OK, what)

    @classmethod
    def note(cls, what: str, advice: str = "") -> Finding:
        """Worth knowing; the store can serve."""
        return cls(Verdict.NOTE, what, advice)

    @classmethod
    def fix(cls, what: str, advice: str = "") -> Finding:
        """The store cannot serve before this is changed."""
        return cls(Verdict.FIX, what, advice)
