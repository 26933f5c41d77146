"""Run records in Redis: for each a JSON document and a list, its log; a sorted set as their index in `find`'s order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from redis import BlockingConnectionPool, ConnectionPool, exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from runledger.adapters.exclusion import OnePerThread
from runledger.domain import (
    Backend,
    Finding,
    FinishedRuns,
    Guarantees,
    LogLine,
    NewRun,
    Outcome,
    RunAlreadyExists,
    RunChange,
    RunKey,
    RunLedgerError,
    RunNotFound,
    RunQuery,
    RunRecord,
    StoreUnavailable,
    StoreUnusable,
    UnusableForRun,
    changed_records,
    fitting,
    newest_first,
)
from runledger.domain.json_form import MALFORMED, time_text, trusted_log

_RECORD = "runledger:record:"
_LOG = "runledger:log:"
_MARK = "runledger:mark:"
_STARTS = "runledger:starts"
_TIME_LENGTH = len("2025-11-24T08:15:00.000Z")


def _name(key: RunKey) -> str:
    # Ids contain no control characters, so NUL separates the two, and sorts before any character of an id.
    return f"{key.run_id}\0{key.client_id}"


def _place(started_at: datetime, key: RunKey) -> str:
    return time_text(started_at) + _name(key)


def _document(record: RunRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False)


def _record(document: bytes) -> RunRecord:
    try:
        return RunRecord.from_json(json.loads(document), trusted=True)
    except ValueError:
        raise UnusableForRun(
            f"a document at {_RECORD}… is not a valid run record, correct it: {document[:99]!r}"
        ) from None


def _element(line: LogLine) -> str:
    return json.dumps([time_text(line.at), line.text], ensure_ascii=False)


def _line(element: bytes) -> LogLine:
    try:
        [line] = trusted_log([json.loads(element)])
        return line
    except MALFORMED:
        raise UnusableForRun(f"an element at {_LOG}… is not a line of a log, correct it: {element[:99]!r}") from None


# KEYS: the sorted set, then for each record its key, the key of its log, and the key of its mark.
# ARGV: for each record its member of the set, its document, its mark, the number of its lines, and the lines.
# ZADD comes first: if the key of the set has another type, the script fails there, before anything is written.
_CREATE = """
local refused, made, seen, new, arg = {}, {}, {}, {}, 1
for i = 2, #KEYS, 3 do
    local exists, mark = redis.call('EXISTS', KEYS[i]) == 1, ARGV[arg + 2]
    local own = exists and mark ~= '' and redis.call('GET', KEYS[i + 2]) == mark
    if seen[KEYS[i]] or (exists and not own) then refused[#refused + 1] = (i - 2) / 3 end
    if own then made[#made + 1] = (i - 2) / 3 end
    if not exists then new[i] = arg end
    seen[KEYS[i]] = true
    arg = arg + 4 + ARGV[arg + 3]
end
if #refused > 0 then return {refused, made} end
for _, arg in pairs(new) do redis.call('ZADD', KEYS[1], 0, ARGV[arg]) end
for i, arg in pairs(new) do
    redis.call('SET', KEYS[i], ARGV[arg + 1], 'NX')
    redis.call('DEL', KEYS[i + 1])
    for line = arg + 4, arg + 3 + ARGV[arg + 3] do redis.call('RPUSH', KEYS[i + 1], ARGV[line]) end
    redis.call('SET', KEYS[i + 2], ARGV[arg + 2])
end
return {refused, made}
"""

# KEYS: for each record its key and the key of its log.
# ARGV: for each record the document that was read, the one that replaces it, the number of new lines, and these lines.
# LLEN comes first: if the key of a log has another type, the script fails there, before anything is written.
_UPDATE = """
local arg = 1
for i = 1, #KEYS, 2 do
    if redis.call('GET', KEYS[i]) ~= ARGV[arg] then return 0 end
    redis.call('LLEN', KEYS[i + 1])
    arg = arg + 3 + ARGV[arg + 2]
end
arg = 1
for i = 1, #KEYS, 2 do
    redis.call('SET', KEYS[i], ARGV[arg + 1], 'XX')
    for line = arg + 3, arg + 2 + ARGV[arg + 2] do redis.call('RPUSH', KEYS[i + 1], ARGV[line]) end
    arg = arg + 3 + ARGV[arg + 2]
end
return 1
"""

_PASSING = (exceptions.BusyLoadingError, exceptions.OutOfMemoryError, exceptions.ReadOnlyError)


class _Server:
    """A Redis server. Each command is sent to it once."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._calls = OnePerThread()

    def ask(self, *command: Any, key: RunKey | None = None, writes: bool = False) -> Any:
        """The reply to one command. Raises StoreUnavailable if none arrives, StoreUnusable if the server refuses."""
        return self._calls.run(partial(self._ask, command, key, writes), key)

    def _ask(self, command: Sequence[Any], key: RunKey | None, writes: bool) -> Any:
        outcome = Outcome.NOT_APPLIED
        try:
            connection: Any = self._pool.get_connection()
            try:
                outcome = Outcome.UNKNOWN if writes else Outcome.NOT_APPLIED
                connection.send_command(*command)
                return connection.read_response()
            except BaseException:
                connection.disconnect()  # an unread reply must not be taken for the next command's
                raise
            finally:
                self._pool.release(connection)
        except exceptions.RedisError as error:
            raise _failure(error, outcome, key) from error

    def close(self) -> None:
        self._pool.disconnect()


def _failure(error: exceptions.RedisError, outcome: Outcome, key: RunKey | None) -> RunLedgerError:
    reason = str(error).rstrip(".")
    if isinstance(error, _PASSING) or reason.startswith("BUSY"):
        return StoreUnavailable(reason, Outcome.NOT_APPLIED, key)
    if isinstance(error, (exceptions.AuthenticationError, exceptions.ResponseError)):
        return StoreUnusable(f"the Redis server refused, and nothing was written: {reason}.", key)
    return StoreUnavailable(reason, outcome, key)


_PAGE = 200
_ROUNDS = 1000


class RedisRunAccess:
    """Updates and reads; see RunUpdates and RunReads."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    def get(self, key: RunKey) -> RunRecord:
        document = self._server.ask("GET", _RECORD + _name(key), key=key)
        if document is None:
            raise RunNotFound(key)
        return _record(document)

    def log(self, key: RunKey, last: int | None = None) -> Iterator[LogLine]:
        notes = self.get(key).notes
        first = 0 if last is None else max(0, notes - last)
        for page in range(first, notes, _PAGE):
            end = min(page + _PAGE, notes) - 1
            yield from map(_line, self._server.ask("LRANGE", _LOG + _name(key), page, end, key=key))

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return islice(filter(query.matches, self._newest_first(query)), query.limit)

    def _newest_first(self, query: RunQuery) -> Iterator[RunRecord]:
        oldest = f"[{time_text(query.since)}" if query.since else "-"
        before = [time_text(query.until)] if query.until else []
        before += [_place(*query.after)] if query.after else []
        newest: str | bytes = f"({min(before)}" if before else "+"
        run = f"{query.run_id}\0".encode() if query.run_id else b""
        client = f"\0{query.client_id}".encode() if query.client_id else b""
        while places := self._server.ask("ZRANGE", _STARTS, newest, oldest, "BYLEX", "REV", "LIMIT", 0, _PAGE):
            wanted = [place for place in places if place.startswith(run, _TIME_LENGTH) and place.endswith(client)]
            if wanted:
                documents = self._server.ask("MGET", *(_RECORD.encode() + place[_TIME_LENGTH:] for place in wanted))
                for place, document in zip(wanted, documents, strict=True):
                    # A record deleted by hand leaves its member behind, and may have a new one since.
                    if document is not None and _place(*newest_first(record := _record(document))).encode() == place:
                        yield record
            newest = b"(" + places[-1]

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return self._apply([(key, change)], at)[key]

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            self._apply(changes, at)

    def _apply(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> dict[RunKey, RunRecord]:
        first = changes[0][0]
        lines: dict[RunKey, list[str]] = {key: [] for key, _ in changes}
        for key, change in changes:
            if (line := change.line(at)) is not None:
                lines[key].append(_element(line))
        stored_at = [kind + _name(key) for key in lines for kind in (_RECORD, _LOG)]
        for _ in range(_ROUNDS):
            before = dict(zip(lines, self._server.ask("MGET", *stored_at[::2], key=first), strict=True))
            found = {key: _record(document) for key, document in before.items() if document is not None}
            after = changed_records(found, changes, at)
            values = [v for key, new in lines.items() for v in (before[key], _document(after[key]), len(new), *new)]
            if self._server.ask("EVAL", _UPDATE, len(stored_at), *stored_at, *values, key=first, writes=True):
                return after
        raise StoreUnavailable(
            f"other processes changed the record {_ROUNDS} times meanwhile", Outcome.NOT_APPLIED, first
        )


_URL = re.compile(r"redis://[^/?#]+(/\d+)?")
_SETTINGS = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class RedisRunRepository(RedisRunAccess):
    """Run records in the Redis server at `url`: redis://user:password@host:port/database.

    Raises StoreUnavailable if it does not answer, StoreUnusable if its settings allow it to lose acknowledged writes.
    """

    guarantees = Guarantees()

    def __init__(self, url: str) -> None:
        super().__init__(_Server(_pool(url)))
        try:
            self._require_settings()
        except BaseException:
            self.close()
            raise

    def _require_settings(self) -> None:
        for name, wanted in _SETTINGS.items():
            if self._server.ask("CONFIG", "GET", name)[1:] != [wanted.encode()]:
                raise StoreUnusable(f"the Redis server may lose records: set its {name} to {wanted}.")

    def create(self, new: NewRun) -> RunKey:
        return self.create_many([new])[0]

    def create_many(self, news: Sequence[NewRun]) -> list[RunKey]:
        keys = [new.key for new in news]
        if keys:
            stored_at = [kind + _name(key) for key in keys for kind in (_RECORD, _LOG, _MARK)]
            values = (value for new in news for value in _values(new))
            command = ("EVAL", _CREATE, len(stored_at) + 1, _STARTS, *stored_at, *values)
            refused, made = self._server.ask(*command, key=keys[0], writes=True)
            if refused:
                taken = dict.fromkeys(keys[i] for i in refused)
                own = dict.fromkeys(keys[i] for i in made if keys[i] not in taken)
                raise RunAlreadyExists(list(taken)).having_applied(own)
        return keys

    def without_creation(self) -> RedisRunAccess:
        return RedisRunAccess(self._server)

    def close(self) -> None:
        self._server.close()


def _values(new: NewRun) -> Iterator[str | int]:
    yield from (_place(*newest_first(new.record)), _document(new.record), new.mark, len(new.log))
    yield from map(_element, new.log)


def _pool(url: str) -> ConnectionPool:
    try:
        if not _URL.fullmatch(url):
            raise ValueError
        return BlockingConnectionPool.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5, socket_timeout=30
        )
    except ValueError:
        raise StoreUnusable("the URL of a Redis store is redis://user:password@host:port/database.") from None


# KEYS: the sorted set, then for each record its key, the key of its log, and the key of its mark.
# ARGV: for each record its member of the set, and the document that was read.
_REMOVE = """
local removed = 0
for i = 2, #KEYS, 3 do
    local arg = (i - 2) / 3 * 2 + 1
    if redis.call('GET', KEYS[i]) == ARGV[arg + 1] then
        redis.call('ZREM', KEYS[1], ARGV[arg])
        redis.call('DEL', KEYS[i], KEYS[i + 1], KEYS[i + 2])
        removed = removed + 1
    end
end
return removed
"""


class RedisRunRemoval:
    """Removes the finished runs in the Redis server at `url`; see RunRemoval."""

    def __init__(self, url: str) -> None:
        self._server = _Server(_pool(url))

    def remove_runs(self, finished: FinishedRuns, batch: int = 500) -> Iterator[int]:
        query = RunQuery(client_id=finished.client_id, until=finished.before)
        found = filter(finished.includes, RedisRunAccess(self._server).find(query))
        left: list[RunRecord] = []
        while left := left + list(islice(found, batch - len(left))):
            count = fitting((record.notes for record in left), batch)
            yield self._remove(left[:count], finished)
            left = left[count:]

    def _remove(self, records: Sequence[RunRecord], finished: FinishedRuns) -> int:
        documents = self._server.ask("MGET", *(_RECORD + _name(record.key) for record in records))
        pairs = [
            (record, document)
            for record, document in zip(records, documents, strict=True)
            if document is not None and finished.includes(_record(document))
        ]
        stored_at = [kind + _name(record.key) for record, _ in pairs for kind in (_RECORD, _LOG, _MARK)]
        values = [value for record, document in pairs for value in (_place(*newest_first(record)), document)]
        command = ("EVAL", _REMOVE, len(stored_at) + 1, _STARTS, *stored_at, *values)
        return int(self._server.ask(*command, writes=True))

    def close(self) -> None:
        self._server.close()


def _examine(url: str) -> Iterator[Finding]:
    RedisRunRepository(url).close()  # checks the server's settings
    yield Finding.ok("the server answers, and its settings keep every acknowledged write")


BACKEND = Backend(open=RedisRunRepository, examine=_examine, removal=RedisRunRemoval)
