"""The README: every snippet runs against a real server, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bento_sync
from tests.pages import Snippet, png, snippets

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SNIPPETS = [snippet for snippet in snippets(README) if snippet.language == "python"]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[snippet.title for snippet in SNIPPETS])
def test_snippet(snippet: Snippet, documented: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(png())
    with bento_sync.SyncHTTPClient(documented) as client:
        snippet.run({"client": client, "Path": Path}, documented)


def test_every_link_to_a_file_leads_to_one() -> None:
    links = re.findall(r"\]\(([^):]+)\)", README.read_text(encoding="utf-8").replace("\n", " "))
    assert len(links) > 20
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings], link
