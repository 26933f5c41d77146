"""The rules that every adapter keeps, in words, and the failure that names the broken one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from .calls import Call, listed


class Rule(Enum):
    """One rule of the ledger: a title, and the sentence that a failure quotes."""

    CREATED_ONCE = (
        "Created once",
        "Only create makes a record; a second one for the same key raises RunAlreadyExists and leaves the first as it "
        "was, with any number of concurrent creators. A retry of the start that made it returns its key.",
    )
    UPDATED_ONLY = ("Updated only", "An update of a missing key raises RunNotFound and writes nothing.")
    NO_REGISTRY = (
        "No recovery, no registry",
        "Every read and every update goes to the store: a missing record is not looked for under another key, and "
        "nothing is cached.",
    )
    OPAQUE_IDS = ("Ids are opaque", "Two texts are two ids unless they are equal, character by character.")
    FINISHED_ONCE = (
        "Finished once",
        "A run that has a final status keeps it, with its end time and its error; late metrics and notes are accepted. "
        "It never ends before its start.",
    )
    SENT_ONCE = ("Retry only at creation", "An update is sent once: what it adds is added once.")
    RAISED = (
        "Raised and reported",
        "Every failure raises an error of the ledger, which carries the key and reports what was applied.",
    )
    WHOLE = (
        "Whole or not at all",
        "A rejected change changes nothing. An accepted one is stored whole: nothing is left out, cut or rounded.",
    )
    TIMES = (
        "Times",
        "Times are aware, in UTC, and kept to the millisecond. Each update moves updated_at to its time, and never "
        "back.",
    )
    LOGGED = (
        "Every note is a line",
        "A run's log has one line for each accepted note, in their order, and none for a rejected one. `notes` is the "
        "number of its lines.",
    )
    CANNOT_CREATE = (
        "Who may only update cannot create",
        "What without_creation() returns updates and reads the same store, and no creating method can be reached "
        "from it.",
    )
    WRITTEN = (
        "Written when it returns",
        "A call returns what it stored, and every other handle sees it from then on.",
    )
    ATOMIC = (
        "Updates are atomic",
        "Concurrent updates by the threads of one process have the same result as if they came one after another.",
    )
    NEVER_WAITS = (
        "Never waits for its own thread",
        "A call that a signal handler or a finaliser makes within another call of its thread succeeds, or raises "
        "CallWithinCall immediately; it was not applied then.",
    )
    FOUND_IN_ORDER = (
        "Found in order",
        "find returns every record that matches and no other, newest start first, each once, whatever is written "
        "meanwhile. It returns the first before it has read them all.",
    )
    REMOVED = (
        "Removed as asked",
        "Removing takes the finished runs that are old, each whole with its log, and no others. Its key is then free: "
        "an update raises RunNotFound, and a start creates a new run.",
    )
    CANNOT_REMOVE = (
        "Who does not hold the removal cannot remove",
        "No removing method can be reached from a repository, or from what without_creation() returns.",
    )
    PROMISES = (
        "Promises are kept",
        "What the store promises beyond the rules holds: by its `guarantees`, and by `identity` and `stored_rows` if "
        "it has them.",
    )

    def __init__(self, title: str, sentence: str) -> None:
        self.title = title
        self.sentence = sentence


class RuleBroken(AssertionError):
    """An adapter broke a rule of the ledger: which `rule`, what it did, and the calls that show it."""

    def __init__(self, rule: Rule, what: str, calls: Iterable[Call]) -> None:
        self.rule = rule
        self.what = what
        self.calls = tuple(calls)
        super().__init__(rule, what)

    def __str__(self) -> str:
        example = "\n".join(f"    {line}" for line in listed(self.calls))
        return (
            f"rule broken: {self.rule.title}. {self.rule.sentence}\n"
            f"What happened: {self.what}\nThe example, on an empty store:\n{example}"
        )
