"""The command line as a whole."""

from __future__ import annotations

from typing import Final

import click

from . import _commands, _more, _tasks
from ._command import Commands
from ._settings import TOKEN_VARIABLE, URL_VARIABLE

_ORDER: Final = (
    _commands.ready,
    _commands.endpoints,
    _commands.call,
    _tasks.submit,
    _tasks.status,
    _tasks.wait,
    _tasks.get,
    _tasks.cancel,
    _tasks.retry,
    _more.schema,
    _more.types,
    _more.completion,
)


@click.group(
    cls=Commands,
    examples=[
        ("bento-client endpoints :3000", "what there is"),
        ("bento-client call :3000 summarize text='Your long text'", ""),
        ("bento-client call :3000 generate img=@cat.png -o out.png", ""),
    ],
    help=f"""Call BentoML Services.

    URL is where the Service is, such as http://localhost:3000, or in short :3000. Without one, it is taken from
    {URL_VARIABLE}. The token comes from {TOKEN_VARIABLE} or BENTO_CLOUD_API_KEY, or from a --token-file.
    """,
)
def cli() -> None:
    """All commands."""


for _command in _ORDER:
    cli.add_command(_command)
