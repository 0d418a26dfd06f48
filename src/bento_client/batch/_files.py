"""Results that are files, where bytes are due: bounded, and removed once they are read."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import bento_files
import bento_sync
from bento_proto import LimitExceeded


@contextmanager
def directory_of_files() -> Generator[Path]:
    """A directory for results until they are read; the next process removes that of a process that was killed."""
    directory = bento_files.new_directory()
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def size_limit(client: bento_sync.SyncHTTPClient) -> int:
    """How many bytes a result may have in memory: ``Limits.body`` of the client."""
    return client._driver.session.limits.body  # pyright: ignore[reportPrivateUsage]


def too_large(file: Path, limit: int, advice: str) -> LimitExceeded | None:
    """The error of a call whose result is a file of more than ``limit`` bytes, which is removed; None for any other."""
    size = file.stat().st_size
    if size <= limit:
        return None
    file.unlink()
    return LimitExceeded(f"the result is a file of {size} bytes, more than the {limit} of Limits.body: {advice}")
