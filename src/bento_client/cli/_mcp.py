"""The command ``mcp``: the endpoints of a Service as tools for assistants."""

from __future__ import annotations

from pathlib import Path

import click

from ._command import Command
from ._settings import TOKEN_VARIABLE, Settings, split_url


@click.command(
    "mcp",
    cls=Command,
    examples=[
        ("bento-client mcp http://localhost:3000 --endpoint summarize --endpoint generate", ""),
        ("bento-client mcp https://my.example.org --wait-ready 60 --files ./pictures", ""),
    ],
    help=f"""Serve the endpoints as tools for assistants (MCP), over standard input and output.

    An assistant runs this command itself. The token comes from {TOKEN_VARIABLE} or BENTO_CLOUD_API_KEY only.
    """,
)
@click.argument("words", nargs=-1, metavar="[URL]")
@click.option("--endpoint", "endpoints", multiple=True, metavar="NAME", help="Serve this endpoint only. Repeatable.")
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Let tools read the files in this directory, given by their path.",
)
@click.pass_obj
def command(settings: Settings, words: tuple[str, ...], endpoints: tuple[str, ...], files: Path | None) -> None:
    """Serve the endpoints as tools for assistants."""
    import anyio

    from bento_client.mcp import mcp_server, serve_stdio

    url, rest = split_url(words)
    if rest:
        raise click.UsageError(f"unexpected argument {rest[0]!r}; tools are chosen by --endpoint NAME")
    if settings.token is not None or settings.token_file is not None:
        raise click.UsageError(
            f"mcp takes the token from {TOKEN_VARIABLE} or BENTO_CLOUD_API_KEY only, not from an option"
        )

    async def main() -> None:
        async with settings.async_client(url) as client:
            service = await client.connect()
            for name in endpoints:
                if name not in service.endpoints:
                    from bento_proto.schema import unknown_endpoint

                    raise click.UsageError(unknown_endpoint(service, name))
            await serve_stdio(mcp_server(client, endpoints or None, files=files))

    anyio.run(main)
