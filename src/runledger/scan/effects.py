"""What each routine creates, updates and looks for, directly and through others.

A routine's effects depend on those of the routines that it calls. They are computed by a work-list: a routine is
computed again when one that it calls has gained an effect. Callees come first where calls are not circular.
"""

from __future__ import annotations

from collections import deque

from attrs import evolve, frozen

from .evaluation import Evaluator
from .flow import Arm, Event, Flows
from .libraries.outcome import UNRESOLVED, Outcome
from .observations import given_in
from .program import Module, Routine
from .resolution import Resolution
from .summaries import LOOKUP, Effect, Open, Site, Summary
from .values import (
    MORE,
    Arguments,
    Callable,
    Called,
    Class,
    Constant,
    Dictionary,
    Frame,
    Frames,
    Given,
    Library,
    List,
    Lookup,
    Method,
    More,
    Object,
    Of,
    String,
    Value,
    Values,
    symbolic,
    text,
)

_MOST_EFFECTS = 600
_MOST_ROUNDS = 60
_MOST_OPENS = 120
_MOST_STEPS = 200_000
_LONGEST = 12
_LONGEST_OPEN = 7
_DEEPEST_OPEN = 4


@frozen
class Reach:
    """From where a function's effects are reached: the caller, its call, and the functions between them."""

    summary: Summary
    event: Event
    found: dict[tuple[object, ...], Effect]
    likely: bool = False
    depth: int = 0
    prefix: tuple[Routine, ...] = ()

    def through(self, prefix: tuple[Routine, ...], depth: int) -> Reach:
        """The same with more functions between."""
        return Reach(self.summary, self.event, self.found, self.likely, depth, prefix)


class Effects(Resolution):
    """The effects of all routines of a program. `exhausted` of the evaluator counts what was cut short."""

    def __init__(self, evaluator: Evaluator, flows: Flows) -> None:
        super().__init__(evaluator, flows)
        self.summaries: dict[Routine, Summary] = {}
        self.tables: dict[Site, dict[tuple[str, str], bool]] = {}
        """The kinds and tables that each place was seen to write, wherever it is called from; whether likely."""
        self._callers: dict[Routine, dict[Routine, None]] = {}

    def compute(self, modules: set[Module]) -> None:
        """Compute the effects of the routines of some modules; those of others have none."""
        for routine in self._evaluator.program.all_routines():
            if routine.module not in modules:
                continue
            if routine.node is None or routine.node not in self._flows.inlined:
                arm = self._flow(routine)
                self.summaries[routine] = Summary(routine, arm, arm.events())
        for node in list(self._flows.inlined):
            self.summaries.pop(self._evaluator.program.routines[node], None)
        waiting = deque(self._in_order())
        queued = set(waiting)
        rounds: dict[Routine, int] = {}
        while waiting:
            routine = waiting.popleft()
            queued.discard(routine)
            rounds[routine] = rounds.get(routine, 0) + 1
            if rounds[routine] > _MOST_ROUNDS:
                self._evaluator.give_up("rounds through recursive calls")
                continue
            if self._update(self.summaries[routine]):
                for caller in self._callers.get(routine, ()):
                    if caller not in queued:
                        waiting.append(caller)
                        queued.add(caller)
        for summary in self.summaries.values():
            for event, found in summary.of_event.items():
                self._settle(summary, event, found)

    def _settle(self, summary: Summary, event: Event, found: dict[tuple[object, ...], Effect]) -> None:
        """Add the effects of what still depends on parameters and objects, by all calls that were seen."""
        for effect in list(found.values()):
            if symbolic(effect.table) and effect.table is not None:
                before = self._cuts
                for table in self._settled(effect.table):
                    if isinstance(table, String | More):
                        self._put(found, evolve(effect, table=table))
                if self._cuts > before and effect.kind != LOOKUP:
                    self._put(found, evolve(effect, table=MORE))
        opens = summary.open_of_event.get(event, {})
        done: set[tuple[object, ...]] = set()
        while left := [opened for key, opened in opens.items() if key not in done]:
            if len(done) >= _MOST_OPENS:
                self._evaluator.give_up("calls through parameters in one function")
                for opened in left:
                    self._leave_open(found, opened)
                return
            for opened in left:
                done.add(opened.key)
                self._settle_one(summary, event, found, opened)

    def _settle_one(
        self, summary: Summary, event: Event, found: dict[tuple[object, ...], Effect], opened: Open
    ) -> None:
        seen = self.tables.get(opened.site, {}) if not opened.chain else {}
        for (kind, name), likely in list(seen.items()):
            self._put(found, Effect(kind, text(name), opened.site, likely))
        before = len(found)
        cuts = self._cuts
        # A function that is passed in does what its callers pass.
        if not isinstance(opened.function, Given) and (not seen or self.observed.is_of_object(opened.function)):
            self._settle_open(summary, event, found, opened, known=bool(seen))
            if self._cuts > cuts:
                self._leave_open(found, opened)
        if len(found) == before and not seen:
            self._add_outcome(found, opened.guess, opened.site, opened.chain)

    def _leave_open(self, found: dict[tuple[object, ...], Effect], opened: Open) -> None:
        """Note that a call which was seen to write may write to more tables, because a limit was reached."""
        if self.tables.get(opened.site):
            self._put(found, Effect(UNRESOLVED, MORE, opened.site, chain=opened.chain))

    def _settle_open(
        self, summary: Summary, event: Event, found: dict[tuple[object, ...], Effect], opened: Open, *, known: bool
    ) -> None:
        if symbolic(opened.function) and not any(
            self._may_write(function) for function in self._settled(opened.function)
        ):
            return
        for function, arguments in self.observed.calls(opened.function, opened.arguments):
            if isinstance(function, Method) and function.owner == String((None,)):
                self._add_outcome(found, self._evaluator.executed(function.name, arguments), opened.site, opened.chain)
            elif isinstance(function, Callable):
                if self.owner(function.routine) is not summary.routine:
                    self._through(Reach(summary, event, found, depth=1, prefix=opened.chain), function, arguments)
            elif not isinstance(function, Class):
                outcome = self._evaluator.outcome(function, arguments)
                if known:  # elsewhere it is known: what is unknown here says nothing
                    outcome = evolve(outcome, writes=tuple(one for one in outcome.writes if one.table is not None))
                self._add_outcome(found, outcome, opened.site, opened.chain)

    def _settled(self, value: Value) -> Values:
        if self._evaluator.total >= _MOST_STEPS:
            self._evaluator.give_up("steps for all calls")
            return ()
        return self.observed.settled(value)

    @property
    def _cuts(self) -> int:
        """How often any limit was reached so far."""
        return self._evaluator.exhausted.total()

    def _may_write(self, function: Value) -> bool:
        if isinstance(function, Callable):
            inner = self.summaries.get(self.owner(function.routine))
            return inner is not None and bool(inner.effects or inner.opens)
        return not isinstance(function, Library | Class | Constant | Object | Dictionary | List | String) or (
            isinstance(function, Library) and bool(self._evaluator.outcome(function, Arguments()).pending)
        )

    def callers(self, routine: Routine) -> list[Routine]:
        """The other routines of the program that call a routine."""
        return [caller for caller in self._callers.get(routine, ()) if caller is not routine]

    def _flow(self, routine: Routine) -> Arm:
        try:
            return self._flows.flow(routine)
        except RecursionError:
            self._evaluator.give_up("depth of nested code")
            return Arm()

    def _in_order(self) -> list[Routine]:
        """Routines with callees before callers, as far as calls are not circular."""
        done: dict[Routine, None] = {}
        for start in self.summaries:
            stack: list[tuple[Routine, list[Routine]]] = [] if start in done else [(start, self._callees(start))]
            entered = {start}
            while stack:
                routine, callees = stack[-1]
                following = next((one for one in callees if one not in done and one not in entered), None)
                if following is None:
                    done[routine] = None
                    stack.pop()
                else:
                    entered.add(following)
                    stack.append((following, self._callees(following)))
        return list(done)

    def _callees(self, routine: Routine) -> list[Routine]:
        found: list[Routine] = []
        for event in self.summaries[routine].events:
            for callee, _, _ in self.resolve(event).routines:
                target = self.owner(callee.routine)
                if target in self.summaries:
                    found.append(target)
        return found

    def _update(self, summary: Summary) -> bool:
        before = len(summary.effects) + len(summary.opens)
        for event in summary.events:
            self._evaluator.steps = 0
            found = summary.of_event.setdefault(event, {})
            resolved = self.resolve(event)
            site = self.site(event)
            for outcome in resolved.outcomes:
                self._add_outcome(found, outcome, site, ())
            for opened in resolved.opens:
                self._keep_open(summary, event, opened)
            for function, arguments, likely in resolved.routines:
                self._through(Reach(summary, event, found, likely), function, arguments)
            for key, effect in found.items():
                known = summary.effects.get(key)
                if known is None and len(summary.effects) >= _MOST_EFFECTS:
                    self._evaluator.give_up("reads and writes of one function")
                elif known is None or len(known.chain) > len(effect.chain):
                    summary.effects[key] = effect
        return len(summary.effects) + len(summary.opens) > before

    def _add_outcome(
        self,
        found: dict[tuple[object, ...], Effect],
        outcome: Outcome,
        site: Site,
        chain: tuple[Routine, ...],
        *,
        likely: bool = False,
    ) -> None:
        for write in outcome.writes:
            self._put(found, Effect(write.kind, write.table, site, write.likely or likely, chain))
        if not outcome.writes:
            for value in outcome.values:
                if isinstance(value, Lookup):
                    self._put(found, Effect(LOOKUP, value.table, site, chain=chain))

    def _put(self, found: dict[tuple[object, ...], Effect], effect: Effect) -> None:
        if effect.table is MORE:
            effect = evolve(effect, kind=UNRESOLVED)
            self._evaluator.give_up("values of one expression")
        known = found.get(effect.key)
        if known is None or len(known.chain) > len(effect.chain):
            found[effect.key] = effect
        name = effect.table.exact if isinstance(effect.table, String) else None
        if name is not None and effect.kind != LOOKUP:
            seen = self.tables.setdefault(effect.site, {})
            seen[effect.kind, name] = effect.likely and seen.get((effect.kind, name), True)

    def _keep_open(self, summary: Summary, event: Event, opened: Open) -> None:
        if not self.is_relevant(opened.function):
            return
        if len(opened.chain) > _LONGEST_OPEN:
            self._evaluator.give_up("length of a chain of calls")
            return
        if len(summary.opens) >= _MOST_OPENS and opened.key not in summary.opens:
            self._evaluator.give_up("calls through parameters in one function")
            return
        summary.opens.setdefault(opened.key, opened)
        summary.open_of_event.setdefault(event, {}).setdefault(opened.key, opened)

    def _through(self, reach: Reach, function: Callable, arguments: Arguments) -> None:
        """Add the effects of a function that is called, with its parameters and its object known."""
        target = self.owner(function.routine)
        inner = self.summaries.get(target)
        caller = reach.summary.routine
        if inner is None or (target is self.owner(caller) and function.routine is not target):
            return
        self._callers.setdefault(target, {})[caller] = None
        frame = Frame(function.routine, arguments.positional, arguments.frozen_keywords, function.this)
        frames = (*function.frames, frame)
        self.observed.note(frames)
        if self._evaluator.spend(0):
            return
        for effect in list(inner.effects.values()):
            if len(effect.chain) > _LONGEST:
                self._evaluator.give_up("length of a chain of calls")
                continue
            chain = (*reach.prefix, target, *effect.chain)
            tables = self._evaluator.names(effect.table, frames) if symbolic(effect.table) else (effect.table,)
            for table in tables:
                likely = effect.likely or reach.likely
                self._put(reach.found, Effect(effect.kind, table, effect.site, likely, chain))
        if inner.opens and reach.depth > _DEEPEST_OPEN:
            self._evaluator.spend(len(inner.opens))
            self._evaluator.give_up("depth of calls through parameters", len(inner.opens))
            return
        for opened in list(inner.opens.values()):
            self._open(reach.through((*reach.prefix, target, *opened.chain), reach.depth), opened, frames)

    def _open(self, reach: Reach, opened: Open, frames: Frames) -> None:
        self._evaluator.spend(1)
        arguments = given_in(self._evaluator, opened.arguments, frames)
        for function in self._evaluator.substituted(opened.function, frames):
            if isinstance(function, Method) and function.owner == String((None,)):
                outcome = self._evaluator.executed(function.name, arguments)
                self._add_outcome(reach.found, outcome, opened.site, reach.prefix)
            elif isinstance(function, Callable):
                if self.owner(function.routine) is not self.owner(reach.summary.routine):
                    self._through(reach.through(reach.prefix, reach.depth + 1), function, arguments)
            elif isinstance(function, Given | Of | Called) or symbolic(function):
                self._keep_open(reach.summary, reach.event, opened.given(function, arguments, reach.prefix))
            else:
                outcome = self._evaluator.outcome(function, arguments)
                self._add_outcome(reach.found, outcome, opened.site, reach.prefix, likely=reach.likely)
                if outcome.pending:
                    self._keep_open(reach.summary, reach.event, opened.given(function, arguments, reach.prefix))
