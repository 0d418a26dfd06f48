"""The recorded calls of BentoML's own client, encoded here: the bodies mean the same to the server."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from bento_proto.http import FilePart
from bento_proto.http._url import quote_route
from bento_proto.request import Body, BoundCall, Upload, bind, encode
from tests.proto.forms import Part, parse_form, whole
from tests.proto.shapes import service
from tests.recordings import Recording, files, load

D = PurePosixPath("/D")
FILES = files()


class Item(BaseModel):
    sku: str
    qty: int = 1
    note: str | None = None


class Address(BaseModel):
    street: str
    zip: str | None = None


class Order(BaseModel):
    id: int
    items: list[Item]
    ship_to: Address
    bill_to: Address | None = None
    tags: dict[str, str] = {}
    by_sku: dict[str, Item] = {}


# What the calls name beside literals.
NAMES: dict[str, object] = {
    "D": D, "np": np, "pd": pd, "float": float, "list": list, "range": range, "str": str,
    "__import__": lambda _: SimpleNamespace(Item=Item, Order=Order, Address=Address),
}  # fmt: skip


class Called(NamedTuple):
    endpoint: str
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    submitted: bool = False


class Method:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: object, **kwargs: object) -> Called:
        return Called(self.name, args, kwargs)

    def submit(self, *args: object, **kwargs: object) -> Called:
        return Called(self.name, args, kwargs, submitted=True)


class Client:
    """Stands for BentoML's own, and only notes what it is told."""

    def __getattr__(self, name: str) -> Method:
        return Method(name.removeprefix("api_"))

    def call(self, name: str, *args: object, **kwargs: object) -> Called:
        return Called(name, args, kwargs)


def noted(recording: Recording) -> Called:
    written = (recording.call or "").removeprefix("await ")
    found = eval(written, {"__builtins__": {}, "c": Client(), "a": Client(), **NAMES})
    assert isinstance(found, Called)
    return found


# What is a plain call of an endpoint; Pillow's images are the adapters' business.
PLAIN = re.compile(r"(?:await )?[ac]\.(?!request\(|is_ready\(|_get)\w+(?:\.submit)?\((?!.*(?:Image\.|\bio\.)).*\)")
CALLS = [r for r in load("calls", "streams", "tasks") if r.call and r.endpoint and PLAIN.fullmatch(r.call)]

# Calls that nobody can make here, and why.
REFUSED = {
    "echo_str_lone_surrogate": ValueError,  # the server refuses it too
    "echo_str_too_many_positional": TypeError,  # BentoML drops what is too much
    "path_param_route": TypeError,  # BentoML requests the route as it is, with its braces
    "file_list_empty": ValueError,  # BentoML sends nothing, and gets a 400
    "root_file_empty": ValueError,  # the server takes no bytes for two
    "root_str_empty": ValueError,
    "root_file_missing": TypeError,
    "root_int_default": TypeError,
    "root_optional_missing": TypeError,
    "root_str_default": TypeError,
    "root_str_missing": TypeError,
}
# Calls that BentoML's client gets wrong; `test_encoding.py` says what is right.
WRONG = {"url_file_list_two_urls", "url_file_list_url_and_path"}
# Bodies that differ, and mean the same to the server.
OTHERWISE = {
    "df_columns": '{"df":[{"a":1,"b":3},{"a":2,"b":4}]}',  # it takes rows for columns
    "df_records": '{"df":[{"a":1,"b":"x"},{"a":2}]}',  # what a row leaves out is NaN
    "nd_info_neg_shape": '{"a":[1,2,3,4]}',  # it brings numbers into shape
    "nd_typed": '{"a":[1,2,3,4]}',
    "order_extra_field": '{"order":{"id":1,"items":[],"ship_to":{"street":"S"},"unknown_extra":1}}',  # ignored there
    "order_pydantic_instance": (  # BentoML leaves out some of the fields that are not set
        '{"order":{"id":1,"items":[{"sku":"a","qty":1,"note":null}],"ship_to":{"street":"S","zip":null},'
        '"bill_to":null,"tags":{},"by_sku":{}}}'
    ),
}


def measured(call: BoundCall) -> list[Upload]:
    uploads = []
    for source in call.sources:
        path = PurePosixPath(str(source.content))
        content = FILES[path.name]
        uploads.append(Upload(FilePart(content, len(content)), path.name, mimetypes.guess_type(path.name)[0]))
    return uploads


def bound(recording: Recording) -> BoundCall:
    called = noted(recording)
    return bind(service(recording.service).endpoints[called.endpoint], called.args, called.kwargs)


def encoded(recording: Recording) -> Body:
    call = bound(recording)
    return encode(call, measured(call), "0123456789abcdef")


def test_most_recorded_calls_are_compared() -> None:
    assert len(CALLS) > 250
    cases = {recording.case for recording in CALLS}
    assert cases >= REFUSED.keys() | OTHERWISE.keys() | WRONG


@pytest.mark.parametrize("recording", CALLS, ids=lambda recording: recording.case)
def test_the_target_is_the_recorded_one(recording: Recording) -> None:
    if recording.case not in REFUSED and recording.method == "POST":
        action = "/submit" if noted(recording).submitted else ""
        assert quote_route(bound(recording).route).rstrip("/" if action else "") + action == recording.target


@pytest.mark.parametrize("recording", CALLS, ids=lambda recording: recording.case)
def test_the_body_means_the_same_as_the_recorded_one(recording: Recording) -> None:
    if recording.case in REFUSED:
        with pytest.raises(REFUSED[recording.case]):
            encoded(recording)
    elif recording.case not in WRONG and recording.method == "POST":
        body = encoded(recording)
        theirs = dict(recording.request_headers).get("content-type", "")
        if body.content_type == "application/json":
            expected = OTHERWISE.get(recording.case, recording.request_body or b"{}")
            if recording.endpoint == "df":  # a missing cell is NaN or null, as the version of pandas has it
                expected = json.dumps(values(expected)).replace('"NaN"', "null")
                body = body.replace(segments=(whole(body).replace(b"NaN", b"null"),))
            assert values(whole(body)) == values(expected)
        elif body.content_type.startswith("multipart/"):
            assert fields(parse_form(body.content_type, whole(body))) == fields(parts(theirs, recording.request_body))
        else:
            assert whole(body) == recording.request_body


def values(body: bytes | str) -> object:
    """JSON by value; NaN is equal to itself there."""
    return json.loads(body, parse_constant=str)


def parts(content_type: str, body: bytes) -> list[Part]:
    """A form, or the urlencoded fields that httpx sends where there is no file among them."""
    if content_type.startswith("multipart/"):
        return parse_form(content_type, body)
    assert content_type == "application/x-www-form-urlencoded"
    return [Part(name, None, None, text.encode()) for name, text in parse_qsl(body.decode(), strict_parsing=True)]


def fields(parts: list[Part]) -> tuple[Mapping[str, Any], list[tuple[str, str, bytes]]]:
    """The values by name, whose order means nothing, and the files, whose order does."""
    plain = {part.name: _value(part.content) for part in parts if part.file_name is None}
    return plain, [(part.name, part.file_name, part.content) for part in parts if part.file_name is not None]


def _value(content: bytes) -> object:
    return content if content.startswith(b"http") else json.loads(content)
