"""Streams that were recorded from a real server: what their chunks say, however they are chunked anew."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from bento_proto import Limits, ServerSentEvent
from bento_proto.response._readers import event_reader
from tests.proto.play import splits
from tests.proto.replay import cuts, endpoint, fed, plain
from tests.recordings import Recording, find, load

RECORDINGS = load()


def expected_items(recording: Recording) -> str | bytes | list[object]:
    """What the chunks say: there was one for each item. Of text and bytes, where they do not matter, the sum."""
    chunks = [chunk for chunk in recording.response_chunks or () if chunk]
    called = endpoint(recording)
    assert called is not None
    kind = called.output.schema.get("type")
    if kind in ("string", None) or ("media_type" in called.output.schema and kind == "array"):
        whole = b"".join(chunks)
        # Of one that was left the last character may be cut.
        return whole if called.output.schema.get("format") == "binary" else whole.decode(errors="ignore")
    return [json.loads(chunk) for chunk in chunks]


ALL_STREAMS = [
    r
    for r in RECORDINGS
    if r.response_chunks and r.status < 300 and (e := endpoint(r)) and e.output.is_stream and "gzip" not in r.case
]
NUMBERS = {"integer", "number"}


@pytest.mark.parametrize("recording", [pytest.param(r, id=r.case) for r in ALL_STREAMS if not r.truncated])
def test_streams_give_what_their_chunks_say_however_they_are_chunked(recording: Recording) -> None:
    outcome = fed(recording, [recording.response])
    called = endpoint(recording)
    assert called is not None
    assert outcome.error is None
    assert list(outcome.sum) == plain(list(expected_items(recording)))
    if called.output.schema.get("type") in NUMBERS:
        return  # between these there is nothing but the end of a chunk
    for pieces in _few(recording.response_body):
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*filter(None, pieces), b""))
        assert fed(recording, [recording.response_head, chunks]).sum == outcome.sum


def _few(body: bytes) -> Sequence[list[bytes]]:
    if len(body) > 5000:
        return [[body], [body[at : at + 997] for at in range(0, len(body), 997)]]
    return list(splits(body))[:40]


@pytest.mark.parametrize("recording", [pytest.param(r, id=r.case) for r in ALL_STREAMS if r.truncated])
def test_a_stream_that_is_left_gives_what_came_and_the_loss(recording: Recording) -> None:
    outcome = fed(recording, [recording.response])
    assert outcome.error is not None
    assert not outcome.reusable
    assert list(outcome.sum) == plain(list(expected_items(recording)))


def test_recorded_stream_results() -> None:
    compared = 0
    for recording in ALL_STREAMS:
        if recording.result and not recording.truncated:
            outcome = fed(recording, [recording.response])
            assert repr(outcome.value) == repr(plain(recording.value)), recording.case
            compared += 1
    assert compared > 15


def test_events_of_a_recorded_stream() -> None:
    recording = find("stream_sse")
    assert recording.response_chunks is not None
    outcomes = [fed(recording, pieces, event_reader(Limits())) for pieces in cuts(recording.response)]
    events = outcomes[0].value
    assert len(events) == len([chunk for chunk in recording.response_chunks if chunk])
    assert events[0] == ServerSentEvent('{"i": 0, "t": "ö"}', "token", "0", None)
    assert all(outcome.value == events for outcome in outcomes)
