"""What `init` may ask a backend for."""

import pytest

from runledger import InvalidValue
from runledger.domain.preparation import MetricColumn, MetricKind, Preparation

NUMBER, TEXT = MetricKind.NUMBER, MetricKind.TEXT


def test_the_kinds_have_the_words_of_the_command_line() -> None:
    assert [kind.value for kind in MetricKind] == ["number", "text", "checkbox", "date"]


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_a_number_has_up_to_eight_decimals(decimals: int) -> None:
    column = MetricColumn("Cost", NUMBER, decimals)
    assert (column.name, column.kind, column.decimals) == ("Cost", NUMBER, decimals)
    assert MetricColumn("Cost", NUMBER).decimals == 0


@pytest.mark.parametrize("decimals", [-1, 9])
def test_more_or_fewer_decimals_are_refused(decimals: int) -> None:
    with pytest.raises(InvalidValue) as refused:
        MetricColumn("Cost", NUMBER, decimals)
    assert str(refused.value) == f"'Cost' cannot have {decimals} decimals: give 0 to 8."


@pytest.mark.parametrize("kind", [kind for kind in MetricKind if kind is not NUMBER])
def test_only_a_number_has_decimals(kind: MetricKind) -> None:
    assert MetricColumn("Memo", kind).decimals == 0
    with pytest.raises(InvalidValue) as refused:
        MetricColumn("Memo", kind, 1)
    assert str(refused.value) == f"the {kind.value} 'Memo' has no decimals: only a number has."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name of a metric is empty: give it 1 to 255 characters."),
        ("x" * 256, "name of a metric "),
        (" x", "name of a metric ' x' begins or ends with white space: remove it where the value is made."),
    ],
)
def test_a_name_that_no_metric_can_have_is_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        MetricColumn(name, TEXT)
    assert str(refused.value).startswith(message)


def test_a_preparation_asks_for_no_columns_and_agrees_to_all_unless_it_says_otherwise() -> None:
    preparation = Preparation()
    assert preparation.metrics == ()
    preparation.confirm(["add a column"])
