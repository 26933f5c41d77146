"""A run that is to be created: its record, its log, and the mark of the start that creates it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from .errors import RunAlreadyExists
from .json_form import MALFORMED, log_from_json, log_to_json, problem_text, trusted_log
from .key import InvalidValue, RunKey, checked_reference, plain_text
from .record import RunRecord
from .representation import fields_shown
from .unchecked import unchecked
from .values import LogLine, checked_note
from .visible import counted


def _is_record(_instance: object, _attribute: object, value: RunRecord) -> None:
    if not isinstance(value, RunRecord):
        raise InvalidValue(f"record is {type(value).__name__}, not a RunRecord.")


def _lines(log: Iterable[LogLine]) -> tuple[LogLine, ...]:
    if not issubclass(type(log), Iterable):
        raise InvalidValue(f"log is {type(log).__name__}: give the LogLines, in their order.")
    return tuple(log)


def _checked_mark(value: str) -> str:
    return plain_text(value, "mark")


@frozen(weakref_slot=False)
class NewRun:
    """A run as a store is to create it. A run that has just started has no log; an imported one brings its log.

    `log` is in the order in which the lines were added, and has as many lines as the record counts `notes`.
    `mark` is random text that one start, and no other, carries through all of its attempts. A store keeps it with the
    record, never shows it, and compares it when the key has a record already. "" equals no mark.
    `is_retry` is True after an attempt whose outcome is unknown. Only a store that cannot keep marks needs it.
    `reference` is the store's reference to a record that an earlier attempt of this start made and could not confirm
    (`RunLedgerError.unconfirmed`): the store confirms it, and never makes another.

    Raises InvalidValue.
    """

    __repr__ = fields_shown

    record: RunRecord = field(validator=_is_record)
    log: tuple[LogLine, ...] = field(default=(), converter=_lines)
    mark: str = field(default="", converter=_checked_mark, repr=False)
    is_retry: bool = field(default=False, kw_only=True)
    reference: str | None = field(default=None, converter=checked_reference, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.log and not all(isinstance(line, LogLine) for line in self.log):
            raise InvalidValue(f"the log of {self.key} holds something that is not a LogLine.", self.key)
        if self.record.notes != len(self.log):
            raise InvalidValue(
                f"{self.key} counts {counted(self.record.notes, 'note')}, but its log has "
                f"{counted(len(self.log), 'line')}: give the record with its whole log.",
                self.key,
            )

    @property
    def key(self) -> RunKey:
        """The key of the record."""
        return self.record.key

    def marked(self, mark: str) -> NewRun:
        """This run as one whose start carries `mark`, before its first attempt. Raises InvalidValue."""
        return _new(self.record, self.log, _checked_mark(mark), False, None)

    def retried(self, reference: str | None) -> NewRun:
        """This run as a further attempt of its start sends it, once an attempt has had an unknown outcome."""
        return _new(self.record, self.log, self.mark, True, reference)

    def is_same_start(self, mark: str) -> bool:
        """Whether an earlier attempt of this start created the record that carries `mark`."""
        return self.mark != "" and self.mark == mark

    @classmethod
    def started(cls, records: Iterable[RunRecord], mark: str, note: str | None = None) -> list[NewRun]:
        """The runs of one start, all with its mark. Each record is one that RunRecord.start returned: it has no log.

        With a `note`, that is the first line of each log, at the time of the start.
        Raises InvalidValue for a mark that is not text, and for a note that cannot be stored.
        """
        mark = _checked_mark(mark)
        if note is None:
            return [_new(record, (), mark, False, None) for record in records]
        text = checked_note(note)
        return [
            _new(evolve(record, notes=1), (LogLine.trusted(record.started_at, text),), mark, False, None)
            for record in records
        ]

    @classmethod
    def from_json(cls, form: Mapping[str, Any], *, trusted: bool = False) -> NewRun:
        """The run that `to_json` gave this form. Everything is checked, unless it is `trusted`.

        Raises InvalidValue, also if it is not the form of a record with its log.
        """
        try:
            log = trusted_log(form["log"]) if trusted else log_from_json(form["log"])
        except InvalidValue:
            raise
        except MALFORMED as problem:
            raise InvalidValue(f"this is not the JSON form of a run with its log ({problem_text(problem)}).") from None
        return cls(RunRecord.from_json({"notes": len(log), **form}, trusted=trusted), log)

    def to_json(self) -> dict[str, Any]:
        """The form of the record with `log`, an array of [time, text], in place of `notes`."""
        form = self.record.to_json()
        del form["notes"]
        return {**form, "log": log_to_json(self.log)}


_new = unchecked(NewRun)
NO_MARKS: Mapping[RunKey, str] = {}


def rejected_keys(news: Collection[NewRun], marks: Mapping[RunKey, str] = NO_MARKS) -> list[RunKey]:
    """The keys for which a bulk start is rejected: each is there more than once, or has a record of another start.

    `marks` holds the marks of the records that exist, by key; "" if a record has no mark.
    """
    if not marks and len({new.record.key for new in news}) == len(news):
        return []  # nearly always: a third of the time for a batch
    counts = Counter(new.key for new in news)
    counts.update(new.key for new in news if new.key in marks and not new.is_same_start(marks[new.key]))
    return [key for key, count in counts.items() if count > 1]


def missing_runs(news: Sequence[NewRun], marks: Mapping[RunKey, str]) -> list[NewRun]:
    """Those of these runs that have no record. The other ones were created by an earlier attempt of this start.

    Raises RunAlreadyExists for the keys that `rejected_keys` returns. Its `applied` are the keys of those other ones.
    """
    if rejected := rejected_keys(news, marks):
        refused = set(rejected)
        own = dict.fromkeys(new.key for new in news if new.key in marks and new.key not in refused)
        raise RunAlreadyExists(rejected).having_applied(own)
    return [new for new in news if new.key not in marks]
