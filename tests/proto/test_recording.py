"""Recording what a client and a Service say, and answering from that: here the Service is a double."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator

import pytest

from bento_proto import (
    BentoMLException,
    ConnectError,
    ConnectionLost,
    Data,
    End,
    Exchange,
    Head,
    Limits,
    Request,
    Step,
    Timeout,
)
from bento_proto.http import Chunks, Origin
from bento_proto.request import Upload
from bento_proto.response._readers import stream_reader, whole_reader
from bento_proto.schema import Kind, Output
from bento_proto.testing import (
    Cut,
    Event,
    ExchangeRecorder,
    Mismatch,
    Pause,
    Playback,
    Recorder,
    Refusal,
    Replay,
    Reply,
    ServiceDouble,
    Stall,
    Unreachable,
    UploadedFile,
)
from tests.proto.pure import PureClient


class RecordedClient(PureClient):
    """A pure client whose exchanges a recorder notes, by the client's own clock."""

    def __init__(self, double: ServiceDouble, recorder: Recorder, **options: object) -> None:
        super().__init__(self, **options)
        self.double = double
        self.recorder = recorder
        self.speed = 1.0

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        self.recorder.watch(self.exchange, body, lambda: self.now)
        return self.double.respond(request, body)


@pytest.fixture
def double() -> ServiceDouble:
    double = ServiceDouble("Shop")

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint
    def numbers(n: int = 3) -> Iterator[int | Pause]:
        for i in range(n):
            yield Pause(2)
            yield i

    @double.endpoint
    def data(size: int = 3) -> bytes:
        return b"\xff" * size

    @double.endpoint
    def upload(f: UploadedFile, name: str = "x") -> int:
        return len(f.content)

    return double


@pytest.fixture
def recorder() -> Recorder:
    return Recorder("http://user:password@example.org/base?token=t&a=b")


@pytest.fixture
def client(double: ServiceDouble, recorder: Recorder) -> RecordedClient:
    return RecordedClient(double, recorder, retries=0, token="secret-token")


def replayed(recorder: Recorder, speed: float = 1.0) -> tuple[Replay, PureClient]:
    replay = Replay(recorder.text(), speed=speed)
    return replay, PureClient(replay, retries=0)


def test_a_recorder_is_a_witness(recorder: Recorder) -> None:
    used: ExchangeRecorder = recorder
    assert used is recorder


def test_what_was_answered_is_answered_again(client: RecordedClient, recorder: Recorder) -> None:
    assert (client.call("shout", "grün"), client.call("numbers"), client.call("data")) == (
        "GRÜN",
        [0, 1, 2],
        b"\xff" * 3,
    )
    replay, again = replayed(recorder)
    assert replay.unused == ["GET /readyz", "GET /schema.json", "POST /shout", "POST /numbers", "POST /data"]
    assert (again.call("data"), again.call("numbers"), again.call("shout", "grün")) == (b"\xff" * 3, [0, 1, 2], "GRÜN")
    assert replay.unused == []
    assert again.now == client.now == 6


def test_the_times_of_a_stream(client: RecordedClient, recorder: Recorder) -> None:
    client.call("numbers", 3)
    _, again = replayed(recorder)
    again.connect()
    again.waits.clear()
    again.call("numbers", 3)
    assert [wait for wait in again.waits if wait] == [2, 2, 2]
    _, fast = replayed(recorder, speed=math.inf)
    assert fast.call("numbers", 3) == [0, 1, 2]
    assert fast.now == 0


def test_failures_are_recorded_too(client: RecordedClient, double: ServiceDouble, recorder: Recorder) -> None:
    double.script("shout", Refusal(422, "no"), Cut(bytes=2), Unreachable("gone"), Stall())
    errors = [client.error("shout", "abc") for _ in range(4)]
    _, again = replayed(recorder)
    repeated = [again.error("shout", "abc") for _ in range(4)]
    assert [(type(e), e.message, e.error_code) for e in repeated] == [
        (type(e), e.message, e.error_code) for e in errors
    ]
    assert isinstance(repeated[2], ConnectError)
    assert not repeated[2].sent


def test_a_stream_that_was_left_breaks_off_where_it_was(double: ServiceDouble, recorder: Recorder) -> None:
    def exchange() -> Exchange[object]:
        reader = stream_reader(Output({"type": "integer"}, Kind.JSON, True), Limits())
        return Exchange(Request("POST", Origin("http", "h", 80), "/numbers"), reader, Limits())

    left = exchange()
    recorder.watch(left, b"", lambda: 0.0)
    for event in double.respond(left.request, b"{}"):
        if not isinstance(event, Pause):
            left.receive(event)
        if isinstance(event, Data):
            break
    playback = Playback(Step(exchange(), Timeout()), Replay(recorder.text()), b"")
    items: list[object] = []
    while not playback.is_over:
        playback.wait()
        items += playback.receive()
    assert items == [0]
    assert isinstance(playback.exchange.error, ConnectionLost)


def test_no_credentials(client: RecordedClient, double: ServiceDouble, recorder: Recorder) -> None:
    double.script(
        "shout",
        Reply("a", headers={"set-cookie": "session=very-secret", "x-api-key": "very-secret", "x-kind": "shown"}),
        Reply("", status=307, headers={"location": "http://me:very-secret@h/shout?token=very-secret&x=1"}),
        "b",
    )
    client.call("shout", "a")
    client.call("shout", "b")
    double.script("/elsewhere?", Reply("x"))
    with pytest.raises(BentoMLException):
        client.request("GET", "/elsewhere?access_token=very-secret&page=2&flag")
    text = recorder.text()
    for secret in ("secret-token", "very-secret", "password", "user:"):
        assert secret not in text
    assert "shown" in text
    assert "/elsewhere?access_token=REDACTED&page=2&flag" in text
    assert '"location", "http://h/shout?token=REDACTED&x=REDACTED"' in text
    assert Replay(text).url == "http://example.org/base?token=REDACTED&a=REDACTED"


def test_a_recording_can_be_read(client: RecordedClient, recorder: Recorder) -> None:
    client.call("shout", "grün")
    lines = recorder.text().splitlines()
    assert lines[0].startswith('{"format": "bento-recording", "version": 1, ')
    request = '{"method": "POST", "target": "/shout", "content_type": "application/json", "json": {"text": "grün"}}'
    assert f' {{"request": {request},' in lines
    assert '   {"after": 0.0, "data": "GRÜN"},' in lines
    assert json.loads(recorder.text())["exchanges"][-1]["answer"][-1] == {"after": 0.0, "end": True}
    assert json.loads(Recorder().text())["exchanges"] == []


def test_requests_are_told_by_what_they_ask_for(
    client: RecordedClient, double: ServiceDouble, recorder: Recorder
) -> None:
    file = Upload(b"\x00content", "a.bin")
    client.call("upload", file, name="x")
    client.request("POST", "/shout", b'{"text": "a", "more": [1]}')
    client.request("POST", "/shout", b'{"text": "plain"}')
    text = recorder.text().replace("b0undary", "other")
    assert "b0undary" not in recorder.text()
    again = PureClient(Replay(text))
    assert again.call("upload", file, name="x") == 8
    with pytest.raises(Mismatch):
        again.call("upload", Upload(b"other", "a.bin"), name="x")
    assert again.request("POST", "/shout", b'{"text": "a", "more": [1]}') == b"A"

    replay = Replay(recorder.text())
    headers = (("Content-Type", "application/json"),)
    with pytest.raises(Mismatch):
        replay.respond(Request("POST", Origin("http", "h", 80), "/shout", headers), b'{"text": "other"}')
    request = Request("POST", Origin("http", "h", 80), "/x", headers)
    for body in (b'{"a": 1, "b": 2}', b"no JSON"):
        noted = Exchange(
            Request(request.method, request.origin, request.target, headers), whole_reader(bytes, 9), Limits()
        )
        recorder.watch(noted, body, lambda: 0.0)
        noted.receive(Head(200))
        noted.receive(End())
    replay = Replay(recorder.text())
    replay.respond(request, b'{"b":2,"a":1}')
    replay.respond(request, b"no JSON")
    assert "POST /x" not in replay.unused


def test_of_several_each_answers_once(client: RecordedClient, double: ServiceDouble, recorder: Recorder) -> None:
    double.script("shout", "one", "two")
    client.call("shout", "a")
    client.call("shout", "a")
    _, again = replayed(recorder)
    assert [again.call("shout", "a") for _ in range(2)] == ["one", "two"]
    with pytest.raises(Mismatch, match=r"asked more often than recorded, which is 2: POST /shout with \{"):
        again.call("shout", "a")
    again.connect()
    assert again.is_ready()
    assert again.is_ready()


def test_what_was_not_recorded(client: RecordedClient, recorder: Recorder) -> None:
    client.call("shout", "a long text")
    client.call("numbers", 2)
    _, again = replayed(recorder)
    with pytest.raises(Mismatch) as caught:
        again.call("shout", "another text " * 50)
    first, _, nearest, *rest = str(caught.value).splitlines()
    assert first.startswith('not in the recording: POST /shout with {"text": "another text another')
    assert first.endswith("...")
    assert nearest == '  POST /shout with {"text": "a long text"}'
    assert len(rest) == 2
    with pytest.raises(Mismatch, match="not in the recording: GET /readyz\nthe recording is empty"):
        PureClient(Replay(Recorder().text())).is_ready()


def test_long_bodies_are_left_out(double: ServiceDouble) -> None:
    recorder = Recorder(limit=300)
    schema = double.schema
    client = RecordedClient(double, recorder, schema=schema, server_ready_timeout=0)
    client.call("upload", Upload(b"x" * 400, "a"))
    client.call("shout", "y" * 400)
    client.call("data", 301)
    text = recorder.text()
    assert "xxxx" not in text
    replay = Replay(text)
    again = PureClient(replay, schema=schema, server_ready_timeout=0)
    assert again.call("upload", Upload(b"x" * 400, "a")) == 400
    with pytest.raises(Mismatch, match="can't be answered: 400 bytes of it were too many to be recorded"):
        again.call("shout", "y" * 400)
    with pytest.raises(Mismatch, match="301 bytes"):
        again.call("data", 301)
    with pytest.raises(Mismatch, match="not in the recording"):
        again.call("upload", Upload(b"z" * 400, "a"))


def test_what_the_network_made_of_a_body_does_not_matter() -> None:
    def noted(*events: Head | Data | Chunks | End, limit: int = 100) -> list[dict[str, object]]:
        recorder = Recorder(limit=limit)
        clock = iter(range(99))
        request = Request("GET", Origin("http", "h", 80), "/x", (("accept", "*/*"),), (b"old",))
        exchange = Exchange(request, whole_reader(bytes, 99), Limits())
        recorder.watch(exchange, b"", lambda: next(clock))
        assert request.body == ()
        for event in events:
            exchange.receive(event)
        answer: list[dict[str, object]] = json.loads(recorder.text())["exchanges"][0]["answer"]
        return [{key: value for key, value in entry.items() if key != "headers"} for entry in answer]

    length = Head(200, (("content-length", "4"),))
    assert noted(length, Data(b"ab"), Data(b"cd"), End()) == [
        {"after": 1, "status": 200}, {"after": 1, "data": "abcd"}, {"after": 2, "end": True},
    ]  # fmt: skip
    chunked = Head(200, (("transfer-encoding", "chunked"),))
    assert noted(chunked, Data(b"a"), Data(b"b", ends_chunk=True), Chunks((b"c", b"d")), End())[1:] == [
        {"after": 1, "data": "ab", "ends_chunk": True}, {"after": 2, "data": "c", "ends_chunk": True},
        {"after": 0, "data": "d", "ends_chunk": True}, {"after": 1, "end": True},
    ]  # fmt: skip
    assert [entry.get("data") for entry in noted(Head(200), Data(b"a"), Data(b"b"), End())] == [None, "a", "b", None]
    assert noted(length, Data(b"ab"), Data(b"cd"), End(), limit=3)[1] == {"after": 1, "left_out": 4}


def test_a_body_of_no_declared_type(recorder: Recorder) -> None:
    request = Request("POST", Origin("http", "h", 80), "/x")
    exchange = Exchange(request, whole_reader(bytes, 99), Limits())
    recorder.watch(exchange, b"\xff", lambda: 0.0)
    exchange.receive(Head(200))
    exchange.receive(End())
    events = Replay(recorder.text().encode()).respond(request, b"\xff")
    assert [type(event).__name__ for event in events] == ["Pause", "Head", "Pause", "End"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "bento-recording", "version": 2}'])
def test_what_is_no_recording(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a bento-recording|Expecting value"):
        Replay(text)
