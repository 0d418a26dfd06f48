"""A batch behind haproxy while replicas are killed and restarted: nothing is lost, and nothing runs twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from bento_sync import BentoMLException, ConnectionLost
from tests.parity.faces import Face
from tests.servers import free_port

from .guide import shown_haproxy
from .service import Service

_CONCURRENCY = 8
_KILLS = 4
_batches = count()


class Replica:
    """A replica that is killed, and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self._folder = folder
        self._running = ExitStack()
        self.start()

    def start(self) -> None:
        self._service = self._running.enter_context(Service.started(self._folder, port=self.port, workers=1))

    def kill(self) -> None:
        """Kill it amid what it does."""
        self._running.close()

    def executions(self) -> Counter[str]:
        return self._service.executions()


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[Replica]]:
    with ExitStack() as stack:
        found: list[Replica] = []
        for number in range(2):
            found.append(Replica(tmp_path / f"replica-{number}"))
            stack.callback(found[-1].kill)
        yield found


def test_a_batch_outlives_its_replicas(face: Face, replicas: list[Replica], tmp_path: Path) -> None:
    one, two = replicas
    texts = [f"{face.name}-{next(_batches)}-{number}" for number in range(1200)]
    with (
        shown_haproxy(tmp_path, [one.port, two.port]) as url,
        face.client(url, headers={"X-Take": "0.01"}) as client,
    ):
        client.wait_until_server_ready(60)
        batch: Iterator[Any] = client.map("echo", texts, concurrency=_CONCURRENCY, on_error="return")
        results = list(islice(batch, 100))
        assert min(replica.executions().total() for replica in replicas) > 10, "one did all the work"
        one.kill()
        results += islice(batch, 300)
        one.start()
        results += islice(batch, 200)
        two.kill()
        results += islice(batch, 100)
        two.start()
        results += islice(batch, 200)
        one.kill()
        two.kill()  # now there is none

        def start_both() -> None:
            time.sleep(2)
            one.start()
            two.start()

        starting = threading.Thread(target=start_both)
        starting.start()
        results += batch
        starting.join()
    ran = one.executions() + two.executions()
    assert max(ran.values()) == 1, "a call ran twice"
    assert len(results) == len(texts)
    lost = 0
    for text, result in zip(texts, results, strict=True):
        if isinstance(result, Exception):  # it may have run: whoever calls decides whether to repeat it
            assert isinstance(result, ConnectionLost) or (
                isinstance(result, BentoMLException) and result.error_code == 502
            ), result
            lost += 1
        else:
            assert (result, ran[text]) == (text, 1)
    assert lost <= _CONCURRENCY * _KILLS
