"""The conformance suite: what every adapter must do, rule by rule. The built-in adapters pass the same suite.

Subclass RunRepositoryContract in a test file and give the fixture `new_store`: a function that makes a new, empty store
and returns a function that opens a repository over it, each time it is called:

    class TestSQLite(RunRepositoryContract):
        @pytest.fixture
        def new_store(self, tmp_path):
            def new():
                path = tmp_path / f"{uuid4()}.db"
                return lambda: SQLiteRunRepository(path)
            return new

If the store offers the removal of finished runs, give the fixture `open_removal` too: a function from a repository to
the RunRemoval of its store. Without it, the tests of the removal are skipped.

Tests of several processes run in processes that are spawned, if the function that opens the store can be pickled: a
`functools.partial` of the class can, a lambda cannot. If it cannot, they are skipped, with the reason. Processes are
killed in bulk calls, if the store promises `atomic_bulk` and the system has `fork`.

If the store is a server that is reached by TCP, give the fixture `served_store` too. Its connections are then broken
before and after each request and each answer.

The suite also tests what the repository's `guarantees` promise beyond the rules. A test of something that is not
promised is skipped, with the reason. A store without `exact_values` must have the metric columns
`runledger.testing.COLUMNS`; the suite then uses no other names.

Histories of random calls run too, with removals if the store offers them: some are the same in every run, some are
new. A failure of a new one names its seed.

A failure is a RuleBroken: it names the broken rule, what the adapter did, and which calls on an empty store show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from ..history import run_histories
from ..line import ServedStore
from ..seeds import seed_of
from ..trial import OpenRemoval, OpenStore, Trial
from .bulk import Bulk
from .concurrency import Concurrency
from .creation import Creation
from .logs import Logs
from .processes import Processes
from .promises import Promises
from .queries import Queries
from .removal import Removal
from .rights import Rights
from .rows import Rows
from .updates import Updates
from .values import Values


class RunRepositoryContract(
    Creation, Updates, Values, Bulk, Logs, Queries, Rows, Concurrency, Processes, Removal, Rights, Promises
):
    """Every test has an empty store."""

    examples: ClassVar[int] = 100
    """How many random histories are the same in every run. Half as many new ones are added."""

    @pytest.fixture
    def new_store(self) -> Callable[[], OpenStore]:
        raise NotImplementedError(
            "define the fixture new_store: a function that makes an empty store and returns a function that opens it"
        )

    @pytest.fixture
    def open_removal(self) -> OpenRemoval | None:
        """A function that opens the removal of the store of a repository; None if the store offers none."""
        return None

    @pytest.fixture
    def served_store(self) -> ServedStore | None:
        """Where the server of the store is, and how to open the store elsewhere; None if no server can be reached."""
        return None

    @pytest.fixture
    def trial(
        self,
        new_store: Callable[[], OpenStore],
        open_removal: OpenRemoval | None,
        served_store: ServedStore | None,
    ) -> Iterator[Trial]:
        trial = Trial(new_store(), open_removal, served_store)
        yield trial
        trial.close()

    # A store's threads may use `random` while Hypothesis draws; nothing that is drawn depends on that.
    @pytest.mark.filterwarnings("ignore:Do not use the `random` module")
    def test_any_history_leaves_what_the_rules_say(
        self, new_store: Callable[[], OpenStore], open_removal: OpenRemoval | None
    ) -> None:
        run_histories(lambda: Trial(new_store(), open_removal), self.examples)

    @pytest.mark.filterwarnings("ignore:Do not use the `random` module")
    def test_new_histories_leave_what_the_rules_say(
        self, new_store: Callable[[], OpenStore], open_removal: OpenRemoval | None, pytestconfig: pytest.Config
    ) -> None:
        run_histories(lambda: Trial(new_store(), open_removal), (self.examples + 1) // 2, seed=seed_of(pytestconfig))
