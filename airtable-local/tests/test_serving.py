"""The HTTP server, and the transport in the same process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from socket import create_connection
from urllib.parse import urlsplit

import pytest
import requests
from pyairtable import Api

from airtable_local import AirtableServer, Connection, Fault, FaultKind, Network
from airtable_local.transport import ServiceTransport
from served import BASE, TOKEN, Client

TASKS = f"/v0/{BASE}/Tasks"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def server() -> Iterator[AirtableServer]:
    with AirtableServer(Connection(Client().service)) as server:
        yield server


def spoken(server: AirtableServer, text: str) -> bytes:
    """All that the server says to these bytes, until it closes the connection."""
    parts = urlsplit(server.url)
    with create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall(text.encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


class TestHTTP:
    def test_a_connection_serves_many_requests(self, server: AirtableServer) -> None:
        parts = urlsplit(server.url)
        line = HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        made = json.dumps({"fields": {"Name": "ä" * 1000}})
        ports = set()
        for method, body in [("POST", made), ("GET", None), ("GET", None)]:
            line.request(method, TASKS, body, AUTHORIZED)
            answer = line.getresponse()
            assert (answer.status, answer.getheader("Content-Type")) == (200, "application/json; charset=utf-8")
            assert answer.getheader("Date")
            json.loads(answer.read())
            ports.add(line.sock.getsockname())
        assert len(ports) == 1
        line.close()

    def test_a_network_takes_its_time_each_way_and_more_for_a_new_connection(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float] = []
        monkeypatch.setattr("airtable_local.server.time.sleep", waits.append)
        monkeypatch.setattr("airtable_local.server.random.uniform", lambda low, high: high)
        network = Network(delay=0.25, jitter=0.5, connecting=2)
        with AirtableServer(Connection(Client().service), network=network) as server, requests.Session() as session:
            for _ in range(2):
                assert session.get(server.url + TASKS, headers=AUTHORIZED, timeout=30).status_code == 200
        assert waits == [2.75, 0.75, 0.75, 0.75]

    def test_an_old_client_gets_its_answer_and_the_end(self, server: AirtableServer) -> None:
        said = spoken(server, f"GET {TASKS} HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
        assert said.endswith(b'{"records":[]}')

    @pytest.mark.parametrize(
        "header", ["Content-Length: -1", "Content-Length: many", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    )
    def test_a_body_of_unknown_length_is_refused(self, server: AirtableServer, header: str) -> None:
        said = spoken(server, f"POST {TASKS} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n5\r\nhello\r\n")
        assert said.startswith(b"HTTP/1.1 411 ")
        assert said.count(b"HTTP/1.1") == 1
        assert server.log == []

    @pytest.mark.parametrize("host", ["", "[", "évil", "a b"])
    def test_an_odd_host_does_no_harm(self, server: AirtableServer, host: str) -> None:
        request = f"GET {TASKS} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        assert spoken(server, request).endswith(b'{"records":[]}')

    def test_a_url_that_is_far_too_long(self, server: AirtableServer) -> None:
        assert requests.get(f"{server.url}{TASKS}?x={'a' * 17_000}", headers=AUTHORIZED, timeout=30).status_code == 414

    def test_a_status_without_a_name(self, server: AirtableServer) -> None:
        server.faults.arm(Fault(FaultKind.STATUS, status=520))
        assert requests.get(f"{server.url}{TASKS}", headers=AUTHORIZED, timeout=30).status_code == 520

    def test_the_log_has_every_request_and_what_it_changed(self, server: AirtableServer) -> None:
        url = f"{server.url}{TASKS}"
        server.faults.arm(Fault(FaultKind.DROP, method="DELETE"), Fault(FaultKind.STATUS, nth=3, status=502))
        id_ = requests.post(url, json={"fields": {"Name": "a"}}, headers=AUTHORIZED, timeout=30).json()["id"]
        requests.get(url, headers=AUTHORIZED, timeout=30)
        requests.patch(f"{url}/{id_}", json={"fields": {"Name": "b"}}, headers=AUTHORIZED, timeout=30)
        with pytest.raises(requests.ConnectionError):
            requests.delete(f"{url}/{id_}", headers=AUTHORIZED, timeout=30)
        assert [(entry.request.method, entry.status, entry.changed) for entry in server.log] == [
            ("POST", 200, (("created", id_),)),
            ("GET", 200, ()),
            ("PATCH", 502, (("updated", id_),)),
            ("DELETE", None, (("deleted", id_),)),
        ]

    def test_it_closes_while_clients_hold_connections(self) -> None:
        with AirtableServer(Connection(Client().service)) as server, requests.Session() as session:
            assert session.get(f"{server.url}{TASKS}", headers=AUTHORIZED, timeout=30).status_code == 200
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{server.url}{TASKS}", timeout=30)

    def test_a_port_that_is_taken(self, server: AirtableServer) -> None:
        with pytest.raises(OSError, match="in use"):
            AirtableServer(Connection(Client().service), port=int(server.url.rpartition(":")[2]))


class TestTransport:
    @pytest.fixture
    def connection(self) -> Connection:
        def never(seconds: float) -> None:
            raise AssertionError(f"waited for {seconds} s")

        return Connection(Client().service, sleep=never)

    @pytest.fixture
    def api(self, connection: Connection) -> Iterator[Api]:
        api = Api(TOKEN, endpoint_url="https://airtable.test", timeout=(1, 5), retry_strategy=None)
        api.session.mount("https://airtable.test", ServiceTransport(connection))
        yield api
        api.session.close()

    def test_it_reaches_the_service(self, api: Api, connection: Connection) -> None:
        made = api.table(BASE, "Tasks").create({"Name": "ü"})
        assert api.table(BASE, "Tasks").all(formula="Name='ü'") == [made]
        assert [entry.status for entry in connection.log] == [200, 200]

    @pytest.mark.parametrize(
        ("fault", "error", "left"),
        [
            (Fault(FaultKind.DROP), requests.ConnectionError, 1),
            (Fault(FaultKind.DROP, after_commit=False), requests.ConnectionError, 0),
            (Fault(FaultKind.CUT), requests.exceptions.ChunkedEncodingError, 1),
            (Fault(FaultKind.HTML), requests.JSONDecodeError, 1),
            (Fault(FaultKind.DELAY, seconds=5), requests.ReadTimeout, 1),
            (Fault(FaultKind.DELAY, seconds=60, after_commit=False), requests.ReadTimeout, 1),
            (Fault(FaultKind.STATUS, status=500), requests.HTTPError, 1),
            (Fault(FaultKind.STATUS, status=503, after_commit=False), requests.HTTPError, 0),
        ],
    )
    def test_faults(self, api: Api, connection: Connection, fault: Fault, error: type[Exception], left: int) -> None:
        connection.faults.arm(fault)
        with pytest.raises(error):
            api.table(BASE, "Tasks").create({"Name": "a"})
        assert len(connection.service.records(BASE, "Tasks")) == left
        assert connection.log[0].fault is fault

    def test_faults_strike_in_turn_and_the_same_one_can_be_armed_twice(self, connection: Connection, api: Api) -> None:
        drop, second = Fault(FaultKind.DROP, method="GET"), Fault(FaultKind.STATUS, nth=2, status=500)
        connection.faults.arm(drop, drop, second)
        struck = []
        for _ in range(4):
            try:
                api.table(BASE, "Tasks").all()
                struck.append("fine")
            except requests.RequestException as error:
                struck.append(type(error).__name__)
        assert struck == ["ConnectionError", "ConnectionError", "HTTPError", "fine"]


def test_without_requests_the_server_runs_and_the_transport_names_its_extra() -> None:
    hidden = "import sys; sys.modules['requests'] = None; "
    server = [sys.executable, "-c", hidden + "import airtable_local.command"]
    subprocess.run(server, check=True)
    transport = [sys.executable, "-c", hidden + "import airtable_local.transport"]
    done = subprocess.run(transport, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("needs an extra: pip install 'airtable-local[requests]'.\n")
