"""Carries what a function writes and looks for to the functions that call it."""

from __future__ import annotations

from attrs import evolve, frozen

from .evaluation import Evaluator
from .flow import Event, Flows
from .libraries.outcome import UNRESOLVED, Outcome
from .observations import given_in
from .program import Routine
from .resolution import Resolution
from .summaries import LOOKUP, Effect, Open, Site, Summary
from .values import (
    MORE,
    Arguments,
    Callable,
    Called,
    Frame,
    Frames,
    Given,
    Lookup,
    Method,
    Of,
    String,
    symbolic,
)

MOST_OPENS = 120
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


class Propagation(Resolution):
    """What each routine does by itself and by what it calls, as far as its callers say what is unknown."""

    def __init__(self, evaluator: Evaluator, flows: Flows) -> None:
        super().__init__(evaluator, flows)
        self.summaries: dict[Routine, Summary] = {}
        self.tables: dict[Site, dict[tuple[str, str], bool]] = {}
        """The kinds and tables that each place was seen to write, wherever it is called from; whether likely."""
        self.too_deep: dict[str, None] = {}
        """Files with code that is nested too deeply to be followed."""
        self._callers: dict[Routine, dict[Routine, None]] = {}
        self._cut: set[Site] = set()
        """Calls that depend on parameters which were not followed to all callers, because a limit was reached."""

    @property
    def _cuts(self) -> int:
        """How often any limit was reached so far."""
        return self._evaluator.exhausted.total()

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
            effect = evolve(effect, kind=effect.kind if effect.kind == LOOKUP else UNRESOLVED)
            if effect.key not in found:
                self._evaluator.give_up("values of one expression")
        known = found.get(effect.key)
        if known is None or len(known.chain) > len(effect.chain):
            found[effect.key] = effect
        name = effect.table.exact if isinstance(effect.table, String) else None
        if name is not None and effect.kind != LOOKUP:
            seen = self.tables.setdefault(effect.site, {})
            seen[effect.kind, name] = effect.likely and seen.get((effect.kind, name), True)

    def _put_more(self, found: dict[tuple[object, ...], Effect], site: Site, chain: tuple[Routine, ...]) -> None:
        """Note that a call which was seen to write is one of more calls than are followed."""
        if self.tables.get(site):
            self._put(found, Effect(UNRESOLVED, MORE, site, chain=chain))

    def _keep_open(self, summary: Summary, event: Event, opened: Open) -> None:
        if not self.is_relevant(opened.function):
            return
        if len(opened.chain) > _LONGEST_OPEN:
            self._evaluator.give_up("length of a chain of calls")
            return
        if len(summary.opens) >= MOST_OPENS and opened.key not in summary.opens:
            self._evaluator.give_up("calls through parameters in one function")
            self._cut.add(opened.site)
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
        before = self._cuts
        if not self._evaluator.spend(0):
            self._add_inner(reach, inner, target, frames)
        if self._cuts > before or self._evaluator.spend(0):
            self._cut.update(effect.site for effect in inner.effects.values() if symbolic(effect.table))
            self._cut.update(opened.site for opened in inner.opens.values())

    def _add_inner(self, reach: Reach, inner: Summary, target: Routine, frames: Frames) -> None:
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
        functions = self._evaluator.substituted(opened.function, frames)
        for function in functions:
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
        if MORE in functions:
            self._put_more(reach.found, opened.site, reach.prefix)
