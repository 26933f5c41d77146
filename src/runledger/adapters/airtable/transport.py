"""The requests to one base: paced, timed out, sent once, and their failures as errors of the ledger."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock, local
from typing import Any, TypeVar

from attrs import frozen
from pyairtable import Api
from pydantic import ValidationError
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ConnectTimeout, HTTPError, InvalidJSONError, RequestException, TooManyRedirects
from urllib3.util import parse_url

from ...domain import Outcome, StoreUnavailable, StoreUnusable

T = TypeVar("T")

ENDPOINT = "https://api.airtable.com"
TIMEOUT = (5, 30)
"""Seconds to connect, and for each answer."""
QUOTA = "PUBLIC_API_BILLING_LIMIT_EXCEEDED"
MISSING_RECORD = ("ROW_DOES_NOT_EXIST", "MODEL_ID_NOT_FOUND")


class RateLimit:
    """At most 5 requests a second for all threads, and a pause for all of them after a refusal.

    Airtable allows 5 requests a second to a base, and asks for 30 seconds of quiet after a 429
    (https://airtable.com/developers/web/api/rate-limits). All who send to one base share one of these.
    """

    def __init__(
        self,
        requests: int = 5,
        seconds: float = 1.1,  # a little more than one: the server counts arrivals, not departures
        penalty: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sent: deque[float] = deque(maxlen=requests)
        self._seconds = seconds
        self._penalty = penalty
        self._resume_at = float("-inf")
        self._lock = Lock()
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Return when one more request may be sent."""
        while True:
            with self._lock:
                now = self._clock()
                free_at = self._resume_at
                if len(self._sent) == self._sent.maxlen:
                    free_at = max(free_at, self._sent[0] + self._seconds)
                if free_at <= now:
                    self._sent.append(now)
                    return
            self._sleep(free_at - now)

    def refused(self) -> None:
        """The server has refused a request for its rate: nobody sends any until the penalty is over."""
        with self._lock:
            self._resume_at = self._clock() + self._penalty


class ServerClock:
    """The server's clock, in whole seconds, as its answers tell it. Raises StoreUnusable if none did."""

    def __init__(self) -> None:
        self._answers = local()
        self._last = ""

    def hear(self, response: Response) -> None:
        if date := response.headers.get("Date"):
            self._answers.date = self._last = date

    def now(self) -> datetime:
        """At the last answer to this thread: what others hear meanwhile may be later than what this one has read."""
        return _date(getattr(self._answers, "date", ""))

    def last(self) -> datetime:
        """At the last answer to any thread."""
        return _date(self._last)


def _date(header: str) -> datetime:
    try:
        return parsedate_to_datetime(header.replace("-0000", "GMT")).astimezone(UTC)
    except ValueError:
        raise StoreUnusable(
            "the server's answers carry no Date, by which creations are ordered: let proxies pass that header."
        ) from None


class Paced(BaseAdapter):
    """A transport that keeps to a rate limit, and lets a clock hear each answer.

    Only what the server refused unprocessed for its rate is sent again, at most `patience` times.
    """

    def __init__(self, inner: BaseAdapter, limit: RateLimit, clock: ServerClock, patience: int = 3) -> None:
        super().__init__()
        self._inner = inner
        self._limit = limit
        self._clock = clock
        self._patience = patience

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        refusals = 0
        while True:
            self._limit.wait()
            response = self._inner.send(request, *args, **options)
            self._clock.hear(response)
            if response.status_code != 429 or QUOTA in response.text or refusals == self._patience:
                return response
            refusals += 1
            self._limit.refused()

    def close(self) -> None:
        self._inner.close()


_LISTS = re.compile(r"/v0/app[^/]+/[^/]+/listRecords$")  # and not …/v0/app…/listRecords: a table may have that name


class WithoutCreation(BaseAdapter):
    """What makes a transport refuse every request that could make a record, whoever sends it: link 2 of the proof.

    Records are made by POST, but for POST …/listRecords, which reads, and by upserts. A base class and no wrapper, so
    that whoever holds the transport holds nothing that sends more.
    """

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        path = parse_url(str(request.url)).path or ""  # as it will be sent
        reads = request.method == "GET" or (request.method == "POST" and _LISTS.search(path) is not None)
        updates = request.method == "PATCH" and not _may_upsert(request)
        if not (reads or updates):
            raise PermissionError(
                f"{request.method} {path} could create a record: only updates and reads are sent here."
            )
        return super().send(request, *args, **options)


class HTTPWithoutCreation(WithoutCreation, HTTPAdapter):
    """HTTP that sends updates and reads alone, and nothing twice."""


def _may_upsert(request: PreparedRequest) -> bool:
    """Whether a body may ask for an upsert, as any may but a JSON object that does not."""
    try:
        body = json.loads(request.body or b"")
    except (TypeError, ValueError):
        return True
    return not isinstance(body, dict) or "performUpsert" in body


def api_over(transport: BaseAdapter, token: str, endpoint: str) -> Api:
    """A pyairtable Api that sends through a transport, and itself never repeats a request."""
    if not re.fullmatch(r"[!-~]+", token):
        raise StoreUnusable("the token is none: a personal access token is letters, digits and points, on one line.")
    if not re.match("https?://.", endpoint):
        raise StoreUnusable(f"the endpoint {endpoint!r} is no address: it begins with https:// or http://.")
    api = Api(token, endpoint_url=endpoint, timeout=TIMEOUT, retry_strategy=None)
    api.session.max_redirects = 0  # following one would send a POST or PATCH a second time
    api.session.auth = _as_it_is  # or what a .netrc holds for the host would take the token's place
    api.session.mount("https://", transport)
    api.session.mount("http://", transport)
    return api


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request


@frozen
class Refusal:
    """What the server refused, and why: its HTTP status, and Airtable's error type and message, where it gave them."""

    status: int
    kind: str
    message: str

    @classmethod
    def of(cls, response: Response) -> Refusal:
        # Bodies vary: {"error": {"type", "message"}}, {"error": "NOT_FOUND"}, {"errors": [{"error", "message"}]}.
        try:
            body = response.json()
        except ValueError:
            body = None
        error: Any = body.get("error") or body.get("errors") if isinstance(body, Mapping) else None
        if isinstance(error, Sequence) and not isinstance(error, str):
            error = error[0] if error else None
        if not isinstance(error, Mapping):
            error = {"type": error or ""}
        kind = error.get("type") or error.get("error") or ""
        return cls(response.status_code, str(kind), str(error.get("message") or ""))

    @property
    def is_of_a_missing_record(self) -> bool:
        return self.kind in MISSING_RECORD

    @property
    def may_be_of_a_missing_record(self) -> bool:
        return self.is_of_a_missing_record or self.status in (403, 404)

    def names(self, column: str) -> bool:
        """Whether the message is about a column: `Unknown field name: "X"`, `Cannot parse value for field X`."""
        return f'"{column}"' in self.message or self.message.endswith(f"field {column}")


class Refused(Exception):
    """The server has refused a request, and has applied nothing of it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.kind}: {refusal.message}")
        self.refusal = refusal


def sent(act: Callable[[], T], *, writes: bool) -> T:
    """Do what sends a request. Raises Refused, StoreUnavailable, or StoreUnusable, whatever the libraries raise.

    Raised outside of the handler, because what the libraries raise holds the request, whose headers hold the token.
    """
    try:
        return act()
    except HTTPError as error:
        failure: Exception = _of_status(Refusal.of(error.response), writes)
    except TooManyRedirects:
        failure = StoreUnusable("the server at this endpoint redirects elsewhere: correct the endpoint.")
    except (InvalidJSONError, ValidationError, TypeError, KeyError, ValueError):
        failure = StoreUnavailable("the server's answer was not what Airtable answers", _outcome(writes))
    except RequestException as error:
        lost = not _never_left(error)
        what = "the whole answer did not come" if lost else "no connection to the server could be made"
        reason = f"{what} ({type(error).__name__})"
        failure = StoreUnavailable(reason, _outcome(writes and lost))
    raise failure


def _outcome(unknown: bool) -> Outcome:
    return Outcome.UNKNOWN if unknown else Outcome.NOT_APPLIED


def _of_status(refusal: Refusal, writes: bool) -> Exception:
    if refusal.status == 401:
        return StoreUnusable(
            "Airtable does not accept the token: set AIRTABLE_API_KEY to a valid personal access token."
        )
    if refusal.kind == QUOTA:
        return StoreUnusable(
            "the workspace's monthly quota of API calls is used up: wait for the next month, or upgrade."
        )
    if refusal.status == 429:
        return StoreUnavailable("Airtable still refuses requests for their rate", Outcome.NOT_APPLIED)
    if refusal.status >= 500 or refusal.status == 408:
        return StoreUnavailable(f"Airtable answered {refusal.status} {refusal.kind}".rstrip(), _outcome(writes))
    return Refused(refusal)


def _never_left(error: RequestException) -> bool:
    """Whether no connection was made, so that nothing can have been sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, ConnectTimeout) or type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
