"""Places that a caller names for a result: which links are followed, what is never replaced, which permissions stay."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from pathlib import Path
from typing import Final

_MOST_LINKS: Final = 40  # as on Linux
_OPEN_FILES: Final = re.compile(r"/dev/fd|/proc/[^/]+/(?:task/[^/]+/)?fd")
_ACL: Final = "system.posix_acl_access"


def target_of(path: str | os.PathLike[str]) -> Path:
    """The file or directory to write to: what a symbolic link names, and not the link.

    A rename replaces any file that it may, so this makes the checks that the system makes for those who open a file.

    Raises:
        FileNotFoundError: the path is empty.
        PermissionError: it is a link that another user has put into a directory that everybody can write to, such as
            ``/tmp``. Linux refuses to open it, too (``fs.protected_symlinks``).
        FileExistsError: it names an open file, as ``/dev/stdout`` does, which would be replaced and not written to.
        OSError: there are too many links.
    """
    given = where = os.fspath(path)
    if not given:
        raise FileNotFoundError(errno.ENOENT, "the path is empty", given)
    for _ in range(_MOST_LINKS):
        directory, name = os.path.split(where)
        if name in ("", os.curdir, os.pardir):
            return Path(os.path.realpath(where))
        directory = os.path.realpath(directory)
        where = os.path.join(directory, name)
        if _OPEN_FILES.fullmatch(directory):
            raise FileExistsError(errno.EEXIST, "it is no regular file, but an open one, and can't be replaced", given)
        try:
            status = os.lstat(where)
        except OSError:  # there is nothing yet; what else is wrong will show
            return Path(where)
        if not stat.S_ISLNK(status.st_mode):
            return Path(where)
        _check_link(given, status, os.stat(directory))
        where = os.path.join(directory, os.readlink(where))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), given)


def _check_link(given: str, link: os.stat_result, directory: os.stat_result) -> None:
    if sys.platform == "win32":  # has no such directories
        return
    shared = stat.S_ISVTX | stat.S_IWOTH
    if directory.st_mode & shared == shared and link.st_uid not in (os.geteuid(), directory.st_uid):
        raise PermissionError(errno.EACCES, "another user's link in a shared directory is not followed", given)


def open_descriptor(path: str | os.PathLike[str]) -> int | None:
    """The descriptor of this process that a path such as ``/dev/stdout`` names; None for any other path."""
    where = os.fspath(path)
    own = (os.path.realpath("/dev/fd"), os.path.realpath("/proc/self/fd"))
    for _ in range(2):  # /dev/stdout is a link to a file in there
        directory, name = os.path.split(where)
        directory = os.path.realpath(directory)
        if directory in own and _OPEN_FILES.fullmatch(directory):
            return int(name) if name.isascii() and name.isdecimal() else None
        where = os.path.join(directory, name)
        if not os.path.islink(where):
            return None
        where = os.path.join(directory, os.readlink(where))
    return None


def keep_permissions(descriptor: int, replaced: Path, new_mode: int) -> None:
    """Give a new file the permissions of the file that it replaces, and nobody more than could read that.

    The group is kept too. Where it can't be, the group of the new file may do no more than everybody. Of another user's
    file, no more is kept than a new file has. Set-user-ID bits are not kept, as by writing to a file.

    Args:
        descriptor: the new file, of mode 0600.
        replaced: the path of the old file. If there is none, the new one gets ``new_mode``.
        new_mode: the permissions of a file that replaces none.
    """
    if sys.platform == "win32":
        return
    mode = new_mode
    with contextlib.suppress(OSError):
        old = os.lstat(replaced)
        mode = old.st_mode & 0o777
        is_ours = old.st_uid == os.geteuid()
        if not is_ours:
            mode &= new_mode
        try:
            if is_ours:
                os.fchown(descriptor, -1, old.st_gid)
                _copy_acl(replaced, descriptor)
            elif old.st_gid != os.fstat(descriptor).st_gid:
                raise PermissionError
        except OSError:  # the caller is not in the group
            mode &= 0o707 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


def replace(source: Path, target: Path) -> None:
    """Move a complete file to its place, where it keeps the permissions of the one that it replaces.

    Args:
        source: the file, with the permissions of a new one, in a directory that is its owner's only.
        target: the place, as `target_of` gives it.
    """
    with source.open("rb") as file:
        keep_permissions(file.fileno(), target, stat.S_IMODE(os.fstat(file.fileno()).st_mode))
    source.replace(target)


def _copy_acl(source: Path, descriptor: int) -> None:
    if sys.platform != "linux":
        return
    try:
        acl = os.getxattr(source, _ACL)
    except OSError:  # it has none, so that its directory's must not apply either
        with contextlib.suppress(OSError):
            os.removexattr(descriptor, _ACL)
    else:
        os.setxattr(descriptor, _ACL, acl)
