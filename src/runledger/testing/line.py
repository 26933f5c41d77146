"""A connection to a store's server that breaks at a chosen packet, of the requests or of the answers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

from attrs import frozen

from ..domain import RunRepository


@frozen
class ServedStore:
    """A store with a server: its host and port, and how to open the store at another host and port.

    A `host` that begins with "/" is the path of the server's Unix socket, and needs no port.
    """

    host: str
    port: int
    open_at: Callable[[str, int], RunRepository]


class Line:
    """Carries connections to a server, and breaks one of them when it is asked to.

    What was carried before the break has arrived; nothing of what follows it has. New connections work.
    """

    host = "127.0.0.1"

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._left: dict[bool, int] = {}
        self._lock = Lock()
        self._cut = Event()
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def was_cut(self) -> bool:
        """Whether the break that was asked for has happened."""
        return self._cut.is_set()

    def cut(self, *, answers: bool, after: int) -> None:
        """Break at a later packet: of the answers, or of the requests, let so many pass."""
        with self._lock:
            self._cut.clear()
            self._left = {answers: after}

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is shut down at the end
            while True:
                client, _ = self._listener.accept()
                server = self._connected()
                self._ends += [client, server]
                for source, target, answers in ((client, server, False), (server, client, True)):
                    self._threads.append(Thread(target=self._carry, args=(source, target, answers), daemon=True))
                    self._threads[-1].start()

    def _connected(self) -> socket.socket:
        host, port = self._server
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(host)
        return server

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while (data := source.recv(1 << 16)) and not self._breaks(answers):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _breaks(self, answers: bool) -> bool:
        with self._lock:
            left = self._left.get(answers)
            if left is None:
                return False
            self._left[answers] = left - 1
            if left == 0:
                self._left = {}
                self._cut.set()
            return left == 0

    def close(self) -> None:
        """End the listener and all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()


@contextmanager
def line_to(host: str, port: int) -> Iterator[Line]:
    """A line to a server, closed at the end of the block."""
    line = Line(host, port)
    try:
        yield line
    finally:
        line.close()
