"""What a caller does not use is not imported: no package of arrays, frames, images or models, whatever is installed."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.servers import Servers

from .faces import Face

SCRIPTS = {
    "sync": """
        import sys
        from bento_sync import SyncHTTPClient

        with SyncHTTPClient(sys.argv[1]) as client:
            print(client.echo_dict({"a": ["x", b"y", {1}]}), client.file_in(b"x")["size"])
            print(client.csv_out().name, list(client.stream_dict(1)))
    """,
    "async": """
        import sys
        import anyio
        from bento_async import AsyncHTTPClient

        async def main():
            async with AsyncHTTPClient(sys.argv[1]) as client:
                print(await client.echo_dict({"a": ["x", b"y", {1}]}), (await client.file_in(b"x"))["size"])
                print((await client.csv_out()).name, [item async for item in client.stream_dict(1)])

        anyio.run(main, backend=sys.argv[2])
    """,
}
HEAVY = """
print(*sorted({"PIL", "numpy", "pandas", "pydantic", "uvicorn"} & sys.modules.keys()))
"""


def test_what_nobody_uses_is_not_imported(servers: Servers, face: Face) -> None:
    script = textwrap.dedent(SCRIPTS["sync" if face.name == "sync" else "async"]) + HEAVY
    command = [sys.executable, "-X", "utf8", "-W", "error", "-c", script, servers.url("zoo:Zoo"), face.name]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert (answer.stderr, answer.stdout.splitlines()) == (
        "",
        ["{'a': ['x', 'y', [1]]} 1", "table.csv [{'i': 0, 'text': 'tök0'}]", ""],
    )
