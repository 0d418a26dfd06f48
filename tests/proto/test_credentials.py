"""The credential of a client, and the requests that it is added to."""

from __future__ import annotations

import base64
import functools
import pickle
import sys
from collections.abc import Awaitable, Callable, Generator
from typing import cast

import pytest

from bento_proto import Exchange, Limits, LocalProtocolError, Request
from bento_proto.http import Auth, AuthRequest, FilePart, Origin, parse_base_url
from bento_proto.http._credentials import TOKEN_VARIABLE, Credential, is_local
from bento_proto.policy._authorization import Authorization
from bento_proto.response._readers import whole_reader
from tests.recordings import find

SECRET = "s3cret-t0ken"
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
    with pytest.raises(TypeError, match="token= is an async function, which only an AsyncHTTPClient can await"):
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


# --- functions of the request


def with_auth(auth: Auth, token: str | None = None, *, asynchronous: bool = False) -> Credential:
    environ = {TOKEN_VARIABLE: SECRET}
    return Credential(parse_base_url("http://h"), token, environ, auth, asynchronous=asynchronous)


def test_a_function_sees_the_request_and_adds_headers() -> None:
    seen: list[AuthRequest] = []

    def sign(request: AuthRequest) -> dict[str, str]:
        seen.append(request)
        return {"X-Signature": "signed", "Accept": "text/plain"}

    given = request(None)
    sent = authorized(with_auth(sign, "mine"), given)
    assert sent.headers == (("authorization", "Bearer mine"), ("x-signature", "signed"), ("accept", "text/plain"))
    assert SECRET not in repr(sent.headers)
    assert "signed" not in repr(sent.headers)
    (one,) = seen
    assert (one.method, one.url, one.body, one.was_refused) == ("POST", "http://h/f", b"body", False)
    assert dict(one.headers) == {"accept": "*/*", "authorization": "Bearer mine"}
    assert repr(one) == "<AuthRequest POST http://h/f>"
    assert given.headers == FIELDS


def test_a_function_does_not_see_files() -> None:
    seen: list[bytes | None] = []

    def sign(request: AuthRequest) -> dict[str, str]:
        seen.append(request.body)
        return {}

    for body in ((), (b"a", b"b"), (b"a", FilePart("f", 3))):
        authorized(with_auth(sign), Request("POST", Origin("http", "h", 80), "/f", FIELDS, body))
    assert seen == [b"", b"ab", None]


def test_a_function_is_in_place_of_the_environments_token() -> None:
    credential = Credential(parse_base_url("https://h"), None, ENVIRON, lambda request: {"x-key": "k"})
    assert authorized(credential, Request("GET", Origin("https", "h", 443), "/")).headers == (("x-key", "k"),)


def test_a_function_is_not_asked_for_another_origin() -> None:
    def never(request: AuthRequest) -> dict[str, str]:
        raise AssertionError(request)

    other = Request("POST", Origin("https", "h", 443), "/f")
    assert authorized(with_auth(never), other) is other


def test_a_function_is_asked_again_after_a_401() -> None:
    credential = with_auth(lambda request: {"authorization": "Signature x"})
    given = request(None)
    assert credential.renewed(given, authorized(credential, given)) is given


@pytest.mark.parametrize("headers", [{"x-key": "a\nb"}, {"host": "other"}, {"content-length": "1"}])
def test_what_a_function_returns_is_checked(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        authorized(with_auth(lambda request: headers), request(None))


async def sign_later(request: AuthRequest) -> dict[str, str]:
    return {"x-key": request.method}


def test_an_async_function_of_the_request() -> None:
    sent = authorized(with_auth(sign_later, asynchronous=True), request(None))
    assert dict(sent.headers)["x-key"] == "POST"
    sent = authorized(with_auth(lambda request: sign_later(request), asynchronous=True), request(None))
    assert dict(sent.headers)["x-key"] == "POST"
    with pytest.raises(TypeError, match="auth= is an async function"):
        with_auth(sign_later)
    with pytest.raises(TypeError, match="auth= must return a mapping of headers, not coroutine"):
        authorized(with_auth(lambda request: sign_later(request)), request(None))


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(
        TypeError, match="auth= must be a function that returns headers, not tuple; a user and password"
    ):
        with_auth(cast("Auth", ("user", "password")))
    with pytest.raises(TypeError, match="auth= must return a mapping of headers, not str"):
        authorized(with_auth(lambda request: cast("dict[str, str]", "x")), request(None))


def test_a_function_of_the_request_is_pickled_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cloudpickle", raising=False)
    again = pickle.loads(pickle.dumps(with_auth(sign_later, "mine", asynchronous=True)))
    assert dict(authorized(again, request(None)).headers)["x-key"] == "POST"
    with pytest.raises(TypeError, match="the auth is a function that can't be pickled"):
        pickle.dumps(with_auth(lambda request: {}))


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
