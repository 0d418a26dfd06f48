"""A `Mapper` on Ray Data, Spark and joblib: see ``tools/engines.py``. For Dask and pools see ``test_pools.py``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from bento_client.batch import Mapper

from .counting import IMAGES, INPUTS, WORKERS, Service

pytestmark = pytest.mark.filterwarnings("ignore")  # of the engines' own


def engine(name: str) -> Any:
    """A module without types, of which the whole suite has no need."""
    pytest.importorskip(name.partition(".")[0], reason="it is for `python tools/engines.py`")
    return importlib.import_module(name)


@pytest.fixture
def doubled(service: Service) -> Mapper:
    return service.mapper(input={"x": "number"}, output="doubled")


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
def test_ray_functions(ray: Any, doubled: Mapper, service: Service, form: str) -> None:
    service.check(of_ray(numbers(ray).map_batches(doubled, batch_format=form)))


def test_ray_classes(ray: Any, doubled: Mapper, service: Service) -> None:
    class Doubled:
        def __call__(self, batch: Any) -> Any:
            return doubled(batch)

    service.check(of_ray(numbers(ray).map_batches(Doubled, concurrency=WORKERS)))


def test_ray_images(ray: Any, service: Service) -> None:
    numpy = engine("numpy")

    def image(number: int) -> Any:
        return numpy.full((64, 64, 3), list(number.to_bytes(3, "big")), numpy.uint8)

    images = ray.data.from_items([{"image": image(number)} for number in range(IMAGES)])
    rows = images.map_batches(service.mapper("number", output="number")).take_all()
    assert sorted(row["number"] for row in rows) == list(range(IMAGES))
    service.check_calls(IMAGES)


def test_ray_workers_die(ray: Any, doubled: Mapper, service: Service) -> None:
    service.kill()
    service.check(of_ray(numbers(ray).map_batches(doubled)))


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


def test_spark_maps(spark: Any, doubled: Mapper, service: Service) -> None:
    service.check(of_spark(spark_numbers(spark).mapInPandas(doubled, schema="number long, doubled long")))


def test_spark_functions(spark: Any, service: Service) -> None:
    pandas = engine("pandas")
    mapper = service.mapper()

    def double(numbers: Any) -> Any:
        return mapper(numbers)

    double.__annotations__.update({"numbers": pandas.Series, "return": pandas.Series})
    function = engine("pyspark.sql.functions").pandas_udf(double, "long")
    service.check(of_spark(spark_numbers(spark).withColumn("doubled", function("number"))))


def test_spark_workers_die(spark: Any, doubled: Mapper, service: Service) -> None:
    service.kill()
    service.check(of_spark(spark_numbers(spark).mapInPandas(doubled, schema="number long, doubled long")))


# --- joblib

PARTS = [range(start, min(start + 100, INPUTS)) for start in range(0, INPUTS, 100)]


def of_joblib(joblib: Any, mapper: Mapper) -> dict[int, int]:
    found = joblib.Parallel(n_jobs=WORKERS)(joblib.delayed(mapper)(part) for part in PARTS)
    return {
        number: result
        for part, results in zip(PARTS, found, strict=True)
        for number, result in zip(part, results, strict=True)
    }


def test_joblib(service: Service) -> None:
    service.check(of_joblib(engine("joblib"), service.mapper()))


def test_joblib_says_that_a_worker_died(service: Service) -> None:
    """It runs nothing again by itself."""
    joblib, errors = engine("joblib"), engine("joblib.externals.loky.process_executor")
    service.kill()
    with pytest.raises(errors.TerminatedWorkerError):
        of_joblib(joblib, service.mapper())
    service.check(of_joblib(joblib, service.mapper()), processes=2 * WORKERS)  # it stops the other one, too
