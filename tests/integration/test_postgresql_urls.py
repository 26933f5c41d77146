"""URLs of PostgreSQL with wrong options. Only of an outage it is said that trying again helps."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from commands import runledger
from postgres_server import fresh_database

from runledger import StoreUnavailable
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import InvalidStoreURL

SECRET = "s3cret-" + "word"
WRONG = (
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "hostaddr", "sslmode", "sslnegotiation", "target_session_attrs", "load_balance_hosts"),
    *("channel_binding", "gssencmode", "ssl_min_protocol_version", "service"),
)
"""Options of which libpq takes few values."""


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.mark.parametrize(
    ("address", "option"),
    [
        ("someone@:99999/runs", "port"),
        ("someone@127.0.0.1:1,127.0.0.1:99999/runs", "port"),
        ("127.0.0.1,127.0.0.1/runs?port=1,2,3", "port"),
        *((f"someone@127.0.0.1:1/runs?{option}={SECRET}", option) for option in WRONG),
        ("someone@127.0.0.1:1/runs?sslnegotiation=direct&sslmode=prefer", "sslnegotiation"),
        ("someone@127.0.0.1:1/runs?connect_timeout=inf", "connect_timeout"),
        (f"someone:{SECRET}@{'x' * 64}:1/runs", "host"),
    ],
)
def test_an_option_that_no_server_could_make_right_is_no_outage(address: str, option: str) -> None:
    with pytest.raises(InvalidStoreURL, match=rf"\b{option} in the store URL\b") as caught:
        open_url(f"postgresql://{address}")
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_variable_that_libpq_rejects_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "many")
    with pytest.raises(InvalidStoreURL, match=r"the store URL and PGPORT in the environment, as they are together"):
        open_url("postgresql://someone@127.0.0.1/runs")


@pytest.mark.parametrize("query", ["", "?connect_timeout=2.5", "?keepalives=1&hostaddr=127.0.0.1&sslmode=verify-full"])
def test_a_server_that_is_not_there_is_an_outage_whatever_is_asked_of_it(query: str) -> None:
    with pytest.raises(StoreUnavailable, match="refused"):
        open_url(f"postgresql://someone@127.0.0.1:1/runs{query}")


def _agree_to_encrypt(listener: socket.socket) -> None:
    """As much of a server as it takes to agree to TLS."""
    connection, _ = listener.accept()
    with connection:
        while connection.recv(8)[4:] != (80877103).to_bytes(4):
            connection.sendall(b"N")
        connection.sendall(b"S")
        connection.recv(4096)


def test_a_certificate_that_is_not_there_is_no_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_agree_to_encrypt, args=(listener,))
        server.start()
        query = "sslmode=verify-full&sslrootcert=/nowhere/root.crt"
        with pytest.raises(InvalidStoreURL, match=r'root certificate file "/nowhere/root.crt" does not exist'):
            open_url(f"postgresql://someone@127.0.0.1:{listener.getsockname()[1]}/runs?{query}")
        server.join()


@pytest.mark.parametrize("setting", ["-c no_such_setting=1", "-c statement_timeout=soon", "--nonsense", "nonsense"])
def test_a_setting_that_the_server_does_not_know_is_no_outage(url: str, setting: str) -> None:
    with pytest.raises(InvalidStoreURL, match="an option of the store URL"):
        open_url(f"{url}{'&' if '?' in url else '?'}options={quote(setting)}")


@pytest.mark.parametrize("url", ["postgresql://postgres@:99999/jobs", "postgresql:///postgres?connect_timeout=x"])
def test_a_command_says_that_its_url_is_wrong_and_a_script_does_not_try_again(url: str) -> None:
    done = runledger("list", "--store", url, code=2)
    assert done.stderr.endswith(" in the store URL: correct it, or leave it out.\n")
    assert done.stderr.count("\n") == 1
