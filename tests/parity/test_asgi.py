"""``app=``: an ASGI application of the same process, called as if it were elsewhere."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bento_proto import BentoMLException, NotFound, ServiceUnavailable, Unauthorized
from services import SERVICES, find_server
from tests.packages import PACKAGES, home

from .faces import Connect, Face
from .proxies import endpoint, schema

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

GIVEN = schema(
    endpoint("echo", input={"properties": {"text": {"type": "string"}}}, output={"type": "string"}),
    endpoint("count", output={"type": "object", "is_stream": True}),
    endpoint("fail"),
)


class Application:
    """A small ASGI application that notes its lifespan."""

    def __init__(self, *, broken: bool = False) -> None:
        self.lifespan: list[str] = []
        self.broken = broken

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        for what in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{what}"
            self.lifespan.append(what)
            await send({"type": f"lifespan.{what}.{'failed' if self.broken else 'complete'}"})
            if self.broken:
                return

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, pieces = {
            "/schema.json": (200, [json.dumps(GIVEN).encode()]),
            "/readyz": (200, [b"\n"]),
            "/count": (200, [b'{"n": 0}', b'{"n":', b" 1}"]),
            "/host": (200, [dict(scope["headers"])[b"host"]]),
            "/echo": (200, [json.loads(body or b"{}").get("text", "").encode()]),
            "/fail": (401, [b'{"error": "no"}']),
        }.get(scope["path"], (404, [b"Not Found"]))
        await send({"type": "http.response.start", "status": status, "headers": [(b"x-app", b"yes")]})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def test_an_application(connect: Connect) -> None:
    app = Application()
    client = connect(app=app)
    assert client.is_ready()
    assert client.echo("grün" * 100_000) == "grün" * 100_000
    assert client.echo.raw("x").headers["x-app"] == "yes"
    assert list(client.count()) == [{"n": 0}, {"n": 1}]
    with client.count() as stream:
        assert next(stream) == {"n": 0}
    with pytest.raises(Unauthorized, match="no"):
        client.fail()
    with pytest.raises(NotFound):
        client.request("GET", "/elsewhere").raise_for_status()
    assert app.lifespan == ["startup"]
    client.close()
    assert app.lifespan == ["startup", "shutdown"]


def test_an_application_sees_the_host_of_the_url(connect: Connect) -> None:
    client = connect("https://service.example/", app=Application(), token="t")
    assert (client.url, client.request("GET", "/host").content) == ("https://service.example", b"service.example")


def test_many_threads_use_one_application(connect: Connect) -> None:
    client = connect(app=Application())
    wrong: list[object] = []

    def call(number: int) -> None:
        wrong.extend(n for n in range(20) if client.echo(f"{number} {n}") != f"{number} {n}")

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_application_that_does_not_start(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL), pytest.raises(ServiceUnavailable, match="did not start"):
        connect(app=Application(broken=True)).echo("x")


def test_an_application_that_raises(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    async def raising(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        raise RuntimeError("no application at all")

    with caplog.at_level(logging.CRITICAL), pytest.raises(BentoMLException):
        connect(app=raising, schema=GIVEN, server_ready_timeout=0, retries=0).echo("x")


def test_the_sync_client_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    from bento_sync import SyncHTTPClient

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r"pip install 'bento-client\[asgi\]'"):
        SyncHTTPClient(app=Application())


SCRIPTS = {
    "sync": """
        from bento_sync import SyncHTTPClient

        with SyncHTTPClient(app=Zoo.to_asgi()) as client:
            print(client.is_ready(), client.add_int(1, b=4), client.echo_str("grün"))
            print(client.file_in(b"12345")["size"], client.csv_out().name, client.png_out().size)
            print("".join(client.stream_async_str()), [item["i"] for item in client.stream_dict()])
            try:
                client.err("Teapot")
            except Exception as error:
                print(type(error).__name__, error)
    """,
    "async": """
        import anyio
        from bento_async import AsyncHTTPClient

        async def main():
            async with AsyncHTTPClient(app=Zoo.to_asgi()) as client:
                print(await client.is_ready(), await client.add_int(1, b=4), await client.echo_str("grün"))
                size, path, image = await client.file_in(b"12345"), await client.csv_out(), await client.png_out()
                print(size["size"], path.name, image.size)
                text = "".join([item async for item in client.stream_async_str()])
                print(text, [item["i"] async for item in client.stream_dict()])
                try:
                    await client.err("Teapot")
                except Exception as error:
                    print(type(error).__name__, error)

        anyio.run(main)
    """,
}


def test_a_service_of_bentomls(face: Face, tmp_path: Path) -> None:
    """Where BentoML is, the clients are as they are installed here, with what they need."""
    if face.name == "trio":
        return  # BentoML's application runs on asyncio alone
    for package in (*PACKAGES, "urllib3"):
        shutil.copytree(home(package), tmp_path / "site" / package)
    script = "from zoo import Zoo\n" + textwrap.dedent(SCRIPTS["sync" if face.name == "sync" else "async"])
    answer = subprocess.run(
        [find_server(), "-c", script],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=SERVICES,
        env={
            "PYTHONPATH": str(tmp_path / "site"),
            "PYTHONIOENCODING": "utf-8",
            "BENTOML_HOME": str(tmp_path / "home"),
            "BENTOML_DO_NOT_TRACK": "True",
        },
    )
    assert answer.stdout.splitlines() == [
        "True 5 grün",
        "5 table.csv (4, 3)",
        "tok0 tok1 tok2  [0, 1, 2]",
        "BentoMLException short and stout",
    ], answer.stderr
