"""The console script `runledger`. Ctrl-C ends it quietly from here on: loading the package takes a tenth of a second.

It is not in the package, because importing anything from there loads all of it first. Only the console script and
`python -m runledger` may import it: the handler is set immediately, and `cli/interrupts.py` recognises it.
"""

from __future__ import annotations

import gc
import os

_INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""

try:
    import signal

    def _quit(_number: int, _frame: object) -> None:
        """End the process. Nothing has been done that would have to be undone, or everything has been."""
        os._exit(_INTERRUPTED)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background command ignores it
        signal.signal(signal.SIGINT, _quit)
except KeyboardInterrupt:
    os._exit(_INTERRUPTED)


def main() -> None:
    """Run the command that the arguments name, and exit."""
    gc.disable()  # loading makes nothing to collect; `cli` enables it
    from runledger.cli import main as run

    run()
