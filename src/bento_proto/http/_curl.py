"""A request as a command line of curl, to repeat it by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from bento_proto._text import printable
from bento_proto.errors import RemoteProtocolError

from ._messages import FilePart, joined
from ._redaction import REDACTED, is_secret, redacted_request_fields, redacted_urls

if TYPE_CHECKING:
    from typing import Final

    from ._messages import Request

_LONGEST: Final = 4096  # bytes of a body that is shown
_ELSEWHERE: Final = "@request-body"
_PLAIN: Final = r"[A-Za-z0-9@%+=:,./_-]+"


def curl(request: Request) -> str:
    """The command, on one line, for a POSIX shell. Secrets in it read ``REDACTED``.

    These are the values of header fields that are not known to be harmless, those of the query, and texts in a JSON
    body whose names sound like a secret. A body that is no JSON, has a file, or is over 4 KiB is left out: the command
    reads it from the file ``request-body``.
    """
    origin = request.origin
    words = ["curl", "--globoff"]
    words += ["--head"] if request.method == "HEAD" else ["--request", request.method]
    if origin.socket is not None:
        words += ["--unix-socket", origin.socket]
    names = [name for name, _ in request.headers]
    for name, value in redacted_request_fields(request.headers):
        words += ["--compressed"] if name == "accept-encoding" else ["--header", f"{name}: {value}"]
    if request.body:
        if "content-type" not in names:
            words += ["--header", "content-type:"]  # which curl would add
        body = _body(request)
        words += ["--data-binary", _ELSEWHERE] if body is None else ["--data-raw", body]
    words.append(f"{origin.scheme}://{origin.authority}{redacted_urls(request.target)}")
    return printable(" ".join(map(_quoted, words)))


def _body(request: Request) -> str | None:
    from bento_proto.json import parse_json, to_json

    if any(isinstance(segment, FilePart) for segment in request.body):
        return None
    body = joined(request.body)
    if len(body) > _LONGEST:
        return None
    try:
        return to_json(_redacted(parse_json(body))).decode()
    except RemoteProtocolError:
        return None


def _redacted(value: object, name: str = "") -> object:
    """A JSON value without the texts whose names sound like a secret."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {key: _redacted(each, name if is_secret(name) else key) for key, each in members.items()}
    if isinstance(value, list):
        return [_redacted(each, name) for each in cast("list[object]", value)]
    return REDACTED if isinstance(value, str) and is_secret(name) else value


def _quoted(word: str) -> str:
    return word if re.fullmatch(_PLAIN, word) else "'" + word.replace("'", "'\"'\"'") + "'"
