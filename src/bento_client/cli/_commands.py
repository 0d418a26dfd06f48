"""The commands that find a Service and call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

import click

from . import _completion
from ._command import Command, find
from ._failures import UNREACHABLE, Failed
from ._settings import Settings, split_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from bento_sync import EndpointMethod, SyncHTTPClient

    from ._arguments import Arguments

ARGUMENTS: Final = """

    \b
    Arguments are given by name, or by position:
      key=text      text; or the number, boolean or JSON that the endpoint wants
      key:=JSON     JSON as it stands
      key=@PATH     a file (@- is stdin); as text where no file is wanted
      key:=@PATH    JSON from a file
      key=@@text    text that begins with @
    A key that is repeated makes a list. After -- nothing is taken for an option."""


@click.command(
    cls=Command,
    examples=[
        ("bento-client ready :3000 --wait 60 && bento-client endpoints :3000", ""),
        ("bento-client ready https://my.example.org -v", "why it is not"),
    ],
    help="Say whether the Service is ready; wait until it is.",
)
@click.argument("words", nargs=-1, metavar="[URL]")
@click.option("--wait", type=float, default=0, metavar="SECONDS", help="Wait so long for it (0).")
@click.pass_obj
def ready(settings: Settings, words: tuple[str, ...], wait: float) -> None:
    """Whether the Service is ready."""
    from ._output import line

    url = only_url(words)
    with settings.client(url) as client:
        if wait:
            client.wait_until_server_ready(wait)
        elif not client.is_ready():
            raise Failed(f"{client.url} is not ready{_reason(client)}", UNREACHABLE)
        line(json.dumps({"ready": True, "url": client.url}) if settings.is_json else "ready")


def _reason(client: SyncHTTPClient) -> str:
    from bento_proto import BentoMLException

    try:
        client.with_options(retries=0).request("GET", "/readyz")
    except BentoMLException as exc:
        return f": {exc}"
    return ""


@click.command(
    cls=Command,
    examples=[
        ("bento-client endpoints :3000", ""),
        ("bento-client endpoints :3000 summarize", "all that is known of one"),
        ("bento-client endpoints :3000 | cut -f1", "the names only"),
    ],
    help="List the endpoints: their signatures and docs, and which of them are tasks or streams.",
)
@click.argument("words", nargs=-1, metavar="[URL] [ENDPOINT]", shell_complete=_completion.words())
@click.pass_obj
def endpoints(settings: Settings, words: tuple[str, ...]) -> None:
    """The endpoints of a Service, or one of them."""
    from . import _listing

    url, rest = split_url(words)
    if len(rest) > 1:
        raise click.UsageError("endpoints takes one ENDPOINT at most")
    with settings.client(url) as client:
        if rest:
            _listing.show_endpoint(settings, client.url, find(client, rest[0]).endpoint)
        else:
            _listing.show_endpoints(settings, client.url, client.connect())


@click.command(
    cls=Command,
    examples=[
        ("bento-client call :3000 summarize text='Your long text'", ""),
        ("bento-client call :3000 generate img=@cat.png -o upside-down.png", ""),
        ("bento-client call :3000 predict n=3 items:='[1, 2]' | jq .prediction", ""),
        ("cat text.txt | bento-client call :3000 summarize text=@-", ""),
        ("bento-client call :3000 predict --data arguments.json", "all of them in one object"),
        ("bento-client call :3000 chat prompt=Hi --events", "the data of server-sent events"),
    ],
    help=f"Call an endpoint and print its result; a stream's items as they arrive.{ARGUMENTS}",
)
@click.argument(
    "words", nargs=-1, metavar="[URL] ENDPOINT [ARGUMENT]...", shell_complete=_completion.words(arguments=True)
)
@click.option(
    "-d", "--data", type=click.Path(), metavar="FILE|-", help="Take the arguments from a JSON object in a file."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="DEST",
    help="Save the result: in a file, which is replaced once it is whole, or in a directory; - is stdout.",
)
@click.option("--events", is_flag=True, help="Read the answer as server-sent events.")
@click.pass_obj
def call(settings: Settings, words: tuple[str, ...], data: str | None, output: str | None, events: bool) -> None:
    """Call an endpoint."""
    from ._arguments import parse

    url, name, rest = named_endpoint(words)
    with settings.client(url) as client:
        given = parse(find(client, name).endpoint, rest, data)
        if events:
            show_events(settings, find(client, name), given, output)
        else:
            show_result(settings, client, name, output, lambda method: method(*given.args, **given.kwargs))


def show_result(
    settings: Settings,
    client: SyncHTTPClient,
    name: str,
    output: str | None,
    get: Callable[[EndpointMethod], object],
) -> None:
    """Get a result from an endpoint and print or save it."""
    from bento_sync import Stream

    from ._output import Output
    from ._progress import Bar

    out = Output(settings, name, output)
    with out.downloads() as directory:
        with Bar(settings, downloads=not find(client, name).endpoint.output.is_stream) as bar:
            view = client.with_options(download_dir=directory, on_progress=bar.update)
            value = get(find(view, name))
        if isinstance(value, Stream):
            with value:
                out.show_stream(cast("Stream[object]", value))
        else:
            out.show(value)


def show_events(settings: Settings, method: EndpointMethod, given: Arguments, output: str | None) -> None:
    """Call an endpoint and print its server-sent events: their data, or all that they say as JSON."""
    from ._output import Output

    with method.events(*given.args, **given.kwargs) as stream:
        items = (event._asdict() if settings.is_json else f"{event.data}\n" for event in stream)
        Output(settings, method.endpoint.name, output).show_stream(items)


def only_url(words: tuple[str, ...]) -> str:
    """The URL of a command that takes nothing else.

    Raises:
        click.UsageError: there is none, or something else.
    """
    url, rest = split_url(words)
    if rest:
        raise click.UsageError(f"unexpected argument {rest[0]!r}")
    return url


def named_endpoint(words: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """URL, endpoint and the rest.

    Raises:
        click.UsageError: one is missing.
    """
    url, rest = split_url(words)
    if not rest:
        raise click.UsageError("the endpoint is missing: bento-client endpoints lists them")
    return url, rest[0], rest[1:]
