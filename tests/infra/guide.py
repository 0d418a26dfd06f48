"""The configurations that the guide "Behind a proxy" shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import free_port

from .processes import ROOT, installed, running

_PAGE = ROOT / "docs" / "howto" / "behind-a-proxy.md"
_BLOCK = re.compile(r"^```(?:nginx|text)\n# (?P<name>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def shown(name: str, *changes: tuple[str, str]) -> str:
    """A configuration of the page, known by its first comment, with what is elsewhere on this machine."""
    texts = {block["name"]: block["text"] for block in _BLOCK.finditer(_PAGE.read_text(encoding="utf-8"))}
    text: str = texts[name]
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


@contextmanager
def shown_haproxy(folder: Path, replicas: Sequence[int]) -> Iterator[str]:
    """The URL of a haproxy with the configuration of the page, for two replicas on those ports."""
    program, port = installed("haproxy"), free_port()
    one, two = replicas
    text = shown(
        "/etc/haproxy/haproxy.cfg",
        ("bind :8080", f"bind 127.0.0.1:{port}"),
        ("127.0.0.1:3000", f"127.0.0.1:{one}"),
        ("127.0.0.1:3001", f"127.0.0.1:{two}"),
    )
    path = folder / "haproxy.cfg"
    path.write_text(f"global\n    nbthread 1\n    maxconn 1000\n{text}", encoding="utf-8")
    with running("haproxy", [program, "-db", "-f", str(path)], folder, ports=[port]):
        yield f"http://127.0.0.1:{port}"
