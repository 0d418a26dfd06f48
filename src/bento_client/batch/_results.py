"""The results of a batch as lines of a file, which a batch that ended early continues."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sys
import time
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

import bento_sync
from bento_proto import BentoMLException, LimitExceeded, Value
from bento_proto.batch import Concurrency
from bento_proto.json import to_json

from ._files import directory_of_files, size_limit, too_large
from ._inputs import Inputs

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_SYNC: Final = 1.0  # seconds after which what was written must survive the machine
_PARTIAL: Final = ".partial"  # the directory of files that are not complete
_BLOCK: Final = 3 << 16  # bytes of a file at a time; base64 makes four of three
_LINE: Final = 1 << 20  # bytes of a line that are parsed; a longer one is known by its beginning
_BEGINNING: Final = re.compile(rb'\s*\{\s*"number"\s*:\s*(\d+)\s*,\s*"input"\s*:\s*"([0-9a-f]{16})"\s*,')


_OPENING: Final = b'{"number":'  # how a line begins


class Summary:
    """What came of a batch, so far.

    Attributes:
        done: how many inputs have a line, those of earlier runs included.
        before: how many of them are of earlier runs.
        failed: how many calls of this run failed.
        total: how many inputs there are; None if that is not known yet.
        seconds: how long this run has taken.
    """

    def __init__(self, total: int | None = None) -> None:
        self.done: int = 0
        self.before: int = 0
        self.failed: int = 0
        self.total: int | None = total
        self.seconds: float = 0.0

    def __repr__(self) -> str:
        total = "" if self.total is None else f" of {self.total:,}"
        return f"<Summary: {self.done:,}{total} done, {self.failed:,} failed, {self.rate:.3g} a second>"

    @property
    def rate(self) -> float:
        """How many calls ended in a second."""
        return (self.done - self.before) / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at this rate; None if that is not known."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None


def write_jsonl(
    client: bento_sync.SyncHTTPClient,
    endpoint: str,
    inputs: Iterable[Value],
    path: str | os.PathLike[str],
    *,
    resume: bool = False,
    files: str | os.PathLike[str] | None = None,
    concurrency: Concurrency = 8,
    ordered: bool = False,
    on_error: Literal["raise", "return", "skip"] = "return",
    max_errors: int | None = None,
    on_progress: Callable[[Summary], object] | None = None,
) -> Summary:
    """Call an endpoint with each of many inputs, and append a line of JSON for each result to a file.

    A line is ``{"number": 7, "input": "9d0c...", "result": ...}``, with the number of the input, a hash of it, and the
    result; or ``"error"`` in place of the result, with type, message, status and request id. Each line is with the
    operating system before the next one begins, so that it stays when the process dies.

    With ``resume`` the inputs that have a line are left out, and their hashes compared, so that each input has exactly
    one line in the end. A call that was under way when the process died is made again: it may run twice.

    A result that is a file is copied into its line in base64, a block at a time, unless there is a directory for files.
    Whoever reads the line has all of it in memory. So the limit of results in memory holds, ``Limits.body`` of the
    client: the call of a larger file counts as failed, with a `LimitExceeded` that names ``files``.

    Args:
        client: a client.
        endpoint: the endpoint's name.
        inputs: see `EndpointMethod.map`; the same ones in the same order to resume.
        path: the file.
        resume: whether to continue a file that is there.
        files: a directory for results that are files, which get the number of their input as their name, and may have
            any size. By default a line has their content, in base64.
        concurrency: how many calls there are at a time.
        ordered: whether the lines are in the order of the inputs.
        on_error: whether a call that fails ends the batch, has a line, or has none, so that a later run makes it again.
        max_errors: how many calls may fail.
        on_progress: called after each line.

    Raises:
        FileExistsError: the file is there, and ``resume`` is False.
        ValueError: the file has results of other inputs, or is in use by another process.
        BentoMLException, OSError: as for a batch.
    """
    summary = Summary(
        inputs.total if isinstance(inputs, Inputs) else len(inputs) if isinstance(inputs, Sized) else None
    )
    began = time.monotonic()
    limit = size_limit(client)
    with _Results(Path(path), resume, summary, None if files is None else Path(files), limit) as results:
        view = client.with_options(images="path", download_dir=results.partial)
        with view.map(
            endpoint,
            results.missing(inputs),
            concurrency=concurrency,
            ordered=ordered,
            on_error="raise" if on_error == "raise" else "return",
            max_errors=max_errors,
        ) as batch:
            for outcome in batch.outcomes():
                error = outcome.error or results.refused(outcome.result)
                if error is not None:
                    summary.failed += 1
                    if on_error == "raise" or (max_errors is not None and summary.failed > max_errors):
                        raise error
                results.write(outcome.number, outcome.result, error, skip_errors=on_error == "skip")
                summary.seconds = time.monotonic() - began
                if on_progress is not None:
                    on_progress(summary)
        summary.total = results.taken
    summary.seconds = time.monotonic() - began
    return summary


class _Results:
    """The file of results.

    Args:
        path: the file.
        resume: whether to continue one that is there.
        summary: counts the lines.
        files: the directory for results that are files.
        limit: how many bytes a file may have that is copied into a line.

    Attributes:
        partial: where files are written while they are received.
        taken: how many inputs were taken.
    """

    def __init__(self, path: Path, resume: bool, summary: Summary, files: Path | None, limit: int) -> None:
        self._path = path
        self._summary = summary
        self._files = files
        self._limit = limit
        self.taken: int = 0
        self._numbers: dict[int, tuple[int, int]] = {}  # by the number in the batch: that of the input, and its hash
        self._asked = 0
        self._synced = time.monotonic()
        self._file: BinaryIO = open(path, "r+b" if resume and path.exists() else "x+b", buffering=0)  # noqa: SIM115
        with ExitStack() as closing:
            closing.enter_context(self._file)
            _lock(self._file, path)
            self._done: array[int] = self._read()  # the hash of each input that has a line, or 0
            self.partial: Path = closing.enter_context(directory_of_files() if files is None else _partial(files))
            self._closing: ExitStack = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        with self._closing:
            os.fsync(self._file.fileno())

    def _read(self) -> array[int]:
        """Read the lines that are there, and cut off one that is not complete."""
        done, end = array("Q"), 0
        with open(self._path, "rb") as file:  # with a buffer of its own
            while line := file.readline(_LINE):
                size = len(line)
                last = line
                while last and not last.endswith(b"\n"):
                    last = file.readline(_LINE)
                    size += len(last)
                if not last:
                    if not end and not _OPENING.startswith(line[:64].translate(None, b" ")[: len(_OPENING)]):
                        raise ValueError(f"{self._path} is no file of results")  # is not cut off, as it is not ours
                    break
                number, hashed = self._parsed(line)
                if number >= len(done):
                    done.frombytes(bytes(done.itemsize * (number + 1 - len(done))))
                if done[number]:
                    raise ValueError(f"{self._path} has two results of the input {number}")
                done[number] = hashed
                end += size
                self._summary.done += 1
        self._summary.before = self._summary.done
        self._file.truncate(end)
        self._file.seek(end)
        return done

    def _parsed(self, line: bytes) -> tuple[int, int]:
        """The number of an input and its hash, from a line, or from the beginning of a long one."""
        try:
            if line.endswith(b"\n"):
                found = json.loads(line)
                number, hashed = int(found["number"]), int(found["input"], 16)
                if number >= 0 <= hashed < 1 << 64:
                    return number, hashed
            elif match := _BEGINNING.match(line):
                return int(match[1]), int(match[2], 16)
        except (ValueError, KeyError, TypeError):
            pass
        raise ValueError(f"{self._path} has a line that is no result of a batch")

    def missing(self, inputs: Iterable[Value]) -> Iterator[Value]:
        """The inputs that have no line.

        Raises:
            ValueError: one that has a line is another one now.
        """
        done = self._done
        for given in inputs:
            number, hashed = self.taken, _hash(given)
            self.taken += 1
            if number < len(done) and done[number]:
                if done[number] != hashed:
                    raise ValueError(
                        f"{self._path} has the result of another input {number}: are these the same inputs?"
                    )
                continue
            self._numbers[self._asked] = (number, hashed)
            self._asked += 1
            yield given
        if self.taken < len(done):
            raise ValueError(f"{self._path} has more results than there are inputs")

    def refused(self, result: object) -> LimitExceeded | None:
        """Why a result can't have a line; None if it can."""
        if self._files is not None or not isinstance(result, Path):
            return None
        return too_large(result, self._limit, "files=DIR, or --files DIR, keeps such results out of the lines")

    def write(self, asked: int, result: object, error: Exception | None, *, skip_errors: bool) -> None:
        """Append a line for the input of that number in the batch."""
        number, hashed = self._numbers.pop(asked)
        if error is not None and skip_errors:
            return
        line: dict[str, object] = {"number": number, "input": f"{hashed:016x}"}
        if error is not None:
            self._append(to_json(line | {"error": _described(error)}) + b"\n")
        elif isinstance(result, Path) and self._files is None:
            self._append_file(to_json(line), result)
        else:
            self._append(to_json(line | {"result": self._json(number, result)}) + b"\n")
        self._summary.done += 1
        if time.monotonic() - self._synced > _SYNC:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a write may be short, as on a disk that is full, whose error is that of the next one
            rest = rest[self._file.write(rest) :]

    def _append_file(self, line: bytes, path: Path) -> None:
        """Append a line whose result is a file, a block of it at a time."""
        self._append(line[:-1] + b',"result":{"base64":"')
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                self._append(base64.b64encode(block))
        self._append(b'"}}\n')
        path.unlink()

    def _json(self, number: int, value: object) -> object:
        if isinstance(value, Path):
            assert self._files is not None
            kept = self._files / f"{number:08}{value.suffix}"
            os.replace(value, kept)
            return {"path": str(kept)}
        return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


@contextmanager
def _partial(files: Path) -> Generator[Path]:
    """The directory of files that are not complete; what an earlier run left there is removed."""
    directory = files / _PARTIAL
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _hash(given: object) -> int:
    """A hash of an input that is the same in another process; never 0."""
    if isinstance(given, Path):
        text = str(given).encode(errors="surrogateescape")
    else:
        try:
            text = to_json(given)
        except (TypeError, ValueError):
            text = repr(type(given)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") or 1


def _described(error: Exception) -> dict[str, object]:
    described: dict[str, object] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, BentoMLException):
        code = error.error_code
        described |= {"status": None if code is None else int(code), "request_id": error.request_id}
    return described


def _lock(file: BinaryIO, path: Path) -> None:
    """Keep other processes from writing to the file, where the system can.

    Raises:
        ValueError: another process does.
    """
    if sys.platform == "win32":  # whose Python has no flock()
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ValueError(f"another process writes to {path}") from None
