"""URLs of PostgreSQL with wrong options. Only of an outage it is said that trying again helps."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from commands import runledger
from postgres_server import fresh_database
from psycopg.conninfo import conninfo_to_dict

from runledger import StoreUnavailable
from runledger.adapters.sql.postgresql import open_url
from runledger.domain import InvalidStoreURL, StoreUnusable

SECRET = "s3cret-" + "word"
WRONG = (
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "hostaddr", "sslmode", "sslnegotiation", "target_session_attrs", "load_balance_hosts"),
    *("channel_binding", "gssencmode", "ssl_min_protocol_version", "service"),
)
"""Options of which libpq takes few values."""
CONTRADICTIONS = {
    "require_auth": "require_auth=md5,md5",
    "ssl_min_protocol_version": "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
    "sslrootcert": "sslrootcert=system&sslmode=prefer",
    "scram_client_key": "scram_client_key=x",
    "scram_server_key": "scram_server_key=x",
}
"""Options that libpq rejects with a message of its own for each."""


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.mark.parametrize(
    ("address", "option"),
    [
        ("someone@:99999/runs", "port"),
        ("someone@127.0.0.1:1,127.0.0.1:99999/runs", "port"),
        ("someone@127.0.0.1:99999,127.0.0.1:1/runs", "port"),
        ("127.0.0.1,127.0.0.1/runs?port=1,2,3", "port"),
        ("127.0.0.1,127.0.0.2/runs?hostaddr=127.0.0.1&port=1", "hostaddr"),
        ("127.0.0.1:1/runs?hostaddr=127.0.0.1,", "hostaddr"),
        *((f"someone@127.0.0.1:1/runs?{options}", option) for option, options in CONTRADICTIONS.items()),
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
    with pytest.raises(InvalidStoreURL, match=r"rejects the port that PGPORT or a service adds to the store URL"):
        open_url("postgresql://someone@127.0.0.1/runs")


SERVICES = """
[hosts]
host=127.0.0.1,127.0.0.1
port=1,2
[address]
host=localhost
hostaddr=127.0.0.1
port=1
"""


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("postgresql://localhost:1/runs", {"PGHOSTADDR": "127.0.0.1"}),
        ("postgresql:///runs", {"PGHOST": "127.0.0.1,127.0.0.1", "PGPORT": "1,2"}),
        ("postgresql://127.0.0.1,127.0.0.1/runs", {"PGPORT": "1,2"}),
        ("postgresql:///runs?host=localhost,localhost&port=1", {"PGHOSTADDR": "127.0.0.1,127.0.0.1"}),
        ("postgresql:///runs?service=hosts", {}),
        ("postgresql:///runs?service=address", {}),
        ("postgresql:///runs", {"PGSERVICE": "hosts"}),
        ("postgresql:///runs", {"PGSERVICE": "address"}),
        ("postgresql:///runs?service=hosts&sslmode=require&target_session_attrs=read-write", {}),
    ],
)
def test_an_outage_of_servers_that_the_environment_or_a_service_names_is_no_wrong_option(
    url: str, variables: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "services").write_text(SERVICES)
    done = runledger("list", "--store", url, code=6, PGSERVICEFILE=f"{tmp_path}/services", **variables)
    assert "Connection refused" in done.stderr


def test_what_a_server_of_a_service_answers_is_shown(url: str, tmp_path: Path) -> None:
    given = conninfo_to_dict(url)
    hosts = f"host={given['host']},127.0.0.1\nport={given.get('port', 5432)},1\nuser={given['user']}\n"
    (tmp_path / "services").write_text(f"[ha]\n{hosts}")
    options = f"service=ha&password={given.get('password', '')}"
    done = runledger("list", "--store", f"postgresql:///absent?{options}", code=7, PGSERVICEFILE=f"{tmp_path}/services")
    assert 'database "absent" does not exist' in done.stderr


def test_a_name_that_quotes_a_message_of_libpq_is_only_a_name(url: str) -> None:
    """What a server answers has names from the URL in it."""
    address, _, query = url.partition("?")
    name = quote('connection failed: invalid port number: "1"')
    with pytest.raises(StoreUnusable, match="does not exist"):
        open_url(f"{address.rpartition('/')[0]}/{name}?{query}")


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
