"""Where a Service can be: http, https, Unix sockets, under a path; and what is no such place."""

from __future__ import annotations

import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from bento_proto import BentoMLException, ConnectError, NotFound, RemoteProtocolError, ServiceUnavailable, Timeout
from bento_sync import SyncHTTPClient
from tests.servers import Server, Servers
from tests.waiting import HANGS

from .faces import Connect
from .proxies import Stub, endpoint, head, passing, reply, routes, schema

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
    client = connect(url, ssl_context=context, server_ready_timeout=2 * HANGS)
    assert client.is_ready() is False
    start = time.monotonic()
    with pytest.raises(ConnectError, match=message) as caught:
        client.add_int(1)
    assert time.monotonic() - start < HANGS, "no waiting helps"
    assert isinstance(caught.value.__cause__, ssl.SSLError)
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


# --- names and addresses


def test_the_dot_of_the_root_is_no_part_of_the_name_in_a_certificate(
    connect: Connect, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("service.example").configure_cert(context)
    with (
        Stub(routes({"/f": reply(1)}), context) as stub,
        Stub(passing({"service.example.": stub.port})) as proxy,
    ):
        client = connect("https://service.example.", ssl_context=trusting, schema=GIVEN, proxy=proxy.url)
        assert client.f() == 1
        assert stub.asked[-1].headers["host"] == "service.example."


def test_a_name_beyond_ascii_is_asked_for_as_idna_2008_encodes_it(connect: Connect) -> None:
    with Stub(lambda asked: reply(1)) as proxy:
        assert connect("http://Straße.example", schema=GIVEN, proxy=proxy.url, server_ready_timeout=0).f() == 1
        assert proxy.asked[-1].headers["host"] == "xn--strae-oqa.example"


@pytest.mark.skipif(sys.platform != "linux", reason="a zone by number, of an address that needs none, is Linux's")
def test_the_zone_of_an_ipv6_address(connect: Connect) -> None:
    zone = next((number for number, name in socket.if_nameindex() if name == "lo"), None)
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        port: int = listener.getsockname()[1]
        client = connect(f"http://[::1%25{zone}]:{port}", schema=GIVEN, server_ready_timeout=0, timeout=10, retries=0)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(serve_once, listener)
            assert client.f() == 1
            assert f"host: [::1]:{port}\r\n" in asked.result().lower()


def serve_once(listener: socket.socket) -> str:
    """Answer one request; return its head."""
    connection, _ = listener.accept()
    with connection:
        asked = connection.recv(1 << 16).decode("latin-1")
        connection.sendall(reply(1))
        return asked


def test_raw_utf8_in_a_location(connect: Connect) -> None:
    moved = head(307, {"location": "/caf\xc3\xa9", "content-length": "0"})
    with Stub(routes({"/f": moved, "/caf%C3%A9": reply(1)})) as stub:
        assert connect(stub.url, schema=GIVEN).f() == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://[fe80::1%25nowhere]/", "http://[::1%25]/", "http://[::1]evil/", "http://[v1.x]/", "http://[::ffff:1.2.3.4%/",
        "http://1.2.3.4\\@evil/", "http://127.999.1.1/", "http://0x7f.1/", "http://a..b/", "http://.a/", "http://./",
        "http://" + "a" * 64 + "/", "http://" + "\xff" * 300 + "/", "http://xn--/", "http://xn--a-\xe9/", "http://\xd9\x9d/",
        "http://\xe2\x80\x8d.b/", "http://h:99999/", "http://h:\xd9\xa3/", "///", "http:///x", "unix:/x",
        "http://u:p@[::1/", "http://%31/", "http://a%00b/", "http://a\tb/", "\\\\h\\x", "http://\xf0\x9f\x90\x98/",
    ],
)  # fmt: skip
def test_a_hostile_location_is_an_error_of_ours(connect: Connect, location: str) -> None:
    with Stub(routes({"/f": head(307, {"location": location, "content-length": "0"})})) as stub:
        client = connect(stub.url, schema=GIVEN, timeout=Timeout(total=2), retries=0)
        with pytest.raises(BentoMLException):
            client.f()
        assert stub.targets().count("/f") == 1


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
            client.request("GET", "/no/such/path").raise_for_status()


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
