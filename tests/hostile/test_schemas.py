"""Schemas made to harm: what they name is never reached but by name, and never anywhere else."""

from __future__ import annotations

import inspect
import json
import keyword

import pytest

from bento_proto import JSON
from bento_proto.session import EndpointMethodBase
from bento_sync import BentoMLException, SchemaError, SyncHTTPClient
from tests.parity.faces import Connect

from .promises import within
from .server import Peer, Server, answer, send
from .service import SCHEMA, TEXT, endpoint

NAMES = [
    "__class__", "__init__", "__dict__", "__getattr__", "__call__", "__reduce__", "__del__", "__name__", "_driver",
    "_x", "call", "close", "url", "endpoints", "request", "with_options", "is_ready", "wait_until_server_ready",
    "class", "None", "a b", "a.b", "a/b", "", "\0", "\n", "ß", "café", "日本", "\u202e",
    "a" * 100_000, "%s", "{0}", "api_close",
]  # fmt: skip


def schema(*routes: JSON) -> JSON:
    return {"name": "Harm", "type": "service", "routes": list(routes)}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_a_name_is_only_a_name(connect: Connect, server: Server, name: str) -> None:
    client = connect(schema=schema(endpoint(name, TEXT, route="/odd"), endpoint("echo", TEXT)))
    before = type(client)
    assert client.call(name, text="by name") == "by name"
    assert server.requests[-1].target == "/odd"
    assert type(client) is before
    assert client.url == server.url
    assert callable(client.close)
    assert callable(client.with_options)
    assert repr(client)
    own = {*dir(connect(schema=schema(endpoint("echo", TEXT))))}
    is_plain = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
    assert {*dir(client)} - own <= {name, f"api_{name}"}
    assert (name in dir(client)) is (name in own or is_plain)
    real = getattr(client, "_client", client)
    kept = [used for used in own - {"echo"} if isinstance(getattr(real, used, None), EndpointMethodBase)]
    assert kept == [], "what the client has itself is no endpoint"
    method = getattr(client, f"api_{name}")
    assert repr(method)
    assert str(inspect.signature(method))
    assert method(text="by alias") == "by alias"


@pytest.mark.parametrize(
    "parameter", [*NAMES, "self", "name", "args", "kwargs", "text"], ids=lambda name: ascii(name[:20])
)
def test_a_parameter_is_only_a_parameter(connect: Connect, server: Server, parameter: str) -> None:
    route: JSON = {
        "name": "odd",
        "route": "/odd",
        "input": {"type": "object", "properties": {parameter: TEXT}, "required": [parameter]},
        "output": TEXT,
    }
    client = connect(schema=schema(route))
    client.odd(**{parameter: "value"})
    assert json.loads(server.requests[-1].body) == {parameter: "value"}
    assert str(inspect.signature(client.odd))


@pytest.mark.parametrize(
    "route",
    ["http://evil.example/x", "//evil.example/x", "/../x", "/a/../../x", "/./x", "x", "", "\\\\evil",
     "/a\r\nHost: evil", "/\0", "/\n", "@evil.example/", "?x", "/\ud800"],
)  # fmt: skip
def test_a_route_leads_nowhere_else(connect: Connect, server: Server, route: str) -> None:
    with pytest.raises(SchemaError):
        connect(schema=schema(endpoint("odd", TEXT, route=route)))
    assert not server.requests


@pytest.mark.parametrize(
    "route", ["/@evil.example/", "/\\evil.example", "/x?y#z", "/a b", "/%2e%2e/x", "/a//b", "/ü", "/:80/", "/a;b"]
)
def test_an_odd_route_stays_on_the_server(connect: Connect, server: Server, route: str) -> None:
    client = connect(schema=schema(endpoint("odd", TEXT, route=route)), token="t")
    assert client.odd(text="here") == "here"
    target = server.requests[-1].target
    assert target.startswith("/")
    assert not target.startswith("//")
    assert "?" not in target
    assert server.requests[-1].headers["host"] == f"127.0.0.1:{server.port}"


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"<html>not found</html>",
    "not UTF-8": b"\xff\xfe{}",
    "null": b"null",
    "a list": b"[]",
    "no routes": b'{"name": "x"}',
    "routes are an object": b'{"routes": {}}',
    "a route is null": b'{"routes": [null]}',
    "a name is a number": b'{"routes": [{"name": 1, "route": "/x"}]}',
    "no route": b'{"routes": [{"name": "x"}]}',
    "input is a list": b'{"routes": [{"name": "x", "route": "/x", "input": []}]}',
    "properties are a list": b'{"routes": [{"name": "x", "route": "/x", "input": {"properties": []}}]}',
    "a property is null": b'{"routes": [{"name": "x", "route": "/x", "input": {"properties": {"a": null}}}]}',
    "deep": b'{"routes": ' + b"[" * 100_000,
    "deep and whole": b'{"routes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a deep output": b'{"routes": [{"name": "x", "route": "/x", "output": '
    + b'{"items": ' * 500
    + b"{}"
    + b"}" * 503
    + b"]}",
    "the same name twice": b'{"routes": [{"name": "x", "route": "/x"}, {"name": "x", "route": "/y"}]}',
    "a huge number": b'{"routes": ' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_schema_is_said_to_be_none(connect: Connect, server: Server, broken: str) -> None:
    client = connect(schema=None)
    server.script(Peer.request, send(answer(BROKEN[broken])), Peer.serve)
    with within(60), pytest.raises(SchemaError):
        client.call("x")
    server.settle(connections=1)


def test_a_client_recovers_once_the_schema_is_right(connect: Connect, server: Server) -> None:
    client = connect(schema=None)

    def twice(peer: Peer) -> None:
        for body in (b"{}", json.dumps(SCHEMA).encode()):
            peer.request()
            peer.sock.sendall(answer(body))

    server.script(twice, Peer.serve)
    with pytest.raises(SchemaError):
        client.echo(text="x")
    assert client.echo(text="x") == "x"


def test_ten_thousand_endpoints(connect: Connect, server: Server) -> None:
    with within(60):
        client = connect(schema=schema(*(endpoint(f"e{n}", TEXT) for n in range(10_000))))
        assert client.e9999(text="last") == "last"
        assert len(client.endpoints) == 10_000
        assert len([name for name in dir(client) if name.startswith("e")]) >= 10_000


def test_ten_megabytes_of_required_parameters(connect: Connect, server: Server) -> None:
    names: list[JSON] = [f"parameter {n:09}" for n in range(220_000)]
    wide: JSON = {
        "name": "wide",
        "route": "/wide",
        "input": {"type": "object", "properties": {str(name): {} for name in names}, "required": names},
        "output": TEXT,
    }
    text = json.dumps(schema(wide)).encode()
    assert 10_000_000 < len(text) < 16 << 20
    client = connect(schema=None)
    server.script(Peer.request, send(answer(text)), Peer.serve)
    with within(60):
        assert len(client.endpoints["wide"].parameters) == 220_000
        with pytest.raises(TypeError):
            client.wide()


def test_ten_megabytes_of_text(connect: Connect, server: Server) -> None:
    text = "x" * 10_000_000
    client = connect(schema=schema({**_object(endpoint("echo", TEXT)), "doc": text}))
    assert str(client.echo.__doc__).startswith("xxx")
    assert client.echo(text="y") == "y"


@pytest.mark.parametrize(
    "output",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "tensor"}]}}},
        {"type": "array", "items": {"$ref": "#/$defs/A"},
         "$defs": {"A": {"type": "tensor", "shape": [0, "x", -5, 1 << 70]}}},
        {"type": "tensor", "dtype": "O", "shape": [1 << 60, 1 << 60]},
        {"type": "tensor", "dtype": "no such type"},
        {"type": "tensor", "dtype": "float64,int8"},
        {"type": "dataframe", "columns": 7},
        {"type": ["string", 7, None, {}]},
        {"anyOf": [1, None, "x"]},
        {"anyOf": [], "oneOf": {}, "allOf": 3, "items": [], "properties": {}},
        {"type": "no such type"},
        {"is_stream": "yes", "type": "file"},
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("body", [b"[[1, 2], [3, 4]]", b'{"a": [1]}', b"7", b'"x"', b"null", b""])
def test_an_odd_output_gives_a_value_or_an_error_of_ours(
    connect: Connect, server: Server, output: JSON, body: bytes
) -> None:
    try:
        client = connect(schema=schema(endpoint("odd", output), endpoint("echo", TEXT)))
    except SchemaError:
        return
    server.script(Peer.request, send(answer(body)), Peer.serve)
    assert repr(client.odd)
    try:
        client.odd()
    except BentoMLException:
        pass
    _assert_right(client)


def _assert_right(client: SyncHTTPClient) -> None:
    assert client.echo(text="right") == "right"


def _object(value: JSON) -> dict[str, JSON]:
    assert isinstance(value, dict)
    return value
