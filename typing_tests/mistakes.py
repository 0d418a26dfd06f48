"""Wrong calls: each ``type: ignore`` marks an error that the type checkers must report, or they report the comment."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from typing_tests.generated.odd import OddServiceWithANameClient
from typing_tests.generated.tasks import AsyncZooTasksClient, ZooTasksClient
from typing_tests.generated.zoo import AsyncZooClient, ItemInput, ZooClient


def arguments(zoo: ZooClient) -> None:
    zoo.echo_string("a")  # type: ignore[attr-defined]
    zoo.echo_str()  # type: ignore[call-arg]
    zoo.echo_str(txt="a")  # type: ignore[call-arg]
    zoo.echo_str("a", "b")  # type: ignore[call-arg]
    zoo.echo_str(1)  # type: ignore[arg-type]
    zoo.echo_str(None)  # type: ignore[arg-type]
    zoo.add_int(1, b="2")  # type: ignore[arg-type]
    zoo.add_int(1.5)  # type: ignore[arg-type]
    zoo.echo_list(["a"])  # type: ignore[list-item]
    zoo.echo_list({1: 2})  # type: ignore[arg-type]
    zoo.echo_dict([1])  # type: ignore[arg-type]
    zoo.echo_tuple((1, 2))  # type: ignore[arg-type]
    zoo.root_int(n=1)  # type: ignore[call-arg]
    zoo.mixed_args(1, "2")  # type: ignore[arg-type]
    zoo.path_param_route(1)  # type: ignore[call-arg]
    zoo.rich_scalars("green", "a", "", "", 1, "", [], "")  # type: ignore[arg-type]
    zoo.rich_scalars("red", "a", 1, "", 1, "", [], "")  # type: ignore[arg-type]
    zoo.file_in(1)  # type: ignore[arg-type]
    zoo.file_in(StringIO("text"))  # type: ignore[arg-type]
    zoo.file_in(None)  # type: ignore[arg-type]
    zoo.echo_str(Path("a"))  # type: ignore[arg-type]
    zoo.nd(Path("a"))  # type: ignore[arg-type]
    zoo.df(3)  # type: ignore[arg-type]


def models(zoo: ZooClient) -> None:
    zoo.root_model({})  # type: ignore[arg-type]
    zoo.root_model({"sku": 1})  # type: ignore[arg-type]
    zoo.root_model({"sku": "a", "price": 1})  # type: ignore[arg-type]
    zoo.items_in_out([{"sku": "a"}, {"qty": 1}])  # type: ignore[list-item]
    item: ItemInput = {"sku": "a"}
    item["sku"] = "b"  # type: ignore[typeddict-readonly-mutated]
    zoo.order({"id": 1, "items": [item], "ship_to": item})  # type: ignore[arg-type]
    zoo.root_model(3)  # type: ignore[arg-type]


def results(zoo: ZooClient) -> None:
    number: int = zoo.echo_str("a")  # type: ignore[assignment]
    zoo.optional_str_out().upper()  # type: ignore[union-attr]
    zoo.order({"id": 1, "items": [], "ship_to": {"street": ""}})["price"]  # type: ignore[misc]
    zoo.echo_str("a").read()  # type: ignore[attr-defined]
    other: Path = zoo.png_out()  # type: ignore[assignment]
    for text in zoo.stream_bytes():
        text.encode()  # type: ignore[attr-defined]
    print(number, other)


def methods(zoo: ZooClient) -> None:
    zoo.add_int.raw("1")  # type: ignore[arg-type]
    zoo.add_int.raw(1).value.upper()  # type: ignore[attr-defined]
    zoo.csv_out.save()  # type: ignore[call-arg]
    zoo.bin_out.save("here", "3")  # type: ignore[arg-type]
    zoo.stream_sse.events(m=1)  # type: ignore[call-arg]
    zoo.add_int.submit(1)  # type: ignore[attr-defined]
    zoo.add_int.map([1], on_error="ignore")  # type: ignore[call-overload]
    zoo.stream_int.map([1])  # type: ignore[attr-defined]
    zoo.add_int = 3  # type: ignore[assignment]
    ZooClient("http://localhost", time_out=3)  # type: ignore[call-arg]


def tasks(client: ZooTasksClient) -> None:
    client.str_task.submit(1)  # type: ignore[arg-type]
    client.str_task.submit("x").get() + 1  # type: ignore[operator]
    client.str_task.task(1)  # type: ignore[arg-type]
    client.plain_api.submit(1)  # type: ignore[attr-defined]


def odd(client: OddServiceWithANameClient) -> None:
    client.list(1)  # type: ignore[arg-type]
    client.not_an_identifier()  # type: ignore[attr-defined]
    client.path(user_id="u")  # type: ignore[call-arg]
    client.positional(1, 2)  # type: ignore[arg-type]
    client.defaults(2.5)  # type: ignore[arg-type]
    client.defaults(text=3)  # type: ignore[arg-type]
    client.grow({"value": 1, "children": [{"value": "2"}]})  # type: ignore[arg-type]


async def asynchronous(zoo: AsyncZooClient, tasks: AsyncZooTasksClient) -> None:
    zoo.echo_string("a")  # type: ignore[attr-defined]
    await zoo.echo_str(1)  # type: ignore[arg-type]
    zoo.echo_str("a").upper()  # type: ignore[attr-defined]
    async for _ in zoo.echo_str("a"):  # type: ignore[attr-defined]
        pass
    for _ in zoo.stream_sync_str():  # type: ignore[attr-defined]
        pass
    await zoo.add_int.submit(1)  # type: ignore[attr-defined]
    (await tasks.str_task.submit("x")).get().upper()  # type: ignore[attr-defined]
