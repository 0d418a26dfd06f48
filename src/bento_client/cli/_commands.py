"""The commands, in the order in which ``bento-client --help`` lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from . import _bench, _completion, _map, _mcp
from ._command import CommandGroup
from ._errors import FAILED, UNREACHABLE, CommandFailed
from ._settings import TOKEN_VARIABLE, URL_VARIABLE, Settings, split_endpoint, split_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from bento_sync import EndpointMethod, SyncHTTPClient

    from ._arguments import Arguments

_ARGUMENTS: Final = """

    \b
    Arguments are given by name, or by position:
      key=text      text, or a number, boolean or JSON where the endpoint takes one
      key:=JSON     JSON
      key=@PATH     a file (@- is stdin); its content, where the endpoint takes no file
      key:=@PATH    JSON from a file
      key=@@text    text that begins with @
    Repeat a key to give a list. Put -- before an argument that begins with a dash."""

_ENDPOINT: Final = "[URL] ENDPOINT [ARGUMENT]..."

_data = click.option(
    "-d", "--data", type=click.Path(), metavar="FILE|-|JSON", help="Take the arguments from a JSON object."
)
_output = click.option(
    "-o", "--output", type=click.Path(), metavar="DEST", help="Save to a file or a directory; see call --help."
)
_within = click.option("--within", type=float, metavar="SECONDS", help="Limit the wait (exit code 4).")
_url = click.argument("words", nargs=-1, metavar="[URL]")
_task = click.argument(
    "words", nargs=-1, metavar="[URL] ENDPOINT TASK_ID", shell_complete=_completion.words(tasks=True)
)


@click.group(
    cls=CommandGroup,
    examples=[
        ("bento-client endpoints :3000", "list the endpoints"),
        ("bento-client call :3000 summarize text='Your long text'", ""),
        ("bento-client call :3000 generate img=@cat.png -o out.png", ""),
    ],
    help=f"""Call BentoML Services.

    URL is the Service's address, such as http://localhost:3000, or in short :3000. The default is {URL_VARIABLE}.
    The token comes from {TOKEN_VARIABLE}, BENTO_CLOUD_API_KEY or a --token-file.
    """,
)
def cli() -> None:
    """Run one of the commands below."""


@cli.command(
    examples=[
        ("bento-client ready :3000 --wait 60 && bento-client endpoints :3000", ""),
        ("bento-client ready https://my.example.org -v", "log the reason"),
    ],
    help="Say whether the Service is ready, or wait until it is.",
)
@_url
@click.option("--wait", type=float, default=0, metavar="SECONDS", help="Wait so long for it (default 0).")
@click.pass_obj
def ready(settings: Settings, words: tuple[str, ...], wait: float) -> None:
    """Say whether the Service is ready."""
    from ._output import line

    url = _only_url(words)
    with settings.client(url) as client:
        if wait:
            client.wait_until_server_ready(wait)
        elif not client.is_ready():
            raise CommandFailed(f"{client.url} is not ready{_reason(client)}", UNREACHABLE)
        line(json.dumps({"ready": True, "url": client.url}) if settings.is_json else "ready")


def _reason(client: SyncHTTPClient) -> str:
    from bento_proto import BentoMLException

    try:
        client.with_options(retries=0).request("GET", "/readyz").raise_for_status()
    except BentoMLException as exc:
        return f": {exc}"
    return ""


@cli.command(
    examples=[
        ("bento-client endpoints :3000", ""),
        ("bento-client endpoints :3000 summarize", "one endpoint in full"),
        ("bento-client endpoints :3000 | cut -f1", "the names only"),
    ],
    help="List the endpoints: their signatures and docs, and which of them are tasks or streams.",
)
@click.argument("words", nargs=-1, metavar="[URL] [ENDPOINT]", shell_complete=_completion.words())
@click.pass_obj
def endpoints(settings: Settings, words: tuple[str, ...]) -> None:
    """List the endpoints of a Service, or describe one of them."""
    from . import _listing

    url, rest = split_url(words)
    if len(rest) > 1:
        raise click.UsageError(f"endpoints takes one ENDPOINT at most; {rest[1]!r} is one too many")
    with settings.client(url) as client:
        if rest:
            _listing.show_endpoint(settings, client.url, _find(client, rest[0]).endpoint)
        else:
            _listing.show_endpoints(settings, client.url, client.connect())


@cli.command(
    examples=[
        ("bento-client call :3000 summarize text='Your long text'", ""),
        ("bento-client call :3000 generate img=@cat.png -o upside-down.png", ""),
        ("bento-client call :3000 predict n=3 items:='[1, 2]' | jq .prediction", ""),
        ("cat text.txt | bento-client call :3000 summarize text=@-", ""),
        ("bento-client call :3000 predict --data arguments.json", "all arguments in one JSON object"),
        ("bento-client call :3000 chat prompt=Hi --events", "the data of server-sent events"),
    ],
    help=f"Call an endpoint and print its result; print the items of a stream as they arrive.{_ARGUMENTS}",
)
@click.argument("words", nargs=-1, metavar=_ENDPOINT, shell_complete=_completion.words(arguments=True))
@_data
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="DEST",
    help="Save the result: to a file, which is replaced once the result is complete; to a directory, where nothing "
    "is replaced; or to -, stdout.",
)
@click.option("--events", is_flag=True, help="Read the answer as server-sent events.")
@click.pass_obj
def call(settings: Settings, words: tuple[str, ...], data: str | None, output: str | None, events: bool) -> None:
    """Call an endpoint."""
    from ._arguments import parse

    url, name, rest = split_endpoint(words)
    with settings.client(url) as client:
        method = _find(client, name)
        given = parse(method.endpoint, rest, data)
        if events:
            _show_events(settings, method, given, output)
        else:
            _show_result(settings, client, name, output, lambda method: method(*given.args, **given.kwargs))


@cli.command(
    examples=[
        ("id=$(bento-client submit :3000 train steps=100)", ""),
        ("bento-client get :3000 train $id", ""),
        ("bento-client submit :3000 train steps=5 --wait --within 600 -o model.bin", ""),
    ],
    help=f"Submit a task and print its id; with --wait, print its result instead.{_ARGUMENTS}",
)
@click.argument("words", nargs=-1, metavar=_ENDPOINT, shell_complete=_completion.words(tasks=True, arguments=True))
@_data
@click.option("--wait", is_flag=True, help="Wait until the task has ended, and print its result.")
@_within
@_output
@click.pass_obj
def submit(
    settings: Settings, words: tuple[str, ...], data: str | None, wait: bool, within: float | None, output: str | None
) -> None:
    """Submit a task."""
    from ._arguments import parse
    from ._output import note

    url, name, rest = split_endpoint(words)
    if not wait and (within is not None or output is not None):
        raise click.UsageError("--within and -o need --wait")
    with settings.client(url) as client:
        method = _find(client, name)
        given = parse(method.endpoint, rest, data)
        task = method.submit(*given.args, **given.kwargs)
        if not wait:
            _print(settings, task.id, {"task_id": task.id})
            return
        if not settings.is_json:
            note(f"task {task.id}")
        _show_result(settings, client, name, output, lambda method: method.result(task.id, within))


@cli.command(
    examples=[("bento-client status :3000 train $id", "pending, in_progress, completed, failed or canceled")],
    help="Print the status of a task.",
)
@_task
@click.pass_obj
def status(settings: Settings, words: tuple[str, ...]) -> None:
    """Print the status of a task."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        found = _find(client, name).get_status(task_id).value
    _print(settings, found, {"task_id": task_id, "status": found})


@cli.command(
    examples=[("bento-client wait :3000 train $id --within 600 && bento-client get :3000 train $id", "")],
    help="Wait until a task has ended, and print its status; exit code 1 unless it is completed.",
)
@_task
@_within
@click.pass_obj
def wait(settings: Settings, words: tuple[str, ...], within: float | None) -> None:
    """Wait until a task has ended."""
    from bento_proto import ResultStatus

    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        found = _find(client, name).wait(task_id, within)
    _print(settings, found.value, {"task_id": task_id, "status": found.value})
    if found is not ResultStatus.COMPLETED:
        raise CommandFailed(f"the task {task_id} is {found.value}", FAILED)


@cli.command(
    examples=[("bento-client get :3000 train $id -o model.bin", "exit code 5 until the task is completed")],
    help="Print or save the result of a completed task.",
)
@_task
@_output
@click.pass_obj
def get(settings: Settings, words: tuple[str, ...], output: str | None) -> None:
    """Print or save the result of a completed task."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        _show_result(settings, client, name, output, lambda method: method.get(task_id))


@cli.command(
    examples=[("bento-client cancel :3000 train $id", "BentoCloud can; BentoML's own server can't")],
    help="Cancel a task.",
)
@_task
@click.pass_obj
def cancel(settings: Settings, words: tuple[str, ...]) -> None:
    """Cancel a task."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        _find(client, name).cancel(task_id)
    _print(settings, "canceled", {"task_id": task_id, "status": "canceled"})


@cli.command(
    examples=[("id=$(bento-client retry :3000 train $id)", "")],
    help="Run a task again, with the same input; print the new task's id.",
)
@_task
@click.pass_obj
def retry(settings: Settings, words: tuple[str, ...]) -> None:
    """Run a task again."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        task = _find(client, name).retry(task_id)
    _print(settings, task.id, {"task_id": task.id, "retry_of": task_id})


@cli.command(
    examples=[("bento-client schema :3000 > schema.json", "")],
    help="Print the schema of the Service, as the Service sends it.",
)
@_url
@_output
@click.pass_obj
def schema(settings: Settings, words: tuple[str, ...], output: str | None) -> None:
    """Print the schema of the Service."""
    from urllib.parse import urlsplit

    from bento_proto import NotFound

    from ._output import Output, on_terminal

    url = _only_url(words)
    with settings.client(url) as client:
        try:
            content = client.request("GET", "/schema.json").raise_for_status()
        except NotFound:
            client.connect()  # under a path prefix, the schema is at the root; if there is no Service, this says so
            with settings.client(urlsplit(url)._replace(path="").geturl()) as other:
                content = other.request("GET", "/schema.json").raise_for_status()
    is_shown = settings.is_json or (output is None and on_terminal())
    Output(settings, "schema", output).show(content.json() if is_shown else content.content)


@cli.command(
    examples=[
        ("bento-client types :3000 > summarizer.py", ""),
        ("bento-client types :3000 --async --name Summarizer -o summarizer.py", ""),
        ("bento-client types :3000 --check summarizer.py", "in CI: exit code 1 once the module no longer fits"),
    ],
    help="Write a Python module with typed clients of the Service, or check that one still fits.",
)
@_url
@click.option("--sync", "kind", flag_value="sync", help="Write the sync client only.")
@click.option("--async", "kind", flag_value="async", help="Write the async client only.")
@click.option("--both", "kind", flag_value="both", default="both", help="Write both (the default).")
@click.option("--name", metavar="CLASS", help="Name the client's class; by default after the Service.")
@click.option(
    "--check",
    "checked",
    type=click.Path(),
    metavar="FILE",
    help="Write nothing; print what has changed since FILE was written.",
)
@_output
@click.pass_obj
def types(
    settings: Settings, words: tuple[str, ...], kind: str, name: str | None, checked: str | None, output: str | None
) -> None:
    """Write or check typed clients of the Service."""
    from bento_client.codegen import check, generate

    from ._output import Output, line

    url = _only_url(words)
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
        raise CommandFailed(f"{checked} no longer fits the Service ({count}); write it again with: bento-client types")


cli.add_command(_map.command)
cli.add_command(_bench.command)
cli.add_command(_mcp.command)


@cli.command(
    examples=[
        ('eval "$(bento-client completion bash)"', "in ~/.bashrc"),
        ("bento-client completion fish > ~/.config/fish/completions/bento-client.fish", ""),
    ],
    help="Print the script that makes a shell complete commands, endpoints and arguments.",
)
@click.argument("shell", type=click.Choice(list(_completion.SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    root = context.find_root()
    name = str(root.info_name)
    _completion.complete(root.command, name, f"_{name.replace('-', '_').upper()}_COMPLETE", f"{shell}_source")


def _find(client: SyncHTTPClient, name: str) -> EndpointMethod:
    """The method of an endpoint, also where no attribute has its name.

    Raises:
        click.UsageError: there is no such endpoint; the message names similar ones.
        BentoMLException: the schema can't be read.
    """
    from bento_proto.schema import ALIAS, unknown_endpoint
    from bento_sync import EndpointMethod

    found = client.endpoints
    if name in found:
        for attribute in (name, ALIAS + name):
            method = getattr(client, attribute, None)
            if isinstance(method, EndpointMethod) and method.endpoint.name == name:
                return method
    message = unknown_endpoint(client.connect(), name)
    if name in cli.commands:
        message += f"; a command is the first word, as in: bento-client {name} {client.url}"
    raise click.UsageError(message)


def _show_result(
    settings: Settings,
    client: SyncHTTPClient,
    name: str,
    output: str | None,
    get: Callable[[EndpointMethod], object],
) -> None:
    """Get a result from an endpoint, and print or save it."""
    from bento_sync import Stream

    from ._output import Output, ProgressBar

    out = Output(settings, name, output)
    with out.downloads() as directory:
        is_stream = _find(client, name).endpoint.output.is_stream
        with ProgressBar(settings, downloads=not is_stream) as bar:
            view = client.with_options(download_dir=directory, on_progress=bar.update)
            value = get(_find(view, name))
        if isinstance(value, Stream):
            with value:
                out.show_stream(cast("Stream[object]", value))
        else:
            out.show(value)


def _show_events(settings: Settings, method: EndpointMethod, given: Arguments, output: str | None) -> None:
    """Call an endpoint and print its server-sent events: their data, or with --json all their fields."""
    from ._output import Output

    with method.events(*given.args, **given.kwargs) as stream:
        items = (
            {"event": event.event, "data": event.data, "id": event.id, "retry": event.retry}
            if settings.is_json
            else f"{event.data}\n"
            for event in stream
        )
        Output(settings, method.endpoint.name, output).show_stream(items)


def _print(settings: Settings, text: str, document: dict[str, str]) -> None:
    from ._output import line

    line(json.dumps(document) if settings.is_json else text)


def _only_url(words: tuple[str, ...]) -> str:
    url, rest = split_url(words)
    if rest:
        raise click.UsageError(f"unexpected argument {rest[0]!r}")
    return url


def _named_task(words: tuple[str, ...]) -> tuple[str, str, str]:
    url, rest = split_url(words)
    if len(rest) != 2:
        raise click.UsageError("ENDPOINT and TASK_ID are needed, as submit printed it")
    return url, rest[0], rest[1]
