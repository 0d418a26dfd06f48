"""What the clients say in the log: a line for each request, and never a secret."""

from __future__ import annotations

import logging
import re

import pytest

from bento_proto import BentoMLException
from tests.servers import Servers

from .faces import Connect
from .proxies import End, Stub, endpoint, reply, routes, schema

GIVEN = schema(endpoint("f"))
SECRET = "s3cr3t"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="bento_client")
    return caplog


def lines(log: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """What was logged, without numbers that change."""
    said = [record for record in log.records if record.name.startswith("bento_client") and record.levelno >= level]
    return [f"{record.name[13:]}: {_plain(record.getMessage())}" for record in said]


def _plain(line: str) -> str:
    line = re.sub(r"http://127.0.0.1:\d+", "", line)
    return re.sub(r"request id \w+", "request id X", re.sub(r"\d+\.\d+ m?s", "T", line))


def test_nothing_is_installed_and_nothing_is_said_unless_asked(
    servers: Servers, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connect(servers.url("zoo:Zoo")).no_args_str()
    assert lines(caplog, logging.DEBUG) == []
    for name in ("bento_client", "bento_client.http", "bento_client.retry"):
        assert logging.getLogger(name).handlers == []
        assert logging.getLogger(name).level == logging.NOTSET


def test_a_line_for_each_request(servers: Servers, connect: Connect, log: pytest.LogCaptureFixture) -> None:
    client = connect(servers.url("zoo:Zoo"))
    client.is_ready()
    client.endpoints  # noqa: B018 - asks for the schema
    log.clear()
    client.echo_str("hello")
    assert lines(log) == ["http: POST /echo_str 200 in T, request id X, 5 bytes received"]
    log.clear()
    list(client.stream_int(2))
    assert lines(log, logging.DEBUG) == [
        "http: POST /stream_int: sending 7 bytes",
        "http: POST /stream_int 200 in T, request id X: the response begins",
        "http: POST /stream_int 200 in T, request id X, 2 bytes received",
    ]
    log.clear()
    with client.stream_endless("log") as stream:
        next(stream)
    assert lines(log)[0].endswith(", given up")
    log.clear()
    with pytest.raises(BentoMLException):
        client.err("NotFound")
    assert re.fullmatch(
        r"http: POST /err 404 in T, request id X, \d+ bytes received: NotFound: no such thing", lines(log)[0]
    )


def test_a_line_for_each_retry_and_redirect(connect: Connect, log: pytest.LogCaptureFixture) -> None:
    answers = [reply(7), reply(b"", 307, {"location": "/g?sig=s3cr3t"}), reply(b"busy", 503, {"retry-after": "0"})]
    with Stub(lambda asked: answers.pop()) as stub:
        assert connect(stub.url, schema=GIVEN, server_ready_timeout=0).f() == 7
    assert lines(log) == [
        "http: POST /f 503 in T, 4 bytes received: ServiceUnavailable: busy",
        "retry: POST /f again in T, after attempt 1: ServiceUnavailable: busy",
        "http: POST /f 307 in T, attempt 2, 0 bytes received",
        "http: POST /g?sig=REDACTED 200 in T, attempt 3, 1 bytes received",
    ]
    assert "http: POST /f: sending 2 bytes in T, attempt 2" in lines(log, logging.DEBUG)


def test_what_got_no_answer(connect: Connect, log: pytest.LogCaptureFixture) -> None:
    with Stub(routes({"/f": End.CLOSE})) as stub, pytest.raises(BentoMLException):
        connect(stub.url, schema=GIVEN, server_ready_timeout=0, retries=0).f()
    assert len(lines(log)) == 1
    assert lines(log)[0].startswith("http: POST /f no response in T: ConnectionLost: ")


def test_no_secret_is_logged(connect: Connect, log: pytest.LogCaptureFixture) -> None:
    answer = reply(b"{}", 200, {"set-cookie": f"a={SECRET}", "x-token": SECRET})
    with Stub(routes({"/f": answer, "/x": answer})) as stub:
        url = stub.url.replace("://", f"://user:{SECRET}@")
        for token in (SECRET, None):
            headers = {"X-Key": SECRET, "Cookie": SECRET, "X-Other": SECRET}
            client = connect(url, schema=GIVEN, token=token, headers=headers)
            client.f()
            client.f()
            client.request("GET", f"/x?token={SECRET}")
        assert len(lines(log)) == 8
        assert SECRET in str(stub.asked)
    assert SECRET not in log.text
    assert SECRET not in repr([vars(record) for record in log.records])


def test_only_what_is_wanted_is_said(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    answers = [reply(7), reply(b"", 503, {"retry-after": "0"})]
    caplog.set_level(logging.INFO, logger="bento_client.retry")
    with Stub(lambda asked: answers.pop()) as stub:
        connect(stub.url, schema=GIVEN, server_ready_timeout=0).f()
    assert [line.partition(":")[0] for line in lines(caplog)] == ["retry"]
