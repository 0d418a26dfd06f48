"""Configurations of haproxy, nginx, squid and microsocks, as small as they can be, and the processes that run them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import free_port

from .processes import installed, running

_HAPROXY = """\
global
    nbthread 1
    maxconn 1000
defaults
    mode http
    option redispatch 1
    timeout connect 2s
    timeout check 2s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive {keep_alive}s
frontend front
    bind 127.0.0.1:{port} {tls}
    default_backend services
backend services
    option httpchk GET /readyz
    default-server inter 200ms fall 2 rise 1 {check}
{servers}
"""

_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{content}
}}
"""

_NGINX_FRONT = """\
    client_max_body_size 100m;
    upstream services {{
{servers}
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        keepalive_timeout {keep_alive}s;
        location / {{
            proxy_pass http://services;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
"""

_SQUID = """\
http_port 127.0.0.1:{port}
http_access allow all
hosts_file {hosts}
cache deny all
access_log none
cache_log stdio:/dev/stderr
cache_store_log none
pid_filename none
coredump_dir none
shutdown_lifetime 0 seconds
pinger_enable off
memory_cache_shared off
visible_hostname squid.test
"""


@contextmanager
def haproxy(
    folder: Path,
    servers: Sequence[int],
    *,
    keep_alive: float = 30,
    certificate: Path | None = None,
    check: bool = False,
) -> Iterator[int]:
    """The port of a haproxy in front of the servers on those ports.

    Args:
        folder: for its files.
        servers: the ports of the Service's replicas.
        keep_alive: how many seconds it keeps a connection that is idle.
        certificate: a file with key and certificates, to speak TLS.
        check: whether it asks the replicas for their readiness all the time.
    """
    program, port = installed("haproxy"), free_port()
    configuration = _HAPROXY.format(
        port=port,
        keep_alive=keep_alive,
        tls=f"ssl crt {certificate}" if certificate else "",
        check="check" if check else "",
        servers="\n".join(f"    server s{n} 127.0.0.1:{server}" for n, server in enumerate(servers)),
    )
    path = folder / "haproxy.cfg"
    path.write_text(configuration, encoding="utf-8")
    with running("haproxy", [program, "-db", "-f", str(path)], folder, ports=[port]):
        yield port


@contextmanager
def nginx(
    folder: Path, servers: Sequence[int], *, keep_alive: float = 30, certificate: Path | None = None
) -> Iterator[int]:
    """The port of an nginx in front of the servers on those ports; the arguments are those of `haproxy`."""
    port = free_port()
    content = _NGINX_FRONT.format(
        port=port,
        keep_alive=keep_alive,
        tls="ssl" if certificate else "",
        certificate=f"ssl_certificate {certificate}; ssl_certificate_key {certificate};" if certificate else "",
        servers="\n".join(f"        server 127.0.0.1:{server};" for server in servers),
    )
    with nginx_with(folder, content, [port]):
        yield port


@contextmanager
def nginx_with(folder: Path, content: str, ports: Sequence[int]) -> Iterator[None]:
    """An nginx whose section ``http`` has that content."""
    program = installed("nginx")
    path = folder / "nginx.conf"
    path.write_text(_NGINX.format(folder=folder, content=content), encoding="utf-8")
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(path)]
    with running("nginx", command, folder, ports=ports):
        yield


@contextmanager
def squid(folder: Path) -> Iterator[int]:
    """The port of a squid, which passes on whatever it is asked to, and knows ``service.test`` as this machine."""
    program, port = installed("squid"), free_port()
    with tempfile.TemporaryDirectory() as readable:  # by the user that squid becomes where it is started by root
        os.chmod(readable, 0o755)
        hosts = Path(readable, "hosts")
        hosts.write_text("127.0.0.1 service.test\n", encoding="utf-8")
        path = folder / "squid.conf"
        path.write_text(_SQUID.format(port=port, hosts=hosts), encoding="utf-8")
        with running("squid", [program, "-N", "-f", str(path)], folder, ports=[port]):
            yield port


@contextmanager
def socks(folder: Path, user: str | None = None, password: str | None = None) -> Iterator[int]:
    """The port of a SOCKS5 server, with a user if need be."""
    program, port = installed("microsocks"), free_port()
    credentials = ["-u", user, "-P", password] if user is not None and password is not None else []
    command = [program, "-i", "127.0.0.1", "-p", str(port), *credentials]
    with running("microsocks", command, folder, ports=[port]):
        yield port
