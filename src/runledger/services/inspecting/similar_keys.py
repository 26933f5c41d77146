"""Keys that may be one run whose ids are written in several ways. Nothing here says that they are: a person decides.

Ids are compared in a common form. It is used for comparing alone: no id is changed, and nothing is looked up by it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from itertools import combinations, product

from attrs import frozen

Ids = tuple[str, str]
"""A run id and a client id, as a row holds them."""
Parts = tuple[str, ...]
"""The parts of an id in its common form: what is between its separators."""

_Forms = tuple[Parts, Parts]


@frozen
class Similar:
    """Keys that may mean one run, in their order, and in what they differ."""

    keys: tuple[Ids, ...]
    difference: str


def similar_keys(keys: Iterable[Ids]) -> Iterator[Similar]:
    """Groups of keys that differ only by case, white space, Unicode form or separators, by a whole part more at one end
    of an id, or by the order of the parts of an id.

    "run-1" and "run-10" are two ids, because a part counts as a whole. So are 2024-01-02 and 2024-02-01: two numbers in
    another order are another number, unless their lengths show another format, as in 2024-01-31 and 31-01-2024.
    Memory grows with the number of keys.
    """
    written: defaultdict[_Forms, list[Ids]] = defaultdict(list)
    parts = cache(parts_of)  # most ids are in many keys
    for ids in dict.fromkeys(keys):
        written[parts(ids[0]), parts(ids[1])].append(ids)
    for group in written.values():
        if len(group) > 1:
            yield Similar(tuple(sorted(group)), " and ".join(_differences(group)))
    yield from _with_a_part_more(written)
    yield from _in_another_order(written)


def parts_of(text: str) -> Parts:
    """The parts of an id in its common form: compatible characters unified, case folded, white space removed.

    White space between two digits separates them, as punctuation does.
    """
    for form in _FORMS.values():
        text = form(text)
    return tuple(text.split("-"))


def _unified(text: str) -> str:
    """Without what Unicode counts as variants of a character, and without characters that only format."""
    return "".join(each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())


def _without_space(text: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"(?<=\d)\s+(?=\d)", "-", text))


def _with_one_separator(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text).strip("-") or text


_FORMS: dict[str, Callable[[str], str]] = {
    "Unicode form": _unified,
    "case": _folded,
    "white space": _without_space,
    "separators": _with_one_separator,
}
"""What ids of one common form may differ in, each with the step towards that form that removes the difference."""


def _differences(group: Collection[Ids]) -> list[str]:
    """In what ids of one common form differ: the steps without which they would not become the same."""
    needed = [name for name in _FORMS if len(_in_form(group, [each for each in _FORMS if each != name])) > 1]
    if needed:
        return needed
    # A later step removes the difference too, as that of separators does with a character that only formats.
    steps = list(_FORMS)
    return [steps[count] for count in range(len(steps)) if len(_in_form(group, steps[: count + 1])) == 1][:1]


def _in_form(group: Iterable[Ids], steps: Iterable[str]) -> set[Ids]:
    forms = set(group)
    for name in steps:
        forms = {(_FORMS[name](run_id), _FORMS[name](client_id)) for run_id, client_id in forms}
    return forms


def _with_a_part_more(written: dict[_Forms, list[Ids]]) -> Iterator[Similar]:
    for (run, client), keys in written.items():
        for shorter in {run[1:], run[:-1]} - {()}:
            if others := written.get((shorter, client)):
                yield Similar((others[0], keys[0]), f"a part more in the run id {_more(run, shorter)}")
        for shorter in {client[1:], client[:-1]} - {()}:
            if others := written.get((run, shorter)):
                yield Similar((others[0], keys[0]), f"a part more in the client id {_more(client, shorter)}")


def _more(longer: Parts, shorter: Parts) -> str:
    return f"({longer[-1]!r} at its end)" if longer[:-1] == shorter else f"({longer[0]!r} at its beginning)"


def _in_another_order(written: dict[_Forms, list[Ids]]) -> Iterator[Similar]:
    for of_run, name in ((True, "run id"), (False, "client id")):
        groups: defaultdict[tuple[Parts, Parts], list[_Forms]] = defaultdict(list)
        for forms in written:
            run, client = forms
            groups[(tuple(sorted(run)), client) if of_run else (run, tuple(sorted(client)))].append(forms)
        for group in groups.values():
            shaped: defaultdict[tuple[str, ...], list[_Forms]] = defaultdict(list)
            for forms in group if len(group) > 1 else ():
                shaped[_shape(forms[0] if of_run else forms[1])].append(forms)
            for some, others in combinations(shaped.values(), 2):
                for one, other in product(some, others):
                    yield Similar((written[one][0], written[other][0]), f"the order of the parts of the {name}")


def _shape(parts: Parts) -> tuple[str, ...]:
    """What distinguishes formats of one id: where its words are, and its numbers, those of up to three digits alike."""
    return tuple("9" * (len(part) if len(part) > 3 else 1) if part.isdigit() else part for part in parts)
