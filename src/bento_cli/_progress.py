"""A bar for large uploads and downloads, on standard error if that is a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bars
    from rich.progress import TaskID
    from typing_extensions import Self

    from bento_proto import Progress

    from ._settings import Settings

_LARGE: Final = 1 << 20  # bytes: what is smaller is over before one can look


class Bar:
    """Shows how far a call is while it is entered; goes away without a trace.

    Args:
        settings: how it is to look.
        downloads: whether downloads are shown too: not while their bytes are printed.
    """

    def __init__(self, settings: Settings, *, downloads: bool) -> None:
        self._settings = settings
        self._kinds = ("upload", "download") if downloads else ("upload",)
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._is_shown = sys.stderr.isatty() and not settings.is_json

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    def update(self, progress: Progress) -> None:
        """Take note of how far it is."""
        if not self._is_shown or progress.kind not in self._kinds or max(progress.done, progress.total or 0) < _LARGE:
            return
        bars = self._bars = self._bars or self._started()
        if progress.kind not in self._tasks:
            self._tasks[progress.kind] = bars.add_task(f"{progress.kind}ing", total=progress.total)
        bars.update(self._tasks[progress.kind], completed=progress.done, total=progress.total)

    def _started(self) -> Bars:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bars

        columns = (BarColumn(None), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        console = Console(stderr=True, no_color=self._settings.no_color or None)
        bars = Bars(TextColumn("{task.description}"), *columns, console=console, transient=True, expand=True)
        bars.start()
        return bars
