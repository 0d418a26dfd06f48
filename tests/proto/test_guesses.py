"""Names that people and code assistants guess: they work, or the error has the right one."""

from __future__ import annotations

import inspect
import re
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from bento_proto import BentoMLException, File, Limits, NotFound, RetryPolicy, Timeout
from bento_proto._guesses import OF_CLIENTS
from bento_proto.session import BaseTask
from tests.proto.test_base_client import SCHEMA, Client, Method, TypedClient


@pytest.mark.parametrize(
    ("guess", "instead"),
    [
        ("base_url", "url"),
        ("api_key", "token"),
        ("max_retries", "retries"),
        ("default_headers", "headers"),
        ("verify", "ssl_context=tls_context(...)"),
        ("cert", "ssl_context=tls_context(...)"),
        ("proxies", "proxy"),
        ("http_client", "transport"),
        ("bearer_token", "token"),
        ("pool_size", "limits=Limits(connections=...)"),
        ("follow_redirects", "limits=Limits(redirects=...)"),
        ("trust_env", "proxy=None, with which the environment names no proxy"),
        ("http2", "nothing: BentoML's servers speak HTTP/1.1"),
        ("cookies", "headers={'Cookie': ...}"),
        ("event_hooks", "hooks"),
    ],
)
def test_arguments_of_other_clients(guess: str, instead: str) -> None:
    given: Any = {guess: None}
    message = f"() got an unexpected keyword argument '{guess}'; here that is {instead}"
    with pytest.raises(TypeError, match=re.escape("Client" + message)):
        Client("http://h", **given)
    with pytest.raises(TypeError, match=re.escape("with_options" + message)):
        Client("http://h").with_options(**given)


def test_no_guess_is_an_argument() -> None:
    for name in OF_CLIENTS:
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            Client("http://h", **{name: None})  # type: ignore[arg-type]


def test_arguments_that_are_misspelt() -> None:
    given: Any = {"retrys": 1}
    with pytest.raises(TypeError, match="did you mean 'retries'"):
        Client("http://h", **given)


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (Timeout(5), (5, 5, 5, 5, None)),
        (Timeout(None), (None, None, None, None, None)),
        (Timeout(10, connect=5), (5, 10, 10, 10, None)),
        (Timeout(10, total=60), (10, 10, 10, 10, 60)),
        (Timeout(receive=None), (30, 30, None, 30, None)),
        (Timeout(1, 2, 3, 4), (1, 2, 3, 4, None)),
        (Timeout(1, 2, 3, 4, 5), (1, 2, 3, 4, 5)),
        (Timeout(5).replace(pool=1), (5, 5, 5, 1, None)),
    ],
)
def test_timeouts(timeout: Timeout, expected: tuple[float | None, ...]) -> None:
    assert (timeout.connect, timeout.send, timeout.receive, timeout.pool, timeout.total) == expected


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((5, 60), {}, "takes one number for all, or keywords: connect, send, receive, pool, total"),
        ((), {"read": 5}, "unexpected keyword argument 'read'; here that is receive"),
        ((), {"write": 5}, "unexpected keyword argument 'write'; here that is send"),
        ((), {"conect": 5}, "did you mean 'connect'"),
    ],
)
def test_timeouts_that_set_only_half(args: Any, kwargs: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Timeout(*args, **kwargs)


REQUEST = partial(Client("http://h", schema=SCHEMA).request, "GET", "/")


@pytest.mark.parametrize(
    ("make", "guess", "says"),
    [
        (File, "filename", "File() got an unexpected keyword argument 'filename'; here that is name"),
        (File, "mime_type", "here that is content_type"),
        (File, "nam", "did you mean 'name'"),
        (Limits, "max_connections", "Limits() got an unexpected keyword argument 'max_connections'; here that is conn"),
        (RetryPolicy, "max_retries", "here that is attempts, which counts the first one too"),
        (RetryPolicy, "backoff_factor", "here that is backoff"),
        (REQUEST, "auth", "request() got an unexpected keyword argument 'auth'; here that is auth=... of the client"),
        (REQUEST, "verify", "here that is ssl_context=tls_context(...) of the client"),
    ],
)
def test_arguments_of_values_and_requests(make: Any, guess: str, says: str) -> None:
    with pytest.raises(TypeError, match=re.escape(says)):
        make(**{guess: 3})


def test_signatures_stay_those_of_the_fields() -> None:
    for _ in range(40):  # by then, `__init__` is compiled
        assert File(b"", "n").name == "n"
    assert list(inspect.signature(File).parameters) == ["content", "name", "content_type"]
    assert list(inspect.signature(Limits).parameters)[:2] == ["schema", "body"]


def test_attributes_of_errors() -> None:
    error: Any = NotFound("x")
    with pytest.raises(AttributeError, match=r"'NotFound' object has no attribute 'body'; here that is detail$"):
        error.body  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        error.nothing  # noqa: B018
    assert not hasattr(error, "response")


class OtherTimeout:
    """That of another library."""

    connect = read = write = pool = 5.0


@pytest.mark.parametrize("given", [(5, 60), "30", OtherTimeout()])
def test_timeouts_of_others(given: Any) -> None:
    with pytest.raises(TypeError, match=r"a timeout is a number of seconds, None, or Timeout\(connect=\.\.\., send="):
        Client("http://h", timeout=given)


def test_a_client_has_no_attributes_to_assign() -> None:
    client: Any = Client("http://h", schema=SCHEMA)
    with pytest.raises(AttributeError, match=r"no attribute 'timeout' to assign; use with_options\(timeout=\.\.\.\)$"):
        client.timeout = 5
    with pytest.raises(AttributeError, match=r"use with_options\(headers=\.\.\.\)$"):
        client.default_headers = {}
    with pytest.raises(AttributeError, match=r"no attribute 'token' to assign$"):
        client.token = "x"
    with pytest.raises(AttributeError, match=r"no attribute 'nothing' to assign$"):
        client.nothing = 1
    unknown: Any = Client("http://h")
    with pytest.raises(AttributeError, match="with_options"):
        unknown.retries = 1


def test_what_can_be_assigned() -> None:
    class Own(TypedClient, schema=SCHEMA):
        label: str

    client: Any = Own("http://h")
    client.label = "mine"
    client.f = "a double in a test"
    client._private = 1
    unknown: Any = Client("http://h")
    unknown.f = "may be an endpoint"
    assert (client.label, client.f, unknown.f) == ("mine", "a double in a test", "may be an endpoint")


def test_the_status_of_an_error() -> None:
    error = NotFound("x")
    assert (error.error_code, error.status_code) == (404, 404)
    assert isinstance(error.error_code, HTTPStatus)
    assert (error.error_code.value, error.error_code.phrase) == (404, "Not Found")
    assert isinstance(BentoMLException("x", error_code=418).error_code, HTTPStatus)
    assert (BentoMLException("x", error_code=599).error_code, BentoMLException("x").status_code) == (599, None)


def test_the_status_of_a_task() -> None:
    task: BaseTask[Any, Any, Any, Any] = BaseTask("7", Method())
    assert task.status == ("status", "7")
