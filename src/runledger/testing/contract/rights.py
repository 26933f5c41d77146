"""Who may only update cannot create, and who does not hold the removal cannot remove."""

from __future__ import annotations

from ...domain import RunChange, RunNotFound
from ..reach import creators_within_reach, removers_within_reach
from ..rules import Rule
from ..trial import Trial
from .cases import AT, GONE, Part, R, keeps, started


class Rights(Part):
    @keeps(Rule.CANNOT_CREATE)
    def test_what_has_no_right_to_create_updates_the_same_store(self, trial: Trial) -> None:
        change = RunChange(note="n")
        access = trial.repository.without_creation()
        for name in ("create", "create_many"):
            trial.require(not hasattr(access.adapter, name), f"what without_creation() returns has {name}")
        paths = creators_within_reach(access.adapter)
        trial.require(not paths, f"what without_creation() returns reaches {', '.join(sorted(paths))}")
        trial.repository.create(started("r"))
        access.update(R, change, AT)
        trial.holds(started("r").apply(change, AT))
        with trial.refuses(RunNotFound, GONE):
            access.update(GONE, change, AT)
        trial.holds(started("r").apply(change, AT))

    @keeps(Rule.CANNOT_REMOVE)
    def test_nothing_that_a_repository_holds_removes_runs(self, trial: Trial) -> None:
        repository = trial.repository.adapter
        for name, thing in (("the repository", repository), ("without_creation()", repository.without_creation())):
            paths = removers_within_reach(thing)
            trial.require(not paths, f"from {name} one reaches {', '.join(sorted(paths))}")
