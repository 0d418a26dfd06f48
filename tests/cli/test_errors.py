"""Errors: one line, an exit code, and no credential in either."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bento_client.cli import main
from tests.parity.proxies import Asked, Stub, endpoint, reply, schema

from .conftest import COMMAND, Run, environment

SECRET = "s3cret-t0ken"


@pytest.fixture
def unreachable() -> Iterator[str]:
    """The URL of a port without a listener."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["call", "URL", "err", "kind=invalid_argument"], 1, "error: "),
        (["call", "URL", "stream_raise_first"], 1, "error: bad before the first item [400, request "),
        (["call", "URL", "add_int", "a=x"], 2, "error: a must be integer, not 'x'"),
        (["call", "URL", "add_int"], 2, "error: add_int() is missing required argument: 'a'"),
        (["call", "URL", "add_int", "c=1"], 2, "error: add_int() got an unexpected keyword argument 'c'"),
        (["call", "URL", "ad_int"], 2, "error: the Service Zoo has no endpoint 'ad_int'; did you mean 'add_int'"),
        (["call", "URL", "file_in", "f=@missing.txt"], 2, "error: No such file or directory: missing.txt"),
        (["call", "URL", "csv_out", "-o", "no/such/place"], 2, "error: there is no directory no/such"),
        (["call", "URL"], 2, "error: the endpoint is missing"),
        (["call"], 2, "error: the Service's URL is missing"),
        (["call", "summarize"], 2, "error: the Service's URL is missing, and 'summarize' is none"),
        (["call", "URL", "add_int", "--wrong"], 2, "error: No such option"),
        (["cal", "URL"], 2, "error: No such command 'cal'; did you mean 'call' or 'cancel'?"),
        (["call", "URL", "add_int", "-d", '{"a": 1'], 2, "error: --data: this is not JSON"),
        (["call", "ftp://x", "f"], 2, "error: the URL of a Service must start with http://"),
        (["ready", "URL", "more"], 2, "error: unexpected argument 'more' (see bento-client ready --help)"),
        (["endpoints", "URL", "add_int", "more"], 2, "error: endpoints takes one ENDPOINT at most"),
        (
            ["nonsense"],
            2,
            "error: No such command 'nonsense'; to call an endpoint, use: bento-client call URL nonsense",
        ),
        (
            ["f", "text=two words"],
            2,
            "error: No such command 'f'; to call an endpoint, use: bento-client call URL f 'text=two words'",
        ),
        (
            ["add_int", ":1", "a=1"],
            2,
            "error: No such command 'add_int'; to call an endpoint, use: bento-client call :1 add_int a=1",
        ),
        (
            ["file_in", "f=@a/b"],
            2,
            "error: No such command 'file_in'; to call an endpoint, use: bento-client call URL file_in f=@a/b",
        ),
        (["help"], 2, "error: No such command 'help'; did you mean '--help'?"),
        (["call", ":1", "f", "-X", "POST"], 2, "error: No such option '-X' (see bento-client call --help)"),
        ([":1", "-d", "{}"], 2, "error: the endpoint is missing; list them with: bento-client endpoints URL"),
        (["submit", "URL", "nonsense"], 2, "error: the Service Zoo has no endpoint 'nonsense'; its endpoints: "),
        (
            ["call", "URL", "slow", "seconds=20", "--timeout", "3"],
            4,
            "error: the server did not answer in time; --timeout, or --total-timeout for the whole call, allows more",
        ),
        (["call", "URL", "slow", "seconds=20", "--total-timeout", "3"], 4, "error: "),
    ],
)
def test_an_error_is_a_line_and_an_exit_code(run: Run, zoo: str, words: list[str], code: int, told: str) -> None:
    done = run(*(word.replace("URL", zoo) for word in words))
    assert (done.code, done.out) == (code, b""), done.told
    assert done.told.startswith(told)
    assert done.told.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        (["--text", "hello"], "text=hello"),
        (["--text=two words"], "'text=two words'"),
        (["--text"], "text=VALUE"),
        (["--text", "--json"], "text=VALUE"),
    ],
)
def test_an_unknown_option_explains_how_an_argument_is_given(run: Run, words: list[str], argument: str) -> None:
    done = run("call", ":1", "f", *words)
    assert done.code == 2
    message = f"No such option '--text'; an endpoint's argument is given as {argument}"
    assert f"{message}; options like it are --timeout, --token (see bento-client call --help)" in done.told


def test_a_command_after_the_url_is_told_from_an_endpoint(run: Run, zoo: str) -> None:
    done = run(zoo, "submit", "task")
    assert done.code == 2
    assert f"a command is the first word, as in: bento-client submit {zoo} (see " in done.told


def test_the_command_may_be_left_out(run: Run, zoo: str) -> None:
    assert run(zoo).text == run("endpoints", zoo).text
    assert json.loads(run(zoo, "--json").text) == json.loads(run("endpoints", zoo, "--json").text)
    assert run(zoo, "add_int", "a=1", "b=1").text == "2\n"


def test_a_service_that_is_not_reachable(run: Run, unreachable: str) -> None:
    done = run("ready", unreachable)
    assert done.code == 3
    assert done.told.startswith(f"error: {unreachable} is not ready: can't connect to {unreachable}")
    assert run("ready", unreachable, "--wait", "0.2").code == 3
    assert run("call", unreachable, "f", "--retries", "0").code == 3
    assert run("call", unreachable, "f", "--wait-ready", "0.2").code == 3


def test_errors_as_json(run: Run, zoo: str) -> None:
    done = run("call", zoo, "stream_raise_first", "--json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out) == (1, b"")
    assert (error["type"], error["status"], error["exit_code"]) == ("InvalidArgument", 400, 1)
    assert error["message"] == "bad before the first item"
    assert error["request_id"]
    assert json.loads(run("call", zoo, "add_int", "--json", "a=x").err)["error"]["exit_code"] == 2


def test_debug_prints_the_traceback(run: Run, zoo: str) -> None:
    done = run("call", zoo, "stream_raise_first", "--debug")
    assert "Traceback" in done.told
    assert done.told.splitlines()[-1].startswith("error: bad before the first item")


def test_a_stream_that_breaks_has_printed_what_came(run: Run, zoo: str) -> None:
    done = run("call", zoo, "stream_stall", "delay=20", "--timeout", "3")
    assert (done.code, done.out) == (4, b"first ")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_prints_nothing(zoo: str) -> None:
    command = (*COMMAND, "call", zoo, "stream_stall", "delay=30")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(6)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 130


# --- credentials


def everything(asked: Asked) -> bytes:
    return reply(schema(endpoint("f")) if asked.target == "/schema.json" else "ok")


def authorization(stub: Stub) -> set[str | None]:
    return {asked.headers.get("authorization") for asked in stub.asked if asked.target != "/readyz"}


def test_the_sources_of_the_token(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    environments = {"BENTO_CLIENT_TOKEN": "of-the-environment", "BENTO_CLOUD_API_KEY": "of-the-cloud"}
    for options, env, typed, expected in (
        (["--token-file", str(path)], environments, "", SECRET),
        (["--token-file", "-"], environments, SECRET, SECRET),
        (["--token", SECRET], environments, "", SECRET),
        ([], environments, "", "of-the-environment"),
        ([], {"BENTO_CLOUD_API_KEY": SECRET}, "", SECRET),
    ):
        with Stub(everything) as stub:
            done = run("call", stub.url, "f", *options, env=env, input=typed.encode())
            assert (done.code, done.told) == (0, "")
            assert authorization(stub) == {f"Bearer {expected}"}


def test_a_token_on_standard_input_is_its_first_line(run: Run) -> None:
    routes = schema(endpoint("f", "/api/f", input={"properties": {"text": {"type": "string"}}}))

    def answer(asked: Asked) -> bytes:  # the schema is at the root, everything else under a prefix
        if asked.target.endswith("/schema.json"):
            return reply(routes) if asked.target == "/schema.json" else reply(b"", 404)
        return reply("ok")

    with Stub(answer) as stub:
        url = f"{stub.url}/api"
        done = run("call", url, "f", "text=@-", "--token-file", "-", input=f"{SECRET}\nand more".encode())
        assert (done.code, done.told) == (0, "")
        assert stub.asked[-1].body == b'{"text":"and more"}'
        assert run("schema", url, "--token-file", "-", input=SECRET.encode()).code == 0
        assert authorization(stub) == {f"Bearer {SECRET}"}


def test_headers_by_option_and_from_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "headers"
    path.write_text(f"X-Key: {SECRET}\n\nX-More: 1:2\n")
    with Stub(everything) as stub:
        done = run("--header", "X-First: 1", "call", stub.url, "f", "--header", f"@{path}")
        assert done.code == 0
    headers = stub.asked[-1].headers
    assert (headers["x-first"], headers["x-key"], headers["x-more"]) == ("1", SECRET, "1:2")
    assert SECRET not in run("call", ":1", "f", "--header", SECRET).told


@pytest.mark.parametrize("options", [[], ["--json"], ["--debug"], ["-vv"]])
def test_no_error_shows_a_credential(run: Run, options: list[str]) -> None:
    def refuse(asked: Asked) -> bytes:
        return reply({"error": "no"}, 401)

    with Stub(refuse) as stub:
        url = stub.url.replace("://", f"://user:{SECRET}@")
        for env, words in (
            ({"BENTO_CLIENT_TOKEN": SECRET}, [stub.url]),
            ({}, [url]),
            ({"BENTO_CLIENT_URL": url}, []),
            ({"BENTO_CLIENT_TOKEN": f"two words {SECRET}"}, [stub.url]),
            ({}, [stub.url, "--proxy", f"http://user:{SECRET}@127.0.0.1:1"]),
        ):
            done = run("call", *words, "f", *options, env=env)
            assert done.code in (1, 2, 3)
            assert SECRET not in done.told + done.text


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux shows processes as files")
def test_the_process_list_has_no_token(zoo: str) -> None:
    command = (*COMMAND, "call", zoo, "stream_stall", "delay=30")
    token = f"{SECRET}-{os.getpid()}"  # another run of the tests has another
    env = environment({"BENTO_CLIENT_TOKEN": token})
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 100) == b"first "  # it has been sent
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.name != "self"]
        process.kill()
    assert any(b"stream_stall" in line for line in lines)
    assert not any(token.encode() in line for line in lines)


def test_verbose_logs_requests(run: Run, zoo: str) -> None:
    done = run("call", zoo, "add_int", "a=1", "-v")
    assert done.out == b"3\n"
    assert "bento_client.http: POST" in done.told
    assert "/add_int 200" in done.told


# --- the installation


def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for missing in ("click", "rich"):
        with monkeypatch.context() as patch:
            patch.setattr("importlib.util.find_spec", lambda name, missing=missing: None if name == missing else name)
            assert main(["--version"]) == 2
        assert capsys.readouterr().err == "the command line needs its extra: pip install 'bento-client[cli]'\n"


def test_it_is_installed_under_its_name() -> None:
    try:
        importlib.metadata.distribution("bento-client")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("this runs from the sources")
    command = shutil.which("bento-client", path=str(Path(sys.executable).parent))
    assert command is not None
    assert subprocess.run([command, "--version"], capture_output=True, check=True).stdout.startswith(b"bento-client ")


def test_version_and_help(run: Run) -> None:
    from bento_proto import __version__

    assert run("--version").text == f"bento-client {__version__}\n"
    assert "Exit codes:" in run("--help").text
    assert run("call", "-h").text == run("call", "--help").text
    assert "Examples:" in run("call", "--help").text


def test_without_arguments_it_prints_its_help(run: Run) -> None:
    done = run()
    assert (done.code, done.out) == (2, b"")
    assert done.told == run("--help").text
    assert run("--json").code == 2
