"""Batches beyond one process: clients, views and errors travel to the workers of a Dask cluster and back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from bento_client.batch import Mapper
from bento_proto import InvalidArgument
from bento_sync import SyncHTTPClient
from tests.servers import Servers

distributed: Any = pytest.importorskip("distributed")
bag: Any = pytest.importorskip("dask.bag")


def called(texts: Iterable[object], client: SyncHTTPClient) -> list[tuple[str, int]]:
    """What a worker does with a partition: the client arrived pickled, and connects here."""
    with client:
        return [(text, os.getpid()) for text in client.map("echo_str", texts, concurrency=4)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
        ) as local,
        distributed.Client(local) as scheduler,
    ):
        yield scheduler


@pytest.mark.filterwarnings("ignore")  # of Dask's own
def test_partitions(cluster: object, servers: Servers) -> None:
    client = SyncHTTPClient(servers.url("zoo:Zoo")).with_options(timeout=20)
    assert client.connect().name == "Zoo"  # so that the schema travels too
    texts = bag.from_sequence([f"text {number}" for number in range(40)], npartitions=4)
    results = texts.map_partitions(called, client).compute()
    assert [text for text, _ in results] == [f"text {number}" for number in range(40)]
    processes = {process for _, process in results}
    assert os.getpid() not in processes
    client.close()


@pytest.mark.filterwarnings("ignore")
def test_errors_come_back(cluster: object, servers: Servers) -> None:

    client = SyncHTTPClient(servers.url("zoo:Zoo"))
    wrong = bag.from_sequence([{"text": 7}], npartitions=1)
    with pytest.raises(InvalidArgument, match="Input should be a valid string") as caught:
        wrong.map_partitions(called, client).compute()
    assert (caught.value.error_code, bool(caught.value.request_id)) == (400, True)
    client.close()


@pytest.mark.filterwarnings("ignore")
def test_the_guide_on_a_bag(cluster: object, servers: Servers) -> None:
    client = SyncHTTPClient(servers.url("zoo:Zoo"))
    client.connect()
    echo = Mapper(client, "echo_str", concurrency=16)
    texts = bag.from_sequence([f"text {number}" for number in range(40)], npartitions=8)
    assert texts.map_partitions(echo).compute() == [f"text {number}" for number in range(40)]
    client.close()


@pytest.mark.filterwarnings("ignore")
def test_the_guide_on_a_frame(cluster: object, servers: Servers) -> None:
    pytest.importorskip("pyarrow")
    frames: Any = pytest.importorskip("dask.dataframe")
    import pandas as pd

    client = SyncHTTPClient(servers.url("zoo:Zoo"))
    client.connect()
    echo = Mapper(client, "echo_str", input="text", output="echo", concurrency=16)
    frame = pd.DataFrame({"text": [f"text {number}" for number in range(40)]})
    found = frames.from_pandas(frame, npartitions=4).map_partitions(echo, meta={"text": "str", "echo": "str"}).compute()
    assert found["echo"].tolist() == frame["text"].tolist()
    client.close()
