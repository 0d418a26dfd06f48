"""Progress bars by rich and tqdm, drawn to a file."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Display

from bento_client.observe import rich_progress, tqdm_progress
from bento_proto import Progress
from bento_proto.exchange import OnProgress

CALL = [
    Progress(0, 5, "upload"),
    Progress(5, 5, "upload"),
    Progress(0, None, "download"),
    Progress(2_500_000, None, "download"),
    Progress(3_000_000, 3_000_000, "download"),
]
BATCH = [Progress(0, 20, "batch"), Progress(7, 20, "batch")]


def console() -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=True)


def drawn(console: Console) -> list[str]:
    """What stands on the terminal at the end, in lines."""
    assert isinstance(console.file, io.StringIO)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()]


def tell(on_progress: OnProgress, told: list[Progress]) -> None:
    for progress in told:
        on_progress(progress)


def test_rich_draws_a_bar_for_each_kind() -> None:
    paper = console()
    with rich_progress(console=paper) as on_progress:
        tell(on_progress, CALL)
    upload, download = drawn(paper)[-2:]
    assert re.match(r"upload +━+ +5 bytes/5 bytes", upload)
    assert re.match(r"download +━+ +3.0 MB/3.0 MB", download)


def test_rich_shows_a_batch_in_calls() -> None:
    paper = console()
    with rich_progress(console=paper) as on_progress:
        tell(on_progress, BATCH)
    assert re.match(r"batch +━+[━╸╺ ]+7/20", drawn(paper)[-1])


def test_a_transient_bar_is_removed() -> None:
    paper = console()
    with rich_progress(console=paper, transient=True) as on_progress:
        tell(on_progress, CALL)
    assert isinstance(paper.file, io.StringIO)
    assert paper.file.getvalue().rstrip().endswith("\x1b[2K"), "the lines are erased"


def test_rich_shares_a_display_and_restarts_a_bar() -> None:
    with Display(TextColumn("{task.fields[amount]}"), BarColumn(), console=console()) as display:
        with rich_progress(display) as one, rich_progress(display) as two:
            tell(one, CALL)
            tell(two, BATCH)
            tell(one, CALL[:1])
        assert not display.finished
        assert [(task.description, task.completed, task.total) for task in display.tasks] == [
            ("upload", 0, 5),
            ("download", 3_000_000, 3_000_000),
            ("batch", 7, 20),
        ]


def test_tqdm_draws_a_bar_for_each_kind() -> None:
    paper = io.StringIO()
    with tqdm_progress(file=paper) as on_progress:
        tell(on_progress, CALL)
        tell(on_progress, CALL)  # the next call, on the same bars
    last = [line for line in re.split(r"[\r\n]+", paper.getvalue()) if "100%" in line]
    assert any(re.match(r"upload: 100%\|.*5.00/5.00 \[", line) for line in last)
    assert any(re.match(r"download: 100%\|.*3.00M/3.00M \[.*B/s", line) for line in last)


def test_tqdm_shows_a_batch_in_calls() -> None:
    paper = io.StringIO()
    with tqdm_progress(file=paper, leave=False) as on_progress:
        tell(on_progress, BATCH)
        tell(on_progress, [Progress(20, 20, "batch")])
    assert "20/20" in paper.getvalue()
    assert "calls/s" in paper.getvalue()


def test_a_bar_is_closed_when_the_call_fails() -> None:
    paper = io.StringIO()
    with pytest.raises(KeyError), tqdm_progress(file=paper) as on_progress:
        tell(on_progress, CALL[:1])
        raise KeyError
    assert paper.getvalue().endswith("\n")
