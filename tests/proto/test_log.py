"""The log: which lines the hooks write, at which level, to which logger."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator, Mapping

import pytest

from bento_proto import Request
from bento_proto._text import LONGEST
from bento_proto.http import FilePart, Headers, Origin
from bento_proto.observe import LOGGING, EndEvent, RequestEvent, ResponseEvent, RetryEvent, log_to_stderr
from tests.proto.test_base_client import Client

POST = Request("POST", Origin("http", "h", 80), "/f?key=secret", (), (b"1234",))
UNKNOWN = Request("POST", Origin("http", "h", 80), "/up", (), (FilePart("f"),))
FIRST, THIRD = RequestEvent(POST, 1, 0.0), RequestEvent(UNKNOWN, 3, 1.5)
URL = "POST http://h/f?key=REDACTED"


def response(request: RequestEvent, request_id: str | None = None, *, complete: bool = True) -> ResponseEvent:
    return ResponseEvent(request, 200, Headers(), request_id, 0.0123, complete)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    return [(record.name, record.levelname, record.getMessage()) for record in caplog.records]


def test_at_debug_there_is_a_line_when_a_request_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    assert LOGGING.request is not None
    with caplog.at_level(logging.DEBUG, "bento_client"):
        assert LOGGING.request(FIRST) is None
        LOGGING.request(THIRD)
    assert lines(caplog) == [
        ("bento_client.http", "DEBUG", f"{URL}: sending 4 bytes"),
        ("bento_client.http", "DEBUG", "POST http://h/up: sending a body of unknown length in 1.50 s, attempt 3"),
    ]


def test_at_debug_there_is_a_line_when_a_stream_begins(caplog: pytest.LogCaptureFixture) -> None:
    assert LOGGING.response is not None
    with caplog.at_level(logging.DEBUG, "bento_client"):
        LOGGING.response(response(FIRST))
        LOGGING.response(response(FIRST, complete=False))
    assert lines(caplog) == [("bento_client.http", "DEBUG", f"{URL} 200 in 12.3 ms: the response begins")]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            EndEvent(FIRST, response(FIRST, "r1"), None, False, 9, 0.1),
            f"{URL} 200 in 12.3 ms, request id r1, 9 bytes received",
        ),
        (EndEvent(FIRST, response(FIRST), None, True, 9, 0.1), f"{URL} 200 in 12.3 ms, 9 bytes received, given up"),
        (
            EndEvent(THIRD, None, "ConnectError: no", False, 0, 0.5),
            "POST http://h/up no response in 500.0 ms, attempt 3: ConnectError: no",
        ),
        (EndEvent(FIRST, None, None, True, 0, None), f"{URL} no response, given up"),
    ],
)
def test_at_info_there_is_a_line_for_each_request_when_it_is_over(
    event: EndEvent, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert LOGGING.end is not None
    assert LOGGING.request is not None
    with caplog.at_level(logging.INFO, "bento_client"):
        LOGGING.request(event.request)
        LOGGING.end(event)
    assert lines(caplog) == [("bento_client.http", "INFO", line)]


@pytest.mark.parametrize(("wait", "when"), [(0.0, "at once"), (0.25, "in 0.25 s")])
def test_at_info_there_is_a_line_for_each_retry(wait: float, when: str, caplog: pytest.LogCaptureFixture) -> None:
    assert LOGGING.retry is not None
    with caplog.at_level(logging.INFO, "bento_client"):
        LOGGING.retry(RetryEvent(FIRST, wait, "ConnectError: no"))
    assert lines(caplog) == [("bento_client.retry", "INFO", f"{URL} again {when}, after attempt 1: ConnectError: no")]


def test_the_url_of_a_redirect_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    asked = RequestEvent(Request("POST", Origin("http", "h", 80), "/" + "y" * 60_000), 2, 0.0)
    answered = response(asked, complete=False)
    told = (LOGGING.request, LOGGING.response, LOGGING.retry, LOGGING.end, LOGGING.end)
    events = (
        asked, answered, RetryEvent(asked, 0.0, "no"), EndEvent(asked, answered, None, False, 0, 0.1),
        EndEvent(asked, None, None, True, 0, None),
    )  # fmt: skip
    with caplog.at_level(logging.DEBUG, "bento_client"):
        for hook, event in zip(told, events, strict=True):
            assert hook is not None
            hook(event)  # type: ignore[arg-type]
    assert len(lines(caplog)) == 5
    assert [line for _, _, line in lines(caplog) if "yyy..." not in line or len(line) > LONGEST + 100] == []


def test_above_info_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert LOGGING.end is not None
    with caplog.at_level(logging.WARNING, "bento_client"):
        LOGGING.end(EndEvent(FIRST, None, None, True, 0, None))
    assert lines(caplog) == []


def test_the_hooks_are_called_if_either_logger_is_enabled(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOGGING.enabled is not None
    with caplog.at_level(logging.WARNING, "bento_client"):
        assert not LOGGING.enabled()
        with caplog.at_level(logging.INFO, "bento_client.retry"):
            assert LOGGING.enabled()
    with caplog.at_level(logging.INFO, "bento_client"):
        assert LOGGING.enabled()
        monkeypatch.delitem(sys.modules, "logging")
        assert not LOGGING.enabled(), "nobody has imported logging, so nobody has configured it"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("bento_client")
    handlers, level = found.handlers[:], found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)


def test_the_environment_may_ask_for_the_log(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    class Logged(Client):
        @staticmethod
        def _environ() -> Mapping[str, str]:
            return {"BENTO_CLIENT_LOG": "debug"}

    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    before = len(logger.handlers)
    for _ in range(2):
        Logged("http://h")
    assert (len(logger.handlers) - before, logger.level) == (1, logging.DEBUG)
    assert LOGGING.request is not None
    LOGGING.request(FIRST)
    assert written.getvalue().endswith(f" bento_client.http {URL}: sending 4 bytes\n")
    assert written.getvalue().count("sending") == 1
    log_to_stderr(" Warning")
    assert (len(logger.handlers) - before, logger.level) == (1, logging.WARNING)
    with pytest.raises(ValueError, match="BENTO_CLIENT_LOG must be debug, info, warning or error, not 'loud'"):
        log_to_stderr("loud")
