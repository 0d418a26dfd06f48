"""Results on standard output, or in a file: for eyes on a terminal, as they are in a pipe."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeAlias

import click

from ._text import harmless, harmless_json, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from rich.console import Console

    from bento_files import FileSink, SavedSink

    from ._settings import Settings

    _Sink: TypeAlias = FileSink | SavedSink

_BLOCK: Final = 1 << 18


def console(settings: Settings) -> Console:
    """Standard output as a terminal with colors."""
    from rich.console import Console

    return Console(no_color=settings.no_color or None, highlight=False, markup=False, emoji=False)


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def line(text: str) -> None:
    """Print a line of text of our own; what a server sent in it is made harmless."""
    sys.stdout.write(harmless(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line on standard error that is no result."""
    sys.stderr.write(one_line(text) + "\n")


def as_json(value: object) -> str:
    """A value as one line of JSON; bytes become ``{"base64": ...}``, files ``{"path": ..., "size": ...}``."""
    from bento_proto.json import to_json

    if isinstance(value, bytes):
        value = {"base64": base64.b64encode(value).decode()}
    elif isinstance(value, Path):
        value = {"path": str(value), "size": value.stat().st_size}
    return harmless_json(to_json(value).decode())


class _Target(Protocol):
    """Where values go to."""

    def write(self, value: object, /) -> None: ...

    def close(self) -> None: ...


class _Raw:
    """Values as they are: text and bytes unchanged, all else as one line of JSON each.

    Args:
        put: where their bytes go.
        is_json: whether text and bytes are JSON as well.
    """

    def __init__(self, put: Callable[[bytes], object], *, is_json: bool) -> None:
        self._put = put
        self._is_json = is_json

    def write(self, value: object) -> None:
        if isinstance(value, str) and not self._is_json:
            self._put(value.encode(errors="replace"))
        elif isinstance(value, bytes) and not self._is_json:
            self._put(value)
        elif isinstance(value, Path) and not self._is_json:
            with value.open("rb") as file:
                while block := file.read(_BLOCK):
                    self._put(block)
        else:
            self._put(as_json(value).encode() + b"\n")

    def close(self) -> None:
        """What is written is written."""


def _at_once(file: BinaryIO) -> Callable[[bytes], None]:
    """Writes to a file that someone may be reading."""

    def put(data: bytes) -> None:
        file.write(data)
        file.flush()

    return put


class _Screen:
    """Values for eyes; of a stream's JSON items each is a line."""

    def __init__(self, settings: Settings, *, is_stream: bool) -> None:
        self._settings = settings
        self._is_stream = is_stream
        self._console: Console | None = None
        self._is_at_start = True

    def write(self, value: object) -> None:
        if isinstance(value, str):
            if value:
                self._is_at_start = value.endswith("\n")  # before it is shown: then Ctrl-C may come
                sys.stdout.write(harmless(value))
                sys.stdout.flush()
            return
        from rich.highlighter import JSONHighlighter
        from rich.text import Text

        text = as_json(value)
        if not self._is_stream:
            text = harmless_json(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
        self._console = self._console or console(self._settings)
        self._console.print(JSONHighlighter()(Text(text)), soft_wrap=True)

    def close(self) -> None:
        if not self._is_at_start:
            sys.stdout.write("\n")


class Output:
    """Where the result of one call goes to.

    Args:
        settings: how it is to look.
        name: what a result without a name of its own is called if it must have one: the endpoint's name.
        destination: a file, which is replaced once the result is whole; a device or a pipe, which is written to; a
            directory, where nothing is replaced; ``-`` for standard output, whatever it is; or None for that, but for
            bytes, which a terminal is spared.
    """

    def __init__(self, settings: Settings, name: str, destination: str | None) -> None:
        self._settings = settings
        self._name = name
        is_raw = not on_terminal() and not settings.is_json
        self._is_stdout = destination == "-" or (destination is None and is_raw)
        self._file: Path | None = None
        self._device: Path | None = None
        self._directory: Path | None = None
        if destination not in (None, "-"):
            path = Path(str(destination))
            if path.is_dir() or str(destination).endswith(("/", os.sep)):
                self._directory = path
            elif path.exists() and not path.is_file():
                self._device = path
            elif path.parent.is_dir():
                self._file = path
            else:
                raise click.UsageError(f"there is no directory {path.parent}")

    @contextlib.contextmanager
    def downloads(self) -> Generator[Path | None, None, None]:
        """The directory where the client is to put a file; None for any that goes with the process."""
        if self._is_stdout or self._device is not None:
            yield None
        elif self._file is None:
            yield self._directory or Path()
        else:  # beside its place, so that it gets there in one step
            with tempfile.TemporaryDirectory(prefix=".bento-", dir=_place(self._file).parent) as directory:
                yield Path(directory)

    def show(self, value: object) -> None:
        """Print or save a result."""
        if isinstance(value, Path):
            self._show_file(value)
        else:
            self._show_all((value,), is_stream=False)

    def show_stream(self, items: Iterable[object]) -> None:
        """Print or save the items of a stream, each as it arrives."""
        self._show_all(items, is_stream=True)

    def _show_file(self, path: Path) -> None:
        if self._is_stdout or self._device is not None:
            with contextlib.ExitStack() as stack:
                _Raw(self._stream(stack), is_json=False).write(path)
            return
        if self._file is not None:
            place = _place(self._file)
            if place.is_file():  # who may read the old one may read the new one, and nobody else
                shutil.copymode(place, path)
            path.replace(place)
            path = self._file
        self._saved(path)

    def _show_all(self, values: Iterable[object], *, is_stream: bool) -> None:
        target: _Target | None = None
        sink: _Sink | None = None
        with contextlib.ExitStack() as stack:
            for value in values:
                if target is None:
                    sink = self._sink(value, stack, is_stream=is_stream)
                    target = self._target(sink, stack, is_stream=is_stream)
                target.write(value)
            if target is None and self._file is not None:  # an empty stream is a result, too
                sink = self._sink("", stack, is_stream=is_stream)
            if sink is not None:
                path = sink.finish()
                if self._file is None:
                    self._saved(path)

    def _sink(self, value: object, stack: contextlib.ExitStack, *, is_stream: bool) -> _Sink | None:
        """The file for the values of which this is the first, if they go into one; unless it is finished, it goes."""
        from bento_files import FileSink, SavedSink
        from bento_proto.http import safe_name

        sink: _Sink
        if self._file is not None:
            sink = SavedSink(_place(self._file))
        elif self._directory is not None or self._is_spared(value):
            name = (safe_name(self._name) or "result") + _suffix(value, is_stream=is_stream)
            sink = FileSink(name, self._directory or Path())
        else:
            return None
        stack.callback(sink.discard)
        return sink

    def _is_spared(self, value: object) -> bool:
        """Whether a terminal is spared it."""
        shown = self._is_stdout or self._device is not None or self._settings.is_json
        return isinstance(value, bytes) and not shown

    def _target(self, sink: _Sink | None, stack: contextlib.ExitStack, *, is_stream: bool) -> _Target:
        target: _Target
        is_json = self._settings.is_json
        if sink is not None:
            target = _Raw(sink.write, is_json=is_json)
        elif self._device is not None or self._is_stdout or is_json or not on_terminal():
            target = _Raw(self._stream(stack), is_json=is_json)
        else:
            target = _Screen(self._settings, is_stream=is_stream)
        stack.callback(target.close)
        return target

    def _stream(self, stack: contextlib.ExitStack) -> Callable[[bytes], None]:
        """Writes to the device, or to standard output."""
        return _at_once(sys.stdout.buffer if self._device is None else stack.enter_context(self._device.open("wb")))

    def _saved(self, path: Path) -> None:
        if self._settings.is_json:
            line(as_json(path))
        elif path != self._file:  # else its name is the caller's own
            from rich.filesize import decimal

            note(f"saved {path} ({decimal(path.stat().st_size)})")


def _place(path: Path) -> Path:
    """What is to be replaced: a link stays one."""
    return Path(os.path.realpath(path))


def _suffix(value: object, *, is_stream: bool) -> str:
    if isinstance(value, (bytes, str)):
        return ".bin" if isinstance(value, bytes) else ".txt"
    return ".jsonl" if is_stream else ".json"
