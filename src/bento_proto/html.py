"""What notebooks show of results: HTML in which every text is escaped, and nothing has a colour of its own."""

from __future__ import annotations

from ._shell import running_shell
from ._text import LONGEST, one_line, printable


def card(title: str, *details: str, body: str = "") -> str:
    """A title, with details beside it, and HTML below it.

    Args:
        title: text.
        details: texts; an empty one is left out.
        body: HTML, which stays as it is.
    """
    from html import escape  # loads every entity

    beside = "".join(f" <code>{escape(one_line(detail))}</code>" for detail in details if detail)
    return f"<p><b>{escape(one_line(title))}</b>{beside}</p>{body}"


def value_html(value: object) -> str:
    """A value as IPython shows it: as its own HTML or picture; without one as its ``repr``, cut if it is long."""
    from html import escape

    html = _shown_as(value, "text/html", "_repr_html_")
    if isinstance(html, str):
        return html
    picture = _shown_as(value, "image/png", "_repr_png_")
    if isinstance(picture, bytes):
        return f"<p>{image_html('image/png', picture)}</p>"
    text = repr(value)
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"<pre>{escape(printable(shown))}</pre>"


def _shown_as(value: object, media_type: str, method: str) -> object:
    """What the value's display of a media type gives; None if it has none."""
    shell = running_shell()
    if shell is not None:
        return shell.display_formatter.formatters[media_type](value)
    show = getattr(type(value), method, None)
    return show(value) if callable(show) else None


def image_html(media_type: str, data: bytes) -> str:
    """A thumbnail. An ``img`` runs no script, whatever the image is.

    Args:
        media_type: one of images, which has nothing to escape.
        data: the image.
    """
    from binascii import b2a_base64

    encoded = b2a_base64(data, newline=False).decode()
    return f'<img src="data:{media_type};base64,{encoded}" style="max-width: 100%; max-height: 240px">'


__all__ = ("card", "image_html", "running_shell", "value_html")
