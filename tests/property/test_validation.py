"""Any input is accepted, or rejected with a documented exit code and a sentence, and nothing is half-written.

Inputs are the command line's arguments, the files that `import` reads, store URLs, and the mapping of a table's
columns. The command line runs in this process, through its console script's function, for speed. Only `exec` is a
process: it takes every signal for its command, and here one of them is the alarm of a test that takes too long.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest
from attrs import frozen
from commands import RUNLEDGER
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from runledger import InvalidValue, RunLedgerError, RunStatus, connect
from runledger.adapters.airtable import Columns
from runledger.cli import main
from runledger.stores import open_repository
from runledger.testing.strategies import AWKWARD

DOCUMENTED = {*range(8), 126, 127}
"""The exit codes that `runledger --help` names, and those of `exec` for a command that cannot be run."""

fuzz = settings(
    max_examples=int(os.environ.get("RUNLEDGER_FUZZ", "150")), deadline=None, suppress_health_check=list(HealthCheck)
)


@frozen
class Done:
    code: object
    out: str
    err: str


class Terminal:
    """The command line in a separate folder, with a store that holds two runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "runs.db"
        with connect(self.url, observers=()) as ledger:
            ledger.start("there", "acme", metrics={"n": 1})
            ledger.start("done", "acme").fail("boom")

    @property
    def url(self) -> str:
        return f"sqlite:///{self.store}"

    def run(self, *arguments: str, given: bytes = b"", environment: Mapping[str, str] | None = None) -> Done:
        """Run a command as the console script does. Anything but an exit is what a user would see as a traceback."""
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RUNLEDGER_", "AIRTABLE_"))},
            "XDG_DATA_HOME": str(self.folder / "data"),
            "PATH": str(self.folder),  # no word that is made up here is a command for `exec`
            "RUNLEDGER_STORE": self.url,
            **(environment or {}),
        }
        result = (self._in_a_process if arguments[:1] == ("exec",) else self._here)(arguments, given, variables)
        assert result.code in DOCUMENTED, (arguments, result)
        assert "Traceback" not in result.err
        assert bool(result.code) <= bool(result.err), (arguments, result)
        return result

    def _in_a_process(self, arguments: Sequence[str], given: bytes, variables: Mapping[str, str]) -> Done:
        done = subprocess.run(
            [*RUNLEDGER, *arguments],
            cwd=self.folder,
            env={**variables, "LC_ALL": "C.UTF-8"},
            input=given,
            capture_output=True,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def _here(self, arguments: Sequence[str], given: bytes, variables: Mapping[str, str]) -> Done:
        out, err = io.BytesIO(), io.BytesIO()
        typed = self.folder / "typed"
        typed.write_bytes(given)
        with typed.open() as standard_input, pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name in os.environ.keys() - variables.keys():
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["runledger", *arguments])
            patch.setattr("sys.stdin", standard_input)
            # As Python opens them in a UTF-8 locale.
            patch.setattr("sys.stdout", io.TextIOWrapper(out, "utf-8", write_through=True))
            patch.setattr("sys.stderr", io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True))
            with pytest.raises(SystemExit) as ended:
                main()
            return Done(ended.value.code or 0, out.getvalue().decode(), err.getvalue().decode())

    def empty(self) -> None:
        with sqlite3.connect(self.store) as connection:
            connection.execute("DELETE FROM runs WHERE run_id NOT IN ('there', 'done')")
        connection.close()

    def rows(self, table: str = "runs ORDER BY rowid") -> list[tuple[object, ...]]:
        with sqlite3.connect(self.store) as connection:
            found = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
        connection.close()
        return found


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("validation"))


# No NUL, which the system passes to no process; lone surrogates stand for bytes that are no UTF-8.
texts = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), max_size=12) | st.text(
    st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=3
)
odd_numbers = st.sampled_from(["0", "-1", "1e999", "NaN", "-Infinity", "9" * 400, "9" * 5000, "0x1", "1_0", "٣", "²"])
odd_times = st.sampled_from(
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2025-02-30", "2025-W01-1", "99999w", "9" * 400 + "d"]
) | st.builds("{}{}".format, st.integers(0, 10**12), st.sampled_from("smhdw"))
deep = st.sampled_from(["[" * 3000, '{"a":' * 3000, "[" * 900 + "]" * 900])
words: SearchStrategy[str] = (
    st.sampled_from(["there", "done", "acme", "gone", "-", "--", "", "a.csv", "a.jsonl.gz", ".", "..", "x/y.csv"])
    | st.sampled_from([*AWKWARD, *(status.value for status in RunStatus)])
    | odd_numbers
    | odd_times
    | deep
    | texts
)
pairs = st.builds("{}={}".format, st.sampled_from(["n", "m", "run_id", ""]) | texts, words)
urls = st.sampled_from(
    [
        *("", "sqlite:///", "sqlite:///.", "sqlite:///no/such/a.db", "sqlite:///a%00b.db", "sqlite:///%FF.db"),
        *("sqlite:////dev/null", "sqlite:////proc/self/mem", "memory://", "memory://x", "nothing", "://", "x://"),
        *("postgresql://", "postgresql://[", "postgresql://127.0.0.1:1/x?connect_timeout=x", "postgres://h:99999999/x"),
        *("postgresql://127.0.0.1:x/y", "postgresql://127.0.0.1:1/%00", "postgresql://%ff@127.0.0.1:1/x?nonsense=1"),
        *("airtable://", "airtable://[", "airtable://[x]/T", "airtable://app1/T", "airtable://patSecret/T"),
        *("airtable://app1/T?nonsense=1", "airtable://app1/T?run_id=", "airtable://app1/T?status.Failed=Running"),
        *(
            "airtable://app1/T?endpoint=x",
            "airtable://app1/T?endpoint=http://[",
            "airtable://app1/%00?endpoint=http://",
        ),
        "airtable://app1/T?endpoint=http://127.0.0.1:1",
    ]
) | st.builds(
    "{}://{}".format, st.sampled_from(["sqlite", "memory", "airtable", "mysql", "SQLITE", "sqlite "]) | texts, texts
)
names = [
    *("init", "start", "update", "complete", "fail", "skip", "cancel", "show", "list", "summary", "stale", "import"),
    *("export", "completion", "exec", "nonsense"),
]
options = st.sampled_from(
    [
        *(
            "--client",
            "--name",
            "--run-id",
            "--set",
            "--add",
            "--note",
            "--with-errors",
            "--error",
            "--why",
            "--status",
        ),
        "--status",
        *("--since", "--until", "--limit", "--all", "--older-than", "--json", "--format", "--column", "--strict", "-v"),
        *("--rest-as-metrics", "--default-status", "--timezone", "--help", "--vers", "--version", "--nonsense", "-x"),
    ]
)
anything = st.lists(options | words | pairs | st.builds("{}={}".format, options, words | pairs), max_size=6)

plausible = st.one_of(
    st.tuples(st.just("start"), st.just("--client"), words, st.just("--run-id"), words, st.just("--set"), pairs),
    st.tuples(st.just("update"), words, words, st.just("--set"), pairs, st.just("--add"), pairs),
    st.tuples(st.just("update"), st.just("there"), st.just("acme"), st.just("--add"), pairs, st.just("--note"), words),
    st.tuples(st.sampled_from(["skip", "cancel"]), words, words, st.just("--why"), words),
    st.tuples(st.just("fail"), st.just("done"), st.just("acme"), st.just("--error"), words),
    st.tuples(st.just("list"), st.just("--since"), odd_times, st.just("--until"), odd_times | words),
    st.tuples(st.just("list"), st.just("--limit"), odd_numbers, st.just("--client"), words, st.just("--json")),
    st.tuples(st.just("stale"), st.just("--older-than"), odd_times),
    st.tuples(st.just("summary"), words, st.just("--since"), odd_times),
    st.tuples(st.just("export"), words, st.just("--format"), st.sampled_from(["csv", "jsonl"])),
    st.tuples(st.just("import"), words, st.just("--timezone"), words, st.just("--status"), pairs),
)
arguments = plausible.map(list) | st.builds(lambda name, rest: [name, *rest], st.sampled_from(names), anything)


@fuzz
@given(arguments, st.none() | st.none() | urls)
@example(["stale", "--older-than", "9999999d"], None)
@example(["update", "there", "acme", "--set", "n=" + "[" * 5000], None)
@example(["update", "there", "acme", "--add", "n=" + "[" * 5000], None)
@example(["export", "\udcff.csv"], None)
@example(["list"], "sqlite:///a%00b.db")
@example(["list"], "airtable://[")
@example(["exec", "--client", "acme"], None)
def test_any_arguments_end_in_a_documented_exit_and_a_refusal_changes_nothing(
    terminal: Terminal, arguments: list[str], store: str | None
) -> None:
    name, *rest = arguments
    if name == "exec":
        rest += ["--", "/no/such/command"]
    before = terminal.rows(), terminal.rows("run_notes")
    chosen = [] if store is None else ["--store", store]
    done = terminal.run(name, *chosen, *rest, environment={"AIRTABLE_API_KEY": "patHush.hush"})
    assert "hush" not in done.out + done.err
    if done.code and name != "exec":
        assert (terminal.rows(), terminal.rows("run_notes")) == before
    assert not list(terminal.folder.rglob("*.part"))


fields = ("run_id", "client_id", "client_name", "status", "started_at", "ended_at", "updated_at", "error")
cells = words | st.sampled_from(
    [
        *("2025-01-01T00:00:00Z", "2025-01-01", "Completed", "Running", "{}", "[]", '[["2025-01-01T00:00Z", "n"]]'),
        *('{"n": 1e999}', '{"n": {"datetime": 5}}', '{"\\ud800": 1}', "[[1, 2]]", '[["x"]]', '"', "a\nb", "a\rb"),
    ]
)
json_values: SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(cells, inner, max_size=3),
    max_leaves=6,
)
columns = st.sampled_from([*fields, "metrics", "log", "n"])
good_rows = st.fixed_dictionaries(
    {
        "run_id": st.integers(0, 10**6).map(str),
        "client_id": st.just("acme"),
        "status": st.just("Running"),
        "started_at": st.just("2025-01-01T00:00:00Z"),
    }
)
rows = good_rows | st.builds(lambda row, odd: {**row, **odd}, good_rows, st.dictionaries(columns, json_values))


def encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "replace")


def csv_line(row: list[str], separator: str) -> str:
    return separator.join(f'"{cell}"' if "\n" in cell else cell for cell in row)


encodings = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
json_files = st.builds(
    encoded, st.lists(rows.map(json.dumps) | words, max_size=8).map("\n".join), st.sampled_from(["utf-8", "utf-16"])
)
csv_files = st.builds(
    lambda header, body, separator, encoding: encoded(
        "\n".join(csv_line([*row], separator) for row in [header, *body]), encoding
    ),
    st.just([*fields, "metrics", "log"]) | st.lists(columns | words, max_size=12),
    st.lists(st.lists(cells, min_size=8, max_size=10) | st.lists(cells, max_size=11), max_size=6),
    st.sampled_from([",", ",", ",", ";", "\t"]),
    encodings,
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file for `import`: nearly right, or anything; whole, cut short or with bytes changed; compressed or not."""
    content = draw(json_files | csv_files | st.binary(max_size=200))
    if draw(st.booleans()):
        content = gzip.compress(content, mtime=0)
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.binary(max_size=3)) + draw(st.sampled_from([content[at + 1 :], b""]))
    return content


import_options = st.lists(
    st.sampled_from(
        [
            *(["--format", "csv"], ["--format", "jsonl"], ["--rest-as-metrics"], ["--strict"], ["-v"]),
            *(["--default-status", "Completed"], ["--timezone", "Europe/Berlin"], ["--timezone", "UTC"]),
            *(["--column", "run_id=n"], ["--column", "error=status"], ["--status", "acme=Failed"]),
        ]
    ),
    max_size=4,
    unique_by=lambda option: option[0],
).map(lambda options: [word for option in options for word in option])


@fuzz
@given(files(), st.sampled_from(["-", "a.csv", "a.jsonl", "a.csv.gz", "a.bin"]), import_options)
@example(b"\n".join([b"run_id,client_id,status,started_at,log", b'1,a,Running,2025-01-01,"' + b"[" * 5000]), "-", [])
@example(b'{"run_id": "1", "client_id": "a", "status": ' + b"[" * 900 + b"]" * 900 + b"}", "-", [])
@example(b",".join(b"%d" % i for i in range(200_000)), "a.csv", [])
def test_any_file_is_imported_or_refused_row_by_row(
    terminal: Terminal, content: bytes, name: str, options: list[str]
) -> None:
    (terminal.folder / name).write_bytes(content)
    before = terminal.rows()
    done = terminal.run("import", *options, name, given=content if name == "-" else b"")
    after = terminal.rows()
    assert after[: len(before)] == before
    if done.code == 2:
        assert after == before
    else:
        loaded = int(done.out.split(": ")[1].partition(" loaded")[0].replace(",", ""))
        assert len(after) == len(before) + loaded
    shown = terminal.run("export", "--format", "jsonl").out  # what was let in can be read, written and read again
    assert len(shown.splitlines()) == len(after)
    if len(after) > 100:
        terminal.empty()


@fuzz
@given(st.lists(st.tuples(texts, texts) | st.tuples(st.sampled_from([*fields, "log", "number"]), texts), max_size=5))
@example([("status.Failed", "Running")])
def test_any_mapping_of_columns_is_taken_or_refused_by_name(pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="surrogateescape")
    try:
        mapping = Columns.of_query(query)
    except InvalidValue as refusal:
        str(refusal).encode(errors="backslashreplace")
        return
    names = list(mapping.of_parts.values())
    assert len(set(names)) == len(names)
    assert {"run_id", "client_id", "status"} <= mapping.of_parts.keys()
    assert len({mapping.label(status) for status in RunStatus}) == len(RunStatus)


@fuzz
@given(urls | st.text(max_size=30) | st.builds("{}://{}".format, st.sampled_from(["airtable", "memory"]), st.text()))
def test_any_url_opens_a_store_or_is_refused_by_an_error_of_the_ledger(
    tmp_path_factory: pytest.TempPathFactory, url: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        patch.setenv("AIRTABLE_API_KEY", "patHush.hush")
        refusal = ""
        try:
            open_repository(url).close()
        except RunLedgerError as error:
            refusal = str(error)
    assert "hush" not in refusal


def test_a_folder_whose_name_is_no_text_holds_a_ledger_like_any_other(terminal: Terminal) -> None:
    odd = {"XDG_DATA_HOME": str(terminal.folder / "\udcff"), "RUNLEDGER_STORE": ""}
    run_id = terminal.run("start", "--client", "acme", environment=odd).out.strip()
    assert run_id in terminal.run("list", environment=odd).out
    assert (terminal.folder / "\udcff" / "runledger" / "runs.db").exists()
