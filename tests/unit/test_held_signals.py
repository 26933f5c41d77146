"""Signals that arrive while a call is carried out are handled after it."""

import inspect
import signal
import threading
from collections.abc import Iterator

import pytest

from runledger.services.tracking.held_signals import _HeldSignals, uninterrupted

HANDLED = (signal.SIGUSR1, signal.SIGUSR2)


class Stop(BaseException):
    """What a handler raises."""


class Handler:
    """Notes in one list what happens, and raises for the signals that it is to."""

    def __init__(self) -> None:
        self.happened: list[object] = []
        self.frames: list[object] = []
        self.raising: set[int] = set()

    def __call__(self, number: int, frame: object) -> None:
        assert frame is not None
        self.happened.append(number)
        self.frames.append(frame)
        if number in self.raising:
            raise Stop(number)

    def call(self, *numbers: int) -> str:
        for number in numbers:
            signal.raise_signal(number)
        self.happened.append("call ended")
        return "result"


@pytest.fixture
def handler() -> Iterator[Handler]:
    handler = Handler()
    before = {number: signal.signal(number, handler) for number in HANDLED}
    yield handler
    assert [signal.signal(number, old) for number, old in before.items()] == [handler, handler]


def test_handlers_run_after_the_call_in_the_order_of_the_signals(handler: Handler) -> None:
    assert uninterrupted(handler.call, *reversed(HANDLED), HANDLED[0]) == "result"
    assert handler.happened == ["call ended", *reversed(HANDLED), HANDLED[0]]
    signal.raise_signal(HANDLED[0])
    assert handler.happened[-1:] == [HANDLED[0]]


def test_what_a_handler_raises_is_raised_after_the_call_and_no_handler_is_left_out(handler: Handler) -> None:
    handler.raising = {*HANDLED}
    with pytest.raises(Stop) as raised:
        uninterrupted(handler.call, *HANDLED)
    assert handler.happened == ["call ended", *HANDLED]
    assert raised.value.args == (HANDLED[1],)
    assert raised.value.__context__ is not None
    assert raised.value.__context__.args == (HANDLED[0],)


def test_what_the_call_raises_is_raised_after_the_handlers(handler: Handler) -> None:
    def fail() -> None:
        signal.raise_signal(HANDLED[0])
        raise ValueError("the call's")

    with pytest.raises(ValueError, match="the call's"):
        uninterrupted(fail)
    assert handler.happened == [HANDLED[0]]
    handler.raising = {HANDLED[0]}
    with pytest.raises(Stop) as raised:
        uninterrupted(fail)
    assert isinstance(raised.value.__context__, ValueError)


def test_a_call_within_a_call_is_held_by_both(handler: Handler) -> None:
    def outer() -> None:
        uninterrupted(handler.call, HANDLED[0])
        handler.happened.append("outer ended")

    uninterrupted(outer)
    assert handler.happened == ["call ended", "outer ended", HANDLED[0]]


def test_in_another_thread_a_call_holds_nothing(handler: Handler) -> None:
    arrived, seen = threading.Event(), []

    def call() -> None:
        seen.append(signal.getsignal(HANDLED[0]))
        arrived.set()

    thread = threading.Thread(target=uninterrupted, args=(call,))
    thread.start()
    thread.join()
    assert arrived.is_set()
    assert seen == [handler]


def test_signals_that_are_ignored_or_have_no_handler_stay_as_they_are(handler: Handler) -> None:
    signal.signal(HANDLED[0], signal.SIG_IGN)
    seen = uninterrupted(lambda: [signal.getsignal(number) for number in HANDLED])
    assert seen[0] is signal.SIG_IGN
    assert seen[1] is not handler
    signal.signal(HANDLED[0], handler)


def test_what_stood_in_for_a_handler_calls_it_if_it_is_left_behind(handler: Handler) -> None:
    """A handler that raises while the others are put back may leave one behind."""
    held = _HeldSignals()
    held.hold()
    left = signal.getsignal(HANDLED[0])
    held.release()
    assert callable(left)
    frame = inspect.currentframe()
    left(HANDLED[0], frame)
    assert handler.happened == [HANDLED[0]]
    assert handler.frames == [frame]
