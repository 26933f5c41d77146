"""What `init` asks a backend for beside making its store ready, and what `init` and `doctor` find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from attrs import field, frozen

from .key import InvalidValue, checked_name
from .visible import shown

MAX_DECIMALS = 8


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


class MetricKind(Enum):
    """What the column of a metric holds."""

    NUMBER = "number"
    TEXT = "text"
    CHECKBOX = "checkbox"
    DATE = "date"


def _checked_name(name: str) -> str:
    return checked_name(name, "name of a metric")


@frozen
class MetricColumn:
    """A column for a metric: the metric's name, what it holds, and the decimals of a number, from 0 to 8.

    Raises InvalidValue for a name that no metric can have, and for decimals that the column cannot have.
    """

    name: str = field(converter=_checked_name)
    kind: MetricKind = field()
    decimals: int = field(default=0)

    @kind.validator
    def _check_kind(self, _attribute: object, value: MetricKind) -> None:
        if not isinstance(value, MetricKind):
            raise InvalidValue(f"the kind of {self.name!r} is {type(value).__name__}: give a MetricKind.")

    @decimals.validator
    def _check_decimals(self, _attribute: object, value: int) -> None:
        if value and self.kind is not MetricKind.NUMBER:
            raise InvalidValue(f"the {self.kind.value} {self.name!r} has no decimals: only a number has.")
        if type(value) is not int or not 0 <= value <= MAX_DECIMALS:
            raise InvalidValue(f"{self.name!r} cannot have {shown(value)} decimals: give 0 to {MAX_DECIMALS}.")


def _agree(_changes: Sequence[str]) -> None:
    return None


@frozen(kw_only=True)
class Preparation:
    """How to prepare a store. `metrics`: the columns to add, for a backend with `metric_columns`; others get none.

    `confirm` takes the changes that would be made to something that exists already, each in words such as "add the
    column 'Tokens' (number)", before the first of them is made. It raises if nobody agrees. Let that pass.
    """

    metrics: tuple[MetricColumn, ...] = ()
    confirm: Callable[[Sequence[str]], None] = _agree
