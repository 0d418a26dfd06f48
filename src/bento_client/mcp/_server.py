"""The server: lists the tools, and calls the endpoints."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import anyio
from anyio import to_thread

from bento_async import AsyncEndpointMethod, AsyncHTTPClient, AsyncStream
from bento_client._methods import method_of
from bento_proto import BentoMLException, InvalidArgument, NotFound, __version__
from bento_proto.json import to_json
from bento_proto.observe import one_line
from bento_proto.schema import unknown_endpoint

from ._tools import Arguments, ToolSpec, arguments_of, tools_of

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
else:
    try:
        from mcp.server.lowlevel import Server
    except ImportError:  # reported by the call; annotations can't be evaluated then
        pass

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock

    from bento_proto import JSON

    Report: TypeAlias = Callable[[float, str], Awaitable[None]]

_LARGEST: Final = 20 << 20  # bytes of a file in a result, which becomes text that is a third longer
_POLL: Final = 1.0  # seconds between two looks at a task
_WRONG: Final = (BentoMLException, TypeError, ValueError, OSError)


def mcp_server(
    client: AsyncHTTPClient, endpoints: Collection[str] | None = None, *, files: Path | None = None
) -> Server[object]:
    """A server of the Model Context Protocol whose tools are the endpoints of a Service.

    The results of tools are what the endpoints return: JSON and text as text, images and audio as such, other files and
    bytes as embedded resources. A stream reports its items as progress, and a task its status. A call that fails is a
    result that is marked as an error and has the message.

    Args:
        client: the client of the Service. It is connected by the first request.
        endpoints: the names of the endpoints that are tools; None for all.
        files: the directory whose files may be given by their path; None for none.

    Raises:
        ImportError: the extra ``mcp`` is not installed.
    """
    try:
        from mcp_types import CallToolRequestParams, ListToolsResult, PaginatedRequestParams, TextContent, Tool
        from mcp_types import CallToolResult as Result
    except ImportError as exc:
        raise ImportError("mcp_server needs the SDK: pip install 'bento-client[mcp]'") from exc
    if TYPE_CHECKING:
        from mcp.server import ServerRequestContext

    tools = _Tools(client, endpoints, files)

    async def list_tools(_: ServerRequestContext[object], __: PaginatedRequestParams | None) -> ListToolsResult:
        found = await tools.found()
        return ListToolsResult(
            tools=[
                Tool(name=tool.name, description=tool.description, input_schema=dict(tool.input_schema))
                for tool in found.values()
            ]
        )

    async def call_tool(context: ServerRequestContext[object], params: CallToolRequestParams) -> CallToolResult:
        async def report(done: float, message: str) -> None:
            await context.session.report_progress(done, None, message)

        try:
            content, structured = await tools.call(params.name, params.arguments or {}, report)
        except _WRONG as exc:
            return Result(content=[TextContent(text=str(exc) or type(exc).__name__)], is_error=True)
        return Result(content=content, structured_content=structured)

    return Server("bento-client", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


async def serve_stdio(server: Server[object]) -> None:
    """Serve over standard input and output until the input ends.

    Args:
        server: the server.
    """
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


class _Tools:
    """Calls the endpoints behind tools.

    Args:
        client: the client of the Service.
        endpoints: the names of the endpoints that are tools; None for all.
        files: the directory whose files may be given by their path; None for none.
    """

    def __init__(self, client: AsyncHTTPClient, endpoints: Collection[str] | None, files: Path | None) -> None:
        self._client = client.with_options(images="path")
        self._endpoints = endpoints
        self._files = None if files is None else files.resolve()

    async def found(self) -> Mapping[str, ToolSpec]:
        """The tools.

        Raises:
            NotFound: the Service has no endpoint of a name that was given.
            BentoMLException: the Service can't be reached, or its schema can't be read.
        """
        service = await self._client.connect()
        names = service.endpoints if self._endpoints is None else self._endpoints
        for name in names:
            if name not in service.endpoints:
                raise NotFound(unknown_endpoint(service, name))
        chosen = [endpoint for name, endpoint in service.endpoints.items() if name in names]
        return tools_of(chosen, with_paths=self._files is not None)

    async def call(
        self, name: str, given: Mapping[str, JSON], report: Report
    ) -> tuple[list[ContentBlock], dict[str, object] | None]:
        """Call the endpoint of a tool; return its result as content and, if it is a JSON object, as that."""
        tools, service = await self.found(), await self._client.connect()
        if name not in tools:
            raise NotFound(f"there is no tool {name!r}; there are {', '.join(tools)}")
        endpoint = tools[name].endpoint
        call = arguments_of(endpoint, given, None if self._files is None else self._file)
        method = method_of(self._client, service, endpoint.name)
        value: object
        if endpoint.is_task:
            value = await self._result(method, call, report)
        else:
            value = await method(*call[0], **call[1])
        if isinstance(value, AsyncStream):
            value = await _collected(cast("AsyncStream[object]", value), report)
        return await to_thread.run_sync(_content, endpoint.name, value)

    async def _result(self, method: AsyncEndpointMethod, call: Arguments, report: Report) -> object:
        """Submit a task and wait for its result."""
        task = await method.submit(*call[0], **call[1])
        start = anyio.current_time()
        while True:
            status = await task.get_status()
            await report(anyio.current_time() - start, f"task {task.id}: {status.value}")
            if status.is_final:
                return await task.get()
            await anyio.sleep(_POLL)

    def _file(self, path: str) -> Path:
        assert self._files is not None
        found = (self._files / path).resolve()
        if not found.is_relative_to(self._files) or not found.is_file():
            raise InvalidArgument(f"there is no file {path!r} in the directory that this server may read")
        return found


async def _collected(stream: AsyncStream[object], report: Report) -> object:
    """All items of a stream: text and bytes joined, other values as a list."""
    items: list[object] = []
    async with stream:
        async for item in stream:
            items.append(item)
            await report(len(items), one_line(item if isinstance(item, str) else f"item {len(items)}", 200))
    if items and all(isinstance(item, str) for item in items):
        return "".join(cast("list[str]", items))
    if items and all(isinstance(item, bytes) for item in items):
        return b"".join(cast("list[bytes]", items))
    return items


def _content(name: str, value: object) -> tuple[list[ContentBlock], dict[str, object] | None]:
    from mcp_types import TextContent

    if isinstance(value, (bytes, Path)):
        return [_blob(name, value)], None
    if isinstance(value, str):
        return [TextContent(text=value.encode(errors="replace").decode())], None
    text = to_json(value).decode()
    structured = cast("dict[str, object]", value) if isinstance(value, dict) else None
    return [TextContent(text=text)], structured


def _blob(name: str, value: bytes | Path) -> ContentBlock:
    """A file or bytes as content: an image and audio as such, else an embedded resource. The file is removed."""
    from mcp_types import AudioContent, BlobResourceContents, EmbeddedResource, ImageContent

    if isinstance(value, Path):
        try:
            size = value.stat().st_size
            if size > _LARGEST:
                raise InvalidArgument(f"the result is a file of {size} bytes, which is too large for a tool's result")
            kind, content, title = mimetypes.guess_type(value.name)[0], value.read_bytes(), value.name
        finally:
            value.unlink(missing_ok=True)
    else:
        kind, content, title = None, value, f"{name}.bin"
    kind = kind or "application/octet-stream"
    data = base64.b64encode(content).decode()
    if kind.startswith("image/"):
        return ImageContent(data=data, mime_type=kind)
    if kind.startswith("audio/"):
        return AudioContent(data=data, mime_type=kind)
    resource = BlobResourceContents(uri=f"file:///{title}", mime_type=kind, blob=data)
    return EmbeddedResource(resource=resource)
