"""Findings of small code bases: guards, chains, files that are left out, damage, limits."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runledger.scan import effects
from runledger.scan.evaluation import Evaluator
from runledger.scan.findings import Finding
from runledger.scan.libraries.outcome import Outcome
from runledger.scan.libraries.sql import outcome_of
from runledger.scan.names import Modules
from runledger.scan.program import Module
from runledger.scan.scanning import Report, scan
from runledger.scan.settings import Settings
from runledger.scan.values import String, Value, exact, text

RUNS = """
from pyairtable import Api
runs = Api("k").table("app", "Client Run Results")
"""


def scanned(folder: Path, settings: Settings | None = None, **files: str) -> Report:
    for name, code in files.items():
        path = folder / name.replace("__", "/").replace("/init/", "__init__").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    return scan([folder], settings or Settings())


def kinds(report: Report, *, deep: bool = False) -> list[tuple[int, str]]:
    return [(finding.line, finding.kind) for finding in report.shown(deep=deep)]


def only(report: Report, kind: str) -> Finding:
    [finding] = [finding for finding in report.findings if finding.kind == kind]
    return finding


def test_a_lookup_that_throws_guards_a_creation(tmp_path: Path) -> None:
    code = RUNS + "def start(x):\n    if runs.first():\n        raise ValueError\n    runs.create(x)\n"
    finding = only(scanned(tmp_path, a_dot_py=code), "creation")
    assert finding.guarded
    assert finding.confidence == "certain"


def test_a_lookup_that_returns_makes_a_recovery_of_what_is_no_creator(tmp_path: Path) -> None:
    code = RUNS + "def touch(x):\n    row = runs.first()\n    if row:\n        return row\n    return runs.create(x)\n"
    finding = only(scanned(tmp_path, a_dot_py=code), "recovery")
    assert finding.confidence == "likely"
    assert finding.as_json() == {
        "file": str(tmp_path / "a.py"),
        "line": 8,
        "function": "touch",
        "kind": "recovery",
        "table": "Client Run Results",
        "is_run_table": True,
        "confidence": "likely",
        "chain": [],
    }


def test_a_chain_leads_from_the_call_to_the_write(tmp_path: Path) -> None:
    code = RUNS + "def one(x):\n    runs.create(x)\ndef two(x):\n    one(x)\ndef three(x):\n    two(x)\n"
    report = scanned(tmp_path, a_dot_py=code)
    assert kinds(report) == [(5, "creation"), (7, "creating-wrapper")]
    assert kinds(report, deep=True) == [(5, "creation"), (7, "creating-wrapper"), (9, "creating-wrapper")]
    place = tmp_path / "a.py"
    assert report.findings[-1].chain == (f"two ({place}:6)", f"one ({place}:4)", f"creation ({place}:5)")


def test_functions_that_call_each_other_in_a_circle_end(tmp_path: Path) -> None:
    code = RUNS + "def a(x):\n    b(x)\ndef b(x):\n    a(x)\n    runs.update(x, {})\n"
    assert kinds(scanned(tmp_path, a_dot_py=code)) == [(5, "updating-wrapper"), (8, "update")]


def test_each_table_is_judged_for_itself(tmp_path: Path) -> None:
    code = RUNS + (
        "clients = Api('k').table('app', 'Clients')\n"
        "def done(x):\n    if not clients.first():\n        runs.create(x)\n"
        "@app.post('/x')\ndef route(x):\n    clients.create(x)\n    runs.update(x, {})\n"
    )
    assert kinds(scanned(tmp_path, a_dot_py=code)) == [
        (7, "creation"),
        (8, "no-start"),
        (10, "creation"),
        (11, "update"),
    ]


def test_modules_are_followed_through_imports_and_barrels(tmp_path: Path) -> None:
    report = scanned(
        tmp_path,
        lib__tables_dot_js="const T = { RUNS: 'Client Run Results' };\nexports.T = T;\n",
        lib__runs_dot_js="const { T } = require('./tables');\nconst base = require('airtable').base('x');\n"
        "const create = (f) => base(T.RUNS).create(f);\nmodule.exports = { create };\n",
        lib__index_dot_js="module.exports = { ...require('./runs'), other: 1 };\n",
        app_dot_mjs="import { create as make } from './lib/index.js';\nexport default async () => make({});\n",
    )
    assert [(Path(finding.path).name, finding.kind) for finding in report.findings] == [
        ("app.mjs", "creating-wrapper"),
        ("runs.js", "creation"),
    ]


def test_the_package_of_an_import_is_preferred_to_a_file_of_that_name_elsewhere(tmp_path: Path) -> None:
    report = scanned(
        tmp_path,
        app____init___dot_py="",
        app__services____init___dot_py="",
        app__services__airtable_dot_py="from pyairtable import Api\n",
        app__main_dot_py="from airtable import Airtable\nAirtable('b', 'Client Run Results').insert({})\n",
    )
    assert [finding.kind for finding in report.findings] == ["creation"]


def test_files_that_are_left_out_are_counted_by_reason(tmp_path: Path) -> None:
    write = "require('airtable').base('x')('Runs').create({});\n"
    report = scanned(
        tmp_path,
        Settings(ignore=("legacy/*",)),
        node_modules__x__index_dot_js=write,
        vendor__x_dot_js=write,
        dist__x_dot_js=write,
        tests__x_dot_js=write,
        x_dot_test_dot_js=write,
        x_dot_min_dot_js=write,
        backup__x_dot_js=write,
        x_dot_js_dot_bak=write,
        legacy__x_dot_js=write,
        made_dot_js="// Code generated by a tool. DO NOT EDIT.\n" + write,
        kept_dot_js=write,
    )
    assert dict(report.files) == {"javascript": 1}
    assert dict(report.left_out) == {
        "node_modules": 1,
        "vendored": 1,
        "generated": 3,
        "tests": 2,
        "backups": 2,
        "ignored": 1,
    }
    assert kinds(report) == [(1, "creation")]


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    code = "const base = require('airtable').base('x');\nbase('Runs').create({});\nfunction ( { broken\n"
    report = scanned(tmp_path, a_dot_js=code, b_dot_py=RUNS + "runs.create({})\ndef f(:\n")
    assert [Path(path).name for path in report.in_part] == ["a.js", "b.py"]
    assert [finding.kind for finding in report.findings] == ["creation", "creation"]


def test_bytes_that_are_no_text_are_read_on(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(RUNS.encode() + b"x = '\xff\xfe'\nruns.create({})\n")
    assert kinds(scan([tmp_path], Settings())) == [(5, "creation")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_is_read_by_the_mark_of_its_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.py").write_text(RUNS + "runs.create({})\n", encoding=encoding)
    assert kinds(scan([tmp_path], Settings())) == [(4, "creation")]


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "circle.py").symlink_to("circle.py")
    (tmp_path / "nothing.py").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to("..")
    report = scanned(tmp_path, folder__a_dot_py=RUNS + "runs.create({})\n")
    assert dict(report.left_out) == {"not a file": 3}
    assert report.unreadable == []
    assert len(report.findings) == 1


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "(" * 5000 + "1" + ")" * 5000,
        "x = " + "[" * 5000 + "]" * 5000,
        "x = " + " + ".join("a" for _ in range(20_000)),
        "x = a" + ".b()" * 5000,
        RUNS + "if x:\n    a = 0\n" + "elif x:\n    a = 1\n" * 5000 + "runs.create({})\n",
        RUNS + "if x:\n    a = 0\n" * 5000 + "runs.create({})\n",
    ],
    ids=["brackets", "lists", "sum", "chain", "branches", "conditions"],
)
def test_a_file_that_is_nested_too_deeply_is_named(tmp_path: Path, code: str) -> None:
    report = scanned(tmp_path, deep_dot_py=code, other_dot_py=RUNS + "runs.create({})\n")
    assert [Path(path).name for path in report.unreadable] == ["deep.py"]
    assert [finding.kind for finding in report.findings] == ["creation"]


def test_a_file_of_a_megabyte_in_one_line_is_read(tmp_path: Path) -> None:
    line = "const t = require('airtable').base('x')('Runs');" + f"f('{'a' * 100}');" * 10_000 + "t.create({});"
    report = scanned(tmp_path, one_dot_js=line)
    assert len(line) > 1_000_000
    assert kinds(report) == [(1, "creation")]


def test_a_larger_file_is_left_out_and_counted(tmp_path: Path) -> None:
    assert dict(scanned(tmp_path, big_dot_js="f(1);\n" * 400_000).left_out) == {"too large": 1}


def test_mappers_that_are_not_covered_are_named(tmp_path: Path) -> None:
    report = scanned(
        tmp_path,
        a_dot_py="from django.db import models\nfrom sqlalchemy import insert\n",
        b_dot_ts="import { x } from '@prisma/client';\n",
    )
    assert report.not_covered == ["Django ORM", "Prisma", "SQLAlchemy but for text()"]


def test_a_limit_that_is_reached_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "_MOST_EFFECTS", 1)
    report = scanned(tmp_path, a_dot_py=RUNS + "def f(x):\n    runs.create(x)\n    runs.update(x, {})\n")
    assert dict(report.exhausted) == {"reads and writes of one function": 1}


def test_a_chain_that_is_too_long_is_cut_and_counted(tmp_path: Path) -> None:
    functions = "".join(f"def f{n}(x):\n    f{n + 1}(x)\n" for n in range(20))
    report = scanned(tmp_path, a_dot_py=RUNS + functions + "def f20(x):\n    runs.create(x)\n")
    assert report.exhausted["length of a chain of calls"] == 1
    assert max(len(finding.chain) for finding in report.findings) == 14


TABLES = ["Clients", *(f"Table {n}" for n in range(8)), "Client Runs"]
OBJECTS = """
class Repository:
    def __init__(self, name):
        self.table = Api("k").table("app", name)
    def put(self, x):
        self.table.create(x)
"""


def objects(tables: list[str]) -> str:
    return RUNS + OBJECTS + "".join(f"repository{n} = Repository({each!r})\n" for n, each in enumerate(tables))


def branches(tables: list[str]) -> str:
    chosen = "".join(f"    if kind == {n}:\n        name = {each!r}\n" for n, each in enumerate(tables))
    return f"{RUNS}def put(kind, x):\n{chosen}    Api('k').table('app', name).create(x)\n"


@pytest.mark.parametrize("code", [objects, branches])
def test_a_write_to_one_of_ten_tables_is_found_in_each(tmp_path: Path, code: Callable[[list[str]], str]) -> None:
    report = scanned(tmp_path, a_dot_py=code(TABLES))
    assert {finding.table for finding in report.findings if finding.kind == "creation"} == set(TABLES)
    assert not report.exhausted


def statements(tables: list[str]) -> str:
    chosen = "".join(
        f"    if kind == {n}:\n        sql = 'INSERT INTO \"{each}\" (a)'\n" for n, each in enumerate(tables)
    )
    return f"{RUNS}def put(kind, db):\n{chosen}    db.execute(sql)\n"


def addresses(tables: list[str]) -> str:
    listed = "".join(f"    if kind == {n}:\n        name = {each!r}\n" for n, each in enumerate(tables))
    url = "f'https://api.airtable.com/v0/app/{name}'"
    return f"import requests\ndef put(kind, x):\n{listed}    requests.post({url}, json=x)\n"


def a_loop(tables: list[str]) -> str:
    return f"{RUNS}for name in {tables!r}:\n    Api('k').table('app', name).create({{}})\n"


def by_key(tables: list[str]) -> str:
    chosen = f"TABLES = {dict(zip(tables, tables, strict=True))!r}\n"
    return f"{RUNS}{chosen}def put(key):\n    Api('k').table('app', TABLES[key]).create({{}})\n"


def by_key_elsewhere(tables: list[str]) -> str:
    chosen = f"TABLES = {dict(zip(tables, tables, strict=True))!r}\ndef put(table):\n    table.create({{}})\n"
    return f"{RUNS}{chosen}def f(key):\n    put(Api('k').table('app', TABLES[key]))\n"


def combinations(tables: list[str]) -> str:
    """Many choices, of which the first make few texts."""
    name = f"({tables[0]!r} if x else {tables[1]!r}){' + (a if x else b)' * 6}"
    return f"{RUNS}a, b = 'x', 'xx'\ndef put(x):\n    Api('k').table('app', {name}).create({{}})\n"


def a_long_chain(tables: list[str]) -> str:
    """A name that goes through more functions than are followed; another call of the same function is near."""
    passing = "".join(f"def f{n + 1}(name):\n    f{n}(name)\n" for n in range(30))
    return (
        f"{RUNS}def f0(name):\n    Api('k').table('app', name).create({{}})\n{passing}"
        f"def far():\n    f30({tables[0]!r})\ndef near():\n    f0({tables[1]!r})\n"
    )


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        (objects, "objects of one class"),
        (branches, "values of one expression"),
        (statements, "values of one expression"),
        (addresses, "values of one expression"),
        (a_loop, "values of one expression"),
        (by_key, "values of one expression"),
        (by_key_elsewhere, "values of one expression"),
        (combinations, "values of one expression"),
        (a_long_chain, "depth of calls followed for one value"),
    ],
)
def test_of_more_tables_than_are_followed_the_report_says_so(
    tmp_path: Path, code: Callable[[list[str]], str], limit: str
) -> None:
    report = scanned(tmp_path, Settings(allowed=("*",)), a_dot_py=code([f"Run {n}" for n in range(40)]))
    assert report.exhausted[limit]
    assert [finding.kind for finding in report.violations()] == ["unresolved"]


def test_a_parameter_that_more_functions_give_than_are_noted_is_found_through_each(tmp_path: Path) -> None:
    calls = "".join(f"def f{n}(db):\n    put(db, 'table{n}')\n" for n in range(40))
    put = "def put(db, name):\n    db.execute(f'INSERT INTO {name} (a) VALUES (1)')\n"
    report = scanned(tmp_path, a_dot_py=put + calls)
    assert {finding.kind for finding in report.findings} == {"creation", "creating-wrapper"}
    assert sum(finding.kind == "creation" for finding in report.findings) == 40


def test_many_texts_that_name_no_table_reach_no_limit(tmp_path: Path) -> None:
    messages = "".join(f"    if x == {n}:\n        note = 'message {n}'\n" for n in range(40))
    report = scanned(
        tmp_path, a_dot_py=f"{RUNS}def f(x):\n{messages}    runs.create({{'Note': note}})\n    print(note)\n"
    )
    assert kinds(report) == [(85, "creation")]
    assert not report.exhausted


NESTED = f"{RUNS}def f0(g):\n    return g\ndef put(pick, x):\n    f0(f0(f0(pick.a.b.c.d)))(x).create(x)\n"
ENCLOSING = (
    f"{RUNS}def outer(a):\n    def middle(b):\n        def inner(x):\n            Api('k').table(a, b).create(x)\n"
    "        return inner\n    return middle\nouter('app')('Client Runs')({})\n"
)


@pytest.mark.parametrize(
    ("place", "value", "limit", "code"),
    [
        ("operations.HEAVIEST", 2, "size of one symbol", NESTED),
        ("substitution._MOST_ENCLOSING", 1, "calls around one function", ENCLOSING),
        ("substitution._DEEPEST_NESTING", 0, "depth of symbols", ENCLOSING),
        ("operations.MOST_STEPS_FOR_ONE_CALL", 0, "steps for one call", ENCLOSING),
        ("objects._MOST_BASES", 1, "bases of one class", "class A:\n    pass\nclass B(A):\n    pass\nB().x()\n" + RUNS),
    ],
)
def test_each_limit_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, value: int, limit: str, code: str
) -> None:
    assert not scanned(tmp_path, a_dot_py=code).exhausted
    monkeypatch.setattr(f"runledger.scan.{place}", value)
    assert scanned(tmp_path, a_dot_py=code).exhausted[limit]


def test_the_api_of_schemas_makes_no_records(tmp_path: Path) -> None:
    bases, records = "https://api.airtable.com/v0/meta/bases", "https://api.airtable.com/v0/app1/Runs"
    code = "".join(f"fetch('{url}', {{ method: 'POST' }});\n" for url in (bases, f"{bases}/app1/tables", records))
    assert kinds(scanned(tmp_path, a_dot_js=code)) == [(3, "creation")]


def test_constants_of_a_module_without_any_sign_of_a_write_are_read(tmp_path: Path) -> None:
    report = scanned(
        tmp_path,
        names_dot_js="exports.get = () => 'Client Run Results';\n",
        code_dot_js="const { get } = require('./names');\nrequire('airtable').base('x')(get()).create({});\n",
        helper_dot_js="exports.call = (fn) => fn();\n",
        caller_dot_js="const { call } = require('./helper');\nconst start = require('./code2');\ncall(start);\n",
        code2_dot_js="const { run } = require('./runner');\nconst t = require('airtable').base('x')('Runs');\n"
        "module.exports = () => run(() => t.create({}));\nrun(t.update('x', {}));\n",
        runner_dot_js="const { deep } = require('./deep');\nexports.run = (x) => deep(x);\n",
        deep_dot_js="exports.deep = (x) => x;\n",
    )
    assert [
        (Path(finding.path).name, finding.kind, finding.table) for finding in report.findings if not finding.chain
    ] == [
        ("code.js", "creation", "Client Run Results"),
        ("code2.js", "creation", "Runs"),
        ("code2.js", "update", "Runs"),
    ]


def test_a_factory_without_any_sign_of_a_write_is_followed(tmp_path: Path) -> None:
    report = scanned(
        tmp_path,
        factory_dot_js="exports.repository = (table) => ({ start: async (fields) => table.create(fields) });\n",
        code_dot_js="const { repository } = require('./factory');\nconst t = require('airtable').base('x')('Runs');\n"
        "const runs = repository(t);\nexports.go = async () => runs.start({});\n",
    )
    assert [(Path(finding.path).name, finding.line, finding.kind) for finding in report.findings] == [
        ("code.js", 4, "creating-wrapper"),
        ("factory.js", 1, "creation"),
    ]


def test_a_wrapper_from_elsewhere_is_what_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(("Results",), wrappers={"insertRow": "creation"})
    report = scanned(tmp_path, settings, a_dot_js="import { insertRow } from 'company';\ninsertRow('Results', {});\n")
    assert kinds(report) == [(2, "creation")]
    assert report.findings[0].is_run


def test_a_table_by_its_id_has_its_name(tmp_path: Path) -> None:
    settings = Settings(runs=("Results",), tables={"tbl1": "Results"})
    report = scanned(tmp_path, settings, a_dot_js="require('airtable').base('x')('tbl1').create({});\n")
    assert (report.findings[0].table, report.findings[0].is_run) == ("Results", True)


def test_progress_counts_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.js").write_text("x = 1\n")
    seen: list[tuple[int, int]] = []
    scan([tmp_path], Settings(), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("table", "runs", "is_run"),
    [
        ("Client Run Results", (), True),
        ("client_runs", (), True),
        ("JobRuns", (), True),
        ("Clients", (), False),
        ("Brunch", (), False),
        ("runtime", (), False),
        ("Jobs", ("jobs",), True),
        ("client_run_results", ("Client Run Results",), True),
        ("Other Runs", ("Jobs",), False),
    ],
)
def test_the_table_of_runs(table: str, runs: tuple[str, ...], is_run: bool) -> None:
    assert Settings(runs=runs).is_run(table) is is_run


def test_an_import_is_resolved_once_however_many_names_it_may_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved: list[tuple[str, str]] = []
    resolve = Modules._python_module

    def counted(modules: Modules, importer: Module, spec: str) -> Module | None:
        resolved.append((importer.path, spec))
        return resolve(modules, importer, spec)

    monkeypatch.setattr(Modules, "_python_module", counted)
    imports = "from . import *\n"
    files = {f"m{n}_dot_py": f"{imports}def f{n}(x):\n    f{n + 1}(x)\n" for n in range(40)}
    files["m40_dot_py"] = f"{imports}{RUNS}def f40(x):\n    runs.create(x)\n"
    files["__init___dot_py"] = "".join(f"from .m{n} import *\n" for n in range(41))
    assert ("creating-wrapper", "f39") in {
        (finding.kind, finding.function) for finding in scanned(tmp_path, None, **files).findings
    }
    assert len(resolved) == len(set(resolved))


def test_what_spreads_what_is_looked_into_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    member = Evaluator.member

    def counted(evaluator: Evaluator, owner: Value, name: str) -> tuple[Value, ...]:
        looked.append(owner)
        return member(evaluator, owner, name)

    monkeypatch.setattr(Evaluator, "member", counted)
    chain = "".join(f"const a{n} = {{ ...a{n - 1}, ...a{n - 1} }};\n" for n in range(1, 15))
    code = f"const base = require('airtable').base('x');\nconst a0 = {{ t: 'Runs' }};\n{chain}"
    report = scanned(tmp_path, a_dot_js=f"{code}base(a14.t).create({{}});\nbase(a14.u).create({{}});\n")
    assert kinds(report) == [(17, "creation"), (18, "unresolved")]
    assert len(looked) < 200


def test_a_statement_of_many_parts_is_read_in_the_time_of_its_length() -> None:
    assert outcome_of(text("UPDATE " + "a." * 60 + "a WHERE")) == Outcome()
    assert not outcome_of(text("SELECT 1 UNION ALL " * 50_000)).writes
    [write] = outcome_of(text('INSERT INTO main.."my.schema".[runs] VALUES (1)')).writes
    assert exact(write.table) == "runs"


@pytest.mark.parametrize(
    "part",
    ["on conflict ", "insert into [", "from [", "/* ", "'('", 'f("', "(update x \0", ";replace into `"],
)
def test_a_statement_of_many_openings_is_read_in_the_time_of_its_length(part: str) -> None:
    before, hole, _ = part.partition("\0")
    statement = String(("SELECT a", *((before, None) if hole else (before,)) * 100_000))
    assert not outcome_of(statement).writes
