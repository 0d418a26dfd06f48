"""Frameworks that read the signatures of functions take endpoints for functions: see ``tools/frameworks.py``."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal

import pytest

from bento_client import AsyncHTTPClient, SyncHTTPClient
from bento_proto import InvalidArgument
from bento_proto.testing import ServiceDouble

pytestmark = pytest.mark.anyio


def framework(name: str) -> Any:
    """A module without types, of which the whole suite has no need."""
    pytest.importorskip(name.partition(".")[0], reason="it is for `python tools/frameworks.py`")
    return importlib.import_module(name)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def double() -> ServiceDouble:
    double = ServiceDouble()

    @double.endpoint
    def add(a: int, b: int = 2) -> int:
        return a + b

    @double.endpoint
    def search(
        query: str,
        tags: list[str] = [],  # noqa: B006
        mode: Literal["near", "exact"] = "near",
        limit: int | None = None,
    ) -> dict[str, object]:
        return {"query": query, "tags": tags, "mode": mode, "limit": limit}

    @double.endpoint
    def stream(n: int) -> Iterator[str]:
        yield from map(str, range(1, n))

    @double.endpoint
    def refuse(n: int) -> int:
        raise InvalidArgument("no such number")

    return double


@pytest.fixture
def client(double: ServiceDouble) -> Iterator[Any]:
    with SyncHTTPClient(app=double) as client:
        yield client


@pytest.fixture
async def connected(double: ServiceDouble) -> AsyncIterator[Any]:
    async with AsyncHTTPClient(app=double) as client:
        await client.connect()  # so that its methods have signatures
        yield client


FOUND: dict[str, object] = {"query": "x", "tags": [], "mode": "exact", "limit": None}


class TestLangChain:
    @pytest.fixture
    def structured_tool(self) -> Any:
        return framework("langchain_core.tools").StructuredTool

    def test_a_tool(self, client: Any, structured_tool: Any) -> None:
        tool = structured_tool.from_function(client.search)
        assert tool.name == "search"
        assert "query (str, required)" in tool.description
        assert tool.args["mode"]["enum"] == ["near", "exact"]
        assert tool.args["query"]["type"] == "string"
        assert tool.invoke({"query": "x", "mode": "exact"}) == FOUND

    def test_arguments_are_validated_before_a_call(self, client: Any, structured_tool: Any, double: Any) -> None:
        tool = structured_tool.from_function(client.add)
        with pytest.raises(ValueError, match="a\n"):
            tool.invoke({"a": "no"})
        assert not double.calls
        assert tool.invoke({"a": "3"}) == 5

    async def test_a_tool_of_an_async_client(self, connected: Any, structured_tool: Any) -> None:
        tool = structured_tool.from_function(coroutine=connected.search)
        assert await tool.ainvoke({"query": "x", "mode": "exact"}) == FOUND


class TestFastMCP:
    @pytest.fixture
    def server(self) -> Any:
        return framework("fastmcp").FastMCP("tools")

    @pytest.fixture
    def ask(self, server: Any) -> Callable[..., Any]:
        async def ask(name: str, **arguments: object) -> object:
            async with framework("fastmcp").Client(server) as mcp:
                tools = {tool.name: tool for tool in await mcp.list_tools()}
                assert tools[name].description
                return (await mcp.call_tool(name, arguments)).data

        return ask

    async def test_a_tool(self, client: Any, server: Any, ask: Callable[..., Any]) -> None:
        server.tool(client.search)
        assert await ask("search", query="x", mode="exact") == FOUND

    async def test_a_tool_of_an_async_client(self, connected: Any, server: Any, ask: Callable[..., Any]) -> None:
        server.tool(connected.add, name="sum")
        assert await ask("sum", a=1) == 3

    async def test_an_error(self, client: Any, server: Any, ask: Callable[..., Any]) -> None:
        server.tool(client.refuse)
        with pytest.raises(framework("fastmcp.exceptions").ToolError, match="no such number"):
            await ask("refuse", n=1)


class TestTyper:
    @pytest.fixture
    def run(self, client: Any) -> Callable[..., Any]:
        typer, testing = framework("typer"), framework("typer.testing")
        app = typer.Typer()
        app.command()(client.search)

        def add(a: int, b: int = 2) -> None:
            typer.echo(client.add(a, b))

        app.command()(add)
        return lambda *arguments: testing.CliRunner().invoke(app, arguments)

    def test_a_command(self, run: Callable[..., Any], double: ServiceDouble) -> None:
        assert run("search", "x", "--tags", "a", "--tags", "b", "--limit", "3").exit_code == 0
        assert double.calls[-1].arguments == {"query": "x", "tags": ["a", "b"], "mode": "near", "limit": 3}
        assert run("add", "1").output == "3\n"

    def test_help_and_mistakes(self, run: Callable[..., Any]) -> None:
        assert "--limit" in run("search", "--help").output
        assert run("search", "x", "--mode", "other").exit_code == 2


class TestFastAPI:
    @pytest.fixture
    def web(self) -> Any:
        return framework("fastapi")

    async def ask(self, app: Any, method: str, path: str, **given: object) -> Any:
        httpx = framework("httpx")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as web:
            return (await web.request(method, path, **given)).json()

    async def test_a_path_operation(self, client: Any, web: Any) -> None:
        app = web.FastAPI()
        app.get("/add")(client.add)
        app.post("/search")(client.search)
        assert await self.ask(app, "GET", "/add?a=1") == 3
        assert await self.ask(app, "POST", "/search?query=x&mode=exact", json=[]) == FOUND
        described = (await self.ask(app, "GET", "/openapi.json"))["paths"]["/add"]["get"]
        assert [(each["name"], each["schema"]["type"]) for each in described["parameters"]] == [
            ("a", "integer"),
            ("b", "integer"),
        ]
        assert (await self.ask(app, "GET", "/add?a=no"))["detail"][0]["loc"] == ["query", "a"]

    async def test_a_path_operation_of_an_async_client(self, connected: Any, web: Any) -> None:
        app = web.FastAPI()
        app.get("/add")(connected.add)
        assert await self.ask(app, "GET", "/add?a=4") == 6

    async def test_a_dependency(self, connected: Any, web: Any) -> None:
        app = web.FastAPI()

        def twice(total: int = web.Depends(connected.add)) -> int:
            return 2 * total

        app.get("/twice")(twice)
        assert await self.ask(app, "GET", "/twice?a=1&b=1") == 4

    async def test_a_stream(self, connected: Any, web: Any) -> None:
        app = web.FastAPI()

        async def stream() -> Any:
            return framework("fastapi.responses").StreamingResponse(connected.stream(3), media_type="application/json")

        app.get("/stream")(stream)
        assert await self.ask(app, "GET", "/stream") == 12
