"""A TCP proxy that does harm by chance: it delays, splits, merges and cuts what passes, in both directions.

Chance is seeded, one generator a connection and direction. When the system hands over which bytes is not, so a seed
makes a run alike, not the same.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_BLOCK = 1 << 16


class Harm(NamedTuple):
    """How likely what is, for each piece of data that passes.

    Attributes:
        delay: that it is held up, for up to 20 ms; what comes meanwhile is merged with it.
        split: that it goes on in pieces, some of one byte.
        cut: that the connection ends there, in the middle of it.
        reset: of what is cut, how much is reset rather than closed.
    """

    delay: float = 0.05
    split: float = 0.3
    cut: float = 0.03
    reset: float = 0.5


class Proxy:
    """Stands in front of a server on 127.0.0.1, while its ``with`` runs.

    Args:
        port: of the server.
        seed: of chance.
        harm: how likely what is.

    Attributes:
        url: where clients connect to.
        connections: how many they made.
        cuts: how many of them it broke off.
    """

    def __init__(self, port: int, seed: int, harm: Harm | None = None) -> None:
        self._port = port
        self._seed = seed
        self._harm = harm or Harm()
        self._closing = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.cuts = 0
        self._acceptor = threading.Thread(target=self._accept, name="proxy")

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._closing:
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            number, self.connections = self.connections, self.connections + 1
            thread = threading.Thread(target=self._pass, args=(near, far, number), name=f"proxy {number}")
            self._threads = [thread, *(t for t in self._threads if t.is_alive())]
            thread.start()

    def _pass(self, near: socket.socket, far: socket.socket, number: int) -> None:
        pair = (near, far)
        with self._lock:
            self._sockets.update(pair)
        for sock in pair:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chances = (random.Random(f"{self._seed} {number} up"), random.Random(f"{self._seed} {number} down"))
        back = threading.Thread(target=self._pump, args=(far, near, chances[1]), name=f"proxy {number} back")
        back.start()
        self._pump(near, far, chances[0])
        back.join()
        with self._lock:
            self._sockets.difference_update(pair)
        for sock in pair:
            sock.close()

    def _pump(self, source: socket.socket, target: socket.socket, chance: random.Random) -> None:
        harm = self._harm
        with contextlib.suppress(OSError):
            while data := source.recv(_BLOCK):
                if chance.random() < harm.delay:
                    time.sleep(chance.uniform(0, 0.02))
                if chance.random() < harm.cut:
                    target.sendall(data[: chance.randrange(len(data) + 1)])
                    self.cuts += 1
                    if chance.random() < harm.reset:
                        self._reset(target)
                    break
                if chance.random() < harm.split:
                    self._split(target, data, chance)
                else:
                    target.sendall(data)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _split(self, target: socket.socket, data: bytes, chance: random.Random) -> None:
        position = 0
        while position < len(data):
            size = chance.choice((1, 1, 2, 7, 50, 1000, _BLOCK))
            target.sendall(data[position : position + size])
            position += size
            if chance.random() < 0.1:
                time.sleep(0.001)

    def _reset(self, sock: socket.socket) -> None:
        """Make the end of the connection a TCP reset: without data to come, a close with a linger of zero is one."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._closing = True
        socket.create_connection(self._listener.getsockname()).close()
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
