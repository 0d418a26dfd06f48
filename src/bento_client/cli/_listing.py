"""The endpoints of a Service: for people on a terminal, for programs as lines or as JSON."""

from __future__ import annotations

import json
import shlex
from inspect import cleandoc
from typing import TYPE_CHECKING, Final

from bento_proto.schema import Parameter, arguments_of, example_value, returns_of, signature_text, summary_of

from ._output import console, line, on_terminal
from ._text import harmless, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from bento_proto import JSON, Endpoint, Service

    from ._settings import Settings

_INDENT: Final = 4


def show_endpoints(settings: Settings, url: str, service: Service) -> None:
    """Print all endpoints: a table on a terminal, tab-separated lines in a pipe, or a JSON document."""
    if settings.is_json:
        line(
            json.dumps(
                {"name": service.name, "url": url, "endpoints": [_as_json(e) for e in service.endpoints.values()]}
            )
        )
    elif on_terminal():
        _show_table(settings, url, service)
    else:
        for endpoint in service.endpoints.values():
            line("\t".join((one_line(endpoint.name), _kinds(endpoint), signature_text(endpoint), summary_of(endpoint))))


def _show_table(settings: Settings, url: str, service: Service) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console(settings)
    out.print(Text.assemble((one_line(service.name), "bold"), f" at {url}", style="not dim"))
    if service.description:
        out.print(Text(harmless(service.description.strip())))
    out.print()
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    table.add_column("kind", style="yellow", no_wrap=True)
    table.add_column("endpoint", overflow="fold")
    for endpoint in service.endpoints.values():
        table.add_row(_kinds(endpoint), _styled(endpoint))
        if summary_of(endpoint):
            table.add_row("", Text("  " + summary_of(endpoint), style="dim"))
    out.print(table)


def show_endpoint(settings: Settings, url: str, endpoint: Endpoint) -> None:
    """Print one endpoint: its signature, its documentation, and an example of a call."""
    if settings.is_json:
        line(json.dumps(_as_json(endpoint)))
        return
    if on_terminal():
        console(settings).print(_styled(endpoint))
    else:
        line(f"{endpoint.name}{signature_text(endpoint)}")
    line("")
    kinds = _kinds(endpoint)
    if endpoint.doc and endpoint.doc.strip():
        line(_indented(cleandoc(endpoint.doc).splitlines()))
    for title, lines in (("Arguments:", arguments_of(endpoint)), ("Result:", returns_of(endpoint))):
        if lines:
            line(_indented([title, *(" " * _INDENT + each for each in lines)]))
    line(f"{'Route:':<9}{one_line(endpoint.route)}" + (f"\n{'Kind:':<9}{kinds}" if kinds else ""))
    line(f"{'Example:':<9}{_example(url, endpoint)}")


def _indented(lines: Sequence[str]) -> str:
    return harmless("".join(f"{' ' * _INDENT}{each}\n" if each else "\n" for each in lines))


def _example(url: str, endpoint: Endpoint) -> str:
    """A command line, quoted for the shell; the Service chose the names in it."""
    required = [parameter for parameter in endpoint.root_fields or endpoint.parameters if parameter.required]
    required += [Parameter(name, {}, required=True) for name in endpoint.path_parameters]
    names = (endpoint.name, *(parameter.name for parameter in required))
    words = ["bento-client", "submit" if endpoint.is_task else "call", shlex.quote(url)]
    if any(name.startswith("-") for name in names):
        words.append("--")
    return " ".join((*words, _quoted(endpoint.name), *(_placeholder(parameter, endpoint) for parameter in required)))


def _quoted(text: str) -> str:
    # One that can't be typed, and so can't be copied, is escaped for the eye.
    return shlex.quote(one_line(text))


def _placeholder(parameter: Parameter, endpoint: Endpoint) -> str:
    key = f"{_quoted(parameter.name)}=" if parameter.name else ""
    if parameter.is_file:
        return f"{key}@PATH"
    value = example_value(parameter, endpoint)
    if value is None or isinstance(value, bytes) or value in ("text", "anything"):
        return f"{key}'...'"
    if isinstance(value, str):
        return key + _quoted(f"@{value}" if value.startswith("@") else value)
    return key + _quoted(json.dumps(value, ensure_ascii=False, default=str))


def _kinds(endpoint: Endpoint) -> str:
    found = (("task", endpoint.is_task), ("stream", endpoint.output.is_stream), ("batch", endpoint.batchable))
    return ",".join(kind for kind, holds in found if holds)


def _styled(endpoint: Endpoint) -> Text:
    from rich.text import Text

    return Text.assemble((one_line(endpoint.name), "bold cyan"), signature_text(endpoint))


def _as_json(endpoint: Endpoint) -> dict[str, JSON]:
    return {
        "name": endpoint.name,
        "route": endpoint.route,
        "signature": signature_text(endpoint),
        "doc": endpoint.doc,
        "is_task": endpoint.is_task,
        "is_stream": endpoint.output.is_stream,
        "batchable": endpoint.batchable,
        "root_input": endpoint.root_input,
        "parameters": [_parameter(parameter) for parameter in endpoint.parameters],
        "returns": endpoint.output.kind.value,
    }


def _parameter(parameter: Parameter) -> dict[str, JSON]:
    described: dict[str, JSON] = {"name": parameter.name, "required": parameter.required, "default": parameter.default}
    return {**described, "is_file": parameter.is_file, "many": parameter.many, "schema": dict(parameter.schema)}
