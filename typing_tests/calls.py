"""Correct calls: a type checker reports no error, and infers each type exactly."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import assert_type

from bento_async import AsyncBatch, AsyncCall, AsyncHTTPClient, AsyncStream, AsyncTask
from bento_proto import Response, ServerSentEvent, Timeout
from bento_sync import Batch, File, FileInput, Stream, SyncHTTPClient, Task
from typing_tests.generated.odd import AsyncOddServiceWithANameClient, Node, OddServiceWithANameClient
from typing_tests.generated.tasks import AsyncZooTasksClient, ZooTasksClient
from typing_tests.generated.zoo import AsyncZooClient, Item, Order, OrderInput, Token, ZooClient

if TYPE_CHECKING:
    import bento_async
    import bento_sync
    from bento_client.codegen import typed


@dataclass
class OwnItem:
    sku: str


def scalars(zoo: ZooClient) -> None:
    assert_type(zoo.add_int(1), int)
    assert_type(zoo.add_int(a=1, b=3), int)
    assert_type(zoo.echo_str("x"), str)
    assert_type(zoo.nothing(), None)
    assert_type(zoo.optional_str_out(), str | None)
    assert_type(zoo.union_out("int"), int | str)
    assert_type(zoo.enum_out(), Literal["red", "blue"])
    assert_type(zoo.int_enum_out(), Literal[1, 2])
    assert_type(zoo.bytes_out(), bytes)
    assert_type(zoo.echo_list(range(3)), list[int])
    assert_type(zoo.echo_tuple((1, "a")), list[int | str])
    assert_type(zoo.echo_dict({"a": [1, None]}), dict[str, Any])
    assert_type(zoo.mixed_args(1, 2, 3, k=4, anything="else"), dict[str, Any])
    zoo.echo_tuple(zoo.echo_tuple((1, "a")))
    zoo.untyped(object(), y=[1])
    zoo.path_param_route(1, user_id="me")
    zoo.rich_scalars("red", "a", datetime.now(), UUID(int=1), 1.5, b"blob", {1, 2}, timedelta(1))
    zoo.rich_scalars("blue", "b", "2024-01-01", "uuid", 2, "text", [1], "P1D")


def models(zoo: ZooClient) -> None:
    order: OrderInput = {"id": 1, "items": [{"sku": "a"}], "ship_to": {"street": "s", "zip": None}}
    receipt = zoo.order(order)
    assert_type(receipt["order"], Order)
    assert_type(receipt["order"]["items"], list[Item])
    assert_type(receipt["order"]["items"][0]["note"], str | None)
    # What came may be sent again, whole and in parts.
    zoo.order(receipt["order"])
    zoo.order({"id": 2, "items": receipt["order"]["items"], "ship_to": receipt["order"]["ship_to"]})
    assert_type(zoo.items_in_out([{"sku": "a"}, OwnItem("b")], {"c": OwnItem("c")}), list[Item])
    assert_type(zoo.optional_model(), Item | None)
    assert_type(zoo.root_model({"sku": "a", "qty": 1}), Item)
    zoo.echo_dict(receipt)


def files(zoo: ZooClient, picture: Image.Image) -> None:
    inputs: list[FileInput] = [
        "a.png", "https://example.org/a.png", Path("a.png"), io.BytesIO(), b"", bytearray(), memoryview(b""), picture,
        File(b"", "a.png"), File(picture, "a.png"),
    ]  # fmt: skip
    with open("a.png", "rb") as opened:
        zoo.file_in(opened)
    assert_type(zoo.file_in(inputs[0]), dict[str, Any])
    zoo.file_list(inputs)
    zoo.file_list(Path("a.png"))
    zoo.file_optional(None)
    zoo.root_file(Path("a.png"))
    assert_type(zoo.csv_out.save("a.csv"), Path)
    assert_type(zoo.bin_out.save(Path("here"), size=3), Path)
    zoo.root_file_model({"name": "a", "upload": b""})
    assert_type(zoo.csv_out(), Path)
    assert_type(zoo.optional_file_out(), Path | None)
    assert_type(zoo.image_roundtrip(picture), Image.Image)


def arrays(zoo: ZooClient) -> None:
    assert_type(zoo.nd(np.zeros(3)), NDArray[Any])
    assert_type(zoo.nd_typed([[1, 2], [3.5, True]]), NDArray[np.float32])
    zoo.nd(zoo.nd([1]))
    assert_type(zoo.nd_model({"name": "a", "data": [[1]]})["data"], NDArray[Any])
    assert_type(zoo.nd_list([np.zeros(3), [1]]), dict[str, NDArray[Any]])
    assert_type(zoo.df(pd.DataFrame()), pd.DataFrame)
    zoo.df([{"a": 1}])
    zoo.df({"a": [1]})


def streams(zoo: ZooClient) -> None:
    assert_type(zoo.stream_sync_str(), Stream[str])
    assert_type(zoo.stream_model(n=2), Stream[Token])
    for token in zoo.stream_model():
        assert_type(token, Token)
    with zoo.stream_bytes() as stream:
        assert_type(next(stream), bytes)
    assert_type(zoo.stream_sse.events(n=1), Stream[ServerSentEvent])
    assert_type(zoo.stream_int.raw(), Response[Stream[int]])


def around_a_call(zoo: ZooClient) -> None:
    assert_type(zoo.add_int.raw(1, b=2), Response[int])
    assert_type(zoo.with_options(timeout=Timeout(total=3)), ZooClient)
    with zoo as entered:
        assert_type(entered, ZooClient)
    assert_type(zoo.add_int.endpoint.name, str)
    assert_type(zoo.api_call(x=1), str)
    assert_type(zoo.api__private(), str)
    zoo.call("add_int", a=1)
    any_client: SyncHTTPClient = zoo
    any_client.add_int(1)


def batches(zoo: ZooClient, client: ZooTasksClient) -> None:
    assert_type(zoo.add_int.map([1, (2, 3), {"a": 4}], concurrency=2), Batch[int])
    with zoo.root_model.map(({"sku": str(n)} for n in range(3)), on_error="skip") as batch:
        assert_type(next(batch), Item)
        for outcome in batch.outcomes():
            assert_type(outcome.result, Item)
    for length in zoo.add_int.map([1], on_error="return", ordered=False):
        assert_type(length, int | Exception)
    assert_type(client.str_task.map(["x"]), Batch[str])


def tasks(client: ZooTasksClient) -> None:
    assert_type(client.json_task(a=1), dict[str, Any])
    task = client.str_task.submit("x", delay=0.5)
    assert_type(task, Task[str])
    assert_type(task.get(), str)
    assert_type(task.result(timeout=3), str)
    assert_type(task.retry(), Task[str])
    assert_type(client.model_task.task("id").get()["sku"], str)
    assert_type(client.model_task.get("id")["qty"], int)


def odd(client: OddServiceWithANameClient) -> None:
    assert_type(client.list(str="x"), list[str])
    assert_type(client.api_class(self=1), int)
    node = client.grow({"value": 1, "children": [{"value": 2}]})
    assert_type(node["parent"], Node | None)
    assert_type(client.grow(node), Node)
    client.keywords(c=1, kwargs="x", **{"a b": 1})
    client.path(user_id="u", item=3)
    client.positional(1, "a", "b")
    client.defaults("two", pick="c")
    client.defaults(2, text="x")
    client.open_ended({"a": 1, "more": "fields"})
    assert_type(client.open_ended({})["b"], int)
    assert_type(client.unknown(object()), int | None)
    client.FieldsInput({"object": "x", "str": [{"a": 1}], "a-b": 1.5})


async def asynchronous(zoo: AsyncZooClient, tasks: AsyncZooTasksClient, odd: AsyncOddServiceWithANameClient) -> None:
    called: Coroutine[Any, Any, int] = zoo.add_int(1)
    assert_type(await asyncio.create_task(zoo.add_int(1)), int)
    async with aclosing(zoo.stream_model()) as tokens:
        assert_type(await tokens.asend(None), Token)
    assert_type(await called, int)
    assert_type(await zoo.add_int.raw(1), Response[int])
    begun: AsyncCall[AsyncStream[Token], Token] = zoo.stream_model()
    assert_type(await begun, AsyncStream[Token])
    async for token in zoo.stream_model():
        assert_type(token, Token)
    async with zoo.stream_bytes() as stream:
        assert_type(await stream.__anext__(), bytes)
    async for event in zoo.stream_sse.events():
        assert_type(event, ServerSentEvent)
    assert_type(zoo.with_options(retries=0), AsyncZooClient)
    async with zoo as entered:
        assert_type(entered, AsyncZooClient)
    assert_type(await zoo.bin_out.save("here", 3), Path)
    async with zoo.add_int.map([1, 2]) as batch:
        async for number in batch:
            assert_type(number, int)
    async for outcome in zoo.add_int.map(zoo.stream_int(), on_error="return").outcomes():
        assert_type(outcome.result, int | Exception)
    assert_type(tasks.str_task.map(["x"]), AsyncBatch[str])
    task = await tasks.str_task.submit("x")
    assert_type(task, AsyncTask[str])
    assert_type(await task.get(), str)
    assert_type(await tasks.str_task.task("id").result(timeout=1), str)
    assert_type(await odd.list("x"), list[str])
    any_client: AsyncHTTPClient = zoo
    await any_client.add_int(1)


def what_is_declared_is_what_there_is(
    method: bento_sync.EndpointMethod, other: bento_async.AsyncEndpointMethod
) -> None:
    """The methods of the clients, which know no types, have all that is declared of the typed ones."""
    plain: typed.Method[..., Any] = method
    one: typed.ResultMethod[..., Any] = method
    task: typed.TaskMethod[..., Any] = method
    any_call: typed.AsyncMethod[..., AsyncCall[Any, Any], Any] = other
    any_one: typed.AsyncResultMethod[..., Any] = other
    any_task: typed.AsyncTaskMethod[..., Any] = other
    print(plain, one, task, any_call, any_one, any_task)
