"""A `Mapper` on Dask and in pools of processes, which the environment of the tests has."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from .counting import INPUTS, WORKERS, Service

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of Dask's own
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed"),
]
PARTS = [range(start, min(start + 100, INPUTS)) for start in range(0, INPUTS, 100)]
SPAWN = multiprocessing.get_context("spawn")


def paired(results: dict[range, list[int]]) -> dict[int, int]:
    return {number: result for part in results for number, result in zip(part, results[part], strict=True)}


@pytest.fixture(scope="module")
def dask(environment: None) -> Iterator[Any]:
    distributed: Any = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
    )
    with cluster, distributed.Client(cluster):
        yield pytest.importorskip("dask.bag")


@pytest.mark.parametrize("kills", [False, True])
def test_dask(dask: Any, service: Service, kills: bool) -> None:
    if kills:
        service.kill()
    bag = dask.from_sequence(range(INPUTS), npartitions=20)
    found: list[int] = bag.map_partitions(service.mapper()).compute()
    service.check(dict(enumerate(found)))


def test_multiprocessing(service: Service) -> None:
    with SPAWN.Pool(WORKERS) as pool:
        found = pool.map(service.mapper(), PARTS)
    service.check(paired(dict(zip(PARTS, found, strict=True))))


def test_executors_say_that_a_process_died(service: Service) -> None:
    """They run nothing again by themselves: what has no result is for another executor."""
    service.kill()
    mapper, results = service.mapper(), dict[range, list[int]]()
    with ProcessPoolExecutor(WORKERS, SPAWN) as executor:
        futures = {part: executor.submit(mapper, part) for part in PARTS}
        with pytest.raises(BrokenProcessPool):
            for part, future in futures.items():
                results[part] = future.result()
    for part, future in futures.items():
        if future.exception() is None:
            results[part] = future.result()
    with ProcessPoolExecutor(1, SPAWN) as executor:
        results.update({part: executor.submit(mapper, part).result() for part in PARTS if part not in results})
    service.check(paired(results))
