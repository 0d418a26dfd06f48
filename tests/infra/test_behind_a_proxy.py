"""The guide "Behind a proxy": its configurations run, and do what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from bento_sync import BentoMLException, GatewayTimeout, InvalidArgument, NotFound, Timeout, tls_context
from tests.parity.faces import Connect
from tests.servers import free_port

from .gateways import nginx_with
from .guide import shown, shown_haproxy
from .service import Service


def default_nginx(port: int, service: Service, more: str = "") -> str:
    """What nginx does by itself."""
    return f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {service.url}; {more} }} }}"


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Two of one worker each: what one is told, the other does not know."""
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp("replica") for _ in range(2)]
        yield [stack.enter_context(Service.started(folder, workers=1)) for folder in folders]


@pytest.fixture(scope="module")
def nginx_url(tmp_path_factory: pytest.TempPathFactory, mortal: Service) -> Iterator[str]:
    port = free_port()
    text = shown(
        "/etc/nginx/conf.d/service.conf",
        ("listen 8080", f"listen 127.0.0.1:{port}"), ("127.0.0.1:3000", f"127.0.0.1:{mortal.port}"),
    )  # fmt: skip
    with nginx_with(tmp_path_factory.mktemp("nginx"), text, [port]):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def haproxy_url(tmp_path_factory: pytest.TempPathFactory, replicas: list[Service]) -> Iterator[str]:
    with shown_haproxy(tmp_path_factory.mktemp("haproxy"), [replica.port for replica in replicas]) as url:
        yield url


@pytest.fixture(params=["nginx", "haproxy"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


def test_calls_files_and_streams(connect: Connect, url: str) -> None:
    client = connect(url)
    client.wait_until_server_ready(60)
    assert [client.echo(text=f"{n}") for n in range(20)] == [f"{n}" for n in range(20)]
    assert client.upload(b"x" * 5_000_000) == 5_000_000
    assert "".join(client.words()) == "first second"


def test_an_item_arrives_before_the_next_one_is_made(connect: Connect, url: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    client = connect(url).with_options(headers={"X-Gate": str(gate)})
    client.wait_until_server_ready(60)
    with client.words() as stream:
        assert next(stream) == "first "
        gate.touch()
        assert list(stream) == ["second"]


def test_without_the_setting_it_does_not(connect: Connect, mortal: Service, tmp_path: Path) -> None:
    gate, port = tmp_path / "gate", free_port()
    with nginx_with(tmp_path, default_nginx(port, mortal), [port]):
        client = connect(f"http://127.0.0.1:{port}", timeout=Timeout(receive=2))
        client.wait_until_server_ready(60)
        with pytest.raises(TimeoutError):
            next(client.with_options(headers={"X-Gate": str(gate)}).words())
    gate.touch()


def test_the_cookie_leads_to_the_replica_of_the_task(connect: Connect, haproxy_url: str) -> None:
    for _ in range(4):
        client = connect(haproxy_url)
        client.wait_until_server_ready(60)
        tasks = [client.job.submit(text=f"{n}") for n in range(4)]
        assert [task.result(60) for task in tasks] == [f"{n}" for n in range(4)]


def test_without_the_cookie_it_may_be_the_other(connect: Connect, replicas: list[Service], tmp_path: Path) -> None:
    port = free_port()
    servers = "".join(f"server 127.0.0.1:{replica.port};" for replica in replicas)
    server = f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://u; }} }}"
    for balance, found in (("", False), ("ip_hash;", True)):
        with nginx_with(tmp_path, f"upstream u {{ {balance} {servers} }} {server}", [port]):
            client = connect(f"http://127.0.0.1:{port}")
            assert all(_found(client.job.submit(text="hello")) for _ in range(8)) is found


def _found(task: object) -> bool:
    try:
        task.get_status()  # type: ignore[attr-defined]
    except NotFound:
        return False
    return True


def test_a_large_file_is_refused_in_one_line(connect: Connect, mortal: Service, tmp_path: Path) -> None:
    port = free_port()
    with nginx_with(tmp_path, default_nginx(port, mortal), [port]):
        client = connect(f"http://127.0.0.1:{port}")
        with pytest.raises(BentoMLException) as caught:
            client.upload(b"x" * 2_000_000)
    assert caught.value.error_code == 413
    assert "413" in str(caught.value)
    assert "<html>" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_proxys_own_timeout(connect: Connect, mortal: Service, tmp_path: Path) -> None:
    port = free_port()
    with nginx_with(tmp_path, default_nginx(port, mortal, "proxy_read_timeout 1s;"), [port]):
        client = connect(f"http://127.0.0.1:{port}")
        with pytest.raises(GatewayTimeout) as caught:
            client.with_options(headers={"X-Take": "3"}).echo(text="slow")
    assert "<html>" not in str(caught.value)


def test_a_certificate_is_required(
    connect: Connect, mortal: Service, certificate: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    port, clients = free_port(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    clients.cert_pem.write_to_path(tmp_path / "clients-ca.pem")
    mine = clients.issue_cert("me@example.org")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    text = shown(
        "/etc/nginx/conf.d/mutual.conf",
        ("listen 8443", f"listen 127.0.0.1:{port}"), ("127.0.0.1:3000", f"127.0.0.1:{mortal.port}"),
        ("/etc/nginx/server.pem", str(certificate)), ("/etc/nginx/server.key", str(certificate)),
        ("/etc/nginx/clients-ca.pem", str(tmp_path / "clients-ca.pem")),
    )  # fmt: skip
    ca_file = tmp_path / "ca.pem"
    with nginx_with(tmp_path, text, [port]):
        own = tls_context(ca_file=ca_file, client_cert=tmp_path / "cert.pem", client_key=tmp_path / "key.pem")
        client = connect(f"https://127.0.0.1:{port}", ssl_context=own)
        assert client.echo(text="hello") == "hello"
        stranger = connect(
            f"https://127.0.0.1:{port}", ssl_context=tls_context(ca_file=ca_file), server_ready_timeout=0
        )
        with pytest.raises(InvalidArgument, match="No required SSL certificate was sent"):
            stranger.echo(text="hello")


def test_under_a_path(connect: Connect, replicas: list[Service], tmp_path: Path) -> None:
    port = free_port()
    text = shown("in a server", ("127.0.0.1:3000", f"127.0.0.1:{replicas[0].port}"))
    with nginx_with(tmp_path, f"server {{ listen 127.0.0.1:{port}; {text} }}", [port]):
        client = connect(f"http://127.0.0.1:{port}/models/summarizer")
        assert client.echo(text="hello") == "hello"
        assert client.job.submit(text="done").result(60) == "done"
