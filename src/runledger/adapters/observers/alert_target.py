"""One place where alerts go, by Apprise. What a URL holds besides its scheme is secret, and never shown."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ...distribution import install_hint
from ...domain import InvalidValue
from .alert_message import Message

if TYPE_CHECKING:
    from apprise import Apprise

_SCHEME = r"(?ai)[a-z0-9]{1,20}(?=://.)"
_EXAMPLE = "mailto://user:password@mail.example.com"
_LOGGERS = re.compile(
    r"(apprise|urllib3|requests|requests_oauthlib|oauthlib|MARKDOWN|asyncio|slixmpp|paho|gntp|smpp|boto\w*)(\.|$)"
)
"""The loggers of Apprise and of what it sends by. At DEBUG they write whole URLs and requests, with tokens."""
_here = threading.local()


class AlertTarget:
    """The service that a URL names. Nothing is loaded before `open` or the first message."""

    def __init__(self, url: str) -> None:
        scheme = re.match(_SCHEME, url) if isinstance(url, str) else None
        if scheme is None:
            raise InvalidValue(f"the alert URL is not of the form scheme://…: write it like {_EXAMPLE}.")
        self.shown = f"{scheme[0].lower()}://…"
        self._secret = _Secret(url)
        self._service: Apprise | None = None

    def __repr__(self) -> str:
        return f"<AlertTarget {self.shown}>"

    def open(self) -> None:
        """Load Apprise, and take the URL apart. Raises InvalidValue, which says what is wrong with it."""
        if self._service is None:
            self._service = _service_of(self._secret, self.shown)

    def deliver(self, message: Message) -> bool:
        """Send a message, once. False if it did not arrive, whatever the reason."""
        self.open()
        assert self._service is not None
        from apprise import NotifyFormat, NotifyType

        kind = NotifyType.FAILURE if message.severe else NotifyType.WARNING
        with _Silence(), suppress(Exception):  # an exception's text may hold the URL
            return bool(
                self._service.notify(
                    body=message.body, title=message.title, notify_type=kind, body_format=NotifyFormat.TEXT
                )
            )
        return False


class _Secret:
    """Text that no repr shows, as in a traceback that shows variables."""

    def __init__(self, text: str) -> None:
        self.reveal: Callable[[], str] = lambda: text

    def __repr__(self) -> str:
        return "<secret>"


def _service_of(secret: _Secret, shown: str) -> Apprise:
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise InvalidValue(f"alerts need the package {error.name!r}: {install_hint('alerts')}.") from None
    # Without a limit of time Apprise sends in this thread. Its own threads would keep the process from ending.
    asset = apprise.AppriseAsset(app_id="runledger", app_desc="runledger", async_mode=False, service_timeout=0)
    service, is_known = None, False
    with _Silence(), suppress(Exception):  # an exception's text may hold the URL
        is_known = shown.partition(":")[0] in apprise.NotificationManager()
        service = apprise.Apprise.instantiate(secret.reveal(), asset=asset)
    if service is None:
        raise InvalidValue(f"the alert URL {shown} cannot be used: {_fault(shown, is_known=is_known)}.")
    made = apprise.Apprise(asset=asset)
    made.add(service)
    return made


def _fault(shown: str, *, is_known: bool) -> str:
    scheme = shown.partition(":")[0]
    if scheme in ("http", "https"):
        return f"for a webhook of your own, write json{scheme[4:]}:// instead"
    if is_known:
        return "the rest of it is not of the form that this service needs, so correct it"
    return "Apprise knows no service with this scheme, so correct it"


class _Silence:
    """A block in which this thread logs nothing by the loggers of Apprise and of what it sends by."""

    def __enter__(self) -> None:
        for name, logger in list(logging.Logger.manager.loggerDict.items()):
            if isinstance(logger, logging.Logger) and _LOGGERS.match(name):
                logger.addFilter(_may_be_logged)  # which adds it once
        _here.silent = True

    def __exit__(self, *_: object) -> None:
        _here.silent = False


def _may_be_logged(_record: logging.LogRecord) -> bool:
    return not getattr(_here, "silent", False)
