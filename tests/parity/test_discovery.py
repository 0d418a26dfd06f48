"""How a Service is found and what its schema becomes: endpoints, methods with signatures and docstrings, names."""

from __future__ import annotations

import inspect
import json
import socket
from functools import partial
from typing import Any

import pytest

from bento_proto import (
    CallTimeout,
    InternalServerError,
    NotFound,
    RemoteProtocolError,
    ResultStatus,
    SchemaError,
    Service,
    Unauthorized,
)
from bento_proto.schema import parse_service
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect
from .proxies import Stub, endpoint, forward, reply, routes, schema

SIGNATURES = {
    "echo_str": "(text: str) -> str",
    "add_int": "(a: int, b: int = 2) -> int",
    "half": "(x: float) -> float",
    "negate": "(flag: bool) -> bool",
    "nothing": "() -> None",
    "none_arg": "(value: None = None) -> str",
    "untyped": "(x: object, y: object = 3) -> object",
    "bytes_in": "(data: bytes) -> int",
    "aliased": "(outerName: int = 5) -> int",
    "keyword_only": "(a: int, b: str = 'x') -> str",
    "varargs": "(*args: int) -> dict[str, object]",
    "varkw": "(**kwargs: object) -> dict[str, object]",
    "mixed_args": "(a: int, *args: int, k: int = 1, **kwargs: object) -> dict[str, object]",
    "echo_list": "(items: list[int]) -> list[int]",
    "echo_tuple": "(pair: list[object]) -> list[object]",
    "order": "(order: dict[str, object]) -> dict[str, object]",
    "optional_str_out": "(want: bool = True) -> str | None",
    "file_and_json": "(f: pathlib.Path, name: str, n: int = 1, flag: bool = False, "
    "item: dict[str, object] | None = None, tags: list[str] = []) -> dict[str, object]",
    "file_list_optional": "(files: list[pathlib.Path] | None = None, name: str = 'x') -> dict[str, object]",
    "image_roundtrip": "(img: PIL.Image.Image) -> PIL.Image.Image",
    "optional_image_out": "(want: bool = True) -> PIL.Image.Image | None",
    "nd_list": "(arrays: list[numpy.ndarray]) -> dict[str, numpy.ndarray]",
    "df": "(df: pandas.DataFrame) -> pandas.DataFrame",
    "root_str": "(value: str, /) -> str",
    "root_optional": "(value: int | None, /) -> str",
    "stream_dict": "(n: int = 3, delay: float = 0.05) -> collections.abc.Iterator[dict[str, object]]",
    "stream_bytes": "(n: int = 3, size: int = 4, delay: float = 0.05) -> collections.abc.Iterator[bytes]",
    "stream_untyped": "(n: int = 3) -> collections.abc.Iterator[str]",
    "with_input_spec": "(prompt: str, temperature: float = 0.5) -> str",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_method_has_the_signature_of_the_endpoint(zoo: SyncHTTPClient, name: str) -> None:
    shown = str(inspect.signature(getattr(zoo, name)))
    # Where a class is defined differs: Path before and in Python 3.13, DataFrame before and in pandas 3.
    for defined, public in (("pathlib._local.", "pathlib."), ("pandas.core.frame.", "pandas.")):
        shown = shown.replace(defined, public)
    assert shown == SIGNATURES[name]


def test_the_endpoints_are_what_the_schema_lists(zoo: SyncHTTPClient) -> None:
    document: Any = zoo.request("GET", "/schema.json").json()
    assert list(zoo.endpoints) == [route["name"] for route in document["routes"]]
    for route in document["routes"]:
        found = zoo.endpoints[route["name"]]
        assert (found.route, found.is_task, found.batchable) == (route["route"], route["is_task"], route["batchable"])
        assert found.output.schema == route["output"]
        assert found.root_input == route["input"].get("root_input", False)
        if not found.root_input:
            assert {p.name: p.schema for p in found.parameters} == route["input"]["properties"]
            assert [p.name for p in found.parameters if p.required] == route["input"].get("required", [])
    assert zoo.endpoints["batch_list"].batchable
    assert zoo.endpoints["stream_int"].output.is_stream


def test_the_endpoints_of_tasks_are_marked(tasks: SyncHTTPClient) -> None:
    assert [name for name, found in tasks.endpoints.items() if not found.is_task] == ["plain_api"]
    assert "submit" in str(tasks.json_task.__doc__)


def test_a_method_says_what_it_is(zoo: SyncHTTPClient) -> None:
    assert zoo.add_int.__name__ == zoo.add_int.__qualname__ == "add_int"
    assert zoo.add_int.endpoint == zoo.endpoints["add_int"]
    assert (
        repr(zoo.add_int).removeprefix("<Async").removeprefix("<")
        == "EndpointMethod add_int(a: int, b: int | None = 2) -> int>"
    )
    lines = str(inspect.getdoc(zoo.add_int)).splitlines()
    assert lines[0] == "Call the endpoint ``add_int`` of the Service."
    assert {"Args:", "    a (int, required)", "    b (int | None, default 2)"} <= {*lines}
    said = "temperature (float | None, default 0.7, at least 0, at most 2): sampling temperature"
    assert said in str(zoo.defaults.__doc__)
    assert "audio/mp3" in str(zoo.audio_in.__doc__)


def test_completion_shows_each_endpoint_once_by_the_name_that_reaches_it(zoo: SyncHTTPClient) -> None:
    assert zoo.endpoints
    shown = dir(zoo)
    assert {"add_int", "api_call", "api_url", "api__private", "app", "wait_until_server_ready"} <= set(shown)
    assert "api_add_int" not in shown
    assert "_private" not in shown
    assert all(callable(getattr(zoo, name)) for name in ("add_int", "api_call", "api__private"))


# --- names


@pytest.mark.parametrize("name", ["app", "client", "serde", "service", "server_ready_timeout", "self_and_name"])
def test_names_that_a_client_has_no_use_for_are_the_endpoints(zoo: SyncHTTPClient, name: str) -> None:
    assert getattr(zoo, name)() == ("neh" if name == "self_and_name" else f"endpoint {name}")
    assert getattr(zoo, f"api_{name}")() == zoo.call(name)


def test_names_of_the_client_itself_are_reached_with_a_prefix(zoo: SyncHTTPClient) -> None:
    assert zoo.api_url() == "endpoint url"
    assert zoo.api_request("m") == zoo.api_request(method="m") == "endpoint request m"
    assert zoo.call("url") == "endpoint url"
    assert zoo.url.startswith("http://127.0.0.1:")
    with pytest.raises(InternalServerError):  # BentoML's server itself can't call an endpoint of that name
        zoo.api_call(x=1)


def test_private_names_are_reached_by_call_and_with_a_prefix(zoo: SyncHTTPClient) -> None:
    assert zoo.call("_private") == zoo.api__private() == "endpoint _private"
    with pytest.raises(AttributeError):
        _ = zoo._private


@pytest.mark.parametrize(
    "name", ["with-dash", "with space", "1st", "class", "ünïcode", "a.b", "emoji🐘", "__call__", "__class__", ""]
)
def test_any_name_is_reached_by_call(servers: Servers, connect: Connect, name: str) -> None:
    client = connect(servers.url("odd:ZooOdd"))
    assert client.call(name) == f"{name} 1"
    assert client.call(name, n=2) == getattr(client, f"api_{name}")(2) == f"{name} 2"


def test_a_client_is_called_for_the_endpoint_named_call(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("odd:ZooOdd"))
    assert client() == "__call__ 1"
    assert client(n=3) == "__call__ 3"
    assert type(client).__name__ in repr(type(client))  # __class__ is Python's own
    assert {"ünïcode", "api___call__"} <= set(dir(client))
    assert not {"with-dash", "class", "1st", "", "a.b"} & set(dir(client))


def test_a_schema_can_be_given_which_saves_its_request(connect: Connect) -> None:
    document = schema(endpoint("__call__", "/predict"), endpoint("greet"))
    answers = routes({"/predict": reply("called"), "/greet": reply("hello")})
    for given in (document, json.dumps(document).encode(), parse_service(json.dumps(document).encode())):
        assert isinstance(given, (dict, bytes, Service))
        with Stub(answers) as stub:
            client = connect(stub.url, schema=given)
            assert (client(), client.greet()) == ("called", "hello")
            assert stub.targets() == ["/readyz", "/predict", "/greet"]


def test_names_that_are_not_there(zoo: SyncHTTPClient) -> None:
    assert not hasattr(zoo, "no_such_endpoint")
    with pytest.raises(AttributeError, match="the Service Zoo has no endpoint 'no_such_endpoint'"):
        zoo.no_such_endpoint()
    with pytest.raises(NotFound, match="the Service Zoo has no endpoint 'nope'"):
        zoo.call("nope")
    with pytest.raises(NotFound, match="'__call__'"):
        zoo()
    with pytest.raises(TypeError, match="is not a task"):
        zoo.echo_str.submit("no task")


# --- routes


def test_routes_of_their_own(zoo: SyncHTTPClient) -> None:
    assert zoo.custom_route(n=4) == 4
    assert zoo.nested_route(4) == 5
    assert zoo.root_route() == 7
    assert zoo.weird_route() == "weird"
    assert zoo.trailing_slash() == "slash"
    assert zoo.path_param_route(1, user_id="ü 7") == {"n": 1, "path": {"user_id": "ü 7"}}
    with pytest.raises(TypeError, match="missing required argument of its path: 'user_id'"):
        zoo.path_param_route(1)
    with pytest.raises(ValueError, match="single path segment"):
        zoo.path_param_route(1, user_id="../../livez")


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/v1/"])
def test_a_service_with_a_path_prefix(servers: Servers, connect: Connect, path: str) -> None:
    client = connect(servers.url("mounts:ZooPrefix") + path)
    assert client.is_ready()
    client.wait_until_server_ready(5)
    assert (client.echo("x"), client.custom(n=2)) == ("x", 2)
    assert client.file_out().read_bytes() == b"prefix"
    assert client.job.submit(n=3).id
    assert client.request("GET", "/mounted/hello" if path.strip("/") else "/api/v1/mounted/hello").json() == {
        "hello": "prefix"
    }


def test_a_gateway_that_publishes_a_service_under_a_path(servers: Servers, connect: Connect) -> None:
    port = servers.server("tasks:ZooTasks").port
    with Stub(partial(forward, port, prefix="/gw/zoo")) as gateway:
        client = connect(gateway.url + "/gw/zoo/")
        assert client.url == gateway.url + "/gw/zoo"
        assert client.is_ready()
        assert client.plain_api(4) == 4
        assert client.str_task("x") == "X"
        task = client.json_task.submit(a=4)
        assert task.get_status() in ResultStatus
        assert client.routed_task.submit().id
        assert client.request("GET", "/livez").status_code == 200
        assert all(target.startswith("/gw/zoo/") for target in gateway.targets())


def test_applications_mounted_beside_are_reached_by_request(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("mounts:ZooMounted"))
    assert client.echo("a") == "a"
    assert client.request("GET", "/app/hello?name=you").json() == {"hello": "you"}
    assert client.request("post", "/app/echo", json={"a": ["ü"]}).json() == {"a": ["ü"]}
    with pytest.raises(NotFound):
        client.request("GET", "/app/nothing").raise_for_status()


# --- the schema's own trouble


MALFORMED: dict[str, object] = {
    "no JSON": b"<html>",
    "no UTF-8": b"\xff\xfe",
    "empty": b"",
    "cut": b'{"name": "x", "routes": [',
    "a list": [],
    "null": None,
    "no routes": {"name": "x"},
    "routes are no list": {"name": "x", "routes": {}},
    "a route is no object": {"name": "x", "routes": ["f"]},
    "no name": {"name": "x", "routes": [{"route": "/f"}]},
    "no route": {"name": "x", "routes": [{"name": "f"}]},
    "a route is no path": schema(endpoint("f", "f")),
    "a route is elsewhere": schema(endpoint("f", "//other.example/f")),
    "a route is a URL": schema(endpoint("f", "http://other.example/f")),
    "a route climbs": schema(endpoint("f", "/a/../../f")),
    "a route has a line break": schema(endpoint("f", "/f\r\nx: y")),
    "two of one name": schema(endpoint("f"), endpoint("f", "/g")),
    "properties are no object": schema(endpoint("f", input={"properties": []})),
    "a property is no object": schema(endpoint("f", input={"properties": {"a": "string"}})),
    "input is no object": schema(endpoint("f", input=[])),
    "required is no list": schema(endpoint("f", input={"properties": {}, "required": "a"})),
    "a type is no text": schema(endpoint("f", output={"type": 7})),
    "nested without end": b'{"name": "x", "routes": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_schema_is_one_clear_error(connect: Connect, what: str) -> None:
    with Stub(routes({"/schema.json": reply(MALFORMED[what])})) as stub:
        client = connect(stub.url)
        with pytest.raises(SchemaError, match=r"/schema\.json") as caught:
            client.call("f")
        assert stub.url in str(caught.value)
        assert isinstance(caught.value, RemoteProtocolError)
        with pytest.raises(SchemaError):
            _ = client.f


def test_a_schema_that_is_not_there(servers: Servers, connect: Connect) -> None:
    with Stub(routes({})) as stub, pytest.raises(NotFound, match=r"schema\.json .*is it the URL of a BentoML"):
        connect(stub.url).call("f")
    with pytest.raises(Unauthorized, match=r"schema\.json: unauthorized") as caught:
        connect(servers.url("middleware:ZooMiddleware")).call("f")
    assert caught.value.error_code == 401


def test_a_schema_that_the_server_can_not_make(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("broken:ZooRecursive"), timeout=0.5, retries=0)
    with pytest.raises(CallTimeout, match=r"/schema\.json"):
        client.fine()
    given = schema(endpoint("fine", input={"properties": {"text": {"type": "string"}}}, output={"type": "string"}))
    assert connect(servers.url("broken:ZooRecursive"), schema=given).fine("x") == "x"


def test_the_schema_is_asked_for_once_and_again_after_a_failure(connect: Connect) -> None:
    failures = [reply(b"oops", 500)]
    document = reply(schema(endpoint("f")))
    answers = routes({"/schema.json": lambda asked: failures.pop() if failures else document, "/f": reply(1)})
    with Stub(answers) as stub:
        client = connect(stub.url)
        with pytest.raises(InternalServerError, match=r"/schema\.json: oops"):
            client.f()
        assert [client.f(), client.call("f"), len(client.endpoints)] == [1, 1, 1]
        assert stub.targets().count("/schema.json") == 2


def test_nothing_is_asked_before_the_first_use(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        client = connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with client as entered:
            assert entered is client
            assert client.url in repr(client)
            assert client.with_options(timeout=1).url == client.url
        with pytest.raises(BlockingIOError):
            listener.accept()
