"""The rules that an adapter keeps, in words, and the failure that names the one that is broken."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from .acts import Act, listed


class Rule(Enum):
    """One rule of the ledger: a title, and the sentence that a failure quotes."""

    CREATED_ONCE = (
        "Created once",
        "Only create makes a record; a second one for the same key raises RunAlreadyExists and leaves the first as it "
        "was, with any number creating at once.",
    )
    UPDATED_ONLY = ("Updated only", "An update of a missing key raises RunNotFound and writes nothing, anywhere.")
    NO_REGISTRY = (
        "No recovery, no registry",
        "Every look and every update goes to the store: a missing record is looked for nowhere else, and nothing is "
        "remembered.",
    )
    OPAQUE_IDS = ("Ids are opaque", "Two texts are two ids unless they are equal, character by character.")
    FINISHED_ONCE = (
        "Finished once",
        "A run that has a final status keeps it, with its end time and its error; late metrics and notes are accepted.",
    )
    SENT_ONCE = ("Retry only at creation", "An update is sent once: what it adds is added once.")
    RAISED = (
        "Raised and reported",
        "Every refusal is an error of the ledger, carries the key, and says what was applied; nothing is swallowed.",
    )
    WHOLE = (
        "Whole or not at all",
        "A refused change changes nothing, and an accepted one is stored whole: nothing is left out, cut or rounded.",
    )
    TIMES = (
        "Times",
        "Times are aware, in UTC, and kept to the millisecond; each update moves updated_at to its own time, and "
        "never back.",
    )
    CANNOT_CREATE = (
        "Who may only update cannot create",
        "What without_creation() returns updates and reads the same store, and nothing in its reach creates.",
    )
    WRITTEN = (
        "Written when it returns",
        "What an act has made is returned by it, and seen by every handle from then on.",
    )
    INDIVISIBLE = (
        "An update is one indivisible act",
        "What the threads of one process add, note or finish at once is decided as if they had come one by one.",
    )
    FOUND_IN_ORDER = (
        "Found in order",
        "find gives every record that matches and no other, newest start first, each once, whatever is written "
        "meanwhile.",
    )
    PROMISES = ("Promises are kept", "What `guarantees` promises beyond the rules holds.")

    def __init__(self, title: str, sentence: str) -> None:
        self.title = title
        self.sentence = sentence


class RuleBroken(AssertionError):
    """An adapter broke a rule of the ledger: which `rule`, what it did, and the acts that show it."""

    def __init__(self, rule: Rule, what: str, acts: Iterable[Act]) -> None:
        self.rule = rule
        self.what = what
        self.acts = tuple(acts)
        super().__init__(rule, what)

    def __str__(self) -> str:
        example = "\n".join(f"    {line}" for line in listed(self.acts))
        return (
            f"rule broken: {self.rule.title}. {self.rule.sentence}\n"
            f"What happened: {self.what}\nThe example, on an empty store:\n{example}"
        )
