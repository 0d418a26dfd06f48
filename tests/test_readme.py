"""Every snippet of the README runs, against a real server."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image

import bento_sync
from tests.servers import Servers

README = Path(__file__).parent.parent / "README.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, "PNG")
    return buffer.getvalue()


class Pictures(BaseHTTPRequestHandler):
    """A proxy that has a picture for every URL."""

    def do_GET(self) -> None:
        picture = png()
        self.send_response(200)
        self.send_header("content-length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url(servers: Servers) -> Iterator[str]:
    """The server of the README's Service, which fetches URLs through a proxy on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield servers.server("readme:Readme", env={"HTTP_PROXY": f"http://127.0.0.1:{proxy.server_port}"}).url
        finally:
            proxy.shutdown()
            thread.join()


def patient(task: bento_sync.Task) -> bento_sync.Task:
    """The README's reader waits before the result is asked for."""
    while not task.get_status().is_final:
        time.sleep(0.02)
    return task


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[snippet.strip().splitlines()[0][:40] for snippet in SNIPPETS])
def test_snippet(snippet: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(png())
    code = snippet.replace("http://localhost:3000", url)
    code = code.replace("task.get()", "patient(task).get()")
    # BentoML's server answers 500 to an endpoint named `call`: that it is reached is what can be shown.
    code = code.replace("client.api_call(x=1)", "reached = client.api_call")
    with bento_sync.SyncHTTPClient(url) as client:
        exec(code, {"client": client, "picture": png(), "patient": patient})
