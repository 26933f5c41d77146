"""Airtable refuses a DELETE or a PATCH, or does not answer it: the error names the run and says what is still there."""

from collections.abc import Callable, Iterator

import pytest
from airtable_base import METRIC_COLUMNS, AirtableBase, served

from airtable_local import Fault, FaultKind, MissingRecord, Unknowns
from runledger import (
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
)
from runledger.testing.contract.cases import AT

KEY = RunKey("r", "acme")
ADDS = RunChange(add={"n": 1})


def started(client_id: str = "acme") -> NewRun:
    return NewRun(RunRecord.start(RunKey("r", client_id), AT))


@pytest.fixture
def base() -> Iterator[AirtableBase]:
    with served(*METRIC_COLUMNS) as base:
        yield base


def lose(base: AirtableBase, *more: Callable[[], object]) -> RunLedgerError:
    """Start a run that another process starts first, so that the record that was made is deleted again."""

    def another_is_first() -> None:
        base.insert({"Run ID": "r", "Client ID": "acme", "Status": "Running", "Start Time": "2025-11-24"})
        base.clock.sleep(1)

    base.before_next("POST", another_is_first)
    for act in more:
        base.before_next("DELETE", act)
    with pytest.raises(RunLedgerError) as failure:
        base.repository().create(started())
    assert failure.value.key == KEY
    return failure.value


REFUSALS = [(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"), (403, "INVALID_PERMISSIONS"), (422, "INVALID_REQUEST")]


@pytest.mark.parametrize(("status", "error"), REFUSALS)
def test_a_delete_that_is_refused_is_an_error_and_the_record_is_there(
    base: AirtableBase, status: int, error: str
) -> None:
    base.server.faults.arm(
        Fault(FaultKind.STATUS, method="DELETE", status=status, error=error, after_commit=False, times=9)
    )
    failure = lose(base)
    assert isinstance(failure, StoreUnusable)
    assert failure.applied == ()
    assert len(base.rows()) == 2
    assert base.requests().count("DELETE") == 1


@pytest.mark.parametrize("after_commit", [False, True], ids=["before it", "after it"])
def test_a_delete_that_is_not_answered_is_an_unknown_outcome(base: AirtableBase, after_commit: bool) -> None:
    base.server.faults.arm(Fault(FaultKind.DROP, method="DELETE", after_commit=after_commit))
    failure = lose(base)
    assert isinstance(failure, StoreUnavailable)
    assert "may still be there" in failure.reason
    assert failure.outcome is Outcome.UNKNOWN
    assert len(base.rows()) == (1 if after_commit else 2)


@pytest.mark.parametrize("answer", MissingRecord)
def test_a_record_that_somebody_else_deletes_is_one_that_lost(answer: MissingRecord) -> None:
    with served(*METRIC_COLUMNS, unknowns=Unknowns(missing_record_status=answer)) as base:
        failure = lose(base, lambda: base.delete(base.rows()[1]["id"]))
        assert isinstance(failure, RunAlreadyExists)
        assert len(base.rows()) == 1


@pytest.mark.parametrize("answer", MissingRecord)
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_of_a_batch_the_record_that_is_missing_is_named(answer: MissingRecord, missing: int) -> None:
    with served(*METRIC_COLUMNS, unknowns=Unknowns(missing_record_status=answer)) as base:
        repository = base.repository()
        keys = repository.create_many([started(client_id) for client_id in "abc"])
        base.before_next("PATCH", lambda: base.delete(str(keys[missing].reference)))
        with pytest.raises(RunNotFound) as failure:
            repository.update_many([(key, ADDS) for key in keys], AT)
        assert failure.value.key == keys[missing]
        assert failure.value.applied == ()
        assert ["n" in row["fields"] for row in base.rows()] == [False, False]
