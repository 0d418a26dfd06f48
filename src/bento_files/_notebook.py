"""What IPython and Jupyter show of results that are files: a player or a thumbnail, the size, and a link to save it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bento_proto.html import card, image_html, running_shell

from ._media_types import guess_type

_MOST: Final = 4 << 20  # bytes of a file that become part of a notebook
_IMAGES: Final = frozenset({"avif", "bmp", "gif", "jpeg", "png", "svg+xml", "webp"})
_PLAYED: Final = frozenset({"aac", "flac", "mp3", "mp4", "mpeg", "ogg", "wav", "webm", "x-flac", "x-wav"})

_results: set[Path] = set()


def shown(path: Path) -> Path:
    """The path of a result, which IPython shows as a file from now on, if it runs. Other paths look as ever."""
    shell = running_shell()
    if shell is not None:
        _results.add(path)
        shell.display_formatter.formatters["text/html"].for_type(type(path), _result_html)
    return path


def _result_html(path: Path) -> str | None:
    return file_html(path) if path in _results else None


def file_html(path: Path) -> str | None:
    """A file as HTML; None if it is not there any more.

    Nothing of the file is part of the page: it is the source of an ``img``, ``audio`` or ``video``, in which no script
    runs, and of a link that saves it.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MOST else None
    except OSError:
        return None
    if data is None:
        return card(path.name, _amount(size), os.fspath(path))
    from binascii import b2a_base64
    from html import escape

    encoded = b2a_base64(data, newline=False).decode()
    media_type = guess_type(path.name) or ""
    kind, _, subtype = media_type.partition("/")
    body = ""
    if kind == "image" and subtype in _IMAGES:
        body = image_html(media_type, data)
    elif kind in ("audio", "video") and subtype in _PLAYED:
        limits = ' style="max-width: 100%; max-height: 240px"' if kind == "video" else ""
        body = f'<{kind} controls src="data:{media_type};base64,{encoded}"{limits}></{kind}>'
    # Of a type that no browser opens by itself.
    link = f'<a download="{escape(path.name)}" href="data:application/octet-stream;base64,{encoded}">Save</a>'
    return card(path.name, _amount(size), body=f"<p>{body}</p><p>{link}</p>" if body else f"<p>{link}</p>")


def _amount(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e3:.1f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
