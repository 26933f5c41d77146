"""The property test can fail: it catches an update that creates, in every store, and in a method that is new."""

from pathlib import Path

import pytest
from counted_stores import STORES
from drawn_arguments import arguments_of, public_methods
from hypothesis import Phase, settings
from planted_creations import PLANTS, Plant
from test_no_update_creates import CALLS, try_any_calls

from runledger import RunLedger, aio
from runledger.adapters.memory import InMemoryRunRepository

# To find is enough here: no time is spent on the shortest example. Most plants are found within the 25 examples that
# the property test tries each time; more examples make it sure, and end with the first that finds.
FINDING = settings(CALLS, max_examples=200, phases=[Phase.generate], database=None)


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_an_update_that_creates_is_caught(plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with STORES[PLANTS[plant]](tmp_path) as store:
        plant(monkeypatch)
        with pytest.raises(AssertionError, match="a call that may only update made a record of"):
            try_any_calls(store, 0, FINDING)


def test_every_public_method_of_what_may_only_update_can_be_called() -> None:
    repository = InMemoryRunRepository()
    ledger = RunLedger(repository)
    coroutines = aio.AsyncRunLedger(ledger)
    things = [repository.without_creation(), ledger.updates, ledger.reads, ledger.start("r", "acme")]
    things += [coroutines.updates, coroutines.reads, coroutines.updates.run("r", "acme")]
    for thing in things:
        for name in public_methods(thing):
            arguments_of(getattr(thing, name))


def test_a_method_that_cannot_be_called_is_reported() -> None:
    class Updates:
        def revive(self, spell: str) -> None:
            """No name of a parameter that is known."""

    with pytest.raises(LookupError, match=r"Updates\.revive has a parameter 'spell', .*: add it to BY_NAME in "):
        arguments_of(Updates().revive)
