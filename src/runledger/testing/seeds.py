"""The random seed of new histories: given on the command line of pytest or drawn, and named in a failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import SystemRandom

import pytest

_OPTION = "--hypothesis-seed"


def seed_of(config: pytest.Config) -> int | str:
    """The seed that `pytest --hypothesis-seed=…` gives, else a new one."""
    given: str = config.getoption(_OPTION, default=None) or ""
    return int(given) if given.isdecimal() else given or SystemRandom().randrange(10**9)


@contextmanager
def named(seed: int | str) -> Iterator[None]:
    """Add to whatever the block raises how to run it again with this seed."""
    try:
        yield
    except Exception as failure:
        failure.add_note(f"This is random: pytest {_OPTION}={seed} repeats it.")
        raise
