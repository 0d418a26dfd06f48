"""A session: the requests that it makes, and the results of their responses."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from bento_proto import (
    JSON,
    BentoMLException,
    CallTimeout,
    ConnectError,
    Data,
    Exchange,
    FailureKind,
    File,
    Hooks,
    InvalidArgument,
    LimitExceeded,
    Limits,
    NotFound,
    Progress,
    ResultKind,
    ResultStatus,
    RetryPolicy,
    SchemaError,
    ServerSentEvent,
    ServiceUnavailable,
    Session,
    TaskFailed,
    TaskNotCompleted,
    Timeout,
    __version__,
)
from bento_proto.http._accept_encoding import accept_encoding
from bento_proto.observe import ResponseEvent
from bento_proto.request import Upload, bind
from bento_proto.schema import parse_service
from bento_proto.session import Options

from .play import Answer, Played, lost, moved, play, reply

URL = "http://service:3000"
SCHEMA: JSON = {
    "name": "S",
    "routes": [
        {"name": "f", "route": "/f", "input": {"properties": {"x": {"type": "integer"}}, "required": ["x"]},
         "output": {"type": "integer"}},
        {"name": "stream", "route": "/stream", "output": {"type": "string", "is_stream": True}},
        {"name": "job", "route": "/jobs/", "is_task": True, "output": {"type": "integer"}},
    ],
}  # fmt: skip


def session(url: str = URL, **options: Any) -> Session:
    return Session(url, **{"schema": SCHEMA, "environ": {}, "random": lambda: 0.0, **options})


def call(
    on: Session, name: str = "f", *args: object, answers: tuple[Answer, ...] = (reply(200, b"7"),), **options: Any
) -> Played[Exchange[object]]:
    bound = bind(on.endpoint(name), args or ((1,) if name == "f" else ()), {})
    return play(on.call(bound, (), "b", on.options.changed(**options), 0.0), *answers)


def test_a_call() -> None:
    played = call(session())
    (asked,) = played.asked
    assert asked.line == f"POST {URL}/f"
    assert asked.request.body == (b'{"x":1}',)
    assert asked.headers == {
        "accept": "*/*",
        "accept-encoding": accept_encoding(),
        "user-agent": f"bento-client/{__version__}",
        "content-type": "application/json",
    }
    assert played.result.result == 7


def test_a_stream_and_its_events() -> None:
    on = session()
    played = call(on, "stream", answers=(Answer(reply(200).events[:1]),))
    assert played.result.is_streaming
    played = play(on.events(bind(on.endpoint("stream"), (), {}), (), "b", on.options, 0.0), reply(200))
    assert played.result.request.target == "/stream"
    on_events = play(
        on.events(bind(on.endpoint("stream"), (), {}), (), "b", on.options, 0.0), Answer(reply(200).events[:1])
    )
    assert list(on_events.result.receive(Data(b"data: hi\n\n"))) == [ServerSentEvent("hi")]


def test_the_content_of_a_response_as_bytes() -> None:
    on = session()
    for name, arguments in (("f", (1,)), ("stream", ())):
        flow = on.content(bind(on.endpoint(name), arguments, {}), (), "b", on.options, 0.0)
        played = play(flow, Answer(reply(200).events[:1]))
        assert played.result.result_kind is ResultKind.FILE
        assert list(played.result.receive(Data(b"any \xff"))) == [b"any \xff"]


def test_an_unknown_endpoint_is_not_found() -> None:
    with pytest.raises(NotFound, match="the Service S has no endpoint 'g'"):
        session().endpoint("g")
    with pytest.raises(NotFound, match="not known yet"):
        session(schema=None).endpoint("f")


# --- options


def test_options_of_the_client_and_of_a_call() -> None:
    on = session(timeout=5, headers={"X-A": "1", "User-Agent": "mine"}, retries=1)
    assert on.options.timeout == Timeout(5, 5, 5, 5)
    assert on.options.retries.attempts == 2
    asked = call(on, headers={"x-a": "2", "x-b": "3"}, timeout=Timeout(total=9.0)).asked[0]
    assert (asked.headers["x-a"], asked.headers["x-b"], asked.headers["user-agent"]) == ("2", "3", "mine")
    assert asked.timeout.total == 9.0
    assert call(on).asked[0].headers["x-a"] == "1"
    assert on.options.changed() == on.options
    assert on.options.changed(retries=RetryPolicy(idempotent=True)).retries.idempotent
    assert on.options.changed(download_dir=PurePosixPath("a/b")).changed(timeout=1).download_dir == "a/b"
    assert session(download_dir="a").options.changed(download_dir=None).download_dir is None
    assert session().options.images == session(images="path").options.changed(images="pillow").images == "pillow"
    assert session().options.changed(images="path").changed().images == "path"


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": -1},
        {"images": "png"},
        {"file_strings": "all"},
        {"server_ready_timeout": -1},
        {"retries": -1},
        {"headers": {"a b": "c"}},
    ],
)
def test_an_invalid_option_is_a_value_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"timeout|retries|header|images|file_strings"):
        session(**options)


FILE: dict[str, JSON] = {"type": "file", "format": "binary"}
FILES: JSON = {
    "name": "S",
    "routes": [
        {"name": "one", "route": "/one", "input": {"properties": {"x": FILE}}, "output": {"type": "integer"}},
        {"name": "many", "route": "/many", "input": {"properties": {"x": {"type": "array", "items": FILE}}},
         "output": {"type": "integer"}},
        {"name": "root", "route": "/root", "input": {**FILE, "root_input": True}, "output": {"type": "integer"}},
    ],
}  # fmt: skip
PATHS = ("/etc/hostname", "c.png")
URLS = ("http://example.org/c.png", "HTTPS://example.org")


@pytest.mark.parametrize(
    ("allowed", "taken", "refused"),
    [
        (..., URLS, PATHS),  # by default
        ("urls", URLS, PATHS),
        ("paths", PATHS, URLS),
        ("both", PATHS + URLS, ()),
        ("neither", (), PATHS + URLS),
    ],
)
def test_text_in_place_of_a_file(allowed: Any, taken: tuple[str, ...], refused: tuple[str, ...]) -> None:
    of_the_client = session(schema=FILES, **({} if allowed is ... else {"file_strings": allowed}))
    of_the_call = session(schema=FILES)
    for on, options in ((of_the_client, {}), (of_the_call, {"file_strings": allowed})):

        def count(name: str, value: object, on: Session = on, options: dict[str, Any] = options) -> int:
            bound = bind(on.endpoint(name), (value,), {})
            uploads = [Upload(b"x")] * len(bound.sources)
            return len(play(on.call(bound, uploads, "b", on.options.changed(**options), 0.0), reply(200, b"7")).asked)

        for text in taken:
            assert count("one", text) == count("many", [b"", text]) == count("root", text) == 1
        for text in refused:
            for name, value in (("one", text), ("many", [b"", text]), ("root", text)):
                with pytest.raises(TypeError, match="file_strings="):
                    count(name, value)
        assert count("one", PurePosixPath("/etc/hostname")) == count("one", File("/etc/hostname")) == 1


def test_the_repr_of_options_shows_no_credential() -> None:
    options = session(headers={"X-Key": "s3cret", "Accept": "text/html"}).options
    assert "('x-key', 'REDACTED')" in repr(options)
    assert "('accept', 'text/html')" in repr(options)
    assert "s3cret" not in repr(options)


def test_limits_apply_to_responses() -> None:
    played = call(session(limits=Limits(body=1)), answers=(Answer(reply(200, b"12").events[:2]),))
    assert isinstance(played.error, LimitExceeded)


def test_an_exhausted_retry_budget_allows_retries_again_after_successes() -> None:
    on = session()
    refused = lost(FailureKind.CONNECT)
    for _ in range(10):
        call(on, answers=(refused, refused, refused))
    assert isinstance(call(on, answers=(refused,)).error, ConnectError)
    for _ in range(11):
        call(on)
    assert call(on, answers=(refused, reply(200, b"7"))).result.result == 7
    assert isinstance(call(on, answers=(refused,)).error, ConnectError)


# --- the same endpoint called again


def repeated(on: Session, options: Options, *answers: Answer) -> Played[Exchange[object]]:
    bound = bind(on.endpoint("f"), (), {"x": 2})
    return play(on.call(bound, (), "b", options, 0.0), *(answers or (reply(200, b"7"),)))


def test_calls_with_the_same_options_share_the_encoded_head_but_not_the_body() -> None:
    on = session()
    first, second = call(on).asked[0].request, repeated(on, on.options).asked[0].request
    third = repeated(on, on.options).asked[0].request
    assert second.encoded is third.encoded
    assert first.encoded is not second.encoded  # `call` makes options of its own
    assert (first.body, second.body, third.body) == ((b'{"x":1}',), (b'{"x":2}',), (b'{"x":2}',))
    job = on.endpoint("job")
    assert play(on.call(bind(job, (), {}), (), "b", on.options, 0.0), reply(200, b"7")).lines == [f"POST {URL}/jobs/"]


def test_a_call_has_its_own_options_whatever_the_call_before_it_had() -> None:
    on = session(retries=0)
    options = on.options
    assert repeated(on, options).asked[0].timeout == Timeout.of(30)
    assert repeated(on, options.changed(timeout=5)).asked[0].timeout == Timeout.of(5)
    assert repeated(on, options).asked[0].timeout == Timeout.of(30)
    assert "x-a" not in repeated(on, options).asked[0].headers
    assert repeated(on, options.changed(headers={"x-a": "1"})).asked[0].headers["x-a"] == "1"
    refused = lost(FailureKind.CONNECT)
    assert isinstance(repeated(on, options, refused).error, ConnectError)
    assert repeated(on, options.changed(retries=1), refused, reply(200, b"7")).result.result == 7
    responses: list[ResponseEvent] = []
    progress: list[Progress] = []
    repeated(on, options.changed(hooks=Hooks(response=responses.append), on_progress=progress.append))
    assert responses
    assert progress
    repeated(on, options)
    assert len(responses) == 1


def test_a_renewed_token_is_sent_by_the_next_call_with_the_same_options() -> None:
    tokens = iter(["one", "two"])
    on = session(token=lambda: next(tokens))
    sent = [
        asked.headers["authorization"]
        for answers in ((), (reply(401), reply(200, b"7")), ())
        for asked in repeated(on, on.options, *answers).asked
    ]
    assert sent == ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]


def test_cookies_follow_those_of_the_caller() -> None:
    on = session()
    call(on, answers=(reply(200, b"7", {"set-cookie": "s=1; Path=/"}),))
    assert call(on).asked[0].headers["cookie"] == "s=1"
    assert call(on, headers={"cookie": "mine=2"}).asked[0].headers["cookie"] == "mine=2; s=1"


def test_the_content_type_of_the_caller_is_replaced() -> None:
    assert call(session(headers={"content-type": "text/x"})).asked[0].headers["content-type"] == "application/json"


# --- finding the Service


def test_connect_waits_and_fetches_the_schema_once() -> None:
    on = session(schema=None)
    assert (on.service, on.is_connected) == (None, False)
    played = play(on.connect(on.options, 0.0), reply(503), reply(200), reply(200, SCHEMA))
    assert [asked.request.target for asked in played.asked] == ["/readyz", "/readyz", "/schema.json"]
    assert played.result is on.service
    assert on.is_connected
    assert play(on.connect(on.options, 0.0)).result is on.service


def test_a_given_schema_is_not_requested() -> None:
    for schema in (SCHEMA, b'{"name": "S", "routes": []}', parse_service(SCHEMA)):
        on = session(schema=schema)
        assert [asked.request.target for asked in play(on.connect(on.options, 0.0), reply(200)).asked] == ["/readyz"]
    with pytest.raises(SchemaError):
        session(schema={"routes": 1})


def test_a_server_ready_timeout_of_0_means_no_waiting() -> None:
    on = session(server_ready_timeout=0)
    assert play(on.connect(on.options, 0.0)).result is on.service


def test_a_service_that_does_not_become_ready_is_unavailable() -> None:
    on = session(server_ready_timeout=0.1)
    played = play(on.connect(on.options, 0.0), *[lost(FailureKind.CONNECT)] * 3)
    assert isinstance(played.error, ServiceUnavailable)
    assert not on.is_connected


def test_discovery_counts_towards_the_total_timeout() -> None:
    on = session(schema=None)
    options = on.options.changed(timeout=Timeout(total=2.0))
    played = play(on.connect(options, 0.0), reply(200).after(1.5), reply(200, SCHEMA))
    assert played.asked[1].timeout.total == 0.5
    played = play(session(schema=None).connect(options, 0.0), reply(200).after(2.5))
    assert isinstance(played.error, CallTimeout)


def test_is_ready() -> None:
    on = session()
    played = play(on.is_ready(None, on.options, 0.0), reply(503))
    assert (played.value, played.asked[0].timeout.total) == (False, 5.0)
    played = play(on.is_ready(1.5, on.options, 0.0), reply(200))
    assert (played.value, played.asked[0].timeout.total) == (True, 1.5)
    assert on.is_connected  # so that the first call need not ask again
    assert play(on.is_ready(None, on.options, 0.0), lost(FailureKind.CONNECT)).value is False


# --- tokens


def test_tokens() -> None:
    assert call(session(token="t")).asked[0].headers["authorization"] == "Bearer t"
    assert call(session("http://u:p@service:3000")).asked[0].headers["authorization"] == "Basic dTpw"
    assert "authorization" not in call(session(environ={"BENTO_CLOUD_API_KEY": "k"})).asked[0].headers
    local = session("http://127.0.0.1", environ={"BENTO_CLOUD_API_KEY": "k"})
    assert call(local).asked[0].headers["authorization"] == "Bearer k"


def test_a_token_function_is_called_again_after_a_401() -> None:
    tokens = iter(["one", "two", "three"])
    on = session(token=lambda: next(tokens))
    played = call(on, answers=(reply(401), reply(200, b"7")))
    assert [asked.headers["authorization"] for asked in played.asked] == ["Bearer one", "Bearer two"]
    assert call(on).asked[0].headers["authorization"] == "Bearer two"


def test_no_token_is_sent_to_another_origin() -> None:
    played = call(session(token="t"), answers=(moved(307, "http://other/f"), reply(200, b"7")))
    assert "authorization" not in played.asked[1].headers


# --- requests of the caller's own


@pytest.mark.parametrize(
    ("content", "json", "body", "kind"),
    [(None, None, (), None), (b"raw", None, (b"raw",), None), (b"", {"a": 1}, (b"",), None),
     (None, {"a": 1}, (b'{"a":1}',), "application/json")],
)  # fmt: skip
def test_request(content: bytes | None, json: object, body: tuple[bytes, ...], kind: str | None) -> None:
    on = session(URL + "/gw", token="t")
    played = play(on.request("patch", "/app/x?y=1", content, json, on.options, 0.0), reply(200, b"\xff"))
    (asked,) = played.asked
    assert asked.line == f"PATCH {URL}/gw/app/x?y=1"
    assert (asked.request.body, asked.headers.get("content-type")) == (body, kind)
    assert asked.headers["authorization"] == "Bearer t"
    assert played.result.result == b"\xff"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GE T", "/"), ("GET\r\nx: y", "/"), ("GET\n", "/"), ("GET / HTTP/1.1\r\nx: y\r\n\r\nGET", "/"), ("", "/"),
     ("GET", "//other/"), ("GET", "http://other/"), ("GET", "/\r\nx: y"), ("GET", "/ü")],
)  # fmt: skip
def test_an_invalid_request_is_a_value_error(method: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"not an HTTP method|percent-encoded"):
        session().request(method, path, None, None, session().options, 0.0)


# --- tasks


def task(on: Session, what: str, *answers: Answer) -> Played[Any]:
    return play(getattr(on.tasks, what)(on.endpoint("job"), "a/b", on.options, 0.0), *answers)


def test_submitting_a_task() -> None:
    on = session(URL + "/gw")
    played = play(
        on.tasks.submit(bind(on.endpoint("job"), (), {}), (), "b", on.options, 0.0), reply(200, {"task_id": "i"})
    )
    assert (played.lines, played.result) == ([f"POST {URL}/gw/jobs/submit"], "i")
    with pytest.raises(TypeError, match=r"f\(\) is not a task"):
        play(on.tasks.submit(bind(on.endpoint("f"), (1,), {}), (), "b", on.options, 0.0))


@pytest.mark.parametrize(
    ("what", "line", "answer", "result"),
    [
        ("status", "GET /jobs/status", {"status": "success"}, ResultStatus.COMPLETED),
        ("retry", "POST /jobs/retry", {"task_id": "j"}, "j"),
        ("cancel", "PUT /jobs/cancel", {}, None),
    ],
)
def test_the_status_of_a_task(what: str, line: str, answer: JSON, result: object) -> None:
    played = task(session(), what, reply(200, answer))
    assert played.lines == [f"{line.replace(' ', f' {URL}')}?task_id=a%2Fb"]
    assert (played.value, played.error) == (result, None)


def test_the_result_of_a_task() -> None:
    played = task(session(), "get", reply(200, 7))
    assert played.lines == [f"GET {URL}/jobs/get?task_id=a%2Fb"]
    assert played.result.result == 7


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        ("in_progress", reply(400, {"error": "not completed yet"}), TaskNotCompleted),
        ("failed", reply(400, [{"error": "bad"}]), TaskFailed),
        ("failure", reply(500, {"error": "oh"}), TaskFailed),
        ("completed", reply(503, {"error": "busy"}), ServiceUnavailable),
    ],
)
def test_a_task_without_result(status: str, answer: Answer, kind: type[BentoMLException]) -> None:
    script = (answer, reply(200, {"status": status}), answer)
    again = status == "failed"  # it may have come to its end in between
    played = task(session(), "get", *script[: 3 if again else 2])
    assert type(played.error) is kind
    assert played.error is not None
    assert played.error.error_code == answer.events[0].status  # type: ignore[union-attr]
    if kind is TaskFailed:
        assert isinstance(played.error.__cause__, BentoMLException)


def test_a_task_that_is_unknown_or_can_not_be_reached() -> None:
    unknown = reply(404, {"error": "task_id not found"})
    assert str(task(session(), "get", unknown, unknown).error) == "task_id not found"
    assert isinstance(task(session(retries=0), "get", lost(FailureKind.CONNECT)).error, ConnectError)
    local = reply(400, {"error": "task cancellation is not supported in local development server"})
    assert isinstance(task(session(), "cancel", local).error, InvalidArgument)
