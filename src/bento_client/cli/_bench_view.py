"""A benchmark while it runs: what it shows, a line for each load, and how Ctrl-C ends it."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bento_client.bench import Progress, amount, duration

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from rich.live import Live
    from typing_extensions import Self

    from ._settings import Settings


def status(progress: Progress) -> str:
    """One line for each load that has ended, and one for that which goes on."""
    lines = [
        f"{load.load}: {amount(load.calls_per_second)} calls/s, p50 {duration(load.latency.percentile(50.0))}, "
        f"p99 {duration(load.latency.percentile(99.0))}, {load.failed:,} errors"
        for load in progress.done
    ]
    plan, windows = progress.plan, [window for window in progress.windows if window.ended]
    if progress.elapsed < plan.warm_up or not windows:
        now = "warming up" if progress.elapsed < plan.warm_up else "waiting for the first result"
    else:
        number = min(int((progress.elapsed - plan.warm_up) / plan.width) + 1, plan.windows)
        span = min(progress.elapsed - plan.warm_up - (len(windows) - 1) * plan.width, plan.width)
        latency = windows[-1].latency
        now = (
            f"window {number} of {'' if plan.duration is not None else 'up to '}{plan.windows}, "
            f"{amount(windows[-1].ended / max(span, 0.1))} calls/s, p50 {duration(latency.percentile(50.0))}, "
            f"p99 {duration(latency.percentile(99.0))}, {sum(window.errors.total() for window in windows):,} errors"
        )
    return "\n".join([*lines, f"{progress.load.name}: {now} ({progress.elapsed:.0f} s)"])


class View:
    """Shows the progress of a benchmark, and removes it at the end.

    Args:
        settings: how to draw it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_shown = sys.stderr.isatty() and not settings.is_json
        self._stack = ExitStack()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._is_shown:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, no_color=self._settings.no_color or None, highlight=False, markup=False)
            self._live = self._stack.enter_context(Live(console=console, transient=True, auto_refresh=False))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def update(self, progress: Progress) -> None:
        """Show how far it has come."""
        if self._live is not None:
            self._live.update(status(progress), refresh=True)


class Interruption:
    """Ctrl-C while the ``with`` runs: the first one is a request to end, and a second one ends at once.

    The first one does, too, as long as nothing has asked for it: a server may have to be waited for.
    """

    def __init__(self) -> None:
        self._is_watched = False
        self._is_asked = False
        self._before = signal.getsignal(signal.SIGINT)

    def asked(self) -> bool:
        """Whether to end."""
        self._is_watched = True
        return self._is_asked

    def __enter__(self) -> Self:
        if callable(self._before):  # else it is ignored, as in the background of a shell
            signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._is_watched and not self._is_asked:
            self._is_asked = True
        elif callable(self._before):  # that of the event loop
            self._before(number, frame)
