"""Generated clients call real Services as any client does, and ask for no schema."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from bento_client.codegen import check, generate
from bento_proto import Service
from bento_sync import NotFound, SyncHTTPClient
from tests.servers import Servers

from .faces import Connect, Face
from .proxies import Stub, forward

Generated: TypeAlias = "Callable[..., Any]"
"""Makes a client of a class that was generated from the Service as it is, of the face under test."""


def module_of(name: str, service: Service) -> ModuleType:
    module = ModuleType(name)
    exec(compile(generate(service, name="Typed"), name, "exec"), vars(module))
    return module


@pytest.fixture(scope="session")
def modules(face: Face, servers: Servers) -> Callable[[str], ModuleType]:
    made: dict[str, ModuleType] = {}

    def module(service: str) -> ModuleType:
        if service not in made:
            with SyncHTTPClient(servers.url(service)) as client:
                made[service] = module_of(f"typed_{service.partition(':')[0]}", client.connect())
        return made[service]

    return module


@pytest.fixture
def typed(face: Face, modules: Callable[[str], ModuleType]) -> Iterator[Generated]:
    with ExitStack() as stack:

        def connect(service: str, url: str, **options: Any) -> Any:
            module = modules(service)
            if face.name == "sync":
                return stack.enter_context(module.Typed(url, **options))
            return stack.enter_context(face.client(url, client=module.AsyncTyped, **options))

        yield connect


@pytest.fixture
def zoo_client(typed: Generated, servers: Servers) -> Any:
    return typed("zoo:Zoo", servers.url("zoo:Zoo"))


def test_calls(zoo_client: Any, text_file: Path) -> None:
    assert zoo_client.add_int(1, b=3) == 4
    assert zoo_client.echo_str("ü") == "ü"
    assert zoo_client.root_model({"sku": "a"}) == {"sku": "a", "qty": 1, "note": None}
    assert zoo_client.file_in(text_file)["size"] == text_file.stat().st_size
    assert zoo_client.nd([[1, 2]]).tolist() == [[2, 4]]
    assert zoo_client.add_int.raw(1).status_code == 200
    with pytest.raises(TypeError, match="add_int"):
        zoo_client.add_int("1", 2, 3)
    with pytest.raises(AttributeError):
        _ = zoo_client.no_such_endpoint


def test_streams(zoo_client: Any) -> None:
    assert list(zoo_client.stream_model(n=2, delay=0)) == [{"i": 0, "text": "tök0"}, {"i": 1, "text": "tök1"}]
    assert [event.data for event in zoo_client.stream_sse_fast.events(2)] == ["0", "1"]


def test_names_of_the_client_itself(zoo_client: Any) -> None:
    assert zoo_client.api_request("x") == "endpoint request x"
    assert zoo_client.api__private() == "endpoint _private"
    assert zoo_client.path_param_route(3, user_id="me") == {"n": 3, "path": {"user_id": "me"}}


def test_results_have_the_fields_that_the_models_have(zoo_client: Any, modules: Callable[[str], ModuleType]) -> None:
    """A field with a default is always there in a result, so that its type need not say that it may be missing."""
    module = modules("zoo:Zoo")
    order = {"id": 1, "items": [{"sku": "a"}], "ship_to": {"street": "s"}}
    receipt = zoo_client.order(order=order)
    assert receipt.keys() == module.Receipt.__annotations__.keys()
    assert receipt["order"].keys() == module.Order.__annotations__.keys()
    assert receipt["order"]["items"][0].keys() == module.Item.__annotations__.keys()
    assert zoo_client.order(receipt["order"]) == receipt
    assert [item.keys() for item in zoo_client.items_in_out([{"sku": "a"}])] == [module.Item.__annotations__.keys()]
    assert next(iter(zoo_client.stream_model())).keys() == module.Token.__annotations__.keys()


def test_tasks(typed: Generated, servers: Servers) -> None:
    client = typed("tasks:ZooTasks", servers.url("tasks:ZooTasks"))
    task = client.str_task.submit("x")
    assert task.result(timeout=20) == "X"
    assert client.str_task.task(task.id).get() == "X"


def test_options_and_the_rest_of_a_client(zoo_client: Any, servers: Servers) -> None:
    assert zoo_client.is_ready()
    assert zoo_client.url == servers.url("zoo:Zoo")
    assert zoo_client.with_options(timeout=5).add_int(1) == 3
    assert zoo_client.call("add_int", 1) == 3
    with pytest.raises(NotFound):
        zoo_client.call("no_such_endpoint")
    assert "add_int" in dir(zoo_client)


def test_no_schema_is_asked_for(typed: Generated, servers: Servers) -> None:
    with Stub(partial(forward, servers.server("zoo:Zoo").port)) as gateway:
        client = typed("zoo:Zoo", gateway.url)
        assert client.add_int(1) == 3
        assert gateway.targets() == ["/readyz", "/add_int"]
        eager = typed("zoo:Zoo", gateway.url, server_ready_timeout=0)
        assert eager.add_int(1) == 3
        assert gateway.targets()[2:] == ["/add_int"]


def test_a_typed_client_travels(face: Face, zoo_client: Any, modules: Callable[[str], ModuleType]) -> None:
    module = modules("zoo:Zoo")
    client = zoo_client if face.name == "sync" else zoo_client._client
    sys.modules[module.__name__] = module
    try:
        there = pickle.loads(pickle.dumps(client))
    finally:
        del sys.modules[module.__name__]
    assert type(there) is type(client)
    assert there.endpoints.keys() == client.endpoints.keys()
    if face.name == "sync":
        assert there.add_int(1) == 3
        there.close()


def test_what_a_service_says_now_fits(connect: Connect, servers: Servers) -> None:
    service = connect(servers.url("readme:Readme")).connect()
    text = generate(service)
    assert check(service, text) == []
    assert check(connect(servers.url("documented:Documented")).connect(), text)[0].endswith("the endpoint is gone")
