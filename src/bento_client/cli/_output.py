"""Results on standard output or in a file: formatted on a terminal, unchanged in a pipe; and progress bars."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn, Protocol, TypeAlias

import click

from ._text import harmless, harmless_json, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import FrameType, TracebackType

    from rich.console import Console
    from typing_extensions import Self

    from bento_files import FileSink, SavedSink
    from bento_proto import Progress
    from bento_proto.exchange import OnProgress

    from ._settings import Settings

    _Sink: TypeAlias = FileSink | SavedSink

_BLOCK: Final = 1 << 18
_LARGE: Final = 1 << 20  # bytes: a smaller transfer ends before a bar can be read


def console(settings: Settings) -> Console:
    """Standard output as a terminal with colors."""
    from rich.console import Console

    return Console(no_color=settings.no_color or None, highlight=False, markup=False, emoji=False)


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def line(text: str) -> None:
    """Print a line to standard output. Control characters, which a server may have sent, are escaped."""
    sys.stdout.write(harmless(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line to standard error that is not part of a result."""
    sys.stderr.write(one_line(text) + "\n")


def as_json(value: object) -> str:
    """A value as one line of JSON; bytes become ``{"base64": ...}``, files ``{"path": ..., "size": ...}``."""
    from bento_proto.json import to_json

    if isinstance(value, bytes):
        value = {"base64": base64.b64encode(value).decode()}
    elif isinstance(value, Path):
        value = {"path": str(value), "size": value.stat().st_size}
    return harmless_json(to_json(value).decode())


class _Writer(Protocol):
    def write(self, value: object, /) -> None: ...

    def close(self) -> None: ...


class _RawWriter:
    """Writes text and bytes unchanged, and every other value as a line of JSON.

    Args:
        put: takes the bytes.
        is_json: whether text and bytes are written as JSON too.
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
        """Do nothing: nothing is buffered."""


class _TerminalWriter:
    """Writes values to a terminal: JSON in colors and, unless it is an item of a stream, indented."""

    def __init__(self, settings: Settings, *, is_stream: bool) -> None:
        self._settings = settings
        self._is_stream = is_stream
        self._console: Console | None = None
        self._is_at_start = True

    def write(self, value: object) -> None:
        if isinstance(value, str):
            if value:
                self._is_at_start = value.endswith("\n")  # set first: Ctrl-C may interrupt the write
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
    """The destination of one call's result.

    Args:
        settings: how to format it.
        name: the file name of a result that has none of its own: the endpoint's name.
        destination: a file, which is replaced once the result is complete; a device or a pipe, which is written to; a
            directory, where nothing is replaced; ``-`` for standard output; or None for standard output, except that
            a terminal is never sent bytes: they are saved to a file. An open file, such as ``/dev/fd/3``, is written
            to where it stands.
    """

    def __init__(self, settings: Settings, name: str, destination: str | None) -> None:
        self._settings = settings
        self._name = name
        is_raw = not on_terminal() and not settings.is_json
        self._is_stdout = destination == "-" or (destination is None and is_raw)
        self._file: Path | None = None
        self._target = Path()  # what is replaced: the file that a symbolic link leads to, and not the link
        self._device: Path | int | None = None  # or a descriptor
        self._directory: Path | None = None
        if destination not in (None, "-"):
            from bento_files import open_descriptor, target_of

            path, self._device = Path(str(destination)), open_descriptor(str(destination))
            if self._device is not None:
                return
            if not destination:
                raise click.UsageError("-o is given no name")
            if path.is_dir() or str(destination).endswith(("/", os.sep)):
                self._directory = path
            elif path.exists() and not path.is_file():
                self._device = path
            elif path.parent.is_dir():
                self._file, self._target = path, target_of(path)
            else:
                raise click.UsageError(f"there is no directory {path.parent}; create it first")

    @contextlib.contextmanager
    def downloads(self) -> Generator[Path | None, None, None]:
        """The directory into which the client downloads a file; None for a temporary one.

        SIGTERM and SIGHUP raise `SystemExit` meanwhile, so that they leave no part of a result behind.
        """
        with _unwound_by_signals(), self._downloads() as directory:
            yield directory

    @contextlib.contextmanager
    def _downloads(self) -> Generator[Path | None, None, None]:
        if self._is_stdout or self._device is not None:
            yield None
        elif self._file is None:
            yield self._directory or Path()
        else:  # beside the destination, so that the file can be renamed to it
            with tempfile.TemporaryDirectory(prefix=".bento-", dir=self._target.parent) as directory:
                yield Path(directory)

    def show(self, value: object) -> None:
        """Print or save a result."""
        if isinstance(value, Path):
            self._show_file(value)
        else:
            self._show_all((value,), is_stream=False)

    def show_stream(self, items: Iterable[object]) -> None:
        """Print or save the items of a stream as they arrive."""
        self._show_all(items, is_stream=True)

    def _show_file(self, path: Path) -> None:
        if self._is_stdout or self._device is not None:
            with contextlib.ExitStack() as stack:
                _RawWriter(self._stream(stack), is_json=False).write(path)
            return
        if self._file is not None:
            from bento_files import replace

            replace(path, self._target)
            path = self._file
        self._saved(path)

    def _show_all(self, values: Iterable[object], *, is_stream: bool) -> None:
        writer: _Writer | None = None
        sink: _Sink | None = None
        with contextlib.ExitStack() as stack:
            for value in values:
                if writer is None:
                    sink = self._sink(value, stack, is_stream=is_stream)
                    writer = self._writer(sink, stack, is_stream=is_stream)
                writer.write(value)
            if writer is None and self._file is not None:  # an empty stream makes an empty file
                sink = self._sink("", stack, is_stream=is_stream)
            if sink is not None:
                path = sink.finish()
                if self._file is None:
                    self._saved(path)

    def _sink(self, value: object, stack: contextlib.ExitStack, *, is_stream: bool) -> _Sink | None:
        """The file to save to, given the first value; None to print. It is discarded unless it is finished."""
        from bento_files import FileSink, SavedSink
        from bento_proto.http import safe_name

        sink: _Sink
        if self._file is not None:
            sink = SavedSink(self._target)
        elif self._directory is not None or self._is_unprintable(value):
            name = (safe_name(self._name) or "result") + _suffix(value, is_stream=is_stream)
            sink = FileSink(name, self._directory or Path())
        else:
            return None
        stack.callback(sink.discard)
        return sink

    def _is_unprintable(self, value: object) -> bool:
        is_printed = self._is_stdout or self._device is not None or self._settings.is_json
        return isinstance(value, bytes) and not is_printed

    def _writer(self, sink: _Sink | None, stack: contextlib.ExitStack, *, is_stream: bool) -> _Writer:
        writer: _Writer
        is_json = self._settings.is_json
        if sink is not None:
            writer = _RawWriter(sink.write, is_json=is_json)
        elif self._device is not None or self._is_stdout or is_json or not on_terminal():
            writer = _RawWriter(self._stream(stack), is_json=is_json)
        else:
            writer = _TerminalWriter(self._settings, is_stream=is_stream)
        stack.callback(writer.close)
        return writer

    def _stream(self, stack: contextlib.ExitStack) -> Callable[[bytes], None]:
        file: BinaryIO = sys.stdout.buffer
        if self._device is not None:
            device = self._device
            opened = os.fdopen(os.dup(device), "wb") if isinstance(device, int) else device.open("wb")
            file = stack.enter_context(opened)

        def put(data: bytes) -> None:
            file.write(data)
            file.flush()  # a reader gets each item as it arrives

        return put

    def _saved(self, path: Path) -> None:
        if self._settings.is_json:
            line(as_json(path))
        elif path != self._file:  # otherwise the caller chose the name and knows it
            from rich.filesize import decimal

            note(f"saved {path} ({decimal(path.stat().st_size)})")


@contextlib.contextmanager
def _unwound_by_signals() -> Generator[None, None, None]:
    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)  # as shells say it

    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
    if threading.current_thread() is threading.main_thread():  # only there can handlers be set
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # as nohup does not leave it
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _suffix(value: object, *, is_stream: bool) -> str:
    if isinstance(value, (bytes, str)):
        return ".bin" if isinstance(value, bytes) else ".txt"
    return ".jsonl" if is_stream else ".json"


class ProgressBar:
    """A bar for large uploads and downloads, on standard error if that is a terminal, removed on exit.

    Args:
        settings: how to draw it.
        downloads: whether to show downloads: not while their bytes are printed.
    """

    def __init__(self, settings: Settings, *, downloads: bool) -> None:
        self._settings = settings
        self._kinds = ("upload", "download") if downloads else ("upload",)
        self._is_shown = sys.stderr.isatty() and not settings.is_json
        self._stack = contextlib.ExitStack()
        self._show: OnProgress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def update(self, progress: Progress) -> None:
        """Show how far a transfer has come."""
        if self._is_shown and progress.kind in self._kinds and max(progress.done, progress.total or 0) >= _LARGE:
            if self._show is None:
                self._show = self._start()
            self._show(progress)

    def _start(self) -> OnProgress:
        from rich.console import Console

        from bento_client.observe import rich_progress

        console = Console(stderr=True, no_color=self._settings.no_color or None)
        return self._stack.enter_context(rich_progress(console=console, transient=True))
