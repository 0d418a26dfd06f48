"""Proxies that others have made: squid, for requests over http and for tunnels, and a SOCKS server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from bento_sync import ConnectError, ServiceUnavailable, SyncHTTPClient
from tests.parity.faces import Connect
from tests.servers import free_port

from .gateways import socks, squid
from .service import Service, new_key

USER, PASSWORD = "me", "s3cr3t"


@pytest.fixture(scope="module")
def squid_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with squid(tmp_path_factory.mktemp("squid")) as port:
        yield port


@pytest.fixture(scope="module")
def socks_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socks(tmp_path_factory.mktemp("socks")) as port:
        yield port


@pytest.fixture(scope="module")
def socks_user_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socks(tmp_path_factory.mktemp("socks-user"), USER, PASSWORD) as port:
        yield port


@pytest.fixture(params=["http", "https"])
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.getfixturevalue("mortal" if request.param == "http" else "mortal_tls")
    return found


def works(client: SyncHTTPClient, service: Service) -> None:
    """Calls, files and tasks arrive, each once."""
    key = new_key()
    assert client.is_ready(10)
    assert [client.echo(text=f"text {n}") for n in range(5)] == [f"text {n}" for n in range(5)]
    assert client.upload(b"x" * 3_000_000) == 3_000_000
    assert client.with_options(headers={"X-Key": key}).job.submit(text="hello").id
    assert service.executions()[key] == 1


def test_squid(connect: Connect, service: Service, squid_port: int, trusting: ssl.SSLContext) -> None:
    works(connect(service.url, proxy=f"http://127.0.0.1:{squid_port}", ssl_context=trusting), service)


def test_squid_by_the_environment(
    connect: Connect, service: Service, squid_port: int, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks up the name, which nobody else knows."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{squid_port}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{squid_port}")
    works(connect(service.url.replace("127.0.0.1", "service.test"), ssl_context=trusting), service)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_squid_can_not_reach_the_service(
    connect: Connect, squid_port: int, trusting: ssl.SSLContext, scheme: str
) -> None:
    """Its page does not become a message of many lines."""
    client = connect(
        f"{scheme}://127.0.0.1:{free_port()}", proxy=f"http://127.0.0.1:{squid_port}", ssl_context=trusting,
        server_ready_timeout=0, retries=0,
    )  # fmt: skip
    with pytest.raises((ConnectError, ServiceUnavailable)) as caught:
        client.echo(text="hello")
    assert "503" in str(caught.value) or caught.value.error_code == 503
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_worker_that_dies_behind_squid(connect: Connect, mortal: Service, squid_port: int) -> None:
    client = connect(mortal.url, proxy=f"http://127.0.0.1:{squid_port}")
    keys = [new_key() for _ in range(9)]
    for key in keys:
        client.with_options(retries=5).echo(text="well")
        with pytest.raises(Exception, match=r".") as caught:
            client.with_options(headers={"X-Key": key, "X-Die-After": "0.01"}).echo(text="dies")
        assert getattr(caught.value, "sent", True), repr(caught.value)
    ran = mortal.executions()
    assert [ran[key] for key in keys] == [1] * len(keys)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks(connect: Connect, service: Service, socks_port: int, trusting: ssl.SSLContext, scheme: str) -> None:
    works(connect(service.url, proxy=f"{scheme}://127.0.0.1:{socks_port}", ssl_context=trusting), service)


def test_socks_with_a_user(connect: Connect, service: Service, socks_user_port: int, trusting: ssl.SSLContext) -> None:
    proxy = f"socks5://{USER}:{PASSWORD}@127.0.0.1:{socks_user_port}"
    works(connect(service.url, proxy=proxy, ssl_context=trusting), service)


@pytest.mark.parametrize("user", ["", f"{USER}:wrong@"])
def test_socks_refuses_a_user(connect: Connect, mortal: Service, socks_user_port: int, user: str) -> None:
    client = connect(mortal.url, proxy=f"socks5://{user}127.0.0.1:{socks_user_port}", server_ready_timeout=0)
    with pytest.raises(ConnectError, match=r"a user and a password|did not accept the user and password") as caught:
        client.echo(text="hello")
    assert not caught.value.sent
    assert "wrong" not in str(caught.value)


def test_socks_can_not_reach_the_service(connect: Connect, socks_port: int) -> None:
    client = connect(
        f"http://127.0.0.1:{free_port()}", proxy=f"socks5://127.0.0.1:{socks_port}", server_ready_timeout=0, retries=0
    )
    with pytest.raises(ConnectError) as caught:
        client.echo(text="hello")
    assert not caught.value.sent
