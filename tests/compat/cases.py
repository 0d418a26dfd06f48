"""What the endpoints of ``zoo:Zoo`` give, and which version of BentoML gives something else, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from bento_proto import (
    BentoMLException,
    Conflict,
    File,
    Forbidden,
    InternalServerError,
    InvalidArgument,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
)

# Of the exact type of an endpoint's arguments a test needs nothing: they are the schema's.
Call = Callable[[Any], object]


class But(NamedTuple):
    """What another version gives.

    Attributes:
        gives: the result made plain, or the class of the exception.
        why: the reason.
    """

    gives: object
    why: str


class Case(NamedTuple):
    """A call and what comes of it.

    Attributes:
        call: makes the call with the client that it gets.
        gives: the result made plain, or the class of the exception.
        but: what is different in an older version, by the version.
    """

    call: Call
    gives: object
    but: Mapping[str, But] = {}


OLDER = ("1.2.20", "1.3.22")


def _older(gives: object, why: str) -> Mapping[str, But]:
    return dict.fromkeys(OLDER, But(gives, why))


def _oldest(gives: object, why: str) -> Mapping[str, But]:
    return {"1.2.20": But(gives, why)}


NO_INFINITY = "it writes null for NaN and the infinities, everywhere"
EXPANDED = "it hands on each as an argument; BentoML 1.4 hands on one list"
NO_ROOT = "it takes a positional-only argument for a named one, and fails to call the endpoint by it"
UNTYPED = "it heeds neither the dtype nor the shape"
STARTED = "it begins to answer before the first item: errors, status and headers come too late"

RED = Image.new("RGB", (4, 3), "red")
HELLO = {"size": 5, "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}
LINES = 'event: token\nid: 0\ndata: {"i": 0, "t": "ö"}\n\ndata: [DONE]\n\n'

VALUES: dict[str, Case] = {
    "text": Case(lambda c: c.echo_str("é \N{ELEPHANT}"), "é 🐘"),
    "empty text": Case(lambda c: c.empty_str(), ""),
    "text by default": Case(lambda c: c.str_default(), "hello"),
    "a number": Case(lambda c: c.add_int(1, b=4), 5),
    "a fraction": Case(lambda c: c.half(3.0), 1.5),
    "a truth": Case(lambda c: c.negate(True), False),
    "a large number": Case(lambda c: c.big_int(10**30), 1_000_000_007 * 10**30),
    "an infinity": Case(lambda c: c.half(float("inf")), float("inf"), _oldest(None, NO_INFINITY)),
    "nothing": Case(lambda c: c.nothing(), None),
    "None": Case(lambda c: c.none_arg(None), "None"),
    "defaults": Case(lambda c: c.defaults(n=3), {"tags": ["a", "b"], "opts": {"k": 1}, "n": 3, "temperature": 0.7}),
    "an alias": Case(lambda c: c.aliased(outerName=6), 6),
    "keywords only": Case(lambda c: c.keyword_only(a=1, b="y"), "1y"),
    "special floats": Case(
        lambda c: c.special_floats(),
        [1.5, "NaN", float("inf"), float("-inf")],
        _oldest([1.5, None, None, None], NO_INFINITY),
    ),
    "an Enum": Case(lambda c: c.enum_out(), "blue"),
    "a str Enum": Case(lambda c: c.str_enum_out(), "blue"),
    "an IntEnum": Case(lambda c: c.int_enum_out(), 2),
    "a Literal": Case(lambda c: c.literal_out(), "a"),
    "a UUID": Case(lambda c: c.uuid_out(), "00000000-0000-0000-0000-000000000001"),
    "a datetime": Case(lambda c: c.datetime_out(), "2024-01-02T03:04:05"),
    "a Decimal": Case(lambda c: c.decimal_out(), "1.10"),
    "one type of two": Case(lambda c: [c.union_out(), c.union_out("str")], [5, "five"]),
    "text or None": Case(lambda c: [c.optional_str_out(), c.optional_str_out(want=False)], ["some text", None]),
    "a model or None": Case(
        lambda c: [c.optional_model({"sku": "é"}), c.optional_model()], [{"sku": "é", "qty": 1, "note": None}, None]
    ),
    "without types": Case(lambda c: c.untyped([1], y="é"), {"x": [1], "y": "é"}),
    "text without a type": Case(lambda c: c.untyped_str(), "a bare string"),
    "bytes without a type": Case(lambda c: c.untyped_bytes(), b"\x00\xff"),
    "a dict": Case(lambda c: c.echo_dict({"ü": [None, 1.5, {}]}), {"ü": [None, 1.5, {}]}),
    "a list": Case(lambda c: c.echo_list(range(3)), [0, 1, 2]),
    "a tuple": Case(lambda c: c.echo_tuple((1, "a")), [1, "a"]),
    "models in models": Case(
        lambda c: c.order({"id": 1, "items": [{"sku": "a", "qty": 2}], "ship_to": {"street": "Ö"}})["total"], 2
    ),
    "a list of models": Case(
        lambda c: c.items_in_out([{"sku": "a"}], index={"k": {"sku": "b", "qty": 3}}),
        [{"sku": "a", "qty": 1, "note": None}, {"sku": "b", "qty": 3, "note": None}],
    ),
    "a dict of models": Case(lambda c: c.dict_of_models_out(), {"a": {"sku": "s", "qty": 1, "note": None}}),
    "an input model": Case(lambda c: c.with_input_spec("p"), '{"prompt": "p", "temperature": 0.5}'),
    "a batch": Case(lambda c: c.batch_list([1, 2]), [10, 20]),
    "*args": Case(lambda c: c.varargs(1, 2), {"args": "([1, 2],)"}, _older({"args": "(1, 2)"}, EXPANDED)),
    "no *args": Case(lambda c: c.varargs(), {"args": "([],)"}, _older({"args": "()"}, EXPANDED)),
    "**kwargs": Case(lambda c: c.varkw(a=1, b="é"), {"kwargs": {"a": 1, "b": "é"}}),
    "*args beside others": Case(lambda c: c.mixed_args(1, 2, 3, k=4, x=5), InternalServerError),
    "a positional-only argument": Case(lambda c: c.root_str("a"), "A", _older(InternalServerError, NO_ROOT)),
    "an endpoint named call": Case(
        lambda c: c.api_call(x=3),
        InternalServerError,
        _oldest("endpoint call 3", "nothing else in its server has that name"),
    ),
    "a route": Case(lambda c: [c.custom_route(4), c.weird_route(), c.trailing_slash()], [4, "weird", "slash"]),
    "a route with a parameter": Case(
        lambda c: c.path_param_route(n=1, user_id="ü"), {"n": 1, "path": {"user_id": "ü"}}
    ),
}

ARRAYS: dict[str, Case] = {
    "an array": Case(lambda c: c.nd(np.array([[1, 2], [3, 4]])), ("array", "i", (2, 2), [[2, 4], [6, 8]])),
    "an array of floats": Case(lambda c: c.nd(np.array([1.5])), ("array", "f", (1,), [3.0])),
    "an array in a model": Case(
        lambda c: c.nd_model({"name": "n", "data": [1.5]}), {"name": "n", "data": ("array", "f", (1,), [2.5])}
    ),
    "dtype and shape": Case(
        lambda c: c.nd_info([1, 2, 3, 4]),
        {"dtype": "float16", "shape": [2, 2]},
        {"1.3.22": But({"dtype": "int64", "shape": [4]}, UNTYPED)},
    ),
    "dtype and shape of a result": Case(
        lambda c: c.call("nd_typed", [[1, 2], [3, 4]]),
        ("array", "f", (2, 2), [[2.0, 4.0], [6.0, 8.0]]),
        {
            "1.2.20": But(NotFound, "the Service is without this endpoint there, as it could not start with it"),
            "1.3.22": But(("array", "i", (2, 2), [[2, 4], [6, 8]]), UNTYPED),
        },
    ),
    "no array": Case(lambda c: c.nd_optional(), "None"),
    "texts": Case(lambda c: c.nd_kinds("str"), ("array", "U", (2,), ["a", "b"])),
    "complex numbers": Case(
        lambda c: c.nd_kinds("complex"),
        ("array", "U", (1,), ["1+2j"]),
        _oldest(InternalServerError, "it can't write them"),
    ),
    "a scalar": Case(lambda c: c.nd_kinds("scalar"), ("array", "f", (), 3.5)),
    "holes": Case(lambda c: c.nd_special(), ("array", "O", (3,), [1.0, None, None])),
    "a batch of arrays": Case(lambda c: c.batch_nd([1, 2]), ("array", "i", (2,), [10, 20])),
    "a frame": Case(
        lambda c: c.df(pd.DataFrame({"a": [1.5, None], "b": ["ü", "x"]})),
        ("frame", {"a": [1.5, "NaN"], "b": ["ü", "x"]}),
    ),
    "a frame by columns": Case(
        lambda c: c.df_columns(pd.DataFrame({"a": [1], "b": [2]})), ("frame", {"a": [1], "b": [2]})
    ),
}

FILES: dict[str, Case] = {
    "a file in": Case(lambda c: c.file_in(File(b"hello", name="h.txt")), {**HELLO, "suffix_of_temp_name": "h.txt"}),
    "a file beside JSON": Case(
        lambda c: c.file_and_json(File(b"hello", name="h.txt"), "nämé", 2, item={"sku": "s"}, tags=["t"]),
        {
            "f": {**HELLO, "suffix_of_temp_name": "h.txt"},
            "name": "nämé",
            "n": 2,
            "flag": False,
            "item": {"sku": "s", "qty": 1, "note": None},
            "tags": ["t"],
        },
    ),
    "a large text beside a file": Case(
        lambda c: len(c.file_and_json(b"x", "x" * 1_100_000)["name"]),
        1_100_000,
        _older(
            InternalServerError,
            "a text of more than 1 MiB is sent as a part with a file name, which only BentoML 1.4 reads as a text",
        ),
    ),
    "two files": Case(lambda c: c.two_files(b"a", b"bc"), [1, 2]),
    "a list of files": Case(lambda c: [got["size"] for got in c.file_list([b"a", b"", b"abc"])], [1, 0, 3]),
    "a list of one file": Case(lambda c: [got["size"] for got in c.file_list([b"a"])], [1]),
    "a file that may be absent": Case(
        lambda c: [c.file_optional(b"hello")["f"]["size"], c.file_optional(name="y")], [5, {"f": None, "name": "y"}]
    ),
    "no list of files": Case(lambda c: c.file_list_optional(name="y"), {"n": None, "name": "y"}),
    "an image in": Case(lambda c: c.image_in(RED), {"format": "PNG", "size": [4, 3], "mode": "RGB"}),
    "an image beside text": Case(lambda c: c.image_and_text(RED, prompt="é")["prompt"], "é"),
    "a list of images": Case(lambda c: [got["size"] for got in c.image_list([RED, RED])], [[4, 3], [4, 3]]),
    "a file out": Case(lambda c: c.csv_out(), ("file", "table.csv", b"a,b\r\n1,2\r\n")),
    "a file with a name": Case(
        lambda c: c.named_file_out("ümläut 日本.txt"),
        ("file", "ümläut 日本.txt", "payload of ümläut 日本.txt".encode()),
    ),
    "an empty file out": Case(lambda c: c.empty_file_out(), ("file", "empty.bin", b"")),
    "a file of a content type": Case(lambda c: c.file_out_ct(), ("file", "noext", b"ID3")),
    "a file or None": Case(lambda c: c.optional_file_out(), ("file", "opt.txt", b"opt")),
    "None for a file": Case(
        lambda c: c.optional_file_out(want=False),
        InternalServerError,
        _oldest(None, "it writes null, as one would expect"),
    ),
    "files out": Case(
        lambda c: c.files_out(),
        InternalServerError,
        _oldest(["a", "b"], "it writes the contents of the files as a list of texts"),
    ),
    "an image out": Case(lambda c: c.png_out(), ("image", "PNG", "RGB", (4, 3))),
    "a JPEG out": Case(lambda c: c.jpeg_out(), ("image", "JPEG", "RGB", (4, 3))),
    "an image or None": Case(lambda c: c.optional_image_out(), ("image", "PNG", "RGB", (1, 1))),
    "an image back": Case(lambda c: c.image_roundtrip(RED), ("image", "PNG", "RGB", (4, 3))),
    "bytes out": Case(lambda c: c.bytes_out(), b"\x00\x01\xfe\xff"),
    "no bytes out": Case(lambda c: c.empty_bytes_out(), b""),
    "bytes in": Case(lambda c: c.bytes_in(b"abc"), 3),
    "text in Latin-1": Case(lambda c: c.latin1_out(), "café"),
    "no content": Case(lambda c: c.raw_response_204(), None),
}

STREAMS: dict[str, Case] = {
    "text": Case(lambda c: "".join(c.stream_async_str(3, 0)), "tok0 tok1 tok2 "),
    "text of a plain generator": Case(lambda c: "".join(c.stream_sync_str(3, 0)), "tok0 tok1 tok2 "),
    "text without a type": Case(lambda c: "".join(c.stream_untyped(3)), "tok0 tok1 tok2 "),
    "text of a content type": Case(lambda c: "".join(c.stream_annotated_plain(2)), "line 0\nline 1\n"),
    "characters of many bytes": Case(lambda c: len("".join(c.stream_multibyte_big(100_000))), 100_001),
    "bytes": Case(lambda c: b"".join(c.stream_bytes(3, 2, 0)), b"\x00\x00\x01\x01\x02\x02"),
    "dicts": Case(lambda c: c.stream_dict(2, 0), ("stream", [{"i": 0, "text": "tök0"}, {"i": 1, "text": "tök1"}])),
    "large dicts": Case(lambda c: [len(item["pad"]) for item in c.stream_big_dict(3)], [200_000] * 3),
    "models": Case(lambda c: c.stream_model(2, 0), ("stream", [{"i": 0, "text": "tök0"}, {"i": 1, "text": "tök1"}])),
    "numbers": Case(lambda c: c.stream_int(12), ("stream", list(range(12)))),
    "arrays": Case(
        lambda c: c.stream_nd(2),
        ("stream", [("array", "i", (3,), [0, 1, 2]), ("array", "i", (3,), [1, 2, 3])]),
    ),
    "events": Case(lambda c: [event.data for event in c.stream_sse.events(1, 0)], ['{"i": 0, "t": "ö"}', "[DONE]"]),
    "events as text": Case(lambda c: "".join(c.stream_sse(1, 0)), LINES),
    "nothing": Case(lambda c: c.stream_empty(), ("stream", [])),
    "an error before the first item": Case(
        lambda c: c.stream_raise_first(), InvalidArgument, _oldest(("stream", []), STARTED)
    ),
    "another error before the first item": Case(
        lambda c: c.stream_raise_first_plain(), InternalServerError, _oldest(("stream", []), STARTED)
    ),
    "an error after the first item": Case(lambda c: "".join(c.stream_raise_mid(1)), "tok0 "),
    "status": Case(lambda c: c.stream_ctx().response.status_code, 201, _oldest(200, STARTED)),
    "headers": Case(lambda c: c.stream_ctx().response.headers.get("x-zoo"), "stream", _oldest(None, STARTED)),
}

ERRORS: dict[str, Case] = {
    "no such argument type": Case(lambda c: c.add_int("x"), InvalidArgument),
    "a limit of an argument": Case(lambda c: c.validated("too long"), InvalidArgument),
    "InvalidArgument": Case(lambda c: c.err("InvalidArgument"), InvalidArgument),
    "NotFound": Case(lambda c: c.err("NotFound"), NotFound),
    "UnprocessableEntity": Case(lambda c: c.err("UnprocessableEntity"), UnprocessableEntity),
    "Conflict": Case(lambda c: c.err("Conflict"), Conflict),
    "Unauthorized": Case(lambda c: c.err("Unauthorized"), Unauthorized),
    "Forbidden": Case(lambda c: c.err("Forbidden"), Forbidden),
    "RateLimited": Case(lambda c: c.err("RateLimited"), TooManyRequests),
    "Teapot": Case(lambda c: c.err("Teapot"), BentoMLException),
    "ServiceUnavailable": Case(lambda c: c.err("ServiceUnavailable"), ServiceUnavailable),
    "InternalServerError": Case(lambda c: c.err("InternalServerError"), InternalServerError),
    "BadGateway": Case(lambda c: c.err("BadGateway"), BentoMLException),
    "any exception": Case(lambda c: c.err("Plain"), InternalServerError),
    "an exception of Starlette's": Case(lambda c: c.err("HTTPException"), InternalServerError),
    "a wrong result": Case(lambda c: c.bad_output(), InvalidArgument),
    "a wrong model": Case(lambda c: c.bad_output_model(), InternalServerError),
}
