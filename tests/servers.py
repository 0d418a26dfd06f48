"""Real BentoML servers for the tests, each in its own process, in an environment that the tests don't run in.

The environments are set up before the tests run (see ``tools/services.py``); a server whose environment is missing
raises ``SetupFailed``, which says what to run.

``serve("zoo:Zoo")`` starts one of the Services in ``tests/services``; ``Servers`` starts each at most once::

    servers = Servers()
    servers.url("zoo:Zoo")                                     # started now, in some three seconds
    servers.url("zoo:Zoo")                                     # the same
    servers.url("old:Old", environment="server-1.2")           # under BentoML 1.2.20
    servers.close()

No process stays behind, whatever becomes of this one (see ``guard.py``), and no file.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from services import SERVICES, find_server

if TYPE_CHECKING:
    from typing_extensions import Self

HERE = Path(__file__).resolve().parent
START_SECONDS = 90.0

Wait = Literal["ready", "answering", "started"]
"""What a new server is waited for: that it is ready, that it answers at all (be it that it isn't ready), nothing."""


class ServerFailed(Exception):
    """A server did not start; the message ends with its log."""


@dataclass(frozen=True, eq=False)
class Server:
    """A server and its processes. As a context manager, it stops at the end."""

    url: str
    """What a client takes: ``http://127.0.0.1:PORT``, ``https://`` with TLS, ``file:///PATH`` on a Unix socket."""
    home: Path
    """A directory that only this server uses, and that goes with it: ``BENTOML_HOME``, temporary files, the log."""
    _process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def port(self) -> int:
        """The TCP port; 0 on a Unix socket."""
        return urlsplit(self.url).port or 0

    @property
    def socket(self) -> Path:
        """The Unix socket; without a meaning on TCP."""
        return Path(urlsplit(self.url).path)

    @property
    def pid(self) -> int:
        """The process at the top; those that serve are its descendants."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """What the server has printed."""
        return self.home / "server.log"

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server and all its processes, at once, and remove its files. A second time does nothing."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        shutil.rmtree(self.home, ignore_errors=True)  # still there if the server had ended by itself
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class Servers:
    """Servers that are started when they are first asked for, and live until ``close``."""

    def __init__(self) -> None:
        self._servers: dict[object, Server] = {}

    def url(self, service: str, *, environment: str = "server") -> str:
        """The URL of ``server(service, environment=environment)``."""
        return self.server(service, environment=environment).url

    def server(
        self,
        service: str,
        *,
        environment: str = "server",
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
        wait: Wait = "ready",
    ) -> Server:
        """The one server for these arguments of ``serve``; a new one if there is none yet or it has ended."""
        return self._once(
            (service, environment, frozenset((env or {}).items()), *args),
            lambda: serve(service, environment=environment, env=env, args=args, wait=wait),
        )

    def on_unix_socket(self, service: str, *, environment: str = "server") -> Server:
        """The one server for these arguments of ``serve_on_unix_socket``."""
        return self._once(
            ("unix", service, environment), lambda: serve_on_unix_socket(service, environment=environment)
        )

    def close(self) -> None:
        """Stop them all. Asking again starts anew."""
        while self._servers:
            self._servers.popitem()[1].stop()

    def _once(self, key: object, start: Callable[[], Server]) -> Server:
        server = self._servers.get(key)
        if server is None or not server.running:
            server = self._servers[key] = start()
        return server


def serve(
    service: str,
    *,
    environment: str = "server",
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
    wait: Wait = "ready",
    folder: Path = SERVICES,
    port: int | None = None,
) -> Server:
    """Start ``bentoml serve SERVICE`` on a port of 127.0.0.1, by default a free one.

    ``service`` is a module in ``folder`` and a class in it. ``environment`` is one of ``tools/services.py``. ``env``
    is added to the environment variables, ``args`` to the command (``--ssl-certfile``, say). Raises ``ServerFailed``
    with the server's log, and ``SetupFailed`` without the environment.
    """
    scheme = "https" if "--ssl-certfile" in args else "http"

    def start() -> Server:
        number = str(port or free_port())
        command = ["bentoml", "serve", service, "--host", "127.0.0.1", "--port", number, *args]
        return _start(command, environment, env or {}, f"{scheme}://127.0.0.1:{number}", _new_home(), wait, folder)

    try:
        return start()
    except ServerFailed as exc:
        if "Could not bind" not in str(exc) or port:
            raise
    return start()  # something took the port before the server could


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens.

    It is below those that systems give by themselves, so that no other test gets it before a server is started.
    """
    for port in random.sample(range(10_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("a hundred ports are taken")


def serve_on_unix_socket(service: str, *, environment: str = "server") -> Server:
    """Start a Service on a Unix socket. ``bentoml serve`` knows none: uvicorn runs its ASGI application instead."""
    home = _new_home()
    path = home / "s"  # short, as the whole path of a socket may have some hundred characters only
    command = ["uvicorn", f"{service}.to_asgi", "--factory", "--uds", str(path), "--no-server-header"]
    return _start(command, environment, {}, path.as_uri(), home, "ready", SERVICES)


def _new_home() -> Path:
    return Path(tempfile.mkdtemp(prefix="bento-"))


def _start(
    command: Sequence[str], environment: str, env: Mapping[str, str], url: str, home: Path, wait: Wait, folder: Path
) -> Server:
    (home / "tmp").mkdir()
    # Nothing of how the tests were started may reach the server: import paths, coverage, settings of BentoML's.
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "BENTO", "PYTEST"))
    }
    own = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home / "tmp"))
    with open(home / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", HERE / "guard.py", home, find_server(environment), "-m", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**inherited, **own, **env},
            # A group of its own: Ctrl-C is for the tests, and they end the server.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    server = Server(url, home, process)
    atexit.register(server.stop)
    try:
        if wait != "started":
            _await(server, wait)
    except BaseException:
        server.stop()
        raise
    return server


def _await(server: Server, wait: Wait) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server, wait):
        if not server.running or time.monotonic() > deadline:
            how = f"has not become {wait} in {START_SECONDS:.0f} s" if server.running else "has ended"
            raise ServerFailed(f"{server.url} {how}; its log:\n{server.log.read_text(errors='replace')[-5000:]}")
        time.sleep(0.03)


def _answers(server: Server, wait: Wait) -> bool:
    connection = _connection(server)
    try:
        connection.request("GET", "/readyz")
        # Anything but "not ready" will do: a Service with a path prefix has its readiness elsewhere.
        return connection.getresponse().status != 503 or wait == "answering"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connection(server: Server) -> http.client.HTTPConnection:
    # BentoML listens some seconds before it answers: a request made then gets its answer as soon as there is one.
    if not server.port:
        return _UnixConnection(server.socket)
    if server.url.startswith("https:"):
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=unverified)
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        assert sys.platform != "win32"
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
