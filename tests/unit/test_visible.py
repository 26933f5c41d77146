import json
import logging
import pickle
import tracemalloc
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import Proxy
from runledger import InvalidValue, RunKey, RunNotFound, StoreUnavailable, connect
from runledger.domain import Outcome
from runledger.domain.key import named
from runledger.domain.visible import counted, quoted, shown, visible, visible_id

BIDIRECTIONAL = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def steers(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in BIDIRECTIONAL for c in text)


@given(st.text())
def test_no_text_steers_a_terminal_once_it_is_visible(text: str) -> None:
    assert not steers(visible(text))
    assert not steers(visible(text, lines=True).replace("\n", ""))
    assert visible(text, lines=True).count("\n") == text.count("\n")
    assert not steers(visible_id(text))


def test_every_character_of_these_kinds_is_escaped() -> None:
    every = map(chr, (*range(0xD800), *range(0xE000, 0x110000)))
    dangerous = "".join(c for c in every if steers(c))
    assert len(dangerous) == 65 + 2 + len(BIDIRECTIONAL)
    assert not steers(visible(dangerous))


@given(st.text())
def test_json_keeps_its_value(text: str) -> None:
    assert json.loads(visible(json.dumps({text: text}, ensure_ascii=False))) == {text: text}


@pytest.mark.parametrize("hidden", ["\u200b", "\u2060", "\ufeff", "\u00ad", "\u3164", "\ufe0f", "\U000e0041", "\u00a0"])
def test_what_cannot_be_seen_in_an_id_is_escaped(hidden: str) -> None:
    name = f"ac{hidden}me"
    assert hidden not in visible_id(name)
    assert hidden not in quoted(name)
    assert hidden not in str(RunNotFound(RunKey(name, "c")))
    assert visible_id("株式会社 Ångström") == "株式会社 Ångström"


def test_an_escape_is_that_of_python() -> None:
    assert visible_id("a\u200b\t\ufe0f\U000e0041é") == "a\\u200b\\t\\ufe0f\\U000e0041é"


def test_an_error_shows_no_control_character_of_a_server() -> None:
    error = StoreUnavailable("server said \x1b[2J\x9b31m\u202e\nforged line", Outcome.UNKNOWN)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert not steers(str(each))
        assert "\\u001b[2J\\u009b31m\\u202e\\nforged line" in str(each)


def test_a_log_shows_no_control_character_of_a_run(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="runledger")
    with connect("memory://") as ledger:
        ledger.start("r\u202e", "c\u2066").fail("boom\x9b\x7f\u200f\nnext")
        with pytest.raises(InvalidValue):
            ledger.start("a\x1b", "c")
    assert caplog.messages
    assert not any(steers(message) for message in caplog.messages)


@given(st.text(st.characters(categories=["Cs", "Ll"]), max_size=5))
def test_lone_surrogates_which_no_encoding_writes_are_escaped(text: str) -> None:
    """Airtable's JSON may hold one. An audit shows rows as they are."""
    shown = visible(json.dumps({"run_id": text}, ensure_ascii=False))
    assert json.loads(shown.encode()) == json.loads(json.dumps({"run_id": text}))
    for each in (visible(text), visible(text, lines=True), visible_id(text)):
        each.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 58, f"'{'x' * 58}'"),
        ("x" * 59, f"'{'x' * 56}…'"),
        (10**59, str(10**59)),
        (10**60, f"1{'0' * 56}…"),
        (b"\x1b", r"b'\x1b'"),
        (["\u202e"], r"['\u202e']"),
        ("it's " + "x" * 58, f'"it\'s {"x" * 51}…"'),
        ([0] * 20, str([0] * 20)),
        ([0] * 21, f"{str([0] * 21)[:57]}…"),
        ({"b": (1,), "a": {"c": [None]}}, "{'b': (1,), 'a': {'c': [None]}}"),
        ([[[[]], 1]], "[[[Ellipsis], 1]]"),
        ({"a": {"b": {"c": ()}}}, "{'a': {'b': {'c': Ellipsis}}}"),
        ([set(), frozenset({1}), bytearray(b"x")], "[set(), frozenset({1}), bytearray(b'x')]"),
    ],
)
def test_a_value_of_any_type_is_shown_on_one_short_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_proxy_is_not_shown_as_another_value() -> None:
    for value in ("x", 5):
        assert repr(Proxy(value)) == repr(value)
        assert shown(Proxy(value)) == "<Proxy>"


@pytest.mark.parametrize("kind", [str, bytes, bytearray, list, tuple, set, frozenset, dict.fromkeys])
def test_a_large_value_is_shown_without_a_copy_of_it(kind: Callable[[Any], object]) -> None:
    many = map(str, range(200_000)) if kind is not bytes and kind is not bytearray else bytes(1_000_000)
    large = "x" * 1_000_000 if kind is str else kind(many)
    tracemalloc.start()
    try:
        for value in (large, [large], {"a": large}):
            assert shown(value).endswith(("…", "…'", "}", "]"))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_an_id_is_named_whole_if_it_can_be_stored() -> None:
    assert named("x" * 255) == f"'{'x' * 255}'"
    assert named("x" * 256) == f"'{'x' * 56}…'"
    assert str(RunKey.trusted("x" * 256, "y" * 256)) == f"run '{'x' * 56}…' of client '{'y' * 56}…'"


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1000, "1,000 runs")])
def test_a_number_of_things_is_in_the_plural_unless_it_is_1(number: int, text: str) -> None:
    assert counted(number, "run") == text
