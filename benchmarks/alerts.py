"""What an observer that sends alerts adds to the calls of a run, whatever the service does that it sends to."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import runledger
from comparison import Call, Row, interleaved, micros, verdict
from runledger.alerts import Alerts

_TIMES = 5_000
_TARGET_MICROS = 20


def alert_rows() -> Iterator[Row]:
    """A start and a failure in memory, without alerts and with them; the service answers, fails or is slow."""
    logging.getLogger("runledger").setLevel("ERROR")
    with _service(0) as port:
        yield _row("the service answers", f"json://127.0.0.1:{port}")
    with _service(1) as port:
        yield _row("it answers after a second", f"json://127.0.0.1:{port}")
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield _row("it accepts and never answers", f"json://127.0.0.1:{silent.getsockname()[1]}")
        port = silent.getsockname()[1]
    yield _row("it refuses the connection", f"json://127.0.0.1:{port}")


def _row(what: str, url: str) -> Row:
    alerts = Alerts(url, window=0.05, exit_wait=0)
    bare, ours = interleaved(_TIMES, _failing_run(), _failing_run(alerts))
    added = (ours - bare) * 1e6
    return (
        f"a run that starts and fails, with alerts: {what}",
        micros(bare),
        micros(ours),
        f"+{added:.1f} µs",
        verdict(f"≤ {_TARGET_MICROS} µs", added <= _TARGET_MICROS),
    )


def _failing_run(*alerts: Alerts) -> Call:
    ledger = runledger.connect("memory://", observers=alerts)
    return lambda i: ledger.start(str(i), "acme").fail("no disk")


@contextmanager
def _service(seconds: float) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(seconds)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
