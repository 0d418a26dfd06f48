"""Results on a terminal: formatted, and without control characters of the server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.parity.proxies import Asked, Stub, endpoint, reply, schema

from .terminals import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


class Open(Protocol):
    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Terminal: ...


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Starts a command on a terminal, in a directory of its own."""
    with ExitStack() as stack:

        def start(*arguments: str, env: dict[str, str] | None = None) -> Terminal:
            return stack.enter_context(Terminal(*arguments, cwd=tmp_path, env=env))

        yield start


def test_json_is_indented_and_colored(terminal: Open, zoo: str) -> None:
    shown = terminal("call", zoo, "defaults", "tags=a")
    assert shown.finish() == (
        0,
        '{\n  "tags": [\n    "a"\n  ],\n  "opts": {\n    "k": 1\n  },\n  "n": null,\n  "temperature": 0.7\n}\n',
    )
    assert "\x1b[" in shown.raw


@pytest.mark.parametrize(("options", "env"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_colors_can_be_turned_off(terminal: Open, zoo: str, options: list[str], env: dict[str, str]) -> None:
    plain = terminal("call", zoo, "defaults", *options, env=env)
    assert plain.finish()[0] == 0
    assert "\x1b[3" not in plain.raw.replace("\x1b[3m", "")  # italics are no color


def test_a_text_ends_its_line(terminal: Open, zoo: str) -> None:
    assert terminal("call", zoo, "echo_str", "text=hi").finish() == (0, "hi\n")
    assert terminal("call", zoo, "echo_str", "text=hi\n").finish() == (0, "hi\n")
    assert terminal("call", zoo, "stream_sync_str", "n=2").finish() == (0, "tok0 tok1 \n")


def test_a_stream_shows_each_item_when_it_comes(terminal: Open, zoo: str) -> None:
    running = terminal("call", zoo, "stream_stall", "delay=30")
    assert running.wait_for("first ") == "first "
    running.interrupt()
    assert running.finish() == (130, "first \n")
    assert terminal("call", zoo, "stream_dict", "n=2").finish()[1].splitlines() == [
        '{"i":0,"text":"tök0"}',
        '{"i":1,"text":"tök1"}',
    ]


def test_files_and_bytes_are_saved_and_named(terminal: Open, zoo: str, tmp_path: Path) -> None:
    assert terminal("call", zoo, "csv_out").finish() == (0, "saved table.csv (10 bytes)\n")
    assert terminal("call", zoo, "csv_out").finish() == (0, "saved table-1.csv (10 bytes)\n")
    assert terminal("call", zoo, "bytes_out").finish() == (0, "saved bytes_out.bin (4 bytes)\n")
    assert terminal("call", zoo, "stream_bytes", "n=2", "size=1").finish() == (0, "saved stream_bytes.bin (2 bytes)\n")
    assert terminal("call", zoo, "csv_out", "-o", "-").finish() == (0, "a,b\r\n1,2\r\n")
    assert (tmp_path / "stream_bytes.bin").read_bytes() == b"\x00\x01"
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.csv", "table-1.csv", "bytes_out.bin", "stream_bytes.bin"
    }  # fmt: skip


def test_a_file_name_with_a_path_is_saved_to_the_current_directory(terminal: Open, zoo: str, tmp_path: Path) -> None:
    assert terminal("call", zoo, "file_response_evil").finish() == (0, "saved evil.txt (4 bytes)\n")
    assert (tmp_path / "evil.txt").read_bytes() == b"evil"


def test_a_large_download_has_a_bar_that_is_removed(terminal: Open, zoo: str) -> None:
    running = terminal("call", zoo, "big_out", "mb=200")
    code, shown = running.finish()
    assert code == 0
    assert "download" in running.raw
    assert "saved big-200.bin (209.7 MB)" in shown
    assert "\x1b[2K" in running.raw.rpartition("download")[2]  # what wipes it out


def test_the_list_of_endpoints_fits_on_the_terminal(terminal: Open, tasks: str) -> None:
    code, shown = terminal("endpoints", tasks).finish()
    assert code == 0
    lines = [line.rstrip() for line in shown.splitlines()]
    assert "task  json_task(a: int | None = 1, delay: float | None = 0.0) -> dict[str, Any]" in lines
    assert "      plain_api(x: int | None = 1) -> int" in lines
    assert max(map(len, lines)) <= 80


def test_control_characters_of_a_server_are_escaped(terminal: Open) -> None:
    field = "\x1b]0;owned\x07\x9b2J\x1b[2J"
    attack = f"{field}\u202e\u2066\ufeff"
    text = endpoint("text", output={"type": "string"}, doc=attack)
    routes = {**schema(text, endpoint("json", output={"type": "object"}), endpoint("bad")), "description": attack}

    def answer(asked: Asked) -> bytes:
        if asked.target == "/schema.json":
            return reply(routes)
        if asked.target == "/text":
            return reply(attack.encode())
        if asked.target == "/bad":
            return reply({"error": attack}, 400, {"x-bentoml-request-id": field})
        return reply(json.dumps({attack: attack}, ensure_ascii=False).encode())

    with Stub(answer) as stub:
        for words in (
            ["call", stub.url, "text"],
            ["call", stub.url, "json"],
            ["call", stub.url, "json", "--json"],
            ["call", stub.url, "bad"],
            ["call", stub.url, "bad", "--json"],
            ["call", stub.url, "bad", "--debug", "-vv"],
        ):
            shown = terminal(*words)
            shown.finish()
            assert "owned" in shown.raw
            assert not {"\x07", "\x9b", "\u202e", "\u2066", "\ufeff"} & set(shown.raw)
            assert "\x1b]" not in shown.raw
            assert "\x1b[2J" not in shown.raw
        for words in (["endpoints", stub.url], ["endpoints", stub.url, "text"]):
            shown = terminal(*words)
            shown.finish()
            assert "owned" in shown.raw
            assert "\x1b]" not in shown.raw


def test_a_benchmark_shows_how_far_it_is(terminal: Open, zoo: str) -> None:
    shown = terminal("bench", zoo, "echo_str", "text=hi", "--concurrency", "1,2", "--warm-up", "1", "--duration", "2")
    shown.wait_for("1 at a time: warming up (")
    shown.wait_for("1 at a time: window 1 of 1, ")
    shown.wait_for("2 at a time: warming up (")
    code, text = shown.finish()
    assert code == 0
    assert text.index("calls/s, p50") < text.index(f"echo_str at {zoo}")
