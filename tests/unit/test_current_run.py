"""The current run: what code inside a block or function of `track` gets without being passed the handle."""

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import runledger
from runledger import NoCurrentRun, RunLedger, RunLedgerError, current_run


def client() -> str | None:
    """The client of the current run."""
    try:
        return current_run().key.client_id
    except NoCurrentRun:
        return None


def test_outside_any_block_it_raises_and_says_what_to_do(ledger: RunLedger) -> None:
    ledger.start("r", "acme")
    with pytest.raises(RunLedgerError) as refusal:
        current_run()
    assert str(refusal.value) == (
        "no run is under way here: call current_run in a block or function of `track`, or pass the run's handle."
    )
    assert refusal.value.key is None


def test_a_function_reaches_the_run_of_each_of_its_calls(ledger: RunLedger) -> None:
    @ledger.track("r", lambda client_id: client_id)
    def score(client_id: str) -> None:
        deep_below()

    def deep_below() -> None:
        current_run().update(add={"n": 1})

    score("acme")
    score("bolt")
    assert [ledger.get("r", each).metrics for each in ("acme", "bolt")] == [{"n": 1}, {"n": 1}]
    assert client() is None


def test_it_is_the_handle_of_the_block_and_of_the_innermost_one(ledger: RunLedger) -> None:
    with ledger.track("r", "acme") as outer:
        assert current_run() is outer
        with ledger.track("r", "bolt") as inner:
            assert current_run() is inner
            inner.complete()
            assert current_run() is inner
        assert current_run() is outer
    assert client() is None


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), SystemExit(1)])
def test_it_ends_with_a_block_that_raises(ledger: RunLedger, error: BaseException) -> None:
    with pytest.raises(type(error)), ledger.track("r", "acme"):
        raise error
    assert client() is None


def test_it_ends_with_a_block_whose_run_cannot_be_finished(ledger: RunLedger) -> None:
    async def block() -> None:
        async with ledger.track("s", "acme"):
            ledger.updates.complete("s", "acme")

    with pytest.raises(RunLedgerError, match="has already finished"), ledger.track("r", "acme"):
        ledger.updates.complete("r", "acme")
    assert client() is None
    with pytest.raises(RunLedgerError, match="has already finished"):
        asyncio.run(block())


def test_a_start_that_fails_leaves_the_run_of_the_block_around_it(ledger: RunLedger) -> None:
    with ledger.track("r", "acme"):
        with pytest.raises(RunLedgerError), ledger.track("r", "acme"):
            pass
        assert client() == "acme"


def test_leaving_a_block_that_was_never_entered_changes_nothing(ledger: RunLedger) -> None:
    with ledger.track("r", "acme"):
        ledger.track("r", "bolt").__exit__(None, None, None)
        assert client() == "acme"


def test_each_thread_has_its_own_and_one_that_is_started_elsewhere_has_none(ledger: RunLedger) -> None:
    barrier = Barrier(2)

    @ledger.track("r", lambda client_id: client_id)
    def score(client_id: str) -> str | None:
        barrier.wait()
        found = client()
        barrier.wait()
        return found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(score, ["acme", "bolt"])) == ["acme", "bolt"]
        with ledger.track("s", "acme"):
            assert pool.submit(contextvars.Context().run, client).result() is None
            assert pool.submit(contextvars.copy_context().run, client).result() == "acme"
        assert pool.submit(client).result() is None


def test_each_task_has_its_own_and_so_has_a_thread_that_it_waits_for(ledger: RunLedger) -> None:
    @ledger.track("r", lambda client_id: client_id)
    async def score(client_id: str) -> tuple[str | None, str | None]:
        await asyncio.sleep(0)
        return client(), await asyncio.to_thread(client)

    async def both() -> tuple[tuple[str | None, str | None], ...]:
        return tuple(await asyncio.gather(score("acme"), score("bolt")))

    assert asyncio.run(both()) == (("acme", "acme"), ("bolt", "bolt"))


def test_a_task_has_the_run_of_its_block_until_the_block_ends(ledger: RunLedger) -> None:
    async def outlives(over: asyncio.Event) -> list[str | None]:
        before = client()
        await over.wait()
        return [before, client()]

    async def main() -> tuple[list[str | None], str | None]:
        over = asyncio.Event()
        async with ledger.track("r", "acme"):
            async with ledger.track("r", "bolt"):
                task = asyncio.create_task(outlives(over))
                await asyncio.sleep(0)
            over.set()
            found = await task
        return found, client()

    assert asyncio.run(main()) == (["bolt", "acme"], None)


def test_a_block_that_is_over_keeps_no_store_alive() -> None:
    ledger = runledger.connect("memory://", observers=())
    with ledger.track("r", "acme") as run:
        handle = weakref.ref(run)
    del run, ledger
    gc.collect()
    assert handle() is None


def test_blocks_that_generators_hold_open_may_end_in_any_order(ledger: RunLedger) -> None:
    def items(client_id: str) -> Iterator[None]:
        with ledger.track("r", client_id):
            yield

    first, second = items("acme"), items("bolt")
    next(first)
    next(second)
    assert client() == "bolt"
    assert list(first) == []
    assert client() == "bolt"
    assert list(second) == []
    assert client() is None


def test_a_block_that_ends_in_another_context_ends_for_this_one_too(ledger: RunLedger) -> None:
    block = ledger.track("r", "acme")
    block.__enter__()
    contextvars.copy_context().run(block.__exit__, None, None, None)
    assert client() is None
