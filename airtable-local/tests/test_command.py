"""The command: each of its options, in a process that is started and asked."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import define, fields
from pyairtable import Api

from airtable_local import Fault, FaultKind, MissingRecord, Unknowns
from airtable_local.arguments import FAULT_FIELDS, UNKNOWNS, fault, unknown
from served import BASE

# As `python -m airtable_local`, but Ctrl-C ends it even where the tests run in the background.
AS_COMMAND = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("airtable_local", run_name="__main__", alter_sys=True)
"""
AUTHORIZED = {"Authorization": "Bearer patLocal"}
DAY = 86_400


@define
class Running:
    """The command while it runs, and what it printed at first."""

    process: subprocess.Popen[str]
    printed: str

    @property
    def url(self) -> str:
        found = re.search(
            r"^Airtable's Web API at (\S+), base (\w+), table (.*)\. Ctrl-C ends it\.$", self.printed, re.M
        )
        assert found is not None, self.printed
        return f"{found[1]}/v0/{found[2]}/{found[3]}"

    def ask(
        self, method: str, path: str = "", body: object = None, *, patience: float = 60, **options: Any
    ) -> requests.Response:
        timeout = (60, patience)
        return requests.request(method, self.url + path, json=body, headers=AUTHORIZED, timeout=timeout, **options)

    def create(self, **cells: Any) -> dict[str, Any]:
        answer = self.ask("POST", body={"fields": cells})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def names(self, **query: Any) -> list[str]:
        return [record["fields"]["Name"] for record in self.ask("GET", params=query).json()["records"]]

    def reported(self) -> str:
        """The next line about a request, without its time."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().partition(" ")[2].rstrip("\n")


@contextmanager
def command(*arguments: str) -> Iterator[Running]:
    """The command on a free port."""
    with subprocess.Popen(
        [sys.executable, "-c", AS_COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield Running(process, "".join(process.stdout.readline() for _ in range(5)))
        finally:
            process.kill()


def options(name: str, *values: str) -> list[str]:
    return [word for value in values for word in (name, value)]


class TestServing:
    def test_its_lines_work_as_they_are_printed(self) -> None:
        with command("--token", "patMine") as running:
            _, _, _, curl, python = running.printed.splitlines()
            program, _, header, url = shlex.split(curl)
            name, _, value = header.partition(": ")
            assert program == "curl"
            assert requests.get(url, headers={name: value}, timeout=60).json() == {"records": []}
            assert eval(python, {"Api": Api}) == []  # noqa: S307 (our own line)
            running.process.send_signal(signal.SIGINT)
            _, reported = running.process.communicate(timeout=60)
        assert running.process.returncode == 0
        assert re.fullmatch(r"(\d\d:\d\d:\d\d GET /v0/appLocalBase00000/Tasks 200\n){2}\n", reported)

    def test_its_table_takes_tasks(self) -> None:
        cells = {
            "Name": "a",
            "Notes": "b\nc",
            "Status": "Todo",
            "Count": 1,
            "Due": "2026-03-14T15:09:26.000Z",
            "Done": True,
        }
        with command() as running:
            assert running.create(**cells)["fields"] == {**cells, "Number": 1}
            assert re.fullmatch(r"POST /v0/appLocalBase00000/Tasks 200, created rec\w{14}", running.reported())

    def test_the_schema_of_a_base(self, tmp_path: Path) -> None:
        schema = tmp_path / "schema.json"
        columns = [
            {"id": "fldKeyKeyKeyKeyKe", "name": "Key", "type": "singleLineText"},
            {"id": "fldFileFileFileFi", "name": "Files", "type": "multipleAttachments"},
            {"name": "Nr", "type": "autoNumber"},
        ]
        schema.write_text(json.dumps({"tables": [{"id": "tblMineMineMineMi", "name": "Läufe", "fields": columns}]}))
        with command("--schema", str(schema), "--base", BASE) as running:
            assert f"/v0/{BASE}/L%C3%A4ufe\n" in running.printed
            api = Api("patLocal", endpoint_url=running.url.partition("/v0/")[0])
            made = api.table(BASE, "tblMineMineMineMi").create({"fldKeyKeyKeyKeyKe": "a"})
            assert made["fields"] == {"Key": "a", "Nr": 1}
            with pytest.raises(requests.HTTPError, match="INVALID_VALUE_FOR_COLUMN"):
                api.table(BASE, "Läufe").create({"Files": "a"})
            api.session.close()


class TestLimits:
    def test_the_rate_limit(self) -> None:
        flags = options("--unknown", "retry_after_on_429=true", "plural_429_body=true")
        with command("--rate-limit", "1", *flags) as running:
            answers = (running.ask("GET") for _ in range(100))
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert refused.json()["errors"][0]["error"] == "RATE_LIMIT_REACHED"
            assert refused.headers["Retry-After"] == "30"

    def test_the_penalty(self) -> None:
        flags = options("--unknown", "retry_after_on_429=true")
        with command("--rate-limit", "1", "--penalty", "7", *flags) as running:
            answers = (running.ask("GET") for _ in range(100))
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert refused.headers["Retry-After"] == "7"

    def test_a_network(self) -> None:
        with command(
            *options("--delay", "0.1"), *options("--jitter", "0.1"), *options("--connect-delay", "0.2")
        ) as far:
            assert far.ask("GET").elapsed >= timedelta(seconds=0.4)

    def test_the_monthly_quota(self) -> None:
        with command("--monthly-quota", "2") as running:
            assert [running.ask("GET").status_code for _ in range(3)] == [200, 200, 429]
            assert running.ask("GET").json()["error"]["type"] == "PUBLIC_API_BILLING_LIMIT_EXCEEDED"

    def test_the_number_of_records(self) -> None:
        with command("--records-limit", "1") as running:
            running.create(Name="a")
            answer = running.ask("POST", body={"fields": {"Name": "b"}})
            assert (answer.status_code, answer.json()["error"]["type"]) == (422, "RECORD_LIMIT_REACHED")


class TestUnknowns:
    def test_each_takes_effect(self, tmp_path: Path) -> None:
        schema = tmp_path / "schema.json"
        columns = [{"name": "Name", "type": "multilineText"}, {"name": "Count", "type": "number"}]
        columns.append({"name": "Rich", "type": "richText"})
        schema.write_text(json.dumps({"tables": [{"name": "Tasks", "fields": columns}]}))
        given = [
            *("missing_record_status=model_id_not_found", "text_equals_ignores_case=true", "trims_text=true"),
            *("text_equals_its_number=true", "literals_carry_line_breaks=false", "fractional_created_time=true"),
            *("rounds_numbers_to_precision=true", "rich_text_adds_newline=true", "pages_are_a_snapshot=false"),
        ]
        with command("--schema", str(schema), *options("--unknown", *given)) as running:
            made = [running.create(Name=f" name {n}", Count=n + 0.7, Rich="text") for n in range(10)]
            first = made[0]["fields"]
            assert first == {"Name": "name 0", "Count": 1, "Rich": "text\n"}
            assert any(not record["createdTime"].endswith(".000Z") for record in made)
            assert running.ask("GET", "/recMissingMissing").json()["error"]["type"] == "MODEL_ID_NOT_FOUND"
            assert running.names(filterByFormula="{Name}='NAME 0'") == ["name 0"]
            assert running.names(filterByFormula="{Count}='1'") == ["name 0"]
            running.create(Name="two\nlines")
            assert running.names(filterByFormula="{Name}='two\nlines'") == []
            page = running.ask("GET", params={"pageSize": 1, "sort[0][field]": "Name"}).json()
            running.ask("DELETE", f"/{made[1]['id']}")
            page = running.ask("GET", params={"sort[0][field]": "Name", "offset": page["offset"]}).json()
            assert "name 1" not in [record["fields"]["Name"] for record in page["records"]]
        elsewhere = {"retry_after_on_429", "plural_429_body", "lists_see_writes_after"}
        assert {each.partition("=")[0] for each in given} | elsewhere == {each.name for each in fields(Unknowns)}

    def test_lists_that_lag_behind(self) -> None:
        with command("--unknown", f"lists_see_writes_after={DAY}") as running:
            id_ = running.create(Name="a")["id"]
            assert running.names() == []
            assert running.ask("GET", f"/{id_}").status_code == 200

    @pytest.mark.parametrize("name", UNKNOWNS)
    def test_every_field_can_be_set_to_each_of_its_values(self, name: str) -> None:
        default = getattr(Unknowns(), name)
        values: dict[str, object] = {"true": True, "false": False}
        if isinstance(default, MissingRecord):
            values = {each.name.lower(): each for each in MissingRecord}
        if isinstance(default, timedelta):
            values = {"0": timedelta(0), "1.5": timedelta(seconds=1.5), f"{DAY}": timedelta(days=1)}
        assert default in values.values()
        for text, value in values.items():
            assert unknown(f"{name}={text}") == (name, value)


class TestFaults:
    def test_a_lost_answer(self) -> None:
        with command(*options("--fault", "drop method=POST nth=2", "drop method=DELETE after_commit=false")) as running:
            id_ = running.create(Name="a")["id"]
            with pytest.raises(requests.ConnectionError):
                running.create(Name="b")
            with pytest.raises(requests.ConnectionError):
                running.ask("DELETE", f"/{id_}")
            assert sorted(running.names()) == ["a", "b"]
            assert running.reported().endswith(f"200, created {id_}")
            assert re.fullmatch(r"POST \S+ no answer, created rec\w+ \(fault: drop\)", running.reported())
            assert re.fullmatch(r"DELETE \S+ no answer \(fault: drop\)", running.reported())

    def test_an_error(self) -> None:
        given = "status status=502 error='OUT OF ORDER' retry_after=7 method=PATCH path=Tasks/rec\\w+$ times=2"
        with command("--fault", given) as running:
            id_ = running.create(Name="a")["id"]
            for name in ("b", "c"):
                answer = running.ask("PATCH", f"/{id_}", {"fields": {"Name": name}})
                assert (answer.status_code, answer.headers["Retry-After"]) == (502, "7")
                assert answer.json()["error"]["type"] == "OUT OF ORDER"
                assert running.names() == [name]
            assert running.ask("PATCH", f"/{id_}", {"fields": {"Name": "d"}}).status_code == 200

    def test_an_error_by_default(self) -> None:
        with command("--fault", "status after_commit=false") as running:
            assert running.ask("POST", body={"fields": {"Name": "a"}}).status_code == 503
            assert running.names() == []

    def test_answers_that_are_spoilt(self) -> None:
        with command(*options("--fault", "cut", "html")) as running:
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                running.create(Name="a")
            assert running.ask("GET").text.startswith("<html>")
            assert running.names() == ["a"]

    def test_late_answers(self) -> None:
        late = f"delay seconds={DAY} method=POST"
        with command(*options("--fault", late, f"{late} after_commit=false")) as running:
            with pytest.raises(requests.ReadTimeout):
                running.ask("POST", body={"fields": {"Name": "carried out, then late"}}, patience=0.1)
            assert running.reported().endswith("(fault: delay)")
            with pytest.raises(requests.ReadTimeout):
                running.ask("POST", body={"fields": {"Name": "late, then carried out"}}, patience=0.1)
            assert running.names() == ["carried out, then late"]

    def test_every_field_is_read(self) -> None:
        assert fault("drop") == Fault(FaultKind.DROP)
        assert fault("delay seconds=0.5 after_commit=true") == Fault(FaultKind.DELAY, seconds=0.5)
        assert fault("status status=429 error=E retry_after=0 after_commit=false") == Fault(
            FaultKind.STATUS, status=429, error="E", retry_after=0, after_commit=False
        )
        for kind in FaultKind:
            more = "seconds=1 " if kind is FaultKind.DELAY else ""
            read = fault(f"{kind.name.lower()} {more}method=GET path='a b' nth=2 times=3")
            expected = Fault(kind, method="GET", path="a b", nth=2, times=3, seconds=1 if more else 0)
            assert read == expected
        reachable = {name for of_kind in FAULT_FIELDS.values() for name in of_kind}
        assert reachable | {"kind"} == {each.name for each in fields(Fault)}
