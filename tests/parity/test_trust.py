"""Whom a client trusts, and how it proves itself, over real TLS: `tls_context`."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import trustme

import bento_async
import bento_sync
from bento_sync import BentoMLException, CallTimeout, ConnectError, ServiceUnavailable, Timeout, tls_context
from tests.waiting import HANGS

from .faces import Connect
from .proxies import Stub, endpoint, reply, routes, schema

GIVEN = schema(endpoint("f"))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def other() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """What a server of those names speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def stub(authority: trustme.CA) -> Iterator[Stub]:
    with Stub(routes({"/f": reply(1)}), serving(authority, "127.0.0.1")) as stub:
        yield stub


@pytest.fixture
def demanding(authority: trustme.CA) -> Iterator[Stub]:
    """A server that wants to see a certificate."""
    context = serving(authority, "127.0.0.1")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with Stub(routes({"/f": reply(1)}), context) as stub:
        yield stub


@pytest.fixture
def deaf(authority: trustme.CA) -> Iterator[str]:
    """The URL of a server that agrees on TLS and then reads nothing, with small buffers."""
    over = threading.Event()

    def serve() -> None:
        context = serving(authority, "127.0.0.1")
        with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True):
            over.wait(HANGS)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(HANGS)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 13)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_both_clients_have_it() -> None:
    assert bento_async.tls_context is bento_sync.tls_context


def test_an_authority_of_ones_own(connect: Connect, stub: Stub, ca_file: Path) -> None:
    for path in (ca_file, str(ca_file)):
        assert connect(stub.url, schema=GIVEN, ssl_context=tls_context(ca_file=path)).f() == 1


def test_nobody_else_is_trusted_beside_it(
    connect: Connect, stub: Stub, ca_file: Path, other: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    trusting = connect(stub.url, schema=GIVEN, ssl_context=tls_context())
    assert trusting.f() == 1  # its connection stays open, and is nobody else's
    for context in (tls_context(ca_file=tmp_path / "other.pem"), tls_context(ca_file=tmp_path / "other.pem")):
        with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            connect(stub.url, schema=GIVEN, ssl_context=context, server_ready_timeout=0).f()
    assert trusting.f() == 1
    assert stub.targets().count("/f") == 2


def test_what_the_system_trusts(connect: Connect, stub: Stub, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("truststore")
    with pytest.raises(ConnectError, match=r"(?i)certificate"):
        connect(stub.url, schema=GIVEN, ssl_context=tls_context(system=True), server_ready_timeout=0).f()
    assert connect(stub.url, schema=GIVEN, ssl_context=tls_context(system=True, ca_file=ca_file)).f() == 1
    if ssl.get_default_verify_paths().openssl_cafile_env == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        assert connect(stub.url, schema=GIVEN, ssl_context=tls_context(system=True)).f() == 1


def test_a_wrong_host_name(connect: Connect, authority: trustme.CA, ca_file: Path) -> None:
    contexts: list[Callable[[], ssl.SSLContext]] = [lambda: tls_context(ca_file=ca_file)]
    if find_spec("truststore") is not None:
        contexts.append(lambda: tls_context(ca_file=ca_file, system=True))
    with Stub(routes({"/f": reply(1)}), serving(authority, "service.example")) as stub:
        for make in contexts:
            with pytest.raises(ConnectError, match=r"(?i)mismatch|not valid for"):
                connect(stub.url, schema=GIVEN, ssl_context=make(), server_ready_timeout=0).f()
    assert stub.asked == []


@pytest.mark.parametrize("form", ["one file", "two files", "a password", "a function's password"])
@pytest.mark.parametrize("system", [False, True], ids=["", "system"])
def test_a_certificate_of_the_clients_own(
    connect: Connect, demanding: Stub, authority: trustme.CA, ca_file: Path, tmp_path: Path, form: str, system: bool
) -> None:
    if system:
        pytest.importorskip("truststore")
    mine = authority.issue_cert("me@example.org")
    cert, key, password = tmp_path / "cert.pem", tmp_path / "key.pem", "pässword" if "password" in form else None
    chain = b"".join(pem.bytes() for pem in mine.cert_chain_pems)
    cert.write_bytes(mine.private_key_pem.bytes() + chain if form == "one file" else chain)
    key.write_bytes(encrypted(mine.private_key_pem.bytes(), password) if password else mine.private_key_pem.bytes())
    context = tls_context(
        ca_file=ca_file,
        client_cert=cert,
        client_key=None if form == "one file" else key,
        password=(lambda: password or "") if "function" in form else password,
        system=system,
    )
    assert connect(demanding.url, schema=GIVEN, ssl_context=context).f() == 1
    without = connect(demanding.url, schema=GIVEN, ssl_context=tls_context(ca_file=ca_file), server_ready_timeout=0)
    with pytest.raises(BentoMLException):
        without.f()
    assert "/f" in demanding.targets()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_certificate_that_the_client_does_not_have(
    connect: Connect, authority: trustme.CA, ca_file: Path, version: ssl.TLSVersion
) -> None:
    context = serving(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    with Stub(routes({"/f": reply(1)}), context) as stub:
        client = connect(
            stub.url, schema=GIVEN, ssl_context=tls_context(ca_file=ca_file), server_ready_timeout=0, retries=5
        )
        with pytest.raises(
            ConnectError, match=r"(?i)no TLS with https://127.0.0.1:\d+: .*(certificate|handshake)"
        ) as caught:
            client.f()
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        assert caught.value.sent is False
        assert stub.connections == 1  # trying again does not help
        assert stub.asked == []


@pytest.mark.parametrize("is_given", [False, True])
def test_the_clients_offer_http_1_1_alone(
    connect: Connect, authority: trustme.CA, ca_file: Path, is_given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = serving(authority, "127.0.0.1")
    context.set_alpn_protocols(["h2", "http/1.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    given = tls_context(ca_file=ca_file) if is_given else None
    with Stub(routes({"/f": reply(1)}), context) as stub:
        assert connect(stub.url, schema=GIVEN, ssl_context=given).f() == 1
        assert set(stub.protocols) == {"http/1.1"}


def test_settings_of_the_callers_own_stay_as_they_are(connect: Connect, authority: trustme.CA) -> None:
    own = ssl.create_default_context()
    authority.configure_trust(own)
    context = serving(authority, "127.0.0.1", "localhost")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Stub(routes({"/f": reply(1)}), context) as stub:
        assert connect(stub.url, schema=GIVEN, ssl_context=own).f() == 1
        assert set(stub.protocols) == {None}
        own.set_alpn_protocols(["h2", "http/1.1"])
        before = stub.connections
        with pytest.raises(ConnectError, match="the server chose 'h2', which the given ssl_context offers"):
            connect(stub.url, schema=GIVEN, ssl_context=own, server_ready_timeout=0, retries=5).f()
        assert stub.connections == before + 1


def test_a_system_without_authorities(
    connect: Connect, stub: Stub, ca_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = ssl.get_default_verify_paths()
    for name in (paths.openssl_cafile_env, paths.openssl_capath_env):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths._replace(capath=str(tmp_path / "no")))
    monkeypatch.setattr(ssl.SSLContext, "cert_store_stats", lambda self: {"x509": 0, "crl": 0, "x509_ca": 0})
    (tmp_path / "no").mkdir()
    certifi = ModuleType("certifi")
    certifi.where = lambda: str(ca_file)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "certifi", certifi)
    assert connect(stub.url, schema=GIVEN).f() == 1
    monkeypatch.setitem(sys.modules, "certifi", None)  # as if it were not installed
    monkeypatch.setitem(sys.modules, "truststore", None)
    with pytest.raises(ConnectError, match=r"if this system has no CA certificates at all, install certifi"):
        connect(stub.url, schema=GIVEN).f()
    monkeypatch.setitem(sys.modules, "certifi", certifi)
    monkeypatch.setenv(paths.openssl_cafile_env, str(tmp_path / "none.pem"))  # what the caller says holds
    with pytest.raises(ConnectError):
        connect(stub.url, schema=GIVEN).f()
    monkeypatch.delenv(paths.openssl_cafile_env)
    (tmp_path / "no" / "1a2b3c4d.0").touch()  # OpenSSL looks there when it needs to
    with pytest.raises(ConnectError):
        connect(stub.url, schema=GIVEN).f()


def test_http_to_a_server_that_speaks_tls_only(connect: Connect, stub: Stub) -> None:
    """It breaks the connection, as what stands before a Service that starts does: so it is named after the wait."""
    client = connect(stub.url.replace("https:", "http:"), schema=GIVEN, server_ready_timeout=1)
    with pytest.raises(ServiceUnavailable) as caught:
        client.f()
    assert str(caught.value).endswith("; if the server speaks TLS, its URL must start with https://")


def test_https_to_a_server_that_speaks_plain_http(connect: Connect) -> None:
    def refuse() -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            connection.recv(1 << 12)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(1 << 12)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(HANGS)
        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        client = connect(url, schema=GIVEN, timeout=HANGS, server_ready_timeout=HANGS)
        with pytest.raises(ConnectError) as caught:
            client.f()
        assert str(caught.value).endswith("; if the server speaks plain HTTP, its URL must start with http://")
        thread.join()


def test_names_that_the_callers_settings_do_not_check(connect: Connect, authority: trustme.CA) -> None:
    own = ssl.create_default_context()
    own.check_hostname = False
    with Stub(routes({"/f": reply(1)}), serving(authority, "service.example")) as stub:
        with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            connect(stub.url, schema=GIVEN, ssl_context=own, server_ready_timeout=0).f()
        authority.configure_trust(own)
        assert connect(stub.url, schema=GIVEN, ssl_context=own).f() == 1


def encrypted(key: bytes, password: str) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    loaded = s.load_pem_private_key(key, None)
    protection = s.BestAvailableEncryption(password.encode())
    return loaded.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, protection)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        tls_context(ca_file=tmp_path / "none.pem")
    with pytest.raises(FileNotFoundError):
        tls_context(client_cert=tmp_path / "none.pem")
    with pytest.raises(ssl.SSLError):
        tls_context(ca_file=tmp_path / "empty.pem")
    with pytest.raises(ssl.SSLError):
        tls_context(client_cert=tmp_path / "empty.pem")
    with pytest.raises(ValueError, match="client_cert"):
        tls_context(client_key=tmp_path / "none.pem")


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_plain_http_is_refused(
    connect: Connect, authority: trustme.CA, ca_file: Path, status: int
) -> None:
    with Stub(routes({"/there": reply(1)})) as plain:
        away = reply(b"", status, {"location": f"{plain.url}/there"})
        with Stub(routes({"/f": away}), serving(authority, "127.0.0.1")) as stub:
            client = connect(stub.url, schema=GIVEN, ssl_context=tls_context(ca_file=ca_file), token="t0ken")
            with pytest.raises(BentoMLException, match="from https to http"):
                client.f()
        assert plain.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_carries_no_credential(
    connect: Connect, authority: trustme.CA, ca_file: Path, status: int
) -> None:
    with Stub(routes({"/there": reply(1)}), serving(authority, "127.0.0.1")) as there:
        away = reply(b"", status, {"location": f"{there.url}/there", "set-cookie": "session=s3cr3t"})
        with Stub(routes({"/f": away}), serving(authority, "127.0.0.1")) as stub:
            context = tls_context(ca_file=ca_file)
            client = connect(stub.url, schema=GIVEN, ssl_context=context, token="t0ken", headers={"X-Api-Key": "k3y"})
            assert [client.f(), client.f()] == [1, 1]
            assert stub.asked[-1].headers["authorization"] == "Bearer t0ken"
            assert "s3cr3t" in stub.asked[-1].headers["cookie"]
        assert there.targets() == ["/there"] * 2
        for secret in ("t0ken", "k3y", "s3cr3t"):
            assert secret not in str(there.asked)


def test_a_redirect_to_whom_nobody_trusts(
    connect: Connect, authority: trustme.CA, other: trustme.CA, ca_file: Path
) -> None:
    with Stub(routes({"/there": reply(1)}), serving(other, "127.0.0.1")) as there:
        away = reply(b"", 307, {"location": f"{there.url}/there"})
        with Stub(routes({"/f": away}), serving(authority, "127.0.0.1")) as stub:
            client = connect(stub.url, schema=GIVEN, ssl_context=tls_context(ca_file=ca_file))
            with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                client.f()
        assert there.asked == []


def test_what_was_sent_in_part_is_taken_for_sent(connect: Connect, deaf: str, ca_file: Path) -> None:
    """A write over TLS that fails may have sent any number of whole records, which the peer can read."""
    client = connect(
        deaf,
        schema=GIVEN,
        ssl_context=tls_context(ca_file=ca_file),
        server_ready_timeout=0,
        timeout=Timeout(send=0.5),
        socket_options=[(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 13)],
    )
    with pytest.raises(CallTimeout) as caught:
        client.request("POST", "/f", content=b"x" * 60_000)
    assert caught.value.sent
