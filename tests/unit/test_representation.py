"""The values of the domain are shown as attrs shows its own, by one function for all of them."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import AttrsInstance, field, fields, make_class

from runledger import (
    EventKind,
    InvalidValue,
    LogLine,
    NewRun,
    RunChange,
    RunEvent,
    RunKey,
    RunQuery,
    RunRecord,
    RunStatus,
    open_repository,
)
from runledger.domain import Backend, Guarantees, summary_of
from runledger.domain.representation import fields_shown

AT = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)
KEY = RunKey("r\\1", "a'cme", reference="secret")
RECORD = RunRecord.start(KEY, AT, metrics={"n": 1}).apply(RunChange(status="failed", error="a 'b'", note="one"), AT)
RUN = NewRun(RECORD, [LogLine(AT, "one")], mark="secret", reference="secret")
EVENT = RunEvent(kind=EventKind.MISSING, key=None, at=AT, error=InvalidValue("no"), duration=timedelta(hours=1))
VALUES = [KEY, RECORD, RUN, RUN.log[0], RunChange(status=RunStatus.FAILED, add={"n": 2}), EVENT, Guarantees()]
VALUES += [RunQuery(status="failed", after=RECORD), summary_of([RECORD])]
VALUES += [Backend(open=open_repository)]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_shown_with_the_fields_that_attrs_would_show(value: AttrsInstance) -> None:
    kind = type(value)
    same = {each.name: field(default=getattr(value, each.name), repr=each.repr) for each in fields(kind)}
    assert kind.__repr__ is fields_shown
    assert repr(value) == repr(make_class(kind.__name__, same)())
    assert "secret" not in repr(value)
