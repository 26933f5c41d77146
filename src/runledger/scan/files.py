"""Which files a scan reads, and which it leaves out and why."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import field, frozen

from .parsing import LANGUAGES

_FOLDERS = {
    "node_modules": "node_modules",
    "bower_components": "vendored",
    "vendor": "vendored",
    "vendored": "vendored",
    "third_party": "vendored",
    "_vendor": "vendored",
    "site-packages": "vendored",
    "venv": "vendored",
    "dist": "generated",
    "build": "generated",
    "out": "generated",
    "coverage": "generated",
    "generated": "generated",
    "__generated__": "generated",
    "__pycache__": "generated",
    "__tests__": "tests",
    "__mocks__": "tests",
    "tests": "tests",
    "test": "tests",
    "e2e": "tests",
    "cypress": "tests",
    "fixtures": "tests",
    "backup": "backups",
    "backups": "backups",
    "old": "backups",
    "bak": "backups",
    "_old": "backups",
}
_TEST = re.compile(
    r"(?:^|/)(?:test_[^/]*|conftest|[^/]*_test)\.py$|\.(?:test|spec|stories|cy)\.[cm]?[jt]sx?$|(?:^|/)(?:jest|vitest)\."
)
_BACKUP = re.compile(
    r"\.(?:bak|orig|old|backup|save|swp)(?:\.|$)|~$|(?:^|/)(?:copy of |Copy of )"
    r"|[ _.-](?:copy|backup|bak|old)(?:[ _-]?\d+)?\.\w+$"
)
_GENERATED = re.compile(r"\.(?:min|bundle|generated|gen|pb)\.\w+$|_pb2(?:_grpc)?\.py$|\.d\.[cm]?ts$")
_MARKED = re.compile(rb"@generated|(?:DO NOT EDIT|do not edit)|auto-?generated (?:by|file|from)", re.I)
_LARGEST = 2_000_000


@frozen
class Source:
    """A file to be parsed. `shown` is its path in findings, with "/"."""

    path: Path
    shown: str


@frozen
class Files:
    """What was found: files to read, and how many were left out for which reason."""

    sources: tuple[Source, ...]
    left_out: Counter[str] = field(factory=Counter)


def find_files(paths: Iterable[Path], ignore: tuple[str, ...] = ()) -> Files:
    """The files below some paths that are in one of the languages. Of a path that is a file, its name alone counts."""
    sources: dict[str, Source] = {}
    left_out: Counter[str] = Counter()
    for path in paths:
        if path.is_file():
            reason = _reason(path, path.name) if path.suffix in LANGUAGES else "another language"
            if reason:
                left_out[reason] += 1
            else:
                sources[path.as_posix()] = Source(path, path.as_posix())
            continue
        for file in _below(path, left_out):
            inner = file.relative_to(path).as_posix()
            shown = inner if path.as_posix() == "." else file.as_posix()
            if any(
                fnmatchcase(inner, pattern)
                or fnmatchcase(shown, pattern)
                or inner.startswith(pattern.rstrip("/") + "/")
                for pattern in ignore
            ):
                left_out["ignored"] += 1
                continue
            reason = _reason(file, inner)
            if reason:
                left_out[reason] += 1
            else:
                sources[shown] = Source(file, shown)
    return Files(tuple(sources[shown] for shown in sorted(sources)), left_out)


def _below(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        for each in sorted(folders):
            if each.startswith(".") and each not in (".github",):
                folders.remove(each)
        inside = _FOLDERS.get(Path(where).name) if Path(where) != folder else None
        if inside == "node_modules":
            left_out[inside] += sum(Path(name).suffix in LANGUAGES for _, _, inner in os.walk(where) for name in inner)
            folders.clear()
            continue
        for name in sorted(names):
            if Path(name).suffix in LANGUAGES:
                yield Path(where) / name
            elif _BACKUP.search(name) and any(ending in name for ending in LANGUAGES):
                left_out["backups"] += 1


def _reason(file: Path, inner: str) -> str:
    """Why a file is not read; "" if it is."""
    for part in Path(inner).parts[:-1]:
        if part in _FOLDERS:
            return _FOLDERS[part]
    for pattern, reason in ((_TEST, "tests"), (_BACKUP, "backups"), (_GENERATED, "generated")):
        if pattern.search(inner):
            return reason
    if not file.is_file():  # a pipe, a link to nothing
        return "not a file"
    try:
        if file.stat().st_size > _LARGEST:
            return "too large"
        with file.open("rb") as opened:
            head = opened.read(1000)
    except OSError:
        return ""  # is named when it is read
    comment = b"\n".join(line for line in head.splitlines()[:8] if line.lstrip().startswith((b"#", b"//", b"/*", b"*")))
    return "generated" if _MARKED.search(comment) else ""
