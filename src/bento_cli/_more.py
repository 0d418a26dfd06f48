"""The commands around a Service: its schema, its types, and the shell's completion."""

from __future__ import annotations

import click

from ._command import Command
from ._commands import only_url
from ._completion import SHELLS, complete
from ._main import COMPLETE, NAME
from ._settings import Settings


@click.command(
    cls=Command,
    examples=[("bento-client schema :3000 > schema.json", "")],
    help="Print the schema of the Service, as the Service sends it.",
)
@click.argument("words", nargs=-1, metavar="[URL]")
@click.option("-o", "--output", metavar="DEST", help="Save it there; see call --help.")
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
