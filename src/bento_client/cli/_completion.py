"""Shell completion of commands, options, and the endpoints and arguments that the Service itself describes."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from ._settings import Settings, split_url
from ._shells import Bash, Fish, Zsh
from ._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bento_proto import Endpoint
    from bento_proto.schema import Parameter

SHELLS: Final = {"bash": Bash, "zsh": Zsh, "fish": Fish}

# bash inserts a word as it is, and a Service chooses the names: offer only words that no shell interprets, and no word
# that the command line would take for an option.
_SAFE: Final = re.compile(r"(?!-)[\w.,:=@%+/-]+")


def complete(cli: click.Command, name: str, variable: str, instruction: str) -> int:
    """Answer a shell; return the exit code.

    Args:
        cli: the command.
        name: the command's name.
        variable: the environment variable that holds the instruction.
        instruction: ``bash_source`` to print the script, ``bash_complete`` to print completions; likewise for zsh and
            fish.
    """
    shell, _, task = instruction.partition("_")
    kind = SHELLS.get(shell)
    if kind is None or task not in ("source", "complete"):
        return 1
    completion = kind(cli, {}, name, variable)
    if task == "source":
        sys.stdout.write(completion.source() + "\n")
        return 0
    try:
        sys.stdout.write(completion.complete() + "\n")
    except Exception:  # noqa: BLE001 - an error must not disturb the line that is being typed
        return 1
    return 0


def words(*, tasks: bool = False, arguments: bool = False) -> Callable[..., list[CompletionItem]]:
    """A function that completes the words of a command.

    Args:
        tasks: whether to offer tasks only.
        arguments: whether arguments follow the endpoint, rather than a task's id.
    """

    def complete_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("@") or "=@" in incomplete:
            return [CompletionItem(incomplete, type="file")]
        try:
            settings = context.find_object(Settings) or Settings()
            url, given = split_url(context.params.get(parameter.name or "") or ())
            with settings.client(url, quick=True) as client:
                endpoints = client.endpoints
        except Exception:  # noqa: BLE001 - without a Service there is nothing to offer
            return []
        if not given:
            found = [_endpoint(endpoint) for endpoint in endpoints.values() if endpoint.is_task or not tasks]
        elif arguments and given[0] in endpoints:
            found = list(_arguments(endpoints[given[0]], given[1:], incomplete))
        else:
            found = []
        return [item for item in found if item.value.startswith(incomplete) and _SAFE.fullmatch(item.value)]

    return complete_words


def _endpoint(endpoint: Endpoint) -> CompletionItem:
    return CompletionItem(endpoint.name, help=one_line((endpoint.doc or "").strip().partition("\n")[0]) or None)


def _arguments(endpoint: Endpoint, given: Sequence[str], incomplete: str) -> Iterator[CompletionItem]:
    key, equals, _ = incomplete.partition("=")
    had = {word.partition("=")[0].removesuffix(":") for word in given}
    for parameter in endpoint.root_fields or endpoint.parameters:
        if equals and parameter.name == key:
            yield from (CompletionItem(f"{key}={value}") for value in _values(parameter))
        elif parameter.name and (parameter.name not in had or parameter.many):
            yield CompletionItem(parameter.name + "=", help=_description(parameter))


def _values(parameter: Parameter) -> Iterator[str]:
    if parameter.schema.get("type") == "boolean":
        yield from ("true", "false")
    values = parameter.schema.get("enum")
    for value in values if isinstance(values, list) else ():
        # A value that begins with @ must be typed as @@, or the file of that name would be sent.
        yield f"@{value}" if isinstance(value, str) and value.startswith("@") else str(value)


def _description(parameter: Parameter) -> str | None:
    description = parameter.schema.get("description")
    if isinstance(description, str):
        return one_line(description.partition("\n")[0])
    return "a file: @PATH" if parameter.is_file else None
