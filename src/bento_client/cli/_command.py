"""How a command looks: the options that all commands share, and the layout of its help."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from ._errors import EXIT_CODES
from ._settings import TOKEN_VARIABLE, Settings, has_url, is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class CommonOption(click.Option):
    """An option of every command. Its value goes to `Settings`, wherever on the command line it stands."""

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
            callback=_store,
        )


def _store(context: click.Context, parameter: click.Parameter, value: object) -> None:
    settings = context.ensure_object(Settings)
    name = str(parameter.name)
    if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
        if isinstance(value, tuple):
            value = (*settings.headers, *cast("tuple[str, ...]", value))
        setattr(settings, name, value)


def common_options() -> list[click.Option]:
    """New instances of the options that every command has."""
    return [
        CommonOption("--timeout", type=float, metavar="SECONDS", help="Limit each single wait (default 30)."),
        CommonOption("--total-timeout", type=float, metavar="SECONDS", help="Limit the whole call, retries included."),
        CommonOption(
            "--wait-ready", type=float, metavar="SECONDS", help="Wait for the Service to become ready (default 0)."
        ),
        CommonOption("--retries", type=int, metavar="N", help="Retry what is safe to repeat (default 2)."),
        CommonOption(
            "--token-file",
            type=click.Path(),
            metavar="PATH|-",
            help="Read the token from a file, or from the first line of stdin.",
        ),
        CommonOption("--token", metavar="TOKEN", help=f"Shown in the process list! Prefer {TOKEN_VARIABLE}."),
        CommonOption(
            "--header", "headers", multiple=True, metavar="'NAME: VALUE'|@FILE", help="Add a header. Repeatable."
        ),
        CommonOption("--proxy", metavar="URL", help="Use this proxy, '' for none (default: HTTPS_PROXY ...)."),
        CommonOption("--ca-file", type=click.Path(), metavar="PATH", help="Trust the CA certificates in a PEM file."),
        CommonOption("--system-trust", is_flag=True, help="Trust the operating system's certificate store."),
        CommonOption("--client-cert", type=click.Path(), metavar="PATH", help="Use a client certificate, in PEM."),
        CommonOption(
            "--client-key", type=click.Path(), metavar="PATH", help="Its private key, if in a file of its own."
        ),
        CommonOption("--json", "is_json", is_flag=True, help="Print JSON only, errors included."),
        CommonOption("--no-color", "no_color", is_flag=True, help="Use no colors (also: NO_COLOR)."),
        CommonOption("-v", "--verbose", "verbosity", count=True, help="Log each request; -vv logs more."),
        CommonOption("--debug", is_flag=True, help="Show the traceback of an error."),
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
        ),
    ]


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from bento_proto import __version__

        click.echo(f"bento-client {__version__}")
        context.exit()


class Command(click.Command):
    """A command with the common options and with examples in its help.

    Args:
        name: the command's name.
        callback: the function that runs it.
        params: its own options and arguments.
        help: the help text; the list of commands shows it up to the first punctuation mark.
        examples: pairs of a command line and a comment, which may be empty.
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
            if isinstance(parameter, click.Argument):  # the usage line and the help text describe it
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


def _as_call(program: str, words: Sequence[str]) -> str:
    """The command line of a call for one on which the command is missing, and the URL may be in the second place."""
    url: Sequence[str] = () if has_url() else ("URL",)
    if len(words) > 1 and "=" not in words[1] and is_url(words[1]):
        url, words = (words[1],), [words[0], *words[2:]]
    return shlex.join([program, "call", *url, *words])


class CommandGroup(Command, click.Group):
    """All commands, in the order of their definition, and the exit codes.

    A URL in place of the command lists the endpoints, or calls the one that follows.
    """

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in self.commands and is_url(word):  # the command is left out
            following = args[1] if len(args) > 1 else "-"
            is_call = not following.startswith("-") or following.startswith(("-d", "--data"))
            name = "call" if is_call else "endpoints"
            return name, self.commands[name], args
        if not ctx.resilient_parsing and not word.startswith("-") and word not in self.commands:
            from bento_proto.schema import near_names

            hint = (
                near_names(word, (*self.commands, "--help", "--version"))
                or f"; to call an endpoint, use: {_as_call(ctx.command_path, args)}"
            )
            raise click.UsageError(f"No such command {word!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES])
