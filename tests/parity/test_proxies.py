"""HTTP proxies: by argument and by environment, CONNECT and TLS, and what becomes of one that refuses or misbehaves."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import socket
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trustme

import bento_files
from bento_sync import CallTimeout, ConnectError, Limits, RetryPolicy, Timeout
from tests.servers import Server, Servers
from tests.waiting import HANGS, until

from .faces import Connect
from .proxies import Answer, Asked, End, Piece, Stub, Takeover, endpoint, head, passing, reply, routes, schema

GIVEN = schema(endpoint("f"))
HOST = "service.example"
USER = "me:s3cr3t"
BASIC = "Basic " + base64.b64encode(USER.encode()).decode()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """What a server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", HOST, "other.example").configure_cert(context)
    return context


@pytest.fixture
def plain() -> Iterator[Stub]:
    with Stub(routes({"/f": reply(1)})) as stub:
        yield stub


@pytest.fixture
def secure(certified: ssl.SSLContext) -> Iterator[Stub]:
    with Stub(routes({"/f": reply(1)}), certified) as stub:
        yield stub


def with_user(proxy: Stub, user: str = USER) -> str:
    return proxy.url.replace("//", f"//{user}@")


# --- by argument


def test_requests_over_http_are_handed_to_the_proxy(connect: Connect, plain: Stub) -> None:
    with Stub(passing(credentials=USER)) as proxy:
        client = connect(plain.url, proxy=with_user(proxy), schema=GIVEN, token="t0ken")
        assert [client.f() for _ in range(5)] == [1] * 5
        assert proxy.connections == 1, "it is kept"
        assert set(proxy.targets()) == {f"{plain.url}/readyz", f"{plain.url}/f"}
        assert {asked.headers["proxy-authorization"] for asked in proxy.asked} == {BASIC}
        assert {asked.headers["host"] for asked in proxy.asked} == {f"127.0.0.1:{plain.port}"}
    assert "proxy-authorization" not in str(plain.asked)
    assert plain.asked[-1].headers["authorization"] == "Bearer t0ken"


def test_https_goes_through_a_tunnel(connect: Connect, secure: Stub, trusting: ssl.SSLContext) -> None:
    with Stub(passing({HOST: secure.port}, USER)) as proxy:
        client = connect(f"https://{HOST}", proxy=with_user(proxy), ssl_context=trusting, schema=GIVEN, token="t0ken")
        assert [client.f() for _ in range(5)] == [1] * 5
        [asked] = proxy.asked
        assert asked[:2] == ("CONNECT", f"{HOST}:443")
        assert asked.headers == {"host": f"{HOST}:443", "proxy-authorization": BASIC}
        assert secure.connections == 1
    assert {asked.headers["host"] for asked in secure.asked} == {HOST}
    assert secure.asked[-1].headers["authorization"] == "Bearer t0ken"
    assert "proxy-authorization" not in str(secure.asked)


@pytest.fixture(scope="session")
def secure_zoo(servers: Servers, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Server:
    certificate = authority.issue_cert("localhost")
    folder = tmp_path_factory.mktemp("tls")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    tls = ("--ssl-certfile", str(folder / "cert.pem"), "--ssl-keyfile", str(folder / "key.pem"))
    return servers.server("zoo:Zoo", args=tls)


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http proxy", "https proxy"])
@pytest.mark.parametrize("service_tls", [False, True], ids=["http service", "https service"])
def test_a_real_service(
    servers: Servers, secure_zoo: Server, connect: Connect, certified: ssl.SSLContext, trusting: ssl.SSLContext,
    proxy_tls: bool, service_tls: bool,
) -> None:  # fmt: skip
    port = (secure_zoo if service_tls else servers.server("zoo:Zoo")).port
    with Stub(passing(), certified if proxy_tls else None) as proxy:
        client = connect(f"http{'s' * service_tls}://localhost:{port}", proxy=proxy.url, ssl_context=trusting)
        assert client.is_ready()
        assert client.add_int(1, b=4) == 5
        assert "".join(client.stream_multibyte(delay=0)) == "héllo wörld — 日本語 🐘"
        assert client.file_in(b"x" * 5_000_000)["size"] == 5_000_000
        assert client.bin_out(5_000_000).stat().st_size == 5_000_000
        assert {asked.method for asked in proxy.asked} == ({"CONNECT"} if service_tls else {"GET", "POST"})


@pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")
def test_a_unix_socket_has_none(servers: Servers, connect: Connect) -> None:
    assert connect(servers.on_unix_socket("zoo:Zoo").url, proxy="http://127.0.0.1:9").add_int(1) == 3


@pytest.mark.parametrize("wrong", ["socks4://me:s3cr3t@h:1080", "h:3128", "http://me:s3cr3t@h/path", ""])
def test_an_argument_that_is_no_proxy(connect: Connect, wrong: str) -> None:
    with pytest.raises(ValueError, match="the URL of a proxy") as caught:
        connect("http://h", proxy=wrong)
    assert "s3cr3t" not in str(caught.value)


# --- by the environment


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environment_names_one(
    connect: Connect, secure: Stub, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Stub(passing({HOST: secure.port}, USER)) as proxy:
        monkeypatch.setenv(name, with_user(proxy))
        assert connect(f"https://{HOST}", ssl_context=trusting, schema=GIVEN).f() == 1
        assert proxy.targets() == [f"{HOST}:443"]


def test_the_settings_of_the_system_name_one_where_the_environment_does_not(
    connect: Connect, secure: Stub, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with Stub(passing({HOST: secure.port}, USER)) as proxy:
        monkeypatch.setattr("bento_files._system_proxies.system_proxies", lambda: {"https": with_user(proxy)})
        client = connect(f"https://{HOST}", ssl_context=trusting, schema=GIVEN)
        monkeypatch.setattr("bento_files._system_proxies.system_proxies", dict)  # which were read once
        assert client.f() == 1
        assert proxy.targets() == [f"{HOST}:443"]


@pytest.mark.parametrize(("platform", "are_read"), [("darwin", True), ("win32", True), ("linux", False)])
def test_only_macos_and_windows_have_such_settings(
    monkeypatch: pytest.MonkeyPatch, platform: str, are_read: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p")  # which Python's function returns on any system
    assert (bento_files.system_proxies(platform).get("https") == "http://p") is are_read


def test_what_the_environment_has_no_say_in(connect: Connect, plain: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stub(passing()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert connect(plain.url, schema=GIVEN).f() == 1  # loopback
        assert connect(plain.url.replace("127.0.0.1", "localhost"), schema=GIVEN).f() == 1
        assert proxy.asked == []
        if sys.platform != "win32":  # where this address leads nowhere
            elsewhere = plain.url.replace("127.0.0.1", "0.0.0.0")
            assert connect(elsewhere, proxy=None, schema=GIVEN).f() == 1
            for exempt in ("0.0.0.0", "*", "0.0.0.0/8", f"0.0.0.0:{plain.port}"):
                monkeypatch.setenv("NO_PROXY", exempt)
                assert connect(elsewhere, schema=GIVEN).f() == 1
            assert proxy.asked == []
        monkeypatch.setenv("NO_PROXY", "*")
        assert connect(plain.url, proxy=proxy.url, schema=GIVEN).f() == 1
        assert proxy.asked != []


def test_what_a_cgi_request_says_is_not_the_environments_word(
    connect: Connect, plain: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Stub(passing({HOST: plain.port})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert connect(f"http://{HOST}", schema=GIVEN).f() == 1
        asked = len(proxy.asked)
        monkeypatch.setenv("REQUEST_METHOD", "GET")
        assert not connect(f"http://{HOST}.invalid", schema=GIVEN, timeout=5).is_ready()
        assert len(proxy.asked) == asked


def test_what_the_environment_names_and_nobody_can_use(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://me:s3cr3t@127.0.0.1:9")
    client = connect(f"https://{HOST}", schema=GIVEN, retries=5)
    assert not client.is_ready()
    with pytest.raises(ConnectError, match=r"ALL_PROXY is not the URL of a proxy.*SOCKS") as caught:
        client.f()
    assert len(caught.value.attempts) <= 1, "waiting does not help"
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ConnectError, match="ALL_PROXY") as direct:
        connect(f"https://{HOST}", schema=GIVEN, server_ready_timeout=0).f()
    assert not direct.value.sent
    assert len(direct.value.attempts) == 1


def test_an_application_is_reached_without_one(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})  # type: ignore[operator]
            await send({"type": "http.response.body", "body": b"1"})  # type: ignore[operator]

    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    for options in ({}, {"proxy": "http://127.0.0.1:9"}):
        client = connect(app=app, schema=GIVEN, server_ready_timeout=0, **options)
        with client:
            assert client.f() == 1


# --- redirects


def test_a_redirect_asks_again_which_proxy(
    connect: Connect, certified: ssl.SSLContext, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a http Service through one proxy to a https one through another, and on to one that is exempt."""
    with ExitStack() as stack:
        last = stack.enter_context(Stub(routes({"/last": reply(1)}), certified))
        moved = reply(b"", 307, {"location": f"https://127.0.0.1:{last.port}/last"})
        middle = stack.enter_context(Stub(routes({"/there": moved}), certified))
        away = reply(b"", 307, {"location": "https://other.example/there"})
        first = stack.enter_context(Stub(routes({"/f": away})))
        one = stack.enter_context(Stub(passing({HOST: first.port}, USER)))
        other = stack.enter_context(Stub(passing({"other.example": middle.port}, "you:0ther")))
        monkeypatch.setenv("HTTP_PROXY", with_user(one))
        monkeypatch.setenv("HTTPS_PROXY", with_user(other, "you:0ther"))
        client = connect(f"http://{HOST}", schema=GIVEN, token="t0ken", ssl_context=trusting)
        assert client.f() == 1
        assert one.targets()[-1] == f"http://{HOST}/f"
        assert other.targets() == ["other.example:443"]
        assert "s3cr3t" not in str(other.asked)
        assert BASIC not in str(other.asked)
        assert {asked.headers["proxy-authorization"] for asked in one.asked} == {BASIC}
        for origin in (first, middle, last):
            assert "proxy-authorization" not in str(origin.asked)
        for origin in (middle, last):
            [asked] = origin.asked
            assert "t0ken" not in str(asked)


# --- a proxy that does not let through


def refusing(status: int) -> Answer:
    return lambda asked: reply(b"<html>the proxy's own page</html>", status)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_credentials_are_asked_for(connect: Connect, scheme: str) -> None:
    with Stub(passing({HOST: 9}, USER)) as proxy:
        for url, message in (
            (proxy.url, "requires a user"),
            (with_user(proxy, "me:wr0ng"), "did not accept the user"),
        ):
            client = connect(f"{scheme}://{HOST}", proxy=url, schema=GIVEN, server_ready_timeout=0, retries=3)
            with pytest.raises(ConnectError, match=message) as caught:
                client.f()
            assert not caught.value.sent
            assert len(caught.value.attempts) == 1, "trying again does not help"
            assert "wr0ng" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (302, 1), (501, 1), (502, 3), (503, 3), (504, 3)])
def test_a_refused_tunnel(connect: Connect, status: int, tries: int) -> None:
    with Stub(refusing(status)) as proxy:
        policy = RetryPolicy(attempts=3, backoff=0.01)
        client = connect(f"https://{HOST}", proxy=proxy.url, schema=GIVEN, server_ready_timeout=0, retries=policy)
        with pytest.raises(
            ConnectError, match=rf"{HOST} through {proxy.url} \(argument\): .*status {status}"
        ) as caught:
            client.f()
        assert not caught.value.sent
        assert len(caught.value.attempts) == len(proxy.asked) == tries
        assert "<html>" not in str(caught.value)


def test_a_tunnel_that_opens_in_the_end(connect: Connect, secure: Stub, trusting: ssl.SSLContext) -> None:
    left = [503, 502]
    way = passing({HOST: secure.port})
    with Stub(lambda asked: reply(b"", left.pop()) if left else way(asked)) as proxy:
        assert connect(f"https://{HOST}", proxy=proxy.url, schema=GIVEN, ssl_context=trusting).f() == 1


def endless(asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-Filler: " + b"x" * 1000 + b"\r\n"


def floods(asked: Asked) -> Iterator[Piece]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n"


def dribbles(asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        time.sleep(0.05)
        yield b"X: y\r\n"


def babbles(connection: socket.socket) -> None:
    connection.recv(1 << 16)  # the client's hello
    connection.sendall(b"what?" * 9)


MISBEHAVIOURS: dict[str, tuple[Answer, type[CallTimeout | ConnectError], str]] = {
    "garbage": (lambda asked: b"\x15\x03\x01\x00\x02\x02\x50\r\n\r\n", ConnectError, "does not speak HTTP/1.1"),
    "an endless head": (endless, ConnectError, "more than a response|does not speak HTTP"),
    "interim responses": (floods, ConnectError, "more than a response"),
    "closed": (lambda asked: End.CLOSE, ConnectError, "closed the connection without a response"),
    "cut": (lambda asked: [b"HTTP/1.1 200 O", End.CLOSE], ConnectError, "closed the connection without a response"),
    "reset": (lambda asked: End.RESET, ConnectError, "can't connect|reset"),
    "silence": (lambda asked: End.SILENCE, CallTimeout, "took too long"),
    "one line at a time": (dribbles, CallTimeout, "took too long"),
    "speaks first": (lambda asked: [head(200, {}) + b"SSH-2.0"], ConnectError, "more than a response|TLS"),
    "silence in the tunnel": (lambda asked: [head(200, {}), End.SILENCE], CallTimeout, "took too long"),
    "no TLS in the tunnel": (lambda asked: [head(200, {}), Takeover(babbles)], ConnectError, "TLS|SSL"),
}


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
def test_a_proxy_that_misbehaves(
    connect: Connect, caplog: pytest.LogCaptureFixture, trusting: ssl.SSLContext, misbehaviour: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answer, error, message = MISBEHAVIOURS[misbehaviour]
    with Stub(answer) as proxy:
        client = connect(
            f"https://{HOST}", proxy=with_user(proxy), schema=GIVEN, server_ready_timeout=0, retries=0, token="t0ken",
            ssl_context=trusting, timeout=Timeout(connect=2, total=HANGS), limits=Limits(head=5000),
        )  # fmt: skip
        started = time.monotonic()
        with pytest.raises((CallTimeout, ConnectError), match=message) as caught:
            client.f()
        assert time.monotonic() - started < HANGS
        assert type(caught.value) is error
        assert caught.value.sent is False
        assert "t0ken" not in str(proxy.asked)
        if "silence" not in misbehaviour:  # which does not look whether the client has gone
            until(lambda: not proxy.open)
    shown = [repr(client), client.url, repr(pickle.loads(pickle.dumps(caught.value))), str(caught.value.attempts)]
    shown += [*traceback.format_exception(caught.value), *(record.getMessage() for record in caplog.records)]
    assert BASIC in str(proxy.asked)
    for secret in ("s3cr3t", BASIC, BASIC.split()[1]):
        assert secret not in "".join(shown)


def test_a_proxy_that_leaves_in_the_midst_of_the_handshake_may_be_back(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def leave() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1 << 16)

        leaving = threading.Thread(target=leave, daemon=True)
        leaving.start()
        proxy = f"https://127.0.0.1:{listener.getsockname()[1]}"
        policy = RetryPolicy(attempts=3, backoff=0.01)
        client = connect(f"https://{HOST}", proxy=proxy, schema=GIVEN, server_ready_timeout=0, retries=policy)
        with pytest.raises(ConnectError, match=HOST) as caught:
            client.f()
        assert len(caught.value.attempts) == 3
        leaving.join(10)
        assert not leaving.is_alive()


def test_no_proxy_is_there(connect: Connect) -> None:
    with Stub(passing()) as gone:
        url = gone.url
    for scheme in ("http", "https"):
        client = connect(f"{scheme}://{HOST}", proxy=url, schema=GIVEN, server_ready_timeout=0, retries=0)
        with pytest.raises(ConnectError, match=f"{HOST} through {url}") as caught:
            client.f()
        assert not caught.value.sent


def test_whom_the_tunnel_leads_to_is_looked_at(connect: Connect, secure: Stub, trusting: ssl.SSLContext) -> None:
    with Stub(passing({"wrong.example": secure.port, HOST: secure.port})) as proxy:
        options = {"proxy": proxy.url, "schema": GIVEN, "server_ready_timeout": 0}
        with pytest.raises(ConnectError, match="ostname mismatch"):
            connect("https://wrong.example", ssl_context=trusting, **options).f()
        with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            connect(f"https://{HOST}", **options).f()
    assert secure.asked == []


def test_a_proxy_whose_certificate_does_not_hold(
    connect: Connect, plain: Stub, certified: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with Stub(passing(), certified) as proxy:
        options = {"schema": GIVEN, "server_ready_timeout": 0, "retries": 3}
        with pytest.raises(ConnectError, match="no TLS with the proxy") as caught:
            connect(plain.url, proxy=with_user(proxy), **options).f()
        assert len(caught.value.attempts) == 1
        assert proxy.asked == []
        assert connect(plain.url, proxy=with_user(proxy), ssl_context=trusting, **options).f() == 1
