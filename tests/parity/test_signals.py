"""A signal handler that raises, anywhere in a call, costs that call and nothing else."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .proxies import Asked, Stub, endpoint, reply, schema

GIVEN: Any = schema(*(endpoint(name, output={"type": "integer"}) for name in ("alone", "together")))
CONNECTIONS, INTERRUPTS = 5, 2000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timers")
def test_no_connection_of_the_pool_is_lost() -> None:
    """In a process of its own, whose main thread is all ours: that is where handlers run."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        check=False, capture_output=True, text=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["all connections are usable"], f"{done.stdout}\n{done.stderr}"


class Interrupted(Exception):
    """What the handler raises."""


class Interrupts:
    """Raises ``Interrupted`` in the main thread, once, somewhen in the next milliseconds."""

    def __init__(self) -> None:
        self._chance = random.Random(805)
        self._armed = False
        signal.signal(signal.SIGALRM, self._handle)

    def arm(self) -> None:
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, self._chance.uniform(1e-5, 2e-3))

    def disarm(self) -> None:
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _handle(self, *_: object) -> None:
        if self._armed:
            self._armed = False
            raise Interrupted


def main() -> None:
    from bento_proto import Limits
    from bento_sync import SyncHTTPClient

    together = threading.Barrier(CONNECTIONS)

    def answer(asked: Asked) -> bytes:
        if asked.target == "/together":  # an endpoint of its own: no interrupted call may still be on its way to it
            together.wait(30)
        return reply(1)

    with Stub(answer) as stub:
        client = SyncHTTPClient(
            stub.url,
            schema=GIVEN,
            server_ready_timeout=0,
            retries=0,
            limits=Limits(connections=CONNECTIONS),
            timeout=30,
        )
        # The first call imports what calls need. A handler that raises within an import may leave Python's own lock of
        # imports held for ever, whoever imports.
        assert client.alone() == 1
        interrupts, interrupted = Interrupts(), 0

        def call_until_interrupted() -> None:
            # A function of its own: Python 3.13 may run a handler at a jump that no `try` of the same function covers.
            interrupts.arm()
            for _ in range(200):
                assert client.alone() == 1
            interrupts.disarm()  # whatever swallowed it: a destructor, where an exception goes nowhere

        for _ in range(INTERRUPTS):
            try:
                call_until_interrupted()
            except Interrupted:
                interrupted += 1
        interrupts.disarm()
        print(f"{interrupted} of {INTERRUPTS} interrupts reached the caller")
        assert interrupted > INTERRUPTS / 2
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            assert [each.result(60) for each in [pool.submit(client.together) for _ in range(CONNECTIONS)]] == [
                1
            ] * CONNECTIONS
        client.close()
    print("all connections are usable")


if __name__ == "__main__":
    main()
