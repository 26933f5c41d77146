"""Requests, responses, and the errors of Airtable's Web API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from attrs import field, frozen

Change = tuple[str, str]
"""A verb, such as "created", and the id of the record, table or field that it was done to."""

_PARAMETER = re.compile(r"(?P<name>[^\[\]]+)\[(?P<place>\d{0,6})\](?:\[(?P<key>[^\[\]]+)\])?", re.ASCII)
_ORIGIN = re.compile(r"^[a-z]+://[^/?]*")


def _lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@frozen
class Request:
    """An HTTP request with its whole URL; header names are kept in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict, converter=_lower_case)
    body: bytes = b""

    @property
    def path(self) -> str:
        return _ORIGIN.sub("", self.url).partition("?")[0]

    @property
    def query(self) -> str:
        return self.url.partition("?")[2]

    @property
    def segments(self) -> list[str]:
        """The decoded parts of the path after the version; no part is empty."""
        version, *rest = [unquote(part) for part in self.path.split("/") if part] or [""]
        return rest if version == "v0" else []

    @property
    def parameters(self) -> dict[str, Any]:
        """The query string in the shape of a JSON body.

        `fields[]` or `fields[0]` are a list, `sort[0][field]` a list of objects, in the order of their numbers.
        """
        found: dict[str, Any] = {}
        lists: dict[str, dict[int, Any]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            parts = _PARAMETER.fullmatch(name)
            if parts is None:
                found[name] = value
                continue
            items = lists.setdefault(parts["name"], {})
            place = int(parts["place"]) if parts["place"] else len(items)
            if not parts["key"]:
                items[place] = value
            elif isinstance(items.setdefault(place, {}), dict):
                items[place][parts["key"]] = value
        return {**found, **{name: [items[place] for place in sorted(items)] for name, items in lists.items()}}

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object. Raises ApiError."""
        try:
            body = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise ApiError(422, "INVALID_REQUEST_BODY", "Could not parse request body")
        return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@frozen
class Response:
    """An HTTP response, and what the request changed, which a client does not see."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    changed: tuple[Change, ...] = ()

    @classmethod
    def of(
        cls,
        status: int,
        body: object,
        now: datetime,
        *,
        changed: tuple[Change, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A JSON response with the Date of RFC 7231, in whole seconds."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
        common = {"Date": format_datetime(now, usegmt=True), "Content-Type": "application/json; charset=utf-8"}
        return cls(status, {**common, **(headers or {})}, text, changed)


class ApiError(Exception):
    """An error that Airtable answers with. Without a message the body is the short form, `{"error": "NOT_FOUND"}`."""

    def __init__(self, status: int, kind: str, message: str | None = None, headers: Mapping[str, str] | None = None):
        super().__init__(message or kind)
        self.status = status
        self.body: dict[str, Any] = {"error": kind if message is None else {"type": kind, "message": message}}
        self.headers = headers or {}


NOT_FOUND = (404, "NOT_FOUND")
FORBIDDEN = (
    403,
    "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
    "Invalid permissions, or the requested model was not found. Check that both your user and your token have the "
    "required permissions, and that the model names and/or ids are correct.",
)
