"""What the commands have in common: the options of all of them, the way their help looks, and finding endpoints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from ._failures import EXIT_CODES
from ._settings import TOKEN_VARIABLE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bento_sync import EndpointMethod, SyncHTTPClient


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Note an option that was given, before the command's name or after it."""
    settings = context.ensure_object(Settings)
    name = str(parameter.name)
    if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
        if isinstance(value, tuple):
            value = (*settings.headers, *cast("tuple[str, ...]", value))
        setattr(settings, name, value)


class CommonOption(click.Option):
    """An option of every command."""

    def __init__(
        self,
        *declarations: str,
        help: str,
        metavar: str | None = None,
        type: type[float] | click.Path | None = None,
        is_flag: bool | None = None,
        count: bool = False,
        multiple: bool = False,
    ) -> None:
        super().__init__(
            declarations,
            help=help,
            metavar=metavar,
            type=type,
            is_flag=is_flag,
            count=count,
            multiple=multiple,
            expose_value=False,
            callback=_keep,
        )


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from bento_proto import __version__

        click.echo(f"bento-client {__version__}")
        context.exit()


def common_options() -> list[click.Option]:
    """The options of every command, made anew for each."""
    return [
        CommonOption("--timeout", type=float, metavar="SECONDS", help="For each single wait (30)."),
        CommonOption("--total-timeout", type=float, metavar="SECONDS", help="For the whole call, retries included."),
        CommonOption("--wait-ready", type=float, metavar="SECONDS", help="For the Service to become ready (0)."),
        CommonOption("--retries", type=int, metavar="N", help="Of what can do no harm (2)."),
        CommonOption(
            "--token-file", type=click.Path(), metavar="PATH|-", help="Read the token from a file, or a line of stdin."
        ),
        CommonOption(
            "--token", metavar="TOKEN", help=f"Seen in the process list! Better set {TOKEN_VARIABLE} instead."
        ),
        CommonOption(
            "--header", "headers", multiple=True, metavar="'NAME: VALUE'|@FILE", help="Send it, too. Repeatable."
        ),
        CommonOption("--proxy", metavar="URL", help="Go through it; '' for none. Else as HTTPS_PROXY ... say."),
        CommonOption("--ca-file", type=click.Path(), metavar="PATH", help="Trust these certificates, in PEM format."),
        CommonOption("--system-trust", is_flag=True, help="Trust what the operating system trusts."),
        CommonOption(
            "--client-cert", type=click.Path(), metavar="PATH", help="The client's own certificate, in PEM format."
        ),
        CommonOption(
            "--client-key", type=click.Path(), metavar="PATH", help="Its private key, if that is in another file."
        ),
        CommonOption("--json", "is_json", is_flag=True, help="Print JSON only, errors too."),
        CommonOption("--no-color", "no_color", is_flag=True, help="No colors (also: NO_COLOR)."),
        CommonOption("-v", "--verbose", "verbosity", count=True, help="Say what happens; -vv says more."),
        CommonOption("--debug", is_flag=True, help="Show the traceback of an error."),
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
        ),
    ]


class Command(click.Command):
    """A command with the common options, whose help shows examples.

    Args:
        name: its name.
        callback: what it does.
        params: its own options and arguments.
        help: what is said of it; in the list of the commands up to the first stop.
        examples: command lines, and with each what is to be said of it.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        callback: Callable[..., None] | None = None,
        params: list[click.Parameter] | None = None,
        help: str | None = None,
        examples: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(
            name,
            callback=callback,
            params=[*(params or ()), *common_options()],
            help=help,
            short_help=re.split("[.,:;]", help or "", maxsplit=1)[0],
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self.examples: Sequence[tuple[str, str]] = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):  # the usage shows it, and the text above explains it
                continue
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_own = not isinstance(parameter, CommonOption) and parameter.name not in ("help", "version")
                (own if is_own else common).append(record)
        for title, records in (("Options", own), ("Options of every command", common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        if self.examples:
            with formatter.section("Examples"):
                for line, comment in self.examples:
                    indent = " " * formatter.current_indent
                    formatter.write((f"{indent}# {comment}\n" if comment else "") + f"{indent}{line}\n")


class Commands(Command, click.Group):
    """The commands, in the order in which they are needed, and what their exit codes mean."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES])


def find(client: SyncHTTPClient, name: str) -> EndpointMethod:
    """The method for an endpoint, whatever its name.

    Raises:
        click.UsageError: there is none; the message names those that are like it.
        BentoMLException: the Service can't be reached.
    """
    from bento_proto.schema import ALIAS
    from bento_sync import EndpointMethod

    endpoints = client.endpoints
    if name in endpoints:
        for attribute in (name, ALIAS + name):
            method = getattr(client, attribute, None)
            if isinstance(method, EndpointMethod) and method.endpoint.name == name:
                return method
    import difflib

    like = difflib.get_close_matches(name, endpoints, n=3)
    hint = f"; did you mean {' or '.join(like)}?" if like else f"; bento-client endpoints {client.url} lists them"
    raise click.UsageError(f"the Service has no endpoint {name!r}{hint}")
