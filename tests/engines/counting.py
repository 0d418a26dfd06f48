"""A Service that notes which process asked for what over which connection, and may kill one that asks."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from bento_client.batch import Mapper
from bento_proto import Limits
from bento_proto.http import AuthRequest
from bento_sync import SyncHTTPClient
from tests.parity.proxies import Asked, End, Piece, Stub, endpoint, reply, routes, schema
from tests.waiting import until

INPUTS = int(os.environ.get("ENGINE_INPUTS", "1000"))
IMAGES = int(os.environ.get("ENGINE_IMAGES", "50"))
CONCURRENCY = 4
WORKERS = 2
INTEGER = {"type": "integer"}
SCHEMA: Any = schema(
    endpoint("double", input={"properties": {"x": INTEGER}, "required": ["x"]}, output=INTEGER),
    endpoint(
        "number",
        input={"properties": {"image": {"type": "file", "format": "image"}}, "required": ["image"]},
        output=INTEGER,
    ),
)
# No connection is left for its age, so that a client never needs more of them than it makes calls at a time.
LIMITS = Limits(lifetime=None, keepalive_expiry=3600)


def with_process(request: AuthRequest) -> dict[str, str]:
    """The header that says which process asks."""
    return {"x-process": str(os.getpid())}


class Service:
    """It doubles numbers, and reads the number that an image is of.

    Attributes:
        asked: how often it was asked for each number.
        connections: the threads that serve them, by the process that asks.
        most: the most connections that were open at a time.
        stub: the server, to be started.
        memory: the peak of each process, in MB.
        killed: the process that was killed.
    """

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.connections: defaultdict[int, set[threading.Thread]] = defaultdict(set)
        self.most = 0
        self.memory: dict[int, int] = {}
        self.killed: int | None = None
        self._kills_after: int | None = None
        self._lock = threading.Lock()
        self.stub = Stub(routes({"/double": self._double, "/number": self._number}))

    def mapper(self, name: str = "double", **options: Any) -> Mapper:
        client = SyncHTTPClient(self.stub.url, schema=SCHEMA, server_ready_timeout=0, auth=with_process, limits=LIMITS)
        return Mapper(client, name, concurrency=CONCURRENCY, **options)

    def kill(self) -> None:
        """Kill the process that makes the call in the midst of all, while it waits for the result."""
        self._kills_after = INPUTS // 2

    def _double(self, asked: Asked) -> Piece:
        number = int(json.loads(asked.body)["x"])
        return End.CLOSE if self._is_killed(asked, number) else reply(2 * number)

    def _number(self, asked: Asked) -> Piece:
        content = asked.body[asked.body.find(b"\r\n\r\n") + 4 : asked.body.rfind(b"\r\n--")]
        picture: Any = import_module("PIL.Image").open(io.BytesIO(content))
        number = int.from_bytes(bytes(picture.getpixel((0, 0))), "big")
        return End.CLOSE if self._is_killed(asked, number) else reply(number)

    def _is_killed(self, asked: Asked, number: int) -> bool:
        self.stub.asked.clear()
        process = int(asked.headers["x-process"])
        with self._lock:
            self.asked[number] += 1
            self.connections[process].add(threading.current_thread())
            self.most = max(self.most, self.stub.open)
            if self.asked.total() % 100 == 1:
                self._read_memory(process)
            if self.killed is not None or self._kills_after is None or len(self.asked) <= self._kills_after:
                return False
            self.killed = process
        assert process != os.getpid()
        os.kill(process, signal.SIGKILL)
        return True

    def _read_memory(self, process: int) -> None:
        with suppress(OSError):  # of Linux alone, and of processes that are there
            found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
            self.memory[process] = int(found[1]) // 1000 if found else 0

    def check(self, found: dict[int, int], processes: int = WORKERS + 1) -> None:
        """Each input has its result, and was called once, or once more if a process was killed."""
        assert found == {number: 2 * number for number in range(INPUTS)}
        self.check_calls(INPUTS, processes)

    def check_calls(self, count: int, processes: int = WORKERS + 1) -> None:
        assert set(self.asked) == set(range(count))
        if self._kills_after is None:
            processes = WORKERS
            assert set(self.asked.values()) == {1}
        else:
            assert self.killed is not None
            assert max(self.asked.values()) == 2
        self._check_connections(processes)

    def _check_connections(self, processes: int) -> None:
        """Each process has one client, whose few connections serve all of its calls; one that died has none."""
        assert len(self.connections) <= processes
        assert max(map(len, self.connections.values())) <= CONCURRENCY
        assert self.stub.connections <= len(self.connections) * CONCURRENCY
        if self.killed is not None:
            lost = self.connections[self.killed]
            until(lambda: not any(thread.is_alive() for thread in lost), "connections of a process that was killed")

    def report(self, seconds: float) -> str:
        twice = sum(count > 1 for count in self.asked.values())
        return (
            f"{len(self.asked):,} inputs in {seconds:.1f} s, {len(self.asked) / seconds:,.0f}/s; {twice:,} twice; "
            f"{len(self.connections)} processes, {self.stub.connections} connections, {self.most} at a time; "
            f"{max(self.memory.values(), default=0)} MB"
        )
