"""A scan from beginning to end: files, trees, names, effects, findings."""

from __future__ import annotations

import codecs
import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from .declarations import Declarations
from .effects import Effects
from .entries import Entries, Entry, Registrations
from .evaluation import Evaluator
from .files import Source, find_files
from .findings import CREATION, RECOVERY, UNRESOLVED, UPSERT, Finding
from .flow import Flows
from .judging import Judge
from .names import Modules
from .observations import forget
from .parsing import parse
from .program import Module, Program
from .relevance import has_sign, relevant
from .settings import Settings
from .starts import Starts

Progress = Callable[[int, int], None]

_RECURSION = 6000
"""Frames for code that is nested deeply; beyond, a file is named as unreadable."""

_MAPPERS = {
    "sqlalchemy": "SQLAlchemy but for text()", "flask_sqlalchemy": "SQLAlchemy but for text()",
    "sqlmodel": "SQLModel", "django.db": "Django ORM", "peewee": "Peewee",
    "tortoise": "Tortoise ORM", "pony.orm": "Pony", "mongoengine": "MongoEngine", "@prisma/client": "Prisma",
    "sequelize": "Sequelize", "typeorm": "TypeORM", "mongoose": "Mongoose", "knex": "Knex",
    "objection": "Objection", "drizzle-orm": "Drizzle", "@mikro-orm/core": "MikroORM", "kysely": "Kysely",
    "beanie": "Beanie", "mongodb": "MongoDB", "pymongo": "PyMongo", "@supabase/supabase-js": "Supabase",
    "supabase": "Supabase", "motor": "MongoDB", "pynamodb": "DynamoDB", "@aws-sdk/client-dynamodb": "DynamoDB",
    "@aws-sdk/lib-dynamodb": "DynamoDB", "google.cloud.firestore": "Firestore", "@google-cloud/firestore": "Firestore",
    "firebase-admin": "Firestore", "firebase_admin": "Firestore",
}  # fmt: skip


@define
class Report:
    """The result of a scan."""

    settings: Settings
    findings: list[Finding] = field(factory=list)
    files: Counter[str] = field(factory=Counter)
    """How many files were read, by language."""
    left_out: Counter[str] = field(factory=Counter)
    in_part: list[str] = field(factory=list)
    """Files that are damaged and were parsed in part."""
    unreadable: list[str] = field(factory=list)
    """Files that could not be read, or are nested too deeply: what they write is not known, so they fail a check."""
    not_covered: list[str] = field(factory=list)
    """Object-relational mappers and drivers whose writes the scan does not see."""
    exhausted: Counter[str] = field(factory=Counter)
    """How often each limit of the search was reached."""

    def shown(self, *, deep: bool) -> list[Finding]:
        return [finding for finding in self.findings if deep or not finding.deep]

    def violations(self) -> list[Finding]:
        """The findings that fail a check: creation points that are not allowed, and kinds that gate."""
        return [finding for finding in self.findings if self._gates(finding)]

    def _gates(self, finding: Finding) -> bool:
        if finding.kind == UNRESOLVED:
            return True
        if not finding.is_run:
            return False
        if finding.kind in (RECOVERY, UPSERT):
            return True
        return finding.kind == CREATION and not self.settings.is_allowed(finding.path, finding.function)


def scan(paths: Iterable[Path], settings: Settings, progress: Progress = lambda _done, _total: None) -> Report:
    """Scan files and folders. `progress` is called with the number of files that are parsed and of all files."""
    files = find_files(paths, settings.ignore)
    report = Report(settings, left_out=files.left_out)
    program = Program()
    with _frugal():
        for number, source in enumerate(files.sources, 1):
            module = _parsed(source, report)
            if module is not None:
                program.modules[module.path] = module
            progress(number, len(files.sources))
        _analyse(program, report)
    return report


@contextmanager
def _frugal() -> Iterator[None]:
    """No search for garbage, which would find none and take a third of the time; and room for deep nesting."""
    was_enabled = gc.isenabled()
    gc.disable()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        forget()
        if was_enabled:
            gc.enable()


def _parsed(source: Source, report: Report) -> Module | None:
    try:
        text = _utf8(source.path.read_bytes())
        tree = parse(source.shown, text)
    except (OSError, RecursionError):
        report.unreadable.append(source.shown)
        return None
    report.files[tree.language] += 1
    if tree.damaged:
        report.in_part.append(source.shown)
    return Module(source.shown, tree, has_sign(text, report.settings.wrappers))


def _utf8(text: bytes) -> bytes:
    """The bytes of a file as UTF-8, if its first bytes say that it is UTF-16."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.decode("utf-16", errors="replace").encode(errors="replace")
    return text


def _analyse(program: Program, report: Report) -> None:
    for module in list(program.modules.values()):
        try:
            Declarations(program, module).declare()
        except RecursionError:
            report.unreadable.append(module.path)
            del program.modules[module.path]
    names = Modules(program.modules.values())
    evaluator = Evaluator(program, names)
    evaluator.wrappers = report.settings.wrappers
    registrations = Registrations(evaluator)
    flows = Flows(evaluator, registrations)
    effects = Effects(evaluator, flows)
    effects.compute(relevant(program.modules.values(), names))
    judge = Judge(effects, report.settings)
    starts = Starts(effects, judge, report.settings)
    entries: list[Entry] = Entries(program, evaluator).declared() + flows.registered
    found = dict.fromkeys([*judge.findings(), *starts.findings(entries)])
    report.findings = sorted(found, key=lambda finding: finding.order)
    report.unreadable = sorted({*report.unreadable, *effects.too_deep})
    report.exhausted = evaluator.exhausted
    report.not_covered = _mappers(program)


def _mappers(program: Program) -> list[str]:
    found = {
        name
        for module in program.modules.values()
        for spec in module.imports
        for prefix, name in _MAPPERS.items()
        if spec == prefix or spec.startswith((prefix + ".", prefix + "/"))
    }
    return sorted(found)
