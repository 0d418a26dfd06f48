"""The progress of bodies, and how often it is reported."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from bento_proto import Data, End, Exchange, Head, Limits, Progress, Request, RetryPolicy, Session, Step, Timeout
from bento_proto.exchange._progress import Meter
from bento_proto.http import FilePart, Origin, Received, Segment
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response._readers import whole_reader
from bento_proto.session import Options
from bento_proto.testing import Event, Playback

from .play import Answer, play, reply

HERE = Origin("http", "service", 3000)


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


def test_a_small_body_is_reported_at_its_start_and_end() -> None:
    assert told(10, 3, 3, 4) == [(0, 10), (10, 10)]
    assert told(None, 3, 3, 4) == [(0, None), (10, 10)]


def test_an_empty_body_is_reported_once() -> None:
    assert told(0) == [(0, 0)]
    assert told(None) == [(0, None), (0, 0)]


def test_the_last_report_is_complete_and_comes_once() -> None:
    assert told(1 << 16, 1 << 16) == [(0, 1 << 16), (1 << 16, 1 << 16)]


@pytest.mark.parametrize("total", [5 << 30, None], ids=["known", "unknown"])
def test_a_large_body_is_reported_about_a_thousand_times(total: int | None) -> None:
    lines = told(total, *[1 << 16] * (5 << 14))
    done = [line[0] for line in lines]
    assert done == sorted(done)
    assert 500 < len(lines) < 12_000
    assert lines[-1] == (5 << 30, 5 << 30)


def test_small_blocks_are_reported_each() -> None:
    assert told(1 << 20, *[1 << 16] * 16) == [(done << 16, 1 << 20) for done in range(17)]


def test_a_meter_without_a_listener_counts() -> None:
    meter = Meter("upload", None)
    meter.start(7)
    meter.add(3)
    meter.add(4)
    assert meter.done == 7


def test_the_fraction() -> None:
    assert Progress(1, 4, "upload").fraction == 0.25
    assert Progress(0, 0, "upload").fraction == 1.0
    assert Progress(1, None, "upload").fraction is None


# --- of an exchange


def exchange(*body: Segment) -> tuple[Exchange[bytes], list[tuple[str, int, int | None]]]:
    said: list[tuple[str, int, int | None]] = []
    made = Exchange(Request("POST", HERE, "/f", (), body), whole_reader(bytes, 1 << 30), Limits())
    made.measure(lambda progress: said.append((progress.kind, progress.done, progress.total)))
    return made, said


def downloaded(head: Head, *blocks: bytes) -> list[tuple[str, int, int | None]]:
    made, said = exchange()
    events: list[Received] = [head, *map(Data, blocks), End()]
    for event in events:
        made.receive(event)
    return said


def test_the_bytes_of_a_response_are_reported() -> None:
    assert downloaded(Head(200, (("content-length", "5"),)), b"he", b"llo") == [("download", 0, 5), ("download", 5, 5)]
    for length in ((), (("content-length", "-5"),), (("content-length", "\u0665"),)):
        assert downloaded(Head(200, length), b"hello") == [("download", 0, None), ("download", 5, 5)]


def test_an_error_response_is_no_download() -> None:
    assert downloaded(Head(500), b"x" * (1 << 17)) == []


def test_bytes_are_counted_as_they_come_over_the_wire() -> None:
    import gzip

    coded = gzip.compress(b"0" * 1000)
    head = Head(200, (("content-encoding", "gzip"), ("content-length", str(len(coded)))))
    assert downloaded(head, coded)[-1] == ("download", len(coded), len(coded))


def uploaded(*body: Segment, blocks: int = 0) -> tuple[list[int], list[tuple[str, int, int | None]]]:
    """What goes out in which sizes, and what is told when all has; files in blocks of so many bytes."""
    made, said = exchange(*body)
    wire, sizes = HTTP11Exchange(made), []
    for segment in wire.segments():
        if isinstance(segment, FilePart):
            assert segment.size is not None or blocks
            sizes += [len(wire.frame(b"x" * blocks)) for _ in range(3)]
        else:
            sizes.append(len(segment))
    return sizes, said


def test_a_small_body_is_sent_with_the_head() -> None:
    sizes, said = uploaded(b"hello", b"you")
    assert len(sizes) == 1
    assert said == [("upload", 0, 8), ("upload", 8, 8)]


def test_a_request_without_a_body_has_no_progress() -> None:
    assert uploaded()[1] == []


def test_a_large_body_is_sent_in_blocks() -> None:
    sizes, said = uploaded(bytes((1 << 20) + 5))
    assert sizes[1:] == [1 << 18] * 4 + [5]
    total = (1 << 20) + 5
    assert said == [("upload", done, total) for done in (0, 1 << 18, 2 << 18, 3 << 18, 4 << 18, total)]


def test_the_blocks_of_a_file_are_reported_when_they_are_sent() -> None:
    _, said = uploaded(b"head", FilePart("file", 3 << 17), b"tail", blocks=1 << 17)
    total = (3 << 17) + 8
    assert [done for _, done, _ in said] == [0, 4 + (1 << 17), 4 + (2 << 17), total - 4, total]
    assert {known for _, _, known in said} == {total}


def test_a_pipe_has_a_total_at_its_end() -> None:
    _, said = uploaded(FilePart("pipe", None), blocks=1 << 17)
    assert said == [("upload", done << 17, None) for done in range(3)] + [("upload", 3 << 17, 3 << 17)]


class Deaf:
    speed = 1.0

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        yield from ()


def test_uploads_to_a_responder_are_reported() -> None:
    made, said = exchange(b"hello")
    Playback(Step(made, Timeout()), Deaf(), b"hello")
    assert said == [("upload", 0, 5), ("upload", 5, 5)]
    made, said = exchange()
    Playback(Step(made, Timeout()), Deaf(), b"")
    assert said == []


# --- of a call


def test_each_attempt_is_reported_from_its_start() -> None:
    said: list[Progress] = []
    session = Session("http://service:3000", on_progress=said.append, environ={}, random=lambda: 0.0)
    schema = b'{"name": "S", "routes": []}'
    play(session.connect(session.options, 0.0), reply(200), Answer((Head(200), Data(schema), End())))
    assert said == []
    broken = Answer((Head(503, (("retry-after", "0"),)), Data(b"no"), End()))
    play(session.request("GET", "/x", None, None, session.options, 0.0), broken, reply(200, b"12"))
    assert [(progress.kind, progress.done) for progress in said] == [("download", 0), ("download", 2)]


def test_a_view_has_its_own_listener() -> None:
    options = Options(Timeout(), (), RetryPolicy())
    assert options.changed(on_progress=print).on_progress is print
    assert options.changed(on_progress=print).changed().on_progress is print
    assert options.changed(on_progress=print).changed(on_progress=None).on_progress is None
