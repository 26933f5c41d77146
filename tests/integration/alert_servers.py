"""Real servers that alerts go to: a webhook over HTTP, and a mail server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from ports import free_port

TOKEN = "s3cr3t-t0k3n"  # noqa: S105
PATIENCE = 60


class Webhook:
    """A server that keeps what is posted to it. While it is held, it accepts connections and answers nothing."""

    def __init__(self, port: int) -> None:
        self.url = f"json://user:{TOKEN}pw@127.0.0.1:{port}/hooks/{TOKEN}?+X-Token={TOKEN}h&-key={TOKEN}q"
        self.posts: Queue[dict[str, Any]] = Queue()
        self.paths: list[str] = []
        self.status = 200
        self.released = Event()
        self.released.set()
        self.reached = Event()

    def next(self) -> dict[str, Any]:
        """The next message, as it was posted."""
        return self.posts.get(timeout=PATIENCE)

    def rest(self) -> list[dict[str, Any]]:
        """The messages that have arrived and were not taken yet."""
        return [self.posts.get() for _ in range(self.posts.qsize())]


@contextmanager
def a_webhook() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.reached.set()
            webhook.released.wait(PATIENCE)
            webhook.paths.append(self.path)
            self.send_response(webhook.status)
            self.end_headers()
            if webhook.status == 200:
                webhook.posts.put(json.loads(body))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        webhook = Webhook(server.server_port)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield webhook
        finally:
            webhook.released.set()
            server.shutdown()
            thread.join()


class Mailbox:
    """A mail server that keeps the mails it accepts, from whoever logs in with the right password."""

    def __init__(self) -> None:
        self.mails: Queue[EmailMessage] = Queue()
        self.logins: list[tuple[bytes, bytes]] = []
        self.url = ""

    def next(self) -> EmailMessage:
        """The next mail."""
        return self.mails.get(timeout=PATIENCE)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.put(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == TOKEN.encode(), handled=False)


@contextmanager
def a_mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=mailbox.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        mailbox.url = (
            f"mailto://jobs:{TOKEN}@127.0.0.1:{controller.port}?from=jobs@example.com&to=team@example.com&mode=insecure"
        )
        yield mailbox
    finally:
        controller.stop()
