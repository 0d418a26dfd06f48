"""A rolling restart of two replicas behind haproxy, under load: no call is executed twice, and few fail.

How many fail is printed, beside BentoML's own client under the same load. ``INFRA_SECONDS`` is how long it lasts.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from bento_sync import BentoMLException, SyncHTTPClient
from services import find_server
from tests.parity.faces import Face
from tests.servers import free_port
from tests.waiting import until

from .gateways import haproxy
from .processes import listens
from .service import Service

SECONDS = float(os.environ.get("INFRA_SECONDS", "6"))
HERE = Path(__file__).parent
THREADS, TASKS = 8, 64


class Load(NamedTuple):
    """What became of the calls of a load, and the text of each."""

    sent: list[str]
    outcomes: Counter[str]


class Replicas:
    """Two replicas with one ledger, and a haproxy in front, which asks for their readiness all the time."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self.ledger = folder / "ledger.txt"
        self._ports = [free_port(), free_port()]
        self._running: dict[int, ExitStack] = {}
        self._services: dict[int, Service] = {}
        for port in self._ports:
            self._start(port)
        stack.callback(self._stop)
        self.url = f"http://127.0.0.1:{stack.enter_context(haproxy(folder, self._ports, check=True))}"

    def _start(self, port: int) -> None:
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        stack = self._running[port] = ExitStack()
        started = Service.started(folder, port=port, ledger=self.ledger, workers=1)
        self._services[port] = stack.enter_context(started)

    def _stop(self) -> None:
        for stack in self._running.values():
            stack.close()

    def restart(self, pause: float) -> None:
        """Restart one, and then the other, each after a pause."""
        for port in self._ports:
            time.sleep(pause)
            self._services[port].finish()
            until(partial(_is_free, port), "the replica has not ended")
            self._running[port].close()
            self._start(port)
        time.sleep(pause)


def _is_free(port: int) -> bool:
    return not listens(port)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    with ExitStack() as stack:
        yield Replicas(tmp_path_factory.mktemp("replicas"), stack)


@contextmanager
def restarting(replicas: Replicas) -> Iterator[None]:
    """Restart the replicas, while the ``with`` runs."""
    failed: list[BaseException] = []

    def restart() -> None:
        try:
            replicas.restart(SECONDS / 4)
        except BaseException as error:  # noqa: BLE001 - it is raised by the thread that waits
            failed.append(error)

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert not failed, failed


def load(replicas: Replicas, make: Callable[[], SyncHTTPClient], workers: int, prefix: str) -> Load:
    """Call without a pause, from so many threads, while the replicas are restarted."""
    sent: list[str] = []
    with make() as client, ExitStack() as stack:
        client.echo(text="first")
        stack.enter_context(restarting(replicas))
        ends = time.monotonic() + SECONDS

        def call_all(number: int) -> Counter[str]:
            outcomes: Counter[str] = Counter()
            while time.monotonic() < ends:
                text = f"{prefix}-{number}-{outcomes.total()}"
                sent.append(text)
                try:
                    outcomes["right" if client.echo(text=text) == text else "wrong"] += 1
                except BentoMLException as error:
                    outcomes[f"{type(error).__name__} {error.error_code or ''}".strip()] += 1
            return outcomes

        with ThreadPoolExecutor(workers) as pool:
            return Load(sent, sum(pool.map(call_all, range(workers)), Counter[str]()))


def checked(replicas: Replicas, done: Load, who: str) -> str:
    """What to print; nothing was executed twice, and each call that went well was executed."""
    ran = Counter(replicas.ledger.read_text(encoding="ascii").split())
    twice = [text for text in done.sent if ran[text] > 1]
    assert not twice, f"{len(twice)} of {len(done.sent)} calls were executed twice; {dict(done.outcomes)}"
    assert sum(ran[text] for text in done.sent) >= done.outcomes["right"]
    return f"{who}: {len(done.sent)} calls, {dict(done.outcomes)}"


def test_a_rolling_restart(face: Face, replicas: Replicas, capsys: pytest.CaptureFixture[str]) -> None:
    workers = THREADS if face.name == "sync" else TASKS
    done = load(replicas, lambda: face.client(replicas.url), workers, f"{face.name}-{time.monotonic_ns()}")
    told = checked(replicas, done, f"{face.name}, {workers} {'threads' if face.name == 'sync' else 'tasks'}")
    with capsys.disabled():
        print(f"\n  {told}")
    assert "wrong" not in done.outcomes
    failed = done.outcomes.total() - done.outcomes["right"]
    assert failed <= max(10, done.outcomes.total() // 20), told


@pytest.mark.parametrize(("kind", "workers"), [("sync", THREADS), ("asyncio", TASKS)])
def test_the_same_with_bentomls_own_client(
    replicas: Replicas, capsys: pytest.CaptureFixture[str], kind: str, workers: int
) -> None:
    """For comparison: nothing is asserted of it."""
    command: list[str | Path] = [find_server(), HERE / "official.py", kind, replicas.url, str(workers), str(SECONDS)]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, f"official-{kind}-{time.monotonic_ns()}"], stdout=pipe, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "begun\n"
        with restarting(replicas):
            printed = program.stdout.read()
    assert program.returncode == 0
    result = json.loads(printed)
    ran = Counter(replicas.ledger.read_text(encoding="ascii").split())
    twice = sum(1 for text in result["sent"] if ran[text] > 1)
    with capsys.disabled():
        print(f"\n  BentoML's, {kind}: {len(result['sent'])} calls, {result['outcomes']}, {twice} executed twice")
