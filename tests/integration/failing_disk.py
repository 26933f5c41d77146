"""A disk that fails at the call that a test chooses, for this process: SQLite's own way to test what errors leave.

SQLite reaches files by its VFS (https://www.sqlite.org/vfs.html). This one is the default VFS with four of its methods
counted, each of which returns an error instead of doing its work when it is that call's turn.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import sqlite3
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p, cast
from typing import Any, ClassVar

# fmt: off
_METHODS = (
    "xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock", "xUnlock", "xCheckReservedLock",
    "xFileControl", "xSectorSize", "xDeviceCharacteristics", "xShmMap", "xShmLock", "xShmBarrier", "xShmUnmap",
    "xFetch", "xUnfetch",
)
_OF_VFS = (
    "pAppData", "xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError", "xDlSym", "xDlClose",
    "xRandomness", "xSleep", "xCurrentTime", "xGetLastError", "xCurrentTimeInt64", "xSetSystemCall", "xGetSystemCall",
    "xNextSystemCall",
)
# fmt: on
ERRORS = {
    "xWrite": (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL),
    "xTruncate": (sqlite3.SQLITE_IOERR_TRUNCATE,),
    "xSync": (sqlite3.SQLITE_IOERR_FSYNC,),
    "xShmMap": (sqlite3.SQLITE_IOERR_SHMSIZE,),
    "xRead": (sqlite3.SQLITE_IOERR_READ,),
}
"""The methods that can fail, and how."""
_TYPES = {
    "xRead": CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64),
    "xWrite": CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64),
    "xTruncate": CFUNCTYPE(c_int, c_void_p, c_int64),
    "xSync": CFUNCTYPE(c_int, c_void_p, c_int),
    "xShmMap": CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p),
}
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)


class _Methods(Structure):
    _fields_: ClassVar = [("iVersion", c_int), *((name, c_void_p) for name in _METHODS)]


class _File(Structure):
    _fields_: ClassVar = [("pMethods", POINTER(_Methods))]


class _VFS(Structure):
    _fields_: ClassVar = [
        *((name, c_int) for name in ("iVersion", "szOsFile", "mxPathname")),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        *((name, c_void_p) for name in _OF_VFS),
    ]


class FailingDisk:
    """The default VFS of this process from now on. It fails only after `arm`, until `disarm`."""

    def __init__(self) -> None:
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))  # with the library that it is linked to
        library.sqlite3_vfs_find.restype = POINTER(_VFS)
        real = library.sqlite3_vfs_find(None).contents
        self._open = cast(real.xOpen, _OPEN)
        self._known: dict[int, Any] = {}
        self._kept: list[Any] = []
        self._vfs = _VFS()
        ctypes.memmove(byref(self._vfs), byref(real), ctypes.sizeof(_VFS))
        self._vfs.zName = b"failing"
        self._vfs.xOpen = self._callback(_OPEN(self._opened))
        self.arm("", 1, 0, False)
        assert library.sqlite3_vfs_register(byref(self._vfs), 1) == sqlite3.SQLITE_OK

    def arm(self, method: str, call: int, error: int, lasting: bool) -> None:
        """Let the given call of a method fail from now on, counted from 1, and with `lasting` all that follow it."""
        self._method, self._call, self._error, self._lasting = method, call, error, lasting
        self._calls = 0
        self.fired = False
        """Whether a call has failed since."""

    def disarm(self) -> None:
        self._method = ""

    def _opened(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        code = int(self._open(vfs, name, file, flags, out))
        opened = cast(file, POINTER(_File)).contents
        if opened.pMethods:
            opened.pMethods = self._counted(opened.pMethods)
        return code

    def _counted(self, real: Any) -> Any:
        address = ctypes.addressof(real.contents)
        if address not in self._known:
            methods = _Methods()
            ctypes.memmove(byref(methods), real, ctypes.sizeof(_Methods))
            for name, type_ in _TYPES.items():
                if method := getattr(methods, name):
                    setattr(methods, name, self._callback(type_(self._counting(name, cast(method, type_)))))
            self._known[address] = ctypes.pointer(methods)
        return self._known[address]

    def _counting(self, name: str, method: Callable[..., int]) -> Callable[..., int]:
        def counting(*arguments: Any) -> int:
            if name == self._method:
                self._calls += 1
                if self._calls == self._call or (self._lasting and self._calls > self._call):
                    self.fired = True
                    return self._error
            return method(*arguments)

        return counting

    def _callback(self, function: Any) -> int | None:
        self._kept.append(function)  # as long as SQLite may call it
        return cast(function, c_void_p).value
