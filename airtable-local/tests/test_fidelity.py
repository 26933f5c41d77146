"""What Airtable's Web API does, fact by fact. Each class names the part of its documentation that it follows."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from airtable_local import Column, Limits, MissingRecord, Table, Token, Unknowns
from airtable_local.tables import described_table
from served import BASE, CHOICES, TASKS, TOKEN, Client, encoded, error_of

FORBIDDEN = (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND")
MISSING = "recMissingMissing"


@pytest.fixture
def client() -> Client:
    return Client()


class TestRecords:
    """https://airtable.com/developers/web/api: get record, create, update, delete."""

    def test_a_created_record_is_answered_whole_and_not_wrapped(self, client: Client) -> None:
        record = client.create(Name="a", Count=2)
        assert record.keys() == {"id", "createdTime", "fields"}
        assert len(record["id"]) == 17
        assert record["id"].startswith("rec")
        assert record["id"].isalnum()
        assert record["createdTime"] == "2026-03-14T15:09:26.000Z"
        assert client.ask("GET", record["id"]) == (200, record)

    def test_ten_are_created_in_the_order_of_the_request(self, client: Client) -> None:
        _, answer = client.ask("POST", body={"records": [{"fields": {"Name": str(n)}} for n in range(10)]})
        assert [record["fields"]["Name"] for record in answer["records"]] == [str(n) for n in range(10)]
        assert [record["fields"]["No"] for record in answer["records"]] == list(range(1, 11))

    def test_eleven_are_refused(self, client: Client) -> None:
        status, answer = client.ask("POST", body={"records": [{"fields": {}}] * 11})
        assert (status, answer["error"]["type"]) == (422, "INVALID_RECORDS")
        assert "10 records can be created per request but you have provided 11" in answer["error"]["message"]
        assert client.records() == []

    def test_a_batch_is_written_whole_or_not_at_all(self, client: Client) -> None:
        batch = [{"fields": {"Name": "good"}}, {"fields": {"Nmae": "bad"}}]
        assert error_of(client.ask("POST", body={"records": batch})) == (422, "UNKNOWN_FIELD_NAME")
        assert client.records() == []
        assert client.create()["fields"]["No"] == 1

    def test_patch_changes_the_named_fields_and_put_clears_the_others(self, client: Client) -> None:
        id_ = client.create(Name="a", Count=1, Done=True)["id"]
        _, patched = client.ask("PATCH", id_, {"fields": {"Count": 2}})
        assert {"Name": "a", "Count": 2, "Done": True}.items() <= patched["fields"].items()
        _, put = client.ask("PUT", id_, {"fields": {"Count": 3}})
        assert put["fields"].keys() == {"Count", "No", "Made", "Touched"}

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_a_batch_update_names_each_record_once(self, client: Client, method: str) -> None:
        first, second = client.create(Name="a"), client.create(Name="b")
        batch = [{"id": each["id"], "fields": {"Count": 7}} for each in (second, first)]
        status, answer = client.ask(method, body={"records": batch})
        assert status == 200
        assert [record["id"] for record in answer["records"]] == [second["id"], first["id"]]
        assert error_of(client.ask(method, body={"records": batch + batch[:1]})) == (422, "INVALID_RECORDS")
        assert error_of(client.ask(method, body={"records": [{"fields": {}}]})) == (422, "INVALID_RECORDS")

    def test_deleting_one_and_deleting_some(self, client: Client) -> None:
        ids = [client.create()["id"] for _ in range(3)]
        assert client.ask("DELETE", ids[0]) == (200, {"deleted": True, "id": ids[0]})
        _, answer = client.ask("DELETE", "", None, **{"records[]": ids[1:]})
        assert answer == {"records": [{"deleted": True, "id": id_} for id_ in ids[1:]]}
        assert client.records() == []
        assert error_of(client.ask("DELETE", ids[0])) == FORBIDDEN

    @pytest.mark.parametrize("query", [{}, {"records": "recMissingMissing"}])
    def test_deleting_nobody_is_refused(self, client: Client, query: dict[str, str]) -> None:
        assert client.ask("DELETE", **query)[0] == 422

    def test_get_finds_a_record_anywhere_in_the_base(self) -> None:
        client = Client(TASKS, Table("Other", (Column("Name"),)))
        _, other = client.ask("POST", f"/{BASE}/Other", {"fields": {"Name": "elsewhere"}})
        assert client.ask("GET", other["id"]) == (200, other)
        assert error_of(client.ask("PATCH", other["id"], {"fields": {}})) == FORBIDDEN

    def test_fields_by_id(self, client: Client) -> None:
        _, made = client.ask("POST", body={"fields": {"Name": "a"}, "returnFieldsByFieldId": True})
        assert all(name.startswith("fld") for name in made["fields"])
        name_id = next(id_ for id_, value in made["fields"].items() if value == "a")
        assert client.create(**{name_id: "b"})["fields"]["Name"] == "b"
        assert client.ask("GET", made["id"], returnFieldsByFieldId="true")[1] == made
        assert client.listed(returnFieldsByFieldId="true", filterByFormula="Name='a'") == [made]

    @pytest.mark.parametrize("name", ["Ünïcode/äöü?", "50% & more + less", "日本語 テーブル", "tab#1"])
    def test_a_table_by_its_encoded_name_or_its_id(self, name: str) -> None:
        client = Client(Table(name, (Column("Name"),)))
        _, schema = client.ask("GET", f"/meta/bases/{BASE}/tables")
        _, made = client.ask("POST", f"/{BASE}/{encoded(name)}", {"fields": {"Name": "ä 日"}})
        assert client.ask("GET", f"/{BASE}/{schema['tables'][0]['id']}/{made['id']}") == (200, made)


class TestCreation:
    """What can create a record: POST, and an upsert without an id; nothing else. (Update multiple records.)"""

    def test_there_is_no_unique_constraint(self, client: Client) -> None:
        client.create(Name="twin")
        client.create(Name="twin")
        assert len(client.records()) == 2

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_updating_a_missing_record_creates_none(self, client: Client, method: str) -> None:
        assert error_of(client.ask(method, MISSING, {"fields": {"Name": "a"}})) == FORBIDDEN
        batch = {"records": [{"id": MISSING, "fields": {"Name": "a"}}]}
        status, answer = client.ask(method, body=batch)
        assert (status, answer["error"]["type"]) == (422, "ROW_DOES_NOT_EXIST")
        assert answer["error"]["message"] == f"Record ID {MISSING} does not exist in this table"
        assert client.records() == []

    def upsert(self, client: Client, *records: object, on: object = ("Name",)) -> tuple[int, Any]:
        merge = {"fieldsToMergeOn": list(on) if isinstance(on, tuple) else on}
        return client.ask("PATCH", body={"records": list(records), "performUpsert": merge})

    def test_an_upsert_creates_what_it_does_not_find_and_updates_what_it_finds(self, client: Client) -> None:
        status, answer = self.upsert(client, {"fields": {"Name": "a", "Count": 1}})
        assert status == 200
        assert answer["createdRecords"] == [answer["records"][0]["id"]]
        assert answer["updatedRecords"] == []
        _, again = self.upsert(client, {"fields": {"Name": "a", "Count": 2}})
        assert again["createdRecords"] == []
        assert again["updatedRecords"] == answer["createdRecords"]
        assert [record["fields"]["Count"] for record in client.records()] == [2]

    def test_an_upsert_that_finds_several_fails(self, client: Client) -> None:
        client.create(Name="a")
        client.create(Name="a")
        assert self.upsert(client, {"fields": {"Name": "a"}})[0] == 422
        assert len(client.records()) == 2

    def test_an_upsert_with_a_missing_id_creates_none(self, client: Client) -> None:
        answer = self.upsert(client, {"id": MISSING, "fields": {"Name": "a"}})
        assert error_of(answer) == (422, "ROW_DOES_NOT_EXIST")
        assert client.records() == []

    @pytest.mark.parametrize("on", [[], ["Name", "Count", "Day", "Level"], "Name", None])
    def test_an_upsert_merges_on_one_to_three_fields(self, client: Client, on: object) -> None:
        assert self.upsert(client, {"fields": {"Name": "a"}}, on=on)[0] == 422

    @pytest.mark.parametrize("column", ["No", "Sum", "At", "Done", "Made"])
    def test_an_upsert_cannot_merge_on_computed_fields_and_times(self, client: Client, column: str) -> None:
        assert self.upsert(client, {"fields": {"Name": "a"}}, on=(column,))[0] == 422

    @pytest.mark.parametrize("column", ["Name", "Notes", "Count", "Level", "Tags", "Day"])
    def test_an_upsert_merges_on_these(self, client: Client, column: str) -> None:
        values = {"Name": "a", "Notes": "b", "Count": 1, "Level": "Low", "Tags": ["Low"], "Day": "2026-01-02"}
        for _ in range(2):
            assert self.upsert(client, {"fields": values}, on=(column,))[0] == 200
        assert len(client.records()) == 1

    def test_an_upsert_needs_the_value_to_merge_on(self, client: Client) -> None:
        assert self.upsert(client, {"fields": {"Count": 1}})[0] == 422


class TestListing:
    """https://airtable.com/developers/web/api/list-records."""

    @pytest.fixture
    def many(self, client: Client) -> Client:
        for start in range(0, 250, 10):
            batch = [{"fields": {"Name": f"{n:03}", "Count": n % 7}} for n in range(start, start + 10)]
            assert client.ask("POST", body={"records": batch})[0] == 200
        return client

    def pages(self, client: Client, **query: Any) -> list[list[str]]:
        pages: list[list[str]] = []
        offset: dict[str, Any] = {}
        while True:
            status, page = client.ask("GET", **query, **offset)
            assert status == 200, page
            pages.append([record["fields"].get("Name") for record in page["records"]])
            if "offset" not in page:
                return pages
            offset = {"offset": page["offset"]}

    def test_pages_of_a_hundred_and_no_offset_at_the_end(self, many: Client) -> None:
        pages = self.pages(many)
        assert [len(page) for page in pages] == [100, 100, 50]
        assert {name for page in pages for name in page} == {f"{n:03}" for n in range(250)}

    def test_page_size_and_max_records(self, many: Client) -> None:
        assert [len(page) for page in self.pages(many, pageSize=40, maxRecords=90)] == [40, 40, 10]
        assert [len(page) for page in self.pages(many, maxRecords=100)] == [100]

    @pytest.mark.parametrize("size", ["0", "101", "-1", "ten", "1.5", "1" * 5000, "²"])
    def test_a_page_size_is_1_to_100(self, client: Client, size: str) -> None:
        assert error_of(client.ask("GET", pageSize=size)) == (422, "INVALID_REQUEST_UNKNOWN")

    def test_an_offset_looks_like_an_iterator_and_a_record(self, many: Client) -> None:
        _, page = many.ask("GET", pageSize=1)
        iterator, record = page["offset"].split("/")
        assert (iterator[:3], len(iterator), record[:3], len(record)) == ("itr", 17, "rec", 17)

    @pytest.mark.parametrize("offset", ["nonsense", "itrAAAAAAAAAAAAAA", "/", "recAAAAAAAAAAAAAA/itrAAAAAAAAAAAAAA"])
    def test_what_is_no_offset(self, client: Client, offset: str) -> None:
        assert error_of(client.ask("GET", offset=offset)) == (422, "INVALID_OFFSET_VALUE")

    @pytest.mark.parametrize("ending", ["time", "restart"])
    def test_an_iterator_that_is_gone(self, many: Client, ending: str) -> None:
        _, page = many.ask("GET")
        if ending == "time":
            many.clock.advance(301)
        else:
            many.service.expire_iterators()
        assert error_of(many.ask("GET", offset=page["offset"])) == (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE")

    def test_the_iterator_of_another_table(self) -> None:
        client = Client(TASKS, Table("Other", (Column("Name"),)))
        for _ in range(2):
            client.create()
        _, page = client.ask("GET", pageSize=1)
        answer = client.ask("GET", f"/{BASE}/Other", offset=page["offset"])
        assert error_of(answer) == (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE")

    def test_without_sort_or_view_the_order_is_not_that_of_creation(self, many: Client) -> None:
        names = [name for page in self.pages(many) for name in page]
        assert names != sorted(names)

    @pytest.mark.parametrize("key", ["name", "id"])
    def test_the_view_is_in_the_order_of_creation(self, many: Client, key: str) -> None:
        _, schema = many.ask("GET", f"/meta/bases/{BASE}/tables")
        names = [name for page in self.pages(many, view=schema["tables"][0]["views"][0][key]) for name in page]
        assert names == sorted(names)
        assert many.ask("GET", view="No such view")[0] == 422

    def test_sort_by_several_fields(self, many: Client) -> None:
        query = {"sort[0][field]": "Count", "sort[0][direction]": "desc", "sort[1][field]": "Name"}
        names = [name for page in self.pages(many, **query) for name in page]
        assert names == sorted(names, key=lambda name: (-(int(name) % 7), name))

    def test_the_sorts_are_taken_in_the_order_of_their_numbers(self, many: Client) -> None:
        query = {"sort[1][field]": "Name", "sort[0][field]": "Count"}
        names = [name for page in self.pages(many, **query) for name in page]
        assert names == sorted(names, key=lambda name: (int(name) % 7, name))

    def test_empty_cells_sort_first_and_choices_by_their_place(self, client: Client) -> None:
        for level in ("High", None, "Low", "Mid"):
            client.create(Level=level)
        found = client.listed(**{"sort[0][field]": "Level"})
        assert [record["fields"].get("Level") for record in found] == [None, "Low", "Mid", "High"]

    @pytest.mark.parametrize(
        "query",
        [
            {"sort[0][field]": "Nobody"},
            {"sort[0][direction]": "desc"},
            {"sort[0][field]": "Name", "sort[0][direction]": "down"},
            {"sort": "Name"},
            {"fields": "Name"},
            {"fields[]": "Nobody"},
            {"cellFormat": "string"},
        ],
    )
    def test_options_that_are_refused(self, client: Client, query: dict[str, str]) -> None:
        assert client.ask("GET", **query)[0] == 422

    @pytest.mark.parametrize("name", ["fields[]", "fields[0]"])
    def test_only_the_fields_that_are_asked_for(self, client: Client, name: str) -> None:
        client.create(Name="a", Count=1, Done=True)
        assert client.listed(**{name: "Count"})[0]["fields"] == {"Count": 1}

    def test_a_query_that_mixes_shapes_does_no_harm(self, client: Client) -> None:
        odd = {"fields": "x", "fields[]": "Name", "fields[0][a]": "y", "sort[][a][b]": "z", "a]b[": "c"}
        assert client.ask("GET", **odd)[0] in (200, 422)

    def test_list_records_by_post_takes_the_same_options(self, many: Client) -> None:
        options = {
            "filterByFormula": "{Count}=3",
            "fields": ["Name"],
            "sort": [{"field": "Name", "direction": "desc"}],
            "pageSize": 20,
            "maxRecords": 30,
        }
        _, first = many.ask("POST", "listRecords", options)
        _, second = many.ask("POST", "listRecords", {**options, "offset": first["offset"]})
        names = [record["fields"]["Name"] for record in first["records"] + second["records"]]
        assert names == [f"{n:03}" for n in range(249, -1, -1) if n % 7 == 3][:30]
        assert "offset" not in second

    def test_an_option_that_does_not_exist_is_refused(self, client: Client) -> None:
        row = client.create(Name="kept")
        for method, path, body, query in (
            ("GET", "", None, {"filterByFormlua": "1"}),
            ("GET", row["id"], None, {"fields[]": "Name"}),
            ("POST", "listRecords", {"pagesize": 3}, {}),
            ("POST", "", {"fields": {"Name": "x"}, "typeCast": True}, {}),
            ("POST", "", {"records": [{"fields": {"Name": "x"}, "id": "rec"}]}, {}),
            ("POST", "", {"fields": {"Name": "x"}, "performUpsert": {"fieldsToMergeOn": ["Name"]}}, {}),
            ("PATCH", row["id"], {"fields": {"Name": "x"}, "upsert": True}, {}),
            ("PATCH", "", {"records": [{"id": row["id"], "field": {}, "fields": {}}]}, {}),
            ("DELETE", row["id"], None, {"force": "true"}),
            ("DELETE", "", None, {"records[]": row["id"], "force": "true"}),
        ):
            status, answer = client.ask(method, path, body, **query)
            assert (status, answer["error"]["type"]) == (422, "INVALID_REQUEST_UNKNOWN"), (method, path, body, query)
        assert [record["fields"]["Name"] for record in client.records()] == ["kept"]

    def test_a_url_has_at_most_16000_characters(self, client: Client) -> None:
        short = len(f"http://localhost/v0/{BASE}/Tasks?userLocale=")
        assert client.ask("GET", userLocale="a" * (16_000 - short))[0] == 200
        assert client.ask("GET", userLocale="a" * (16_001 - short))[0] == 414
        assert client.ask("POST", "listRecords", {"filterByFormula": "'" + "a" * 20_000 + "'"})[0] == 200


class TestFormulas:
    """https://airtable.com/developers/web/api/list-records (filterByFormula), and the formula field reference."""

    @pytest.fixture
    def tasks(self, client: Client) -> Client:
        client.create(Name="full", Notes="say 'hi'", Count=3, Done=True, Level="Mid", At="2026-01-02T03:04:05.678Z")
        client.create(Name="zero", Notes="back\\slash", Count=0)
        client.create(Name="empty")
        return client

    @pytest.mark.parametrize(
        ("formula", "selected"),
        [
            ("{Name}='full'", {"full"}),
            ("Name != 'full'", {"zero", "empty"}),
            ('{Name}="FULL"', set()),
            ("EXACT({Name}, 'full')", {"full"}),
            ("LOWER(TRIM({Name}))='full'", {"full"}),
            (r"{Notes}='say \'hi\''", {"full"}),
            (r'{Notes}="say \'hi\'"', {"full"}),
            (r"{Notes}='back\\slash'", {"zero"}),
            ("{Notes}='say ''hi'''", "INVALID"),
            ("{Notes}=''", {"empty"}),
            ("{Notes}=BLANK()", {"empty"}),
            ("{Count}=BLANK()", {"zero", "empty"}),
            ("{Count}=3", {"full"}),
            ("{Count}>=1", {"full"}),
            ("{Done}", {"full"}),
            ("NOT({Done})", {"zero", "empty"}),
            ("{Done}=TRUE()", {"full"}),
            ("{Level}='Mid'", {"full"}),
            ("{At}=DATETIME_PARSE('2026-01-02T03:04:05.678Z')", {"full"}),
            ("{At}=DATETIME_PARSE('2026-01-02T03:04:05.679Z')", set()),
            ("IS_AFTER({At}, '2026-01-01')", {"full"}),
            ("IS_SAME({At}, DATETIME_PARSE('2026-01-02'), 'day')", {"full"}),
            ("CREATED_TIME()<DATETIME_PARSE('2026-03-15')", {"full", "zero", "empty"}),
            ("OR(Name='full', Name='zero')", {"full", "zero"}),
            ("AND(Name='full', {Count}=0)", set()),
            ("1", {"full", "zero", "empty"}),
            ("0", set()),
            ("''", set()),
            ("FALSE()", set()),
            ("BLANK()", set()),
            ("1/0", set()),
            ("ERROR()", set()),
            ("10/{Count}", {"full"}),
            ("1e999-1e999", set()),
            ("('a'='a')&'x'", {"full", "zero", "empty"}),
            ("('a'='a')+0", {"full", "zero", "empty"}),
            ("x' OR TRUE() OR 'x", "INVALID"),
            ("{Name", "INVALID"),
            ("{Name}='", "INVALID"),
            ("AND()", "INVALID"),
            ("NO_SUCH({Name})", "INVALID"),
            ("{Nobody}=1", "INVALID"),
        ],
    )
    def test_what_a_formula_selects(self, tasks: Client, formula: str, selected: set[str] | str) -> None:
        if selected == "INVALID":
            answer = tasks.ask("GET", filterByFormula=formula)
            assert error_of(answer) == (422, "INVALID_FILTER_BY_FORMULA")
            assert answer[1]["error"]["message"].startswith("The formula for filtering records is invalid: ")
        else:
            assert tasks.names(formula) == selected

    @pytest.mark.parametrize(
        ("formula", "value"),
        [
            ("1+2*3-4/2", 5),
            ("(1+2)*3", 9),
            ("-(2)--3", 1),
            ("7-2-1", 4),
            ("'a'&1&BLANK()&2.5", "a12.5"),
            ("1<2", 1),
            ("IF(1=2, 1/0, 'no')", "no"),
            ("SWITCH(2, 1, 'one', 2, 'two', 'many')", "two"),
            ("SWITCH(9, 1, 'one', 2, 'two', 'many')", "many"),
            ("ISERROR(1/0)", 1),
            ("XOR(1, 1, 1)", 1),
            ("CONCATENATE('a', 1, TRUE())", "a11"),
            ("FIND('b', 'abcb')", 2),
            ("FIND('b', 'abcb', 3)", 4),
            ("FIND('x', 'abc')", 0),
            ("LEN('abc')", 3),
            ("LEFT('abc', 2)", "ab"),
            ("RIGHT('abc', 2)", "bc"),
            ("RIGHT('abc', 9)", "abc"),
            ("MID('abcdef', 2, 3)", "bcd"),
            ("REPLACE('abcdef', 2, 3, 'X')", "aXef"),
            ("SUBSTITUTE('aXbXc', 'X', '-')", "a-b-c"),
            ("SUBSTITUTE('aXbXc', 'X', '-', 2)", "aXb-c"),
            ("REPT('ab', 3)", "ababab"),
            ("VALUE('12.5')", 12.5),
            ("ENCODE_URL_COMPONENT('a b/ü')", "a%20b%2F%C3%BC"),
            ("SUM(1, 2, 3.5)", 6.5),
            ("AVERAGE(1, 2)", 1.5),
            ("MAX(1, 3, 2)-MIN(1, 3, 2)", 2),
            ("COUNT(1, 'a', BLANK())", 1),
            ("COUNTA(1, 'a', BLANK())", 2),
            ("COUNTALL(1, 'a', BLANK())", 3),
            ("ROUND(2.5)", 3),
            ("ROUND(-2.5)", -2),
            ("ROUND(1.256, 2)", 1.26),
            ("ROUNDUP(-1.21, 1)", -1.3),
            ("ROUNDDOWN(1.29, 1)", 1.2),
            ("CEILING(7, 3)", 9),
            ("FLOOR(7, 3)", 6),
            ("INT(-1.5)", -2),
            ("MOD(-1, 3)", 2),
            ("POWER(2, 10)", 1024),
            ("SQRT(9)+ABS(-1)", 4),
            ("EVEN(1.5)+ODD(2)", 5),
            ("LOG(1000)", 3),
            ("DATETIME_DIFF('2026-03-01', '2026-02-01', 'days')", 28),
            ("DATETIME_DIFF('2026-02-01', '2026-03-02', 'months')", -1),
            ("DATESTR(DATEADD('2026-01-31', 1, 'month'))", "2026-02-28"),
            ("DATETIME_FORMAT(DATEADD('2026-01-01', 90, 'minutes'), 'YYYY-MM-DD HH:mm')", "2026-01-01 01:30"),
            ("TIMESTR('2026-01-01T02:03:04Z')", "02:03:04"),
            ("YEAR('2026-01-02')+MONTH('2026-01-02')+DAY('2026-01-02')", 2029),
            ("WEEKDAY('2026-03-15')", 0),
            ("WEEKDAY('2026-03-15', 'Monday')", 6),
            ("DATESTR(TODAY())", "2026-03-14"),
            ("TIMESTR(NOW())", "15:09:26"),
        ],
    )
    def test_the_value_of_an_expression(self, client: Client, formula: str, value: float | str) -> None:
        client.create(Name="one")
        wanted = f"ABS(({formula})-({value}))<0.000001" if isinstance(value, (int, float)) else f"({formula})='{value}'"
        assert client.names(wanted) == {"one"}

    @pytest.mark.parametrize(
        "formula",
        [
            "FIND('a', 'b', 1e999)",
            "LEFT('a', 1e999-1e999)",
            "POWER(-8, 1/3)",
            "POWER(10, 400)",
            "SQRT(-1)",
            "LOG(0)",
            "MOD(1, 0)",
            "ROUND(1, 1e9)",
            "REPT('a', 1e9)",
            "SUBSTITUTE(REPT('a', 90000), 'a', REPT('b', 90000))",
            "DATEADD('9999-12-31', 1, 'day')",
            "DATEADD('2026-01-01', 1e300, 'day')",
            "DATEADD('2026-01-01', 1, 'fortnight')",
            "DATETIME_PARSE('0001-01-01T00:00:00+23:00')",
            "DATETIME_PARSE('2026-13-01')",
            "VALUE('nan')",
            "'a'<1",
            "'a'+1",
        ],
    )
    def test_what_has_no_value(self, client: Client, formula: str) -> None:
        client.create(Name="one")
        assert client.names(f"ISERROR({formula})") == {"one"}

    def test_the_id_of_a_record(self, tasks: Client) -> None:
        ids = [record["id"] for record in tasks.records()]
        assert tasks.names(f"RECORD_ID()='{ids[0]}'") == {"full"}
        assert tasks.names(f"OR(RECORD_ID()='{ids[0]}', RECORD_ID()='{ids[2]}')") == {"full", "empty"}

    def test_an_unknown_field_is_named_in_lower_case(self, client: Client) -> None:
        _, answer = client.ask("GET", filterByFormula="{No Such}=1")
        assert "Unknown field names: no such" in answer["error"]["message"]

    def test_one_escaped_brace_in_a_name_and_no_more(self) -> None:
        client = Client(Table("Tasks", (Column("Name"), Column("a}b"), Column("a}b}"), Column("{c"), Column("Brace}"))))
        client.create(Name="braced", **{"a}b": "x", "a}b}": "x", "{c": "x", "Brace}": "x"})
        assert client.names(r"{Brace\}}='x'") == {"braced"}
        assert client.names(r"AND({Brace\}}='x', {Name}='braced')") == {"braced"}
        assert client.names(r"{a\}b}='x'") == {"braced"}
        assert client.names("{{c}='x'") == {"braced"}
        assert error_of(client.ask("GET", filterByFormula=r"{a\}b\}}='x'")) == (422, "INVALID_FILTER_BY_FORMULA")

    def test_a_formula_of_any_depth_has_an_answer(self, client: Client) -> None:
        client.create(Name="deep")
        for depth in (50, 200, 3000):
            nested = "NOT(" * depth + "1" + ")" * depth
            assert client.ask("POST", "listRecords", {"filterByFormula": nested})[0] in (200, 422)
        _, wide = client.ask("POST", "listRecords", {"filterByFormula": "1" + "+1" * 5000})
        assert len(wide["records"]) == 1
        assert len(client.ask("POST", "listRecords", {"filterByFormula": "(" * 5000 + "1" + ")" * 5000})[1]) == 1


class TestMetadata:
    """https://airtable.com/developers/web/api: list bases, get base schema, create table, create field."""

    def test_who_am_i(self, client: Client) -> None:
        status, me = client.ask("GET", "/meta/whoami")
        assert (status, me["id"][:3]) == (200, "usr")
        assert "data.records:write" in me["scopes"]

    def test_the_bases_and_their_tables(self, client: Client) -> None:
        assert client.ask("GET", "/meta/bases") == (
            200,
            {"bases": [{"id": BASE, "name": "Fidelity", "permissionLevel": "create"}]},
        )
        _, schema = client.ask("GET", f"/meta/bases/{BASE}/tables")
        (table,) = schema["tables"]
        assert table["name"] == "Tasks"
        assert table["primaryFieldId"] == table["fields"][0]["id"]
        assert [field["type"] for field in table["fields"]] == [column.type for column in TASKS.columns]
        assert table["views"][0]["id"].startswith("viw")

    def test_the_schema_of_a_table_makes_the_same_table_again(self, client: Client) -> None:
        _, schema = client.ask("GET", f"/meta/bases/{BASE}/tables")
        twin = Client(*map(described_table, schema["tables"]))
        assert twin.ask("GET", f"/meta/bases/{BASE}/tables")[1] == schema

    def create_table(self, client: Client, *fields: object, name: object = "New") -> tuple[int, Any]:
        return client.ask("POST", f"/meta/bases/{BASE}/tables", {"name": name, "fields": list(fields)})

    def test_the_first_field_of_a_new_table_is_its_primary_one(self, client: Client) -> None:
        number = {"name": "N", "type": "number", "options": {"precision": 0}}
        status, table = self.create_table(client, {"name": "Key", "type": "singleLineText"}, number)
        assert status == 200
        assert table["primaryFieldId"] == table["fields"][0]["id"]
        assert client.ask("POST", f"/{BASE}/New", {"fields": {"Key": "a", "N": 1}})[0] == 200

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("Tasks", [{"name": "a", "type": "singleLineText"}]),
            ("", [{"name": "a", "type": "singleLineText"}]),
            (None, [{"name": "a", "type": "singleLineText"}]),
            ("New", []),
            ("New", ["a"]),
            ("New", [{"name": "a", "type": "singleLineText"}, {"name": "A", "type": "email"}]),
            ("New", [{"name": "", "type": "singleLineText"}]),
            ("New", [{"name": "a", "type": "nonsense"}]),
            ("New", [{"name": "a", "type": ["number"]}]),
            ("New", [{"name": "a", "type": "number"}]),
            ("New", [{"name": "a", "type": "number", "options": {"precision": 9}}]),
            ("New", [{"name": "a", "type": "number", "options": 3}]),
            ("New", [{"name": "a", "type": "singleSelect"}]),
            ("New", [{"name": "a", "type": "singleSelect", "options": {"choices": [{}]}}]),
            ("New", [{"name": "a", "type": "singleSelect", "options": {"choices": 5}}]),
            ("New", [{"name": "a", "type": "checkbox"}]),
            ("New", [{"name": "a", "type": "dateTime"}]),
            ("New", [{"name": "a", "type": "autoNumber"}]),
            ("New", [{"name": "a", "type": "createdTime"}]),
            ("New", [{"name": "a", "type": "formula", "options": {"formula": "1"}}]),
        ],
    )
    def test_tables_that_are_refused(self, client: Client, name: object, fields: list[object]) -> None:
        assert self.create_table(client, *fields, name=name)[0] == 422
        assert len(client.ask("GET", f"/meta/bases/{BASE}/tables")[1]["tables"]) == 1

    def test_a_new_field(self, client: Client) -> None:
        path = f"/meta/bases/{BASE}/tables/Tasks/fields"
        status, field = client.ask("POST", path, {"name": "Site", "type": "url"})
        assert (status, field["name"], field["type"]) == (200, "Site", "url")
        assert client.create(Site="https://example.org")["fields"]["Site"] == "https://example.org"
        again = client.ask("POST", path, {"name": "SITE", "type": "url"})
        assert error_of(again) == (422, "DUPLICATE_OR_EMPTY_FIELD_NAME")


class TestPermissions:
    """https://airtable.com/developers/web/api: scopes, errors."""

    def test_no_token_and_a_wrong_one(self, client: Client) -> None:
        client.token = ""
        assert error_of(client.ask("GET")) == (401, "AUTHENTICATION_REQUIRED")
        client.token = TOKEN + "x"
        assert error_of(client.ask("GET")) == (401, "UNAUTHORIZED")

    @pytest.mark.parametrize(
        ("missing", "method", "path"),
        [
            ("data.records:read", "GET", ""),
            ("data.records:read", "POST", "listRecords"),
            ("data.records:write", "POST", ""),
            ("data.records:write", "PATCH", ""),
            ("data.records:write", "DELETE", MISSING),
            ("schema.bases:read", "GET", "/meta/bases"),
            ("schema.bases:read", "GET", f"/meta/bases/{BASE}/tables"),
            ("schema.bases:write", "POST", f"/meta/bases/{BASE}/tables"),
        ],
    )
    def test_each_operation_needs_its_scope(self, missing: str, method: str, path: str) -> None:
        client = Client(tokens=(Token(TOKEN, scopes=Token("").scopes - {missing}),))
        assert error_of(client.ask(method, path, {"fields": {}, "name": "N"})) == FORBIDDEN
        assert client.ask("GET", "/meta/whoami")[0] == 200

    def test_a_base_that_the_token_does_not_have_and_one_that_is_not_there(self) -> None:
        client = Client(tokens=(Token(TOKEN, bases=frozenset({"appSomewhereElse1"})),))
        assert error_of(client.ask("GET")) == FORBIDDEN
        assert client.ask("GET", "/meta/bases") == (200, {"bases": []})
        assert error_of(client.ask("GET", "/appNowhereAtAll01/Tasks")) == FORBIDDEN

    def test_a_table_that_is_not_there(self, client: Client) -> None:
        assert error_of(client.ask("GET", f"/{BASE}/tasks")) == FORBIDDEN

    def test_a_user_who_may_only_read_and_one_who_may_only_edit(self) -> None:
        reader = Client(tokens=(Token(TOKEN, permission="read"),))
        assert reader.listed() == []
        assert error_of(reader.ask("POST", body={"fields": {}})) == (403, "INVALID_PERMISSIONS")
        editor = Client(tokens=(Token(TOKEN, permission="edit"),))
        assert editor.create(Level="Low")["fields"]["Level"] == "Low"
        tables = f"/meta/bases/{BASE}/tables"
        assert error_of(editor.ask("POST", tables, {})) == (403, "INVALID_PERMISSIONS")
        new = editor.ask("POST", body={"fields": {"Level": "Brand new"}, "typecast": True})
        assert error_of(new) == (422, "INVALID_MULTIPLE_CHOICE_OPTIONS")

    def test_a_token_is_not_in_its_repr(self) -> None:
        assert "secret" not in repr(Token("patsecret"))

    @pytest.mark.parametrize("path", ["/", "/nonsense/Tasks", "/meta", "/meta/nonsense", f"/{BASE}"])
    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
    def test_bad_routes(self, client: Client, method: str, path: str) -> None:
        assert error_of(client.ask(method, path, {})) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("id_", ["nonsense", "recShort", "rec-------------!", "tblMissingMissing"])
    def test_a_malformed_record_id(self, client: Client, id_: str) -> None:
        for method in ("GET", "PATCH", "DELETE"):
            assert error_of(client.ask(method, id_, {"fields": {}})) == (404, "NOT_FOUND")


class TestLimits:
    """https://airtable.com/developers/web/api/rate-limits, and "Managing API call limits" of Airtable support."""

    def test_five_a_second_and_then_thirty_seconds_of_refusals(self) -> None:
        client = Client(limits=Limits(requests_per_second=5))
        for _ in range(5):
            client.clock.advance(0.1)
            assert client.ask("GET")[0] == 200
        assert error_of(client.ask("GET")) == (429, "RATE_LIMIT_REACHED")
        assert "Retry-After" not in client.headers
        client.clock.advance(29.9)
        assert client.ask("POST", body={"fields": {}})[0] == 429
        client.clock.advance(0.1)
        assert client.ask("GET")[0] == 200
        assert client.records() == []

    def test_five_a_second_for_as_long_as_you_like(self) -> None:
        client = Client(limits=Limits(requests_per_second=5))
        for _ in range(50):
            assert client.ask("GET")[0] == 200
            client.clock.advance(0.2)

    def test_each_base_has_its_own_limit(self) -> None:
        client = Client(limits=Limits(requests_per_second=1))
        other = client.service.add_base("Other", [TASKS])
        assert client.ask("GET")[0] == 200
        assert client.ask("GET", f"/{other}/Tasks")[0] == 200
        assert client.ask("GET")[0] == 429

    def test_the_months_calls_are_used_up(self) -> None:
        client = Client(limits=Limits(requests_left_this_month=2))
        assert [client.ask("GET")[0] for _ in range(3)] == [200, 200, 429]
        client.clock.advance(3600)
        assert error_of(client.ask("GET")) == (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED")
        assert client.ask("GET", "/meta/bases")[0] == 200

    def test_a_full_base(self) -> None:
        client = Client(limits=Limits(records_per_base=3))
        for _ in range(2):
            client.create()
        assert client.ask("POST", body={"records": [{"fields": {}}] * 2})[0] == 422
        id_ = client.create()["id"]
        assert client.ask("POST", body={"fields": {}})[0] == 422
        assert client.ask("PATCH", id_, {"fields": {"Name": "still"}})[0] == 200
        assert client.ask("DELETE", id_)[0] == 200
        client.create()


class TestRequestBodies:
    """Errors of https://airtable.com/developers/web/api/errors, and as users report them."""

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"\xff", b'{"fields": NaN}', b"1" * 9999, b'{"fields":' + b"[" * 9999]
    )
    def test_what_is_no_json_object(self, client: Client, body: bytes) -> None:
        assert error_of(client.ask("POST", body=body)) == (422, "INVALID_REQUEST_BODY")

    @pytest.mark.parametrize(
        "body", [{}, {"fields": None}, {"fields": []}, {"records": None}, {"records": [1]}, {"records": [{}]}]
    )
    def test_fields_are_needed(self, client: Client, body: object) -> None:
        assert error_of(client.ask("POST", body=body)) == (422, "INVALID_REQUEST_MISSING_FIELDS")

    def test_field_names_are_matched_exactly(self, client: Client) -> None:
        _, answer = client.ask("POST", body={"fields": {"name": "a"}})
        assert answer["error"] == {"type": "UNKNOWN_FIELD_NAME", "message": 'Unknown field name: "name"'}


class TestValues:
    """https://airtable.com/developers/web/api/field-model."""

    @pytest.mark.parametrize(
        ("column", "value", "shown"),
        [
            ("Name", "  as it is \n\u2028🐘", "  as it is \n\u2028🐘"),
            ("Name", "x" * 100_000, "x" * 100_000),
            ("Name", "\ud800", "\ud800"),
            ("Notes", "two\nlines", "two\nlines"),
            ("Count", 2, 2),
            ("Count", 2.25, 2.25),
            ("Count", -0.1, -0.1),
            ("Count", 2**53 + 1, 2**53),
            ("Price", 9.99, 9.99),
            ("Share", 0.5, 0.5),
            ("Took", 1.5, 1.5),
            ("Stars", 5, 5),
            ("Done", True, True),
            ("Level", "Mid", "Mid"),
            ("Tags", ["High", "Low"], ["High", "Low"]),
            ("Day", "2026-01-02", "2026-01-02"),
            ("At", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
            ("At", "2026-01-02T03:04:05.678999+02:00", "2026-01-02T01:04:05.678Z"),
            ("At", "2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"),
        ],
    )
    def test_what_a_field_keeps(self, client: Client, column: str, value: object, shown: object) -> None:
        assert client.create(**{column: value})["fields"][column] == shown

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("Name", 1),
            ("Name", True),
            ("Name", {}),
            ("Name", "x" * 100_001),
            ("Count", "2"),
            ("Count", True),
            ("Count", 10**400),
            ("Stars", 0),
            ("Stars", 6),
            ("Stars", 1.5),
            ("Done", "yes"),
            ("Level", 1),
            ("Tags", "Low"),
            ("Tags", [1]),
            ("Day", "2026-01-02T03:04:05Z"),
            ("Day", "2026-02-30"),
            ("At", "tomorrow"),
            ("At", 1700000000),
            ("At", "0001-01-01T00:00:00+23:00"),
            ("No", 1),
            ("Made", "2026-01-02T03:04:05Z"),
            ("Touched", "2026-01-02T03:04:05Z"),
            ("Sum", 1),
        ],
    )
    def test_what_a_field_refuses(self, client: Client, column: str, value: object) -> None:
        answer = client.ask("POST", body={"fields": {"Notes": "kept?", column: value}})
        assert error_of(answer) == (422, "INVALID_VALUE_FOR_COLUMN")
        assert column in answer[1]["error"]["message"]
        assert client.records() == []

    @pytest.mark.parametrize("column", ["No", "Made", "Touched", "Sum"])
    @pytest.mark.parametrize("value", [1, "a", None])
    def test_a_computed_field_says_so_for_any_value(self, client: Client, column: str, value: object) -> None:
        _, answer = client.ask("POST", body={"fields": {column: value}})
        wanted = f'Field "{column}" cannot accept a value because the field is computed'
        assert answer["error"] == {"type": "INVALID_VALUE_FOR_COLUMN", "message": wanted}

    @pytest.mark.parametrize(
        ("column", "value", "empty"),
        [("Name", "a", ""), ("Count", 1, None), ("Done", True, False), ("Tags", ["Low"], []), ("Level", "Low", None)],
    )
    def test_empty_values_are_not_returned(self, client: Client, column: str, value: object, empty: object) -> None:
        record = client.create(**{column: value})
        _, cleared = client.ask("PATCH", record["id"], {"fields": {column: empty}})
        assert column not in cleared["fields"]

    @pytest.mark.parametrize("column", ["Level", "Tags"])
    def test_an_unknown_choice_needs_typecast(self, client: Client, column: str) -> None:
        value = "Urgent" if column == "Level" else ["Low", "Urgent"]
        refused = client.ask("POST", body={"fields": {column: value}})
        assert error_of(refused) == (422, "INVALID_MULTIPLE_CHOICE_OPTIONS")
        assert 'select option ""Urgent""' in refused[1]["error"]["message"]
        assert client.create(typecast=True, **{column: value})["fields"][column] == value
        assert client.create(**{column: value})["fields"][column] == value
        assert len(CHOICES["choices"]) == 3

    def test_typecast_reads_numbers_from_text_and_text_from_numbers(self, client: Client) -> None:
        fields = client.create(typecast=True, Name=12, Count="2.5", Price="much", Tags="Low, High")["fields"]
        assert (fields["Name"], fields["Count"], fields["Tags"]) == ("12", 2.5, ["Low", "High"])
        assert "Price" not in fields

    def test_typecast_in_an_upsert(self, client: Client) -> None:
        body = {
            "records": [{"fields": {"Level": "Urgent"}}],
            "performUpsert": {"fieldsToMergeOn": ["Level"]},
            "typecast": True,
        }
        for _ in range(2):
            assert client.ask("PATCH", body=body)[0] == 200
        assert len(client.records()) == 1

    def test_the_time_of_the_last_change(self, client: Client) -> None:
        record = client.create(Name="a")
        client.clock.advance(5)
        _, same = client.ask("PATCH", record["id"], {"fields": {"Name": "a"}})
        assert same["fields"]["Touched"] == record["fields"]["Touched"]
        _, changed = client.ask("PATCH", record["id"], {"fields": {"Name": "b"}})
        assert changed["fields"]["Touched"] == "2026-03-14T15:09:31.535Z"
        assert changed["createdTime"] == record["createdTime"]

    def test_a_number_is_never_infinite(self, client: Client) -> None:
        assert client.ask("POST", body=b'{"fields": {"Count": 1e999}}')[0] == 422
        assert not any(math.isinf(record["fields"].get("Count", 0)) for record in client.records())


class TestUnknowns:
    """What the documentation leaves open: each answer can be had."""

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (MissingRecord.FORBIDDEN, FORBIDDEN),
            (MissingRecord.MODEL_ID_NOT_FOUND, (404, "MODEL_ID_NOT_FOUND")),
            (MissingRecord.NOT_FOUND, (404, "NOT_FOUND")),
        ],
    )
    def test_the_answer_to_a_missing_record(self, answer: MissingRecord, error: tuple[int, str]) -> None:
        client = Client(unknowns=Unknowns(missing_record_status=answer))
        for method in ("GET", "PATCH", "DELETE"):
            assert error_of(client.ask(method, MISSING, {"fields": {}})) == error

    def test_text_that_is_equal_regardless_of_case(self) -> None:
        client = Client(unknowns=Unknowns(text_equals_ignores_case=True))
        client.create(Name="Acme")
        assert client.names("Name='ACME'") == {"Acme"}
        assert client.names("EXACT(Name, 'ACME')") == set()

    def test_text_and_the_number_that_it_spells(self) -> None:
        for answer in (False, True):
            client = Client(unknowns=Unknowns(text_equals_its_number=answer))
            client.create(Name="123")
            assert client.names("Name=123") == ({"123"} if answer else set())

    def test_a_raw_line_break_in_a_formula(self) -> None:
        for answer in (False, True):
            client = Client(unknowns=Unknowns(literals_carry_line_breaks=answer))
            client.create(Name="a\nb")
            assert client.names("Name='a\nb'") == ({"a\nb"} if answer else set())
            assert client.names(r"Name='a\nb'") == {"a\nb"}

    def test_created_time_with_milliseconds(self) -> None:
        client = Client(unknowns=Unknowns(fractional_created_time=True))
        assert client.create()["createdTime"] == "2026-03-14T15:09:26.535Z"

    def test_trimmed_text(self) -> None:
        client = Client(unknowns=Unknowns(trims_text=True))
        assert client.create(Name=" a ", Notes=" ")["fields"].items() >= {"Name": "a"}.items()
        assert "Notes" not in client.records()[0]["fields"]

    def test_numbers_rounded_to_their_precision(self) -> None:
        client = Client(unknowns=Unknowns(rounds_numbers_to_precision=True))
        fields = client.create(Count=1.26, Took=1.26)["fields"]
        assert (fields["Count"], fields["Took"]) == (1.3, 1.26)

    def test_rich_text_with_a_line_break_more(self) -> None:
        client = Client(unknowns=Unknowns(rich_text_adds_newline=True))
        assert client.create(Rich="a")["fields"]["Rich"] == "a\n"

    def test_lists_that_lag_behind(self) -> None:
        client = Client(unknowns=Unknowns(lists_see_writes_after=timedelta(seconds=2)))
        record = client.create(Name="a")
        client.clock.advance(1)
        assert client.listed() == []
        assert client.ask("GET", record["id"])[0] == 200
        client.ask("PATCH", record["id"], {"fields": {"Name": "b"}})
        client.clock.advance(1)
        assert [each["fields"]["Name"] for each in client.listed()] == ["a"]
        client.clock.advance(1)
        assert [each["fields"]["Name"] for each in client.listed()] == ["b"]

    def test_pages_that_are_a_snapshot_or_not(self) -> None:
        for snapshot in (True, False):
            client = Client(unknowns=Unknowns(pages_are_a_snapshot=snapshot))
            ids = [client.create(Name=name)["id"] for name in "abc"]
            query: dict[str, Any] = {"view": "Grid view", "pageSize": 2}
            _, first = client.ask("GET", **query)
            client.ask("DELETE", ids[0])
            _, second = client.ask("GET", **query, offset=first["offset"])
            assert len(second["records"]) == (1 if snapshot else 0)

    def test_the_refusal_for_the_rate(self) -> None:
        limits = Limits(requests_per_second=1)
        client = Client(limits=limits, unknowns=Unknowns(retry_after_on_429=True, plural_429_body=True))
        client.ask("GET")
        _, body = client.ask("GET")
        assert body["errors"][0]["error"] == "RATE_LIMIT_REACHED"
        assert client.headers["Retry-After"] == "30"
