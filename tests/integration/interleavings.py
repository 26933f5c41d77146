"""Every order of events between processes that share an Airtable table: the real code, one request a step.

A process is deterministic: what it does next depends only on the answers that it has had. So the real adapter is run
for each series of answers that can come up, up to its next request: a run that stopped there goes on with one of the
answers, and for each other one a new run first repeats what came before. The orders are explored over that: each
state (the table, the clock, what each process has been answered) is visited once, and the number of schedules, which is
the number of ways through the states, is counted and not walked.
"""

from __future__ import annotations

import io
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from threading import Semaphore, Thread
from typing import Any, NamedTuple

from attrs import evolve, field, frozen
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import ChunkedEncodingError, ConnectionError, ReadTimeout
from requests.structures import CaseInsensitiveDict

from airtable_local import AirtableService, Column, Request, Token
from runledger import EventKind, RunLedgerError
from runledger.adapters.airtable import AirtableRunRepository, Columns, RateLimit
from runledger.adapters.airtable.locks import Locks
from runledger.adapters.airtable.rate import Turn
from runledger.adapters.airtable.transport import WithoutCreation
from runledger.testing.airtable import run_table

BASE, TABLE, TOKEN = "appInterleavings0", "Runs", "patTest"
BEGIN = datetime(2025, 11, 24, 8, 15, tzinfo=UTC)


class Fault(Enum):
    """What may go wrong with one request, or with the process that sends it."""

    LOST_BEFORE = "the connection breaks before the server sees the request"
    LOST_AFTER = "the answer is lost"
    CUT = "the answer breaks off"
    ERROR_BEFORE = "500, and nothing was done"
    ERROR_AFTER = "503, but all was done"
    REFUSED = "429"
    DEATH_BEFORE = "the process dies before it sends"
    DEATH_AFTER = "the process dies before it hears the answer"
    LATE = "the answer is a time-out, and the server sees the request only later"

    @property
    def commits(self) -> bool:
        return self in (Fault.LOST_AFTER, Fault.CUT, Fault.ERROR_AFTER, Fault.DEATH_AFTER)

    @property
    def kills(self) -> bool:
        return self in (Fault.DEATH_BEFORE, Fault.DEATH_AFTER)


@frozen
class Answer:
    """What a process hears: an HTTP answer, a fault instead of one, or that it has slept."""

    status: int = 0
    date: str = ""
    body: bytes = b""
    fault: Fault | None = None


@frozen
class Sleep:
    """A process waits, in seconds."""

    seconds: float


@frozen
class Done:
    """How a process ended: what its act returned, or the error that it raised, and what its store reported."""

    result: Any = None
    error: RunLedgerError | None = None
    reported: frozenset[EventKind] = frozenset()


Step = Request | Sleep | Done
Act = Callable[[AirtableRunRepository], Any]
_STOPPED = 200
"""How many runs of a process stay where they stopped, until they are gone on with: each is a thread."""


class _Dropped(BaseException):
    """Ends a run that nobody goes on with."""


class _Run:
    """A process under way, in a thread: it stops at each step, and goes on from there when it is answered.

    It first takes the answers of a history, without stopping.
    """

    def __init__(self, act: Callable[[_Run], Done], history: tuple[Answer, ...]) -> None:
        self._answers = deque[Answer | None](history)
        self._stopped, self._answered = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._carry_out, args=(act,), daemon=True)
        self._thread.start()
        self._stopped.acquire()
        self.step: Step | BaseException
        """Where it stopped; what it raised, if that is no error of the ledger."""

    def _carry_out(self, act: Callable[[_Run], Done]) -> None:
        try:
            self.step = act(self)
        except BaseException as error:
            self.step = error
        self._stopped.release()

    def next(self, step: Step) -> Answer:
        """The answer to a step, once it is given."""
        if not self._answers:
            self.step = step
            self._stopped.release()
            self._answered.acquire()
        answer = self._answers.popleft()
        if answer is None:
            raise _Dropped
        return answer

    def go_on(self, answer: Answer | None) -> None:
        """Answer the step, and wait for the next one. With None, the run ends."""
        self._answers.append(answer)
        self._answered.release()
        self._stopped.acquire()
        if isinstance(self.step, (Done, BaseException)):
            self._thread.join()


class _Transport(BaseAdapter):
    """Hears the answers that a run is given."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run

    def send(self, request: PreparedRequest, *_args: Any, **_options: Any) -> Response:
        body = request.body or b""
        given = body if isinstance(body, bytes) else body.encode()
        answer = self._run.next(Request(str(request.method), str(request.url), dict(request.headers), given))
        match answer.fault:
            case Fault.LOST_BEFORE | Fault.LATE:
                raise ReadTimeout(request=request)
            case Fault.LOST_AFTER:
                raise ConnectionError("reset", request=request)
            case Fault.CUT:
                raise ChunkedEncodingError(request=request)
        response = Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict({"Date": answer.date, "Content-Type": "application/json"})
        response.raw = io.BytesIO(answer.body)
        response.encoding = "utf-8"
        response.url, response.request = str(request.url), request
        return response

    def close(self) -> None:
        pass


class _Updates(WithoutCreation, _Transport):
    """What a process's updates and reads go through."""


class _NoLimit(RateLimit):
    def wait(self) -> Turn:
        return Turn(0)

    def answered(self, turn: Turn, *, is_refused: bool) -> None:
        pass


class Process:
    """A process that does one act on a repository of its own; `ids` are the record ids that it will be given."""

    def __init__(self, name: str, act: Act, *ids: str, columns: Columns = Columns()) -> None:
        self.name = name
        self.ids = ids
        self._act = act
        self._columns = columns
        self._histories: list[tuple[Answer, ...]] = [()]
        self._parents: dict[int, tuple[int, Answer]] = {}
        self._stopped: dict[int, _Run] = {}
        self._known: dict[tuple[int, Answer], int] = {}
        self._steps: dict[int, Step] = {}
        self._endings: dict[Hashable, int] = {}

    def after(self, history: int, answer: Answer) -> int:
        """The number of the history that goes on with one more answer."""
        if (history, answer) not in self._known:
            self._known[history, answer] = len(self._histories)
            self._parents[len(self._histories)] = history, answer
            self._histories.append((*self._histories[history], answer))
        return self._known[history, answer]

    def step(self, history: int) -> Step:
        """What the process does next."""
        if history not in self._steps:
            run = self._run_to(history)
            if isinstance(run.step, BaseException):
                raise run.step
            self._steps[history] = run.step
            if not isinstance(run.step, Done):
                self._stopped[history] = run
                if len(self._stopped) > _STOPPED:  # the oldest: what was begun last is gone on with first
                    self._stopped.pop(next(iter(self._stopped))).go_on(None)
        return self._steps[history]

    def _run_to(self, history: int) -> _Run:
        """A run at the end of a history: one that stopped before its last answer, if there is one, else a new one."""
        before, answer = self._parents.get(history, (None, None))
        if before is not None and (run := self._stopped.pop(before, None)):
            run.go_on(answer)
            return run
        return _Run(self._carried_out, self._histories[history])

    def close(self) -> None:
        """End what has stopped."""
        while self._stopped:
            self._stopped.popitem()[1].go_on(None)

    def ended_like(self, history: int) -> int:
        """The first history that ended as this one did: nothing that is checked can tell them apart."""
        step = self.step(history)
        assert isinstance(step, Done)
        applied = [key.reference for key in (step.error.applied if step.error else ())]
        returned = repr(step.result), getattr(step.result, "reference", None)
        told = type(step.error), getattr(step.error, "outcome", None), step.reported, *applied, *returned
        return self._endings.setdefault(told, history)

    def _carried_out(self, run: _Run) -> Done:
        def sleep(seconds: float) -> None:
            run.next(Sleep(seconds))

        transports = _Transport(run), _Updates(run)
        repository = AirtableRunRepository(
            TOKEN,
            BASE,
            TABLE,
            columns=self._columns,
            limit=_NoLimit(),
            locks=Locks(),  # of this run alone: another one that stopped may hold its own
            transports=transports,
            sleep=sleep,
        )
        reported: set[EventKind] = set()
        repository.add_observer(lambda event: reported.add(event.kind))
        try:
            return Done(self._act(repository), reported=frozenset(reported))
        except RunLedgerError as error:
            # Its frames would keep all that this run has made.
            error.__traceback__ = error.__context__ = error.__cause__ = None
            return Done(error=error, reported=frozenset(reported))


class Place(NamedTuple):
    """Where one process stands: its history, when it wakes if it sleeps, whether it died, how much it has created."""

    history: int = 0
    wakes: int | None = None
    dead: bool = False
    created: int = 0


@frozen(cache_hash=True)
class State:
    """All that the future depends on."""

    table: Hashable
    seconds: int
    places: tuple[Place, ...]
    faults: int
    late: tuple[tuple[int, int], ...]
    """Requests that are still on their way to the server: the process, and its history when it sent one."""
    service: AirtableService = field(eq=False)

    def later(self) -> State:
        return State(self.table, self.seconds + 1, self.places, self.faults, self.late, self.service)

    def with_place(self, i: int, place: Place, faults: int = 0, late: tuple[tuple[int, int], ...] = ()) -> State:
        """The state after one process has moved on, with so many faults less and these requests more on their way."""
        places = (*self.places[:i], place, *self.places[i + 1 :])
        return State(self.table, self.seconds, places, self.faults - faults, (*self.late, *late), self.service)

    def after(self, served: Served) -> State:
        """The state of the server after a request, all else as it is."""
        return State(served.table, self.seconds, self.places, self.faults, self.late, served.service)


@frozen
class Served:
    """What the server made of a request: its answer, the server after it, and how many records it has created."""

    answer: Answer
    service: AirtableService
    table: Hashable
    created: int


@frozen
class Ending:
    """One way in which it all can end: the rows that are there, and for each process how it ended, None if it died."""

    rows: tuple[dict[str, Any], ...]
    outcomes: tuple[Done | None, ...]
    was_late: bool
    service: AirtableService
    """The server as it is then, at the time that it is then."""


class Exploration:
    """Goes through every order of the processes' steps, with up to `faults` of the given kinds at any of them.

    The clock may move on by a second before any step, `free_seconds` times, and whenever somebody sleeps. Each list
    shows the table as it is or as it was up to `lag` seconds before, in every combination. `check` is called with each
    way in which it ends. Afterwards `schedules`, `states` and `endings` say how many there were.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        check: Callable[[Ending], None],
        *,
        service: AirtableService | None = None,
        kinds: Sequence[Fault] = (),
        faults: int = 0,
        free_seconds: int = 1,
        lag: int = 0,
    ) -> None:
        self._processes = processes
        self._check = check
        self._kinds = kinds
        self._free_seconds = free_seconds
        self._lags = range(lag + 1)
        self._ways: dict[State, int] = {}
        self._served: dict[Hashable, Served] = {}
        self.endings = 0
        service = service or new_service()
        service.unknowns = evolve(service.unknowns, lists_see_writes_after=timedelta(seconds=lag))
        begin = State((service.snapshot(), 0), 0, tuple(Place() for _ in processes), faults, (), service)
        try:
            self.schedules = self._ways_from(begin)
        finally:
            for process in processes:
                process.close()
        self.states = len(self._ways)

    def _ways_from(self, state: State) -> int:
        ways = self._ways.get(state)
        if ways is None:
            following = list(self._following(state))
            if not following:
                self._end(state)
            ways = self._ways[state] = sum(map(self._ways_from, following)) or 1
        return ways

    def _end(self, state: State) -> None:
        self.endings += 1
        steps = [process.step(place.history) for process, place in zip(self._processes, state.places, strict=True)]
        outcomes = tuple(step if isinstance(step, Done) else None for step in steps)
        was_late = Fault.LATE in self._kinds and state.faults == 0
        now = BEGIN + timedelta(seconds=state.seconds)
        service = state.service.copy(now=lambda: now)
        self._check(Ending(tuple(service.records(BASE, TABLE)), outcomes, was_late, service))

    def _following(self, state: State) -> Iterator[State]:
        is_live = is_asleep = False
        for i, place in enumerate(state.places):
            step = self._processes[i].step(place.history)
            if place.dead or isinstance(step, Done):
                continue
            is_live = True
            if isinstance(step, Request):
                yield from self._sent(state, i, step)
            elif place.wakes is not None and place.wakes > state.seconds:
                is_asleep = True
            else:
                yield self._heard(state, i, place, Answer())
        for i, history in state.late:
            step = self._processes[i].step(history)
            assert isinstance(step, Request)
            served, place = self._handled(state, i, step, 0)
            left = tuple(one for one in state.late if one != (i, history))
            yield evolve(state.after(served).with_place(i, place), late=left)
        if is_asleep or (is_live and state.seconds < self._free_seconds):
            yield state.later()

    def _sent(self, state: State, i: int, request: Request) -> Iterator[State]:
        answers: dict[Answer, tuple[Served, Place]] = {}  # what looks the same, whatever the lag, is one
        for lag in self._lags if _lists(request) else (0,):
            served, after = self._handled(state, i, request, lag)
            answers.setdefault(served.answer, (served, after))
        for served, after in answers.values():
            yield self._heard(state.after(served), i, after, served.answer)
        done = state.after(served)
        if not state.faults:
            return
        for kind in self._kinds:
            before, place = (done, after) if kind.commits else (state, state.places[i])
            if kind.commits and done.table == state.table:
                continue  # nothing was done, as with the kinds that do nothing
            if kind.kills:  # and what the dead have heard makes no difference
                yield before.with_place(i, Place(dead=True, created=place.created), faults=1)
            elif kind is not Fault.LATE:
                yield self._heard(before, i, place, _FAULTY[kind], faults=1)
            elif done.table != state.table:
                yield self._heard(state, i, place, _FAULTY[kind], faults=1, late=((i, place.history),))

    def _handled(self, state: State, i: int, request: Request, lag: int) -> tuple[Served, Place]:
        """What the server makes of a process's request, and the place of that process with what it has created.

        A list shows the table of `lag` seconds before.
        """
        place = state.places[i]
        ids = self._processes[i].ids[place.created :]
        known = (state.table, state.seconds, ids, request.method, request.url, request.body, lag)
        served = self._served.get(known)
        if served is None:
            now = BEGIN + timedelta(seconds=state.seconds)
            unused = iter(ids)
            service = state.service.copy(now=lambda: now, new_id=lambda _prefix: next(unused))
            if _lists(request):
                service.unknowns = evolve(service.unknowns, lists_see_writes_after=timedelta(seconds=lag))
            response = service.handle(request)
            service.unknowns = state.service.unknowns
            created = sum(verb == "created" for verb, _ in response.changed)
            table = (service.snapshot(), state.table[1] + created)  # type: ignore[index]
            answer = Answer(response.status, response.headers["Date"], response.body)
            served = self._served[known] = Served(answer, service, table, created)
        return served, place._replace(created=place.created + served.created)

    def _heard(
        self,
        state: State,
        i: int,
        place: Place,
        answer: Answer,
        faults: int = 0,
        late: tuple[tuple[int, int], ...] = (),
    ) -> State:
        process = self._processes[i]
        history = process.after(place.history, answer)
        step = process.step(history)
        if isinstance(step, Done):
            history = process.ended_like(history)
        wakes = state.seconds + math.ceil(step.seconds) if isinstance(step, Sleep) else None
        return state.with_place(i, Place(history, wakes, place.dead, place.created), faults, late)


def _lists(request: Request) -> bool:
    return request.method == "GET" and len(request.segments) == 2


_FAULTY = {
    **{kind: Answer(fault=kind) for kind in Fault},
    Fault.ERROR_BEFORE: Answer(500, body=b"{}"),
    Fault.ERROR_AFTER: Answer(503, body=b'{"error":{"type":"RETRIABLE_ERROR","message":"Please retry."}}'),
    Fault.REFUSED: Answer(429, body=b'{"error":{"type":"RATE_LIMIT_REACHED","message":"Rate limit exceeded."}}'),
}


def new_service(*further: Column, columns: Columns = Columns()) -> AirtableService:
    """A base with a table for runs, in which nothing has happened yet."""
    service = AirtableService([Token(TOKEN)], now=lambda: BEGIN)
    service.add_base("Scratch", [run_table(TABLE, further, columns=columns)], BASE)
    return service
