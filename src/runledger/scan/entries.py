"""Where a program is entered: routes, scheduled jobs, tasks, commands, mains."""

from __future__ import annotations

import re

from attrs import frozen

from .evaluation import Evaluator
from .program import ClassInfo, Module, Program, Routine, Scope
from .traversal import chain_of
from .tree import Call, Node, Record, Text
from .values import Callable, Class, Instance, Method, String, This, Value, exact


def _by_word(words: dict[str, str]) -> dict[str, str]:
    return {word: kind for kind, listed in words.items() for word in listed.split()}


_VERBS = {"get", "post", "put", "patch", "delete", "all", "del", "route", "head", "options", "use"}
_ROUTERS = re.compile(
    r"(?:^|[._])(?:app|routes?|server|api|fastify|blueprint|bp|web|express|application|\w*router|\w*_bp|\w*App|v\d+)(?:$|\()",
    re.I,
)
_SCHEDULES = _by_word(
    {
        "cron": "schedule scheduleJob setInterval add_job CronJob do every add_periodic_task onSchedule onRun"
        " register_job Cron timer addJob",
        "task": "process Worker define createFunction onMessagePublished eachMessage consume subscribe"
        " registerFunction",
        "command": "action set_defaults",
        "route": "onRequest onCall add_url_rule path re_path add_api_route add_route",
    }
)
_CERTAIN = {"add_url_rule", "add_api_route", "add_job", "scheduleJob", "CronJob", "re_path", "add_periodic_task"}
_SCHEDULERS = re.compile(
    r"cron|sched|queue|agenda|worker|job|task|program|command|yargs|cli|functions|celery|consumer|channel|pubsub|kafka"
    r"|parser|app|boss|bull|inngest|broker|client|sub|setInterval|path|urlpatterns",
    re.I,
)
_ROUTE_DECORATORS = frozenset(
    "get post put patch delete route api_route websocket api_view action head options require_POST"
    " require_http_methods http Get Post Put Patch Delete All".split()
)
_DECORATORS = _by_word(
    {
        "task": "task shared_task job actor Process EventPattern MessagePattern db_task flow Processor subscriber",
        "cron": "periodic_task scheduled_job cron Cron Interval Timeout db_periodic_task repeat_every schedule"
        " timer_trigger repeat",
        "command": "command callback main",
    }
)
_HANDLERS = {"handler", "lambda_handler", "main_handler"}


@frozen
class Entry:
    """An entry: its kind, how it is named, where it is registered, and the function that it enters."""

    kind: str
    name: str
    line: int
    module: Module
    routine: Routine
    registered: bool = False
    """Whether a call registers it, rather than a decorator or a name."""
    before: tuple[Routine, ...] = ()
    """The handlers that run before it."""


class Registrations:
    """Recognises calls that register a function as an entry."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def of_call(self, node: Call, scope: Scope) -> list[Entry]:
        """The entries that a call registers; empty if it registers nothing."""
        chain = chain_of(node.callee)
        owner, _, name = chain.rpartition(".")
        if name in _VERBS and _ROUTERS.search(owner) and self._is_route(node, scope, owner):
            return self._entries(node, scope, "route", self._label(node, scope, name))
        kind = _SCHEDULES.get(name)
        if kind and name in _CERTAIN:
            return self._entries(node, scope, kind, self._label(node, scope, name))
        if (
            kind
            and (name != "schedule" or _SCHEDULERS.search(owner))
            and (_SCHEDULERS.search(owner or name) or node.is_new)
        ):
            if scope.module.is_python or name not in ("path", "do", "subscribe"):
                return self._entries(node, scope, kind, self._label(node, scope, name))
            if name == "subscribe":
                return self._entries(node, scope, kind, name)
        return []

    def _is_route(self, node: Call, scope: Scope, owner: str) -> bool:
        if not node.arguments:
            return False
        first = node.arguments[0].value
        if isinstance(first, Record):  # fastify.route({ method, url, handler })
            return any(isinstance(key, Text) and key.parts == ["handler"] for key, _ in first.entries)
        if isinstance(first, Text) or any(isinstance(value, String) for value in self._evaluator.values(first, scope)):
            return len(node.arguments) > 1
        return "route" in owner.rpartition(".")[2] and any(
            isinstance(value, Callable) for value in self._evaluator.values(first, scope)
        )

    def _label(self, node: Call, scope: Scope, name: str) -> str:
        for argument in node.arguments[:1]:
            for value in self._evaluator.values(argument.value, scope):
                known = exact(value)
                if known:
                    return f"{name} {known}"
        return name

    def _entries(self, node: Call, scope: Scope, kind: str, label: str) -> list[Entry]:
        found: list[Entry] = []
        for argument in node.arguments:
            values = list(self._evaluator.values(argument.value, scope))
            if isinstance(argument.value, Record):
                values += [
                    one
                    for key in ("onTick", "handler", "eachMessage", "execute")
                    for one in self._evaluator.members(tuple(values), key)
                ]
            elif isinstance(argument.value, Call) and not any(self._routines(value) for value in values):
                values = list(self._evaluator.values(argument.value.callee, scope))  # View.as_view()
            if isinstance(argument.value, Call):  # asyncHandler(fn), validate(schema, fn)
                values += [
                    one for inner in argument.value.arguments for one in self._evaluator.values(inner.value, scope)
                ]
            before = tuple(entry.routine for entry in found)
            for value in values:
                found += [
                    Entry(kind, label, node.line, scope.module, routine, True, before)
                    for routine in self._routines(value)
                ]
        return found

    def _routines(self, value: Value) -> list[Routine]:
        match value:
            case Callable(routine=routine):
                return [routine]
            case Method(owner=Class(info=info), name="as_view" | "asView"):
                return self._of_view(info)
            case Class(info=info) | Instance(info=info) | This(info=info):
                return self._of_view(info)
        return []

    @staticmethod
    def _of_view(info: ClassInfo) -> list[Routine]:
        return [info.methods[name] for name in ("get", "post", "put", "patch", "delete") if name in info.methods]


class Entries:
    """Finds all entries of a program."""

    def __init__(self, program: Program, evaluator: Evaluator) -> None:
        self._program = program
        self._evaluator = evaluator

    def declared(self) -> list[Entry]:
        """Entries by decorators and by names that platforms ask for."""
        found: list[Entry] = []
        for node, routine in self._program.routines.items():
            for decorator in node.decorators:
                kind = self._decorator_kind(decorator)
                if kind:
                    found.append(Entry(kind, routine.name, decorator.line, routine.module, routine))
                    break
            else:
                found += self._named(routine)
        return found

    @staticmethod
    def _decorator_kind(decorator: Node) -> str:
        chain = chain_of(decorator)
        name = chain.rpartition(".")[2]
        if name in _ROUTE_DECORATORS and ("." in chain or name[0].isupper() or name in ("api_view", "action", "route")):
            return "command" if ".action" in chain else "route"
        return _DECORATORS.get(name, "")

    def _named(self, routine: Routine) -> list[Entry]:
        exported = routine.name in routine.module.exports or routine.module.is_python
        name = routine.name.rpartition(".")[2]
        if routine.owner is not None:
            bases = " ".join(chain_of(base) for base in routine.owner.node.bases)
            if name == "handle" and "Command" in bases:
                return [Entry("command", routine.name, routine.line, routine.module, routine)]
            if name in ("get", "post", "put", "patch", "delete") and re.search(
                r"View|Resource|MethodView|Handler", bases
            ):
                return [Entry("route", routine.name, routine.line, routine.module, routine)]
            return []
        if name in _HANDLERS and exported and routine.parent is not None and routine.parent.is_module:
            return [Entry("task", routine.name, routine.line, routine.module, routine)]
        route_file = re.search(r"(?:^|/)route\.[jt]sx?$", routine.module.path)
        if route_file and exported and name in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            return [Entry("route", f"{name} {routine.module.path}", routine.line, routine.module, routine)]
        return []
