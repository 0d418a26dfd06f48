"""What BentoML's own clients do wrong and these must not, as far as it is not the matter of another file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bento_proto import BentoMLException, Conflict, InternalServerError, Limits, RemoteProtocolError
from bento_sync import SyncHTTPClient
from tests.servers import Servers
from tests.waiting import until

from .faces import Connect
from .proxies import Asked, End, Piece, Stub, endpoint, reply, routes, schema

FILE = {"properties": {"f": {"type": "file", "format": "binary"}}, "required": ["f"]}
GIVEN = schema(
    endpoint("f", input={"properties": {"text": {"type": "string"}}}, output={"type": "string"}),
    endpoint("up", input=FILE, output={"type": "string"}),
    endpoint("root", input={"type": "file", "format": "binary", "root_input": True}, output={"type": "string"}),
)

# --- a redirect breaks every call that has a body, or makes a GET of it


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_repeat_the_call_as_it_was(connect: Connect, status: int, text_file: Path) -> None:
    def echo(asked: Asked) -> bytes:
        return reply(f"{asked.method} {len(asked.body)}".encode())

    moved = {f"/{name}": reply(b"moved", status, {"location": f"/new/{name}?x=1"}) for name in ("f", "up", "root")}
    with Stub(routes({**moved, "/new/f": echo, "/new/up": echo, "/new/root": echo})) as stub:
        client = connect(stub.url, schema=GIVEN)
        assert client.f("ü") == f"POST {len(stub.asked[-1].body)}"
        assert stub.asked[-1].body == stub.asked[-2].body == '{"text":"ü"}'.encode()
        with text_file.open("rb") as opened:
            for file in (text_file, b"bytes", opened):
                client.up(file)
                assert stub.asked[-1].body == stub.asked[-2].body
                assert stub.asked[-1].headers["content-type"] == stub.asked[-2].headers["content-type"]
            assert client.root(opened) == f"POST {text_file.stat().st_size}"
        assert stub.connections == 1


def test_a_real_redirect(zoo: SyncHTTPClient) -> None:
    assert zoo.request("POST", "/add_int/", json={"a": 1}).json() == 3  # BentoML sends it to where there is no slash
    with pytest.raises(BentoMLException, match="Method Not Allowed"):  # and not for the answer to another request
        zoo.redirect_302()


def test_see_other_is_the_one_that_asks_for_something_else(connect: Connect) -> None:
    away = reply(b"", 303, {"location": "there"})
    with Stub(routes({"/f": away, "/there": lambda asked: reply(asked.method.encode())})) as stub:
        assert connect(stub.url, schema=GIVEN).f("x") == "GET"
        assert "content-type" not in stub.asked[-1].headers


def test_redirects_that_lead_nowhere(connect: Connect) -> None:
    for location in ("/f", "ftp://host/f", "http://", "http://[", "//", "http://host:99999/"):
        with Stub(routes({"/f": reply(b"", 307, {"location": location})})) as stub:
            with pytest.raises(RemoteProtocolError, match="redirects"):
                connect(stub.url, schema=GIVEN, server_ready_timeout=0).f("x")
            assert len(stub.asked) <= 11


def test_a_body_that_can_not_be_sent_twice_is_not(connect: Connect) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(b"once")
    with Stub(routes({"/root": reply(b"", 307, {"location": "/f"})})) as stub, os.fdopen(reading, "rb") as pipe:
        with pytest.raises(RemoteProtocolError, match="can't be sent again"):
            connect(stub.url, schema=GIVEN).root(pipe)
        assert stub.asked[-1].body == b"once"


# --- the server closes a connection that was idle, and the next call fails


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
def test_a_connection_that_has_died_meanwhile(connect: Connect, text_file: Path, end: End) -> None:
    once: list[Piece] = [reply(b"fine"), end]
    with Stub(routes({"/f": once, "/up": once, "/root": once})) as stub:
        client = connect(stub.url, schema=GIVEN, retries=0)
        for _ in range(5):
            for name, argument in (("f", "x"), ("up", text_file), ("root", b"x")):
                assert client.call(name, argument) == "fine"
                until(lambda: stub.open == 0, "the server kept the connection")
        assert len(stub.asked) == 16


# --- a root file goes in tiny chunks, without a length


def test_a_root_file_has_its_length(connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"x" * 300_000)
    with Stub(routes({"/root": reply(b"ok")})) as stub:
        client = connect(stub.url, schema=GIVEN)
        for file in (path, path.read_bytes()):
            client.root(file)
            assert stub.asked[-1].headers["content-length"] == "300000"
            assert "transfer-encoding" not in stub.asked[-1].headers


# --- every download needs Pillow


def test_downloads_without_pillow(zoo: SyncHTTPClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert zoo.csv_out().name == "table.csv"
    assert zoo.image_file_out().name == "pic.png"


# --- a class of the caller's own changes what clients raise


def test_what_is_raised_depends_on_nobody_elses_classes(zoo: SyncHTTPClient) -> None:
    for base in (BentoMLException, Conflict):
        type("SomethingElse", (base,), {"error_code": 409})
        with pytest.raises(Conflict) as caught:
            zoo.err("Conflict")
        assert type(caught.value) is Conflict


# --- streams that were left hold their connections until there are none


def test_many_streams_that_were_left(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=10), timeout=20)
    kept: list[Any] = []
    for number in range(30):
        with client.stream_endless(tag=f"left {number}") as stream:
            kept.append((stream, next(stream)))
    assert client.no_args_str() == "ok"


# --- proxies of the environment get what is for this machine


def test_the_environments_proxy_is_not_for_this_machine(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Stub(routes({"/f": reply(b"direct")})) as stub:
        assert connect(stub.url, schema=GIVEN).f("x") == "direct"


# --- results of an endpoint named like an attribute of the client, errors of an endpoint that can't be called


def test_endpoints_that_the_server_itself_can_not_call(zoo: SyncHTTPClient) -> None:
    calls: list[Callable[[], object]] = [zoo.api_call, zoo.api_close, zoo.api_is_ready, zoo.api_endpoints]
    for call in calls:
        with pytest.raises(InternalServerError):
            call()
    assert zoo.is_ready()


# --- errors of a client come from anywhere: everything is under one root


def test_whatever_a_server_sends_there_is_one_root_to_catch(connect: Connect) -> None:
    nonsense: list[Any] = [
        b"", b"\0", b"\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/2 200 OK\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: xz\r\nContent-Length: 0\r\n\r\n", reply(b"", 307, {"location": "\xff"}),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ]  # fmt: skip
    for answer in nonsense:
        with Stub(routes({"/f": [answer, End.CLOSE]})) as stub, pytest.raises(BentoMLException):
            connect(stub.url, schema=GIVEN, server_ready_timeout=0, retries=0).f("x")
