"""Entries that reach an update of a run, and before it no start."""

from __future__ import annotations

import re

from attrs import frozen

from .effects import Effects
from .entries import Entry
from .findings import CREATION, NO_START, UPDATE, Finding
from .flow import Arm, Event
from .judging import Judge
from .program import Routine
from .settings import Settings
from .summaries import Effect

_BATCH = re.compile(
    r"batch|process|worker|job|nightly|daily|hourly|backfill|sync|poll|sweep|consume|cron|drain|scheduled",
    re.I,
)


@frozen
class Reached:
    """An update that is reached, and whether a start is behind us at the end."""

    started: bool
    event: Event | None = None
    effect: Effect | None = None


class Starts:
    """Walks the flow of entries."""

    def __init__(self, effects: Effects, judge: Judge, settings: Settings) -> None:
        self._effects = effects
        self._judge = judge
        self._settings = settings
        self._known: dict[Routine, Reached] = {}
        self._running: set[Routine] = set()

    def findings(self, entries: list[Entry]) -> list[Finding]:
        found: dict[tuple[str, int], Finding] = {}
        entered = set()
        registered = {entry.routine for entry in entries if entry.registered}
        for entry in entries:
            entered.add(entry.routine)
            if entry.routine in registered and not entry.registered:
                continue
            if any(self._reached(self._effects.owner(routine)).started for routine in entry.before):
                continue
            if entry.kind == "task" and self._is_handed_over(entry.routine, {each.routine for each in entries}):
                continue
            reached = self._reached(self._effects.owner(entry.routine))
            if reached.effect is not None and reached.event is not None:
                finding = self._finding(entry.kind, entry.name, entry.module.path, entry.line, entry.routine, reached)
                found.setdefault((finding.path, finding.line), finding)
        for routine in list(self._effects.summaries):
            if routine.is_module:
                self._of_module(routine, found)
            elif routine not in entered and self._is_batch(routine):
                reached = self._reached(routine)
                if reached.effect is not None and reached.event is not None and reached.event.loop:
                    finding = self._finding("batch", routine.name, routine.module.path, routine.line, routine, reached)
                    found.setdefault((finding.path, finding.line), finding)
        return list(found.values())

    def _is_handed_over(self, task: Routine, entered: set[Routine]) -> bool:
        """Whether a task is queued by code that has started the run, or by an entry, which is judged with it."""
        seen = {task}
        waiting = [task]
        while waiting:
            for caller in self._effects.callers(waiting.pop()):
                if caller in seen:
                    continue
                if caller in entered or caller.is_module or self._reached(caller).started:
                    return True
                seen.add(caller)
                waiting.append(caller)
        return False

    def _of_module(self, routine: Routine, found: dict[tuple[str, int], Finding]) -> None:
        reached = self._reached(routine)
        if reached.effect is None or reached.event is None:
            return
        called = reached.effect.chain[0] if reached.effect.chain else routine
        line = reached.event.top
        finding = self._finding("main", called.name, routine.module.path, line, called, reached)
        found.setdefault((finding.path, finding.line), finding)

    def _is_batch(self, routine: Routine) -> bool:
        return _BATCH.search(routine.name.rpartition(".")[2]) is not None and not self._effects.callers(routine)

    def _finding(self, kind: str, name: str, path: str, line: int, routine: Routine, reached: Reached) -> Finding:
        effect = reached.effect
        assert effect is not None
        table = next(
            (
                table
                for written, table in self._effects.tables.get(effect.site, {})
                if written == effect.kind and self._settings.is_run(table)
            ),
            "",
        )
        chain = [
            f"{kind} {name}",
            *(f"{each.name} ({each.module.path}:{each.line})" for each in effect.chain),
            f"{effect.kind} ({effect.site.path}:{effect.site.line})",
        ]
        also = routine.line if routine.module.path == path else 0
        return Finding(
            NO_START,
            path,
            line,
            routine.name,
            self._settings.shown(table),
            True,
            True,
            chain=tuple(chain),
            first_line=line,
            also=also,
        )

    def _reached(self, routine: Routine) -> Reached:
        if routine in self._known:
            return self._known[routine]
        summary = self._effects.summaries.get(routine)
        if summary is None or routine in self._running:
            return Reached(False)
        self._running.add(routine)
        found = self._walk(routine, summary.arm, False)
        self._running.discard(routine)
        self._known[routine] = found
        return found

    def _walk(self, routine: Routine, arm: Arm, started: bool) -> Reached:
        first: Reached | None = None
        for step in arm.steps:
            if isinstance(step, Event):
                reached = self._step(routine, step, started)
                started = reached.started
            else:
                results = [(inner, self._walk(routine, inner, started)) for inner in step]
                reached = next((each for _, each in results if each.effect is not None), Reached(started))
                going_on = [each.started for inner, each in results if inner.exit in ("", "leave")]
                started = started or any(going_on)
            if first is None and reached.effect is not None:
                first = reached
        return Reached(started, first.event if first else None, first.effect if first else None)

    def _step(self, routine: Routine, event: Event, started: bool) -> Reached:
        summary = self._effects.summaries[routine]
        starts = False
        update: Effect | None = None
        for effect in summary.of_event.get(event, {}).values():
            if effect.kind not in (CREATION, UPDATE) or not self._judge.is_run(effect):
                continue
            if effect.kind == CREATION:
                starts = starts or self._is_start(routine, event, effect)
            elif (
                not started
                and update is None
                and (not effect.chain or self._reached(effect.chain[0]).effect is not None)
            ):
                update = effect
        return Reached(started or starts, event if update else None, update)

    def _is_start(self, routine: Routine, event: Event, effect: Effect) -> bool:
        if self._judge.verdict(routine, event, effect)[0] != CREATION:
            return False
        return not effect.chain or self._reached(effect.chain[0]).started
