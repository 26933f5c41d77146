"""The rate of requests to one base: which request may leave when, for all threads of a process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from threading import RLock, get_ident

from attrs import define, field

from ...domain import CallWithinCall

LOST = 60.0
"""Seconds after which a request without an answer no longer counts; the time-outs end one sooner."""
FIRST_SPACING, MOST_SPACING = 5, 24
"""The average distance of requests after a refusal, and after many, in units of `seconds`.

Chosen by simulation: 20 processes that begin together then send about one request a second in all.
"""
CALM = 5
"""So many answers without a refusal halve the distance."""

# Tools that freeze time in tests replace `time.monotonic`, and a wait by a frozen clock would never end.
_clock = partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else time.monotonic


@define(eq=False)
class Turn:
    """A place in the queue of requests. `counts_until` is the time from which it no longer counts against the rate."""

    counts_until: float
    waited: float = 0.0
    sent_at: float = float("-inf")
    is_answered: bool = False
    thread: int = field(factory=get_ident)


class RateLimit:
    """At most 5 requests a second for all threads, and a pause for all of them after a refusal (429).

    Airtable allows 5 requests a second to a base, and after a 429 refuses all requests for 30 seconds
    (https://airtable.com/developers/web/api/rate-limits). The server counts arrivals. A request has arrived at the
    latest when its answer comes, so it counts until `seconds` after its answer, however long it took to arrive.

    A refusal means that other processes use the base, which this one cannot see. So the pause after the `penalty` has a
    random part, and requests then keep a random distance, which doubles with each refusal and shrinks without any.
    """

    def __init__(
        self,
        requests: int = 5,
        seconds: float = 1.02,  # a little more than one, because the server's clock is another one
        penalty: float = 30.0,
        clock: Callable[[], float] = _clock,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.penalty = penalty
        self._requests = requests
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform
        self._turns: dict[Turn, None] = {}
        """In the order of arrival. Only by single steps that are atomic, because a signal handler may come between."""
        self._lock = RLock()
        self._next_at = float("-inf")
        self._refused_at = float("-inf")
        self._spacing = 0.0
        self._calm = 0

    def wait(self) -> Turn:
        """Wait until one more request may be sent. Pass the turn to `answered` when its answer is there, or lost.

        Raises StoreUnavailable if the wait is for calls of this very thread, which a signal handler has interrupted.
        """
        began = self._clock()
        turn = Turn(began + LOST)
        self._turns[turn] = None
        try:
            # What was waited counts even if the clock does not move.
            while (pause := self._pause(turn, max(self._clock(), began + turn.waited))) > 0:
                self._sleep(pause)
                turn.waited += pause
        except BaseException:
            self._turns.pop(turn, None)
            raise
        return turn

    def answered(self, turn: Turn, *, is_refused: bool) -> None:
        """Report that the answer to a request has come, or cannot come any more; `is_refused` if it is a 429."""
        with self._lock:
            now = self._clock()
            turn.counts_until = now + self._seconds
            turn.is_answered = True
            self._turns[turn] = None  # it is not there any more if it took longer than LOST
            if is_refused:
                self._slow_down(turn, now)
            else:
                self._calm += 1
            if self._calm >= CALM and self._spacing:
                self._calm = 0
                self._spacing = self._spacing / 2 if self._spacing > self._seconds / self._requests else 0.0

    def _slow_down(self, turn: Turn, now: float) -> None:
        if turn.sent_at > self._refused_at:  # or it was on its way together with one that is refused already
            least, most = FIRST_SPACING * self._seconds, MOST_SPACING * self._seconds
            self._spacing = min(max(2 * self._spacing, least), most)
        self._calm = 0
        self._refused_at = now
        self._next_at = max(self._next_at, now + self.penalty + self._uniform(0, self._spacing))

    def _pause(self, turn: Turn, now: float) -> float:
        """Seconds until it is worth to ask again; 0 if the request may leave now, which is then taken down."""
        with self._lock:
            self._turns[turn] = None  # another thread took it for lost if this one slept for long
            pause = max(self._until_room(turn, now), self._next_at - now, 0.0)
            turn.counts_until = now + pause + LOST
            if pause == 0:
                turn.sent_at = now
                self._next_at = max(self._next_at, now + self._uniform(0.5, 1.5) * self._spacing)
            return pause

    def _until_room(self, turn: Turn, now: float) -> float:
        """Seconds until fewer than the allowed number of earlier turns can count; 0 or less if it is so now."""
        while (first := next(iter(self._turns))) is not turn and first.counts_until <= now:
            self._turns.pop(first, None)
        if len(self._turns) <= self._requests:
            return 0.0
        turns = list(self._turns)
        ahead = [each for each in turns[: turns.index(turn)] if each.counts_until > now]
        surplus = len(ahead) - self._requests
        if surplus < 0:
            return 0.0
        if sum(each.thread == turn.thread and not each.is_answered for each in ahead) >= self._requests:
            raise CallWithinCall
        # A turn that waits for its answer counts for `seconds` after it, so there is no need to look earlier.
        ends = sorted(each.counts_until if each.is_answered else now + self._seconds for each in ahead)
        return ends[surplus] - now
