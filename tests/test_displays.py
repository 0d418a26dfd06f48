"""What notebooks show of results that are files: nothing of a file is part of the page."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bento_files._notebook import file_html, shown


def saved(html: str) -> tuple[str, bytes]:
    """The name and the content that the link saves."""
    found = re.search(r'<a download="([^"]*)" href="data:application/octet-stream;base64,([^"]*)">', html)
    assert found is not None
    return found[1], base64.b64decode(found[2])


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("speech.wav", '<audio controls src="data:audio/x-wav;base64,|<audio controls src="data:audio/wav;base64,'),
        ("speech.mp3", '<audio controls src="data:audio/mpeg;base64,'),
        ("film.mp4", '<video controls src="data:video/mp4;base64,'),
        ("picture.png", '<img src="data:image/png;base64,'),
        ("drawing.svg", '<img src="data:image/svg[+]xml;base64,'),
    ],
)
def test_what_can_be_played_or_seen_is(name: str, shows: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"<svg onload='alert(1)'/>")
    html = file_html(path)
    assert html is not None
    assert re.search(shows, html)
    assert saved(html) == (name, path.read_bytes())
    assert "<svg" not in html
    assert f"<b>{name}</b> <code>24 bytes</code>" in html


@pytest.mark.parametrize("name", ["page.html", "table.csv", "a&b.html", "odd.svgz", "nothing"])
def test_others_are_saved_only(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("<script>alert(1)</script>" * 100)
    html = file_html(path)
    assert html is not None
    assert "<script" not in html
    assert "text/html" not in html
    assert saved(html) == (name.replace("&", "&amp;"), path.read_bytes())
    assert "<code>2.5 kB</code>" in html


def test_a_large_file_is_named_only(tmp_path: Path) -> None:
    path = tmp_path / "large.wav"
    with path.open("wb") as file:
        file.truncate(5_000_000)
    html = file_html(path)
    assert html is not None
    assert html == f"<p><b>large.wav</b> <code>5.0 MB</code> <code>{path}</code></p>"


def test_a_file_that_is_gone_is_a_path(tmp_path: Path) -> None:
    assert file_html(tmp_path / "gone") is None


def test_only_results_are_shown_so_and_only_in_ipython(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    displays: dict[type, Callable[[Path], str | None]] = {}
    formatter = SimpleNamespace(for_type=displays.__setitem__)
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    result, other = tmp_path / "result", tmp_path / "other"
    result.write_bytes(b"1")
    other.write_bytes(b"2")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))  # imported, not running
    assert shown(result) is result
    assert displays == {}
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert shown(result) is result
    display = displays[type(result)]
    assert "<b>result</b>" in (display(result) or "")
    assert display(other) is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    assert shown(other) is other
    assert display(other) is None
