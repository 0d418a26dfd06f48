"""The credential of a client, and the requests that it is added to."""

from __future__ import annotations

import base64
import functools
from collections.abc import Awaitable, Callable, Generator

import pytest

from bento_proto import Exchange, Limits, LocalProtocolError, Request
from bento_proto.http import Origin, parse_base_url
from bento_proto.http._credentials import TOKEN_VARIABLE, Credential, is_local
from bento_proto.policy._authorization import Authorization
from bento_proto.response._readers import whole_reader
from tests.recordings import find

ENVIRON = {TOKEN_VARIABLE: "from-environ"}
FIELDS = (("accept", "*/*"),)


def authorization(url: str, token: str | None = None, environ: dict[str, str] | None = None) -> str | None:
    """What a client of that URL says in its Authorization header."""
    fields = Credential(parse_base_url(url), token, environ or {}).added(FIELDS)
    assert fields[:1] == FIELDS
    return dict(fields).get("authorization")


def request(authorization: str | None) -> Request:
    fields = FIELDS if authorization is None else (*FIELDS, ("authorization", authorization))
    return Request("POST", Origin("http", "h", 80), "/f", fields, (b"body",))


def test_the_environment_variable_is_that_of_bentoml() -> None:
    assert TOKEN_VARIABLE == "BENTO_CLOUD_API_KEY"


def test_a_token_is_sent_as_recorded() -> None:
    assert authorization("http://h", "tok-123") == dict(find("auth_token_arg#2").request_headers)["authorization"]


def test_user_and_password_are_sent_as_recorded() -> None:
    recorded = dict(find("url_userinfo#2").request_headers)["authorization"]
    assert authorization("http://user:p%40ss@h") == recorded
    assert authorization("https://üser:pä@h") == "Basic " + base64.b64encode("üser:pä".encode()).decode()


@pytest.mark.parametrize(
    ("url", "token", "expected"),
    [
        ("https://h", None, "Bearer from-environ"),
        ("http://localhost:3000", None, "Bearer from-environ"),
        ("http://127.0.0.1", None, "Bearer from-environ"),
        ("http://127.9.9.9", None, "Bearer from-environ"),
        ("http://[::1]", None, "Bearer from-environ"),
        ("unix:/run/s.sock", None, "Bearer from-environ"),
        # Not in the clear to a host that it was not given for:
        ("http://h", None, None),
        ("http://localhost.evil.example", None, None),
        ("http://127.0.0.1.evil.example", None, None),
        ("http://0.0.0.0", None, None),
        # What was given counts more:
        ("https://h", "mine", "Bearer mine"),
        ("http://h", "mine", "Bearer mine"),
        ("https://h", "", None),
        ("https://user:pw@h", None, "Basic dXNlcjpwdw=="),
        ("https://user:pw@h", "mine", "Bearer mine"),
        ("https://user:pw@h", "", None),
        ("https://@h", None, "Bearer from-environ"),
    ],
)
def test_precedence_of_credentials(url: str, token: str | None, expected: str | None) -> None:
    assert authorization(url, token, ENVIRON) == expected


def test_no_credential_means_no_field() -> None:
    assert authorization("https://h") is None


def test_a_field_of_the_caller_takes_precedence() -> None:
    own = (("authorization", "Digest x"),)
    assert Credential(parse_base_url("http://h"), "mine", {}).added(own) == own


@pytest.mark.parametrize(
    "token", ["s3cret\r\nx: y", "s3cret\n", "s3cret ä", "s3 cret", "s3\tcret", "\ud800", " ", "s3cret\x7f"]
)
@pytest.mark.parametrize("how", ["given", "environ", "function"])
def test_the_error_for_an_invalid_token_does_not_show_it(token: str, how: str) -> None:
    base = parse_base_url("https://h")
    with pytest.raises(ValueError, match=r"^the token has a") as caught:
        Credential(
            base,
            {"given": token, "environ": None, "function": lambda: token}[how],
            {TOKEN_VARIABLE: token},
        ).added(())
    assert "s3" not in str(caught.value)


def test_white_space_around_a_token_is_removed() -> None:
    assert authorization("http://h", " tok\t") == "Bearer tok"


# --- tokens that run out


class Giver:
    """Gives one token after the other."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def __call__(self) -> str:
        return self.tokens.pop(0)


def test_a_token_function_is_called_once() -> None:
    giver = Giver("one", "two")
    credential = Credential(parse_base_url("http://user:pw@h"), giver, ENVIRON)
    assert giver.tokens == ["one", "two"]
    assert [dict(credential.added(()))["authorization"] for _ in range(2)] == ["Bearer one"] * 2
    assert giver.tokens == ["two"]


def test_a_token_function_is_called_again_after_a_401() -> None:
    credential = Credential(parse_base_url("http://h"), Giver("one", "two"), {})
    first = request(dict(credential.added(()))["authorization"])
    again = credential.renewed(first)
    assert again is not None
    assert again.headers == (*FIELDS, ("authorization", "Bearer two"))
    assert (again.method, again.origin, again.target, again.body) == (
        first.method,
        first.origin,
        first.target,
        first.body,
    )


def test_a_request_with_an_older_token_gets_the_renewed_one() -> None:
    credential = Credential(parse_base_url("http://h"), Giver("one", "two"), {})
    first = request(dict(credential.added(()))["authorization"])
    for _ in range(2):  # two calls under way, or one and its retry
        again = credential.renewed(first)
        first = request("Bearer one")
        assert again is not None
        assert dict(again.headers)["authorization"] == "Bearer two"


@pytest.mark.parametrize("had", ["Bearer the-callers-own", None])
def test_only_tokens_of_the_function_are_renewed(had: str | None) -> None:
    credential = Credential(parse_base_url("http://h"), Giver("one"), {})
    credential.added(())
    assert credential.renewed(request(had)) is None


def test_without_a_token_function_nothing_is_renewed() -> None:
    credential = Credential(parse_base_url("http://h"), "one", {})
    assert credential.renewed(request("Bearer one")) is None


def test_an_empty_token_of_a_function_means_no_field() -> None:
    credential = Credential(parse_base_url("http://h"), Giver("", "two"), {})
    assert credential.added(FIELDS) == FIELDS
    assert dict(credential.added(()))["authorization"] == "Bearer two"


def test_a_bounded_number_of_tokens_is_remembered() -> None:
    credential = Credential(parse_base_url("http://h"), Giver(*(f"t{i}" for i in range(12))), {})
    credential.added(())
    for i in range(11):
        assert credential.renewed(request(f"Bearer t{i}")) is not None
    assert credential.renewed(request("Bearer t0")) is None


# --- async functions


class AsyncGiver:
    """Gives one token after the other, asynchronously; what is not awaited gives none."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def __call__(self) -> str:
        return self.tokens.pop(0)


async def give() -> str:
    return "one"


@pytest.mark.parametrize("function", [give, functools.partial(give), AsyncGiver("one")])
def test_an_async_function_needs_an_asynchronous_client(function: Callable[[], Awaitable[str]]) -> None:
    with pytest.raises(TypeError, match="async function, which only an AsyncHTTPClient can await"):
        Credential(parse_base_url("http://h"), function, {})


@pytest.mark.parametrize("result", [give, lambda: 5])
def test_a_function_that_returns_no_text_is_refused(result: Callable[[], Awaitable[str]]) -> None:
    with pytest.raises(TypeError, match=r"the token function returned no str but (coroutine|int)"):
        Credential(parse_base_url("http://h"), lambda: result(), {}).added(())


def later(*tokens: str) -> Credential:
    return Credential(parse_base_url("http://h"), AsyncGiver(*tokens), {}, asynchronous=True)


def authorized(credential: Credential, request: Request) -> Request:
    exchange = Exchange(request, whole_reader(bytes, 9), Limits())
    Authorization(exchange, credential).complete()
    return exchange.request


def test_an_async_function_is_awaited_when_a_request_is_sent() -> None:
    credential = later("one", "two")
    assert credential.is_deferred
    assert credential.added(FIELDS) == FIELDS
    first = authorized(credential, request(None))
    assert first.headers == (*FIELDS, ("authorization", "Bearer one"))
    assert dict(credential.added(()))["authorization"] == "Bearer one"
    for refused in (first, request("Bearer one")):
        again = credential.renewed(request(None), refused)
        assert again is not None
        assert dict(authorized(credential, again).headers)["authorization"] == "Bearer two"
    assert credential.renewed(request(None), request("Bearer the-callers-own")) is None


def test_an_async_function_is_not_asked_for_another_origin() -> None:
    other = Request("POST", Origin("http", "other", 80), "/f")
    assert authorized(later(), other) is other


def test_an_empty_token_of_an_async_function_means_no_field() -> None:
    assert authorized(later(""), request(None)).headers == FIELDS


def test_a_function_that_waits_can_not_be_completed_at_once() -> None:
    class Wait:
        def __await__(self) -> Generator[None, None, str]:
            yield None
            return "one"

    async def slow() -> str:
        return await Wait()

    credential = Credential(parse_base_url("http://h"), slow, {}, asynchronous=True)
    with pytest.raises(LocalProtocolError, match=r"await acomplete\(\) instead"):
        authorized(credential, request(None))


@pytest.mark.parametrize(
    ("origin", "local"),
    [
        (Origin("http", "localhost", 80), True),
        (Origin("https", "::1", 1), True),
        (Origin("http", "evil.example", 80, "/run/s.sock"), True),
        (Origin("http", "::2", 80), False),
        (Origin("http", "127.0.0.1x", 80), False),
    ],
)
def test_local_origins(origin: Origin, local: bool) -> None:
    assert is_local(origin) is local
