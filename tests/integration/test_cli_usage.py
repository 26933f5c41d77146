"""How a run is named, what is said of a wrong name, and where commands look."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from commands import in_a_process, on_a_terminal, runledger

from runledger import InvalidValue, connect
from runledger.cli.locations import shown_url, without_passwords, without_secrets


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "runs.db"
    with connect(f"sqlite:///{store}", observers=()) as ledger:
        ledger.start("one", "acme")
        ledger.start_many("two", ["acme", "bolt"])
    return store


def test_every_command_takes_the_ids_as_arguments_or_as_options(store: Path) -> None:
    for number, given in enumerate(
        (["R", "c"], ["--run-id", "R", "--client", "c"], ["R", "--client", "c"], ["--run-id", "R", "c"])
    ):
        ids = [each.replace("R", f"r{number}") for each in given]
        assert runledger("start", *ids, store=store).stdout == f"r{number}\n"
        runledger("update", *ids, "--note", "x", store=store)
        assert json.loads(runledger("show", *ids, "--json", store=store).stdout)["client_id"] == "c"
        runledger("complete", *ids, store=store)
    twice = runledger("update", "one", "acme", "--client", "acme", store=store, code=2)
    assert "the run is named twice" in twice.stderr
    alone = runledger("start", "acme", store=store, code=2)
    assert "name the client: with --client, or after the run's id, as RUN_ID CLIENT_ID" in alone.stderr


def test_a_run_of_one_record_is_shown_without_its_client(store: Path) -> None:
    assert "Client   acme" in runledger("show", "one", store=store).stdout
    several = runledger("show", "two", store=store, code=2)
    assert "run 'two' has several records: name the client too, one of 'bolt', 'acme'." in several.stderr
    assert runledger("show", "three", store=store, code=3).stderr == (
        "runledger: no run record of run 'three': it was not started, or has been removed. "
        "Start it where the job begins.\n"
    )


@pytest.mark.parametrize("command", ["update", "show", "complete", "fail --error x", "skip --why x", "cancel --why x"])
def test_swapped_ids_get_a_hint(store: Path, command: str) -> None:
    name, *options = command.split()
    done = runledger(name, "acme", "one", *options, store=store, code=3)
    assert done.stderr.endswith("There is run 'one' of client 'acme': write the run's id first, then the client's.\n")
    assert "There is" not in runledger(name, "acme", "none", *options, store=store, code=3).stderr
    assert len(runledger("list", "--json", store=store).stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["exec", "--client", "--", "true"],
        ["start", "--client", "--name", "x"],
        ["start", "--client", "-x"],
        ["list", "--client", "--json"],
        ["list", "--run-id", "-1"],
        ["list", "--after", "r", "--json"],
        ["update", "one", "acme", "--note", "--set", "a=1"],
        ["--store", "--help"],
    ],
)
def test_a_forgotten_value_is_no_value(store: Path, arguments: list[str]) -> None:
    assert " needs a value, but '-" in runledger(*arguments, store=store, code=2).stderr


def test_a_value_may_begin_with_a_dash_if_that_is_meant(store: Path) -> None:
    runledger("start", "--client=-x", "--run-id", "dashed", store=store)
    runledger("update", "dashed", "--client=-x", "--note", "- item", "--set=-a=1", store=store)
    runledger("update", "--note", "-5 degrees", "--", "dashed", "-x", store=store)
    (line,) = runledger("list", "--client=-x", "--json", store=store).stdout.splitlines()
    assert (json.loads(line)["notes"], json.loads(line)["metrics"]) == (2, {"-a": 1})


def test_an_empty_answer_says_where_it_looked(store: Path) -> None:
    for command in (
        "list --client x",
        "list --run-id y --json",
        "list --status failed --since 1d",
        "list --client x --status failed --since 1d",
        "latest --since 0s",
    ):
        matches = " and ".join(word for word in command.split() if word.startswith("--") and word != "--json")
        matches = matches.replace(" and ", ", ", matches.count(" and ") - 1)
        assert on_a_terminal(*command.split(), store=store) == f"No run in sqlite:///{store} matches {matches}.\n"
    assert on_a_terminal("stale", store=store) == f"No run has gone quiet in sqlite:///{store}.\n"
    seen = on_a_terminal("stale", "--client", "acme", store=store)
    assert seen == f"No run that matches --client has gone quiet in sqlite:///{store}.\n"
    more = f"No more runs in sqlite:///{store}"
    assert on_a_terminal("list", "--after", "one", "acme", store=store) == f"{more}.\n"
    seen = on_a_terminal("list", "--after", "one", "acme", "--client", "acme", "--since", "1d", store=store)
    assert seen == f"{more} match --client and --since.\n"
    runledger("init", store=store.with_name("new.db"))
    for command in ("list", "latest"):
        seen = on_a_terminal(command, store=store.with_name("new.db"))
        assert seen == f"No runs found in sqlite:///{store.with_name('new.db')}.\n"
    assert runledger("list", "--client", "x", store=store).stdout == ""


@pytest.mark.parametrize("command", ["list", "summary", "export"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_range_that_ends_before_it_begins_is_an_error(store: Path, command: str, order: int) -> None:
    begin, end = ("--since", "2025-11-24"), ("--until", "2025-11-23T23:59:59.999Z")
    done = runledger(command, *(word for option in (begin, end)[::order] for word in option), store=store, code=2)
    assert done.stderr.endswith(
        "--since (2025-11-24T00:00:00.000Z) is later than --until (2025-11-23T23:59:59.999Z), so no run can match: "
        "exchange them.\n"
    )


@pytest.mark.parametrize("command", ["list", "summary", "export"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_range_that_ends_when_it_begins_is_an_error_that_says_why(store: Path, command: str, order: int) -> None:
    for time, shown in (("2025-11-24", r"2025-11-24T00:00:00\.000Z"), ("2h", r"[-0-9]+T[:.0-9]+Z")):
        words = [word for option in ("--since", "--until")[::order] for word in (option, time)]
        done = runledger(command, *words, store=store, code=2)
        why = "and --until is exclusive, so no run can match: give a later --until, such as the next day."
        assert re.search(f"--since and --until are both {shown}, {re.escape(why)}\n$", done.stderr)


def test_a_range_of_one_millisecond_is_a_range(store: Path) -> None:
    runledger("list", "--since", "2025-11-24", "--until", "2025-11-24T00:00:00.001Z", store=store)


@pytest.mark.parametrize("command", ["list", "check", "update r c"])
def test_a_data_directory_that_cannot_be_looked_at_has_no_default_store(tmp_path: Path, command: str) -> None:
    folder = tmp_path / ("x" * 300)  # longer than any system's names, which fails for root too
    done = runledger(*command.split(), code=3 if command == "check" else 7, XDG_DATA_HOME=str(folder))
    said = done.stdout if command == "check" else done.stderr
    assert f"no store is named, and there is no file {folder}/runledger/runs.db either" in said
    assert "Traceback" not in done.stderr


def test_looking_makes_no_default_store(tmp_path: Path) -> None:
    for command in ("list", "latest", "stale", "summary", "export", "show r c", "update r c", "prune --older-than 1d"):
        done = runledger(*command.split(), code=7, HOME=str(tmp_path))
        file = tmp_path / ".local/share/runledger/runs.db"
        assert done.stderr == (
            f"runledger: no store is named, and there is no file {file} either: name a store with --store or "
            "RUNLEDGER_STORE, or make this file with `runledger init`.\n"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["RUNLEDGER_STOR", "RUNLEDGER_STORES", "RUNLEDGER_STORE_URL", "runledger_store"])
def test_a_misspelt_variable_is_named_once_with_the_file_that_is_used_instead(tmp_path: Path, name: str) -> None:
    file = tmp_path / ".local/share/runledger/runs.db"
    note = f"{name} is not a variable of runledger (did you mean RUNLEDGER_STORE?), so the store is {file}.\n"
    home: dict[str, Any] = {"HOME": str(tmp_path), name: "sqlite:///other.db"}
    assert runledger("list", code=7, **home).stderr.startswith(note)
    for command in ("start --client acme", "list", "check", "exec --client acme -- true"):
        assert in_a_process(*command.split(), **home).stderr.count(note) == 1
    assert runledger("list", store=tmp_path / "other.db", code=7, **home).stderr.count(name) == 0


def test_other_variables_and_completions_are_not_taken_for_misspelt_ones(tmp_path: Path) -> None:
    ours: dict[str, Any] = {"RUNLEDGER_RUN_ID": "r", "RUNLEDGER_CLIENT_ID": "c", "RUNLEDGER_ALERT_URL": ""}
    assert runledger("start", "--client", "c", HOME=str(tmp_path), **ours).stderr == ""
    completing: dict[str, Any] = {
        "_RUNLEDGER_COMPLETE": "bash_complete",
        "COMP_WORDS": "runledger show ",
        "COMP_CWORD": "2",
    }
    assert in_a_process(HOME=str(tmp_path), RUNLEDGER_STOR="x", **completing).stderr == ""


URLS = [
    "postgresql://worker:hu/s@h@db:1/x?password=hush",
    "postgresql://worker:hu sh@h hu@db:1/x",
    "postgresql:worker:hush@db:1/x",
    "postgres:worker:hu sh@db",
]
"""Their passwords begin with hu."""


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "command",
    [
        "list {}",
        "{} list",
        "import {}",
        "missing {}",
        "scan {}",
        "show {}",
        "show {} acme",
        "list --status {}",
        "list --since {}",
        "update one acme --set {}",
        "check --expect {}",
        "check --expect {} --json",
        "check {}",
    ],
)
def test_the_url_of_a_store_where_none_belongs_is_quoted_without_its_password(
    store: Path, command: str, url: str
) -> None:
    code = 3 if command.startswith(("check", "show")) else 7 if command.startswith("missing") else 2
    url = url.removesuffix("?password=hush") if "--set" in command else url
    done = runledger(*(url if word == "{}" else word for word in command.split()), store=store, code=code)
    said = done.stdout + done.stderr
    assert "worker:…@db" in said or "URL of a store" in said
    assert "hu" not in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--storepostgresql://u:hush@db/x", "--storepostgresql://u:…@db/x"),
        ("(postgresql://db/x?sslpassword=hush&sslmode=require)", "(postgresql://db/x?sslpassword=…&sslmode=require)"),
        ("'postgresql://db/x?password=hush hush': no", "'postgresql://db/x?password=…': no"),
        ("postgresql://db/x?password=hush: no such file", "postgresql://db/x?password=… no such file"),
        ("(postgresql:u:hu sh@db) of a@b", "(postgresql:u:…@b"),
        ("http://db:8080/x of 'a@b'", "http://db:8080/x of 'a@b'"),
        ("http://db:8080 of 'a@b'", "http://db:8080 of 'a@b'"),
        ("http://db: no answer for a@b", "http://db: no answer for a@b"),
        ("run 'daily:eu:ops@acme' of client 'a'", "run 'daily:eu:ops@acme' of client 'a'"),
        (f"airtable:{'x' * 40}@appX/T", "airtable:…@appX/T"),
        (f"airtable://pat{'x' * 14}.{'0' * 64}@appX/T", "airtable://…@appX/T"),
        (f"ops@airtable://{'x' * 30}@appX/T", f"ops@airtable://{'x' * 30}@appX/T"),
        ("a://b:c " * 100_000, "a://b:c " * 100_000),
        (f"postgresql://u:{'h@' * 1500}db/x of 'a'", "postgresql://u:…@ of 'a'"),
        ("sqlite:" * 200, "sqlite:" * 200),
        # In time that grows with the length, and not with its square, which would be an hour:
        ("a" * 1_000_000, "a" * 1_000_000),
        ("sqlite:" * 200_000, "sqlite:sqlite:…@"),
        ("postgresql://u:" * 100_000, "postgresql://u:…@"),
    ],
)
def test_a_message_that_quotes_a_url_has_no_password(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_the_url_of_a_store_as_an_argument_is_answered_with_the_option_and_as_a_history_with_copy(store: Path) -> None:
    done = runledger("list", "postgresql://db/x", store=store, code=2)
    assert "unexpected extra argument (postgresql://db/x): name a store with --store.\n" in done.stderr
    done = runledger("copy", "sqlite:///a.db", "sqlite:///b.db", "sqlite:///c.db", store=store, code=2)
    assert done.stderr.endswith("unexpected extra argument (sqlite:///c.db)\n")  # copy has no --store
    done = runledger("import", "sqlite:///old.db", store=store, code=2)
    assert "that is the URL of a store, not a file: copy its runs with `runledger copy SOURCE TARGET`.\n" in done.stderr


@pytest.mark.parametrize("file", ["c2.csv", "old/runs.JSONL", "runs.csv.gz", "runs.ndjson"])
def test_a_file_of_runs_where_a_store_belongs_is_answered_with_import_or_export(store: Path, file: str) -> None:
    url = f"sqlite:///{store}"
    assert runledger("copy", file, url, code=2).stderr.endswith(
        "the source is a file of runs, not the URL of a store: read it into a store with `runledger import FILE`.\n"
    )
    assert runledger("copy", url, file, code=2).stderr.endswith(
        "the target is a file of runs, not the URL of a store: write runs into it with `runledger export FILE`.\n"
    )


@pytest.mark.parametrize("command", ["show r", "show r c", "summary r", "update r c", "list --after r c"])
def test_a_run_missing_from_the_default_store_may_be_in_one_that_was_not_named(tmp_path: Path, command: str) -> None:
    runledger("start", "--client", "acme", HOME=str(tmp_path))
    file = tmp_path / ".local/share/runledger/runs.db"
    done = runledger(*command.split(), code=3, HOME=str(tmp_path))
    assert done.stderr.endswith(
        f"Start it where the job begins.\nNo store is named, so this is {file}: name another with --store or "
        "RUNLEDGER_STORE.\n"
    )
    assert "No store is named" not in runledger(*command.split(), code=3, store=file).stderr


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runledger("start", "--client", "c", store="sqlite:///~/runs.db", HOME=str(tmp_path))
    assert (tmp_path / "runs.db").exists()
    monkeypatch.chdir(tmp_path)
    Path("~").mkdir()
    connect(Path("~/runs.db")).close()  # a path is taken as it is
    assert Path("~/runs.db").exists()


@pytest.mark.parametrize("wrong", [{"on_missing": "x"}, {"clock": 7}, {"observers": print}, {"retry_waits": b"ab"}])
def test_a_wrong_argument_makes_no_file(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        connect(tmp_path / "new.db", **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////srv/runs.db", "sqlite:////srv/runs.db"),
        ("postgresql://me:hush@host:5432/runs?sslmode=require", "postgresql://me@host:5432/runs"),
        ("postgresql://a:1,b:2/runs", "postgresql://a:1,b:2/runs"),
        ("postgresql:///runs?password=hush", "postgresql:///runs"),
        ("postgresql://me:hu/sh@host/runs", "postgresql://…"),
        ("postgresql://me:hu?sh@host/runs", "postgresql://…"),
        ("postgresql://me:hu@sh@host/runs", "postgresql://…"),
        ("postgresql://me:hush", "postgresql://…"),
        ("airtable://appAbc/Runs%20all?endpoint=http://h:1", "airtable://appAbc/Runs%20all"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "shown", "left_out"),
    [
        ("sqlite:////home/me@work/a:b.db", "sqlite:////home/me@work/a:b.db", []),
        ("postgresql://ops@db:5432/runs?sslmode=require", "postgresql://ops@db:5432/runs?sslmode=require", []),
        ("postgresql://ops:hush@a:1,b:2/runs?sslkey=/k", "postgresql://ops@a:1,b:2/runs?sslkey=/k", ["password"]),
        ("postgresql://db/runs?password=hush&passfile=/p", "postgresql://db/runs?passfile=/p", ["password"]),
        ("postgresql://db/runs?%70assword=hush&sslpassword=hush", "postgresql://db/runs", ["password", "sslpassword"]),
        ("postgresql://ops:hush@db/runs?user=a@hush", "", []),
        ("postgresql://ops:hu?hush@db/runs", "", []),
        ("postgresql://ops:hu/hush@db/runs", "", []),
        ("postgresql://db/runs?options=a@hush", "", []),
        ("airtable://app1/T?metric.Token=Token&endpoint=http://a:1", None, []),
        ("airtable://app1/T?endpoint=http://me:hush%40a&log=", "airtable://app1/T?log=", ["endpoint"]),
        ("redis://:hush@db:6379/0?db=1;auth=hush", "redis://db:6379/0", ["password", "db"]),
        ("redis://db?API_KEY=hush&port=1", "redis://db?port=1", ["API_KEY"]),
        ("other://db?pw=hush&sig=hush&x=1", "other://db", ["pw", "sig", "x"]),
        ("other://db?dsn=user%20password%3Dhush", "other://db", ["dsn"]),
        ("postgresql://db/runs?options=-capp.secret%3Dhush", "postgresql://db/runs", ["options"]),
        ("postgresql://db/runs?application_name=a%20password%3Dhush", "postgresql://db/runs", ["application_name"]),
        ("postgresql://db/runs?password=hu&hush", "", []),
        ("postgresql://ops:@db/runs?sslmode=require", "postgresql://ops@db/runs?sslmode=require", []),
        ("postgresql://ops:hush:@db/runs", "postgresql://ops@db/runs", ["password"]),
        ("postgresql://a,b/runs?target_session_attrs=read-write&prepared_statements=off&service=ha", None, []),
        ("airtable://app1/T?started_at=Started&status.Completed=Done&start_mark=Start%20Mark&error=", None, []),
        (f"web://{'h' * 40}@db/runs", "", []),
    ],
)
def test_a_url_without_its_secrets_can_be_used(url: str, shown: str | None, left_out: list[str]) -> None:
    assert without_secrets(url) == (url if shown is None else shown, left_out)


def test_a_duration_may_have_several_units(store: Path) -> None:
    assert runledger("stale", "--older-than", "1h30m", store=store).stdout == ""
    assert "is not a duration" in runledger("stale", "--older-than", "1h2h", store=store, code=2).stderr


@pytest.mark.parametrize(
    "finish", [["complete"], ["fail", "--error", "x"], ["skip", "--why", "x"], ["cancel", "--why", "x"]]
)
def test_a_run_is_finished_at_a_time_that_is_neither_before_its_start_nor_to_come(
    store: Path, finish: list[str]
) -> None:
    verb, *details = finish

    def finished(at: str, code: int = 0) -> str:
        return runledger(verb, "two", "bolt", *details, "--at", at, store=store, code=code).stderr

    with connect(f"sqlite:///{store}", observers=()) as ledger:
        started = ledger.get("two", "bolt").started_at
        assert "it started at " in finished("2020-01-01T00:00:00Z", code=2)
        assert "now." in finished("9999-01-01T00:00:00Z", code=2)
        assert not ledger.get("two", "bolt").status.is_final
        finished(started.isoformat())
        assert ledger.get("two", "bolt").ended_at == started


def test_what_looks_like_a_value_but_is_stored_as_text_is_remarked_on(store: Path) -> None:
    for value in ("1,234", "null", "[1,2]", "True", "1,5"):
        done = runledger("update", "one", "acme", "--set", f"a={value}", store=store)
        assert done.stderr.startswith(f"a={value} is stored as text: ")
    assert runledger("update", "one", "acme", "--set", "a=b, c", "--set", "b=12", store=store).stderr == ""


def test_records_of_one_run_are_chosen_by_every_command(store: Path) -> None:
    assert runledger("summary", "--run-id", "two", store=store).stdout.startswith("Runs     2\n")
    assert len(runledger("export", "--run-id", "two", store=store).stdout.splitlines()) == 2
    assert len(runledger("stale", "--older-than", "0s", "--run-id", "one", store=store).stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("runledger show ", ["r-2", "two", "one"]),
        ("runledger show t", ["two"]),
        ("runledger show two ", ["bolt", "acme"]),
        ("runledger show two b", ["bolt"]),
        ("runledger update --run-id two ", ["bolt", "acme"]),
        ("runledger update --client acme ", ["r-2", "two", "one"]),
        ("runledger update --client bolt ", ["two"]),
        ("runledger update --run-id o", ["one"]),
        ("runledger update one --client ", ["acme", "bolt"]),
        ("runledger summary r", ["r-2"]),
        ("runledger list --client ", ["acme", "bolt"]),
        ("runledger list --run-id=t", ["two"]),
        ("runledger export --client b", ["bolt"]),
        ("runledger stale --client b", ["bolt"]),
        ("runledger latest --client b", ["bolt"]),
        ("runledger prune --client b", ["bolt"]),
        ("runledger start --client b", ["bolt"]),
        ("runledger exec --client b", ["bolt"]),
        ("runledger list --client nobody", []),
    ],
)
def test_ids_of_the_store_are_completed(store: Path, words: str, offered: list[str]) -> None:
    with connect(store, observers=()) as ledger:
        for each in ("r-2", "$(touch pwned)", "a;b", "-x", "a b", "r\u202e", "*", "~", "r'", "a:b"):
            ledger.start(each, "acme")
    assert sorted(completed(words, store)) == sorted(f"plain,{each}" for each in offered)


def test_a_store_that_cannot_be_read_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database" * 100)
    for store in (tmp_path / "none.db", damaged, "postgresql://nobody:hush@127.0.0.1:1/x", "nonsense", "memory://"):
        assert completed("runledger show ", store) == []
    assert not (tmp_path / "none.db").exists()


def test_commands_on_the_path_are_completed_after_exec_and_files_after_them(tmp_path: Path) -> None:
    for name, mode in (("nightly", 0o755), ("nightly-notes", 0o644), ("nightly $(x)", 0o755)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
    path = f"{tmp_path}:{tmp_path}/none:{tmp_path}"
    assert completed("runledger exec --client acme -- nigh", None, path) == ["file,nigh", "plain,nightly"]
    assert completed("runledger exec --client acme -- ./nigh", None, path) == ["file,./nigh"]
    assert completed("runledger exec --client acme -- nightly nigh", None, path) == ["file,nigh"]


def completed(words: str, store: Path | str | None, path: str = os.environ["PATH"]) -> list[str]:
    """What bash is offered behind these words. A blank at their end begins another word."""
    number = str(len(words.split()) - (not words.endswith(" ")))
    done = runledger(store=store, PATH=path, _RUNLEDGER_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=number)
    assert done.stderr == ""
    return done.stdout.split()


def test_statuses_are_completed() -> None:
    words = "runledger list --status comp"
    completed = runledger(_RUNLEDGER_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="3")
    assert completed.stdout == "plain,Completed\nplain,Completed-with-Errors\n"
