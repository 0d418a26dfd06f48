"""`EventStreamDecoder`: server-sent events."""

from __future__ import annotations

from bento_proto import LimitExceeded, ServerSentEvent
from bento_proto.response import EventStreamDecoder
from fuzz.support import Source, decoded, same, splits

LIMIT = 128


def test_one_input(data: bytes) -> None:
    """However a stream is cut, its events are the same, and those of the standard's words; no bytes are an error.

    Events that were written come out as they were. No more is held than one event may have.
    """
    source = Source(data)
    seed = source.integer(0, 0xFFFF)
    if source.flag():
        body, written = _written(source)
        items, error = same(decoded(lambda: EventStreamDecoder(1 << 20), [pieces]) for pieces in splits(body, seed))
        assert (items, error) == (written, None)
        return
    body = source.rest()
    items, error = same(
        decoded(lambda: EventStreamDecoder(LIMIT), [pieces], 5 * LIMIT) for pieces in splits(body, seed)
    )
    assert error in (None, LimitExceeded)
    expected = _by_the_standard(body)
    assert items == expected[: len(items)]
    assert error is LimitExceeded or len(items) == len(expected)


def _by_the_standard(body: bytes) -> list[ServerSentEvent]:
    """HTML standard, section 9.2.6, word by word, over a stream that is there as a whole."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events = []
    data, event, last_id, retry = "", "", "", None
    for line in text.split("\n")[:-1]:
        if line == "":
            if data != "":
                events.append(ServerSentEvent(data.removesuffix("\n"), event or "message", last_id, retry))
            data, event, retry = "", "", None
            continue
        field, value = line, ""
        if ":" in line:
            field, value = line[: line.index(":")], line[line.index(":") + 1 :]
            value = value.removeprefix(" ")
        if field == "event":
            event = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value and all(digit in "0123456789" for digit in value):
            retry = int(value[:12])
    return events


def _written(source: Source) -> tuple[bytes, list[ServerSentEvent]]:
    text, events = "", []
    last_id = ""
    for _ in range(source.integer(0, 5)):
        end = source.choice(("\n", "\r", "\r\n"))
        lines = [_line(source) for _ in range(source.integer(1, 3))]
        kind, has_id = _line(source), source.flag()
        last_id = _line(source).replace("\0", "") if has_id else last_id
        text += f"event: {kind}{end}" + (f"id: {last_id}{end}" if has_id else ": comment" + end)
        text += "".join(f"data: {line}{end}" for line in lines) + end
        events.append(ServerSentEvent("\n".join(lines), kind or "message", last_id))
    return text.encode(), events


def _line(source: Source) -> str:
    text = source.take(source.integer(0, 10)).decode("utf-8", "replace")
    return text.replace("\r", "\u2028").replace("\n", "\x85")  # which end no line
