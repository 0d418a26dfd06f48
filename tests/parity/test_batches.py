"""Many calls of one endpoint: in order or not, with errors, endless, left early, and in little memory."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bento_async import AsyncHTTPClient
from bento_proto import ConnectError, InvalidArgument, Progress, RetryPolicy, UnprocessableEntity
from bento_proto.batch import Outcome
from bento_sync import SyncHTTPClient
from bento_sync._batch import Stop, Stopped
from tests.waiting import HANGS, until

from .faces import Connect
from .proxies import Asked, Piece, Stub, endpoint, reply, routes, schema

NUMBER: Any = schema(
    endpoint("f", input={"properties": {"x": {"type": "integer"}}, "required": ["x"]}, output={"type": "integer"})
)


def number_of(asked: Asked) -> int:
    return int(asked.body.decode().partition(":")[2].strip(" }"))


class Midway(socket.socket):
    """A socket that is noted just when its batch is dropped, as when the garbage collector comes in the midst."""

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def __hash__(self) -> int:
        self._stop.set()
        return super().__hash__()


def test_calls_are_stopped_while_one_is_noted() -> None:
    stop = Stop()

    def watch(sock: socket.socket) -> None:
        with pytest.raises(Stopped):
            stop.watch(sock)

    with Midway(stop) as sock:
        watching = threading.Thread(target=watch, args=(sock,), daemon=True)
        watching.start()
        watching.join(10)
        assert not watching.is_alive()
    assert stop.is_set


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("bento-batch")]


def wait_until_gone() -> None:
    """Wait until no thread of a batch is left."""
    until(lambda: not threads(), "a thread of a batch stays")


# --- results


def test_results_in_order(zoo: SyncHTTPClient) -> None:
    texts = [f"text {number}" for number in range(50)]
    assert list(zoo.map("echo_str", texts)) == list(zoo.echo_str.map(iter(texts), concurrency=3)) == texts
    assert list(zoo.map(zoo.with_options(timeout=20).echo_str, texts, concurrency=100)) == texts
    assert list(zoo.map("echo_str", [])) == []


def test_what_an_input_stands_for(zoo: SyncHTTPClient) -> None:
    given: list[Any] = ["a", ("b",), {"text": "c"}]
    assert list(zoo.map("echo_str", given)) == ["a", "b", "c"]


def test_results_as_they_arrive_with_their_inputs(connect: Connect) -> None:
    def answer(asked: Asked) -> Piece:
        number = number_of(asked)
        if number == 0:
            others.wait(10)
        return reply(-number)

    others = threading.Event()
    with Stub(routes({"/f": answer})) as stub:
        client = connect(stub.url, schema=NUMBER)
        outcomes: list[Outcome[int]] = []
        for outcome in client.map("f", range(8), ordered=False).outcomes():
            outcomes.append(outcome)
            if len(outcomes) == 7:
                others.set()
        ordered = list(client.f.map(range(8)).outcomes())
    assert outcomes[-1].number == 0
    outcomes.sort(key=lambda outcome: outcome.number)
    for found in (outcomes, ordered):
        assert [(each.number, each.input, each.result) for each in found] == [(n, n, -n) for n in range(8)]


def test_only_so_many_at_a_time_and_so_many_ahead(connect: Connect) -> None:
    lock, now, most, taken = threading.Lock(), 0, 0, 0

    def answer(asked: Asked) -> Piece:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return reply(number_of(asked))

    def endless() -> Iterator[int]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield number

    with Stub(routes({"/f": answer})) as stub:
        client = connect(stub.url, schema=NUMBER)
        with client.map("f", endless(), concurrency=3) as batch:
            for expected, number in zip(range(40), batch, strict=False):
                assert number == expected
                assert taken <= expected + 1 + 6
            time.sleep(0.1)
            assert taken <= 41 + 6, "it goes on though nobody asks"
    assert most == 3


def test_nothing_happens_before_a_result_is_asked_for(connect: Connect) -> None:
    with Stub(routes({"/f": reply(1)})) as stub:
        batch = connect(stub.url, schema=NUMBER, server_ready_timeout=0).map("f", itertools.count())
        time.sleep(0.1)
        assert stub.asked == []
        assert next(batch) == 1
        batch.close()


# --- errors


def test_an_error_is_raised_in_its_turn(connect: Connect) -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield number

    def answer(asked: Asked) -> Piece:
        number = number_of(asked)
        if number == 0:
            time.sleep(0.2)
        return reply({"error": "no"}, 422) if number == 3 else reply(number)

    with Stub(routes({"/f": answer})) as stub:
        client = connect(stub.url, schema=NUMBER)
        batch = client.map("f", endless())
        assert [next(batch), next(batch), next(batch)] == [0, 1, 2]
        with pytest.raises(UnprocessableEntity, match="no"):
            next(batch)
        assert list(batch) == []
        started = taken
        time.sleep(0.1)
        assert taken == started < 40, "it goes on"
    assert stub.targets().count("/f") <= taken
    wait_until_gone()


def test_what_a_batch_says_of_itself() -> None:
    async def of_the_async_client() -> str:
        async with AsyncHTTPClient(stub.url, schema=NUMBER, server_ready_timeout=0) as client:
            await client.connect()
            return repr(client.map("f", [1, 2]))

    with Stub(routes({})) as stub:
        with SyncHTTPClient(stub.url, schema=NUMBER, server_ready_timeout=0) as client:
            assert repr(client.map("f", [1, 2])).endswith("0 of 2 calls done; iterate over it>")
        assert asyncio.run(of_the_async_client()).endswith("0 of 2 calls done; iterate over it with async for>")


def test_errors_in_place_and_left_out(zoo: SyncHTTPClient) -> None:
    given: list[Any] = ["a", {"text": 7}, {"nothing": 1}, "b"]
    first, wrong, unknown, last = zoo.map("echo_str", given, on_error="return")
    assert (first, type(wrong), type(unknown), last) == ("a", InvalidArgument, TypeError, "b")
    assert list(zoo.map("echo_str", given, on_error="skip")) == ["a", "b"]
    outcomes = list(zoo.map("echo_str", given, on_error="return").outcomes())
    assert [type(outcome.error) for outcome in outcomes] == [type(None), InvalidArgument, TypeError, type(None)]
    assert outcomes[1].input == {"text": 7}


def test_inputs_that_break_off(zoo: SyncHTTPClient) -> None:
    def inputs() -> Iterator[str]:
        yield "a"
        raise RuntimeError("no more")

    for on_error in ("raise", "skip"):
        batch = zoo.map("echo_str", inputs(), on_error=on_error)
        assert next(batch) == "a"
        with pytest.raises(RuntimeError, match="no more"):
            next(batch)


def test_what_can_not_be_mapped(zoo: SyncHTTPClient) -> None:
    with pytest.raises(TypeError, match=r"stream_int\(\) is a stream"):
        zoo.stream_int.map([1])
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        zoo.map("echo_str", [], concurrency=0)
    with pytest.raises(TypeError, match="not iterable"):
        zoo.map("echo_str", 7)  # type: ignore[arg-type]


def test_a_server_that_is_not_there(connect: Connect) -> None:
    client = connect("http://127.0.0.1:1", schema=NUMBER, retries=0, server_ready_timeout=0)
    errors = list(client.map("f", range(20), on_error="return"))
    assert {type(error) for error in errors} == {ConnectError}
    assert len(errors) == 20


# --- progress


def test_progress(zoo: SyncHTTPClient) -> None:
    told: list[Progress] = []
    assert len(list(zoo.map("echo_str", ["a"] * 20, on_progress=told.append))) == 20
    assert (told[0], told[-1]) == (Progress(0, 20, "batch"), Progress(20, 20, "batch"))
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    told.clear()
    assert len(list(zoo.map("echo_str", iter(["a"] * 20), on_progress=told.append))) == 20
    assert (told[0], told[-1]) == (Progress(0, None, "batch"), Progress(20, 20, "batch"))


# --- the end


@pytest.mark.parametrize("how", ["with", "close", "drop"])
def test_leaving_early_stops_what_is_under_way(connect: Connect, how: str) -> None:
    release = threading.Event()
    waited: list[int] = []

    def answer(asked: Asked) -> Piece:
        if number_of(asked) and not release.is_set():
            release.wait(HANGS)
            waited.append(number_of(asked))
        return reply(number_of(asked))

    with Stub(routes({"/f": answer})) as stub:
        client = connect(stub.url, schema=NUMBER, timeout=2 * HANGS)
        batch = client.map("f", itertools.count(), concurrency=4)
        assert next(batch) == 0
        if how == "with":
            with batch:
                pass
        elif how == "close":
            batch.close()
        else:
            del batch
            gc.collect()
        wait_until_gone()
        assert waited == [], "it waited for the server"
        release.set()
        assert list(client.map("f", range(20), concurrency=4)) == list(range(20)), "places were lost"


def test_waits_between_attempts_are_left_too(connect: Connect) -> None:
    with Stub(routes({"/f": reply({"error": ""}, 503, {"retry-after": "600"})})) as stub:
        client = connect(stub.url, schema=NUMBER, retries=RetryPolicy(max_retry_after=3600))
        begun = time.monotonic()
        with client.map("f", itertools.count()) as batch, ThreadPoolExecutor() as pool:
            pool.submit(next, batch)
            until(lambda: stub.asked)
            batch.close()
        assert time.monotonic() - begun < 2 * HANGS
        wait_until_gone()


def test_a_thousand_inputs_in_the_memory_of_a_few(connect: Connect) -> None:
    size, count = 10_000, 1000

    def inputs() -> Iterator[dict[str, object]]:
        for number in range(count):
            yield {"x": number, "pad": "x" * size}

    given: Any = schema(endpoint("g", input={"properties": {"x": {}, "pad": {}}}, output={}))
    with Stub(lambda asked: reply({"got": "y" * size})) as stub:
        client = connect(stub.url, schema=given, server_ready_timeout=0)
        for ordered in (True, False):
            batch = client.map("g", inputs(), ordered=ordered)
            assert next(batch) == {"got": "y" * size}
            stub.asked.clear()
            tracemalloc.start()
            try:
                seen = 1
                for _ in batch:
                    seen += 1
                    stub.asked.clear()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert seen == count
            assert peak < 100 * size * 2, "it grows with the inputs"
