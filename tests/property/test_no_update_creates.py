"""No update creates a run record: the one rule that everything else serves. Read this test first.

Code that may only update holds one of four objects: what the port's `without_creation()` returns, `ledger.updates`,
`ledger.reads`, or the handle of a run; the last three may be those for coroutines. This test calls all their public
methods, in any order and with any arguments, over every store. It finds methods and parameters by reflection, so that a
new method is tried as soon as it exists.
After each call, the store may have no key that it did not have before.

There is no model, and no adapter is trusted: the keys are read from the store itself (counted_stores.py). Some of the
runs are started, some never are, some records are removed by another process, and many ids look alike.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from counted_stores import STORES, CountedStore
from drawn_arguments import arguments_of, public_methods, run_ids
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from runledger import RunAlreadyExists, RunLedger, RunLedgerError, aio
from runledger.testing.seeds import named, seed_of


class AnyCalls(RuleBasedStateMachine):
    """Any calls of what may only update, between starts."""

    def __init__(self, store: CountedStore) -> None:
        super().__init__()
        self.store = store
        store.empty()
        self.keys = store.keys()
        self.ledger = RunLedger(store.repository, observers=())
        reporting = RunLedger(store.repository, observers=(), on_missing="report")
        self.services = [self.ledger.updates, reporting.updates, self.ledger.reads]
        self.coroutines = aio.AsyncRunLedger(self.ledger, threads=1)
        self.loop = asyncio.Runner()
        self.access = store.repository.without_creation()
        self.handles: list[Any] = [each.updates.run("r", "acme") for each in (self.ledger, self.coroutines)]

    @rule(run_id=run_ids)
    def start(self, run_id: str) -> None:
        with suppress(RunAlreadyExists):
            runs = self.ledger.start_many(run_id, ["acme", "ACME"])
            self.handles += [*runs.values(), self.coroutines.updates.of(runs["acme"].key)]
        self.keys = self.store.keys()

    @precondition(lambda self: len(self.keys) > 4)
    @rule()
    def lose_every_record(self) -> None:
        """Another process removes them all: what held them must not bring them back."""
        self.store.empty()
        self.keys = self.store.keys()

    @rule(data=st.data())
    def call_the_port(self, data: st.DataObject) -> None:
        self.call(self.access, data)

    @rule(data=st.data())
    def call_the_services(self, data: st.DataObject) -> None:
        self.call(data.draw(st.sampled_from(self.services)), data)

    @rule(data=st.data())
    def call_the_services_for_coroutines(self, data: st.DataObject) -> None:
        self.call(data.draw(st.sampled_from([self.coroutines.updates, self.coroutines.reads])), data)

    @rule(data=st.data())
    def call_a_handle(self, data: st.DataObject) -> None:
        self.call(data.draw(st.sampled_from(self.handles)), data)

    def call(self, thing: object, data: st.DataObject) -> None:
        method = getattr(thing, data.draw(st.sampled_from(public_methods(thing))))
        positional, by_name = data.draw(arguments_of(method))
        with suppress(RunLedgerError):  # a missing run, a finished one, a value that is refused
            returned = method(*positional, **by_name)
            if isinstance(returned, Iterator):
                list(returned)
            elif isinstance(returned, (Awaitable, AsyncIterator)):
                self.loop.run(carried_out(returned))
            elif type(returned).__module__.startswith(("runledger.services.", "runledger.aio.")):
                self.handles.append(returned)  # whatever it is: its methods are called too

    @invariant()
    def no_key_has_appeared(self) -> None:
        now = self.store.keys()
        assert now <= self.keys, f"a call that may only update made a record of {list(now - self.keys)}"
        self.keys = now

    def teardown(self) -> None:
        self.loop.run(self.coroutines.close())
        self.loop.close()


async def carried_out(call: Awaitable[Any] | AsyncIterator[Any]) -> None:
    """Do what a coroutine, or a list for `async for`, was made for."""
    if isinstance(call, AsyncIterator):
        async for _ in call:
            pass
    else:
        await call


# The health check too_slow is suppressed because a busy machine draws slowly; no other one needs to be.
CALLS = settings(
    max_examples=25,
    stateful_step_count=50,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


def try_any_calls(store: CountedStore, random_seed: int | str, calls: settings = CALLS) -> None:
    """Try any calls over a store. Raises AssertionError with the shortest that make a record."""
    with named(random_seed):
        run_state_machine_as_test(seed(random_seed)(lambda: AnyCalls(store)), settings=calls)  # type: ignore[arg-type]


# A store's threads may use `random` while Hypothesis draws; nothing that is drawn depends on that.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.parametrize("name", STORES)
def test_no_update_creates(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    with STORES[name](tmp_path) as store:
        try_any_calls(store, seed_of(pytestconfig))
