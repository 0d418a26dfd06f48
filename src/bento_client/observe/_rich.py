"""Progress bars, drawn with rich."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bento_proto import Progress
from bento_proto.exchange import OnProgress

if TYPE_CHECKING:
    import rich.console
    import rich.progress
else:
    try:
        import rich.console
        import rich.progress
    except ImportError:  # reported by the call; annotations can't be evaluated then
        pass


@contextmanager
def rich_progress(
    display: rich.progress.Progress | None = None,
    *,
    console: rich.console.Console | None = None,
    transient: bool = False,
) -> Generator[OnProgress, None, None]:
    """Draw progress bars with rich; the value of the ``with`` statement is the ``on_progress`` function.

    ::

        with rich_progress() as on_progress:
            client.with_options(on_progress=on_progress).transcribe(path)

    There is a bar for each kind of progress. They follow one call at a time: for concurrent calls, use one
    `rich_progress` each, with a shared display.

    Args:
        display: a started ``rich.progress.Progress`` to draw on, whose columns may use the field ``amount``. By default
            a new one, which is stopped at the end of the ``with`` statement.
        console: the console of the new display; by default standard output.
        transient: whether the new display is removed when it is stopped.

    Raises:
        ImportError: the extra ``rich`` is not installed.
    """
    try:
        from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Display
    except ImportError as exc:
        raise ImportError("rich_progress needs rich: pip install 'bento-client[rich]'") from exc

    with ExitStack() as stack:
        if display is None:
            name, amount = TextColumn("{task.description}"), TextColumn("{task.fields[amount]}")
            display = stack.enter_context(
                Display(name, BarColumn(), amount, TimeRemainingColumn(), console=console, transient=transient)
            )
        shown, bars = display, dict[str, TaskID]()

        def show(progress: Progress) -> None:
            bar = bars.get(progress.kind)
            if bar is None:
                bar = bars[progress.kind] = shown.add_task(progress.kind, total=progress.total, amount="")
            elif not progress.done:  # a new call or attempt
                shown.reset(bar)
            shown.update(bar, completed=progress.done, total=progress.total, amount=_amount(progress))

        yield show


def _amount(progress: Progress) -> str:
    from rich.filesize import decimal

    text = str if progress.kind == "batch" else decimal
    return text(progress.done) + ("" if progress.total is None else f"/{text(progress.total)}")
