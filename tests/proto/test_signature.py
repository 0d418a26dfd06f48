"""Signatures and docstrings of endpoints."""

from __future__ import annotations

import ast
import inspect

import pytest

from bento_proto import JSON
from bento_proto.schema import docstring_of, signature_of
from tests.proto.shapes import ARGS, BYTES, FILE, FILES, KWARGS, TEXT, endpoint, root, service, zoo
from tests.recordings import schema_names


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("add_int", "(a: 'int', b: 'int | None' = 2) -> 'int'"),
        ("nothing", "() -> 'None'"),
        ("none_arg", "(value: 'None' = None) -> 'str'"),
        ("untyped", "(x: 'object', y: 'object' = 3) -> 'Any'"),
        ("echo_list", "(items: 'Sequence[int]') -> 'list[int]'"),
        ("echo_tuple", "(pair: 'tuple[int, str] | list[int | str]') -> 'list[int | str]'"),
        ("echo_dict", "(data: 'Mapping[str, object] | ModelInput') -> 'dict[str, Any]'"),
        ("optional_model", "(item: 'ItemInput | ModelInput | None' = None) -> 'Item | None'"),
        ("optional_str_out", "(want: 'bool | None' = True) -> 'str | None'"),
        ("half", "(x: 'float') -> 'float'"),
        ("bytes_in", "(data: 'bytes | bytearray | memoryview | str') -> 'int'"),
        ("bytes_out", "() -> 'bytes'"),
        ("file_in", "(f: 'FileInput') -> 'dict[str, Any]'"),
        ("file_list", "(files: 'FileInput | Sequence[FileInput]') -> 'list[dict[str, Any]]'"),
        ("image_optional", "(img: 'FileInput | None' = None, prompt: 'str | None' = 'p') -> 'dict[str, Any]'"),
        ("optional_image_out", "(want: 'bool | None' = True) -> 'Image | None'"),
        ("nd", "(a: 'TensorInput') -> 'NDArray[Any]'"),
        ("df", "(df: 'FrameInput') -> 'DataFrame'"),
        ("root_int", "(value: 'int', /) -> 'int'"),
        ("root_optional", "(value: 'int | None', /) -> 'str'"),
        ("root_dict", "(value: 'Mapping[str, int] | ModelInput', /) -> 'int'"),
        ("varargs", "(*args: 'int') -> 'dict[str, Any]'"),
        ("varkw", "(**kwargs: 'object') -> 'dict[str, Any]'"),
        ("mixed_args", "(a: 'int', *args: 'int', k: 'int | None' = 1, **kwargs: 'object') -> 'dict[str, Any]'"),
        ("stream_async_str", "(n: 'int | None' = 3, delay: 'float | None' = 0.05) -> 'Iterator[str]'"),
        ("stream_dict", "(n: 'int | None' = 3, delay: 'float | None' = 0.05) -> 'Iterator[dict[str, Any]]'"),
        ("stream_sse_annotated", "(n: 'int | None' = 3) -> 'Iterator[list[str] | str]'"),
        ("union_out", "(want: 'str | None' = 'int') -> 'int | str'"),
        ("enum_out", "() -> \"Literal['red', 'blue']\""),
        ("path_param_route", "(n: 'int', *, user_id: 'str | int') -> 'dict[str, Any]'"),
    ],
)
def test_signatures_of_recorded_endpoints(name: str, signature: str) -> None:
    assert str(signature_of(zoo(name))) == signature


@pytest.mark.parametrize("version", ["1.2.20", "1.3.22", "1.4.39"])
def test_an_image_is_recognised_in_the_schema_of_every_version(version: str) -> None:
    assert str(signature_of(service(f"Old-{version}").endpoints["img"])) == "() -> 'Image'"


@pytest.mark.parametrize("name", schema_names())
def test_the_annotations_of_recorded_endpoints_are_python_expressions(name: str) -> None:
    for found in service(name).endpoints.values():
        signature = signature_of(found)
        notes = [parameter.annotation for parameter in signature.parameters.values()]
        for note in [*notes, signature.return_annotation]:
            ast.parse(note, mode="eval")


E: dict[str, JSON] = {}


@pytest.mark.parametrize(
    ("properties", "required", "signature"),
    [
        # What can't be written is summed up as what takes it.
        ({"a-b": E, "class": E, "x": E}, ["x"], "(x: 'object', **kwargs: 'object')"),
        ({"a-b": E, "kwargs": TEXT, "_kwargs": TEXT}, None, "(kwargs: 'str', _kwargs: 'str', **__kwargs: 'object')"),
        # A required argument after one that isn't must have been keyword-only.
        (
            {"a": {"default": 1}, "a-b": E, "b": E, "c": {"default": 2}},
            ["b"],
            "(a: 'object' = 1, *, b: 'object', c: 'object' = 2, **kwargs: 'object')",
        ),
        # Then a list that is named args is an ordinary one.
        (
            {"a": {"default": 1}, "b": E, "args": ARGS},
            ["b", "args"],
            "(a: 'object' = 1, *, b: 'object', args: 'Sequence[int]')",
        ),
        ({"args": {"type": "array"}, "kwargs": KWARGS}, None, "(*args: 'object', **kwargs: 'object')"),
        (
            {"x": BYTES, "f": FILES},
            ["x"],
            "(x: 'bytes | bytearray | memoryview | str', f: 'FileInput | Sequence[FileInput] | None' = None)",
        ),
        ({"x": {"anyOf": [FILE, {"type": "null"}]}}, [], "(x: 'FileInput | None' = None)"),
        ({"x": {"anyOf": [BYTES, {"type": "null"}]}}, None, "(x: 'bytes | bytearray | memoryview | str | None')"),
        ({"x": {"type": ["integer", "null"]}, "y": {"type": "new"}}, None, "(x: 'int | None', y: 'object')"),
        # What a schema lists is a Literal, unless that would be long.
        ({"x": {"enum": ["a", 1, None]}}, None, "(x: \"Literal['a', 1, None]\")"),
        ({"x": {"const": True}}, None, "(x: 'Literal[True]')"),
        ({"x": {"type": "number", "enum": [0.5]}, "y": {"enum": ["x" * 300]}}, None, "(x: 'float', y: 'str')"),
        ({"x": {"type": "integer", "enum": list(range(21))}}, None, "(x: 'int')"),
        ({"x": {"enum": ["a"], "default": None}}, [], "(x: \"Literal['a'] | None\" = None)"),
        # Of a union, each member; None comes last.
        (
            {"x": {"anyOf": [{"type": "null"}, TEXT, TEXT, BYTES]}},
            None,
            "(x: 'str | bytes | bytearray | memoryview | None')",
        ),
        (
            {"x": {"oneOf": [TEXT, {"type": "integer"}]}, "y": {"anyOf": [TEXT, E]}},
            None,
            "(x: 'str | int', y: 'object')",
        ),
        (
            {"x": {"anyOf": []}, "y": {"anyOf": [{"const": "a"}, {"enum": ["b", 1]}]}},
            None,
            "(x: 'object', y: \"Literal['a'] | Literal['b', 1]\")",
        ),
        ({"x": {"properties": {"a": E}}}, None, "(x: 'FXInput | ModelInput')"),
    ],
)
def test_signatures_of_odd_endpoints(properties: dict[str, JSON], required: list[str] | None, signature: str) -> None:
    assert str(signature_of(endpoint(properties, required))).partition(" -> ")[0] == signature


def test_a_call_that_matches_the_signature_can_be_bound() -> None:
    bound = signature_of(zoo("mixed_args")).bind(1, 2, 3, k=4, z=5)
    assert bound.arguments == {"a": 1, "args": (2, 3), "k": 4, "kwargs": {"z": 5}}
    with pytest.raises(TypeError):
        signature_of(zoo("keyword_only")).bind()
    assert signature_of(root(TEXT)).parameters["value"].kind is inspect.Parameter.POSITIONAL_ONLY


# --- docstrings


def test_without_a_description_the_docstring_has_the_name() -> None:
    assert docstring_of(zoo("add_int")) == "Call the endpoint ``add_int`` of the Service."


def test_the_docstring_describes_the_arguments() -> None:
    assert docstring_of(zoo("with_input_spec")).splitlines()[2:] == ["Args:", "    prompt: the prompt"]
    assert docstring_of(zoo("audio_in")).splitlines()[2:] == ["Args:", "    f: a file of type audio/mp3"]
    assert docstring_of(zoo("root_file_ct")).splitlines()[2:] == ["Args:", "    value: a file of type audio/mp3"]
    both = endpoint({"f": {**FILE, "description": "a song", "content_type": "audio/mp3"}}, doc="Sings.")
    assert docstring_of(both) == "Sings.\n\nArgs:\n    f: a song; a file of type audio/mp3"


def test_the_docstring_of_a_task_mentions_submit() -> None:
    task = service("ZooTasks").endpoints["json_task"]
    assert docstring_of(task).endswith("\n\nThis is a task: ``.submit(...)`` queues it and returns a handle.")


def test_parameters_of_the_path_are_keywords() -> None:
    found = endpoint({"x": TEXT}, route="/{id}/{a-b}/{class}/{x}/{p:path}")
    assert str(signature_of(found)) == "(x: 'str', *, id: 'str | int', p: 'str | int', **kwargs: 'object') -> 'Any'"
