"""What SECURITY.md promises is kept by tests that exist; and what no other test here keeps of it."""

from __future__ import annotations

import ast
import inspect
import os
import pickle
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_files._temporary import new_directory
from bento_proto import JSON, File, Limits, Timeout
from bento_proto._text import LONGEST
from bento_proto.response import _document, _whole
from bento_proto.schema import Endpoint, Kind, Output, Parameter
from bento_proto.schema._words import VOCABULARY, Words
from bento_sync import SyncHTTPClient
from tests.hostile.server import Peer, Server, answer, send
from tests.hostile.service import SCHEMA
from tests.proto.test_amplification import FACTOR

ROOT = Path(__file__).resolve().parent.parent
PROMISES = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
CLASSES = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
LIBRARIES = ("curl", "requests", "urllib3", "httpx", "aiohttp", "h11")


def missing(text: str) -> list[str]:
    """The tests that a page names and that do not exist."""
    found = [(path, name) for path, name in TEST.findall(text)]
    assert found
    return [f"{path}::{name}" for path, name in found if not _exists(path, name)]


def _exists(path: str, name: str) -> bool:
    module = ROOT / path
    return (
        module.exists() and re.search(rf"^(async )?def {name}\(", module.read_text("utf-8"), re.MULTILINE) is not None
    )


def test_the_tests_that_the_promises_name_exist() -> None:
    assert missing(PROMISES) == []


def test_every_promise_names_a_test() -> None:
    promised = PROMISES.partition("## What counts")[2].partition("\n## ")[0]
    promises = re.findall(r"^\* .*(?:\n  .*)*", promised, re.MULTILINE)
    assert len(promises) > 20
    assert [promise for promise in promises if not TEST.search(promise)] == []


def test_the_tests_of_the_classes_of_vulnerabilities_exist() -> None:
    assert missing(CLASSES) == []


def test_every_class_that_applies_names_a_test() -> None:
    rows = [line.strip("|").split("|") for line in CLASSES.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 40
    assert [row[0] for row in rows if row[2].strip().startswith("yes") and not TEST.search(row[3])] == []
    examples = " ".join(row[1] for row in rows)
    assert [library for library in LIBRARIES if library not in examples] == []


def test_a_missing_test_is_noticed() -> None:
    text = "`tests/test_security.py::missing` `tests/test_security.py::no_such_name` `tests/no.py::a`"
    assert missing(text) == ["tests/test_security.py::no_such_name", "tests/no.py::a"]


def test_the_numbers_are_those_that_are_promised() -> None:
    limits = Limits()
    assert (limits.schema, limits.expansion, LONGEST, FACTOR) == (16 << 20, 100, 1000, 100)
    assert (_whole._LARGE, _document._STEP) == (256 << 10, 64 << 10)
    waits = Timeout.of(inspect.signature(SyncHTTPClient).parameters["timeout"].default)
    assert waits == Timeout(connect=30, send=30, receive=30, pool=30, total=None)
    assert inspect.signature(AsyncHTTPClient).parameters["timeout"].default == 30


# --- nothing that comes is executed


def _calls() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path.name, ast.unparse(node.func)


def _imported(modules: set[str]) -> Iterator[tuple[str, str]]:
    """The imports from such modules, and of them by another name."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                yield path.name, ast.unparse(node)
            if isinstance(node, ast.Import) and any(name.asname and name.name in modules for name in node.names):
                yield path.name, ast.unparse(node)


def test_nothing_is_unpickled_or_evaluated() -> None:
    executing = (
        r"(builtins\.)?(eval|exec|compile|__import__)|.*\b(pickle|marshal|shelve|yaml|cloudpickle|dill)\.loads?"
        r"|.*\b(Unpickler|read_pickle|run_path|run_module)|(np|numpy|torch|joblib)\.load|shelve\.open"
    )
    found = [call for call in _calls() if re.fullmatch(executing, call[1])]
    # Of a client that the object itself has pickled, of messages between processes that one has started, and of the
    # names of attributes.
    assert found == [
        ("_mapper.py", "pickle.loads"), ("_processes.py", "pickle.loads"), ("_worker.py", "pickle.loads"),
        ("_frozen.py", "exec"),
    ]  # fmt: skip
    assert [*_imported({"pickle", "marshal", "shelve", "yaml", "cloudpickle", "dill"})] == [], "by other names"


EVIL = "__import__('os').system('x')"


@pytest.mark.parametrize(
    "key", ["type", "format", "title", "items", "additionalProperties", "anyOf", "enum", "const", "content_type"]
)
@pytest.mark.parametrize("kind", ["string", "array", "object", "file", "tensor", "dataframe", EVIL])
def test_annotations_have_no_text_of_a_server_but_inside_quotes(key: str, kind: str) -> None:
    values: list[JSON] = [EVIL, [EVIL], {"type": EVIL}, [{"type": EVIL}, {"type": "null"}], {EVIL: EVIL}]
    for value in values:
        schema: dict[str, JSON] = {"type": kind, key: value}
        nested: dict[str, JSON] = {"type": "array", "items": {"type": "object", "additionalProperties": schema}}
        for each in (schema, nested):
            endpoint = Endpoint("f", "/f", (Parameter("x", each, True),), Output(each, Kind.JSON))
            words = Words([endpoint])
            for text in (words.argument(endpoint, endpoint.parameters[0]), words.result(endpoint)):
                tree = list(ast.walk(ast.parse(text, mode="eval")))
                assert {node.id for node in tree if isinstance(node, ast.Name)} <= VOCABULARY
                assert not [node for node in tree if isinstance(node, (ast.Attribute, ast.Call))]


# --- what other clients did


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def client(url: str, **options: object) -> SyncHTTPClient:
    own: dict[str, object] = {"schema": SCHEMA, "server_ready_timeout": 0, "timeout": 5, "retries": 0, "proxy": None}
    return SyncHTTPClient(url, **{**own, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("loop", [None, "asyncio", "trio"])
def test_the_netrc_file_is_not_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: str | None
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cr3t\ndefault login me password s3cr3t\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("BENTO_CLOUD_API_KEY", raising=False)
    if loop is None:
        with client(server.url) as called:
            called.echo(text="in")
    else:

        async def main() -> None:
            async with AsyncHTTPClient(server.url, schema=SCHEMA, server_ready_timeout=0) as called:
                await called.echo(text="in")

        anyio.run(main, backend=loop)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("content_type", ["text/plain\r\nX-Evil: 1", "text/plain\nX: 1", "a/b\0", "a/b\x85", "ä/b"])
def test_no_part_of_a_form_has_a_header_that_the_caller_did_not_give(content_type: str) -> None:
    schema = {
        "name": "S",
        "routes": [{"name": "f", "route": "/f", "input": {"properties": {"a": {"type": "file"}}, "required": ["a"]}}],
    }
    with client("http://127.0.0.1:1", schema=schema) as called, pytest.raises(ValueError, match="content_type"):
        called.f(a=File(b"x", "name", content_type))


def test_a_pickled_client_has_no_cookies(server: Server) -> None:
    server.script(Peer.request, send(answer(b'"out"', "Set-Cookie: session=s3cr3t")), Peer.serve)
    with client(server.url) as called:
        called.value()
        assert b"s3cr3t" not in pickle.dumps(called)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_the_directory_of_temporary_files_is_private_and_its_name_random() -> None:
    first, second = new_directory(), new_directory()
    for directory in (first, second):
        assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
        directory.rmdir()
    assert first != second
