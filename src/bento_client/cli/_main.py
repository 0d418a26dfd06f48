"""The entry point: run a command and turn its outcome into an exit code and at most one line of error."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_NAME: Final = "bento-client"
_COMPLETE: Final = "_BENTO_CLIENT_COMPLETE"  # set by the shells' completion scripts; click derives it from the name
_INTERRUPTED: Final = 130  # 128 + SIGINT, as in shells
_BROKEN_PIPE: Final = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: the command line without the program's name; by default this process's own.

    Returns:
        The exit code; ``bento-client --help`` lists them.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the shell (>&-): treat it as /dev/null
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open until the end
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # the terminal's encoding may lack characters
    if importlib.util.find_spec("click") is None or importlib.util.find_spec("rich") is None:
        sys.stderr.write("the command line needs its extra: pip install 'bento-client[cli]'\n")
        return 2
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of standard output, such as `head`, has exited
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # keeps Python from failing to flush at exit
        return _BROKEN_PIPE
    return code


def _run(arguments: Sequence[str]) -> int:
    from click.exceptions import Exit

    from ._commands import cli

    instruction = os.environ.get(_COMPLETE)
    if instruction:
        from ._completion import complete

        return complete(cli, _NAME, _COMPLETE, instruction)
    if not arguments:
        with cli.make_context(_NAME, [], resilient_parsing=True) as context:
            sys.stderr.write(cli.get_help(context) + "\n")
        return 2
    try:
        with cli.make_context(_NAME, list(arguments)) as context:
            cli.invoke(context)
    except Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as exc:  # noqa: BLE001 - every error is reported in one line
        from ._errors import report

        return report(exc, arguments)
    return 0
