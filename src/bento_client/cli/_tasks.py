"""The commands for tasks."""

from __future__ import annotations

import json
from typing import Final

import click

from . import _completion
from ._command import Command, find
from ._commands import ARGUMENTS, named_endpoint, show_result
from ._failures import FAILED, Failed
from ._settings import Settings, split_url

_TASK: Final = click.argument(
    "words", nargs=-1, metavar="[URL] ENDPOINT TASK_ID", shell_complete=_completion.words(tasks=True)
)
_OUTPUT: Final = click.option(
    "-o", "--output", type=click.Path(), metavar="DEST", help="Save the result there; see call --help."
)
_WITHIN: Final = click.option("--within", type=float, metavar="SECONDS", help="Wait no longer than that (exit code 4).")


@click.command(
    cls=Command,
    examples=[
        ("id=$(bento-client submit :3000 train steps=100)", ""),
        ("bento-client get :3000 train $id", ""),
        ("bento-client submit :3000 train steps=5 --wait --within 600 -o model.bin", ""),
    ],
    help=f"Queue a call as a task and print the task's id, or with --wait its result.{ARGUMENTS}",
)
@click.argument(
    "words",
    nargs=-1,
    metavar="[URL] ENDPOINT [ARGUMENT]...",
    shell_complete=_completion.words(tasks=True, arguments=True),
)
@click.option(
    "-d", "--data", type=click.Path(), metavar="FILE|-", help="Take the arguments from a JSON object in a file."
)
@click.option("--wait", is_flag=True, help="Wait until it is over, and print its result.")
@_WITHIN
@_OUTPUT
@click.pass_obj
def submit(
    settings: Settings,
    words: tuple[str, ...],
    data: str | None,
    wait: bool,
    within: float | None,
    output: str | None,
) -> None:
    """Queue a call as a task."""
    from ._arguments import parse
    from ._output import note

    url, name, rest = named_endpoint(words)
    if not wait and (within is not None or output is not None):
        raise click.UsageError("--within and -o need --wait")
    with settings.client(url) as client:
        method = find(client, name)
        given = parse(method.endpoint, rest, data)
        task = method.submit(*given.args, **given.kwargs)
        if not wait:
            _tell(settings, task.id, {"task_id": task.id})
            return
        if not settings.is_json:
            note(f"task {task.id}")
        show_result(settings, client, name, output, lambda method: method.result(task.id, within))


@click.command(
    cls=Command,
    examples=[("bento-client status :3000 train $id", "pending, in_progress, completed, failed or canceled")],
    help="Say where a task stands.",
)
@_TASK
@click.pass_obj
def status(settings: Settings, words: tuple[str, ...]) -> None:
    """Where a task stands."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        found = find(client, name).get_status(task_id).value
    _tell(settings, found, {"task_id": task_id, "status": found})


@click.command(
    cls=Command,
    examples=[("bento-client get :3000 train $id -o model.bin", "exit code 5 while it is not over")],
    help="Print or save the result of a task that is over.",
)
@_TASK
@_OUTPUT
@click.pass_obj
def get(settings: Settings, words: tuple[str, ...], output: str | None) -> None:
    """The result of a task."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        show_result(settings, client, name, output, lambda method: method.get(task_id))


@click.command(
    cls=Command,
    examples=[("bento-client wait :3000 train $id --within 600 && bento-client get :3000 train $id", "")],
    help="Wait until a task is over, and say how it ended; exit code 1 if it is not completed.",
)
@_TASK
@_WITHIN
@click.pass_obj
def wait(settings: Settings, words: tuple[str, ...], within: float | None) -> None:
    """Wait until a task is over."""
    from bento_proto import ResultStatus

    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        found = find(client, name).wait(task_id, within)
    _tell(settings, found.value, {"task_id": task_id, "status": found.value})
    if found is not ResultStatus.COMPLETED:
        raise Failed(f"the task {task_id} is {found.value}", FAILED)


@click.command(
    cls=Command,
    examples=[("bento-client cancel :3000 train $id", "BentoML's own server never can; BentoCloud does")],
    help="Cancel a task.",
)
@_TASK
@click.pass_obj
def cancel(settings: Settings, words: tuple[str, ...]) -> None:
    """Cancel a task."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        find(client, name).cancel(task_id)
    _tell(settings, "canceled", {"task_id": task_id, "status": "canceled"})


@click.command(
    cls=Command,
    examples=[("id=$(bento-client retry :3000 train $id)", "")],
    help="Run a task again, with the same input; print the new task's id.",
)
@_TASK
@click.pass_obj
def retry(settings: Settings, words: tuple[str, ...]) -> None:
    """Run a task again."""
    url, name, task_id = _named_task(words)
    with settings.client(url) as client:
        task = find(client, name).retry(task_id)
    _tell(settings, task.id, {"task_id": task.id, "retry_of": task_id})


def _named_task(words: tuple[str, ...]) -> tuple[str, str, str]:
    url, rest = split_url(words)
    if len(rest) != 2:
        raise click.UsageError("an endpoint and the id of a task are due")
    return url, rest[0], rest[1]


def _tell(settings: Settings, text: str, document: dict[str, str]) -> None:
    from ._output import line

    line(json.dumps(document) if settings.is_json else text)
