"""What the clients do, shown against a real BentoML Service: ``make demo``.

What is printed behind a prompt is what runs, and what is printed below it is what that printed.
"""

from __future__ import annotations

import ast
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tests.servers import serve

SERVICE = Path(__file__).parent / "service.py"
COLORS = "NO_COLOR" not in os.environ and (sys.stdout.isatty() or "FORCE_COLOR" in os.environ)


class Scene(NamedTuple):
    """Some statements, run as in an interactive interpreter."""

    title: str
    code: str
    raises: str | None = None


SCENES = (
    Scene(
        "A client has the methods of the Service, with their signatures",
        """
from bento_client import AsyncHTTPClient, SyncHTTPClient
client = SyncHTTPClient(url)
print(client.endpoints)
""",
    ),
    Scene(
        "JSON in, JSON out",
        """
client.summarize("A bento is a meal for one, packed in a box", words=3)
""",
    ),
    Scene(
        "An image in, an image out",
        """
from pathlib import Path
image = client.invert(Path("rice.png"))
image.size, image.getpixel((0, 0))
""",
    ),
    Scene(
        "A stream, printed as it arrives",
        """
for word in client.tell("bento"):
    print(word, end="", flush=True)
""",
    ),
    Scene(
        "Several calls at a time, the results in order",
        """
for summary in client.map("summarize", ["One for you", "Two for us", "Three for all"]):
    print(summary)
""",
    ),
    Scene(
        "A task, which runs in the background of the server",
        """
task = client.train.submit(steps=5)
task.status
task.result(timeout=60)
""",
    ),
    Scene(
        "A wrong argument raises before anything is sent",
        """
client.summarize("Rice", word=3)
""",
        raises="TypeError",
    ),
    Scene(
        "An error says which request failed",
        """
client.summarize("Rice", words=0)
""",
        raises="InvalidArgument",
    ),
    Scene(
        "The async client, on asyncio and on trio",
        """
import anyio
async def main():
    async with AsyncHTTPClient(url) as client:
        print(await client.summarize("A bento for all of us"))
        async for word in client.tell("rice ball"):
            print(word, end="", flush=True)
anyio.run(main)
anyio.run(main, backend="trio")
""",
    ),
)


def play(scene: Scene, namespace: dict[str, object]) -> None:
    """Show each statement and run it. An exception is printed; the demonstration ends if it is not the scene's."""
    print(f"\n{_colored(f'# {scene.title}', 2)}")
    raised: str | None = None
    for statement in ast.parse(scene.code).body:
        source = ast.get_source_segment(scene.code, statement) or ""
        for number, line in enumerate(source.splitlines()):
            print(_colored(f"{'...' if number else '>>>'} {line}", 36), flush=True)
        try:
            exec(compile(ast.Interactive([statement]), "<demo>", "single"), namespace)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is shown
            raised = type(exc).__name__
            print("".join(traceback.format_exception_only(exc)), end="")
        if "anyio.run" in source or ("async" not in source and 'end=""' in source):
            print()  # what was printed word by word has no end of line yet
    if raised != scene.raises:
        sys.exit(f"this raised {raised}, and should have raised {scene.raises}")


def _colored(text: str, code: int) -> str:
    return f"\033[{code}m{text}\033[0m" if COLORS else text


def main() -> None:
    """Start the Service, play all scenes, and stop it."""
    print("Starting a BentoML Service (demo/service.py) ...", flush=True)
    with serve("service:Studio", folder=SERVICE.parent) as server, tempfile.TemporaryDirectory() as folder:
        print(f"It runs at {server.url}", flush=True)
        Image.new("RGB", (320, 200), "white").save(Path(folder, "rice.png"))
        namespace: dict[str, object] = {"url": server.url, "__name__": "__main__"}
        os.chdir(folder)
        for scene in SCENES:
            play(scene, namespace)
        os.chdir(SERVICE.parent)
    print("\nThe Service is stopped. README.md goes on from here.")


if __name__ == "__main__":
    main()
