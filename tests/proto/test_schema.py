"""The Service that a ``/schema.json`` describes."""

from __future__ import annotations

import json

import pytest

from bento_proto import JSON, Endpoint, Service
from bento_proto.schema import Kind, Output, Parameter, Schema, parse_service
from tests.proto.shapes import ARGS, BYTES, FILE, FILES, KWARGS, TEXT, endpoint, root, service, zoo
from tests.recordings import schema, schema_names

NULL: JSON = {"type": "null"}


@pytest.mark.parametrize("name", schema_names())
def test_every_recorded_schema_is_parsed_completely(name: str) -> None:
    document = json.loads(schema(name))
    found = parse_service(schema(name))
    assert found == parse_service(document)
    assert found.name == document["name"]
    assert found.description == document.get("description")
    assert [(e.name, e.route) for e in found.endpoints.values()] == [
        (r["name"], r["route"]) for r in document["routes"]
    ]
    for route in document["routes"]:
        read = found.endpoints[route["name"]]
        assert read.root_input is route["input"].get("root_input", False)
        assert read.is_task is route.get("is_task", False)
        assert read.batchable is route["batchable"]
        assert read.output.is_stream is route["output"].get("is_stream", False)
        assert read.output.schema == route["output"]
        if not read.root_input:
            assert [p.name for p in read.parameters] == list(route["input"].get("properties", {}))
            assert [p.name for p in read.parameters if p.required] == route["input"].get("required", [])


def test_the_recordings_have_every_shape() -> None:
    everything = [e for name in schema_names() for e in service(name).endpoints.values()]
    assert {e.output.kind for e in everything} == set(Kind)
    for flag in ("root_input", "is_task", "batchable"):
        assert {getattr(e, flag) for e in everything} == {True, False}


@pytest.mark.parametrize(
    ("name", "kind", "is_stream"),
    [
        ("add_int", Kind.JSON, False),
        ("order", Kind.JSON, False),
        ("items_in_out", Kind.JSON, False),
        ("echo_tuple", Kind.JSON, False),
        ("nothing", Kind.JSON, False),
        ("decimal_out", Kind.EITHER, False),  # it comes as a string, but in quotes: JSON parses
        ("nd", Kind.JSON, False),
        ("df", Kind.JSON, False),
        ("echo_str", Kind.TEXT, False),
        ("enum_out", Kind.TEXT, False),
        ("bytes_out", Kind.BYTES, False),
        ("csv_out", Kind.FILE, False),
        ("optional_file_out", Kind.FILE, False),
        ("png_out", Kind.IMAGE, False),
        ("optional_image_out", Kind.IMAGE, False),
        ("optional_str_out", Kind.EITHER, False),
        ("union_out", Kind.EITHER, False),
        ("untyped", Kind.EITHER, False),
        ("optional_model", Kind.JSON, False),
        ("stream_async_str", Kind.TEXT, True),
        ("stream_bytes", Kind.BYTES, True),
        ("stream_dict", Kind.JSON, True),
        ("stream_untyped", Kind.EITHER, True),
        ("stream_sse_annotated", Kind.EITHER, True),
    ],
)
def test_kinds_of_recorded_outputs(name: str, kind: Kind, is_stream: bool) -> None:
    output = zoo(name).output
    assert (output.kind, output.is_stream) == (kind, is_stream)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ({"type": "file", "format": "image"}, Kind.IMAGE),  # as BentoML 1.2 says it
        ({"type": "file", "format": "image", "content_type": "image/png"}, Kind.FILE),
        ({"type": ["string", "null"]}, Kind.EITHER),
        ({"type": ["integer", "null"]}, Kind.JSON),
        ({"oneOf": [TEXT, {"type": "integer"}]}, Kind.EITHER),
        ({"anyOf": [{"type": "integer"}, NULL]}, Kind.JSON),
        ({"anyOf": [{"type": "object"}, {"type": "array"}, NULL]}, Kind.JSON),
        ({"anyOf": ["nonsense", {"type": "integer"}, {"anyOf": [TEXT, NULL]}]}, Kind.EITHER),
        ({"properties": {}}, Kind.JSON),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}}, Kind.JSON),
        ({"$ref": "#/$defs/A", "$defs": {"A": TEXT}}, Kind.TEXT),
        ({"anyOf": [{"$ref": "#/$defs/A"}, NULL], "$defs": {"A": TEXT}}, Kind.EITHER),
        ({"$ref": "#/$defs/A", "$defs": {"A": True}}, Kind.EITHER),
        ({"$ref": "#/$defs/Gone"}, Kind.EITHER),  # BentoML drops the definitions that it thinks it has resolved
        ({"$ref": "#/$defs/Gone", "$defs": []}, Kind.EITHER),
        # Only a list of text can be a generator of text whose annotation was misread.
        ({"type": "array", "items": TEXT, "is_stream": True}, Kind.JSON),
        ({"type": "array", "items": {"type": "integer"}, "is_stream": True, "media_type": "text/plain"}, Kind.JSON),
        ({"type": "array", "is_stream": True, "media_type": "text/plain"}, Kind.JSON),
        ({"type": "array", "items": TEXT, "media_type": "text/plain"}, Kind.JSON),
    ],
)
def test_kinds_of_other_outputs(output: JSON, kind: Kind) -> None:
    assert endpoint(output=output).output.kind is kind


@pytest.mark.parametrize(
    ("name", "argument", "is_file", "many", "is_image", "content_type"),
    [
        ("file_in", "f", True, False, False, None),
        ("file_optional", "f", True, False, False, None),
        ("file_list", "files", True, True, False, None),
        ("file_list_optional", "files", True, True, False, None),
        ("image_in", "img", True, False, True, None),
        ("image_list", "imgs", True, True, True, None),
        ("audio_in", "f", True, False, False, "audio/mp3"),
        ("any_image_file_in", "f", True, False, False, "image/*"),
        ("file_and_json", "name", False, False, False, None),
        ("file_optional_pep604", "f", False, False, False, None),  # BentoML does not see it either
        ("file_in_nested_model", "m", False, False, False, None),
        ("echo_list", "items", False, False, False, None),
    ],
)
def test_parameters_that_are_files(
    name: str, argument: str, is_file: bool, many: bool, is_image: bool, content_type: str | None
) -> None:
    (found,) = (p for p in zoo(name).parameters if p.name == argument)
    assert (found.is_file, found.many, found.is_image, found.content_type) == (is_file, many, is_image, content_type)


def test_an_optional_list_of_optional_files_is_a_list_of_files() -> None:
    optional: JSON = {"anyOf": [{"type": "array", "items": {"anyOf": [FILE, NULL]}}, NULL]}
    (found,) = endpoint({"f": optional}).parameters
    assert (found.is_file, found.many) == (True, True)


def test_required_and_default() -> None:
    a, b = zoo("add_int").parameters
    assert (a.name, a.required, a.default) == ("a", True, None)
    assert (b.name, b.required, b.default) == ("b", False, 2)


def test_a_root_input_is_a_single_parameter_without_name() -> None:
    (found,) = zoo("root_file").parameters
    assert (found.name, found.required, found.is_file) == ("", True, True)
    (many,) = root(FILES).parameters
    assert (many.is_file, many.many) == (True, True)


@pytest.mark.parametrize(
    ("name", "given", "required", "expected"),
    [
        ("args", ARGS, True, True),
        ("kwargs", KWARGS, True, True),
        ("args", ARGS, False, False),  # *args is always required
        ("kwargs", ARGS, True, False),
        ("args", KWARGS, True, False),
        ("others", ARGS, True, False),
        ("args", FILES, True, False),
        ("args", {"type": "array", "prefixItems": [TEXT]}, True, False),  # a tuple
        ("kwargs", {"type": "object", "properties": {"a": TEXT}}, True, False),  # a model
    ],
)
def test_variadic_parameters(name: str, given: Schema, required: bool, expected: bool) -> None:
    (found,) = endpoint({name: dict(given)}, [name] if required else []).parameters
    assert found.is_variadic is expected


def test_a_file_is_never_variadic() -> None:
    assert not Parameter("args", {"type": "array"}, True, is_file=True).is_variadic


def test_the_fields_of_a_root_model() -> None:
    assert [(p.name, p.is_file) for p in zoo("root_file_model").root_fields] == [
        ("name", False),
        ("upload", True),
        ("extra", False),
    ]
    assert zoo("root_int").root_fields == ()
    assert zoo("file_in").root_fields == ()


@pytest.mark.parametrize(
    ("routes", "prefix"),
    [
        ([], ""),
        (["/a"], ""),
        (["/api/v1/a"], "/api/v1"),
        (["/api/v1/a", "/api/v1/b/c"], "/api/v1"),
        (["/api/v1/a", "/api/v2/a"], "/api"),
        (["/api/a", "/apis/a"], ""),
        (["/api/", "/api/a"], "/api"),
        (["/b", "/api/a"], ""),
    ],
)
def test_the_prefix_is_the_common_path_of_all_routes(routes: list[str], prefix: str) -> None:
    document: JSON = {"routes": [{"name": f"e{i}", "route": route} for i, route in enumerate(routes)]}
    assert parse_service(document).prefix == prefix


def test_the_recorded_prefix() -> None:
    assert service("ZooPrefix").prefix == "/api/v1"
    assert service("Zoo").prefix == ""


def test_missing_keys_have_defaults() -> None:
    found = parse_service(b'{"routes":[{"name":"f","route":"/f","unknown":1}],"unknown":2}')
    assert (found.name, found.description) == ("", None)
    little = found.endpoints["f"]
    assert (little.parameters, little.root_input, little.is_task, little.batchable, little.doc) == (
        (),
        False,
        False,
        False,
        None,
    )
    assert little.output.kind is Kind.EITHER


def test_a_service_can_be_created_without_a_schema() -> None:
    output = Output({}, Kind.EITHER)
    by_hand = Service("S", {"f": Endpoint("f", "/f", (Parameter("a", TEXT, required=True),), output)})
    assert by_hand.endpoints["f"] == endpoint({"a": TEXT})


@pytest.mark.parametrize("key", ["doc", "description"])
def test_the_description_of_an_endpoint(key: str) -> None:
    assert endpoint({}, **{key: "What it does."}).doc == "What it does."


def test_bytes_have_the_type_string_and_the_format_binary() -> None:
    assert endpoint(output=BYTES).output.kind is Kind.BYTES
