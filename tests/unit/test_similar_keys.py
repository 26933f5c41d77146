"""Which keys an audit calls similar, and which are simply two."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runledger.services.inspecting import similar_keys as module
from runledger.services.inspecting.similar_keys import parts_of, similar_keys

ACME = "acme"


def differences(*run_ids: str) -> list[str]:
    return [similar.difference for similar in similar_keys((run_id, ACME) for run_id in run_ids)]


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("Run-7", "run-7", "case"),
        ("straße-7", "STRASSE-7", "case"),
        ("nightly run", "nightlyrun", "white space"),
        (" run-7", "run-7", "white space"),
        ("caf\u00e9-7", "cafe\u0301-7", "Unicode form"),
        ("run\u200b-7", "run-7", "Unicode form"),
        ("\uff52un-7", "run-7", "Unicode form"),
        ("251124_081500", "251124-081500", "separators"),
        ("251124-081500-", "251124-081500", "separators"),
        ("Run_7", "run-7", "case and separators"),
        ("251124 081500", "251124-081500", "white space"),
        ("run-251124", "251124", "a part more in the run id ('run' at its beginning)"),
        ("251124-acme", "251124", "a part more in the run id ('acme' at its end)"),
        ("Run-251124", "251124", "a part more in the run id ('run' at its beginning)"),
        ("251124-081500-acme", "251124-081500", "a part more in the run id ('acme' at its end)"),
        ("abcd-efgh", "efgh-abcd", "the order of the parts of the run id"),
        ("31-01-2024", "2024-01-31", "the order of the parts of the run id"),
        ("acme-nightly", "nightly-acme", "the order of the parts of the run id"),
        ("acme-251124", "251124-acme", "the order of the parts of the run id"),
    ],
)
def test_ids_that_may_be_one_are_reported(one: str, other: str, difference: str) -> None:
    assert differences(one, other) == [difference]
    assert differences(other, one) == [difference]


@pytest.mark.parametrize(
    "run_ids",
    [
        ("run-1", "run-10"),
        ("run-1", "run-2"),
        ("run1", "run-1"),
        ("2024-01-02", "2024-02-01"),
        ("1 11", "11 1"),
        ("run-1-11", "run-11-1"),
        ("251124-081500", "081500-251124"),
        ("run-123-45", "run-45-123"),
        ("run-a-7", "run-b-7"),
        ("run-a-b-7", "run-7"),
        ("!", "?"),
    ],
)
def test_ids_that_are_two_are_not(run_ids: tuple[str, ...]) -> None:
    assert differences(*run_ids) == []


def test_client_ids_are_compared_in_the_same_way() -> None:
    keys = [("r", "Acme"), ("r", "acme"), ("r", "acme-inc"), ("r", "inc.Acme")]
    found = [(similar.keys, similar.difference) for similar in similar_keys(keys)]
    assert found == [
        ((("r", "Acme"), ("r", "acme")), "case"),
        ((("r", "Acme"), ("r", "acme-inc")), "a part more in the client id ('inc' at its end)"),
        ((("r", "Acme"), ("r", "inc.Acme")), "a part more in the client id ('inc' at its beginning)"),
        ((("r", "acme-inc"), ("r", "inc.Acme")), "the order of the parts of the client id"),
    ]


def test_the_key_with_fewer_parts_comes_first() -> None:
    (similar,) = similar_keys([("run-251124", ACME), ("251124", ACME)])
    assert similar.keys == (("251124", ACME), ("run-251124", ACME))


def test_runs_of_two_clients_are_not_similar() -> None:
    assert not list(similar_keys([("251124", "acme"), ("run-251124", "globex"), ("251124-1", "initech")]))


def test_a_group_is_reported_once_with_all_its_keys() -> None:
    (similar,) = similar_keys([("RUN-7", ACME), ("run-7", ACME), ("Run_7", ACME), ("run-7", ACME)])
    assert similar.keys == (("RUN-7", ACME), ("Run_7", ACME), ("run-7", ACME))
    assert similar.difference == "case and separators"


@given(st.text(min_size=1, max_size=20))
def test_the_common_form_is_that_of_its_variants(text: str) -> None:
    parts = parts_of(text)
    assert parts
    assert parts_of("-".join(parts)) in {parts, tuple(part for part in parts if part)}
    assert parts_of(f" {text}") == parts


@given(st.lists(st.sampled_from(["a", "bb", "2024", "07"]), min_size=1, max_size=4, unique=True))
def test_the_order_in_which_keys_are_read_does_not_matter(parts: list[str]) -> None:
    ids = ["-".join(each) for each in permutations(parts)]
    pairs = {frozenset(similar.keys) for similar in similar_keys((each, ACME) for each in ids)}
    assert pairs == {frozenset(similar.keys) for similar in similar_keys((each, ACME) for each in reversed(ids))}


def test_many_orders_of_the_same_parts_cost_no_comparison_of_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[str, ...]] = []

    def noted(parts: tuple[str, ...], shape: Callable[[tuple[str, ...]], tuple[str, ...]] = module._shape) -> Any:
        shapes.append(parts)
        return shape(parts)

    monkeypatch.setattr(module, "_shape", noted)
    ids = ["-".join(each) for each in permutations("12345")]
    assert differences(*ids) == []
    assert len(shapes) == len(ids)


def test_each_format_is_compared_with_each_other_one() -> None:
    found = similar_keys((run_id, ACME) for run_id in ("2024-01-31", "31-01-2024", "01-2024-31", "2024-31-01"))
    assert [tuple(run_id for run_id, _ in similar.keys) for similar in found] == [
        ("2024-01-31", "31-01-2024"),
        ("2024-31-01", "31-01-2024"),
        ("2024-01-31", "01-2024-31"),
        ("2024-31-01", "01-2024-31"),
        ("31-01-2024", "01-2024-31"),
    ]
