"""The start page and every guide do what they show: their snippets run, from top to bottom, against a real server.

What counts as a snippet is in ``tests/pages.py``. A page calls the Service of ``tests/services/readme.py``, or the one
that a comment at its top names: ``<!-- service: tasks:Tasks -->``. It finds an open ``client`` of it, which it may
replace by its own, and ``cat.png`` in the current directory, which is empty apart from that.
"""

from __future__ import annotations

import importlib
import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

import bento_sync
from tests.packages import public_modules
from tests.pages import png, snippets
from tests.servers import Servers

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [DOCS / "index.md", *sorted((DOCS / "howto").glob("*.md"))]
# `bento_files` is for the clients alone; the others are for the shell, for pytest and for generated modules.
OTHERS = ("bento_client.cli", "bento_client.codegen.typed", "bento_client.pytest_plugin", "bento_files")
REFERENCE = tuple(name for name in public_modules() if name not in OTHERS)
OWN_SERVICE = re.compile(r"\A<!-- service: (\S+) -->")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_page(page: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = OWN_SERVICE.match(page.read_text(encoding="utf-8"))
    servers: Servers = request.getfixturevalue("servers")
    url = servers.url(own[1]) if own else request.getfixturevalue("documented")
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(png())
    with ExitStack() as clients, bento_sync.SyncHTTPClient(url) as client:
        # As in a script: what a page defines can be pickled for other processes.
        namespace: dict[str, object] = {"__name__": "__main__", "client": client}
        for snippet in snippets(page):
            if snippet.language == "console" and shutil.which("bash") is None:
                pytest.skip("the rest of the page is for a shell")
            try:
                snippet.run(namespace, url)
            finally:
                if isinstance(own_client := namespace["client"], bento_sync.SyncHTTPClient):
                    clients.callback(own_client.close)


def test_the_reference_has_every_public_name() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    described = set(re.findall(r"^\.\. (?:auto\w+|py:\w+):: (\w+)", pages, re.MULTILINE))
    modules = [importlib.import_module(name) for name in REFERENCE]
    missing = {module.__name__: sorted({*module.__all__} - {*described, "__version__"}) for module in modules}
    assert {name: names for name, names in missing.items() if names} == {}
