"""A double refuses what BentoML refuses, in the same words: the same requests, to the double and to a real server."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import http.client
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import anyio
import pydantic
import pytest
from typing_extensions import TypedDict

from bento_proto.testing import ServiceDouble, UploadedFile
from tests.servers import Servers

JSON_TYPE = "application/json"
FORM = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"


class Asked(NamedTuple):
    path: str
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()


def part(name: str, data: bytes, file: str | None = None, kind: str | None = None) -> bytes:
    said = "" if file is None else f'; filename="{file}"'
    typed = "" if kind is None else f"\r\nContent-Type: {kind}"
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{said}{typed}\r\n\r\n'.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


NUMBERS = ["5", "5.0", " 5 ", "+5", "1_0", "5.5", "0x5", "", "1e2", "nan", "Infinity", "\u0665"]
TIMES = [b"at", b"day", b"time", b"span", b"key", b"price"]
HELD = [
    *((b"pair", value) for value in (b'[1, "a"]', b"[1]", b'[1, "a", 2]', b'["x", 5]', b"5")),
    *((b"row", value) for value in (b"[1, 2]", b'["x"]', b"{}")),
    *((b"kinds", value) for value in (b"[1, 1]", b'["x"]', b"5")),
    *((b"point", value) for value in (b'{"x": 1}', b'{"y": 1}', b'{"x": "a", "y": "b"}', b"5", b"[]")),
    *((b"keys", value) for value in (b'{"a": 1}', b'{"b": 1}', b'{"a": "x"}', b"5")),
    *((b"anything", value) for value in (b"null", b"5", b'{"a": []}')),
    *((b"several", value) for value in (b"[1]", b'["x", "y"]', b'"text"')),
]
REQUESTS = [
    # right
    Asked("/add", b'{"a": 1}'),
    Asked("/add", b'{"a": 1, "b": 2}', "Application/JSON; charset=utf-8"),
    Asked("/add", b"a=1&b=2", URLENCODED),
    Asked("/add", form(part("a", b"1"), part("b", b"2")), FORM),
    Asked("/nothing"),
    Asked("/nothing", b"{}"),
    Asked("/stream", b'{"n": 2}'),
    # missing and unknown fields
    Asked("/add", b"{}"),
    Asked("/add"),
    Asked("/add", b'{"b": 1}'),
    Asked("/add", b'{"a": 1, "c": 2}'),
    Asked("/add", b'{"A": 1}'),
    Asked("/nothing", b'{"a": 1}'),
    Asked("/stream", b"{}"),
    # wrong types
    Asked("/add", b'{"a": "x"}'),
    Asked("/add", b'{"a": "5"}'),
    Asked("/add", b'{"a": 1.0}'),
    Asked("/add", b'{"a": 1.5}'),
    Asked("/add", b'{"a": true}'),
    Asked("/add", b'{"a": null}'),
    Asked("/add", b'{"a": [1]}'),
    Asked("/add", b'{"a": {}}'),
    Asked("/add", b'{"a": 1, "b": null}'),
    Asked("/add", b'{"a": "x", "b": "y"}'),
    Asked("/add", b'{"a": 1e400}'),
    Asked("/add", b'{"a": 123456789012345678901234567890}'),
    *(Asked("/add", json.dumps({"a": text}).encode()) for text in NUMBERS),
    *(Asked("/halve", json.dumps({"x": text}).encode()) for text in NUMBERS),
    *(Asked("/halve", b'{"x": %s}' % value) for value in (b"true", b"null", b"1e400", b"NaN")),
    *(Asked("/negate", b'{"on": %s}' % value) for value in (b"0.5", b"1.0", b"null", b'"1"', b'"OFF"', b"[]")),
    *(Asked("/either", b'{"x": %s}' % value) for value in (b"5", b'"5"', b'"x"', b"[]", b"null", b"1.5")),
    *(Asked("/when", b'{"%s": %s}' % (name, value)) for name in TIMES for value in (b'"x"', b"[]", b"null")),
    Asked("/when", b'{"at": "2024-01-02T03:04:05", "day": "2024-01-02", "time": "03:04:05"}'),
    Asked("/when", b'{"span": "PT1M", "key": "00000000-0000-0000-0000-000000000001", "price": "1.10"}'),
    Asked("/when", b'{"span": 90, "price": 1.5}'),
    *(Asked("/holds", b'{"%s": %s}' % pair) for pair in HELD),
    Asked("/shout", b'{"text": 5}'),
    Asked("/shout", b'{"text": null}'),
    Asked("/shout", b'{"text": ["a"]}'),
    Asked("/shout", b'{"text": true}'),
    Asked("/short", b'{"text": "abc"}'),
    Asked("/short", b'{"text": "abcd"}'),
    Asked("/total", b'{"xs": [1, "2"]}'),
    Asked("/total", b'{"xs": [1, "x"]}'),
    Asked("/total", b'{"xs": 5}'),
    Asked("/total", b'{"xs": {"a": 1}}'),
    Asked("/total", b'{"xs": "12"}'),
    Asked("/halve", b'{"x": 3}'),
    Asked("/halve", b'{"x": "3"}'),
    Asked("/halve", b'{"x": "x"}'),
    Asked("/halve", b'{"x": []}'),
    Asked("/negate", b'{"on": 1}'),
    Asked("/negate", b'{"on": "yes"}'),
    Asked("/negate", b'{"on": "maybe"}'),
    Asked("/negate", b'{"on": 2}'),
    Asked("/paint", b'{"color": "red"}'),
    Asked("/paint", b'{"color": "pink"}'),
    Asked("/paint", b'{"color": 5}'),
    Asked("/pick", b'{"one": "a"}'),
    Asked("/pick", b'{"one": "c"}'),
    Asked("/maybe", b'{"x": null}'),
    Asked("/maybe", b'{"x": "x"}'),
    Asked("/counts", b'{"by": {"a": 1}}'),
    Asked("/counts", b'{"by": {"a": "x"}}'),
    Asked("/counts", b'{"by": [1]}'),
    Asked("/order", b'{"item": {"sku": "a"}}'),
    Asked("/order", b'{"item": {"qty": 1}}'),
    Asked("/order", b'{"item": {"sku": 5, "qty": "x"}}'),
    Asked("/order", b'{"item": "a"}'),
    Asked("/order", b'{"item": null}'),
    # broken JSON, and JSON that is no object
    Asked("/add", b'{"a": 1'),
    Asked("/add", b"nonsense"),
    Asked("/add", b"[1]"),
    Asked("/add", b"5"),
    Asked("/add", b"null"),
    Asked("/add", b'"text"'),
    Asked("/add", b'{"a": 1}{"a": 1}'),
    Asked("/add", b'{"a": "\xff"}'),
    Asked("/add", b'{"a": NaN}'),
    Asked("/add", b"\xef\xbb\xbf" + b'{"a": 1}'),
    # root inputs
    Asked("/root_item", b'{"sku": "a"}'),
    Asked("/root_item", b"{}"),
    Asked("/root_item"),
    Asked("/root_item", b"[1]"),
    Asked("/root_item", b'{"sku": 5}'),
    Asked("/root_item", b"nonsense"),
    Asked("/root_text", b"abc", "text/plain"),
    Asked("/root_text", b"abc"),
    Asked("/root_text", b"", "text/plain"),
    Asked("/root_list", b"[1, 2]"),
    Asked("/root_list", b'["x"]'),
    Asked("/root_list", b"{}"),
    Asked("/root_list", b"nonsense"),
    # media types
    Asked("/add", b'{"a": 1}', None),
    Asked("/add", b'{"a": 1}', "text/plain"),
    Asked("/add", b'{"a": 1}', "application/octet-stream"),
    Asked("/add", b'{"a": 1}', "application/xml"),
    Asked("/add", b'{"a": 1}', "nonsense"),
    Asked("/add", b'{"a": 1}', URLENCODED),
    Asked("/add", b"", URLENCODED),
    Asked("/add", b"a=x", URLENCODED),
    Asked("/add", b"a=1&a=2", URLENCODED),
    Asked("/add", b'{"a": 1}', FORM),
    Asked("/add", b'{"a": 1}', "multipart/form-data"),
    Asked("/shout", b"text=5", URLENCODED),
    # forms
    Asked("/add", form(), FORM),
    Asked("/add", form(part("a", b"x")), FORM),
    Asked("/add", form(part("c", b"1")), FORM),
    Asked("/add", form(part("a", b"1"))[:-8], FORM),
    Asked("/add", b"--b\r\nnonsense\r\n\r\n1\r\n--b--\r\n", FORM),
    Asked("/add", form(part("a", b"1"), part("a", b"2")), FORM),
    Asked("/shout", form(part("text", b"5")), FORM),
    Asked("/shout", form(part("text", b'"a"')), FORM),
    Asked("/shout", form(part("text", b"a")), FORM),
    Asked("/total", form(part("xs", b"[1, 2]")), FORM),
    Asked("/total", form(part("xs", b"1"), part("xs", b"2")), FORM),
    Asked("/order", form(part("item", b'{"sku": "a"}')), FORM),
    Asked("/order", form(part("item", b"{}")), FORM),
    Asked("/add", b"", FORM),
    Asked("/add", b"\r\n" + form(part("a", b"1")), FORM),
    Asked("/add", b"preamble\r\n" + form(part("a", b"1")), FORM),
    Asked("/add", form(part("a", b"1")) + b"epilogue", FORM),
    Asked("/add", form(part("a", b"1"))[:-9], FORM),
    Asked("/add", b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n", FORM),
    Asked("/add", b"--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--\r\n", FORM),
    Asked("/add", b'--b\nContent-Disposition: form-data; name="a"\n\n1\n--b--\n', FORM),
    Asked("/add", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n", FORM),
    # files
    Asked("/read", form(part("f", b"abc", "a.txt")), FORM),
    Asked("/read", form(part("f", b"", "a.txt")), FORM),
    Asked("/read", form(part("f", b"abc", "")), FORM),
    Asked("/read", form(part("f", b"abc", "a.txt", "text/plain")), FORM),
    Asked("/read", form(part("f", b"abc")), FORM),
    Asked("/read", form(), FORM),
    Asked("/read", b'{"f": "abc"}'),
    Asked("/read", b'{"f": 5}'),
    Asked("/read", b'{"f": null}'),
    Asked("/read", b"{}"),
    Asked("/read", b'{"f": "file:///etc/hostname"}'),
    Asked("/read_all", form(part("fs", b"a", "a"), part("fs", b"b", "b")), FORM),
    Asked("/read_all", form(part("fs", b"a", "a")), FORM),
    Asked("/read_all", form(), FORM),
    Asked("/read_all", b'{"fs": []}'),
    Asked("/read_all", b'{"fs": ["abc"]}'),
    Asked("/add", form(part("a", b"1", "a.txt")), FORM),
    # methods and routes
    Asked("/add", b"", None, "GET"),
    Asked("/add", b"", None, "HEAD"),
    Asked("/add", b'{"a": 1}', JSON_TYPE, "PUT"),
    Asked("/add", b"", None, "DELETE"),
    Asked("/add", b"", None, "OPTIONS"),
    Asked("/add/", b'{"a": 1}'),
    Asked("/add/?x=1", b'{"a": 1}'),
    Asked("/add?a=5", b"{}"),
    Asked("/ADD", b'{"a": 1}'),
    Asked("/%61dd", b'{"a": 1}'),
    Asked("//add", b'{"a": 1}'),
    Asked("/unknown", b"{}"),
    Asked("/add/submit", b'{"a": 1}'),
    Asked("/train/submit", b"", None, "GET"),
    Asked("/train/status", b"", None, "GET"),
    Asked("/train/status", b"", None, "HEAD"),
    Asked("/train/status?task_id=none", b"", None, "GET"),
    Asked("/train/get?task_id=none", b"", None, "GET"),
    Asked("/train/cancel?task_id=none", b"", None, "PUT"),
    Asked("/train/retry?task_id=none", b"", None, "POST"),
    Asked("/train/status?task_id=none", b"", None, "POST"),
    Asked("/readyz", b"", None, "GET"),
    Asked("/readyz", b"", None, "HEAD"),
    Asked("/readyz", b"", None, "POST"),
    Asked("/livez", b"", None, "GET"),
    Asked("/healthz", b"", None, "GET"),
    Asked("/schema.json", b"", None, "POST"),
    # a large body, tokens, codings
    Asked("/shout", b'{"text": "' + b"a" * 3_000_000 + b'"}'),
    Asked("/add", b'{"a": 1}', JSON_TYPE, "POST", (("Authorization", "Bearer wrong"),)),
    Asked("/add", b'{"a": 1}', JSON_TYPE, "POST", (("Accept", "text/html"),)),
    Asked("/add", b'{"a": 1}', JSON_TYPE, "POST", (("Content-Encoding", "gzip"),)),
]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(pydantic.BaseModel):
    sku: str
    qty: int = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Keys(TypedDict):
    a: int


DOUBLE = ServiceDouble("Strict")
"""The Service of `tests/services/strict.py`."""


@DOUBLE.endpoint
def add(a: int, b: int = 1) -> int:
    return a + b


@DOUBLE.endpoint
def shout(text: str) -> str:
    return text.upper()


@DOUBLE.endpoint
def short(text: Annotated[str, {"maxLength": 3}, pydantic.Field(max_length=3)]) -> str:
    return text


@DOUBLE.endpoint
def total(xs: list[int]) -> int:
    return sum(xs)


@DOUBLE.endpoint
def halve(x: float) -> float:
    return x / 2


@DOUBLE.endpoint
def negate(on: bool) -> bool:
    return not on


@DOUBLE.endpoint
def paint(color: Color) -> str:
    return str(color.value)


@DOUBLE.endpoint
def pick(one: Literal["a", "b"]) -> str:
    return one


@DOUBLE.endpoint
def maybe(x: Optional[int] = None) -> str:  # noqa: UP045
    return repr(x)


@DOUBLE.endpoint
def counts(by: dict[str, int]) -> int:
    return sum(by.values())


@DOUBLE.endpoint
def order(item: Item) -> str:
    return f"{item.qty} {item.sku}"


@DOUBLE.endpoint
def root_item(item: Item, /) -> str:
    return item.sku


@DOUBLE.endpoint
def root_text(text: str, /) -> str:
    return text.upper()


@DOUBLE.endpoint
def root_list(xs: list[int], /) -> int:
    return len(xs)


@DOUBLE.endpoint
def either(x: Union[int, str]) -> str:  # noqa: UP007
    return repr(x)


@DOUBLE.endpoint
def when(
    at: dt.datetime | None = None,
    day: dt.date | None = None,
    time: dt.time | None = None,
    span: dt.timedelta | None = None,
    key: uuid.UUID | None = None,
    price: decimal.Decimal | None = None,
) -> str:
    return repr((at, day, time, span, key, price))


@DOUBLE.endpoint
def holds(
    pair: tuple[int, str] = (1, "a"),
    row: tuple[int, ...] = (),
    kinds: set[int] = set(),  # noqa: B006
    point: Point = Point(1),  # noqa: B008
    keys: Keys = {"a": 1},  # noqa: B006
    anything: Any = None,
    several: list = [],  # type: ignore[type-arg]  # noqa: B006
) -> str:
    return repr((pair, row, kinds, point.x, keys, anything, several))


@DOUBLE.endpoint
def nothing() -> str:
    return "done"


@DOUBLE.endpoint
def read(f: UploadedFile) -> int:
    return len(f.content)


@DOUBLE.endpoint
def read_all(fs: list[UploadedFile]) -> int:
    return len(fs)


@DOUBLE.endpoint
def stream(n: int) -> Iterator[str]:
    for i in range(n):
        yield f"{i}\n"


@DOUBLE.task
def train(steps: int) -> int:
    return steps


class Answer(NamedTuple):
    status: int
    content_type: str | None
    location: str | None
    allow: list[str]
    body: Any


def shape(status: int, fields: dict[str, str], body: bytes) -> Answer:
    """What is compared: of errors the place of each fault, as their texts are the server's own."""
    said: Any = body
    if fields.get("content-type") == JSON_TYPE and body:
        said = json.loads(body)
    entry = said[0] if isinstance(said, list) and said and isinstance(said[0], dict) else said
    if status >= 400 and isinstance(entry, dict):
        details = entry.get("detail")
        if isinstance(details, list):
            details = [(each["loc"], each["type"]) for each in details]
        said = (type(said).__name__, sorted(entry), details, entry["error"])
    allow = sorted(fields.get("allow", "").split(", "))  # a server's order varies
    return Answer(status, fields.get("content-type"), fields.get("location"), allow, said)


def of_server(url: str, asked: Asked) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(asked.method, asked.path, asked.body or None, dict(headers_of(asked)))
    answer = connection.getresponse()
    fields = {name.lower(): value for name, value in answer.getheaders()}
    if "location" in fields:
        fields["location"] = fields["location"].removeprefix(url)
    found = shape(answer.status, fields, answer.read())
    connection.close()
    return found


def of_double(double: ServiceDouble, asked: Asked) -> Answer:
    """What the ASGI application answers."""
    path, _, query = asked.path.partition("?")
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": asked.body}

    async def send(message: Any) -> None:
        sent.append(message)

    async def sleep(seconds: float) -> None:
        raise AssertionError("nothing waits")

    scope: dict[str, object] = {
        "type": "http",
        "method": asked.method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers_of(asked)],
    }
    anyio.run(double.asgi(sleep), scope, receive, send)
    start, *bodies = sent
    fields = {name.decode(): value.decode() for name, value in start["headers"]}
    return shape(start["status"], fields, b"".join(message["body"] for message in bodies))


def headers_of(asked: Asked) -> tuple[tuple[str, str], ...]:
    return asked.headers if asked.content_type is None else (("Content-Type", asked.content_type), *asked.headers)


NAMES = [f"{number} {asked.method} {asked.path}" for number, asked in enumerate(REQUESTS)]


@pytest.fixture(scope="module")
def url(servers: Servers) -> str:
    return servers.url("strict:Strict")


@pytest.fixture(scope="module")
def described(url: str) -> ServiceDouble:
    with urlopen(f"{url}/schema.json") as answer:
        return ServiceDouble.from_schema(answer.read())


@pytest.mark.parametrize("asked", REQUESTS, ids=NAMES)
def test_a_double_of_functions_answers_as_the_service_does(url: str, asked: Asked) -> None:
    assert of_double(DOUBLE, asked) == of_server(url, asked)


# A schema tells of a union the first member only, so these are not found by it.
BY_TYPE = re.compile(r"_type$|_parsing$|^enum$|literal|finite|from_float|too_long|missing")


@pytest.mark.parametrize("asked", REQUESTS, ids=NAMES)
def test_a_double_of_a_schema_refuses_nothing_else_and_all_that_is_no_type(
    url: str, described: ServiceDouble, asked: Asked
) -> None:
    found, real = of_double(described, asked), of_server(url, asked)
    if real.status == 200:
        assert (found.status, found.content_type) == (200, real.content_type)
    elif found.status == 200:
        _, _, details, _ = real.body
        assert all(place and BY_TYPE.search(kind) for place, kind in details)
    else:
        assert found == real


def test_what_becomes_of_a_task_with_wrong_arguments(url: str) -> None:
    def answers(ask: Callable[[Asked], Answer]) -> list[Answer]:
        found: list[Answer] = []
        for body in (b"{}", b'{"steps": "x"}', b"nonsense"):
            task = ask(Asked("/train/submit", body)).body["task_id"]
            query = f"?task_id={task}"
            while ask(Asked(f"/train/status{query}", method="GET")).body["status"] == "in_progress":
                pass
            found += [ask(Asked(f"/train/{action}{query}", method="GET")) for action in ("status", "get")]
            found += [ask(Asked(f"/train/retry{query}"))]
        return found

    assert list(map(timeless, answers(lambda asked: of_server(url, asked)))) == list(
        map(timeless, answers(lambda asked: of_double(DOUBLE, asked)))
    )


def timeless(answer: Answer) -> Answer:
    """The answer without ids and times."""
    body = answer.body
    if isinstance(body, dict):
        body = {key: value if key == "status" else None for key, value in body.items()}
    return answer._replace(body=body)
