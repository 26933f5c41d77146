"""A file that appears whole at its path, or not at all."""

from __future__ import annotations

import errno
import gzip
import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from .formats import is_compressed


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that is at `path`, whole and synced to the disk, at the end of the block.

    It replaces a file that is there, whose permissions it gets. A symbolic link stays, and the file that it leads to is
    replaced. If the block raises, what was there stays. What is there but is no file, such as a pipe, is written to
    directly. The file is compressed if the name ends in .gz. Raises OSError.
    """
    there = _status_of(path)
    if there is not None and not stat.S_ISREG(there.st_mode):
        with _text(path, path.name) as text:
            yield text
        return
    with _replacement(Path(os.path.realpath(path)), there) as number, _text(number, path.name) as text:
        yield text


def _status_of(path: Path) -> os.stat_result | None:
    """What is at a path, or where a link there leads to; None if nothing is. The kernel refuses an unsafe link.

    Raises PermissionError for a file that may not be written, although its folder would let it be replaced.
    """
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return None
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return there


@contextmanager
def _text(file: Path | int, name: str) -> Iterator[TextIO]:
    """Write text to a path, or to a descriptor, which stays open; compressed if the name says so."""
    with open(file, "wb", closefd=isinstance(file, Path)) as plain:
        if is_compressed(name):  # the name in its header is not that of the temporary file
            with gzip.GzipFile(name, "wb", fileobj=plain) as packed, _encoded(packed) as text:
                yield text
        else:
            with _encoded(plain) as text:
                yield text


def _encoded(file: Any) -> TextIO:
    return io.TextIOWrapper(file, encoding="utf-8", newline="")


@contextmanager
def _replacement(path: Path, there: os.stat_result | None) -> Iterator[int]:
    """The descriptor of a new file in the folder of `path`, which gets that name at the end of the block."""
    part = path.with_name(
        f".runledger-{secrets.token_hex(8)}.part"
    )  # without its name, which may be as long as a name can be
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if there is None else 0o600)
    try:
        if there is not None:
            _keep_rights(part, there)
        yield number
        os.fsync(number)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(number)
    _sync_folder(path.parent)


def _keep_rights(part: Path, there: os.stat_result) -> None:
    """Give a new file the owner, group and permissions of the one that it replaces, as far as this process may."""
    mode = stat.S_IMODE(there.st_mode) & 0o777
    try:
        os.chown(part, -1, there.st_gid)
    except PermissionError:
        mode &= ~0o070  # they are for that group, and not for ours
    with suppress(PermissionError):
        os.chown(part, there.st_uid, -1)
    os.chmod(part, mode)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system lets a folder be synced."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
