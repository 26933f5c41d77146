"""An adapter under test: its calls are recorded, and their results compared with what the rules require."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from queue import Empty, Queue
from threading import Barrier, Thread
from typing import Any

from attrs import asdict

from ..domain import (
    LogLine,
    NewRun,
    RunAlreadyExists,
    RunAlreadyFinished,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    RunRemoval,
    RunRepository,
    newest_first,
)
from ..domain.visible import counted
from .calls import Call, named, shown
from .handles import RemovalOnTrial, RepositoryOnTrial
from .line import Line, ServedStore, line_to
from .processes import RepositoryInProcess
from .rules import Rule, RuleBroken

OpenStore = Callable[[], RunRepository]
OpenRemoval = Callable[[RunRepository], RunRemoval]
"""Opens the removal of the store of a repository."""

EVERYTHING = RunQuery()
_REFUSALS = (RunAlreadyExists, RunNotFound, RunAlreadyFinished)


class Trial:
    """One store, empty at first, handles on it, the calls made so far, and the rule that is tested.

    `repository` is the first handle. Every failure is a RuleBroken with the calls so far.
    """

    patience: float = 60
    """After so many seconds without an end, concurrent calls count as waiting for each other."""

    def __init__(
        self,
        open_store: OpenStore,
        open_removal: OpenRemoval | None = None,
        served: ServedStore | None = None,
    ) -> None:
        if not callable(open_store):
            raise TypeError(
                f"the fixture new_store must return a function that opens the store, and not {open_store!r}."
            )
        self.open_store = open_store
        self._open_removal = open_removal
        self.served = served
        self._handles: list[RunRepository] = []
        self.calls: list[Call] = []
        self.rule = Rule.WRITTEN
        self.repository = self.open()
        self._require_empty()

    def _require_empty(self) -> None:
        try:
            there = list(self.repository.adapter.find(EVERYTHING))
        except Exception:
            return  # the tests of find report what is wrong with it
        if there:
            raise TypeError(
                f"the fixture new_store must make an empty store, and this one holds {counted(len(there), 'record')}."
            )

    def open(self) -> RepositoryOnTrial:
        """Another handle on the store, as another process has one."""
        name = f"handle_{len(self._handles) + 1}" if self._handles else "repository"
        self._handles.append(self.open_store())
        return RepositoryOnTrial(self._handles[-1], name, self)

    @property
    def offers_removal(self) -> bool:
        return self._open_removal is not None

    @contextmanager
    def removal(self) -> Iterator[RemovalOnTrial]:
        """The right to remove finished runs of the store, which must offer it."""
        assert self._open_removal is not None
        with closing(self._open_removal(self.repository.adapter)) as removal:
            yield RemovalOnTrial(removal, "removal", self)

    def handles(self, count: int) -> list[RepositoryOnTrial]:
        return [self.open() for _ in range(count)]

    def processes(self, count: int) -> list[RepositoryOnTrial]:
        """Handles on the store, each in a process that was spawned."""
        handles = [RepositoryInProcess(i, self.open_store) for i in range(count)]
        self._handles += handles
        return [RepositoryOnTrial(handle, f"process_{i + 1}", self) for i, handle in enumerate(handles)]

    @contextmanager
    def far(self) -> Iterator[tuple[Line, RepositoryOnTrial]]:
        """A handle on the store whose connections can be broken, and the line that they use."""
        assert self.served is not None
        with (
            line_to(self.served.host, self.served.port) as line,
            closing(self.served.open_at(line.host, line.port)) as handle,
        ):
            yield line, RepositoryOnTrial(handle, "far", self)

    def close(self) -> None:
        for handle in self._handles:
            handle.close()

    @contextmanager
    def of(self, rule: Rule) -> Iterator[Trial]:
        """Test a rule: an error that the rules do not require breaks it."""
        self.rule = rule
        try:
            yield self
        except RunLedgerError as error:
            raise self.broken(f"{self.calls[-1]} raised {type(error).__name__}: {error}") from error

    # -- calls

    def begin(self) -> None:
        """Begin a new case, on other keys: the calls before it are not part of its example."""
        self.calls.clear()

    def noted(self, handle: str, method: str, *arguments: Any) -> Call:
        call = Call(handle, method, arguments)
        self.calls.append(call)
        return call

    @contextmanager
    def watched(self, call: Call) -> Iterator[None]:
        try:
            yield
        except RuleBroken:  # by what the call returned; it is shown with its calls, and would be shown within itself
            raise
        except RunLedgerError as error:
            call.error = error
            raise
        except Exception as error:
            call.error = error
            raise self.broken(
                f"{call} raised {named(error)!r}, which is not an error of the ledger", Rule.RAISED
            ) from error

    def concurrently(self, threads: int, call: Callable[[int], object]) -> list[RunLedgerError | None]:
        """Make a call in many threads that begin together; the error of each, or None."""
        barrier = Barrier(threads)
        ended: Queue[tuple[int, BaseException | None]] = Queue()

        def run(i: int) -> None:
            try:
                barrier.wait()
                call(i)
                ended.put((i, None))
            except BaseException as error:
                ended.put((i, error))

        before = len(self.calls)
        for i in range(threads):
            Thread(target=run, args=(i,), daemon=True).start()
        outcomes: list[RunLedgerError | None] = [None] * threads
        for _ in range(threads):
            try:
                i, error = ended.get(timeout=self.patience)
            except Empty:
                raise self.broken("concurrent calls wait for each other") from None
            if error is not None and not isinstance(error, RunLedgerError):
                raise error
            outcomes[i] = error
        meanwhile = sorted(self.calls[before:], key=str)  # in an order that is the same each time
        for done in meanwhile:
            done.is_concurrent = True
        self.calls[before:] = meanwhile
        return outcomes

    # -- what must hold

    def broken(self, what: str, rule: Rule | None = None) -> RuleBroken:
        return RuleBroken(rule or self.rule, what, self.calls)

    def require(self, holds: bool, what: str, rule: Rule | None = None) -> None:
        if not holds:
            raise self.broken(what, rule)

    @contextmanager
    def refuses(self, kind: type[RunLedgerError], *keys: RunKey) -> Iterator[None]:
        """The call in the block raises this error, which carries these keys."""
        try:
            yield
        except RunLedgerError as error:
            call = self.calls[-1]
            if not isinstance(error, kind):
                what = f"{call} raised {type(error).__name__} ({error}), and not {kind.__name__}"
                raise self.broken(what, self._rule_of(kind)) from error
            carried = keys_of(error)
            self.require(
                Counter(carried) == Counter(keys),
                f"the {kind.__name__} of {call} carries the keys {shown(carried)}, and not {shown(keys)}",
                Rule.RAISED,
            )
            if isinstance(error, _REFUSALS) and (other := _error_before(error)):
                what = f"a traceback of the {kind.__name__} of {call} begins with {named(other)!r}: raise it from None"
                raise self.broken(what, Rule.RAISED) from error
            return
        raise self.broken(f"{self.calls[-1]} did not raise {kind.__name__}", self._rule_of(kind))

    def _rule_of(self, kind: type[RunLedgerError]) -> Rule:
        return rule_of_refusal(kind, self.calls[-1].method) or self.rule

    def holds(self, *runs: NewRun | RunRecord) -> None:
        """The store holds these runs, by find and by get, and no others. The log of a NewRun is compared too."""
        records = [run.record if isinstance(run, NewRun) else run for run in runs]
        expected = sorted(records, key=newest_first, reverse=True)
        self.same_list(list(self.repository.find(EVERYTHING)), expected)
        for record in expected:
            self.same(self.repository.get(record.key), record)
        for run in runs:
            if isinstance(run, NewRun):
                self.same_log(run.key, run.log)

    def same_log(self, key: RunKey, log: Sequence[LogLine], last: int | None = None) -> None:
        """The run has this log; with `last`, so many of its last lines are these."""
        lines = list(self.repository.log(key, last))
        self.require(
            lines == list(log), f"{self.calls[-1]} gives {shown(lines)}, and not {shown(list(log))}", Rule.LOGGED
        )

    def same_list(self, found: Sequence[RunRecord], expected: Sequence[RunRecord]) -> None:
        """The records that were found are these, in this order."""
        keys, due = [record.key for record in found], [record.key for record in expected]
        if keys != due:
            counts, wanted = Counter(keys), Counter(due)
            others, missing = list(counts - wanted), list(wanted - counts)
            what = [f"has {shown(others)} too many"] * bool(others) + [f"lacks {shown(missing)}"] * bool(missing)
            if what and not set(others) <= set(due):
                raise self.broken(f"{self.calls[-1]} {' and '.join(what)}")
            first = next((i for i, (key, other) in enumerate(zip(keys, due, strict=False)) if key != other), 0)
            order = f"gives {shown(keys[first:])} where {shown(due[first:])} is due"
            raise self.broken(
                f"{self.calls[-1]} {' and '.join(what) or order}", self.rule if missing else Rule.FOUND_IN_ORDER
            )
        for record, other in zip(found, expected, strict=True):
            self.same(record, other)

    def same(self, record: RunRecord, expected: RunRecord) -> None:
        """Two records are equal. If the store promises exact values, 1 is neither 1.0 nor True."""
        types = [[type(value) for _, value in sorted(each.metrics.items())] for each in (record, expected)]
        if record == expected and types[0] == types[1]:
            return
        was, due = self.as_kept(record), self.as_kept(expected)
        if different := [name for name in due if was[name] != due[name]]:
            name = different[0]
            what = f"{name} of {shown(record.key)} is {_shown_plain(was[name])}, and not {_shown_plain(due[name])}"
            raise self.broken(f"after {self.calls[-1]}, {what}", self._rule_of_difference(name, was[name], due[name]))

    def as_kept(self, record: RunRecord) -> dict[str, Any]:
        """The fields of a record as values to compare."""
        if self.repository.guarantees.exact_values:
            kept: dict[str, Any] = {name: (type(value), value) for name, value in record.metrics.items()}
        else:
            kept = {name: value for name, value in record.metrics.items() if value is not False and value != ""}
        return {**asdict(record, recurse=False), "metrics": kept}

    def _rule_of_difference(self, name: str, was: Any, due: Any) -> Rule:
        if name == "key":
            return Rule.OPAQUE_IDS
        if name in ("started_at", "updated_at"):
            return Rule.TIMES
        if name == "ended_at" and was and due:
            return Rule.TIMES if abs(was - due) < timedelta(seconds=1) else Rule.FINISHED_ONCE
        if name == "client_name" or (name == "metrics" and _plain(was) == _plain(due)):
            return Rule.WHOLE
        return self.rule

    def require_keys(self, keys: Any, news: Sequence[NewRun]) -> None:
        """A create returned the keys of its runs, in their order."""
        due = [new.key for new in news]
        is_due = keys is not None and list(keys) == due
        self.require(is_due, f"{self.calls[-1]} returned {shown(keys)}, and not {shown(due)}", Rule.WRITTEN)

    def require_record(self, record: Any) -> None:
        """An adapter returned a record, with times in UTC, to the millisecond."""
        call = self.calls[-1]
        if not isinstance(record, RunRecord):
            raise self.broken(f"{call} returned {shown(record)}, not a RunRecord", Rule.WRITTEN)
        times = {n: at for n, at in asdict(record, recurse=False).items() if n.endswith("_at") and at is not None}
        times |= {f"metric {n!r}": value for n, value in record.metrics.items() if isinstance(value, datetime)}
        self._require_times(call, times)

    def require_line(self, line: Any) -> None:
        """What an adapter returned is a line of a log, and its time is as it is kept."""
        call = self.calls[-1]
        self.require(isinstance(line, LogLine), f"{call} returned {shown(line)}, which is not a LogLine", Rule.LOGGED)
        self._require_times(call, {"the time of a line": line.at})

    def _require_times(self, call: Call, times: Mapping[str, datetime]) -> None:
        for name, value in times.items():
            is_kept = value.utcoffset() == timedelta(0) and value.microsecond % 1000 == 0
            if not is_kept:
                raise self.broken(f"{call} returned {shown(value)} as {name}", Rule.TIMES)


def keys_of(error: RunLedgerError) -> list[RunKey | None]:
    """The keys that an error carries."""
    return list(error.keys) if isinstance(error, RunAlreadyExists) else [error.key]


def _error_before(error: BaseException) -> RunLedgerError | None:
    """The error of the ledger, of another kind, that a traceback shows before this one; None if it shows none."""
    before: BaseException | None = error
    while before is not None:
        before = before.__cause__ or (None if before.__suppress_context__ else before.__context__)
        if isinstance(before, RunLedgerError) and not isinstance(before, type(error)):
            return before
    return None


def rule_of_refusal(kind: type[BaseException], method: str) -> Rule | None:
    """The rule that requires this error of a method; None if no single rule does."""
    if issubclass(kind, RunNotFound):
        return Rule.UPDATED_ONLY if method.startswith("update") else Rule.NO_REGISTRY
    if issubclass(kind, RunAlreadyExists):
        return Rule.CREATED_ONCE
    return Rule.FINISHED_ONCE if issubclass(kind, RunAlreadyFinished) else None


def _shown_plain(value: Any) -> str:
    return shown(_plain(value))


def _plain(value: Any) -> Any:
    """Metrics without the types that an exact comparison puts beside them."""
    if not isinstance(value, dict):
        return value
    return {name: each[1] if isinstance(each, tuple) else each for name, each in value.items()}
