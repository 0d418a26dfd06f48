"""Shell completion of the Service's endpoints and arguments; of nothing if it can't be reached."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parity.proxies import Stub, endpoint, reply, schema

from .conftest import COMMAND, Run, environment

BASH = shutil.which("bash")


def completed(run: Run, line: str, env: dict[str, str] | None = None) -> list[str]:
    """What bash is given for a line that ends at the cursor."""
    done = run(env={"_BENTO_CLIENT_COMPLETE": "bash_complete", "COMP_LINE": f"bento-client {line}", **(env or {})})
    assert done.told == ""
    return [entry.removeprefix("plain,") for entry in done.text.splitlines() if entry]


def test_commands_and_options(run: Run) -> None:
    assert completed(run, "re") == ["ready", "retry"]
    assert completed(run, "call --tim") == ["--timeout"]
    assert completed(run, "completion z") == ["zsh"]


def test_endpoints(run: Run, zoo: str, tasks: str) -> None:
    assert completed(run, f"call {zoo} add_") == ["add_int"]
    assert completed(run, "call add_", {"BENTO_CLIENT_URL": zoo}) == ["add_int"]
    assert "plain_api" in completed(run, f"call {tasks} ")
    assert "plain_api" not in completed(run, f"submit {tasks} ")
    assert completed(run, f"status {tasks} json_task ") == []


def test_arguments(run: Run, zoo: str) -> None:
    assert completed(run, f"call {zoo} add_int ") == ["a=", "b="]
    assert completed(run, f"call {zoo} add_int a=1 ") == ["b="]
    assert completed(run, f"call {zoo} add_int a:=1 --json ") == ["b="]
    assert completed(run, f"call {zoo} file_list files=@a ") == ["files="]
    assert completed(run, f"call {zoo} root_model ") == ["sku=", "qty=", "note="]
    assert completed(run, f"call {zoo} negate flag=") == ["true", "false"]  # bash's own word begins after the =
    assert completed(run, f"call {zoo} rich_scalars color=r") == ["red"]


def test_files(run: Run) -> None:
    assert completed(run, "call :1 f img=@ca") == ["file,img=@ca"]
    assert completed(run, "call :1 f @ca") == ["file,@ca"]
    assert completed(run, "call :1 f -o ou") == ["file,ou"]
    assert completed(run, "call --token-file to") == ["file,to"]


@pytest.mark.parametrize("url", [":1", "http://[", "nonsense://x", ""])
def test_without_a_service_nothing_is_offered(run: Run, url: str) -> None:
    assert completed(run, f"call {url} ") == []
    assert completed(run, f"call {url} add_int ") == []


def test_no_token_is_read_from_standard_input(run: Run, zoo: str) -> None:
    assert completed(run, f"call --token-file - {zoo} add_") == ["add_int"]


def test_nothing_is_offered_that_a_shell_or_a_terminal_interprets(run: Run) -> None:
    attack = "$(touch${IFS}owned)"
    properties = {"größe": {"description": "\x1b[2Jlarge"}, attack: {}, "a b": {}, "c\nd": {}}
    colors = {"properties": {"color": {"enum": ["red", "a b", "`id`", "@/etc/passwd"]}}}
    routes = schema(
        endpoint("good", doc="fine \x1b]0;owned\x07", input={"properties": properties}),
        endpoint("colors", input=colors),
        *(endpoint(name, "/x") for name in (attack, "a;b", "c\nd", "\x1b[2J", "--proxy=http://evil")),
    )
    with Stub(lambda asked: reply(routes if asked.target == "/schema.json" else b"")) as stub:
        assert completed(run, f"call {stub.url} ") == ["good", "colors"]
        assert completed(run, f"call {stub.url} good ") == ["größe="]
        assert completed(run, f"call {stub.url} colors color=") == ["red", "@@/etc/passwd"]
        for words in (f"call {stub.url}", f"call {stub.url} good"):
            env = {"_BENTO_CLIENT_COMPLETE": "zsh_complete", "COMP_WORDS": f"bento-client {words}", "COMP_CWORD": "9"}
            told = run(env=env).text
            assert r"\x1b" in told
            assert "\x1b" not in told


def test_the_example_of_an_endpoint_is_quoted(run: Run) -> None:
    routes = schema(
        *(endpoint(name, "/x", input={"properties": {"a b": {}}, "required": ["a b"]}) for name in ("x;id", "--proxy"))
    )
    with Stub(lambda asked: reply(routes if asked.target == "/schema.json" else b"")) as stub:
        assert run("endpoints", stub.url, "x;id").text.splitlines()[-1] == (
            f"Example: bento-client call {stub.url} 'x;id' 'a b'='...'"
        )
        assert f"bento-client call {stub.url} -- --proxy " in run("endpoints", stub.url, "--", "--proxy").text


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete -o nosort -F"), ("zsh", "#compdef"), ("fish", "function")]
)
def test_the_scripts(run: Run, shell: str, sign: str) -> None:
    assert sign in run("completion", shell).text


@pytest.mark.skipif(sys.platform == "win32" or BASH is None, reason="there is no bash")
def test_bash_completes(zoo: str, tmp_path: Path) -> None:
    assert BASH is not None
    command = tmp_path / "bento-client"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    command.chmod(0o755)

    def typed(line: str, word: str = "") -> str:
        script = f"""
            PATH={shlex.quote(str(tmp_path))}:$PATH
            cd {shlex.quote(str(tmp_path))}
            eval "$(bento-client completion bash)"
            compopt() {{ echo "option $*"; }}  # there is no line to edit
            COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}
            _bento_client_completion bento-client {shlex.quote(word)}
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run([BASH, "--norc", "-c", script], capture_output=True, env=environment(), check=True)
        assert done.stderr == b""
        return done.stdout.decode()

    assert typed(f"bento-client call {zoo} echo_s") == "echo_str\n"
    assert typed(f"bento-client call {zoo} echo_str te") == "option -o nospace\ntext=\n"
    assert typed(f"bento-client call {zoo} negate flag=t") == "true\n"
    (tmp_path / "a cat.png").touch()
    (tmp_path / "a directory").mkdir()
    found = typed("bento-client call :1 f img=@a", "@a").splitlines()
    assert sorted(found) == ["@a\\ cat.png", "@a\\ directory/", "option -o nospace"]
