"""What the clients do, shown against a real BentoML Service: ``make demo``."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import anyio
from PIL import Image

from bento_client import AsyncHTTPClient, BentoMLException, ResultStatus, SyncHTTPClient
from tests.servers import serve

SERVICE = Path(__file__).parent / "service.py"
CODE = "\033[36m{}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "{}"


def show(title: str, code: str) -> None:
    """Print the next step, as a user would write it."""
    print(f"\n--- {title}")
    for line in textwrap.dedent(code).strip().splitlines():
        print(CODE.format(f"    >>> {line}"))
    sys.stdout.flush()


def json(client: SyncHTTPClient) -> None:
    show("JSON in, JSON out", 'client.summarize("A bento is a meal for one, packed in a box", words=3)')
    print("   ", client.summarize("A bento is a meal for one, packed in a box", words=3))


def signatures(client: SyncHTTPClient) -> None:
    show(
        "The methods are the Service's own",
        """
        print(client.endpoints)
        """,
    )
    print(textwrap.indent(str(client.endpoints), "    "))


def picture(client: SyncHTTPClient) -> None:
    show("A picture in, a picture out", "client.invert(Path('rice.png'))")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rice.png")
        Image.new("RGB", (320, 200), "white").save(path)
        negative = client.invert(path)
    print(
        f"    {negative.format} of {negative.size[0]} x {negative.size[1]}, its first pixel {negative.getpixel((0, 0))}"
    )


def stream(client: SyncHTTPClient) -> None:
    show("A stream, printed as it arrives", "for word in client.tell('bento'): print(word, end='')")
    started = time.monotonic()
    print("    ", end="")
    for word in client.tell("bento"):
        print(word, end="", flush=True)
    print(f"   [{time.monotonic() - started:.1f} s]")


def task(client: SyncHTTPClient) -> None:
    show("A task, which runs in the background of the server", "task = client.train.submit(steps=5)")
    handle = client.train.submit(steps=5)
    print(f"    task {handle.id}")
    status = handle.get_status()
    while not status.is_final:
        print(f"    {status.value} ...", flush=True)
        time.sleep(0.2)
        status = handle.get_status()
    assert status is ResultStatus.COMPLETED
    show("... and its result", "task.get()")
    print("   ", handle.get())


def error(client: SyncHTTPClient) -> None:
    show("An error says what is wrong", 'client.summarize("Rice", words=0)')
    try:
        client.summarize("Rice", words=0)
    except BentoMLException as exc:
        print(f"    {type(exc).__name__} {exc.error_code}: {exc}   [request {exc.request_id}]")
    show("A wrong argument raises before anything is sent", 'client.summarize("Rice", length=3)')
    try:
        client.summarize("Rice", length=3)
    except TypeError as exc:
        print(f"    TypeError: {exc}")


async def together(client: AsyncHTTPClient) -> None:
    """Three calls and a stream, concurrently."""

    async def summarize(text: str) -> None:
        print("   ", await client.summarize(text))

    async def tell(about: str) -> None:
        words = [word async for word in client.tell(about)]
        print(f"    {len(words)} words about {about}")

    async with client, anyio.create_task_group() as group:
        group.start_soon(tell, "an onigiri")
        for text in ("A bento for one of us", "A bento for two of us", "A bento for all of us"):
            group.start_soon(summarize, text)


def asynchronous(url: str) -> None:
    for backend in ("asyncio", "trio"):
        show(
            f"The async client on {backend}: a stream and three calls, concurrently",
            """
            async with AsyncHTTPClient(url) as client:
                await client.summarize("A bento for one of us")
                async for word in client.tell("an onigiri"): ...
            """,
        )
        anyio.run(together, AsyncHTTPClient(url), backend=backend)


SCENES: tuple[Callable[[SyncHTTPClient], None], ...] = (signatures, json, picture, stream, task, error)


def main() -> None:
    print("Starting a real BentoML Service (demo/service.py) ...", flush=True)
    with serve("service:Studio", folder=SERVICE.parent) as server:
        show(f"It runs at {server.url}", f"client = SyncHTTPClient({server.url!r})")
        with SyncHTTPClient(server.url) as client:
            for scene in SCENES:
                scene(client)
        asynchronous(server.url)
    print("\nThe server is stopped. See README.md for more.")


if __name__ == "__main__":
    main()
