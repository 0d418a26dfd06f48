"""The temporary directory of this process, for results that are files and have no other directory.

It is removed when the process ends, and so is that of a `multiprocessing` worker. A process that is killed can't remove
its directory: the next process that needs one does. It knows by a lock, which the system releases when a process ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "bento-"
_LOCK: Final = ".lock"  # the lock file in a directory; it contains the process id


def new_directory() -> Path:
    """Create a new directory inside that of this process."""
    return _make(_process_directory())


class _ProcessDirectory:
    def __init__(self) -> None:
        self.process: int = os.getpid()
        self.path: Path = _make(None)
        self._identity = self._found()
        self._lock = _locked(self.path)
        atexit.register(self._remove)
        if "multiprocessing.util" in sys.modules:  # its worker processes end without running atexit's functions
            from multiprocessing.util import Finalize

            Finalize(None, self._remove, exitpriority=0)

    def is_there(self) -> bool:
        """Whether it still exists, and is still a private directory of ours: others may have taken its name since."""
        return self._found() == self._identity

    def _found(self) -> tuple[int, int] | None:
        try:
            status = os.lstat(self.path)
        except OSError:
            return None
        return status.st_mode, status.st_uid

    def _remove(self) -> None:
        if os.getpid() == self.process and self.is_there():
            _remove(self.path)


_directories: Final[dict[int, _ProcessDirectory]] = {}


def _process_directory() -> Path:
    """The directory of this process: a forked child has its own, and one that was removed is replaced."""
    process = os.getpid()
    found = _directories.get(process)
    if found is None or not found.is_there():
        made = _ProcessDirectory()
        if found is None:
            found = _directories.setdefault(process, made)  # another thread may have been faster
        else:
            found = _directories[process] = made
        for path in _abandoned(made.path.parent):
            _remove(path)
    return found.path


def _abandoned(parent: Path) -> Iterator[Path]:
    """The directories of processes that have ended without removing them."""
    if sys.platform == "win32":
        return
    import fcntl

    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if not entry.name.startswith(_PREFIX):
                continue
            with contextlib.suppress(OSError, ValueError):  # whatever is not ours, or is changing, stays
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                    continue
                with open(os.path.join(entry.path, _LOCK), "r+b") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while a process holds it
                    if not _is_running(int(lock.read())):
                        yield Path(entry.path)


def _locked(directory: Path) -> int | None:
    """Create the lock file of a directory; return its descriptor, which holds the lock until the process ends."""
    if sys.platform == "win32":
        return None
    import fcntl

    partial = directory / f"{_LOCK}.part"
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, str(os.getpid()).encode())
        os.rename(partial, directory / _LOCK)  # appears locked
    except OSError:  # a file system without locks: the directory is never taken for abandoned
        os.close(descriptor)
        return None
    return descriptor


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True


def _make(parent: Path | None) -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def _remove(path: Path) -> None:
    import shutil  # slow to import

    shutil.rmtree(path, ignore_errors=True)
