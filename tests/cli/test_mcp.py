"""``mcp`` over standard input and output, driven by the SDK's own client, against real Services."""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from bento_proto.testing import example

from .conftest import Run, environment

pytest.importorskip("mcp", reason="the lowest versions of the others are too low for the SDK of MCP")

if TYPE_CHECKING:
    from mcp import Client


@asynccontextmanager
async def assistant(
    url: str, *options: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> AsyncIterator[Client]:
    """A client of a server that it starts, as an assistant does."""
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable, args=["-m", "bento_client", "mcp", url, *options], env=environment(env), cwd=cwd
    )
    async with Client(server) as client:
        yield client


def test_endpoints_are_tools_with_descriptions_and_types(zoo: str) -> None:
    async def main() -> None:
        async with assistant(zoo) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert {"add_int", "echo_str", "file_in", "stream_dict"} <= tools.keys()
            for tool in tools.values():
                assert tool.description
                assert tool.input_schema["type"] == "object"
                assert "tensor" not in str(tool.input_schema.get("type"))
            add = tools["add_int"].input_schema
            assert add["properties"]["a"]["type"] == "integer"
            assert add["required"] == ["a"]
            assert set(tools["file_in"].input_schema["properties"]["f"]["properties"]) == {
                "data", "url", "name", "mimeType",
            }  # fmt: skip

    anyio.run(main)


def test_results_are_text_json_images_and_files(zoo: str) -> None:
    async def main() -> None:
        async with assistant(zoo) as client:

            async def call(name: str, **arguments: Any) -> Any:
                result = await client.call_tool(name, arguments)
                assert not result.is_error, result.content
                assert len(result.content) == 1
                return result.content[0]

            assert (await call("add_int", a=1)).text == "3"
            assert (await call("echo_str", text="wörld\n")).text == "wörld\n"
            assert (await call("nothing")).text == "null"
            resource = (await call("bytes_out")).resource
            assert base64.b64decode(resource.blob) == b"\x00\x01\xfe\xff"
            resource = (await call("csv_out")).resource
            assert (resource.mime_type, base64.b64decode(resource.blob)) == ("text/csv", b"a,b\r\n1,2\r\n")
            found = (await call("file_in", f={"data": base64.b64encode(b"hello").decode(), "name": "a.txt"})).text
            assert '"size":5' in found
            result = await client.call_tool("defaults", {})
            assert isinstance(result.structured_content, dict)

    anyio.run(main)


def test_images_go_up_and_come_down(servers: Any) -> None:
    async def main() -> None:
        async with assistant(servers.url("readme:Readme"), "--endpoint", "generate") as client:
            image = base64.b64encode(example({"type": "file", "format": "image"})).decode()  # type: ignore[arg-type]
            result = await client.call_tool("generate", {"img": {"data": image, "mimeType": "image/png"}})
            assert not result.is_error, result.content
            content = result.content[0]
            assert content.type == "image"
            assert content.mime_type.startswith("image/")
            assert len(base64.b64decode(content.data)) > 50

    anyio.run(main)


def test_streams_and_tasks_report_progress(zoo: str, tasks: str) -> None:
    seen: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, message))

    async def main() -> None:
        async with assistant(zoo, "--endpoint", "stream_sync_str", "--endpoint", "stream_dict") as client:
            result = await client.call_tool("stream_sync_str", {"n": 3}, progress_callback=note)
            assert result.content[0].text == "tok0 tok1 tok2 "  # type: ignore[union-attr]
            assert [done for done, _ in seen] == [1, 2, 3]
            result = await client.call_tool("stream_dict", {"n": 1})
            assert result.content[0].text == '[{"i":0,"text":"tök0"}]'  # type: ignore[union-attr]
        seen.clear()
        async with assistant(tasks, "--endpoint", "json_task", "--endpoint", "failing_task") as client:
            result = await client.call_tool("json_task", {"a": 4, "delay": 0.2}, progress_callback=note)
            assert result.structured_content == {"doubled": 8}
            assert seen[-1][1] is not None
            assert seen[-1][1].endswith(": completed")
            result = await client.call_tool("failing_task", {"kind": "invalid"})
            assert result.is_error
            assert "bad task input" in result.content[0].text  # type: ignore[union-attr]

    anyio.run(main)


def test_errors_are_results_with_the_message(zoo: str) -> None:
    async def main() -> None:
        async with assistant(zoo, "--endpoint", "echo_str", "--endpoint", "file_in") as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == {"echo_str", "file_in"}
            for name, arguments, told in (
                ("echo_str", {"txt": "hi"}, "unexpected keyword argument 'txt'"),
                ("add_int", {"a": 1}, "there is no tool 'add_int'"),
                ("file_in", {"f": "/etc/passwd"}, "f is a file: an object with data (base64) or url"),
                ("file_in", {"f": {"path": "/etc/passwd"}}, "f is a file: an object with data (base64) or url"),
                ("file_in", {"f": {"data": "§"}}, "f is not in base64"),
            ):
                result = await client.call_tool(name, arguments)
                assert result.is_error
                assert told in result.content[0].text  # type: ignore[union-attr]

    anyio.run(main)


def test_paths_are_those_of_the_directory_that_is_given(zoo: str, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.txt").write_bytes(b"hello")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (shared / "link.txt").symlink_to(tmp_path / "secret.txt")

    async def main() -> None:
        async with assistant(zoo, "--files", str(shared), "--endpoint", "file_in") as client:
            result = await client.call_tool("file_in", {"f": {"path": "a.txt"}})
            assert '"size":5' in result.content[0].text  # type: ignore[union-attr]
            for path in ("../secret.txt", str(tmp_path / "secret.txt"), "link.txt", "absent.txt"):
                result = await client.call_tool("file_in", {"f": {"path": path}})
                assert result.is_error
                assert "there is no file" in result.content[0].text  # type: ignore[union-attr]

    anyio.run(main)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--token", "secret"], "mcp takes the token from BENTO_CLIENT_TOKEN or BENTO_CLOUD_API_KEY only"),
        (["--token-file", "-"], "mcp takes the token from BENTO_CLIENT_TOKEN or BENTO_CLOUD_API_KEY only"),
        (["--endpoint", "nope"], "no endpoint 'nope'"),
        (["echo_str"], "tools are chosen by --endpoint NAME"),
    ],
)
def test_wrong_usage(run: Run, zoo: str, words: list[str], told: str) -> None:
    done = run("mcp", zoo, *words)
    assert (done.code, done.text) == (2, "")
    assert told in done.told
    assert "secret" not in done.told


def test_a_service_that_is_not_there_is_said_at_once(run: Run) -> None:
    done = run("mcp", "http://127.0.0.1:9")
    assert done.code == 3
    assert done.text == ""
