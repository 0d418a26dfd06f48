"""The words for the types of arguments and results: one place for signatures, help, command line and typed clients.

An argument has the type of all that client and server take; a result, that of what the client returns. A model is named
after its title, with ``Input`` for an argument.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, TypeAlias

from bento_proto._types import JSON

from ._annotations import literals
from ._digests import SchemaDigests
from ._identifiers import pascal_case
from ._service import Endpoint, Kind, Parameter, Schema, is_image

_SCALARS: Final[Mapping[str, str]] = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
}  # fmt: skip
# The types accepted for a string of some format.
_FORMATS: Final[Mapping[str, str]] = {
    "date": "date", "date-time": "datetime", "duration": "timedelta", "ipv4": "IPv4Address", "ipv6": "IPv6Address",
    "time": "time", "uuid": "UUID",
}  # fmt: skip
_DTYPES: Final = frozenset(
    {"complex64", "complex128", "float16", "float32", "float64", "int8", "int16", "int32", "int64"}
    | {"uint8", "uint16", "uint32", "uint64"}
)
_PATH: Final[Mapping[str, tuple[str, ...]]] = {
    "int": ("int", "str"), "float": ("float", "str"), "uuid": ("UUID", "str"),
}  # fmt: skip
"""The types accepted for a parameter of the path, by its convertor; ``str | int`` for any other."""
# Beyond these limits, which no schema written by a person reaches, a type is object or Any.
_MAX_DEPTH: Final = 40
_MAX_LENGTH: Final = 1000
VOCABULARY: Final = frozenset(
    {
        "Any", "Collection", "DataFrame", "FileInput", "FrameInput", "Image", "Iterator", "Literal", "Mapping",
        "ModelInput", "NDArray", "Path", "Sequence", "TensorInput", "bool", "bytearray", "bytes", "dict", "float",
        "int", "list", "memoryview", "object", "str", "tuple", *_FORMATS.values(), *_DTYPES,
    }
)  # fmt: skip

Types: TypeAlias = "list[str]"
"""The members of a union."""


class PlainNames:
    """The names in annotations that people read.

    Args:
        taken: names that no model may have.
        brief: whether a long ``Literal`` is summed up as the type of its values.
    """

    def __init__(self, taken: Iterable[str] = (), *, brief: bool = True) -> None:
        self.brief: Final = brief
        self._taken = {*VOCABULARY, *taken}
        self._numbers: dict[str, int] = {}  # the last one given to each wanted name

    def new(self, wanted: str) -> str:
        """An unused name: the wanted one, or that with a number."""
        number = self._numbers.get(wanted, 0) + 1
        while (name := f"{wanted}{number}" if number > 1 else wanted) in self._taken:
            number += 1
        self._numbers[wanted] = number
        self._taken.add(name)
        return name

    def release(self, name: str, wanted: str) -> None:
        """Return a name that `new` gave for a wanted one, and that is not needed after all."""
        self._taken.discard(name)
        self._numbers[wanted] = int(name.removeprefix(wanted) or 1) - 1

    def use(self, name: str) -> str:
        """How a name of the vocabulary is written here."""
        return name

    def literal(self, value: str) -> str:
        """A text in ``Literal[...]``."""
        return repr(value)


@dataclass(frozen=True, slots=True)
class Model:
    """A `TypedDict`.

    Attributes:
        name: its name.
        fields: the annotations of its fields, by name.
        doc: its docstring, or None.
    """

    name: str
    fields: Mapping[str, str]
    doc: str | None


@dataclass(frozen=True, slots=True)
class _Scope:
    """The place of a schema.

    Attributes:
        endpoint: the endpoint's name.
        given: whether its values are arguments; otherwise they are results.
        hint: the name for a model without a title.
        inside: whether it is inside JSON, which holds no files and no bytes.
        opened: the references that led here.
        depth: the number of schemas around it.
    """

    endpoint: str
    given: bool
    hint: str
    inside: bool = False
    opened: frozenset[str] = frozenset()
    depth: int = 0

    def within(self, hint: str = "") -> _Scope:
        return replace(self, inside=True, hint=self.hint + hint)


class Words:
    """Makes the annotations of some endpoints, as text.

    Args:
        endpoints: the endpoints.
        names: the names of the module in which they stand.

    Attributes:
        models: the models that they use, by name. A model precedes those that refer to it where that is possible.
    """

    def __init__(self, endpoints: Iterable[Endpoint], names: PlainNames | None = None) -> None:
        self.models: dict[str, Model] = {}
        self._names = PlainNames() if names is None else names
        self._by_schema: dict[tuple[bool, bool, str], str] = {}
        self._by_fields: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}
        self._by_reference: dict[tuple[bool, bool, str, str], Types] = {}
        named = {endpoint.name: named_in(endpoint) for endpoint in endpoints}
        anywhere: dict[str, dict[str, JSON]] = {}
        for own in named.values():
            for title, schema in own.items():
                anywhere.setdefault(title, schema)
        self._known = {name: ChainMap(own, anywhere) for name, own in named.items()}
        visits = count(1)
        shared = SchemaDigests(anywhere, visits)  # of the endpoints whose names mean the same as anywhere
        self._digests = {
            name: shared
            if all(anywhere[title] == schema for title, schema in own.items())
            else SchemaDigests(self._known[name], visits)
            for name, own in named.items()
        }

    def argument(self, endpoint: Endpoint, parameter: Parameter) -> str:
        """The type of an argument.

        One with a default takes None too, as of ``Optional[str] = "x"`` BentoML's schema says no more than of
        ``str = "x"``.
        """
        scope = self._scope(endpoint, parameter.name or "value", given=True)
        inside = not (endpoint.root_input or parameter.is_file)
        types = self._types(parameter.schema, replace(scope, inside=inside))
        default = parameter.default
        if isinstance(default, (str, int, float)) and not fits(default, dict(parameter.schema)):
            own = self._names.use(type(default).__name__)  # BentoML describes a union by its first member
            types = types if own in types else [own, *types]
        return _union(types if parameter.required else [*types, "None"])

    def in_path(self, convertor: str) -> str:
        """The type of a parameter of the path.

        Args:
            convertor: the convertor in the route, or ``""``.
        """
        return " | ".join(map(self._names.use, _PATH.get(convertor, ("str", "int"))))

    def items(self, endpoint: Endpoint, parameter: Parameter) -> str:
        """The type of each argument in ``*args`` or ``**kwargs``."""
        schema = _object_of(parameter.schema.get("items" if parameter.name == "args" else "additionalProperties"))
        return _union(self._types(schema, self._scope(endpoint, parameter.name, given=True).within("Item")))

    def result(self, endpoint: Endpoint) -> str:
        """The type of the result; that of an iterator for a stream."""
        item = self.item(endpoint)
        return f"{self._names.use('Iterator')}[{item}]" if endpoint.output.is_stream else item

    def item(self, endpoint: Endpoint) -> str:
        """The type of the result, or of the items of a stream."""
        output, scope = endpoint.output, self._scope(endpoint, "result", given=False)
        if not output.is_stream:
            return _union(self._types(output.schema, scope))
        if output.kind is Kind.JSON:
            return _union(self._types(output.schema, scope.within("Item")))
        if output.may_be_lists:
            return _union([*self._types(output.schema, scope.within("Item")), self._names.use("str")])
        types = set(self._types(output.schema, scope)) - {"None"}
        is_text = output.kind is Kind.TEXT or (output.kind is Kind.EITHER and types != {"bytes"})
        return self._names.use("str" if is_text else "bytes")

    def field(self, endpoint: Endpoint, schema: Schema, *, required: bool, given: bool) -> str:
        """The type of a field of a model.

        Args:
            endpoint: the endpoint.
            schema: the schema of the field.
            required: whether the model always has it.
            given: whether the model is an argument; otherwise it is a result.
        """
        inside = not (given and endpoint.root_input and _takes_files(schema))
        return _union(
            self._field(schema, replace(self._scope(endpoint, "field", given=given), inside=inside), required)
        )

    def _field(self, schema: Schema, scope: _Scope, required: bool) -> Types:
        may_be_none = not required and (scope.given or schema.get("default", ...) is None)
        return [*self._types(schema, scope), *(["None"] if may_be_none else [])]

    def _scope(self, endpoint: Endpoint, hint: str, *, given: bool) -> _Scope:
        return _Scope(endpoint.name, given, pascal_case(f"{endpoint.name} {hint}"))

    def _types(self, schema: Schema, scope: _Scope) -> Types:
        if scope.depth >= _MAX_DEPTH:
            return self._anything(scope)
        types = self._members(schema, replace(scope, depth=scope.depth + 1))
        return types if sum(map(len, types)) <= _MAX_LENGTH else self._anything(scope)

    def _union_of(self, schema: JSON, scope: _Scope) -> str:
        return _union(self._types(_object_of(schema), scope))

    def _members(self, schema: Schema, scope: _Scope) -> Types:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referred(reference.rpartition("/")[2], scope)
        for key in ("anyOf", "oneOf", "allOf"):
            members = schema.get(key)
            if isinstance(members, list) and (key != "allOf" or len(members) == 1):
                return [kind for member in members for kind in self._types(_object_of(member), scope)]
        literal = self._literal(schema)
        if literal is not None:
            return literal
        kind = schema.get("type")
        if schema.get("properties"):
            return self._object_type(schema, scope)
        return self._plain(kind, schema, scope) if isinstance(kind, str) else self._anything(scope)

    def _anything(self, scope: _Scope) -> Types:
        return [self._names.use("object" if scope.given else "Any")]

    def _referred(self, name: str, scope: _Scope) -> Types:
        target = self._known[scope.endpoint].get(name)
        if target is None or name in scope.opened:
            return self._anything(scope)
        if target.get("properties"):
            return self._object_type({"title": name, **target}, scope)
        key = (scope.given, scope.inside, scope.endpoint, name)
        if key not in self._by_reference:  # without this, a chain of double references takes exponential time
            self._by_reference[key] = self._types(target, replace(scope, opened=scope.opened | {name}))
        return self._by_reference[key]

    def _literal(self, schema: Schema) -> Types | None:
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if not isinstance(values, list) or not values or (self._names.brief and not literals(schema)):
            return None
        if not all(value is None or isinstance(value, (str, int)) for value in values):
            return None
        texts = [self._names.literal(value) if isinstance(value, str) else repr(value) for value in values]
        return [f"{self._names.use('Literal')}[{', '.join(dict.fromkeys(texts))}]"]

    def _plain(self, kind: str, schema: Schema, scope: _Scope) -> Types:
        use = self._names.use
        if kind == "string":
            return self._string(schema, scope)
        if kind == "null":
            return ["None"]
        if kind in _SCALARS:
            return [use(_SCALARS[kind])]
        if kind == "array":
            return self._array(schema, scope)
        if kind == "object":
            return self._mapping(schema, scope)
        if kind == "file":
            return self._file(schema, scope)
        if kind == "tensor":
            return [use("TensorInput") if scope.given else self._tensor(schema)]
        if kind == "dataframe":
            return [use("FrameInput") if scope.given else use("DataFrame")]
        return self._anything(scope)

    def _string(self, schema: Schema, scope: _Scope) -> Types:
        use, form = self._names.use, schema.get("format")
        if form == "binary":
            if scope.given:
                return [use(name) for name in ("bytes", "bytearray", "memoryview", "str")]
            return [use("str" if scope.inside else "bytes")]
        more = _FORMATS.get(form) if isinstance(form, str) and scope.given else None
        return [use(more), use("str")] if more else [use("str")]

    def _file(self, schema: Schema, scope: _Scope) -> Types:
        if scope.inside:  # the name of a file
            return [self._names.use("str")]
        if scope.given:
            return [self._names.use("FileInput")]
        return [self._names.use("Image" if is_image(schema) else "Path")]

    def _tensor(self, schema: Schema) -> str:
        dtype = schema.get("dtype")
        known = isinstance(dtype, str) and dtype in _DTYPES
        return f"{self._names.use('NDArray')}[{self._names.use(str(dtype) if known else 'Any')}]"

    def _array(self, schema: Schema, scope: _Scope) -> Types:
        use, items, within = self._names.use, schema.get("items"), scope.within("Item")
        heads = schema.get("prefixItems")
        if isinstance(heads, list) and heads:
            inside = [self._union_of(head, within) for head in heads]
            any_of_them = f"{use('list')}[{_union(inside)}]"
            return [f"{use('tuple')}[{', '.join(inside)}]", any_of_them] if scope.given else [any_of_them]
        if not scope.given:
            return [f"{use('list')}[{self._union_of(items, within)}]"]
        if _object_of(items).get("type") == "file" and not scope.inside:
            return [use("FileInput"), f"{use('Sequence')}[{use('FileInput')}]"]
        kind = "Collection" if schema.get("uniqueItems") is True else "Sequence"
        return [f"{use(kind)}[{self._union_of(items, within)}]"]

    def _mapping(self, schema: Schema, scope: _Scope) -> Types:
        use = self._names.use
        values = self._union_of(schema.get("additionalProperties"), scope.within("Value"))
        if scope.given:
            return [f"{use('Mapping')}[{use('str')}, {values}]", use("ModelInput")]
        return [f"{use('dict')}[{use('str')}, {values}]"]

    def _object_type(self, schema: Schema, scope: _Scope) -> Types:
        name = self._model(schema, scope)
        if not scope.given:
            return [name]
        use = self._names.use
        open_ended = schema.get("additionalProperties")
        others = [f"{use('Mapping')}[{use('str')}, {use('object')}]"] if open_ended else []
        return [name, *others, use("ModelInput")]

    def _model(self, schema: Schema, scope: _Scope) -> str:
        has_files = not scope.inside and any(map(_takes_files, _properties(schema).values()))
        key = (scope.given, scope.given and has_files, self._digests[scope.endpoint].of(schema))
        if key in self._by_schema:
            return self._by_schema[key]
        title, suffix = schema.get("title"), "Input" if scope.given else ""
        # BentoML derives a class NameIODescriptor from a model that is the whole result.
        base = pascal_case(title.removesuffix("IODescriptor"), scope.hint) if isinstance(title, str) else scope.hint
        wanted = base + suffix
        name = self._by_schema[key] = self._names.new(wanted)
        doc = schema.get("description")
        model = Model(name, dict(self._fields(schema, scope)), doc if isinstance(doc, str) else None)
        # An equal model whose schema is written differently has been there before.
        same = self._by_fields.setdefault((wanted, frozenset(model.fields.items())), name)
        if same != name:
            self._names.release(name, wanted)
            self._by_schema[key] = same
            return same
        self.models[name] = model
        return name

    def _fields(self, schema: Schema, scope: _Scope) -> Iterator[tuple[str, str]]:
        required = schema.get("required")
        needed = required if isinstance(required, list) else []
        for name, field in _properties(schema).items():
            # A model that is the root input may contain files.
            inside = scope.inside or not (scope.given and _takes_files(field))
            within = replace(scope, inside=inside, hint=scope.hint + pascal_case(name, ""))
            text = _union(self._field(field, within, name in needed))
            if scope.given:
                text = f"{self._names.use('ReadOnly')}[{text}]"
            # In a result, a field with a default is always present; one without may be missing.
            if name not in needed and (scope.given or "default" not in field):
                text = f"{self._names.use('NotRequired')}[{text}]"
            yield name, text


def _properties(schema: Schema) -> Mapping[str, Schema]:
    return {name: _object_of(value) for name, value in _object_of(schema.get("properties")).items()}


def _union(types: Types) -> str:
    """The union of types, None last. ``object`` and ``Any`` absorb all others."""
    for everything in ("object", "Any", "_object", "_Any"):
        if everything in types:
            return everything
    unique = sorted(dict.fromkeys(types), key="None".__eq__)
    return " | ".join(unique) if unique else "object"


def fits(value: JSON, schema: JSON) -> bool:
    """Whether a value certainly matches the annotation made from a schema."""
    if not isinstance(schema, dict) or "$ref" in schema or schema.get("properties"):
        return False
    enum, kind = schema.get("enum"), schema.get("type")
    if isinstance(enum, list):
        return any(value == each and type(value) is type(each) for each in enum)
    if isinstance(value, list):
        items = schema.get("items")
        return kind == "array" and "prefixItems" not in schema and all(fits(item, items) for item in value)
    if isinstance(value, dict):
        values = schema.get("additionalProperties")
        return kind == "object" and (values is True or all(fits(item, values) for item in value.values()))
    return isinstance(kind, str) and type(value) in _FITTING.get(kind, ()) and not ({"const", "anyOf"} & schema.keys())


_FITTING: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
}  # fmt: skip


def _object_of(schema: JSON) -> Schema:
    """A subschema; one that is no object, such as ``true``, is empty."""
    return schema if isinstance(schema, dict) else {}


def _takes_files(schema: Schema) -> bool:
    """Whether a field of a root input is a file, or a list of files."""
    members = schema.get("anyOf")
    inner = [_object_of(member) for member in members] if isinstance(members, list) else [schema]
    return any("file" in (each.get("type"), _object_of(each.get("items")).get("type")) for each in inner)


def named_in(endpoint: Endpoint) -> dict[str, dict[str, JSON]]:
    """The schemas in an endpoint that a reference may mean: its definitions, and its models by their titles.

    BentoML inlines models, and may leave references to definitions that it has removed.
    """
    found: dict[str, dict[str, JSON]] = {}
    stack: list[JSON] = [*(dict(parameter.schema) for parameter in endpoint.parameters), dict(endpoint.output.schema)]
    stack.append({"$defs": dict(endpoint.definitions)})
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            title = value.get("title")
            if isinstance(title, str) and value.get("properties"):
                found.setdefault(title, value)
            for name, target in _object_of(value.get("$defs")).items():
                found[name] = dict(_object_of(target))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found
