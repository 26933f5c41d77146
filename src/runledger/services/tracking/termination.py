"""SIGTERM as an exception, so that blocks end and their runs with them."""

from __future__ import annotations

from types import FrameType

from ...domain import InvalidValue

CODE = 143
"""The exit code of a process that SIGTERM ended, as a shell reports it: 128 and the signal's number, 15."""


class Terminated(SystemExit):
    """SIGTERM, as `sigterm_as_exit` raises it: somebody asked this process to end."""


class sigterm_as_exit:  # noqa: N801 - it is used as a function
    """A block in which SIGTERM raises SystemExit with the code 143 in the main thread, so that tracked runs end.

    `with ledger.track(…)` then finishes its run as Cancelled. Without it, SIGTERM ends a Python process
    immediately, and its runs stay Running. Use it around the work of a plain script or a container; servers such as
    gunicorn, uvicorn and Celery handle SIGTERM themselves. Only the first SIGTERM raises, so that another one does
    not disturb how the runs end. The end of the block restores the previous handler.

    Raises InvalidValue outside of the main thread, where Python allows no signal handler; and if code outside of
    Python handles SIGTERM, because Python cannot restore its handler.
    """

    def __enter__(self) -> None:
        import signal  # here, because they slow `import runledger`
        import threading

        if threading.current_thread() is not threading.main_thread():
            name = threading.current_thread().name
            raise InvalidValue(
                f"sigterm_as_exit was entered in the thread {name!r}: enter it in the main thread, the only one in "
                "which Python handles signals."
            )
        if signal.getsignal(signal.SIGTERM) is None:
            raise InvalidValue(
                "SIGTERM has a handler that code outside of Python installed, and that Python cannot restore: leave "
                "sigterm_as_exit out, and let the program that runs Python end your work."
            )
        self._first = threading.Lock()
        self._previous = signal.signal(signal.SIGTERM, self._exit)

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGTERM, self._previous)

    def _exit(self, _number: int, _frame: FrameType | None) -> None:
        if self._first.acquire(blocking=False):
            raise Terminated(CODE)
