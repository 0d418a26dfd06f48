"""A load that several processes make, and one that is stopped early."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest

from bento_async import AsyncHTTPClient
from bento_client.bench import ClosedLoop, OpenLoop, Plan, Progress, Report, bench
from bento_proto import ConnectError
from bento_proto.testing import ServiceDouble
from tests.parity.proxies import Answer, Asked, Piece, Stub, endpoint, reply, routes, schema
from tests.waiting import until

SCHEMA: Any = schema(
    endpoint("f", input={"properties": {"x": {"type": "integer"}}, "required": ["x"]}, output={"type": "integer"})
)
INPUTS = [((), {"x": number}) for number in range(10)]


class Service:
    """It notes what it is called with, and refuses a three."""

    def __init__(self) -> None:
        self.given: list[bytes] = []
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Piece:
        with self._lock:
            self.given.append(asked.body)
        return reply({"error": "busy"}, 503) if b"3" in asked.body else reply(1)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def stub(service: Service) -> Iterator[Stub]:
    answers: dict[str, Answer | Piece] = {"/readyz": reply(), "/schema.json": reply(SCHEMA), "/f": service}
    with Stub(routes(answers)) as stub:
        yield stub


def run(stub: Stub, *loads: ClosedLoop | OpenLoop, **options: Any) -> Report:
    options = {"plan": Plan(warm_up=0, duration=0.6, window=0.3), "processes": 2, **options}
    return bench(AsyncHTTPClient(stub.url, retries=0), "f", INPUTS, loads, **options)


def test_what_processes_counted_is_one_report(stub: Stub, service: Service) -> None:
    seen: list[Progress] = []
    report = run(stub, ClosedLoop(3), ClosedLoop(1), OpenLoop(50, "constant"), on_progress=seen.append)
    assert report.processes == 2
    assert [load.load for load in report.loads] == ["3 at a time", "1 at a time", "50/s constant"]
    for load in report.loads:
        assert load.seconds == pytest.approx(0.6)
        assert load.calls > 0
        assert list(load.errors) == ["ServiceUnavailable 503"]
        assert load.calls + load.failed == sum(each.calls + each.failed for each in load.timeline)
        assert load.cpu > 0
    assert sum(load.calls + load.failed for load in report.loads) == len(service.given) - 1  # the first call
    assert report.loads[2].calls + report.loads[2].failed == 30
    assert set(service.given) == {b'{"x":%d}' % number for number in range(10)}
    assert {each.number for each in seen} == {0, 1, 2}
    assert any(window.latency.count for each in seen for window in each.windows)


def test_processes_decide_together_when_windows_agree(stub: Stub) -> None:
    load = run(stub, ClosedLoop(2), plan=Plan(warm_up=0, window=0.2, tolerance=1000)).loads[0]
    assert load.stable
    assert load.seconds == pytest.approx(0.6)


@pytest.mark.parametrize("processes", [1, 2])
def test_one_that_is_stopped_reports_what_it_has(stub: Stub, processes: int) -> None:
    asked = count()
    loads = (ClosedLoop(2), ClosedLoop(4))
    report = run(stub, *loads, plan=Plan(warm_up=0, duration=60), processes=processes, stop=lambda: next(asked) > 2)
    assert report.interrupted
    assert [load.load for load in report.loads] == ["2 at a time"]
    assert 0 < report.loads[0].seconds < 60
    assert report.loads[0].warnings[0].startswith("interrupted after ")
    assert Report.from_json(report.to_json()) == report
    report = run(stub, *loads, plan=Plan(warm_up=60), processes=processes, stop=lambda: True)
    assert (report.interrupted, report.loads) == (True, [])


def test_what_the_other_processes_raise(stub: Stub) -> None:
    with pytest.raises(ConnectError):  # in the others, not here
        run(stub, ClosedLoop(2), factory=partial(AsyncHTTPClient, "http://127.0.0.1:9", server_ready_timeout=0))
    with pytest.raises(ValueError, match="processes must be 1 or more, not 0"):
        run(stub, ClosedLoop(2), processes=0)
    double = ServiceDouble("Shop")

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    with pytest.raises(TypeError, match="pickle"):
        bench(AsyncHTTPClient(app=double), "shout", [((), {"text": "a"})], processes=2)


class Dying(AsyncHTTPClient):
    """A client in whose process the first call is the last one."""

    def with_options(self, **options: Any) -> Any:
        os._exit(3)


@pytest.mark.filterwarnings("ignore:.*was destroyed")
def test_a_process_that_dies(stub: Stub) -> None:
    with pytest.raises(ChildProcessError, match="died, with exit code 3"):
        run(stub, ClosedLoop(2), factory=partial(Dying, stub.url))


PROGRAM = """
import sys
from bento_async import AsyncHTTPClient
from bento_client.bench import ClosedLoop, Plan, bench

bench(
    AsyncHTTPClient(sys.argv[1]), "f", [((), {"x": 1})], [ClosedLoop(4)], plan=Plan(duration=600), processes=2,
    on_progress=lambda progress: print("measuring", flush=True),
)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_no_process_outlives_the_first_one(stub: Stub) -> None:
    program = [sys.executable, "-c", PROGRAM, stub.url]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"measuring\n"
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            others = [int(number) for number in file.read().split()]
        assert len(others) == 2
        process.kill()
    for other in others:
        until(lambda: not os.path.exists(f"/proc/{other}") or _is_zombie(other), "it goes on")  # noqa: B023


def _is_zombie(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
