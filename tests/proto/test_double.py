"""The double of a Service: what its endpoints answer, what a script makes of them, and what it keeps."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bento_proto import (
    BentoMLException,
    ConnectError,
    ConnectionLost,
    File,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    Request,
    ResultStatus,
    SchemaError,
    TaskFailed,
    TaskNotCompleted,
)
from bento_proto.http import Origin
from bento_proto.request import Upload
from bento_proto.testing import (
    Cut,
    Garbage,
    Life,
    Pause,
    Refusal,
    Reply,
    ServiceDouble,
    Stall,
    Unreachable,
    UploadedFile,
)
from tests.proto.pure import PureClient


@pytest.fixture
def double() -> ServiceDouble:
    double = ServiceDouble("Shop")

    @double.endpoint
    def shout(text: str, times: int = 1) -> str:
        return text.upper() * times

    @double.endpoint
    def numbers(n: int = 3) -> Iterator[dict[str, int]]:
        for i in range(n):
            yield {"i": i}

    @double.task
    def train(steps: int = 1) -> dict[str, int]:
        return {"steps": steps}

    return double


@pytest.fixture
def client(double: ServiceDouble) -> PureClient:
    return PureClient(double, retries=0)


# --- endpoints


def test_functions_are_endpoints(double: ServiceDouble, client: PureClient) -> None:
    assert client.is_ready()
    assert client.call("shout", "a", times=2) == "AA"
    assert client.call("numbers", 2) == [{"i": 0}, {"i": 1}]
    assert client.call("train") == {"steps": 1}
    assert repr(double) == "<ServiceDouble Shop: numbers, shout, train>"
    assert repr(ServiceDouble("None")) == "<ServiceDouble None: no endpoints>"
    head = client.exchange.head
    assert head is not None
    assert head.get("server") == "BentoML Service/Shop"
    assert head.get("x-bentoml-request-id") is not None


def test_a_function_is_still_one_and_may_be_replaced(double: ServiceDouble) -> None:
    @double.endpoint(name="shout", route="/v1/shout/")
    def whisper(text: str) -> str:
        return text.lower()

    @double.task(name="later")
    def later() -> None:
        """Do nothing."""

    assert whisper("A") == "a"
    client = PureClient(double)
    assert client.call("shout", "ABC") == "abc"
    assert client.session.endpoint("shout").route == "/v1/shout/"
    assert client.session.endpoint("later").is_task
    assert client.call("later") is None


def test_asynchronous_functions_may_not_wait(double: ServiceDouble, client: PureClient) -> None:
    @double.endpoint
    async def one() -> int:
        return 1

    @double.endpoint
    async def several() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    @double.endpoint
    async def waiting() -> int:
        await asyncio.sleep(0)
        return 1

    assert client.call("one") == 1
    assert client.call("several") == ["a", "b"]
    assert "can't wait" in client.error("waiting").message


def test_what_a_function_raises(double: ServiceDouble, client: PureClient) -> None:
    @double.endpoint
    def failing(how: str) -> str:
        if how == "assert":
            raise AssertionError("for the test")
        if how == "wrong":
            raise InvalidArgument("no good", detail=[{"loc": ["how"], "msg": "bad"}])
        if how == "teapot":
            raise BentoMLException("short and stout", error_code=418)
        if how == "silent":
            raise BentoMLException
        raise KeyError("oops")

    assert str(client.error("failing", "wrong")) == "no good: how: bad"
    assert client.error("failing", "teapot").error_code == 418
    assert client.error("failing", "silent").error_code == 500
    assert client.error("failing", "bug").message == "KeyError: 'oops'"
    with pytest.raises(AssertionError, match="for the test"):
        client.call("failing", "assert")


def test_what_a_stream_raises(double: ServiceDouble, client: PureClient) -> None:
    @double.endpoint
    def broken(after: int, error: str = "ValueError") -> Iterator[str]:
        for i in range(after):
            yield str(i)
        raise {"ValueError": ValueError, "AssertionError": AssertionError}[error]("oops")

    assert client.error("broken", 0).error_code == 500
    assert client.call("broken", 2) == ["0", "1"]  # as BentoML does it
    with pytest.raises(AssertionError, match="oops"):
        client.call("broken", 2, "AssertionError")


def test_pauses_in_a_stream(double: ServiceDouble, client: PureClient) -> None:
    @double.endpoint
    def slow() -> Iterator[str | Pause]:
        yield Pause(2)
        yield "a"
        yield ""
        yield Pause(3)
        yield "b"

    @double.endpoint
    def empty() -> Iterator[str]:
        yield from ()

    client.connect()
    client.waits.clear()
    assert client.call("slow") == ["a", "b"]
    assert [wait for wait in client.waits if wait] == [2, 3]
    assert client.call("empty") == []


def test_a_stream_that_is_left_is_closed(double: ServiceDouble) -> None:
    told: list[str] = []

    @double.endpoint
    def endless() -> Iterator[str]:
        try:
            while True:
                yield "a"
        finally:
            told.append("closed")

    for _ in range(2):
        events = double.respond(Request("POST", Origin("http", "h", 80), "/endless"), b"{}")
        next(events), next(events)
        events.close()
        double.script("endless", Cut(items=5))
    assert told == ["closed", "closed"]


class Picture:
    """What is left of an image of Pillow's."""

    format: str | None = None

    def save(self, file: Any, format: str) -> None:
        file.write(format.encode())


def test_files_and_images_that_are_returned(double: ServiceDouble, client: PureClient, tmp_path: Path) -> None:
    path = tmp_path / "käse 1.csv"
    path.write_bytes(b"from a path")
    image = Image.new("RGB", (2, 3), "red")

    def head(name: str) -> dict[str, str]:
        client.call(name)
        assert client.exchange.head is not None
        return dict(client.exchange.head.headers)

    double.endpoint(name="file")(_returning(Path))
    double.endpoint(name="image")(_returning(Image.Image))
    for value, content, disposition in (
        (b"bytes", b"bytes", 'attachment; filename="file"'),
        (File(b"bytes", "a.csv", "text/csv"), b"bytes", 'attachment; filename="a.csv"'),
        (File(b"bytes"), b"bytes", 'attachment; filename="file"'),
        (File(path), b"from a path", "attachment; filename*=utf-8''k%C3%A4se%201.csv"),
        (path, b"from a path", "attachment; filename*=utf-8''k%C3%A4se%201.csv"),
        (UploadedFile(b"bytes", "a b"), b"bytes", "attachment; filename*=utf-8''a%20b"),
    ):
        double.script("file", value)
        assert client.call("file") == content
        assert head("file")["content-disposition"] == disposition
    with path.open("rb") as opened:
        double.script("file", File(opened, "o.txt"))
        assert client.call("file") == b"from a path"
    double.script("file", File("a path", "o.txt"))
    assert "must be bytes" in client.error("file").message
    double.script("image", Picture())
    assert client.call("image") == b"PNG"
    double.script("image", image)
    assert client.call("image").startswith(b"\x89PNG")
    for value, kind in ((b"GIF89a", "image/gif"), (b"?", "image/png"), (UploadedFile(b"\xff\xd8\xff"), "image/jpeg")):
        double.script("image", value)
        assert head("image")["content-type"] == kind


def _returning(kind: Any) -> Any:
    def function() -> Any: ...

    function.__annotations__["return"] = kind
    return function


def test_texts_bytes_and_frames_that_are_returned() -> None:
    schema: Any = {
        "name": "S",
        "routes": [
            {"name": "anything", "route": "/anything", "output": {}},
            {"name": "data", "route": "/data", "output": {"type": "string", "format": "binary"}},
            {"name": "text", "route": "/text", "output": {"type": "string", "media_type": "text/markdown"}},
            {"name": "frame", "route": "/frame", "output": {"type": "dataframe", "orient": "columns"}},
            {"name": "frames", "route": "/f", "output": {"type": "dataframe", "orient": "columns", "is_stream": True}},
        ],
    }  # fmt: skip
    double = ServiceDouble.from_schema(schema)
    assert double.schema is schema
    client = PureClient(double)
    double.script("anything", "no JSON", b"\xff", 5)
    assert [client.call("anything") for _ in range(3)] == ["no JSON", b"\xff", 5]
    assert client.call("data") == b"content"
    double.script("text", "", "# title")
    assert [client.call("text") for _ in range(2)] == ["", "# title"]
    assert client.exchange.head is not None
    assert client.exchange.head.get("content-type") == "text/markdown"

    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2]})
    double.script("frame", frame)
    assert client.call("frame").equals(frame)
    double.script("frames", [{"a": [1]}])
    assert client.call("frames")[0].equals(pandas.DataFrame({"a": [1]}))


# --- scripts


def test_answers_one_after_the_other(double: ServiceDouble, client: PureClient) -> None:
    double.script("shout", "one", lambda text, times=1: f"{text} {times}", ...)
    assert [client.call("shout", "a") for _ in range(4)] == ["one", "a 1", "A", "A"]


def test_more_than_the_value(double: ServiceDouble, client: PureClient) -> None:
    client.connect()
    client.waits.clear()
    double.script("shout", Reply("x", status=201, headers={"X-Kind": "odd"}, delay=4), Reply(delay=1))
    assert client.call("shout", "a") == "x"
    assert client.exchange.head is not None
    assert client.exchange.head.status == 201
    assert client.exchange.head.get("x-kind") == "odd"
    assert client.call("shout", "a") == "A"
    double.script("numbers", Reply(interval=5))
    assert client.call("numbers", 3) == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert [wait for wait in client.waits if wait] == [4, 1, 5, 5]
    double.script("numbers", {"i": 7})
    assert client.call("numbers") == [{"i": 7}]


def test_refusals(double: ServiceDouble, client: PureClient) -> None:
    double.script(
        "shout",
        Refusal(422, "no"),
        Refusal(401, "who?"),
        Refusal(400, "bad", detail=[{"loc": ["text"], "msg": "long"}]),
        Refusal(503, delay=2, headers={"X-Why": "overload"}),
        Refusal(429, retry_after=7),
    )
    errors = [client.error("shout", "a") for _ in range(5)]
    assert [error.error_code for error in errors] == [422, 401, 400, 503, 429]
    assert str(errors[2]) == "bad: text: long"
    assert errors[3].headers["x-why"] == "overload"
    assert errors[4].headers["retry-after"] == "7"
    assert 2 in client.waits


def test_a_client_that_tries_again(double: ServiceDouble) -> None:
    client = PureClient(double, retries=2)
    double.script("shout", Refusal(429, retry_after=3), Unreachable(), ...)
    assert client.call("shout", "a") == "A"
    assert client.now >= 3
    assert len(double.calls_of("shout")) == 3


def test_faults(double: ServiceDouble, client: PureClient) -> None:
    double.script(
        "shout", Unreachable(), Garbage(), Cut(), Cut(bytes=0), Cut(bytes=2), Cut(bytes=99), Stall(), Stall(5)
    )
    kinds = [type(client.error("shout", "abc")) for _ in range(7)]
    assert kinds[:2] == [ConnectError, RemoteProtocolError]
    assert kinds[2:6] == [ConnectionLost] * 4
    assert kinds[6].__name__ == "CallTimeout"
    client.waits.clear()
    assert client.call("shout", "abc") == "ABC"
    assert 5 in client.waits


def test_faults_within_a_body(double: ServiceDouble, client: PureClient) -> None:
    double.script(
        "numbers",
        Cut(items=2),
        Cut(items=0),
        Cut(bytes=10),
        Cut(items=2, reply=[{"i": 7}, {"i": 8}, {"i": 9}]),
        Stall(4, items=1),
        Stall(4, bytes=7),
        Stall(4, items=99),
        Cut(items=1, reply=Stall(4, items=0)),
    )
    errors = [client.error("numbers", 3) for _ in range(4)]
    assert [error.items for error in errors] == [
        [{"i": 0}, {"i": 1}], [], [{"i": 0}], [{"i": 7}, {"i": 8}],
    ]  # fmt: skip
    for _ in range(3):
        client.waits.clear()
        assert client.call("numbers", 3) == [{"i": 0}, {"i": 1}, {"i": 2}]
        assert [wait for wait in client.waits if wait] == [4]
    client.waits.clear()
    assert client.error("numbers", 3).items == [{"i": 0}]
    assert 4 in client.waits


def test_what_happens_is_told_to_its_end(double: ServiceDouble) -> None:
    """A client reads no further than it must; a server that passes it on does."""

    def kinds(path: str) -> list[str]:
        return [type(event).__name__ for event in double.respond(Request("POST", Origin("http", "h", 80), path), b"{}")]

    @double.endpoint
    def failing() -> str:
        raise ValueError("oops")

    @double.endpoint
    def empty_handed() -> Iterator[str]:
        yield from []
        raise ValueError("oops")

    assert kinds("/failing") == kinds("/empty_handed") == ["Head", "Data", "End"]
    double.script("numbers", Stall(4, items=99), Stall(4, bytes=3))
    assert kinds("/numbers") == ["Head", "Data", "Data", "Data", "Pause", "End"]
    assert kinds("/numbers") == ["Head", "Data", "Pause", "Data", "Data", "Data", "End"]


def test_paths(double: ServiceDouble, client: PureClient) -> None:
    double.script("/schema.json", Cut(bytes=10), Reply(delay=3), b"junk", Unreachable(), ...)
    with pytest.raises(ConnectionLost):
        client.connect()
    client.connect()
    assert 3 in client.waits
    with pytest.raises(SchemaError):
        PureClient(double).connect()
    assert PureClient(double, retries=1).call("shout", "a") == "A"
    double.script("/app/x", lambda: {"mounted": True})
    assert json.loads(client.request("GET", "/app/x")) == {"mounted": True}
    double.script("/shout", Reply("elsewhere"))
    assert client.call("shout", "a") == "elsewhere"
    assert len(double.calls_of("shout")) == 2


def test_readiness(double: ServiceDouble, client: PureClient) -> None:
    double.unready(2)
    assert [client.is_ready() for _ in range(3)] == [False, False, True]
    double.unready()
    assert not any(client.is_ready() for _ in range(5))
    double.unready(1)
    PureClient(double).connect()
    assert client.request("GET", "/livez") == b"\n"


def test_a_script_must_make_sense(double: ServiceDouble) -> None:
    with pytest.raises(ValueError, match="at least one"):
        double.script("shout")
    with pytest.raises(ValueError, match="has no endpoint 'short'"):
        double.script("short", 1)
    with pytest.raises(ValueError, match="is not a task"):
        double.script("shout", Life())


def test_what_is_not_there(double: ServiceDouble, client: PureClient) -> None:
    with pytest.raises(NotFound):
        client.request("GET", "/elsewhere")
    for method, path in (("GET", "/shout"), ("POST", "/readyz"), ("PUT", "/train/submit"), ("PUT", "/schema.json")):
        with pytest.raises(BentoMLException) as caught:
            client.request(method, path)
        assert caught.value.error_code == 405
    with pytest.raises(NotFound):
        client.request("POST", "/shout/submit")


# --- tasks


def test_a_task_is_completed_at_once(double: ServiceDouble, client: PureClient) -> None:
    task = client.submit("train", steps=4)
    assert client.get("train", task) == {"steps": 4}
    assert client.status("train", task) is ResultStatus.COMPLETED
    assert double.calls_of("train")[0].submitted


def test_the_lives_of_tasks(double: ServiceDouble, client: PureClient) -> None:
    double.script(
        "train", Life(pending=1, in_progress=2), Life(reply=Refusal(422, "no")), Life(canceled=True), {"a": 1}
    )
    slow, failing, canceled, other = (client.submit("train") for _ in range(4))
    with pytest.raises(TaskNotCompleted):
        client.get("train", slow)
    states = [client.status("train", slow).value for _ in range(3)]
    assert states == ["in_progress", "in_progress", "completed"]  # the question after the result was one too
    assert client.get("train", slow) == {"steps": 1}
    with pytest.raises(TaskFailed, match="no"):
        client.get("train", failing)
    assert client.status("train", canceled) is ResultStatus.CANCELED
    with pytest.raises(BentoMLException, match="canceled"):
        client.get("train", canceled)
    assert client.get("train", other) == {"a": 1}
    assert client.call("train") == {"a": 1}


def test_a_life_says_what_a_direct_call_returns_too(double: ServiceDouble, client: PureClient) -> None:
    double.script("train", Life(pending=9, reply={"steps": 0}))
    assert client.call("train") == {"steps": 0}


def test_canceling_and_retrying(double: ServiceDouble, client: PureClient) -> None:
    double.script("train", Life(in_progress=9), Life(in_progress=9, cancelable=False), Life(), ...)
    first, second, third = (client.submit("train", steps=number) for number in range(3))
    with pytest.raises(InvalidArgument, match="not completed yet"):
        client.retry("train", first)
    client.cancel("train", first)
    assert client.status("train", first) is ResultStatus.CANCELED
    with pytest.raises(InvalidArgument, match="not supported"):
        client.cancel("train", second)
    with pytest.raises(InvalidArgument, match="over"):
        client.cancel("train", third)
    again = client.retry("train", third)
    assert again != third
    assert client.get("train", again) == {"steps": 2}


def test_tasks_that_nobody_knows(double: ServiceDouble, client: PureClient) -> None:
    client.connect()
    with pytest.raises(NotFound, match="task_id not found"):
        client.status("train", "nothing")
    with pytest.raises(InvalidArgument, match="task_id is required"):
        client.request("GET", "/train/status")


def test_a_fault_befalls_the_submission(double: ServiceDouble, client: PureClient) -> None:
    double.script("train", Refusal(503), Reply({"steps": 9}, delay=5))
    client.connect()
    with pytest.raises(BentoMLException) as caught:
        client.submit("train")
    assert caught.value.error_code == 503
    assert client.get("train", client.submit("train")) == {"steps": 9}
    double.script("/train/status", Unreachable())
    with pytest.raises(ConnectError):
        client.status("train", "0" * 31 + "1")


# --- what was asked


def test_what_it_was_asked(double: ServiceDouble) -> None:
    client = PureClient(double, token="secret", headers={"x-tenant": "me"})
    client.call("shout", "a", times=2)
    assert [asked.target for asked in double.requests] == ["/readyz", "/schema.json", "/shout"]
    (call,) = double.calls
    assert (call.endpoint, call.arguments, call.submitted) == ("shout", {"text": "a", "times": 2}, False)
    assert call.method == "POST"
    assert json.loads(call.body) == {"text": "a", "times": 2}
    assert call.headers["x-tenant"] == "me"
    assert call.headers["authorization"] == "REDACTED"
    assert "secret" not in repr(double.requests)


def test_assertions(double: ServiceDouble, client: PureClient) -> None:
    double.assert_not_called("shout")
    with pytest.raises(AssertionError, match=r"shout\(\) was not called; nothing was called"):
        double.assert_called("shout")
    client.call("numbers", 1)
    with pytest.raises(AssertionError, match=r"numbers\(n=1\)"):
        double.assert_called("shout")
    client.call("shout", "a")
    client.call("shout", "b", times=2)
    assert double.assert_called("shout", text="a").arguments == {"text": "a"}
    assert double.assert_called("shout").arguments["text"] == "b"
    with pytest.raises(AssertionError, match=r"shout\(text='c'\) was not called; the calls were:\n  shout\(text='a'\)"):
        double.assert_called("shout", text="c")
    with pytest.raises(AssertionError, match="shout was called"):
        double.assert_not_called("shout")


def test_arguments_that_are_wrong(double: ServiceDouble, client: PureClient) -> None:
    client.connect()
    for body, said in ((b"{}", "text: Field required"), (b"[]", "should be an object"), (b"{", "Invalid JSON")):
        with pytest.raises(InvalidArgument, match=said):
            client.request("POST", "/shout", body)
    assert [asked.arguments for asked in double.calls] == [{}, {}, {}]
    assert "valid string" in str(client.error("shout", 5))
    assert "valid integer" in str(client.error("shout", "a", times="many"))
    assert double.calls[-1].arguments == {"text": "a", "times": "many"}


def test_files_that_are_sent(client: PureClient, double: ServiceDouble) -> None:
    @double.endpoint
    def sizes(one: Path, more: list[Path], name: str = "x") -> dict[str, Any]:
        return {"one": one.name, "more": len(more), "name": name}

    uploads = [Upload(b"\r\n--b", "a.txt", "text/plain"), Upload(b"2", "b"), Upload(b"3", "c")]
    assert client.call("sizes", uploads[0], uploads[1:], name="ü") == {"one": "a.txt", "more": 2, "name": "ü"}
    (call,) = double.calls
    assert call.arguments["one"] == UploadedFile(b"\r\n--b", "a.txt", "text/plain")
    assert [file.content for file in call.arguments["more"]] == [b"2", b"3"]
    double.script("sizes", {})
    client.call("sizes", "http://example.org/a", uploads[1:])
    assert double.calls[-1].arguments["one"] == "http://example.org/a"
    body = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n--x--\r\n'
    endpoint = client.session.endpoint("sizes")
    for name, value in ((b"name", b"not JSON"), (b"stranger", b"1")):
        request = Request(
            "POST", Origin("http", "h", 80), endpoint.route, (("content-type", "multipart/form-data; boundary=x"),)
        )
        list(double.respond(request, body % (name, value)))
    assert double.calls[-2].arguments == {"name": "not JSON"}  # without its files it is refused


def test_root_inputs(double: ServiceDouble, client: PureClient) -> None:
    @double.endpoint
    def text(value: str, /) -> str:
        return value.upper()

    @double.endpoint
    def data(value: bytes, /) -> bytes:
        return value[::-1]

    @double.endpoint
    def number(value: int, /) -> int:
        return value + 1

    @double.endpoint
    def file(value: UploadedFile, /) -> Any:
        return [type(value).__name__, value.name] if hasattr(value, "name") else value

    assert client.call("text", "a") == "A"
    assert client.call("data", b"ab") == b"ba"
    assert client.call("number", 1) == 2
    assert client.call("file", b"x") == ["UploadedFile", None]
    assert client.call("file", "http://example.org/") == "http://example.org/"
    double.script("number", lambda value: value * 10)
    assert client.call("number", 4) == 40
    assert double.calls[0].arguments == {"": "a"}


def test_parameters_in_the_path(double: ServiceDouble, client: PureClient) -> None:
    @double.endpoint(route="/users/{user}/items/{item:int}")
    def item(user: str, item: str, n: int = 1) -> list[Any]:
        return [user, item, n]

    client.session = PureClient(
        double,
        schema={
            "name": "S",
            "routes": [{"name": "item", "route": "/users/{user}/items/{item:int}", "input": {"properties": {"n": {}}}}],
        },
    ).session
    with pytest.raises(InvalidArgument):  # the function has them as arguments of its own, which are not in the body
        client.call("item", user="a b", item=7)
    double.script("item", lambda **arguments: arguments)
    other = ServiceDouble.from_schema(
        {"name": "S", "routes": [{"name": "item", "route": "/users/{user}", "input": {"properties": {"n": {}}}}]}
    )
    other.script("item", lambda **arguments: arguments)
    assert PureClient(other).call("item", n=2, user="a b") == {"user": "a b", "n": 2}


def test_a_schema_that_is_none() -> None:
    with pytest.raises(SchemaError):
        ServiceDouble.from_schema(b"[]")


def test_time_goes_by_as_fast_as_it_is_told() -> None:
    double = ServiceDouble(speed=math.inf)
    double.endpoint(name="f")(_returning(str))
    double.script("f", Stall(1000))
    client = PureClient(double)
    assert type(client.error("f")).__name__ == "CallTimeout"
    assert client.now == 0
