"""Metrics as the texts that the rows of SQL stores hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runledger.adapters.sql.rows import metrics_text, metrics_texts
from runledger.domain import MetricValue

AT = datetime(2025, 11, 24, 8, 15, 0, 7000, tzinfo=UTC)
METRICS: dict[str, MetricValue] = {"Posts": 43, "Rate": 0.5, "Done": True, "Who": "Ünï\n", "When": AT}


def test_metrics_are_the_text_of_a_json_object() -> None:
    assert metrics_text(METRICS) == (
        '{"Posts":43,"Rate":0.5,"Done":true,"Who":"Ünï\\n","When":{"datetime":"2025-11-24T08:15:00.007Z"}}'
    )
    assert metrics_text({}) == "{}"
    with pytest.raises(ValueError, match="not JSON compliant"):
        metrics_text({"Rate": float("nan")})


@given(st.lists(st.dictionaries(st.text('a",{}:\\', max_size=3), st.integers() | st.text('",{}:\\') | st.just(AT))))
def test_many_metrics_are_texts_as_each_is(many: list[dict[str, MetricValue]]) -> None:
    assert metrics_texts(many) == [metrics_text(metrics) for metrics in many]
