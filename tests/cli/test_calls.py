"""Results in a pipe: the result and nothing else."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parity.proxies import End, Stub, endpoint, reply, routes, schema
from tests.servers import Servers
from tests.waiting import until

from .conftest import COMMAND, Run, environment


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["add_int", "a=1"], b"3\n"),
        (["add_int", "1", "5"], b"6\n"),
        (["echo_str", "text=hi"], b"hi"),
        (["echo_str", "a line = a line"], b"a line = a line"),
        (["negate", "flag=yes"], b"false\n"),
        (["nothing"], b"null\n"),
        (["empty_str"], b""),
        (["defaults", "tags=a", "tags=b", "opts:={}"], b'{"tags":["a","b"],"opts":{},"n":null,"temperature":0.7}\n'),
        (["root_str", "a=b"], b"A=B"),
        (["root_list", "[1,2]"], b"3\n"),
        (["bytes_out"], b"\x00\x01\xfe\xff"),
        (["csv_out"], b"a,b\r\n1,2\r\n"),
        (["stream_bytes", "n=2", "size=1"], b"\x00\x01"),
        (["stream_dict", "n=2"], '{"i":0,"text":"tök0"}\n{"i":1,"text":"tök1"}\n'.encode()),
        (["stream_sync_str", "n=2"], b"tok0 tok1 "),
        (["stream_empty"], b""),
        (["_private"], b"endpoint _private"),
        (["echo_str", "--json", "text=hi"], b'"hi"\n'),
        (["bytes_out", "--json"], b'{"base64":"AAH+/w=="}\n'),
        (["stream_sync_str", "n=2", "--json"], b'"tok0 "\n"tok1 "\n'),
    ],
)
def test_a_result_in_a_pipe(run: Run, zoo: str, words: list[str], out: bytes) -> None:
    done = run("call", zoo, *words)
    assert (done.code, done.told) == (0, "")
    assert done.out == out


def test_files_go_up_and_come_down(run: Run, zoo: str, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_bytes(b"hello")
    found = json.loads(run("call", zoo, "file_in", "f=@hello.txt").out)
    assert found["size"] == 5
    assert json.loads(run("call", zoo, "file_in", "f=@-", input=b"hello, world").out)["size"] == 12
    assert run("call", zoo, "echo_str", "text=@hello.txt").out == b"hello"
    assert run("call", zoo, "echo_str", "text=@-", input="wörld".encode()).text == "wörld"
    assert len(json.loads(run("call", zoo, "file_list", "files=@hello.txt", "files=@hello.txt").out)) == 2


def test_arguments_from_a_document(run: Run, zoo: str) -> None:
    assert run("call", zoo, "add_int", "--data", "-", input=b'{"a": 1, "b": 1}').out == b"2\n"
    assert run("call", zoo, "root_list", "--data", "-", input=b"[1, 2]").out == b"3\n"
    assert run("call", zoo, "add_int", "-d", '{"a": 1, "b": 1}').out == b"2\n"
    assert run("call", zoo, "root_list", "-d", "[1, 2]").out == b"3\n"


def test_an_image_is_the_file_that_the_server_sends(run: Run, zoo: str, tmp_path: Path) -> None:
    assert run("call", zoo, "png_out").out.startswith(b"\x89PNG")
    assert run("call", zoo, "png_out", "-o", "out.png").code == 0
    there = run("call", zoo, "image_roundtrip", "img=@out.png").out
    back = run("call", zoo, "image_roundtrip", "img=@-", input=there).out
    assert there.startswith(b"\x89PNG")
    assert back.startswith(b"\x89PNG")


def test_a_result_in_a_file_is_whole_or_not_there(run: Run, zoo: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for words, content in (
        (["add_int", "a=1"], b"3\n"),
        (["csv_out"], b"a,b\r\n1,2\r\n"),
        (["stream_sync_str", "n=2"], b"tok0 tok1 "),
        (["stream_empty"], b""),
    ):
        done = run("call", zoo, *words, "-o", str(out))
        assert (done.code, done.out, done.told) == (0, b"", "")
        assert out.read_bytes() == content
    assert run("call", zoo, "stream_stall", "delay=20", "--timeout", "3", "-o", str(out)).code == 4
    assert out.read_bytes() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights, and there are no named pipes")
def test_links_pipes_and_permissions_are_kept(run: Run, zoo: str, tmp_path: Path) -> None:
    for number, (words, content) in enumerate(((["add_int", "a=1"], b"3\n"), (["csv_out"], b"a,b\r\n1,2\r\n"))):
        there, link, pipe = (tmp_path / f"{name}{number}" for name in ("there", "link", "pipe"))
        there.write_bytes(b"old")
        there.chmod(0o600)
        link.symlink_to(there)
        assert run("call", zoo, *words, "-o", str(link)).code == 0
        assert link.is_symlink()
        assert (there.read_bytes(), there.stat().st_mode & 0o777) == (content, 0o600)
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reading:
            assert run("call", zoo, *words, "-o", str(pipe)).code == 0
            assert reading.communicate()[0] == content
        assert pipe.is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such paths")
@pytest.mark.parametrize("words", [["add_int", "a=1"], ["csv_out"]])
def test_an_open_file_is_written_to_where_it_stands(zoo: str, tmp_path: Path, words: list[str]) -> None:
    script = f"echo before; {shlex.join((*COMMAND, 'call', zoo, *words, '-o', '/dev/stdout'))}; echo after"
    plain = subprocess.run((*COMMAND, "call", zoo, *words), env=environment(), capture_output=True, check=True).stdout
    log = tmp_path / "log"
    with log.open("wb") as file:
        subprocess.run(["sh", "-c", script], env=environment(), stdout=file, check=True)
    assert log.read_bytes() == b"before\n" + plain + b"after\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_command_that_is_terminated_leaves_nothing_behind(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: 9000000\r\n\r\n"
    document = schema(endpoint("f", output={"type": "file", "format": "binary"}))
    part = (head + bytes(3_000_000), End.SILENCE)
    with Stub(routes({"/schema.json": reply(document), "/f": part})) as stub:
        process = subprocess.Popen(
            (*COMMAND, "call", stub.url, "f", "-o", "out"), cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL
        )
        until(lambda: any(path.is_file() for path in tmp_path.rglob("*")))
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM
    assert os.listdir(tmp_path) == []


def test_a_destination_without_a_name_is_refused(run: Run, zoo: str, tmp_path: Path) -> None:
    assert run("call", zoo, "csv_out", "-o", "").code == 2
    assert os.listdir(tmp_path) == []


def test_a_result_in_a_directory_replaces_nothing(run: Run, zoo: str, tmp_path: Path) -> None:
    for number in range(2):
        done = run("call", zoo, "csv_out", "-o", f"{tmp_path}/")
        assert (done.code, done.out) == (0, b"")
        assert done.told.endswith(f"table{'-1' * number}.csv (10 bytes)\n")
    run("call", zoo, "add_int", "a=1", "-o", str(tmp_path))
    run("call", zoo, "stream_dict", "n=1", "-o", str(tmp_path))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"table.csv", "table-1.csv", "add_int.json", "stream_dict.jsonl"}
    assert json.loads(run("call", zoo, "csv_out", "--json").out) == {"path": "table-2.csv", "size": 10}
    assert (tmp_path / "table-2.csv").read_bytes() == b"a,b\r\n1,2\r\n"


def test_a_stream_arrives_item_by_item(zoo: str) -> None:
    command = (*COMMAND, "call", zoo, "stream_stall", "delay=30")
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        try:
            assert os.read(process.stdout.fileno(), 100) == b"first "
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()  # while it is heard, whatever it still says
    assert process.returncode == 130


def test_a_closed_pipe_ends_the_command_silently(zoo: str) -> None:
    command = (*COMMAND, "call", zoo, "stream_endless")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"0"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is another one")
def test_closed_standard_streams_are_no_error(zoo: str) -> None:
    command = shlex.join((*COMMAND, "call", zoo))
    for line, code in (("add_int a=1 >&-", 0), ("add_int a=x 2>&-", 2), ("echo_str text=@- <&-", 0)):
        done = subprocess.run(["sh", "-c", f"{command} {line}"], capture_output=True, env=environment(), check=False)
        assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_server_sent_events(run: Run, zoo: str) -> None:
    assert run("call", zoo, "stream_sse_annotated", "n=2", "--events").out == b"0\n1\n"
    events = [
        json.loads(line)
        for line in run("call", zoo, "stream_sse_annotated", "n=1", "--events", "--json").out.splitlines()
    ]
    assert [(event["event"], event["data"]) for event in events] == [("message", "0")]


def test_options_stand_anywhere(run: Run, zoo: str) -> None:
    for words in (
        ["--json", "call", zoo, "echo_str", "text=hi"],
        ["call", "--json", zoo, "echo_str", "text=hi"],
        ["call", zoo, "echo_str", "--timeout=5", "text=hi", "--json"],
    ):
        assert run(*words).out == b'"hi"\n'
    assert run("call", zoo, "echo_str", "--", "--json").out == b"--json"


def test_the_url_in_short_or_from_the_environment(run: Run, zoo: str) -> None:
    short = zoo.removeprefix("http://")
    port = ":" + short.rpartition(":")[2]
    for url in (short, f"{short}/", f"localhost{port}", port):
        assert run("call", url, "add_int", "a=1").out == b"3\n"
    assert run("call", "add_int", "a=1", env={"BENTO_CLIENT_URL": zoo}).out == b"3\n"
    assert run("call", zoo, "add_int", "a=1", env={"BENTO_CLIENT_URL": "http://localhost:1"}).out == b"3\n"
    assert run("ready", env={"BENTO_CLIENT_URL": zoo}).out == b"ready\n"


def test_ready(run: Run, zoo: str) -> None:
    assert run("ready", zoo).out == b"ready\n"
    assert run("ready", zoo, "--wait", "30").out == b"ready\n"
    assert json.loads(run("ready", zoo, "--json").out) == {"ready": True, "url": zoo}


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("add_int", "3\n"),
        ("echo_tuple", '[1,"text"]'),
        ("items_in_out", "sku"),
        ("order", "total"),
        ("nd", "1.0"),
        ("path_param_route", "user_id"),
        ("root_dict", "1"),
        ("varargs", "[1]"),
    ],
)
def test_the_example_of_an_endpoint_can_be_pasted(run: Run, zoo: str, name: str, result: str) -> None:
    line = run("endpoints", zoo, name).text.splitlines()[-1].removeprefix("Example: bento-client ")
    done = run(*shlex.split(line))
    assert (done.code, done.told) == (0, "")
    assert result in done.text


def test_the_endpoints(run: Run, zoo: str, tasks: str) -> None:
    lines = [line.split("\t") for line in run("endpoints", zoo).text.splitlines()]
    found = {name: (kind, signature) for name, kind, signature, _ in lines}
    assert found["add_int"] == ("", "(a: int, b: int | None = 2) -> int")
    assert found["stream_dict"][0] == "stream"
    listed = json.loads(run("endpoints", tasks, "--json").out)
    assert listed["name"] == "ZooTasks"
    assert {entry["name"]: entry["is_task"] for entry in listed["endpoints"]}["plain_api"] is False
    one = run("endpoints", tasks, "file_in_task").text
    assert one.startswith("file_in_task(f: FileInput, n: int | None = 1) -> dict[str, Any]\n")
    assert f"bento-client submit {tasks} file_in_task f=@PATH" in one
    plain = run("endpoints", zoo, "add_int").text
    assert plain == (
        "add_int(a: int, b: int | None = 2) -> int\n\n"
        "    Arguments:\n        a (int, required)\n        b (int | None, default 2)\n\n"
        f"Route:   /add_int\nExample: bento-client call {zoo} add_int a=1\n"
    )
    assert "submit(" not in one
    described = run("endpoints", zoo, "with_input_spec").text
    assert "\n    Arguments:\n        prompt (str, required, at most 20 characters): the prompt\n" in described
    assert json.loads(run("endpoints", tasks, "json_task", "--json").out)["parameters"][0]["default"] == 1


def test_the_schema_is_the_servers_own(run: Run, zoo: str, tmp_path: Path) -> None:
    done = run("schema", zoo)
    assert json.loads(done.out)["name"] == "Zoo"
    run("schema", zoo, "-o", "schema.json")
    assert (tmp_path / "schema.json").read_bytes() == done.out


def test_the_schema_under_a_path_prefix(run: Run, servers: Servers) -> None:
    url = servers.url("mounts:ZooPrefix") + "/api/v1"
    assert run("call", url, "echo", "text=a").out == b"a"
    assert json.loads(run("schema", url).out)["name"] == "ZooPrefix"
