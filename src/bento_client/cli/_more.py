"""The commands around a Service: its schema, its types, and the shell's completion."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ._command import Command
from ._commands import only_url
from ._completion import SHELLS, complete
from ._failures import Failed
from ._names import COMPLETE, NAME
from ._settings import Settings


@click.command(
    cls=Command,
    examples=[("bento-client schema :3000 > schema.json", "")],
    help="Print the schema of the Service, as the Service sends it.",
)
@click.argument("words", nargs=-1, metavar="[URL]")
@click.option("-o", "--output", type=click.Path(), metavar="DEST", help="Save it there; see call --help.")
@click.pass_obj
def schema(settings: Settings, words: tuple[str, ...], output: str | None) -> None:
    """The schema of the Service."""
    from bento_proto import NotFound

    from ._output import Output, on_terminal

    url = only_url(words)
    with settings.client(url) as client:
        try:
            content = client.request("GET", "/schema.json")
        except NotFound:
            client.connect()  # with a path prefix it is at the root; without a Service nowhere, which this says
            with settings.client(_root(url)) as other:
                content = other.request("GET", "/schema.json")
    is_shown = settings.is_json or (output is None and on_terminal())
    Output(settings, "schema", output).show(content.json() if is_shown else content.content)


def _root(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url)._replace(path="").geturl()


@click.command(
    cls=Command,
    examples=[
        ("bento-client types :3000 > summarizer.py", ""),
        ("bento-client types :3000 --async --name Summarizer -o summarizer.py", ""),
        ("bento-client types :3000 --check summarizer.py", "in CI: exit code 1 if they no longer fit each other"),
    ],
    help="Write a Python module with typed clients of the Service; or check that one still fits.",
)
@click.argument("words", nargs=-1, metavar="[URL]")
@click.option("--sync", "kind", flag_value="sync", help="The sync client only.")
@click.option("--async", "kind", flag_value="async", help="The async client only.")
@click.option("--both", "kind", flag_value="both", default="both", help="Both (this is the default).")
@click.option("--name", metavar="CLASS", help="The name of the client's class, by default made from the Service's.")
@click.option(
    "--check",
    "checked",
    type=click.Path(),
    metavar="FILE",
    help="Write nothing; say what has changed since FILE was written.",
)
@click.option("-o", "--output", type=click.Path(), metavar="DEST", help="Save it there; see call --help.")
@click.pass_obj
def types(
    settings: Settings, words: tuple[str, ...], kind: str, name: str | None, checked: str | None, output: str | None
) -> None:
    """Typed clients of the Service."""
    from bento_client.codegen._drift import check
    from bento_client.codegen._module import generate

    from ._output import Output, line

    url = only_url(words)
    known = None if checked is None else Path(checked).read_text(encoding="utf-8")
    with settings.client(url) as client:
        service = client.connect()
    if known is None:
        text = generate(service, name=name, sync=kind != "async", asynchronous=kind != "sync")
        Output(settings, "client", output).show(text)
        return
    changes = check(service, known)
    if settings.is_json:
        line(json.dumps({"file": checked, "changes": changes}))
    elif changes:
        line("\n".join(changes))
    if changes:
        count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
        raise Failed(f"{checked} does not fit the Service any more: {count}")


@click.command(
    cls=Command,
    examples=[
        ('eval "$(bento-client completion bash)"', "in ~/.bashrc"),
        ("bento-client completion fish > ~/.config/fish/completions/bento-client.fish", ""),
    ],
    help="Print the script that makes a shell complete commands, endpoints and arguments.",
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """The script for a shell's completion."""
    complete(context.find_root().command, NAME, COMPLETE, f"{shell}_source")
