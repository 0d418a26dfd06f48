"""What a call returns: by the schema and the value, whatever the Content-Type says; and what came around it."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bento_proto import InternalServerError, LimitExceeded, Limits, RemoteProtocolError
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect

RESULTS: dict[str, object] = {
    "nothing": None,
    "no_args_str": "ok",
    "empty_str": "",
    "bytes_out": b"\x00\x01\xfe\xff",
    "bytes_out_ct": b"ID3\x00",
    "empty_bytes_out": b"",
    "enum_out": "blue",
    "literal_out": "a",
    "str_enum_out": "blue",
    "int_enum_out": 2,
    "uuid_out": "00000000-0000-0000-0000-000000000001",
    "datetime_out": "2024-01-02T03:04:05",
    "decimal_out": "1.10",
    "dict_of_models_out": {"a": {"sku": "s", "qty": 1, "note": None}},
    "nested_rich_out": {"when": "2024-01-02T00:00:00", "color": "red", "dec": "1.10", "blob": "abc", "nan": None},
    "untyped_str": "a bare string",
    "untyped_bytes": b"\x00\xff",
    "union_out": 5,
    "optional_str_out": "some text",
    "optional_model": None,
    "latin1_out": "café",
    "raw_response_204": None,
    "raw_response_empty_200": None,
    "ctx_content_type": "<b>x</b>",
}


@pytest.mark.parametrize("endpoint", RESULTS)
def test_a_result_is(zoo: SyncHTTPClient, endpoint: str) -> None:
    result = getattr(zoo, endpoint)()
    assert result == RESULTS[endpoint]
    assert type(result) is type(RESULTS[endpoint])


def test_results_that_depend_on_the_value(zoo: SyncHTTPClient) -> None:
    assert zoo.optional_str_out(want=False) is None
    assert zoo.union_out("str") == "five"
    assert zoo.untyped([1], y="é") == {"x": [1], "y": "é"}
    assert zoo.optional_model({"sku": "é"}) == {"sku": "é", "qty": 1, "note": None}
    assert zoo.echo_str('"quoted"') == '"quoted"'
    assert zoo.echo_str("null") == "null"


def test_numbers_that_json_does_not_know(zoo: SyncHTTPClient) -> None:
    one, nan, positive, negative = zoo.special_floats()
    assert (one, positive, negative) == (1.5, math.inf, -math.inf)
    assert math.isnan(nan)


# --- arrays, frames, images


def test_tensors_keep_dtype_and_shape(zoo: SyncHTTPClient) -> None:
    typed = zoo.nd_typed([[1, 2], [3, 4]])
    assert (typed.dtype, typed.shape) == (np.float32, (2, 2))
    assert zoo.nd(np.arange(6).reshape(1, 2, 3)).shape == (1, 2, 3)
    parts = zoo.nd_list([np.arange(2), np.ones((2, 2))])
    assert {key: part.shape for key, part in parts.items()} == {"0": (2,), "1": (2, 2)}
    model = zoo.nd_model({"name": "n", "data": [1.5]})
    assert isinstance(model["data"], np.ndarray)
    assert model == {"name": "n", "data": pytest.approx(np.array([2.5]))}
    batch = zoo.batch_nd([1, 2])
    assert (batch.tolist(), batch.dtype.kind) == ([10, 20], "i")


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("int", [1, 2], "i"),
        ("bool", [True, False], "b"),
        ("str", ["a", "b"], "U"),
        ("complex", ["1+2j"], "U"),
        ("scalar", 3.5, "f"),
        ("empty", [], "f"),
        ("datetime", ["2024-01-01"], "U"),
        ("object", [{"a": 1}, None], "O"),
    ],
)
def test_tensors_of_every_kind(zoo: SyncHTTPClient, kind: str, values: object, dtype: str) -> None:
    array = zoo.nd_kinds(kind)
    assert isinstance(array, np.ndarray)
    assert (array.tolist(), array.dtype.kind) == (values, dtype)


def test_tensors_with_holes(zoo: SyncHTTPClient) -> None:
    assert zoo.nd_special().tolist()[0] == 1  # BentoML sends neither NaN nor the infinities: they come as null
    assert len(zoo.nd_special()) == 3


def test_frames(zoo: SyncHTTPClient) -> None:
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": ["ü", None]})
    for back in (zoo.df(frame), zoo.df_columns(frame)):
        assert isinstance(back, pd.DataFrame)
        assert list(back.columns) == ["a", "b"]
        assert back["a"].isna().tolist() == back["b"].isna().tolist() == [False, True]
        assert (back["a"][0], back["b"][0]) == (1.5, "ü")
    with pytest.raises(InternalServerError):  # BentoML can't write timestamps
        zoo.df_special()


def test_images(zoo: SyncHTTPClient) -> None:
    for endpoint, kind in (("png_out", "PNG"), ("jpeg_out", "JPEG"), ("jpeg_out_annotated", "PNG")):
        image = getattr(zoo, endpoint)()
        assert isinstance(image, Image.Image)
        assert (image.format, image.size, image.mode) == (kind, (4, 3), "RGB")
        assert image.resize((1, 1)).getpixel((0, 0)) in ((0, 0, 255), (0, 0, 254))
    assert zoo.optional_image_out().size == (1, 1)


def test_without_the_packages_there_are_lists_and_files(zoo: SyncHTTPClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("numpy", "pandas", "PIL"):
        monkeypatch.setitem(sys.modules, package, None)
    assert zoo.nd([[1, 2]]) == [[2, 4]]
    assert zoo.nd_model({"name": "n", "data": [1]}) == {"name": "n", "data": [2]}
    assert zoo.df([{"a": 1}]) == [{"a": 1}]
    assert zoo.df_columns({"a": [1], "b": [2]}) == {"a": [1], "b": [2]}
    assert list(zoo.stream_nd()) == [[0, 1, 2], [1, 2, 3]]
    picture = zoo.png_out()
    assert picture.name == "png_out.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


# --- what can't be decoded, and what BentoML can't answer


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("invalid_utf8_out", b"ok \xff\xfe"),
        ("raw_response_not_json", b"<html>"),
        ("file_model_out", b"Multipart response is not supported yet"),
    ],
)
def test_what_can_not_be_decoded_is_an_error_that_has_the_bytes(
    zoo: SyncHTTPClient, endpoint: str, body: bytes
) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        getattr(zoo, endpoint)()
    assert caught.value.body == body
    assert zoo.no_args_str() == "ok"


@pytest.mark.parametrize("endpoint", ["files_out", "images_out", "bad_output_model", "dict_for_model"])
def test_results_that_the_service_can_not_send(zoo: SyncHTTPClient, endpoint: str) -> None:
    with pytest.raises(InternalServerError, match="check the server log"):
        getattr(zoo, endpoint)()


def test_results_are_bounded(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(body=1000))
    assert len(client.echo_str("x" * 1000)) == 1000
    with pytest.raises(LimitExceeded, match="1000 bytes"):
        client.echo_str("x" * 1001)
    with pytest.raises(LimitExceeded, match="1000 bytes"):
        client.echo_list([0] * 1000)
    with pytest.raises(LimitExceeded, match="1000 bytes"):
        client.image_roundtrip(Image.effect_noise((64, 64), 99))
    assert client.bin_out(5000).stat().st_size == 5000  # a file takes no memory
    assert client.no_args_str() == "ok"


# --- status, headers, cookies


def test_what_came_around_a_result(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"))
    response = client.ctx_response.raw()
    assert response.value == {"ok": "yes"}
    assert response.status_code == 202
    assert response.headers["X-Zoo"] == response.headers["x-zoo"] == "yes"
    assert "x-multi" in response.headers
    assert response.cookies == {"session": "abc", "lang": "en"}
    assert len(response.headers.get_all("set-cookie")) == 2
    assert response.headers["server"] == "BentoML Service/Zoo"
    assert repr(response) == "<Response 202: value is a dict>"
    assert response.request_id == response.headers["x-bentoml-request-id"]
    again = client.ctx_response.raw(status=201)
    assert (again.status_code, again.request_id != response.request_id) == (201, True)
    assert client.raw_response_204.raw().status_code == 204
    assert client.csv_out.raw().headers["content-type"].startswith("text/csv")
    assert client.png_out.raw().value.size == (4, 3)


def test_cookies_go_back_to_where_they_came_from(servers: Servers, connect: Connect) -> None:
    client, other = connect(servers.url("zoo:Zoo")), connect(servers.url("zoo:Zoo"))
    assert client.cookies() == {}
    client.ctx_response()
    assert client.cookies() == {"session": "abc"}  # the other one is for another path, and for https
    assert client.with_options(timeout=5).cookies() == {"session": "abc"}
    assert other.cookies() == {}


def test_the_request_is_what_the_service_expects(zoo: SyncHTTPClient) -> None:
    seen: dict[str, Any] = zoo.raw_request(x=3)
    assert seen == {"method": "POST", "url": f"{zoo.url}/raw_request", "query": {}, "http_version": "1.1", "x": 3}
    headers = dict(zoo.headers())
    assert headers["host"] == zoo.url.removeprefix("http://")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("bento-client/")
    assert "authorization" not in headers


def test_headers_of_the_client_and_of_a_call(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), headers={"X-One": "1", "X-Two": "2"})
    headers = dict(client.with_options(headers={"x-two": "zwei", "User-Agent": "me"}).headers())
    assert (headers["x-one"], headers["x-two"], headers["user-agent"]) == ("1", "zwei", "me")
    assert dict(client.headers())["x-two"] == "2"
    for wrong in ({"bad name": "x"}, {"x": "line\r\nbreak"}, {"Host": "x"}, {"Content-Length": "1"}):
        with pytest.raises(ValueError, match="header"):
            client.with_options(headers=wrong)


def test_compressed_answers(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("middleware:ZooMiddleware"), token="s3cret")
    raw = client.big_text.raw(2000)
    assert (raw.headers["content-encoding"], raw.value) == ("gzip", "é" * 2000)
    assert client.big_json(3000) == list(range(3000))
    assert client.file_out().read_bytes() == b"gzip me " * 1000
    assert "".join(client.stream(3)) == "".join(f"tök{i} " * 200 for i in range(3))


def test_a_request_of_ones_own(zoo: SyncHTTPClient) -> None:
    answer = zoo.request("POST", "/echo_str", json={"text": "ü"})
    assert (answer.status_code, answer.content, answer.text) == (200, "ü".encode(), "ü")
    assert zoo.request("POST", "/latin1_out").text == "café"
    assert zoo.request("post", "/add_int?ignored=1", content=b'{"a": 1}').json() == 3
    assert zoo.request("GET", "/livez").content == zoo.request("GET", "livez").content == b"\n"
    with pytest.raises(RemoteProtocolError):
        answer.json()
    for method, path in (("GET", "//evil.example/"), ("GET", "/a b"), ("G T", "/"), ("GET\r\n", "/")):
        with pytest.raises(ValueError, match=r"method|path"):
            zoo.request(method, path)
