"""Finding a Service: readiness, schema and mount, behind prefixes and gateways, and while it starts."""

from __future__ import annotations

import json

import pytest

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    FailureKind,
    Forbidden,
    InvalidArgument,
    Limits,
    NotFound,
    RemoteProtocolError,
    RetryPolicy,
    SchemaError,
    ServiceUnavailable,
    Timeout,
    Unauthorized,
)
from bento_proto.http import parse_base_url
from bento_proto.http._cookies import Cookies
from bento_proto.policy._attempts import CallContext
from bento_proto.policy._discovery import DiscoveredService, describe, mounted, probe, until_ready
from bento_proto.policy._retry import RetryBudget
from bento_proto.schema import parse_service

from .play import Answer, Forever, lost, play, reply

TERMS = CallContext(Timeout(), RetryPolicy(), Limits(), Cookies(), RetryBudget(), lambda: 0.0, lambda request: None)
URL = "http://service:3000"


def schema(*routes: str) -> bytes:
    return json.dumps({"name": "S", "routes": [{"name": f"e{n}", "route": r} for n, r in enumerate(routes)]}).encode()


PLAIN, PREFIXED = schema("/echo", "/add"), schema("/api/v1/echo", "/api/v1/deep/er")


# --- the schema


@pytest.mark.parametrize(
    ("url", "answers", "asked", "mount"),
    [
        (URL, [reply(200, PLAIN)], ["/schema.json"], ""),
        (URL + "/gw", [reply(200, PLAIN)], ["/gw/schema.json"], "/gw"),  # a gateway that strips its path
        (URL + "/api/v1", [reply(404), reply(200, PREFIXED)], ["/api/v1/schema.json", "/schema.json"], ""),
    ],
)
def test_where_the_schema_is(url: str, answers: list[Answer], asked: list[str], mount: str) -> None:
    played = play(describe(parse_base_url(url), (("x", "y"),), TERMS, 0.0), *answers)
    assert [each.request.target for each in played.asked] == asked
    assert played.asked[-1].headers == {"x": "y"}
    assert played.result.mount == mount
    assert set(played.result.service.endpoints) == {"e0", "e1"}


def test_the_root_may_have_the_schema_of_another_service() -> None:
    played = play(describe(parse_base_url(URL + "/gw"), (), TERMS, 0.0), reply(404), reply(200, PLAIN))
    assert isinstance(played.error, NotFound)
    assert str(played.error).startswith(f"there is no /schema.json at {URL}/gw: ")
    assert ask(URL + "/gw", reply(404), reply(404), reply(200, PLAIN))[0] is False


def test_no_schema_anywhere() -> None:
    played = play(describe(parse_base_url(URL + "/gw"), (), TERMS, 0.0), reply(404), reply(404))
    assert isinstance(played.error, NotFound)
    assert "is it the URL of a BentoML Service?" in str(played.error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(401, {"error": "who?"}), Unauthorized),
        (reply(200, b"<html>"), SchemaError),
        (lost(FailureKind.TLS), ConnectError),
    ],
)
def test_a_schema_that_can_not_be_fetched(answer: Answer, kind: type[Exception]) -> None:
    played = play(describe(parse_base_url(URL), (), TERMS, 0.0), answer)
    assert isinstance(played.error, kind)
    assert str(played.error).startswith(f"can't read {URL}/schema.json: ")


@pytest.mark.parametrize(
    ("url", "routes", "mount"),
    [
        (URL, PLAIN, ""),
        (URL, PREFIXED, ""),
        (URL + "/gw", PLAIN, "/gw"),
        (URL + "/api/v1", PREFIXED, ""),
        (URL + "/api", schema("/api/f", "/apix"), "/api"),
        (URL + "/%C3%BC", schema("/ü/f"), ""),
    ],
)
def test_the_mount_of_a_given_schema(url: str, routes: bytes, mount: str) -> None:
    assert mounted(parse_service(routes), parse_base_url(url)).mount == mount


# --- readiness


def ask(url: str, *answers: Answer, known: DiscoveredService | None = None) -> tuple[bool, list[str]]:
    played = play(probe(parse_base_url(url), (), TERMS, known, 0.0), *answers)
    return played.result[0].error is None, [asked.request.target for asked in played.asked]


PREFIX = mounted(parse_service(PREFIXED), parse_base_url(URL))


@pytest.mark.parametrize(
    ("url", "answers", "ready", "asked"),
    [
        (URL, [reply(200, b"\n")], True, ["/readyz"]),
        (URL, [reply(503)], False, ["/readyz"]),
        (
            URL,
            [lost(FailureKind.IDLE_CLOSED), reply(200)],
            True,
            ["/readyz", "/readyz"],
        ),  # that tells nothing of the Service
        (URL, [lost(FailureKind.CONNECT)], False, ["/readyz"]),  # asked once, without retries
        (URL + "/gw", [reply(200)], True, ["/gw/readyz"]),
        # a Service with a path prefix has its readiness under that, and nothing but its schema at the root
        (URL, [reply(404), reply(200, PREFIXED), reply(200)], True, ["/readyz", "/schema.json", "/api/v1/readyz"]),
        (URL, [reply(404), reply(200, PREFIXED), reply(503)], False, ["/readyz", "/schema.json", "/api/v1/readyz"]),
        (URL + "/api/v1", [reply(200)], True, ["/api/v1/readyz"]),
        # the routes just happen to begin alike: it is there, as it serves its schema
        (URL, [reply(404), reply(200, PREFIXED), reply(404)], True, ["/readyz", "/schema.json", "/api/v1/readyz"]),
        (URL, [reply(404), reply(200, PLAIN)], True, ["/readyz", "/schema.json"]),
        (URL + "/gw", [reply(404), reply(200, PREFIXED)], True, ["/gw/readyz", "/gw/schema.json"]),
        # something else answers 404 to everything
        (URL, [reply(404), reply(404)], False, ["/readyz", "/schema.json"]),
        (URL, [reply(404), reply(200, b"<html>")], False, ["/readyz", "/schema.json"]),
    ],
)
def test_readiness(url: str, answers: list[Answer], ready: bool, asked: list[str]) -> None:
    assert ask(url, *answers) == (ready, asked)


def test_a_known_schema_is_not_fetched() -> None:
    assert ask(URL, reply(404), reply(200), known=PREFIX) == (True, ["/readyz", "/api/v1/readyz"])


def test_the_timeout_of_a_probe_includes_the_search_for_the_schema() -> None:
    context = TERMS.replace(timeout=Timeout(total=2.0))
    answers = (reply(404).after(1.0), reply(200, PREFIXED).after(0.5), reply(200))
    played = play(probe(parse_base_url(URL), (), context, None, 100.0, 5.0), *answers, now=100.0)
    assert [asked.timeout.total for asked in played.asked] == [2.0, 1.0, 0.5]
    assert played.delays == [5.0, 0.0, 0.0]
    played = play(probe(parse_base_url(URL), (), context, PREFIX, 100.0), answers[0], answers[2], now=100.0)
    assert [asked.timeout.total for asked in played.asked] == [2.0, 1.0]


def test_the_wait_includes_the_search_for_the_schema() -> None:
    script = (reply(404), lost(FailureKind.TIMEOUT).after(1.0))
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 1.0, 0.0), *script)
    assert isinstance(played.error, ServiceUnavailable)
    assert isinstance(played.error.__cause__, CallTimeout)


def test_the_search_for_the_schema_has_one_total() -> None:
    context = TERMS.replace(timeout=Timeout(total=2.0))
    script = (reply(404).after(0.5), lost(FailureKind.CONNECT).after(1.0), reply(200, PREFIXED))
    played = play(describe(parse_base_url(URL + "/api/v1"), (), context, 100.0), *script, now=100.0)
    assert [asked.timeout.total for asked in played.asked] == pytest.approx([2.0, 1.5, 0.25])
    assert played.error is None


def test_pauses_grow_and_the_time_is_returned() -> None:
    played = play(
        until_ready(parse_base_url(URL), (), TERMS, None, None, 100.0),
        *[lost(FailureKind.CONNECT)] * 7,
        reply(200),
        now=100.0,
    )
    assert played.delays == [0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert played.result == played.now == pytest.approx(103.55)
    assert [asked.timeout.total for asked in played.asked] == pytest.approx([3.0] * 8)


@pytest.mark.parametrize(
    "answer",
    [
        lost(FailureKind.CONNECT),
        lost(FailureKind.DISCONNECTED),
        lost(FailureKind.TIMEOUT),
        *(reply(status) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_transient_errors_are_waited_out(answer: Answer) -> None:
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 30.0, 0.0), answer, reply(200))
    assert played.error is None


def test_the_error_has_the_cause() -> None:
    played = play(
        until_ready(parse_base_url(URL), (), TERMS, None, 1.0, 0.0), Forever(lost(FailureKind.CONNECT, "refused"))
    )
    assert isinstance(played.error, ServiceUnavailable)
    assert str(played.error) == f"{URL} is not ready after 1 seconds: refused"
    assert isinstance(played.error.__cause__, ConnectError)
    assert "server_ready_timeout=..." in played.error.__notes__[0]
    assert played.now == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("url", "answer", "says"),
    [
        (
            "http://h:1",
            lost(FailureKind.DISCONNECTED, "reset"),
            "reset; if the server speaks TLS, its URL must start with https://",
        ),
        ("https://h:1", lost(FailureKind.DISCONNECTED, "reset"), "reset"),
        ("unix:/run/s.sock", lost(FailureKind.DISCONNECTED, "reset"), "reset"),
        ("http://h:1", lost(FailureKind.CONNECT, "refused"), "refused"),
    ],
)
def test_what_else_may_close_connections_without_a_response(url: str, answer: Answer, says: str) -> None:
    played = play(until_ready(parse_base_url(url), (), TERMS, None, 1.0, 0.0), Forever(answer))
    assert str(played.error).endswith(f" is not ready after 1 seconds: {says}")


def test_a_timeout_of_the_last_request_does_not_hide_the_cause() -> None:
    script = (lost(FailureKind.CONNECT, "refused"), lost(FailureKind.TIMEOUT, "too late").after(1.0))
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 1.0, 0.0), *script)
    assert str(played.error).endswith(": refused")
    played = play(
        until_ready(parse_base_url(URL), (), TERMS, None, 1.0, 0.0), lost(FailureKind.TIMEOUT, "too late").after(1.0)
    )
    assert isinstance(played.error, ServiceUnavailable)
    assert isinstance(played.error.__cause__, CallTimeout)


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (403, Forbidden)])
def test_a_missing_token_ends_the_wait(status: int, kind: type[Exception]) -> None:
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 30.0, 0.0), reply(503), reply(status))
    assert isinstance(played.error, kind)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FailureKind.TLS, ConnectError),
        (FailureKind.PROXY, ConnectError),
        (FailureKind.PROTOCOL, RemoteProtocolError),
    ],
)
def test_a_permanent_failure_ends_the_wait(kind: FailureKind, error: type[Exception]) -> None:
    script = (lost(FailureKind.CONNECT), lost(kind, "self-signed"))
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 30.0, 0.0), *script)
    assert type(played.error) is error
    assert str(played.error) == f"can't read {URL}/readyz: self-signed"


@pytest.mark.parametrize(
    ("answers", "error", "says"),
    [
        ([reply(404), reply(404)], NotFound, "there is no /schema.json at {}: is it the URL of a BentoML Service?"),
        (
            [reply(404), reply(200, b"<p>")],
            NotFound,
            "there is no /schema.json at {}: is it the URL of a BentoML Service?",
        ),
        ([reply(400, b"HTTP to HTTPS")], InvalidArgument, "can't read {}/readyz: HTTP to HTTPS"),
        ([reply(405, b"no GET")], BentoMLException, "can't read {}/readyz: no GET"),
        ([reply(501, b"no")], BentoMLException, "can't read {}/readyz: no"),
    ],
)
def test_what_is_no_service_ends_the_wait(answers: list[Answer], error: type[Exception], says: str) -> None:
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 30.0, 0.0), reply(503), *answers)
    assert type(played.error) is error
    assert str(played.error) == says.format(URL)


def test_the_same_error_without_waiting() -> None:
    waiting = play(until_ready(parse_base_url(URL), (), TERMS, None, 30.0, 0.0), reply(404), reply(404))
    direct = play(describe(parse_base_url(URL), (), TERMS, 0.0), reply(404))
    assert str(waiting.error) == str(direct.error)
    assert type(waiting.error) is type(direct.error)


def test_a_missing_route_is_waited_for_while_the_schema_can_not_be_read() -> None:
    script = (reply(404), reply(503), reply(404), lost(FailureKind.CONNECT), reply(404), reply(200, PLAIN))
    played = play(until_ready(parse_base_url(URL), (), TERMS, None, 30.0, 0.0), *script)
    assert played.error is None


@pytest.mark.parametrize(("seconds", "limit"), [(30.0, "for up to 30 seconds"), (None, "without limit")])
def test_the_log_warns_once_of_a_long_wait(caplog: pytest.LogCaptureFixture, seconds: float | None, limit: str) -> None:
    script = (
        lost(FailureKind.CONNECT, "refused"),
        reply(503, b"starting").after(2.0),
        reply(503).after(2.0),
        reply(503),
    )
    with caplog.at_level("WARNING"):
        played = play(until_ready(parse_base_url(URL), (), TERMS, None, seconds, 0.0), *script[:2], reply(200))
        assert played.error is None
        assert caplog.messages == []  # not for a short one
        played = play(until_ready(parse_base_url(URL), (), TERMS, None, seconds, 0.0), *script, reply(200))
    assert played.error is None
    why = "ServiceUnavailable: the server responded with status 503"
    assert caplog.messages == [f"{URL} is not ready yet; waiting {limit}: {why}"]
    assert caplog.records[0].name == "bento_client.http"
