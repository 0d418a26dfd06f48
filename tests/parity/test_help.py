"""The examples that the help shows can be pasted: a real Service takes the arguments in them."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import inspect
import io
from typing import Any

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_proto import BentoMLException, LocalProtocolError, TaskFailed
from bento_proto.schema import example_of
from bento_sync import SyncHTTPClient
from tests.servers import Servers

# What fails or has no end whatever it is given, and files that BentoML can't receive: inside models, and several as the
# whole body.
IS_BROKEN = {
    "bad_output", "big_out", "ctx_error_status", "ctx_then_raise", "err", "file_in_nested_model", "missing_file_out",
    "redirect_302", "redirect_307", "root_files", "stream_raise_first",
}  # fmt: skip
ENDLESS = ("endless", "slow", "stall", "big")


HELP = "The first words of the text.\n\nArgs:\n    text (str, required)"


def wanted(name: str) -> bool:
    return name not in IS_BROKEN and not any(word in name for word in ENDLESS)


def test_the_examples_of_every_endpoint(servers: Servers) -> None:
    refused: list[str] = []
    with SyncHTTPClient(servers.url("zoo:Zoo")) as client:
        names = [name for name in client.endpoints if wanted(name)]
        for name in names:
            lines = example_of(client.endpoints[name])
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec("\n".join(lines), {"client": client})
            except BentoMLException as exc:  # a server's own error says that it took the arguments
                if exc.error_code in (400, 404, 422):
                    refused.append(f"{lines}: {exc}")
    assert len(names) > 100
    assert refused == []


def test_the_examples_of_tasks(servers: Servers) -> None:
    with SyncHTTPClient(servers.url("tasks:ZooTasks")) as client:
        found = client.endpoints["json_task"]
        names: dict[str, Any] = {"client": client}
        with contextlib.suppress(TaskFailed):
            exec("\n".join(example_of(found)), names)
        assert names["task"].done()


@pytest.mark.parametrize("name", ["add_int", "image_in", "stream_model"])
def test_the_examples_for_an_async_client(servers: Servers, name: str) -> None:
    async def main() -> None:
        async with AsyncHTTPClient(servers.url("zoo:Zoo")) as client:
            await client.connect()
            lines = example_of((await client.connect()).endpoints[name], awaited=True)
            names: dict[str, Any] = {"client": client}
            body = "".join(f"    {line}\n" for line in lines)
            exec(f"async def example():\n{body}", names)
            with contextlib.redirect_stdout(io.StringIO()):
                await names["example"]()

    asyncio.run(main())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help waits for its answer on a busy machine, too."""
    monkeypatch.setattr("bento_files._attempt._PATIENCE", 60.0)
    monkeypatch.setattr("bento_proto.session._options._HELP", 60.0)


@pytest.mark.usefixtures("patient")
def test_before_the_first_use(servers: Servers) -> None:
    url = servers.url("documented:Documented")
    with SyncHTTPClient(url) as client:
        assert {"summarize", "generate", "map"} <= set(dir(client))
        assert (client.summarize.__doc__ or "").startswith(
            "The first words of the text.\n\nArgs:\n    text (str, required)"
        )
        assert client.endpoints["summarize"].doc == "The first words of the text."
    with SyncHTTPClient("http://127.0.0.1:1") as client:
        assert "map" in dir(client)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("inside", [False, True], ids=["without a loop", "on a loop of IPython"])
def test_before_the_first_use_of_an_async_client(
    servers: Servers, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = servers.url("documented:Documented")
    if inside:
        monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)

    def look() -> None:
        assert {"summarize", "generate", "map"} <= set(dir(AsyncHTTPClient(url)))
        client = AsyncHTTPClient(url)
        assert list(inspect.signature(client.summarize).parameters) == ["text"]
        assert (client.summarize.__doc__ or "").startswith(
            "The first words of the text.\n\nArgs:\n    text (str, required)"
        )
        assert "await client.summarize(" in (client.summarize.__doc__ or "")
        nowhere = AsyncHTTPClient("http://127.0.0.1:1")
        assert "map" in dir(nowhere)
        assert "A method of the client" in (nowhere.summarize.__doc__ or "")

    async def main() -> None:
        look()

    if inside:
        asyncio.run(main())
    else:
        look()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_running_event_loop_waits_for_no_help(servers: Servers, backend: str) -> None:
    async def main() -> None:
        client = AsyncHTTPClient(servers.url("documented:Documented"))
        assert "summarize" not in dir(client)
        assert (client.summarize.__doc__ or "").startswith("A method of the client")
        assert list(inspect.signature(client.summarize).parameters) == ["args", "kwargs"]
        with pytest.raises(LocalProtocolError, match="not known yet"):
            client.endpoints  # noqa: B018 - nothing was asked for

    anyio.run(main, backend=backend)


def html(shown: object) -> str:
    """What a notebook's display asks for."""
    found: str = getattr(shown, "_repr_html_")()  # noqa: B009
    return found


def test_what_results_say_of_themselves(servers: Servers) -> None:
    url = servers.url("documented:Documented")
    with SyncHTTPClient(url) as client:
        stream = client.stream_data()
        assert repr(stream) == "<Stream from /stream_data: iterate over it>"
        stream.close()
        assert repr(stream) == "<Stream from /stream_data: over>"
        with client.summarize.map(["a", "b"]) as batch:
            assert repr(batch) == "<Batch: 0 of 2 calls done; iterate over it>"
            assert len(list(batch)) == 2
            assert repr(batch) == "<Batch: 2 of 2 calls done; over>"
            assert '<progress value="2" max="2">' in html(batch)
        assert "<b>Stream</b> <code>from /stream_data: over</code>" in html(stream)

    async def main() -> None:
        async with AsyncHTTPClient(url) as client:
            async with client.stream_data() as stream:
                assert repr(stream) == "<AsyncStream from /stream_data: iterate over it with async for>"
                assert "<b>AsyncStream</b> <code>from /stream_data: iterate over it" in html(stream)
            assert repr(stream) == "<AsyncStream from /stream_data: over>"
            async with client.summarize.map(["a", "b"]) as batch:
                assert repr(batch) == "<AsyncBatch: 0 of 2 calls done; iterate over it with async for>"
                assert '<progress value="0" max="2">' in html(batch)
                assert [result async for result in batch] == ["a", "b"]
                assert repr(batch) == "<AsyncBatch: 2 of 2 calls done; over>"

    asyncio.run(main())
