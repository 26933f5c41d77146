"""Any text at all as a formula: a value or INVALID_FILTER_BY_FORMULA, never a failure of the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyairtable.formulas import Field, FunctionCall, match, quoted

from airtable_local import Request
from airtable_local.formulas import InvalidFormula, parse
from airtable_local.functions import FUNCTIONS, OF_RECORD
from served import BASE, TOKEN, Client, error_of

CLIENT = Client()
for number in range(3):
    CLIENT.create(Name=f"it's {number}", Count=number, Done=bool(number), At=f"2026-01-0{number + 1}", Tags=["Low"])
CLIENT.create()

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LAZY = ("AND", "OR", "IF", "SWITCH", "ISERROR")
NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["1e999", "0.1", "(1e999-1e999)", "100000"]),
)
LEAVES = st.one_of(
    NUMBERS,
    TEXT.map(quoted),
    st.sampled_from(["{Name}", "Count", "{Done}", "{At}", "{Tags}", "{Level}", "{No}", "{Touched}", "BLANK()"]),
    st.sampled_from(["'2026-01-31T12:00:00Z'", "'days'", "'months'", "'year'", "'9999-12-31'", "'0001-01-01'"]),
)
SIGNS = st.sampled_from(["+", "-", "*", "/", "&", "=", "!=", "<", "<=", ">", ">="])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from([*FUNCTIONS, *OF_RECORD, *LAZY])
    calls = st.builds(lambda name, parts: f"{name}({', '.join(parts)})", names, st.lists(inner, max_size=4))
    fitting = st.sampled_from(sorted(FUNCTIONS)).flatmap(
        lambda name: st.lists(
            inner, min_size=int(FUNCTIONS[name][0]), max_size=int(min(FUNCTIONS[name][1], FUNCTIONS[name][0] + 2))
        ).map(lambda parts: f"{name}({', '.join(parts)})")
    )
    return st.one_of(
        calls, fitting, st.builds("({} {} {})".format, inner, SIGNS, inner), st.builds("-{}".format, inner)
    )


FORMULAS = st.recursive(LEAVES, grown, max_leaves=12)
SCRAPS = st.lists(st.sampled_from([*"{}()'\"\\,=<>!&+-*/ .019eé\n", "Name", "AND(", "OR(", "\\}"]), max_size=30)


def asked(formula: str) -> tuple[int, Any]:
    body = json.dumps({"filterByFormula": formula}).encode()
    url = f"http://localhost/v0/{BASE}/Tasks/listRecords"
    answer = CLIENT.service.handle(Request("POST", url, {"Authorization": f"Bearer {TOKEN}"}, body))
    return answer.status, json.loads(answer.body)


@given(st.one_of(TEXT, st.text(), SCRAPS.map("".join)))
def test_any_text_has_an_answer(text: str) -> None:
    status, body = asked(text)
    assert status == 200 or error_of((status, body)) == (422, "INVALID_FILTER_BY_FORMULA")


@given(FORMULAS)
def test_any_formula_has_an_answer(formula: str) -> None:
    status, body = asked(formula)
    assert status == 200 or error_of((status, body)) == (422, "INVALID_FILTER_BY_FORMULA")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@settings(max_examples=25)
@given(data=st.data())
def test_a_function_with_as_many_arguments_as_it_takes_is_valid(name: str, data: st.DataObject) -> None:
    least, most, _ = FUNCTIONS[name]
    parts = data.draw(st.lists(LEAVES, min_size=int(least), max_size=int(min(most, least + 3))))
    assert asked(f"{name}({', '.join(parts)})")[0] == 200
    if least:
        with pytest.raises(InvalidFormula):
            parse(f"{name}()")


@given(TEXT, TEXT)
def test_quoted_text_is_found_again_and_nothing_else_is(text: str, other: str) -> None:
    client = Client()
    client.create(Name="n" + text)
    client.create(Name="n" + other)
    for formula in (
        match({"Name": "n" + text}),
        FunctionCall("EXACT", Field("Name"), "n" + text),
        f"{{Name}}={quoted('n' + text)}",
    ):
        expected = {"n" + text}
        assert client.names(str(formula)) == expected


@given(TEXT)
def test_quoted_text_means_itself(text: str) -> None:
    client = Client()
    client.create(Name="one")
    assert client.names(f"LEN({quoted(text)})={len(text)}") == {"one"}
