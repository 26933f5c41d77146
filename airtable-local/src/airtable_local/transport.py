"""A transport for `requests` that calls a service in the same process. Needs the extra `requests`."""

from __future__ import annotations

import http.client
import io
from collections.abc import Mapping
from typing import Any

try:
    import requests
    from requests.adapters import BaseAdapter
    from urllib3 import HTTPResponse
except ModuleNotFoundError as error:
    error.add_note("airtable_local.transport needs an extra: pip install 'airtable-local[requests]'.")
    raise

from .faults import Connection, FaultKind
from .messages import Request
from .messages import Response as Answer


class ServiceTransport(BaseAdapter):
    """Mount it on a session: `api.session.mount(endpoint_url, ServiceTransport(connection))`.

    There is no socket and no thread. A dropped connection raises requests.ConnectionError, and a cut body
    ChunkedEncodingError. A delay that is not shorter than the read time-out raises ReadTimeout without waiting, after
    the request was carried out. Nothing is retried.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else bytes(body)
        limit = timeout[1] if isinstance(timeout, tuple) else timeout
        answer, fault = self.connection.exchange(
            Request(request.method or "GET", request.url or "", request.headers, sent), limit
        )
        if answer is None:
            raise requests.ConnectionError("the connection was closed without an answer", request=request)
        if fault is not None and fault.kind is FaultKind.CUT:
            raise requests.exceptions.ChunkedEncodingError("the answer ended early", request=request)
        if fault is not None and limit is not None and fault.kind is FaultKind.DELAY and fault.seconds >= limit:
            raise requests.exceptions.ReadTimeout("the answer took too long", request=request)
        return self._response(request, answer)

    def _response(self, request: requests.PreparedRequest, answer: Answer) -> requests.Response:
        response = requests.Response()
        response.status_code = answer.status
        response.reason = http.client.responses.get(answer.status, "")
        response.headers.update(answer.headers)
        response.encoding = "utf-8"
        response.request = request
        response.url = request.url or ""
        response.raw = HTTPResponse(io.BytesIO(answer.body), preload_content=False, status=answer.status)
        return response

    def close(self) -> None:
        """Nothing is open."""
