"""The format of recordings: readable JSON without credentials."""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

from bento_proto._types import JSON
from bento_proto.errors import RemoteProtocolError
from bento_proto.http._content_headers import parameters
from bento_proto.http._messages import ConnectionFailed, Data, End, FailureKind, Head
from bento_proto.http._redaction import redacted_response_fields, redacted_urls
from bento_proto.json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bento_proto.http._messages import Received, Request

FORMAT: Final = "bento-recording"
VERSION: Final = 1
_BOUNDARY: Final = "boundary"


def request_entry(request: Request, body: bytes, limit: float) -> dict[str, JSON]:
    """A request in normal form: equal requests have equal entries.

    Args:
        request: the request.
        body: its body.
        limit: how many bytes of the body are written out; a longer one is replaced by its digest.
    """
    entry: dict[str, JSON] = {"method": request.method, "target": redacted_urls(request.target)}
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), None)
    if content_type is None:
        return entry if not body else {**entry, "body": content(body, limit)}
    boundary = parameters(content_type).get("boundary")
    if boundary is not None:
        content_type = content_type.replace(boundary, _BOUNDARY)
        body = body.replace(boundary.encode(), _BOUNDARY.encode())
    entry["content_type"] = content_type
    if content_type.startswith("application/json") and len(body) <= limit:
        try:
            return {**entry, "json": parse_json(body)}
        except RemoteProtocolError:
            pass
    return {**entry, "body": content(body, limit)}


def event_entry(event: Head | Data | End | ConnectionFailed) -> dict[str, JSON]:
    """An event of a response."""
    if isinstance(event, Head):
        shown = [[name, value] for name, value in redacted_response_fields(event.headers)]
        return {"status": event.status, "headers": cast("list[JSON]", shown)}
    if isinstance(event, Data):
        data = content(event.data)
        return {"data": data, "ends_chunk": True} if event.ends_chunk else {"data": data}
    if isinstance(event, End):
        return {"end": True}
    return {"lost": event.kind.value, "reason": event.reason, "sent": event.sent}


def event_of(entry: Mapping[str, JSON]) -> Received:
    """The event of an entry.

    Raises:
        LookupError: its data was too long to be recorded.
    """
    if "status" in entry:
        fields = cast("list[list[str]]", entry["headers"])
        return Head(cast("int", entry["status"]), tuple((name, value) for name, value in fields))
    if "left_out" in entry:
        raise LookupError(f"{entry['left_out']} bytes of it were too many to be recorded")
    if "data" in entry:
        return Data(_bytes(entry["data"]), bool(entry.get("ends_chunk", False)))
    if "end" in entry:
        return End()
    return ConnectionFailed(FailureKind(entry["lost"]), cast("str", entry["reason"]), sent=bool(entry["sent"]))


def content(data: bytes, limit: float = math.inf) -> JSON:
    """Bytes as text if they are UTF-8, else as base64; if they are too many, their digest."""
    if len(data) > limit:
        return {"size": len(data), "sha256": sha256(data).hexdigest()}
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def _bytes(entry: JSON) -> bytes:
    return entry.encode() if isinstance(entry, str) else b64decode(cast("dict[str, str]", entry)["base64"])


def written(url: str, exchanges: Sequence[tuple[JSON, Sequence[JSON]]]) -> str:
    """A recording as text, with a line for each request and each event of a response."""
    blocks = [
        f' {{"request": {_line(request)},\n  "answer": [' + ",".join(f"\n   {_line(event)}" for event in answer) + "]}"
        for request, answer in exchanges
    ]
    head = _line({"format": FORMAT, "version": VERSION, "url": redacted_urls(url)}).removesuffix("}")
    return f'{head}, "exchanges": [' + ",".join(f"\n{block}" for block in blocks) + "\n]}\n"


def _line(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)


def read(text: str | bytes) -> tuple[str, list[dict[str, JSON]]]:
    """The URL and the exchanges of a recording.

    Raises:
        ValueError: the text is not a recording.
    """
    document: JSON = json.loads(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT or document.get("version") != VERSION:
        raise ValueError(f"not a {FORMAT} of version {VERSION}")
    return cast("str", document["url"]), cast("list[dict[str, JSON]]", document["exchanges"])
