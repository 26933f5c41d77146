"""From effects to findings: which creations are recoveries, which calls wrap a write, which entries have no start."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .conditions import Guard
from .effects import Effects
from .findings import CREATING, CREATION, RECOVERY, UNRESOLVED, UPDATE, UPDATING, UPSERT, Finding
from .flow import Arm, Event
from .program import Routine
from .settings import Settings
from .summaries import LOOKUP, Effect, Site
from .traversal import chain_of
from .values import MORE, Found, Lookup, String, Value, exact, symbolic

_CREATOR = re.compile(
    r"^_*(?i:create|start|insert|begin|new)(?=[A-Z_0-9]|$)"
    r"|^_*(?i:add|register|open|make|launch|submit|enqueue|seed|import|schedule|trigger)(?i:_?(?:.*(?:run|record|row|client)s?)?)$"
)
_NO_CREATOR = re.compile(r"or_?(?:update|create|get|find|fetch|resume)|upsert|ensure|get|find|update", re.I)
_TOUCHING = re.compile(
    r"^_*(?:update|find|get|patch|fetch|load|lookup|save|complete|fail|finish|mark|set|heartbeat|read|query|select)",
    re.I,
)

_ANY_WORK = re.compile(r"^(?:execute|run|handle|call|__call__|invoke|perform|process|apply|exec|do)$", re.I)
"""Methods that do what their class is named after."""


class Judge:
    """Judges the effects of a program."""

    def __init__(self, effects: Effects, settings: Settings) -> None:
        self._effects = effects
        self._settings = settings
        self._verdicts: dict[tuple[Event, Effect], tuple[str, bool, bool]] = {}

    def findings(self) -> list[Finding]:
        """All findings but those about entries."""
        found: dict[Finding, None] = {}
        for summary in self._effects.summaries.values():
            for event in summary.events:
                for finding in self._of_event(summary.routine, event, list(summary.of_event.get(event, {}).values())):
                    found[finding] = None
        return list(found)

    def _of_event(self, routine: Routine, event: Event, effects: list[Effect]) -> Iterable[Finding]:
        site = self._effects.site(event)
        for effect in effects:
            if effect.kind != LOOKUP and (not effect.chain or effect.table is MORE):
                yield from self._direct(routine, event, effect)
        calls = [
            effect
            for effect in effects
            if effect.chain and effect.kind != LOOKUP and effect.chain[0] is not self._effects.owner(routine)
        ]
        recovered = False
        groups: dict[tuple[str, str], list[Effect]] = {}
        for effect in calls:
            name = exact(effect.table)
            if name is None:
                continue
            kind = UPDATING if effect.kind == UPDATE else CREATING
            groups.setdefault((kind, self._canonical(name)), []).append(effect)
        for (kind, _), members in sorted(groups.items()):
            nearest = min(members, key=lambda effect: len(effect.chain))
            verdict, likely, _ = (
                self.verdict(routine, event, nearest) if kind == CREATING else (kind, nearest.likely, False)
            )
            if verdict == RECOVERY:
                recovered = True
                yield self._finding(RECOVERY, site, nearest, likely=likely)
            elif kind == CREATING or not recovered:
                yield self._finding(kind, site, nearest, likely=nearest.likely, deep=len(nearest.chain) > 1)

    def _direct(self, routine: Routine, event: Event, effect: Effect) -> Iterable[Finding]:
        name = exact(effect.table)
        if name is None:
            written = self._effects.tables.get(effect.site, {})
            seen = [table for kind, table in written if kind == effect.kind]
            if not written or effect.kind == UNRESOLVED:
                yield Finding(
                    UNRESOLVED,
                    effect.site.path,
                    effect.site.line,
                    effect.site.function,
                    "",
                    False,
                    effect.likely,
                    first_line=effect.site.first_line,
                )
            for table in seen if effect.table is not None else ():
                verdict, likely, guarded = self.verdict(routine, event, effect)
                yield self._finding(verdict, effect.site, effect, likely=likely, guarded=guarded, table=table)
            return
        verdict, likely, guarded = self.verdict(routine, event, effect)
        yield self._finding(verdict, effect.site, effect, likely=likely, guarded=guarded)

    def _finding(
        self,
        kind: str,
        site: Site,
        effect: Effect,
        *,
        likely: bool,
        guarded: bool = False,
        deep: bool = False,
        table: str | None = None,
    ) -> Finding:
        name = table if table is not None else exact(effect.table) or ""
        chain = [f"{routine.name} ({routine.module.path}:{routine.line})" for routine in effect.chain]
        if chain:
            chain.append(f"{effect.kind} ({effect.site.path}:{effect.site.line})")
        return Finding(
            kind,
            site.path,
            site.line,
            site.function,
            self._settings.shown(name),
            self._settings.is_run(name),
            likely,
            guarded,
            deep,
            tuple(chain),
            site.first_line,
        )

    def _canonical(self, name: str) -> str:
        return "\0run" if self._settings.is_run(name) else self._settings.name(name).lower()

    def verdict(self, routine: Routine, event: Event, effect: Effect) -> tuple[str, bool, bool]:
        """The kind of a write as it is judged here, whether that is only likely, and whether it is guarded."""
        key = (event, effect)
        if key not in self._verdicts:
            self._verdicts[key] = self._judged(routine, event, effect)
        return self._verdicts[key]

    def _judged(self, routine: Routine, event: Event, effect: Effect) -> tuple[str, bool, bool]:
        if effect.kind != CREATION and not (effect.kind == UPSERT and effect.chain):
            return effect.kind, effect.likely, False
        guarded = False
        for stated in event.guards:
            guard = self._settled(stated)
            if guard is None or not self._looked_in(routine, guard, effect.table):
                continue
            updates = guard.found is not None and self._arm_has(routine, guard.found, (UPDATE,), effect.table)
            if guard.weak and not updates:
                continue
            if (guard.found is not None and guard.found.exit in ("throw", "conflict")) or (
                not updates and guard.body is None and self._creates_alone(routine, effect)
            ):
                guarded = True
            else:
                likely = effect.likely or guard.likely or not (updates or guard.body is not None) or bool(effect.chain)
                return RECOVERY, likely, False
        return effect.kind, effect.likely, guarded

    def _creates_alone(self, routine: Routine, effect: Effect) -> bool:
        """Whether a routine is there to create records of the table, and of no other."""
        summary = self._effects.summaries.get(routine)
        others = (
            []
            if summary is None
            else [
                other
                for event in summary.events
                for other in summary.of_event.get(event, {}).values()
                if other.kind == CREATION and not self._same(other.table, effect.table)
            ]
        )
        return is_creator(routine.name) and not others

    def _looked_in(self, routine: Routine, guard: Guard, table: Value | None) -> bool:
        if guard.body is not None:
            return self._failed_in(routine, guard, table)
        return any(inner is None or self._same(inner, table) for inner in guard.tables)

    def _settled(self, guard: Guard) -> Guard | None:
        """A guard whose condition depends on parameters, by all calls that were seen."""
        if not guard.symbols:
            return guard
        tables: list[Value | None] = []
        for symbol in guard.symbols:
            for value in self._effects.observed.settled(symbol):
                match value:
                    case Lookup(table=table) if not guard.present:
                        tables.append(table)
                    case Found(table=table, positive=positive) if positive != guard.present:
                        tables.append(table)
        if tables:
            return Guard(tuple(tables), found=guard.found)
        if guard.by_name is not None:
            guard.by_name.found = guard.found
        return guard.by_name

    def _failed_in(self, routine: Routine, guard: Guard, table: Value | None) -> bool:
        """Whether what failed looked for a record of the table or changed it, and did not create one."""
        body: Arm = guard.body
        if self._arm_has(routine, body, (CREATION,), table):
            return False
        if self._arm_has(routine, body, (UPDATE, LOOKUP), table):
            return True
        if guard.sure and not self._arm_has(routine, body, (CREATION, UPDATE, UPSERT, LOOKUP), None):
            return True
        for event in body.events():
            resolved = self._effects.resolve(event)
            known = resolved.routines or any(outcome.values or outcome.writes for outcome in resolved.outcomes)
            name = chain_of(event.node.callee).rpartition(".")[2]
            if not known and _TOUCHING.match(name) and re.search(r"run|record", chain_of(event.node.callee), re.I):
                return True
        return False

    def _arm_has(self, routine: Routine, arm: Arm, kinds: tuple[str, ...], table: Value | None) -> bool:
        summary = self._effects.summaries.get(routine)
        if summary is None:
            return False
        return any(
            effect.kind in kinds and self._same(effect.table, table)
            for event in arm.events()
            for effect in summary.of_event.get(event, {}).values()
        )

    def _same(self, one: Value | None, other: Value | None) -> bool:
        first, second = exact(one), exact(other)
        if first is None and one is not None and symbolic(one):
            first = next((name for name in map(exact, self._effects.observed.settled(one)) if name), None)
        if first is not None and second is not None:
            return self._settings.same(first, second)
        return one == other or one is None or other is None or (isinstance(other, String) and other.exact is None)

    def is_run(self, effect: Effect) -> bool:
        """Whether an effect is on the table of runs, wherever its routine is called from."""
        name = exact(effect.table)
        if name is not None:
            return self._settings.is_run(name)
        return any(
            kind == effect.kind and self._settings.is_run(table)
            for kind, table in self._effects.tables.get(effect.site, {})
        )


def is_creator(name: str) -> bool:
    """Whether a function is there to create, by its name."""
    owner, _, last = name.rpartition(".")
    if owner and _ANY_WORK.match(last):  # StartRun.execute
        last = owner.rpartition(".")[2]
    return _CREATOR.match(last) is not None and _NO_CREATOR.search(last) is None
