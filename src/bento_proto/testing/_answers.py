"""The responses of a double, as BentoML sends them."""

from __future__ import annotations

from collections import abc
from contextlib import closing
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable
from urllib.parse import quote

from bento_proto._types import JSON
from bento_proto.errors import BentoMLException
from bento_proto.http._messages import ConnectionFailed, Data, End, FailureKind, Head
from bento_proto.json import to_json
from bento_proto.request._file import File
from bento_proto.schema._service import Kind, unwrapped
from bento_proto.session._responder import Event, Pause

from ._acts import Cut, Garbage, Refusal, Reply, Unreachable, act_of
from ._asked import HIDDEN, UploadedFile
from ._functions import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from bento_proto.schema._service import Output

    from ._acts import Act

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_PICTURES: Final[Mapping[bytes, str]] = {
    b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp",
}  # fmt: skip


@runtime_checkable
class _Picture(Protocol):  # Pillow
    format: str | None

    def save(self, file: object, format: str) -> object: ...


@runtime_checkable
class _Path(Protocol):  # pathlib
    name: str

    def read_bytes(self) -> bytes: ...


@runtime_checkable
class _Readable(Protocol):
    def read(self) -> bytes: ...


@runtime_checkable
class _Frame(Protocol):  # pandas
    def to_dict(self, orient: str) -> object: ...


class _Buffer(bytearray):
    """A file for Pillow to write to, without seeking."""

    def write(self, data: bytes) -> int:
        self.extend(data)
        return len(data)


class Body:
    """The body of a response, and its header fields."""

    def __init__(self, content_type: str, data: bytes, disposition: str | None = None) -> None:
        self.data: bytes = data
        self.fields: dict[str, str] = {"content-type": content_type, "content-length": str(len(data))}
        if disposition is not None:
            self.fields["content-disposition"] = disposition


def body_of(output: Output, value: object, name: str) -> Body:
    """The result of an endpoint as the body of its response.

    Args:
        output: what the endpoint answers.
        value: the result.
        name: the file name of one that has none.

    Raises:
        TypeError: it can't be sent.
    """
    declared = output.schema.get("media_type")
    media_type = declared if isinstance(declared, str) else None
    file = _file(value, name)
    if file is not None and output.kind is not Kind.IMAGE:
        inner = unwrapped(output.schema).get("content_type")
        kind = file.content_type or (inner if isinstance(inner, str) else None) or "application/octet-stream"
        return Body(kind, file.content, _disposition(file.name or name))
    if file is not None:
        value = file.content
    if isinstance(value, _Picture):
        buffer, form = _Buffer(), value.format or "PNG"
        value.save(buffer, form)
        return Body(f"image/{form.lower()}", bytes(buffer))
    if isinstance(value, bytes) and output.kind is Kind.IMAGE:
        return Body(next((kind for start, kind in _PICTURES.items() if value.startswith(start)), "image/png"), value)
    if isinstance(value, bytes) and output.kind is Kind.FILE:
        return Body(media_type or "application/octet-stream", value, _disposition(name))
    if isinstance(value, (str, bytes)):
        data = value if isinstance(value, bytes) else value.encode()
        return Body(media_type or (_TEXT if output.kind in (Kind.TEXT, Kind.BYTES) else _JSON), data)
    return Body(_TEXT if output.kind is Kind.TEXT else _JSON, _json(output, value))


def _json(output: Output, value: object) -> bytes:
    if output.schema.get("orient") == "columns" and isinstance(value, _Frame):
        value = value.to_dict("list")
    return to_json(value)


def _file(value: object, name: str) -> UploadedFile | None:
    if isinstance(value, UploadedFile):
        return value
    if isinstance(value, File):
        content = value.content
        if isinstance(content, _Readable):
            content = content.read()
        elif isinstance(content, _Path):
            return UploadedFile(content.read_bytes(), value.name or content.name, value.content_type)
        if not isinstance(content, bytes):
            raise TypeError(f"the content of a file that a double returns must be bytes or a Path: {content!r}")
        return UploadedFile(content, value.name or name, value.content_type)
    return UploadedFile(value.read_bytes(), value.name) if isinstance(value, _Path) else None


def _disposition(name: str) -> str:
    if name.isascii() and name.replace(".", "").replace("-", "").replace("_", "").isalnum():
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=utf-8''{quote(name)}"


def item_of(output: Output, value: object) -> bytes:
    """An item of a stream, as bytes."""
    if isinstance(value, (str, bytes)):
        return value if isinstance(value, bytes) else value.encode()
    return _json(output, value)


# --- events


def whole(status: int, fields: Mapping[str, str], data: bytes) -> Generator[Event, None, None]:
    """A response that comes at once."""
    yield Head(status, tuple(fields.items()))
    if data:
        yield Data(data)
    yield End()


def delayed(events: Generator[Event, None, None], seconds: float) -> Generator[Event, None, None]:
    """The events, some time later."""
    yield Pause(seconds)
    yield from events


def refused(refusal: Refusal, fields: Mapping[str, str]) -> Generator[Event, None, None]:
    """An error response, in the shape that BentoML uses for its status."""
    said: JSON = {"error": refusal.message}
    if refusal.detail is not None:
        said = {"error": refusal.message, "detail": refusal.detail}
    elif 400 <= refusal.status < 500 and refusal.status not in (401, 403):
        said = [said]
    data = to_json(said)
    fields = {**fields, "content-type": _JSON, "content-length": str(len(data))}
    if refusal.retry_after is not None:
        fields["retry-after"] = f"{refusal.retry_after:g}"
    if refusal.delay:
        yield Pause(refusal.delay)
    yield from whole(refusal.status, {**fields, **_lower(refusal.headers)}, data)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def failed(error: Exception) -> Refusal:
    """The error response for an exception of a function. Unlike BentoML's, its message has the exception."""
    if isinstance(error, BentoMLException):
        return Refusal(error.error_code or 500, error.message or HIDDEN, error.detail)
    return Refusal(500, f"{type(error).__name__}: {error}")


def acted(
    act: Act, fields: Mapping[str, str], answer: Callable[[Reply], Generator[Event, None, None]]
) -> Generator[Event, None, None]:
    """The events of an act.

    Args:
        act: the act.
        fields: header fields of every response.
        answer: makes the events of a `Reply`.
    """
    if isinstance(act, Unreachable):
        return _only(ConnectionFailed(FailureKind.CONNECT, act.reason))
    if isinstance(act, Garbage):
        return _only(ConnectionFailed(FailureKind.PROTOCOL, act.reason))
    if isinstance(act, Refusal):
        return refused(act, fields)
    if isinstance(act, Reply):
        return answer(act)
    events = acted(act_of(act.reply), fields, answer)
    breaking = (
        ConnectionFailed(FailureKind.DISCONNECTED, "the connection broke")
        if isinstance(act, Cut)
        else Pause(act.seconds)
    )
    return _broken(events, act.items, act.bytes, breaking)


def _only(event: Event) -> Generator[Event, None, None]:
    yield event


def replied(
    reply: Reply, output: Output, name: str, fields: Mapping[str, str], compute: Callable[[], object]
) -> Generator[Event, None, None]:
    """The response of an endpoint.

    Args:
        reply: the act.
        output: the output of the endpoint.
        name: the name of the endpoint.
        fields: header fields of every response.
        compute: makes the value.
    """
    if reply.delay:
        yield Pause(reply.delay)
    try:
        value = finished(compute())
        body = None if output.is_stream and _has_items(value) else body_of(output, value, name)
    except AssertionError:
        raise  # a test's own
    except Exception as error:  # noqa: BLE001 - as a server does
        yield from refused(failed(error), fields)
        return
    if body is None:
        yield from _streamed(cast("Iterable[object]", value), reply, output, fields)
    else:
        yield from whole(reply.status, {**fields, **body.fields, **_lower(reply.headers)}, body.data)


def _has_items(value: object) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes, dict))


def _streamed(
    values: Iterable[object], reply: Reply, output: Output, fields: Mapping[str, str]
) -> Generator[Event, None, None]:
    """A stream. Its head comes with the first item: an exception before is an error response, one later ends it."""
    declared = output.schema.get("media_type", "text/event-stream")
    kind = {"content-type": f"{declared}; charset=utf-8", "transfer-encoding": "chunked"}
    head = Head(reply.status, tuple({**fields, **kind, **_lower(reply.headers)}.items()))
    begun = False
    items = iter(values)
    try:
        for item in items:
            if isinstance(item, Pause):
                yield item
                continue
            data = item_of(output, item)
            if begun and reply.interval:
                yield Pause(reply.interval)
            if not begun:
                yield head
            begun = True
            if data:
                yield Data(data, ends_chunk=True)
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - as a server does
        if not begun:
            yield from refused(failed(error), fields)
            return
    finally:
        if isinstance(items, abc.Generator):
            items.close()
    if not begun:
        yield head
    yield End()


def _broken(
    events: Generator[Event, None, None], items: int | None, size: int | None, breaking: Event
) -> Generator[Event, None, None]:
    """Events with a break before the head, after so many items or bytes of the body, or at its end."""
    if items is None and size is None:
        yield breaking
        yield from events
        return
    with closing(events):
        for event in events:
            if isinstance(event, Data):
                if size is not None and len(event.data) > size:
                    yield Data(event.data[:size])
                    yield breaking
                    yield Data(event.data[size:], event.ends_chunk)
                    break
                size = None if size is None else size - len(event.data)
                items = None if items is None else items - 1
            elif isinstance(event, End):
                yield breaking
            yield event
            if isinstance(event, (Head, Data)) and 0 in (items, size):
                yield breaking
                break
        yield from events
