"""The requests to one base: paced, timed out, sent once, and their failures as errors of the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import local
from typing import Any, TypeVar

from attrs import frozen
from pyairtable import Api
from pydantic import ValidationError
from requests import PreparedRequest, Request, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ConnectTimeout, HTTPError, InvalidJSONError, RequestException, TooManyRedirects
from urllib3.util import parse_url

from ...domain import InvalidStoreURL, Outcome, StoreUnavailable, StoreUnusable
from ..exclusion import OnePerThread
from .rate import RateLimit

T = TypeVar("T")

ENDPOINT = "https://api.airtable.com"
TIMEOUT = (5, 30)
"""Seconds to connect, and for each answer."""
PATIENCE = 300.0
"""Seconds for which a request waits in all while the server refuses it for the rate."""
QUOTA = "PUBLIC_API_BILLING_LIMIT_EXCEEDED"
UNFIT_FORMULA = "INVALID_FILTER_BY_FORMULA"
MISSING_RECORD = ("ROW_DOES_NOT_EXIST", "MODEL_ID_NOT_FOUND")


class ServerClock:
    """The server's clock, in whole seconds, from the Date header of its answers. Raises StoreUnusable without one."""

    def __init__(self) -> None:
        self._answers = local()
        self._last = ""

    def read(self, response: Response) -> None:
        """Take the time of an answer."""
        if date := response.headers.get("Date"):
            self._answers.date = self._last = date

    def now(self) -> datetime:
        """The time of the last answer to this thread: another thread's answer may be newer than what this one read."""
        return _date(getattr(self._answers, "date", ""))

    def last(self) -> datetime:
        """The time of the last answer to any thread."""
        return _date(self._last)


def _date(header: str) -> datetime:
    try:
        return parsedate_to_datetime(header.replace("-0000", "GMT")).astimezone(UTC)
    except ValueError:
        raise StoreUnusable(
            "the server's answers carry no Date, by which creations are ordered: let proxies pass that header."
        ) from None


class Paced(BaseAdapter):
    """A transport that keeps to a rate limit and reads a clock from each answer.

    It sends a request again only after a 429, which means that the server did not process it: until the waits for that
    would exceed PATIENCE.
    """

    def __init__(self, inner: BaseAdapter, limit: RateLimit, clock: ServerClock) -> None:
        super().__init__()
        self._inner = inner
        self._limit = limit
        self._clock = clock

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        turn = self._limit.wait()
        waited = 0.0
        while True:
            is_refused = False
            try:
                response = self._inner.send(request, *args, **options)
                self._clock.read(response)
                is_refused = response.status_code == 429 and QUOTA not in response.text
            finally:
                self._limit.answered(turn, is_refused=is_refused)
            if not is_refused or waited + self._limit.penalty > PATIENCE:
                return response
            turn = self._limit.wait()
            waited += turn.waited

    def close(self) -> None:
        self._inner.close()


_LISTS = re.compile(r"/v0/app[^/]+/[^/]+/listRecords$")  # and not …/v0/app…/listRecords: a table may have that name


class WithoutCreation(BaseAdapter):
    """Mixin: the transport rejects any request that could create a record (ARCHITECTURE, "Why no update can create").

    Airtable creates records by POST, except POST …/listRecords, which reads, and by upserts. This is a mixin and not a
    wrapper, so that the transport holds no object that would send more.
    """

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        updates = request.method == "PATCH" and not _may_upsert(request)
        if not (updates or _reads(request)):
            could = "would remove" if request.method == "DELETE" else "could create"
            raise PermissionError(f"{_named(request)} {could} a record: only updates and reads are sent here.")
        return super().send(request, *args, **options)


class HTTPWithoutCreation(WithoutCreation, HTTPAdapter):
    """HTTP that sends only updates and reads, each once."""


class OnlyRemoval(BaseAdapter):
    """Mixin: the transport rejects any request that neither reads nor removes records."""

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        if not (request.method == "DELETE" or _reads(request)):
            raise PermissionError(f"{_named(request)} could write a record: only removals and reads are sent here.")
        return super().send(request, *args, **options)


class HTTPForRemoval(OnlyRemoval, HTTPAdapter):
    """HTTP that sends only removals and reads, each once."""


def _path(request: PreparedRequest) -> str:
    return parse_url(str(request.url)).path or ""  # as it will be sent


def _named(request: PreparedRequest) -> str:
    return f"{request.method} {_path(request)}"


def _reads(request: PreparedRequest) -> bool:
    return request.method == "GET" or (request.method == "POST" and _LISTS.search(_path(request)) is not None)


def _may_upsert(request: PreparedRequest) -> bool:
    """Whether a body may ask for an upsert: any but a JSON object without `performUpsert`."""
    try:
        body = json.loads(request.body or b"")
    except (TypeError, ValueError):
        return True
    return not isinstance(body, dict) or "performUpsert" in body


def api_over(transport: BaseAdapter, token: str, endpoint: str) -> Api:
    """A pyairtable Api that sends through a transport and never repeats a request itself.

    Raises StoreUnusable for a token that cannot be one, InvalidStoreURL for such an endpoint.
    """
    if not re.fullmatch(r"[!-~]+", token):
        raise StoreUnusable("this is not a personal access token: one is letters, digits and points, on one line.")
    if not (re.match("https?://.", endpoint) and _has_an_address(endpoint)):
        raise InvalidStoreURL(f"the endpoint {endpoint!r} is not a URL: write https://, a host, and a port if need be.")
    api = Api(token, endpoint_url=endpoint, timeout=TIMEOUT, retry_strategy=None)
    api.session.max_redirects = 0  # following one would send a POST or PATCH a second time
    api.session.auth = _as_it_is  # or requests would replace the token by what a .netrc holds for the host
    api.session.mount("https://", transport)
    api.session.mount("http://", transport)
    return api


def _has_an_address(endpoint: str) -> bool:
    """Whether requests can be sent to the host and port of an endpoint, whoever answers there."""
    try:
        address = parse_url(str(Request("GET", endpoint).prepare().url))
        (address.host or "").encode("idna")
        return parse_url(endpoint).port != 0
    except ValueError:
        return False


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request


@frozen
class Refusal:
    """Why the server refused a request: the HTTP status, and Airtable's error type and message if there are any."""

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

    @property
    def is_of_a_computed_column(self) -> bool:
        """Whether a column takes no values because Airtable computes its own."""
        return "computed" in self.message

    @property
    def is_of_a_value(self) -> bool:
        """Whether a value of one record was refused, and not what all records have in common."""
        is_unfit = self.kind == "INVALID_VALUE_FOR_COLUMN" and not self.is_of_a_computed_column
        return is_unfit or self.kind == "INVALID_MULTIPLE_CHOICE_OPTIONS" or self.status == 413

    def may_be_of(self, cells: Mapping[str, Any]) -> bool:
        """Whether it may be a record with these cells that was refused, as far as the message says."""
        if self.kind == "INVALID_MULTIPLE_CHOICE_OPTIONS":
            return any(f'"{value}"' in self.message for value in cells.values())
        return any(map(self.names, cells))

    def lacks(self, column: str) -> bool:
        """Whether the request was refused because the table has no such column."""
        return self.kind == "UNKNOWN_FIELD_NAME" and self.names(column)

    def names(self, column: str) -> bool:
        """Whether the message names a column: `Unknown field name: "X"`, `Cannot parse value for field X`."""
        return f'"{column}"' in self.message or self.message.endswith(f"field {column}")


class Refused(Exception):
    """The server refused a request and applied nothing of it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.kind}: {refusal.message}")
        self.refusal = refusal


_SENDING = OnePerThread()


def sent(call: Callable[[], T], *, writes: bool) -> T:
    """What `call`, which sends a request, returns. Raises Refused, StoreUnavailable or StoreUnusable, and nothing else.

    They are raised outside of the handler, because a library's exception holds the request and so the token.
    """
    try:
        return _SENDING.run(call)
    except HTTPError as error:
        failure: Exception = _of_status(Refusal.of(error.response), writes)
    except TooManyRedirects:
        failure = StoreUnusable("the server at this endpoint redirects elsewhere: correct the endpoint.")
    except (InvalidJSONError, ValidationError, TypeError, KeyError, ValueError):
        failure = StoreUnavailable("the answer is not one of Airtable's", _outcome(writes))
    except RequestException as error:
        lost = not _never_left(error)
        what = "the answer did not arrive whole" if lost else "no connection to the server could be made"
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
        return StoreUnavailable(
            "Airtable still refuses requests for their rate after minutes: run fewer processes on this base together",
            Outcome.NOT_APPLIED,
        )
    if refusal.status >= 500 or refusal.status == 408:
        return StoreUnavailable(f"Airtable answered {refusal.status} {refusal.kind}".rstrip(), _outcome(writes))
    return Refused(refusal)


def _never_left(error: RequestException) -> bool:
    """Whether there was no connection, so that nothing can have been sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, ConnectTimeout) or type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
