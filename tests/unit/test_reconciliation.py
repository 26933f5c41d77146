"""What two ledgers that were kept side by side differ in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runledger import RunChange, RunKey, RunRecord, RunStatus
from runledger.services.inspecting.reconciliation import Reconciliation, Unlike, reconcile

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def run(run_id: str, status: RunStatus = RunStatus.RUNNING, at: datetime = AT, **metrics: Any) -> RunRecord:
    record = RunRecord.start(RunKey(run_id, "acme"), at, metrics=metrics)
    return record if status is RunStatus.RUNNING else record.apply(RunChange(status=status), at)


def compared(old: list[RunRecord], new: list[RunRecord], **options: Any) -> Reconciliation:
    return reconcile(iter(old), iter(new), **{"tolerance": 0.0, **options})


def described(result: Reconciliation) -> list[tuple[str, str, str]]:
    return [(each.key.run_id, each.kind.value, each.detail) for each in result.differences]


def test_the_same_runs_differ_in_nothing() -> None:
    result = compared([run("r", n=1), run("s")], [run("s", at=AT + SECOND), run("r", n=1.0)])
    assert (result.old, result.new, result.same, result.differences) == (2, 2, 2, ())
    assert result.counts() == {}


def test_a_run_of_one_side_is_named() -> None:
    result = compared([run("r"), run("old", RunStatus.FAILED)], [run("r"), run("new")])
    assert described(result) == [
        ("old", "only in OLD", "Failed since 2025-11-24T08:15:00.000Z in OLD, and not in NEW"),
        ("new", "only in NEW", "Running since 2025-11-24T08:15:00.000Z in NEW, and not in OLD"),
    ]
    assert (result.old, result.new, result.same) == (2, 2, 1)


def test_another_status_and_each_other_number_are_named() -> None:
    result = compared([run("r", n=1, x=2, t="a")], [run("r", RunStatus.FAILED, n=1, x=2.5, y=3, t="b")])
    assert described(result) == [
        ("r", "another status", "Running in OLD, Failed in NEW"),
        ("r", "another number", "'x' is 2 in OLD, 2.5 in NEW"),
        ("r", "another number", "'y' is no number in OLD, 3 in NEW"),
    ]
    assert result.counts() == {Unlike.STATUS: 1, Unlike.NUMBER: 2}
    assert result.differences[0].to_json() == {
        "run_id": "r",
        "client_id": "acme",
        "kind": "another status",
        "detail": "Running in OLD, Failed in NEW",
    }


def test_a_number_that_is_text_on_one_side_differs() -> None:
    assert described(compared([run("r", n=1)], [run("r", n="1")])) == [
        ("r", "another number", "'n' is 1 in OLD, no number in NEW")
    ]


@pytest.mark.parametrize(("tolerance", "same"), [(0.0, 0), (0.009, 0), (0.01, 1), (0.5, 1)])
def test_the_tolerance_is_a_fraction_of_the_larger_number(tolerance: float, same: int) -> None:
    assert compared([run("r", n=99)], [run("r", n=100)], tolerance=tolerance).same == same
    assert compared([run("r", n=-100)], [run("r", n=-99)], tolerance=tolerance).same == same


def test_no_tolerance_makes_a_number_equal_to_none() -> None:
    assert compared([run("r", n=0)], [run("r")], tolerance=0.9).same == 0


def test_only_the_numbers_that_are_named_are_compared() -> None:
    sides = [run("r", n=1, x=1)], [run("r", n=1, x=2)]
    assert compared(*sides, metrics=["n"]).same == 1
    assert compared(*sides, metrics=["n", "x"]).same == 0


def test_a_run_counts_if_it_started_in_time_on_either_side() -> None:
    late = AT + SECOND
    old = [run("both"), run("old"), run("edge", at=late)]
    new = [run("both", at=late), run("new"), run("edge", at=late)]
    result = compared(old, new, since=late)
    assert (result.old, result.new, result.same) == (2, 2, 2)
    assert compared(old, new, since=late + SECOND).old == 0


def test_several_records_of_a_run_are_a_difference_of_their_own() -> None:
    result = compared([run("r", n=1), run("r", n=2)], [run("r", n=1)])
    assert described(result) == [("r", "twice", "OLD has 2 records of it")]
    assert (result.old, result.new, result.same) == (2, 1, 0)
    assert described(compared([], [run("r"), run("r")]))[1] == ("r", "twice", "NEW has 2 records of it")


def test_of_a_run_that_a_side_has_twice_nothing_more_is_compared() -> None:
    """Which of its records counts is not known: the first that is listed may be the duplicate."""
    twice = [run("r", at=AT + SECOND), run("r", RunStatus.COMPLETED, n=1)]
    for sides in ((twice, [run("r", RunStatus.COMPLETED, n=1)]), ([run("r", RunStatus.COMPLETED, n=1)], twice)):
        assert [each.kind for each in compared(*sides).differences] == [Unlike.TWICE]


def test_without_a_tolerance_integers_are_compared_exactly() -> None:
    great = 2**53
    assert compared([run("r", n=great)], [run("r", n=great - 1)]).same == 0
    assert compared([run("r", n=great)], [run("r", n=float(great))]).same == 1
    assert compared([run("r", n=great)], [run("r", n=great - 1)], tolerance=1e-9).same == 1


def test_yes_and_no_are_not_numbers() -> None:
    assert compared([run("r", yes=True)], [run("r", yes=False)]).same == 1
    assert compared([run("r", yes=True)], [run("r")]).same == 1


def test_names_of_numbers_that_no_run_has_are_returned() -> None:
    sides = [run("r", n=1)], [run("s", x=1, t="text")]
    assert compared(*sides, metrics=["n", "t", "x", "Typo"]).unknown == ("t", "Typo")
    assert compared(*sides).unknown == ()
