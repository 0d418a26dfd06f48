"""One function for engines: what each of them calls it with, and one client in each process."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bento_client.batch import Mapper
from bento_proto import LimitExceeded, Limits, UnprocessableEntity
from bento_sync import SyncHTTPClient
from tests.waiting import until

from .proxies import Answer, Asked, Piece, Stub, endpoint, reply, routes, schema

INTEGER = {"type": "integer"}
SCHEMA: Any = schema(
    endpoint(
        "f", input={"properties": {"x": INTEGER, "y": {**INTEGER, "default": 0}}, "required": ["x"]}, output=INTEGER
    ),
    endpoint("width", input={"properties": {"i": {"type": "file", "format": "image"}}}, output=INTEGER),
    endpoint("picture", input={"properties": {"x": INTEGER}}, output={"type": "file", "format": "binary"}),
)


def answer(asked: Asked) -> Piece:
    given = json.loads(asked.body)
    if given["x"] == 7:
        return reply({"error": "no sevens"}, 422)
    return reply(2 * given["x"] + given.get("y", 0))


def width(asked: Asked) -> Piece:
    content = asked.body[asked.body.find(b"\r\n\r\n") + 4 : asked.body.rfind(b"\r\n--")]
    with Image.open(io.BytesIO(content)) as image:
        return reply(image.width)


@pytest.fixture
def stub() -> Iterator[Stub]:
    picture = reply(b"GIF", headers={"content-type": "image/gif"})
    answers: dict[str, Answer | Piece] = {"/f": answer, "/picture": picture, "/width": width}
    with Stub(routes(answers)) as stub:
        yield stub


@pytest.fixture
def client(stub: Stub) -> Iterator[SyncHTTPClient]:
    with SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0) as client:
        yield client


def test_a_partition_of_a_bag(client: SyncHTTPClient) -> None:
    double = Mapper(client, "f")
    assert double(range(3)) == double(iter(range(3))) == [0, 2, 4]
    assert double([{"x": 1, "y": 5}, 2]) == [7, 4]
    assert double([]) == []
    assert list(double(iter([]))) == []
    assert Mapper(client, "f", input="x")([{"x": 1, "z": 5}]) == [2]
    assert Mapper(client, "f", input={"x": "a", "y": "b"})([{"a": 1, "b": 5, "c": 6}]) == [7]
    assert repr(double) == "<Mapper f>"


def test_a_frame(client: SyncHTTPClient) -> None:
    frame = pd.DataFrame({"x": [1, 2], "other": ["a", "b"]}, index=[10, 20])
    found = Mapper(client, "f", input="x", output="double")(frame)
    assert list(found.columns) == ["x", "other", "double"]
    assert found["double"].to_dict() == {10: 2, 20: 4}
    found = Mapper(client, "f", input={"x": "x", "y": "z"})(pd.DataFrame({"x": [1], "z": [9]}))
    assert found["result"].tolist() == [11]
    assert Mapper(client, "f")(pd.DataFrame({"x": [3]}))["result"].tolist() == [6]
    assert Mapper(client, "f", input="x")(frame[:0])["result"].tolist() == []


def test_what_spark_calls_it_with(client: SyncHTTPClient) -> None:
    frames = iter([pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [3]})])
    found = Mapper(client, "f", input="x")(frames)
    assert [frame["result"].tolist() for frame in found] == [[2, 4], [6]]
    series = Mapper(client, "f")(pd.Series([1, 2], index=[5, 6]))
    assert series.to_dict() == {5: 2, 6: 4}
    several = Mapper(client, "f")(iter([pd.Series([1]), pd.Series([2])]))
    assert [each.tolist() for each in several] == [[2], [4]]


def test_what_ray_calls_it_with(client: SyncHTTPClient) -> None:
    found = Mapper(client, "f", input="x", output="double")({"x": np.array([1, 2]), "name": np.array(["a", "b"])})
    assert list(found) == ["x", "name", "double"]
    assert found["double"].dtype.kind == "i"
    assert found["double"].tolist() == [2, 4]
    pictures = Mapper(client, "picture")({"x": np.array([1, 2])})["result"]
    assert (pictures.dtype, list(pictures)) == (object, [b"GIF", b"GIF"])
    assert Mapper(client, "picture", content=False)([1])[0].read_bytes() == b"GIF"


def test_files_as_bytes_have_the_limit_of_results_in_memory(stub: Stub) -> None:
    def mapper(body: int, **options: Any) -> Mapper:
        client = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0, limits=Limits(body=body))
        return Mapper(client, "picture", **options)

    assert mapper(3)([1, 2]) == [b"GIF", b"GIF"]
    with pytest.raises(LimitExceeded, match=r"a file of 3 bytes, more than the 2 of Limits\.body: content=False"):
        mapper(2)([1, 2])
    assert mapper(2, on_error="return")([1, 2]) == [None, None]
    assert [path.read_bytes() for path in mapper(2, content=False)([1, 2])] == [b"GIF", b"GIF"]


def test_nothing_is_left_of_files_as_bytes(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bento_files._temporary._directories", {})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0, limits=Limits(body=2))
    assert Mapper(client, "picture", on_error="return")(range(20)) == [None] * 20
    with pytest.raises(LimitExceeded):
        Mapper(client, "picture")(range(20))
    (own,) = tmp_path.iterdir()  # the directory of the process
    assert [path.name for path in own.iterdir() if path.name != ".lock"] == []


def test_arrays_are_images(client: SyncHTTPClient) -> None:
    images = [np.zeros((4, width, 3), np.uint8) for width in (5, 6)]
    assert list(Mapper(client, "width")({"i": images})["result"]) == [5, 6]
    assert Mapper(client, "width")(images) == [5, 6]
    assert Mapper(client, "width")([Image.fromarray(image) for image in images]) == [5, 6]


def test_errors(client: SyncHTTPClient) -> None:
    with pytest.raises(UnprocessableEntity, match="no sevens"):
        Mapper(client, "f")([6, 7, 8])
    assert Mapper(client, "f", on_error="return")([6, 7, 8]) == [12, None, 16]
    with pytest.raises(ValueError, match="on_error can be"):
        Mapper(client, "f", on_error="skip")  # type: ignore[arg-type]


def test_copies_share_the_client_of_their_process(client: SyncHTTPClient, stub: Stub) -> None:
    mapper = Mapper(client, "f", concurrency=2)
    client.close()  # it was the model only
    copies: list[Mapper] = [pickle.loads(pickle.dumps(mapper)) for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert [done.result() for done in [pool.submit(copy, [1, 2]) for copy in copies]] == [[2, 4]] * 20
    assert len({id(copy.client) for copy in copies}) == 1
    assert stub.connections <= 16


def test_a_process_keeps_few_clients(stub: Stub) -> None:
    """Workers of engines live long, and each job comes with a client of its own."""
    model = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0)
    mappers = [Mapper(model.with_options(headers={"job": str(job)}), "f", concurrency=1) for job in range(50)]
    for mapper in mappers:
        assert mapper([1, 2]) == [2, 4]
    until(lambda: stub.open <= 16)
    first, last = mappers[0].client, mappers[-1].client
    assert last is mappers[-1].client
    for mapper in mappers[1:]:
        mapper([1])
    assert mappers[0].client is not first
    assert first.f(1) == 2  # whoever has it can use it
    first.close()


def processed(mapper: Mapper, numbers: list[int]) -> tuple[int, int, Any]:
    return os.getpid(), id(mapper.client), mapper(numbers)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process")  # is multi-threaded, as a parent may be
def test_processes_of_a_pool(client: SyncHTTPClient, stub: Stub, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("the system can't")
    mapper = Mapper(client, "f")
    assert mapper([1]) == [2]  # so that the parent has a client, which no child may use
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(processed, [(mapper, [number]) for number in range(10, 30)])
    assert [results for _, _, results in found] == [[2 * number] for number in range(10, 30)]
    assert os.getpid() not in {process for process, _, _ in found}
    assert len({(process, number) for process, number, _ in found}) == len({process for process, _, _ in found})
