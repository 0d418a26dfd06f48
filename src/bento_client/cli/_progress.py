"""A bar for large uploads and downloads, on standard error if that is a terminal."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from bento_proto import Progress
    from bento_proto.exchange import OnProgress

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
        self._is_shown = sys.stderr.isatty() and not settings.is_json
        self._stack = ExitStack()
        self._show: OnProgress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def update(self, progress: Progress) -> None:
        """Take note of how far it is."""
        if self._is_shown and progress.kind in self._kinds and max(progress.done, progress.total or 0) >= _LARGE:
            if self._show is None:
                self._show = self._begin()
            self._show(progress)

    def _begin(self) -> OnProgress:
        from rich.console import Console

        from bento_client.observe._progress import rich_progress

        console = Console(stderr=True, no_color=self._settings.no_color or None)
        return self._stack.enter_context(rich_progress(console=console, transient=True))
