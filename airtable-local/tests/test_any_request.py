"""Any request at all: an answer with a status that Airtable has, and a refusal changes nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given
from hypothesis import strategies as st

from airtable_local import Request
from served import BASE, TASKS, TOKEN, Client

CLIENT = Client()
RECORD = CLIENT.create(Name="a", Count=1)["id"]

WORDS = st.sampled_from(
    [
        *("fields", "records", "id", "typecast", "performUpsert", "fieldsToMergeOn", "returnFieldsByFieldId"),
        *("pageSize", "maxRecords", "offset", "sort", "field", "direction", "view", "filterByFormula", "cellFormat"),
        *("name", "type", "options", "choices", "precision", "desc", "number", "singleSelect", "Grid view", RECORD),
        *(column.name for column in TASKS.columns),
    ]
)
TEXT = st.one_of(WORDS, st.text(max_size=8))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT)
JSON = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4))
)
FIELDS = st.dictionaries(st.sampled_from([column.name for column in TASKS.columns]), JSON, max_size=3)
ENTRIES = st.lists(st.fixed_dictionaries({"fields": FIELDS}, optional={"id": TEXT}), max_size=3)
OPTIONS = {
    "performUpsert": st.fixed_dictionaries({"fieldsToMergeOn": st.lists(TEXT, max_size=3)}),
    "typecast": SCALARS,
}
BODIES = st.one_of(
    JSON,
    st.fixed_dictionaries({"records": ENTRIES}, optional=OPTIONS),
    st.fixed_dictionaries({"fields": FIELDS}, optional=OPTIONS),
    st.dictionaries(WORDS, JSON, max_size=5),
).map(lambda body: json.dumps(body).encode())
NAMES = st.one_of(
    WORDS, st.text(max_size=5), st.builds("{}[{}][{}]".format, WORDS, st.sampled_from(["", "0", "x"]), WORDS)
)
QUERIES = st.lists(st.tuples(NAMES, TEXT), max_size=4).map(lambda pairs: urlencode(pairs, errors="replace"))
PLACES = st.one_of(
    st.sampled_from([f"{BASE}/Tasks", f"{BASE}/Tasks/{RECORD}", f"{BASE}/Tasks/listRecords"]),
    st.sampled_from([f"meta/bases/{BASE}/tables", f"meta/bases/{BASE}/tables/Tasks/fields", "meta/bases"]),
    st.text(max_size=12).map(lambda text: quote(text, errors="replace")),
)
METHODS = st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"])


@given(METHODS, PLACES, QUERIES, st.one_of(BODIES, st.binary(max_size=20)))
def test_any_request_has_an_answer(method: str, place: str, query: str, body: bytes) -> None:
    service = CLIENT.service.copy()
    before = service.snapshot()
    url = f"http://localhost/v0/{place}?{query}"
    answer = service.handle(Request(method, url, {"Authorization": f"Bearer {TOKEN}"}, body))
    said: Any = json.loads(answer.body)
    assert answer.status in (200, 401, 403, 404, 414, 422), said
    assert ("error" in said) == (answer.status != 200)
    if answer.status != 200 or method == "GET" or place.endswith("listRecords"):
        assert (service.snapshot(), answer.changed) == (before, ())
