"""What each routine creates, updates and looks for, directly and through others.

A routine's effects depend on those of the routines that it calls. They are computed by a work-list: a routine is
computed again when one that it calls has gained an effect. Callees come first where calls are not circular.
"""

from __future__ import annotations

from collections import deque

from attrs import evolve

from .flow import Arm, Event
from .libraries.outcome import UNRESOLVED
from .observations import roots_of
from .program import Module, Routine
from .propagation import MOST_OPENS, Propagation, Reach
from .summaries import LOOKUP, Effect, Open, Site, Summary
from .values import (
    MORE,
    Arguments,
    Callable,
    Class,
    Constant,
    Dictionary,
    Given,
    Library,
    List,
    Method,
    More,
    Object,
    String,
    This,
    Value,
    symbolic,
    text,
)

_MOST_EFFECTS = 600
_MOST_ROUNDS = 60
_MOST_STEPS_FOR_ALL_CALLS = 200_000
"""How often symbols are replaced in one scan."""


class Effects(Propagation):
    """The effects of all routines of a program. `exhausted` of the evaluator counts what was cut short."""

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
                for table in self.observed.settled(effect.table):
                    if isinstance(table, String | More):
                        self._put(found, evolve(effect, table=table))
                if (
                    self._cuts > before
                    and effect.kind != LOOKUP
                    and self._may_hide(effect.site, effect.table, Arguments())
                ):
                    self._put(found, evolve(effect, kind=UNRESOLVED, table=None))
        opens = summary.open_of_event.get(event, {})
        done: set[tuple[object, ...]] = set()
        while left := [opened for key, opened in opens.items() if key not in done]:
            if len(done) >= MOST_OPENS:
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
        if self._evaluator.total >= _MOST_STEPS_FOR_ALL_CALLS:
            self._evaluator.give_up("steps for all calls")
            self._add_outcome(
                found, self._evaluator.outcome(opened.function, opened.arguments), opened.site, opened.chain
            )
            self._leave_open(found, opened)
            return
        shown = seen and opened.site not in self._cut and not self.observed.is_of_object(opened.function)
        # A function that is passed in does what its callers pass.
        if not shown and not isinstance(opened.function, Given):
            self._settle_open(summary, event, found, opened, known=bool(seen))
        if len(found) == before and not seen:
            self._add_outcome(found, opened.guess, opened.site, opened.chain)

    def _leave_open(self, found: dict[tuple[object, ...], Effect], opened: Open) -> None:
        """Note that a call which was seen to write may write to more tables, because a limit was reached."""
        if self.tables.get(opened.site) and self._may_hide(opened.site, opened.function, opened.arguments):
            self._put(found, Effect(UNRESOLVED, None, opened.site, chain=opened.chain))

    def _may_hide(self, site: Site, function: Value, arguments: Arguments) -> bool:
        """Whether a limit that was reached can hide a write: the callers alone do not show all that a call does."""
        return site in self._cut or any(isinstance(root, This) for root in roots_of(function, arguments))

    def _settle_open(
        self, summary: Summary, event: Event, found: dict[tuple[object, ...], Effect], opened: Open, *, known: bool
    ) -> None:
        if symbolic(opened.function) and not any(
            self._may_write(function) for function in self.observed.settled(opened.function)
        ):
            return
        before = self._cuts
        followed = self.observed.calls(opened.function, opened.arguments)
        for function, arguments in followed:
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
        if any(function is MORE for function, _ in followed):
            self._put_more(found, opened.site, opened.chain)
        if self._cuts > before:
            self._leave_open(found, opened)

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
            self.too_deep[routine.module.path] = None
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
