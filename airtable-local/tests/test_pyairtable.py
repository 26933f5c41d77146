"""pyairtable, as it is, against the server over HTTP: what it can do, and what its retries do to a create."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest
import requests
from pyairtable import Api, Base, retry_strategy
from pyairtable import Table as Remote
from pyairtable.formulas import AND, EQ, GTE, NOT, OR, RECORD_ID, Field, FunctionCall, match, quoted

from airtable_local import AirtableServer, Column, Connection, Fault, FaultKind, LogEntry, Table
from served import BASE, CHOICES, TASKS, TOKEN, Client


@pytest.fixture
def server() -> Iterator[AirtableServer]:
    with AirtableServer(Connection(Client(TASKS, Table("Ünder / 100%", (Column("Name"),))).service)) as server:
        yield server


@pytest.fixture
def api(server: AirtableServer) -> Iterator[Api]:
    api = Api(TOKEN, endpoint_url=server.url)
    yield api
    api.session.close()


@pytest.fixture
def base(api: Api) -> Base:
    return api.base(BASE)


@pytest.fixture
def tasks(base: Base) -> Remote:
    return base.table("Tasks")


def rows(server: AirtableServer) -> list[dict[str, Any]]:
    return server.connection.service.records(BASE, "Tasks")


class TestOperations:
    def test_create_get_update_replace_delete(self, tasks: Remote, server: AirtableServer) -> None:
        made = tasks.create({"Name": "a", "Count": 1, "Done": True})
        assert tasks.get(made["id"]) == made
        assert tasks.update(made["id"], {"Count": 2})["fields"]["Name"] == "a"
        assert "Name" not in tasks.update(made["id"], {"Count": 3}, replace=True)["fields"]
        assert tasks.delete(made["id"]) == {"id": made["id"], "deleted": True}
        assert rows(server) == []

    def test_batches_go_by_ten(self, tasks: Remote, server: AirtableServer) -> None:
        made = tasks.batch_create([{"Name": f"{n}"} for n in range(25)])
        updated = tasks.batch_update([{"id": each["id"], "fields": {"Count": 1}} for each in made])
        assert [each["fields"]["Name"] for each in updated] == [f"{n}" for n in range(25)]
        assert len(tasks.batch_delete([each["id"] for each in made])) == 25
        assert [entry.request.method for entry in server.log] == ["POST"] * 3 + ["PATCH"] * 3 + ["DELETE"] * 3
        assert [len(entry.changed) for entry in server.log] == [10, 10, 5] * 3

    def test_upserts(self, tasks: Remote) -> None:
        first = tasks.batch_upsert([{"fields": {"Name": "a", "Count": 1}}], key_fields=["Name"])
        second = tasks.batch_upsert([{"fields": {"Name": "a", "Count": 2}}], key_fields=["Name"])
        assert first["createdRecords"] == second["updatedRecords"]
        assert second["createdRecords"] == []

    def test_iterate_is_page_by_page(self, tasks: Remote, server: AirtableServer) -> None:
        tasks.batch_create([{"Name": f"{n}", "Count": n % 2} for n in range(30)])
        begun = len(server.log)
        pages = tasks.iterate(page_size=10, sort=["-Count", "Name"], fields=["Name"], formula=EQ(Field("Count"), 1))
        assert [record["fields"] for record in next(pages)][:2] == [{"Name": "1"}, {"Name": "11"}]
        assert len(server.log) - begun == 1
        assert sum(len(page) for page in pages) == 5
        assert len(tasks.all(max_records=7)) == 7

    def test_formulas_that_it_builds(self, tasks: Remote) -> None:
        at = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
        name = 'it\'s "1\\2" {x} ü 🐘'
        made = tasks.create({"Name": name, "Count": 2.5, "Done": True, "At": at.isoformat(), "Day": "2026-01-02"})
        tasks.create({"Name": "other"})

        def found(formula: Any) -> list[str]:
            return [record["id"] for record in tasks.all(formula=formula)]

        for formula in (
            match({"Name": name, "Count": 2.5, "Done": True, "At": at, "Day": date(2026, 1, 2)}),
            match({"Name": name, "Count": (">", 100)}, match_any=True),
            AND(FunctionCall("EXACT", Field("Name"), name), NOT(EQ(Field("Name"), "other"))),
            OR(EQ(RECORD_ID(), made["id"]), EQ(RECORD_ID(), "recX")),
            GTE(Field("Count"), 2.5),
            f"{{Name}}={quoted(name)}",
        ):
            assert found(formula) == [made["id"]]
        assert tasks.first(formula=match({"Name": "nobody"})) is None

    def test_a_long_formula_goes_by_post(self, tasks: Remote, server: AirtableServer) -> None:
        made = tasks.create({"Name": "a"})
        formula = OR(*(EQ(Field("Name"), f"nobody {n}") for n in range(600)), EQ(Field("Name"), "a"))
        assert [record["id"] for record in tasks.all(formula=formula)] == [made["id"]]
        assert server.log[-1].request.method == "POST"
        assert server.log[-1].request.path.endswith("/listRecords")
        assert server.log[-1].changed == ()

    def test_schema(self, api: Api, base: Base) -> None:
        assert [each.id for each in api.bases()] == [BASE]
        schema = base.table("Tasks", validate=True).schema()
        assert [field.name for field in schema.fields] == [column.name for column in TASKS.columns]
        assert schema.field("Level").type == "singleSelect"
        assert api.whoami()["id"].startswith("usr")

    def test_making_tables_and_fields(self, base: Base) -> None:
        text = {"name": "Key", "type": "singleLineText"}
        made = base.create_table("Made", [text, {"name": "Level", "type": "singleSelect", "options": CHOICES}])
        made.create_field("N", "number", options={"precision": 0})
        assert made.create({"Key": "a", "Level": "Low", "N": 1})["fields"] == {"Key": "a", "Level": "Low", "N": 1}

    def test_a_table_with_a_name_that_needs_encoding(self, base: Base) -> None:
        table = base.table("Ünder / 100%")
        made = table.create({"Name": "ä\n日本"})
        assert table.all(formula=match({"Name": "ä\n日本"})) == [made]

    def test_errors_say_what_was_wrong(self, tasks: Remote) -> None:
        with pytest.raises(requests.HTTPError, match="UNKNOWN_FIELD_NAME") as caught:
            tasks.create({"Nmae": "a"})
        assert caught.value.response.status_code == 422
        with pytest.raises(requests.HTTPError, match="INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"):
            tasks.update("recMissingMissing", {"Name": "a"})
        with pytest.raises(requests.HTTPError, match="ROW_DOES_NOT_EXIST"):
            tasks.batch_update([{"id": "recMissingMissing", "fields": {"Name": "a"}}])
        with pytest.raises(requests.HTTPError, match="INVALID_FILTER_BY_FORMULA"):
            tasks.all(formula="{Nobody}=1")

    def test_many_at_once(self, server: AirtableServer) -> None:
        def work(number: int) -> None:
            api = Api(TOKEN, endpoint_url=server.url)
            for n in range(10):
                made = api.table(BASE, "Tasks").create({"Name": f"{number}-{n}"})
                api.table(BASE, "Tasks").update(made["id"], {"Count": n})
            api.session.close()

        threads = [Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        fields = [record["fields"] for record in rows(server)]
        assert sorted(each["No"] for each in fields) == list(range(1, 81))
        assert {f"{each['Name']}" for each in fields} == {f"{a}-{b}" for a in range(8) for b in range(10)}
        assert all(each["Name"].endswith(f"-{each['Count']}") for each in fields)
        assert len(server.log) == 160


LOST = Fault(FaultKind.DROP)
NEVER_CAME = Fault(FaultKind.DROP, after_commit=False)
TOO_MANY = Fault(FaultKind.STATUS, status=429, after_commit=False)
OVERLOADED = Fault(FaultKind.STATUS, status=503, retry_after=0)
ALWAYS = 1000


def faults(kind: FaultKind, **options: Any) -> Fault:
    return Fault(kind, **options)


class TestRetriesOfACreate:
    """What one call of `create` sends, leaves in the table, and returns or raises, when something goes wrong."""

    def create(self, server: AirtableServer, retries: Any, fault: Fault, timeout: Any = None) -> str:
        server.faults.arm(fault)
        api = Api(TOKEN, endpoint_url=server.url, retry_strategy=retries, timeout=timeout and (5, timeout))
        try:
            api.table(BASE, "Tasks").create({"Name": "one"})
        except requests.RequestException as error:
            return type(error).__name__
        finally:
            api.session.close()
        return "success"

    @pytest.mark.parametrize(
        ("fault", "sent", "left", "seen"),
        [
            (LOST, 2, 2, "success"),
            (faults(FaultKind.DROP, times=ALWAYS), 6, 6, "ConnectionError"),
            (NEVER_CAME, 2, 1, "success"),
            (TOO_MANY, 2, 1, "success"),
            (faults(FaultKind.STATUS, status=429, after_commit=False, times=ALWAYS), 6, 0, "RetryError"),
            *((faults(FaultKind.STATUS, status=s, after_commit=False), 1, 0, "HTTPError") for s in (500, 502, 503)),
            *((faults(FaultKind.STATUS, status=status), 1, 1, "HTTPError") for status in (500, 502, 503, 504)),
            (OVERLOADED, 2, 2, "success"),
            (faults(FaultKind.CUT), 1, 1, "ChunkedEncodingError"),
            (faults(FaultKind.HTML), 1, 1, "JSONDecodeError"),
        ],
    )
    def test_by_default(self, server: AirtableServer, fault: Fault, sent: int, left: int, seen: str) -> None:
        # The default strategy but for its waits: they change no count.
        assert self.create(server, retry_strategy(backoff_factor=0), fault) == seen
        assert (len(server.log), len(rows(server))) == (sent, left)

    @pytest.mark.parametrize(
        ("retries", "fault", "sent", "left", "seen"),
        [
            (True, LOST, 2, 2, "success"),
            (None, LOST, 1, 1, "ConnectionError"),
            (None, TOO_MANY, 1, 0, "HTTPError"),
            (retry_strategy(read=False), LOST, 1, 1, "ConnectionError"),
            (retry_strategy(read=False), TOO_MANY, 2, 1, "success"),
            (retry_strategy(allowed_methods={"GET"}), LOST, 1, 1, "ConnectionError"),
            (retry_strategy(allowed_methods={"GET"}), TOO_MANY, 1, 0, "HTTPError"),
            (retry_strategy(status_forcelist=(429, 500, 502, 503, 504)), LOST, 2, 2, "success"),
            (retry_strategy(status_forcelist=(429, 500, 502, 503, 504)), OVERLOADED, 2, 2, "success"),
            (retry_strategy(read=False, respect_retry_after_header=False), OVERLOADED, 1, 1, "HTTPError"),
        ],
    )
    def test_by_setting(
        self, server: AirtableServer, retries: Any, fault: Fault, sent: int, left: int, seen: str
    ) -> None:
        assert self.create(server, retries, fault) == seen
        assert (len(server.log), len(rows(server))) == (sent, left)

    @pytest.mark.parametrize(("times", "sent", "seen"), [(1, 2, "success"), (ALWAYS, 6, "ConnectionError")])
    def test_answers_that_come_too_late(self, times: int, sent: int, seen: str) -> None:
        ended = Event()
        asked: Queue[LogEntry] = Queue()
        service = Client().service
        connection = Connection(service, sleep=lambda _: (ended.wait(60), None)[1], on_request=asked.put)
        with AirtableServer(connection) as server:
            timeout = 3 if times == 1 else 0.1
            late = Fault(FaultKind.DELAY, seconds=60, times=times)
            assert self.create(server, retry_strategy(backoff_factor=0), late, timeout) == seen
            for _ in range(sent):
                asked.get(timeout=60)
            ended.set()
            assert (len(server.log), len(rows(server))) == (sent, sent)
