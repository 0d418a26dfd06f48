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
from typing import NamedTuple

from tests.loopback import LoopbackServer

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


class Proxy(LoopbackServer):
    """Stands in front of a server on 127.0.0.1, while its ``with`` runs.

    Args:
        port: of the server.
        seed: of chance.
        harm: how likely what is.

    Attributes:
        url: where clients connect to.
        cuts: how many of their connections it broke off.
    """

    def __init__(self, port: int, seed: int, harm: Harm | None = None) -> None:
        super().__init__("proxy")
        self._server_port = port
        self._seed = seed
        self._harm = harm or Harm()
        self.url = f"http://127.0.0.1:{self.port}"
        self.cuts = 0

    def serve(self, sock: socket.socket, number: int) -> None:
        with socket.create_connection(("127.0.0.1", self._server_port)) as far:
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.watch(far)
            up, down = (random.Random(f"{self._seed} {number} {way}") for way in ("up", "down"))
            back = threading.Thread(target=self._pump, args=(far, sock, down), name=f"proxy {number} back")
            back.start()
            self._pump(sock, far, up)
            back.join()

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
