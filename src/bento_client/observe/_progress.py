"""Progress bars, by other libraries."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import NoReturn, TextIO

    import rich.progress
    from rich.console import Console
    from tqdm import tqdm

    from bento_proto import Progress
    from bento_proto.exchange import OnProgress


@contextmanager
def rich_progress(
    display: rich.progress.Progress | None = None, *, console: Console | None = None, transient: bool = False
) -> Generator[OnProgress, None, None]:
    """What to give as ``on_progress``, within a ``with``: it draws bars by rich, one for each kind of progress.

    ::

        with rich_progress() as on_progress:
            client.with_options(on_progress=on_progress).transcribe(path)

    It follows one call at a time; for several at once, make one for each, on a display that they share.

    Args:
        display: where to draw: a started ``rich.progress.Progress`` of your own, whose columns may use the field
            ``amount``; by default one that lasts as long as the ``with``.
        console: where to draw that one; by default the standard output.
        transient: whether that one goes when it is done.

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
            elif not progress.done:  # another call, or another attempt
                shown.reset(bar)
            shown.update(bar, completed=progress.done, total=progress.total, amount=_amount(progress))

        yield show


@contextmanager
def tqdm_progress(*, file: TextIO | None = None, leave: bool = True) -> Generator[OnProgress, None, None]:
    """What to give as ``on_progress``, within a ``with``: it draws bars by tqdm, one for each kind of progress.

    It follows one call at a time; for several at once, make one for each.

    Args:
        file: where to draw; by default the standard error output.
        leave: whether the bars stay when they are done.

    Raises:
        ImportError: the extra ``tqdm`` is not installed.
    """
    try:
        from tqdm.auto import tqdm
    except ImportError as exc:
        raise ImportError("tqdm_progress needs tqdm: pip install 'bento-client[tqdm]'") from exc

    bars: dict[str, tqdm[NoReturn]] = {}

    def show(progress: Progress) -> None:
        bar = bars.get(progress.kind)
        if bar is None:
            is_batch = progress.kind == "batch"
            bar = bars[progress.kind] = tqdm(
                desc=progress.kind,
                total=progress.total,
                file=file,
                leave=leave,
                unit=" calls" if is_batch else "B",
                unit_scale=not is_batch,
            )
        elif not progress.done:  # another call, or another attempt
            bar.reset(progress.total)
        bar.total = progress.total
        bar.update(progress.done - bar.n)
        if progress.done == progress.total:
            bar.refresh()

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()


def _amount(progress: Progress) -> str:
    from rich.filesize import decimal

    said = str if progress.kind == "batch" else decimal
    return said(progress.done) + ("" if progress.total is None else f"/{said(progress.total)}")
