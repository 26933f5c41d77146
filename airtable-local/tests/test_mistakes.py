"""What the command says: its help, and one sentence for each mistake."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airtable_local import AirtableServer, Connection, FaultKind
from airtable_local.arguments import FAULT_FIELDS, UNKNOWNS
from airtable_local.command import main
from served import Client


class TestMistakes:
    @pytest.fixture
    def refused(self, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
        def refused(*arguments: str) -> str:
            try:
                status: object = main(arguments)
            except SystemExit as ended:
                status = ended.code
            printed = capsys.readouterr()
            assert (status, printed.out) == (2, "")
            assert re.fullmatch(r"airtable-local: .*[^.]\.\n", printed.err)
            return printed.err

        return refused

    def test_a_port_in_use(self, refused: Callable[..., str]) -> None:
        with AirtableServer(Connection(Client().service)) as server:
            port = server.url.rpartition(":")[2]
            expected = f"airtable-local: port {port} cannot be used (Address already in use): give another --port.\n"
            assert refused("--port", port) == expected

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--port", "65536"], "'65536' is not a port: a whole number from 0 to 65,535"),
            (["--port", "x"], "'x' is not a port"),
            (["--base", "appShort"], "'appShort' is not a base id: app and 14 letters or digits"),
            (["--token", "pät"], "'pät' is not a token"),
            (["--token", ""], "'' is not a token"),
            (["--rate-limit", "0"], "'0' is not a limit: a whole number from 1"),
            (["--monthly-quota", "many"], "'many' is not a limit"),
            (["--records-limit", "-1"], "'-1' is not a limit"),
            (["--records-limit"], "--records-limit: expected one argument"),
            (["--unknown", "trim_text=true"], "there is no unknown 'trim_text': use missing_record_status, "),
            (["--unknown", "trims_text"], "trims_text: '' is not true or false"),
            (["--unknown", "trims_text=yes"], "trims_text: 'yes' is not true or false"),
            (["--unknown", "missing_record_status=404"], "use forbidden, model_id_not_found or not_found"),
            (["--unknown", "lists_see_writes_after=nan"], "'nan' is not a time: seconds from 0 to 86,400"),
            (["--unknown", "trims_text=true", "--unknown", "trims_text=false"], "--unknown trims_text is given twice"),
            (["--fault", ""], "'' is not a kind of fault: begin with drop, status, delay, cut or html"),
            (["--fault", "dorp"], "'dorp' is not a kind of fault"),
            (["--fault", "drop method"], "method: '' is not a method"),
            (["--fault", "drop method=post"], "'post' is not a method: use GET, POST, PATCH, PUT or DELETE"),
            (
                ["--fault", "drop status=503"],
                "the fault drop has no field 'status': use method, path, nth",
            ),
            (["--fault", "html after_commit=false"], "the fault html has no field 'after_commit'"),
            (["--fault", "drop path=["], "path: '[' is not a regular expression"),
            (["--fault", "drop nth=0"], "nth: '0' is not a number: a whole number from 1"),
            (["--fault", "drop nth=1 nth=2"], "nth is given twice in 'drop nth=1 nth=2'"),
            (["--fault", "drop path='a"], "a quotation mark is not closed"),
            (["--fault", "status status=200"], "'200' is not an error status: a whole number from 400 to 599"),
            (["--fault", "status error="], "error: an error type cannot be empty"),
            (["--fault", "delay"], "the fault delay needs a duration: add seconds=10"),
            (["--fault", "delay seconds=soon"], "'soon' is not a time"),
            (["--rate", "5"], "unrecognized arguments: --rate 5"),
        ],
    )
    def test_arguments(self, arguments: list[str], said: str, refused: Callable[..., str]) -> None:
        assert said in refused(*arguments)

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "[]",
            "{}",
            "[" * 100_000,
            '{"tables": []}',
            '{"tables": [1]}',
            '{"tables": [{"name": "T", "fields": []}]}',
            '{"tables": [{"name": "T", "fields": [{"name": "a"}]}]}',
            '{"tables": [{"name": "T", "fields": [{"name": "a", "type": "number", "options": {"precision": "x"}}]}]}',
        ],
        ids=range(9),
    )
    def test_a_schema_that_is_invalid(self, tmp_path: Path, text: str, refused: Callable[..., str]) -> None:
        schema = tmp_path / "schema.json"
        schema.write_text(text)
        assert refused("--schema", str(schema)).startswith(f"airtable-local: {schema}")

    def test_a_schema_that_is_missing(self, tmp_path: Path, refused: Callable[..., str]) -> None:
        assert "cannot be read: No such file or directory." in refused("--schema", str(tmp_path / "none.json"))


def test_the_help_fits_into_80_columns_and_names_every_unknown_and_fault() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "airtable_local", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert max(map(len, shown.splitlines())) < 80
    assert set(re.findall(r"^  (\w+)=", shown, re.MULTILINE)) == set(UNKNOWNS)
    assert {kind.name.lower() for kind in FaultKind} <= set(re.findall(r"^  (\w+)  ", shown, re.MULTILINE))
    assert all(f"{name}=" in shown for of_kind in FAULT_FIELDS.values() for name in of_kind)
