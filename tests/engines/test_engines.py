"""A `Mapper` on Ray Data, Spark and joblib: see ``tools/engines.py``. For Dask see ``tests/parity/test_dask.py``.

``ENGINE_INPUTS`` and ``ENGINE_IMAGES`` are how many there are.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bento_client.batch import Mapper
from bento_sync import SyncHTTPClient
from tests.parity.proxies import Asked, Piece, Stub, endpoint, reply, routes, schema

INPUTS = int(os.environ.get("ENGINE_INPUTS", "2000"))
IMAGES = int(os.environ.get("ENGINE_IMAGES", "50"))
CONCURRENCY = 4
WORKERS = 2
INTEGER = {"type": "integer"}
SCHEMA: Any = schema(
    endpoint("double", input={"properties": {"x": INTEGER}, "required": ["x"]}, output=INTEGER),
    endpoint(
        "size",
        input={"properties": {"image": {"type": "file", "format": "image"}}, "required": ["image"]},
        output=INTEGER,
    ),
)
pytestmark = pytest.mark.filterwarnings("ignore")  # of the engines' own


def engine(name: str) -> Any:
    """A module without types, of which the whole suite has no need."""
    pytest.importorskip(name.partition(".")[0], reason="it is for `python tools/engines.py`")
    return importlib.import_module(name)


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """The processes of the engines run this Python, and find the tests."""
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        yield


class Service:
    """It doubles numbers, and notes how often it was asked for each."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self._lock = threading.Lock()

    def double(self, asked: Asked) -> Piece:
        number = int(json.loads(asked.body)["x"])
        with self._lock:
            self.asked[number] += 1
        return reply(2 * number)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def stub(service: Service) -> Iterator[Stub]:
    size = reply(1)
    with Stub(
        routes({"/double": service.double, "/size": lambda asked: size if b"PNG" in asked.body else reply(0)})
    ) as stub:
        yield stub


@pytest.fixture
def doubled(stub: Stub) -> Mapper:
    client = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0)
    return Mapper(client, "double", input={"x": "number"}, output="doubled", concurrency=CONCURRENCY)


def check(found: dict[int, int], service: Service) -> None:
    """Each input has its result, and was called once."""
    assert found == {number: 2 * number for number in range(INPUTS)}
    assert set(service.asked.values()) == {1}
    assert len(service.asked) == INPUTS


def check_connections(stub: Stub, processes: int = WORKERS) -> None:
    """Each process has one client, whose connections serve all of its calls."""
    assert stub.connections <= processes * 2 * CONCURRENCY


class Dying:
    """A step whose first process is killed when its calls have been made, and their results are lost.

    Args:
        mapper: makes the calls.
        note: a file that is there once it has been killed.
    """

    def __init__(self, mapper: Mapper, note: Path) -> None:
        self._mapper = mapper
        self._note = note

    def __call__(self, data: Any) -> Any:
        results = self._mapper(data)
        try:
            self._note.touch(exist_ok=False)
        except FileExistsError:
            return results
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def check_dying(found: dict[int, int], service: Service) -> None:
    """Each input has its result; what the process that died had called was called again."""
    assert found == {number: 2 * number for number in range(INPUTS)}
    assert set(service.asked.values()) == {1, 2}


# --- Ray Data


@pytest.fixture(scope="module")
def ray(environment: None) -> Iterator[Any]:
    ray = engine("ray")
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, object_store_memory=200_000_000)
    engine("ray.data").DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


def numbers(ray: Any) -> Any:
    return ray.data.from_items([{"number": number} for number in range(INPUTS)], override_num_blocks=10)


def of_ray(dataset: Any) -> dict[int, int]:
    return {row["number"]: row["doubled"] for row in dataset.take_all()}


@pytest.mark.parametrize("form", ["default", "numpy", "pandas", "pyarrow"])
def test_ray_functions(ray: Any, doubled: Mapper, service: Service, stub: Stub, form: str) -> None:
    check(of_ray(numbers(ray).map_batches(doubled, batch_format=form)), service)
    check_connections(stub)


def test_ray_classes(ray: Any, doubled: Mapper, service: Service, stub: Stub) -> None:
    class Doubled:
        def __call__(self, batch: Any) -> Any:
            return doubled(batch)

    check(of_ray(numbers(ray).map_batches(Doubled, concurrency=WORKERS)), service)
    check_connections(stub)


def test_ray_images(ray: Any, stub: Stub) -> None:
    numpy = engine("numpy")
    client = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0)
    images = ray.data.from_items([{"image": numpy.zeros((8, 8, 3), numpy.uint8)} for _ in range(IMAGES)])
    rows = images.map_batches(Mapper(client, "size", output="size", concurrency=CONCURRENCY)).take_all()
    assert [row["size"] for row in rows] == [1] * IMAGES


def test_ray_workers_die(ray: Any, doubled: Mapper, service: Service, tmp_path: Path) -> None:
    check_dying(of_ray(numbers(ray).map_batches(Dying(doubled, tmp_path / "died"))), service)


# --- Spark


@pytest.fixture(scope="module")
def spark(environment: None) -> Iterator[Any]:
    sql = engine("pyspark.sql")
    builder = sql.SparkSession.builder.master(f"local[{WORKERS},4]")  # a task may fail three times
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "512m",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def of_spark(frame: Any) -> dict[int, int]:
    return {row["number"]: row["doubled"] for row in frame.collect()}


def spark_numbers(spark: Any) -> Any:
    return spark.range(INPUTS, numPartitions=8).withColumnRenamed("id", "number")


def test_spark_maps(spark: Any, doubled: Mapper, service: Service, stub: Stub) -> None:
    frame = spark_numbers(spark).mapInPandas(doubled, schema="number long, doubled long")
    check(of_spark(frame), service)
    check_connections(stub, 8)  # a process may be another for each partition


def test_spark_functions(spark: Any, stub: Stub, service: Service) -> None:
    pandas = engine("pandas")
    client = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0)
    mapper = Mapper(client, "double", concurrency=CONCURRENCY)

    def double(numbers: Any) -> Any:
        return mapper(numbers)

    double.__annotations__.update({"numbers": pandas.Series, "return": pandas.Series})
    function = engine("pyspark.sql.functions").pandas_udf(double, "long")
    check(of_spark(spark_numbers(spark).withColumn("doubled", function("number"))), service)


def test_spark_workers_die(spark: Any, doubled: Mapper, service: Service, tmp_path: Path) -> None:
    step = Dying(doubled, tmp_path / "died")

    def double(frames: Iterator[Any]) -> Iterator[Any]:
        for frame in frames:
            yield step(frame)

    frame = spark_numbers(spark).mapInPandas(double, schema="number long, doubled long")
    check_dying(of_spark(frame), service)


# --- joblib


def test_joblib(stub: Stub, service: Service) -> None:
    joblib = engine("joblib")
    client = SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0)
    mapper = Mapper(client, "double", concurrency=CONCURRENCY)
    parts = [range(start, min(start + 100, INPUTS)) for start in range(0, INPUTS, 100)]
    found = joblib.Parallel(n_jobs=WORKERS)(joblib.delayed(mapper)(part) for part in parts)
    check(
        {
            number: result
            for part, results in zip(parts, found, strict=True)
            for number, result in zip(part, results, strict=True)
        },
        service,
    )
    check_connections(stub)
