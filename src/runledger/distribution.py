"""The name under which runledger is installed."""

from __future__ import annotations

DISTRIBUTION = "run-records"


def install_hint(extra: str) -> str:
    """The command that installs runledger with an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
