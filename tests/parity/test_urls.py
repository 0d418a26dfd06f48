"""Where a Service can be: http, https, Unix sockets, under a path; and what is no such place."""

from __future__ import annotations

import ssl
import sys
import time
from pathlib import Path

import pytest
import trustme

from bento_proto import ConnectError, NotFound, RemoteProtocolError, ServiceUnavailable
from bento_sync import SyncHTTPClient
from tests.servers import Server, Servers

from .faces import Connect
from .proxies import Stub, endpoint, reply, routes, schema

GIVEN = schema(endpoint("f"))
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")


def use(client: SyncHTTPClient, text_file: Path) -> None:
    """A bit of everything."""
    assert client.is_ready()
    assert client.add_int(1, b=4) == 5
    assert client.file_in(text_file)["suffix_of_temp_name"] == "hello.txt"
    assert client.csv_out().read_bytes() == b"a,b\r\n1,2\r\n"
    assert "".join(client.stream_fast_str(3)) == "tok0 tok1 tok2 "
    assert client.request("GET", "/livez").status_code == 200


# --- http


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{}", "http://127.0.0.1:{}/", "http://LOCALHOST:{}", "tcp://127.0.0.1:{}"]
)
def test_http(servers: Servers, connect: Connect, text_file: Path, form: str) -> None:
    client = connect(form.format(servers.server("zoo:Zoo").port))
    assert client.url == form.format(servers.server("zoo:Zoo").port).rstrip("/").lower().replace("tcp", "http")
    use(client, text_file)


def test_a_path(connect: Connect) -> None:
    with Stub(routes({"/gw/%C3%BC%20x/f": reply(1), "/gw/%C3%BC%20x/readyz": reply(b"\n")})) as stub:
        for path in ("/gw/ü%20x", "/gw/%C3%BC%20x/"):
            assert connect(stub.url + path, schema=GIVEN).f() == 1


# --- https


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def secure(authority: trustme.CA, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The Zoo with a certificate for localhost."""
    certificate = authority.issue_cert("localhost")
    folder = tmp_path_factory.mktemp("tls")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    tls = ("--ssl-certfile", str(folder / "cert.pem"), "--ssl-keyfile", str(folder / "key.pem"))
    return servers.server("zoo:Zoo", args=tls)


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_https(secure: Server, connect: Connect, trusting: ssl.SSLContext, text_file: Path) -> None:
    client = connect(f"https://localhost:{secure.port}", ssl_context=trusting)
    use(client, text_file)
    assert "".join(client.stream_multibyte(delay=0)) == "héllo wörld — 日本語 🐘"
    assert client.file_in(b"x" * 5_000_000)["size"] == 5_000_000
    assert client.bin_out(5_000_000).stat().st_size == 5_000_000


def test_the_systems_trust(
    secure: Server, connect: Connect, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert connect(f"https://localhost:{secure.port}").add_int(1) == 3


@pytest.mark.parametrize(
    ("host", "trusted", "message"),
    [("localhost", False, "CERTIFICATE_VERIFY_FAILED"), ("127.0.0.1", True, "127.0.0.1|IP address mismatch")],
)
def test_a_certificate_that_does_not_hold(
    secure: Server, connect: Connect, trusting: ssl.SSLContext, host: str, trusted: bool, message: str
) -> None:
    url = f"https://{host}:{secure.port}"
    context = trusting if trusted else None
    client = connect(url, ssl_context=context, server_ready_timeout=30)
    assert client.is_ready() is False
    start = time.monotonic()
    with pytest.raises(ServiceUnavailable, match=message) as caught:
        client.add_int(1)
    assert time.monotonic() - start < 15  # no waiting helps
    assert isinstance(caught.value.__cause__, ConnectError)
    with pytest.raises(ConnectError, match=message) as direct:
        connect(url, ssl_context=context, server_ready_timeout=0).add_int(1)
    assert isinstance(direct.value.__cause__, Exception)


def test_https_where_http_is_spoken_and_the_other_way_round(
    secure: Server, servers: Servers, connect: Connect, trusting: ssl.SSLContext
) -> None:
    plain = servers.server("zoo:Zoo").port
    with pytest.raises(ConnectError, match=r"TLS|SSL"):
        connect(f"https://localhost:{plain}", ssl_context=trusting, server_ready_timeout=0, retries=0).add_int(1)
    with pytest.raises((ConnectError, ConnectionError, RemoteProtocolError)):
        connect(f"http://localhost:{secure.port}", server_ready_timeout=0, retries=0).add_int(1)


def test_no_redirect_from_https_to_http(connect: Connect, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Stub(lambda asked: reply(1)) as plain:
        away = reply(b"", 307, {"location": f"{plain.url}/f"})
        with (
            Stub(routes({"/f": away}), context) as stub,
            pytest.raises(RemoteProtocolError, match="from https to http"),
        ):
            connect(stub.url, ssl_context=trusting, schema=GIVEN).f()
        assert plain.asked == []


def test_the_environments_token_goes_over_https(
    connect: Connect, authority: trustme.CA, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENTO_CLOUD_API_KEY", "k3y")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Stub(routes({"/f": reply(1)}), context) as stub:
        assert connect(stub.url, ssl_context=trusting, schema=GIVEN).f() == 1
        assert stub.asked[-1].headers["authorization"] == "Bearer k3y"


# --- Unix sockets


@posix_only
def test_unix_sockets(servers: Servers, connect: Connect, text_file: Path) -> None:
    server = servers.on_unix_socket("zoo:Zoo")
    for url in (server.url, f"unix:{server.socket}", f"unix://{server.socket}", f"file://localhost{server.socket}"):
        assert url.startswith(("unix:", "file:"))
        client = connect(url)
        use(client, text_file)
        assert str(server.socket) in client.url
        assert dict(client.headers())["host"] == "localhost"
        with pytest.raises(NotFound):
            client.request("GET", "/no/such/path")


@posix_only
def test_no_such_socket(connect: Connect, tmp_path: Path) -> None:
    client = connect(f"unix:{tmp_path}/s", server_ready_timeout=0.2)
    assert client.is_ready() is False
    with pytest.raises(ServiceUnavailable, match="can't connect to unix:"):
        client.call("f")
    with pytest.raises(ServiceUnavailable):
        connect(f"unix:/{'x' * 200}", server_ready_timeout=0.2).call("f")


# --- what is no place


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:3000", "did you mean http://localhost:3000"),
        ("127.0.0.1", "did you mean http://127.0.0.1"),
        ("", "must start with http"),
        ("ftp://host/x", "must start with http"),
        ("http+unix://x", "must start with http"),
        ("http://", "must have a valid host"),
        ("http://:3000", "must have a valid host"),
        ("http://host:0", "port from 1 to 65535"),
        ("http://host:65536", "port from 1 to 65535"),
        ("http://host:abc", "host:abc"),
        ("http://[::1", "not a URL"),
        ("http://ho st", "no spaces"),
        ("http://host/a\r\nb", "control characters"),
        ("http://host?k=v", "no query"),
        ("http://host/x?k=v", "no query"),
        ("http://host/#top", "no fragment"),
        ("http://under_score!", "host"),
        ("unix:relative/path", "must be absolute"),
        ("file://other.example/s", "must be absolute"),
        ("unix:", "must be absolute"),
    ],
)
def test_a_url_that_is_wrong(connect: Connect, url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        connect(url)


def test_an_error_about_a_url_does_not_show_its_password(connect: Connect) -> None:
    for url in ("http://me:s3cret@host:0", "ftp://me:s3cret@host", "http://me:s3cret@host?x=y"):
        with pytest.raises(ValueError, match="http") as caught:
            connect(url)
        assert "s3cret" not in str(caught.value)
