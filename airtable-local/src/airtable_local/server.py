"""An HTTP server in front of a service."""

from __future__ import annotations

import http.client
import random
import socket
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any

from attrs import frozen

from .faults import Connection, FaultKind, Faults, LogEntry
from .messages import Request, Response


@frozen(kw_only=True)
class Network:
    """How long requests and answers are on their way, in seconds, as between a client and Airtable's own servers.

    Each way takes `delay`, and a random part of up to `jitter`. The first request of a connection takes `connecting`
    more, as the handshake of TLS does.
    """

    delay: float = 0.0
    jitter: float = 0.0
    connecting: float = 0.0

    def carry(self, *, is_first: bool = False) -> None:
        """Wait as long as one way takes."""
        seconds = self.delay + random.uniform(0, self.jitter) + (self.connecting if is_first else 0.0)
        if seconds:
            time.sleep(seconds)


class AirtableServer:
    """Serves a service on this machine while its `with` block lasts.

    Use `url` where a client asks for Airtable's address: `pyairtable.Api(token, endpoint_url=server.url)`.
    Raises OSError if the port is taken; port 0 takes a free one.
    """

    def __init__(
        self, connection: Connection, *, host: str = "127.0.0.1", port: int = 0, network: Network = Network()
    ) -> None:
        self.connection = connection
        self._http = _HTTPServer((host, port), connection, network)
        self.url = f"http://{host}:{self._http.server_address[1]}"
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def faults(self) -> Faults:
        return self.connection.faults

    @property
    def log(self) -> list[LogEntry]:
        return self.connection.log

    def join(self) -> None:
        """Wait until the server stops."""
        self._thread.join()

    def __enter__(self) -> AirtableServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], connection: Connection, network: Network) -> None:
        self.connection = connection
        self.network = network
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_close(self) -> None:
        super().server_close()
        for client in list(self.open):  # or their threads would go on serving
            with suppress(OSError):  # the client has closed it already
                client.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; report anything else, which is a defect of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _HTTPServer

    def setup(self) -> None:
        super().setup()
        self.is_first = True
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def _exchange(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True  # the end of this request is unknown
            self.send_error(411)
            return
        body = self.rfile.read(int(length))
        url = f"http://{self.headers.get('Host', '')}{self.path}"
        self.server.network.carry(is_first=self.is_first)
        self.is_first = False
        answer, fault = self.server.connection.exchange(Request(self.command, url, dict(self.headers), body))
        self.server.network.carry()
        cut = fault is not None and fault.kind is FaultKind.CUT
        self.close_connection = self.close_connection or answer is None or cut
        if answer is not None:
            self.wfile.write(_bytes(answer, len(answer.body) // 2 if cut else len(answer.body)))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _exchange  # noqa: N815 (the names that http.server calls)

    def log_message(self, format: str, *args: Any) -> None:
        """The connection keeps the log."""


def _bytes(answer: Response, length: int) -> bytes:
    """The answer as bytes, with the first `length` bytes of its body."""
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    lines = [
        f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}",
        *map(": ".join, headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body[:length]
