"""The content of a generated module: signatures, models, names; and that it is deterministic."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any

import pytest
from typing_extensions import NotRequired, get_type_hints

import bento_async
import bento_sync
from bento_client.codegen import generate, typed
from bento_proto import JSON, SchemaError
from bento_proto.schema import RESERVED, parse_service
from tests.proto.words import COME, GIVEN

from .modules import FOLDER, SCHEMAS, text_of


def service(*routes: JSON, **more: JSON) -> JSON:
    return {"name": "Shop", "routes": list(routes), **more}


def route(name: str = "f", output: JSON = None, required: Collection[str] | None = None, /, **arguments: JSON) -> JSON:
    names: list[JSON] = [*(arguments if required is None else required)]
    given: JSON = {"type": "object", "properties": dict(arguments), "required": names}
    return {"name": name, "route": f"/{name}", "input": given, "output": {} if output is None else output}


def signature(output: JSON = None, required: Collection[str] | None = None, /, **arguments: JSON) -> str:
    """The one endpoint of a Service, as it is declared, without ``self``."""
    text = generate(service(route("f", output, required, **arguments)))
    found = re.search(r"def f\(\s*self(?:, |,\s+)?(.*?),?\s*\) -> (.*?):", text, re.DOTALL)
    assert found is not None
    return f"({' '.join(found[1].split())}) -> {found[2]}"


def executed(text: str) -> ModuleType:
    module = ModuleType("generated")
    exec(compile(text, "generated", "exec"), vars(module))
    return module


@pytest.mark.parametrize("module", SCHEMAS)
def test_the_modules_that_are_type_checked_are_current(module: str) -> None:
    current = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
    assert current == text_of(module), "write them again: python tools/typed_clients.py"


def test_the_names_that_both_clients_use_are_reserved() -> None:
    for client, missing in ((bento_sync.SyncHTTPClient, {"aclose"}), (bento_async.AsyncHTTPClient, set[str]())):
        own = {name for name in dir(client) if not name.startswith("_")}
        assert own | missing == RESERVED, "say so in bento_proto._naming"


INTEGER: JSON = {"type": "integer"}
TEXT: JSON = {"type": "string"}
FILE: JSON = {"type": "file", "format": "binary"}


@pytest.mark.parametrize("what", GIVEN)
def test_types_of_arguments(what: str) -> None:
    schema, expected = GIVEN[what]
    assert signature(x=schema) == f"(x: {expected}) -> Any"


@pytest.mark.parametrize("what", COME)
def test_types_of_results(what: str) -> None:
    schema, expected = COME[what]
    assert signature(schema) == f"() -> {expected}"


DEFAULTS: Mapping[str, tuple[JSON, str]] = {
    "none": ({"type": "integer", "default": None}, "int | None = None"),
    "a number": ({"type": "integer", "default": 1}, "int | None = 1"),
    "a float": ({"type": "number", "default": 1}, "float | None = 1"),
    "a bool": ({"type": "boolean", "default": True}, "bool | None = True"),
    "a text": ({"type": "string", "default": 'a"\\'}, r'str | None = "a\"\\"'),
    "a list": ({"type": "array", "items": TEXT, "default": ["a"]}, 'Sequence[str] | None = ["a"]'),
    "a dict": (
        {"type": "object", "additionalProperties": INTEGER, "default": {"k": 1}},
        'Mapping[str, int] | ModelInput | None = {"k": 1}',
    ),
    "a long one": ({"type": "string", "default": "x" * 100}, "str | None = ..."),
    "one without an end": ({"type": "number", "default": float("-inf")}, "float | None = ..."),
    "one of another type": ({"type": "integer", "default": "five"}, 'str | int | None = "five"'),
    "one outside of the enum": ({"enum": ["a"], "default": "b"}, 'str | Literal["a"] | None = "b"'),
    "one of the enum": ({"enum": ["a"], "default": "a"}, 'Literal["a"] | None = "a"'),
    "a list that does not fit": ({"type": "array", "items": TEXT, "default": [1]}, "Sequence[str] | None = ..."),
    "a model's": ({"$ref": "#/$defs/Gone", "default": {"a": 1}}, "object = ..."),
}


@pytest.mark.parametrize("what", DEFAULTS)
def test_defaults(what: str) -> None:
    schema, expected = DEFAULTS[what]
    assert signature(None, (), x=schema) == f"(x: {expected}) -> Any"


def test_kinds_of_arguments() -> None:
    args: JSON = {"type": "array", "items": INTEGER}
    kwargs: JSON = {"type": "object", "additionalProperties": TEXT}
    assert signature(a=INTEGER, args=args, k=TEXT, kwargs=kwargs) == (
        "(/, a: int, *args: int, k: str, **kwargs: str) -> Any"
    )
    late: JSON = {"type": "integer", "default": 1}
    assert signature(None, ("b",), a=late, b=TEXT) == "(a: int | None = 1, *, b: str) -> Any"
    assert (
        signature(None, None, **{"a b": INTEGER, "class": TEXT, "ok": TEXT}) == "(/, ok: str, **kwargs: object) -> Any"
    )


def test_root_input_is_positional() -> None:
    text = generate(service({"name": "f", "route": "/f", "input": {**FILE, "root_input": True}, "output": TEXT}))  # type: ignore[dict-item]
    assert "def f(self, value: FileInput, /) -> str: ..." in text


def test_path_parameters_are_required() -> None:
    found: JSON = {"name": "f", "route": "/{user_id}/{n:int}", "input": {"properties": {"n": INTEGER}}, "output": TEXT}
    assert "def f(self, n: int | None = None, *, user_id: str | int) -> str: ..." in generate(service(found))


def test_long_signatures_take_a_line_for_each_argument() -> None:
    text = generate(service(route("f", TEXT, None, **{f"argument_{number}": INTEGER for number in range(9)})))
    assert "        def f(\n            self,\n            argument_0: int,\n" in text
    assert "            argument_8: int,\n        ) -> str: ...\n" in text


def test_descriptions_are_in_the_docstrings() -> None:
    described: JSON = {"type": "string", "description": "what to look for"}
    found = route("find", TEXT, query=described)
    assert isinstance(found, dict)
    text = generate(service({**found, "doc": "Find things.\n\n  Slowly."}, description="A shop."))
    assert (
        '''        def find(self, query: str) -> str:
            """Find things.

              Slowly.

            Args:
                query: what to look for
            """
            ...
'''
        in text
    )
    assert '    """A shop."""\n' in text


def test_lone_surrogates_are_replaced_in_docstrings() -> None:
    """Even escaped, Python 3.13 and newer take it for an error."""
    text = generate(service(route("f", x={"type": "string", "description": "a\ud800b"})))
    assert r"a\\ud800b" in text
    assert executed(text).ShopClient


def test_a_model_has_a_type_for_arguments_and_one_for_results() -> None:
    item: JSON = {
        "type": "object",
        "title": "Item",
        "properties": {
            "sku": TEXT,
            "qty": {"type": "integer", "default": 1},
            "note": {"type": "string", "default": None},
            "more": INTEGER,
        },
        "required": ["sku"],
    }
    text = generate(service(route("f", {"type": "array", "items": item}, item=item)))
    assert (
        """class ItemInput(TypedDict):
    sku: ReadOnly[str]
    qty: NotRequired[ReadOnly[int | None]]
    note: NotRequired[ReadOnly[str | None]]
    more: NotRequired[ReadOnly[int | None]]


class Item(TypedDict):
    sku: str
    qty: int
    note: str | None
    more: NotRequired[int]
"""
        in text
    )
    assert "def f(self, item: ItemInput | ModelInput) -> list[Item]: ..." in text


def test_type_hints_of_models_can_be_evaluated() -> None:
    item: JSON = {"type": "object", "title": "Item", "properties": {"at": {"anyOf": [TEXT, {"type": "null"}]}}}
    generated = executed(generate(service(route("f", {"type": "array", "items": item}))))
    hints = get_type_hints(generated.Item, vars(generated), include_extras=True)
    assert hints == {"at": NotRequired[str | None]}


def test_equal_models_are_merged_and_others_of_the_name_numbered() -> None:
    def model(**fields: JSON) -> JSON:
        return {"type": "object", "title": "M", "properties": fields, "required": list(fields)}

    text = generate(
        service(route("a", model(x=TEXT)), route("b", model(x=INTEGER)), route("c", {"$ref": "#/$defs/M"}),
                route("d", {**model(x=TEXT), "title": "MIODescriptor", "description": "again"}))  # type: ignore[dict-item]
    )  # fmt: skip
    assert re.findall(r"class (M\d*)\(", text) == ["M", "M2"]
    assert [re.search(rf"def {name}\(self\) -> (\w+)", text)[1] for name in "abcd"] == ["M", "M2", "M", "M"]  # type: ignore[index]


def test_a_model_without_a_title_is_named_after_its_place() -> None:
    inner: JSON = {"type": "object", "properties": {"x": INTEGER}}
    text = generate(service(route("find_it", inner, the_query={"type": "array", "items": inner})))
    assert "def find_it(self, the_query: Sequence[FindItTheQueryItemInput | ModelInput]) -> FindItResult" in text


NAMES: Mapping[str, str | None] = {
    "find": "find", "call": "api_call", "_private": "api__private", "class": "api_class", "with space": None, "ﬁ": None,
    "__call__": "api___call__", "list": "list", "typed": "typed",
}  # fmt: skip


def test_attributes_are_those_of_the_client() -> None:
    client = executed(generate(service(*map(route, NAMES)))).ShopClient(server_ready_timeout=0)
    text = generate(service(*map(route, NAMES)))
    for name, attribute in NAMES.items():
        if attribute is None:
            assert repr(name) in text.split("class ShopClient")[1]
        else:
            assert f"def {attribute}(self) -> Any" in text
            assert getattr(client, attribute).endpoint.name == name


def test_the_names_of_the_classes() -> None:
    text = generate(service(), name="Mine", sync=False)
    assert "class AsyncMine(_Endpoints, TypedAsyncHTTPClient, schema=_SCHEMA):" in text
    assert "bento_sync" not in text
    assert "\nTo generate it again: bento-client types URL --name Mine --async > FILE\n" in text
    assert "class Mine(_Endpoints, TypedSyncHTTPClient, schema=_SCHEMA):" in generate(service(), name="Mine")
    assert "bento_async" not in generate(service(), asynchronous=False)
    nameless: JSON = {"name": "1 + 1", "routes": []}
    assert "class ServiceClient(" in generate(nameless)
    with pytest.raises(ValueError, match="neither"):
        generate(service(), sync=False, asynchronous=False)
    for wrong in ("not a name", "class", "", "_Private", "x = 1"):
        with pytest.raises(ValueError, match="must be a public Python identifier"):
            generate(service(), name=wrong)
    for taken in ("Any", "list"):
        with pytest.raises(ValueError, match="needed for something else"):
            generate(service(), name=taken)
    with pytest.raises(SchemaError):
        generate(b"{}")


def test_the_same_service_gives_the_same_text() -> None:
    one, two = route("one", TEXT), route("two", INTEGER, x=TEXT)
    text = generate(service(one, two))
    assert generate(service(two, one)) == text
    assert generate(parse_service(service(two, one, unknown="key"))) == text


def test_optional_packages_are_imported_only_if_needed() -> None:
    assert not re.search("numpy|pandas|PIL|pyright:|mypy:", generate(service(route("f", TEXT, x={"type": "tensor"}))))
    text = generate(service(route("f", {"type": "tensor"})))
    assert "    from numpy.typing import NDArray\n" in text.split("if TYPE_CHECKING:")[1]
    assert "reportMissingImports=false" in text


@pytest.mark.parametrize("module", SCHEMAS)
def test_lines_are_not_too_long(module: str) -> None:
    long = [line for line in text_of(module).splitlines() if len(line) > 120]
    assert all(re.fullmatch(r'"[^"]+"\S*', line) for line in long), "but for a text that can't be cut"


def test_a_typed_client_does_not_request_the_schema() -> None:
    generated = executed(generate(service(route("f", TEXT), description="A shop.")))
    client = generated.ShopClient("http://127.0.0.1:1", server_ready_timeout=0)
    assert isinstance(client, bento_sync.TypedSyncHTTPClient)
    assert client.endpoints.keys() == {"f"}
    assert "f" in dir(client)
    assert repr(client) == "<ShopClient http://127.0.0.1:1>"
    assert isinstance(client.with_options(timeout=1), generated.ShopClient)
    assert generated.ShopClient.__doc__ == "A shop."
    other = bento_sync.SyncHTTPClient(schema=service(), server_ready_timeout=0)
    assert generated.ShopClient(schema=service(route("g")), server_ready_timeout=0).endpoints.keys() == {"g"}
    assert other.endpoints == {}
    assert isinstance(generated.AsyncShopClient(), bento_async.TypedAsyncHTTPClient)
    assert generated.AsyncShopClient().endpoints.keys() == {"f"}

    class Further(generated.ShopClient):  # type: ignore[name-defined,misc]
        pass

    assert Further(server_ready_timeout=0).endpoints.keys() == {"f"}


def test_declarations_are_for_type_checkers() -> None:
    declarations: list[Callable[[Any], object]] = [typed.endpoint, typed.stream, typed.task]
    for declare in declarations:
        with pytest.raises(NotImplementedError, match="TYPE_CHECKING"):
            declare(print)
