"""Values, streams, files and tasks as targets, on a double of a Service."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_client.bench import ClosedLoop, OpenLoop, Plan, Progress, bench, bench_async
from bento_client.bench._target import kind_of
from bento_proto import ConnectError, File, NotFound, ServiceUnavailable
from bento_proto.testing import ServiceDouble

SHORT = Plan(warm_up=0.0, duration=0.3, window=0.1)


@pytest.fixture
def double() -> ServiceDouble:
    double = ServiceDouble("Shop")

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint
    def numbers(n: int) -> Iterator[int]:
        yield from range(n)

    @double.endpoint
    def upload(file: Path) -> int:
        return 1

    @double.endpoint
    def download() -> Path:
        return File(b"content", "a.txt")  # type: ignore[return-value]

    @double.task
    def train(steps: int) -> dict[str, int]:
        return {"steps": steps}

    return double


def run(double: ServiceDouble, endpoint: str, arguments: dict[str, Any], **options: Any) -> Any:
    return bench(AsyncHTTPClient(app=double, retries=0), endpoint, [((), arguments)], plan=SHORT, **options)


def test_a_value(double: ServiceDouble) -> None:
    report = run(double, "shout", {"text": "hi"}, loads=[ClosedLoop(2), OpenLoop(50)], objectives=["p99=60s"])
    for load in report.loads:
        assert load.calls > 0
        assert load.failed == load.first.count == 0
        assert load.met == {"p99=60s": True}
        assert load.good_per_second == load.calls_per_second
        assert load.received_per_second == pytest.approx(2 * load.calls_per_second)
        assert load.sent_per_second == pytest.approx(len('{"text":"hi"}') * load.calls_per_second)
    assert [load.load for load in report.loads] == ["2 at a time", "50/s poisson"]
    assert (report.endpoint, report.is_met) == ("shout", True)


def test_a_stream(double: ServiceDouble) -> None:
    load = run(double, "numbers", {"n": 5}).loads[0]
    assert load.first.count == load.calls
    assert load.gap.count == 4 * load.calls
    assert load.items_per_second == pytest.approx(5 * load.calls_per_second)


def test_files_go_up_and_those_that_come_down_are_removed(double: ServiceDouble, tmp_path: Path) -> None:
    assert run(double, "upload", {"file": File(b"x" * 1000, "a.txt")}).loads[0].sent_per_second > 1000
    client = AsyncHTTPClient(app=double, retries=0, download_dir=tmp_path)
    assert bench(client, "download", [((), {})], plan=SHORT).loads[0].calls > 0
    assert list(tmp_path.iterdir()) == []


def test_a_task_is_submitted_and_its_result_waited_for(double: ServiceDouble) -> None:
    load = run(double, "train", {"steps": 2}, poll=0.01).loads[0]
    assert load.calls > 0
    assert load.first.count == load.calls  # when it was accepted
    assert load.first.max <= load.latency.max


def test_what_can_not_work_is_raised_and_not_counted(double: ServiceDouble) -> None:
    with pytest.raises(NotFound, match="did you mean 'shout'"):
        run(double, "shot", {"text": "hi"})
    with pytest.raises(TypeError, match="txt"):
        run(double, "shout", {"txt": "hi"})
    with pytest.raises(ValueError, match="no inputs"):
        bench(AsyncHTTPClient(app=double), "shout", [])
    with pytest.raises(ValueError, match="an objective is"):
        run(double, "shout", {"text": "hi"}, objectives=["fast"])


def test_progress_is_told(double: ServiceDouble) -> None:
    seen: list[Progress] = []

    async def main() -> None:
        async with AsyncHTTPClient(app=double, retries=0) as client:
            plan = Plan(warm_up=0, duration=1.0)
            await bench_async(client, "shout", [(("hi",), {})], plan=plan, on_progress=seen.append)

    anyio.run(main)
    assert seen
    assert all((each.number, each.load) == (0, ClosedLoop(1)) for each in seen)
    assert seen[-1].elapsed >= seen[0].elapsed > 0


def test_errors_have_a_kind() -> None:
    assert kind_of(ConnectError("refused")) == "ConnectError"
    assert kind_of(ServiceUnavailable("not ready in time")) == "ServiceUnavailable"
    assert kind_of(ServiceUnavailable("busy", headers={"a": "b"})) == "ServiceUnavailable 503"
    assert kind_of(io.UnsupportedOperation("read")) == "UnsupportedOperation"
