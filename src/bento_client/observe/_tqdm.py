"""Progress bars, drawn with tqdm."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from bento_proto import Progress
from bento_proto.exchange import OnProgress

if TYPE_CHECKING:
    from tqdm import tqdm


@contextmanager
def tqdm_progress(*, file: TextIO | None = None, leave: bool = True) -> Generator[OnProgress, None, None]:
    """Draw progress bars with tqdm; the value of the ``with`` statement is the ``on_progress`` function.

    There is a bar for each kind of progress. They follow one call at a time: for concurrent calls, use one
    `tqdm_progress` each.

    Args:
        file: the stream to draw on; by default standard error.
        leave: whether the bars remain when they are done.

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
        elif not progress.done:  # a new call or attempt
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
