"""An ASGI application of the same process, served on loopback by uvicorn in a thread (the extra ``asgi``)."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bento_proto import ServiceUnavailable
from bento_proto.http import Origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import uvicorn

_STOPPING: Final = 10.0


class ASGIServer:
    """Serves an application from `start` to `stop`, its lifespan included.

    Args:
        app: the application.

    Raises:
        ImportError: uvicorn is not installed.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        try:
            import uvicorn
        except ImportError as exc:
            raise ImportError("app= needs uvicorn: pip install 'bento-client[asgi]'") from exc
        config = uvicorn.Config(app, log_level="warning", lifespan="auto")
        self._server: uvicorn.Server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.origin: Origin = Origin("http", *self._socket.getsockname())

    def start(self) -> None:
        """Start the server, unless it runs; raises `ServiceUnavailable` if the application does not start."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="bento-asgi", daemon=True)
                self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise ServiceUnavailable("the application did not start; its log says why")
            time.sleep(0.005)

    def _serve(self) -> None:
        with suppress(SystemExit):  # how uvicorn says that the application did not start
            self._server.run([self._socket])

    def stop(self) -> None:
        """Stop it, and wait until it has."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOPPING)
        self._socket.close()
