"""What is told of a body's progress, and how often."""

from __future__ import annotations

import pytest

from bento_proto import Progress
from bento_proto._progress import Meter


def told(total: int | None, *sizes: int) -> list[tuple[int, int | None]]:
    """What a meter says of a body that passes in pieces of these sizes."""
    said: list[Progress] = []
    meter = Meter("download", said.append)
    meter.start(total)
    for size in sizes:
        meter.add(size)
    meter.finish()
    assert {progress.kind for progress in said} == {"download"}
    return [(progress.done, progress.total) for progress in said]


def test_a_small_body_is_told_of_at_its_start_and_its_end() -> None:
    assert told(10, 3, 3, 4) == [(0, 10), (10, 10)]
    assert told(None, 3, 3, 4) == [(0, None), (10, 10)]


def test_a_body_without_content_is_told_of_once() -> None:
    assert told(0) == [(0, 0)]
    assert told(None) == [(0, None), (0, 0)]


def test_the_last_word_is_that_all_is_done_and_comes_once() -> None:
    assert told(1 << 16, 1 << 16) == [(0, 1 << 16), (1 << 16, 1 << 16)]


@pytest.mark.parametrize("total", [5 << 30, None], ids=["known", "unknown"])
def test_however_much_there_is_it_is_told_of_some_thousand_times(total: int | None) -> None:
    lines = told(total, *[1 << 16] * (5 << 14))
    done = [line[0] for line in lines]
    assert done == sorted(done)
    assert 500 < len(lines) < 12_000
    assert lines[-1] == (5 << 30, 5 << 30)


def test_a_slow_link_hears_of_each_block() -> None:
    assert told(1 << 20, *[1 << 16] * 16) == [(done << 16, 1 << 20) for done in range(17)]


def test_a_meter_that_tells_nobody_counts_all_the_same() -> None:
    meter = Meter("upload", None)
    meter.start(7)
    meter.add(3)
    meter.add(4)
    assert meter.done == 7


def test_the_fraction() -> None:
    assert Progress(1, 4, "upload").fraction == 0.25
    assert Progress(0, 0, "upload").fraction == 1.0
    assert Progress(1, None, "upload").fraction is None
