"""The standard streams of a command: what is closed is replaced, and what cannot be said changes nothing."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast


def prepare_streams() -> None:
    """Make the standard streams fit for any text, and standard error for any fault of who reads it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller: nobody reads, and nothing comes
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, for as long as we run
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As standard error has it: what the terminal's encoding or a file's odd name cannot show is escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stderr = cast(TextIO, _Unfailing(sys.stderr))


def silence_libraries() -> None:
    """Print nothing that a library logs, as a connection pool does at each attempt: the command's own error says it.

    Without a configuration of logging, Python prints warnings to standard error. Those of the ledger are still printed.
    To be called once the libraries are loaded: if they do not load logging, nothing does.
    """
    last_resort: Any = getattr(sys.modules.get("logging"), "lastResort", None)
    if last_resort is not None:
        last_resort.addFilter(_is_of_the_ledger)


def _is_of_the_ledger(record: Any) -> bool:
    return bool(record.name.partition(".")[0] == "runledger")


class _Unfailing:
    """Standard error. If nobody reads it, or its disk is full, the command goes on, and so does its exit code.

    What was not written may be written with what follows.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
