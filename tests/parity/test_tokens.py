"""Tokens: sent with every request to the Service that they are for, to nobody else, and never shown."""

from __future__ import annotations

import base64
import pickle
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.lowlevel
import pytest

from bento_proto import BentoMLException, Hooks, Unauthorized
from bento_proto.http import Auth, AuthRequest
from bento_proto.testing import ServiceDouble
from tests.servers import Servers

from .faces import Connect, Face
from .proxies import Asked, Stub, endpoint, reply, routes, schema

SECRET = "s3cret-t0ken"
GIVEN = schema(endpoint("f"), endpoint("job", is_task=True))


def everything(asked: Asked) -> bytes:
    """Answers whatever a client can ask."""
    return reply(GIVEN if asked.target == "/schema.json" else {"task_id": "x", "status": "completed"})


def sent(stub: Stub) -> list[str | None]:
    return [asked.headers.get("authorization") for asked in stub.asked]


def test_every_request_has_the_token(connect: Connect) -> None:
    with Stub(everything) as stub:
        client = connect(stub.url, token=SECRET)
        client.f()
        task = client.job.submit()
        task.get_status()
        task.get()
        task.retry()
        task.cancel()
        client.request("GET", "/anything")
        assert client.is_ready()
        assert sent(stub) == [f"Bearer {SECRET}"] * 10
        assert {asked.method for asked in stub.asked} == {"GET", "POST", "PUT"}


def test_a_service_that_wants_a_token(servers: Servers, connect: Connect) -> None:
    url = servers.url("middleware:ZooMiddleware")
    assert connect(url, token="s3cret").big_json(3) == [0, 1, 2]
    for wrong in (None, "", "wrong"):
        with pytest.raises(Unauthorized, match="unauthorized") as caught:
            connect(url, token=wrong).big_json()
        assert caught.value.error_code == 401
    assert connect(url).is_ready()  # readiness is everybody's there
    assert connect(url, headers={"Authorization": "Bearer s3cret"}).big_json(1) == [0]


def test_a_function_is_asked_first_and_after_a_refusal(servers: Servers, connect: Connect) -> None:
    tokens = ["s3cret", "expired"]
    client = connect(servers.url("middleware:ZooMiddleware"), token=tokens.pop)
    assert client.big_json(1) == [0]
    assert client.big_json(2) == [0, 1]
    assert tokens == []
    wrong = ["third", "second", "first"]
    with pytest.raises(Unauthorized):
        connect(servers.url("middleware:ZooMiddleware"), token=wrong.pop).big_json()
    assert wrong == ["third"]


class Wallet:
    """Gives one token after the other, after a wait of any event loop."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def give(self) -> str:
        await anyio.lowlevel.checkpoint()
        return self.tokens.pop()


def test_an_async_function_is_awaited_first_and_after_a_refusal(servers: Servers, connect: Connect, face: Face) -> None:
    wallet, url = Wallet("s3cret", "expired"), servers.url("middleware:ZooMiddleware")
    if face.name == "sync":
        with pytest.raises(TypeError, match="token= is an async function, which only an AsyncHTTPClient can await"):
            connect(url, token=wallet.give)
        return
    client = connect(url, token=wallet.give)
    assert client.big_json(1) == [0]
    assert client.with_options(headers={"x-other": "options"}).big_json(2) == [0, 1]
    assert wallet.tokens == []
    wrong = Wallet("third", "second", "first")
    with pytest.raises(Unauthorized):
        connect(url, token=wrong.give).big_json()
    assert wrong.tokens == ["third"]


def test_an_async_functions_token_stays_at_its_origin(connect: Connect, face: Face) -> None:
    if face.name == "sync":
        return
    with Stub(everything) as other, Stub(lambda asked: redirect(other, asked)) as stub:
        connect(stub.url, token=Wallet(SECRET).give, schema=GIVEN, server_ready_timeout=0).f()
        assert (sent(stub), sent(other)) == ([f"Bearer {SECRET}"], [None])


def redirect(to: Stub, asked: Asked) -> bytes:
    return reply({}, 307, {"location": f"{to.url}{asked.target}"})


# --- functions of the request


def test_a_function_sees_each_request_and_adds_headers(connect: Connect, face: Face) -> None:
    def sign(request: AuthRequest) -> dict[str, str]:
        signed = f"{request.method} {request.url} {(request.body or b'').decode()} {request.was_refused}"
        return {"X-Signed": base64.b64encode(signed.encode()).decode()}

    async def sign_later(request: AuthRequest) -> dict[str, str]:
        await anyio.lowlevel.checkpoint()
        return sign(request)

    functions: list[Auth] = [sign, sign_later]
    if face.name == "sync":
        with pytest.raises(TypeError, match="auth= is an async function"):
            connect(auth=functions.pop())
    for function in functions:
        answers = iter([reply({}, 503, {"retry-after": "0"}), reply({}, 401), reply({"task_id": "x"})])
        with Stub(partial(lambda answers, _: next(answers), answers)) as stub:
            client = connect(stub.url, auth=function, schema=GIVEN, server_ready_timeout=0)
            client.f()
            signed = [base64.b64decode(asked.headers["x-signed"]).decode() for asked in stub.asked]
            assert signed == [f"POST {stub.url}/f {{}} {refused}" for refused in (False, False, True)]


def test_a_function_that_fails_ends_the_call(connect: Connect) -> None:
    ends: list[str | None] = []

    def fail(request: AuthRequest) -> dict[str, str]:
        raise LookupError("no key")

    with Stub(everything) as stub:
        hooks = Hooks(end=lambda event: ends.append(event.error))
        client = connect(stub.url, auth=fail, schema=GIVEN, server_ready_timeout=0, hooks=hooks)
        with pytest.raises(LookupError, match="no key"):
            client.f()
        assert (stub.asked, ends) == ([], ["LookupError: no key"])


def test_a_double_is_asked_with_what_the_function_adds(connect: Connect) -> None:
    double = ServiceDouble()

    @double.endpoint
    def f() -> str:
        return "done"

    assert connect(app=double, auth=lambda request: {"X-Key": "k"}).f() == "done"
    assert double.calls[-1].headers["x-key"] == "REDACTED"


# --- from the environment


def test_the_environment_has_one(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENTO_CLOUD_API_KEY", SECRET)
    with Stub(everything) as stub:
        connect(stub.url).f()
        connect(stub.url.replace("127.0.0.1", "localhost")).f()
        assert set(sent(stub)) == {f"Bearer {SECRET}"}
        stub.asked.clear()
        connect(stub.url, token="mine").f()
        assert set(sent(stub)) == {"Bearer mine"}
        stub.asked.clear()
        connect(stub.url, token="").f()
        assert set(sent(stub)) == {None}


@pytest.mark.skipif(sys.platform == "win32", reason="this address leads nowhere on Windows")
def test_the_environments_goes_to_no_other_machine_in_the_open(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENTO_CLOUD_API_KEY", SECRET)
    with Stub(everything) as stub:
        elsewhere = stub.url.replace("127.0.0.1", "0.0.0.0")  # leads here, but is no address of this machine
        connect(elsewhere).f()
        assert set(sent(stub)) == {None}
        stub.asked.clear()
        connect(elsewhere, token="mine").f()
        assert set(sent(stub)) == {"Bearer mine"}


def test_the_environment_counts_when_the_client_is_made(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stub(everything) as stub:
        client = connect(stub.url)
        monkeypatch.setenv("BENTO_CLOUD_API_KEY", SECRET)
        client.f()
        assert set(sent(stub)) == {None}


# --- elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_credential_follows_a_redirect_to_another_origin(connect: Connect, status: int) -> None:
    with Stub(lambda asked: reply(1)) as other:
        away = reply(b"", status, {"location": f"{other.url}/there", "set-cookie": "session=abc"})
        with Stub(routes({"/f": away, "/job": away})) as stub:
            client = connect(stub.url, token=SECRET, schema=GIVEN, headers={"X-Api-Key": SECRET})
            assert client.f() == 1
            assert client.f() == 1
            assert stub.asked[-1].headers["cookie"] == "session=abc"
        assert [asked.target for asked in other.asked] == ["/there"] * 2
        for asked in other.asked:
            assert SECRET not in str(asked)
            assert not {"authorization", "cookie", "x-api-key"} & set(asked.headers)


def test_a_redirect_to_the_same_origin_keeps_it(connect: Connect) -> None:
    answers: dict[str, Any] = {"/f": reply(b"", 307, {"location": "/g"}), "/g": reply(2)}
    with Stub(routes(answers)) as stub:
        assert connect(stub.url, token=SECRET, schema=GIVEN).f() == 2
        assert set(sent(stub)) == {f"Bearer {SECRET}"}


def test_user_and_password_of_the_url(connect: Connect) -> None:
    with Stub(everything) as stub:
        client = connect(stub.url.replace("//", "//us%20er:pa%2Fss@"))
        client.f()
        assert set(sent(stub)) == {"Basic dXMgZXI6cGEvc3M="}
        assert client.url == stub.url
        assert "pa" not in repr(client)
        assert "ss" not in repr(client).replace("class", "")


# --- not shown


@pytest.mark.parametrize(
    "token", ["line\nbreak", "carriage\rreturn", "header\r\nX-Evil: 1", "nul\0", "two words", "ümlaut", "tab\tstop"]
)
def test_a_token_that_can_not_be_sent(connect: Connect, token: str) -> None:
    with pytest.raises(ValueError, match="the token has a") as caught:
        connect("http://127.0.0.1:9", token=token)
    assert token not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ValueError, match="the token has a"):
        connect("http://127.0.0.1:9", token=lambda: token).is_ready()


def test_nothing_shows_the_token(servers: Servers, connect: Connect) -> None:
    def failures(url: str) -> list[BentoMLException]:
        client = connect(url, token=SECRET, headers={"X-Api-Key": SECRET}, timeout=0.3, retries=1)
        shown = [repr(client), str(client), repr(client.with_options(timeout=1)), client.url]
        uses: list[Callable[[], object]] = [
            lambda: client.f(),
            lambda: client.call("f"),
            lambda: client.job.submit(),
            lambda: client.request("GET", "/x").raise_for_status(),
        ]
        assert SECRET not in "".join(shown)
        found = []
        for use in uses:
            with pytest.raises(BentoMLException) as caught:
                use()
            found.append(caught.value)
        return found

    with Stub(routes({"/schema.json": reply(GIVEN)})) as refusing:  # 404 for all the rest
        url = refusing.url
        errors = failures(url)
    errors += failures(url)  # nothing listens any more
    errors += failures(servers.url("middleware:ZooMiddleware"))  # another token is wanted
    for error in errors:
        told = [*traceback.format_exception(error), repr(error), str(vars(error)), repr(error.headers)]
        assert SECRET not in "".join(told)
        assert SECRET.encode() not in pickle.dumps(error)
