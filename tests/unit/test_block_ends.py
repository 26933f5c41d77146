"""The end of a tracked block whose own finish failed, or whose start was interrupted: the record says what happened."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from runledger import (
    Outcome,
    Run,
    RunChange,
    RunEvent,
    RunKey,
    RunLedger,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    RunStatus,
    StoreUnavailable,
    StoreUnusable,
    UnknownMetric,
    aio,
    current_run,
)
from runledger.adapters.memory import InMemoryRunRepository
from runledger.domain import CallWithinCall


def outcome(ledger: RunLedger) -> tuple[str, str | None]:
    record = ledger.get("r", "acme")
    return record.status.value, record.error


class Wavering(InMemoryRunRepository):
    """A store that rejects the next finishes, or does not answer them."""

    def __init__(self, *refusals: RunLedgerError) -> None:
        super().__init__()
        self.refusals = list(refusals)
        self.finishes: list[RunStatus] = []

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        if change.status is not None:
            self.finishes.append(change.status)
            if self.refusals:
                raise self.refusals.pop(0)
        return super().update(key, change, at)

    def without_creation(self) -> "Wavering":
        return self


class AnswersTooLate(InMemoryRunRepository):
    """A store that applies each finish, and does not say so."""

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        record = super().update(key, change, at)
        if change.status is not None:
            raise StoreUnavailable("cut", Outcome.UNKNOWN, key)
        return record

    def without_creation(self) -> "AnswersTooLate":
        return self


KEY = RunKey("r", "acme")
MISSING = RunNotFound(KEY)
UNAVAILABLE = [StoreUnavailable("down", outcome, KEY) for outcome in Outcome]
REJECTED = [UnknownMetric(KEY, "n"), StoreUnusable("no permission", KEY), CallWithinCall(KEY)]
REFUSALS = [MISSING, *UNAVAILABLE, *REJECTED]


In = Callable[[RunLedger, Callable[[Run], object]], None]


@pytest.fixture(params=["with", "async with", "async with of aio"])
def block(request: pytest.FixtureRequest) -> In:
    """Do something in a tracked block, which is left as it is left."""

    def of_with(ledger: RunLedger, do: Callable[[Run], object]) -> None:
        with ledger.track("r", "acme"):
            do(current_run())

    async def of_async_with(ledger: Any, do: Callable[[Run], object]) -> None:
        async with ledger.track("r", "acme"):
            await asyncio.to_thread(do, current_run())

    if request.param == "with":
        return of_with
    if request.param == "async with":
        return lambda ledger, do: asyncio.run(of_async_with(ledger, do))
    return lambda ledger, do: asyncio.run(of_async_with(aio.AsyncRunLedger(ledger), do))


def swallowed(finish: Callable[[], object]) -> None:
    with suppress(RunLedgerError):
        finish()


def test_a_run_that_was_missing_when_its_block_failed_it_is_not_completed(block: In, events: list[RunEvent]) -> None:
    store = Wavering(MISSING)
    ledger = RunLedger(store, observers=[events.append], on_missing="report")

    def fail(run: Run) -> None:
        assert run.fail("boom") is None
        assert not run.finished

    block(ledger, fail)
    assert (outcome(ledger), store.finishes) == (("Running", None), [RunStatus.FAILED])
    assert [event.kind.value for event in events] == ["run_started", "run_missing"]


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
def test_a_block_that_goes_on_after_its_finish_failed_sends_no_other(block: In, refusal: RunLedgerError) -> None:
    for leave in (lambda: None, lambda: sys.exit(0)):
        store = Wavering(refusal)
        ledger = RunLedger(store, observers=())

        def fail(run: Run, leave: Callable[[], None] = leave) -> None:
            swallowed(lambda: run.fail("boom"))
            assert not run.finished
            leave()

        with suppress(SystemExit):
            block(ledger, fail)
        assert (outcome(ledger), store.finishes) == (("Running", None), [RunStatus.FAILED])


@pytest.mark.parametrize("refusal", [*UNAVAILABLE, *REJECTED], ids=repr)
@pytest.mark.parametrize("error", [ValueError("no posts"), None], ids=repr)
def test_a_block_that_raises_after_a_finish_that_failed_fails_with_that(
    block: In, refusal: RunLedgerError, error: Exception | None
) -> None:
    store = Wavering(refusal)
    ledger = RunLedger(store, observers=())
    raised = refusal if error is None else error

    def complete(run: Run) -> None:
        swallowed(run.complete)
        raise raised

    with pytest.raises(type(raised)):
        block(ledger, complete)
    assert outcome(ledger) == ("Failed", f"{type(raised).__name__}: {raised}")


def test_a_block_that_is_interrupted_after_a_finish_that_failed_is_cancelled(block: In) -> None:
    ledger = RunLedger(Wavering(UNAVAILABLE[0]), observers=())

    def complete(run: Run) -> None:
        swallowed(run.complete)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block(ledger, complete)
    assert outcome(ledger) == ("Cancelled", None)


def test_a_finish_that_was_applied_without_an_answer_stays_although_the_block_raises(block: In) -> None:
    ledger = RunLedger(AnswersTooLate(), observers=())
    with pytest.raises(StoreUnavailable, match="cut"):
        block(ledger, Run.complete)
    assert outcome(ledger) == ("Completed", None)


@pytest.mark.parametrize("refusal", [MISSING, ValueError("no posts")], ids=repr)
def test_a_block_that_raises_after_its_run_was_missing_sends_no_other(block: In, refusal: Exception) -> None:
    store = Wavering(MISSING)
    ledger = RunLedger(store, observers=())

    def complete(run: Run) -> None:
        swallowed(run.complete)
        raise refusal

    with pytest.raises(type(refusal)):
        block(ledger, complete)
    assert store.finishes == [RunStatus.COMPLETED]


def test_a_block_that_raises_after_a_finish_of_a_missing_run_was_reported_sends_no_other(block: In) -> None:
    store = Wavering(MISSING)
    ledger = RunLedger(store, observers=(), on_missing="report")

    def skip(run: Run) -> None:
        run.skip("nothing new")
        raise ValueError("no posts")

    with pytest.raises(ValueError, match="no posts"):
        block(ledger, skip)
    assert store.finishes == [RunStatus.SKIPPED]


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
def test_a_block_may_finish_its_run_again_after_a_finish_failed(block: In, refusal: RunLedgerError) -> None:
    store = Wavering(refusal)
    ledger = RunLedger(store, observers=())

    def fail_again(run: Run) -> None:
        swallowed(lambda: run.fail("boom"))
        run.fail("boom")
        assert run.finished

    block(ledger, fail_again)
    assert (outcome(ledger), store.finishes) == (("Failed", "boom"), [RunStatus.FAILED] * 2)


@pytest.mark.parametrize(
    ("error", "expected"), [(SystemExit(3), ("Failed", "SystemExit: 3")), (KeyboardInterrupt(), ("Cancelled", None))]
)
def test_a_run_whose_start_an_observer_interrupts_is_ended(
    block: In, error: BaseException, expected: tuple[str, str | None]
) -> None:
    waiting = [error]

    def observe(_event: RunEvent) -> None:
        if waiting:
            raise waiting.pop()

    ledger = RunLedger(InMemoryRunRepository(), observers=[observe])
    with pytest.raises(type(error)):
        block(ledger, lambda _: pytest.fail("the block ran"))
    assert outcome(ledger) == expected
