"""Findings: what a scan says about a place in the code."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

CREATION, RECOVERY, UPSERT, UPDATE = "creation", "recovery", "upsert", "update"
CREATING, UPDATING = "creating-wrapper", "updating-wrapper"
NO_START, UNRESOLVED = "no-start", "unresolved"
KINDS = (CREATION, RECOVERY, UPSERT, UPDATE, CREATING, UPDATING, NO_START, UNRESOLVED)

MEANINGS = {
    CREATION: "creates a record{table}",
    RECOVERY: "creates a record{table} because it found none",
    UPSERT: "creates or updates a record{table} with one call",
    UPDATE: "updates a record{table}",
    CREATING: "calls a function that creates a record{table}",
    UPDATING: "calls a function that updates a record{table}",
    NO_START: "updates a run{table}, and no start was found before that",
    UNRESOLVED: "writes to a table whose name cannot be found out",
}


@frozen
class Finding:
    """One finding. `chain` leads from it to the write. `deep` marks what is shown with --deep only."""

    kind: str
    path: str
    line: int
    function: str
    table: str = ""
    is_run: bool = False
    likely: bool = False
    guarded: bool = False
    deep: bool = False
    chain: tuple[str, ...] = ()
    first_line: int = field(default=0, eq=False)
    also: int = field(default=0, eq=False)
    """Another line that the finding is about: the function of an entry."""

    @property
    def confidence(self) -> str:
        return "likely" if self.likely else "certain"

    @property
    def order(self) -> tuple[str, int, int, str]:
        return self.path, self.line, KINDS.index(self.kind), self.table

    def as_json(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "file": self.path,
            "line": self.line,
            "function": self.function,
            "kind": self.kind,
            "table": self.table or None,
            "is_run_table": self.is_run,
            "confidence": self.confidence,
            "chain": list(self.chain),
        }
        return made | ({"guarded": True} if self.guarded else {})
