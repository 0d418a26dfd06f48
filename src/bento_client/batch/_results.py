"""The results of a batch as lines of a file, which a batch that ended early continues."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sized
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

import bento_sync
from bento_proto import BentoMLException, Value
from bento_proto.batch import Concurrency, Outcome
from bento_proto.json import to_json

from ._inputs import Inputs

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_SYNC: Final = 1.0  # seconds after which what was written must survive the machine
_PARTIAL: Final = ".partial"  # the directory of files that are not complete


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

    Args:
        client: a client.
        endpoint: the endpoint's name.
        inputs: see `EndpointMethod.map`; the same ones in the same order to resume.
        path: the file.
        resume: whether to continue a file that is there.
        files: a directory for results that are files, which get the number of their input as their name. By default a
            line has their content, in base64.
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
    with _Results(Path(path), resume, summary, None if files is None else Path(files)) as results:
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
                results.write(outcome, skip_errors=on_error == "skip")
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

    Attributes:
        partial: where files are written while they are received.
        taken: how many inputs were taken.
    """

    def __init__(self, path: Path, resume: bool, summary: Summary, files: Path | None) -> None:
        self._path = path
        self._summary = summary
        self._files = files
        self.partial: Path | None = None if files is None else files / _PARTIAL
        self.taken: int = 0
        self._numbers: dict[int, tuple[int, int]] = {}  # by the number in the batch: that of the input, and its hash
        self._asked = 0
        self._synced = time.monotonic()
        self._file: BinaryIO = open(path, "r+b" if resume and path.exists() else "x+b", buffering=0)  # noqa: SIM115
        try:
            _lock(self._file, path)
            self._done: array[int] = self._read()  # the hash of each input that has a line, or 0
            if self.partial is not None:
                shutil.rmtree(self.partial, ignore_errors=True)
                self.partial.mkdir(parents=True)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        if self.partial is not None:
            shutil.rmtree(self.partial, ignore_errors=True)

    def _read(self) -> array[int]:
        """Read the lines that are there, and cut off one that is not complete."""
        done, end = array("Q"), 0
        with open(self._path, "rb") as file:  # with a buffer of its own
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    found = json.loads(line)
                    number, hashed = int(found["number"]), int(found["input"], 16)
                except (ValueError, KeyError, TypeError):
                    raise ValueError(f"{self._path} has a line that is no result of a batch") from None
                if number >= len(done):
                    done.frombytes(bytes(done.itemsize * (number + 1 - len(done))))
                if done[number]:
                    raise ValueError(f"{self._path} has two results of the input {number}")
                done[number] = hashed
                end += len(line)
                self._summary.done += 1
        self._summary.before = self._summary.done
        self._file.truncate(end)
        self._file.seek(end)
        return done

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

    def write(self, outcome: Outcome[object], *, skip_errors: bool) -> None:
        """Append a line."""
        number, hashed = self._numbers.pop(outcome.number)
        self._summary.failed += outcome.error is not None
        if outcome.error is not None and skip_errors:
            return
        line: dict[str, object] = {"number": number, "input": f"{hashed:016x}"}
        if outcome.error is None:
            line["result"] = self._json(number, outcome.result)
        else:
            line["error"] = _described(outcome.error)
        self._file.write(to_json(line) + b"\n")
        self._summary.done += 1
        if time.monotonic() - self._synced > _SYNC:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def _json(self, number: int, value: object) -> object:
        if isinstance(value, Path):
            if self._files is None:
                content = value.read_bytes()
                value.unlink()
                return {"base64": base64.b64encode(content).decode()}
            kept = self._files / f"{number:08}{value.suffix}"
            os.replace(value, kept)
            return {"path": str(kept)}
        return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


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
