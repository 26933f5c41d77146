"""Run records in Redis: a JSON document for each record, and a sorted set as their index in the order of `find`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from redis import BlockingConnectionPool, ConnectionPool, exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from runledger.domain import (
    Backend,
    Finding,
    Guarantees,
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
    changed_records,
)
from runledger.domain.json_form import time_text

_RECORD = "runledger:record:"
_STARTS = "runledger:starts"
_TIME_LENGTH = len("2025-11-24T08:15:00.000Z")


def _name(key: RunKey) -> str:
    # Ids contain no control characters, so NUL separates the two, and sorts before any character of an id.
    return f"{key.run_id}\0{key.client_id}"


def _place(record: RunRecord) -> str:
    return time_text(record.started_at) + _name(record.key)


def _document(record: RunRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False)


def _record(document: bytes) -> RunRecord:
    try:
        return RunRecord.from_json(json.loads(document), trusted=True)
    except ValueError:
        raise StoreUnusable(
            f"a document at {_RECORD}… is not a valid run record, correct it: {document[:99]!r}"
        ) from None


# KEYS: the sorted set, then the key of each record. ARGV: for each record its member of the set, and its document.
# ZADD comes first: if the key of the set has another type, the script fails there, before anything is written.
_CREATE = """
local refused, seen = {}, {}
for i = 2, #KEYS do
    if seen[KEYS[i]] or redis.call('EXISTS', KEYS[i]) == 1 then refused[#refused + 1] = i - 2 end
    seen[KEYS[i]] = true
end
if #refused > 0 then return refused end
for i = 2, #KEYS do redis.call('ZADD', KEYS[1], 0, ARGV[2 * i - 3]) end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 2], 'NX') end
return refused
"""

# KEYS: the key of each record. ARGV: for each record the document that was read, and the document that replaces it.
_UPDATE = """
for i = 1, #KEYS do
    if redis.call('GET', KEYS[i]) ~= ARGV[2 * i - 1] then return 0 end
end
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i], 'XX') end
return 1
"""

_PASSING = (exceptions.BusyLoadingError, exceptions.OutOfMemoryError, exceptions.ReadOnlyError)


class _Server:
    """A Redis server. Each command is sent to it once."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def ask(self, *command: Any, key: RunKey | None = None, writes: bool = False) -> Any:
        """The reply to one command. Raises StoreUnavailable if none arrives, StoreUnusable if the server refuses."""
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

    def find(self, query: RunQuery) -> Iterator[RunRecord]:
        return islice(filter(query.matches, self._newest_first(query)), query.limit)

    def _newest_first(self, query: RunQuery) -> Iterator[RunRecord]:
        oldest = f"[{time_text(query.since)}" if query.since else "-"
        newest: str | bytes = f"({time_text(query.until)}" if query.until else "+"
        run = f"{query.run_id}\0".encode() if query.run_id else b""
        client = f"\0{query.client_id}".encode() if query.client_id else b""
        while places := self._server.ask("ZRANGE", _STARTS, newest, oldest, "BYLEX", "REV", "LIMIT", 0, _PAGE):
            wanted = [place for place in places if place.startswith(run, _TIME_LENGTH) and place.endswith(client)]
            if wanted:
                documents = self._server.ask("MGET", *(_RECORD.encode() + place[_TIME_LENGTH:] for place in wanted))
                for place, document in zip(wanted, documents, strict=True):
                    # A record deleted by hand leaves its member behind, and may have a new one since.
                    if document is not None and _place(record := _record(document)).encode() == place:
                        yield record
            newest = b"(" + places[-1]

    def update(self, key: RunKey, change: RunChange, at: datetime) -> RunRecord:
        return self._apply([(key, change)], at)[key]

    def update_many(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> None:
        if changes:
            self._apply(changes, at)

    def _apply(self, changes: Sequence[tuple[RunKey, RunChange]], at: datetime) -> dict[RunKey, RunRecord]:
        first = changes[0][0]
        stored_at = {key: _RECORD + _name(key) for key, _ in changes}
        for _ in range(_ROUNDS):
            before = dict(zip(stored_at, self._server.ask("MGET", *stored_at.values(), key=first), strict=True))
            found = {key: _record(document) for key, document in before.items() if document is not None}
            after = changed_records(found, changes, at)
            documents = [text for key in stored_at for text in (before[key], _document(after[key]))]
            command = ("EVAL", _UPDATE, len(stored_at), *stored_at.values(), *documents)
            if self._server.ask(*command, key=first, writes=True):
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

    guarantees = Guarantees(atomic_bulk=True, atomic_add=True, exact_finish=True, exact_values=True)

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

    def create(self, record: RunRecord) -> RunKey:
        return self.create_many([record])[0]

    def create_many(self, records: Sequence[RunRecord]) -> list[RunKey]:
        keys = [record.key for record in records]
        if keys:
            stored_at = (_RECORD + _name(key) for key in keys)
            values = (text for record in records for text in (_place(record), _document(record)))
            command = ("EVAL", _CREATE, len(keys) + 1, _STARTS, *stored_at, *values)
            if refused := self._server.ask(*command, key=keys[0], writes=True):
                raise RunAlreadyExists(list(dict.fromkeys(keys[i] for i in refused)))
        return keys

    def without_creation(self) -> RedisRunAccess:
        return RedisRunAccess(self._server)

    def close(self) -> None:
        self._server.close()


def _pool(url: str) -> ConnectionPool:
    try:
        if not _URL.fullmatch(url):
            raise ValueError
        return BlockingConnectionPool.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5, socket_timeout=30
        )
    except ValueError:
        raise StoreUnusable("the URL of a Redis store is redis://user:password@host:port/database.") from None


def _examine(url: str) -> Iterator[Finding]:
    RedisRunRepository(url).close()  # checks the server's settings
    yield Finding.ok("the server answers, and its settings keep every acknowledged write")


BACKEND = Backend(open=RedisRunRepository, examine=_examine)
